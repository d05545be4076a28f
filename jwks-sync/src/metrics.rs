//! What is counted. Label sets are closed: issuers come from the configuration, results are names of variants.

mod issuers;
mod reloads;
mod reviews;

use authn::time::UnixSeconds;
use prometheus_client::encoding::{EncodeLabelSet, text};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

use issuers::Issuers;
use reloads::Reloads;
pub(crate) use reviews::ReviewKind;
use reviews::Reviews;

/// All metrics of the process.
pub(crate) struct Metrics {
    registry: Registry,
    issuers: Issuers,
    generation: Gauge,
    reloads: Reloads,
    credential_expiry: Gauge,
    credential_reads: Family<ResultLabels, Counter>,
    feed_requests: Family<FeedLabels, Counter>,
    refused_connections: Counter,
    pollers: Gauge,
    reviews: Reviews,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct ResultLabels {
    result: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct FeedLabels {
    method: &'static str,
    outcome: &'static str,
}

/// The label of everything that went well.
const SUCCESS: &str = "success";

impl Metrics {
    /// Metrics without labels, at zero. Series with labels come with their first count, those of an issuer with the
    /// issuer.
    pub(crate) fn new() -> Self {
        let mut metrics = Self {
            registry: Registry::with_prefix("jwks_sync"),
            issuers: Issuers::default(),
            generation: Gauge::default(),
            reloads: Reloads::default(),
            credential_expiry: Gauge::default(),
            credential_reads: Family::default(),
            feed_requests: Family::default(),
            refused_connections: Counter::default(),
            pollers: Gauge::default(),
            reviews: Reviews::new(),
        };
        let registry = &mut metrics.registry;
        metrics.issuers.register(registry);
        registry.register(
            "snapshot_generation",
            "Counter of the published snapshot's generation; 0 before the first one",
            metrics.generation.clone(),
        );
        metrics.reloads.register(registry);
        registry.register(
            "credential_expiry_timestamp_seconds",
            "End of the upstream credential; 0 when it is absent or names none",
            metrics.credential_expiry.clone(),
        );
        registry.register(
            "credential_reads",
            "Attempts to get the upstream credential; of a token file only changes count: another token, another failure",
            metrics.credential_reads.clone(),
        );
        registry.register("feed_requests", "Requests of filters", metrics.feed_requests.clone());
        registry.register(
            "refused_connections",
            "Connections of peers that --allowed-peer-uids does not let in",
            metrics.refused_connections.clone(),
        );
        registry.register(
            "pollers",
            "Polls (GetSnapshot) that wait at present: one for each of Envoy's threads",
            metrics.pollers.clone(),
        );
        metrics.reviews.register(registry);
        metrics
    }

    /// What is fetched of issuers.
    pub(crate) const fn issuers(&self) -> &Issuers {
        &self.issuers
    }

    /// What is asked of others.
    pub(crate) const fn reviews(&self) -> &Reviews {
        &self.reviews
    }

    /// A snapshot was published.
    pub(crate) fn published(&self, counter: u64) {
        self.generation.set(as_gauge(counter));
    }

    /// What becomes of changed configurations.
    pub(crate) const fn reloads(&self) -> &Reloads {
        &self.reloads
    }

    /// The credential changed, or could not be had for `failure`.
    pub(crate) fn credential(&self, failure: Option<&'static str>) {
        self.credential_reads.get_or_create(&ResultLabels { result: failure.unwrap_or(SUCCESS) }).inc();
    }

    /// The credential in force ends then.
    pub(crate) fn credential_ends(&self, end: Option<UnixSeconds>) {
        self.credential_expiry.set(end.map_or(0, |end| as_gauge(end.get())));
    }

    /// A request of a filter was answered.
    pub(crate) fn answered(&self, method: &'static str, outcome: &'static str) {
        self.feed_requests.get_or_create(&FeedLabels { method, outcome }).inc();
    }

    /// A peer was sent away.
    pub(crate) fn refused(&self) {
        self.refused_connections.inc();
    }

    /// Counts a waiting poll for as long as the result lives.
    pub(crate) fn polling(&self) -> Polling {
        self.pollers.inc();
        Polling(self.pollers.clone())
    }

    /// The Prometheus text format.
    pub(crate) fn text(&self) -> String {
        let mut text = String::new();
        // Writing to a String can't fail.
        let _ = text::encode(&mut text, &self.registry);
        text
    }
}

/// See [`Metrics::polling`].
pub(crate) struct Polling(Gauge);

impl Drop for Polling {
    fn drop(&mut self) {
        self.0.dec();
    }
}

fn as_gauge<N: TryInto<i64>>(number: N) -> i64 {
    number.try_into().unwrap_or(i64::MAX)
}

#[cfg(test)]
#[path = "../../docs/section.rs"]
mod section;

#[cfg(test)]
#[expect(clippy::string_slice, reason = "a test stops at the first surprise")]
#[path = "metrics_tests.rs"]
mod tests;
