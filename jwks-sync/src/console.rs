//! Plain lines for people: the report of `check`, and the last words of a start that failed. Everything else is a
//! log event.

use std::io::{self, Write};

/// Writes a line to standard output. A closed pipe is not worth failing for.
pub(crate) fn say(line: &str) {
    let _ = writeln!(io::stdout(), "{line}");
}

/// Writes a line to standard error.
pub(crate) fn complain(line: &str) {
    let _ = writeln!(io::stderr(), "{line}");
}
