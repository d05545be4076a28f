//! When an issuer is asked next. Pure: time and chance are arguments.

use std::time::Duration;

use tokio::time::Instant;

use crate::clock::spread;

/// The bounds of a [`Schedule`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Limits {
    /// Shortest time between a success and the next regular fetch.
    pub(crate) shortest: Duration,
    /// Longest time between a success and the next regular fetch.
    pub(crate) longest: Duration,
    /// Time between a success and the next regular fetch when the issuer says nothing about it.
    pub(crate) usual: Duration,
    /// Time between a failure that follows a success and the next attempt; doubled with every further failure.
    pub(crate) first_retry: Duration,
    /// What that grows to.
    pub(crate) last_retry: Duration,
    /// Shortest time between the starts of two fetches, whoever asks for them.
    pub(crate) between_starts: Duration,
}

impl Limits {
    /// The limits for keys that may be used for `max_age` after the last success: every key is fetched at least
    /// four times in that time.
    pub(crate) fn for_max_age(max_age: Duration) -> Self {
        let longest = max_age.checked_div(4).unwrap_or_default();
        let longest = longest.clamp(Duration::from_secs(1), Duration::from_hours(1));
        Self {
            shortest: Duration::from_mins(1).min(longest),
            longest,
            usual: Duration::from_mins(10).min(longest),
            first_retry: Duration::from_secs(1),
            last_retry: Duration::from_mins(1),
            between_starts: Duration::from_secs(1),
        }
    }
}

/// When an issuer is asked next.
#[derive(Debug)]
pub(crate) struct Schedule {
    limits: Limits,
    regular: Instant,
    last_start: Option<Instant>,
    failures: u32,
}

impl Schedule {
    /// The first fetch is due at once.
    pub(crate) fn new(limits: Limits, now: Instant) -> Self {
        Self { limits, regular: now, last_start: None, failures: 0 }
    }

    /// A fetch starts.
    pub(crate) fn started(&mut self, now: Instant) {
        self.last_start = Some(now);
    }

    /// A fetch went well; the issuer says that its answer stays fresh for so long.
    pub(crate) fn succeeded(&mut self, now: Instant, fresh_for: Option<Duration>, jitter: f64) {
        self.failures = 0;
        let wait = fresh_for.unwrap_or(self.limits.usual).clamp(self.limits.shortest, self.limits.longest);
        self.regular = after(now, spread(wait, jitter));
    }

    /// A fetch failed.
    pub(crate) fn failed(&mut self, now: Instant, jitter: f64) {
        let factor = 2u32.saturating_pow(self.failures);
        self.failures = self.failures.saturating_add(1);
        let wait = self.limits.first_retry.saturating_mul(factor).min(self.limits.last_retry);
        self.regular = after(now, spread(wait, jitter));
    }

    /// When the next fetch starts: at its regular time, or, when somebody waits for it, as soon as the distance to
    /// the last start allows.
    pub(crate) fn next_start(&self, wanted: bool) -> Instant {
        let allowed = self.last_start.map(|start| after(start, self.limits.between_starts));
        match allowed {
            Some(allowed) if wanted => allowed,
            Some(allowed) => self.regular.max(allowed),
            None => self.regular,
        }
    }
}

fn after(start: Instant, wait: Duration) -> Instant {
    start.checked_add(wait).unwrap_or(start)
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: Duration = Duration::from_hours(24);

    #[track_caller]
    fn after_success(fresh_for: Option<u64>, jitter: f64, max_age: Duration) -> f64 {
        let now = Instant::now();
        let mut schedule = Schedule::new(Limits::for_max_age(max_age), now);
        schedule.started(now);
        schedule.succeeded(now, fresh_for.map(Duration::from_secs), jitter);
        schedule.next_start(false).duration_since(now).as_secs_f64()
    }

    #[test]
    fn the_issuer_chooses_the_interval_within_bounds() {
        for (case, fresh_for, jitter, max_age, wait) in [
            ("says nothing", None, 0.0, DAY, 600.0),
            ("says a quarter of an hour", Some(900), 0.0, DAY, 900.0),
            ("no-store", Some(0), 0.0, DAY, 60.0),
            ("a year", Some(31_536_000), 0.0, DAY, 3600.0),
            ("spread up", Some(900), 1.0, DAY, 990.0),
            ("spread down", Some(900), -1.0, DAY, 810.0),
            ("short age", Some(900), 0.0, Duration::from_mins(20), 300.0),
            ("shortest age", None, 0.0, Duration::from_secs(1), 1.0),
        ] {
            let got = after_success(fresh_for, jitter, max_age);
            assert!((got - wait).abs() < 0.001, "{case}: {got}");
        }
    }

    #[test]
    fn failures_double_the_wait_up_to_a_minute() {
        let now = Instant::now();
        let mut schedule = Schedule::new(Limits::for_max_age(DAY), now);
        let mut waits = Vec::new();
        for _ in 0..9 {
            schedule.failed(now, 0.0);
            waits.push(schedule.next_start(false).duration_since(now).as_secs());
        }
        assert_eq!(waits, [1, 2, 4, 8, 16, 32, 60, 60, 60]);
        schedule.succeeded(now, None, 0.0);
        schedule.failed(now, 0.0);
        assert_eq!(schedule.next_start(false).duration_since(now).as_secs(), 1, "a success starts afresh");
    }

    #[test]
    fn somebody_who_waits_gets_a_fetch_a_second_after_the_last_start() {
        let now = Instant::now();
        let mut schedule = Schedule::new(Limits::for_max_age(DAY), now);
        assert_eq!(schedule.next_start(true), now);
        schedule.started(now);
        schedule.succeeded(now, None, 0.0);
        assert_eq!(schedule.next_start(true), after(now, Duration::from_secs(1)));
        assert_eq!(schedule.next_start(false), after(now, Duration::from_mins(10)));
    }
}
