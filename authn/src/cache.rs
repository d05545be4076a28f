//! Tokens that were verified a moment ago.
//!
//! The key is a keyed 128-bit hash of the whole token: its text is not kept, and nobody without the VM's random key
//! can look for collisions. Failures are never kept, so a flood of bad tokens pushes nobody out.
//!
//! The hash is SipHash-1-3 with 128 bits of output: the hash of Rust's and Python's own tables, where the output is
//! seen no more than here. What it must withstand is somebody who sends tokens and learns at best whether two of them
//! collide. Against that the fewer rounds of 1-3 have no known weakness: SipHash's authors proposed 2-4 for tags that
//! an attacker sees, and 1-3 for tables. To be let in by another's entry, a forger would have to hit one of some
//! 10,000 in 2^128 at a guess, with each guess a request.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use std::rc::Rc;

use siphasher::sip128::{Hasher128 as _, SipHasher13};

/// What a token's text is found by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct TokenHash(u64, u64);

/// Random key of the hash, one a VM.
#[derive(Clone, Copy)]
pub struct HashKey(u64, u64);

impl HashKey {
    /// Takes 16 random bytes.
    #[must_use]
    pub const fn new(random: [u8; 16]) -> Self {
        let bits = u128::from_le_bytes(random);
        #[expect(clippy::cast_possible_truncation, reason = "the two halves")]
        Self(bits as u64, (bits >> 64) as u64)
    }

    /// Hashes a token's text.
    #[must_use]
    pub fn hash(self, text: &str) -> TokenHash {
        let mut hasher = SipHasher13::new_with_keys(self.0, self.1);
        hasher.write(text.as_bytes());
        let hash = hasher.finish128();
        TokenHash(hash.h1, hash.h2)
    }

    /// Hashes what is found by a token and some header lines. Lengths are hashed too, so that no two lists of lines
    /// are read as the same.
    #[must_use]
    pub fn hash_lines(self, token: TokenHash, lines: &[(&str, &[u8])]) -> TokenHash {
        let mut hasher = SipHasher13::new_with_keys(self.0, self.1);
        hasher.write_u64(token.0);
        hasher.write_u64(token.1);
        for (name, value) in lines {
            hasher.write_u64(name.len() as u64);
            hasher.write(name.as_bytes());
            hasher.write_u64(value.len() as u64);
            hasher.write(value);
        }
        let hash = hasher.finish128();
        TokenHash(hash.h1, hash.h2)
    }
}

/// A cache bounded in bytes. When it is full, what nobody asked for since the hand last came by goes first (the CLOCK
/// algorithm): the whole budget serves, whatever the order of requests, and what is in use stays.
pub struct TokenCache<V> {
    places: HashMap<TokenHash, usize, BuildHasherDefault<AlreadyHashed>>,
    entries: Vec<Entry<V>>,
    /// The entry that is looked at next when there must be room.
    hand: usize,
    bytes: usize,
    budget: usize,
}

/// A value, and what it takes of the budget.
struct Entry<V> {
    hash: TokenHash,
    value: Rc<V>,
    bytes: usize,
    /// Whether somebody asked for it since the hand came by.
    is_used: bool,
}

impl<V> TokenCache<V> {
    /// An empty cache that takes about `budget` bytes at most.
    #[must_use]
    pub fn new(budget: usize) -> Self {
        Self { places: HashMap::default(), entries: Vec::new(), hand: 0, bytes: 0, budget }
    }

    /// The value of a token.
    pub fn find(&mut self, hash: TokenHash) -> Option<&Rc<V>> {
        let entry = self.entries.get_mut(*self.places.get(&hash)?)?;
        entry.is_used = true;
        Some(&entry.value)
    }

    /// Keeps a value that takes `bytes`, unless that is more than the whole budget.
    pub fn insert(&mut self, hash: TokenHash, value: Rc<V>, bytes: usize) {
        self.remove(hash);
        if bytes > self.budget {
            return;
        }
        while self.bytes.saturating_add(bytes) > self.budget && self.make_room() {}
        self.bytes = self.bytes.saturating_add(bytes);
        self.places.insert(hash, self.entries.len());
        self.entries.push(Entry { hash, value, bytes, is_used: false });
    }

    /// Drops a token's value.
    pub fn remove(&mut self, hash: TokenHash) {
        if let Some(place) = self.places.get(&hash) {
            self.remove_at(*place);
        }
    }

    /// Drops everything.
    pub fn clear(&mut self) {
        self.places.clear();
        self.entries.clear();
        self.bytes = 0;
    }

    /// Moves the hand by one: who was asked for gets another round, who was not goes. Returns whether there was anybody.
    /// Twice around the clock, and all are gone.
    fn make_room(&mut self) -> bool {
        if self.hand >= self.entries.len() {
            self.hand = 0;
        }
        let Some(entry) = self.entries.get_mut(self.hand) else { return false };
        if !std::mem::take(&mut entry.is_used) {
            self.remove_at(self.hand);
        }
        // Past the entry that has taken the place of one that went, too: it came last and is young.
        self.hand = self.hand.saturating_add(1);
        true
    }

    fn remove_at(&mut self, place: usize) {
        if place >= self.entries.len() {
            return;
        }
        let Entry { hash, bytes, .. } = self.entries.swap_remove(place);
        self.places.remove(&hash);
        self.bytes = self.bytes.saturating_sub(bytes);
        if let Some(moved) = self.entries.get(place) {
            self.places.insert(moved.hash, place);
        }
    }
}

/// The key is a good hash already.
#[derive(Default)]
struct AlreadyHashed(u64);

impl Hasher for AlreadyHashed {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(*byte);
        }
    }

    fn write_u64(&mut self, half: u64) {
        self.0 ^= half;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key() -> HashKey {
        HashKey::new(*b"sixteen bytes!!!")
    }

    #[test]
    fn a_token_is_found_by_its_whole_text_and_the_key() {
        assert_eq!(key().hash("a.b.c"), key().hash("a.b.c"));
        assert_ne!(key().hash("a.b.c"), key().hash("a.b.d"));
        assert_ne!(key().hash("a.b.c"), HashKey::new([0; 16]).hash("a.b.c"));
    }

    #[test]
    fn the_budget_holds_and_what_is_used_stays() {
        let mut cache = TokenCache::new(1_000);
        let hot = key().hash("hot");
        cache.insert(hot, Rc::new(0), 100);
        for cold in 1..1_000 {
            assert_eq!(cache.find(hot).map(|value| **value), Some(0), "{cold}");
            cache.insert(key().hash(&cold.to_string()), Rc::new(cold), 100);
            assert_eq!(
                (cache.entries.len(), cache.bytes),
                (10.min(cold + 1), 100 * 10.min(cold + 1)),
                "{cold}"
            );
            assert_eq!(cache.places.len(), cache.entries.len(), "{cold}");
        }
        assert!(cache.find(key().hash("1")).is_none());
        assert!(cache.find(key().hash("999")).is_some());
        cache.insert(key().hash("huge"), Rc::new(7), 1_001);
        assert!(cache.find(key().hash("huge")).is_none());
        assert!(cache.find(hot).is_some());
        cache.insert(key().hash("large"), Rc::new(8), 1_000);
        assert_eq!((cache.entries.len(), cache.bytes), (1, 1_000));
        cache.clear();
        assert_eq!((cache.entries.len(), cache.places.len(), cache.bytes), (0, 0, 0));
    }

    #[test]
    fn the_whole_budget_serves_tokens_in_turn() {
        let mut cache = TokenCache::new(1_000);
        let hashes: Vec<_> = (0..100).map(|token| key().hash(&token.to_string())).collect();
        for hash in &hashes {
            cache.insert(*hash, Rc::new(()), 10);
        }
        for _ in 0..3 {
            assert!(hashes.iter().all(|hash| cache.find(*hash).is_some()));
        }
    }

    #[test]
    fn what_is_dropped_leaves_the_others_in_their_places() {
        let mut cache = TokenCache::new(1_000);
        let hashes: Vec<_> = (0..10).map(|token| key().hash(&token.to_string())).collect();
        for (token, hash) in hashes.iter().enumerate() {
            cache.insert(*hash, Rc::new(token), 10);
        }
        // One in the middle, the last one, one that isn't there, and one that is replaced.
        for hash in [hashes[3], hashes[9], key().hash("other")] {
            cache.remove(hash);
        }
        cache.insert(hashes[0], Rc::new(70), 30);
        let found: Vec<_> = hashes.iter().map(|hash| cache.find(*hash).map(|value| **value)).collect();
        let expected = [Some(70), Some(1), Some(2), None, Some(4), Some(5), Some(6), Some(7), Some(8), None];
        assert_eq!((found.as_slice(), cache.bytes), (&expected[..], 100));
    }
}
