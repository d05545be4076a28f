//! What kube-apiserver says of a token before it looks at the claims: go-oidc 2.5 `Verify`, with go-jose v2.

use super::go;
use super::steps::{Stop, VERIFY};
use crate::algorithm::{Algorithm, Family};
use crate::base64url;
use crate::issuer::Issuer;
use crate::json::{Document, JsonError, Object, Value};
use crate::keys::Key;
use crate::rejection::Rejection;
use crate::signature::MAX_KEYS_TRIED;
use crate::token::TokenError;

const MALFORMED: &str = "oidc: malformed jwt: ";
const SIGNATURE: &str = "failed to verify signature: failed to verify id token signature";

/// Why a token of `issuer` went no further than its header or signature.
pub(super) fn stop(text: &str, issuer: &Issuer, rejection: Rejection) -> Stop {
    let header = text.split('.').next().unwrap_or_default();
    let header = base64url::decode_forgiving(header.as_bytes());
    let document = Document::parse(&header);
    if let Some(complaint) = complaint(text, &header, &document, issuer) {
        let maybe: &[_] = match document {
            // What its decoder repairs, as far as that can be seen.
            Err(JsonError::Syntax) => &["invalid-utf8", "lone-surrogates", "nesting"],
            _ => &[],
        };
        // It would rather speak of an embedded key, if that is a bad one.
        let has_key = document.as_ref().is_ok_and(|document| has_embedded_key(document.object()));
        let complaint = if has_key { "...".to_owned() } else { complaint };
        return Stop::says(rejection, [VERIFY, &complaint].concat()).unless(maybe);
    }
    let header = document.as_ref().map(Document::object).ok();
    match &rejection {
        Rejection::Token(TokenError::Critical) if !header.is_some_and(has_unknown_extension) => {
            Stop::stricter(rejection, &["crit-b64"])
        }
        Rejection::Token(TokenError::EmbeddedKey) => Stop::stricter(rejection, &["embedded-key"]),
        Rejection::Token(TokenError::KidTooLong) => Stop::stricter(rejection, &["kid-length"]),
        Rejection::Token(TokenError::Header | TokenError::Signature) => {
            Stop::stricter(rejection, &["base64-canonical"])
        }
        _ => {
            let rules = header.map(|header| rules_of_signatures(header, issuer)).unwrap_or_default();
            let words = if header.is_some_and(has_embedded_key) { "..." } else { SIGNATURE };
            Stop::says(rejection, [VERIFY, words].concat()).unless(&rules)
        }
    }
}

/// What is wrong with the token's form or algorithm.
fn complaint(
    text: &str,
    header: &[u8],
    document: &Result<Document<'_>, JsonError>,
    issuer: &Issuer,
) -> Option<String> {
    if let Some(error) = text.split('.').find_map(go::base64_error) {
        return Some([MALFORMED, &error].concat());
    }
    let algorithm = match document {
        Ok(document) => {
            if let Some(error) = type_error(document.object()) {
                return Some([MALFORMED, &error].concat());
            }
            document.object().get("alg").and_then(Value::as_str).unwrap_or_default()
        }
        // go-jose takes both for a header without members.
        Err(_) if matches!(header.trim_ascii(), b"" | b"null") => "",
        // Its decoder's words are as many as there are mistakes.
        Err(_) => return Some([MALFORMED, "..."].concat()),
    };
    if Algorithm::from_name(algorithm).is_some_and(|algorithm| issuer.algorithms.contains(algorithm)) {
        return None;
    }
    let mut allowed: Vec<_> = issuer.algorithms.iter().map(Algorithm::name).collect();
    allowed.sort_unstable();
    let (allowed, algorithm) = (go::quoted_list(allowed), go::shown(algorithm));
    Some(format!("oidc: id token signed with unsupported algorithm, expected {allowed} got {algorithm}"))
}

/// A member of a wrong type (go-jose `rawHeader.sanitized`).
fn type_error(header: Object<'_>) -> Option<String> {
    header.members().find_map(|(name, value)| {
        let what = match name {
            "alg" => "algorithm",
            "kid" => "key ID",
            "nonce" => "nonce",
            _ => return None,
        };
        let raw = match value {
            Value::String(_) | Value::Null => return None,
            Value::Bool(value) => value.to_string(),
            Value::Number(number) => number.to_string(),
            Value::Array(_) | Value::Object(_) => "...".to_owned(),
        };
        Some(format!("failed to unmarshal {what}: {}: \"{raw}\"", go::not_a(value, "string")))
    })
}

/// Whether there is a key in the header, which go-jose parses before it does anything else.
fn has_embedded_key(header: Object<'_>) -> bool {
    ["jwk", "x5c"].into_iter().any(|name| header.get(name).is_some_and(|value| !matches!(value, Value::Null)))
}

/// `crit` that go-jose refuses: it knows `b64` alone.
fn has_unknown_extension(header: Object<'_>) -> bool {
    match header.get("crit") {
        None | Some(Value::Null) => false,
        Some(Value::Array(names)) => {
            names.elements().any(|name| !matches!(name, Value::Null) && name.as_str() != Some("b64"))
        }
        Some(_) => true,
    }
}

/// Rules by which we refuse signatures that kube-apiserver would take, as far as they can have a part in this.
fn rules_of_signatures(header: Object<'_>, issuer: &Issuer) -> Vec<&'static str> {
    let mut rules = Vec::new();
    let text = |name| header.get(name).and_then(Value::as_str).unwrap_or_default();
    let Some(algorithm) = Algorithm::from_name(text("alg")) else { return rules };
    let kid = Some(text("kid")).filter(|kid| !kid.is_empty());
    let keys = issuer.keys.as_ref().map(|keys| keys.keys.as_slice()).unwrap_or_default();
    let is_named = |key: &&Key| kid.is_none_or(|kid| key.kid == kid);
    let candidates = keys.iter().filter(is_named).filter(|key| key.algorithms.contains(algorithm)).count();
    if algorithm.family() == Family::RsaPss && candidates > 0 {
        rules.push("pss-salt");
    }
    if candidates > MAX_KEYS_TRIED {
        rules.push("many-keys");
    }
    if keys.iter().filter(is_named).any(|key| !key.algorithms.contains(algorithm)) {
        rules.push("jwk-alg");
    }
    rules
}
