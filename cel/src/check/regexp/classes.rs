//! Classes of characters: `[a-z]`, `[[:alpha:]]`, `\p{Greek}`.

use super::nodes::Node;
use super::{BadPattern, Parser, bad};

/// Names that Go 1.26 knows, as `canonical` writes them. Names of scripts that have several words are not among them:
/// Go looks them up without the underscores that it has in its tables.
const UNICODE_CLASSES: &str = include_str!("classes.txt");

const POSIX_CLASSES: [&str; 14] = [
    "alnum", "alpha", "ascii", "blank", "cntrl", "digit", "graph", "lower", "print", "punct", "space",
    "upper", "word", "xdigit",
];

const INVALID_RANGE: &str = "invalid character class range";

impl Parser<'_> {
    /// What stands in brackets.
    pub(super) fn class(&mut self) -> Result<(), BadPattern> {
        let start = self.position;
        self.advance();
        self.eat('^');
        let mut is_first = true;
        while is_first || self.peek() != Some(']') {
            is_first = false;
            if self.posix_class()? || self.unicode_class()? || self.perl_class() {
                continue;
            }
            let range = self.position;
            let low = self.class_character(start)?;
            let mut after = self.rest().chars();
            if after.next() == Some('-') && after.next().is_some_and(|next| next != ']') {
                self.advance();
                if self.class_character(start)? < low {
                    return Err(self.refuse(INVALID_RANGE, range));
                }
            }
        }
        self.advance();
        self.stack.push(Node::single());
        Ok(())
    }

    fn class_character(&mut self, class: usize) -> Result<u32, BadPattern> {
        match self.peek() {
            None => Err(bad("missing closing ]", self.pattern.get(class..).unwrap_or_default())),
            Some('\\') => self.escaped_character(),
            Some(character) => {
                self.advance();
                Ok(u32::from(character))
            }
        }
    }

    /// `[:alpha:]`, if it ends so.
    fn posix_class(&mut self) -> Result<bool, BadPattern> {
        let start = self.position;
        let Some((name, _)) = self.rest().strip_prefix("[:").and_then(|rest| rest.split_once(":]")) else {
            return Ok(false);
        };
        let is_known = POSIX_CLASSES.contains(&name.strip_prefix('^').unwrap_or(name));
        self.position = self.position.saturating_add(name.len()).saturating_add(4);
        if is_known { Ok(true) } else { Err(self.refuse(INVALID_RANGE, start)) }
    }

    /// `\pL` or `\p{Greek}`.
    pub(super) fn unicode_class(&mut self) -> Result<bool, BadPattern> {
        let start = self.position;
        if !self.eat_text("\\p") && !self.eat_text("\\P") {
            return Ok(false);
        }
        let name = match self.peek() {
            Some('{') => {
                let Some((name, _)) = self.rest().split_once('}') else {
                    return Err(bad(INVALID_RANGE, self.pattern.get(start..).unwrap_or_default()));
                };
                let name = name.strip_prefix('{').unwrap_or(name).to_owned();
                self.position = self.position.saturating_add(name.len()).saturating_add(2);
                name
            }
            _ => self.advance().map(String::from).unwrap_or_default(),
        };
        let is_known = {
            let name = canonical(name.strip_prefix('^').unwrap_or(&name));
            UNICODE_CLASSES.lines().any(|known| known == name)
        };
        if is_known { Ok(true) } else { Err(self.refuse(INVALID_RANGE, start)) }
    }
}

/// The first letter large, the others small, without separators (Go `canonicalName`).
fn canonical(name: &str) -> String {
    let mut canonical = String::with_capacity(name.len());
    for character in name.chars().filter(|character| !matches!(character, '_' | '-' | ' ')) {
        if canonical.is_empty() {
            canonical.push(character.to_ascii_uppercase());
        } else {
            canonical.push(character.to_ascii_lowercase());
        }
    }
    canonical
}
