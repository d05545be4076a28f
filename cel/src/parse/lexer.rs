//! From characters to words: the longest that fits, as ANTLR's lexer for `CEL.g4` has it.

use super::source::Source;
use super::token::{Kind, Token};

/// What stands at a place.
#[derive(Debug)]
pub(super) enum Scanned {
    Token(Token),
    /// No word begins so: what was read until that was clear.
    Unknown {
        start: usize,
        text: String,
    },
}

/// Goes through a text.
#[derive(Debug)]
pub(super) struct Lexer<'a> {
    source: &'a Source,
    place: usize,
}

/// Where a word ends, or at which character it failed to be one.
type End = Result<usize, usize>;

impl<'a> Lexer<'a> {
    pub(super) fn new(source: &'a Source) -> Self {
        Self { source, place: 0 }
    }

    /// The next word, spaces and comments included.
    pub(super) fn next(&mut self) -> Scanned {
        let start = self.place;
        match self.scan(start) {
            Ok((kind, end)) => {
                self.place = end;
                Scanned::Token(Token { kind, start, end, missing: false })
            }
            Err(failed) => {
                // ANTLR shows the character where it gave up, and goes on behind it.
                self.place = failed.saturating_add(1).min(self.source.len());
                Scanned::Unknown { start, text: self.source.slice(start, self.place) }
            }
        }
    }

    fn scan(&self, start: usize) -> Result<(Kind, usize), usize> {
        let Some(first) = self.source.at(start) else {
            return Ok((Kind::Eof, start));
        };
        let second = start.saturating_add(1);
        match first {
            '\t' | ' ' | '\r' | '\n' | '\u{c}' => {
                let space = |c: char| matches!(c, '\t' | ' ' | '\r' | '\n' | '\u{c}');
                Ok((Kind::Whitespace, self.while_is(second, space)))
            }
            '/' if self.source.at(second) == Some('/') => {
                Ok((Kind::Comment, self.while_is(second, |c| c != '\n')))
            }
            '0'..='9' => Ok(self.number(start)),
            '.' if self.digit(second) => Ok((Kind::Float, self.fraction(start).unwrap_or(second))),
            '"' | '\'' => self.string(start, first, false).map(|end| (Kind::String, end)),
            'A'..='Z' | 'a'..='z' | '_' => Ok(self.word(start)),
            '`' => self.escaped_identifier(second).map(|end| (Kind::EscapedIdentifier, end)),
            _ => self.operator(first, second),
        }
    }

    fn operator(&self, first: char, second: usize) -> Result<(Kind, usize), usize> {
        let third = second.saturating_add(1);
        let double = match (first, self.source.at(second)) {
            ('=', Some('=')) => Some(Kind::Equals),
            ('!', Some('=')) => Some(Kind::NotEquals),
            ('<', Some('=')) => Some(Kind::LessEquals),
            ('>', Some('=')) => Some(Kind::GreaterEquals),
            ('&', Some('&')) => Some(Kind::And),
            ('|', Some('|')) => Some(Kind::Or),
            _ => None,
        };
        if let Some(kind) = double {
            return Ok((kind, third));
        }
        let kind = match first {
            '<' => Kind::Less,
            '>' => Kind::Greater,
            '[' => Kind::LeftBracket,
            ']' => Kind::RightBracket,
            '{' => Kind::LeftBrace,
            '}' => Kind::RightBrace,
            '(' => Kind::LeftParenthesis,
            ')' => Kind::RightParenthesis,
            '.' => Kind::Dot,
            ',' => Kind::Comma,
            '-' => Kind::Minus,
            '!' => Kind::Not,
            '?' => Kind::Question,
            ':' => Kind::Colon,
            '+' => Kind::Plus,
            '*' => Kind::Star,
            '/' => Kind::Slash,
            '%' => Kind::Percent,
            '=' | '&' | '|' => return Err(second),
            _ => return Err(second.saturating_sub(1)),
        };
        Ok((kind, second))
    }

    /// A name, a word of the language, or a string with a prefix.
    fn word(&self, start: usize) -> (Kind, usize) {
        let end = self.while_is(start, |c| c.is_ascii_alphanumeric() || c == '_');
        let text = self.source.slice(start, end.min(start.saturating_add(6)));
        if let Some(quote @ ('"' | '\'')) = self.source.at(end) {
            let prefix = match text.to_ascii_lowercase().as_str() {
                "r" => Some((Kind::String, true)),
                "b" => Some((Kind::Bytes, false)),
                "br" => Some((Kind::Bytes, true)),
                _ => None,
            };
            if let Some((kind, raw)) = prefix
                && let Ok(string_end) = self.string(end, quote, raw)
            {
                return (kind, string_end);
            }
        }
        let kind = match text.as_str() {
            "in" => Kind::In,
            "true" => Kind::True,
            "false" => Kind::False,
            "null" => Kind::Null,
            _ => Kind::Identifier,
        };
        (kind, end)
    }

    fn number(&self, start: usize) -> (Kind, usize) {
        let second = start.saturating_add(1);
        let unsigned = |end: usize| match self.source.at(end) {
            Some('u' | 'U') => (Kind::Uint, end.saturating_add(1)),
            _ => (Kind::Int, end),
        };
        if self.source.at(start) == Some('0') && self.source.at(second) == Some('x') {
            let digits = second.saturating_add(1);
            let end = self.while_is(digits, |c| c.is_ascii_hexdigit());
            return if end > digits { unsigned(end) } else { (Kind::Int, second) };
        }
        let end = self.while_is(start, |c| c.is_ascii_digit());
        match self.fraction(end).or_else(|| self.exponent(end)) {
            Some(end) => (Kind::Float, end),
            None => unsigned(end),
        }
    }

    /// The end of `.5` or `.5e3`.
    fn fraction(&self, dot: usize) -> Option<usize> {
        let digits = dot.saturating_add(1);
        if self.source.at(dot) != Some('.') || !self.digit(digits) {
            return None;
        }
        let end = self.while_is(digits, |c| c.is_ascii_digit());
        Some(self.exponent(end).unwrap_or(end))
    }

    /// The end of `e3` or `E+3`.
    fn exponent(&self, place: usize) -> Option<usize> {
        if !matches!(self.source.at(place), Some('e' | 'E')) {
            return None;
        }
        let mut digits = place.saturating_add(1);
        if matches!(self.source.at(digits), Some('+' | '-')) {
            digits = digits.saturating_add(1);
        }
        self.digit(digits).then(|| self.while_is(digits, |c| c.is_ascii_digit()))
    }

    /// A string from its first quote on.
    fn string(&self, start: usize, quote: char, raw: bool) -> End {
        let is_quote = |place: usize| self.source.at(place) == Some(quote);
        let second = start.saturating_add(1);
        if is_quote(second) {
            let third = second.saturating_add(1);
            // `""` stands if nothing longer does.
            return Ok(self.triple_quoted(start, quote, raw).unwrap_or(third));
        }
        let mut place = second;
        loop {
            place = match self.source.at(place) {
                Some(c) if c == quote => return Ok(place.saturating_add(1)),
                Some('\\') if !raw => self.escape(place)?,
                Some('\n' | '\r') | None => return Err(place),
                Some(_) => place.saturating_add(1),
            };
        }
    }

    /// The end of a string in three quotes, if one begins here.
    fn triple_quoted(&self, start: usize, quote: char, raw: bool) -> Option<usize> {
        let quotes =
            |place: usize| (place..place.saturating_add(3)).all(|place| self.source.at(place) == Some(quote));
        if !quotes(start) {
            return None;
        }
        let mut place = start.saturating_add(3);
        loop {
            if quotes(place) {
                return Some(place.saturating_add(3));
            }
            place = match self.source.at(place)? {
                '\\' if !raw => self.escape(place).ok()?,
                _ => place.saturating_add(1),
            };
        }
    }

    /// The end of what begins with a backslash.
    fn escape(&self, backslash: usize) -> End {
        let place = backslash.saturating_add(1);
        let digits = |count: usize, is_digit: fn(&char) -> bool| {
            let first = place.saturating_add(1);
            let end = first.saturating_add(count);
            let bad = (first..end).find(|place| !self.source.at(*place).as_ref().is_some_and(is_digit));
            bad.map_or(Ok(end), Err)
        };
        match self.source.at(place) {
            Some('a' | 'b' | 'f' | 'n' | 'r' | 't' | 'v' | '"' | '\'' | '\\' | '?' | '`') => {
                digits(0, |_| true)
            }
            Some('0'..='3') => digits(2, |c| matches!(c, '0'..='7')),
            Some('x' | 'X') => digits(2, char::is_ascii_hexdigit),
            Some('u') => digits(4, char::is_ascii_hexdigit),
            Some('U') => digits(8, char::is_ascii_hexdigit),
            _ => Err(place),
        }
    }

    fn escaped_identifier(&self, start: usize) -> End {
        let end =
            self.while_is(start, |c| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-' | '/' | ' '));
        if end > start && self.source.at(end) == Some('`') { Ok(end.saturating_add(1)) } else { Err(end) }
    }

    fn digit(&self, place: usize) -> bool {
        self.source.at(place).is_some_and(|c| c.is_ascii_digit())
    }

    fn while_is(&self, mut place: usize, is: impl Fn(char) -> bool) -> usize {
        while self.source.at(place).is_some_and(&is) {
            place = place.saturating_add(1);
        }
        place
    }
}
