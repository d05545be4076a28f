//! Counts in Envoy's stats. Names are process-wide: all VMs add to the same ones.

use std::collections::BTreeMap;

use authn::decision::Source;

use crate::host::{self, MetricId};
use crate::metric::{self, Kind, Metric, Reason};

/// Counters of requests that are remembered. There are as many as reasons and issuers, and those are configured.
const MAX_REQUESTS: usize = 4_096;

/// The metrics of one plugin. Each exists from its first use on.
#[derive(Default)]
pub(crate) struct Metrics {
    plain: Vec<(Metric, MetricId)>,
    requests: BTreeMap<Names, Counter>,
}

/// The names of a reason and of a source by the places where they lie, which takes no time to compare. The same text
/// may lie in two places; then Envoy gives the same counter for both.
type Names = (*const str, *const str);

/// A counter of requests.
struct Counter {
    id: MetricId,
    /// As long as it is held, nothing else lies in its place.
    _source: Option<Source>,
}

impl Metrics {
    /// Counts one.
    pub(crate) fn count(&mut self, metric: Metric) {
        self.record(metric, 1);
    }

    /// Adds to a counter, sets a gauge, or gives a histogram a value.
    pub(crate) fn record(&mut self, metric: Metric, value: u64) {
        let metric::Description { name, kind, .. } = metric.description();
        let id = match self.plain.iter().find(|(known, _)| *known == metric) {
            Some((_, id)) => *id,
            None => {
                let Some(id) = host::metric(kind, name) else { return };
                self.plain.push((metric, id));
                id
            }
        };
        host::record(kind, id, value);
    }

    /// Counts a request.
    pub(crate) fn request(&mut self, reason: Reason, source: Option<&Source>) {
        let name = metric::source_name(source);
        let names = (std::ptr::from_ref(reason.name()), std::ptr::from_ref(name));
        if let Some(Counter { id, .. }) = self.requests.get(&names) {
            host::record(Kind::Counter, *id, 1);
            return;
        }
        let Some(id) = host::metric(Kind::Counter, &metric::requests(reason, name)) else { return };
        host::record(Kind::Counter, id, 1);
        if self.requests.len() >= MAX_REQUESTS {
            // Issuers that are no more, for the most part.
            self.requests.clear();
        }
        self.requests.insert(names, Counter { id, _source: source.cloned() });
    }
}
