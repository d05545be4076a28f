//! Counts in Envoy's stats. Names are process-wide: all VMs add to the same ones.

use std::collections::HashMap;

use authn::decision::Source;

use crate::host::{self, MetricId};
use crate::metric::{self, Kind, Metric, Reason};

/// Names of one reason that are remembered. There are as many as issuers, and those are configured.
const MAX_NAMES: usize = 4_096;

/// The metrics of one plugin. Each exists from its first use on.
#[derive(Default)]
pub(crate) struct Metrics {
    plain: HashMap<Metric, MetricId>,
    requests: HashMap<Reason, HashMap<String, MetricId>>,
}

impl Metrics {
    /// Counts one.
    pub(crate) fn count(&mut self, metric: Metric) {
        self.record(metric, 1);
    }

    /// Adds to a counter, sets a gauge, or gives a histogram a value.
    pub(crate) fn record(&mut self, metric: Metric, value: u64) {
        let metric::Description { name, kind, .. } = metric.description();
        let id = match self.plain.get(&metric) {
            Some(id) => *id,
            None => {
                let Some(id) = host::metric(kind, name) else { return };
                self.plain.insert(metric, id);
                id
            }
        };
        host::record(kind, id, value);
    }

    /// Counts a request.
    pub(crate) fn request(&mut self, reason: Reason, source: Option<&Source>) {
        let source = metric::source_name(source);
        let sources = self.requests.entry(reason).or_default();
        if let Some(id) = sources.get(source) {
            host::record(Kind::Counter, *id, 1);
            return;
        }
        let Some(id) = host::metric(Kind::Counter, &metric::requests(reason, source)) else { return };
        host::record(Kind::Counter, id, 1);
        if sources.len() < MAX_NAMES {
            sources.insert(source.to_owned(), id);
        }
    }
}
