//! JSON Web Key Sets (RFC 7517, RFC 7518 6).
//!
//! One bad key never costs the others. go-jose gives a whole set up for one key of a kind that it does not know;
//! here such a key is dropped and named, because an issuer that adds a key for something else must not lock its
//! users out.

mod key;
mod spki;

#[cfg(test)]
mod tests;

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::keys::Key;

pub use key::KeyError;

/// Largest key set that is read, in bytes.
pub const MAX_DOCUMENT: usize = 512 * 1024;

/// Most keys in one set.
pub const MAX_KEYS: usize = 256;

/// Longest `kid`, in bytes.
pub const MAX_KID: usize = 256;

/// Longest part of a `kid` that a [`DroppedKey`] repeats, in characters.
const MAX_SHOWN: usize = 64;

/// The keys of a set that may verify, and those that may not.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Jwks {
    /// The usable keys, in the order of the set. Two of them may have the same `kid`: both are then tried.
    pub keys: Vec<Key>,
    /// The others.
    pub dropped: Vec<DroppedKey>,
}

/// A key that is not used.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct DroppedKey {
    /// The key's `kid`, shortened and escaped for logs; empty when it has none that can be read.
    pub kid: String,
    /// Where in the set it stands, counted from 0.
    pub position: usize,
    /// What is wrong with it.
    pub reason: KeyError,
}

/// Why a whole set was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum JwksError {
    /// Not a JSON object with one list `keys` (RFC 7517 5).
    #[error("not a JSON Web Key Set")]
    Malformed,
    /// More than [`MAX_DOCUMENT`] bytes.
    #[error("the key set is larger than {MAX_DOCUMENT} bytes")]
    TooLarge,
    /// More than [`MAX_KEYS`] keys.
    #[error("the key set has more than {MAX_KEYS} keys")]
    TooManyKeys,
}

impl JwksError {
    /// The name of the variant, for logs and metrics.
    #[must_use]
    pub const fn reason(&self) -> &'static str {
        match self {
            Self::Malformed => "malformed",
            Self::TooLarge => "too_large",
            Self::TooManyKeys => "too_many_keys",
        }
    }
}

impl Jwks {
    /// Reads a key set. It may come out without a usable key.
    ///
    /// # Errors
    /// [`JwksError`]: nothing of a refused set is used.
    pub fn parse(body: &[u8]) -> Result<Self, JwksError> {
        if body.len() > MAX_DOCUMENT {
            return Err(JwksError::TooLarge);
        }
        // serde would take a list for a struct as well.
        if body.trim_ascii_start().first() != Some(&b'{') {
            return Err(JwksError::Malformed);
        }
        // As in Go, bytes that are no UTF-8 spoil the string that they stand in and nothing else.
        let body = String::from_utf8_lossy(body);
        let RawSet { keys: raw_keys } = serde_json::from_str(&body).map_err(|_| JwksError::Malformed)?;
        if raw_keys.len() > MAX_KEYS {
            return Err(JwksError::TooManyKeys);
        }
        let mut set = Self { keys: Vec::with_capacity(raw_keys.len()), dropped: Vec::new() };
        for (position, raw_key) in raw_keys.into_iter().enumerate() {
            match key::parse(raw_key.get()) {
                Ok(key) => set.keys.push(key),
                Err((kid, reason)) => set.dropped.push(DroppedKey { kid: shown(&kid), position, reason }),
            }
        }
        Ok(set)
    }
}

/// Each key is kept as text, so that what one of them holds can't fail the set.
#[derive(Deserialize)]
struct RawSet<'a> {
    #[serde(borrow)]
    keys: Vec<&'a RawValue>,
}

fn shown(untrusted_kid: &str) -> String {
    untrusted_kid.chars().take(MAX_SHOWN).flat_map(char::escape_default).collect()
}
