//! What is counted. Label sets are closed: issuers come from the configuration, results are names of variants.

mod reloads;

use std::collections::{BTreeSet, HashMap};
use std::sync::{Mutex, MutexGuard, PoisonError};

use authn::time::UnixSeconds;
use prometheus_client::encoding::{EncodeLabelSet, text};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;
use tokio::time::Instant;

use reloads::Reloads;

/// All metrics of the process.
pub(crate) struct Metrics {
    registry: Registry,
    fetches: Family<FetchLabels, Counter>,
    last_success: Family<IssuerLabels, Gauge>,
    keys: Family<IssuerLabels, Gauge>,
    dropped_keys: Family<IssuerLabels, Gauge>,
    generation: Gauge,
    reloads: Reloads,
    credential_expiry: Gauge,
    credential_reads: Family<ResultLabels, Counter>,
    feed_requests: Family<FeedLabels, Counter>,
    refused_connections: Counter,
    pollers: Gauge,
    reviews: Family<ReviewLabels, Counter>,
    review_durations: Family<KindLabels, Histogram, fn() -> Histogram>,
    reviews_in_flight: Family<KindLabels, Gauge>,
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

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct ResultLabels {
    result: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct FeedLabels {
    method: &'static str,
    outcome: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct ReviewLabels {
    kind: &'static str,
    result: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct KindLabels {
    kind: &'static str,
}

/// What is asked of whom.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum ReviewKind {
    /// The endpoint of a distributed claim, for the claim.
    Claims,
    /// The API server, whether somebody may act as somebody else.
    Impersonation,
    /// The API server, whose token something is.
    PassThrough,
    /// The token webhook, whose token something is.
    Webhook,
}

impl ReviewKind {
    /// All of them.
    pub(crate) const ALL: [Self; 4] = [Self::Claims, Self::Impersonation, Self::PassThrough, Self::Webhook];

    /// The label, and the name in logs.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Claims => "claims",
            Self::Impersonation => "impersonation",
            Self::PassThrough => "pass_through",
            Self::Webhook => "webhook",
        }
    }
}

/// Seconds that a review takes: a nearby API server answers in milliseconds, and nobody waits longer than 5 s.
const DURATIONS: [f64; 11] = [0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0];

fn durations() -> Histogram {
    Histogram::new(DURATIONS)
}

/// The label of everything that went well.
const SUCCESS: &str = "success";

impl Metrics {
    /// Metrics without labels, at zero. Series with labels come with their first count, those of an issuer with the
    /// issuer.
    pub(crate) fn new() -> Self {
        let mut metrics = Self {
            registry: Registry::with_prefix("jwks_sync"),
            fetches: Family::default(),
            last_success: Family::default(),
            keys: Family::default(),
            dropped_keys: Family::default(),
            generation: Gauge::default(),
            reloads: Reloads::default(),
            credential_expiry: Gauge::default(),
            credential_reads: Family::default(),
            feed_requests: Family::default(),
            refused_connections: Counter::default(),
            pollers: Gauge::default(),
            reviews: Family::default(),
            review_durations: Family::new_with_constructor(durations),
            reviews_in_flight: Family::default(),
            followed: Mutex::default(),
        };
        let registry = &mut metrics.registry;
        registry.register("fetches", "Attempts to fetch an issuer's keys", metrics.fetches.clone());
        registry.register(
            "last_success_timestamp_seconds",
            "When an issuer's keys were last fetched; 0 when they never were",
            metrics.last_success.clone(),
        );
        registry.register("keys", "Usable keys of an issuer; 0 before the first success, and at the first failed fetch after --max-key-age", metrics.keys.clone());
        registry.register(
            "dropped_keys",
            "Keys of an issuer's JWKS that can't be used; the log names them",
            metrics.dropped_keys.clone(),
        );
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
        registry.register(
            "reviews",
            "Questions about impersonation (kubectl --as), about tokens and for distributed claims; a token that both are asked about counts twice",
            metrics.reviews.clone(),
        );
        registry.register(
            "review_duration_seconds",
            "How long the questions took that were asked of the API server, the webhook or an endpoint",
            metrics.review_durations.clone(),
        );
        registry.register(
            "reviews_in_flight",
            "Questions that wait for an answer at present",
            metrics.reviews_in_flight.clone(),
        );
        metrics
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

    /// A question came to this without being asked of anybody.
    pub(crate) fn reviewed(&self, kind: ReviewKind, result: &'static str) {
        self.reviews.get_or_create(&ReviewLabels { kind: kind.name(), result }).inc();
    }

    /// A question is being asked, until the result is ended or dropped.
    pub(crate) fn reviewing(&self, kind: ReviewKind) -> Reviewing {
        let labels = KindLabels { kind: kind.name() };
        let in_flight = self.reviews_in_flight.get_or_create(&labels).clone();
        in_flight.inc();
        Reviewing {
            in_flight,
            kind,
            begun: Instant::now(),
            duration: self.review_durations.get_or_create(&labels).clone(),
            reviews: self.reviews.clone(),
        }
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

/// See [`Metrics::reviewing`].
pub(crate) struct Reviewing {
    in_flight: Gauge,
    kind: ReviewKind,
    begun: Instant,
    duration: Histogram,
    reviews: Family<ReviewLabels, Counter>,
}

impl Reviewing {
    /// This came of it.
    pub(crate) fn end(self, result: &'static str) {
        self.duration.observe(self.begun.elapsed().as_secs_f64());
        self.reviews.get_or_create(&ReviewLabels { kind: self.kind.name(), result }).inc();
    }
}

impl Drop for Reviewing {
    fn drop(&mut self) {
        self.in_flight.dec();
    }
}

/// Sets a series that there is; one that ended does not come back.
fn set(gauges: &Family<IssuerLabels, Gauge>, labels: &IssuerLabels, value: i64) {
    if let Some(gauge) = gauges.get(labels) {
        gauge.set(value);
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
mod tests {
    use super::*;
    use crate::claims::Unresolved;
    use crate::config::{IssuerSource, Sources};
    use crate::fetch_error::FetchError;
    use crate::kube::KubeError;

    const PAGE: &str = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/metrics.md"));
    const ISSUER: &str = "https://issuer";
    /// Of `x: 1`.
    const HASH: &str = r#"jwks_sync_config_last_config_info{hash="sha256:db0d222aebf678ab8f8908b8622497211e3fc950097b9e147aae569348b37363"} 1"#;

    /// Metrics that have all been counted or set once.
    fn counted() -> Metrics {
        let metrics = Metrics::new();
        metrics.follow(ISSUER);
        metrics.fetched(ISSUER, Some("timeout"));
        metrics.holds(ISSUER, 2, 1, UnixSeconds::new(7));
        metrics.reloads().succeeded(UnixSeconds::new(8));
        metrics.reloads().failed("fields", UnixSeconds::new(9));
        let file = Sources { issuers: IssuerSource::File("file".into()), policy: None };
        metrics.reloads().in_force(&file, Some(b"old"));
        metrics.reloads().in_force(&file, Some(b"x: 1"));
        metrics.credential(None);
        metrics.answered("GetSnapshot", "newer");
        metrics.reviewing(ReviewKind::Impersonation).end("denied");
        metrics.reviewed(ReviewKind::Webhook, "cached");
        metrics
    }

    #[track_caller]
    fn assert_line(metrics: &Metrics, line: &str) {
        let text = metrics.text();
        assert!(text.lines().any(|candidate| candidate == line), "{line} is not in\n{text}");
    }

    /// Name, kind, labels and meaning of every metric, as the registry has them.
    fn table(text: &str) -> String {
        let value = |line: &str, what: &str| -> Option<(String, String)> {
            let (name, value) = line.strip_prefix("# ")?.strip_prefix(what)?.trim_start().split_once(' ')?;
            Some((name.to_owned(), value.trim_end_matches('.').to_owned()))
        };
        let helps: HashMap<_, _> = text.lines().filter_map(|line| value(line, "HELP")).collect();
        let row = |(name, kind): (String, String)| {
            let ending = if kind == "counter" { "_total" } else { "" };
            let mut meaning = helps[&name].clone();
            meaning[..1].make_ascii_lowercase();
            [format!("`{name}{ending}`"), kind, labels(text, &name), meaning]
        };
        let kinds = text.lines().filter_map(|line| value(line, "TYPE"));
        section::table(["name", "type", "labels", "meaning"], kinds.map(row))
    }

    /// The labels that a metric's series have.
    fn labels(text: &str, metric: &str) -> String {
        let labels = |line: &str| {
            let (name, labels) = line.split_once(['{', ' '])?;
            let end = name.strip_prefix(metric)?;
            ["", "_total", "_bucket"]
                .contains(&end)
                .then(|| labels.split_once('}').unwrap_or_default().0.to_owned())
        };
        let found = text.lines().find_map(labels).expect("a series");
        let names = found.split(',').filter_map(|label| label.split_once('=')).map(|(name, _)| name);
        names.filter(|name| *name != "le").map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
    }

    #[test]
    fn the_page_says_what_is_counted() {
        section::assert_eq("metrics.md", "sidecar", &table(&counted().text()));
    }

    /// The values in the page's row of a label.
    fn documented(metric: &str, label: &str) -> BTreeSet<&'static str> {
        let begin = format!("| `{metric}` | `{label}` | ");
        let row = PAGE.lines().find_map(|line| line.strip_prefix(&begin)).expect("the row");
        // Every other part stands in backticks; what stands in brackets explains.
        let explained = |part: &&str| part.chars().all(|c| c.is_ascii_lowercase() || c == '_');
        row.split('`')
            .skip(1)
            .step_by(2)
            .filter(explained)
            .filter(|part| ReviewKind::ALL.iter().all(|kind| kind.name() != *part))
            .collect()
    }

    #[test]
    fn the_page_has_the_results() {
        // Only what a token names can lead astray.
        let is_of_claims = |reason: &&str| ["access_token", "not_allowed"].contains(reason);
        let fetches = FetchError::all().map(|error| error.reason()).filter(|reason| !is_of_claims(reason));
        assert_eq!(documented("fetches_total", "result"), fetches.chain([SUCCESS]).collect());
        let reviews = KubeError::all().map(|error| error.reason());
        let others = [
            "allowed",
            "authenticated",
            "busy",
            "cached",
            "denied",
            "joined",
            "malformed",
            "resolved",
            "unknown",
        ];
        let claims = Unresolved::all().map(|failure| failure.reason());
        let fetches: BTreeSet<_> = FetchError::all().map(|error| error.reason()).collect();
        let claims = claims.filter(|reason| is_of_claims(reason) || !fetches.contains(reason));
        assert_eq!(documented("reviews_total", "result"), reviews.chain(others).chain(claims).collect());
    }

    #[test]
    fn what_happens_is_counted() {
        let metrics = counted();
        let polling = metrics.polling();
        let reviewing = metrics.reviewing(ReviewKind::PassThrough);
        for line in [
            r#"jwks_sync_fetches_total{issuer="https://issuer",result="timeout"} 1"#,
            r#"jwks_sync_keys{issuer="https://issuer"} 2"#,
            r#"jwks_sync_dropped_keys{issuer="https://issuer"} 1"#,
            r#"jwks_sync_last_success_timestamp_seconds{issuer="https://issuer"} 7"#,
            r#"jwks_sync_config_reloads_total{result="success"} 1"#,
            r#"jwks_sync_config_reloads_total{result="fields"} 1"#,
            r#"jwks_sync_config_reload_last_timestamp_seconds{status="success"} 8"#,
            r#"jwks_sync_config_reload_last_timestamp_seconds{status="failure"} 9"#,
            HASH,
            r#"jwks_sync_credential_reads_total{result="success"} 1"#,
            r#"jwks_sync_feed_requests_total{method="GetSnapshot",outcome="newer"} 1"#,
            "jwks_sync_pollers 1",
            r#"jwks_sync_reviews_total{kind="impersonation",result="denied"} 1"#,
            r#"jwks_sync_reviews_total{kind="webhook",result="cached"} 1"#,
            r#"jwks_sync_review_duration_seconds_count{kind="impersonation"} 1"#,
            r#"jwks_sync_reviews_in_flight{kind="impersonation"} 0"#,
            r#"jwks_sync_reviews_in_flight{kind="pass_through"} 1"#,
        ] {
            assert_line(&metrics, line);
        }
        assert_eq!(metrics.text().matches("{hash=").count(), 1, "that in force alone");
        drop((polling, reviewing));
        assert_line(&metrics, "jwks_sync_pollers 0");
        assert_line(&metrics, r#"jwks_sync_reviews_in_flight{kind="pass_through"} 0"#);
    }

    #[test]
    fn the_series_of_an_issuer_come_and_go_with_it() {
        let metrics = Metrics::new();
        assert!(!metrics.text().contains("{issuer="));
        metrics.follow(ISSUER);
        for line in [
            r#"jwks_sync_fetches_total{issuer="https://issuer",result="success"} 0"#,
            r#"jwks_sync_keys{issuer="https://issuer"} 0"#,
            r#"jwks_sync_dropped_keys{issuer="https://issuer"} 0"#,
            r#"jwks_sync_last_success_timestamp_seconds{issuer="https://issuer"} 0"#,
        ] {
            assert_line(&metrics, line);
        }
        metrics.holds(ISSUER, 2, 1, UnixSeconds::new(7));
        metrics.follow(ISSUER);
        assert_line(&metrics, r#"jwks_sync_keys{issuer="https://issuer"} 2"#);
        metrics.lost_keys(ISSUER);
        assert_line(&metrics, r#"jwks_sync_keys{issuer="https://issuer"} 0"#);
        assert_line(&metrics, r#"jwks_sync_last_success_timestamp_seconds{issuer="https://issuer"} 7"#);
        metrics.fetched(ISSUER, Some("timeout"));
        metrics.forget(ISSUER);
        // A fetch that had begun ends.
        metrics.fetched(ISSUER, None);
        metrics.holds(ISSUER, 2, 1, UnixSeconds::new(8));
        assert!(!metrics.text().contains("{issuer="), "{}", metrics.text());
    }
}
