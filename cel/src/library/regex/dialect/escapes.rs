//! What begins with a backslash.

use super::{INVALID_CLASS_RANGE, INVALID_ESCAPE, Parser, SyntaxError, TRAILING_BACKSLASH};
use crate::library::regex::class::{self, Ranges};
use crate::library::regex::tree::{Assertion, Node};

impl Parser<'_> {
    /// `\` outside brackets.
    pub(super) fn backslash(&mut self) -> Result<(), SyntaxError> {
        let start = self.position;
        match self.rest().chars().nth(1) {
            Some('A') => return self.simple(2, Node::Assertion(Assertion::TextStart)),
            Some('b') => return self.simple(2, Node::Assertion(Assertion::WordBoundary)),
            Some('B') => return self.simple(2, Node::Assertion(Assertion::NoWordBoundary)),
            Some('z') => return self.simple(2, Node::Assertion(Assertion::TextEnd)),
            Some('C') => {
                self.skip(2);
                return Err(self.error(INVALID_ESCAPE, start));
            }
            Some('Q') => {
                self.skip(2);
                let rest = self.rest();
                let (quoted, end) = match rest.split_once("\\E") {
                    Some((quoted, _)) => (quoted, quoted.len().saturating_add(2)),
                    None => (rest, rest.len()),
                };
                for char in quoted.chars() {
                    self.literal(char.into())?;
                }
                self.skip(end);
                return Ok(());
            }
            _ => (),
        }
        if let Some(ranges) = self.class_escape()? {
            return self.class(ranges);
        }
        let char = self.escape()?;
        self.literal(char)
    }

    /// `\pL`, `\p{Greek}`, `\d` and the like, if one stands here.
    pub(super) fn class_escape(&mut self) -> Result<Option<Ranges>, SyntaxError> {
        let start = self.position;
        let text = self.rest();
        if let Some((ranges, length)) = class::perl(text, self.flags.fold) {
            self.skip(length);
            return Ok(Some(ranges));
        }
        if !text.starts_with("\\p") && !text.starts_with("\\P") {
            return Ok(None);
        }
        let mut negated = text.starts_with("\\P");
        self.skip(2);
        let mut name = match self.take() {
            None => "",
            Some('{') => match self.rest().split_once('}') {
                Some((name, _)) => {
                    self.skip(name.len().saturating_add(1));
                    name
                }
                None => {
                    self.position = self.pattern.len();
                    return Err(self.error(INVALID_CLASS_RANGE, start));
                }
            },
            Some(_) => self.read_since(start).get(2..).unwrap_or_default(),
        };
        if let Some(rest) = name.strip_prefix('^') {
            negated = !negated;
            name = rest;
        }
        match class::unicode(name, self.flags.fold, negated) {
            Some(ranges) => Ok(Some(ranges)),
            None => Err(self.error(INVALID_CLASS_RANGE, start)),
        }
    }

    /// An escape that means one character.
    pub(super) fn escape(&mut self) -> Result<u32, SyntaxError> {
        let start = self.position;
        self.skip(1);
        let Some(char) = self.take() else {
            return Err(SyntaxError { problem: TRAILING_BACKSLASH, text: String::new() });
        };
        let value = match char {
            '0' => Some(self.octal(0)),
            // One digit alone would be a back reference.
            '1'..='7' if self.rest().starts_with(|next| matches!(next, '0'..='7')) => {
                Some(self.octal(char.to_digit(8).unwrap_or_default()))
            }
            'x' => self.hexadecimal(),
            'a' => Some(0x07),
            'f' => Some(0x0c),
            'n' => Some(0x0a),
            'r' => Some(0x0d),
            't' => Some(0x09),
            'v' => Some(0x0b),
            _ if char.is_ascii() && !char.is_ascii_alphanumeric() => Some(char.into()),
            _ => None,
        };
        value.ok_or_else(|| self.error(INVALID_ESCAPE, start))
    }

    /// The rest of `\123`: up to two more digits.
    pub(super) fn octal(&mut self, first: u32) -> u32 {
        let mut value = first;
        for _ in 0..2 {
            let Some(digit) = self.rest().chars().next().and_then(|next| next.to_digit(8)) else { break };
            self.skip(1);
            value = value.saturating_mul(8).saturating_add(digit);
        }
        value
    }

    /// The rest of `\x41` or `\x{1F600}`. What was read belongs to the message, also where it does not fit.
    pub(super) fn hexadecimal(&mut self) -> Option<u32> {
        let first = self.take()?;
        if first != '{' {
            let second = self.take();
            return Some(first.to_digit(16)?.saturating_mul(16).saturating_add(second?.to_digit(16)?));
        }
        let mut value: u32 = 0;
        let mut digits = false;
        loop {
            let next = self.take()?;
            if next == '}' {
                return digits.then_some(value);
            }
            value = value.saturating_mul(16).saturating_add(next.to_digit(16)?);
            if value > class::LAST {
                return None;
            }
            digits = true;
        }
    }
}
