//! Groups that stand elsewhere (OpenID Connect Core 5.6.2): endpoints of the issuers' server, and tokens that lead there.

use ::tests::mint;
use serde_json::{Value, json};

use crate::draft::Draft;
use crate::entry::Entry;
use crate::oddities;

/// What endpoints answer with.
pub(crate) const ANSWERS: [&str; 5] = ["good", "other-audience", "no-claim", "expired", "no-jwt"];

/// The path of an endpoint below the server.
pub(crate) fn path(entry: &Entry, answer: &str) -> String {
    format!("/claims/{}/{answer}", entry.number)
}

/// What an endpoint of an issuer answers.
pub(crate) fn body(entry: &Entry, claim: &str, answer: &str) -> String {
    if answer == "no-jwt" {
        return "not a token".to_owned();
    }
    signed(entry, claim, answer).token()
}

fn signed(entry: &Entry, claim: &str, answer: &str) -> Draft {
    let mut claims = json!({
        "iss": entry.url, "aud": entry.audiences[0], "exp": mint::now() + 3600, claim: ["fetched", "dev"],
    });
    match answer {
        "other-audience" => claims["aud"] = json!("other"),
        "no-claim" => _ = claims.as_object_mut().map(|claims| claims.remove(claim)),
        "expired" => claims["exp"] = json!(5),
        _ => {}
    }
    let claims = claims.as_object().cloned().unwrap_or_default();
    Draft::new(claims, entry.keys[0].clone())
}

/// Makes the groups of a token stand at an endpoint.
pub(crate) fn lead(draft: &mut Draft, entry: &Entry, claim: &str, answer: &str) {
    let endpoint = format!("{}{}", entry.server, path(entry, answer));
    draft.claims.remove(claim);
    draft.set("_claim_names", json!({claim: "elsewhere"}));
    draft.set(
        "_claim_sources",
        json!({"elsewhere": {"endpoint": endpoint, "access_token": "for-the-endpoint"}}),
    );
    draft.oddities.push("distributed-groups");
    // The endpoint's answer is a token, too.
    draft.oddities.extend(oddities::of_the_key(&signed(entry, claim, answer), entry));
}

/// The policy under which the gateway asks these endpoints.
pub(crate) fn policy(entries: &[Entry]) -> Value {
    let issuer = |entry: &Entry| {
        let host = entry.server.trim_start_matches("https://");
        json!({"url": entry.url, "distributedClaims": {"allowedHosts": [host]}})
    };
    json!({"apiVersion": "kube-oidc-filter/v1alpha1", "issuers": entries.iter().map(issuer).collect::<Vec<_>>()})
}
