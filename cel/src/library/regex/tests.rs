//! Rows about patterns. Expected values are Go's.

use super::dialect::check_pattern;
use super::*;

#[test]
fn refused() {
    for (pattern, problem) in REFUSED {
        let expected = format!("error parsing regexp: {problem}");
        assert_eq!(check_pattern(pattern), Err(expected.clone()), "{pattern}");
        assert_eq!(Pattern::new(pattern).unwrap_err().to_string(), expected);
    }
    let dynamic = [Value::string("a"), Value::string("(")];
    assert_eq!(
        find(&dynamic).unwrap_err().to_string(),
        "Illegal regex: error parsing regexp: missing closing ): `(`"
    );
    assert_eq!(matches(&dynamic).unwrap_err().to_string(), "error parsing regexp: missing closing ): `(`");
}

#[test]
fn found() {
    for (pattern, text, all) in FOUND {
        assert_eq!(check_pattern(pattern), Ok(()), "{pattern}");
        let compiled = Pattern::new(pattern).unwrap();
        assert_eq!(&compiled.find_all(text, usize::MAX).unwrap(), all, "{pattern} in {text:?}");
        assert_eq!(
            compiled.find(text).unwrap(),
            all.first().copied().unwrap_or_default(),
            "{pattern} in {text:?}"
        );
        assert_eq!(compiled.is_match(text).unwrap(), !all.is_empty(), "{pattern} in {text:?}");
    }
}

#[test]
fn unicode() {
    for (pattern, count) in COUNTS {
        let tree = dialect::parse(pattern).unwrap();
        let classes = tree.into_classes();
        let [class] = classes.as_slice() else { panic!("{pattern}") };
        let found =
            (0..=class::LAST).filter(|char| char::from_u32(*char).is_some() && class.contains(*char)).count();
        assert_eq!(found, *count, "{pattern}");
    }
}

#[test]
fn find_all_takes_a_limit() {
    for (limit, expected) in [(-1, 3), (0, 0), (2, 2), (9, 3)] {
        let args = [Value::string("abc"), Value::string("."), Value::Int(limit)];
        let Value::List(list) = find_all(&args).unwrap() else { panic!("{args:?}") };
        assert_eq!((list.len(), list.form()), (expected, ListForm::Native));
    }
}

#[test]
fn costs() {
    for (text, pattern, expected) in [
        ("", "a", 1),
        ("aaaaaaaaaaaa", "a+", 2),
        ("ééééééééé", "éééé", 1),
        ("", "", 0),
        ("aaaaaaaaaa", "a", 2),
    ] {
        assert_eq!(
            cost(&[Value::string(text), Value::string(pattern)], &Value::Null),
            expected,
            "{text} {pattern}"
        );
    }
}

#[test]
fn work_is_bounded() {
    let deep = "(".repeat(300) + &")".repeat(300);
    for (pattern, problem) in [
        (deep.as_str(), "expression nests too deeply"),
        (&"a".repeat(20_000), "expression too large"),
        (&"(?:[a-z]{1000})".repeat(30), "expression too large"),
        (&r"[\pL\pM]".repeat(1_000), "expression too large"),
    ] {
        let error = check_pattern(pattern).unwrap_err();
        assert!(error.starts_with(&format!("error parsing regexp: {problem}: `")), "{error}");
    }
    let slow = Pattern::new(r"(?:.{1,1000}){1}x").unwrap();
    assert_eq!(
        slow.is_match(&"a".repeat(200_000)).unwrap_err().to_string(),
        "operation cancelled: actual cost limit exceeded"
    );
    let many = Pattern::new("").unwrap();
    assert_eq!(
        many.find_all(&"a".repeat(200_000), usize::MAX).unwrap_err().to_string(),
        "operation cancelled: actual cost limit exceeded"
    );
}

#[rustfmt::skip]
const REFUSED: &[(&str, &str)] = &[
    (r#"("#, r#"missing closing ): `(`"#),
    (r#"a)"#, r#"unexpected ): `a)`"#),
    (r#"(a"#, r#"missing closing ): `(a`"#),
    (r#"*"#, r#"missing argument to repetition operator: `*`"#),
    (r#"a**"#, r#"invalid nested repetition operator: `**`"#),
    (r#"a*+"#, r#"invalid nested repetition operator: `*+`"#),
    (r#"a|*"#, r#"missing argument to repetition operator: `*`"#),
    (r#"(*)"#, r#"missing argument to repetition operator: `*`"#),
    (r#"a{1001}"#, r#"invalid repeat count: `{1001}`"#),
    (r#"a{2,1}"#, r#"invalid repeat count: `{2,1}`"#),
    (r#"(a{10}){101}"#, r#"invalid repeat count: `{101}`"#),
    (r#"((a{10}){10}){11}"#, r#"invalid repeat count: `{11}`"#),
    (r#"a{100000000000}"#, r#"invalid repeat count: `{100000000000}`"#),
    (r#"[a"#, r#"missing closing ]: `[a`"#),
    (r#"[b-a]"#, r#"invalid character class range: `b-a`"#),
    (r#"[[:nope:]]"#, r#"invalid character class range: `[:nope:]`"#),
    (r#"[a-\d]"#, r#"invalid escape sequence: `\d`"#),
    (r#"\p{Nope}"#, r#"invalid character class range: `\p{Nope}`"#),
    (r#"\p"#, r#"invalid character class range: `\p`"#),
    (r#"\pX"#, r#"invalid character class range: `\pX`"#),
    (r#"\p{Greek"#, r#"invalid character class range: `\p{Greek`"#),
    (r#"[\p{Old_Italic}]"#, r#"invalid character class range: `\p{Old_Italic}`"#),
    (r#"\8"#, r#"invalid escape sequence: `\8`"#),
    (r#"\1"#, r#"invalid escape sequence: `\1`"#),
    (r#"\C"#, r#"invalid escape sequence: `\C`"#),
    (r#"\Z"#, r#"invalid escape sequence: `\Z`"#),
    (r#"\é"#, r#"invalid escape sequence: `\é`"#),
    (r#"\x"#, r#"invalid escape sequence: `\x`"#),
    (r#"\x4"#, r#"invalid escape sequence: `\x4`"#),
    (r#"\xg1"#, r#"invalid escape sequence: `\xg1`"#),
    (r#"\x{}"#, r#"invalid escape sequence: `\x{}`"#),
    (r#"\x{110000}"#, r#"invalid escape sequence: `\x{110000`"#),
    (r#"\x{41"#, r#"invalid escape sequence: `\x{41`"#),
    (r#"a\"#, r#"trailing backslash at end of expression: ``"#),
    (r#"[\"#, r#"trailing backslash at end of expression: ``"#),
    (r#"(?"#, r#"invalid or unsupported Perl syntax: `(?`"#),
    (r#"(?z)"#, r#"invalid or unsupported Perl syntax: `(?z`"#),
    (r#"(?i"#, r#"invalid or unsupported Perl syntax: `(?i`"#),
    (r#"(?i-)"#, r#"invalid or unsupported Perl syntax: `(?i-)`"#),
    (r#"(?--i)"#, r#"invalid or unsupported Perl syntax: `(?--`"#),
    (r#"(?P<n"#, r#"invalid named capture: `(?P<n`"#),
    (r#"(?P<>a)"#, r#"invalid named capture: `(?P<>`"#),
    (r#"(?<é>a)"#, r#"invalid named capture: `(?<é>`"#),
    (r#"(?P=n)"#, r#"invalid or unsupported Perl syntax: `(?P`"#),
    (r#"(?=a)"#, r#"invalid or unsupported Perl syntax: `(?=`"#),
    (r#"(?<!a)"#, r#"invalid named capture: `(?<!a)`"#),
    (r#"(?>a)"#, r#"invalid or unsupported Perl syntax: `(?>`"#),
    (r#"a++"#, r#"invalid nested repetition operator: `++`"#),
    (r#"a{1}{2}"#, r#"invalid nested repetition operator: `{1}{2}`"#),
    (r#"x{2}*"#, r#"invalid nested repetition operator: `{2}*`"#),
    (r#"[]"#, r#"missing closing ]: `[]`"#),
    (r#"[^]"#, r#"missing closing ]: `[^]`"#),
    (r#"(?i)(?s"#, r#"invalid or unsupported Perl syntax: `(?s`"#),
];

/// Pattern, text, what `findAll` gives; `find` gives the first of it, and `matches` whether there is one.
#[rustfmt::skip]
const FOUND: &[(&str, &str, &[&str])] = &[
    (r#""#, "ab", &["", "", ""]),
    (r#"a|ab"#, "ab", &["a"]),
    (r#"ab|a"#, "ab", &["ab"]),
    (r#"a*"#, "baaab", &["", "aaa", ""]),
    (r#"a*?"#, "baaab", &["", "", "", "", "", ""]),
    (r#"a+?"#, "aaa", &["a", "a", "a"]),
    (r#"(?U)a+"#, "aaa", &["a", "a", "a"]),
    (r#"(?U)a+?"#, "aaa", &["aaa"]),
    (r#"(a*)*"#, "b", &["", ""]),
    (r#"(|a)*"#, "aa", &["", "", ""]),
    (r#"(|a)+"#, "aa", &["", "", ""]),
    (r#"(a|b)*?c"#, "abac", &["abac"]),
    (r#"x{2,3}"#, "xxxxxx", &["xxx", "xxx"]),
    (r#"x{2,3}?"#, "xxxxxx", &["xx", "xx", "xx"]),
    (r#"x{0}"#, "x", &["", ""]),
    (r#"x{2}"#, "xxxxx", &["xx", "xx"]),
    (r#"x{,2}"#, "x{,2}", &["x{,2}"]),
    (r#"a{01}"#, "a{01}", &["a{01}"]),
    (r#"a{"#, "a{", &["a{"]),
    (r#"{"#, "{", &["{"]),
    (r#"^a"#, "aa\na", &["a"]),
    (r#"(?m)^a"#, "aa\na", &["a", "a"]),
    (r#"a$"#, "a\na", &["a"]),
    (r#"(?m)a$"#, "a\na", &["a", "a"]),
    (r#"a$"#, "a\n", &[]),
    (r#"a\z"#, "a\n", &[]),
    (r#"."#, "\né", &["é"]),
    (r#"(?s)."#, "\né", &["\n", "é"]),
    (r#"\Aa"#, "aa", &["a"]),
    (r#"\bé\b"#, "é", &[]),
    (r#"\ba\b"#, "a éaé ba", &["a", "a"]),
    (r#"\B"#, "ab", &[""]),
    (r#"\d"#, "٣3", &["3"]),
    (r#"\w+"#, "naïve_1", &["na", "ve_1"]),
    (r#"\s"#, "\u{b}\u{c}  ", &["\u{c}", " "]),
    (r#"\S+"#, "a b", &["a b"]),
    (r#"\D"#, "1é", &["é"]),
    (r#"[[:space:]]"#, "\u{b} ", &["\u{b}", " "]),
    (r#"[[:^alpha:]]"#, "aé1", &["é", "1"]),
    (r#"[[:word:]-]+"#, "a-b c", &["a-b", "c"]),
    (r#"[\d\-x]+"#, "1-x", &["1-x"]),
    (r#"[]a]+"#, "]a]", &["]a]"]),
    (r#"[^]a]+"#, "b]c", &["b", "c"]),
    (r#"[a\-z]+"#, "a-z", &["a-z"]),
    (r#"[^a]"#, "\nb", &["\n", "b"]),
    (r#"[[:alpha]+"#, "[:alph", &["[:alph"]),
    (r#"\pL+"#, "abcé日1", &["abcé日"]),
    (r#"\PL+"#, "abc12", &["12"]),
    (r#"\p{Greek}+"#, "aαβ", &["αβ"]),
    (r#"\p{^Greek}"#, "αa", &["a"]),
    (r#"\P{^Greek}"#, "aα", &["α"]),
    (r#"\p{lu}"#, "aB", &["B"]),
    (r#"\p{Uppercase_Letter}"#, "aB", &["B"]),
    (r#"\p{Han}"#, "a日", &["日"]),
    (r#"[\p{Nd}_]+"#, "٣_3", &["٣_3"]),
    (r#"\pN"#, "½", &["½"]),
    (r#"\p{Any}"#, "\n", &["\n"]),
    (r#"\p{ASCII}"#, "éa", &["a"]),
    (r#"\P{Assigned}"#, "͸", &["͸"]),
    (r#"(?i)k+"#, "kKK", &["kKK"]),
    (r#"(?i)[a-z]+"#, "KſK", &["KſK"]),
    (r#"(?i)[^k]"#, "kKKx", &["x"]),
    (r#"(?i)ς"#, "σΣς", &["σ", "Σ", "ς"]),
    (r#"(?i)ß"#, "ẞSS", &["ẞ"]),
    (r#"(?i)\p{Lu}+"#, "aB", &["aB"]),
    (r#"(?i)\w+"#, "Kſ", &["Kſ"]),
    (r#"(?i)İ"#, "iİ", &["İ"]),
    (r#"(?i:a)b"#, "Ab AB", &["Ab"]),
    (r#"(?i)a(?-i)b"#, "Ab AB", &["Ab"]),
    (r#"((?i)a)a"#, "Aa AA", &["Aa"]),
    (r#"(?is-m)a.b"#, "A\nB", &["A\nB"]),
    (r#"ɤ|(?i)ƛ"#, "ꟋꟜ", &[]),
    (r#"\Qa.b\E+"#, "a.bbb", &["a.bbb"]),
    (r#"\Qa"#, "a", &["a"]),
    (r#"\.\_\-"#, "._-", &["._-"]),
    (r#"\x41\x{1F600}\101\07"#, "A😀A\u{7}", &["A😀A\u{7}"]),
    (r#"\a\f\t\n\r\v"#, "\u{7}\u{c}\u{9}\n\u{d}\u{b}", &["\u{7}\u{c}\u{9}\n\u{d}\u{b}"]),
    (r#"(?P<name>a)(?<other>b)"#, "ab", &["ab"]),
    (r#"(?:)"#, "a", &["", ""]),
    (r#"()"#, "日", &["", ""]),
    (r#"a|"#, "ba", &["", "a"]),
    (r#"|a"#, "ba", &["", "", ""]),
    (r#"(?:a|ab)(?:c|bcd)"#, "abcd", &["abcd"]),
    (r#"(^)*a"#, "aa", &["a", "a"]),
    (r#"a\b*"#, "a", &["a"]),
    (r#"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$"#, "my-name", &["my-name"]),
    (r#"^https://[^/]+\.example\.com/"#, "https://a.example.com/", &["https://a.example.com/"]),
    (r#"(\w+)@(\w+)\.com"#, "bob@corp.com amy@x.com", &["bob@corp.com", "amy@x.com"]),
];

/// How many characters match.
#[rustfmt::skip]
const COUNTS: &[(&str, usize)] = &[
    (r#"\pL"#, 136104),
    (r#"\pM"#, 2450),
    (r#"\pN"#, 1831),
    (r#"\pP"#, 842),
    (r#"\pS"#, 7770),
    (r#"\pZ"#, 19),
    (r#"\pC"#, 963048),
    (r#"\p{Latin}"#, 1481),
    (r#"\p{Common}"#, 8301),
    (r#"\p{Cn}"#, 825345),
    (r#"(?i)\p{Lu}"#, 3212),
    (r#"(?i)\P{Lu}"#, 1108852),
    (r#"(?i)\p{LC}"#, 4095),
    (r#"(?i)[\x{80}-\x{2fff}]"#, 12258),
    (r#"(?i)[^a-\x{300}]"#, 1111341),
    (r#"\P{Hiragana}"#, 1111683),
];
