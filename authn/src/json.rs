//! JSON objects in which every member name stands once.
//!
//! serde_json keeps the last of two equal names and Go's decoders do the same, others keep the first (RFC 8259 4
//! leaves it open). A token that two readers read differently is refused.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

/// A JSON object.
pub(crate) type Object = Map<String, Value>;

/// Why a text is not taken as a JSON object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum JsonError {
    /// A member name stands twice in one object, at whatever depth.
    #[error("a JSON member stands twice")]
    DuplicateMember,
    /// The text is JSON, but no object.
    #[error("not a JSON object")]
    NotAnObject,
    /// No JSON: also invalid UTF-8, lone surrogates, numbers beyond a double, more than 127 levels, trailing text.
    #[error("not JSON")]
    Syntax,
}

/// Reads exactly one JSON object.
///
/// # Errors
/// [`JsonError`] says what the text is instead.
pub(crate) fn parse_object(text: &[u8]) -> Result<Object, JsonError> {
    match serde_json::from_slice::<Unique>(text) {
        Ok(Unique(Value::Object(object))) => Ok(object),
        Ok(_) => Err(JsonError::NotAnObject),
        Err(error) if error.is_data() => Err(JsonError::DuplicateMember),
        Err(_) => Err(JsonError::Syntax),
    }
}

/// The text values of every member of the outermost object that some reader could take for `name`: in whatever case,
/// however often, and whatever else is wrong with the text. It looks at strings, brackets, colons and commas alone, so
/// that nothing which another reader lets pass (a number out of range, text that is no Unicode, depth) ends it early.
pub(crate) fn members_named(text: &[u8], name: &str) -> Vec<String> {
    let mut found = Vec::new();
    let (mut depth, mut last, mut is_value) = (0_usize, None, false);
    let mut rest = text;
    while let Some((byte, behind)) = rest.split_first() {
        rest = behind;
        match byte {
            b'{' | b'[' => depth = depth.saturating_add(1),
            b'}' | b']' => depth = depth.saturating_sub(1),
            b'"' => {
                let (string, behind) = split_string(rest);
                rest = behind;
                match (depth, is_value) {
                    (0 | 1, true) => found.push(string_value(string)),
                    (0 | 1, false) => last = Some(string),
                    _ => {}
                }
                is_value = false;
            }
            b':' if depth <= 1 => {
                is_value = last.take().is_some_and(|key| folded(&string_value(key)).eq(folded(name)));
            }
            b',' => is_value = false,
            _ => {}
        }
    }
    found
}

/// A member's name as Go's encoding/json compares it. It also equates `ſ` (U+017F) with `s` and the Kelvin sign
/// (U+212A) with `k`.
pub(crate) fn folded(name: &str) -> impl Iterator<Item = char> {
    name.chars().map(|character| match character {
        '\u{17f}' => 's',
        '\u{212a}' => 'k',
        other => other.to_ascii_lowercase(),
    })
}

/// A string from behind its opening quote, and what follows its closing one, if it has any.
fn split_string(text: &[u8]) -> (&[u8], &[u8]) {
    let mut is_escaped = false;
    let end = text.iter().position(|byte| {
        let is_end = *byte == b'"' && !is_escaped;
        is_escaped = *byte == b'\\' && !is_escaped;
        is_end
    });
    let (string, rest) = end.and_then(|end| text.split_at_checked(end)).unwrap_or((text, b""));
    (string, rest.get(1..).unwrap_or_default())
}

/// What stands between two quotes; as it is where that is no JSON string.
fn string_value(string: &[u8]) -> String {
    serde_json::from_slice(&[b"\"", string, b"\""].concat())
        .unwrap_or_else(|_| String::from_utf8_lossy(string).into_owned())
}

/// A value in which no object has a member twice. Its visitor raises a data error for nothing else.
struct Unique(Value);

impl<'de> Deserialize<'de> for Unique {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(UniqueVisitor).map(Self)
    }
}

struct UniqueVisitor;

impl<'de> Visitor<'de> for UniqueVisitor {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(Number::from_f64(value).map_or(Value::Null, Value::Number))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::String(value.to_owned()))
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(Value::String(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Value, A::Error> {
        let mut array = Vec::new();
        while let Some(Unique(element)) = elements.next_element()? {
            array.push(element);
        }
        Ok(Value::Array(array))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let mut object = Object::new();
        while let Some((name, Unique(value))) = members.next_entry::<String, Unique>()? {
            if object.insert(name, value).is_some() {
                return Err(A::Error::custom("duplicate member"));
            }
        }
        Ok(Value::Object(object))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn refused(text: &str, error: JsonError) {
        assert_eq!(parse_object(text.as_bytes()), Err(error), "{text}");
    }

    #[test]
    fn an_object_is_read_as_it_stands() {
        let object = parse_object(br#" {"a":[1,-2,3.5,"x",null,true,{"b":{}}]} "#).unwrap();
        assert_eq!(Value::Object(object), serde_json::json!({"a": [1, -2, 3.5, "x", null, true, {"b": {}}]}));
    }

    #[test]
    fn a_member_is_found_by_whatever_reader() {
        let deep = format!(r#"{{"x":{}{},"iss":"a"}}"#, "[".repeat(200), "]".repeat(200));
        for (text, found) in [
            (r#"{"iss":"a"}"#, &["a"][..]),
            (" {\n\"iss\" :\t\"a\"\r}", &["a"]),
            (r#"{"iss":"a","ISS":"b","\u0069ss":"c","x":{"iss":"d"},"iss":7}"#, &["a", "b", "c"]),
            ("{\"i\u{17f}s\":\"a\",\"IS\u{17f}\":\"b\",\"i\\u017fs\":\"c\"}", &["a", "b", "c"]),
            (r#"{"iss":"a","#, &["a"]),
            (r#"{"iss":"a"#, &["a"]),
            (r#"{"iss":"a\"b\\","x":"\\","iss":"c"}"#, &["a\"b\\", "c"]),
            (r#"{"n":1e400,"iss":"a"}"#, &["a"]),
            (r#"{"x":tru,"iss":"a"}"#, &["a"]),
            (r#"{"\ud800":"\ud800","iss":"\ud800","iss":"a"}"#, &["\\ud800", "a"]),
            (r#"{"iss":7,"iss":null,"iss":{},"iss":[],"iss":"a"}"#, &["a"]),
            (r#"{"x":"iss","y":"a"}"#, &[]),
            (r#"{"x":["iss","a"],"iss":["a"],"y":{"iss":"a"}}"#, &[]),
            (r#"["iss","a"]"#, &[]),
            (&deep, &["a"]),
            ("", &[]),
        ] {
            assert_eq!(members_named(text.as_bytes(), "iss"), found, "{text}");
        }
        assert_eq!(members_named(b"\xef\xbb\xbf{\"\xff\":\"\xff\",\"iss\":\"a\"}", "iss"), ["a"]);
    }

    #[test]
    fn everything_else_is_refused() {
        refused(r#"{"a":1,"a":1}"#, JsonError::DuplicateMember);
        refused(r#"{"a":1,"\u0061":2}"#, JsonError::DuplicateMember);
        refused(r#"{"o":[{"x":1,"x":2}]}"#, JsonError::DuplicateMember);
        refused("[]", JsonError::NotAnObject);
        refused("null", JsonError::NotAnObject);
        refused("", JsonError::Syntax);
        refused(r#"{"a":1}x"#, JsonError::Syntax);
        refused(r#"{"a":1}{"#, JsonError::Syntax);
        refused(r#"{"a":1,}"#, JsonError::Syntax);
        refused(r#"{"a":1e400}"#, JsonError::Syntax);
        refused(r#"{"a":"\ud800"}"#, JsonError::Syntax);
        assert_eq!(parse_object(b"{\"a\":\"\xff\"}"), Err(JsonError::Syntax));
        refused(&format!("{{\"a\":{}{}}}", "[".repeat(200), "]".repeat(200)), JsonError::Syntax);
    }
}
