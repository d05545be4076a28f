//! The cluster tier: real kube-apiserver, etcd, kubectl, kwok and Dex around the real filter in a real Envoy.
//!
//! The accounts and their rights are the shipped ones (`istio/`), and the API server decides by its own RBAC.
#![expect(
    clippy::arithmetic_side_effects,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test stops at the first surprise"
)]

mod cluster;
mod config_map;
mod expressions;
mod impersonation;
mod node;
mod other_tokens;
mod people;
mod records;
mod refusals;
mod reviews;
mod streams;
mod timeouts;
