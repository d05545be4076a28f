//! A cluster with a node and a pod, and what was recorded of the streams to them.

use serde_json::Value;
use tests::GatewayOptions;
use tests::cluster::{Kubectl, Kwok};
use tests::wait;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::cluster::{ACCOUNT, ALICE, BOB, Cluster, SOON};

/// alice may open every stream, bob may look at pods.
///
/// kubectl opens a WebSocket with GET, so it needs `get`; since 1.35 the API server asks for `create` then, too.
const RIGHTS: &str = "
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: operator, namespace: default}
rules:
- {apiGroups: [''], resources: [pods/log], verbs: [get]}
- {apiGroups: [''], resources: [pods/exec, pods/attach, pods/portforward], verbs: [create, get]}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: operator, namespace: default}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: operator}
subjects: [{kind: User, name: 'dex:alice@example.com'}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: bob, namespace: default}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: reader}
subjects: [{kind: User, name: 'dex:bob@example.com'}]
";

/// What kubectl opens exec, attach and port-forward with.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Protocol {
    /// The value of `Upgrade`.
    pub(crate) name: &'static str,
    /// How kubectl is told not to use the other.
    websockets: &'static str,
    /// What the API server takes the request for.
    pub(crate) verb: &'static str,
}

/// Both of them.
pub(crate) const PROTOCOLS: [Protocol; 2] = [
    Protocol { name: "websocket", websockets: "true", verb: "get" },
    Protocol { name: "SPDY/3.1", websockets: "false", verb: "create" },
];

/// What kubectl speaks otherwise: the version in Envoy's access log, and the environment that makes it so.
pub(crate) const VERSIONS: [(&str, &str); 2] = [("HTTP/2", ""), ("HTTP/1.1", "1")];

/// A cluster with the pod `web`, whose port 80 sends back what it gets.
pub(crate) struct Node {
    pub(crate) cluster: Cluster,
    pub(crate) kwok: Kwok,
    alice: String,
    bob: String,
    echo: JoinHandle<()>,
}

impl Drop for Node {
    fn drop(&mut self) {
        self.echo.abort();
    }
}

/// A point in the records.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Mark {
    access_log: usize,
    audit_log: usize,
}

impl Node {
    /// Starts it all, with other options for the gateway.
    pub(crate) async fn start(change: impl FnOnce(GatewayOptions) -> GatewayOptions) -> Self {
        let cluster = Cluster::start_with(change).await;
        cluster.server.admin().apply(RIGHTS).await;
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a port of the pod");
        let port = listener.local_addr().expect("its address").port();
        let echo = tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                tokio::spawn(async move {
                    let (mut read, mut write) = stream.split();
                    _ = tokio::io::copy(&mut read, &mut write).await;
                });
            }
        });
        let kwok = Kwok::start(&cluster.server, port).await;
        kwok.run_pod(&cluster.server, "web").await;
        let (alice, bob) = tokio::join!(cluster.dex.token(ALICE), cluster.dex.token(BOB));
        Self { cluster, kwok, alice, bob, echo }
    }

    /// A token of alice.
    pub(crate) fn alice(&self) -> &str {
        &self.alice
    }

    /// A token of bob.
    pub(crate) fn bob(&self) -> &str {
        &self.bob
    }

    /// kubectl with this token, whose exec, attach and port-forward use this protocol.
    pub(crate) async fn over(&self, protocol: Protocol, token: &str) -> Kubectl {
        let kubectl = self.cluster.kubectl(token).await;
        kubectl
            .env("KUBECTL_REMOTE_COMMAND_WEBSOCKETS", protocol.websockets)
            .env("KUBECTL_PORT_FORWARD_WEBSOCKETS", protocol.websockets)
    }

    /// kubectl as alice, with this value of `DISABLE_HTTP2`.
    pub(crate) async fn without_http2(&self, value: &str) -> Kubectl {
        self.cluster.kubectl(&self.alice).await.env("DISABLE_HTTP2", value)
    }

    /// Where the records end now.
    pub(crate) fn mark(&self) -> Mark {
        let (access_log, audit_log) =
            (self.cluster.gateway.access_log().len(), self.cluster.server.audit().len());
        Mark { access_log, audit_log }
    }

    /// What Envoy recorded since then about paths with this text in them.
    pub(crate) fn access_log(&self, mark: Mark, path: &str) -> Vec<Value> {
        let lines = self.cluster.gateway.access_log().into_iter().skip(mark.access_log);
        lines.filter(|line| line["path"].as_str().is_some_and(|it| it.contains(path))).collect()
    }

    /// What the API server recorded since then about URIs with this text in them.
    pub(crate) fn audit_log(&self, mark: Mark, uri: &str) -> Vec<Value> {
        let events = self.cluster.server.audit().into_iter().skip(mark.audit_log);
        events.filter(|event| event["requestURI"].as_str().is_some_and(|it| it.contains(uri))).collect()
    }

    /// Waits until there is a tunnel to this subresource of the pod. All since then must be of this protocol, by
    /// Envoy's access log; and of alice through our account, by the API server's audit log.
    pub(crate) async fn tunnels(&self, mark: Mark, subresource: &str, protocol: Protocol) {
        let path = format!("/api/v1/namespaces/default/pods/web/{subresource}");
        let opened = async || {
            let mut lines = self.access_log(mark, &path);
            lines.retain(|line| line["event"] == "DownstreamTunnelSuccessfullyEstablished");
            (!lines.is_empty()).then_some(lines)
        };
        for line in wait::found(SOON, &format!("a tunnel to {path}"), opened).await {
            let got = (&line["upgrade"], &line["code"], &line["user"], &line["reason"]);
            assert_eq!(
                got,
                (&protocol.name.into(), &101.into(), &"dex:alice@example.com".into(), &"ok".into())
            );
        }
        let audited = async || {
            let mut events = self.audit_log(mark, &path);
            events.retain(|event| {
                event["stage"] == "ResponseStarted" && event["responseStatus"]["code"] == 101
            });
            (!events.is_empty()).then_some(events)
        };
        for event in wait::found(SOON, &format!("{path} in the audit log"), audited).await {
            let got = (&event["verb"], &event["impersonatedUser"]["username"], &event["user"]["username"]);
            assert_eq!(got, (&protocol.verb.into(), &"dex:alice@example.com".into(), &ACCOUNT.into()));
            assert_eq!(event["objectRef"]["subresource"], subresource);
        }
    }
}
