//! The keys of an issuer, as JWKS have them: few or many, under names of their own, under one or under none, with members
//! that say what they are for.

use ::tests::{Algorithm, SigningKey};
use serde_json::{Value, json};

use crate::random::Random;

/// Keys and the JWKS with them.
pub(crate) struct Keys {
    /// What is unusual about them, if anything is: one of [`KINDS`].
    pub(crate) kind: Option<&'static str>,
    /// Those that sign.
    pub(crate) signing: Vec<SigningKey>,
    /// The JWKS.
    pub(crate) jwks: Value,
}

/// What can be unusual about the keys of an issuer.
pub(crate) const KINDS: [&str; 4] = [
    "keys: several of one kind",
    "keys: several under one kid",
    "keys: a crowd",
    "keys: use, key_ops, alg, long kids",
];

/// More than the gateway tries for a token.
const CROWD: usize = 11;

impl Keys {
    /// Makes some up.
    pub(crate) fn draw(random: &mut Random) -> Self {
        let kind = match random.below(100) {
            0..48 => return Self::usual(random),
            48..61 => 0,
            61..74 => 1,
            74..87 => 2,
            _ => 3,
        };
        let signing = match kind {
            0 => several(random),
            1 => several(random).into_iter().map(|key| key.with_kid("one")).collect(),
            2 => crowd(random),
            _ => odd(random),
        };
        let jwk = |key: &SigningKey| if kind == 3 { with_purpose(key, random) } else { usual(key, random) };
        let mut jwks: Vec<_> = signing.iter().map(jwk).collect();
        // An issuer of which the gateway knows no key at all is another matter.
        jwks.insert(0, SigningKey::shared(Algorithm::ES384).with_kid("another").jwk());
        Self { kind: Some(KINDS[kind]), signing, jwks: json!({"keys": jwks}) }
    }

    /// One, two or three, each of a kind of its own.
    fn usual(random: &mut Random) -> Self {
        let mut signing = Vec::<SigningKey>::new();
        for _ in 0..=random.below(3) {
            let algorithm = *random.pick(&Algorithm::ALL);
            let mut key = SigningKey::shared(algorithm);
            if random.percent(20) {
                key = key.without_kid();
            }
            if signing.iter().all(|known| known.algorithm().name()[..2] != algorithm.name()[..2]) {
                signing.push(key);
            }
        }
        let jwks: Vec<_> = signing.iter().map(|key| usual(key, random)).collect();
        Self { kind: None, signing, jwks: json!({"keys": jwks}) }
    }
}

/// Many keys without a `kid`, or with one for all.
fn crowd(random: &mut Random) -> Vec<SigningKey> {
    let has_kid = random.percent(50);
    let key = |_| SigningKey::generate(Algorithm::ES256);
    (0..CROWD).map(key).map(|key| if has_kid { key.with_kid("all") } else { key.without_kid() }).collect()
}

/// Keys of the same kind, and the shared RSA key as one of several algorithms.
fn several(random: &mut Random) -> Vec<SigningKey> {
    let mut keys = vec![SigningKey::generate(Algorithm::ES256), SigningKey::generate(Algorithm::ES256)];
    for _ in 0..random.below(3) {
        keys.push(SigningKey::shared(*random.pick(&Algorithm::RSA)));
    }
    keys
}

/// Keys for JWKs that say what they are for, of which some have a `kid` that is longer than what the gateway reads.
fn odd(random: &mut Random) -> Vec<SigningKey> {
    let key = |at: usize, random: &mut Random| {
        let key = SigningKey::shared(*random.pick(&Algorithm::ALL));
        let kid = format!("{at}{}", "k".repeat(if random.percent(15) { 300 } else { 3 }));
        key.with_kid(&kid)
    };
    (0..3).map(|at| key(at, random)).collect()
}

/// A JWK with what issuers put in it, or leave out.
fn usual(key: &SigningKey, random: &mut Random) -> Value {
    let mut jwk = key.jwk();
    if random.percent(40) {
        jwk["alg"].take();
    }
    if random.percent(30) {
        jwk["use"].take();
    }
    without_nulls(jwk)
}

/// A JWK with a purpose, which need not be that of checking signatures.
fn with_purpose(key: &SigningKey, random: &mut Random) -> Value {
    let mut jwk = key.jwk();
    if random.percent(50) {
        return jwk;
    }
    let members = random.take(vec![
        json!({"use": "enc"}),
        json!({"use": ""}),
        json!({"use": "SIG"}),
        json!({"key_ops": ["verify"]}),
        json!({"use": null, "key_ops": ["sign"]}),
        json!({"use": null, "key_ops": ["encrypt", "verify"]}),
        json!({"use": null, "key_ops": []}),
        json!({"alg": "RSA-OAEP"}),
        json!({"alg": "HS256"}),
        json!({"alg": ""}),
        json!({"alg": null, "ext": true, "x": jwk["x"], "nbf": 5}),
    ]);
    for (name, value) in members.as_object().into_iter().flatten() {
        jwk[name] = value.clone();
    }
    without_nulls(jwk)
}

fn without_nulls(mut jwk: Value) -> Value {
    if let Some(members) = jwk.as_object_mut() {
        members.retain(|_, value| !value.is_null());
    }
    jwk
}
