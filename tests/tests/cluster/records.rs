//! Our audit events against kube-apiserver's own, of the same requests.

use serde_json::{Value, json};
use tests::access_log::with_formats;
use tests::cluster::{Etcd, KubeApiServer, KubeApiServerOptions};
use tests::gateway::{self, GatewayOptions, Upstream};
use tests::{Issuer, Token, wait};

use crate::cluster::SOON;

const TOKEN: &str = "upstream-token";

/// What both know of a request, and must say alike.
fn common(event: &Value) -> Value {
    let members = ["level", "requestURI", "verb", "user", "sourceIPs", "userAgent", "objectRef"];
    let mut common: Value = members.iter().map(|name| ((*name).to_owned(), event[*name].clone())).collect();
    common["code"] = event["responseStatus"]["code"].clone();
    common
}

/// The last event of a request, by the mark in its query. Of one that does not authenticate, kube-apiserver's only one
/// has the stage `ResponseStarted`.
fn find(events: impl IntoIterator<Item = Value>, mark: &str) -> Option<Value> {
    let is_it = |event: &Value| {
        event["apiVersion"] == "audit.k8s.io/v1"
            && event["requestURI"].as_str().is_some_and(|uri| uri.ends_with(mark))
    };
    events.into_iter().filter(is_it).last()
}

/// kube-apiserver trusts the same issuer here, so that it can be asked without the gateway, too.
#[tokio::test]
async fn audit_events_are_those_of_kube_apiserver() {
    let (issuer, etcd) = (Issuer::start().await, Etcd::start().await);
    let configuration = gateway::configuration(&[&issuer]);
    let masters = vec!["system:masters".to_owned()];
    let server = KubeApiServerOptions {
        users: vec![(TOKEN.to_owned(), "gateway".to_owned(), "1".to_owned(), masters)],
        authentication_config: Some(configuration.to_string()),
        ..KubeApiServerOptions::default()
    };
    let server = KubeApiServer::start(&etcd, &server).await;
    let upstream =
        Upstream { port: server.port(), ca_pem: server.ca_pem().to_owned(), name: "localhost".to_owned() };
    let options = with_formats(GatewayOptions::new(upstream, configuration)).token(TOKEN);
    let gateway = options.start().await;
    let token = |expiry| {
        let token = Token::of(&issuer).claim("groups", json!(["dev"]));
        token.claim("jti", json!("b5f2")).expires_in(expiry).sign(&issuer.key())
    };
    let rows = [
        ("GET", "/api/v1/namespaces/default/pods?limit=500", 3600),
        ("GET", "/api/v1/namespaces/default/pods?watch=1&timeoutSeconds=1", 3600),
        ("GET", "/api/v1/namespaces/default/pods?fieldSelector=metadata.name%3Db%22%ff", 3600),
        ("GET", "/api/v1/namespaces/default?x", 3600),
        ("HEAD", "/apis/apps/v1/namespaces/a/deployments/b/scale?x", 3600),
        ("DELETE", "/apis/apps/v1/namespaces/a/deployments?x", 3600),
        ("PATCH", "/api/v1/nodes/n/status?x", 3600),
        ("OPTIONS", "/api/v1/nodes/n?x", 3600),
        ("GET", "/api/v1/watch/pods?timeoutSeconds=1", 3600),
        ("GET", "/api/v1/namespaces/a%2Fb/pods/%22?x", 3600),
        ("GET", "/livez?verbose", 3600),
        ("HEAD", "//apis/?x", 3600),
        ("GET", "/api/v1/pods?x", -3600),
    ];
    let agents = ["kubectl \"v1\\36\"\t\u{e9}".to_owned(), "a".repeat(1100)];
    for (client, name) in [(server.client(), "direct"), (gateway.client(), "gateway")] {
        for ((number, (method, path, expiry)), agent) in rows.iter().enumerate().zip(agents.iter().cycle()) {
            let request = client.request(method, format!("{path}&row={number}-{name}"));
            request.bearer(&token(*expiry)).header("user-agent", agent).send().await;
        }
    }
    let log = async || {
        let log = gateway.envoy.log();
        let lines: Vec<Value> = log.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
        rows.iter()
            .enumerate()
            .all(|(number, _)| find(lines.clone(), &format!("row={number}-gateway")).is_some())
            .then_some(lines)
    };
    let ours = wait::found(SOON, "our events", log).await;
    for (number, (method, path, _)) in rows.iter().enumerate() {
        let theirs = find(server.audit(), &format!("row={number}-direct")).expect(path);
        let ours = find(ours.clone(), &format!("row={number}-gateway")).expect(path);
        let mut theirs = common(&theirs);
        theirs["requestURI"] = ours["requestURI"].clone();
        assert_eq!(common(&ours), theirs, "{method} {path}");
        // And the API server got the path as we recorded it.
        if let Some(forwarded) = find(server.audit(), &format!("row={number}-gateway")) {
            assert_eq!(forwarded["requestURI"], ours["requestURI"], "{method} {path}");
        }
    }
}
