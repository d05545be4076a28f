//! The plugin's configuration: JSON in the filter's `configuration` (a `google.protobuf.StringValue`).

use serde::Deserialize;

use crate::target::{self, TargetError};

/// Bytes that the cache of verified tokens may take in each VM, unless configured.
pub const TOKEN_CACHE_BYTES: usize = 4 * 1024 * 1024;
/// Bytes that it may be configured to take at most.
pub const MAX_TOKEN_CACHE_BYTES: usize = 64 * 1024 * 1024;
/// Upstream clusters that may be named.
pub const MAX_UPSTREAM_CLUSTERS: usize = 64;

/// What the gateway's operator decides.
#[derive(Debug, PartialEq, Eq)]
pub struct Config {
    /// Cluster of the sidecar's socket for long polls alone, so that nothing else can starve them.
    pub snapshot_target: target::Target,
    /// Cluster of the sidecar's socket for everything else.
    pub request_target: target::Target,
    /// Envoy clusters that are the API server: credential and identity go to these and nowhere else.
    pub upstream_clusters: Vec<String>,
    /// Budget of the cache of verified tokens in bytes, for each VM.
    pub token_cache_bytes: usize,
}

/// Why a configuration was refused. Envoy then keeps the one before, or does not start.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// Not JSON of this shape; the message names the field.
    #[error("plugin configuration: {0}")]
    Json(#[from] serde_json::Error),
    /// A cluster of the sidecar can't be named so.
    #[error("plugin configuration: sidecar.{field}: {source}")]
    Target {
        /// Name of the field.
        field: &'static str,
        /// What is wrong with it.
        source: TargetError,
    },
    /// The cache is out of bounds.
    #[error("plugin configuration: tokenCacheBytes: must be at most {MAX_TOKEN_CACHE_BYTES}")]
    TokenCacheBytes,
    /// No upstream cluster, too many, or an empty name.
    #[error("plugin configuration: upstreamClusters: must name 1 to {MAX_UPSTREAM_CLUSTERS} clusters")]
    UpstreamClusters,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Raw {
    sidecar: RawSidecar,
    upstream_clusters: Vec<String>,
    token_cache_bytes: Option<usize>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct RawSidecar {
    snapshot_cluster: String,
    request_cluster: String,
}

impl Config {
    /// Reads a configuration.
    ///
    /// # Errors
    /// [`ConfigError`] says which field is wrong, unknown fields included: a misspelt one must not weaken anything.
    pub fn parse(json: &[u8]) -> Result<Self, ConfigError> {
        let Raw { sidecar, upstream_clusters, token_cache_bytes } = serde_json::from_slice(json)?;
        let RawSidecar { snapshot_cluster, request_cluster } = sidecar;
        let target = |field, cluster: &str| {
            target::Target::new(cluster).map_err(|source| ConfigError::Target { field, source })
        };
        if upstream_clusters.is_empty()
            || upstream_clusters.len() > MAX_UPSTREAM_CLUSTERS
            || upstream_clusters.iter().any(String::is_empty)
        {
            return Err(ConfigError::UpstreamClusters);
        }
        let token_cache_bytes = token_cache_bytes.unwrap_or(TOKEN_CACHE_BYTES);
        if token_cache_bytes > MAX_TOKEN_CACHE_BYTES {
            return Err(ConfigError::TokenCacheBytes);
        }
        Ok(Self {
            snapshot_target: target("snapshotCluster", &snapshot_cluster)?,
            request_target: target("requestCluster", &request_cluster)?,
            upstream_clusters,
            token_cache_bytes,
        })
    }

    /// Whether `cluster` is an API server's.
    #[must_use]
    pub fn is_upstream(&self, cluster: &[u8]) -> bool {
        self.upstream_clusters.iter().any(|upstream| upstream.as_bytes() == cluster)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn good() -> Value {
        json!({
            "sidecar": {"snapshotCluster": "jwks_sync_snapshots", "requestCluster": "jwks_sync_requests"},
            "upstreamClusters": ["kube_apiserver"],
        })
    }

    #[track_caller]
    fn refused(pointer: &str, value: Value, message: &str) {
        let mut config = good();
        let (parent, field) = pointer.rsplit_once('/').unwrap();
        config.pointer_mut(parent).unwrap()[field] = value;
        let error = Config::parse(config.to_string().as_bytes()).unwrap_err().to_string();
        assert!(error.contains(message), "{error}");
    }

    #[test]
    fn a_good_configuration_is_read() {
        let config = Config::parse(good().to_string().as_bytes()).unwrap();
        assert_eq!(config.token_cache_bytes, TOKEN_CACHE_BYTES);
        assert!(config.is_upstream(b"kube_apiserver"));
        assert!(!config.is_upstream(b"kube_apiserver2"));
        assert!(!config.is_upstream(b""));
    }

    #[test]
    fn anything_else_is_refused_with_its_field() {
        refused("/upstreamCluster", json!([]), "unknown field `upstreamCluster`");
        refused("/sidecar/cluster", json!(""), "unknown field `cluster`");
        refused("/sidecar/requestCluster", json!(""), "sidecar.requestCluster: ");
        refused("/sidecar/snapshotCluster", json!("x".repeat(65)), "sidecar.snapshotCluster: ");
        refused("/upstreamClusters", json!([]), "upstreamClusters: ");
        refused("/upstreamClusters", json!([""]), "upstreamClusters: ");
        refused("/upstreamClusters", json!("kube_apiserver"), "expected a sequence");
        refused("/tokenCacheBytes", json!(MAX_TOKEN_CACHE_BYTES + 1), "tokenCacheBytes: ");
        refused("/tokenCacheBytes", json!(-1), "invalid value");
        for text in ["", "{}", "[]", "null"] {
            assert!(Config::parse(text.as_bytes()).is_err(), "{text}");
        }
    }
}
