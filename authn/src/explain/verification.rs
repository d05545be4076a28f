//! The steps of the verification, told from what became of it.

use super::steps::{Steps, Stop};
use super::{go, header, registered};
use crate::claims::{ClaimsError, RegisteredClaims};
use crate::issuer::Issuer;
use crate::rejection::{Rejection, Unavailable};
use crate::time::UnixSeconds;
use crate::token::{BearerToken, TokenBuffer, TokenError, UnverifiedSignature, UnverifiedToken};
use crate::verifier::VerifyError;

/// The steps, in their order.
pub(super) const STEPS: [&str; 8] =
    ["header", "algorithm", "key", "signature", "claims", "aud", "exp", "nbf"];

/// Tells the steps up to the one that failed, if one did.
pub(super) fn tell(
    steps: &mut Steps,
    token: &BearerToken<'_>,
    issuer: &Issuer,
    now: UnixSeconds,
    error: Option<&VerifyError>,
) -> Result<(), Stop> {
    let mut buffer = TokenBuffer::default();
    let parsed =
        UnverifiedToken::parse(token, &mut buffer).map_err(Rejection::Token).map_err(Stop::unknown)?;
    let signature = parsed.unverified_signature().ok();
    let claims = parsed.into_untrusted_claims();
    let failed = error.map(step_of);
    for name in STEPS {
        let detail = match name {
            "header" | "algorithm" | "key" => of_header(name, signature.as_ref(), issuer),
            // From here on the signature is known to be good: nothing of a stranger's claims is told.
            "aud" | "exp" | "nbf" => of_claims(name, RegisteredClaims::read(claims.object()).ok(), now),
            _ => String::new(),
        };
        match error {
            Some(error) if failed == Some(name) => {
                let rejection = rejection(error);
                let colon = if detail.is_empty() { "" } else { ": " };
                steps.failed(name, format!("{rejection}{colon}{detail}"));
                return Err(match error {
                    VerifyError::Claims(error) => registered::stop(claims.object(), issuer, now, *error),
                    VerifyError::Throttled => Stop::unknown(rejection),
                    _ => header::stop(token.as_str(), issuer, rejection),
                });
            }
            _ => steps.passed(name, detail),
        }
    }
    Ok(())
}

/// As the decision has it, when the issuer was asked for the key and still has none.
pub(super) fn rejection(error: &VerifyError) -> Rejection {
    match error {
        VerifyError::AlgorithmNotAllowed => Rejection::AlgorithmNotAllowed,
        VerifyError::Claims(error) => Rejection::Claims(*error),
        VerifyError::Signature { .. } => Rejection::Signature,
        VerifyError::Throttled => Unavailable::Throttled.into(),
        VerifyError::Token(error) => Rejection::Token(*error),
        VerifyError::UnknownKey { .. } => Rejection::UnknownKey,
    }
}

const fn step_of(error: &VerifyError) -> &'static str {
    match error {
        VerifyError::AlgorithmNotAllowed | VerifyError::Token(TokenError::Algorithm) => "algorithm",
        VerifyError::Claims(ClaimsError::Audience) => "aud",
        VerifyError::Claims(ClaimsError::Expired) => "exp",
        VerifyError::Claims(ClaimsError::NotYetValid) => "nbf",
        VerifyError::Claims(_) => "claims",
        VerifyError::Signature { .. } | VerifyError::Throttled => "signature",
        VerifyError::Token(_) => "header",
        VerifyError::UnknownKey { .. } => "key",
    }
}

fn of_header(name: &str, signature: Option<&UnverifiedSignature<'_>>, issuer: &Issuer) -> String {
    let Some(signature) = signature else { return String::new() };
    let kid = signature.kid();
    match name {
        "header" => kid.map_or_else(|| "no kid".to_owned(), |kid| format!("kid {}", go::shown(kid))),
        "algorithm" => signature.algorithm().to_string(),
        _ => {
            let keys = issuer.keys.as_ref().map(|keys| keys.keys.as_slice()).unwrap_or_default();
            let named = keys.iter().filter(|key| kid.is_none_or(|kid| key.kid == kid));
            let fitting = named.clone().filter(|key| key.algorithms.contains(signature.algorithm())).count();
            match (named.count(), fitting) {
                (0, _) => String::new(),
                (named, fitting) if named == fitting => format!("{fitting} to try"),
                (named, fitting) => {
                    format!(
                        "{fitting} to try; {} more not for {}",
                        named.saturating_sub(fitting),
                        signature.algorithm()
                    )
                }
            }
        }
    }
}

fn of_claims(name: &str, claims: Option<RegisteredClaims<'_>>, now: UnixSeconds) -> String {
    let Some(RegisteredClaims { audience, validity }) = claims else { return String::new() };
    let (not_before, expires) = validity.bounds();
    match (name, not_before) {
        ("aud", _) => go::quoted_list(audience.names()),
        ("exp", _) if expires == i64::MIN => "absent".to_owned(),
        ("exp", _) => [registered::expiry(expires), relative(expires, now)].concat(),
        (_, Some(start)) => [go::time(start), relative(start, now)].concat(),
        (_, None) => "absent".to_owned(),
    }
}

fn relative(seconds: i64, now: UnixSeconds) -> String {
    let now = i64::try_from(now.get()).unwrap_or(i64::MAX);
    match seconds.saturating_sub(now) {
        ahead @ 1.. => format!(", in {ahead} s"),
        ago => format!(", {} s ago", ago.unsigned_abs()),
    }
}
