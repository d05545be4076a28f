//! Go's dialect of regular expressions: which patterns it takes, its words for those it does not, and the tree of a
//! pattern (regexp/syntax `Parse` with the flags `Perl`).
//!
//! Go's parser is followed step by step, because a pattern that is read in another way matches other texts. Only what
//! is bounded differs: patterns that are larger than this crate takes are refused in the words that Go has for patterns
//! that are larger than Go takes.

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
                '{' => match counts(self.rest()) {
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

    /// `(?…`: a group without capture, flags, or a capture with a name.
    fn perl_group(&mut self) -> Result<(), SyntaxError> {
        let start = self.position;
        let text = self.rest();
        let name_at = match text {
            _ if text.starts_with("(?P<") && text.len() > 4 => Some(4),
            _ if text.starts_with("(?<") && text.len() > 3 => Some(3),
            _ => None,
        };
        if let Some(name_at) = name_at {
            let Some((head, _)) = text.split_once('>') else {
                self.position = self.pattern.len();
                return Err(self.error(INVALID_NAMED_CAPTURE, start));
            };
            self.skip(head.len().saturating_add(1));
            let name = head.get(name_at..).unwrap_or_default();
            if name.is_empty() || !name.chars().all(|char| char == '_' || char.is_ascii_alphanumeric()) {
                return Err(self.error(INVALID_NAMED_CAPTURE, start));
            }
            self.stack.push(Item::Open { flags: self.flags, captures: true });
            return Ok(());
        }

        self.skip(2);
        let mut flags = self.flags;
        let mut on = true;
        let mut seen = false;
        while let Some(char) = self.take() {
            match char {
                'i' => flags.fold = on,
                'm' => flags.many_lines = on,
                's' => flags.dot_newline = on,
                'U' => flags.lazy = on,
                '-' if on => {
                    on = false;
                    seen = false;
                    continue;
                }
                ':' | ')' if on || seen => {
                    if char == ':' {
                        self.stack.push(Item::Open { flags: self.flags, captures: false });
                    }
                    self.flags = flags;
                    return Ok(());
                }
                _ => break,
            }
            seen = true;
        }
        Err(self.error(INVALID_PERL_OPERATOR, start))
    }

    /// `)`.
    fn close(&mut self) -> Result<(), SyntaxError> {
        self.alternate()?;
        let inner = self.stack.pop();
        match (self.stack.pop(), inner) {
            (Some(Item::Open { flags, captures }), Some(Item::Node(inner))) => {
                self.flags = flags;
                if captures {
                    self.push(Node::Capture(inner))
                } else {
                    self.stack.push(Item::Node(inner));
                    Ok(())
                }
            }
            _ => Err(self.whole(UNEXPECTED_PARENTHESIS)),
        }
    }

    /// Makes one node of those since the last `(` or `|`.
    fn concatenate(&mut self) -> Result<(), SyntaxError> {
        let mut nodes = Vec::new();
        while let Some(Item::Node(node)) = self.stack.last() {
            nodes.push(*node);
            self.stack.pop();
        }
        nodes.reverse();
        match nodes.as_slice() {
            [] => self.push(Node::Empty),
            [node] => {
                self.stack.push(Item::Node(*node));
                Ok(())
            }
            _ => self.push(Node::Concatenation(nodes)),
        }
    }

    /// Makes one node of those since the last `(`.
    fn alternate(&mut self) -> Result<(), SyntaxError> {
        self.concatenate()?;
        let mut nodes = Vec::new();
        while let Some(item) = self.stack.last() {
            match item {
                Item::Node(node) => nodes.push(*node),
                Item::Bar => (),
                Item::Open { .. } => break,
            }
            self.stack.pop();
        }
        nodes.reverse();
        match nodes.as_slice() {
            [node] => {
                self.stack.push(Item::Node(*node));
                Ok(())
            }
            _ => self.push(Node::Alternation(nodes)),
        }
    }

    /// Repeats what was read last. The operator began at `start` and was read.
    fn repeat(
        &mut self,
        min: u32,
        max: Option<u32>,
        start: usize,
        last_repeat: Option<usize>,
    ) -> Result<(), SyntaxError> {
        let mut lazy = self.flags.lazy;
        if self.rest().starts_with('?') {
            self.skip(1);
            lazy = !lazy;
        }
        if let Some(last) = last_repeat {
            return Err(self.error(INVALID_REPEAT_OPERATOR, last));
        }
        let Some(Item::Node(node)) = self.stack.last() else {
            return Err(self.error(MISSING_REPEAT_ARGUMENT, start));
        };
        let node = *node;
        self.stack.pop();
        self.push(Node::Repetition { node, min, max, lazy })?;
        if (min >= 2 || max.is_some_and(|max| max >= 2)) && self.tree.last_repeats() > MAX_REPEAT {
            return Err(self.error(INVALID_REPEAT_SIZE, start));
        }
        Ok(())
    }

    /// `\` outside brackets.
    fn backslash(&mut self) -> Result<(), SyntaxError> {
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
    fn class_escape(&mut self) -> Result<Option<Ranges>, SyntaxError> {
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

    /// `[…]`.
    fn bracket(&mut self) -> Result<(), SyntaxError> {
        let whole = self.rest();
        self.skip(1);
        let negated = self.rest().starts_with('^');
        if negated {
            self.skip(1);
        }
        let mut ranges = Ranges::new();
        // Folded together at the end, which gives the same as folding each.
        let mut plain = Ranges::new();
        let mut first = true;
        while first || !self.rest().starts_with(']') {
            first = false;
            if let Some(named) = class::posix(self.rest(), self.flags.fold) {
                let at = self.position;
                let (named, length) = named;
                self.skip(length);
                match named {
                    Some(named) => ranges.extend(named),
                    None => return Err(self.error(INVALID_CLASS_RANGE, at)),
                }
                continue;
            }
            if let Some(escaped) = self.class_escape()? {
                ranges.extend(escaped);
                self.bound(ranges.len())?;
                continue;
            }
            let at = self.position;
            let low = self.bracket_char(whole)?;
            let mut high = low;
            let rest = self.rest();
            if rest.starts_with('-') && rest.len() >= 2 && !rest.starts_with("-]") {
                self.skip(1);
                high = self.bracket_char(whole)?;
                if high < low {
                    return Err(self.error(INVALID_CLASS_RANGE, at));
                }
            }
            plain.push((low, high));
        }
        self.skip(1);
        ranges.extend(if self.flags.fold { class::fold(class::clean(plain)) } else { plain });
        let ranges = class::clean(ranges);
        self.class(if negated { class::negate(&ranges) } else { ranges })
    }

    /// A character within brackets; `whole` is the text from the opening one on.
    fn bracket_char(&mut self, whole: &str) -> Result<u32, SyntaxError> {
        if self.rest().starts_with('\\') {
            return self.escape();
        }
        match self.take() {
            Some(char) => Ok(char.into()),
            None => Err(SyntaxError { problem: MISSING_BRACKET, text: whole.to_owned() }),
        }
    }

    /// An escape that means one character.
    fn escape(&mut self) -> Result<u32, SyntaxError> {
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
    fn octal(&mut self, first: u32) -> u32 {
        let mut value = first;
        for _ in 0..2 {
            let Some(digit) = self.rest().chars().next().and_then(|next| next.to_digit(8)) else { break };
            self.skip(1);
            value = value.saturating_mul(8).saturating_add(digit);
        }
        value
    }

    /// The rest of `\x41` or `\x{1F600}`. What was read belongs to the message, also where it does not fit.
    fn hexadecimal(&mut self) -> Option<u32> {
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

/// Counts of a repetition: the lowest, and the highest if there is one. None: out of bounds.
type Counts = Option<(u32, Option<u32>)>;

/// `{2}`, `{2,}` or `{2,3}` at the beginning of the text, with its length. Anything else is no repetition.
fn counts(text: &str) -> Option<(Counts, usize)> {
    let inner = text.strip_prefix('{')?;
    let (min, rest) = count(inner)?;
    let (max, rest) = match rest.strip_prefix(',') {
        None => (min.map(Some), rest),
        Some(rest) if rest.starts_with('}') => (Some(None), rest),
        Some(rest) => {
            let (max, rest) = count(rest)?;
            (max.map(Some), rest)
        }
    };
    let rest = rest.strip_prefix('}')?;
    let bounds = match (min, max) {
        (Some(min), Some(max)) if max.is_none_or(|max| min <= max) => Some((min, max)),
        _ => None,
    };
    Some((bounds, text.len().saturating_sub(rest.len())))
}

/// A number without leading zeros, or None for one out of bounds, and what follows it.
fn count(text: &str) -> Option<(Option<u32>, &str)> {
    let rest = text.trim_start_matches(|next: char| next.is_ascii_digit());
    let digits = text.get(..text.len().saturating_sub(rest.len()))?;
    if digits.is_empty() || (digits.len() > 1 && digits.starts_with('0')) {
        return None;
    }
    Some((digits.parse().ok().filter(|count| *count <= MAX_REPEAT), rest))
}

#[cfg(test)]
mod tests;
