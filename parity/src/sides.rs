//! The two sides: a live kube-apiserver, which reads the configuration itself, and the gateway in front of it, which reads
//! the same.

use std::collections::BTreeMap;
use std::time::Duration;

use ::tests::cluster::{Etcd, KubeApiServer, KubeApiServerOptions};
use ::tests::gateway::Upstream;
use ::tests::{Gateway, GatewayOptions, wait};
use serde_json::{Value, json};

use crate::distributed;
use crate::entry::Entry;
use crate::random::Random;
use crate::verdict::{User, Verdict};

/// How long a side may take until it knows its issuers.
const PATIENCE: Duration = Duration::from_secs(120);
/// Who asks the API server who they are. It takes the client's query for what it is not, and the access log keeps it.
const WHOAMI: &str = "/apis/authentication.k8s.io/v1/selfsubjectreviews";

/// What kube-apiserver says when it can't say whose a token is.
const NO_VERDICTS: [&str; 3] = ["not initialized", "fetching keys", "context deadline exceeded"];

/// Whoever comes through may ask who they are, even those who aren't `system:authenticated`.
const EVERYBODY: &str = r#"
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: everybody-may-ask-who-they-are}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: system:basic-user}
subjects:
- {apiGroup: rbac.authorization.k8s.io, kind: Group, name: system:authenticated}
- {apiGroup: rbac.authorization.k8s.io, kind: Group, name: system:unauthenticated}
"#;

/// Both, with one configuration.
pub(crate) struct Sides {
    kube_apiserver: KubeApiServer,
    gateway: Gateway,
}

impl Sides {
    /// Starts both with a configuration of these entries, the gateway with this policy, and waits until each knows all
    /// issuers.
    pub(crate) async fn start(
        etcd: &Etcd,
        configuration: &Value,
        entries: &[Entry],
        policy: Option<&Value>,
    ) -> Self {
        let options = KubeApiServerOptions {
            authentication_config: Some(configuration.to_string()),
            ..KubeApiServerOptions::default()
        };
        let kube_apiserver = KubeApiServer::start(etcd, &options).await;
        kube_apiserver.admin().apply(EVERYBODY).await;
        let upstream = Upstream {
            port: kube_apiserver.port(),
            ca_pem: kube_apiserver.ca_pem().to_owned(),
            name: "localhost".to_owned(),
        };
        let mut options =
            GatewayOptions::new(upstream, configuration.clone()).token(KubeApiServer::ADMIN_TOKEN);
        if let Some(policy) = policy {
            options = options.policy(policy.clone());
        }
        let gateway = options.start().await;
        let sides = Self { kube_apiserver, gateway };
        for entry in entries {
            sides.until_known(entry).await;
        }
        sides
    }

    /// Waits until kube-apiserver has the issuer's discovery document.
    async fn until_known(&self, entry: &Entry) {
        let mut draft = entry.draft(&mut Random::new("any good token"));
        // It gets to know of an issuer that it fetches claims from when it is first led there.
        if let Some(claim) = entry.groups_claim {
            distributed::lead(&mut draft, entry, claim, "good");
        }
        let token = draft.token();
        let known = async || match self.asks_kube_apiserver(&token).await {
            Verdict::Accepts(_) | Verdict::Rejects(_) => true,
            Verdict::Silent(_) => false,
        };
        wait::until(PATIENCE, &format!("kube-apiserver knows {}", entry.url), known).await;
    }

    /// Whose kube-apiserver says a token is.
    pub(crate) async fn asks_kube_apiserver(&self, token: &str) -> Verdict {
        let status = self.kube_apiserver.review(token, &[]).await;
        if status["authenticated"] == true {
            return Verdict::Accepts(User::read(&status["user"]));
        }
        let error = status["error"].as_str().unwrap_or_default().to_owned();
        // Not the token's fault, and no verdict on it.
        let is_silent = error.is_empty() || NO_VERDICTS.iter().any(|words| error.contains(words));
        if is_silent { Verdict::Silent(error) } else { Verdict::Rejects(error) }
    }

    /// Who comes out of the gateway with a token, as the API server behind it sees them. Why nobody does stands in the
    /// access log under the case's number: [`Self::reasons`].
    pub(crate) async fn asks_gateway(&self, number: usize, token: &str) -> Verdict {
        let review = json!({"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"});
        let path = format!("{WHOAMI}?case={number}");
        let answer = self.gateway.client().post(&path, &review).bearer(token).send().await;
        match answer.status {
            201 => Verdict::Accepts(User::read(&answer.json()["status"]["userInfo"])),
            400..500 => Verdict::Rejects(String::new()),
            status => Verdict::Silent(format!("{status} {}", answer.text())),
        }
    }

    /// The gateway's reason for each case, by number, once all of these stand in the access log.
    pub(crate) async fn reasons(&self, cases: usize) -> BTreeMap<usize, String> {
        let found = async || {
            let reasons = reasons(&self.gateway.access_log());
            (reasons.len() >= cases).then_some(reasons)
        };
        wait::found(PATIENCE, "all cases in the access log", found).await
    }

    /// Ends both.
    pub(crate) async fn stop(mut self) {
        assert_eq!(self.gateway.vm_reloads().await, 0, "a token has killed a VM");
        self.gateway.sidecar.stop().await;
        self.gateway.envoy.stop().await;
        self.kube_apiserver.stop().await;
    }
}

/// The reasons in the lines of an access log, by the number of the case.
fn reasons(lines: &[Value]) -> BTreeMap<usize, String> {
    let number = |line: &Value| line["path"].as_str()?.split_once("?case=")?.1.parse().ok();
    lines.iter().filter_map(|line| Some((number(line)?, line["reason"].as_str()?.to_owned()))).collect()
}
