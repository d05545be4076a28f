//! What the stand-in answers.

use serde_json::{Value, json};
use tokio::sync::broadcast;

use super::{Received, Reply, Shared, config_maps, line};
use crate::http1::{Lines, value, values};

/// An answer, before it is written in either version of HTTP.
pub(super) enum Answer {
    /// A whole response, or silence.
    Reply(Reply),
    /// 101, then an echo: the protocol, and the subprotocol of a WebSocket.
    Upgrade(String, Option<String>),
    /// 200 and some lines, then what is emitted.
    Watch(Vec<u8>, broadcast::Receiver<Vec<u8>>),
}

/// Who the request runs as.
#[derive(Default)]
struct Identity {
    user: String,
    uid: String,
    groups: Vec<String>,
    extra: serde_json::Map<String, Value>,
}

/// The answer to a request.
pub(super) fn answer(request: &Received, shared: &Shared) -> Answer {
    let identity = match identity(request, shared) {
        Ok(identity) => identity,
        Err(refusal) => return Answer::Reply(refusal),
    };
    let path = request.path_alone();
    let handlers = shared.state().handlers.clone();
    let told = handlers.iter().filter(|(prefix, _)| path.starts_with(prefix.as_str()));
    if let Some(reply) = told.into_iter().find_map(|(_, handler)| handler(request)) {
        return Answer::Reply(reply);
    }
    if path.starts_with("/redirect") {
        let location = shared.state().location.clone();
        return Answer::Reply(Reply::Raw(
            302,
            vec![("location".to_owned(), location.into_bytes())],
            Vec::new(),
        ));
    }
    if let Some(protocol) = upgrade(request) {
        if path.starts_with("/no-upgrade") {
            return Answer::Reply(status(403, "Forbidden", "no upgrade here"));
        }
        let offered = values(&request.headers, "sec-websocket-protocol").join(",");
        let chosen = offered.split(',').next().map(str::trim).filter(|name| !name.is_empty());
        return Answer::Upgrade(protocol, chosen.map(ToOwned::to_owned));
    }
    if let Some(answer) = config_maps::answer(request, shared) {
        return answer;
    }
    if request.asks_for("watch") {
        let events = shared.subscribe();
        return Answer::Watch(line(&json!({"type": "ADDED", "object": echo(request, &identity)})), events);
    }
    Answer::Reply(
        kubernetes(request, &identity).unwrap_or_else(|| Reply::Json(200, echo(request, &identity))),
    )
}

/// Answers a POST of a review object with its status.
pub(super) fn review(request: &Received, decide: &dyn Fn(&Value) -> Value) -> Reply {
    let Ok(mut object) = serde_json::from_slice::<Value>(&request.body) else {
        return status(400, "BadRequest", "the body is not JSON");
    };
    object["status"] = decide(&object["spec"]);
    Reply::Json(201, object)
}

fn status(code: u16, reason: &str, message: &str) -> Reply {
    Reply::Json(
        code,
        json!({
            "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
            "message": message, "reason": reason, "code": code,
        }),
    )
}

/// The protocol that a request asks to change to.
fn upgrade(request: &Received) -> Option<String> {
    let nominated = values(&request.headers, "connection").join(",").to_ascii_lowercase();
    let asked = nominated.split(',').any(|name| name.trim() == "upgrade");
    asked.then(|| value(&request.headers, "upgrade")).flatten()
}

/// The account, or whom it impersonates.
fn identity(request: &Received, shared: &Shared) -> Result<Identity, Reply> {
    let state = shared.state();
    // One line and exactly the scheme: what the gateway writes, not what kube-apiserver would forgive.
    let account = match request.values("authorization").as_slice() {
        [one] => one
            .strip_prefix("Bearer ")
            .and_then(|token| state.accounts.iter().find(|(known, _)| known == token)),
        _ => None,
    };
    let account = match account {
        Some((_, user)) => user.clone(),
        None if state.open => "system:anonymous".to_owned(),
        None => return Err(status(401, "Unauthorized", "Unauthorized")),
    };
    let mut identity = Identity {
        user: value(&request.headers, "impersonate-user").unwrap_or_default(),
        uid: value(&request.headers, "impersonate-uid").unwrap_or_default(),
        groups: values(&request.headers, "impersonate-group"),
        ..Identity::default()
    };
    for (name, value) in request.lines("impersonate-extra-") {
        let key = decoded(name.trim_start_matches("impersonate-extra-"));
        let list = identity.extra.entry(key).or_insert_with(|| json!([]));
        list.as_array_mut().expect("a list").push(json!(value));
    }
    if identity.user.is_empty() {
        if !identity.uid.is_empty() || !identity.groups.is_empty() || !identity.extra.is_empty() {
            return Err(status(
                400,
                "BadRequest",
                "requested impersonation without impersonating a user name",
            ));
        }
        identity.user = account;
    }
    complete(&mut identity);
    Ok(identity)
}

/// The groups that a service account has by its name, and `system:authenticated` (impersonation.go).
fn complete(identity: &mut Identity) {
    let account = identity.user.strip_prefix("system:serviceaccount:").and_then(|rest| rest.split_once(':'));
    if let (Some((namespace, _)), true) = (account, identity.groups.is_empty()) {
        let namespaced = format!("system:serviceaccounts:{namespace}");
        identity.groups = vec!["system:serviceaccounts".to_owned(), namespaced];
    }
    let has = |group: &str| identity.groups.iter().any(|known| known == group);
    if identity.user == "system:anonymous" {
        if !has("system:unauthenticated") {
            identity.groups.push("system:unauthenticated".to_owned());
        }
    } else if !has("system:authenticated") && !has("system:unauthenticated") {
        identity.groups.push("system:authenticated".to_owned());
    }
}

/// The key of an extra: percent-decoded, or as it is where that fails.
fn decoded(key: &str) -> String {
    let (mut bytes, mut rest) = (Vec::new(), key.as_bytes());
    while let Some((first, tail)) = rest.split_first() {
        if *first != b'%' {
            bytes.push(*first);
            rest = tail;
            continue;
        }
        let byte = tail.get(..2).and_then(|hex| std::str::from_utf8(hex).ok());
        let Some(byte) = byte.and_then(|hex| u8::from_str_radix(hex, 16).ok()) else {
            return key.to_owned();
        };
        bytes.push(byte);
        rest = &tail[2..];
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn echo(request: &Received, identity: &Identity) -> Value {
    let text = |value: &[u8]| String::from_utf8_lossy(value).into_owned();
    let lines =
        |lines: &Lines| -> Value { lines.iter().map(|(name, value)| json!([name, text(value)])).collect() };
    json!({
        "method": request.method,
        "path": request.path,
        "user": identity.user,
        "groups": identity.groups,
        "uid": identity.uid,
        "extra": identity.extra,
        "headers": lines(&request.headers),
        "trailers": lines(&request.trailers),
        "body": request.body.len(),
        "version": request.version,
    })
}

/// What kubectl needs in order to ask who it is.
fn kubernetes(request: &Received, identity: &Identity) -> Option<Reply> {
    let group = |name: &str| {
        let version = json!({"groupVersion": format!("{name}/v1"), "version": "v1"});
        json!({"name": name, "versions": [version], "preferredVersion": version})
    };
    let resource = |name: &str, kind: &str, verbs: &[&str], namespaced: bool| json!({"name": name, "singularName": "", "namespaced": namespaced, "kind": kind, "verbs": verbs});
    let resources = |version: &str, resources: Value| json!({"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": version, "resources": resources});
    let read = &["get", "list", "watch"];
    let body = match (request.method.as_str(), request.path_alone()) {
        ("POST", "/apis/authentication.k8s.io/v1/selfsubjectreviews") => {
            let mut user = json!({"username": identity.user, "groups": identity.groups});
            if !identity.uid.is_empty() {
                user["uid"] = json!(identity.uid);
            }
            if !identity.extra.is_empty() {
                user["extra"] = json!(identity.extra);
            }
            return Some(Reply::Json(
                201,
                json!({
                    "kind": "SelfSubjectReview", "apiVersion": "authentication.k8s.io/v1",
                    "metadata": {"creationTimestamp": null}, "status": {"userInfo": user},
                }),
            ));
        }
        ("GET", "/version") => json!({"major": "1", "minor": "34", "gitVersion": "v1.34.0"}),
        ("GET", "/api") => {
            json!({"kind": "APIVersions", "versions": ["v1"], "serverAddressByClientCIDRs": []})
        }
        ("GET", "/apis") => json!({"kind": "APIGroupList", "apiVersion": "v1", "groups": [
            group("authentication.k8s.io"), group("authorization.k8s.io"),
        ]}),
        ("GET", "/api/v1") => resources(
            "v1",
            json!([
                resource("namespaces", "Namespace", read, false),
                resource("pods", "Pod", read, true),
                resource("pods/exec", "PodExecOptions", &["create", "get"], true),
            ]),
        ),
        ("GET", "/apis/authentication.k8s.io/v1") => resources(
            "authentication.k8s.io/v1",
            json!([
                resource("selfsubjectreviews", "SelfSubjectReview", &["create"], false),
                resource("tokenreviews", "TokenReview", &["create"], false),
            ]),
        ),
        ("GET", "/apis/authorization.k8s.io/v1") => resources(
            "authorization.k8s.io/v1",
            json!([resource("subjectaccessreviews", "SubjectAccessReview", &["create"], false),]),
        ),
        (_, path) if path.starts_with("/openapi") => return Some(status(404, "NotFound", "not found")),
        _ => return None,
    };
    Some(Reply::Json(200, body))
}
