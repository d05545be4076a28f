//! Counts the instructions that a request costs: a guard without noise, where times would tell nothing.
//!
//! `make instructions` runs every row under `valgrind --tool=callgrind`, once with some requests and once with twice as
//! many: the difference has nothing of the start and the setting-up in it. It is native code, not wasm, yet made of
//! the same sources. The committed figures (`instructions.txt`) hold for one compiler and to some per cent: the C
//! library picks its `memcpy` by the processor.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::print_stderr,
    missing_docs,
    reason = "a bench is no shipped code"
)]

#[path = "../../authn/benches/fixtures/mod.rs"]
mod fixtures;

use std::collections::BTreeMap;
use std::env;
use std::fmt::Write as _;
use std::fs;
use std::hint::black_box;
use std::process::{Command, ExitCode};

use authn::decision::Forward;
use fixtures::{NO_DEARER, ROWS};
use kube_oidc_filter::record::fields;

/// The committed figures.
const FIGURES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/benches/instructions.txt");
/// What a row may cost beyond its figure, in per cent.
const TOLERANCE: u64 = 5;
/// Requests of the shorter run.
const REQUESTS: usize = 200;

fn main() -> ExitCode {
    let arguments: Vec<_> = env::args().skip(1).filter(|argument| argument != "--bench").collect();
    if let [name, requests] = arguments.as_slice() {
        run(name, requests.parse().expect("a number"));
        return ExitCode::SUCCESS;
    }
    let counted: Vec<_> = ROWS.iter().map(|row| (row.name, per_request(row.name))).collect();
    if env::var_os("UPDATE").is_some() {
        let mut text = String::new();
        for (name, count) in &counted {
            _ = writeln!(text, "{name} {count}");
        }
        fs::write(FIGURES, text).expect("the figures can be written");
    }
    let (dearer, is_good) = (dearer(&counted), compare(&counted) == ExitCode::SUCCESS);
    for row in &dearer {
        println!("{row} costs more than {}", NO_DEARER[NO_DEARER.len() - 1]);
    }
    if is_good && dearer.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// The rows of bad tokens that cost more than the good one.
fn dearer(counted: &[(&str, u64)]) -> Vec<&'static str> {
    let count = |name: &str| counted.iter().find(|(row, _)| *row == name).expect("a row").1;
    let most = count(NO_DEARER[NO_DEARER.len() - 1]);
    NO_DEARER.into_iter().filter(|name| count(name) > most).collect()
}

/// Does what is counted.
fn run(name: &str, requests: usize) {
    let row = ROWS.iter().find(|row| row.name == name).expect("a row");
    let mut act = row.unsigned(fields::describe, log);
    for _ in 0..requests {
        act();
    }
}

/// The fields of the access log.
fn log(forward: &Forward) {
    let caller = fields::fields(fields::USER, forward.caller().described().description());
    let target =
        forward.impersonated().map(|target| fields::fields(fields::IMPERSONATED, target.description()));
    for field in caller.chain(target.into_iter().flatten()) {
        _ = black_box(field);
    }
}

fn per_request(name: &str) -> u64 {
    let requests = REQUESTS as u64;
    (instructions(name, 2 * requests) - instructions(name, requests)) / requests
}

/// Instructions of one whole run.
fn instructions(name: &str, requests: u64) -> u64 {
    let valgrind = env::var("VALGRIND").unwrap_or_else(|_| "valgrind".to_owned());
    let output = Command::new(&valgrind)
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
        .arg(env::current_exe().expect("this program"))
        .args([name, &requests.to_string()])
        .output()
        .unwrap_or_else(|error| panic!("{valgrind}: {error}"));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    let collected = said.lines().find_map(|line| line.split_once("Collected : "));
    let (_, count) = collected.unwrap_or_else(|| panic!("no count in: {said}"));
    count.trim().parse().expect("a count")
}

fn compare(counted: &[(&str, u64)]) -> ExitCode {
    let text = fs::read_to_string(FIGURES).unwrap_or_default();
    let figures: BTreeMap<&str, u64> = text
        .lines()
        .filter_map(|line| line.split_once(' '))
        .map(|(name, figure)| (name, figure.parse().expect("a figure")))
        .collect();
    let mut is_good = figures.len() == counted.len();
    println!("{:24} {:>10} {:>10}  instructions a request", "row", "committed", "now");
    for (name, now) in counted {
        let figure = figures.get(name).copied().unwrap_or_default();
        let verdict = if *now > figure + figure * TOLERANCE / 100 {
            is_good = false;
            "too many"
        } else if *now < figure - figure * TOLERANCE / 100 {
            "well below: commit the lower figure (UPDATE=1 make instructions)"
        } else {
            ""
        };
        println!("{name:24} {figure:>10} {now:>10}  {verdict}");
    }
    if is_good { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
