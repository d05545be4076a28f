//! Targets: each takes any bytes, and panics if something does that must not be.
//!
//! The corpus of each lies in `corpus/NAME`. `make test` runs it with some mutations of each file, `make fuzz TARGET=NAME` lets
//! libFuzzer go on from it (`libfuzzer/`).
#![allow(clippy::panic, clippy::missing_panics_doc, reason = "a panic is what a finding looks like")]

mod configuration;
mod expression;
mod token;

pub use configuration::configuration;
pub use expression::expression;
pub use token::token;

/// A target.
pub type Target = fn(&[u8]);

/// All of them, by name.
pub const TARGETS: [(&str, Target); 3] =
    [("configuration", configuration), ("expression", expression), ("token", token)];
