//! The cluster tier: real kube-apiserver, etcd, kubectl and Dex around the real filter in a real Envoy.
//!
//! The accounts and their rights are the shipped ones (`istio/`), and the API server decides by its own RBAC.
#![expect(clippy::expect_used, clippy::indexing_slicing, reason = "a test stops at the first surprise")]

mod records;

use std::process::Stdio;
use std::time::Duration;

use serde_json::{Value, json};
use tests::cluster::{Dex, Etcd, KubeApiServer, KubeApiServerOptions, Kubectl};
use tests::gateway::{self, Gateway, GatewayOptions, Upstream};
use tests::process::repository;
use tests::wait;
use tokio::io::{AsyncBufReadExt as _, BufReader};

const ALICE: &str = "alice@example.com";
const BOB: &str = "bob@example.com";
/// The account under which requests reach the API server.
const ACCOUNT: &str = "system:serviceaccount:kube-oidc-filter:upstream";
const SOON: Duration = Duration::from_secs(60);

/// Who may do what, for the API server to decide.
const USERS: &str = "
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: reader, namespace: default}
rules:
- {apiGroups: [''], resources: [pods, configmaps], verbs: [get, list, watch]}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: alice, namespace: default}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: reader}
subjects:
- {kind: User, name: 'dex:alice@example.com'}
- {kind: Group, name: 'dex:authors'}
";

struct Cluster {
    dex: Dex,
    server: KubeApiServer,
    gateway: Gateway,
    _etcd: Etcd,
}

impl Cluster {
    /// A cluster that knows nothing of OIDC, and the gateway in front of it that does.
    async fn start() -> Self {
        let etcd = Etcd::start().await;
        let (server, dex) = tokio::join!(
            async { KubeApiServer::start(&etcd, &KubeApiServerOptions::default()).await },
            Dex::start(&[ALICE, BOB], "")
        );
        for manifest in ["namespace.yaml", "serviceaccounts.yaml", "rbac.yaml"] {
            let path = repository().join("istio").join(manifest);
            server.admin().apply(&std::fs::read_to_string(path).expect("a shipped manifest")).await;
        }
        server.admin().apply(USERS).await;
        // The sidecar's own account asks for tokens of the upstream account.
        let own = server.account_token("kube-oidc-filter", "gateway").await;
        let own = Kubectl::new(&server.url(), server.ca_pem(), Some(&own)).await;

        let mut entry = gateway::entry(&dex.url(), dex.ca_pem());
        entry["claimMappings"] = json!({
            "username": {"claim": "email", "prefix": "dex:"},
            "groups": {"claim": "groups", "prefix": "dex:"},
            "uid": {"claim": "sub"},
        });
        let configuration = json!({
            "apiVersion": "apiserver.config.k8s.io/v1", "kind": "AuthenticationConfiguration", "jwt": [entry],
        });
        let upstream = Upstream {
            port: server.port(),
            ca_pem: server.ca_pem().to_owned(),
            name: "localhost".to_owned(),
        };
        let options = GatewayOptions::new(upstream, configuration);
        let gateway = options.account("kube-oidc-filter/upstream", &own.kubeconfig()).start().await;
        // `check` says the same of the shipped rights as of the issuer: all is well.
        let arguments = [
            "check",
            "--authentication-config=${DIR}/authn.json",
            "--upstream-service-account=kube-oidc-filter/upstream",
            &format!("--kubeconfig={}", own.kubeconfig().display()),
        ];
        let output = gateway.sidecar.command(&arguments).await;
        let report = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(output.status.success(), "{report}{}", String::from_utf8_lossy(&output.stderr));
        assert!(report.contains("may impersonate") && !report.contains("FAIL"), "{report}");
        Self { dex, server, gateway, _etcd: etcd }
    }

    /// kubectl at the gateway, with this token.
    async fn kubectl(&self, token: &str) -> Kubectl {
        Kubectl::new(&self.gateway.url(), self.gateway.ca.pem(), Some(token)).await
    }

    /// The audit log's event of a request that came through the gateway, as this user, with this verb and code.
    async fn audited(&self, user: &str, verb: &str, code: u64) -> Value {
        let find = async || {
            self.server.audit().into_iter().find(|event| {
                event["impersonatedUser"]["username"] == user
                    && event["verb"] == verb
                    && event["responseStatus"]["code"] == code
            })
        };
        let event = wait::found(SOON, &format!("{user} {verb} {code} in the audit log"), find).await;
        assert_eq!(event["user"]["username"], ACCOUNT, "{event}");
        event
    }
}

#[tokio::test]
async fn a_person_with_a_password_is_seen_by_the_api_server_as_that_person() {
    let cluster = Cluster::start().await;
    let (alice, bob) = tokio::join!(cluster.dex.token(ALICE), cluster.dex.token(BOB));
    let (alice, bob) = tokio::join!(cluster.kubectl(&alice), cluster.kubectl(&bob));

    let user = alice.whoami().await;
    assert_eq!(user["username"], "dex:alice@example.com");
    assert_eq!(user["groups"], json!(["system:authenticated"]));
    assert!(user["uid"].as_str().is_some_and(|uid| !uid.is_empty()), "{user}");
    cluster.audited("dex:alice@example.com", "create", 201).await;

    // Allowed and forbidden, by the API server's own rules.
    let pods = alice.run(&["get", "pods"]).await;
    assert_eq!((pods.code, pods.stderr.trim()), (Some(0), "No resources found in default namespace."));
    let event = cluster.audited("dex:alice@example.com", "list", 200).await;
    assert_eq!(event["objectRef"]["resource"], "pods");
    assert!(
        event["annotations"]["authorization.k8s.io/reason"].as_str().is_some_and(|why| why.contains("alice")),
        "{event}"
    );

    let secrets = alice.run(&["get", "secrets"]).await;
    assert_eq!(secrets.code, Some(1));
    let message = "User \"dex:alice@example.com\" cannot list resource \"secrets\"";
    assert!(secrets.stderr.contains(message), "{}", secrets.stderr);
    cluster.audited("dex:alice@example.com", "list", 403).await;

    let pods = bob.run(&["get", "pods"]).await;
    assert_eq!(pods.code, Some(1));
    assert!(
        pods.stderr.contains("User \"dex:bob@example.com\" cannot list resource \"pods\""),
        "{}",
        pods.stderr
    );
    cluster.audited("dex:bob@example.com", "list", 403).await;

    // By a group of the token.
    let author = cluster.kubectl(&cluster.dex.token_with_groups().await).await;
    assert_eq!(author.whoami().await["groups"], json!(["dex:authors", "system:authenticated"]));
    assert_eq!(author.run(&["get", "pods"]).await.code, Some(0));
    let event = cluster.audited("dex:kilgore@kilgore.trout", "list", 200).await;
    assert_eq!(event["impersonatedUser"]["groups"], json!(["dex:authors", "system:authenticated"]));
}

#[tokio::test]
async fn who_is_nobody_gets_nowhere() {
    let cluster = Cluster::start().await;
    let alice = cluster.dex.token(ALICE).await;
    let (head, _) = alice.rsplit_once('.').expect("a token");

    let pods = ["get", "--raw", "/api/v1/namespaces/default/pods"];
    let as_admin = [&pods[..], &["--as", "admin", "--as-group", "system:masters"]].concat();
    let rows = [
        (format!("{head}.AAAA"), &pods[..], "the token is not valid"),
        (alice.clone(), &as_admin, "impersonation is not allowed"),
        // The cluster's own administrator has no business at the gateway.
        (KubeApiServer::ADMIN_TOKEN.to_owned(), &pods, "the token is not from a known issuer"),
    ];
    for (token, arguments, message) in rows {
        let called = cluster.kubectl(&token).await.run(arguments).await;
        assert_eq!(called.code, Some(1), "{message}");
        assert!(called.stderr.contains(message), "{}", called.stderr);
    }
    let nobody = Kubectl::new(&cluster.gateway.url(), cluster.gateway.ca.pem(), None).await;
    assert_eq!(nobody.run(&pods).await.code, Some(1));
    assert_eq!(cluster.kubectl(&alice).await.run(&pods).await.code, Some(0));

    // The upstream account may be anybody and do nothing as itself: a request that lost its identity is refused.
    let own = cluster.server.account_token("kube-oidc-filter", "upstream").await;
    let own = Kubectl::new(&cluster.server.url(), cluster.server.ca_pem(), Some(&own)).await;
    let pods = own.run(&["get", "pods"]).await;
    assert!(pods.code == Some(1) && pods.stderr.contains("Forbidden"), "{}", pods.stderr);
}

#[tokio::test]
async fn a_watch_shows_what_happens() {
    let cluster = Cluster::start().await;
    let alice = cluster.kubectl(&cluster.dex.token(ALICE).await).await;
    let mut command = alice.command(&["get", "configmaps", "--watch", "--output", "name"]);
    let mut watch = command.stdout(Stdio::piped()).spawn().expect("run kubectl");
    let mut lines = BufReader::new(watch.stdout.take().expect("its output")).lines();
    for name in ["one", "two", "three"] {
        cluster.server.admin().ok(&["create", "configmap", name]).await;
        let seen = async {
            loop {
                let line = lines.next_line().await.expect("a line").expect("the watch goes on");
                if line == format!("configmap/{name}") {
                    break;
                }
            }
        };
        tokio::time::timeout(SOON, seen).await.unwrap_or_else(|_| panic!("{name} is not seen"));
    }
    watch.kill().await.expect("end kubectl");
    cluster.audited("dex:alice@example.com", "watch", 200).await;
}
