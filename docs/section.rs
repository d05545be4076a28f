//! For tests: holds a part of a page of this directory against what the code says.
//!
//! The part lies between `<!-- begin NAME, ... -->` and `<!-- end NAME -->`. Both crates that have one compile this file
//! into their tests, so that neither depends on the other.

use std::path::Path;

/// A table in Markdown.
pub(crate) fn table<const N: usize>(head: [&str; N], rows: impl Iterator<Item = [String; N]>) -> String {
    let line = |cells: &[String; N]| {
        assert!(cells.iter().all(|cell| !cell.contains(['|', '\n'])), "{cells:?}");
        let cells: String = cells.iter().map(|cell| format!(" {cell} |").replace("  ", " ")).collect();
        format!("|{cells}\n")
    };
    let rows: String = rows.map(|row| line(&row)).collect();
    format!("{}|{}\n{rows}", line(&head.map(str::to_owned)), "---|".repeat(N))
}

/// Holds the part `name` of a page against `expected`, to the byte. With `UPDATE_DOCS=1` in the environment writes it
/// instead.
#[track_caller]
pub(crate) fn assert_eq(page: &str, name: &str, expected: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs").join(page);
    let text = std::fs::read_to_string(&path).expect("the page");
    let begin = text.find(&format!("<!-- begin {name},")).expect("where the part begins");
    let (before, rest) = text.split_at(begin);
    let (marker, rest) = rest.split_once('\n').expect("the line after the marker");
    let (found, after) = rest.split_once(&format!("<!-- end {name} -->")).expect("where the part ends");
    if std::env::var_os("UPDATE_DOCS").is_some() {
        let page = format!("{before}{marker}\n{expected}<!-- end {name} -->{after}");
        std::fs::write(&path, page).expect("write the page");
    } else {
        std::assert_eq!(found, expected, "docs/{page} is out of date: run this test with UPDATE_DOCS=1");
    }
}
