//! What a finished token gives rise to a deviation by, as far as that can be seen of it: a twist need not know.

use ::tests::{Algorithm, mint};
use serde_json::{Value, json};

use crate::draft::Draft;
use crate::entry::Entry;

/// The longest token that the gateway takes, in bytes.
const LONGEST: usize = 16 * 1024;
/// The longest `kid` that it takes, in bytes.
const LONGEST_KID: usize = 256;
/// How many keys it tries for a token.
const TRIED: usize = 8;
/// A time zone that tokens ask for by name.
pub(crate) const ZONE: &str = "Asia/Tokyo";

/// Adds the deviations that can be seen of a token.
pub(crate) fn find(draft: &mut Draft, entry: &Entry, token: &str) {
    let header = |name: &str| draft.header.get(name);
    let found = [
        ("base64-canonical", !token.split('.').all(is_canonical)),
        ("crit-b64", header("crit").is_some() || header("b64").is_some()),
        ("embedded-key", header("jwk").is_some() || header("x5c").is_some()),
        ("expression-zone", asks_for_a_zone(entry) && draft.claims.values().any(|claim| claim == ZONE)),
        ("pss-salt", draft.key.has_odd_salt()),
        ("token-length", token.len() > LONGEST),
    ];
    draft.oddities.extend(found.into_iter().filter(|(_, is_so)| *is_so).map(|(id, _)| id));
    draft.oddities.extend(of_the_key(draft, entry));
}

/// Whether an expression takes a time zone from a claim.
fn asks_for_a_zone(entry: &Entry) -> bool {
    entry.placed.iter().any(|(_, placed)| placed.expression.contains(".getHours(claims."))
}

/// Whether a part is what its bytes are encoded to.
fn is_canonical(part: &str) -> bool {
    mint::encode(&mint::decode(part)) == part
}

/// How the key that signed stands in the JWKS, under the name that the token has for it: the deviation by which the gateway
/// does not use it.
pub(crate) fn of_the_key(draft: &Draft, entry: &Entry) -> Option<&'static str> {
    let own = json!(draft.key.algorithm().name());
    let algorithm = draft.header.get("alg").unwrap_or(&own);
    let kid = match draft.header.get("kid") {
        Some(kid) => kid.as_str().unwrap_or_default(),
        None => draft.key.kid().unwrap_or_default(),
    };
    let keys = entry.jwks["keys"].as_array().map(Vec::as_slice).unwrap_or_default();
    let meant: Vec<_> = keys.iter().filter(|key| kid.is_empty() || key["kid"] == kid).collect();
    let public = draft.key.jwk();
    let signed = |key: &&&Value| ["n", "x", "y"].iter().all(|name| key[name] == public[name]);
    let signed: Vec<_> = meant.iter().filter(signed).collect();
    if signed.is_empty() {
        return None;
    }
    let is_kept = |key: &Value| is_read(key) && is_for_signatures(key);
    let is_used = |key: &Value| is_kept(key) && (key["alg"].is_null() || key["alg"] == *algorithm);
    if signed.iter().all(|key| !is_read(key)) {
        return Some("kid-length");
    }
    if signed.iter().all(|key| !is_kept(key)) {
        return Some("key-use");
    }
    if signed.iter().all(|key| !is_used(key)) {
        return Some("jwk-alg");
    }
    let rivals = meant.iter().filter(|key| key["kty"] == public["kty"] && is_used(key));
    let ahead = rivals.take_while(|key| !signed.contains(key)).count();
    (ahead >= TRIED).then_some("many-keys")
}

/// Whether the gateway reads a JWK's `kid`.
fn is_read(key: &Value) -> bool {
    key["kid"].as_str().is_none_or(|kid| kid.len() <= LONGEST_KID)
}

/// Whether a JWK says that it is for checking signatures of one of the nine algorithms, or does not say what it is for.
fn is_for_signatures(key: &Value) -> bool {
    let verify = json!("verify");
    let is_known = |algorithm: &str| Algorithm::ALL.iter().any(|known| known.name() == algorithm);
    (key["use"].is_null() || key["use"] == "sig")
        && key["key_ops"].as_array().is_none_or(|operations| operations.contains(&verify))
        && key["alg"].as_str().is_none_or(is_known)
}
