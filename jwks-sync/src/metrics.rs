//! What is counted. Label sets are closed: issuers come from the configuration, results are names of variants.

use authn::time::UnixSeconds;
use prometheus_client::encoding::{EncodeLabelSet, text};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

/// All metrics of the process.
pub(crate) struct Metrics {
    registry: Registry,
    fetches: Family<FetchLabels, Counter>,
    last_success: Family<IssuerLabels, Gauge>,
    keys: Family<IssuerLabels, Gauge>,
    dropped_keys: Family<IssuerLabels, Gauge>,
    generation: Gauge,
    config_reloads: Family<ResultLabels, Counter>,
    credential_expiry: Gauge,
    credential_reads: Family<ResultLabels, Counter>,
    feed_requests: Family<FeedLabels, Counter>,
    refused_connections: Counter,
    pollers: Gauge,
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
    /// Every metric at zero.
    pub(crate) fn new() -> Self {
        let mut metrics = Self {
            registry: Registry::with_prefix("jwks_sync"),
            fetches: Family::default(),
            last_success: Family::default(),
            keys: Family::default(),
            dropped_keys: Family::default(),
            generation: Gauge::default(),
            config_reloads: Family::default(),
            credential_expiry: Gauge::default(),
            credential_reads: Family::default(),
            feed_requests: Family::default(),
            refused_connections: Counter::default(),
            pollers: Gauge::default(),
        };
        let registry = &mut metrics.registry;
        registry.register("fetches", "Attempts to fetch an issuer's keys", metrics.fetches.clone());
        registry.register(
            "last_success_timestamp_seconds",
            "When an issuer's keys were last fetched",
            metrics.last_success.clone(),
        );
        registry.register("keys", "Usable keys of an issuer", metrics.keys.clone());
        registry.register(
            "dropped_keys",
            "Keys of an issuer's JWKS that can't be used",
            metrics.dropped_keys.clone(),
        );
        registry.register(
            "snapshot_generation",
            "Counter of the published snapshot's generation",
            metrics.generation.clone(),
        );
        registry.register(
            "config_reloads",
            "Attempts to load a changed configuration",
            metrics.config_reloads.clone(),
        );
        registry.register(
            "credential_expiry_timestamp_seconds",
            "End of the upstream credential, 0 when it is absent or names none",
            metrics.credential_expiry.clone(),
        );
        registry.register(
            "credential_reads",
            "Attempts to get the upstream credential, without reads that found it unchanged",
            metrics.credential_reads.clone(),
        );
        registry.register("feed_requests", "Requests of filters", metrics.feed_requests.clone());
        registry.register(
            "refused_connections",
            "Connections of peers whose uid is not allowed",
            metrics.refused_connections.clone(),
        );
        registry.register("pollers", "GetSnapshot calls that wait at present", metrics.pollers.clone());
        metrics
    }

    /// An attempt to fetch ended: well, or for `failure`.
    pub(crate) fn fetched(&self, issuer: &str, failure: Option<&'static str>) {
        let result = failure.unwrap_or(SUCCESS);
        self.fetches.get_or_create(&FetchLabels { issuer: issuer.to_owned(), result }).inc();
    }

    /// An issuer has these keys since `at`.
    pub(crate) fn holds(&self, issuer: &str, keys: usize, dropped: usize, at: UnixSeconds) {
        let labels = IssuerLabels { issuer: issuer.to_owned() };
        self.keys.get_or_create(&labels).set(as_gauge(keys));
        self.dropped_keys.get_or_create(&labels).set(as_gauge(dropped));
        self.last_success.get_or_create(&labels).set(as_gauge(at.get()));
    }

    /// An issuer's keys are too old, or it was removed: it has none any more.
    pub(crate) fn forget(&self, issuer: &str) {
        let labels = IssuerLabels { issuer: issuer.to_owned() };
        self.keys.remove(&labels);
        self.dropped_keys.remove(&labels);
        self.last_success.remove(&labels);
    }

    /// A snapshot was published.
    pub(crate) fn published(&self, counter: u64) {
        self.generation.set(as_gauge(counter));
    }

    /// A changed configuration was loaded, or refused for `failure`.
    pub(crate) fn reloaded(&self, failure: Option<&'static str>) {
        self.config_reloads.get_or_create(&ResultLabels { result: failure.unwrap_or(SUCCESS) }).inc();
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
mod tests {
    use super::*;

    #[test]
    fn the_names_are_those_of_the_documentation() {
        let metrics = Metrics::new();
        metrics.fetched("https://issuer", Some("timeout"));
        metrics.holds("https://issuer", 2, 1, UnixSeconds::new(7));
        metrics.reloaded(None);
        metrics.answered("GetSnapshot", "newer");
        let polling = metrics.polling();
        let text = metrics.text();
        for line in [
            r#"jwks_sync_fetches_total{issuer="https://issuer",result="timeout"} 1"#,
            r#"jwks_sync_keys{issuer="https://issuer"} 2"#,
            r#"jwks_sync_dropped_keys{issuer="https://issuer"} 1"#,
            r#"jwks_sync_last_success_timestamp_seconds{issuer="https://issuer"} 7"#,
            r#"jwks_sync_config_reloads_total{result="success"} 1"#,
            r#"jwks_sync_feed_requests_total{method="GetSnapshot",outcome="newer"} 1"#,
            "jwks_sync_pollers 1",
        ] {
            assert!(text.lines().any(|candidate| candidate == line), "{line} is not in\n{text}");
        }
        drop(polling);
        metrics.forget("https://issuer");
        assert!(metrics.text().contains("jwks_sync_pollers 0"));
        assert!(!metrics.text().contains("jwks_sync_keys{"));
    }
}
