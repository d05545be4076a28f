//! Texts with mistakes. `OPERAND` stands for the words that may begin an operand.

/// A text, and the mistakes in it as cel-go 0.26 reports them, without the lines that show the places.
pub(super) const MISTAKES: &[(&str, &[&str])] = &[
    ("", &["1:0: Syntax error: mismatched input '<EOF>' expecting OPERAND"]),
    ("a +", &["1:4: Syntax error: mismatched input '<EOF>' expecting OPERAND"]),
    ("a b", &["1:3: Syntax error: extraneous input 'b' expecting <EOF>"]),
    ("(a", &["1:3: Syntax error: missing ')' at '<EOF>'"]),
    ("a)", &["1:2: Syntax error: extraneous input ')' expecting <EOF>"]),
    (
        r#""abc"#,
        &[
            r#"1:1: Syntax error: token recognition error at: '"abc'"#,
            "1:5: Syntax error: mismatched input '<EOF>' expecting OPERAND",
        ],
    ),
    (
        r"'a\'",
        &[
            r"1:1: Syntax error: token recognition error at: ''a\''",
            "1:5: Syntax error: mismatched input '<EOF>' expecting OPERAND",
        ],
    ),
    (
        r#""a\q""#,
        &[
            r#"1:1: Syntax error: token recognition error at: '"a\q'"#,
            r#"1:5: Syntax error: token recognition error at: '"'"#,
            "1:6: Syntax error: mismatched input '<EOF>' expecting OPERAND",
        ],
    ),
    ("a.", &["1:3: Syntax error: no viable alternative at input '.'"]),
    (
        "a.b(",
        &[
            "1:5: Syntax error: mismatched input '<EOF>' expecting {'[', '{', '(', ')', '.', '-', '!', 'true', 'false', 'null', NUM_FLOAT, NUM_INT, NUM_UINT, STRING, BYTES, IDENTIFIER}",
        ],
    ),
    (
        "a # b",
        &[
            "1:3: Syntax error: token recognition error at: '#'",
            "1:5: Syntax error: extraneous input 'b' expecting <EOF>",
        ],
    ),
    (
        "a & b",
        &[
            "1:3: Syntax error: token recognition error at: '& '",
            "1:5: Syntax error: extraneous input 'b' expecting <EOF>",
        ],
    ),
    (
        "a = 1",
        &[
            "1:3: Syntax error: token recognition error at: '= '",
            "1:5: Syntax error: extraneous input '1' expecting <EOF>",
        ],
    ),
    ("f(a,)", &["1:5: Syntax error: mismatched input ')' expecting OPERAND"]),
    ("[1, )", &["1:5: Syntax error: mismatched input ')' expecting ']'"]),
    ("[,,]", &["1:3: Syntax error: extraneous input ',' expecting ']'"]),
    ("{a}", &["1:3: Syntax error: mismatched input '}' expecting ':'"]),
    ("{1: 2 3}", &["1:7: Syntax error: extraneous input '3' expecting {'}', ','}"]),
    ("a ? b", &["1:6: Syntax error: mismatched input '<EOF>' expecting ':'"]),
    (
        "a ? : b",
        &[
            "1:5: Syntax error: extraneous input ':' expecting OPERAND",
            "1:8: Syntax error: mismatched input '<EOF>' expecting ':'",
        ],
    ),
    ("!-x", &["1:3: Syntax error: no viable alternative at input '-x'"]),
    ("!)", &["1:2: Syntax error: extraneous input ')' expecting OPERAND"]),
    (
        "-)",
        &[
            "1:2: Syntax error: no viable alternative at input '-)'",
            "1:2: Syntax error: mismatched input ')' expecting OPERAND",
        ],
    ),
    (
        "--",
        &[
            "1:3: Syntax error: no viable alternative at input '-'",
            "1:3: Syntax error: mismatched input '<EOF>' expecting OPERAND",
        ],
    ),
    (
        "in",
        &[
            "1:1: Syntax error: mismatched input 'in' expecting OPERAND",
            "1:3: Syntax error: mismatched input '<EOF>' expecting OPERAND",
        ],
    ),
    ("a.true", &["1:3: Syntax error: mismatched input 'true' expecting IDENTIFIER"]),
    (".true", &["1:2: Syntax error: mismatched input 'true' expecting IDENTIFIER"]),
    ("a.for(x) for", &["1:10: Syntax error: extraneous input 'for' expecting <EOF>"]),
    ("for + while(1)", &["1:1: reserved identifier: for", "1:7: reserved identifier: while"]),
    (".if", &["1:1: reserved identifier: if"]),
    ("T{if: 1, `a`: 2}", &["1:3: unsupported syntax: '`'"]),
    ("a.`b`", &["1:3: unsupported syntax: '`'"]),
    ("T{?}", &["1:4: Syntax error: mismatched input '}' expecting {IDENTIFIER, ESC_IDENTIFIER}"]),
    (
        "a[)",
        &[
            "1:3: Syntax error: mismatched input ')' expecting {'[', '{', '(', '.', '-', '!', '?', 'true', 'false', 'null', NUM_FLOAT, NUM_INT, NUM_UINT, STRING, BYTES, IDENTIFIER}",
        ],
    ),
    (
        "a[",
        &[
            "1:3: Syntax error: mismatched input '<EOF>' expecting {'[', '{', '(', '.', '-', '!', '?', 'true', 'false', 'null', NUM_FLOAT, NUM_INT, NUM_UINT, STRING, BYTES, IDENTIFIER}",
        ],
    ),
    ("f(1 2)", &["1:5: Syntax error: extraneous input '2' expecting ')'"]),
    ("[1 2", &["1:4: Syntax error: mismatched input '2' expecting {']', ','}"]),
    ("a..b", &["1:3: Syntax error: no viable alternative at input '..'"]),
    ("a.(b)", &["1:3: Syntax error: no viable alternative at input '.('"]),
    ("1 2 3", &["1:3: Syntax error: mismatched input '2' expecting <EOF>"]),
    ("a || && b", &["1:6: Syntax error: extraneous input '&&' expecting OPERAND"]),
    ("((a)", &["1:5: Syntax error: missing ')' at '<EOF>'"]),
    ("a\n+\n+ b", &["3:1: Syntax error: extraneous input '+' expecting OPERAND"]),
    (
        r#""é" + 日本 )"#,
        &[
            "1:7: Syntax error: token recognition error at: '日'",
            "1:8: Syntax error: token recognition error at: '本'",
            "1:10: Syntax error: mismatched input ')' expecting OPERAND",
        ],
    ),
    ("\ta $", &["1:4: Syntax error: token recognition error at: '$'"]),
    ("9223372036854775808", &["1:1: invalid int literal"]),
    (
        "-9223372036854775809 + 18446744073709551616u",
        &["1:1: invalid int literal", "1:24: invalid uint literal"],
    ),
    ("1e400", &["1:1: invalid double literal"]),
    (r"'\ud800'", &["1:1: invalid unicode code point"]),
    (r"b'\u0041'", &["1:1: unable to unescape string"]),
    ("a.all(b.c, d)", &["1:8: argument must be a simple name"]),
    ("a.all(__result__, d)", &["1:7: iteration variable overwrites accumulator variable"]),
    ("a.map(1, d)", &["1:7: argument is not an identifier"]),
    ("a.filter(1, d)", &["1:10: argument is not an identifier"]),
    ("a.exists(b, b, c)", &["1:13: duplicate variable name: b"]),
    ("a.transformMap(k, 1, v)", &["1:19: argument must be a simple name"]),
    (
        "has(a) || has(a[b])",
        &["1:5: invalid argument to has() macro", "1:16: invalid argument to has() macro"],
    ),
    (
        "a.optMap(1, b) || a.optFlatMap(1, b)",
        &[
            "1:10: optMap() variable name must be a simple identifier",
            "1:32: optFlatMap() variable name must be a simple identifier",
        ],
    ),
    (
        "1.sortBy(x, x)",
        &["1:1: sortBy can only be applied to a list, identifier, comprehension, call or select expression"],
    ),
    ("a.sortBy(1, x)", &["1:10: argument is not an identifier"]),
    (
        "has(.)",
        &["1:0: invalid argument to has() macro", "1:6: Syntax error: no viable alternative at input '.)'"],
    ),
    ("a.all(for, true)", &["1:7: reserved identifier: for", "1:7: argument must be a simple name"]),
    (
        "# # #",
        &[
            "1:1: Syntax error: token recognition error at: '#'",
            "1:3: Syntax error: token recognition error at: '#'",
            "1:5: Syntax error: token recognition error at: '#'",
            "1:6: Syntax error: mismatched input '<EOF>' expecting OPERAND",
        ],
    ),
];
