//! Holds the rows of `docs/request-contract.md` against the tests that bear their ids.

use std::collections::BTreeSet;
use std::path::Path;

use tests::process::repository;

/// Says that what follows tests this row of the contract.
pub(crate) fn contract(id: &str) {
    println!("contract: {id}");
}

/// The ids of the rows: the first cell of each row of the page's tables.
fn rows() -> BTreeSet<String> {
    let page = std::fs::read_to_string(repository().join("docs/request-contract.md")).expect("the contract");
    let id = |line: &str| Some(line.strip_prefix("| `")?.split_once('`')?.0.to_owned());
    page.lines().filter_map(id).collect()
}

/// The ids that this directory's tests bear.
fn tested() -> BTreeSet<String> {
    let mut ids = BTreeSet::new();
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/envoy");
    for file in
        std::fs::read_dir(directory).expect("this directory").map(|entry| entry.expect("a file").path())
    {
        let text = std::fs::read_to_string(&file).expect("a test");
        for rest in text.split("\n    contract(\"").skip(1) {
            ids.insert(rest.split('"').next().expect("an id").to_owned());
        }
    }
    ids
}

#[test]
fn every_row_of_the_contract_has_a_test_and_every_test_a_row() {
    let (rows, tested) = (rows(), tested());
    assert!(rows.len() > 30, "the page has lost its tables");
    assert_eq!(rows, tested);
}
