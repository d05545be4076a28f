//! What a finished token gives rise to a deviation by, as far as that can be seen of it: a twist need not know.

use ::tests::mint;
use serde_json::{Value, json};

use crate::draft::Draft;
use crate::entry::Entry;

/// The longest token that the gateway takes, in bytes.
const LONGEST: usize = 16 * 1024;

/// Adds the deviations that can be seen of a token.
pub(crate) fn find(draft: &mut Draft, entry: &Entry, token: &str) {
    let header = |name: &str| draft.header.get(name);
    let found = [
        ("base64-canonical", !token.split('.').all(is_canonical)),
        ("crit-b64", header("crit").is_some() || header("b64").is_some()),
        ("embedded-key", header("jwk").is_some() || header("x5c").is_some()),
        ("jwk-alg", is_of_another_algorithm(draft, entry)),
        ("token-length", token.len() > LONGEST),
    ];
    draft.oddities.extend(found.into_iter().filter(|(_, is_so)| *is_so).map(|(id, _)| id));
}

/// Whether a part is what its bytes are encoded to.
fn is_canonical(part: &str) -> bool {
    mint::encode(&mint::decode(part)) == part
}

/// Whether a key that the token may mean has a JWK for another algorithm than the token's.
fn is_of_another_algorithm(draft: &Draft, entry: &Entry) -> bool {
    let own = json!(draft.key.algorithm().name());
    let algorithm = draft.header.get("alg").unwrap_or(&own);
    let kid = draft.header.get("kid").and_then(Value::as_str).or_else(|| draft.key.kid()).unwrap_or_default();
    let keys = entry.jwks["keys"].as_array().map(Vec::as_slice).unwrap_or_default();
    keys.iter().any(|key| {
        let is_meant = kid.is_empty() || key["kid"] == kid;
        is_meant && !key["alg"].is_null() && key["alg"] != *algorithm
    })
}
