//! The token mint: keys, honest tokens, and forged ones.

mod key;

use std::time::{SystemTime, UNIX_EPOCH};

use aws_lc_rs::hmac;
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::{Map, Value, json};

pub use key::{Algorithm, SigningKey};

use crate::issuer::Issuer;

/// A token in the making. It starts as a good one: `iss`, `sub`, `aud` "kubernetes", `iat`, `exp` in an hour.
#[derive(Clone, Debug)]
pub struct Token {
    header: Map<String, Value>,
    claims: Map<String, Value>,
}

impl Token {
    /// A token of this issuer.
    #[must_use]
    pub fn of(issuer: &Issuer) -> Self {
        Self::issued_by(&issuer.url())
    }

    /// A token that names this issuer.
    #[must_use]
    pub fn issued_by(url: &str) -> Self {
        let token = Self { header: Map::new(), claims: Map::new() };
        let token =
            token.claim("iss", json!(url)).claim("sub", json!("alice")).claim("aud", json!("kubernetes"));
        token.header("typ", json!("JWT")).issued_in(0).expires_in(3600)
    }

    /// Sets `sub`.
    #[must_use]
    #[allow(clippy::should_implement_trait, reason = "the name of the claim")]
    pub fn sub(self, name: &str) -> Self {
        self.claim("sub", json!(name))
    }

    /// Sets `aud`: a text or an array.
    #[must_use]
    pub fn aud(self, audience: Value) -> Self {
        self.claim("aud", audience)
    }

    /// Sets any claim.
    #[must_use]
    pub fn claim(mut self, name: &str, value: Value) -> Self {
        self.claims.insert(name.to_owned(), value);
        self
    }

    /// Leaves a claim out.
    #[must_use]
    pub fn without(mut self, name: &str) -> Self {
        self.claims.remove(name);
        self
    }

    /// Sets `exp` so many seconds from now; negative: in the past.
    #[must_use]
    pub fn expires_in(self, seconds: i64) -> Self {
        self.claim("exp", json!(now() + seconds))
    }

    /// Sets `iat` so many seconds from now.
    #[must_use]
    pub fn issued_in(self, seconds: i64) -> Self {
        self.claim("iat", json!(now() + seconds))
    }

    /// Sets `nbf` so many seconds from now.
    #[must_use]
    pub fn valid_in(self, seconds: i64) -> Self {
        self.claim("nbf", json!(now() + seconds))
    }

    /// Sets any member of the header; `null` leaves it out. `alg` and `kid` are the key's unless set here.
    #[must_use]
    pub fn header(mut self, name: &str, value: Value) -> Self {
        self.header.insert(name.to_owned(), value);
        self
    }

    /// The text of the payload.
    #[must_use]
    pub fn payload(&self) -> String {
        Value::Object(self.claims.clone()).to_string()
    }

    /// The token, signed.
    #[must_use]
    pub fn sign(&self, key: &SigningKey) -> String {
        let mut header = Map::new();
        header.insert("alg".to_owned(), json!(key.algorithm().name()));
        header.extend(key.kid().map(|kid| ("kid".to_owned(), json!(kid))));
        header.extend(self.header.clone());
        header.retain(|_, value| !value.is_null());
        sign_raw(&Value::Object(header).to_string(), &self.payload(), key)
    }
}

/// A token of exactly these texts, which need not be JSON at all, with a true signature.
#[must_use]
pub fn sign_raw(header: &str, payload: &str, key: &SigningKey) -> String {
    sign_bytes(header.as_bytes(), payload.as_bytes(), key)
}

/// As [`sign_raw`], of bytes, which need not be UTF-8.
#[must_use]
pub fn sign_bytes(header: &[u8], payload: &[u8], key: &SigningKey) -> String {
    let signed = format!("{}.{}", encode(header), encode(payload));
    let signature = key.sign(signed.as_bytes());
    format!("{signed}.{}", encode(&signature))
}

/// A token of exactly these parts; the signature may be anything.
#[must_use]
pub fn join(header: &str, payload: &str, signature: &[u8]) -> String {
    format!("{}.{}.{}", encode(header.as_bytes()), encode(payload.as_bytes()), encode(signature))
}

/// A token "signed" with HS256: the attack that takes a public key for a secret.
#[must_use]
pub fn sign_hs256(header: &str, payload: &str, secret: &[u8]) -> String {
    let signed = format!("{}.{}", encode(header.as_bytes()), encode(payload.as_bytes()));
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret), signed.as_bytes());
    format!("{signed}.{}", encode(tag.as_ref()))
}

/// Base64url without padding, as the segments of a token are encoded.
#[must_use]
pub fn encode(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// The bytes of base64url without padding; none, where it is no such thing.
#[must_use]
pub fn decode(text: &str) -> Vec<u8> {
    URL_SAFE_NO_PAD.decode(text).unwrap_or_default()
}

/// The payload of a token, unverified.
#[must_use]
pub fn claims(token: &str) -> Value {
    let payload = token.split('.').nth(1).expect("a payload");
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).expect("base64url")).expect("a payload of JSON")
}

/// The value of `Authorization` for a name and a password.
#[must_use]
pub fn basic(name: &str, password: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("{name}:{password}")))
}

/// Seconds since 1970.
#[must_use]
pub fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).expect("a clock after 1970");
    i64::try_from(since.as_secs()).expect("a clock before the end of time")
}

#[cfg(test)]
mod tests {
    use rsa::pkcs1v15::Pkcs1v15Sign;
    use rsa::traits::SignatureScheme;
    use rsa::{BoxedUint, Pss, PublicKey};
    use sha2::{Digest, Sha256, Sha384, Sha512};

    use super::*;

    fn decode(text: &Value) -> Vec<u8> {
        URL_SAFE_NO_PAD.decode(text.as_str().unwrap()).unwrap()
    }

    fn rsa_key(jwk: &Value) -> PublicKey {
        let number = |name: &str| BoxedUint::from_be_slice_vartime(&decode(&jwk[name]));
        PublicKey::new(number("n"), number("e")).unwrap()
    }

    /// Verifies with the RustCrypto crates, from the published JWK alone.
    fn verifies(jwk: &Value, text: &str, signature: &[u8]) -> bool {
        use p256::ecdsa::signature::Verifier as _;
        let rsa = |scheme: &dyn Fn(&PublicKey) -> bool| scheme(&rsa_key(jwk));
        let point = || [vec![4], decode(&jwk["x"]), decode(&jwk["y"])].concat();
        let (h256, h384, h512) = (Sha256::digest(text), Sha384::digest(text), Sha512::digest(text));
        match jwk["alg"].as_str().unwrap() {
            "RS256" => rsa(&|key| Pkcs1v15Sign::new::<Sha256>().verify(key, &h256, signature).is_ok()),
            "RS384" => rsa(&|key| Pkcs1v15Sign::new::<Sha384>().verify(key, &h384, signature).is_ok()),
            "RS512" => rsa(&|key| Pkcs1v15Sign::new::<Sha512>().verify(key, &h512, signature).is_ok()),
            "PS256" => rsa(&|key| Pss::<Sha256>::new().verify(key, &h256, signature).is_ok()),
            "PS384" => rsa(&|key| Pss::<Sha384>::new().verify(key, &h384, signature).is_ok()),
            "PS512" => rsa(&|key| Pss::<Sha512>::new().verify(key, &h512, signature).is_ok()),
            "ES256" => {
                let key = p256::ecdsa::VerifyingKey::from_sec1_bytes(&point()).unwrap();
                key.verify(text.as_bytes(), &p256::ecdsa::Signature::from_slice(signature).unwrap()).is_ok()
            }
            "ES384" => {
                let key = p384::ecdsa::VerifyingKey::from_sec1_bytes(&point()).unwrap();
                key.verify(text.as_bytes(), &p384::ecdsa::Signature::from_slice(signature).unwrap()).is_ok()
            }
            "ES512" => {
                let key = p521::ecdsa::VerifyingKey::from_sec1_bytes(&point()).unwrap();
                key.verify(text.as_bytes(), &p521::ecdsa::Signature::from_slice(signature).unwrap()).is_ok()
            }
            other => panic!("{other}"),
        }
    }

    #[test]
    fn what_the_mint_signs_verifies_elsewhere() {
        for algorithm in Algorithm::ALL {
            let key = SigningKey::shared(algorithm);
            let token = Token::issued_by("https://a").sub("bob").claim("groups", json!(["x"])).sign(&key);
            let (text, signature) = token.rsplit_once('.').unwrap();
            let signature = URL_SAFE_NO_PAD.decode(signature).unwrap();
            assert!(verifies(&key.jwk(), text, &signature), "{algorithm:?}");
            assert!(!verifies(&key.jwk(), &text.replace('.', ".a"), &signature), "{algorithm:?}");
        }
    }

    #[test]
    fn a_salt_is_as_long_as_it_is_wanted() {
        let key = SigningKey::shared(Algorithm::PS256);
        let (public, digest) = (rsa_key(&key.jwk()), Sha256::digest("text"));
        for salt in [0, 20, 32] {
            let signature = key.clone().with_salt(salt).sign(b"text");
            for length in [0, 20, 32] {
                let verified = Pss::<Sha256>::new_with_salt(length).verify(&public, &digest, &signature);
                assert_eq!(verified.is_ok(), length == salt, "{salt} {length}");
            }
        }
    }

    #[test]
    fn a_header_is_the_keys_unless_told_otherwise() {
        let key = SigningKey::shared(Algorithm::ES256).with_kid("k1");
        let header = |token: &Token| -> Value {
            let token = token.sign(&key);
            serde_json::from_slice(&URL_SAFE_NO_PAD.decode(token.split('.').next().unwrap()).unwrap())
                .unwrap()
        };
        let token = Token::issued_by("https://a");
        assert_eq!(header(&token), json!({"alg": "ES256", "kid": "k1", "typ": "JWT"}));
        let odd =
            token.header("typ", Value::Null).header("alg", json!("none")).header("crit", json!(["b64"]));
        assert_eq!(header(&odd), json!({"alg": "none", "kid": "k1", "crit": ["b64"]}));
    }

    #[test]
    fn every_key_has_its_own_key_id() {
        let (a, b) = (SigningKey::generate(Algorithm::ES256), SigningKey::generate(Algorithm::ES256));
        assert_ne!(a.kid(), b.kid());
        assert_ne!(SigningKey::shared(Algorithm::RS256).kid(), SigningKey::shared(Algorithm::PS256).kid());
    }
}
