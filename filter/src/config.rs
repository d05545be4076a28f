//! The plugin's configuration: JSON in the filter's `configuration` (a `google.protobuf.StringValue`).

mod raw;

use authn::policy::{AddedExtra, AddedExtraError, ClientImpersonation, RequestPolicy, UpstreamIdentity};

use crate::target::{self, TargetError};
use raw::{RawClientImpersonation, RawConfig, RawRecords, RawSidecar, RawTokenPassthrough};

/// Bytes that the cache of verified tokens may take in each VM, unless configured.
pub const TOKEN_CACHE_BYTES: usize = 12 * 1024 * 1024;
/// Bytes that it may be configured to take at most.
pub const MAX_TOKEN_CACHE_BYTES: usize = 64 * 1024 * 1024;
/// Upstream clusters that may be named.
pub const MAX_UPSTREAM_CLUSTERS: usize = 64;
/// Audiences that may be named.
pub const MAX_AUDIENCES: usize = 64;

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
    /// What becomes of requests.
    pub policy: RequestPolicy,
    /// Whether a stream ends when its token does.
    pub end_streams_at_token_expiry: bool,
    /// Which records are rendered for Envoy's access loggers.
    pub records: Records,
}

/// Records that the filter renders, since Envoy's formatters can't.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Records {
    /// kube-oidc-proxy's line.
    pub kube_oidc_proxy: bool,
    /// The members of an `audit.k8s.io/v1` Event.
    pub audit: bool,
}

/// Why a configuration was refused. Envoy then keeps the one before, or does not start.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// More than [`MAX_AUDIENCES`], or an empty one.
    #[error("plugin configuration: tokenPassthrough.audiences: must be up to {MAX_AUDIENCES} names")]
    Audiences,
    /// Values that can't be added.
    #[error("plugin configuration: {field}: {source}")]
    Extra {
        /// Name of the field.
        field: &'static str,
        /// What is wrong with it.
        source: AddedExtraError,
    },
    /// Not JSON of this shape; `path` leads to the field.
    #[error("plugin configuration: {path}: {source}")]
    Json {
        /// Where it stands, such as `sidecar.requestCluster`; `.` for the whole.
        path: String,
        /// What is wrong.
        source: serde_json::Error,
    },
    /// Nothing can be added to a user whom nobody impersonates.
    #[error("plugin configuration: {0}: has no effect with disableImpersonation")]
    NotImpersonated(&'static str),
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

impl Config {
    /// Reads a configuration.
    ///
    /// # Errors
    /// [`ConfigError`] says which field is wrong, unknown fields included: a misspelt one must not weaken anything.
    pub fn parse(json: &[u8]) -> Result<Self, ConfigError> {
        let mut deserializer = serde_json::Deserializer::from_slice(json);
        let raw: RawConfig = serde_path_to_error::deserialize(&mut deserializer).map_err(|error| {
            ConfigError::Json { path: error.path().to_string(), source: error.into_inner() }
        })?;
        deserializer.end().map_err(|source| ConfigError::Json { path: ".".to_owned(), source })?;
        raw.try_into()
    }

    /// Whether `cluster` is an API server's.
    #[must_use]
    pub fn is_upstream(&self, cluster: &[u8]) -> bool {
        self.upstream_clusters.iter().any(|upstream| upstream.as_bytes() == cluster)
    }

    /// Whether the API server is told the client's address.
    #[must_use]
    pub fn tells_client_address(&self) -> bool {
        self.policy.added_extra.client_address_header().is_some()
    }
}

impl TryFrom<RawConfig> for Config {
    type Error = ConfigError;

    fn try_from(raw: RawConfig) -> Result<Self, ConfigError> {
        let RawConfig {
            sidecar: RawSidecar { snapshot_cluster, request_cluster },
            upstream_clusters,
            token_cache_bytes,
            client_impersonation,
            disable_impersonation,
            token_passthrough,
            extra_user_headers,
            client_address_extra,
            end_streams_at_token_expiry,
            records: RawRecords { kube_oidc_proxy, audit },
        } = raw;
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
        let token_passthrough = token_passthrough.map(|RawTokenPassthrough { audiences }| audiences);
        if let Some(audiences) = &token_passthrough
            && (audiences.len() > MAX_AUDIENCES || audiences.iter().any(String::is_empty))
        {
            return Err(ConfigError::Audiences);
        }
        let upstream_identity =
            if disable_impersonation { UpstreamIdentity::Own } else { UpstreamIdentity::Impersonated };
        if disable_impersonation && !extra_user_headers.is_empty() {
            return Err(ConfigError::NotImpersonated("extraUserHeaders"));
        }
        if disable_impersonation && client_address_extra.is_some() {
            return Err(ConfigError::NotImpersonated("clientAddressExtra"));
        }
        let added_extra =
            AddedExtra::new(extra_user_headers, client_address_extra.clone()).map_err(|source| {
                ConfigError::Extra { field: field_of(&source, client_address_extra.as_deref()), source }
            })?;
        Ok(Self {
            snapshot_target: target("snapshotCluster", &snapshot_cluster)?,
            request_target: target("requestCluster", &request_cluster)?,
            upstream_clusters,
            token_cache_bytes,
            policy: RequestPolicy {
                client_impersonation: match client_impersonation {
                    RawClientImpersonation::Authorize => ClientImpersonation::Authorize,
                    RawClientImpersonation::Reject => ClientImpersonation::Reject,
                    RawClientImpersonation::Strip => ClientImpersonation::Strip,
                },
                upstream_identity,
                token_passthrough,
                added_extra,
            },
            end_streams_at_token_expiry,
            records: Records { kube_oidc_proxy, audit },
        })
    }
}

/// Which of the two fields an error is about.
fn field_of(error: &AddedExtraError, client_address_extra: Option<&str>) -> &'static str {
    let key = match error {
        AddedExtraError::Duplicate(key)
        | AddedExtraError::Key(key)
        | AddedExtraError::Reserved(key)
        | AddedExtraError::Value(key) => Some(key),
        AddedExtraError::TooMany => None,
    };
    if key.is_some_and(|key| client_address_extra == Some(key)) {
        "clientAddressExtra"
    } else {
        "extraUserHeaders"
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
        assert_eq!(config.policy, RequestPolicy::default());
        assert!(!config.tells_client_address() && !config.end_streams_at_token_expiry);
        assert_eq!(config.records, Records::default());
    }

    #[test]
    fn every_field_is_read() {
        let mut every = good();
        let more = json!({
            "tokenCacheBytes": 1,
            "clientImpersonation": "strip",
            "tokenPassthrough": {"audiences": ["a"]},
            "extraUserHeaders": {"acme.com/cluster": ["x", "y"]},
            "clientAddressExtra": "remote-client-ip",
            "endStreamsAtTokenExpiry": true,
            "records": {"kubeOidcProxy": true, "audit": true},
        });
        every.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let config = Config::parse(every.to_string().as_bytes()).unwrap();
        assert_eq!(config.token_cache_bytes, 1);
        assert_eq!(config.policy.client_impersonation, ClientImpersonation::Strip);
        assert_eq!(config.policy.token_passthrough, Some(vec!["a".to_owned()]));
        assert!(config.tells_client_address() && config.end_streams_at_token_expiry);
        assert_eq!(config.records, Records { kube_oidc_proxy: true, audit: true });
        let own = json!({"disableImpersonation": true, "clientImpersonation": "reject"});
        let mut every = good();
        every.as_object_mut().unwrap().extend(own.as_object().unwrap().clone());
        let config = Config::parse(every.to_string().as_bytes()).unwrap();
        assert_eq!(config.policy.upstream_identity, UpstreamIdentity::Own);
        assert_eq!(config.policy.client_impersonation, ClientImpersonation::Reject);
    }

    /// The file that editors check configurations by is written by this very code.
    #[test]
    fn the_schema_is_the_committed_one() {
        let committed = include_str!("../config.schema.json");
        let schema = schemars::schema_for!(RawConfig);
        let ours = serde_json::to_string_pretty(&schema).unwrap() + "\n";
        assert!(ours == committed, "filter/config.schema.json must be:\n{ours}");
    }

    #[test]
    fn anything_else_is_refused_with_its_field() {
        refused("/upstreamCluster", json!([]), "upstreamCluster: unknown field `upstreamCluster`");
        refused("/sidecar/cluster", json!(""), "sidecar.cluster: unknown field `cluster`");
        refused("/records", json!({"audits": true}), "records.audits: unknown field `audits`");
        refused("/records", json!(true), "records: invalid type: boolean `true`, expected an object");
        refused("/tokenPassthrough", json!({"audience": []}), "tokenPassthrough.audience: unknown field");
        refused("/tokenPassthrough", json!({"audiences": [""]}), "tokenPassthrough.audiences: ");
        refused("/clientImpersonation", json!("allow"), "clientImpersonation: unknown variant `allow`");
        refused("/extraUserHeaders", json!({"A": ["x"]}), "extraUserHeaders: \"A\" ");
        refused("/extraUserHeaders", json!({"a": "x"}), "extraUserHeaders.a: invalid type");
        refused(
            "/clientAddressExtra",
            json!("originaluser.jetstack.io-x"),
            "clientAddressExtra: \"originaluser",
        );
        refused("/sidecar/requestCluster", json!(""), "sidecar.requestCluster: ");
        refused("/sidecar/snapshotCluster", json!("x".repeat(65)), "sidecar.snapshotCluster: ");
        refused("/upstreamClusters", json!([]), "upstreamClusters: ");
        refused("/upstreamClusters", json!([""]), "upstreamClusters: ");
        refused("/upstreamClusters", json!("kube_apiserver"), "expected a sequence");
        refused("/tokenCacheBytes", json!(MAX_TOKEN_CACHE_BYTES + 1), "tokenCacheBytes: ");
        refused("/tokenCacheBytes", json!(-1), "invalid value");
        let twice = good().to_string().replacen('{', r#"{"extraUserHeaders":{"a":["x"],"a":["y"]},"#, 1);
        let error = Config::parse(twice.as_bytes()).unwrap_err().to_string();
        assert!(error.contains("\"a\" is given twice"), "{error}");
        for (field, value) in [("extraUserHeaders", json!({"a": ["x"]})), ("clientAddressExtra", json!("a"))]
        {
            let mut both = good();
            both["disableImpersonation"] = json!(true);
            both[field] = value;
            let error = Config::parse(both.to_string().as_bytes()).unwrap_err().to_string();
            assert!(error.contains(field) && error.contains("disableImpersonation"), "{error}");
        }
        for text in ["", "{}", "[]", "null", &format!("{} x", good())] {
            assert!(Config::parse(text.as_bytes()).is_err(), "{text}");
        }
    }
}
