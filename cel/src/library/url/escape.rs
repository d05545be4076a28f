//! Escapes in URLs, as Go reads and writes them (`net/url` `escape`, `unescape`).

use crate::library::kubernetes::quote_bytes;

/// Where in a URL a text stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    Fragment,
    Host,
    Path,
    Query,
    Userinfo,
    Zone,
}

/// Reads escapes, or says in Go's words what is wrong with one.
pub(super) fn unescape(text: &[u8], part: Part) -> Result<Vec<u8>, String> {
    let mut unescaped = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((&byte, behind)) = rest.split_first() {
        rest = behind;
        match byte {
            b'%' => {
                let digits = behind.get(..2).and_then(hexadecimal);
                let Some(decoded) = digits.filter(|decoded| may_be_escaped(*decoded, part)) else {
                    let digits = behind.get(..2).unwrap_or(behind);
                    return Err(format!("invalid URL escape {}", quote_bytes(&[b"%", digits].concat())));
                };
                unescaped.push(decoded);
                rest = behind.get(2..).unwrap_or_default();
            }
            b'+' if part == Part::Query => unescaped.push(b' '),
            _ if matches!(part, Part::Host | Part::Zone) && byte.is_ascii() && !stands_bare(byte, part) => {
                return Err(format!("invalid character {} in host name", quote_bytes(&[byte])));
            }
            _ => unescaped.push(byte),
        }
    }
    Ok(unescaped)
}

/// Writes a text with escapes.
pub(super) fn escape(text: &[u8], part: Part) -> String {
    let mut escaped = String::with_capacity(text.len());
    for &byte in text {
        if stands_bare(byte, part) {
            escaped.push(char::from(byte));
        } else {
            escaped.push('%');
            for digit in [byte >> 4, byte & 15] {
                escaped.extend(char::from_digit(digit.into(), 16).map(|digit| digit.to_ascii_uppercase()));
            }
        }
    }
    escaped
}

/// Reads and writes escapes: the text as it is if it is escaped well, and Go's own way of escaping if not (Go's
/// `EscapedPath` and `EscapedFragment`).
pub(super) fn escaped(text: &str, part: Part) -> Result<String, String> {
    let unescaped = unescape(text.as_bytes(), part)?;
    let is_well_escaped =
        text.bytes().all(|byte| b"!$&'()*+,;=:@[]%".contains(&byte) || stands_bare(byte, part));
    Ok(if is_well_escaped { text.to_owned() } else { escape(&unescaped, part) })
}

/// In a host only what is not ASCII may be escaped, and the percent sign of a zone (RFC 6874); in a zone what could stand
/// there bare, and a space.
fn may_be_escaped(byte: u8, part: Part) -> bool {
    match part {
        Part::Host => !byte.is_ascii() || byte == b'%',
        Part::Zone => byte == b'%' || byte == b' ' || stands_bare(byte, Part::Host),
        _ => true,
    }
}

/// Go's `shouldEscape`, the other way round.
fn stands_bare(byte: u8, part: Part) -> bool {
    match byte {
        b'-' | b'_' | b'.' | b'~' => true,
        b'$' | b'&' | b'+' | b',' | b';' | b'=' => part != Part::Query,
        b':' => !matches!(part, Part::Query | Part::Userinfo),
        b'/' | b'@' => matches!(part, Part::Fragment | Part::Path),
        b'?' => part == Part::Fragment,
        b'!' | b'(' | b')' | b'*' => matches!(part, Part::Fragment | Part::Host | Part::Zone),
        b'\'' | b'[' | b']' | b'<' | b'>' | b'"' => matches!(part, Part::Host | Part::Zone),
        _ => byte.is_ascii_alphanumeric(),
    }
}

fn hexadecimal(digits: &[u8]) -> Option<u8> {
    if !digits.iter().all(u8::is_ascii_hexdigit) {
        return None;
    }
    std::str::from_utf8(digits).ok().and_then(|digits| u8::from_str_radix(digits, 16).ok())
}
