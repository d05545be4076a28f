//! Signatures: checked in the host where it can, portably where it can't.
//!
//! Envoy's foreign function `verify_signature` takes microseconds where Rust in wasm takes a millisecond. Whether this
//! host has it, and for which families, is found out by known answers when the VM starts.

use std::cell::Cell;
use std::time::Duration;

use authn::algorithm::{Algorithm, Hash};
use authn::keys::Key;
use authn::signature::{InvalidSignature, Portable, VerifySignature, ecdsa_signature_der};

use crate::host;

/// What is signed in each known answer.
const TEXT: &[u8] = include_bytes!("known_answers/text");

/// A family of keys, with a public key (DER SubjectPublicKeyInfo) and its signature over [`TEXT`].
struct KnownAnswer {
    hash: Hash,
    spki: &'static [u8],
    signature: &'static [u8],
}

const RSA: KnownAnswer = KnownAnswer {
    hash: Hash::Sha256,
    spki: include_bytes!("known_answers/rsa.spki"),
    signature: include_bytes!("known_answers/rsa.sig"),
};
const P256: KnownAnswer = KnownAnswer {
    hash: Hash::Sha256,
    spki: include_bytes!("known_answers/p256.spki"),
    signature: include_bytes!("known_answers/p256.sig"),
};
const P384: KnownAnswer = KnownAnswer {
    hash: Hash::Sha384,
    spki: include_bytes!("known_answers/p384.spki"),
    signature: include_bytes!("known_answers/p384.sig"),
};
const P521: KnownAnswer = KnownAnswer {
    hash: Hash::Sha512,
    spki: include_bytes!("known_answers/p521.spki"),
    signature: include_bytes!("known_answers/p521.sig"),
};

/// Which families the host can verify.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Verifier {
    rsa: bool,
    p256: bool,
    p384: bool,
    p521: bool,
}

impl Verifier {
    /// Asks the host each known answer, and each with another text: a host that finds everything good is not used.
    pub(crate) fn probe() -> Self {
        let works = |answer: &KnownAnswer| {
            let verify =
                |text: &[u8]| host::verify_signature(answer.hash, answer.spki, answer.signature, text);
            verify(TEXT) && !verify(b"another text")
        };
        Self { rsa: works(&RSA), p256: works(&P256), p384: works(&P384), p521: works(&P521) }
    }

    const fn in_host(self, algorithm: Algorithm) -> bool {
        match algorithm {
            Algorithm::Rs256 | Algorithm::Rs384 | Algorithm::Rs512 => self.rsa,
            Algorithm::Es256 => self.p256,
            Algorithm::Es384 => self.p384,
            Algorithm::Es512 => self.p521,
            Algorithm::Ps256 | Algorithm::Ps384 | Algorithm::Ps512 => false,
        }
    }
}

/// A verifier that says what it had to do.
pub(crate) struct Watched {
    verifier: Verifier,
    is_timed: bool,
    checked: Cell<Option<Checked>>,
}

/// The checks of one signature, by one key or several.
#[derive(Clone, Copy, Default)]
pub(crate) struct Checked {
    /// Whether it is by one of them.
    pub(crate) good: bool,
    /// What all of them took, if that was timed.
    pub(crate) spent: Duration,
}

impl Watched {
    /// `is_timed`: whether it looks at the clock, too.
    pub(crate) const fn new(verifier: Verifier, is_timed: bool) -> Self {
        Self { verifier, is_timed, checked: Cell::new(None) }
    }

    /// What was checked; `None` when nothing was.
    pub(crate) const fn checked(&self) -> Option<Checked> {
        self.checked.get()
    }
}

impl VerifySignature for Watched {
    fn verify(
        &self,
        key: &Key,
        algorithm: Algorithm,
        signing_input: &[u8],
        signature: &[u8],
    ) -> Result<(), InvalidSignature> {
        let clock = || self.is_timed.then(host::clock).flatten();
        let start = clock();
        let result = self.verifier.verify(key, algorithm, signing_input, signature);
        let took = clock().zip(start).map(|(end, start)| end.saturating_sub(start)).unwrap_or_default();
        let Checked { good, spent } = self.checked.get().unwrap_or_default();
        let checked = Checked { good: good || result.is_ok(), spent: spent.saturating_add(took) };
        self.checked.set(Some(checked));
        result
    }

    fn is_slow(&self, algorithm: Algorithm) -> bool {
        self.verifier.is_slow(algorithm)
    }
}

impl VerifySignature for Verifier {
    fn verify(
        &self,
        key: &Key,
        algorithm: Algorithm,
        signing_input: &[u8],
        signature: &[u8],
    ) -> Result<(), InvalidSignature> {
        if !self.in_host(algorithm) {
            return Portable.verify(key, algorithm, signing_input, signature);
        }
        // The host takes the family from the key alone, so the pairing is checked here once more.
        if !key.algorithms.contains(algorithm) {
            return Err(InvalidSignature);
        }
        let der;
        let signature = if algorithm.coordinate_length().is_some() {
            der = ecdsa_signature_der(algorithm, signature)?;
            der.as_slice()
        } else {
            signature
        };
        if host::verify_signature(algorithm.hash(), &key.spki, signature, signing_input) {
            Ok(())
        } else {
            Err(InvalidSignature)
        }
    }

    fn is_slow(&self, algorithm: Algorithm) -> bool {
        // In the host, P-384 and P-521 take half a millisecond and more.
        !self.in_host(algorithm) || matches!(algorithm, Algorithm::Es384 | Algorithm::Es512)
    }
}
