//! Go's dialect of regular expressions: which patterns it takes, its words for those it does not, and the tree of a
//! pattern (regexp/syntax `Parse` with the flags `Perl`).
//!
//! Go's parser is followed step by step, because a pattern that is read in another way matches other texts. Only what
//! is bounded differs: patterns that are larger than this crate takes are refused in the words that Go has for patterns
//! that are larger than Go takes.

mod brackets;
mod escapes;
mod groups;
mod repeat;

use super::class::{self, Class, Ranges};
use super::tree::{Assertion, Node, NodeId, Tree};

/// The longest pattern, in bytes. Go has no such bound.
const MAX_PATTERN: usize = 16 * 1024;
/// The highest count of a repetition, and of nested ones multiplied (Go: the same).
const MAX_REPEAT: u32 = 1000;

/// Whether Go's `regexp.Compile` takes the pattern, and this crate too; else Go's text for it.
pub(crate) fn check_pattern(pattern: &str) -> Result<(), String> {
    parse(pattern).map(drop).map_err(|error| error.to_string())
}

/// Why a pattern is refused. The text is Go's.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("error parsing regexp: {problem}: `{text}`")]
pub(crate) struct SyntaxError {
    problem: &'static str,
    text: String,
}

const INVALID_CLASS_RANGE: &str = "invalid character class range";
const INVALID_ESCAPE: &str = "invalid escape sequence";
const INVALID_NAMED_CAPTURE: &str = "invalid named capture";
const INVALID_PERL_OPERATOR: &str = "invalid or unsupported Perl syntax";
const INVALID_REPEAT_OPERATOR: &str = "invalid nested repetition operator";
const INVALID_REPEAT_SIZE: &str = "invalid repeat count";
const MISSING_BRACKET: &str = "missing closing ]";
const MISSING_PARENTHESIS: &str = "missing closing )";
const MISSING_REPEAT_ARGUMENT: &str = "missing argument to repetition operator";
const TOO_DEEP: &str = "expression nests too deeply";
const TOO_LARGE: &str = "expression too large";
const TRAILING_BACKSLASH: &str = "trailing backslash at end of expression";
const UNEXPECTED_PARENTHESIS: &str = "unexpected )";

/// Parses a pattern.
pub(super) fn parse(pattern: &str) -> Result<Tree, SyntaxError> {
    let mut parser = Parser {
        pattern,
        position: 0,
        flags: Flags { fold: false, many_lines: false, dot_newline: false, lazy: false },
        stack: Vec::new(),
        tree: Tree::default(),
    };
    if pattern.len() > MAX_PATTERN {
        return Err(parser.error(TOO_LARGE, 0));
    }
    parser.run()?;
    Ok(parser.tree)
}

/// The flags `i`, `m`, `s` and `U`.
#[derive(Clone, Copy)]
struct Flags {
    fold: bool,
    many_lines: bool,
    dot_newline: bool,
    lazy: bool,
}

/// What is not yet part of something larger.
enum Item {
    /// `|`.
    Bar,
    Node(NodeId),
    /// `(`, with the flags before it.
    Open {
        flags: Flags,
        captures: bool,
    },
}

struct Parser<'p> {
    pattern: &'p str,
    position: usize,
    flags: Flags,
    stack: Vec<Item>,
    tree: Tree,
}

impl<'p> Parser<'p> {
    fn run(&mut self) -> Result<(), SyntaxError> {
        let mut last_repeat = None;
        while let Some(next) = self.rest().chars().next() {
            let start = self.position;
            let mut repeat = None;
            match next {
                '(' if self.rest().starts_with("(?") => self.perl_group()?,
                '(' => {
                    self.skip(1);
                    self.stack.push(Item::Open { flags: self.flags, captures: true });
                }
                '|' => {
                    self.skip(1);
                    self.concatenate()?;
                    self.stack.push(Item::Bar);
                }
                ')' => {
                    self.skip(1);
                    self.close()?;
                }
                '^' => {
                    let assertion =
                        if self.flags.many_lines { Assertion::LineStart } else { Assertion::TextStart };
                    self.simple(1, Node::Assertion(assertion))?;
                }
                '$' => {
                    let assertion =
                        if self.flags.many_lines { Assertion::LineEnd } else { Assertion::TextEnd };
                    self.simple(1, Node::Assertion(assertion))?;
                }
                '.' => {
                    let node = if self.flags.dot_newline { Node::Any } else { Node::AnyButNewline };
                    self.simple(1, node)?;
                }
                '[' => self.bracket()?,
                '*' | '+' | '?' => {
                    self.skip(1);
                    let (min, max) = match next {
                        '*' => (0, None),
                        '+' => (1, None),
                        _ => (0, Some(1)),
                    };
                    self.repeat(min, max, start, last_repeat)?;
                    repeat = Some(start);
                }
                '{' => match repeat::counts(self.rest()) {
                    None => {
                        self.skip(1);
                        self.literal('{'.into())?;
                    }
                    Some((bounds, length)) => {
                        self.skip(length);
                        let Some((min, max)) = bounds else {
                            return Err(self.error(INVALID_REPEAT_SIZE, start));
                        };
                        self.repeat(min, max, start, last_repeat)?;
                        repeat = Some(start);
                    }
                },
                '\\' => self.backslash()?,
                other => {
                    self.skip(other.len_utf8());
                    self.literal(other.into())?;
                }
            }
            last_repeat = repeat;
        }
        self.alternate()?;
        match (self.stack.pop(), self.stack.is_empty()) {
            (Some(Item::Node(root)), true) => {
                self.tree.root = root;
                Ok(())
            }
            _ => Err(self.whole(MISSING_PARENTHESIS)),
        }
    }

    /// A character that stands for itself.
    fn literal(&mut self, char: u32) -> Result<(), SyntaxError> {
        if self.flags.fold {
            return self.class(class::fold(vec![(char, char)]));
        }
        self.push(Node::Literal(char))
    }

    /// One character of a class.
    fn class(&mut self, ranges: Ranges) -> Result<(), SyntaxError> {
        let ranges = class::clean(ranges);
        if let [(low, high)] = ranges.as_slice()
            && low == high
        {
            return self.push(Node::Literal(*low));
        }
        self.bound(ranges.len())?;
        let number = self.tree.add_class(Class::new(ranges));
        self.push(Node::Class(number))
    }

    /// An operand of `length` bytes.
    fn simple(&mut self, length: usize, node: Node) -> Result<(), SyntaxError> {
        self.skip(length);
        self.push(node)
    }

    fn push(&mut self, node: Node) -> Result<(), SyntaxError> {
        let node = self.tree.add(node);
        self.stack.push(Item::Node(node));
        // A wrong count is told before a large one, as Go, whose bounds are higher, would tell it.
        if self.tree.last_repeats() > MAX_REPEAT {
            return Ok(());
        }
        if self.tree.is_too_large() {
            return Err(self.whole(TOO_LARGE));
        }
        if self.tree.is_too_deep() {
            return Err(self.whole(TOO_DEEP));
        }
        Ok(())
    }

    /// Bounds the ranges of all classes, so many more included.
    fn bound(&self, more: usize) -> Result<(), SyntaxError> {
        if self.tree.has_room(more) { Ok(()) } else { Err(self.whole(TOO_LARGE)) }
    }

    fn rest(&self) -> &'p str {
        self.pattern.get(self.position..).unwrap_or_default()
    }

    fn skip(&mut self, bytes: usize) {
        self.position = self.position.saturating_add(bytes);
    }

    fn take(&mut self) -> Option<char> {
        let char = self.rest().chars().next()?;
        self.skip(char.len_utf8());
        Some(char)
    }

    fn read_since(&self, start: usize) -> &'p str {
        self.pattern.get(start..self.position).unwrap_or_default()
    }

    fn error(&self, problem: &'static str, start: usize) -> SyntaxError {
        SyntaxError { problem, text: self.read_since(start).to_owned() }
    }

    fn whole(&self, problem: &'static str) -> SyntaxError {
        SyntaxError { problem, text: self.pattern.to_owned() }
    }
}

#[cfg(test)]
mod tests;
