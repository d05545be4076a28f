//! Rows of texts. What is expected was taken from cel-go 0.26 with kube-apiserver's options.

mod mistakes;
mod trees;

use std::fmt::Write as _;

use super::{Issue, Parsed, parse, render};
use crate::ast::{Expr, ExprKind, Id, Literal};

const OPERAND: &str = "{'[', '{', '(', '.', '-', '!', 'true', 'false', 'null', NUM_FLOAT, NUM_INT, NUM_UINT, \
                       STRING, BYTES, IDENTIFIER}";

#[test]
fn trees() {
    for (text, tree) in trees::TREES {
        let parsed = parse(text).unwrap_or_else(|issues| panic!("{text}: {issues:?}"));
        assert_eq!(shown(&parsed), *tree, "{text}");
    }
}

#[test]
fn mistakes() {
    for (text, expected) in mistakes::MISTAKES {
        let issues = parse(text).expect_err(text);
        let rendered = render(text, &issues);
        let messages: Vec<&str> =
            rendered.lines().filter_map(|line| line.strip_prefix("ERROR: <input>:")).collect();
        let expected: Vec<String> = expected.iter().map(|row| row.replace("OPERAND", OPERAND)).collect();
        assert_eq!(messages, expected, "{text}");
    }
}

#[test]
fn shown_places() {
    let rows = [
        ("", "ERROR: <input>:1:0: Syntax error: mismatched input '<EOF>' expecting OPERAND"),
        ("a )", "ERROR: <input>:1:3: Syntax error: extraneous input ')' expecting <EOF>\n | a )\n | ..^"),
        (
            "\"é\" +\n\t\"日\" $",
            "ERROR: <input>:2:6: Syntax error: token recognition error at: '$'\n |  \"日\" $\n | ..．..^",
        ),
        (
            "'日' + 本",
            "ERROR: <input>:1:7: Syntax error: token recognition error at: '本'\n | '日' + 本\n | .．....＾\n\
             ERROR: <input>:1:8: Syntax error: mismatched input '<EOF>' expecting OPERAND\n | '日' + 本\n | .．....．^",
        ),
    ];
    for (text, expected) in rows {
        let issues = parse(text).expect_err(text);
        assert_eq!(render(text, &issues), expected.replace("OPERAND", OPERAND), "{text}");
    }
}

/// The longest that is taken, and why nothing longer is.
#[test]
fn limits() {
    let deep = "expression recursion limit exceeded: 250";
    let long = "max recursion depth exceeded";
    let rows = [
        ("(", "1", ")", 249, deep),
        ("[", "", "]", 250, deep),
        ("f(", "", ")", 250, deep),
        ("{1: ", "1", "}", 249, deep),
        ("a < (", "1", ")", 124, deep),
        ("a + (", "1", ")", 124, deep),
        ("!(", "1", ")", 249, deep),
        ("a ? b : ", "c", "", 249, deep),
        ("", "a", ".b", 250, long),
        ("", "a", "[0]", 250, long),
        ("", "a", ".f()", 250, long),
        ("", "1", " + 1", 250, long),
        ("", "1", " < 1", 250, long),
        // Ours: cel-go takes 249.
        ("a.map(x, ", "x", ")", 166, "expression depth limit exceeded: 500"),
    ];
    for (open, middle, close, most, why) in rows {
        let text = |count| format!("{}{middle}{}", open.repeat(count), close.repeat(count));
        assert!(parse(&text(most)).is_ok(), "{most} {open}{close}");
        let beyond = text(most.saturating_add(1));
        let rendered = render(&beyond, &parse(&beyond).expect_err(why));
        assert_eq!(rendered, format!("ERROR: <input>:-1:0: {why}"), "{open}{close}");
    }
}

#[test]
fn sizes() {
    let text = format!("'{}'", "é".repeat(99_998));
    assert!(parse(&text).is_ok());
    let issues = parse(&format!("{text} ")).expect_err("too long");
    let why = "expression code point size exceeds limit: size: 100001, limit 100000";
    assert_eq!(issues, [Issue { line: 0, column: usize::MAX, message: why.to_owned() }]);
    // Wide, but not deep.
    assert!(parse(&format!("{}a", "a && b || ".repeat(9_999))).is_ok());
    assert!(parse(&format!("{}a", "!".repeat(50_000))).is_ok());
}

/// cel-go would run out of memory: each step copies what was before.
#[test]
fn copies_are_bounded() {
    let issues = parse(&format!("a{}", ".optMap(x, x)".repeat(100))).expect_err("too many nodes");
    assert_eq!(render("", &issues), "ERROR: <input>:-1:0: expression has too many nodes");
}

#[test]
fn many_mistakes() {
    let text = "# ".repeat(150);
    let rendered = render(&text, &parse(&text).expect_err("mistakes"));
    assert_eq!(rendered.matches("token recognition error at: '#'").count(), 100);
    assert!(rendered.ends_with("\n1 more errors were truncated"));
    let text = "a.(b) ".repeat(60);
    let rendered = render(&text, &parse(&text).expect_err("mistakes"));
    assert!(rendered.contains("error recovery token lookahead limit exceeded: 256"), "{rendered}");
}

/// No text, cut or with a word too many, ends in anything but an answer.
#[test]
fn cut_and_changed_texts() {
    let mistakes = mistakes::MISTAKES.iter().map(|row| row.0);
    for text in trees::TREES.iter().map(|row| row.0).chain(mistakes) {
        for (place, _) in text.char_indices() {
            let (before, after) = text.split_at(place);
            let insertions = ["(", ")", "[", "}", ".", ",", "?", "-", "'", "`", "#", "in", "x"];
            for inserted in insertions {
                let changed = format!("{before}{inserted}{after}");
                if let Err(issues) = parse(&changed) {
                    assert!(render(&changed, &issues).starts_with("ERROR: <input>:"), "{changed}");
                }
            }
            let _ = parse(before);
            let _ = parse(after);
        }
    }
}

fn shown(parsed: &Parsed) -> String {
    let mut text = String::new();
    show(parsed, &parsed.root, &mut text).unwrap();
    text
}

fn show_id(parsed: &Parsed, id: Id, text: &mut String) -> std::fmt::Result {
    write!(text, "{id}@{}:", parsed.offsets[usize::try_from(id).unwrap()])
}

fn show(parsed: &Parsed, expr: &Expr, text: &mut String) -> std::fmt::Result {
    show_id(parsed, expr.id, text)?;
    match &expr.kind {
        ExprKind::Literal(literal) => match literal {
            Literal::Bool(value) => write!(text, "bool {value}"),
            Literal::Bytes(value) => write!(text, "bytes {}", hex(value)),
            Literal::Double(value) => write!(text, "double {}", scientific(*value)),
            Literal::Int(value) => write!(text, "int {value}"),
            Literal::Null => write!(text, "null_type NULL_VALUE"),
            Literal::String(value) => write!(text, "string {}", hex(value.as_bytes())),
            Literal::Uint(value) => write!(text, "uint {value}"),
        },
        ExprKind::Ident(name) => write!(text, "ident {name}"),
        ExprKind::Select(select) => {
            write!(text, "select {} {}(", select.field, select.test_only)?;
            show(parsed, &select.operand, text)?;
            write!(text, ")")
        }
        ExprKind::Call(call) => {
            write!(text, "call {}(", call.function)?;
            if let Some(target) = &call.target {
                show(parsed, target, text)?;
                write!(text, " ;")?;
            }
            for arg in &call.args {
                show(parsed, arg, text)?;
                write!(text, ",")?;
            }
            write!(text, ")")
        }
        ExprKind::List(elements) => {
            write!(text, "list[")?;
            for element in elements {
                write!(text, "{}", if element.optional { "?" } else { "" })?;
                show(parsed, &element.value, text)?;
                write!(text, ",")?;
            }
            write!(text, "]")
        }
        ExprKind::Map(entries) => {
            write!(text, "map{{")?;
            for entry in entries {
                show_id(parsed, entry.id, text)?;
                write!(text, "{}", if entry.optional { "?" } else { "" })?;
                show(parsed, &entry.key, text)?;
                write!(text, "=")?;
                show(parsed, &entry.value, text)?;
                write!(text, ",")?;
            }
            write!(text, "}}")
        }
        ExprKind::Struct(message) => {
            write!(text, "struct {}{{", message.type_name)?;
            for field in &message.fields {
                show_id(parsed, field.id, text)?;
                write!(text, "{}{}=", if field.optional { "?" } else { "" }, field.name)?;
                show(parsed, &field.value, text)?;
                write!(text, ",")?;
            }
            write!(text, "}}")
        }
        ExprKind::Comprehension(fold) => {
            let second = fold.iter_var2.as_deref().unwrap_or_default();
            write!(text, "fold {} {second} {}(", fold.iter_var, fold.accu_var)?;
            let parts =
                [&fold.iter_range, &fold.accu_init, &fold.loop_condition, &fold.loop_step, &fold.result];
            for part in parts {
                show(parsed, part, text)?;
                write!(text, ",")?;
            }
            write!(text, ")")
        }
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// As Go's `%.17e`.
fn scientific(value: f64) -> String {
    let text = format!("{value:.17e}");
    let (digits, exponent) = text.split_once('e').unwrap();
    let exponent: i32 = exponent.parse().unwrap();
    format!("{digits}e{}{:02}", if exponent < 0 { '-' } else { '+' }, exponent.abs())
}
