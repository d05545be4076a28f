//! Constants (cel-go `parser.VisitInt` and the others).

use super::grammar::{Label, Shape};
use super::machine::Node;
use super::source::Source;
use super::unescape::unescape;
use crate::ast::Literal;

/// What a constant is, or what is wrong with it; then a string keeps its text.
pub(super) fn literal(source: &Source, node: &Node) -> (Literal, Option<&'static str>) {
    let word = node.token(Label::Value);
    let text = word.map(|word| source.slice(word.start, word.end)).unwrap_or_default();
    let sign = if node.token(Label::Sign).is_some() { "-" } else { "" };
    let number = match node.shape {
        Shape::Int => (int(sign, &text).map(Literal::Int), "invalid int literal"),
        Shape::Uint => (uint(&text).map(Literal::Uint), "invalid uint literal"),
        Shape::Double => (double(sign, &text).map(Literal::Double), "invalid double literal"),
        Shape::True => (Some(Literal::Bool(true)), ""),
        Shape::False => (Some(Literal::Bool(false)), ""),
        Shape::String => return string(&text),
        Shape::Bytes => return bytes(&text),
        _ => (Some(Literal::Null), ""),
    };
    match number {
        (Some(literal), _) => (literal, None),
        (None, wrong) => (Literal::Null, Some(wrong)),
    }
}

fn int(sign: &str, text: &str) -> Option<i64> {
    match text.strip_prefix("0x") {
        Some(digits) => i64::from_str_radix(&format!("{sign}{digits}"), 16).ok(),
        None => format!("{sign}{text}").parse().ok(),
    }
}

fn uint(text: &str) -> Option<u64> {
    let digits = text.strip_suffix(['u', 'U'])?;
    match digits.strip_prefix("0x") {
        Some(digits) => u64::from_str_radix(digits, 16).ok(),
        None => digits.parse().ok(),
    }
}

fn double(sign: &str, text: &str) -> Option<f64> {
    // Go's `ParseFloat` refuses what is too large.
    format!("{sign}{text}").parse().ok().filter(|value: &f64| value.is_finite())
}

fn string(text: &str) -> (Literal, Option<&'static str>) {
    match unescape(text, false).map(String::from_utf8) {
        Ok(Ok(value)) => (Literal::String(value.into()), None),
        Ok(Err(_)) => (Literal::String(text.into()), Some("invalid unicode code point")),
        Err(wrong) => (Literal::String(text.into()), Some(wrong)),
    }
}

fn bytes(text: &str) -> (Literal, Option<&'static str>) {
    let quoted = text.strip_prefix(['b', 'B']).unwrap_or(text);
    match unescape(quoted, true) {
        Ok(value) => (Literal::Bytes(value.into()), None),
        Err(wrong) => (Literal::Bytes(quoted.as_bytes().into()), Some(wrong)),
    }
}
