//! Texts that end before they get too long, and the characters that must not stand in a log as they are.

/// What stands where a text was cut: kube-apiserver's mark for a user agent.
pub(super) const CUT: &str = "...TRUNCATED";

/// A text with a bound.
#[derive(Debug, Default)]
pub(super) struct Bounded {
    text: String,
    limit: usize,
    is_cut: bool,
}

impl Bounded {
    /// Takes `limit` bytes and, when that is not all, the mark.
    pub(super) fn new(limit: usize) -> Self {
        Self { limit, ..Self::default() }
    }

    /// As [`new`](Self::new), with room for a text of about so many bytes.
    pub(super) fn with_room(limit: usize, bytes: usize) -> Self {
        Self { text: String::with_capacity(bytes.min(limit)), ..Self::new(limit) }
    }

    /// Whether a piece would be added whole.
    pub(super) const fn has_room(&self, piece: &str) -> bool {
        !self.is_cut && self.text.len().saturating_add(piece.len()) <= self.limit
    }

    /// Adds a piece whole, or the mark. Nothing follows the mark.
    pub(super) fn push(&mut self, piece: &str) {
        if self.is_cut {
            return;
        }
        self.is_cut = self.text.len().saturating_add(piece.len()) > self.limit;
        self.text.push_str(if self.is_cut { CUT } else { piece });
    }

    /// Adds a character.
    pub(super) fn push_char(&mut self, character: char) {
        self.push(character.encode_utf8(&mut [0; 4]));
    }

    /// Adds a byte as `%XX`.
    pub(super) fn push_percent(&mut self, byte: u8) {
        self.push(&format!("%{byte:02X}"));
    }

    pub(super) const fn is_cut(&self) -> bool {
        self.is_cut
    }

    pub(super) fn into_text(self) -> String {
        self.text
    }
}

/// Whether a log must not hold this character as it is: controls, other line ends, and what turns the reading
/// direction, so that a line would look like another one.
pub(super) fn is_unprintable(character: char) -> bool {
    character.is_control()
        || matches!(character, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

/// A path and query as sent, in printable ASCII: other bytes, blanks and the bytes `also` as `%XX`. What a client may
/// send by RFC 3986 stays as it is.
pub(super) fn uri(sent: &[u8], limit: usize, also: &[u8]) -> Bounded {
    let mut text = Bounded::new(limit);
    for &byte in sent {
        if text.is_cut() {
            break;
        }
        if byte.is_ascii_graphic() && !also.contains(&byte) {
            text.push_char(char::from(byte));
        } else {
            text.push_percent(byte);
        }
    }
    text
}

/// Text of bytes; each that is not UTF-8 becomes U+FFFD, as in Go's JSON.
pub(super) fn lossy(bytes: &[u8]) -> String {
    let mut text = String::new();
    for chunk in bytes.utf8_chunks() {
        text.push_str(chunk.valid());
        text.extend(chunk.invalid().iter().map(|_| char::REPLACEMENT_CHARACTER));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_cut_between_pieces_and_says_so() {
        let mut text = Bounded::new(4);
        for piece in ["ab", "%FF", "c"] {
            text.push(piece);
        }
        assert!(text.is_cut());
        assert_eq!(text.into_text(), format!("ab{CUT}"));
        let mut text = Bounded::new(4);
        text.push("abcd");
        assert!(!text.is_cut());
        assert_eq!(text.into_text(), "abcd");
    }

    #[test]
    fn a_uri_stays_as_sent_but_for_what_no_client_may_send() {
        for (sent, expected) in [
            (&b"/api/v1/pods?limit=500&labelSelector=a%20in%20(b)"[..], None),
            (b"/a//b/../%2F;x=1,2|3~_-.!$&'()*+:@", None),
            (b"/a b\tc\r\n", Some("/a%20b%09c%0D%0A")),
            (b"/\xff\xc3\xa9\x7f", Some("/%FF%C3%A9%7F")),
            (b"/[x]", Some("/%5Bx%5D")),
        ] {
            let sent_text = String::from_utf8_lossy(sent).into_owned();
            assert_eq!(uri(sent, 100, b"[]").into_text(), expected.unwrap_or(&sent_text));
        }
    }

    #[test]
    fn bytes_that_are_not_utf_8_are_replaced_one_by_one() {
        assert_eq!(lossy(b"a\xff\xfe\xc3\xa9\xe2\x82"), "a\u{fffd}\u{fffd}\u{e9}\u{fffd}\u{fffd}");
    }
}
