//! The header of a token, and who signs it (RFC 7515, 7518).

use ::tests::{Algorithm, SigningKey, mint};
use serde_json::json;

use super::{Twist, twist};

pub(super) const TWISTS: &[Twist] = &[
    twist("alg", |draft, _, random| {
        let own = draft.key.algorithm().name();
        let values =
            [own, own, own, own, "none", "None", "HS256", "RS256", "ES256", "PS512", "EdDSA", "rs256", ""];
        let value = *random.pick(&values);
        draft.header.insert("alg".to_owned(), json!(value));
    }),
    twist("alg of the key's kind", |draft, _, random| {
        let own = draft.key.algorithm();
        if own.name().starts_with(['R', 'P']) {
            draft.key = draft.key.clone().with_algorithm(*random.pick(&Algorithm::RSA));
        } else if random.percent(50) {
            draft.header.insert("alg".to_owned(), json!(random.pick(&["ES256", "ES384", "ES512"])));
        }
    }),
    twist("PSS salts", |draft, entry, random| {
        let rsa = entry.keys.iter().find(|key| key.algorithm().name().starts_with(['P', 'R']));
        let Some(key) = rsa else {
            draft.fell_back = true;
            return;
        };
        let algorithm = *random.pick(&[Algorithm::PS256, Algorithm::PS384, Algorithm::PS512]);
        draft.key = key.clone().with_algorithm(algorithm);
        // As long as the hash, the shortest and longest, and one between them: a modulus has room for so many.
        let salt = random.take(vec![None, None, Some(0), Some(20), Some(190)]);
        if let Some(salt) = salt {
            draft.key = draft.key.clone().with_salt(salt);
        }
        if random.percent(40) {
            draft.set("exp", json!(5));
        }
    }),
    twist("kid", |draft, entry, random| {
        draft.rules.extend(entry.kind_of_keys());
        let own = draft.key.kid().map(|kid| json!(kid));
        let values = vec![
            own.clone(),
            own,
            None,
            None,
            Some(json!("")),
            Some(json!(null)),
            Some(json!("unknown")),
            Some(json!("\u{e9}")),
            Some(json!(5)),
            Some(json!(["a"])),
            Some(json!("k".repeat(300))),
        ];
        match random.take(values) {
            Some(value) => _ = draft.header.insert("kid".to_owned(), value),
            None => draft.key = draft.key.clone().without_kid(),
        }
    }),
    twist("typ and other members", |draft, _, random| {
        let (name, value) = random.take(vec![
            ("typ", json!("JWT")),
            ("typ", json!("at+jwt")),
            ("typ", json!("")),
            ("cty", json!("JWT")),
            ("x5t", json!("AAAA")),
            ("foo", json!({"a": 1})),
            ("jku", json!("https://evil.example/keys")),
            ("x5u", json!("https://evil.example/c")),
            ("zip", json!("DEF")),
            ("typ", json!(5)),
            ("enc", json!("A128GCM")),
            ("foo", json!(null)),
            ("nonce", json!(5)),
            ("cty", json!([])),
            ("jku", json!(5)),
        ]);
        draft.header.insert(name.to_owned(), value);
    }),
    twist("crit and b64", |draft, _, random| {
        let members = random.take(vec![
            json!({"crit": []}),
            json!({"crit": ["exp"]}),
            json!({"crit": ["b64"]}),
            json!({"crit": ["b64"], "b64": true}),
            json!({"b64": true}),
            json!({"b64": false}),
            json!({"crit": "x"}),
            json!({"crit": ["x"], "x": 1}),
            json!({"crit": null}),
            json!({"x": 1}),
            json!({"typ": "JWT"}),
        ]);
        draft.header.extend(members.as_object().cloned().unwrap_or_default());
    }),
    twist("jwk and x5c", |draft, _, random| {
        let other = SigningKey::generate(Algorithm::ES256);
        let (name, value) = random.take(vec![
            ("jwk", draft.key.jwk()),
            ("jwk", other.jwk()),
            ("jwk", json!({})),
            ("jwk", json!("x")),
            ("jwk", json!({"kty": "oct", "k": "AAAA"})),
            ("x5c", json!([])),
            ("x5c", json!(["AAAA"])),
            ("x5c", json!("x")),
            ("jwk", json!(null)),
        ]);
        draft.header.insert(name.to_owned(), value);
        if random.percent(30) {
            // The attack that they are for.
            draft.key = other.with_kid(draft.key.kid().unwrap_or("x"));
        }
    }),
    twist("the header's JSON", |draft, _, random| {
        let alg = draft.key.algorithm().name();
        let kid = draft.key.kid().map(|kid| format!(",\"kid\":{}", json!(kid))).unwrap_or_default();
        let deep = format!("{}1{}", "[".repeat(200), "]".repeat(200));
        let (text, end, oddity): (String, &[u8], _) = random.take(vec![
            (format!("{{\"alg\":\"{alg}\"{kid}}}"), b"", None),
            (format!(" {{ \"alg\" : \"{alg}\" {kid} }}\n"), b"", None),
            (format!("{{\"alg\":\"none\",\"alg\":\"{alg}\"{kid}}}"), b"", Some("duplicate-members")),
            (format!("{{\"alg\":\"{alg}\",\"alg\":\"none\"{kid}}}"), b"", Some("duplicate-members")),
            (format!("{{\"ALG\":\"{alg}\"{kid}}}"), b"", None),
            (format!("{{\"alg\":\"{alg}\"{kid},\"Crit\":[\"x\"]}}"), b"", None),
            (format!("{{\"alg\":\"{alg}\"{kid},\"x\":1e400}}"), b"", Some("numbers-beyond-double")),
            (format!("{{\"alg\":\"{alg}\"{kid},\"x\":\"\\ud800\"}}"), b"", Some("lone-surrogates")),
            (format!("{{\"alg\":\"{alg}\"{kid},\"x\":{deep}}}"), b"", Some("nesting")),
            (format!("{{\"alg\":\"{alg}\"{kid}}}x"), b"", None),
            (format!("{{\"alg\":\"{alg}\"{kid},\"x\":\""), b"\xff\"}", Some("invalid-utf8")),
            ("null".to_owned(), b"", None),
            ("[]".to_owned(), b"", None),
            (String::new(), b"", None),
            ("{}".to_owned(), b"", None),
        ]);
        draft.oddities.extend(oddity);
        draft.header_bytes = Some([text.as_bytes(), end].concat());
    }),
    twist("the signing key", |draft, entry, random| {
        draft.rules.extend(entry.kind_of_keys());
        let algorithm = draft.key.algorithm();
        let stranger = SigningKey::generate(if algorithm.name().starts_with('E') {
            algorithm
        } else {
            Algorithm::ES256
        });
        let key = match random.below(6) {
            0 | 1 => draft.key.clone(),
            2 => random.pick(&entry.keys).clone(),
            3 => stranger,
            4 => stranger.with_kid(draft.key.kid().unwrap_or("x")),
            _ => draft.key.clone().without_kid(),
        };
        draft.key = key;
    }),
    twist("the signature", |draft, entry, random| {
        draft.rules.extend(entry.kind_of_keys());
        let forms: &[fn(&str) -> String] = &[
            str::to_owned,
            str::to_owned,
            |token| with_signature(token, |signature| signature[0] ^= 1),
            |token| with_signature(token, |signature| *signature.last_mut().unwrap_or(&mut 0) ^= 0x80),
            |token| with_signature(token, Vec::clear),
            |token| with_signature(token, |signature| signature.push(0)),
            |token| with_signature(token, |signature| _ = signature.pop()),
            |token| with_signature(token, |signature| signature.insert(0, 0)),
            |token| with_signature(token, |signature| signature.fill(0)),
            |token| with_signature(token, |signature| signature.reverse()),
        ];
        draft.form = Some(*random.pick(forms));
    }),
];

/// The same token with another signature.
fn with_signature(token: &str, change: fn(&mut Vec<u8>)) -> String {
    let (signed, signature) = token.rsplit_once('.').unwrap_or((token, ""));
    let mut bytes = mint::decode(signature);
    if !bytes.is_empty() {
        change(&mut bytes);
    }
    format!("{signed}.{}", mint::encode(&bytes))
}
