//! The numbers of nodes and where the nodes stand (cel-go `parserHelper.id`).

use super::source::NOWHERE;
use crate::ast::Id;

/// So many nodes an expression may have. cel-go has no such limit, but `optMap` copies what it is called on, so that a
/// chain of them doubles at each step.
const LIMIT: usize = 200_000;

/// Gives numbers.
#[derive(Debug)]
pub(super) struct Ids {
    /// By number; that of number 0, which is none, is nowhere.
    offsets: Vec<u32>,
    exhausted: bool,
}

impl Ids {
    pub(super) fn new() -> Self {
        Self { offsets: vec![NOWHERE], exhausted: false }
    }

    /// A number for what stands there.
    pub(super) fn next(&mut self, offset: u32) -> Id {
        if self.offsets.len() >= LIMIT {
            self.exhausted = true;
            return 0;
        }
        let id = Id::try_from(self.offsets.len()).unwrap_or(0);
        self.offsets.push(offset);
        id
    }

    /// Takes a number back, which is given again if it was the last one (cel-go `deleteID`).
    pub(super) fn delete(&mut self, id: Id) {
        let index = usize::try_from(id).unwrap_or(usize::MAX);
        if index.saturating_add(1) == self.offsets.len() {
            self.offsets.pop();
        } else if let Some(offset) = self.offsets.get_mut(index) {
            *offset = NOWHERE;
        }
    }

    /// Where the node with that number stands.
    pub(super) fn offset(&self, id: Id) -> u32 {
        usize::try_from(id).ok().and_then(|id| self.offsets.get(id)).copied().unwrap_or(NOWHERE)
    }

    /// Whether there were too many nodes.
    pub(super) fn exhausted(&self) -> bool {
        self.exhausted
    }

    pub(super) fn into_offsets(self) -> Vec<u32> {
        self.offsets
    }
}
