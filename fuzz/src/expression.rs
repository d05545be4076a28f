use std::sync::LazyLock;

use kubernetes_cel::check::{Use, check};
use kubernetes_cel::program::{Environment, Program};
use kubernetes_cel::value::{Key, LazyMap, List, ListForm, Map, Value};
use serde_json::Value as Json;

/// What kube-apiserver lets an expression cost, with what the last step may add.
const MOST: u64 = 2_000_000;

/// Claims of many types.
static CLAIMS: LazyLock<Json> = LazyLock::new(|| {
    serde_json::json!({
        "s": "jane@example.com", "n": 5.5, "b": true, "z": null, "l": ["a", "b", 1, [2]], "m": {"a": "x", "b": {"c": [1]}},
        "t": "2024-01-02T03:04:05Z", "d": "1h30m", "ip": "10.0.0.1", "u": "https://a.example:8/x?y=z", "q": "1.5Gi", "v": "1.2.3",
        "e": "\u{1f600}\u{e9}", "a.b": "dotted",
    })
});

/// Checks a text as an expression, and evaluates it if it is one: it ends, at a bounded cost.
pub fn expression(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    for environment in [Environment::Claims, Environment::User] {
        let is_taken = check(text, environment, Use::Mapping).is_ok();
        // A rule is a mapping whose type is bool.
        assert!(is_taken || check(text, environment, Use::Rule).is_err(), "a rule that is no mapping");
        if let Ok(program) = Program::new(text, environment) {
            let (_, cost) = program.evaluate_and_count(&Claims);
            assert!(cost <= MOST, "{cost} steps");
        }
    }
}

struct Claims;

impl LazyMap for Claims {
    fn get(&self, name: &str) -> Option<Value> {
        CLAIMS.get(name).map(|claim| value(claim).unescaping())
    }

    fn size(&self) -> usize {
        CLAIMS.as_object().map_or(0, serde_json::Map::len)
    }

    fn name(&self, place: usize) -> Option<&str> {
        CLAIMS.as_object()?.keys().nth(place).map(String::as_str)
    }

    fn type_name(&self) -> &'static str {
        "kubernetes.claims"
    }
}

fn value(json: &Json) -> Value {
    match json {
        Json::Null => Value::Null,
        Json::Bool(value) => Value::Bool(*value),
        Json::Number(number) => number.as_f64().map_or(Value::Null, Value::Double),
        Json::String(text) => Value::string(text.as_str()),
        Json::Array(elements) => Value::List(List::new(elements.iter().map(value).collect(), ListForm::Any)),
        Json::Object(members) => {
            let members =
                members.iter().map(|(name, member)| (Key::String(name.as_str().into()), value(member)));
            Value::Map(Map::new(members.collect()))
        }
    }
}
