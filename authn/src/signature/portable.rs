//! The portable verifier: pure Rust, for RSASSA-PSS and for hosts that can't verify themselves.

use p256::ecdsa::signature::hazmat::PrehashVerifier as _;
use p256::pkcs8::DecodePublicKey as _;
use rsa::pkcs1::der::Decode as _;
use rsa::pkcs8::SubjectPublicKeyInfoRef;
use rsa::traits::SignatureScheme as _;
use rsa::{BoxedUint, Pkcs1v15Sign, Pss, PublicKey, pkcs1};
use sha2::{Digest as _, Sha256, Sha384, Sha512};

use super::{InvalidSignature, VerifySignature};
use crate::algorithm::{Algorithm, Family, Hash};
use crate::keys::{Key, MAX_RSA_BITS, MIN_RSA_BITS};

/// Checks signatures with RustCrypto's primitives.
#[derive(Clone, Copy, Debug, Default)]
pub struct Portable;

impl VerifySignature for Portable {
    fn verify(
        &self,
        key: &Key,
        algorithm: Algorithm,
        signing_input: &[u8],
        signature: &[u8],
    ) -> Result<(), InvalidSignature> {
        if !key.algorithms.contains(algorithm) {
            return Err(InvalidSignature);
        }
        let digest = match algorithm.hash() {
            Hash::Sha256 => Sha256::digest(signing_input).to_vec(),
            Hash::Sha384 => Sha384::digest(signing_input).to_vec(),
            Hash::Sha512 => Sha512::digest(signing_input).to_vec(),
        };
        match algorithm.family() {
            Family::RsaPkcs1 => rsa_pkcs1(&key.spki, algorithm.hash(), &digest, signature),
            Family::RsaPss => rsa_pss(&key.spki, algorithm.hash(), &digest, signature),
            Family::Ecdsa => ecdsa(&key.spki, algorithm, &digest, signature),
        }
    }

    fn is_slow(&self, _algorithm: Algorithm) -> bool {
        true
    }
}

/// The key of a signature that is exactly as long as its modulus (RFC 8017 8.1.2 and 8.2.2, step 1). That is looked at before
/// anything is computed, which is why the key is taken apart by hand.
fn rsa_key(spki: &[u8], signature: &[u8]) -> Result<PublicKey, InvalidSignature> {
    let spki = SubjectPublicKeyInfoRef::from_der(spki).map_err(|_| InvalidSignature)?;
    spki.algorithm.assert_algorithm_oid(pkcs1::ALGORITHM_OID).map_err(|_| InvalidSignature)?;
    let key = spki.subject_public_key.as_bytes().ok_or(InvalidSignature)?;
    let key: pkcs1::RsaPublicKey<pkcs1::UintRef<'_>> =
        pkcs1::RsaPublicKey::from_der(key).map_err(|_| InvalidSignature)?;
    if signature.len() != key.modulus.as_bytes().len() {
        return Err(InvalidSignature);
    }
    let integer = |integer: pkcs1::UintRef<'_>| BoxedUint::from_be_slice_vartime(integer.as_bytes());
    let (modulus, exponent) = (integer(key.modulus), integer(key.public_exponent));
    PublicKey::new_with_size_limits(modulus, exponent, MIN_RSA_BITS..=MAX_RSA_BITS)
        .map_err(|_| InvalidSignature)
}

fn rsa_pkcs1(spki: &[u8], hash: Hash, digest: &[u8], signature: &[u8]) -> Result<(), InvalidSignature> {
    let padding = match hash {
        Hash::Sha256 => Pkcs1v15Sign::new::<Sha256>(),
        Hash::Sha384 => Pkcs1v15Sign::new::<Sha384>(),
        Hash::Sha512 => Pkcs1v15Sign::new::<Sha512>(),
    };
    padding.verify(&rsa_key(spki, signature)?, digest, signature).map_err(|_| InvalidSignature)
}

/// RFC 7518 3.5: the salt is as long as the hash.
fn rsa_pss(spki: &[u8], hash: Hash, digest: &[u8], signature: &[u8]) -> Result<(), InvalidSignature> {
    let key = rsa_key(spki, signature)?;
    match hash {
        Hash::Sha256 => Pss::<Sha256>::new().verify(&key, digest, signature),
        Hash::Sha384 => Pss::<Sha384>::new().verify(&key, digest, signature),
        Hash::Sha512 => Pss::<Sha512>::new().verify(&key, digest, signature),
    }
    .map_err(|_| InvalidSignature)
}

fn ecdsa(spki: &[u8], algorithm: Algorithm, digest: &[u8], signature: &[u8]) -> Result<(), InvalidSignature> {
    macro_rules! on_curve {
        ($curve:ident) => {{
            let key = $curve::PublicKey::from_public_key_der(spki).map_err(|_| InvalidSignature)?;
            let signature = $curve::ecdsa::Signature::from_slice(signature).map_err(|_| InvalidSignature)?;
            let key = $curve::ecdsa::VerifyingKey::from(key);
            key.verify_prehash(digest, &signature).map_err(|_| InvalidSignature)
        }};
    }
    match algorithm {
        Algorithm::Es256 => on_curve!(p256),
        Algorithm::Es384 => on_curve!(p384),
        Algorithm::Es512 => on_curve!(p521),
        _ => Err(InvalidSignature),
    }
}
