//! What the tests stand on: an OIDC issuer, a token mint, a stand-in for the API server, an HTTP client
//! that sends exactly what it is told, and runners for the real programs (Envoy, `jwks-sync`, etcd,
//! kube-apiserver, Dex, kubectl, kwok).
//!
//! Everything listens on loopback, on a port that is free. What was started ends when its handle is dropped.
//! Nothing sleeps for a time and hopes: a test waits for a condition, see [`wait`].
//!
//! A failure of this support is a failure of the test, so it panics with a message.
#![allow(
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::missing_errors_doc,
    clippy::missing_panics_doc,
    clippy::panic,
    clippy::string_slice,
    clippy::unreachable,
    clippy::unwrap_used,
    reason = "test support: stopping at the first surprise, with a message, is what a test wants"
)]

pub mod access_log;
pub mod api_server;
pub mod claims_endpoint;
pub mod client;
pub mod cluster;
pub mod envoy;
pub mod feed;
pub mod feed_client;
pub mod gateway;
pub mod hop;
pub mod http1;
pub mod http2;
pub mod issuer;
pub mod mint;
pub mod process;
mod server;
pub mod sidecar;
pub mod tls;
pub mod wait;
pub mod webhook;

pub use api_server::ApiServer;
pub use claims_endpoint::{ClaimsEndpoint, Told};
pub use client::{Client, Request, Response};
pub use envoy::{Envoy, EnvoyOptions};
pub use feed_client::{FeedClient, Person};
pub use gateway::{Gateway, GatewayOptions};
pub use hop::Hop;
pub use issuer::{Fault, Issuer};
pub use mint::{Algorithm, SigningKey, Token};
pub use sidecar::Sidecar;
pub use tls::Ca;
pub use webhook::Webhook;
