//! What is fetched of issuers, and what they have. The series of an issuer come and go with it.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Mutex, MutexGuard, PoisonError};

use authn::time::UnixSeconds;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

use super::{SUCCESS, as_gauge};

/// Fetches and keys.
#[derive(Default)]
pub(crate) struct Issuers {
    fetches: Family<FetchLabels, Counter>,
    last_success: Family<IssuerLabels, Gauge>,
    keys: Family<IssuerLabels, Gauge>,
    dropped_keys: Family<IssuerLabels, Gauge>,
    /// The issuers in force, and the results under which their fetches were counted. A fetch that ends when its
    /// issuer has left must not bring the series back.
    followed: Mutex<HashMap<String, BTreeSet<&'static str>>>,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct FetchLabels {
    issuer: String,
    result: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct IssuerLabels {
    issuer: String,
}

impl Issuers {
    pub(super) fn register(&self, registry: &mut Registry) {
        registry.register("fetches", "Attempts to fetch an issuer's keys", self.fetches.clone());
        registry.register(
            "last_success_timestamp_seconds",
            "When an issuer's keys were last fetched; 0 when they never were",
            self.last_success.clone(),
        );
        registry.register("keys", "Usable keys of an issuer; 0 before the first success, and at the first failed fetch after --max-key-age", self.keys.clone());
        registry.register(
            "dropped_keys",
            "Keys of an issuer's JWKS that can't be used; the log names them",
            self.dropped_keys.clone(),
        );
    }

    /// An issuer is in force: its series exist from now on, those that there are as they are.
    pub(crate) fn follow(&self, issuer: &str) {
        let mut followed = self.followed();
        followed.entry(issuer.to_owned()).or_default().insert(SUCCESS);
        let labels = IssuerLabels { issuer: issuer.to_owned() };
        drop(self.fetches.get_or_create(&FetchLabels { issuer: issuer.to_owned(), result: SUCCESS }));
        for gauges in self.gauges() {
            drop(gauges.get_or_create(&labels));
        }
    }

    /// An attempt to fetch ended: well, or for `failure`.
    pub(crate) fn fetched(&self, issuer: &str, failure: Option<&'static str>) {
        let result = failure.unwrap_or(SUCCESS);
        let mut followed = self.followed();
        let Some(results) = followed.get_mut(issuer) else { return };
        results.insert(result);
        self.fetches.get_or_create(&FetchLabels { issuer: issuer.to_owned(), result }).inc();
    }

    /// An issuer has these keys since `at`.
    pub(crate) fn holds(&self, issuer: &str, keys: usize, dropped: usize, at: UnixSeconds) {
        let labels = IssuerLabels { issuer: issuer.to_owned() };
        set(&self.keys, &labels, as_gauge(keys));
        set(&self.dropped_keys, &labels, as_gauge(dropped));
        set(&self.last_success, &labels, as_gauge(at.get()));
    }

    /// An issuer's keys are too old: it has none any more.
    pub(crate) fn lost_keys(&self, issuer: &str) {
        let labels = IssuerLabels { issuer: issuer.to_owned() };
        set(&self.keys, &labels, 0);
        set(&self.dropped_keys, &labels, 0);
    }

    /// An issuer was removed: its series end.
    pub(crate) fn forget(&self, issuer: &str) {
        let mut followed = self.followed();
        for result in followed.remove(issuer).unwrap_or_default() {
            self.fetches.remove(&FetchLabels { issuer: issuer.to_owned(), result });
        }
        let labels = IssuerLabels { issuer: issuer.to_owned() };
        for gauges in self.gauges() {
            gauges.remove(&labels);
        }
    }

    /// What is measured of each issuer.
    const fn gauges(&self) -> [&Family<IssuerLabels, Gauge>; 3] {
        [&self.keys, &self.dropped_keys, &self.last_success]
    }

    fn followed(&self) -> MutexGuard<'_, HashMap<String, BTreeSet<&'static str>>> {
        // Nothing panics halfway through a change.
        self.followed.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Sets a series that there is; one that ended does not come back.
fn set(gauges: &Family<IssuerLabels, Gauge>, labels: &IssuerLabels, value: i64) {
    if let Some(gauge) = gauges.get(labels) {
        gauge.set(value);
    }
}
