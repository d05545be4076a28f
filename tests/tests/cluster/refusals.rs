//! Streams that the API server refuses.

use serde_json::Value;
use tests::cluster::KubeApiServer;
use tests::wait;
use tokio::task::JoinSet;

use crate::cluster::SOON;
use crate::node::{Node, Protocol};

/// Whoever has no right to exec reads the API server's own words, and gets no tunnel.
pub(crate) async fn no_right_to_exec(node: &Node, protocol: Protocol) {
    let (mark, kubectl) = (node.mark(), node.over(protocol, node.bob()).await);
    let called = kubectl.run(&["exec", "web", "--", "touch", "never"]).await;
    assert_eq!(called.code, Some(1), "{protocol:?}");
    assert!(
        called.stderr.contains("User \"dex:bob@example.com\" cannot ")
            && called
                .stderr
                .contains(" resource \"pods/exec\" in API group \"\" in the namespace \"default\""),
        "{protocol:?}: {}",
        called.stderr
    );
    // kubectl may try the other protocol after the first one was refused.
    let recorded = async || {
        let mut lines = node.access_log(mark, "/pods/web/exec?");
        lines.retain(|line| line["user"] == "dex:bob@example.com");
        lines.iter().any(|line| line["upgrade"] == protocol.name).then_some(lines)
    };
    for line in wait::found(SOON, "the refusal in the access log", recorded).await {
        let got = (&line["code"], &line["details"], &line["event"]);
        assert_eq!(got, (&403.into(), &"via_upstream".into(), &"DownstreamEnd".into()), "{protocol:?}");
    }
    node.cluster.audited("dex:bob@example.com", protocol.verb, 403).await;
    assert!(!node.kwok.files().join("never").exists());
}

/// After an upgrade that was refused, no byte of the client gets to the API server past the filter: neither what it
/// sends after the answer, nor what it sent right behind its request (CVE-2018-1002105 of Kubernetes, CVE-2026-73548 of Envoy).
pub(crate) async fn a_refused_upgrade_is_the_end_of_it(node: &Node) {
    const EXEC: &str = "/api/v1/namespaces/default/pods/web/exec?command=true";
    const NO_POD: &str = "/api/v1/namespaces/default/pods/missing/exec?command=true&stdout=true";
    let rows = [
        (node.bob(), "POST", EXEC, "SPDY/3.1", 403),
        (node.bob(), "GET", EXEC, "websocket", 403),
        (node.alice(), "POST", NO_POD, "SPDY/3.1", 404),
        (node.alice(), "GET", NO_POD, "websocket", 404),
        // Here the kubelet refuses, since the command has no stream at all. (A WebSocket ends at the API server.)
        (node.alice(), "POST", EXEC, "SPDY/3.1", 400),
    ];
    let mark = node.mark();
    // All at the same time, since Envoy takes a second to close a connection.
    let mut attempts = JoinSet::new();
    for (token, method, path, protocol, code) in rows {
        let upgrade = format!(
            "{method} {path} HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {token}\r\nConnection: Upgrade\r\n\
             Upgrade: {protocol}\r\nX-Stream-Protocol-Version: v4.channel.k8s.io\r\nSec-WebSocket-Version: 13\r\n\
             Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Protocol: v5.channel.k8s.io\r\n\r\n"
        );
        // With a credential that the API server takes and the gateway does not.
        let smuggled = format!(
            "GET /api/v1/namespaces/default/secrets?smuggled HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {}\r\n\r\n",
            KubeApiServer::ADMIN_TOKEN
        );
        for (first, second) in [(upgrade.clone(), smuggled.clone()), (upgrade + &smuggled, smuggled)] {
            let (client, what) = (node.cluster.gateway.client(), format!("{method} {path} {protocol}"));
            attempts.spawn(async move {
                let (answer, mut wire) = client.raw_request(first.as_bytes()).await.expect("an answer");
                assert_eq!(answer.status, code, "{what}: {}", answer.text());
                _ = wire.write(second.as_bytes()).await;
                // The connection ends, and with it whatever was sent on it.
                let rest = wire.read_up_to(4096).await.unwrap_or_default();
                assert_eq!(String::from_utf8_lossy(&rest), "", "{what}");
            });
        }
    }
    while let Some(attempt) = attempts.join_next().await {
        attempt.expect("the attempt");
    }
    // What has arrived by now stands in the audit log before this.
    let request = node.cluster.gateway.client().get("/api/v1/namespaces/default/pods?afterwards");
    assert_eq!(request.bearer(node.alice()).send().await.status, 200);
    let afterwards = async || !node.audit_log(mark, "afterwards").is_empty();
    wait::until(SOON, "a good request in the audit log", afterwards).await;
    assert_eq!(node.audit_log(mark, "smuggled"), [] as [Value; 0]);
}
