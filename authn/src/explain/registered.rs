//! What kube-apiserver says of the registered claims: go-oidc 2.5 `Verify`, once the signature is good.

use serde_json::value::RawValue;

use super::go;
use super::steps::{Stop, VERIFY};
use crate::claims::{ClaimsError, NOT_BEFORE_LEEWAY, RegisteredClaims};
use crate::config::quote;
use crate::issuer::Issuer;
use crate::json::{Object, Value};
use crate::rejection::Rejection;
use crate::time::UnixSeconds;

/// The year 1, which stands for a missing `exp`.
const NEVER: i64 = -62_135_596_800;

/// Claims whose Go types have an `UnmarshalJSON`.
const READS_ITSELF: [&str; 4] = ["aud", "exp", "iat", "nbf"];

/// Why the claims of a token that `issuer` did sign were refused.
pub(super) fn stop(claims: Object<'_>, issuer: &Issuer, now: UnixSeconds, error: ClaimsError) -> Stop {
    let rejection = Rejection::Claims(error);
    if error == ClaimsError::CaseVariant {
        return Stop::stricter(rejection, &["case-variant-claims"]);
    }
    match complaint(claims, issuer, now) {
        Some(complaint) => Stop::says(rejection, [VERIFY, &complaint].concat()),
        None if error == ClaimsError::Time => Stop::stricter(rejection, &["time-range"]),
        None if error == ClaimsError::Expired => Stop::stricter(rejection, &["exp-second"]),
        None => Stop::unknown(rejection),
    }
}

/// `exp` and `nbf` as they are told.
pub(super) fn expiry(expires: i64) -> String {
    if expires == i64::MIN { go::time(NEVER) } else { go::time(expires) }
}

fn complaint(claims: Object<'_>, issuer: &Issuer, now: UnixSeconds) -> Option<String> {
    // encoding/json ends at an error of a type that reads itself; others it keeps until the end.
    let type_error = |reads_itself: bool| {
        let mut members = claims.members().filter(|(name, _)| READS_ITSELF.contains(name) == reads_itself);
        members.find_map(|(name, value)| type_error(name, value))
    };
    if let Some(error) = type_error(true).or_else(|| type_error(false)) {
        return Some(format!("oidc: failed to unmarshal claims: {error}"));
    }
    if let Some(error) = source_error(claims) {
        return Some(error.to_owned());
    }
    let RegisteredClaims { audience, validity } = RegisteredClaims::read(claims).ok()?;
    let is_audience = issuer.audiences.iter().any(|configured| audience.contains(configured));
    let got = || go::quoted_list(audience.names());
    // One audience is go-oidc's to check, several are kube-apiserver's, once go-oidc is done.
    match issuer.audiences.as_slice() {
        [one] if !is_audience => {
            return Some(format!("oidc: expected audience {} got {}", quote(one), got()));
        }
        _ => {}
    }
    let seconds = |time: UnixSeconds| i64::try_from(time.get()).unwrap_or(i64::MAX);
    let (not_before, expires) = validity.bounds();
    if expires < seconds(now) {
        return Some(format!("oidc: token is expired (Token Expiry: {})", expiry(expires)));
    }
    if let Some(not_before) = not_before.filter(|start| seconds(now.plus(NOT_BEFORE_LEEWAY)) < *start) {
        let (now, start) = (go::time(seconds(now)), go::time(not_before));
        return Some(format!("oidc: current time {now} before the nbf (not before) time: {start}"));
    }
    if !is_audience {
        let mut configured: Vec<&str> = issuer.audiences.iter().map(String::as_str).collect();
        configured.sort_unstable();
        return Some(format!("oidc: expected audience in {} got {}", go::quoted_list(configured), got()));
    }
    None
}

/// The first member that does not fit go-oidc's `idToken`, in encoding/json's words.
fn type_error(name: &str, value: Value<'_>) -> Option<String> {
    match name {
        "iss" | "sub" | "nonce" | "at_hash" => text(value, "idToken", name),
        "aud" => match value {
            Value::Array(audiences) => {
                audiences.elements().find_map(|audience| text(audience, "idToken", name))
            }
            Value::Null | Value::String(_) => None,
            _ => Some(field(value, "idToken", name, "[]string")),
        },
        "exp" | "iat" => time(name, value),
        "nbf" if matches!(value, Value::Null) => None,
        "nbf" => time(name, value),
        "_claim_names" => match value {
            Value::Null => None,
            Value::Object(names) => names.values().find_map(|source| text(source, "idToken", name)),
            _ => Some(field(value, "idToken", name, "map[string]string")),
        },
        "_claim_sources" => match value {
            Value::Null => None,
            Value::Object(sources) => sources.values().find_map(|source| claim_source(name, source)),
            _ => Some(field(value, "idToken", name, "map[string]oidc.claimSource")),
        },
        _ => None,
    }
}

fn claim_source(name: &str, source: Value<'_>) -> Option<String> {
    match source {
        Value::Null => None,
        Value::Object(members) => members.members().find_map(|(member, value)| match member {
            "endpoint" | "access_token" => text(value, "claimSource", &[name, member].join(".")),
            _ => None,
        }),
        _ => Some(field(source, "idToken", name, "oidc.claimSource")),
    }
}

fn text(value: Value<'_>, go_struct: &str, name: &str) -> Option<String> {
    match value {
        Value::Null | Value::String(_) => None,
        _ => Some(field(value, go_struct, name, "string")),
    }
}

fn field(value: Value<'_>, go_struct: &str, name: &str, go_type: &str) -> String {
    let kind = go::kind(value);
    format!("json: cannot unmarshal {kind} into Go struct field {go_struct}.{name} of type {go_type}")
}

/// go-oidc's `jsonTime`.
fn time(name: &str, value: Value<'_>) -> Option<String> {
    match value {
        Value::Number(_) => None,
        Value::Null => Some("strconv.ParseFloat: parsing \"\": invalid syntax".to_owned()),
        Value::String(text) if !is_number(text) => {
            let json = serde_json::to_string(text).unwrap_or_default();
            Some(format!(
                "json: invalid number literal, trying to unmarshal {} into Number",
                go::shown(&json)
            ))
        }
        Value::String(text) => {
            let is_double = serde_json::from_str::<serde_json::Number>(text).is_ok();
            let error = || format!("strconv.ParseFloat: parsing {}: value out of range", go::shown(text));
            (!is_double).then(error)
        }
        _ => Some(field(value, "idToken", name, "json.Number")),
    }
}

/// Whether a text is a JSON number, of whatever size.
fn is_number(text: &str) -> bool {
    let begins = text.starts_with(|first: char| first == '-' || first.is_ascii_digit());
    let ends = text.ends_with(|last: char| last.is_ascii_digit());
    begins && ends && serde_json::from_str::<&RawValue>(text).is_ok()
}

/// A distributed claim without a source.
fn source_error(claims: Object<'_>) -> Option<&'static str> {
    let sources = claims.get("_claim_sources");
    let names = claims.get("_claim_names").and_then(Value::as_object)?;
    names.values().find_map(|source| match source.as_str().unwrap_or_default() {
        "" => Some("oidc: failed to obtain source from claim name"),
        source => {
            let is_there = sources.and_then(|sources| sources.get(source)).is_some();
            (!is_there).then_some("oidc: source does not exist")
        }
    })
}
