//! The JWT that the endpoint of a distributed claim answers with, judged as kube-apiserver judges it: like an ID token
//! of the issuer that it names, for the same audiences and with the same algorithms as the token that led there.

use std::collections::BTreeMap;

use serde_json::value::RawValue;

use crate::algorithm::AlgorithmSet;
use crate::base64url;
use crate::keys::Key;
use crate::rejection::Rejection;
use crate::signature::Portable;
use crate::time::UnixSeconds;
use crate::token::{BearerToken, TokenBuffer, TokenError, UnverifiedToken, issuer_url};
use crate::verifier::{self, Terms, VerifyError};

/// Longest one that is read, in bytes. Claims are kept out of a token for being many, so it is longer than a token.
pub const MAX_CLAIMS_TOKEN: usize = 64 * 1024;

/// An answer of which nothing is verified.
pub struct ClaimsToken {
    token: BearerToken<'static>,
    untrusted_issuer: String,
}

/// The claim that was asked for, out of a verified answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResolvedClaim {
    /// The value, as JSON.
    pub value: String,
    /// The second from which the answer is worth nothing.
    pub expires: UnixSeconds,
}

/// By what an answer is judged.
#[derive(Clone, Copy, Debug)]
pub struct Judge<'a> {
    /// The issuer whose keys these are: the answer must name it.
    pub issuer: &'a str,
    /// The issuer's keys.
    pub keys: &'a [Key],
    /// Algorithms of which the answer must use one.
    pub algorithms: AlgorithmSet,
    /// Audiences of which the answer must name one.
    pub audiences: &'a [String],
}

/// Why an answer was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ClaimsTokenError {
    /// It is by another issuer than its keys.
    #[error("the answer is not of the issuer that it is judged by")]
    Issuer,
    /// It does not have the claim.
    #[error("the answer does not contain the claim")]
    NoClaim,
    /// It is no good token, for this reason.
    #[error("the answer is no good token: {0}")]
    NotValid(Rejection),
    /// The issuer has no key with the answer's `kid`.
    #[error("the answer is by a key that its issuer does not publish")]
    UnknownKey {
        /// The `kid`.
        kid: String,
    },
}

impl From<TokenError> for ClaimsTokenError {
    fn from(error: TokenError) -> Self {
        Self::NotValid(Rejection::Token(error))
    }
}

impl ClaimsToken {
    /// Reads an answer as far as its issuer. Blanks around it are none of it.
    ///
    /// # Errors
    /// [`ClaimsTokenError::NotValid`] when it is no JWT, or too long.
    pub fn parse(untrusted_body: &[u8]) -> Result<Self, ClaimsTokenError> {
        let text = untrusted_body.trim_ascii().to_vec();
        let token = BearerToken::parse_up_to(text, MAX_CLAIMS_TOKEN)?;
        let mut buffer = TokenBuffer::default();
        let parsed = UnverifiedToken::parse(&token, &mut buffer)?;
        let untrusted_issuer = issuer_url(parsed.untrusted_issuer().unwrap_or_default()).to_owned();
        Ok(Self { token, untrusted_issuer })
    }

    /// The issuer that it names, to find the keys by which it is to be judged, and for nothing else.
    #[must_use]
    pub fn untrusted_issuer(&self) -> &str {
        &self.untrusted_issuer
    }

    /// Verifies the answer and takes a claim out of it.
    ///
    /// # Errors
    /// [`ClaimsTokenError`]: nothing of a refused answer is used.
    pub fn claim(
        &self,
        claim: &str,
        judge: Judge<'_>,
        now: UnixSeconds,
    ) -> Result<ResolvedClaim, ClaimsTokenError> {
        if self.untrusted_issuer != judge.issuer {
            return Err(ClaimsTokenError::Issuer);
        }
        let mut buffer = TokenBuffer::default();
        let parsed = UnverifiedToken::parse(&self.token, &mut buffer)?;
        let terms = Terms { algorithms: judge.algorithms, audiences: judge.audiences };
        // How many slow signatures are checked is bounded by how many answers are fetched.
        let verified = verifier::verify(parsed, terms, judge.keys, now, &Portable, || true)?;
        // The reader has found no member twice, so there is one value.
        if verified.claims().get(claim).is_none() {
            return Err(ClaimsTokenError::NoClaim);
        }
        let expires = verified.validity().expires();
        let value = self.text_of(claim).ok_or(ClaimsTokenError::NoClaim)?;
        Ok(ResolvedClaim { value, expires })
    }

    /// The text of a claim's value.
    fn text_of(&self, claim: &str) -> Option<String> {
        let payload = base64url::decode(self.token.as_str().split('.').nth(1)?.as_bytes()).ok()?;
        let mut members: BTreeMap<String, &RawValue> = serde_json::from_slice(&payload).ok()?;
        members.remove(claim).map(|value| value.get().to_owned())
    }
}

impl From<VerifyError> for ClaimsTokenError {
    fn from(error: VerifyError) -> Self {
        Self::NotValid(match error {
            VerifyError::AlgorithmNotAllowed => Rejection::AlgorithmNotAllowed,
            VerifyError::Claims(error) => Rejection::Claims(error),
            // Nothing is throttled here.
            VerifyError::Signature { .. } | VerifyError::Throttled => Rejection::Signature,
            VerifyError::Token(error) => Rejection::Token(error),
            VerifyError::UnknownKey { kid } => return Self::UnknownKey { kid },
        })
    }
}
