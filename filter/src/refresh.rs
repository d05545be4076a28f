//! Which requests may wait for an issuer's keys.
//!
//! A rotated key must work on its first request, also while somebody sends made-up key ids. So a made-up one costs its
//! sender a wait and no more: the sidecar asks an issuer at most once a second whatever comes, and every wait ends
//! within two seconds. What is bounded here is how many wait, for each issuer and in all, so that a flood at one
//! issuer leaves room for the users of the others. A key id that was asked for a moment ago is not asked for again.

use std::collections::HashMap;
use std::hash::{BuildHasher as _, RandomState};

use authn::time::UnixSeconds;

/// Requests of one VM that may wait at a time.
pub const MAX_WAITING: usize = 128;
/// Requests of one VM that may wait for the same issuer.
pub const MAX_WAITING_FOR_ISSUER: usize = 32;
/// Requests of one VM that may begin to wait within a second: clients that give up at once must not make more calls
/// than that.
pub const MAX_PER_SECOND: usize = 256;

/// Key ids that are remembered as absent.
pub const MAX_ABSENT: usize = 512;
/// For how many seconds they are.
pub const ABSENT_FOR: u64 = 1;

/// Whether a request may wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Admission {
    /// Ask the sidecar and wait.
    Ask,
    /// The issuer was asked for this very key a moment ago, and has no such key.
    Absent,
    /// Too many wait already.
    Full,
}

/// Who waits, and for what one need not.
#[derive(Debug, Default)]
pub struct Refreshes {
    waiting: usize,
    /// By `issuer.url`; an issuer for whom nobody waits has no entry.
    by_issuer: HashMap<String, usize>,
    second: UnixSeconds,
    this_second: usize,
    /// Keyed hashes of issuer and key id, which strangers choose, and since when they are known to be absent.
    absent: HashMap<u64, UnixSeconds>,
    hasher: RandomState,
}

impl Refreshes {
    /// Whether a request for the key `kid` of `issuer` may wait. If it is to ask, [`left`](Self::left) must follow once.
    pub fn enter(&mut self, issuer: &str, kid: &str, now: UnixSeconds) -> Admission {
        let since = self.absent.get(&self.hasher.hash_one((issuer, kid)));
        if since.is_some_and(|since| is_fresh(*since, now)) {
            return Admission::Absent;
        }
        if self.second != now {
            self.second = now;
            self.this_second = 0;
        }
        let for_issuer = self.by_issuer.get(issuer).copied().unwrap_or_default();
        if self.waiting >= MAX_WAITING
            || for_issuer >= MAX_WAITING_FOR_ISSUER
            || self.this_second >= MAX_PER_SECOND
        {
            return Admission::Full;
        }
        self.waiting = self.waiting.saturating_add(1);
        self.this_second = self.this_second.saturating_add(1);
        self.by_issuer.insert(issuer.to_owned(), for_issuer.saturating_add(1));
        Admission::Ask
    }

    /// `issuer` was asked, and has no key `kid`.
    pub fn had_no(&mut self, issuer: &str, kid: &str, now: UnixSeconds) {
        if self.absent.len() >= MAX_ABSENT {
            self.absent.retain(|_, since| is_fresh(*since, now));
        }
        if self.absent.len() < MAX_ABSENT {
            self.absent.insert(self.hasher.hash_one((issuer, kid)), now);
        }
    }

    /// Forgets what is absent: a snapshot brought other keys.
    pub fn forget(&mut self) {
        self.absent.clear();
    }

    /// A request no longer waits, however that came about.
    pub fn left(&mut self, issuer: &str) {
        self.waiting = self.waiting.saturating_sub(1);
        match self.by_issuer.get_mut(issuer) {
            Some(waiting) if *waiting > 1 => *waiting = waiting.saturating_sub(1),
            _ => {
                self.by_issuer.remove(issuer);
            }
        }
    }
}

/// Whether `since` is no longer ago than a key id stays absent. A clock that stepped back makes it none.
const fn is_fresh(since: UnixSeconds, now: UnixSeconds) -> bool {
    since.get() <= now.get() && now.since(since) <= ABSENT_FOR
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: UnixSeconds = UnixSeconds::new(1_000);

    #[test]
    fn so_many_may_wait_and_no_more() {
        let mut refreshes = Refreshes::default();
        let issuers = MAX_WAITING / MAX_WAITING_FOR_ISSUER;
        for issuer in 0..issuers {
            for _ in 0..MAX_WAITING_FOR_ISSUER {
                assert_eq!(refreshes.enter(&issuer.to_string(), "k", NOW), Admission::Ask);
            }
            // A flood at one issuer leaves room for the others.
            assert_eq!(refreshes.enter(&issuer.to_string(), "k", NOW), Admission::Full);
        }
        assert_eq!(refreshes.enter("another", "k", NOW), Admission::Full);
        refreshes.left("0");
        assert_eq!(refreshes.enter("another", "k", NOW), Admission::Ask);
    }

    #[test]
    fn clients_that_give_up_at_once_get_no_more_calls() {
        let mut refreshes = Refreshes::default();
        for _ in 0..MAX_PER_SECOND {
            assert_eq!(refreshes.enter("a", "k", NOW), Admission::Ask);
            refreshes.left("a");
        }
        assert_eq!(refreshes.enter("a", "k", NOW), Admission::Full);
        assert_eq!(refreshes.enter("a", "k", NOW.plus(1)), Admission::Ask);
        refreshes.left("a");
        assert!(refreshes.by_issuer.is_empty());
    }

    #[test]
    fn an_absent_key_is_not_asked_for_again_and_stands_in_nobody_elses_way() {
        let mut refreshes = Refreshes::default();
        refreshes.had_no("a", "made-up", NOW);
        assert_eq!(refreshes.enter("a", "made-up", NOW), Admission::Absent);
        assert_eq!(refreshes.enter("a", "other", NOW), Admission::Ask);
        assert_eq!(refreshes.enter("b", "made-up", NOW), Admission::Ask);
        assert_eq!(refreshes.enter("a", "made-up", NOW.plus(ABSENT_FOR + 1)), Admission::Ask);
        // The clock stepped back by a day.
        assert_eq!(refreshes.enter("a", "made-up", UnixSeconds::new(1)), Admission::Ask);
        refreshes.forget();
        assert_eq!(refreshes.enter("a", "made-up", NOW), Admission::Ask);
        for kid in 0..2 * MAX_ABSENT {
            refreshes.had_no("a", &kid.to_string(), NOW);
        }
        assert_eq!(refreshes.absent.len(), MAX_ABSENT);
    }
}
