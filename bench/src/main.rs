//! `make bench`: what a request costs a real Envoy with this filter, beside one without any filter and one with Envoy's
//! own (`jwt_authn` and Lua), all in one run.
//!
//! The figure is Envoy's CPU time per request: what the kernel says its threads ran, over the requests that they served.
//! On a shared machine requests per second say more about the neighbours. The variants run in turn (A B C A B C ...),
//! and each ratio is taken within one turn, so that a slow minute hits both sides of it.
//!
//! | module | what it does |
//! |---|---|
//! | [`arguments`] | the command line |
//! | [`variant`] | what is compared: which filters, which tokens, who answers |
//! | [`rig`] | the processes: issuers, sidecars, a stand-in for the API server, an Envoy for each variant |
//! | [`traffic`] | the requests, each with its token, minted before |
//! | [`load`] | sends them, as fast as Envoy answers |
//! | [`cpu`] | run time of threads, and on which cores they run |
//! | [`proof`] | that a variant does the work which is measured |
//! | [`turns`] | the turns, and what is made of their samples |
//! | [`footprint`] | memory and size |
//! | [`latency`] | from start to the first answer; from a key's publication to the last worker |
//! | [`results`] | `results.json` |
//! | [`table`], [`plot`] | the same for people: Markdown and SVG |
#![allow(
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stderr,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a measurement stops at the first surprise, with a message"
)]

mod arguments;
mod cpu;
mod footprint;
mod latency;
mod load;
mod plot;
mod proof;
mod results;
mod rig;
mod table;
mod traffic;
mod turns;
mod variant;

use std::path::PathBuf;
use std::process::ExitCode;

use tests::process::repository;

use arguments::Arguments;

#[tokio::main]
async fn main() -> ExitCode {
    let arguments = match Arguments::parse(std::env::args().skip(1)) {
        Ok(arguments) => arguments,
        Err(wrong) => {
            eprintln!("bench: {wrong}\n\n{}", arguments::USAGE);
            return ExitCode::from(2);
        }
    };
    let results = turns::run(&arguments).await;
    let table = table::markdown(&results);
    println!("\n{table}");
    if !arguments.only.is_empty() {
        return ExitCode::SUCCESS;
    }
    let directory = repository().join("target/bench");
    std::fs::create_dir_all(&directory).expect("make target/bench");
    let write = |path: PathBuf, text: &str| std::fs::write(path, text).expect("write a result");
    write(directory.join("results.json"), &results.json());
    write(directory.join("table.md"), &table);
    write(directory.join("plot.svg"), &plot::svg(&results));
    println!("results.json, table.md and plot.svg are in {}", directory.display());
    if std::env::var_os("UPDATE_DOCS").is_some() {
        let page = repository().join("docs/benchmarks.md");
        let text = std::fs::read_to_string(&page).expect("docs/benchmarks.md");
        write(page, &table::put_into(&text, &table).expect("docs/benchmarks.md has its two marks"));
        write(repository().join("docs/benchmarks.svg"), &plot::svg(&results));
    }
    ExitCode::SUCCESS
}
