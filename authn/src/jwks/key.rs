//! One JSON Web Key: what it must be to verify signatures with.

use super::{MAX_KID, spki};
use crate::algorithm::{Algorithm, AlgorithmSet};
use crate::base64url;
use crate::json::{Document, JsonError, Object, Value};
use crate::keys::{Key, MAX_RSA_BITS, MIN_RSA_BITS};

/// The members that only a private key has (RFC 7518 6.2.2, 6.3.2).
const PRIVATE_MEMBERS: [&str; 7] = ["d", "dp", "dq", "oth", "p", "q", "qi"];

/// Why a key is not used. No text of the key is in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// `alg` does not belong to the key's type and curve.
    #[error("the algorithm does not fit the key's type and curve")]
    AlgorithmMismatch,
    /// A member is not canonical base64url (RFC 7515 2).
    #[error("{member} is not canonical base64url")]
    Base64 {
        /// The member.
        member: &'static str,
    },
    /// A coordinate is not as long as the curve demands (RFC 7518 6.2.1.2).
    #[error("{member} does not have the length of the curve")]
    CoordinateLength {
        /// The member.
        member: &'static str,
    },
    /// `crv` is not P-256, P-384 or P-521.
    #[error("unsupported curve")]
    Curve,
    /// A member stands twice (RFC 7517 4).
    #[error("a member stands twice")]
    DuplicateMember,
    /// RSA's public exponent is even, below 3 or above 32 bits.
    #[error("unsupported RSA exponent")]
    Exponent,
    /// The key is not meant to verify (RFC 7517 4.3), or `key_ops` is no list of different strings.
    #[error("key_ops does not allow to verify")]
    KeyOperations,
    /// `kty` is neither RSA nor EC.
    #[error("unsupported key type")]
    KeyType,
    /// `kid` is longer than [`MAX_KID`] bytes.
    #[error("kid is longer than {MAX_KID} bytes")]
    KidTooLong,
    /// A member is not of the JSON type that it has to be.
    #[error("{member} has the wrong type")]
    MemberType {
        /// The member.
        member: &'static str,
    },
    /// A member is not there.
    #[error("{member} is missing")]
    MissingMember {
        /// The member.
        member: &'static str,
    },
    /// RSA's modulus is too short, too long, or even.
    #[error("unsupported RSA modulus: {MIN_RSA_BITS} to {MAX_RSA_BITS} bits are, if it is odd")]
    Modulus,
    /// Not a JSON object.
    #[error("not an object")]
    NotAnObject,
    /// The point is not on its curve.
    #[error("the point is not on the curve")]
    NotOnCurve,
    /// A private key. Whoever published it has other worries, and nobody should trust it.
    #[error("a private key")]
    Private,
    /// A shared secret: with it everybody who can verify can sign.
    #[error("a symmetric key")]
    Symmetric,
    /// Not JSON by itself, as with a lone surrogate in a string.
    #[error("not valid JSON")]
    Syntax,
    /// `alg` is not one of the nine algorithms.
    #[error("unsupported algorithm")]
    UnknownAlgorithm,
    /// `use` is not `sig` (RFC 7517 4.2).
    #[error("not meant for signatures")]
    Use,
}

impl KeyError {
    /// The name of the variant, for logs and metrics.
    #[must_use]
    pub const fn reason(&self) -> &'static str {
        match self {
            Self::AlgorithmMismatch => "algorithm_mismatch",
            Self::Base64 { .. } => "base64",
            Self::CoordinateLength { .. } => "coordinate_length",
            Self::Curve => "curve",
            Self::DuplicateMember => "duplicate_member",
            Self::Exponent => "exponent",
            Self::KeyOperations => "key_operations",
            Self::KeyType => "key_type",
            Self::KidTooLong => "kid_too_long",
            Self::MemberType { .. } => "member_type",
            Self::MissingMember { .. } => "missing_member",
            Self::Modulus => "modulus",
            Self::NotAnObject => "not_an_object",
            Self::NotOnCurve => "not_on_curve",
            Self::Private => "private",
            Self::Symmetric => "symmetric",
            Self::Syntax => "syntax",
            Self::UnknownAlgorithm => "unknown_algorithm",
            Self::Use => "use",
        }
    }
}

/// Reads a key, or says what is wrong with it, together with its `kid` if that can be read.
pub(super) fn parse(text: &str) -> Result<Key, (String, KeyError)> {
    let document = Document::parse(text.as_bytes()).map_err(|error| {
        let reason = match error {
            JsonError::DuplicateMember => KeyError::DuplicateMember,
            JsonError::NotAnObject => KeyError::NotAnObject,
            JsonError::Syntax => KeyError::Syntax,
        };
        (String::new(), reason)
    })?;
    let members = document.object();
    let untrusted = UntrustedKey { members };
    untrusted.check().map_err(|reason| {
        let kid = members.get("kid").and_then(Value::as_str).unwrap_or_default();
        (kid.to_owned(), reason)
    })
}

struct UntrustedKey<'a> {
    members: Object<'a>,
}

impl<'a> UntrustedKey<'a> {
    fn check(&self) -> Result<Key, KeyError> {
        if self.member("k").is_some() || self.text("kty") == Ok(Some("oct")) {
            return Err(KeyError::Symmetric);
        }
        if PRIVATE_MEMBERS.into_iter().any(|name| self.member(name).is_some()) {
            return Err(KeyError::Private);
        }
        let kid = self.text("kid")?.unwrap_or_default();
        if kid.len() > MAX_KID {
            return Err(KeyError::KidTooLong);
        }
        if self.text("use")?.is_some_and(|purpose| purpose != "sig") {
            return Err(KeyError::Use);
        }
        self.check_operations()?;
        let (algorithms, spki) = match self.required_text("kty")? {
            "RSA" => (Algorithm::RSA.into_iter().collect(), self.rsa()?),
            "EC" => self.elliptic_curve()?,
            _ => return Err(KeyError::KeyType),
        };
        Ok(Key { kid: kid.to_owned(), algorithms: self.pinned(algorithms)?, spki })
    }

    /// RFC 7517 4.3: different strings, case-sensitive.
    fn check_operations(&self) -> Result<(), KeyError> {
        let Some(operations) = self.member("key_ops") else { return Ok(()) };
        let Value::Array(operations) = operations else { return Err(KeyError::KeyOperations) };
        let mut names = Vec::with_capacity(operations.at_most());
        for operation in operations.elements() {
            names.push(operation.as_str().ok_or(KeyError::KeyOperations)?);
        }
        names.sort_unstable();
        let count = names.len();
        names.dedup();
        if names.len() == count && names.contains(&"verify") { Ok(()) } else { Err(KeyError::KeyOperations) }
    }

    /// Leaves of the `algorithms` that the key's type allows the one that `alg` names, or all (RFC 8725 3.1).
    fn pinned(&self, algorithms: AlgorithmSet) -> Result<AlgorithmSet, KeyError> {
        let Some(name) = self.text("alg")? else { return Ok(algorithms) };
        let algorithm = Algorithm::from_name(name).ok_or(KeyError::UnknownAlgorithm)?;
        if algorithms.contains(algorithm) {
            Ok([algorithm].into_iter().collect())
        } else {
            Err(KeyError::AlgorithmMismatch)
        }
    }

    fn rsa(&self) -> Result<Vec<u8>, KeyError> {
        let (modulus, exponent) = (self.bytes("n")?, self.bytes("e")?);
        let (modulus, exponent) = (without_leading_zeros(&modulus), without_leading_zeros(&exponent));
        let is_odd = |number: &[u8]| number.last().is_some_and(|byte| byte & 1 == 1);
        let bits = modulus.first().map_or(0, |first| {
            let unused = usize::try_from(first.leading_zeros()).unwrap_or_default();
            modulus.len().saturating_mul(8).saturating_sub(unused)
        });
        if !(MIN_RSA_BITS..=MAX_RSA_BITS).contains(&bits) || !is_odd(modulus) {
            return Err(KeyError::Modulus);
        }
        if exponent.len() > 4 || !is_odd(exponent) || exponent == [1] {
            return Err(KeyError::Exponent);
        }
        Ok(spki::rsa(modulus, exponent))
    }

    /// RFC 7518 3.4 and 6.2.1: a curve goes with one algorithm.
    fn elliptic_curve(&self) -> Result<(AlgorithmSet, Vec<u8>), KeyError> {
        let (algorithm, curve) = match self.required_text("crv")? {
            "P-256" => (Algorithm::Es256, spki::Curve::P256),
            "P-384" => (Algorithm::Es384, spki::Curve::P384),
            "P-521" => (Algorithm::Es512, spki::Curve::P521),
            _ => return Err(KeyError::Curve),
        };
        // SEC 1 2.3.3: an uncompressed point.
        let mut point = vec![4];
        for member in ["x", "y"] {
            let coordinate = self.bytes(member)?;
            if Some(coordinate.len()) != algorithm.coordinate_length() {
                return Err(KeyError::CoordinateLength { member });
            }
            point.extend(coordinate);
        }
        let is_on_curve = match curve {
            spki::Curve::P256 => p256::PublicKey::from_sec1_bytes(&point).is_ok(),
            spki::Curve::P384 => p384::PublicKey::from_sec1_bytes(&point).is_ok(),
            spki::Curve::P521 => p521::PublicKey::from_sec1_bytes(&point).is_ok(),
        };
        if !is_on_curve {
            return Err(KeyError::NotOnCurve);
        }
        Ok(([algorithm].into_iter().collect(), spki::elliptic_curve(curve, &point)))
    }

    /// A member; `null` is the same as none, as in Go.
    fn member(&self, name: &str) -> Option<Value<'a>> {
        self.members.get(name).filter(|value| !matches!(value, Value::Null))
    }

    fn text(&self, member: &'static str) -> Result<Option<&'a str>, KeyError> {
        self.member(member).map(|value| value.as_str().ok_or(KeyError::MemberType { member })).transpose()
    }

    fn required_text(&self, member: &'static str) -> Result<&'a str, KeyError> {
        self.text(member)?.ok_or(KeyError::MissingMember { member })
    }

    fn bytes(&self, member: &'static str) -> Result<Vec<u8>, KeyError> {
        base64url::decode(self.required_text(member)?.as_bytes()).map_err(|_| KeyError::Base64 { member })
    }
}

/// RFC 7518 2 wants none, but warns of libraries that write one before a number with the highest bit set. It is
/// the same number.
fn without_leading_zeros(number: &[u8]) -> &[u8] {
    let zeros = number.iter().take_while(|byte| **byte == 0).count();
    number.get(zeros..).unwrap_or_default()
}
