//! What a string between quotes stands for (cel-go `parser/unescape.go`).

use std::str::Chars;

/// For what no escape is.
const UNABLE: &str = "unable to unescape string";

/// The bytes of a string literal, given with its quotes and its `r`, if any.
pub(super) fn unescape(literal: &str, is_bytes: bool) -> Result<Vec<u8>, &'static str> {
    let literal = literal.replace("\r\n", "\n").replace('\r', "\n");
    let quoted = literal.strip_prefix(['r', 'R']);
    let raw = quoted.is_some();
    let text = unquote(quoted.unwrap_or(&literal)).ok_or(UNABLE)?;
    if raw || !text.contains('\\') {
        return Ok(text.as_bytes().to_vec());
    }
    let mut bytes = Vec::with_capacity(text.len());
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        match character {
            '\\' => escape(&mut characters, is_bytes, &mut bytes)?,
            _ => push(&mut bytes, character),
        }
    }
    Ok(bytes)
}

fn unquote(text: &str) -> Option<&str> {
    let within = |quotes: &str| text.strip_prefix(quotes)?.strip_suffix(quotes);
    within("'''").or_else(|| within("\"\"\"")).or_else(|| within("'")).or_else(|| within("\""))
}

fn escape(characters: &mut Chars<'_>, is_bytes: bool, bytes: &mut Vec<u8>) -> Result<(), &'static str> {
    let code = match characters.next().ok_or("unable to unescape string, found '\\' as last character")? {
        'a' => 0x07,
        'b' => 0x08,
        'f' => 0x0c,
        'n' => 0x0a,
        'r' => 0x0d,
        't' => 0x09,
        'v' => 0x0b,
        same @ ('\\' | '\'' | '"' | '`' | '?') => u32::from(same),
        'x' | 'X' => number(characters, 0, 2, 16).ok_or(UNABLE)?,
        'u' if !is_bytes => number(characters, 0, 4, 16).ok_or(UNABLE)?,
        'U' if !is_bytes => number(characters, 0, 8, 16).ok_or(UNABLE)?,
        first @ '0'..='3' => {
            let first = first.to_digit(8).unwrap_or(0);
            number(characters, first, 2, 8).ok_or("unable to unescape octal sequence in string")?
        }
        _ => return Err(UNABLE),
    };
    if is_bytes {
        // Two hexadecimal or three octal digits are a byte.
        bytes.push(u8::try_from(code).map_err(|_| UNABLE)?);
    } else {
        push(bytes, char::from_u32(code).ok_or("invalid unicode code point")?);
    }
    Ok(())
}

fn number(characters: &mut Chars<'_>, first: u32, count: usize, base: u32) -> Option<u32> {
    (0..count).try_fold(first, |number, _| {
        let digit = characters.next()?.to_digit(base)?;
        Some(number.wrapping_mul(base) | digit)
    })
}

fn push(bytes: &mut Vec<u8>, character: char) {
    bytes.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
}
