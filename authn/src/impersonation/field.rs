//! Names and values of header fields (RFC 9110 5): what arrives as it was sent.

use std::borrow::Cow;
use std::fmt::Write as _;

use super::EXTRA_PREFIX;
use crate::user::CREDENTIAL_ID;

/// [`extra_name`] of [`CREDENTIAL_ID`], which the users of tokens have.
const CREDENTIAL_ID_NAME: &str = "impersonate-extra-authentication.kubernetes.io%2Fcredential-id";

/// Whether a field value (RFC 9110 5.5) arrives as it was sent: no control characters, no blank at either end.
#[must_use]
pub fn is_header_safe(value: &str) -> bool {
    !has_control(value.as_bytes()) && !value.starts_with(' ') && !value.ends_with(' ')
}

/// The name of the header for an extra value.
pub(crate) fn extra_name(key: &str) -> Cow<'static, str> {
    if key == CREDENTIAL_ID { CREDENTIAL_ID_NAME.into() } else { escaped_name(key).into() }
}

/// The key is escaped as in client-go (`headerKeyEscape`): every byte that no token may have, and `%`, as `%XX`.
fn escaped_name(key: &str) -> String {
    let mut name = EXTRA_PREFIX.to_owned();
    for byte in key.bytes() {
        if is_token(byte) {
            name.push(char::from(byte));
        } else {
            // Writing to a String can't fail.
            _ = write!(name, "%{byte:02X}");
        }
    }
    name
}

/// Whether a token (RFC 9110 5.6.2) may have it.
fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$&'*+-.^_`|~".contains(&byte)
}

/// Whether there is a control character of ASCII, looked for eight bytes at a time.
fn has_control(text: &[u8]) -> bool {
    let (words, rest) = text.as_chunks();
    words.iter().fold(0, |found, word| found | control(u64::from_ne_bytes(*word))) != 0
        || rest.iter().any(u8::is_ascii_control)
}

/// Is zero where no byte is a control character. With one, what is carried out of its byte may mark others, too.
const fn control(word: u64) -> u64 {
    let is_low = word.wrapping_sub(all(b' '));
    let is_delete = (word ^ all(0x7f)).wrapping_sub(all(1));
    // Neither says anything of bytes beyond ASCII.
    (is_low | is_delete) & !word & all(0x80)
}

/// A byte in all places of a word.
const fn all(byte: u8) -> u64 {
    u64::from_ne_bytes([byte; 8])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_that_would_change_on_the_way_are_not_safe() {
        for value in ["", "a", "a b", "zoë", "a,b", "=?utf-8?q?x?="] {
            assert!(is_header_safe(value), "{value:?}");
        }
        for value in [" a", "a ", "a\tb", "a\r\nx: y", "a\n", "a\0b", "\u{7f}", "\t"] {
            assert!(!is_header_safe(value), "{value:?}");
        }
    }

    #[test]
    fn a_control_character_is_found_in_every_place() {
        for byte in 0..=u8::MAX {
            for length in 1..20 {
                for place in 0..length {
                    for other in [b' ', b'a', b'~', 0x80, 0xff] {
                        let mut text = vec![other; length];
                        text[place] = byte;
                        assert_eq!(
                            has_control(&text),
                            byte.is_ascii_control(),
                            "{byte} at {place} of {length}"
                        );
                    }
                }
            }
        }
        let mut random = 1_u64;
        for _ in 0..100_000 {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let text = (random ^ (random >> 33)).to_ne_bytes();
            assert_eq!(has_control(&text), text.iter().any(u8::is_ascii_control), "{text:?}");
        }
    }

    #[test]
    fn keys_are_escaped_as_client_go_does() {
        assert_eq!(escaped_name(CREDENTIAL_ID), CREDENTIAL_ID_NAME);
        assert_eq!(extra_name(CREDENTIAL_ID), CREDENTIAL_ID_NAME);
        assert_eq!(extra_name("a%b:ü"), "impersonate-extra-a%25b%3A%C3%BC");
    }
}
