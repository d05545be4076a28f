//! Every vector: what kube-apiserver's own packages say of an expression, and what we say.
//!
//! `vectors/*.jsonl` is written by `tests/tools/cel-oracle`, which says what stands in a line. Where we are stricter, a line of
//! `known_differences.txt` names the case and why; a case that is named there and doesn't differ fails as well.
#![expect(
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a test stops at the first surprise"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::Path;

use kubernetes_cel::check::{Environment, Use, check};
use kubernetes_cel::program::Program;
use kubernetes_cel::value::{Key, LazyMap, List, ListForm, Map, Value};
use serde_json::{Value as Json, json};

/// `claims` or `user`.
#[derive(Debug)]
struct Variable {
    values: BTreeMap<String, Value>,
    type_name: &'static str,
}

impl LazyMap for Variable {
    fn get(&self, name: &str) -> Option<Value> {
        self.values.get(name).cloned().map(Value::unescaping)
    }

    fn size(&self) -> usize {
        self.values.len()
    }

    fn name(&self, place: usize) -> Option<&str> {
        self.values.keys().nth(place).map(String::as_str)
    }

    fn type_name(&self) -> &'static str {
        self.type_name
    }
}

fn claim(json: &Json) -> Value {
    match json {
        Json::Null => Value::Null,
        Json::Bool(value) => Value::Bool(*value),
        Json::Number(number) => Value::Double(number.as_f64().unwrap()),
        Json::String(text) => Value::string(text.as_str()),
        Json::Array(elements) => Value::List(List::new(elements.iter().map(claim).collect(), ListForm::Any)),
        Json::Object(members) => {
            let members =
                members.iter().map(|(name, value)| (Key::String(name.as_str().into()), claim(value)));
            Value::Map(Map::new(members.collect()))
        }
    }
}

fn native(json: &Json) -> Value {
    let texts = json.as_array().into_iter().flatten().map(claim);
    Value::List(List::new(texts.collect(), ListForm::Native))
}

fn variable(case: &Json) -> Variable {
    let input = case["input"].as_object().cloned().unwrap_or_default();
    if case["env"] != "user" {
        let values = input.iter().map(|(name, value)| (name.clone(), claim(value))).collect();
        return Variable { values, type_name: "kubernetes.claims" };
    }
    let text = |name: &str| Value::string(input.get(name).and_then(Json::as_str).unwrap_or_default());
    let extra = input.get("extra").and_then(Json::as_object).cloned().unwrap_or_default();
    let extra = extra.iter().map(|(key, values)| (Key::String(key.as_str().into()), native(values)));
    let values = [
        ("username", text("username")),
        ("uid", text("uid")),
        ("groups", native(input.get("groups").unwrap_or(&Json::Null))),
        ("extra", Value::Map(Map::new(extra.collect()))),
    ];
    let values = values.map(|(name, value)| (name.to_owned(), value)).into();
    Variable { values, type_name: "kubernetes.UserInfo" }
}

/// A value in the oracle's form.
fn canonical(value: &Value) -> Json {
    match value {
        Value::Bool(value) => json!({"bool": value}),
        Value::Bytes(bytes) => {
            let hex = bytes.iter().fold(String::new(), |mut hex, byte| {
                write!(hex, "{byte:02x}").unwrap();
                hex
            });
            json!({"bytes": hex})
        }
        // Their texts are held elsewhere.
        Value::Double(number) if number.is_nan() => json!({"double": "NaN"}),
        Value::Double(number) => json!({"double": number.to_bits()}),
        Value::Duration(nanos) => json!({"duration": nanos.to_string()}),
        Value::Int(number) => json!({"int": number.to_string()}),
        Value::Lazy(_) => json!({"lazy": value.type_name()}),
        Value::List(list) => json!({"list": list.elements().iter().map(canonical).collect::<Vec<_>>()}),
        Value::Map(map) => {
            let pairs = map
                .entries()
                .iter()
                .map(|(key, value)| json!([canonical(&key.to_value()), canonical(value)]));
            let mut pairs: Vec<_> = pairs.collect();
            pairs.sort_by_key(|pair| pair[0].to_string());
            json!({"map": pairs})
        }
        Value::Null => json!({"null": null}),
        Value::Optional(optional) => json!({"optional": optional.as_deref().map(canonical)}),
        Value::String(text) => json!({"string": &**text}),
        Value::Timestamp(moment) => json!({"timestamp": format!("{}.{:09}", moment.seconds, moment.nanos)}),
        Value::Type(name) => json!({"type": &**name}),
        Value::Uint(number) => json!({"uint": number.to_string()}),
        opaque => json!({"opaque": [opaque.type_name()]}),
    }
}

/// The oracle's form with doubles as bits, and without what only Go can print.
fn comparable(expected: &Json) -> Json {
    match expected {
        Json::Array(elements) => elements.iter().map(comparable).collect(),
        Json::Object(members) => {
            let member = |(name, value): (&String, &Json)| {
                let value = match (name.as_str(), value) {
                    ("double", Json::String(text)) if text == "NaN" => json!("NaN"),
                    ("double", Json::String(text)) => json!(text.parse::<f64>().unwrap().to_bits()),
                    ("opaque", Json::Array(parts)) => json!([parts[0]]),
                    ("optional" | "list" | "map", value) => comparable(value),
                    (_, value) => value.clone(),
                };
                (name.clone(), value)
            };
            // The oracle has no name for it.
            if members.get("other").is_some_and(|name| name == "cel.Format") {
                return json!({"opaque": ["kubernetes.NamedFormat"]});
            }
            members.iter().map(member).collect()
        }
        other => other.clone(),
    }
}

/// What differs, in a word, and both sides.
fn difference(case: &Json) -> Option<(&'static str, String, String)> {
    let expression = case["expression"].as_str().unwrap();
    let environment = if case["env"] == "user" { Environment::User } else { Environment::Claims };
    let purpose = if case["purpose"] == "rule" { Use::Rule } else { Use::Mapping };
    let checked = check(expression, environment, purpose);
    if let Some(expected) = case["compile_error"].as_str() {
        return match checked {
            Ok(_) => Some(("accepted", expected.to_owned(), String::new())),
            Err(refusal) if refusal.to_string() == expected => None,
            Err(refusal) => Some(("message", expected.to_owned(), refusal.to_string())),
        };
    }
    if let Err(refusal) = checked {
        return Some(("refused", String::new(), refusal.to_string()));
    }
    let program = match Program::new(expression, environment) {
        Ok(program) => program,
        Err(error) => return Some(("unsupported", String::new(), error)),
    };
    let (found, cost) = program.evaluate_and_count(&variable(case));
    if let Some(theirs) = case["cost"].as_u64().filter(|theirs| *theirs > cost) {
        return Some(("cheaper", theirs.to_string(), cost.to_string()));
    }
    match (case["error"].as_str(), found) {
        (Some(expected), Ok(value)) => Some(("value", expected.to_owned(), canonical(&value).to_string())),
        (Some(expected), Err(error)) => {
            // The oracle has copies of these two types of kube-apiserver's package `oidc`, under names of its own.
            let expected = expected
                .replace("*main.unescapingList", "*oidc.unescapeLister")
                .replace("*main.unescapingMap", "*oidc.unescapeMapper");
            let error = error.to_string();
            (expected != error).then_some(("error text", expected, error))
        }
        (None, Err(error)) => Some(("error", case["value"].to_string(), error.to_string())),
        (None, Ok(value)) => {
            let (expected, found) = (comparable(&case["value"]), comparable(&canonical(&value)));
            if expected != found {
                return Some(("value", expected.to_string(), found.to_string()));
            }
            let texts = value.string_list().map_or(Json::Null, |texts| json!(texts));
            let expected = if case["refused"] == true { &Json::Null } else { &case["strings"] };
            (texts != *expected).then(|| ("strings", expected.to_string(), texts.to_string()))
        }
    }
}

/// How many vectors there are, and what differs of those that aren't known to. The known ones are taken out of `unseen`.
fn differences<'k>(
    directory: &Path,
    unseen: &mut BTreeSet<&'k str>,
    known: &BTreeSet<&'k str>,
) -> (usize, Vec<String>) {
    let (mut count, mut differences) = (0, Vec::new());
    let mut files: Vec<_> = std::fs::read_dir(directory).unwrap().map(|file| file.unwrap().path()).collect();
    files.sort();
    for file in files {
        let vectors = std::fs::read_to_string(&file).unwrap();
        for line in vectors.lines() {
            let case: Json = serde_json::from_str(line).unwrap();
            let id = case["id"].as_str().unwrap();
            count += 1;
            let Some((kind, expected, found)) = difference(&case) else { continue };
            if !unseen.remove(id) && !known.contains(id) {
                differences.push(format!(
                    "{kind}: {id} {}\n  over {}\n  there: {expected}\n  here:  {found}",
                    case["expression"], case["input"]
                ));
            }
        }
    }
    (count, differences)
}

#[test]
fn expressions_are_evaluated_as_by_kubernetes() {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests");
    let known = std::fs::read_to_string(directory.join("known_differences.txt")).unwrap();
    // Others than those that are committed: `cel-oracle vectors` with another seed.
    if let Some(others) = std::env::var_os("CEL_VECTORS") {
        let differences = differences(Path::new(&others), &mut BTreeSet::new(), &BTreeSet::new()).1;
        assert!(differences.is_empty(), "{} differ:\n{}", differences.len(), differences.join("\n"));
        return;
    }
    let known: BTreeSet<&str> = known
        .lines()
        .filter(|line| !line.starts_with('#'))
        .filter_map(|line| line.split(' ').next())
        .collect();
    let mut unseen = known.clone();
    let (count, differences) = differences(&directory.join("vectors"), &mut unseen, &known);
    assert!(count > 3_000, "{count} vectors");
    assert!(differences.is_empty(), "{} of {count} differ:\n{}", differences.len(), differences.join("\n"));
    assert!(unseen.is_empty(), "no longer different, or gone: {unseen:?}");
}
