//! The expected DER was written by `openssl pkey -pubout -outform DER`.

use p256::elliptic_curve::pkcs8::DecodePublicKey as _;
use rsa::traits::PublicKeyParts as _;
use serde_json::{Value, json};

use super::*;
use crate::algorithm::{Algorithm, AlgorithmSet};
use crate::base64url;

/// A modulus of 2048 bits.
const N: &str = concat!(
    "uK1FuMp3MWxcpd48u4UGm7FOrw_y5mZ5cpeXtPyU7og_Q_k8JoM3cxMNmIjWvA8ZZYzz5nIUKVY2Ayj1LPX_mpVCX7KBhwojYLB2",
    "BsJ0OP6Fe4dMSpIHQKYrhlKUgu1AU9nHiq6nxYCBF3LL7Qyk29au8W5P5oXg9o9gmWbUCNe2N5iacjO9JSn7LxZdDFTmqDySrIKu",
    "PS9b6LdHD-swgteCsngzr4yyIsAT0QxLY9KZCbiZrgtITTnD0xKMbizX4AiAW-0qMrzCj-Q6O4ist8wC52xrFnh2n4e9AdlYSh5q",
    "kxNAzcitBqrZyuoqIAmJCS4p1UZRI4howxPY3HldgQ",
);
/// The key of [`N`] and 65537.
const RSA_DER: &str = concat!(
    "30820122300d06092a864886f70d01010105000382010f003082010a0282010100b8ad45b8ca77316c5ca5de3cbb85069bb1",
    "4eaf0ff2e66679729797b4fc94ee883f43f93c26833773130d9888d6bc0f19658cf3e672142956360328f52cf5ff9a95425f",
    "b281870a2360b07606c27438fe857b874c4a920740a62b86529482ed4053d9c78aaea7c580811772cbed0ca4dbd6aef16e4f",
    "e685e0f68f609966d408d7b637989a7233bd2529fb2f165d0c54e6a83c92ac82ae3d2f5be8b7470feb3082d782b27833af8c",
    "b222c013d10c4b63d29909b899ae0b484d39c3d3128c6e2cd7e008805bed2a32bcc28fe43a3b88acb7cc02e76c6b1678769f",
    "87bd01d9584a1e6a931340cdc8ad06aad9caea2a200989092e29d54651238868c313d8dc795d810203010001",
);
/// A point on P-256.
const P256_X: &str = "_8zMV88Ct5-zurDxqlZ98R12mANqzN9z00UsSiRlZXc";
/// A point on P-256.
const P256_Y: &str = "D1hRXTqTO3ZSyA80Gm8b49mABylU3pu-nNqj6-BjlWg";
/// The key of that point.
const P256_DER: &str = concat!(
    "3059301306072a8648ce3d020106082a8648ce3d03010703420004ffcccc57cf02b79fb3bab0f1aa567df11d7698036accdf",
    "73d3452c4a246565770f58515d3a933b7652c80f341a6f1be3d980072954de9bbe9cdaa3ebe0639568",
);
/// A point on P-384.
const P384_X: &str = "IcCHByVb0H4s8m8k1Af198_olxmZwpI_-Mb0KBL38EJxQDlrq-93Ggiwr9zLOTjj";
/// A point on P-384.
const P384_Y: &str = "bYgAQK-fY4NQ2VA__r2w0gdSXwTo5OFHYujk9tQzE46HDjrXw_rfWznUfPXMSdxP";
/// The key of that point.
const P384_DER: &str = concat!(
    "3076301006072a8648ce3d020106052b810400220362000421c08707255bd07e2cf26f24d407f5f7cfe8971999c2923ff8c6",
    "f42812f7f0427140396babef771a08b0afdccb3938e36d880040af9f638350d9503ffebdb0d207525f04e8e4e14762e8e4f6",
    "d433138e870e3ad7c3fadf5b39d47cf5cc49dc4f",
);
/// A point on P-521.
const P521_X: &str =
    "AbDOEguz63ksb0jhsvv_wIGobt_nQBDB2zCeylJlf82lPZQ-lHMgL9x07q0fWL5kkcCP5hyzX-CnIkmxXJYnFr-D";
/// A point on P-521.
const P521_Y: &str =
    "ALfcvRhy6lEvTyYXeKlHEbpgjSCoa3cCCG7DK0GO0c173eg49_loVdV2oe_zBPa9kvooef863_x-ZlhBdb7a62tb";
/// The key of that point.
const P521_DER: &str = concat!(
    "30819b301006072a8648ce3d020106052b81040023038186000401b0ce120bb3eb792c6f48e1b2fbffc081a86edfe74010c1",
    "db309eca52657fcda53d943e9473202fdc74eead1f58be6491c08fe61cb35fe0a72249b15c962716bf8300b7dcbd1872ea51",
    "2f4f261778a94711ba608d20a86b7702086ec32b418ed1cd7bdde838f7f96855d576a1eff304f6bd92fa2879ff3adffc7e66",
    "584175bedaeb6b5b",
);

fn bytes(hex: &str) -> Vec<u8> {
    let digits: Vec<char> = hex.chars().collect();
    let byte = |pair: &[char]| u8::from_str_radix(&pair.iter().collect::<String>(), 16).unwrap();
    digits.chunks(2).map(byte).collect()
}

fn algorithms(names: &[Algorithm]) -> AlgorithmSet {
    names.iter().copied().collect()
}

fn rsa() -> Value {
    json!({"kty": "RSA", "kid": "r", "use": "sig", "n": N, "e": "AQAB"})
}

fn p256() -> Value {
    json!({"kty": "EC", "kid": "e", "crv": "P-256", "x": P256_X, "y": P256_Y})
}

/// `key` with other members; `null` removes one.
fn with(mut key: Value, changes: Value) -> Value {
    let Value::Object(changes) = changes else { panic!("not an object") };
    for (name, value) in changes {
        key[name] = value;
    }
    key
}

fn parse(keys: &[Value]) -> Jwks {
    Jwks::parse(json!({ "keys": keys }).to_string().as_bytes()).unwrap()
}

/// The one key of a set.
#[track_caller]
fn usable(key: Value) -> Key {
    let mut set = parse(&[key]);
    assert_eq!(set.dropped, []);
    set.keys.remove(0)
}

#[track_caller]
fn dropped(key: Value, reason: KeyError) {
    let text = key.to_string();
    let kid = key.get("kid").and_then(Value::as_str).unwrap_or_default().to_owned();
    // The key in the middle must not cost its neighbours.
    let set = parse(&[rsa(), key, p256()]);
    assert_eq!(set.keys, [usable(rsa()), usable(p256())], "{text}");
    assert_eq!(set.dropped, [DroppedKey { kid, position: 1, reason }], "{text}");
}

#[test]
fn keys_are_encoded_as_openssl_does() {
    for (key, der, expected) in [
        (rsa(), RSA_DER, algorithms(&Algorithm::RSA)),
        (with(rsa(), json!({"alg": "RS256"})), RSA_DER, algorithms(&[Algorithm::Rs256])),
        (with(rsa(), json!({"alg": "PS512"})), RSA_DER, algorithms(&[Algorithm::Ps512])),
        (p256(), P256_DER, algorithms(&[Algorithm::Es256])),
        (with(p256(), json!({"alg": "ES256"})), P256_DER, algorithms(&[Algorithm::Es256])),
        (
            json!({"kty": "EC", "crv": "P-384", "x": P384_X, "y": P384_Y}),
            P384_DER,
            algorithms(&[Algorithm::Es384]),
        ),
        (
            json!({"kty": "EC", "crv": "P-521", "x": P521_X, "y": P521_Y}),
            P521_DER,
            algorithms(&[Algorithm::Es512]),
        ),
    ] {
        let kid = key.get("kid").and_then(Value::as_str).unwrap_or_default().to_owned();
        assert_eq!(usable(key), Key { kid, algorithms: expected, spki: bytes(der) });
    }
}

/// Numbers need not be real moduli for their encoding.
fn modulus(bits: usize) -> Vec<u8> {
    let mut modulus = vec![0xa5; bits.div_ceil(8)];
    // What the first byte has too many bits.
    modulus[0] >>= modulus.len().saturating_mul(8).saturating_sub(bits);
    modulus
}

#[test]
fn the_verifiers_read_what_is_encoded() {
    for (bits, exponent, number) in [
        (2048, "AQAB", 65_537_u32),
        (2049, "Aw", 3),
        (3071, "Aw", 3),
        (3072, "AAEAAQ", 65_537),
        (4096, "_____w", u32::MAX),
    ] {
        let n = modulus(bits);
        let key = usable(with(rsa(), json!({"n": base64url::encode(&n), "e": exponent})));
        let read = rsa::PublicKey::from_public_key_der(&key.spki).unwrap();
        assert_eq!((&*read.n().to_be_bytes_trimmed_vartime(), read.e()), (&*n, &number.into()), "{bits}");
    }
    for (der, is_read) in [
        (P256_DER, p256::PublicKey::from_public_key_der(&bytes(P256_DER)).is_ok()),
        (P384_DER, p384::PublicKey::from_public_key_der(&bytes(P384_DER)).is_ok()),
        (P521_DER, p521::PublicKey::from_public_key_der(&bytes(P521_DER)).is_ok()),
    ] {
        assert!(is_read, "{der}");
    }
}

#[test]
fn what_does_not_matter_does_not_cost_a_key() {
    let mut padded = vec![0];
    padded.extend(base64url::decode(N.as_bytes()).unwrap());
    let plain = usable(rsa());
    for changes in [
        json!({"n": base64url::encode(&padded)}),
        json!({"e": "AAAAAAEAAQ"}),
        json!({"use": null, "alg": null, "key_ops": null, "d": null}),
        json!({"key_ops": ["verify"]}),
        json!({"key_ops": ["wrapKey", "verify"]}),
        json!({"x5c": ["MII"], "x5t": "x", "x5u": "http://evil", "jku": "http://evil", "exp": 1, "iss": {}}),
    ] {
        assert_eq!(usable(with(rsa(), changes.clone())), plain, "{changes}");
    }
    for kid in [json!(null), json!("")] {
        assert_eq!(usable(with(rsa(), json!({"kid": kid}))).kid, "");
    }
    let long = "k".repeat(MAX_KID);
    assert_eq!(usable(with(rsa(), json!({"kid": long}))).kid, long);
    let largest = base64url::encode(&modulus(8192));
    assert_eq!(usable(with(rsa(), json!({"n": largest}))).algorithms, plain.algorithms);
}

#[test]
fn bytes_that_are_no_utf8_spoil_only_their_string() {
    let text = json!({"keys": [with(rsa(), json!({"x5c": "?"})), p256()], "x": "?"}).to_string();
    let body: Vec<u8> = text.bytes().map(|byte| if byte == b'?' { 0xff } else { byte }).collect();
    assert_eq!(Jwks::parse(&body).unwrap(), parse(&[rsa(), p256()]));
}

#[test]
fn equal_kids_stay_in_their_order() {
    let other = with(rsa(), json!({"n": base64url::encode(&modulus(3072))}));
    let set = parse(&[other.clone(), rsa(), rsa()]);
    assert_eq!(set.keys, [usable(other), usable(rsa()), usable(rsa())]);
}

#[test]
fn a_bad_key_is_dropped_and_named() {
    let missing = |member| KeyError::MissingMember { member };
    let wrong_type = |member| KeyError::MemberType { member };
    for (changes, reason) in [
        (json!({"kty": null}), missing("kty")),
        (json!({"kty": 1}), wrong_type("kty")),
        (json!({"kty": "rsa"}), KeyError::KeyType),
        (json!({"kty": "OKP", "crv": "Ed25519", "x": "AA"}), KeyError::KeyType),
        (json!({"kty": "AKP", "alg": "ML-DSA-44", "pub": "AA"}), KeyError::KeyType),
        (json!({"kty": "oct", "k": "c2VjcmV0"}), KeyError::Symmetric),
        (json!({"kty": "oct"}), KeyError::Symmetric),
        (json!({"k": "c2VjcmV0"}), KeyError::Symmetric),
        (json!({"d": "AA"}), KeyError::Private),
        (json!({"p": "AA"}), KeyError::Private),
        (json!({"q": "AA"}), KeyError::Private),
        (json!({"dp": "AA"}), KeyError::Private),
        (json!({"dq": "AA"}), KeyError::Private),
        (json!({"qi": "AA"}), KeyError::Private),
        (json!({"oth": []}), KeyError::Private),
        (json!({"kid": 7}), wrong_type("kid")),
        (json!({"kid": ["r"]}), wrong_type("kid")),
        (json!({"use": "enc"}), KeyError::Use),
        (json!({"use": "Sig"}), KeyError::Use),
        (json!({"use": ""}), KeyError::Use),
        (json!({"use": ["sig"]}), wrong_type("use")),
        (json!({"key_ops": []}), KeyError::KeyOperations),
        (json!({"key_ops": ["sign"]}), KeyError::KeyOperations),
        (json!({"key_ops": ["Verify"]}), KeyError::KeyOperations),
        (json!({"key_ops": ["verify", "verify"]}), KeyError::KeyOperations),
        (json!({"key_ops": ["verify", 1]}), KeyError::KeyOperations),
        (json!({"key_ops": "verify"}), KeyError::KeyOperations),
        (json!({"alg": "HS256"}), KeyError::UnknownAlgorithm),
        (json!({"alg": "none"}), KeyError::UnknownAlgorithm),
        (json!({"alg": "rs256"}), KeyError::UnknownAlgorithm),
        (json!({"alg": "RSA-OAEP"}), KeyError::UnknownAlgorithm),
        (json!({"alg": 1}), wrong_type("alg")),
        (json!({"alg": "ES256"}), KeyError::AlgorithmMismatch),
        (json!({"n": null}), missing("n")),
        (json!({"e": null}), missing("e")),
        (json!({"n": 5}), wrong_type("n")),
        (json!({"e": 65537}), wrong_type("e")),
        (json!({"n": format!("{N}==")}), KeyError::Base64 { member: "n" }),
        (json!({"n": format!("{N}\n")}), KeyError::Base64 { member: "n" }),
        (json!({"e": "AQAB="}), KeyError::Base64 { member: "e" }),
        (json!({"e": "AQ+B"}), KeyError::Base64 { member: "e" }),
        (json!({"e": "Ax"}), KeyError::Base64 { member: "e" }),
        (json!({"n": ""}), KeyError::Modulus),
        (json!({"n": base64url::encode(&modulus(1024))}), KeyError::Modulus),
        (json!({"n": base64url::encode(&modulus(2047))}), KeyError::Modulus),
        (json!({"n": base64url::encode(&modulus(8193))}), KeyError::Modulus),
        (json!({"n": base64url::encode(&[0xa4; 256])}), KeyError::Modulus),
        (json!({"n": base64url::encode(&[0; 512])}), KeyError::Modulus),
        (json!({"e": ""}), KeyError::Exponent),
        (json!({"e": "AA"}), KeyError::Exponent),
        (json!({"e": "AQ"}), KeyError::Exponent),
        (json!({"e": "Ag"}), KeyError::Exponent),
        (json!({"e": "AQAA"}), KeyError::Exponent),
        (json!({"e": "AQAAAAE"}), KeyError::Exponent),
    ] {
        dropped(with(rsa(), changes), reason);
    }
    for (changes, reason) in [
        (json!({"crv": null}), missing("crv")),
        (json!({"crv": "secp256k1"}), KeyError::Curve),
        (json!({"crv": "P-224"}), KeyError::Curve),
        (json!({"crv": "p-256"}), KeyError::Curve),
        (json!({"crv": "P-384"}), KeyError::CoordinateLength { member: "x" }),
        (json!({"alg": "ES384"}), KeyError::AlgorithmMismatch),
        (json!({"alg": "RS256"}), KeyError::AlgorithmMismatch),
        (json!({"alg": "ES256K"}), KeyError::UnknownAlgorithm),
        (json!({"alg": "ECDH-ES"}), KeyError::UnknownAlgorithm),
        (json!({"x": null}), missing("x")),
        (json!({"y": null}), missing("y")),
        (json!({"x": P384_X}), KeyError::CoordinateLength { member: "x" }),
        (json!({"y": base64url::encode(&[1; 31])}), KeyError::CoordinateLength { member: "y" }),
        (json!({"y": base64url::encode(&[0; 33])}), KeyError::CoordinateLength { member: "y" }),
        (json!({"y": format!("{P256_Y}=")}), KeyError::Base64 { member: "y" }),
        (json!({"y": P256_X}), KeyError::NotOnCurve),
        (json!({"x": base64url::encode(&[0; 32]), "y": base64url::encode(&[0; 32])}), KeyError::NotOnCurve),
        (json!({"x": base64url::encode(&[0xff; 32])}), KeyError::NotOnCurve),
        (json!({"d": "AA"}), KeyError::Private),
        (json!({"use": "enc"}), KeyError::Use),
    ] {
        dropped(with(p256(), changes), reason);
    }
    dropped(json!({"kty": "EC", "crv": "P-384", "x": P384_Y, "y": P384_X}), KeyError::NotOnCurve);
    dropped(json!({"kty": "EC", "crv": "P-521", "x": P521_Y, "y": P521_X}), KeyError::NotOnCurve);
    for key in [json!(null), json!([]), json!("key"), json!(1), json!([{"kty": "RSA"}])] {
        dropped(key, KeyError::NotAnObject);
    }
}

#[test]
fn a_key_that_is_broken_json_by_itself_costs_only_itself() {
    let good = rsa().to_string();
    for (key, reason) in [
        (good.replacen('{', r#"{"kid":"x","#, 1), KeyError::DuplicateMember),
        (good.replacen('{', r#"{"\u006bty":"RSA","#, 1), KeyError::DuplicateMember),
        (good.replace(r#""r""#, r#""\ud800""#), KeyError::Syntax),
        (
            good.replacen('{', &format!(r#"{{"x":{}{},"#, "[".repeat(300), "]".repeat(300)), 1),
            KeyError::Syntax,
        ),
    ] {
        let set = Jwks::parse(format!(r#"{{"keys":[{key},{good}]}}"#).as_bytes()).unwrap();
        assert_eq!(set.keys, [usable(rsa())], "{key}");
        assert_eq!(set.dropped, [DroppedKey { kid: String::new(), position: 0, reason }], "{key}");
    }
}

#[test]
fn a_long_or_odd_kid_is_shown_short_and_escaped() {
    for (kid, expected) in [
        ("k".repeat(MAX_KID + 1), "k".repeat(64)),
        (format!("a\nb\u{1b}[31m\u{e9}\"{}", "k".repeat(MAX_KID)), {
            format!("a\\nb\\u{{1b}}[31m\\u{{e9}}\\\"{}", "k".repeat(54))
        }),
    ] {
        let set = parse(&[with(rsa(), json!({"kid": kid}))]);
        let dropped = DroppedKey { kid: expected, position: 0, reason: KeyError::KidTooLong };
        assert_eq!((set.keys, set.dropped), (vec![], vec![dropped]));
    }
}

#[test]
fn what_is_no_set_is_refused() {
    for body in [
        "",
        "null",
        "[]",
        "{}",
        r#"[[]]"#,
        r#"{"keys":null}"#,
        r#"{"keys":{}}"#,
        r#"{"Keys":[]}"#,
        r#"{"keys":[],"keys":[]}"#,
        r#"{"keys":[]} x"#,
        r#"{"keys":[}"#,
        "<html></html>",
    ] {
        assert_eq!(Jwks::parse(body.as_bytes()), Err(JwksError::Malformed), "{body}");
    }
    assert_eq!(Jwks::parse(&vec![b' '; MAX_DOCUMENT + 1]), Err(JwksError::TooLarge));
    let many = |count| format!(r#"{{"keys":[{}]}}"#, vec!["1"; count].join(","));
    assert_eq!(Jwks::parse(many(MAX_KEYS + 1).as_bytes()), Err(JwksError::TooManyKeys));
    assert_eq!(Jwks::parse(many(MAX_KEYS).as_bytes()).unwrap().dropped.len(), MAX_KEYS);
    assert_eq!(Jwks::parse(br#" {"keys":[],"x":1} "#).unwrap(), Jwks { keys: vec![], dropped: vec![] });
}
