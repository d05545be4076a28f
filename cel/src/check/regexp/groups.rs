//! What begins with a parenthesis.

use super::{BadPattern, Parser, bad};

impl Parser<'_> {
    /// `(`, `(?P<name>`, `(?<name>`, `(?:`, `(?i)`, `(?i-s:`.
    pub(super) fn open_group(&mut self) -> Result<(), BadPattern> {
        let start = self.position;
        self.advance();
        if !self.eat('?') {
            self.stack.open(true);
            return Ok(());
        }
        // Go wants something behind `<`.
        let length = self.rest().len();
        let prefix = match self.rest() {
            rest if rest.starts_with("P<") && length > 2 => "P<",
            rest if rest.starts_with('<') && length > 1 => "<",
            _ => return self.flags(start),
        };
        self.eat_text(prefix);
        let Some((name, _)) = self.rest().split_once('>') else {
            let rest = self.pattern.get(start..).unwrap_or_default();
            return Err(bad("invalid named capture", rest));
        };
        let is_valid = !name.is_empty() && name.chars().all(|c| c == '_' || c.is_ascii_alphanumeric());
        self.position = self.position.saturating_add(name.len()).saturating_add(1);
        if !is_valid {
            return Err(self.refuse("invalid named capture", start));
        }
        self.stack.open(true);
        Ok(())
    }

    fn flags(&mut self, start: usize) -> Result<(), BadPattern> {
        let mut is_negated = false;
        let mut has_flag = false;
        while let Some(character) = self.advance() {
            match character {
                'i' | 'm' | 's' | 'U' => has_flag = true,
                '-' if !is_negated => {
                    is_negated = true;
                    has_flag = false;
                }
                ':' | ')' if !is_negated || has_flag => {
                    if character == ':' {
                        self.stack.open(false);
                    }
                    return Ok(());
                }
                _ => break,
            }
        }
        Err(self.refuse("invalid or unsupported Perl syntax", start))
    }
}
