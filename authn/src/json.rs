//! JSON objects in which every member name stands once.
//!
//! serde_json keeps the last of two equal names and Go's decoders do the same, others keep the first (RFC 8259 4
//! leaves it open). A token that two readers read differently is refused.

use std::fmt;

use serde::de::{Deserialize, DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
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
/// however often, and also if the text breaks off behind them.
pub(crate) fn members_named(text: &[u8], name: &str) -> Vec<String> {
    let mut found = Vec::new();
    // Whether all of it is JSON does not matter.
    let _ = Named { name, found: &mut found }.deserialize(&mut serde_json::Deserializer::from_slice(text));
    found
}

struct Named<'a> {
    name: &'a str,
    found: &'a mut Vec<String>,
}

impl<'de> DeserializeSeed<'de> for Named<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Named<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<(), A::Error> {
        while let Some(key) = members.next_key::<String>()? {
            let value = members.next_value::<Value>()?;
            if let (true, Value::String(value)) = (key.eq_ignore_ascii_case(self.name), value) {
                self.found.push(value);
            }
        }
        Ok(())
    }
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
        for (text, found) in [
            (r#"{"iss":"a"}"#, &["a"][..]),
            (r#"{"iss":"a","ISS":"b","\u0069ss":"c","x":{"iss":"d"},"iss":7}"#, &["a", "b", "c"]),
            (r#"{"iss":"a","#, &["a"]),
            (r#"["iss","a"]"#, &[]),
            ("", &[]),
        ] {
            assert_eq!(members_named(text.as_bytes(), "iss"), found, "{text}");
        }
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
