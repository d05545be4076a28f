//! Groups, and what stands between their parentheses: alternatives of concatenations.

use super::{
    INVALID_NAMED_CAPTURE, INVALID_PERL_OPERATOR, Item, Parser, SyntaxError, UNEXPECTED_PARENTHESIS,
};
use crate::library::regex::tree::Node;

impl Parser<'_> {
    /// `(?…`: a group without capture, flags, or a capture with a name.
    pub(super) fn perl_group(&mut self) -> Result<(), SyntaxError> {
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
    pub(super) fn close(&mut self) -> Result<(), SyntaxError> {
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
    pub(super) fn concatenate(&mut self) -> Result<(), SyntaxError> {
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
    pub(super) fn alternate(&mut self) -> Result<(), SyntaxError> {
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
}
