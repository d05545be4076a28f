//! jwks-sync, the sidecar of the filter kube-oidc-filter.
//!
//! A filter in Envoy can't fetch keys or read files. This process does it: it fetches the discovery documents and
//! key sets of OIDC issuers, holds the credential for the API server, and serves both as one snapshot on a Unix
//! socket. It never decides about a request.
//!
//! | question | module |
//! |---|---|
//! | what to run with? | `args`, `config` |
//! | who is trusted? | `sources`, `configuration`, `reload`, `supply` |
//! | what are their keys? | `issuer`, `schedule`, `fetch`, `freshness`, `tls` |
//! | what do requests go on with? | `credential`, `kube` |
//! | may A act as B, whose token is this? | `review`, `kube` |
//! | what is the claim that stands elsewhere? | `review`, `claims`, `fetch` |
//! | what do the filters get? | `store`, `server`, `codec` |
//! | is all well? | `health`, `metrics`, `telemetry`, `check` |
//! | why is a token let in or not? | `explain` |
//! | in what order does it start? | `app` |
//! | what do several of them use? | `cause`, `clock`, `console`, `fetch_error`, `file` |

mod app;
mod args;
mod cause;
mod check;
mod claims;
mod clock;
mod codec;
mod config;
mod configuration;
mod console;
mod credential;
mod explain;
mod fetch;
mod fetch_error;
mod file;
mod freshness;
mod health;
mod issuer;
mod kube;
mod metrics;
mod reload;
mod review;
mod schedule;
mod server;
mod sources;
mod store;
mod supply;
mod telemetry;
mod tls;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use tokio::runtime::Builder;

use args::{Arguments, Command};
use config::Config;

/// Threads that serve. The work is waiting; more would only cost memory beside every gateway.
const WORKERS: usize = 2;

fn main() -> ExitCode {
    let Arguments { command, options } = Arguments::parse();
    let (options, task) = match command {
        Some(Command::Check(check)) => (check.options, Task::Check { token_file: check.token_file }),
        Some(Command::Explain(explain)) => {
            (explain.options, Task::Explain { token_file: explain.token_file })
        }
        None => (options, Task::Serve),
    };
    let log_format = options.log_format;
    let config = match Config::try_from(options) {
        Ok(config) => config,
        Err(error) => return failed(&error, error.exit_status()),
    };
    let runtime = match Builder::new_multi_thread().worker_threads(WORKERS).enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return failed(&error, 1),
    };
    let all_is_well = match task {
        Task::Check { token_file } => runtime.block_on(check::check(config, token_file.as_deref())),
        Task::Explain { token_file } => runtime.block_on(explain::explain(config, &token_file)),
        Task::Serve => {
            telemetry::start(log_format);
            return match runtime.block_on(app::run(config)) {
                Ok(()) => ExitCode::SUCCESS,
                Err(error) => failed(&error, error.exit_status()),
            };
        }
    };
    if all_is_well { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// What to do.
enum Task {
    Check { token_file: Option<PathBuf> },
    Explain { token_file: PathBuf },
    Serve,
}

fn failed(error: &dyn std::error::Error, status: u8) -> ExitCode {
    console::complain(&format!("jwks-sync: {error}"));
    status.into()
}
