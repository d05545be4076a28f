//! Repetitions.

use super::{
    INVALID_REPEAT_OPERATOR, INVALID_REPEAT_SIZE, Item, MAX_REPEAT, MISSING_REPEAT_ARGUMENT, Parser,
    SyntaxError,
};
use crate::library::regex::tree::Node;

/// Counts of a repetition: the lowest, and the highest if there is one. None: out of bounds.
type Counts = Option<(u32, Option<u32>)>;

impl Parser<'_> {
    /// Repeats what was read last. The operator began at `start` and was read.
    pub(super) fn repeat(
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
}

/// `{2}`, `{2,}` or `{2,3}` at the beginning of the text, with its length. Anything else is no repetition.
pub(super) fn counts(text: &str) -> Option<(Counts, usize)> {
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
