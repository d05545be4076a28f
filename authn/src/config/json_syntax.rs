//! What Go's encoding/json says of a text that is no JSON: kube-apiserver's words for a broken file.

/// What nests deeper, serde_json refuses in its own words.
const MAX_DEPTH: usize = 128;
const BEGINNING: &str = "looking for beginning of value";

/// Go's message, if the text is no JSON to it.
pub(super) fn error(text: &[u8]) -> Option<String> {
    let mut reader = Reader { rest: text };
    match reader.value(0).and_then(|()| reader.end()) {
        Ok(()) | Err(Stop::Depth) => None,
        Err(Stop::End) => Some("unexpected end of JSON input".to_owned()),
        Err(Stop::At(byte, context)) => Some(format!("invalid character {} {context}", quoted(byte))),
    }
}

/// Where the reading stops.
enum Stop {
    Depth,
    End,
    /// At this byte, and what was read there.
    At(u8, String),
}

struct Reader<'t> {
    rest: &'t [u8],
}

impl Reader<'_> {
    fn peek(&self) -> Result<u8, Stop> {
        self.rest.first().copied().ok_or(Stop::End)
    }

    fn next(&mut self) -> Result<u8, Stop> {
        let (first, rest) = self.rest.split_first().ok_or(Stop::End)?;
        self.rest = rest;
        Ok(*first)
    }

    /// The next byte. At the end Go's scanner reads a blank, to end a number there; other words end with it as well.
    fn next_or_blank(&mut self) -> u8 {
        self.next().unwrap_or(b' ')
    }

    fn blanks(&mut self) {
        self.skip(|byte| matches!(byte, b' ' | b'\t' | b'\r' | b'\n'));
    }

    fn end(&mut self) -> Result<(), Stop> {
        self.blanks();
        self.rest.first().map_or(Ok(()), |byte| stop(*byte, "after top-level value"))
    }

    fn value(&mut self, depth: usize) -> Result<(), Stop> {
        self.blanks();
        match self.next()? {
            b'{' => self.object(depth.saturating_add(1)),
            b'[' => self.array(depth.saturating_add(1)),
            b'"' => self.string(),
            b't' => self.literal("true"),
            b'f' => self.literal("false"),
            b'n' => self.literal("null"),
            b'-' => self.after_minus(),
            b'0' => self.fraction(),
            b'1'..=b'9' => self.integer(),
            other => stop(other, BEGINNING),
        }
    }

    fn object(&mut self, depth: usize) -> Result<(), Stop> {
        if depth > MAX_DEPTH {
            return Err(Stop::Depth);
        }
        self.blanks();
        if self.peek()? == b'}' {
            return self.next().map(drop);
        }
        loop {
            self.blanks();
            match self.next()? {
                b'"' => self.string()?,
                other => return stop(other, "looking for beginning of object key string"),
            }
            self.blanks();
            match self.next()? {
                b':' => self.value(depth)?,
                other => return stop(other, "after object key"),
            }
            self.blanks();
            match self.next()? {
                b',' => {}
                b'}' => return Ok(()),
                other => return stop(other, "after object key:value pair"),
            }
        }
    }

    fn array(&mut self, depth: usize) -> Result<(), Stop> {
        if depth > MAX_DEPTH {
            return Err(Stop::Depth);
        }
        self.blanks();
        if self.peek()? == b']' {
            return self.next().map(drop);
        }
        loop {
            self.value(depth)?;
            self.blanks();
            match self.next()? {
                b',' => {}
                b']' => return Ok(()),
                other => return stop(other, "after array element"),
            }
        }
    }

    fn string(&mut self) -> Result<(), Stop> {
        loop {
            match self.next()? {
                b'"' => return Ok(()),
                b'\\' => self.escape()?,
                control @ 0..0x20 => return stop(control, "in string literal"),
                _ => {}
            }
        }
    }

    fn escape(&mut self) -> Result<(), Stop> {
        match self.next_or_blank() {
            b'b' | b'f' | b'n' | b'r' | b't' | b'\\' | b'/' | b'"' => Ok(()),
            b'u' => (0..4).try_for_each(|_| match self.next_or_blank() {
                digit if digit.is_ascii_hexdigit() => Ok(()),
                other => stop(other, "in \\u hexadecimal character escape"),
            }),
            other => stop(other, "in string escape code"),
        }
    }

    /// The rest of a literal whose first letter was read.
    fn literal(&mut self, literal: &str) -> Result<(), Stop> {
        literal.bytes().skip(1).try_for_each(|expected| match self.next_or_blank() {
            byte if byte == expected => Ok(()),
            other => stop(other, &format!("in literal {literal} (expecting {})", quoted(expected))),
        })
    }

    fn after_minus(&mut self) -> Result<(), Stop> {
        match self.next_or_blank() {
            b'0' => self.fraction(),
            b'1'..=b'9' => self.integer(),
            other => stop(other, "in numeric literal"),
        }
    }

    fn integer(&mut self) -> Result<(), Stop> {
        self.digits();
        self.fraction()
    }

    fn fraction(&mut self) -> Result<(), Stop> {
        if self.takes(|byte| byte == b'.') {
            self.some_digits("after decimal point in numeric literal")?;
        }
        if self.takes(|byte| matches!(byte, b'e' | b'E')) {
            self.takes(|byte| matches!(byte, b'+' | b'-'));
            self.some_digits("in exponent of numeric literal")?;
        }
        Ok(())
    }

    fn some_digits(&mut self, context: &str) -> Result<(), Stop> {
        match self.next_or_blank() {
            b'0'..=b'9' => {
                self.digits();
                Ok(())
            }
            other => stop(other, context),
        }
    }

    fn digits(&mut self) {
        self.skip(|byte| byte.is_ascii_digit());
    }

    fn skip(&mut self, of: fn(u8) -> bool) {
        let count = self.rest.iter().take_while(|byte| of(**byte)).count();
        self.rest = self.rest.get(count..).unwrap_or_default();
    }

    /// Goes on if the next byte is such a one.
    fn takes(&mut self, of: fn(u8) -> bool) -> bool {
        let is_there = self.rest.first().is_some_and(|byte| of(*byte));
        if is_there {
            self.rest = self.rest.get(1..).unwrap_or_default();
        }
        is_there
    }
}

fn stop(byte: u8, context: &str) -> Result<(), Stop> {
    Err(Stop::At(byte, context.to_owned()))
}

/// A byte as Go quotes it (encoding/json `quoteChar`): each byte is a letter of its own.
fn quoted(byte: u8) -> String {
    match byte {
        b'\'' => r"'\''".to_owned(),
        b'"' => "'\"'".to_owned(),
        _ => {
            let letter = super::field::quote(&char::from(byte).to_string());
            let inner = letter.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or_default();
            format!("'{inner}'")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The messages are those that Go 1.26 gave.
    #[test]
    fn gos_words() {
        for (text, message) in [
            ("{", "unexpected end of JSON input"),
            ("{\"a\"", "unexpected end of JSON input"),
            ("{\"a\":\"b", "unexpected end of JSON input"),
            ("{\"a\":-", "invalid character ' ' in numeric literal"),
            ("{\"a\":tr", "invalid character ' ' in literal true (expecting 'u')"),
            ("{\"a\":\"\\", "invalid character ' ' in string escape code"),
            ("{\"a\":1", "unexpected end of JSON input"),
            ("{a}", "invalid character 'a' looking for beginning of object key string"),
            ("{\"a\" 1}", "invalid character '1' after object key"),
            ("{\"a\":}", "invalid character '}' looking for beginning of value"),
            ("{\"a\":1 2}", "invalid character '2' after object key:value pair"),
            ("{\"a\":1,}", "invalid character '}' looking for beginning of object key string"),
            ("{\"a\":[1 2]}", "invalid character '2' after array element"),
            ("{\"a\":[1,]}", "invalid character ']' looking for beginning of value"),
            ("{} x", "invalid character 'x' after top-level value"),
            ("{}\n---", "invalid character '-' after top-level value"),
            ("{\"a\":'b'}", r"invalid character '\'' looking for beginning of value"),
            ("{\"a\":01}", "invalid character '1' after object key:value pair"),
            ("{\"a\":1.}", "invalid character '}' after decimal point in numeric literal"),
            ("{\"a\":1ex}", "invalid character 'x' in exponent of numeric literal"),
            ("{\"a\":-x}", "invalid character 'x' in numeric literal"),
            ("{\"a\":trux}", "invalid character 'x' in literal true (expecting 'e')"),
            ("{\"a\":\"\t\"}", r"invalid character '\t' in string literal"),
            ("{\"a\":\"\\x\"}", "invalid character 'x' in string escape code"),
            ("{\"a\":\"\\u00x\"}", r"invalid character 'x' in \u hexadecimal character escape"),
            ("{\u{e9}}", "invalid character '\u{c3}' looking for beginning of object key string"),
            ("{\"}", "unexpected end of JSON input"),
        ] {
            assert_eq!(error(text.as_bytes()).as_deref(), Some(message), "{text}");
        }
        for text in ["{}", " {\"a\": [1, -0.5e+3, \"\\u00e9\\n\", true, false, null, {}, []]} \n"] {
            assert_eq!(error(text.as_bytes()), None, "{text}");
        }
        assert_eq!(error("[".repeat(100_000).as_bytes()), None);
    }
}
