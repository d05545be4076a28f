//! The Envoy filter (proxy-wasm): asks [`authn`] who a request is from, and acts on the answer.
//!
//! | module | what it does |
//! |---|---|
//! | [`config`] | the plugin's configuration |
//! | [`feed`] | when to ask the sidecar for a snapshot |
//! | [`waiting`] | which requests may wait for an answer of the sidecar |
//! | [`absent`] | keys that no issuer has |
//! | [`address`] | addresses as Envoy writes them |
//! | [`metric`] | every metric: its name, kind and meaning |
//! | [`record`] | what the access log says of a request |
//! | [`target`] | how Envoy is told where the sidecar is |
//! | [`contexts`] | which plugin a request belongs to |
//! | `vm` | what Envoy asks of the VM |
//! | `root` | one plugin in one VM: configuration, tick, feed |
//! | `request` | a request |
//! | `ask` | what a request asks of the sidecar |
//! | `recorder` | fields for the access log, counts |
//! | `metrics` | counts |
//! | `verify` | signatures, in the host where it can |
//! | `host` | every call to Envoy |
//!
//! The last eight exist on wasm alone: nothing native has a host.

pub mod absent;
pub mod address;
pub mod config;
pub mod contexts;
pub mod feed;
pub mod metric;
pub mod record;
pub mod target;
pub mod waiting;

#[cfg(target_arch = "wasm32")]
mod ask;
#[cfg(target_arch = "wasm32")]
mod host;
#[cfg(target_arch = "wasm32")]
mod metrics;
#[cfg(target_arch = "wasm32")]
mod recorder;
#[cfg(target_arch = "wasm32")]
mod request;
#[cfg(target_arch = "wasm32")]
mod root;
#[cfg(target_arch = "wasm32")]
mod verify;
#[cfg(target_arch = "wasm32")]
mod vm;

#[cfg(target_arch = "wasm32")]
proxy_wasm_abi::vm!(vm::Filter::default());
