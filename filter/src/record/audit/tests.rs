//! Whole records, as the format makes events of them.

use serde_json::{Value, json};

use super::*;

fn strings(values: &[&str]) -> Vec<String> {
    values.iter().map(|value| (*value).to_owned()).collect()
}

fn record<'a>(method: &'a str, path: &'a str) -> RequestRecord<'a> {
    RequestRecord {
        outcome: Outcome::Forwarded,
        method: method.as_bytes(),
        path: path.as_bytes(),
        user: None,
        impersonated: None,
        source: "10.42.1.3".parse().ok(),
        peer: None,
        user_agent: b"kubectl/v1.36.3",
        audit_id: b"9a0f1d47-4b5e-4f4b-9d5f-1f9d4a0b6c2e",
    }
}

#[track_caller]
fn event(record: &RequestRecord<'_>) -> Value {
    let text = format!("{{\"kind\":\"Event\"{}}}", members(record));
    assert!(!text.chars().any(is_unprintable), "{text}");
    serde_json::from_str(&text).unwrap()
}

#[test]
fn a_request_for_a_resource() {
    let (groups, extra) = (strings(&["dev", "a|b"]), [("k".to_owned(), strings(&["v", "w"]))]);
    let alice = User { name: "alice", uid: "u", groups: &groups, extra: &extra };
    let bob = User { name: "bob", uid: "", groups: &[], extra: &[] };
    let request = RequestRecord {
        user: Some(alice),
        impersonated: Some(bob),
        peer: "10.42.0.5".parse().ok(),
        ..record("GET", "/apis/apps/v1/namespaces/a/deployments/b/scale?x=1")
    };
    assert_eq!(
        event(&request),
        json!({
            "kind": "Event",
            "auditID": "9a0f1d47-4b5e-4f4b-9d5f-1f9d4a0b6c2e",
            "requestURI": "/apis/apps/v1/namespaces/a/deployments/b/scale?x=1",
            "verb": "get",
            "user": {"username": "alice", "uid": "u", "groups": ["dev", "a|b"], "extra": {"k": ["v", "w"]}},
            "impersonatedUser": {"username": "bob"},
            "sourceIPs": ["10.42.1.3", "10.42.0.5"],
            "userAgent": "kubectl/v1.36.3",
            "objectRef": {
                "resource": "deployments", "namespace": "a", "name": "b", "apiGroup": "apps", "apiVersion": "v1",
                "subresource": "scale",
            },
        })
    );
}

#[test]
fn a_refusal_has_a_reason_and_nobody_as_its_user() {
    let request = RequestRecord {
        outcome: Outcome::Refused { reason: "expired" },
        source: None,
        user_agent: b"",
        ..record("HEAD", "/healthz")
    };
    assert_eq!(
        event(&request),
        json!({
            "kind": "Event",
            "auditID": "9a0f1d47-4b5e-4f4b-9d5f-1f9d4a0b6c2e",
            "requestURI": "/healthz",
            "verb": "head",
            "user": {},
            "annotations": {"authn.kube-oidc-filter.io/reason": "expired"},
        })
    );
}

#[test]
fn whatever_was_sent_it_is_one_object_on_one_line() {
    let hostile = "a\"\\\n\r\0\u{1b}\u{85}\u{2028}\u{202e}},\"x\":1,{";
    let groups = strings(&[hostile]);
    let extra = [(hostile.to_owned(), groups.clone())];
    let user = User { name: hostile, uid: hostile, groups: &groups, extra: &extra };
    let request = RequestRecord {
        user: Some(user),
        impersonated: Some(user),
        method: b"G\"\xffT",
        path: b"/api/v1/pods/\"\\\xff\xc3\xa9%22%00%ff",
        user_agent: b"\xff\"\\\t\xc3\xa9",
        audit_id: b"\"\xff",
        ..record("", "")
    };
    let event = event(&request);
    assert_eq!(
        event["user"],
        json!({"username": hostile, "uid": hostile, "groups": [hostile], "extra": {hostile: [hostile]}})
    );
    assert_eq!(event["requestURI"], "/api/v1/pods/%22%5C%FF%C3%A9%22%00%ff");
    assert_eq!(event["objectRef"]["name"], "\"\\\u{fffd}\u{e9}\"\0\u{fffd}");
    assert_eq!(event["userAgent"], "\u{fffd}\"\\\t\u{e9}");
    assert_eq!(event["x"], Value::Null);
}

#[test]
fn an_event_is_bounded_and_says_that_it_was_cut() {
    let long = "\0\"\u{2028}\u{4e16}".repeat(4_000);
    let path = format!("/apis/{0}/{0}/namespaces/{0}/{0}/{0}/{0}", "%00".repeat(3_000));
    let many = vec![long.clone(); 10];
    let extra: Vec<_> = (0..9).map(|key| (format!("{key}"), many.clone())).collect();
    let user = User { name: &long, uid: &long, groups: &many, extra: &extra };
    let method = "G".repeat(60_000);
    let request = RequestRecord {
        outcome: Outcome::Refused { reason: "expired" },
        user: Some(user),
        impersonated: Some(user),
        user_agent: long.as_bytes(),
        audit_id: long.as_bytes(),
        peer: "2001:db8:1111:2222:3333:4444:5555:6666".parse().ok(),
        ..record(&method, &path)
    };
    let text = members(&request);
    assert!(text.len() <= MAX_BYTES, "{}", text.len());
    let event = event(&request);
    assert_eq!(event["annotations"]["audit.k8s.io/truncated"], "true");
    assert!(event["user"]["username"].as_str().unwrap().ends_with("...TRUNCATED"));

    // kube-apiserver's bound of a user agent.
    let agent = "a".repeat(1025);
    let request = RequestRecord { user_agent: agent.as_bytes(), ..record("GET", "/") };
    assert_eq!(self::event(&request)["userAgent"], format!("{}...TRUNCATED", "a".repeat(1024)));
    let request = RequestRecord { user_agent: &agent.as_bytes()[1..], ..record("GET", "/") };
    assert_eq!(self::event(&request)["annotations"], Value::Null);
}
