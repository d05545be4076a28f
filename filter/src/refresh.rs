//! Which requests may wait for an issuer's keys.
//!
//! A rotated key must work on its first request; a flood of made-up key ids must cost the issuer one fetch per
//! interval and the gateway nothing but refusals.

use std::collections::HashMap;

use authn::time::UnixSeconds;

/// Requests of one VM that may wait at a time.
pub const MAX_WAITING: usize = 64;
/// Requests of one VM that may begin to wait within a second: clients that give up at once must not make more calls
/// than that.
pub const MAX_PER_SECOND: usize = 256;
/// After an answer without the key, for so many seconds unknown keys of that issuer are refused at once.
pub const INTERVAL: u64 = 1;

/// Whether a request may wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Admission {
    /// Ask the sidecar and wait.
    Ask,
    /// The issuer was asked a moment ago and had no such key.
    AskedJustNow,
    /// Too many wait already.
    Full,
}

/// Who waits, and who was asked when.
#[derive(Debug, Default)]
pub struct Refreshes {
    waiting: usize,
    second: UnixSeconds,
    this_second: usize,
    not_before: HashMap<String, UnixSeconds>,
}

impl Refreshes {
    /// Whether a request for a key of `issuer` may wait. If so, [`left`](Self::left) must follow once.
    pub fn enter(&mut self, issuer: &str, now: UnixSeconds) -> Admission {
        let asked_just_now = self
            .not_before
            .get(issuer)
            // A clock that stepped back must not lock the issuer out.
            .is_some_and(|not_before| now < *not_before && not_before.since(now) <= INTERVAL);
        if asked_just_now {
            return Admission::AskedJustNow;
        }
        if self.second != now {
            self.second = now;
            self.this_second = 0;
        }
        if self.waiting >= MAX_WAITING || self.this_second >= MAX_PER_SECOND {
            return Admission::Full;
        }
        self.waiting = self.waiting.saturating_add(1);
        self.this_second = self.this_second.saturating_add(1);
        Admission::Ask
    }

    /// A request no longer waits, however that came about.
    pub fn left(&mut self) {
        self.waiting = self.waiting.saturating_sub(1);
    }

    /// `issuer` was asked and has no such key.
    pub fn had_no_such_key(&mut self, issuer: String, now: UnixSeconds) {
        self.not_before.insert(issuer, now.plus(INTERVAL));
    }

    /// Forgets issuers, when a snapshot brought others.
    pub fn forget(&mut self) {
        self.not_before.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: UnixSeconds = UnixSeconds::new(1_000);

    #[test]
    fn so_many_may_wait_and_no_more() {
        let mut refreshes = Refreshes::default();
        for _ in 0..MAX_WAITING {
            assert_eq!(refreshes.enter("a", NOW), Admission::Ask);
        }
        assert_eq!(refreshes.enter("b", NOW), Admission::Full);
        refreshes.left();
        assert_eq!(refreshes.enter("b", NOW), Admission::Ask);
    }

    #[test]
    fn clients_that_give_up_at_once_get_no_more_calls() {
        let mut refreshes = Refreshes::default();
        for _ in 0..MAX_PER_SECOND {
            assert_eq!(refreshes.enter("a", NOW), Admission::Ask);
            refreshes.left();
        }
        assert_eq!(refreshes.enter("a", NOW), Admission::Full);
        assert_eq!(refreshes.enter("a", NOW.plus(1)), Admission::Ask);
    }

    #[test]
    fn after_a_miss_the_issuer_is_left_alone_for_an_interval() {
        let mut refreshes = Refreshes::default();
        refreshes.had_no_such_key("a".into(), NOW);
        assert_eq!(refreshes.enter("a", NOW), Admission::AskedJustNow);
        assert_eq!(refreshes.enter("b", NOW), Admission::Ask);
        assert_eq!(refreshes.enter("a", NOW.plus(INTERVAL)), Admission::Ask);
        // The clock stepped back by a day.
        assert_eq!(refreshes.enter("a", UnixSeconds::new(1)), Admission::Ask);
        refreshes.forget();
        assert_eq!(refreshes.enter("a", NOW), Admission::Ask);
    }
}
