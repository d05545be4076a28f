//! ECDSA signatures from the form of JOSE to the form of X.509.

use super::InvalidSignature;
use crate::algorithm::Algorithm;

const SEQUENCE: u8 = 0x30;
const INTEGER: u8 = 0x02;

/// Longest `ECDSA-Sig-Value`: that of P-521, with a head of three bytes and two integers of 67 behind theirs.
const LONGEST: usize = 3 + 2 * (2 + 67);

/// An `ECDSA-Sig-Value` (RFC 3279 2.2.3) in DER.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EcdsaSignatureDer {
    bytes: [u8; LONGEST],
    length: usize,
}

impl EcdsaSignatureDer {
    /// The DER.
    #[must_use]
    pub fn as_slice(&self) -> &[u8] {
        self.bytes.get(..self.length).unwrap_or_default()
    }

    fn append(&mut self, part: &[u8]) -> Result<(), InvalidSignature> {
        let end = self.length.saturating_add(part.len());
        self.bytes.get_mut(self.length..end).ok_or(InvalidSignature)?.copy_from_slice(part);
        self.length = end;
        Ok(())
    }
}

/// Turns `r || s` (RFC 7518 3.4) into the DER that a host's verifier wants.
///
/// # Errors
/// [`InvalidSignature`] when the length is not exactly that of the curve, or when r or s is zero.
pub fn ecdsa_signature_der(
    algorithm: Algorithm,
    signature: &[u8],
) -> Result<EcdsaSignatureDer, InvalidSignature> {
    let length = algorithm.coordinate_length().ok_or(InvalidSignature)?;
    if signature.len() != length.saturating_mul(2) {
        return Err(InvalidSignature);
    }
    let (r, s) = signature.split_at_checked(length).ok_or(InvalidSignature)?;
    let (r, s) = (Integer::new(r)?, Integer::new(s)?);
    let mut der = EcdsaSignatureDer { bytes: [0; LONGEST], length: 0 };
    match r.encoded_length().saturating_add(s.encoded_length()) {
        short @ ..=0x7f => der.append(&[SEQUENCE, short])?,
        // One byte of length is enough (X.690 8.1.3.5).
        long => der.append(&[SEQUENCE, 0x81, long])?,
    }
    for Integer { sign_byte, magnitude, length } in [r, s] {
        der.append(&[INTEGER, length])?;
        der.append(sign_byte)?;
        der.append(magnitude)?;
    }
    Ok(der)
}

/// A positive INTEGER in its shortest form (X.690 8.3.2).
struct Integer<'a> {
    sign_byte: &'static [u8],
    magnitude: &'a [u8],
    length: u8,
}

impl<'a> Integer<'a> {
    fn new(coordinate: &'a [u8]) -> Result<Self, InvalidSignature> {
        let zeros = coordinate.iter().take_while(|byte| **byte == 0).count();
        let magnitude = coordinate.get(zeros..).unwrap_or_default();
        let first = magnitude.first().ok_or(InvalidSignature)?;
        let sign_byte: &[u8] = if first & 0x80 == 0 { &[] } else { &[0] };
        let length =
            u8::try_from(magnitude.len().saturating_add(sign_byte.len())).map_err(|_| InvalidSignature)?;
        Ok(Self { sign_byte, magnitude, length })
    }

    /// With tag and length before it.
    const fn encoded_length(&self) -> u8 {
        self.length.saturating_add(2)
    }
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
        assert_eq!(der.as_slice(), [0x30, 7, 0x02, 1, 0x01, 0x02, 2, 0x00, 0x80]);
        let der = ecdsa_signature_der(Algorithm::Es512, &[0xff; 132]).unwrap();
        assert_eq!(der.as_slice()[..6], [0x30, 0x81, 138, 0x02, 67, 0x00]);
        assert_eq!(der.as_slice().len(), 3 + 138);
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
