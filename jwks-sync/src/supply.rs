//! The issuers in force: starts and ends their tasks as the configuration changes, and finds the one to ask.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use authn::anonymous::Anonymous;
use authn::config::{AnonymousAuth, JwtAuthenticator};
use authn::feed::RefreshOutcome;
use authn::issuer::{IdentityGuard, Issuer};
use futures_util::future::join_all;
use tokio::time::timeout;

use crate::clock;
use crate::fetch::HttpsIssuer;
use crate::issuer::IssuerTask;
use crate::metrics::Metrics;
use crate::reload::Configuration;
use crate::schedule::Limits;
use crate::store::{Configured, IssuerState, Store, Supplied};
use crate::tls::Tls;

/// How long new issuers may take for their first attempt before the rest goes on without them.
pub(crate) const FIRST_ATTEMPT: Duration = Duration::from_secs(10);

/// The issuers in force.
pub(crate) struct Supply {
    running: RwLock<HashMap<String, Arc<Running>>>,
    limits: Limits,
    /// Whether there is a token webhook.
    has_webhook: bool,
    tls: Arc<Tls>,
    store: Arc<Store>,
    metrics: Arc<Metrics>,
}

struct Running {
    origin: Origin,
    task: IssuerTask,
}

/// What decides where keys come from: while it is the same, a task goes on.
#[derive(PartialEq, Eq)]
struct Origin {
    discovery_url: Option<String>,
    certificate_authority: Option<String>,
}

impl Supply {
    /// No issuers yet.
    pub(crate) fn new(store: Arc<Store>, metrics: Arc<Metrics>, has_webhook: bool) -> Self {
        let limits = Limits::for_max_age(Duration::from_secs(store.max_age()));
        Self { running: RwLock::default(), limits, has_webhook, tls: Arc::default(), store, metrics }
    }

    /// Puts a configuration in force, once each issuer that is new in it has ended its first attempt, or
    /// [`FIRST_ATTEMPT`] has passed. Issuers that stay keep their keys and their task.
    pub(crate) async fn apply(&self, Configuration { authentication, policy }: Configuration) {
        let old = self.running.read().unwrap_or_else(PoisonError::into_inner).clone();
        let mut new = HashMap::new();
        let mut supplied = Vec::new();
        let mut started = Vec::new();
        for jwt in authentication.jwt {
            let origin = Origin {
                discovery_url: jwt.discovery_url.clone(),
                certificate_authority: jwt.certificate_authority.clone(),
            };
            let running = match old.get(&jwt.url) {
                Some(running) if running.origin == origin => Arc::clone(running),
                changed => {
                    // An issuer that only moved keeps its keys until it is reached at the new place, as
                    // kube-apiserver keeps the old configuration until the new one is healthy.
                    let known = changed.map(|running| running.task.state().borrow().clone());
                    let running =
                        Arc::new(Running { origin, task: self.start(&jwt, known.unwrap_or_default()) });
                    started.push(Arc::clone(&running));
                    running
                }
            };
            let guard = policy.guard(&jwt.url);
            new.insert(jwt.url.clone(), Arc::clone(&running));
            supplied.push(Supplied { issuer: without_keys(jwt, guard), state: running.task.state() });
        }
        // When time is up, whoever is late comes in later.
        drop(timeout(FIRST_ATTEMPT, join_all(started.iter().map(|running| running.task.attempted()))).await);
        for removed in old.keys().filter(|url| !new.contains_key(*url)) {
            self.metrics.forget(removed);
        }
        *self.running.write().unwrap_or_else(PoisonError::into_inner) = new;
        let configured = Configured {
            issuers: supplied,
            anonymous: authentication.anonymous.and_then(anonymous),
            token_webhook: self.has_webhook.then(|| policy.token_webhook()),
        };
        self.store.configure(configured, clock::now());
    }

    /// Asks an issuer for its keys because a token names one that it lacks.
    pub(crate) async fn refresh(&self, issuer: &str, kid: String) -> RefreshOutcome {
        let running = self.running.read().unwrap_or_else(PoisonError::into_inner).get(issuer).cloned();
        match running {
            Some(running) => running.task.refresh(kid).await,
            None => RefreshOutcome::UnknownIssuer,
        }
    }

    fn start(&self, jwt: &JwtAuthenticator, known: IssuerState) -> IssuerTask {
        self.metrics.follow(&jwt.url);
        let (store, metrics) = (Arc::clone(&self.store), Arc::clone(&self.metrics));
        let source = HttpsIssuer::new(jwt, Arc::clone(&self.tls));
        IssuerTask::start(jwt.url.clone(), source, self.limits, known, store, metrics)
    }
}

/// Unlike in kube-apiserver, where a flag that is on by default decides then, an absent rule means nobody.
fn anonymous(rule: AnonymousAuth) -> Option<Anonymous> {
    rule.enabled.then_some(Anonymous { paths: rule.conditions })
}

fn without_keys(jwt: JwtAuthenticator, guard: IdentityGuard) -> Issuer {
    Issuer {
        url: jwt.url,
        audiences: jwt.audiences,
        algorithms: jwt.algorithms,
        claim_mappings: jwt.claim_mappings,
        required_claims: jwt.required_claims,
        claim_validation_rules: jwt.claim_validation_rules,
        user_validation_rules: jwt.user_validation_rules,
        guard,
        keys: None,
    }
}

#[cfg(test)]
mod tests {
    use authn::config::{AuthenticationConfiguration, OidcFlags, Policy};
    use authn::snapshot::Snapshot;

    use super::*;

    /// An issuer that nobody is at.
    fn configuration() -> Configuration {
        let flags = OidcFlags {
            issuer_url: "https://127.0.0.1:1".to_owned(),
            client_id: "k".to_owned(),
            ..OidcFlags::default()
        };
        Configuration { authentication: flags.into_configuration().unwrap(), policy: Policy::default() }
    }

    #[tokio::test]
    async fn the_rules_beside_the_issuers_follow_the_configuration() {
        const FILE: &str =
            "apiVersion: apiserver.config.k8s.io/v1\nkind: AuthenticationConfiguration\njwt: []\n";
        let paths =
            |paths: &[&str]| Some(Anonymous { paths: paths.iter().map(|path| (*path).to_owned()).collect() });
        let guard =
            IdentityGuard { allowed_groups: ["system:nodes".to_owned()].into(), ..IdentityGuard::default() };
        for (rule, has_webhook, anonymous) in [
            ("", true, None),
            ("anonymous: {enabled: false}", false, None),
            ("anonymous: {enabled: true}", true, paths(&[])),
            (
                "anonymous: {enabled: true, conditions: [{path: /livez}, {path: /readyz}]}",
                false,
                paths(&["/livez", "/readyz"]),
            ),
        ] {
            let metrics = Arc::new(Metrics::new());
            let store = Arc::new(Store::new(1, 60, Arc::clone(&metrics)));
            let supply = Supply::new(Arc::clone(&store), metrics, has_webhook);
            let policy = Policy::load(b"tokenWebhook: {allowedSystemGroups: ['system:nodes']}").unwrap();
            let file = format!("{FILE}{rule}");
            let authentication = AuthenticationConfiguration::load(file.as_bytes()).unwrap();
            supply.apply(Configuration { authentication, policy }).await;
            store.open(clock::now());
            let snapshot = Snapshot::decode(&store.newer_than(None).unwrap().encoded).unwrap();
            assert_eq!(snapshot.anonymous, anonymous, "{rule}");
            assert_eq!(snapshot.token_webhook, has_webhook.then(|| guard.clone()), "{rule}");
        }
    }

    #[tokio::test]
    async fn an_issuer_is_measured_as_long_as_it_is_configured() {
        let metrics = Arc::new(Metrics::new());
        let store = Arc::new(Store::new(1, 60, Arc::clone(&metrics)));
        let supply = Supply::new(store, Arc::clone(&metrics), false);
        supply.apply(configuration()).await;
        assert!(metrics.text().contains(r#"jwks_sync_keys{issuer="https://127.0.0.1:1"} 0"#));
        let mut without = configuration();
        without.authentication.jwt.clear();
        supply.apply(without).await;
        assert!(!metrics.text().contains("{issuer="), "{}", metrics.text());
    }
}
