//! The configuration as it is written. The texts here are those of `config.schema.json`.

use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};

/// Configuration of the filter kube-oidc-filter: the JSON in its `configuration`.
#[derive(Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(title = "kube-oidc-filter"))]
#[serde(rename_all = "camelCase", deny_unknown_fields, expecting = "an object")]
pub(super) struct RawConfig {
    /// Where the sidecar jwks-sync is.
    pub(super) sidecar: RawSidecar,
    /// Envoy clusters that are the API server: credential and identity go to these and nowhere else. At least one.
    pub(super) upstream_clusters: Vec<String>,
    /// Budget of the cache of verified tokens in bytes, for each worker. Default 12 MiB, at most 64 MiB.
    #[cfg_attr(test, schemars(range(max = 67_108_864)))]
    pub(super) token_cache_bytes: Option<usize>,
    /// What becomes of a client's Impersonate-* headers (kubectl --as).
    #[serde(default)]
    pub(super) client_impersonation: RawClientImpersonation,
    /// Let nobody in without a good token, and let requests go on with that token: nobody is impersonated, and no
    /// upstream credential is needed.
    #[serde(default)]
    pub(super) disable_impersonation: bool,
    /// Let tokens pass that the API server itself accepts, such as those of ServiceAccounts. Absent: they don't.
    pub(super) token_passthrough: Option<RawTokenPassthrough>,
    /// Extra values that every user gets: keys in lower case, each with its values.
    #[serde(default, deserialize_with = "pairs")]
    #[cfg_attr(test, schemars(with = "std::collections::BTreeMap<String, Vec<String>>"))]
    pub(super) extra_user_headers: Vec<(String, Vec<String>)>,
    /// Key of the extra value in which the API server is told the client's address, such as remote-client-ip. Absent:
    /// it isn't told.
    pub(super) client_address_extra: Option<String>,
    /// End a stream (exec, watch, logs -f) when its token expires.
    #[serde(default)]
    pub(super) end_streams_at_token_expiry: bool,
    /// Records that are rendered for Envoy's access loggers.
    #[serde(default)]
    pub(super) records: RawRecords,
}

/// Where the sidecar jwks-sync is.
#[derive(Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields, expecting = "an object")]
pub(super) struct RawSidecar {
    /// Envoy cluster of its socket, for snapshots alone.
    pub(super) snapshot_cluster: String,
    /// Envoy cluster of its socket, for what requests ask.
    pub(super) request_cluster: String,
}

/// What becomes of a client's Impersonate-* headers.
#[derive(Default, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub(super) enum RawClientImpersonation {
    /// The API server is asked whether the user may (verb impersonate).
    #[default]
    Authorize,
    /// The request is refused.
    Reject,
    /// They are dropped, and the request goes on as its user.
    Strip,
}

/// Which of the API server's own tokens pass.
#[derive(Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields, expecting = "an object")]
pub(super) struct RawTokenPassthrough {
    /// Audiences of which a token must have one. None: those of the API server.
    #[serde(default)]
    pub(super) audiences: Vec<String>,
}

/// Records that are rendered for Envoy's access loggers.
#[derive(Default, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields, expecting = "an object")]
pub(super) struct RawRecords {
    /// kube-oidc-proxy's line: filter state wasm.authn_kube_oidc_proxy.
    #[serde(default)]
    pub(super) kube_oidc_proxy: bool,
    /// Members of an audit.k8s.io/v1 Event: filter state wasm.authn_audit.
    #[serde(default)]
    pub(super) audit: bool,
}

/// The members of an object one by one, so that one that stands twice is seen.
fn pairs<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<(String, Vec<String>)>, D::Error> {
    struct Pairs;

    impl<'de> Visitor<'de> for Pairs {
        type Value = Vec<(String, Vec<String>)>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an object of lists of strings")
        }

        fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Self::Value, A::Error> {
            let mut pairs = Vec::new();
            while let Some(pair) = members.next_entry()? {
                pairs.push(pair);
            }
            Ok(pairs)
        }
    }

    deserializer.deserialize_map(Pairs)
}
