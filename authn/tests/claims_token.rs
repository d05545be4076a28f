//! What the endpoint of a distributed claim answers: a token of the issuer that it names, judged like any other.
#![cfg(feature = "supply")]
#![allow(
    clippy::unwrap_used,
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    reason = "test code"
)]

mod support;

use authn::algorithm::{Algorithm, AlgorithmSet};
use authn::claims_token::{ClaimsToken, ClaimsTokenError, Judge, MAX_CLAIMS_TOKEN, ResolvedClaim};
use authn::keys::Key;
use serde_json::{Value, json};
use support::*;

/// Takes `groups` out of an answer, by the usual issuer's key.
fn claim(body: &str) -> Result<ResolvedClaim, String> {
    claim_by(body, &[Pair::P256.key(KID)], AlgorithmSet::all(), ISSUER)
}

/// An error in the words of the rows.
fn claim_by(
    body: &str,
    keys: &[Key],
    algorithms: AlgorithmSet,
    issuer: &str,
) -> Result<ResolvedClaim, String> {
    let audiences = ["other".to_owned(), AUDIENCE.to_owned()];
    let judge = Judge { issuer, keys, algorithms, audiences: &audiences };
    let word = |error| match error {
        ClaimsTokenError::Issuer => "issuer".to_owned(),
        ClaimsTokenError::NoClaim => "no_claim".to_owned(),
        ClaimsTokenError::NotValid(rejection) => rejection.reason().to_owned(),
        ClaimsTokenError::UnknownKey { .. } => "unknown_key".to_owned(),
    };
    let token = ClaimsToken::parse(body.as_bytes()).map_err(word)?;
    token.claim("groups", judge, at(NOW)).map_err(word)
}

fn answer(claims: Value) -> Case {
    case("answer").claims(json!({"groups": ["dev"]})).claims(claims)
}

#[test]
fn the_value_comes_out_as_it_stands() {
    for value in [json!(["dev", "ops"]), json!("dev"), json!(null), json!(5), json!({"a": [1]}), json!([])] {
        let token = answer(json!({"groups": value, "exp": NOW + 7})).token();
        let expected = ResolvedClaim { value: value.to_string(), expires: at(NOW + 7) };
        for body in [token.clone(), format!("{token}\n"), format!(" \r\n{token}\t")] {
            assert_eq!(claim(&body), Ok(expected.clone()), "{value}");
        }
    }
    let escaped = answer(json!({})).without("groups").members(r#""gr\u006fups":[ "a\/b" ]"#).token();
    assert_eq!(claim(&escaped).map(|claim| claim.value), Ok(r#"[ "a\/b" ]"#.to_owned()));
    // Longer than a client's token may be.
    let many: Vec<_> = (0..3_000).map(|group| format!("group-{group}")).collect();
    assert_eq!(
        claim(&answer(json!({"groups": many})).token()).map(|claim| claim.value),
        Ok(json!(many).to_string())
    );
}

#[test]
fn what_is_no_good_token_is_refused() {
    let too_long = answer(json!({"groups": "a".repeat(MAX_CLAIMS_TOKEN)})).token();
    let good = answer(json!({})).token();
    for (body, reason) in [
        (String::new(), "not_a_token_text"),
        (r#"{"groups":["dev"]}"#.to_owned(), "not_a_jwt"),
        ("a.b".to_owned(), "not_a_jwt"),
        (format!("{good}.x"), "not_a_jwt"),
        (format!("\"{good}\""), "token_header"),
        (too_long, "token_too_long"),
        (answer(json!({})).header(json!({"alg": "none"})).token(), "token_algorithm"),
        (answer(json!({})).header(json!({"alg": "none"})).mangled(unsigned).token(), "token_algorithm"),
        (answer(json!({})).mangled(unsigned).token(), "signature"),
        (answer(json!({})).signed_by(Pair::OtherP256).token(), "signature"),
        (answer(json!({})).header(json!({"kid": "other"})).token(), "unknown_key"),
        (answer(json!({})).header(json!({"crit": ["x"]})).token(), "token_critical"),
        (answer(json!({"exp": NOW})).token(), "expired"),
        (answer(json!({})).without("exp").token(), "expired"),
        (answer(json!({"nbf": NOW + 61})).token(), "not_yet_valid"),
        (answer(json!({"aud": "else"})).token(), "audience"),
        (answer(json!({"iss": "https://else.example"})).token(), "issuer"),
        (answer(json!({"iss": format!("{ISSUER}/")})).token(), "issuer"),
        (answer(json!({})).without("iss").token(), "issuer"),
        (answer(json!({})).without("groups").token(), "no_claim"),
        (answer(json!({})).without("groups").claims(json!({"Groups": ["dev"]})).token(), "no_claim"),
        (answer(json!({})).members(r#""groups":["admin"]"#).token(), "token_payload"),
    ] {
        assert_eq!(claim(&body), Err(reason.to_owned()), "{body:.80}");
    }
}

fn unsigned(token: String) -> String {
    format!("{}.", token.rsplit_once('.').unwrap().0)
}

#[test]
fn it_is_judged_by_the_terms_of_the_token_that_led_there() {
    let token = answer(json!({"aud": ["x", AUDIENCE]})).token();
    assert!(claim(&token).is_ok());
    let rsa: AlgorithmSet = [Algorithm::Rs256].into_iter().collect();
    let by = |keys: &[Key], algorithms, issuer| {
        claim_by(&token, keys, algorithms, issuer).map(|claim| claim.value)
    };
    let key = || [Pair::P256.key(KID)];
    assert_eq!(by(&key(), rsa, ISSUER), Err("algorithm_not_allowed".to_owned()));
    assert_eq!(by(&[], AlgorithmSet::all(), ISSUER), Err("unknown_key".to_owned()));
    assert_eq!(by(&key(), AlgorithmSet::all(), "https://other.example"), Err("issuer".to_owned()));
    // As in go-oidc, Google may leave the scheme out, and nobody else.
    let google = answer(json!({"iss": "accounts.google.com"})).token();
    assert!(claim_by(&google, &key(), AlgorithmSet::all(), "https://accounts.google.com").is_ok());
    let other = answer(json!({"iss": "issuer.example/realm"})).token();
    assert_eq!(claim_by(&other, &key(), AlgorithmSet::all(), ISSUER), Err("issuer".to_owned()));
}
