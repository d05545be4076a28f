//! Wycheproof's signature vectors through the portable verifier, and through the conversion of ECDSA signatures to DER.
//!
//! A vector that is merely "acceptable" is refused unless it stands in [`ACCEPTED`], and one that stands there must
//! be accepted.
#![allow(
    clippy::unwrap_used,
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    reason = "test code"
)]

use std::collections::BTreeSet;

use authn::algorithm::{Algorithm, Hash};
use authn::keys::Key;
use authn::signature::{Portable, VerifySignature as _, ecdsa_signature_der};
use p256::ecdsa::signature::hazmat::PrehashVerifier as _;
use p256::pkcs8::DecodePublicKey as _;
use sha2::{Digest as _, Sha256, Sha384, Sha512};
use wycheproof::{HashFunction, TestResult, ecdsa, rsa_pkcs1_verify, rsa_pss_verify};

/// Set and test number of each "acceptable" vector that is accepted: none.
const ACCEPTED: [(&str, usize); 0] = [];

/// What was seen of a set of vectors.
#[derive(Default)]
struct Seen {
    valid: usize,
    invalid: usize,
    accepted: BTreeSet<usize>,
    wrong: Vec<String>,
}

impl Seen {
    fn see(&mut self, number: usize, comment: &str, expected: TestResult, is_ok: bool) {
        match (expected, is_ok) {
            (TestResult::Valid, true) => self.valid += 1,
            (TestResult::Invalid, false) => self.invalid += 1,
            (TestResult::Acceptable, false) => {}
            (TestResult::Acceptable, true) => {
                self.accepted.insert(number);
            }
            _ => self.wrong.push(format!("{number}: {comment}: expected {expected:?}")),
        }
    }

    #[track_caller]
    fn check(&self, set: &str) {
        assert_eq!(self.wrong, Vec::<String>::new(), "{set}");
        let listed = ACCEPTED.iter().filter(|(name, _)| *name == set).map(|(_, number)| *number).collect();
        assert_eq!(self.accepted, listed, "{set}: acceptable vectors that were accepted");
        assert!(self.valid > 0 && self.invalid > 0, "{set}: {} valid, {} invalid", self.valid, self.invalid);
    }
}

fn verifies(spki: &[u8], algorithm: Algorithm, message: &[u8], signature: &[u8]) -> bool {
    let key = Key { kid: String::new(), algorithms: [algorithm].into_iter().collect(), spki: spki.to_vec() };
    Portable.verify(&key, algorithm, message, signature).is_ok()
}

#[test]
fn rsa_pkcs1() {
    use rsa_pkcs1_verify::TestName::*;
    let sets = [
        (Rsa2048Sha256, Algorithm::Rs256),
        (Rsa2048Sha384, Algorithm::Rs384),
        (Rsa2048Sha512, Algorithm::Rs512),
        (Rsa3072Sha256, Algorithm::Rs256),
        (Rsa3072Sha384, Algorithm::Rs384),
        (Rsa3072Sha512, Algorithm::Rs512),
        (Rsa4096Sha256, Algorithm::Rs256),
        (Rsa4096Sha384, Algorithm::Rs384),
        (Rsa4096Sha512, Algorithm::Rs512),
        (Rsa8192Sha256, Algorithm::Rs256),
        (Rsa8192Sha384, Algorithm::Rs384),
        (Rsa8192Sha512, Algorithm::Rs512),
    ];
    for (name, algorithm) in sets {
        let mut seen = Seen::default();
        for group in rsa_pkcs1_verify::TestSet::load(name).unwrap().test_groups {
            assert_eq!(group.hash, hash(algorithm));
            for test in group.tests {
                let is_ok = verifies(&group.der, algorithm, &test.msg, &test.sig);
                seen.see(test.tc_id, &test.comment, test.result, is_ok);
            }
        }
        seen.check(&format!("{name:?}"));
    }
}

#[test]
fn rsa_pss() {
    use rsa_pss_verify::TestName::*;
    let sets = [
        (RsaPss2048Sha256Mgf1SaltLen32, Algorithm::Ps256),
        (RsaPss2048Sha384Mgf1SaltLen48, Algorithm::Ps384),
        (RsaPss3072Sha256Mgf1SaltLen32, Algorithm::Ps256),
        (RsaPss4096Sha256Mgf1SaltLen32, Algorithm::Ps256),
        (RsaPss4096Sha384Mgf1SaltLen48, Algorithm::Ps384),
        (RsaPss4096Sha512Mgf1SaltLen64, Algorithm::Ps512),
    ];
    for (name, algorithm) in sets {
        let mut seen = Seen::default();
        for group in rsa_pss_verify::TestSet::load(name).unwrap().test_groups {
            assert_eq!((group.hash, group.mgf_hash), (hash(algorithm), Some(hash(algorithm))));
            for test in group.tests {
                let is_ok = verifies(&group.der, algorithm, &test.msg, &test.sig);
                seen.see(test.tc_id, &test.comment, test.result, is_ok);
            }
        }
        seen.check(&format!("{name:?}"));
    }
}

/// RFC 7518 3.5 knows one salt length; what is valid with another one is refused.
#[test]
fn rsa_pss_of_other_parameters_is_refused() {
    use rsa_pss_verify::TestName::*;
    let sets = [
        (RsaPss2048Sha256Mgf1SaltLen0, Algorithm::Ps256),
        (RsaPss2048Sha256Mgf1Sha1_20, Algorithm::Ps256),
        (RsaPss4096Sha512Mgf1SaltLen32, Algorithm::Ps512),
    ];
    for (name, algorithm) in sets {
        for group in rsa_pss_verify::TestSet::load(name).unwrap().test_groups {
            // Some that are invalid there have the salt that is right here.
            for test in group.tests.iter().filter(|test| test.result != TestResult::Invalid) {
                assert!(!verifies(&group.der, algorithm, &test.msg, &test.sig), "{name:?} {}", test.tc_id);
            }
        }
    }
}

#[test]
fn ecdsa_p1363() {
    use ecdsa::TestName::*;
    let sets = [
        (EcdsaSecp256r1Sha256P1363, Algorithm::Es256),
        (EcdsaSecp384r1Sha384P1363, Algorithm::Es384),
        (EcdsaSecp521r1Sha512P1363, Algorithm::Es512),
    ];
    for (name, algorithm) in sets {
        let (mut portable, mut der) = (Seen::default(), Seen::default());
        for group in ecdsa::TestSet::load(name).unwrap().test_groups {
            assert_eq!(group.hash, hash(algorithm));
            for test in group.tests {
                let is_ok = verifies(&group.der, algorithm, &test.msg, &test.sig);
                portable.see(test.tc_id, &test.comment, test.result, is_ok);
                let is_ok = verifies_as_der(&group.der, algorithm, &test.msg, &test.sig);
                der.see(test.tc_id, &test.comment, test.result, is_ok);
            }
        }
        portable.check(&format!("{name:?}"));
        der.check(&format!("{name:?}"));
    }
}

/// No signature in DER passes for one in the form of JOSE: only its length could save it.
#[test]
fn ecdsa_der_is_not_taken() {
    use ecdsa::TestName::*;
    let sets = [
        (EcdsaSecp256r1Sha256, Algorithm::Es256),
        (EcdsaSecp384r1Sha384, Algorithm::Es384),
        (EcdsaSecp521r1Sha512, Algorithm::Es512),
    ];
    for (name, algorithm) in sets {
        for group in ecdsa::TestSet::load(name).unwrap().test_groups {
            for test in group.tests {
                assert!(!verifies(&group.der, algorithm, &test.msg, &test.sig), "{name:?} {}", test.tc_id);
            }
        }
    }
}

/// What a host does: a strict DER parser, then the curve.
fn verifies_as_der(spki: &[u8], algorithm: Algorithm, message: &[u8], signature: &[u8]) -> bool {
    let Ok(der) = ecdsa_signature_der(algorithm, signature) else { return false };
    macro_rules! on_curve {
        ($curve:ident, $hash:ident) => {{
            let key = $curve::PublicKey::from_public_key_der(spki).unwrap().to_sec1_bytes();
            let key = $curve::ecdsa::VerifyingKey::from_sec1_bytes(&key).unwrap();
            $curve::ecdsa::Signature::from_der(der.as_slice())
                .is_ok_and(|signature| key.verify_prehash(&$hash::digest(message), &signature).is_ok())
        }};
    }
    match algorithm {
        Algorithm::Es256 => on_curve!(p256, Sha256),
        Algorithm::Es384 => on_curve!(p384, Sha384),
        _ => on_curve!(p521, Sha512),
    }
}

fn hash(algorithm: Algorithm) -> HashFunction {
    match algorithm.hash() {
        Hash::Sha256 => HashFunction::Sha2_256,
        Hash::Sha384 => HashFunction::Sha2_384,
        Hash::Sha512 => HashFunction::Sha2_512,
    }
}
