//! What came of it: `results.json`.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::variant::Comparison;

/// One variant.
#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) struct Figure {
    /// Envoy's CPU time per request in nanoseconds: the median of the turns.
    pub(crate) cpu_ns: f64,
    /// Requests per second of wall time, likewise.
    pub(crate) rps: f64,
    /// How far the middle half of the turns lies apart, as a share of `cpu_ns`.
    pub(crate) spread: f64,
}

/// A ratio of CPU time, of the turns one by one: above 1 the filter is the cheaper one.
#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) struct Ratio {
    #[serde(skip)]
    pub(crate) comparison: Comparison,
    /// The median of the turns.
    pub(crate) median: f64,
    /// The quarter of the turns in which it was least lies below.
    pub(crate) lower_quartile: f64,
    /// The quarter of the turns in which it was most lies above.
    pub(crate) upper_quartile: f64,
}

/// Sizes and times that are no variant's.
#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) struct Numbers {
    /// Size of the module.
    pub(crate) wasm_bytes: u64,
    /// Linear memory of one worker's VM before the first request.
    pub(crate) vm_linear_memory_bytes: u64,
    /// The same with 10,000 tokens cached.
    pub(crate) vm_linear_memory_10k_bytes: u64,
    /// Resident memory of Envoy without filter, one worker.
    pub(crate) envoy_bare_rss_bytes: u64,
    /// Resident memory of Envoy with the filter, one worker, before the first request.
    pub(crate) envoy_rss_bytes: u64,
    /// Resident memory of the sidecar with 64 issuers, as many as a configuration may have.
    pub(crate) sidecar_rss_bytes: u64,
    /// From the start of Envoy and the sidecar, at once, to the first 200.
    pub(crate) start_to_first_200_ms: f64,
    /// From the moment at which the sidecar publishes a snapshot with a new key to the last of 4 workers' use of it.
    pub(crate) publish_to_last_worker_ms: f64,
}

/// All of it.
#[derive(Debug, Serialize)]
pub(crate) struct Results {
    #[serde(flatten)]
    pub(crate) figures: BTreeMap<&'static str, Figure>,
    #[serde(flatten)]
    pub(crate) numbers: Option<Numbers>,
    /// By "ours/other".
    pub(crate) ratios: BTreeMap<String, Ratio>,
    /// How many Envoys each variant had.
    pub(crate) rounds: usize,
    /// How often each variant ran in a round.
    pub(crate) turns: usize,
    /// Whether Envoy and the load had cores of their own.
    pub(crate) cores_apart: bool,
}

impl Results {
    pub(crate) fn json(&self) -> String {
        serde_json::to_string_pretty(self).expect("results as JSON") + "\n"
    }
}
