//! What is asked of the API server, the token webhook and the endpoints of distributed claims.

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;
use tokio::time::Instant;

/// Questions and what came of them.
pub(crate) struct Reviews {
    total: Family<ReviewLabels, Counter>,
    durations: Family<KindLabels, Histogram, fn() -> Histogram>,
    in_flight: Family<KindLabels, Gauge>,
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

impl Reviews {
    pub(super) fn new() -> Self {
        Self {
            total: Family::default(),
            durations: Family::new_with_constructor(durations),
            in_flight: Family::default(),
        }
    }

    pub(super) fn register(&self, registry: &mut Registry) {
        registry.register(
            "reviews",
            "Questions about impersonation (kubectl --as), about tokens and for distributed claims; a token that both are asked about counts twice",
            self.total.clone(),
        );
        registry.register(
            "review_duration_seconds",
            "How long the questions took that were asked of the API server, the webhook or an endpoint",
            self.durations.clone(),
        );
        registry.register(
            "reviews_in_flight",
            "Questions that wait for an answer at present",
            self.in_flight.clone(),
        );
    }

    /// A question came to this without being asked of anybody.
    pub(crate) fn came_to(&self, kind: ReviewKind, result: &'static str) {
        self.total.get_or_create(&ReviewLabels { kind: kind.name(), result }).inc();
    }

    /// A question is being asked, until the result is ended or dropped.
    pub(crate) fn begin(&self, kind: ReviewKind) -> Reviewing {
        let labels = KindLabels { kind: kind.name() };
        let in_flight = self.in_flight.get_or_create(&labels).clone();
        in_flight.inc();
        Reviewing {
            in_flight,
            kind,
            begun: Instant::now(),
            duration: self.durations.get_or_create(&labels).clone(),
            total: self.total.clone(),
        }
    }
}

/// See [`Reviews::begin`].
pub(crate) struct Reviewing {
    in_flight: Gauge,
    kind: ReviewKind,
    begun: Instant,
    duration: Histogram,
    total: Family<ReviewLabels, Counter>,
}

impl Reviewing {
    /// This came of it.
    pub(crate) fn end(self, result: &'static str) {
        self.duration.observe(self.begun.elapsed().as_secs_f64());
        self.total.get_or_create(&ReviewLabels { kind: self.kind.name(), result }).inc();
    }
}

impl Drop for Reviewing {
    fn drop(&mut self) {
        self.in_flight.dec();
    }
}
