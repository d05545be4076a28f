//! A cluster that knows nothing of OIDC, and the gateway in front of it that does.

use std::time::Duration;

use serde_json::{Value, json};
use tests::cluster::{Dex, Etcd, KubeApiServer, KubeApiServerOptions, Kubectl};
use tests::gateway::{self, Gateway, GatewayOptions, Upstream};
use tests::process::repository;
use tests::wait;

pub(crate) const ALICE: &str = "alice@example.com";
pub(crate) const BOB: &str = "bob@example.com";
/// The account under which requests reach the API server.
pub(crate) const ACCOUNT: &str = "system:serviceaccount:kube-oidc-filter:upstream";
pub(crate) const SOON: Duration = Duration::from_secs(60);

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

pub(crate) struct Cluster {
    pub(crate) dex: Dex,
    pub(crate) server: KubeApiServer,
    pub(crate) gateway: Gateway,
    _etcd: Etcd,
}

impl Cluster {
    /// Starts it all.
    pub(crate) async fn start() -> Self {
        Self::start_with(|options| options).await
    }

    /// Starts it all, with other options for the gateway.
    pub(crate) async fn start_with(change: impl FnOnce(GatewayOptions) -> GatewayOptions) -> Self {
        Self::start_on(&KubeApiServerOptions::default(), change).await
    }

    /// The same with another API server.
    pub(crate) async fn start_on(
        options: &KubeApiServerOptions,
        change: impl FnOnce(GatewayOptions) -> GatewayOptions,
    ) -> Self {
        let etcd = Etcd::start().await;
        let (server, dex) =
            tokio::join!(async { KubeApiServer::start(&etcd, options).await }, Dex::start(&[ALICE, BOB], ""));
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
        let options = change(GatewayOptions::new(upstream, configuration));
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
    pub(crate) async fn kubectl(&self, token: &str) -> Kubectl {
        Kubectl::new(&self.gateway.url(), self.gateway.ca.pem(), Some(token)).await
    }

    /// The audit log's event of a request that came through the gateway, as this user, with this verb and code.
    pub(crate) async fn audited(&self, user: &str, verb: &str, code: u64) -> Value {
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
