//! The functions that convert one value into another: `int("1")` (cel-go `ConvertToType` of each type).

mod number;

pub(crate) use number::whole;

use std::rc::Rc;

use crate::time;
use crate::value::Value;

/// What a function that converts makes of a value; `None` for a function that does something else.
///
/// # Errors
/// cel-go's words.
pub(crate) fn convert(function: &str, value: &Value) -> Option<Result<Value, String>> {
    let convert: fn(&Value) -> Option<Result<Value, String>> = match function {
        "bool" => to_bool,
        "bytes" => to_bytes,
        "double" => to_double,
        "duration" => to_duration,
        "dyn" => |value| Some(Ok(value.clone())),
        "int" => to_int,
        "string" => to_string,
        "timestamp" => to_timestamp,
        "type" => |value| Some(Ok(Value::Type(value.type_name().into()))),
        "uint" => to_uint,
        _ => return None,
    };
    let no_overload = || Err(format!("no such overload: {function}({})", value.type_name()));
    Some(convert(value).unwrap_or_else(no_overload))
}

fn failed(value: &Value, to: &str) -> Result<Value, String> {
    Err(format!("type conversion error from '{}' to '{to}'", value.type_name()))
}

fn to_bool(value: &Value) -> Option<Result<Value, String>> {
    Some(match value {
        Value::Bool(_) => Ok(value.clone()),
        Value::String(text) => match &**text {
            "1" | "t" | "T" | "true" | "TRUE" | "True" => Ok(Value::Bool(true)),
            "0" | "f" | "F" | "false" | "FALSE" | "False" => Ok(Value::Bool(false)),
            _ => failed(value, "bool"),
        },
        _ => return None,
    })
}

fn to_bytes(value: &Value) -> Option<Result<Value, String>> {
    Some(match value {
        Value::Bytes(_) => Ok(value.clone()),
        Value::String(text) => Ok(Value::Bytes(text.as_bytes().into())),
        _ => return None,
    })
}

fn to_double(value: &Value) -> Option<Result<Value, String>> {
    #[expect(clippy::cast_precision_loss, reason = "Go's conversion rounds in the same way")]
    Some(match value {
        Value::Double(_) => Ok(value.clone()),
        Value::Int(number) => Ok(Value::Double(*number as f64)),
        Value::String(text) => number::parse_double(text)
            .map_or_else(|| failed(value, "double"), |number| Ok(Value::Double(number))),
        Value::Uint(number) => Ok(Value::Double(*number as f64)),
        _ => return None,
    })
}

fn to_duration(value: &Value) -> Option<Result<Value, String>> {
    const NAME: &str = "google.protobuf.Duration";
    Some(match value {
        Value::Duration(_) => Ok(value.clone()),
        // There is an overload for it, and no conversion behind it.
        Value::Int(_) => failed(value, NAME),
        Value::String(text) => {
            time::parse_duration(text).map_or_else(|| failed(value, NAME), |nanos| Ok(Value::Duration(nanos)))
        }
        _ => return None,
    })
}

fn to_int(value: &Value) -> Option<Result<Value, String>> {
    let or_overflow =
        |number: Option<i64>| number.map(Value::Int).ok_or_else(|| "integer overflow".to_owned());
    Some(match value {
        Value::Double(number) => or_overflow(number::double_to_int(*number)),
        Value::Duration(nanos) => Ok(Value::Int(*nanos)),
        Value::Int(_) => Ok(value.clone()),
        Value::String(text) => text.parse().map(Value::Int).or_else(|_| failed(value, "int")),
        Value::Timestamp(moment) => Ok(Value::Int(moment.seconds)),
        Value::Uint(number) => or_overflow(i64::try_from(*number).ok()),
        _ => return None,
    })
}

fn to_string(value: &Value) -> Option<Result<Value, String>> {
    let text: Rc<str> = match value {
        Value::Bool(value) => value.to_string().into(),
        Value::Cidr(network) => network.to_string().into(),
        Value::Ip(address) => address.to_string().into(),
        Value::Bytes(bytes) => match std::str::from_utf8(bytes) {
            Ok(text) => text.into(),
            Err(_) => return Some(Err("invalid UTF-8 in bytes, cannot convert to string".to_owned())),
        },
        Value::Double(number) => number::format_double(*number).into(),
        Value::Duration(nanos) => time::format_duration(*nanos).into(),
        Value::Int(number) => number.to_string().into(),
        Value::String(text) => Rc::clone(text),
        Value::Timestamp(moment) => moment.to_string().into(),
        Value::Uint(number) => number.to_string().into(),
        _ => return None,
    };
    Some(Ok(Value::String(text)))
}

fn to_timestamp(value: &Value) -> Option<Result<Value, String>> {
    let in_range = |moment: time::Timestamp| {
        if moment.is_in_range() { Ok(Value::Timestamp(moment)) } else { Err("timestamp overflow".to_owned()) }
    };
    Some(match value {
        Value::Int(seconds) => in_range(time::Timestamp { seconds: *seconds, nanos: 0, offset_minutes: 0 }),
        Value::String(text) => {
            time::parse_timestamp(text).map_or_else(|| failed(value, "google.protobuf.Timestamp"), in_range)
        }
        Value::Timestamp(_) => Ok(value.clone()),
        _ => return None,
    })
}

fn to_uint(value: &Value) -> Option<Result<Value, String>> {
    let or_overflow =
        |number: Option<u64>| number.map(Value::Uint).ok_or_else(|| "unsigned integer overflow".to_owned());
    Some(match value {
        Value::Double(number) => or_overflow(number::double_to_uint(*number)),
        Value::Int(number) => or_overflow(u64::try_from(*number).ok()),
        // Go takes no sign here.
        Value::String(text) => {
            let number = Some(text).filter(|text| !text.starts_with('+')).and_then(|text| text.parse().ok());
            number.map_or_else(|| failed(value, "uint"), |number| Ok(Value::Uint(number)))
        }
        Value::Uint(_) => Ok(value.clone()),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::value::{List, ListForm, Map};

    /// Each right side is what cel-go 0.26 gives.
    #[test]
    fn constants_are_converted_as_in_cel_go() {
        let text = |text: &str| Value::String(text.into());
        let double = |text: &str| convert("double", &Value::String(text.into()));
        for (function, value, expected) in [
            ("bool", text("T"), Ok(Value::Bool(true))),
            ("bool", text("tRUE"), Err("type conversion error from 'string' to 'bool'")),
            ("bool", Value::Int(1), Err("no such overload: bool(int)")),
            ("bytes", text("\u{e9}"), Ok(Value::Bytes((*b"\xc3\xa9").into()))),
            ("double", Value::Uint(u64::MAX), Ok(Value::Double(18_446_744_073_709_551_616.0))),
            ("duration", text("1h"), Ok(Value::Duration(3_600_000_000_000))),
            (
                "duration",
                Value::Int(1),
                Err("type conversion error from 'int' to 'google.protobuf.Duration'"),
            ),
            ("dyn", Value::Null, Ok(Value::Null)),
            ("int", text("+5"), Ok(Value::Int(5))),
            ("int", text("9223372036854775808"), Err("type conversion error from 'string' to 'int'")),
            ("int", Value::Double(-3.9), Ok(Value::Int(-3))),
            ("int", Value::Double(1e19), Err("integer overflow")),
            ("int", Value::Double(-9_223_372_036_854_775_808.0), Err("integer overflow")),
            ("int", Value::Double(f64::NAN), Err("integer overflow")),
            ("int", Value::Uint(1 << 63), Err("integer overflow")),
            ("int", Value::List(List::new(Vec::new(), ListForm::Values)), Err("no such overload: int(list)")),
            (
                "string",
                Value::Bytes((*b"\xff").into()),
                Err("invalid UTF-8 in bytes, cannot convert to string"),
            ),
            ("string", Value::Double(1e6), Ok(text("1e+06"))),
            ("string", Value::Map(Map::new(BTreeMap::new())), Err("no such overload: string(map)")),
            ("timestamp", Value::Int(253_402_300_800), Err("timestamp overflow")),
            (
                "timestamp",
                text("2020-01-01"),
                Err("type conversion error from 'string' to 'google.protobuf.Timestamp'"),
            ),
            ("type", Value::Null, Ok(Value::Type("null_type".into()))),
            ("uint", text("+1"), Err("type conversion error from 'string' to 'uint'")),
            ("uint", Value::Int(-1), Err("unsigned integer overflow")),
            ("uint", Value::Double(18_446_744_073_709_551_616.0), Err("unsigned integer overflow")),
            ("uint", Value::Double(-0.5), Err("unsigned integer overflow")),
        ] {
            let expected = expected.map_err(str::to_owned);
            let found = convert(function, &value).unwrap();
            let same = match (&found, &expected) {
                (Ok(found), Ok(expected)) => {
                    found.equals(expected) == Ok(true) && found.type_name() == expected.type_name()
                }
                (found, expected) => found.as_ref().err() == expected.as_ref().err(),
            };
            assert!(same, "{function}({value:?}): {found:?}");
        }
        assert!(convert("size", &text("a")).is_none());
        assert!(matches!(double("0x_1p-2"), Some(Ok(Value::Double(0.25)))));
    }
}
