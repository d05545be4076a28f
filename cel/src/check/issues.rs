//! What is wrong with an expression, gathered with the places where it stands (cel-go `common.Errors`).

use crate::ast::Id;
use crate::parse::Issue;

/// The offset of a node that stands nowhere.
const NOWHERE: u32 = u32::MAX;

/// More issues are only counted (cel-go `maxErrorsToReport`), so their places don't matter.
const SHOWN: usize = 100;

/// Issues of one expression.
#[derive(Debug)]
pub(super) struct Issues<'a> {
    source: &'a str,
    /// Where each node stands, in code points.
    offsets: &'a [u32],
    issues: Vec<Issue>,
}

impl<'a> Issues<'a> {
    pub(super) fn new(source: &'a str, offsets: &'a [u32]) -> Self {
        Self { source, offsets, issues: Vec::new() }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.issues.is_empty()
    }

    /// Adds an issue with the node of that number.
    pub(super) fn report(&mut self, id: Id, message: String) {
        let offset = usize::try_from(id).ok().and_then(|index| self.offsets.get(index)).copied();
        let issue = match offset.filter(|offset| *offset != NOWHERE && self.issues.len() < SHOWN) {
            Some(offset) => self.issue_at(offset, message),
            None => Issue { line: 0, column: 0, message },
        };
        self.issues.push(issue);
    }

    fn issue_at(&self, offset: u32, message: String) -> Issue {
        let offset = usize::try_from(offset).unwrap_or(usize::MAX);
        let (mut line, mut column) = (1_usize, 0_usize);
        for character in self.source.chars().take(offset) {
            column = column.saturating_add(1);
            if character == '\n' {
                line = line.saturating_add(1);
                column = 0;
            }
        }
        Issue { line, column, message }
    }

    /// kube-apiserver's text.
    pub(super) fn render(&self) -> String {
        crate::parse::render(self.source, &self.issues)
    }
}
