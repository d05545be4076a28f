//! From the text of a bearer token to its parts. Nothing here is verified yet, and the names say so.

mod text;

use std::borrow::Cow;
use std::fmt;

use crate::algorithm::Algorithm;
use crate::base64url::{self, NotCanonical};
use crate::json::{self, Document, JsonError, Value};

/// Longest token that is looked at, in bytes.
pub const MAX_TOKEN: usize = 16 * 1024;
/// Longest `kid`, in bytes.
pub const MAX_KID: usize = 256;
/// What Google's tokens call `https://accounts.google.com` at times; go-oidc lets it pass for that issuer alone.
const GOOGLE: (&str, &str) = ("accounts.google.com", "https://accounts.google.com");

/// A bearer token as a client sent it: visible ASCII (RFC 6750 2.1), at most [`MAX_TOKEN`] bytes.
#[derive(Clone, PartialEq, Eq)]
pub struct BearerToken<'a>(Cow<'a, str>);

impl<'a> BearerToken<'a> {
    /// Takes the text of a token.
    ///
    /// # Errors
    /// [`TokenError::TooLong`], or [`TokenError::NotATokenText`] when it is empty, holds anything but visible
    /// ASCII, or a comma: Envoy joins two `authorization` lines by one, and no token has any.
    pub fn parse(untrusted_text: &'a [u8]) -> Result<Self, TokenError> {
        check_text(untrusted_text)?;
        std::str::from_utf8(untrusted_text)
            .map(|text| Self(text.into()))
            .map_err(|_| TokenError::NotATokenText)
    }

    /// As [`parse`](Self::parse), for a text that was decoded from something else.
    ///
    /// # Errors
    /// The same.
    pub fn parse_owned(untrusted_text: Vec<u8>) -> Result<Self, TokenError> {
        check_text(&untrusted_text)?;
        String::from_utf8(untrusted_text).map(|text| Self(text.into())).map_err(|_| TokenError::NotATokenText)
    }

    /// As [`parse_owned`](Self::parse_owned), for what may be longer than a client's token.
    #[cfg(feature = "supply")]
    pub(crate) fn parse_up_to(untrusted_text: Vec<u8>, limit: usize) -> Result<Self, TokenError> {
        check_length(&untrusted_text, limit)?;
        String::from_utf8(untrusted_text).map(|text| Self(text.into())).map_err(|_| TokenError::NotATokenText)
    }

    /// The text. It must not reach a log.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for BearerToken<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BearerToken").field("length", &self.0.len()).finish_non_exhaustive()
    }
}

fn check_text(untrusted_text: &[u8]) -> Result<(), TokenError> {
    check_length(untrusted_text, MAX_TOKEN)
}

fn check_length(untrusted_text: &[u8], limit: usize) -> Result<(), TokenError> {
    if untrusted_text.len() > limit {
        return Err(TokenError::TooLong);
    }
    if untrusted_text.is_empty() || !text::is_usable(untrusted_text) {
        return Err(TokenError::NotATokenText);
    }
    Ok(())
}

/// Room for the decoded parts of a token.
#[derive(Default)]
pub struct TokenBuffer(Vec<u8>);

impl TokenBuffer {
    /// Decodes `parts`, one behind the other.
    fn decode<const N: usize>(&mut self, parts: [&str; N]) -> [Result<&[u8], NotCanonical>; N] {
        let Self(bytes) = self;
        bytes.clear();
        // Four characters are three bytes.
        bytes.reserve(parts.iter().map(|part| part.len()).sum());
        let ranges = parts.map(|part| {
            let start = bytes.len();
            base64url::decode_onto(bytes, part.as_bytes()).map(|()| start..bytes.len())
        });
        ranges.map(|range| range.map(|range| bytes.get(range).unwrap_or_default()))
    }
}

/// A compact JWS (RFC 7515 7.1) with a JSON object as its payload, of which nothing is verified.
pub struct UnverifiedToken<'a> {
    signing_input: &'a str,
    header: Result<&'a [u8], NotCanonical>,
    untrusted_claims: Document<'a>,
    signature: Result<&'a [u8], NotCanonical>,
}

/// The header members that choose a key, and the signature.
pub struct UnverifiedSignature<'a> {
    header: Document<'a>,
    algorithm: Algorithm,
    bytes: &'a [u8],
}

impl UnverifiedSignature<'_> {
    /// `alg`.
    #[must_use]
    pub const fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// `kid`; `None` when absent or empty, which go-oidc takes for the same.
    #[must_use]
    pub fn kid(&self) -> Option<&str> {
        self.header.object().get("kid").and_then(Value::as_str).filter(|kid| !kid.is_empty())
    }

    /// The signature, in the form of RFC 7518 3.
    #[must_use]
    pub const fn bytes(&self) -> &[u8] {
        self.bytes
    }
}

/// Why a token's text could not be taken apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, strum::VariantArray, thiserror::Error)]
pub enum TokenError {
    /// `alg` is missing or none of the nine that kube-apiserver allows.
    #[error("`alg` is missing or none that is known")]
    Algorithm,
    /// The header has `crit` (RFC 7515 4.1.11) or `b64` (RFC 7797 3): no extension is understood here.
    #[error("`crit` or `b64` in the token's header")]
    Critical,
    /// The header carries a key or certificate (`jwk`, `x5c`). kube-apiserver parses them and refuses bad ones;
    /// keys come from the issuer alone, so a token that brings its own is refused.
    #[error("`jwk` or `x5c` in the token's header")]
    EmbeddedKey,
    /// The header is no JSON object in canonical base64url, or a member of it has the wrong type.
    #[error("the token's header can't be read")]
    Header,
    /// `kid` is longer than [`MAX_KID`].
    #[error("a `kid` over 256 bytes")]
    KidTooLong,
    /// Not three parts.
    #[error("a bearer token that is no JWT")]
    NotAJwt,
    /// Characters that no token has.
    #[error("a bearer token with characters that none has")]
    NotATokenText,
    /// The claims are no JSON object in canonical base64url, or name a member twice.
    #[error("the token's claims can't be read")]
    Payload,
    /// The signature is not canonical base64url.
    #[error("the token's signature can't be read")]
    Signature,
    /// Longer than [`MAX_TOKEN`].
    #[error("a token over 16 KiB")]
    TooLong,
}

impl<'a> UnverifiedToken<'a> {
    /// Takes a token apart as far as its issuer can be read, with its parts decoded into `buffer`.
    ///
    /// # Errors
    /// [`TokenError::NotAJwt`] when it is something else, [`TokenError::Payload`] for claims that can't be read.
    pub fn parse(token: &'a BearerToken<'_>, buffer: &'a mut TokenBuffer) -> Result<Self, TokenError> {
        let text = token.as_str();
        let (signing_input, encoded_signature) = text.rsplit_once('.').ok_or(TokenError::NotAJwt)?;
        let (encoded_header, encoded_payload) = signing_input.split_once('.').ok_or(TokenError::NotAJwt)?;
        // Five parts are a JWE (RFC 7516 7.1).
        if encoded_payload.contains('.') {
            return Err(TokenError::NotAJwt);
        }
        let [header, payload, signature] =
            buffer.decode([encoded_header, encoded_payload, encoded_signature]);
        let payload = payload.map_err(|NotCanonical| TokenError::Payload)?;
        let untrusted_claims = Document::parse(payload).map_err(|error| match error {
            JsonError::DuplicateMember | JsonError::NotAnObject | JsonError::Syntax => TokenError::Payload,
        })?;
        Ok(Self { signing_input, header, untrusted_claims, signature })
    }

    /// `iss`, to pick the issuer by whose keys the token is to be judged, and for nothing else.
    #[must_use]
    pub fn untrusted_issuer(&self) -> Option<&str> {
        self.untrusted_claims.object().get("iss").and_then(Value::as_str)
    }

    /// The bytes that are signed (RFC 7515 5.1).
    #[must_use]
    pub const fn signing_input(&self) -> &'a str {
        self.signing_input
    }

    /// Reads header and signature.
    ///
    /// # Errors
    /// [`TokenError`] names the member or part that is unusable.
    pub fn unverified_signature(&self) -> Result<UnverifiedSignature<'a>, TokenError> {
        let header = self.header.map_err(|NotCanonical| TokenError::Header)?;
        let header = Document::parse(header).map_err(|_| TokenError::Header)?;
        let [crit, b64, jwk, x5c, nonce, algorithm, kid] =
            ["crit", "b64", "jwk", "x5c", "nonce", "alg", "kid"].map(|name| header.object().get(name));
        // go-jose takes a JSON null for an absent member, and so do we; `b64` and `crit` are refused as such.
        if crit.is_some() || b64.is_some() {
            return Err(TokenError::Critical);
        }
        if [jwk, x5c].into_iter().flatten().any(|value| !matches!(value, Value::Null)) {
            return Err(TokenError::EmbeddedKey);
        }
        text_or_null(nonce)?;
        let algorithm =
            text_or_null(algorithm)?.and_then(Algorithm::from_name).ok_or(TokenError::Algorithm)?;
        if text_or_null(kid)?.is_some_and(|kid| kid.len() > MAX_KID) {
            return Err(TokenError::KidTooLong);
        }
        let bytes = self.signature.map_err(|NotCanonical| TokenError::Signature)?;
        Ok(UnverifiedSignature { header, algorithm, bytes })
    }

    /// The claims; only the verifier may call them more than that.
    pub(crate) fn into_untrusted_claims(self) -> Document<'a> {
        self.untrusted_claims
    }
}

/// A member of a header that is a string if it is there.
fn text_or_null(member: Option<Value<'_>>) -> Result<Option<&str>, TokenError> {
    match member {
        None | Some(Value::Null) => Ok(None),
        Some(value) => value.as_str().map(Some).ok_or(TokenError::Header),
    }
}

/// The URL of the issuer that a token names.
pub(crate) fn issuer_url(untrusted_issuer: &str) -> &str {
    if untrusted_issuer == GOOGLE.0 { GOOGLE.1 } else { untrusted_issuer }
}

/// Every value of the claim `name` that some reader could find in a token, whichever of its parts it takes for the
/// claims, however it spells the member's name and whichever of two it takes: a token that claims an issuer must not
/// reach anybody else by being odd.
pub(crate) fn claimed(untrusted_text: &str, name: &str) -> Vec<String> {
    untrusted_text
        .split('.')
        .flat_map(|part| json::members_named(&base64url::decode_forgiving(part.as_bytes()), name))
        .collect()
}

/// A claim of a token that nobody doubts, such as the gateway's own; `None` when it is no JWT, or the claim no text.
pub(crate) fn trusted_claim(text: &str, name: &str) -> Option<String> {
    let token = BearerToken::parse(text.as_bytes()).ok()?;
    let mut buffer = TokenBuffer::default();
    let token = UnverifiedToken::parse(&token, &mut buffer).ok()?;
    token.untrusted_claims.object().get(name)?.as_str().map(str::to_owned)
}

impl TokenError {
    /// The name of the variant, for logs and metrics.
    #[must_use]
    pub const fn reason(&self) -> &'static str {
        match self {
            Self::Algorithm => "token_algorithm",
            Self::Critical => "token_critical",
            Self::EmbeddedKey => "token_embedded_key",
            Self::Header => "token_header",
            Self::KidTooLong => "token_kid_too_long",
            Self::NotAJwt => "not_a_jwt",
            Self::NotATokenText => "not_a_token_text",
            Self::Payload => "token_payload",
            Self::Signature => "token_signature_encoding",
            Self::TooLong => "token_too_long",
        }
    }
}
