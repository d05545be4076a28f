//! Kubernetes' AuthenticationConfiguration, kube-apiserver's `--oidc-*` flags, and the policy file.
//!
//! An operator brings the file that kube-apiserver would get. It is accepted or refused as kube-apiserver 1.36
//! does, with its messages, so that what is known of one is known of the other. Two things differ: some
//! expressions (CEL) are not supported, and refused with a text of our own; and a field that stands twice is named by its path
//! in YAML as it is in JSON.

mod decode;
mod expressions;
mod field;
mod flags;
mod json_syntax;
mod other_kinds;
mod pem;
mod policy;
mod raw;
mod service_account_issuers;
mod validate;

#[cfg(test)]
mod tests;

use crate::algorithm::AlgorithmSet;
use crate::discovery::document_url;
use crate::issuer::{ClaimMappings, RequiredClaim, ValidationRule};

pub use decode::MAX_FILE;
pub(crate) use field::quote;
pub use field::{FieldError, Problem};
pub use flags::OidcFlags;
pub use policy::Policy;
pub use service_account_issuers::{ServiceAccountIssuerError, ServiceAccountIssuers};

/// A configuration that passed every check.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct AuthenticationConfiguration {
    /// The issuers, each URL once. May be empty.
    pub jwt: Vec<JwtAuthenticator>,
    /// What the file says of requests without a token; `None` when it says nothing.
    pub anonymous: Option<AnonymousAuth>,
}

/// One issuer: how its tokens are checked and read, and where its keys come from.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct JwtAuthenticator {
    /// `issuer.url`: the exact `iss`.
    pub url: String,
    /// `issuer.discoveryURL`: where the discovery document is instead of at the well-known place.
    pub discovery_url: Option<String>,
    /// `issuer.certificateAuthority`: PEM; `None` means the roots of the host.
    pub certificate_authority: Option<String>,
    /// `issuer.audiences`, of which a token must name one. Never empty.
    pub audiences: Vec<String>,
    /// The algorithms that tokens may be signed with.
    pub algorithms: AlgorithmSet,
    /// How claims become a user.
    pub claim_mappings: ClaimMappings,
    /// Claims that must have a certain value.
    pub required_claims: Vec<RequiredClaim>,
    /// Rules about the claims.
    pub claim_validation_rules: Vec<ValidationRule>,
    /// Rules about the user.
    pub user_validation_rules: Vec<ValidationRule>,
}

/// Who may come without a token.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct AnonymousAuth {
    /// Whether anyone may.
    pub enabled: bool,
    /// The paths that are open to them: without any, all are. An empty list is another one than none when a changed file is
    /// held against the first, as in kube-apiserver.
    pub conditions: Option<Vec<String>>,
}

impl AuthenticationConfiguration {
    /// Reads and checks a file, YAML or JSON, in version v1, v1beta1 or v1alpha1. It may name no issuer of the API
    /// server's `own`.
    ///
    /// # Errors
    /// [`ConfigError`]: nothing of a refused file is used.
    pub fn load(bytes: &[u8], own: &ServiceAccountIssuers) -> Result<Self, ConfigError> {
        Self::read(bytes, own, None)
    }

    /// As [`Self::load`], for a file that is to follow another one. As in kube-apiserver, `anonymous` must be that of
    /// the very first file: who may come without a token changes with a restart alone.
    ///
    /// # Errors
    /// [`ConfigError`]: nothing of a refused file is used.
    pub fn load_changed(
        bytes: &[u8],
        own: &ServiceAccountIssuers,
        initial: Option<&AnonymousAuth>,
    ) -> Result<Self, ConfigError> {
        Self::read(bytes, own, Some(initial))
    }

    fn read(
        bytes: &[u8],
        own: &ServiceAccountIssuers,
        initial: Option<Option<&AnonymousAuth>>,
    ) -> Result<Self, ConfigError> {
        // No field of the file restricts the algorithms.
        let algorithms = AlgorithmSet::all();
        validate::validate(raw::AuthenticationConfiguration::read(bytes)?, algorithms, own, initial)
    }
}

impl JwtAuthenticator {
    /// Where the issuer's discovery document is fetched: `discoveryURL`, or the well-known place (OpenID Connect
    /// Discovery 1.0, 4.1).
    #[must_use]
    pub fn document_url(&self) -> String {
        self.discovery_url.clone().unwrap_or_else(|| document_url(&self.url))
    }
}

/// What kube-apiserver 1.36 calls the list of the kinds that it knows.
const SCHEME: &str = r#""pkg/runtime/scheme.go:111""#;

/// Why a configuration was refused. The texts are kube-apiserver's, without the `failed to load authentication
/// configuration from file …: ` or `invalid authentication configuration: ` that it puts before them.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// `--oidc-signing-algs` names something that is not allowed.
    #[error("oidc: unsupported signing alg: {}", field::quote(name))]
    Algorithm {
        /// The name.
        name: String,
    },
    /// `egressSelectorType` is set, but there is no egress configuration.
    #[error("oidc: egress lookup required with egress selector type {}", field::quote(selector))]
    Egress {
        /// The type.
        selector: String,
    },
    /// No bytes.
    #[error("empty config data")]
    Empty,
    /// Values break rules.
    #[error("{}", field::aggregate(errors))]
    Fields {
        /// Every broken rule, in the order of the checks.
        errors: Vec<FieldError>,
    },
    /// Only some of the flags are set.
    #[error("oidc-issuer-url and oidc-client-id must be specified together when any oidc-* flags are set")]
    Flags,
    /// `apiVersion` is not of the form `group/version`.
    #[error("unexpected GroupVersion string: {api_version}")]
    GroupVersion {
        /// The text.
        api_version: String,
    },
    /// No JSON, no object, or an `apiVersion` or `kind` that is no string.
    #[error("couldn't get version/kind; json parse error: {message}")]
    Head {
        /// Go's message.
        message: String,
    },
    /// No `apiVersion` or no `kind`. kube-apiserver adds the whole file; here nothing of it is told, since it may be another
    /// one than was meant, with a secret in it.
    #[error("Object '{field}' is missing")]
    Missing {
        /// Which of them, spelt as Kubernetes does.
        field: &'static str,
    },
    /// Bytes that are no text.
    #[error("the file is not UTF-8")]
    NotUtf8,
    /// Another kind of kube-apiserver's configuration files.
    #[error("expected AuthenticationConfiguration, got *apiserver.{kind}")]
    OtherKind {
        /// The kind.
        kind: &'static str,
    },
    /// An issuer of the API server's own: found, as in kube-apiserver, when the authenticators are built.
    #[error("{}", field::aggregate(errors))]
    OwnIssuer {
        /// The only error.
        errors: Vec<FieldError>,
    },
    /// Unknown or repeated fields.
    #[error("strict decoding error: {}", errors.join(", "))]
    Strict {
        /// Each of them.
        errors: Vec<String>,
    },
    /// Neither YAML nor JSON.
    #[error("{message}")]
    Syntax {
        /// The parser's message, with the line.
        message: String,
    },
    /// More than [`MAX_FILE`] bytes.
    #[error("the file is larger than {MAX_FILE} bytes")]
    TooLarge,
    /// A value of the wrong type.
    #[error("json: cannot unmarshal {found} into Go struct field {field} of type {expected}")]
    Type {
        /// What stands there.
        found: &'static str,
        /// The field, after the Go type of its structure.
        field: String,
        /// The Go type of the field.
        expected: String,
    },
    /// A kind or version that nobody knows.
    #[error("no kind {kind} is registered for version {api_version} in scheme {SCHEME}")]
    UnknownKind {
        /// The kind, quoted.
        kind: String,
        /// The version, quoted.
        api_version: String,
    },
}

impl ConfigError {
    /// The name of the variant, for logs and metrics.
    #[must_use]
    pub const fn reason(&self) -> &'static str {
        match self {
            Self::Algorithm { .. } => "algorithm",
            Self::Egress { .. } => "egress",
            Self::Empty => "empty",
            Self::Fields { .. } => "fields",
            Self::Flags => "flags",
            Self::GroupVersion { .. } => "group_version",
            Self::Head { .. } => "head",
            Self::Missing { .. } => "missing",
            Self::NotUtf8 => "not_utf8",
            Self::OtherKind { .. } => "other_kind",
            Self::OwnIssuer { .. } => "own_issuer",
            Self::Strict { .. } => "strict",
            Self::Syntax { .. } => "syntax",
            Self::TooLarge => "too_large",
            Self::Type { .. } => "type",
            Self::UnknownKind { .. } => "unknown_kind",
        }
    }
}
