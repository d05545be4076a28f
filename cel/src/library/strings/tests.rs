//! Rows about texts, and what rows about functions share. Expected values are kube-apiserver's.

use crate::library;
use crate::value::{Key, List, ListForm, Map, Timestamp, Value};

/// Name of a function, its arguments, what it gives and what that costs (None: it depends on types).
pub(crate) type Row = (&'static str, &'static str, &'static str, Option<u64>);

#[track_caller]
pub(crate) fn check(rows: &[Row]) {
    for (name, args, expected, cost) in rows {
        let function = library::find(name).unwrap();
        let Value::List(args) = value(&serde_json::from_str(args).unwrap()) else { panic!("{args}") };
        let result = (function.call)(args.elements());
        let outcome = match &result {
            Ok(value) => {
                let form = match value {
                    Value::List(list) if list.form() == ListForm::Native => "native ",
                    Value::List(_) => "values ",
                    _ => "",
                };
                Ok((form, json(value)))
            }
            Err(error) => Err(error.to_string()),
        };
        let expected = match expected.strip_prefix("error: ") {
            Some(error) => Err(error.to_owned()),
            None => {
                let json = expected.trim_start_matches("native ").trim_start_matches("values ");
                Ok((expected.strip_suffix(json).unwrap(), serde_json::from_str(json).unwrap()))
            }
        };
        assert_eq!(outcome, expected, "{name}{args:?}");
        if let Some(cost) = cost {
            let result = result.unwrap_or(Value::Null);
            assert_eq!((function.cost)(args.elements(), &result), *cost, "cost of {name}{args:?}");
        }
    }
}

/// A value from JSON, types that JSON lacks as an object with one name: `{"$uint":"1"}`.
fn value(json: &serde_json::Value) -> Value {
    use serde_json::Value as Json;
    match json {
        Json::Null => Value::Null,
        Json::Bool(is) => Value::Bool(*is),
        Json::Number(number) => {
            number.as_i64().map_or_else(|| Value::Double(number.as_f64().unwrap()), Value::Int)
        }
        Json::String(text) => Value::string(text.as_str()),
        Json::Array(elements) => {
            Value::List(List::new(elements.iter().map(value).collect(), ListForm::Values))
        }
        Json::Object(entries) => {
            let (name, inner) = entries
                .iter()
                .next()
                .map_or(("", Json::Null), |(name, inner)| (name.as_str(), inner.clone()));
            let number = inner.as_str().unwrap_or_default();
            match name {
                "$uint" => Value::Uint(number.parse().unwrap()),
                "$double" => Value::Double(number.parse().unwrap()),
                "$duration" => Value::Duration(number.parse().unwrap()),
                "$type" => Value::Type(number.into()),
                "$bytes" => Value::Bytes(
                    number
                        .as_bytes()
                        .chunks(2)
                        .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap())
                        .collect(),
                ),
                "$timestamp" => Value::Timestamp(Timestamp {
                    offset_minutes: 0,
                    seconds: inner[0].as_i64().unwrap(),
                    nanos: u32::try_from(inner[1].as_u64().unwrap()).unwrap(),
                }),
                _ => Value::Map(Map::new(
                    entries
                        .iter()
                        .map(|(key, inner)| (Key::String(key.as_str().into()), value(inner)))
                        .collect(),
                )),
            }
        }
    }
}

fn json(value: &Value) -> serde_json::Value {
    use serde_json::json;
    match value {
        Value::Bool(is) => json!(is),
        Value::Bytes(bytes) => {
            json!({"$bytes": bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>()})
        }
        Value::Double(number) => json!({"$double": number.to_string()}),
        Value::Duration(nanos) => json!({"$duration": nanos.to_string()}),
        Value::Int(number) => json!(number),
        Value::List(list) => list.iter().map(json).collect(),
        Value::Null => json!(null),
        Value::String(text) => json!(&**text),
        Value::Uint(number) => json!({"$uint": number.to_string()}),
        other => panic!("{other:?}"),
    }
}

#[test]
fn strings() {
    check(STRINGS);
}

#[rustfmt::skip]
const STRINGS: &[Row] = &[
    ("charAt", r#"["abc",0]"#, r#""a""#, Some(1)),
    ("charAt", r#"["abc",3]"#, r#""""#, Some(1)),
    ("charAt", r#"["abc",4]"#, r#"error: index out of range: 4"#, Some(1)),
    ("charAt", r#"["abc",-1]"#, r#"error: index out of range: -1"#, Some(1)),
    ("charAt", r#"["ta©o©αT",6]"#, r#""T""#, Some(1)),
    ("charAt", r#"["😀b",1]"#, r#""b""#, Some(1)),
    ("substring", r#"["tacocat",4]"#, r#""cat""#, Some(1)),
    ("substring", r#"["tacocat",7]"#, r#""""#, Some(1)),
    ("substring", r#"["tacocat",8]"#, r#"error: index out of range: 8"#, Some(1)),
    ("substring", r#"["ta©o©αT",2,6]"#, r#""©o©α""#, Some(1)),
    ("substring", r#"["ta©o©αT",7,7]"#, r#""""#, Some(1)),
    ("substring", r#"["abc",2,1]"#, r#"error: invalid substring range. start: 2, end: 1"#, Some(1)),
    ("substring", r#"["abc",-1,1]"#, r#"error: index out of range: -1"#, Some(1)),
    ("substring", r#"["abc",1,9]"#, r#"error: index out of range: 9"#, Some(1)),
    ("substring", r#"["",0]"#, r#""""#, Some(0)),
    ("indexOf", r#"["tacocat",""]"#, r#"0"#, Some(0)),
    ("indexOf", r#"["tacocat","ac"]"#, r#"1"#, Some(0)),
    ("indexOf", r#"["tacocat","none"]"#, r#"-1"#, Some(0)),
    ("indexOf", r#"["tacocat","",3]"#, r#"3"#, Some(0)),
    ("indexOf", r#"["tacocat","",-5]"#, r#"-5"#, Some(0)),
    ("indexOf", r#"["tacocat","a",3]"#, r#"5"#, Some(0)),
    ("indexOf", r#"["tacocat","at",3]"#, r#"5"#, Some(0)),
    ("indexOf", r#"["ta©o©αT","©"]"#, r#"2"#, Some(1)),
    ("indexOf", r#"["ta©o©αT","©",3]"#, r#"4"#, Some(1)),
    ("indexOf", r#"["ta©o©αT","©αT",3]"#, r#"4"#, Some(1)),
    ("indexOf", r#"["abc","c",7]"#, r#"-1"#, Some(0)),
    ("indexOf", r#"["abc","c",3]"#, r#"-1"#, Some(0)),
    ("indexOf", r#"["abc","c",-1]"#, r#"error: index out of range: -1"#, Some(0)),
    ("indexOf", r#"["","a"]"#, r#"-1"#, Some(0)),
    ("lastIndexOf", r#"["tacocat",""]"#, r#"7"#, Some(0)),
    ("lastIndexOf", r#"["tacocat","at"]"#, r#"5"#, Some(0)),
    ("lastIndexOf", r#"["tacocat","none"]"#, r#"-1"#, Some(0)),
    ("lastIndexOf", r#"["tacocat","",3]"#, r#"3"#, Some(0)),
    ("lastIndexOf", r#"["tacocat","a",3]"#, r#"1"#, Some(0)),
    ("lastIndexOf", r#"["ta©o©αT","©"]"#, r#"4"#, Some(1)),
    ("lastIndexOf", r#"["ta©o©αT","©",3]"#, r#"2"#, Some(1)),
    ("lastIndexOf", r#"["ta©o©αT","©α",4]"#, r#"4"#, Some(1)),
    ("lastIndexOf", r#"["ta©o©αT","©α",3]"#, r#"-1"#, Some(1)),
    ("lastIndexOf", r#"["abc","c",7]"#, r#"-1"#, Some(0)),
    ("lastIndexOf", r#"["abc","c",3]"#, r#"-1"#, Some(0)),
    ("lastIndexOf", r#"["abc","c",2]"#, r#"2"#, Some(0)),
    ("lastIndexOf", r#"["abc","c",-1]"#, r#"error: index out of range: -1"#, Some(0)),
    ("lastIndexOf", r#"["abc","abcd",1]"#, r#"-1"#, Some(0)),
    ("lastIndexOf", r#"["©","a",0]"#, r#"-1"#, Some(0)),
    ("lastIndexOf", r#"["aéa","a",1]"#, r#"0"#, Some(0)),
    ("lastIndexOf", r#"["aaa","aa",2]"#, r#"1"#, Some(0)),
    ("lastIndexOf", r#"["","a",0]"#, r#"-1"#, Some(0)),
    ("lastIndexOf", r#"["","a"]"#, r#"-1"#, Some(0)),
    ("lowerAscii", r#"["TacoCÆt"]"#, r#""tacocÆt""#, Some(1)),
    ("upperAscii", r#"["tacoCÆtß"]"#, r#""TACOCÆTß""#, Some(1)),
    ("trim", r#"[" \f\n\r\t\u000btext\u0085\u00a0\u2000\u3000"]"#, r#""text""#, Some(2)),
    ("trim", r#"["\u200btext\u180e"]"#, r#""\u200btext\u180e""#, Some(1)),
    ("trim", r#"["  "]"#, r#""""#, Some(1)),
    ("replace", r#"["12 days 12 hours","{0}","2"]"#, r#""12 days 12 hours""#, Some(4)),
    ("replace", r#"["{0} days {0} hours","{0}","2"]"#, r#""2 days 2 hours""#, Some(4)),
    ("replace", r#"["{0} days {0} hours","{0}","2",1]"#, r#""2 days {0} hours""#, Some(4)),
    ("replace", r#"["a","a","b",0]"#, r#""a""#, Some(1)),
    ("replace", r#"["aaa","a","b",-1]"#, r#""bbb""#, Some(1)),
    ("replace", r#"["1 ©αT taco","αT","o©α"]"#, r#""1 ©o©α taco""#, Some(2)),
    ("replace", r#"["abé","","-"]"#, r#""-a-b-é-""#, Some(1)),
    ("replace", r#"["abé","","-",2]"#, r#""-a-bé""#, Some(1)),
    ("replace", r#"["","","x"]"#, r#""x""#, Some(0)),
    ("replace", r#"["aaaa","aa","a",5]"#, r#""aa""#, Some(1)),
    ("split", r#"["a,b,c",","]"#, r#"native ["a","b","c"]"#, Some(1)),
    ("split", r#"["a,b,c",",",2]"#, r#"native ["a","b,c"]"#, Some(1)),
    ("split", r#"["a,b,c",",",1]"#, r#"native ["a,b,c"]"#, Some(1)),
    ("split", r#"["a,b,c",",",0]"#, r#"native []"#, Some(1)),
    ("split", r#"["a,b,c",",",-1]"#, r#"native ["a","b","c"]"#, Some(1)),
    ("split", r#"["a,b,c",",",9]"#, r#"native ["a","b","c"]"#, Some(1)),
    ("split", r#"["",","]"#, r#"native [""]"#, Some(0)),
    ("split", r#"["",""]"#, r#"native []"#, Some(0)),
    ("split", r#"["aé😀",""]"#, r#"native ["a","é","😀"]"#, Some(1)),
    ("split", r#"["aé😀","",2]"#, r#"native ["a","é😀"]"#, Some(1)),
    ("split", r#"["aé😀","",1]"#, r#"native ["aé😀"]"#, Some(1)),
    ("split", r#"["aé😀","",0]"#, r#"native []"#, Some(1)),
    ("split", r#"["abc","",3]"#, r#"native ["a","b","c"]"#, Some(1)),
    ("split", r#"["a",","]"#, r#"native ["a"]"#, Some(1)),
    ("split", r#"[",",","]"#, r#"native ["",""]"#, Some(1)),
    ("join", r#"[["x","y"]]"#, r#""xy""#, Some(1)),
    ("join", r#"[["x","y"],"-"]"#, r#""x-y""#, Some(1)),
    ("join", r#"[[]]"#, r#""""#, Some(0)),
    ("join", r#"[["x"],"-"]"#, r#""x""#, Some(1)),
    ("join", r#"[["x",1],"-"]"#, r#"error: join: invalid input: 1"#, None),
    ("join", r#"[[1,"x"],"-"]"#, r#"error: no such overload"#, None),
    ("join", r#"[["","",""],"ab"]"#, r#""abab""#, Some(1)),
    ("strings.quote", r#"["first\nsecond"]"#, r#""\"first\\nsecond\"""#, Some(2)),
    ("strings.quote", r#"["bell\u0007vtab\u000bback\bfeed\fret\rtab\tslash\\quote\"'?\u0000é"]"#, r#""\"bell\\avtab\\vback\\bfeed\\fret\\rtab\\tslash\\\\quote\\\"'?\u0000é\"""#, Some(5)),
    ("strings.quote", r#"[""]"#, r#""\"\"""#, Some(0)),
];

#[test]
fn results_are_bounded() {
    let text = "x".repeat(1024 * 1024);
    for (name, args) in [
        ("replace", vec![Value::string(text.as_str()), Value::string("x"), Value::string("xx")]),
        ("replace", vec![Value::string(text.as_str()), Value::string(""), Value::string("y")]),
        ("strings.quote", vec![Value::string(text.as_str())]),
    ] {
        let error = (library::find(name).unwrap().call)(&args).unwrap_err();
        assert_eq!(error.to_string(), "operation cancelled: actual cost limit exceeded", "{name}");
    }
    let list = Value::List(List::new(vec![Value::string("x".repeat(200_000)); 6], ListForm::Values));
    assert_eq!(
        (library::find("join").unwrap().call)(&[list]).unwrap_err().to_string(),
        "operation cancelled: actual cost limit exceeded"
    );
    for separator in ["", "x"] {
        let args = [Value::string(text.as_str()), Value::string(separator)];
        assert_eq!(
            (library::find("split").unwrap().call)(&args).unwrap_err().to_string(),
            "operation cancelled: actual cost limit exceeded"
        );
    }
}
