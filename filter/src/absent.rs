//! Key ids that an issuer was asked for a moment ago and does not have, so that it is not asked again.

use std::collections::HashMap;
use std::hash::{BuildHasher as _, RandomState};

use authn::time::UnixSeconds;

/// Key ids that are remembered.
pub const MAX_ABSENT: usize = 512;
/// For how many seconds they are.
pub const ABSENT_FOR: u64 = 1;

/// What is absent, and since when.
#[derive(Debug, Default)]
pub struct AbsentKeys {
    /// By a keyed hash of issuer and key id, which strangers choose.
    since: HashMap<u64, UnixSeconds>,
    hasher: RandomState,
}

impl AbsentKeys {
    /// Whether `issuer` was asked for the key `kid` a moment ago.
    #[must_use]
    pub fn has(&self, issuer: &str, kid: &str, now: UnixSeconds) -> bool {
        self.since.get(&self.hasher.hash_one((issuer, kid))).is_some_and(|since| is_fresh(*since, now))
    }

    /// `issuer` was asked, and has no key `kid`.
    pub fn insert(&mut self, issuer: &str, kid: &str, now: UnixSeconds) {
        if self.since.len() >= MAX_ABSENT {
            self.since.retain(|_, since| is_fresh(*since, now));
        }
        if self.since.len() < MAX_ABSENT {
            self.since.insert(self.hasher.hash_one((issuer, kid)), now);
        }
    }

    /// Forgets them all: a snapshot brought other keys.
    pub fn clear(&mut self) {
        self.since.clear();
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
    fn an_absent_key_stands_in_nobody_elses_way() {
        let mut absent = AbsentKeys::default();
        absent.insert("a", "made-up", NOW);
        assert!(absent.has("a", "made-up", NOW));
        assert!(!absent.has("a", "other", NOW));
        assert!(!absent.has("b", "made-up", NOW));
        assert!(!absent.has("a", "made-up", NOW.plus(ABSENT_FOR + 1)));
        // The clock stepped back by a day.
        assert!(!absent.has("a", "made-up", UnixSeconds::new(1)));
        absent.clear();
        assert!(!absent.has("a", "made-up", NOW));
        for kid in 0..2 * MAX_ABSENT {
            absent.insert("a", &kid.to_string(), NOW);
        }
        assert_eq!(absent.since.len(), MAX_ABSENT);
    }
}
