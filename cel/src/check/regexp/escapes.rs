//! What begins with a backslash.

use super::nodes::Node;
use super::{BadPattern, Parser, bad};

/// The largest code point.
const MAXIMAL_CODE_POINT: u32 = 0x0010_FFFF;

const INVALID_ESCAPE: &str = "invalid escape sequence";

impl Parser<'_> {
    /// A backslash outside of brackets.
    pub(super) fn escape(&mut self) -> Result<(), BadPattern> {
        let start = self.position;
        match self.rest().chars().nth(1) {
            Some('A' | 'b' | 'B' | 'z') => {
                self.advance();
                self.advance();
                self.stack.push(Node::single());
            }
            // Any byte: not supported there either.
            Some('C') => {
                self.advance();
                self.advance();
                return Err(self.refuse(INVALID_ESCAPE, start));
            }
            Some('Q') => {
                self.eat_text("\\Q");
                while !self.eat_text("\\E") && self.advance().is_some() {
                    self.stack.push(Node::literal());
                }
            }
            _ if self.unicode_class()? || self.perl_class() => self.stack.push(Node::single()),
            _ => {
                self.escaped_character()?;
                self.stack.push(Node::literal());
            }
        }
        Ok(())
    }

    /// `\d` and the like.
    pub(super) fn perl_class(&mut self) -> bool {
        ["\\d", "\\D", "\\s", "\\S", "\\w", "\\W"].into_iter().any(|class| self.eat_text(class))
    }

    /// An escape that stands for one character, which is the result.
    pub(super) fn escaped_character(&mut self) -> Result<u32, BadPattern> {
        let start = self.position;
        self.advance();
        let Some(character) = self.advance() else {
            return Err(bad("trailing backslash at end of expression", ""));
        };
        let next_is_octal = self.peek().is_some_and(|next| next.is_digit(8));
        let found = match character {
            '0' => Some(self.octal(character)),
            '1'..='7' if next_is_octal => Some(self.octal(character)),
            'x' => self.hexadecimal(),
            'a' => Some(0x07),
            'f' => Some(0x0C),
            'n' => Some(0x0A),
            'r' => Some(0x0D),
            't' => Some(0x09),
            'v' => Some(0x0B),
            _ if character.is_ascii() && !character.is_ascii_alphanumeric() => Some(u32::from(character)),
            _ => None,
        };
        found.ok_or_else(|| self.refuse(INVALID_ESCAPE, start))
    }

    /// Up to three digits, the first of which is taken.
    fn octal(&mut self, first: char) -> u32 {
        let mut value = first.to_digit(8).unwrap_or_default();
        for _ in 0..2 {
            let Some(digit) = self.peek().and_then(|next| next.to_digit(8)) else { break };
            self.advance();
            value = value.saturating_mul(8).saturating_add(digit);
        }
        value
    }

    /// `12` or `{1F600}`.
    fn hexadecimal(&mut self) -> Option<u32> {
        let first = self.advance()?;
        if first != '{' {
            let second = self.advance().and_then(|second| second.to_digit(16));
            return Some(first.to_digit(16)?.saturating_mul(16).saturating_add(second?));
        }
        let mut value = 0_u32;
        let mut has_digits = false;
        loop {
            match self.advance()? {
                '}' => return has_digits.then_some(value),
                digit => {
                    value = value.saturating_mul(16).saturating_add(digit.to_digit(16)?);
                    if value > MAXIMAL_CODE_POINT {
                        return None;
                    }
                    has_digits = true;
                }
            }
        }
    }
}
