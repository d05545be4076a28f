//! Checking a signature against a pinned key.
//!
//! The algorithm is the key's to allow, never the token's to choose: `candidates` pairs a token's `alg` only with
//! keys that are pinned to it, and a verifier sees nothing else (RFC 8725 3.1).

mod der;
mod portable;

pub use der::{EcdsaSignatureDer, ecdsa_signature_der};
pub use portable::Portable;

use crate::algorithm::Algorithm;
use crate::keys::Key;

/// Most keys that one token is checked against. A JWKS has a handful; each is tried that has the `kid` of the token, or all of
/// them if the token has none.
pub const MAX_KEYS_TRIED: usize = 8;

/// The signature is not one of this key over this text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the signature does not verify")]
pub struct InvalidSignature;

/// Checks signatures: in the host, or portably.
pub trait VerifySignature {
    /// Checks `signature`, in the form of RFC 7518 3, over `signing_input`.
    ///
    /// # Errors
    /// [`InvalidSignature`] for everything but a proof that the signature is good, failures of the verifier
    /// included.
    fn verify(
        &self,
        key: &Key,
        algorithm: Algorithm,
        signing_input: &[u8],
        signature: &[u8],
    ) -> Result<(), InvalidSignature>;

    /// Whether one check costs so much (a millisecond rather than microseconds) that failures are rationed.
    fn is_slow(&self, algorithm: Algorithm) -> bool;
}

/// The keys that may have made a signature with `algorithm` under `kid`.
///
/// With a `kid`, only keys of exactly that `kid`; without one, every key (go-oidc `remoteKeySet.verify`).
pub(crate) fn candidates<'k>(
    keys: &'k [Key],
    kid: Option<&'k str>,
    algorithm: Algorithm,
) -> impl Iterator<Item = &'k Key> + Clone {
    keys.iter()
        .filter(move |key| kid.is_none_or(|kid| key.kid == kid))
        .filter(move |key| key.algorithms.contains(algorithm))
        .take(MAX_KEYS_TRIED)
}
