//! Thousands of damaged tokens and headers: nothing panics, and no text but the signed one is taken.
#![allow(
    clippy::unwrap_used,
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    reason = "test code"
)]

mod support;

use authn::algorithm::Algorithm;
use authn::base64url;
use authn::decision::Decision;
use authn::request::{Edit, Keep, Request, is_stripped};
use authn::signature::Portable;
use serde_json::json;
use support::*;

/// Every mutation of a token is refused, unless it says what the token says: only blanks around it may differ.
#[test]
fn no_mutated_token_is_taken() {
    let mut random = Random::new(2);
    let claims =
        json!({"groups": ["dev", "ops"], "jti": "j", "nbf": NOW, "_claim_names": {}, "_claim_sources": {}});
    for algorithm in [Algorithm::Es256, Algorithm::Rs256, Algorithm::Ps384, Algorithm::Es512] {
        let token = case("whole").claims(claims.clone()).algorithm(algorithm).token();
        let mut issuer = issuer();
        issuer.keys = Some(keys([Pair::of(algorithm).key(KID)]));
        // One authenticator for all: what is cached of the good token must not help a bad one.
        let mut authenticator = authenticator(snapshot([issuer]));
        let whole = format!("Bearer {token}").into_bytes();
        let good =
            judge(&mut authenticator, &Request::read(&[("authorization", &whole)]), at(NOW), &Portable);
        assert!(matches!(good, Decision::Forward(_)), "{algorithm}");
        let mut now = NOW;
        for round in 0..1_500 {
            let mut damaged = token.clone().into_bytes();
            random.mutate(&mut damaged);
            // The second that passes fills the ration of slow failures.
            now += u64::from(round % 10 == 0);
            let value = [b"Bearer ", damaged.as_slice()].concat();
            let lines = [("authorization", value.as_slice())];
            let decision =
                judge(&mut authenticator, &Request::read(&lines), at(now.min(NOW + 500)), &Portable);
            if damaged.trim_ascii() != token.as_bytes() {
                assert!(
                    matches!(&decision, Decision::Ask(_))
                        || matches!(&decision, Decision::Reject(refused) if matches!(refused.rejection.code(), 401 | 503)),
                    "{algorithm} {round}: {decision:?}: {}",
                    String::from_utf8_lossy(&damaged),
                );
            }
        }
    }
}

/// Odd headers and payloads under a good signature never panic, and whoever they are is header-safe.
#[test]
fn odd_claims_under_a_good_signature_do_no_harm() {
    let mut random = Random::new(3);
    let header = format!("{{\"alg\":\"ES256\",\"kid\":\"{KID}\",\"typ\":\"JWT\"}}");
    let payload = serde_json::to_vec(
        &json!({"iss": ISSUER, "aud": [AUDIENCE], "sub": "alice", "exp": NOW + 600,
        "groups": ["dev"], "jti": "j", "nbf": NOW, "_claim_names": {"x": "s"}, "_claim_sources": {"s": {"endpoint": ""}}}),
    );
    let payload = payload.unwrap();
    let mut authenticator = authenticator(snapshot([issuer()]));
    let mut forwarded = 0;
    for _ in 0..3_000 {
        let (mut header, mut payload) = (header.clone().into_bytes(), payload.clone());
        if random.below(3) == 0 {
            random.mutate(&mut header);
        }
        random.mutate(&mut payload);
        let token = sign(Pair::P256, Algorithm::Es256, &header, &payload);
        let value = format!("Bearer {token}");
        let lines = [("authorization", value.as_bytes())];
        if let Decision::Forward(forward) =
            judge(&mut authenticator, &Request::read(&lines), at(NOW), &Portable)
        {
            forwarded += 1;
            let mut users = 0;
            for (name, value) in upstream_headers(&forward) {
                assert!(authn::impersonation::is_header_safe(&value), "{name}: {value:?}");
                assert!(name.bytes().all(|byte| byte.is_ascii_graphic()), "{name:?}");
                users += usize::from(name == "impersonate-user" && !value.is_empty());
            }
            assert_eq!(users, 1);
            assert!(!forward.caller().user().username().starts_with("system:"));
        }
    }
    assert!(forwarded > 10, "{forwarded}");
}

/// Whatever headers come, each that means identity is taken away and nothing panics.
#[test]
fn odd_header_sets_lose_every_trace_of_identity() {
    const NAMES: [&str; 12] = [
        "authorization",
        "impersonate-user",
        "impersonate-group",
        "impersonate-extra-a%2fb",
        "impersonate_user",
        "x-remote-user",
        "x_remote.group",
        "connection",
        "upgrade",
        "sec-websocket-protocol",
        ":method",
        "accept",
    ];
    let mut random = Random::new(4);
    let bearer =
        format!("base64url.bearer.authorization.k8s.io.{}", base64url::encode(good_token().as_bytes()));
    let authorization = format!("Bearer {}", good_token());
    let protocols = format!("{bearer}, v4.channel.k8s.io");
    let values: [&[u8]; 8] = [
        authorization.as_bytes(),
        protocols.as_bytes(),
        bearer.as_bytes(),
        b"websocket",
        b"Upgrade",
        b"Upgrade, Impersonate-User",
        b"system:masters",
        b"CONNECT",
    ];
    let mut authenticator = authenticator(snapshot([issuer()]));
    let mut forwarded = 0;
    for _ in 0..5_000 {
        let lines: Vec<(String, Vec<u8>)> = (0..random.below(8))
            .map(|_| {
                let mut name = NAMES[random.below(NAMES.len())].as_bytes().to_vec();
                let mut value = values[random.below(values.len())].to_vec();
                if random.below(4) == 0 {
                    random.mutate(&mut name);
                }
                if random.below(4) == 0 {
                    random.mutate(&mut value);
                }
                // Envoy writes names in lower case.
                (String::from_utf8_lossy(&name).to_lowercase(), value)
            })
            .collect();
        let lines: Vec<(&str, &[u8])> =
            lines.iter().map(|(name, value)| (name.as_str(), value.as_slice())).collect();
        let request = Request::read(&lines);
        for (name, value) in &lines {
            if is_stripped(name) {
                assert!(request.edits(Keep::Nothing).any(|edit| *edit == Edit::Remove(name)), "{name}");
            }
            if *name == "sec-websocket-protocol"
                && value.starts_with(b"base64url.bearer.authorization.k8s.io.")
            {
                let is_cleaned = |edit: &Edit<'_>| match edit {
                    Edit::Remove(name) => *name == "sec-websocket-protocol",
                    Edit::Set(name, value) => {
                        *name == "sec-websocket-protocol"
                            && !String::from_utf8_lossy(value).contains("base64url.bearer.")
                    }
                };
                assert!(request.edits(Keep::Nothing).any(is_cleaned), "{value:?}");
            }
        }
        if let Decision::Forward(_) = judge(&mut authenticator, &request, at(NOW), &Portable) {
            forwarded += 1;
            assert!(!lines.iter().any(|(name, _)| name.starts_with("impersonate-")));
        }
    }
    assert!(forwarded > 10, "{forwarded}");
}

/// A key is bytes from the sidecar. Whatever they are, checking a signature against them says no and does not panic.
#[test]
fn odd_keys_verify_nothing() {
    let mut random = Random::new(5);
    for algorithm in Algorithm::ALL {
        let pair = Pair::of(algorithm);
        let text = b"text";
        let signature = pair.sign(algorithm, text);
        let spki = pair.spki();
        for _ in 0..400 {
            let mut key = pair.pinned("", algorithm);
            random.mutate(&mut key.spki);
            use authn::signature::VerifySignature as _;
            if key.spki != spki {
                // A changed identifier or an unused bit may leave the key as it is; a forged text never passes.
                let _ = Portable.verify(&key, algorithm, text, &signature);
                assert!(Portable.verify(&key, algorithm, b"another", &signature).is_err());
                assert!(Portable.verify(&key, algorithm, text, &[]).is_err());
            }
        }
    }
}

/// RSA moduli and exponents that no issuer has.
#[test]
fn degenerate_rsa_keys_verify_nothing() {
    use authn::signature::VerifySignature as _;
    let integer = |bytes: &[u8]| der(0x02, bytes);
    let exponents: [&[u8]; 8] = [&[0], &[1], &[2], &[3], &[1, 0, 1], &[1, 0, 0], &[0x7f; 5], &[0x7f; 300]];
    let mut odd = vec![0x7f; 256];
    odd[255] = 0xff;
    let even = vec![0x7e; 256];
    let moduli: [&[u8]; 8] = [&[0], &[1], &[2], &[3], &[0x7f], &odd, &even, &[0x7f; 2_000]];
    for modulus in moduli {
        for exponent in exponents {
            let key = der(0x30, &[integer(modulus), integer(exponent)].concat());
            let bits = der(0x03, &[&[0], key.as_slice()].concat());
            const RSA: &[u8] = &[0x30, 13, 6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 13, 1, 1, 1, 5, 0];
            let spki = der(0x30, &[RSA, &bits].concat());
            for algorithm in Algorithm::RSA {
                let algorithms = [algorithm].into_iter().collect();
                let key = authn::keys::Key { kid: String::new(), algorithms, spki: spki.clone() };
                for length in [0, 1, 2, 255, 256, 257, modulus.len()] {
                    for byte in [0, 1, 0x7e, 0xff] {
                        let verdict = Portable.verify(&key, algorithm, b"text", &vec![byte; length]);
                        assert!(verdict.is_err(), "{algorithm} n {:?} e {exponent:?}", &modulus[..1]);
                    }
                }
            }
        }
    }
}

fn der(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = content.len();
    let head = match length {
        0..=0x7f => vec![tag, u8::try_from(length).unwrap()],
        _ => {
            let [high, low] = u16::try_from(length).unwrap().to_be_bytes();
            vec![tag, 0x82, high, low]
        }
    };
    [head, content.to_vec()].concat()
}
