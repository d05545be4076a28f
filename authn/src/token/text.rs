//! Whether a text has only bytes that a token may have, eight at a time.

/// A byte in all places of a word.
const fn all(byte: u8) -> u64 {
    u64::from_ne_bytes([byte; 8])
}

/// Whether there is nothing but visible ASCII (RFC 6750 2.1) and no comma.
pub(super) fn is_usable(untrusted_text: &[u8]) -> bool {
    let (words, rest) = untrusted_text.as_chunks();
    words.iter().fold(0, |bad, word| bad | unusable(u64::from_ne_bytes(*word))) == 0
        && rest.iter().all(|byte| byte.is_ascii_graphic() && *byte != b',')
}

/// Has a bit where a byte is none of those; without one, nothing is carried from a byte into the next.
const fn unusable(word: u64) -> u64 {
    let beyond_ascii = word;
    let is_visible = word.wrapping_add(all(0x80 - b'!'));
    let is_delete = word.wrapping_add(all(1));
    let is_no_comma = (word ^ all(b',')).wrapping_add(all(0x7f));
    (beyond_ascii | !is_visible | is_delete | !is_no_comma) & all(0x80)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_is_judged_alike_in_every_place() {
        for byte in 0..=u8::MAX {
            let expected = byte.is_ascii_graphic() && byte != b',';
            for length in 1..20 {
                for place in 0..length {
                    let mut text = vec![b'a'; length];
                    text[place] = byte;
                    assert_eq!(is_usable(&text), expected, "{byte} at {place} of {length}");
                    text.fill(byte);
                    assert_eq!(is_usable(&text), expected, "{length} times {byte}");
                }
            }
        }
        let mut random = 1_u64;
        for _ in 0..100_000 {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let text = (random ^ (random >> 33)).to_ne_bytes();
            let expected = text.iter().all(|byte| byte.is_ascii_graphic() && *byte != b',');
            assert_eq!(is_usable(&text), expected, "{text:?}");
        }
    }
}
