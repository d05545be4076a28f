//! Patterns, and what Go 1.26's `regexp.Compile` says of them.

use super::check_pattern;

fn refusal(pattern: &str) -> Option<String> {
    check_pattern(pattern).err()
}

#[test]
fn patterns_are_taken() {
    for pattern in [
        "a",
        "a|b*",
        "(a)(?:b)(?P<n>c)(?<m>d)",
        "(?P<n>a)(?P<n>b)",
        "(?i)a(?-i)b(?i-s:c)(?U)d",
        "(?m-s)^a$",
        "a{2}b{1,}c{0,3}",
        "a{1000}",
        "a{,5}{2",
        "a{01}",
        "x{2}{",
        r"\Qa*(\E+",
        "a(?i)*",
        "^*",
        "()*",
        "|a||",
        r"[a-z\d\pL[:alpha:][:^digit:]]",
        "[]a]",
        "[^]a]",
        "[a-]",
        "[-a]",
        "[[a]]",
        r"[\d-z]",
        r"\d\D\s\S\w\W\b\B\A\z",
        r"\a\f\n\r\t\v\0\12\x41\x{1F600}\_\-\/",
        r"\<",
        r"\pL\p{Lu}\P{^Greek}\p{^Any}\p{l-u}\p{upper case letter}\p{Ascii}\p{LC}",
        r"\p{Letter}\p{Decimal_Number}\p{Cyrillic}",
        "a}b]c",
        "é+ü{2}",
    ] {
        assert_eq!(refusal(pattern), None, "{pattern}");
    }
}

#[test]
fn patterns_are_refused() {
    for (pattern, expected) in [
        (r"\Q\E*", "missing argument to repetition operator: `*`"),
        ("a**", "invalid nested repetition operator: `**`"),
        ("a*??", "invalid nested repetition operator: `*??`"),
        ("a+*", "invalid nested repetition operator: `+*`"),
        ("a{2}{3}", "invalid nested repetition operator: `{2}{3}`"),
        ("a{1001}", "invalid repeat count: `{1001}`"),
        ("a{3,2}", "invalid repeat count: `{3,2}`"),
        ("a{99999999999}", "invalid repeat count: `{99999999999}`"),
        ("(a{100}){11}", "invalid repeat count: `{11}`"),
        ("((a{2,}){501,}){1,}", "invalid repeat count: `{501,}`"),
        ("*", "missing argument to repetition operator: `*`"),
        ("a|*", "missing argument to repetition operator: `*`"),
        ("(*)", "missing argument to repetition operator: `*`"),
        ("(?i)*", "missing argument to repetition operator: `*`"),
        ("(?:{2})", "missing argument to repetition operator: `{2}`"),
        ("(", "missing closing ): `(`"),
        ("a(b", "missing closing ): `a(b`"),
        ("(?:", "missing closing ): `(?:`"),
        (")", "unexpected ): `)`"),
        ("a)b", "unexpected ): `a)b`"),
        ("a|b)", "unexpected ): `a|b)`"),
        ("[&&~~--]", "invalid character class range: `~--`"),
        ("[a", "missing closing ]: `[a`"),
        ("[]", "missing closing ]: `[]`"),
        ("[^", "missing closing ]: `[^`"),
        ("[z-a]", "invalid character class range: `z-a`"),
        (r"[a-\d]", r"invalid escape sequence: `\d`"),
        ("[[:foo:]]", "invalid character class range: `[:foo:]`"),
        ("[[:alpha:", "missing closing ]: `[[:alpha:`"),
        (r"[\q]", r"invalid escape sequence: `\q`"),
        (r"[\b]", r"invalid escape sequence: `\b`"),
        (r"\Z", r"invalid escape sequence: `\Z`"),
        (r"\C", r"invalid escape sequence: `\C`"),
        (r"\1", r"invalid escape sequence: `\1`"),
        (r"\8", r"invalid escape sequence: `\8`"),
        (r"\q", r"invalid escape sequence: `\q`"),
        (r"\é", r"invalid escape sequence: `\é`"),
        (r"\x", r"invalid escape sequence: `\x`"),
        (r"\x4", r"invalid escape sequence: `\x4`"),
        (r"\x4g", r"invalid escape sequence: `\x4g`"),
        (r"\x{}", r"invalid escape sequence: `\x{}`"),
        (r"\x{110000}", r"invalid escape sequence: `\x{110000`"),
        (r"\x{41", r"invalid escape sequence: `\x{41`"),
        (r"\u0041", r"invalid escape sequence: `\u`"),
        (r"\p{Old_Italic}", r"invalid character class range: `\p{Old_Italic}`"),
        (r"\p{Foo}", r"invalid character class range: `\p{Foo}`"),
        (r"\pX", r"invalid character class range: `\pX`"),
        (r"\p", r"invalid character class range: `\p`"),
        (r"\p{", r"invalid character class range: `\p{`"),
        (r"\p{}", r"invalid character class range: `\p{}`"),
        (r"\p{IsGreek}", r"invalid character class range: `\p{IsGreek}`"),
        (r"\p{Script=Greek}", r"invalid character class range: `\p{Script=Greek}`"),
        ("(?", "invalid or unsupported Perl syntax: `(?`"),
        ("(?P", "invalid or unsupported Perl syntax: `(?P`"),
        ("(?P<", "invalid or unsupported Perl syntax: `(?P`"),
        ("(?P<n", "invalid named capture: `(?P<n`"),
        ("(?P<>a)", "invalid named capture: `(?P<>`"),
        ("(?P<a b>c)", "invalid named capture: `(?P<a b>`"),
        ("(?P=n)", "invalid or unsupported Perl syntax: `(?P`"),
        ("(?P>n)", "invalid or unsupported Perl syntax: `(?P`"),
        ("(?<n", "invalid named capture: `(?<n`"),
        ("(?<=a)", "invalid named capture: `(?<=a)`"),
        ("(?<!a)", "invalid named capture: `(?<!a)`"),
        ("(?=a)", "invalid or unsupported Perl syntax: `(?=`"),
        ("(?!a)", "invalid or unsupported Perl syntax: `(?!`"),
        ("(?>a)", "invalid or unsupported Perl syntax: `(?>`"),
        ("(?#a)", "invalid or unsupported Perl syntax: `(?#`"),
        ("(?x)a", "invalid or unsupported Perl syntax: `(?x`"),
        ("(?R)", "invalid or unsupported Perl syntax: `(?R`"),
        ("(?-)", "invalid or unsupported Perl syntax: `(?-)`"),
        ("(?--i)", "invalid or unsupported Perl syntax: `(?--`"),
        ("(?i-)", "invalid or unsupported Perl syntax: `(?i-)`"),
        ("(?i", "invalid or unsupported Perl syntax: `(?i`"),
        ("(?'n'a)", "invalid or unsupported Perl syntax: `(?'`"),
        (r"\", "trailing backslash at end of expression: ``"),
        (r"a\", "trailing backslash at end of expression: ``"),
    ] {
        assert_eq!(refusal(pattern), Some(format!("error parsing regexp: {expected}")));
    }
}

/// Patterns that Go refuses for their size, and smaller ones that Go takes and that are too much here.
#[test]
fn large_patterns_are_refused() {
    let nested = |times: usize| format!("{}a{}", "(".repeat(times), ")".repeat(times));
    for (pattern, expected) in [
        (nested(200), None),
        (nested(300), Some("expression nests too deeply")),
        (nested(1000), Some("expression nests too deeply")),
        ("((a{0,1000}){0,0}){1000}".to_owned(), Some("expression too large")),
        (format!("(?:{}){{1000}}", "[ab]".repeat(4000)), Some("expression too large")),
        ("|".repeat(3000), None),
        ("a".repeat(5000), None),
    ] {
        let expected = expected.map(|reason| format!("error parsing regexp: {reason}: `{pattern}`"));
        assert_eq!(refusal(&pattern), expected);
    }
}
