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

/// A value and what it takes of the budget.
struct Entry<V> {
    value: Rc<V>,
    bytes: usize,
}

/// A cache bounded in bytes, in two generations: when the young one is half the budget it becomes the old one, and
/// what nobody asked for since then goes. Finding, adding and dropping cost the same whatever the order of requests.
pub struct TokenCache<V> {
    young: Generation<V>,
    old: Generation<V>,
    young_bytes: usize,
    budget: usize,
}

type Generation<V> = HashMap<TokenHash, Entry<V>, BuildHasherDefault<AlreadyHashed>>;

impl<V> TokenCache<V> {
    /// An empty cache that takes about `budget` bytes at most.
    #[must_use]
    pub fn new(budget: usize) -> Self {
        Self { young: Generation::default(), old: Generation::default(), young_bytes: 0, budget }
    }

    /// The value of a token.
    pub fn find(&mut self, hash: TokenHash) -> Option<Rc<V>> {
        if let Some(entry) = self.young.get(&hash) {
            return Some(Rc::clone(&entry.value));
        }
        let Entry { value, bytes } = self.old.remove(&hash)?;
        self.insert(hash, Rc::clone(&value), bytes);
        Some(value)
    }

    /// Keeps a value that takes `bytes`.
    pub fn insert(&mut self, hash: TokenHash, value: Rc<V>, bytes: usize) {
        let half = self.budget / 2;
        if bytes > half {
            return;
        }
        if self.young_bytes.saturating_add(bytes) > half {
            self.old = std::mem::take(&mut self.young);
            self.young_bytes = 0;
        }
        self.young_bytes = self.young_bytes.saturating_add(bytes);
        if let Some(before) = self.young.insert(hash, Entry { value, bytes }) {
            self.young_bytes = self.young_bytes.saturating_sub(before.bytes);
        }
    }

    /// Drops a token's value.
    pub fn remove(&mut self, hash: TokenHash) {
        if let Some(entry) = self.young.remove(&hash) {
            self.young_bytes = self.young_bytes.saturating_sub(entry.bytes);
        }
        self.old.remove(&hash);
    }

    /// Drops everything.
    pub fn clear(&mut self) {
        self.young.clear();
        self.old.clear();
        self.young_bytes = 0;
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
            cache.insert(key().hash(&cold.to_string()), Rc::new(cold), 100);
            assert!(cache.young.len() + cache.old.len() <= 10, "{cold}");
            assert_eq!(cache.find(hot).as_deref(), Some(&0), "{cold}");
        }
        assert!(cache.find(key().hash("1")).is_none());
        cache.insert(key().hash("huge"), Rc::new(7), 501);
        assert!(cache.find(key().hash("huge")).is_none());
        cache.remove(hot);
        assert!(cache.find(hot).is_none());
        cache.clear();
        assert_eq!(cache.young.len() + cache.old.len(), 0);
    }
}
