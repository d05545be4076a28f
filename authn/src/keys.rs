//! The public keys of an issuer, ready to verify with.

use crate::algorithm::AlgorithmSet;
use crate::time::UnixSeconds;

/// Shortest RSA modulus that is taken, in bits: NIST SP 800-131A disallows shorter ones.
pub const MIN_RSA_BITS: usize = 2048;
/// Longest RSA modulus that is taken, in bits: what a check costs rises with its square.
pub const MAX_RSA_BITS: usize = 8192;

/// The keys of one issuer and the time until which they may be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IssuerKeys {
    /// The keys, in the order of the JWKS.
    pub keys: Vec<Key>,
    /// From this second on the keys must not be used: the last good fetch is too long ago.
    pub not_after: UnixSeconds,
}

/// A public key with the algorithms that it may verify.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Key {
    /// The JWK's `kid` (RFC 7517 4.5); empty when it has none.
    pub kid: String,
    /// One algorithm where key type, curve or the JWK's `alg` say so; all of RSA's for an RSA key without `alg`.
    pub algorithms: AlgorithmSet,
    /// DER SubjectPublicKeyInfo (RFC 5280 4.1.2.7).
    pub spki: Vec<u8>,
}
