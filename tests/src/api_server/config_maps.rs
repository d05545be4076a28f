//! ConfigMaps of the stand-in: listed and watched by name.

use serde_json::{Value, json};

use super::answers::Answer;
use super::{ApiServer, Received, Reply, Shared, line};

/// What happened, in its order. The position behind an event is the version that follows it.
#[derive(Debug, Default)]
pub(super) struct History(Vec<Value>);

impl ApiServer {
    /// Holds a ConfigMap with this `data` from now on. All of them are in one namespace.
    pub fn put_config_map(&self, name: &str, data: Value) {
        self.happens("MODIFIED", name, data);
    }

    /// Holds a ConfigMap no more.
    pub fn delete_config_map(&self, name: &str) {
        self.happens("DELETED", name, Value::Null);
    }

    fn happens(&self, kind: &str, name: &str, data: Value) {
        // Under the lock, so that a watch that begins meanwhile has it once.
        let mut state = self.state();
        let version = (state.config_maps.0.len() + 1).to_string();
        let object = json!({
            "apiVersion": "v1", "kind": "ConfigMap", "data": data,
            "metadata": {"name": name, "resourceVersion": version},
        });
        let event = json!({"type": kind, "object": object});
        state.config_maps.0.push(event.clone());
        self.emit(&event);
    }
}

/// The answer to a list or a watch of one ConfigMap.
pub(super) fn answer(request: &Received, shared: &Shared) -> Option<Answer> {
    let path = request.path_alone();
    if request.method != "GET" || !path.starts_with("/api/v1/namespaces/") || !path.ends_with("/configmaps") {
        return None;
    }
    let name = request.query("fieldSelector")?.strip_prefix("metadata.name%3D")?.to_owned();
    let state = shared.state();
    let History(events) = &state.config_maps;
    let of_name = |event: &&Value| event["object"]["metadata"]["name"] == *name;
    if request.asks_for("watch") {
        let since: usize = request.query("resourceVersion")?.parse().ok()?;
        let missed = events.iter().skip(since).filter(of_name).flat_map(line);
        return Some(Answer::Watch(missed.collect(), shared.subscribe()));
    }
    let last = events.iter().rfind(of_name).filter(|event| event["type"] != "DELETED");
    let items: Vec<&Value> = last.iter().map(|event| &event["object"]).collect();
    let version = events.len().to_string();
    let list = json!({
        "apiVersion": "v1", "kind": "ConfigMapList", "metadata": {"resourceVersion": version}, "items": items,
    });
    Some(Answer::Reply(Reply::Json(200, list)))
}
