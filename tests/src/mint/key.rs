//! The keys that sign.

use std::sync::{Arc, Mutex, PoisonError};

use aws_lc_rs::digest;
use aws_lc_rs::encoding::{AsDer as _, Pkcs8V1Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    self, ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, ECDSA_P521_SHA512_FIXED_SIGNING,
    EcdsaKeyPair, Ed25519KeyPair, KeyPair, RsaEncoding, RsaKeyPair,
};
use getrandom::SysRng;
use rsa::pkcs8::DecodePrivateKey as _;
use rsa::{PrivateKey, Pss};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256, Sha384, Sha512};

use super::encode;

/// The signature algorithms of JOSE that a key can have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names say it")]
pub enum Algorithm {
    EdDSA,
    ES256,
    ES384,
    ES512,
    PS256,
    PS384,
    PS512,
    RS256,
    RS384,
    RS512,
}

impl Algorithm {
    /// All that kube-apiserver can be told to accept.
    pub const ALL: [Self; 9] = [
        Self::ES256,
        Self::ES384,
        Self::ES512,
        Self::PS256,
        Self::PS384,
        Self::PS512,
        Self::RS256,
        Self::RS384,
        Self::RS512,
    ];

    /// Those of RSA keys.
    pub const RSA: [Self; 6] = [Self::RS256, Self::RS384, Self::RS512, Self::PS256, Self::PS384, Self::PS512];

    /// Its name in `alg`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::EdDSA => "EdDSA",
            Self::ES256 => "ES256",
            Self::ES384 => "ES384",
            Self::ES512 => "ES512",
            Self::PS256 => "PS256",
            Self::PS384 => "PS384",
            Self::PS512 => "PS512",
            Self::RS256 => "RS256",
            Self::RS384 => "RS384",
            Self::RS512 => "RS512",
        }
    }
}

/// A private key, its algorithm and its key id. Cheap to clone.
#[derive(Clone, Debug)]
pub struct SigningKey {
    algorithm: Algorithm,
    kid: Option<String>,
    pair: Pair,
    salt: Option<usize>,
}

#[derive(Clone, Debug)]
enum Pair {
    Ecdsa(Arc<EcdsaKeyPair>),
    Ed25519(Arc<Ed25519KeyPair>),
    Rsa(Arc<RsaKeyPair>),
}

impl SigningKey {
    /// A new key with a key id of its own.
    #[must_use]
    pub fn generate(algorithm: Algorithm) -> Self {
        let ecdsa = |of| Pair::Ecdsa(Arc::new(EcdsaKeyPair::generate(of).expect("ECDSA key")));
        let pair = match algorithm {
            Algorithm::ES256 => ecdsa(&ECDSA_P256_SHA256_FIXED_SIGNING),
            Algorithm::ES384 => ecdsa(&ECDSA_P384_SHA384_FIXED_SIGNING),
            Algorithm::ES512 => ecdsa(&ECDSA_P521_SHA512_FIXED_SIGNING),
            Algorithm::EdDSA => Pair::Ed25519(Arc::new(Ed25519KeyPair::generate().expect("Ed25519 key"))),
            _ => Pair::Rsa(Arc::new(RsaKeyPair::generate(KeySize::Rsa2048).expect("RSA key"))),
        };
        Self::named_by_itself(algorithm, pair)
    }

    /// The key of this algorithm that all tests of the process share. It saves the making of an RSA key;
    /// RS* and PS* share the key material, too.
    #[must_use]
    pub fn shared(algorithm: Algorithm) -> Self {
        static RSA: Mutex<Option<Arc<RsaKeyPair>>> = Mutex::new(None);
        static REST: Mutex<Vec<SigningKey>> = Mutex::new(Vec::new());
        if algorithm.name().starts_with(['P', 'R']) {
            let mut rsa = RSA.lock().unwrap_or_else(PoisonError::into_inner);
            let new = || Arc::new(RsaKeyPair::generate(KeySize::Rsa2048).expect("RSA key"));
            return Self::named_by_itself(algorithm, Pair::Rsa(Arc::clone(rsa.get_or_insert_with(new))));
        }
        let mut rest = REST.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(key) = rest.iter().find(|key| key.algorithm == algorithm) {
            return key.clone();
        }
        rest.push(Self::generate(algorithm));
        rest[rest.len() - 1].clone()
    }

    /// A new RSA key of this size: 2048, 3072, 4096 or 8192 bits.
    #[must_use]
    pub fn generate_rsa(algorithm: Algorithm, bits: u16) -> Self {
        let size = match bits {
            2048 => KeySize::Rsa2048,
            3072 => KeySize::Rsa3072,
            4096 => KeySize::Rsa4096,
            8192 => KeySize::Rsa8192,
            _ => panic!("no RSA key of {bits} bits"),
        };
        Self::named_by_itself(algorithm, Pair::Rsa(Arc::new(RsaKeyPair::generate(size).expect("RSA key"))))
    }

    /// The same key under another key id.
    #[must_use]
    pub fn with_kid(mut self, kid: &str) -> Self {
        self.kid = Some(kid.to_owned());
        self
    }

    /// The same key without a key id, in its JWK and in the tokens that it signs.
    #[must_use]
    pub fn without_kid(mut self) -> Self {
        self.kid = None;
        self
    }

    /// The same RSA key for another RS* or PS* algorithm.
    #[must_use]
    pub fn with_algorithm(mut self, algorithm: Algorithm) -> Self {
        self.algorithm = algorithm;
        self
    }

    /// The same RSA key with PSS salts of so many bytes, whatever the hash's length is.
    #[must_use]
    pub fn with_salt(mut self, bytes: usize) -> Self {
        self.salt = Some(bytes);
        self
    }

    /// Whether it makes PSS salts of another length than the hash's.
    #[must_use]
    pub fn has_odd_salt(&self) -> bool {
        let usual = match self.algorithm {
            Algorithm::PS256 => 32,
            Algorithm::PS384 => 48,
            Algorithm::PS512 => 64,
            _ => return false,
        };
        self.salt.is_some_and(|salt| salt != usual)
    }

    /// Its algorithm.
    #[must_use]
    pub fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// Its key id.
    #[must_use]
    pub fn kid(&self) -> Option<&str> {
        self.kid.as_deref()
    }

    /// The public key as a JWK: `kty`, `alg`, `use`, `kid`, and the numbers.
    #[must_use]
    pub fn jwk(&self) -> Value {
        let mut jwk = self.public_members();
        jwk["alg"] = json!(self.algorithm.name());
        jwk["use"] = json!("sig");
        if let Some(kid) = &self.kid {
            jwk["kid"] = json!(kid);
        }
        jwk
    }

    /// The signature of a text in the form of JOSE (RFC 7518 3).
    #[must_use]
    pub fn sign(&self, text: &[u8]) -> Vec<u8> {
        match &self.pair {
            Pair::Ecdsa(pair) => {
                pair.sign(&SystemRandom::new(), text).expect("ECDSA signature").as_ref().to_vec()
            }
            Pair::Ed25519(pair) => pair.sign(text).as_ref().to_vec(),
            Pair::Rsa(pair) => {
                if let Some(signature) = self.sign_with_salt(pair, text) {
                    return signature;
                }
                let encoding: &'static dyn RsaEncoding = match self.algorithm {
                    Algorithm::PS256 => &signature::RSA_PSS_SHA256,
                    Algorithm::PS384 => &signature::RSA_PSS_SHA384,
                    Algorithm::PS512 => &signature::RSA_PSS_SHA512,
                    Algorithm::RS256 => &signature::RSA_PKCS1_SHA256,
                    Algorithm::RS384 => &signature::RSA_PKCS1_SHA384,
                    Algorithm::RS512 => &signature::RSA_PKCS1_SHA512,
                    other => panic!("an RSA key does not sign {other:?}"),
                };
                let mut bytes = vec![0; pair.public_modulus_len()];
                pair.sign(encoding, &SystemRandom::new(), text, &mut bytes).expect("RSA signature");
                bytes
            }
        }
    }

    /// A signature of PS* with a salt of another length, if that is what the key makes. The library that signs the rest has
    /// no such thing.
    fn sign_with_salt(&self, pair: &RsaKeyPair, text: &[u8]) -> Option<Vec<u8>> {
        let salt = self.salt?;
        let der: Pkcs8V1Der<'_> = pair.as_der().expect("PKCS #8");
        let key = PrivateKey::from_pkcs8_der(der.as_ref()).expect("an RSA key");
        macro_rules! sign {
            ($hash:ident) => {
                key.sign_with_rng(&mut SysRng, Pss::<$hash>::new_with_salt(salt), &$hash::digest(text))
            };
        }
        let signature = match self.algorithm {
            Algorithm::PS256 => sign!(Sha256),
            Algorithm::PS384 => sign!(Sha384),
            Algorithm::PS512 => sign!(Sha512),
            _ => return None,
        };
        Some(signature.expect("RSA signature"))
    }

    /// The key id is the thumbprint of the key (RFC 7638), with the algorithm, so that it is never shared.
    fn named_by_itself(algorithm: Algorithm, pair: Pair) -> Self {
        let key = Self { algorithm, kid: None, pair, salt: None };
        let thumbprint = digest::digest(&digest::SHA256, key.public_members().to_string().as_bytes());
        let kid = format!("{}-{}", algorithm.name(), encode(&thumbprint.as_ref()[..9]));
        key.with_kid(&kid)
    }

    fn public_members(&self) -> Value {
        match &self.pair {
            Pair::Ecdsa(pair) => {
                let point = &pair.public_key().as_ref()[1..];
                let (x, y) = point.split_at(point.len() / 2);
                let curve = match self.algorithm {
                    Algorithm::ES256 => "P-256",
                    Algorithm::ES384 => "P-384",
                    _ => "P-521",
                };
                json!({"kty": "EC", "crv": curve, "x": encode(x), "y": encode(y)})
            }
            Pair::Ed25519(pair) => {
                json!({"kty": "OKP", "crv": "Ed25519", "x": encode(pair.public_key().as_ref())})
            }
            Pair::Rsa(pair) => {
                let public = pair.public_key();
                let modulus = public.modulus().big_endian_without_leading_zero();
                let exponent = public.exponent().big_endian_without_leading_zero();
                json!({"kty": "RSA", "n": encode(modulus), "e": encode(exponent)})
            }
        }
    }
}
