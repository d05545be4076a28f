//! The policy file: which names that Kubernetes reserves for itself an issuer, or the token webhook, may hand out, and
//! where an issuer's tokens may send the sidecar.

mod claim_hosts;

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};

use super::decode::{Fields, Node, Place};
use super::field::{FieldErrors, Path};
use super::{AuthenticationConfiguration, ConfigError, JwtAuthenticator};
use crate::claim_hosts::ClaimHosts;
use crate::issuer::{IdentityGuard, Issuer};
use claim_hosts::RawDistributedClaims;

const API_VERSION: &str = "kube-oidc-filter/v1alpha1";

/// Names with this beginning are the only ones that a guard holds back.
const RESERVED: &str = "system:";

/// What `--policy` says. Without one, nobody hands out `system:` names, and nothing is fetched that tokens name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Policy {
    issuers: BTreeMap<String, IssuerPolicy>,
    token_webhook: Option<IdentityGuard>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct IssuerPolicy {
    guard: IdentityGuard,
    claim_hosts: ClaimHosts,
}

impl Policy {
    /// Reads a policy, YAML or JSON, as strictly as the configuration.
    ///
    /// # Errors
    /// [`ConfigError`]: nothing of a refused policy is used.
    pub fn load(bytes: &[u8]) -> Result<Self, ConfigError> {
        let node = Node::read(bytes)?;
        let mut fields = Fields::new("v1alpha1".to_owned());
        let raw = RawPolicy::from_node(&mut fields, node)?;
        fields.finish(raw)?.try_into()
    }

    /// What the issuer with this URL may hand out: nothing, unless the policy names it.
    #[must_use]
    pub fn guard(&self, issuer_url: &str) -> IdentityGuard {
        self.issuers.get(issuer_url).map(|issuer| issuer.guard.clone()).unwrap_or_default()
    }

    /// From where claims may be fetched that the tokens of the issuer with this URL say stand elsewhere: from nowhere,
    /// unless the policy names hosts.
    #[must_use]
    pub fn claim_hosts(&self, issuer_url: &str) -> ClaimHosts {
        self.issuers.get(issuer_url).map(|issuer| issuer.claim_hosts.clone()).unwrap_or_default()
    }

    /// What filters judge the tokens of an issuer by, but for its keys.
    #[must_use]
    pub fn issuer(&self, jwt: JwtAuthenticator) -> Issuer {
        Issuer {
            guard: self.guard(&jwt.url),
            claim_hosts: self.claim_hosts(&jwt.url),
            url: jwt.url,
            audiences: jwt.audiences,
            algorithms: jwt.algorithms,
            claim_mappings: jwt.claim_mappings,
            required_claims: jwt.required_claims,
            claim_validation_rules: jwt.claim_validation_rules,
            user_validation_rules: jwt.user_validation_rules,
            keys: None,
        }
    }

    /// What the token webhook may hand out: nothing, unless the policy says so.
    #[must_use]
    pub fn token_webhook(&self) -> IdentityGuard {
        self.token_webhook.clone().unwrap_or_default()
    }

    /// Whether the policy says anything of a token webhook.
    #[must_use]
    pub const fn names_token_webhook(&self) -> bool {
        self.token_webhook.is_some()
    }

    /// The issuers of the policy that the configuration does not know: most likely misspelt.
    #[must_use]
    pub fn unknown_issuers(&self, configuration: &AuthenticationConfiguration) -> Vec<&str> {
        let is_unknown = |url: &&str| configuration.jwt.iter().all(|jwt| jwt.url != *url);
        self.issuers.keys().map(String::as_str).filter(is_unknown).collect()
    }
}

#[derive(Debug, Default)]
struct RawPolicy {
    api_version: Option<String>,
    issuers: Vec<RawIssuer>,
    token_webhook: Option<RawGuard>,
}

#[derive(Debug, Default)]
struct RawIssuer {
    url: String,
    guard: RawGuard,
    distributed_claims: RawDistributedClaims,
}

#[derive(Debug, Default)]
struct RawGuard {
    allowed_system_usernames: Vec<String>,
    allowed_system_groups: Vec<String>,
}

impl RawPolicy {
    fn from_node(fields: &mut Fields, node: Node) -> Result<Self, ConfigError> {
        let mut raw = Self::default();
        for (name, node, at) in fields.of_object(node, &Place::root("Policy"), "Policy")? {
            match name.as_str() {
                "apiVersion" => raw.api_version = fields.optional_string(node, &at, "string")?,
                "issuers" => {
                    for (node, at) in fields.of_list(node, &at, "Issuer")? {
                        raw.issuers.push(RawIssuer::from_node(fields, node, &at)?);
                    }
                }
                "tokenWebhook" if node == Node::Null => {}
                "tokenWebhook" => raw.token_webhook = Some(RawGuard::from_node(fields, node, &at)?),
                _ => fields.unknown(&at),
            }
        }
        Ok(raw)
    }
}

impl RawIssuer {
    fn from_node(fields: &mut Fields, node: Node, at: &Place) -> Result<Self, ConfigError> {
        let mut raw = Self::default();
        for (name, node, at) in fields.of_object(node, at, "Issuer")? {
            match name.as_str() {
                "url" => raw.url = fields.string(node, &at, "string")?,
                "distributedClaims" if node == Node::Null => {}
                "distributedClaims" => {
                    raw.distributed_claims = RawDistributedClaims::from_node(fields, node, &at)?;
                }
                name if raw.guard.takes(fields, name, &node, &at)? => {}
                _ => fields.unknown(&at),
            }
        }
        Ok(raw)
    }
}

impl RawGuard {
    fn from_node(fields: &mut Fields, node: Node, at: &Place) -> Result<Self, ConfigError> {
        let mut raw = Self::default();
        for (name, node, at) in fields.of_object(node, at, "TokenWebhook")? {
            if !raw.takes(fields, &name, &node, &at)? {
                fields.unknown(&at);
            }
        }
        Ok(raw)
    }

    /// Reads one of its members, if it is one.
    fn takes(
        &mut self,
        fields: &mut Fields,
        name: &str,
        node: &Node,
        at: &Place,
    ) -> Result<bool, ConfigError> {
        let list = match name {
            "allowedSystemUsernames" => &mut self.allowed_system_usernames,
            "allowedSystemGroups" => &mut self.allowed_system_groups,
            _ => return Ok(false),
        };
        *list = fields.strings(node.clone(), at)?;
        Ok(true)
    }

    fn into_guard(self, path: impl Fn(&str) -> Path, errors: &mut FieldErrors) -> IdentityGuard {
        let Self { allowed_system_usernames, allowed_system_groups } = self;
        IdentityGuard {
            allowed_usernames: names(allowed_system_usernames, &path("allowedSystemUsernames"), errors),
            allowed_groups: names(allowed_system_groups, &path("allowedSystemGroups"), errors),
        }
    }
}

impl TryFrom<RawPolicy> for Policy {
    type Error = ConfigError;

    fn try_from(raw: RawPolicy) -> Result<Self, ConfigError> {
        let mut errors = FieldErrors::default();
        let RawPolicy { api_version, issuers, token_webhook } = raw;
        if let Some(api_version) = api_version.filter(|api_version| api_version != API_VERSION) {
            errors.invalid(&Path::new("apiVersion"), &api_version, format!("must be {API_VERSION}"));
        }
        let mut by_url = BTreeMap::new();
        for (position, issuer) in issuers.into_iter().enumerate() {
            let path = Path::new("issuers").index(position);
            let RawIssuer { url, guard, distributed_claims } = issuer;
            let issuer = IssuerPolicy {
                guard: guard.into_guard(|name| path.child(name), &mut errors),
                claim_hosts: distributed_claims.into_hosts(&path.child("distributedClaims"), &mut errors),
            };
            if url.is_empty() {
                errors.required(&path.child("url"), "");
                continue;
            }
            match by_url.entry(url) {
                Entry::Vacant(entry) => {
                    entry.insert(issuer);
                }
                Entry::Occupied(entry) => errors.duplicate(&path.child("url"), entry.key()),
            }
        }
        let path = Path::new("tokenWebhook");
        let token_webhook = token_webhook.map(|guard| guard.into_guard(|name| path.child(name), &mut errors));
        match errors.into_list() {
            Some(errors) => Err(ConfigError::Fields { errors }),
            None => Ok(Self { issuers: by_url, token_webhook }),
        }
    }
}

/// A name that nothing holds back anyway is a mistake that would otherwise pass for a rule.
fn names(names: Vec<String>, path: &Path, errors: &mut FieldErrors) -> BTreeSet<String> {
    for (position, name) in names.iter().enumerate() {
        if !name.starts_with(RESERVED) {
            errors.invalid(&path.index(position), name, "must begin with \"system:\"");
        } else if name.contains('*') {
            errors.invalid(&path.index(position), name, "must be a whole name: there are no patterns");
        }
    }
    names.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const POLICY: &str = "\
apiVersion: kube-oidc-filter/v1alpha1
issuers:
- url: https://a
  allowedSystemUsernames: ['system:admin']
  allowedSystemGroups: ['system:masters', 'system:nodes']
- url: https://b
";

    fn set(names: &[&str]) -> BTreeSet<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn an_issuer_may_hand_out_what_the_policy_names() {
        let policy = Policy::load(POLICY.as_bytes()).unwrap();
        let guard = IdentityGuard {
            allowed_usernames: set(&["system:admin"]),
            allowed_groups: set(&["system:masters", "system:nodes"]),
        };
        assert_eq!(policy.guard("https://a"), guard);
        assert_eq!(policy.guard("https://b"), IdentityGuard::default());
        assert_eq!(policy.guard("https://a/"), IdentityGuard::default());
        for empty in ["{}", "null", "# nothing", "issuers: []", "issuers:"] {
            assert_eq!(Policy::load(empty.as_bytes()), Ok(Policy::default()), "{empty}");
        }
    }

    #[test]
    fn the_token_webhook_may_hand_out_what_the_policy_names() {
        let policy = "tokenWebhook: {allowedSystemUsernames: ['system:node:a'], allowedSystemGroups: ['system:nodes']}";
        let policy = Policy::load(policy.as_bytes()).unwrap();
        let guard = IdentityGuard {
            allowed_usernames: set(&["system:node:a"]),
            allowed_groups: set(&["system:nodes"]),
        };
        assert_eq!(policy.token_webhook(), guard);
        assert!(policy.names_token_webhook());
        assert_eq!(policy.guard("https://a"), IdentityGuard::default(), "and nobody else");
        for (empty, is_named) in [("{}", false), ("tokenWebhook:", false), ("tokenWebhook: {}", true)] {
            let policy = Policy::load(empty.as_bytes()).unwrap();
            assert_eq!(policy.token_webhook(), IdentityGuard::default(), "{empty}");
            assert_eq!(policy.names_token_webhook(), is_named, "{empty}");
        }
    }

    #[test]
    fn misspelt_issuers_are_found() {
        let policy = Policy::load(POLICY.as_bytes()).unwrap();
        let configured = super::super::OidcFlags {
            issuer_url: "https://b".to_owned(),
            client_id: "kubernetes".to_owned(),
            ..super::super::OidcFlags::default()
        };
        assert_eq!(policy.unknown_issuers(&configured.into_configuration().unwrap()), ["https://a"]);
    }

    #[test]
    fn a_bad_policy_is_refused() {
        for (policy, message) in [
            ("", "empty config data"),
            ("apiVersion: v1", r#"apiVersion: Invalid value: "v1": must be kube-oidc-filter/v1alpha1"#),
            ("kind: Policy", r#"strict decoding error: unknown field "kind""#),
            (
                "issuers: [{url: https://a, allowedGroups: []}]",
                r#"strict decoding error: unknown field "issuers[0].allowedGroups""#,
            ),
            ("issuers: [{}]", "issuers[0].url: Required value"),
            (
                "issuers: [{url: https://a, distributedClaims: {hosts: []}}]",
                r#"strict decoding error: unknown field "issuers[0].distributedClaims.hosts""#,
            ),
            (
                "issuers: [{url: https://a, distributedClaims: [b]}]",
                "json: cannot unmarshal array into Go struct field Issuer.issuers.distributedClaims of type \
                 v1alpha1.DistributedClaims",
            ),
            (
                "tokenWebhook: {distributedClaims: {}}",
                r#"strict decoding error: unknown field "tokenWebhook.distributedClaims""#,
            ),
            (
                "issuers: [{url: https://a}, {url: https://a}]",
                r#"issuers[1].url: Duplicate value: "https://a""#,
            ),
            (
                "issuers: [{url: https://a, allowedSystemUsernames: [alice], allowedSystemGroups: [system]}]",
                "[issuers[0].allowedSystemUsernames[0]: Invalid value: \"alice\": must begin with \"system:\", \
                 issuers[0].allowedSystemGroups[0]: Invalid value: \"system\": must begin with \"system:\"]",
            ),
            (
                "issuers: [{url: https://a, allowedSystemGroups: 'system:masters'}]",
                "json: cannot unmarshal string into Go struct field Issuer.issuers.allowedSystemGroups \
                 of type []string",
            ),
            (
                "tokenWebhook: {allowedGroups: []}",
                r#"strict decoding error: unknown field "tokenWebhook.allowedGroups""#,
            ),
            (
                "tokenWebhook: {allowedSystemUsernames: [alice]}",
                "tokenWebhook.allowedSystemUsernames[0]: Invalid value: \"alice\": must begin with \"system:\"",
            ),
            (
                "tokenWebhook: {allowedSystemGroups: ['system:*']}",
                "tokenWebhook.allowedSystemGroups[0]: Invalid value: \"system:*\": must be a whole name: there are \
                 no patterns",
            ),
            (
                "tokenWebhook: [a]",
                "json: cannot unmarshal array into Go struct field Policy.tokenWebhook of type v1alpha1.TokenWebhook",
            ),
            ("issuers: []\nissuers: []", r#"strict decoding error: duplicate field "issuers""#),
        ] {
            assert_eq!(Policy::load(policy.as_bytes()).unwrap_err().to_string(), message, "{policy}");
        }
    }
}
