//! base64url without padding (RFC 7515 2), canonical spellings only.
//!
//! One signed token must have one spelling: a lenient decoder lets anybody make new spellings of a token that they
//! have seen (trailing bits, padding), past every cache and list that is keyed by the token's text.

use base64::Engine as _;
use base64::alphabet::URL_SAFE;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

const CANONICAL: GeneralPurpose = GeneralPurpose::new(
    &URL_SAFE,
    GeneralPurposeConfig::new()
        .with_decode_allow_trailing_bits(false)
        .with_decode_padding_mode(DecodePaddingMode::RequireNone)
        .with_encode_padding(false),
);

const FORGIVING: GeneralPurpose = GeneralPurpose::new(
    &URL_SAFE,
    GeneralPurposeConfig::new()
        .with_decode_allow_trailing_bits(true)
        .with_decode_padding_mode(DecodePaddingMode::RequireNone),
);

/// The text is not the canonical base64url form of anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not canonical base64url")]
pub struct NotCanonical;

/// Decodes `text`.
///
/// # Errors
/// [`NotCanonical`] for padding, characters of another alphabet, white space and non-zero trailing bits.
pub fn decode(text: &[u8]) -> Result<Vec<u8>, NotCanonical> {
    let mut bytes = Vec::new();
    decode_onto(&mut bytes, text).map(|()| bytes)
}

/// Decodes `text` onto the end of `bytes`, or adds nothing to them.
///
/// # Errors
/// As with [`decode`].
pub(crate) fn decode_onto(bytes: &mut Vec<u8>, text: &[u8]) -> Result<(), NotCanonical> {
    let before = bytes.len();
    CANONICAL.decode_vec(text, bytes).map_err(|_| {
        bytes.truncate(before);
        NotCanonical
    })
}

/// Decodes what any reader could take for base64: either alphabet, any trailing bits, and whatever is of neither
/// alphabet left out. To see what somebody else could see in a text, never to trust it.
pub(crate) fn decode_forgiving(text: &[u8]) -> Vec<u8> {
    let url_safe = |byte: &u8| match byte {
        b'+' => Some(b'-'),
        b'/' => Some(b'_'),
        b'-' | b'_' => Some(*byte),
        byte => byte.is_ascii_alphanumeric().then_some(*byte),
    };
    let mut characters: Vec<u8> = text.iter().filter_map(url_safe).collect();
    // Six bits alone are no byte.
    if characters.len() % 4 == 1 {
        characters.pop();
    }
    FORGIVING.decode(characters).unwrap_or_default()
}

/// Encodes `bytes`.
#[must_use]
pub fn encode(bytes: &[u8]) -> String {
    CANONICAL.encode(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_canonical_text_decodes() {
        assert_eq!(decode(b"_-8").as_deref(), Ok([0xff, 0xef].as_slice()));
        assert_eq!(decode(b"").as_deref(), Ok([].as_slice()));
        let mut bytes = b"before".to_vec();
        assert_eq!(decode_onto(&mut bytes, b"_-8"), Ok(()));
        assert_eq!(bytes, b"before\xff\xef");
        for text in ["_-8=", "_-9", "/+8", "_-8\n", " _-8", "_", "_-8.", "_\u{e9}"] {
            assert_eq!(decode(text.as_bytes()), Err(NotCanonical), "{text:?}");
            let mut bytes = b"before".to_vec();
            assert_eq!(decode_onto(&mut bytes, text.as_bytes()), Err(NotCanonical), "{text:?}");
            assert_eq!(bytes, b"before", "{text:?}");
        }
    }

    #[test]
    fn the_forgiving_decoder_sees_through_spellings() {
        for text in ["_-8", "_-8=", "_-9", "/+8", " _-8\n", "_-8==", "_=-8", "_-8!", "_-8AA", "\u{e9}_-8"] {
            assert_eq!(decode_forgiving(text.as_bytes()).get(..2), Some([0xff, 0xef].as_slice()), "{text:?}");
        }
        for text in ["", "!", "A", "=", "\u{e9}"] {
            assert_eq!(decode_forgiving(text.as_bytes()), b"", "{text:?}");
        }
    }
}
