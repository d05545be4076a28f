//! Every metric of the filter. No other name is ever counted, and `docs/metrics.md` is written from what stands here.

use authn::decision::Source;
use authn::rejection::Rejection;
use strum::VariantArray as _;

/// A metric without labels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, strum::VariantArray)]
pub enum Metric {
    /// Time to decide.
    DecideMicroseconds,
    /// Failed polls.
    FeedFailures,
    /// Bad signatures.
    SignaturesInvalid,
    /// Good signatures.
    SignaturesValid,
    /// When a snapshot was last adopted.
    SnapshotAdoptedTimestampSeconds,
    /// The snapshot's generation.
    SnapshotGeneration,
    /// Adopted snapshots.
    SnapshotsAdopted,
    /// Bad snapshots.
    SnapshotsRefused,
    /// Time to check signatures.
    VerifyMicroseconds,
    /// Questions for claims.
    WaitsClaims,
    /// Questions about impersonation.
    WaitsImpersonation,
    /// Questions for keys.
    WaitsKeys,
    /// Questions about tokens.
    WaitsToken,
}

/// What a metric does with its values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Adds them up.
    Counter,
    /// Has the last one.
    Gauge,
    /// Counts them by size.
    Histogram,
}

/// What there is to say of a metric.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Description {
    /// Envoy's name for it, but for the `wasmcustom.` before it.
    pub name: &'static str,
    /// Its kind.
    pub kind: Kind,
    /// For operators.
    pub meaning: &'static str,
}

impl Metric {
    /// All of them.
    pub const ALL: &[Self] = Self::VARIANTS;

    /// What it is called and means.
    #[must_use]
    pub const fn description(self) -> Description {
        use Kind::{Counter, Gauge, Histogram};
        let (name, kind, meaning) = match self {
            Self::DecideMicroseconds => (
                "kube_oidc_filter.decide_microseconds",
                Histogram,
                "how long it took to decide about requests whose token's signature had to be checked, that included; of many that come at once, of some",
            ),
            Self::FeedFailures => (
                "kube_oidc_filter.feed_failures",
                Counter,
                "polls of the sidecar that failed; Envoy's log says why",
            ),
            Self::SignaturesInvalid => (
                "kube_oidc_filter.signatures_invalid",
                Counter,
                "tokens whose signature was checked and is not by a key of the issuer",
            ),
            Self::SignaturesValid => (
                "kube_oidc_filter.signatures_valid",
                Counter,
                "tokens whose signature was checked and is good: the token cache had no answer for them",
            ),
            Self::SnapshotAdoptedTimestampSeconds => (
                "kube_oidc_filter.snapshot_adopted_timestamp_seconds",
                Gauge,
                "when a thread last took over a snapshot",
            ),
            Self::SnapshotGeneration => (
                "kube_oidc_filter.snapshot_generation",
                Gauge,
                "counter of that snapshot's generation; `jwks_sync_snapshot_generation` is the sidecar's",
            ),
            Self::SnapshotsAdopted => (
                "kube_oidc_filter.snapshots_adopted",
                Counter,
                "snapshots that a thread took over, from the sidecar or from another thread",
            ),
            Self::SnapshotsRefused => (
                "kube_oidc_filter.snapshots_refused",
                Counter,
                "snapshots that can't be read; the last good one stays in force",
            ),
            Self::VerifyMicroseconds => (
                "kube_oidc_filter.verify_microseconds",
                Histogram,
                "how long the checks of a token's signature took; of many that come at once, of some",
            ),
            Self::WaitsClaims => (
                "kube_oidc_filter.waits_claims",
                Counter,
                "requests that waited for the sidecar to fetch the groups from where the token says that they stand",
            ),
            Self::WaitsImpersonation => (
                "kube_oidc_filter.waits_impersonation",
                Counter,
                "requests that waited for the sidecar to say whether the user may act as somebody else",
            ),
            Self::WaitsKeys => (
                "kube_oidc_filter.waits_keys",
                Counter,
                "requests that waited for the sidecar to fetch an issuer's keys, for a token by a key that was not there",
            ),
            Self::WaitsToken => (
                "kube_oidc_filter.waits_token",
                Counter,
                "requests that waited for the sidecar to say whose token theirs is",
            ),
        };
        Description { name, kind, meaning }
    }
}

/// What the counters of requests begin with: `kube_oidc_filter.requests.<reason>.<issuer>`.
pub const REQUESTS: &str = "kube_oidc_filter.requests";

/// What became of a request, as the access log and the counters of requests call it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Reason(&'static str);

impl Reason {
    /// The name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        self.0
    }
}

/// How a request went on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, strum::VariantArray)]
pub enum Passed {
    /// To a cluster that is not the API server's.
    NotUpstream,
    /// To the API server.
    Upstream,
}

impl Passed {
    /// Both.
    pub const ALL: &[Self] = Self::VARIANTS;

    /// For operators.
    #[must_use]
    pub const fn meaning(self) -> &'static str {
        match self {
            Self::NotUpstream => {
                "went on without credential and identity: the route leads to none of `upstreamClusters`"
            }
            Self::Upstream => "went on to the API server",
        }
    }
}

impl From<Passed> for Reason {
    fn from(passed: Passed) -> Self {
        Self(match passed {
            Passed::NotUpstream => "not_upstream",
            Passed::Upstream => "ok",
        })
    }
}

impl From<&Rejection> for Reason {
    fn from(rejection: &Rejection) -> Self {
        Self(rejection.reason())
    }
}

/// How a counter of requests calls who vouches for the user.
#[must_use]
pub fn source_name(source: Option<&Source>) -> &str {
    source.map_or("none", Source::name)
}

/// The name of the counter of requests that came to this.
#[must_use]
pub fn requests(reason: Reason, source: &str) -> String {
    // A dot would end the part of the name, and sinks other than Prometheus read colons and slashes their own way.
    let safe = |c: char| if c.is_ascii_alphanumeric() || c == '-' { c } else { '_' };
    let source: String = source.strip_prefix("https://").unwrap_or(source).chars().map(safe).collect();
    format!("{REQUESTS}.{}.{source}", reason.name())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn names_are_ours_and_differ() {
        let names: BTreeSet<_> = Metric::ALL.iter().map(|metric| metric.description().name).collect();
        assert_eq!(names.len(), Metric::ALL.len());
        for name in names.into_iter().chain([REQUESTS]) {
            let own = name.strip_prefix("kube_oidc_filter.").unwrap();
            assert!(own.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_'), "{name}");
        }
    }

    #[test]
    fn requests_are_named_by_reason_and_issuer() {
        for (source, expected) in [
            (None, "none"),
            (Some(Source::Anonymous), "anonymous"),
            (Some(Source::ApiServer), "api-server"),
            (Some(Source::TokenWebhook), "token-webhook"),
            (Some(Source::Issuer("https://sso.example.com".into())), "sso_example_com"),
            (Some(Source::Issuer("https://[::1]:8443/realms/Ä-1".into())), "___1__8443_realms__-1"),
        ] {
            let name = requests(Passed::Upstream.into(), source_name(source.as_ref()));
            assert_eq!(name, format!("kube_oidc_filter.requests.ok.{expected}"));
        }
    }
}
