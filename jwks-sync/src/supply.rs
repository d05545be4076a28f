//! The issuers in force: starts and ends their tasks as the configuration changes, and finds the one to ask.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use authn::anonymous::Anonymous;
use authn::config::{AnonymousAuth, AuthenticationConfiguration, JwtAuthenticator, Policy};
use authn::feed::RefreshOutcome;
use authn::keys::Key;
use futures_util::future::join_all;
use tokio::time::timeout;
use tracing::warn;

use crate::claims::Terms;
use crate::clock;
use crate::configuration::Configuration;
use crate::credential::own_issuer_among;
use crate::fetch::HttpsIssuer;
use crate::issuer::IssuerTask;
use crate::metrics::Metrics;
use crate::schedule::Limits;
use crate::store::{Configured, IssuerState, Store, Supplied};
use crate::tls::Tls;

/// How long new issuers may take for their first attempt before the rest goes on without them.
pub(crate) const FIRST_ATTEMPT: Duration = Duration::from_secs(10);

/// How long the new issuers of a changed configuration may take to answer, as in kube-apiserver
/// (`UpdateAuthenticationConfigTimeout`).
pub(crate) const HEALTHY_WITHIN: Duration = Duration::from_mins(1);

/// Why a changed configuration is not in force: what is wrong with each issuer, and that time is up. The text is
/// kube-apiserver's.
#[derive(Debug, Default, PartialEq, Eq, thiserror::Error)]
#[error("[{}]", .0.join(", "))]
pub(crate) struct UnhealthyIssuers(Vec<String>);

impl UnhealthyIssuers {
    /// The name of it, for logs and metrics.
    pub(crate) const REASON: &str = "unhealthy";
}

/// The issuers in force.
pub(crate) struct Supply {
    running: RwLock<HashMap<String, Arc<Running>>>,
    /// What they and their guards were made of; `None` before the first configuration.
    in_force: RwLock<Option<Configuration>>,
    /// By what claims are judged that tokens of an issuer say stand elsewhere.
    terms: RwLock<HashMap<String, Arc<Terms>>>,
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

/// The issuers of a configuration that may come in force. When it does not, those that were started for it end.
struct Prepared<'a> {
    supply: &'a Supply,
    running: HashMap<String, Arc<Running>>,
    /// Those of them that are new, by their URLs.
    started: Vec<(String, Arc<Running>)>,
    is_used: bool,
}

impl Prepared<'_> {
    fn unhealthy(&self) -> UnhealthyIssuers {
        let complaint = |(url, running): &(String, Arc<Running>)| {
            let state = running.task.state().borrow().clone();
            match (&state.failure, state.attempted) {
                (Some(failure), _) => {
                    let of = format!("oidc: authenticator for issuer {url:?} is not healthy");
                    Some(format!("{of}: {failure}; {}", failure.advice()))
                }
                (None, false) => Some(format!("oidc: authenticator for issuer {url:?} is not initialized")),
                (None, true) => None,
            }
        };
        let time_is_up = "context deadline exceeded".to_owned();
        UnhealthyIssuers(self.started.iter().filter_map(complaint).chain([time_is_up]).collect())
    }
}

impl Drop for Prepared<'_> {
    fn drop(&mut self) {
        if self.is_used {
            return;
        }
        let in_force = self.supply.running();
        for (url, _) in self.started.iter().filter(|(url, _)| !in_force.contains_key(url)) {
            self.supply.metrics.issuers().forget(url);
        }
    }
}

impl Supply {
    /// No issuers yet.
    pub(crate) fn new(store: Arc<Store>, metrics: Arc<Metrics>, has_webhook: bool) -> Self {
        let limits = Limits::for_max_age(Duration::from_secs(store.max_age()));
        Self {
            running: RwLock::default(),
            in_force: RwLock::default(),
            terms: RwLock::default(),
            limits,
            has_webhook,
            tls: Arc::default(),
            store,
            metrics,
        }
    }

    /// Puts the first configuration in force, once each of its issuers has ended its first attempt, or
    /// [`FIRST_ATTEMPT`] has passed: whoever is late comes in later, and an issuer that is down hurts its own users alone.
    pub(crate) async fn apply(&self, configuration: Configuration) {
        let prepared = self.prepare(&configuration.authentication);
        let attempts = prepared.started.iter().map(|(_, running)| running.task.attempted());
        drop(timeout(FIRST_ATTEMPT, join_all(attempts)).await);
        self.put_in_force(configuration, prepared);
    }

    /// Puts other issuers in force, once each that is new among them has keys, by the policy of that moment. Issuers that
    /// stay keep their keys and their task, and need not answer. May be given up at any time; the old ones are in force
    /// then.
    ///
    /// # Errors
    /// [`UnhealthyIssuers`] after [`HEALTHY_WITHIN`]; the old ones are in force.
    pub(crate) async fn replace(
        &self,
        authentication: AuthenticationConfiguration,
    ) -> Result<(), UnhealthyIssuers> {
        let prepared = self.prepare(&authentication);
        let health = prepared.started.iter().map(|(_, running)| running.task.healthy());
        if timeout(HEALTHY_WITHIN, join_all(health)).await.is_err() {
            return Err(prepared.unhealthy());
        }
        self.put_in_force(Configuration { authentication, policy: self.policy() }, prepared);
        Ok(())
    }

    /// Puts another policy in force, at once: whoever takes a right away must not have to wait for an issuer.
    pub(crate) fn guard_by(&self, policy: Policy) {
        if let Some(authentication) = self.authentication() {
            self.configure(Configuration { authentication, policy });
        }
    }

    /// Says in the log that an issuer in force is most likely the cluster's own.
    pub(crate) fn warn_of_own_issuer(&self) {
        let credential = self.store.credential().credential;
        if let (Some(credential), Some(in_force)) = (credential, self.authentication())
            && let Some(issuer) = own_issuer_among(&credential, &in_force.jwt)
        {
            warn!(
                issuer,
                "the upstream credential is of this issuer, too, so it is probably the cluster's own, which \
                 --service-account-issuer would keep out"
            );
        }
    }

    /// The policy in force.
    pub(crate) fn policy(&self) -> Policy {
        let in_force = self.in_force.read().unwrap_or_else(PoisonError::into_inner);
        in_force.as_ref().map(|in_force| in_force.policy.clone()).unwrap_or_default()
    }

    /// The issuers in force, as they were configured.
    pub(crate) fn authentication(&self) -> Option<AuthenticationConfiguration> {
        let in_force = self.in_force.read().unwrap_or_else(PoisonError::into_inner);
        in_force.as_ref().map(|in_force| in_force.authentication.clone())
    }

    /// Starts the issuers that are new.
    fn prepare(&self, authentication: &AuthenticationConfiguration) -> Prepared<'_> {
        let old = self.running();
        let mut prepared =
            Prepared { supply: self, running: HashMap::new(), started: Vec::new(), is_used: false };
        for jwt in &authentication.jwt {
            let origin = Origin {
                discovery_url: jwt.discovery_url.clone(),
                certificate_authority: jwt.certificate_authority.clone(),
            };
            let running = match old.get(&jwt.url) {
                Some(running) if running.origin == origin => Arc::clone(running),
                changed => {
                    // An issuer that only moved keeps its keys until it is reached at the new place.
                    let known = changed.map(|running| running.task.state().borrow().clone());
                    let task = self.start(jwt, known.unwrap_or_default());
                    let running = Arc::new(Running { origin, task });
                    prepared.started.push((jwt.url.clone(), Arc::clone(&running)));
                    running
                }
            };
            prepared.running.insert(jwt.url.clone(), running);
        }
        prepared
    }

    fn put_in_force(&self, configuration: Configuration, mut prepared: Prepared<'_>) {
        prepared.is_used = true;
        let new = std::mem::take(&mut prepared.running);
        for removed in self.running().keys().filter(|url| !new.contains_key(*url)) {
            self.metrics.issuers().forget(removed);
        }
        *self.running.write().unwrap_or_else(PoisonError::into_inner) = new;
        self.configure(configuration);
    }

    /// Has everybody judge by this. Its issuers are running.
    fn configure(&self, configuration: Configuration) {
        let Configuration { authentication, policy } = configuration.clone();
        let running = self.running();
        let mut terms = HashMap::new();
        let supplied = authentication.jwt.into_iter().filter_map(|jwt| {
            let state = running.get(&jwt.url)?.task.state();
            terms.insert(jwt.url.clone(), Arc::new(Terms::new(&jwt, policy.claim_hosts(&jwt.url))));
            Some(Supplied { issuer: policy.issuer(jwt), state })
        });
        let issuers = supplied.collect();
        let configured = Configured {
            issuers,
            anonymous: authentication.anonymous.and_then(anonymous),
            token_webhook: self.has_webhook.then(|| policy.token_webhook()),
        };
        *self.in_force.write().unwrap_or_else(PoisonError::into_inner) = Some(configuration);
        *self.terms.write().unwrap_or_else(PoisonError::into_inner) = terms;
        self.store.configure(configured, clock::now());
    }

    fn running(&self) -> HashMap<String, Arc<Running>> {
        self.running.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Asks an issuer for its keys because a token names one that it lacks.
    pub(crate) async fn refresh(&self, issuer: &str, kid: String) -> RefreshOutcome {
        match self.running().remove(issuer) {
            Some(running) => running.task.refresh(kid).await,
            None => RefreshOutcome::UnknownIssuer,
        }
    }

    /// By what claims are judged that tokens of this issuer say stand elsewhere.
    pub(crate) fn terms(&self, issuer: &str) -> Option<Arc<Terms>> {
        self.terms.read().unwrap_or_else(PoisonError::into_inner).get(issuer).cloned()
    }

    /// An issuer's keys, as long as they may be used.
    pub(crate) fn usable_keys(&self, issuer: &str) -> Option<Arc<Vec<Key>>> {
        let running =
            self.running.read().unwrap_or_else(PoisonError::into_inner).get(issuer).map(Arc::clone)?;
        let state = running.task.state().borrow().clone();
        state.is_usable_at(clock::now(), self.store.max_age()).then_some(state.keys)
    }

    /// The TLS of all fetches.
    pub(crate) fn tls(&self) -> Arc<Tls> {
        Arc::clone(&self.tls)
    }

    fn start(&self, jwt: &JwtAuthenticator, known: IssuerState) -> IssuerTask {
        self.metrics.issuers().follow(&jwt.url);
        let (store, metrics) = (Arc::clone(&self.store), Arc::clone(&self.metrics));
        let source = HttpsIssuer::new(jwt, Arc::clone(&self.tls));
        IssuerTask::start(jwt.url.clone(), source, self.limits, known, store, metrics)
    }
}

/// Unlike in kube-apiserver, where a flag that is on by default decides then, an absent rule means nobody.
fn anonymous(rule: AnonymousAuth) -> Option<Anonymous> {
    rule.enabled.then_some(Anonymous { paths: rule.conditions.unwrap_or_default() })
}

#[cfg(test)]
#[path = "supply_tests.rs"]
mod tests;
