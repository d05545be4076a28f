//! The file's structures as they stand there, unchecked. They end in `validate`.

use super::ConfigError;
use super::decode::{Fields, Node, Place};
use super::field::quote;
use super::other_kinds::OtherKind;

const GROUP: &str = "apiserver.config.k8s.io";
const KIND: &str = "AuthenticationConfiguration";
const VERSIONS: [&str; 3] = ["v1", "v1beta1", "v1alpha1"];
#[derive(Clone, Debug, Default)]
pub(super) struct AuthenticationConfiguration {
    pub(super) jwt: Vec<JwtAuthenticator>,
    pub(super) anonymous: Option<AnonymousAuth>,
}

#[derive(Clone, Debug, Default)]
pub(super) struct AnonymousAuth {
    pub(super) enabled: bool,
    /// `None`: absent or null, which Go keeps apart from an empty list.
    pub(super) conditions: Option<Vec<AnonymousAuthCondition>>,
}

#[derive(Clone, Debug, Default)]
pub(super) struct AnonymousAuthCondition {
    pub(super) path: String,
}

#[derive(Clone, Debug, Default)]
pub(super) struct JwtAuthenticator {
    pub(super) issuer: Issuer,
    pub(super) claim_validation_rules: Vec<ClaimValidationRule>,
    pub(super) claim_mappings: ClaimMappings,
    pub(super) user_validation_rules: Vec<UserValidationRule>,
}

#[derive(Clone, Debug, Default)]
pub(super) struct Issuer {
    pub(super) url: String,
    pub(super) discovery_url: String,
    pub(super) certificate_authority: String,
    pub(super) audiences: Vec<String>,
    pub(super) audience_match_policy: String,
    pub(super) egress_selector_type: String,
}

#[derive(Clone, Debug, Default)]
pub(super) struct ClaimValidationRule {
    pub(super) claim: String,
    pub(super) required_value: String,
    pub(super) expression: String,
    pub(super) message: String,
}

#[derive(Clone, Debug, Default)]
pub(super) struct ClaimMappings {
    pub(super) username: PrefixedClaimOrExpression,
    pub(super) groups: PrefixedClaimOrExpression,
    pub(super) uid: ClaimOrExpression,
    pub(super) extra: Vec<ExtraMapping>,
}

#[derive(Clone, Debug, Default)]
pub(super) struct PrefixedClaimOrExpression {
    pub(super) claim: String,
    /// Absent and empty differ.
    pub(super) prefix: Option<String>,
    pub(super) expression: String,
}

#[derive(Clone, Debug, Default)]
pub(super) struct ClaimOrExpression {
    pub(super) claim: String,
    pub(super) expression: String,
}

#[derive(Clone, Debug, Default)]
pub(super) struct ExtraMapping {
    pub(super) key: String,
    pub(super) value_expression: String,
}

#[derive(Clone, Debug, Default)]
pub(super) struct UserValidationRule {
    pub(super) expression: String,
    pub(super) message: String,
}

impl AuthenticationConfiguration {
    /// Reads a file as kube-apiserver's codec does, versions and kind included.
    pub(super) fn read(file: &[u8]) -> Result<Self, ConfigError> {
        let node = Node::read(file)?;
        let version = match version(&node)? {
            Version::Ours(version) => version,
            Version::Other(kind, version) => return Err(kind.refuse(&version, node)),
        };
        let mut fields = Fields::new(version);
        let read = Self::from_node(&mut fields, node)?;
        fields.finish(read)
    }

    fn from_node(fields: &mut Fields, node: Node) -> Result<Self, ConfigError> {
        let mut raw = Self::default();
        for (name, node, at) in fields.of_object(node, &Place::root(KIND), KIND)? {
            match name.as_str() {
                "apiVersion" | "kind" => {}
                "jwt" => raw.jwt = list(fields, node, &at)?,
                "anonymous" if node == Node::Null => {}
                "anonymous" => raw.anonymous = Some(AnonymousAuth::from_node(fields, node, &at)?),
                _ => fields.unknown(&at),
            }
        }
        Ok(raw)
    }
}

/// One of the file's structures.
trait Structure: Sized {
    /// The name of its Go type, which stands in the errors.
    const GO_NAME: &str;

    fn from_node(fields: &mut Fields, node: Node, at: &Place) -> Result<Self, ConfigError>;
}

fn list<T: Structure>(fields: &mut Fields, node: Node, at: &Place) -> Result<Vec<T>, ConfigError> {
    let elements = fields.of_list(node, at, T::GO_NAME)?;
    elements.into_iter().map(|(node, at)| T::from_node(fields, node, &at)).collect()
}

/// What kube-apiserver reads a file's version and kind into.
const GO_HEAD: &str =
    r#"struct { APIVersion string "json:\"apiVersion,omitempty\""; Kind string "json:\"kind,omitempty\"" }"#;

fn head_error(what: &str) -> ConfigError {
    ConfigError::Head { message: format!("json: cannot unmarshal {what}") }
}

/// What a file says it is.
enum Version {
    Ours(String),
    Other(&'static OtherKind, String),
}

/// The version that the file is of; refuses kinds and groups that nobody knows.
fn version(node: &Node) -> Result<Version, ConfigError> {
    let members = match node {
        Node::Object(members) => members.as_slice(),
        Node::Null => &[],
        other => return Err(head_error(&format!("{} into Go value of type {GO_HEAD}", other.kind()))),
    };
    let (mut api_version, mut kind) = ("", "");
    for (name, value) in members {
        let head = match name.as_str() {
            "apiVersion" => &mut api_version,
            "kind" => &mut kind,
            _ => continue,
        };
        match value {
            Node::Null => {}
            Node::String(text) => *head = text.as_str(),
            other => {
                return Err(head_error(&format!(
                    "{} into Go struct field .{name} of type string",
                    other.kind()
                )));
            }
        }
    }
    if api_version.matches('/').count() > 1 {
        return Err(ConfigError::GroupVersion { api_version: api_version.to_owned() });
    }
    if kind.is_empty() {
        return Err(ConfigError::Missing { field: "Kind" });
    }
    let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
    if version.is_empty() {
        return Err(ConfigError::Missing { field: "apiVersion" });
    }
    if group == GROUP && VERSIONS.contains(&version) && kind == KIND {
        return Ok(Version::Ours(version.to_owned()));
    }
    if let Some(other) = OtherKind::of(group, version, kind) {
        return Ok(Version::Other(other, version.to_owned()));
    }
    Err(ConfigError::UnknownKind { kind: quote(kind), api_version: quote(api_version) })
}

impl Structure for AnonymousAuth {
    const GO_NAME: &str = "AnonymousAuthConfig";

    fn from_node(fields: &mut Fields, node: Node, at: &Place) -> Result<Self, ConfigError> {
        let mut raw = Self::default();
        for (name, node, at) in fields.of_object(node, at, Self::GO_NAME)? {
            match name.as_str() {
                "enabled" => raw.enabled = fields.bool(node, &at)?,
                "conditions" if node == Node::Null => {}
                "conditions" => raw.conditions = Some(list(fields, node, &at)?),
                _ => fields.unknown(&at),
            }
        }
        Ok(raw)
    }
}

impl Structure for AnonymousAuthCondition {
    const GO_NAME: &str = "AnonymousAuthCondition";

    fn from_node(fields: &mut Fields, node: Node, at: &Place) -> Result<Self, ConfigError> {
        let mut raw = Self::default();
        for (name, node, at) in fields.of_object(node, at, Self::GO_NAME)? {
            match name.as_str() {
                "path" => raw.path = fields.string(node, &at, "string")?,
                _ => fields.unknown(&at),
            }
        }
        Ok(raw)
    }
}

impl Structure for JwtAuthenticator {
    const GO_NAME: &str = "JWTAuthenticator";

    fn from_node(fields: &mut Fields, node: Node, at: &Place) -> Result<Self, ConfigError> {
        let mut raw = Self::default();
        for (name, node, at) in fields.of_object(node, at, Self::GO_NAME)? {
            match name.as_str() {
                "issuer" => raw.issuer = Issuer::from_node(fields, node, &at)?,
                "claimValidationRules" => raw.claim_validation_rules = list(fields, node, &at)?,
                "claimMappings" => raw.claim_mappings = ClaimMappings::from_node(fields, node, &at)?,
                "userValidationRules" => raw.user_validation_rules = list(fields, node, &at)?,
                _ => fields.unknown(&at),
            }
        }
        Ok(raw)
    }
}

impl Structure for Issuer {
    const GO_NAME: &str = "Issuer";

    fn from_node(fields: &mut Fields, node: Node, at: &Place) -> Result<Self, ConfigError> {
        let mut raw = Self::default();
        for (name, node, at) in fields.of_object(node, at, Self::GO_NAME)? {
            match name.as_str() {
                "url" => raw.url = fields.string(node, &at, "string")?,
                "discoveryURL" => raw.discovery_url = fields.string(node, &at, "string")?,
                "certificateAuthority" => raw.certificate_authority = fields.string(node, &at, "string")?,
                "audiences" => raw.audiences = fields.strings(node, &at)?,
                "audienceMatchPolicy" => {
                    raw.audience_match_policy = fields.string(node, &at, "AudienceMatchPolicyType")?;
                }
                "egressSelectorType" => {
                    raw.egress_selector_type = fields.string(node, &at, "EgressSelectorType")?;
                }
                _ => fields.unknown(&at),
            }
        }
        Ok(raw)
    }
}

impl Structure for ClaimValidationRule {
    const GO_NAME: &str = "ClaimValidationRule";

    fn from_node(fields: &mut Fields, node: Node, at: &Place) -> Result<Self, ConfigError> {
        let mut raw = Self::default();
        for (name, node, at) in fields.of_object(node, at, Self::GO_NAME)? {
            match name.as_str() {
                "claim" => raw.claim = fields.string(node, &at, "string")?,
                "requiredValue" => raw.required_value = fields.string(node, &at, "string")?,
                "expression" => raw.expression = fields.string(node, &at, "string")?,
                "message" => raw.message = fields.string(node, &at, "string")?,
                _ => fields.unknown(&at),
            }
        }
        Ok(raw)
    }
}

impl Structure for ClaimMappings {
    const GO_NAME: &str = "ClaimMappings";

    fn from_node(fields: &mut Fields, node: Node, at: &Place) -> Result<Self, ConfigError> {
        let mut raw = Self::default();
        for (name, node, at) in fields.of_object(node, at, Self::GO_NAME)? {
            match name.as_str() {
                "username" => raw.username = PrefixedClaimOrExpression::from_node(fields, node, &at)?,
                "groups" => raw.groups = PrefixedClaimOrExpression::from_node(fields, node, &at)?,
                "uid" => raw.uid = ClaimOrExpression::from_node(fields, node, &at)?,
                "extra" => raw.extra = list(fields, node, &at)?,
                _ => fields.unknown(&at),
            }
        }
        Ok(raw)
    }
}

impl Structure for PrefixedClaimOrExpression {
    const GO_NAME: &str = "PrefixedClaimOrExpression";

    fn from_node(fields: &mut Fields, node: Node, at: &Place) -> Result<Self, ConfigError> {
        let mut raw = Self::default();
        for (name, node, at) in fields.of_object(node, at, Self::GO_NAME)? {
            match name.as_str() {
                "claim" => raw.claim = fields.string(node, &at, "string")?,
                "prefix" => raw.prefix = fields.optional_string(node, &at, "string")?,
                "expression" => raw.expression = fields.string(node, &at, "string")?,
                _ => fields.unknown(&at),
            }
        }
        Ok(raw)
    }
}

impl Structure for ClaimOrExpression {
    const GO_NAME: &str = "ClaimOrExpression";

    fn from_node(fields: &mut Fields, node: Node, at: &Place) -> Result<Self, ConfigError> {
        let mut raw = Self::default();
        for (name, node, at) in fields.of_object(node, at, Self::GO_NAME)? {
            match name.as_str() {
                "claim" => raw.claim = fields.string(node, &at, "string")?,
                "expression" => raw.expression = fields.string(node, &at, "string")?,
                _ => fields.unknown(&at),
            }
        }
        Ok(raw)
    }
}

impl Structure for ExtraMapping {
    const GO_NAME: &str = "ExtraMapping";

    fn from_node(fields: &mut Fields, node: Node, at: &Place) -> Result<Self, ConfigError> {
        let mut raw = Self::default();
        for (name, node, at) in fields.of_object(node, at, Self::GO_NAME)? {
            match name.as_str() {
                "key" => raw.key = fields.string(node, &at, "string")?,
                "valueExpression" => raw.value_expression = fields.string(node, &at, "string")?,
                _ => fields.unknown(&at),
            }
        }
        Ok(raw)
    }
}

impl Structure for UserValidationRule {
    const GO_NAME: &str = "UserValidationRule";

    fn from_node(fields: &mut Fields, node: Node, at: &Place) -> Result<Self, ConfigError> {
        let mut raw = Self::default();
        for (name, node, at) in fields.of_object(node, at, Self::GO_NAME)? {
            match name.as_str() {
                "expression" => raw.expression = fields.string(node, &at, "string")?,
                "message" => raw.message = fields.string(node, &at, "string")?,
                _ => fields.unknown(&at),
            }
        }
        Ok(raw)
    }
}
