//! Classes in brackets.

use super::{INVALID_CLASS_RANGE, MISSING_BRACKET, Parser, SyntaxError};
use crate::library::regex::class::{self, Ranges};

impl Parser<'_> {
    /// `[…]`.
    pub(super) fn bracket(&mut self) -> Result<(), SyntaxError> {
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
    pub(super) fn bracket_char(&mut self, whole: &str) -> Result<u32, SyntaxError> {
        if self.rest().starts_with('\\') {
            return self.escape();
        }
        match self.take() {
            Some(char) => Ok(char.into()),
            None => Err(SyntaxError { problem: MISSING_BRACKET, text: whole.to_owned() }),
        }
    }
}
