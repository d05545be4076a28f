//! Writes a public key as DER SubjectPublicKeyInfo (RFC 5280 4.1.2.7): the form in which BoringSSL and the
//! portable verifiers both read it.

/// The curves of RFC 7518 6.2.1.1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Curve {
    P256,
    P384,
    P521,
}

impl Curve {
    /// The body of the curve's OBJECT IDENTIFIER (RFC 5480 2.1.1.1).
    const fn oid(self) -> &'static [u8] {
        match self {
            Self::P256 => &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07],
            Self::P384 => &[0x2b, 0x81, 0x04, 0x00, 0x22],
            Self::P521 => &[0x2b, 0x81, 0x04, 0x00, 0x23],
        }
    }
}

/// id-ecPublicKey (RFC 5480 2.1.1).
const EC_PUBLIC_KEY: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01];
/// rsaEncryption (RFC 3279 2.3.1).
const RSA_ENCRYPTION: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01];

const INTEGER: u8 = 0x02;
const BIT_STRING: u8 = 0x03;
const NULL: u8 = 0x05;
const OBJECT_IDENTIFIER: u8 = 0x06;
const SEQUENCE: u8 = 0x30;

/// Numbers are big-endian without leading zeros.
pub(super) fn rsa(modulus: &[u8], exponent: &[u8]) -> Vec<u8> {
    let key = element(SEQUENCE, &[&unsigned(modulus), &unsigned(exponent)]);
    let algorithm = element(SEQUENCE, &[&element(OBJECT_IDENTIFIER, &[RSA_ENCRYPTION]), &element(NULL, &[])]);
    subject_public_key_info(&algorithm, &key)
}

/// `point` is an uncompressed point (SEC 1 2.3.3).
pub(super) fn elliptic_curve(curve: Curve, point: &[u8]) -> Vec<u8> {
    let (scheme, curve) =
        (element(OBJECT_IDENTIFIER, &[EC_PUBLIC_KEY]), element(OBJECT_IDENTIFIER, &[curve.oid()]));
    subject_public_key_info(&element(SEQUENCE, &[&scheme, &curve]), point)
}

fn subject_public_key_info(algorithm: &[u8], key: &[u8]) -> Vec<u8> {
    // The bit string's first byte counts the unused bits of its last one.
    element(SEQUENCE, &[algorithm, &element(BIT_STRING, &[&[0], key])])
}

/// A number is signed in DER: one with the highest bit set gets a zero in front (X.690 8.3).
fn unsigned(number: &[u8]) -> Vec<u8> {
    let sign: &[u8] = if number.first().is_none_or(|first| *first >= 0x80) { &[0] } else { &[] };
    element(INTEGER, &[sign, number])
}

/// Tag, length (X.690 8.1.3) and content.
fn element(tag: u8, content: &[&[u8]]) -> Vec<u8> {
    let content = content.concat();
    let length = content.len().to_be_bytes();
    let zeros = length.iter().take_while(|byte| **byte == 0).count();
    let length = length.get(zeros..).unwrap_or_default();
    let mut encoded = vec![tag];
    match length {
        [] => encoded.push(0),
        [short @ 0..=0x7f] => encoded.push(*short),
        // At most eight bytes, so the sum stays below 0x89.
        _ => {
            encoded.push(0x80_u8.saturating_add(u8::try_from(length.len()).unwrap_or(u8::MAX)));
            encoded.extend_from_slice(length);
        }
    }
    encoded.extend_from_slice(&content);
    encoded
}
