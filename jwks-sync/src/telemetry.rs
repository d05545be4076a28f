//! Logs. Events carry issuers, reasons and counts; never tokens, keys or claims.

use clap::ValueEnum;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

/// How log lines look.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogFormat {
    /// One JSON object a line.
    #[default]
    Json,
    /// Text for people.
    Text,
}

/// Sends our own events to standard error. Those of libraries are left out: they repeat what we say of an error, and
/// what they may put into one is not ours to promise. Only the first call has an effect.
pub(crate) fn start(format: LogFormat) {
    let ours = Targets::new().with_target(env!("CARGO_CRATE_NAME"), LevelFilter::INFO);
    let builder = tracing_subscriber::fmt().with_writer(std::io::stderr).with_target(false);
    let started = match format {
        LogFormat::Json => {
            builder.json().flatten_event(true).with_current_span(false).finish().with(ours).try_init()
        }
        LogFormat::Text => builder.with_ansi(false).finish().with(ours).try_init(),
    };
    // An error means that there was a first call.
    drop(started);
}
