//! The hop tier: a second proxy between Envoy and the API server, and clients that try to turn it against the headers
//! that the filter has set.
//!
//! Impersonation fails open: a request that arrives with our ServiceAccount token and without our `Impersonate-User`
//! runs as the gateway itself. So every request that arrives, of a hand-written attack or of thousands of seeded
//! mutations, is held against `invariants`.
#![expect(
    clippy::arithmetic_side_effects,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a test stops at the first surprise"
)]

mod asking;
mod attacks;
mod chain;
mod grammar;
mod invariants;
mod mutations;
mod people;
mod policy;
mod random;
mod sending;
