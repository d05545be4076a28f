//! What some other reader could find in a text, whether or not it is JSON.

/// The text values of every member of the outermost object that some reader could take for `name`: in whatever case,
/// however often, and whatever else is wrong with the text. It looks at strings, brackets, colons and commas alone, so
/// that nothing which another reader lets pass (a number out of range, text that is no Unicode, depth) ends it early.
pub(crate) fn members_named(text: &[u8], name: &str) -> Vec<String> {
    let mut found = Vec::new();
    let (mut depth, mut last, mut is_value) = (0_usize, None, false);
    let mut rest = text;
    while let Some((byte, behind)) = rest.split_first() {
        rest = behind;
        match byte {
            b'{' | b'[' => depth = depth.saturating_add(1),
            b'}' | b']' => depth = depth.saturating_sub(1),
            b'"' => {
                let (string, behind) = split_string(rest);
                rest = behind;
                match (depth, is_value) {
                    (0 | 1, true) => found.push(string_value(string)),
                    (0 | 1, false) => last = Some(string),
                    _ => {}
                }
                is_value = false;
            }
            b':' if depth <= 1 => {
                is_value = last.take().is_some_and(|key| folded(&string_value(key)).eq(folded(name)));
            }
            b',' => is_value = false,
            _ => {}
        }
    }
    found
}

/// A member's name as Go's encoding/json compares it. It also equates `ſ` (U+017F) with `s` and the Kelvin sign
/// (U+212A) with `k`.
pub(crate) fn folded(name: &str) -> impl Iterator<Item = char> {
    name.chars().map(|character| match character {
        '\u{17f}' => 's',
        '\u{212a}' => 'k',
        other => other.to_ascii_lowercase(),
    })
}

/// A string from behind its opening quote, and what follows its closing one, if it has any.
fn split_string(text: &[u8]) -> (&[u8], &[u8]) {
    let mut is_escaped = false;
    let end = text.iter().position(|byte| {
        let is_end = *byte == b'"' && !is_escaped;
        is_escaped = *byte == b'\\' && !is_escaped;
        is_end
    });
    let (string, rest) = end.and_then(|end| text.split_at_checked(end)).unwrap_or((text, b""));
    (string, rest.get(1..).unwrap_or_default())
}

/// What stands between two quotes; as it is where that is no JSON string.
fn string_value(string: &[u8]) -> String {
    serde_json::from_slice(&[b"\"", string, b"\""].concat())
        .unwrap_or_else(|_| String::from_utf8_lossy(string).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_member_is_found_by_whatever_reader() {
        let deep = format!(r#"{{"x":{}{},"iss":"a"}}"#, "[".repeat(200), "]".repeat(200));
        for (text, found) in [
            (r#"{"iss":"a"}"#, &["a"][..]),
            (" {\n\"iss\" :\t\"a\"\r}", &["a"]),
            (r#"{"iss":"a","ISS":"b","\u0069ss":"c","x":{"iss":"d"},"iss":7}"#, &["a", "b", "c"]),
            ("{\"i\u{17f}s\":\"a\",\"IS\u{17f}\":\"b\",\"i\\u017fs\":\"c\"}", &["a", "b", "c"]),
            (r#"{"iss":"a","#, &["a"]),
            (r#"{"iss":"a"#, &["a"]),
            (r#"{"iss":"a\"b\\","x":"\\","iss":"c"}"#, &["a\"b\\", "c"]),
            (r#"{"n":1e400,"iss":"a"}"#, &["a"]),
            (r#"{"x":tru,"iss":"a"}"#, &["a"]),
            (r#"{"\ud800":"\ud800","iss":"\ud800","iss":"a"}"#, &["\\ud800", "a"]),
            (r#"{"iss":7,"iss":null,"iss":{},"iss":[],"iss":"a"}"#, &["a"]),
            (r#"{"x":"iss","y":"a"}"#, &[]),
            (r#"{"x":["iss","a"],"iss":["a"],"y":{"iss":"a"}}"#, &[]),
            (r#"["iss","a"]"#, &[]),
            (&deep, &["a"]),
            ("", &[]),
        ] {
            assert_eq!(members_named(text.as_bytes(), "iss"), found, "{text}");
        }
        assert_eq!(members_named(b"\xef\xbb\xbf{\"\xff\":\"\xff\",\"iss\":\"a\"}", "iss"), ["a"]);
    }
}
