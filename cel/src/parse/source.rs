//! The text: its characters, its lines, and how a mistake in it is shown (cel-go `common/source.go`, `common/error.go`).

use std::fmt::Write as _;

use super::Issue;

/// Offset of what stands nowhere.
pub(super) const NOWHERE: u32 = u32::MAX;

/// cel-go's column -1.
pub(super) const BEFORE_FIRST: usize = usize::MAX;

/// cel-go's `maxErrorsToReport`.
const SHOWN: usize = 100;

/// Longer lines are not shown (cel-go `maxSnippetLength`).
const SNIPPET_LIMIT: usize = 16_384;

/// A text by its code points.
#[derive(Debug)]
pub(super) struct Source {
    characters: Vec<char>,
    /// Where the second line begins, the third, and so on.
    lines: Vec<u32>,
}

impl Source {
    pub(super) fn new(text: &str) -> Self {
        let characters: Vec<char> = text.chars().collect();
        let lines = (1_u32..).zip(&characters).filter(|(_, character)| **character == '\n');
        Self { lines: lines.map(|(next, _)| next).collect(), characters }
    }

    /// How many code points there are.
    pub(super) fn len(&self) -> usize {
        self.characters.len()
    }

    /// The code point at a place, if the text goes on there.
    pub(super) fn at(&self, place: usize) -> Option<char> {
        self.characters.get(place).copied()
    }

    /// What stands from one place to before another.
    pub(super) fn slice(&self, start: usize, end: usize) -> String {
        self.characters.get(start..end.min(self.len())).unwrap_or_default().iter().collect()
    }

    /// A mistake at a place.
    pub(super) fn issue(&self, offset: u32, message: impl Into<String>) -> Issue {
        // ANTLR stands before the first character at the end of an empty text.
        if offset == NOWHERE || self.characters.is_empty() {
            return Issue { line: 1, column: BEFORE_FIRST, message: message.into() };
        }
        let before = self.lines.partition_point(|line| *line <= offset);
        let line_start = before.checked_sub(1).and_then(|last| self.lines.get(last)).copied().unwrap_or(0);
        let column = usize::try_from(offset.saturating_sub(line_start)).unwrap_or(usize::MAX);
        Issue { line: before.saturating_add(1), column, message: message.into() }
    }
}

/// The text of mistakes in `source` as cel-go's `Issues.String` has it: sorted by place, at most a hundred.
#[must_use]
pub fn render(source: &str, issues: &[Issue]) -> String {
    let mut shown: Vec<&Issue> = issues.iter().take(SHOWN).collect();
    shown.sort_by_key(|issue| (issue.line, issue.column.wrapping_add(1)));
    let lines: Vec<&str> = if source.is_empty() { Vec::new() } else { source.split('\n').collect() };
    let mut parts: Vec<String> = shown.into_iter().map(|issue| render_one(&lines, issue)).collect();
    if let Some(more) = issues.len().checked_sub(SHOWN).filter(|more| *more > 0) {
        parts.push(format!("{more} more errors were truncated"));
    }
    parts.join("\n")
}

fn render_one(lines: &[&str], issue: &Issue) -> String {
    let Issue { line, column, message } = issue;
    // `BEFORE_FIRST` becomes 0.
    let shown_column = column.wrapping_add(1);
    let Some(before) = line.checked_sub(1) else {
        return format!("ERROR: <input>:-1:{shown_column}: {message}");
    };
    let mut text = format!("ERROR: <input>:{line}:{shown_column}: {message}");
    if let Some(line) = lines.get(before).filter(|line| line.len() <= SNIPPET_LIMIT) {
        let line = line.replace('\t', " ");
        let dots = shown_column.saturating_sub(1);
        let wide = |c: char| c.len_utf8() > 1;
        let mark = if line.chars().nth(dots).is_some_and(wide) { '\u{ff3e}' } else { '^' };
        let dots = line.chars().take(dots).map(|c| if wide(c) { '\u{ff0e}' } else { '.' });
        // Writing to a `String` cannot fail.
        let _ = write!(text, "\n | {line}\n | {}{mark}", dots.collect::<String>());
    }
    text
}
