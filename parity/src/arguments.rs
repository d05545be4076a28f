//! The command line.

use std::path::PathBuf;

use clap::Parser;

/// Puts the same tokens and configurations to a live kube-apiserver and to the gateway, and compares the answers.
#[derive(Debug, Parser)]
pub(crate) struct Arguments {
    /// Any text; what is generated follows from it. Keys, times and ports apart, a run can be repeated
    #[arg(long)]
    pub(crate) seed: String,
    /// How many configurations (`jwt[]` entries) tokens are made for, up to 64 in a file
    #[arg(long, default_value_t = 320)]
    pub(crate) configurations: usize,
    /// How many tokens each configuration gets
    #[arg(long, default_value_t = 36)]
    pub(crate) tokens: usize,
    /// How many configuration files are put to both for their verdicts and messages
    #[arg(long, default_value_t = 900)]
    pub(crate) files: usize,
    /// How many cases each field and each rule must have at least in which kube-apiserver accepts, and in which it rejects
    #[arg(long, default_value_t = 20)]
    pub(crate) at_least: usize,
    /// Where the report goes
    #[arg(long, default_value = "target/parity/report.json")]
    pub(crate) report: PathBuf,
}
