//! What becomes of changed configurations, as kube-apiserver counts it
//! (`apiserver_authentication_config_controller_*`).

use std::sync::atomic::AtomicU64;

use authn::time::UnixSeconds;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;
use ring::digest::{SHA256, digest};

use super::{ResultLabels, SUCCESS, as_gauge};
use crate::config::{IssuerSource, Sources};

/// Reloads of the configuration.
#[derive(Default)]
pub(crate) struct Reloads {
    total: Family<ResultLabels, Counter>,
    last: Family<StatusLabels, Gauge>,
    info: Family<HashLabels, Gauge<u64, AtomicU64>>,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct StatusLabels {
    status: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct HashLabels {
    hash: String,
}

impl Reloads {
    pub(super) fn register(&self, registry: &mut Registry) {
        registry.register(
            "config_reloads",
            "Attempts to load a changed configuration or policy; after a failure the old one stays in force",
            self.total.clone(),
        );
        registry.register(
            "config_reload_last_timestamp_seconds",
            "When a changed configuration or policy was last put in force, and when that last failed",
            self.last.clone(),
        );
        registry.register(
            "config_last_config_info",
            "1; the hash is that of the AuthenticationConfiguration in force, as `sha256sum` prints it",
            self.info.clone(),
        );
    }

    /// A changed configuration is in force since `at`.
    pub(crate) fn succeeded(&self, at: UnixSeconds) {
        self.ended(SUCCESS, SUCCESS, at);
    }

    /// A changed configuration is not used, for this reason.
    pub(crate) fn failed(&self, reason: &'static str, at: UnixSeconds) {
        self.ended(reason, "failure", at);
    }

    /// This is in force. Of flags there is nothing to tell.
    pub(crate) fn in_force(&self, sources: &Sources, issuers: Option<&[u8]>) {
        let is_text = matches!(sources.issuers, IssuerSource::ConfigMap(_) | IssuerSource::File(_));
        if let Some(text) = issuers.filter(|_| is_text) {
            let hash = digest(&SHA256, text);
            let digits: String = hash.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
            self.info.clear();
            self.info.get_or_create(&HashLabels { hash: format!("sha256:{digits}") }).set(1);
        }
    }

    fn ended(&self, result: &'static str, status: &'static str, at: UnixSeconds) {
        self.total.get_or_create(&ResultLabels { result }).inc();
        self.last.get_or_create(&StatusLabels { status }).set(as_gauge(at.get()));
    }
}
