//! ECDSA signatures from the form of JOSE to the form of X.509.

use super::InvalidSignature;
use crate::algorithm::Algorithm;

const SEQUENCE: u8 = 0x30;
const INTEGER: u8 = 0x02;

/// Turns `r || s` (RFC 7518 3.4) into the DER `ECDSA-Sig-Value` (RFC 3279 2.2.3) that a host's verifier wants.
///
/// # Errors
/// [`InvalidSignature`] when the length is not exactly that of the curve, or when r or s is zero.
pub fn ecdsa_signature_der(algorithm: Algorithm, signature: &[u8]) -> Result<Vec<u8>, InvalidSignature> {
    let length = algorithm.coordinate_length().ok_or(InvalidSignature)?;
    if signature.len() != length.saturating_mul(2) {
        return Err(InvalidSignature);
    }
    let (r, s) = signature.split_at_checked(length).ok_or(InvalidSignature)?;
    let mut integers = integer(r)?;
    integers.extend(integer(s)?);
    let mut der = vec![SEQUENCE];
    // Two integers of P-521 take 2 * 69 bytes: a long-form length of one byte (X.690 8.1.3.5) is enough.
    match u8::try_from(integers.len()).map_err(|_| InvalidSignature)? {
        short @ ..=0x7f => der.push(short),
        long => der.extend([0x81, long]),
    }
    der.extend(integers);
    Ok(der)
}

/// A positive INTEGER in its shortest form (X.690 8.3.2).
fn integer(coordinate: &[u8]) -> Result<Vec<u8>, InvalidSignature> {
    let zeros = coordinate.iter().take_while(|byte| **byte == 0).count();
    let magnitude = coordinate.get(zeros..).unwrap_or_default();
    let first = magnitude.first().ok_or(InvalidSignature)?;
    let sign_byte: &[u8] = if first & 0x80 == 0 { &[] } else { &[0] };
    let length =
        u8::try_from(magnitude.len().saturating_add(sign_byte.len())).map_err(|_| InvalidSignature)?;
    Ok([&[INTEGER, length], sign_byte, magnitude].concat())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn es256(r: &[u8], s: &[u8]) -> Vec<u8> {
        let padded =
            |number: &[u8]| [vec![0; 32_usize.saturating_sub(number.len())], number.to_vec()].concat();
        [padded(r), padded(s)].concat()
    }

    #[test]
    fn integers_are_minimal_and_positive() {
        let der = ecdsa_signature_der(Algorithm::Es256, &es256(&[0x01], &[0x80])).unwrap();
        assert_eq!(der, [0x30, 7, 0x02, 1, 0x01, 0x02, 2, 0x00, 0x80]);
        let der = ecdsa_signature_der(Algorithm::Es512, &[0xff; 132]).unwrap();
        assert_eq!(der[..6], [0x30, 0x81, 138, 0x02, 67, 0x00]);
        assert_eq!(der.len(), 3 + 138);
    }

    #[test]
    fn odd_lengths_and_zeros_are_refused() {
        assert_eq!(ecdsa_signature_der(Algorithm::Es256, &es256(&[], &[1])), Err(InvalidSignature));
        assert_eq!(ecdsa_signature_der(Algorithm::Es256, &es256(&[1], &[])), Err(InvalidSignature));
        for length in [0, 63, 65, 66, 96] {
            assert_eq!(ecdsa_signature_der(Algorithm::Es256, &vec![1; length]), Err(InvalidSignature));
        }
        assert_eq!(ecdsa_signature_der(Algorithm::Rs256, &[1; 64]), Err(InvalidSignature));
    }
}
