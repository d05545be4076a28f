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
//! | `root` | one a VM and plugin: start, configuration, tick, feed |
//! | `request` | one a request |
//! | `ask` | what a request asks of the sidecar |
//! | `recorder` | fields for the access log, counts |
//! | `metrics` | counts |
//! | `verify` | signatures, in the host where it can |
//! | `host` | every call to Envoy |
//!
//! The last seven exist on wasm alone: a native binary that uses the host interface does not link.

pub mod absent;
pub mod address;
pub mod config;
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
mod start {
    proxy_wasm::main! {{
        proxy_wasm::set_log_level(proxy_wasm::types::LogLevel::Info);
        proxy_wasm::set_root_context(|id| Box::new(crate::root::Root::new(id)));
    }}
}
