//! The signature algorithms that kube-apiserver allows (RFC 7518 3.1). HS*, `none` and EdDSA have no name here,
//! so nothing downstream can be talked into them.

use std::fmt;

/// A JWS signature algorithm.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Algorithm {
    /// RSASSA-PKCS1-v1_5 with SHA-256.
    Rs256,
    /// RSASSA-PKCS1-v1_5 with SHA-384.
    Rs384,
    /// RSASSA-PKCS1-v1_5 with SHA-512.
    Rs512,
    /// ECDSA on P-256 with SHA-256.
    Es256,
    /// ECDSA on P-384 with SHA-384.
    Es384,
    /// ECDSA on P-521 with SHA-512.
    Es512,
    /// RSASSA-PSS with SHA-256.
    Ps256,
    /// RSASSA-PSS with SHA-384.
    Ps384,
    /// RSASSA-PSS with SHA-512.
    Ps512,
}

/// How a signature is made: what decides which verifier can check it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Family {
    /// RSASSA-PKCS1-v1_5 (RFC 8017 8.2).
    RsaPkcs1,
    /// RSASSA-PSS (RFC 8017 8.1).
    RsaPss,
    /// ECDSA (RFC 7518 3.4).
    Ecdsa,
}

/// A SHA-2 hash function.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Hash {
    /// SHA-256.
    Sha256,
    /// SHA-384.
    Sha384,
    /// SHA-512.
    Sha512,
}

impl Algorithm {
    /// Every algorithm, in the order of RFC 7518 3.1.
    pub const ALL: [Self; 9] = [
        Self::Rs256,
        Self::Rs384,
        Self::Rs512,
        Self::Es256,
        Self::Es384,
        Self::Es512,
        Self::Ps256,
        Self::Ps384,
        Self::Ps512,
    ];

    /// The three algorithms of RSASSA-PKCS1-v1_5 and the three of RSASSA-PSS.
    pub const RSA: [Self; 6] = [Self::Rs256, Self::Rs384, Self::Rs512, Self::Ps256, Self::Ps384, Self::Ps512];

    /// Reads the value of an `alg` member (RFC 7515 4.1.1), which is case-sensitive.
    #[must_use]
    pub fn from_name(untrusted_name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|algorithm| algorithm.name() == untrusted_name)
    }

    /// The `alg` value.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Rs256 => "RS256",
            Self::Rs384 => "RS384",
            Self::Rs512 => "RS512",
            Self::Es256 => "ES256",
            Self::Es384 => "ES384",
            Self::Es512 => "ES512",
            Self::Ps256 => "PS256",
            Self::Ps384 => "PS384",
            Self::Ps512 => "PS512",
        }
    }

    /// The family that the algorithm belongs to.
    #[must_use]
    pub const fn family(self) -> Family {
        match self {
            Self::Rs256 | Self::Rs384 | Self::Rs512 => Family::RsaPkcs1,
            Self::Es256 | Self::Es384 | Self::Es512 => Family::Ecdsa,
            Self::Ps256 | Self::Ps384 | Self::Ps512 => Family::RsaPss,
        }
    }

    /// The hash over the signing input.
    #[must_use]
    pub const fn hash(self) -> Hash {
        match self {
            Self::Rs256 | Self::Es256 | Self::Ps256 => Hash::Sha256,
            Self::Rs384 | Self::Es384 | Self::Ps384 => Hash::Sha384,
            Self::Rs512 | Self::Es512 | Self::Ps512 => Hash::Sha512,
        }
    }

    /// Bytes of one coordinate of an ECDSA signature, which is `r || s` (RFC 7518 3.4); `None` for RSA, whose
    /// signatures are as long as the modulus.
    #[must_use]
    pub const fn coordinate_length(self) -> Option<usize> {
        match self {
            Self::Es256 => Some(32),
            Self::Es384 => Some(48),
            Self::Es512 => Some(66),
            _ => None,
        }
    }

    const fn bit(self) -> u16 {
        1 << (self as u16)
    }
}

impl fmt::Display for Algorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A set of algorithms.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct AlgorithmSet(u16);

impl AlgorithmSet {
    /// What kube-apiserver allows for an issuer of an AuthenticationConfiguration: all nine.
    #[must_use]
    pub fn all() -> Self {
        Algorithm::ALL.into_iter().collect()
    }

    /// Whether the set holds `algorithm`.
    #[must_use]
    pub const fn contains(self, algorithm: Algorithm) -> bool {
        self.0 & algorithm.bit() != 0
    }

    /// Whether the set holds nothing.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The algorithms of the set, in the order of RFC 7518 3.1.
    pub fn iter(self) -> impl Iterator<Item = Algorithm> {
        Algorithm::ALL.into_iter().filter(move |algorithm| self.contains(*algorithm))
    }
}

impl FromIterator<Algorithm> for AlgorithmSet {
    fn from_iter<I: IntoIterator<Item = Algorithm>>(algorithms: I) -> Self {
        Self(algorithms.into_iter().fold(0, |set, algorithm| set | algorithm.bit()))
    }
}

impl fmt::Debug for AlgorithmSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_exact_names_are_algorithms() {
        for algorithm in Algorithm::ALL {
            assert_eq!(Algorithm::from_name(algorithm.name()), Some(algorithm));
        }
        for name in
            ["none", "None", "NONE", "nOnE", "HS256", "HS384", "HS512", "EdDSA", "rs256", "RS256 ", ""]
        {
            assert_eq!(Algorithm::from_name(name), None, "{name}");
        }
    }

    #[test]
    fn a_set_holds_what_it_was_made_of() {
        let set: AlgorithmSet = [Algorithm::Es256, Algorithm::Rs256].into_iter().collect();
        assert_eq!(set.iter().collect::<Vec<_>>(), [Algorithm::Rs256, Algorithm::Es256]);
        assert!(!set.contains(Algorithm::Ps256));
        assert_eq!(AlgorithmSet::all().iter().count(), 9);
    }
}
