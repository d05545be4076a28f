//! Where tokens are from, and whom they are for.

use serde_json::json;

use super::Twist;
use crate::files::starts::OWN_ISSUERS;

pub(super) const TWISTS: &[Twist] = &[
    ("issuer.url", |file, random| {
        file["jwt"][0]["issuer"]["url"] = json!(random.pick(URLS));
    }),
    ("issuer.discoveryURL", |file, random| {
        let own = file["jwt"][0]["issuer"]["url"].as_str().unwrap_or_default().to_owned();
        let url = random.pick(URLS).to_string();
        file["jwt"][0]["issuer"]["discoveryURL"] =
            random.take(vec![json!(own), json!(own + "/"), json!(url.clone()), json!(url)]);
    }),
    ("issuer.audiences, audienceMatchPolicy", |file, random| {
        let audiences = [
            json!([]),
            json!(["a"]),
            json!(["a", "b"]),
            json!(["a", ""]),
            json!(["a", "a"]),
            json!([""]),
            json!(null),
            json!("a"),
            json!([5]),
        ];
        let policies = [
            json!("MatchAny"),
            json!(""),
            json!("matchany"),
            json!("MatchAll"),
            json!(null),
            json!("MatchAny"),
        ];
        file["jwt"][0]["issuer"]["audiences"] = random.pick(&audiences).clone();
        file["jwt"][0]["issuer"]["audienceMatchPolicy"] = random.pick(&policies).clone();
    }),
    ("issuer.certificateAuthority", |file, random| {
        let own = file["jwt"][0]["issuer"]["certificateAuthority"].as_str().unwrap_or_default().to_owned();
        let values = [
            json!(own),
            json!(format!("text before\n{own}text after")),
            json!(own.clone() + &own),
            json!(""),
            json!("x"),
            json!(own.replace("CERTIFICATE", "PRIVATE KEY")),
            json!(own.replace("MII", "MIX")),
            json!("-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n"),
            json!(null),
            json!(5),
        ];
        file["jwt"][0]["issuer"]["certificateAuthority"] = random.pick(&values).clone();
    }),
    ("issuer.egressSelectorType", |file, random| {
        file["jwt"][0]["issuer"]["egressSelectorType"] = random
            .pick(&[json!(""), json!(null), json!("controlplane"), json!("cluster"), json!("x")])
            .clone();
    }),
];

/// Without that of kube-apiserver's own issuer: it refuses that one, which a flag tells it and nothing tells the gateway.
const URLS: &[&str] = &[
    "https://127.0.0.1:1/a",
    "https://127.0.0.1:1/a/",
    "HTTPS://127.0.0.1:1/a",
    "http://127.0.0.1:1/a",
    "",
    "127.0.0.1",
    "https://",
    "https://u@127.0.0.1:1",
    "https://u:p@127.0.0.1:1",
    "https://127.0.0.1:1?a",
    "https://127.0.0.1:1?",
    "https://127.0.0.1:1#a",
    "https://127.0.0.1:1#",
    "https://127.0.0.1:x",
    "https://[::1",
    "https:///x",
    "https:127.0.0.1",
    "://x",
    "https://127.0.0.1:1/%zz",
    "https://127.0.0.1:1/%41",
    "https://exa mple",
    "https://\u{e9}.example",
    "https://127.0.0.1:1/\u{7f}",
    "ftp://x",
    "https://127.0.0.1:99999",
    OWN_ISSUERS[0],
    OWN_ISSUERS[1],
    "https://a%20b",
    "//127.0.0.1",
    "https://127.0.0.1:1/a b",
];
