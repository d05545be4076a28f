//! Lists of header lines as they cross the border between host and VM.
//!
//! All numbers are 32 bits, little-endian: how many lines there are, the lengths of name and value of each, and then
//! each name and each value, followed by a zero byte.

/// The size of a number.
const NUMBER: usize = 4;

/// A line: its name, in lower case as Envoy has it, and its value, which need not be UTF-8.
pub type Line<'a> = (&'a str, &'a [u8]);

/// Why bytes are no list of lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MalformedPairs {
    /// A name that is not UTF-8.
    #[error("a header name that is not UTF-8")]
    Name,
    /// Bytes that follow the last line.
    #[error("bytes after the last header line")]
    Trailing,
    /// Fewer bytes than it takes.
    #[error("a header list that is cut short")]
    Truncated,
    /// A name or value that doesn't end with a zero byte.
    #[error("a header line that does not end")]
    Unterminated,
}

/// Reads a list. No bytes at all are the empty one.
///
/// # Errors
/// [`MalformedPairs`]; nothing is taken of a list that is wrong anywhere.
pub fn parse(bytes: &[u8]) -> Result<Vec<Line<'_>>, MalformedPairs> {
    if bytes.is_empty() {
        return Ok(Vec::new());
    }
    let (count, rest) = number(bytes)?;
    // Before anything is made as large as it says.
    let size = count.checked_mul(2 * NUMBER).ok_or(MalformedPairs::Truncated)?;
    let (mut lengths, mut texts) = rest.split_at_checked(size).ok_or(MalformedPairs::Truncated)?;
    let mut lines = Vec::with_capacity(count);
    while !lengths.is_empty() {
        let (name, value);
        (name, lengths) = number(lengths)?;
        (value, lengths) = number(lengths)?;
        let (name, after) = text(texts, name)?;
        let (value, after) = text(after, value)?;
        texts = after;
        lines.push((std::str::from_utf8(name).map_err(|_| MalformedPairs::Name)?, value));
    }
    if texts.is_empty() { Ok(lines) } else { Err(MalformedPairs::Trailing) }
}

/// Writes a list.
///
/// `None` if a length has no room in its number.
#[must_use]
pub fn serialize(lines: &[Line<'_>]) -> Option<Vec<u8>> {
    let texts = lines.iter().flat_map(|(name, value)| [name.as_bytes(), value]);
    let size =
        texts.clone().try_fold(NUMBER, |size, text| size.checked_add(text.len())?.checked_add(NUMBER + 1))?;
    let mut bytes = Vec::with_capacity(size);
    bytes.extend_from_slice(&u32::try_from(lines.len()).ok()?.to_le_bytes());
    for text in texts.clone() {
        bytes.extend_from_slice(&u32::try_from(text.len()).ok()?.to_le_bytes());
    }
    for text in texts {
        bytes.extend_from_slice(text);
        bytes.push(0);
    }
    Some(bytes)
}

fn number(bytes: &[u8]) -> Result<(usize, &[u8]), MalformedPairs> {
    let (number, rest) = bytes.split_first_chunk::<NUMBER>().ok_or(MalformedPairs::Truncated)?;
    let number = usize::try_from(u32::from_le_bytes(*number)).map_err(|_| MalformedPairs::Truncated)?;
    Ok((number, rest))
}

fn text(bytes: &[u8], length: usize) -> Result<(&[u8], &[u8]), MalformedPairs> {
    let (text, rest) = bytes.split_at_checked(length).ok_or(MalformedPairs::Truncated)?;
    match rest.split_first() {
        Some((0, rest)) => Ok((text, rest)),
        Some(_) => Err(MalformedPairs::Unterminated),
        None => Err(MalformedPairs::Truncated),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A list with these numbers before these bytes.
    fn list(numbers: &[u32], texts: &[u8]) -> Vec<u8> {
        let numbers = numbers.iter().flat_map(|number| number.to_le_bytes());
        numbers.chain(texts.iter().copied()).collect()
    }

    #[test]
    fn what_the_host_writes() {
        let written = list(&[3, 7, 3, 1, 0, 1, 2], b":method\0GET\0a\0\0a\0\xff\0\0");
        let lines: Vec<Line<'_>> = vec![(":method", b"GET"), ("a", b""), ("a", b"\xff\0")];
        assert_eq!(parse(&written), Ok(lines.clone()));
        assert_eq!(serialize(&lines), Some(written));
    }

    #[test]
    fn no_lines() {
        assert_eq!(parse(b""), Ok(Vec::new()));
        assert_eq!(parse(&list(&[0], b"")), Ok(Vec::new()));
        assert_eq!(serialize(&[]), Some(list(&[0], b"")));
    }

    #[test]
    fn many_lines() {
        let names: Vec<_> = (0..10_000).map(|n| format!("x-{n}")).collect();
        let lines: Vec<_> = names.iter().map(|name| (name.as_str(), name.as_bytes())).collect();
        assert_eq!(parse(&serialize(&lines).unwrap()), Ok(lines));
    }

    #[test]
    fn malformed_lists() {
        use MalformedPairs::{Name, Trailing, Truncated, Unterminated};
        let rows = [
            (list(&[0], b"\0"), Trailing),
            (list(&[1, 1, 1], b"a\0b\0c"), Trailing),
            (list(&[1], b""), Truncated),
            (list(&[1, 1], b"a\0b\0"), Truncated),
            // Lengths that lie.
            (list(&[u32::MAX], b""), Truncated),
            (list(&[1 << 29, 1, 1], b"a\0b\0"), Truncated),
            (list(&[1, u32::MAX, 1], b"a\0b\0"), Truncated),
            (list(&[1, 1, u32::MAX], b"a\0b\0"), Truncated),
            (list(&[1, 1, 2], b"a\0b\0"), Truncated),
            (list(&[1, 4, 0], b"a\0b\0"), Truncated),
            (list(&[2, 1, 1, 1, 1], b"a\0b\0"), Truncated),
            (list(&[1, 2, 1], b"a\0b\0"), Unterminated),
            (list(&[1, 1, 1], b"a-b\0"), Unterminated),
            (list(&[1, 1, 1], b"\xff\0b\0"), Name),
        ];
        for (bytes, error) in rows {
            assert_eq!(parse(&bytes), Err(error), "{bytes:?}");
        }
    }

    #[test]
    fn nothing_is_taken_of_a_list_that_is_cut_anywhere() {
        let whole = serialize(&[("name", b"value"), ("", b""), ("other", b"\xff")]).unwrap();
        for length in 1..whole.len() {
            assert_eq!(parse(&whole[..length]), Err(MalformedPairs::Truncated), "{length}");
        }
    }
}
