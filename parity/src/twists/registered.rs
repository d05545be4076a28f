//! The claims that go-oidc reads (RFC 7519 4.1, OpenID Connect Core 2).

use ::tests::mint::now;
use serde_json::{Value, json};

use super::{Twist, twist};
use crate::distributed;
use crate::draft::Draft;

/// Fields about where tokens are from.
const OF_ISSUERS: [&str; 2] = ["issuer.discoveryURL", "issuer.url, Google's"];

/// About `iss`.
pub(super) const ISS: Twist = twist("iss", |draft, entry, random| {
    draft.rules.extend(entry.fields.iter().filter(|field| OF_ISSUERS.contains(field)));
    if entry.is_google() && random.percent(70) {
        let name = *random.pick(&[
            "accounts.google.com",
            "accounts.google.com",
            "https://accounts.google.com",
            "http://accounts.google.com",
            "Accounts.google.com",
            "accounts.google.com/",
        ]);
        draft.set("iss", json!(name));
        return;
    }
    let value = match random.below(8) {
        0..=2 => Some(json!(entry.url)),
        3 => Some(json!(format!("{}/", entry.url))),
        4 => Some(json!(entry.url.to_uppercase())),
        5 => random.take(vec![Some(json!(null)), Some(json!(5)), Some(json!([entry.url])), None]),
        6 => Some(json!("https://other.example")),
        _ => Some(json!(entry.url.replace("/i/", "/i/1"))),
    };
    draft.set_or_remove("iss", value);
});

pub(super) const TWISTS: &[Twist] = &[
    ISS,
    twist("aud", |draft, entry, random| {
        draft.rules.extend(entry.fields.iter().filter(|field| field.starts_with("issuer.audience")));
        let (first, last) = (&entry.audiences[0], &entry.audiences[entry.audiences.len() - 1]);
        let values = vec![
            Some(json!(first)),
            Some(json!(last)),
            Some(json!([first])),
            Some(json!(["a", "b", last])),
            Some(json!([null, first])),
            Some(json!([first, first])),
            Some(json!("other")),
            Some(json!([])),
            Some(json!(["other"])),
            Some(json!(format!("{first} "))),
            Some(json!(first.to_uppercase())),
            Some(json!(null)),
            Some(json!([null])),
            Some(json!(5)),
            Some(json!([first, 5])),
            Some(json!({"a": first})),
            Some(json!("")),
            None,
        ];
        draft.set_or_remove("aud", random.take(values));
    }),
    twist("exp", |draft, _, random| {
        let (ahead, past) = (now() + 600, now() - 600);
        let values = vec![
            Some(json!(ahead)),
            Some(json!(ahead.to_string())),
            Some(number(&format!("{ahead}.5"))),
            Some(number(&format!("{ahead}e0"))),
            Some(number("4e9")),
            Some(number("9e17")),
            Some(number("1e30")),
            Some(json!(past)),
            Some(json!(past.to_string())),
            Some(number(&format!("{past}.9"))),
            Some(json!(0)),
            Some(json!(-1)),
            Some(json!(null)),
            Some(json!("")),
            Some(json!("soon")),
            Some(json!(true)),
            Some(json!([ahead])),
            None,
        ];
        set_time(draft, "exp", random.take(values));
    }),
    twist("nbf", |draft, _, random| {
        let values = vec![
            Some(json!(now() - 5)),
            Some(json!(now() + 30)),
            Some(json!(now() - 100_000)),
            Some(json!(null)),
            Some(json!(0)),
            Some(json!(-5)),
            Some(json!((now() - 5).to_string())),
            Some(number("1.5e9")),
            None,
            Some(json!(now() + 900)),
            Some(json!((now() + 900).to_string())),
            Some(number("4e9")),
            Some(json!("x")),
            Some(json!(true)),
            Some(json!([])),
            Some(json!({})),
            Some(number("9e17")),
            Some(number("1e30")),
        ];
        set_time(draft, "nbf", random.take(values));
    }),
    twist("iat", |draft, _, random| {
        let values = vec![
            Some(json!(now() + 100_000)),
            Some(json!(0)),
            Some(json!(null)),
            Some(json!("1700000000")),
            Some(number("1.7e9")),
            None,
            Some(json!("x")),
            Some(json!(false)),
            Some(json!([1])),
            Some(json!({})),
        ];
        draft.set_or_remove("iat", random.take(values));
    }),
    twist("sub, nonce, at_hash", |draft, _, random| {
        let name = *random.pick(&["sub", "nonce", "at_hash"]);
        let values = vec![
            json!("x"),
            json!(""),
            json!(null),
            json!("\u{e9}"),
            json!(5),
            json!(true),
            json!(["x"]),
            json!({}),
        ];
        draft.set(name, random.take(values));
    }),
    twist("_claim_names, _claim_sources", |draft, _, random| {
        let (names, sources): (Value, Value) = random.take(vec![
            (json!({}), json!({})),
            (json!(null), json!(null)),
            (json!({}), json!({"a": {"endpoint": "https://a.example"}})),
            (json!({"x": "a"}), json!({"a": {"JWT": "e30.e30.e30"}})),
            (json!({"x": "a"}), json!({"a": {"endpoint": "https://a.example", "access_token": "t"}})),
            (json!({"x": "a"}), json!({"a": {}})),
            (json!({"x": "a"}), json!({"b": {}})),
            (json!({"x": ""}), json!({"": {}})),
            (json!({"x": 5}), json!({})),
            (json!([]), json!({})),
            (json!({}), json!({"a": {"endpoint": 5}})),
            (json!({}), json!([])),
            (json!({"x": "a"}), json!(null)),
        ]);
        draft.set("_claim_names", names);
        draft.set("_claim_sources", sources);
    }),
    twist("groups in a distributed claim", |draft, entry, random| {
        let Some(claim) = entry.groups_claim else {
            draft.fell_back = true;
            return;
        };
        let answer = if random.percent(60) { "good" } else { *random.pick(&distributed::ANSWERS) };
        distributed::lead(draft, entry, claim, answer);
    }),
    twist("registered claims in other letters", |draft, entry, random| {
        draft.oddities.push("case-variant-claims");
        let members = [
            format!("\"ISS\":{}", json!(entry.url)),
            "\"ISS\":\"https://other.example\"".to_owned(),
            format!("\"Aud\":{}", json!(entry.audiences[0])),
            "\"AUD\":\"other\"".to_owned(),
            format!("\"Exp\":{}", now() + 900),
            "\"eXp\":5".to_owned(),
            "\"Nbf\":null".to_owned(),
            "\"_Claim_Names\":5".to_owned(),
            // The letters that Go folds: long s, Kelvin sign.
            "\"i\u{17f}s\":5".to_owned(),
        ];
        let member = random.pick(&members).clone();
        // The last one is what Go takes.
        if random.percent(50) { draft.members.push(member) } else { draft.last_members.push(member) }
    }),
];

/// Sets a time, which may be one that the gateway does not take.
fn set_time(draft: &mut Draft, name: &str, value: Option<Value>) {
    if value.as_ref().and_then(Value::as_f64).is_some_and(|seconds| seconds.abs() > 9e18) {
        draft.oddities.push("time-range");
    }
    draft.set_or_remove(name, value);
}

/// A number with just these digits.
fn number(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{text}: {error}"))
}
