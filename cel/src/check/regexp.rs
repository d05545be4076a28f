//! Whether Go takes a regular expression, and what it says if not (Go `regexp/syntax`, with the flags of
//! `regexp.Compile`). What it matches is not of interest here.

mod classes;
mod escapes;
mod groups;
mod nodes;

use nodes::{Node, Stack};

/// Why Go refuses a pattern.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("error parsing regexp: {reason}: `{part}`")]
pub(super) struct BadPattern {
    reason: &'static str,
    /// The part of the pattern that is to blame.
    part: String,
}

/// Checks a pattern.
///
/// # Errors
/// Go's text.
pub(super) fn validate(pattern: &str) -> Result<(), BadPattern> {
    let mut parser = Parser { pattern, position: 0, stack: Stack::default() };
    parser.parse()
}

struct Parser<'a> {
    pattern: &'a str,
    /// In bytes.
    position: usize,
    stack: Stack,
}

/// No repetition may have more copies, nor several nested ones together.
const MAXIMAL_COPIES: u64 = 1000;

impl Parser<'_> {
    fn parse(&mut self) -> Result<(), BadPattern> {
        // Where the repetition began that ends here, if one does.
        let mut last_repetition = None;
        while let Some(character) = self.peek() {
            let start = self.position;
            let mut repetition = None;
            match character {
                '(' => self.open_group()?,
                '|' => {
                    self.advance();
                    self.stack.bar();
                }
                ')' => {
                    self.advance();
                    if !self.stack.close() {
                        return Err(bad("unexpected )", self.pattern));
                    }
                }
                '^' | '$' | '.' => {
                    self.advance();
                    self.stack.push(Node::single());
                }
                '[' => self.class()?,
                '*' | '+' | '?' => {
                    self.advance();
                    let overhead = if character == '*' { 2 } else { 1 };
                    self.repeat(start, last_repetition, |node| node.wrapped(overhead))?;
                    repetition = Some(start);
                }
                '{' => match self.counts() {
                    Some((minimum, maximum)) => {
                        if minimum > MAXIMAL_COPIES
                            || maximum.is_some_and(|maximum| maximum > MAXIMAL_COPIES || minimum > maximum)
                        {
                            return Err(self.refuse("invalid repeat count", start));
                        }
                        self.repeat(start, last_repetition, |node| node.repeated(minimum, maximum))?;
                        let copies = self.stack.copies();
                        if (minimum >= 2 || maximum.is_some_and(|maximum| maximum >= 2))
                            && copies > MAXIMAL_COPIES
                        {
                            return Err(self.refuse("invalid repeat count", start));
                        }
                        repetition = Some(start);
                    }
                    None => {
                        self.advance();
                        self.stack.push(Node::literal());
                    }
                },
                '\\' => self.escape()?,
                _ => {
                    self.advance();
                    self.stack.push(Node::literal());
                }
            }
            self.check_limits()?;
            last_repetition = repetition;
        }
        let is_closed = self.stack.finish();
        self.check_limits()?;
        if is_closed { Ok(()) } else { Err(bad("missing closing )", self.pattern)) }
    }

    /// Repeats what is on top of the stack.
    fn repeat(
        &mut self,
        start: usize,
        last_repetition: Option<usize>,
        repeated: impl FnOnce(&Node) -> Node,
    ) -> Result<(), BadPattern> {
        self.eat('?');
        if let Some(last) = last_repetition {
            return Err(self.refuse("invalid nested repetition operator", last));
        }
        if self.stack.replace_top(repeated) {
            Ok(())
        } else {
            Err(self.refuse("missing argument to repetition operator", start))
        }
    }

    /// `{2}`, `{2,}` or `{2,3}`; nothing if it is not of these forms, and is literal then.
    fn counts(&mut self) -> Option<(u64, Option<u64>)> {
        let start = self.position;
        self.advance();
        let found = self.counts_after_brace();
        if found.is_none() {
            self.position = start;
        }
        found
    }

    fn counts_after_brace(&mut self) -> Option<(u64, Option<u64>)> {
        let minimum = self.number()?;
        let maximum = if !self.eat(',') {
            Some(minimum)
        } else if self.peek() == Some('}') {
            None
        } else {
            Some(self.number()?)
        };
        self.eat('}').then_some((minimum, maximum))
    }

    /// A number without needless zeros.
    fn number(&mut self) -> Option<u64> {
        let start = self.position;
        while self.peek().is_some_and(|character| character.is_ascii_digit()) {
            self.advance();
        }
        let digits = self.since(start);
        if digits.is_empty() || (digits.len() > 1 && digits.starts_with('0')) {
            return None;
        }
        Some(digits.parse().unwrap_or(u64::MAX))
    }

    fn check_limits(&self) -> Result<(), BadPattern> {
        match self.stack.exceeded() {
            Some(reason) => Err(bad(reason, self.pattern)),
            None => Ok(()),
        }
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn rest(&self) -> &str {
        self.pattern.get(self.position..).unwrap_or_default()
    }

    fn since(&self, start: usize) -> &str {
        self.pattern.get(start..self.position).unwrap_or_default()
    }

    /// Takes a character.
    fn advance(&mut self) -> Option<char> {
        let character = self.peek()?;
        self.position = self.position.saturating_add(character.len_utf8());
        Some(character)
    }

    fn eat(&mut self, expected: char) -> bool {
        let found = self.peek() == Some(expected);
        if found {
            self.advance();
        }
        found
    }

    fn eat_text(&mut self, expected: &str) -> bool {
        let found = self.rest().starts_with(expected);
        if found {
            self.position = self.position.saturating_add(expected.len());
        }
        found
    }

    /// Blames what was read from there on.
    fn refuse(&self, reason: &'static str, start: usize) -> BadPattern {
        bad(reason, self.since(start))
    }
}

fn bad(reason: &'static str, part: &str) -> BadPattern {
    BadPattern { reason, part: part.to_owned() }
}

#[cfg(test)]
mod tests;
