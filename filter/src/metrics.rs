//! Counts in Envoy's stats. Names are process-wide: all VMs add to the same ones.
//!
//! A call to Envoy for each count would be dear where there are many requests. So of the counts of a tick the first go to
//! Envoy at once, and the others together at the next tick. What a VM that ends has kept back is lost.

use std::collections::BTreeMap;

use authn::decision::Source;

use crate::host::{self, MetricId};
use crate::metric::{self, Kind, Metric, Reason};

/// Counters of requests that are remembered. There are as many as reasons and issuers, and those are configured.
const MAX_REQUESTS: usize = 4_096;
/// Counts of a tick that go to Envoy at once.
const AT_ONCE: u32 = 64;

/// The metrics of one plugin. Each exists from its first use on.
#[derive(Default)]
pub(crate) struct Metrics {
    plain: Vec<(Metric, Counter)>,
    requests: BTreeMap<Names, Counter>,
    /// Counts since the last tick.
    counts: u32,
}

/// The names of a reason and of a source by the places where they lie, which takes no time to compare. The same text
/// may lie in two places; then Envoy gives the same counter for both.
type Names = (*const str, *const str);

/// A metric, and what was not yet added to it.
struct Counter {
    id: MetricId,
    kept: u64,
    /// As long as it is held, nothing else lies in its place.
    _source: Option<Source>,
}

impl Counter {
    const fn new(id: MetricId, source: Option<Source>) -> Self {
        Self { id, kept: 0, _source: source }
    }

    fn add(&mut self, at_once: bool) {
        self.kept = self.kept.saturating_add(1);
        if at_once {
            self.flush();
        }
    }

    fn flush(&mut self) {
        let kept = std::mem::take(&mut self.kept);
        if kept > 0 {
            host::record(Kind::Counter, self.id, kept);
        }
    }
}

impl Metrics {
    /// Counts one.
    pub(crate) fn count(&mut self, metric: Metric) {
        let at_once = self.goes_at_once();
        if let Some(counter) = self.plain(metric) {
            counter.add(at_once);
        }
    }

    /// Sets a gauge, or gives a histogram a value.
    pub(crate) fn record(&mut self, metric: Metric, value: u64) {
        if let Some(Counter { id, .. }) = self.plain(metric) {
            host::record(metric.description().kind, *id, value);
        }
    }

    /// Counts a request.
    pub(crate) fn request(&mut self, reason: Reason, source: Option<&Source>) {
        let at_once = self.goes_at_once();
        let name = metric::source_name(source);
        let names = (std::ptr::from_ref(reason.name()), std::ptr::from_ref(name));
        if let Some(counter) = self.requests.get_mut(&names) {
            counter.add(at_once);
            return;
        }
        let Some(id) = host::metric(Kind::Counter, &metric::requests(reason, name)) else { return };
        if self.requests.len() >= MAX_REQUESTS {
            // Issuers that are no more, for the most part.
            self.requests.values_mut().for_each(Counter::flush);
            self.requests.clear();
        }
        self.requests.entry(names).or_insert(Counter::new(id, source.cloned())).add(at_once);
    }

    /// Whether there is time for more than counting: there were few requests since the last tick.
    pub(crate) const fn is_calm(&self) -> bool {
        self.counts < AT_ONCE
    }

    /// A tick: tells Envoy what was kept.
    pub(crate) fn tick(&mut self) {
        if !self.is_calm() {
            let plain = self.plain.iter_mut().map(|(_, counter)| counter);
            plain.chain(self.requests.values_mut()).for_each(Counter::flush);
        }
        self.counts = 0;
    }

    fn goes_at_once(&mut self) -> bool {
        let is_calm = self.is_calm();
        self.counts = self.counts.saturating_add(1);
        is_calm
    }

    fn plain(&mut self, metric: Metric) -> Option<&mut Counter> {
        let place = match self.plain.iter().position(|(known, _)| *known == metric) {
            Some(place) => place,
            None => {
                let metric::Description { name, kind, .. } = metric.description();
                self.plain.push((metric, Counter::new(host::metric(kind, name)?, None)));
                self.plain.len().checked_sub(1)?
            }
        };
        self.plain.get_mut(place).map(|(_, counter)| counter)
    }
}
