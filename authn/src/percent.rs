//! Percent-encoding (RFC 3986 2.1), as Go's `net/url` undoes it in a path.

/// Decodes each `%XX`; `None` when a `%` is followed by anything else.
pub(crate) fn decode(text: &str) -> Option<Vec<u8>> {
    let mut decoded = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        decoded.push(if byte == b'%' {
            let (high, low) = (hex(bytes.next()?)?, hex(bytes.next()?)?);
            (high << 4) | low
        } else {
            byte
        });
    }
    Some(decoded)
}

fn hex(digit: u8) -> Option<u8> {
    let value = char::from(digit).to_digit(16)?;
    u8::try_from(value).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_whole_escapes_are_decoded() {
        for (text, decoded) in [
            ("", Some("")),
            ("a+b", Some("a+b")),
            ("a%2Fb%2f", Some("a/b/")),
            ("%25", Some("%")),
            ("%", None),
            ("%2", None),
            ("%zz", None),
            ("%+1", None),
        ] {
            assert_eq!(decode(text), decoded.map(|text| text.as_bytes().to_vec()), "{text}");
        }
        assert_eq!(decode("%ff"), Some(vec![0xff]));
    }
}
