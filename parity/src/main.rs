//! `make parity`: whether tokens get the users, and configuration files the verdicts and messages, that a live kube-apiserver
//! gives them. The rule: never looser; the same user wherever both accept; stricter only by `docs/deviations.md`.
//!
//! | module | what it does |
//! |---|---|
//! | [`entry`], [`pieces`], [`keys`] | configurations, with the expressions that they are made of and their issuers' keys |
//! | [`draft`], [`twists`], [`distributed`] | tokens: good ones, and what makes others of them |
//! | [`sides`] | the live kube-apiserver, and the gateway in front of it |
//! | [`cases`] | puts tokens to both |
//! | [`explained`] | whether `jwks-sync explain` tells what became of a token |
//! | [`files`] | puts configuration files to both |
//! | [`verdict`], [`deviations`], [`oddities`] | what the answers are worth |
//! | [`report`] | `target/parity/report.json` |
#![allow(
    clippy::arithmetic_side_effects,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stderr,
    clippy::print_stdout,
    clippy::string_slice,
    reason = "a measurement stops at the first surprise, with a message"
)]

mod arguments;
mod cases;
mod deviations;
mod distributed;
mod draft;
mod entry;
mod explained;
mod files;
mod keys;
mod oddities;
mod pieces;
mod random;
mod report;
mod sides;
mod twists;
mod verdict;

use std::collections::BTreeMap;
use std::process::ExitCode;

use clap::Parser as _;

use ::tests::process::repository;

use arguments::Arguments;
use report::Report;

#[tokio::main]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let mut report =
        Report { kube_apiserver: cases::version().await, seed: arguments.seed.clone(), ..Report::default() };
    files::run(&arguments, &mut report).await;
    cases::run(&arguments, &mut report).await;
    report.look_for_gaps(arguments.at_least);
    if let Some(directory) = arguments.report.parent() {
        std::fs::create_dir_all(directory).expect("directory of the report");
    }
    let text = serde_json::to_string_pretty(&report).expect("a report") + "\n";
    std::fs::write(&arguments.report, text).expect("write the report");
    if std::env::var_os("UPDATE_DOCS").is_some() {
        update_docs(&report);
    }
    println!("{}\n{}", report.summary(), arguments.report.display());
    for gap in &report.lacking {
        println!("too few cases: {gap}");
    }
    if report.is_clean() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Puts how many cases showed each deviation into `docs/deviations.json` and `docs/deviations.md`.
fn update_docs(report: &Report) {
    let figures: BTreeMap<String, usize> = deviations::ids()
        .map(|id| (id.to_owned(), report.stricter_by_deviation.get(id).copied().unwrap_or_default()))
        .collect();
    let docs = repository().join("docs");
    let text = serde_json::to_string_pretty(&figures).expect("figures") + "\n";
    std::fs::write(docs.join("deviations.json"), text).expect("write the figures");
    let page = std::fs::read_to_string(docs.join("deviations.md")).expect("the page");
    std::fs::write(docs.join("deviations.md"), deviations::with_figures(&page, &figures))
        .expect("write the page");
}
