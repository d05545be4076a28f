//! The attacks on what the sidecar fetches: the keys of a JWKS, and where it is to be fetched from.
#![cfg(feature = "supply")]
#![allow(
    clippy::unwrap_used,
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    reason = "test code"
)]

mod support;

use authn::algorithm::Algorithm;
use authn::base64url;
use authn::discovery::DiscoveryDocument;
use authn::jwks::Jwks;
use p256::elliptic_curve::sec1::ToSec1Point as _;
use rsa::pkcs8::DecodePublicKey as _;
use rsa::traits::PublicKeyParts as _;
use serde_json::{Value, json};
use support::*;

/// A row of the catalogue in `threats.rs`.
fn threat(name: &'static str) -> Case {
    case(name)
}

fn rsa() -> Value {
    let key = rsa::PublicKey::from_public_key_der(&Pair::Rsa.spki()).unwrap();
    let number = |number: &rsa::BoxedUint| base64url::encode(&number.to_be_bytes_trimmed_vartime());
    json!({"kty": "RSA", "kid": KID, "n": number(key.n()), "e": number(key.e())})
}

fn p256() -> Value {
    let point = p256::PublicKey::from_public_key_der(&Pair::P256.spki()).unwrap().to_sec1_point(false);
    let coordinate = |bytes: Option<&p256::FieldBytes>| base64url::encode(bytes.unwrap());
    json!({"kty": "EC", "crv": "P-256", "kid": KID, "x": coordinate(point.x()), "y": coordinate(point.y())})
}

fn with(mut key: Value, changes: Value) -> Value {
    key.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
    key
}

/// The keys that come of a set, by which a row is judged.
fn keys_of(set: &[Value]) -> Vec<authn::keys::Key> {
    Jwks::parse(json!({"keys": set}).to_string().as_bytes()).unwrap().keys
}

#[test]
fn good_keys_verify() {
    threat("jwks-key-use").keys(keys_of(&[p256()])).accepts(user("alice"));
    let marked = json!({"use": "sig", "key_ops": ["verify"], "alg": "ES256"});
    threat("jwks-key-use").keys(keys_of(&[with(p256(), marked)])).accepts(user("alice"));
    for algorithm in Algorithm::RSA {
        threat("jwks-key-use").algorithm(algorithm).keys(keys_of(&[rsa()])).accepts(user("alice"));
    }
}

#[test]
fn keys_that_must_not_verify_are_dropped_alone() {
    let private = base64url::encode(&[7; 32]);
    let bad = [
        with(p256(), json!({"use": "enc"})),
        with(p256(), json!({"key_ops": ["encrypt"]})),
        with(p256(), json!({"key_ops": []})),
        with(p256(), json!({"key_ops": ["sign"]})),
        with(p256(), json!({"alg": "RS256"})),
        with(p256(), json!({"alg": "ES384"})),
        with(p256(), json!({"alg": "HS256"})),
        with(p256(), json!({"alg": "none"})),
        with(p256(), json!({"alg": "ECDH-ES"})),
        with(p256(), json!({"crv": "P-384"})),
        with(p256(), json!({"crv": "secp256k1"})),
        with(p256(), json!({"kty": "RSA"})),
        with(p256(), json!({"kty": "OKP", "crv": "Ed25519"})),
        with(p256(), json!({"d": private})),
        with(p256(), json!({"y": base64url::encode(&[1; 32])})),
        json!({"kty": "oct", "kid": KID, "k": private}),
        with(p256(), json!({"kty": "oct", "k": private})),
    ];
    for key in bad {
        threat("jwks-key-use").keys(keys_of(std::slice::from_ref(&key))).refreshes(KID);
        let beside = with(p256(), json!({"kid": "good"}));
        let set = keys_of(&[key.clone(), beside]);
        assert_eq!(set.len(), 1, "{key}");
        threat("jwks-key-use").header(json!({"kid": "good"})).keys(set).accepts(user("alice"));
    }
}

#[test]
fn weak_and_monstrous_rsa_keys_are_dropped() {
    let modulus = |bits: usize| {
        let mut modulus = vec![0xff; bits / 8];
        modulus[0] = 0x80;
        base64url::encode(&modulus)
    };
    let mut even = vec![0xfe; 256];
    even[0] = 0x80;
    let bad = [
        json!({"n": modulus(512)}),
        json!({"n": modulus(1024)}),
        json!({"n": modulus(2040)}),
        json!({"n": modulus(8200)}),
        json!({"n": modulus(65_536)}),
        json!({"n": base64url::encode(&even)}),
        json!({"n": ""}),
        json!({"e": ""}),
        json!({"e": "AA"}),
        json!({"e": "AQ"}),
        json!({"e": "Ag"}),
        json!({"e": "AQAA"}),
        json!({"e": base64url::encode(&[0xff; 256])}),
        json!({"alg": "RSA1_5"}),
        json!({"d": "AQ"}),
        json!({"p": "AQ"}),
    ];
    for changes in bad {
        assert_eq!(keys_of(&[with(rsa(), changes.clone())]), [], "{changes}");
    }
}

#[test]
fn a_key_with_alg_verifies_that_alone() {
    let pinned = || keys_of(&[with(rsa(), json!({"alg": "RS256"}))]);
    threat("jwks-key-use").algorithm(Algorithm::Rs256).keys(pinned()).accepts(user("alice"));
    threat("jwks-key-use").algorithm(Algorithm::Ps256).keys(pinned()).rejects("signature");
    threat("jwks-key-use").algorithm(Algorithm::Rs512).keys(pinned()).rejects("signature");
}

/// What can be seen of it without fetching; redirects and limits of time are the fetcher's.
#[test]
fn documents_send_nobody_to_odd_places() {
    assert_eq!(threat("ssrf").outcome(), Outcome::Forward(user("alice").headers()));
    let parse = |issuer: &str, uri: &str| {
        let body = json!({"issuer": issuer, "jwks_uri": uri}).to_string();
        DiscoveryDocument::parse(body.as_bytes(), ISSUER)
    };
    assert!(parse(ISSUER, "https://issuer.example/jwks").is_ok());
    for uri in [
        "http://issuer.example/jwks",
        "http://169.254.169.254/latest/meta-data",
        "file:///etc/passwd",
        "gopher://x",
        "unix:///run/x.sock",
        "data:application/json,{}",
        "//issuer.example/jwks",
        "/jwks",
        "https://user:password@issuer.example/jwks",
        "https://issuer.example/jwks#x",
        "https://",
        "https:///jwks",
        "https://issuer.example\r\nhost: evil/",
        "https://issuer.example /",
    ] {
        assert!(parse(ISSUER, uri).is_err(), "{uri}");
    }
    for issuer in
        ["https://evil.example", "https://issuer.example/realm/", "", "HTTPS://issuer.example/realm"]
    {
        assert!(parse(issuer, "https://issuer.example/jwks").is_err(), "{issuer}");
    }
    let huge =
        format!("{{\"issuer\":\"{ISSUER}\",\"jwks_uri\":\"https://x\",\"x\":\"{}\"}}", "y".repeat(200_000));
    assert!(DiscoveryDocument::parse(huge.as_bytes(), ISSUER).is_err());
    assert!(Jwks::parse(format!("{{\"keys\":[{}1]}}", "1,".repeat(1_000)).as_bytes()).is_err());
    assert!(Jwks::parse("[".repeat(500_000).as_bytes()).is_err());
    assert!(Jwks::parse(format!("{{\"keys\":{}", "[".repeat(400_000)).as_bytes()).is_err());
}
