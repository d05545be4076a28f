//! From a text to a tree (cel-go `parser`).
//!
//! cel-go parses with ANTLR, and its words for a mistake are those of ANTLR's error recovery. So a text goes through the
//! same states here: `lexer` gives tokens, `machine` walks `grammar` over them and recovers from mistakes as ANTLR does
//! (`recovery`), and `build` makes the tree, with `macros` expanded.

mod build;
mod depth;
mod grammar;
mod ids;
mod lexer;
mod literals;
mod machine;
mod macros;
mod prediction;
mod recovery;
mod source;
#[cfg(test)]
mod tests;
mod token;
mod unescape;

use crate::ast::Expr;
use source::Source;

pub use source::render;

/// cel-go's `ExpressionSizeCodePointLimit`.
const SIZE_LIMIT: usize = 100_000;

/// A text that was parsed.
#[derive(Clone, Debug)]
pub struct Parsed {
    /// The tree, macros expanded.
    pub root: Expr,
    /// Where each node stands: offsets in code points, by the number of the node.
    pub offsets: Vec<u32>,
}

/// A place in a text and what is wrong there, in cel-go's words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Issue {
    /// Line, from 1; 0 where cel-go names no place.
    pub line: usize,
    /// Column in code points, from 0; [`usize::MAX`] where cel-go has -1.
    pub column: usize,
    /// The message.
    pub message: String,
}

/// Parses an expression.
///
/// # Errors
/// What cel-go would report, in its order.
pub fn parse(text: &str) -> Result<Parsed, Vec<Issue>> {
    let source = Source::new(text);
    if source.len() > SIZE_LIMIT {
        return Err(vec![Issue::nowhere(format!(
            "expression code point size exceeds limit: size: {}, limit {SIZE_LIMIT}",
            source.len()
        ))]);
    }
    let (tree, issues) = machine::Machine::new(&source).run();
    build::build(&source, tree, issues)
}

impl Issue {
    /// A mistake without a place (cel-go `common.NoLocation`).
    fn nowhere(message: impl Into<String>) -> Self {
        Self { line: 0, column: source::BEFORE_FIRST, message: message.into() }
    }
}
