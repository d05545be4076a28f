//! What is counted in Envoy's stats. Names are process-wide: all VMs add to the same ones.

use std::collections::HashMap;

use crate::host::{self, Metric, MetricKind};

/// What every name begins with; Envoy puts `wasmcustom.` before it.
const PREFIX: &str = "kube_oidc_filter";
/// Names that are remembered. There are as many as reasons times issuers, and those are configured.
const MAX_NAMES: usize = 4_096;

/// The metrics of one plugin. Each exists from its first use on.
#[derive(Default)]
pub(crate) struct Metrics {
    plain: HashMap<&'static str, Metric>,
    requests: HashMap<&'static str, HashMap<String, Metric>>,
}

impl Metrics {
    /// Counts one in `kube_oidc_filter.<name>`.
    pub(crate) fn count(&mut self, name: &'static str) {
        if let Some(metric) = self.plain(name, MetricKind::Counter) {
            host::increment(metric);
        }
    }

    /// Sets the gauge `kube_oidc_filter.<name>`.
    pub(crate) fn set(&mut self, name: &'static str, value: u64) {
        if let Some(metric) = self.plain(name, MetricKind::Gauge) {
            host::record(metric, value);
        }
    }

    /// Adds a value to the histogram `kube_oidc_filter.<name>`.
    pub(crate) fn observe(&mut self, name: &'static str, value: u64) {
        if let Some(metric) = self.plain(name, MetricKind::Histogram) {
            host::record(metric, value);
        }
    }

    /// Counts a request in `kube_oidc_filter.requests.<reason>.<source>`.
    pub(crate) fn request(&mut self, reason: &'static str, source: &str) {
        let sources = self.requests.entry(reason).or_default();
        if let Some(metric) = sources.get(source) {
            host::increment(*metric);
            return;
        }
        let name = format!("{PREFIX}.requests.{reason}.{}", label(source));
        let Some(metric) = host::metric(MetricKind::Counter, &name) else { return };
        host::increment(metric);
        if sources.len() < MAX_NAMES {
            sources.insert(source.to_owned(), metric);
        }
    }

    fn plain(&mut self, name: &'static str, kind: MetricKind) -> Option<Metric> {
        if let Some(metric) = self.plain.get(name) {
            return Some(*metric);
        }
        let metric = host::metric(kind, &format!("{PREFIX}.{name}"))?;
        self.plain.insert(name, metric);
        Some(metric)
    }
}

/// The name of an issuer as a part of a metric's name: without the scheme, and with `_` for what can't stand there.
fn label(source: &str) -> String {
    let source = source.strip_prefix("https://").unwrap_or(source);
    let safe = |c: char| if c.is_ascii_alphanumeric() || c == '-' { c } else { '_' };
    source.chars().map(safe).collect()
}
