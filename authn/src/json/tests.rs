mod same;

use serde_json::json;

use super::*;

type Tree = serde_json::Value;

impl Value<'_> {
    fn tree(self) -> Tree {
        match self {
            Self::Array(array) => array.elements().map(Self::tree).collect(),
            Self::Bool(value) => value.into(),
            Self::Null => Tree::Null,
            Self::Number(number) => number.clone().into(),
            Self::Object(object) => object.members().map(|(name, value)| (name, value.tree())).collect(),
            Self::String(text) => text.into(),
        }
    }
}

fn parse(text: &[u8]) -> Result<Tree, JsonError> {
    Document::parse(text).map(|document| Value::Object(document.object()).tree())
}

#[track_caller]
fn refused(text: &str, error: JsonError) {
    assert_eq!(parse(text.as_bytes()), Err(error), "{text}");
}

#[test]
fn an_object_is_read_as_it_stands() {
    assert_eq!(
        parse(br#" {"a":[1,-2,3.5,"x",null,true,{"b":{}}]} "#),
        Ok(json!({"a": [1, -2, 3.5, "x", null, true, {"b": {}}]}))
    );
    let text = br#"{"a":[{"b":[]},"x"],"o":{"a":1},"\u0061b":"\u0063"}"#;
    let document = Document::parse(text).unwrap();
    let object = document.object();
    assert_eq!(object.members().map(|(name, _)| name).collect::<Vec<_>>(), ["a", "o", "ab"]);
    assert_eq!(object.get("ab").and_then(Value::as_str), Some("c"));
    assert_eq!(object.get("o").and_then(Value::as_object).map(|inner| inner.values().count()), Some(1));
    assert!(object.get("b").is_none());
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
    assert_eq!(parse(b"{\"a\":\"\xff\"}"), Err(JsonError::Syntax));
    for (levels, is_good) in [(126, true), (127, false), (200, false)] {
        let text = format!("{{\"a\":{}{}}}", "[".repeat(levels), "]".repeat(levels));
        assert_eq!(parse(text.as_bytes()).is_ok(), is_good, "{levels}");
    }
}

/// Wherever the two stand, and however many others there are.
#[test]
fn a_name_that_stands_twice_is_found_among_few_and_many() {
    for count in [2_usize, 3, 23, 24, 25, 26, 100] {
        let names: Vec<_> = (0..count).map(|n| format!("{}{n}", "same".repeat(n % 3))).collect();
        let object = |names: &[String]| {
            let members: Vec<_> = names.iter().map(|name| format!("\"{name}\":[{{}},\"{name}\"]")).collect();
            format!("{{{}}}", members.join(","))
        };
        assert!(parse(object(&names).as_bytes()).is_ok(), "{count}");
        for (from, to) in [(0, count - 1), (count - 1, 0), (count / 2, 0), (count - 2, count - 1)] {
            let mut twice = names.clone();
            twice[to].clone_from(&names[from]);
            refused(&object(&twice), if from == to { continue } else { JsonError::DuplicateMember });
        }
    }
}
