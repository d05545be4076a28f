//! From an unverified token to verified claims: the one place where that step is made.

use crate::algorithm::AlgorithmSet;
use crate::claims::{ClaimsError, RegisteredClaims, Validity};
use crate::json::{Document, JsonError, Object};
use crate::keys::Key;
use crate::signature::{self, VerifySignature};
use crate::time::UnixSeconds;
use crate::token::{TokenError, UnverifiedToken};

/// Claims of a token whose signature, issuer, audience and times are good. Only this module makes them.
pub(crate) struct VerifiedClaims<'t> {
    claims: Document<'t>,
    validity: Validity,
}

/// What is asked of a token besides a signature by the right key.
#[derive(Clone, Copy)]
pub(crate) struct Terms<'i> {
    /// It must be signed with one of them.
    pub(crate) algorithms: AlgorithmSet,
    /// It must name one of them.
    pub(crate) audiences: &'i [String],
}

impl<'t> VerifiedClaims<'t> {
    /// Adds a claim that stands elsewhere, as whoever has verified it there says.
    pub(crate) fn insert(&mut self, claim: &'t str, json: &'t str) -> Result<(), JsonError> {
        self.claims.insert(claim, json)
    }

    /// The claims.
    pub(crate) fn claims(&self) -> Object<'_> {
        self.claims.object()
    }

    /// When the token is good.
    pub(crate) const fn validity(&self) -> Validity {
        self.validity
    }
}

/// Why a token of a known issuer was not verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum VerifyError {
    Claims(ClaimsError),
    /// The issuer does not allow the token's algorithm.
    AlgorithmNotAllowed,
    /// None of the keys that could have made the signature did, and so many slow checks went into that.
    Signature {
        slow_checks: usize,
    },
    /// Checking would be slow, and this issuer's tokens have failed too often of late.
    Throttled,
    Token(TokenError),
    /// The issuer has no key of that `kid`, or not yet.
    UnknownKey {
        kid: String,
    },
}

/// Verifies `token` on the `terms` of the issuer that it names, by `keys` that the caller knows to be that issuer's and in
/// force.
///
/// The order is that of kube-apiserver 1.36: signature, then claims.
pub(crate) fn verify<'t>(
    token: UnverifiedToken<'t>,
    terms: Terms<'_>,
    keys: &[Key],
    now: UnixSeconds,
    verifier: &impl VerifySignature,
    may_be_slow: impl FnOnce() -> bool,
) -> Result<VerifiedClaims<'t>, VerifyError> {
    let signature = token.unverified_signature().map_err(VerifyError::Token)?;
    let (algorithm, kid) = (signature.algorithm(), signature.kid());
    if !terms.algorithms.contains(algorithm) {
        return Err(VerifyError::AlgorithmNotAllowed);
    }
    if let Some(kid) = kid
        && !keys.iter().any(|key| key.kid == kid)
    {
        return Err(VerifyError::UnknownKey { kid: kid.to_owned() });
    }
    let mut candidates = signature::candidates(keys, kid, algorithm);
    let slow_checks = if verifier.is_slow(algorithm) { candidates.clone().count() } else { 0 };
    if slow_checks > 0 && !may_be_slow() {
        return Err(VerifyError::Throttled);
    }
    let is_by =
        |key| verifier.verify(key, algorithm, token.signing_input().as_bytes(), signature.bytes()).is_ok();
    if !candidates.any(is_by) {
        return Err(VerifyError::Signature { slow_checks });
    }
    check_claims(token.into_untrusted_claims(), terms, now).map_err(VerifyError::Claims)
}

/// What is checked after the signature. A private function on purpose: alone it proves nothing.
fn check_claims<'t>(
    claims: Document<'t>,
    terms: Terms<'_>,
    now: UnixSeconds,
) -> Result<VerifiedClaims<'t>, ClaimsError> {
    let RegisteredClaims { audience, validity } = RegisteredClaims::read(claims.object())?;
    if !terms.audiences.iter().any(|configured| audience.contains(configured)) {
        return Err(ClaimsError::Audience);
    }
    validity.check(now)?;
    Ok(VerifiedClaims { claims, validity })
}
