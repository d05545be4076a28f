//! Go's way of quoting (`strconv.Quote`, `%q`), which stands in most of these libraries' messages.

use std::fmt::Write as _;

/// Go's `%q` of a string.
#[must_use]
pub fn quote(text: &str) -> String {
    quote_bytes(text.as_bytes())
}

/// Go's `%q` of a string that need not be UTF-8: what is not is written as `\xNN`.
#[must_use]
pub(crate) fn quote_bytes(bytes: &[u8]) -> String {
    let mut quoted = String::with_capacity(bytes.len().saturating_add(2));
    quoted.push('"');
    for chunk in bytes.utf8_chunks() {
        for character in chunk.valid().chars() {
            push_quoted(&mut quoted, character);
        }
        for byte in chunk.invalid() {
            // Writing to a String can't fail.
            let _ = write!(quoted, "\\x{byte:02x}");
        }
    }
    quoted.push('"');
    quoted
}

fn push_quoted(quoted: &mut String, character: char) {
    let code = u32::from(character);
    let written = match character {
        '"' | '\\' => write!(quoted, "\\{character}"),
        '\u{7}' => write!(quoted, "\\a"),
        '\u{8}' => write!(quoted, "\\b"),
        '\u{c}' => write!(quoted, "\\f"),
        '\n' => write!(quoted, "\\n"),
        '\r' => write!(quoted, "\\r"),
        '\t' => write!(quoted, "\\t"),
        '\u{b}' => write!(quoted, "\\v"),
        _ if is_printable(character) => write!(quoted, "{character}"),
        _ if code < 0x20 || code == 0x7f => write!(quoted, "\\x{code:02x}"),
        _ if code < 0x1_0000 => write!(quoted, "\\u{code:04x}"),
        _ => write!(quoted, "\\U{code:08x}"),
    };
    // Writing to a String can't fail.
    let _ = written;
}

/// Go's `strconv.IsPrint`: letters, marks, numbers, punctuation, symbols and the ASCII space. `escape_debug` draws the
/// same line, except that it also escapes a combining mark at the start of a string: hence the `a`.
fn is_printable(character: char) -> bool {
    if character.is_ascii() {
        return character == ' ' || character.is_ascii_graphic();
    }
    let mut buffer = String::from("a");
    buffer.push(character);
    buffer.escape_debug().nth(1) == Some(character)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each right side is what Go 1.26 prints.
    #[test]
    fn quoting_is_go_quoting() {
        for (text, quoted) in [
            ("", r#""""#),
            ("a\"b\\c", r#""a\"b\\c""#),
            ("\u{7}\u{8}\u{c}\n\r\t\u{b}", r#""\a\b\f\n\r\t\v""#),
            ("\0\u{1f}\u{7f}", r#""\x00\x1f\x7f""#),
            ("é€😀", r#""é€😀""#),
            ("\u{85}\u{a0}\u{ad}\u{200b}\u{2028}", r#""\u0085\u00a0\u00ad\u200b\u2028""#),
            ("\u{301}e\u{301}", "\"\u{301}e\u{301}\""),
            ("\u{e000}\u{fffd}\u{e0001}", "\"\\ue000\u{fffd}\\U000e0001\""),
        ] {
            assert_eq!(quote(text), quoted);
        }
        assert_eq!(quote_bytes(b"%\xe2\x82"), r#""%\xe2\x82""#);
    }
}
