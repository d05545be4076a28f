//! What is in force: who is trusted, and who of them may hand out which `system:` names. Made of what the files, the
//! ConfigMap and the flags say.

use authn::config::{AnonymousAuth, AuthenticationConfiguration, ConfigError, OidcFlags, Policy};
use tracing::warn;

use crate::config::{CommandLineError, IssuerSource, Sources, required_claims};
use crate::file::FileError;
use crate::sources::{Content, ReadError};

/// Who is trusted, and who of them may hand out which `system:` names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Configuration {
    /// The issuers.
    pub(crate) authentication: AuthenticationConfiguration,
    /// Their guards.
    pub(crate) policy: Policy,
}

/// Why a configuration is not used. The texts are kube-apiserver's where it has one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum LoadError {
    #[error(transparent)]
    CommandLine(#[from] CommandLineError),
    #[error("{}{error}", place(place_of.as_deref(), error))]
    Configuration { place_of: Option<String>, error: ConfigError },
    #[error("policy file {file:?}: {error}")]
    Policy { file: String, error: ConfigError },
    #[error("{}{_0}", place_of_file(_0))]
    Read(#[from] ReadError),
}

const FAILED: &str = "failed to load authentication configuration from ";

/// What kube-apiserver says before it says why it can't read its file.
fn place_of_file(error: &ReadError) -> String {
    match error {
        ReadError::File { flag: "--authentication-config", error: FileError::Io { path, .. } } => {
            format!("{FAILED}file {path:?}: ")
        }
        _ => String::new(),
    }
}

/// kube-apiserver says of a file that can't be decoded where it is, of values only that they are invalid, and of what it
/// finds when it makes an authenticator of them neither.
fn place(place: Option<&str>, error: &ConfigError) -> String {
    match (place, error) {
        (Some(_), ConfigError::Egress { .. })
        | (_, ConfigError::OwnIssuer { .. })
        | (None, ConfigError::Algorithm { .. } | ConfigError::Flags) => String::new(),
        (_, ConfigError::Fields { .. }) | (None, _) => "invalid authentication configuration: ".to_owned(),
        (Some(place), _) => format!("{FAILED}{place}: "),
    }
}

impl LoadError {
    /// The name of the case, for logs and metrics.
    pub(crate) const fn reason(&self) -> &'static str {
        match self {
            Self::CommandLine(_) => "command_line",
            Self::Configuration { error, .. } => error.reason(),
            Self::Policy { .. } => "policy",
            Self::Read(error) => error.reason(),
        }
    }

    /// What is wrong, without where it stands: kube-apiserver's log says no more of a changed file.
    pub(crate) fn problem(&self) -> String {
        match self {
            Self::Configuration { error, .. } => error.to_string(),
            Self::Read(error) => error.to_string(),
            Self::CommandLine(_) | Self::Policy { .. } => self.to_string(),
        }
    }

    /// What kube-apiserver's log says of it when it comes with a changed file. Only the policy is unknown there.
    pub(crate) fn when_reloading(&self) -> &'static str {
        match self {
            Self::Configuration { error: ConfigError::Egress { .. }, .. } => {
                "failed to update authentication config"
            }
            Self::Read(ReadError::File { flag: "--policy", .. }) => "failed to read policy",
            Self::Read(_) => "failed to read authentication config file",
            Self::Configuration { error: ConfigError::Fields { .. }, .. } => {
                "failed to validate authentication config"
            }
            Self::CommandLine(_) | Self::Configuration { .. } => "failed to load authentication config",
            Self::Policy { .. } => "failed to load policy",
        }
    }
}

impl Configuration {
    /// Makes the first configuration of what was read.
    ///
    /// # Errors
    /// [`LoadError`] says what is wrong with it.
    pub(crate) fn load(sources: &Sources, content: &Content) -> Result<Self, LoadError> {
        let authentication = Self::load_authentication(sources, content.issuers.as_deref(), None)?;
        let policy = Self::load_policy(sources, content.policy.as_deref())?;
        Ok(Self { authentication, policy })
    }

    /// The issuers. `initial` is what the first configuration said of requests without a token, unless this is it.
    ///
    /// # Errors
    /// [`LoadError`] says what is wrong with them.
    pub(crate) fn load_authentication(
        sources: &Sources,
        issuers: Option<&[u8]>,
        initial: Option<Option<&AnonymousAuth>>,
    ) -> Result<AuthenticationConfiguration, LoadError> {
        let authentication = match &sources.issuers {
            IssuerSource::Flags(oidc) => {
                let oidc = oidc.as_ref().clone();
                let flags = OidcFlags {
                    issuer_url: oidc.oidc_issuer_url.unwrap_or_default(),
                    client_id: oidc.oidc_client_id.unwrap_or_default(),
                    // Bytes that are no text are in no PEM block.
                    ca_file_content: issuers.map(|content| String::from_utf8_lossy(content).into_owned()),
                    username_claim: oidc.oidc_username_claim,
                    username_prefix: oidc.oidc_username_prefix,
                    groups_claim: oidc.oidc_groups_claim,
                    groups_prefix: oidc.oidc_groups_prefix,
                    signing_algs: oidc.oidc_signing_algs,
                    required_claims: required_claims(&oidc.oidc_required_claim)?,
                    service_account_issuers: sources.service_account_issuers.clone(),
                };
                flags.into_configuration()
            }
            IssuerSource::ConfigMap(_) | IssuerSource::File(_) => {
                let (bytes, own) = (issuers.unwrap_or_default(), &sources.service_account_issuers);
                match initial {
                    Some(initial) => AuthenticationConfiguration::load_changed(bytes, own, initial),
                    None => AuthenticationConfiguration::load(bytes, own),
                }
            }
        };
        let place_of = match &sources.issuers {
            IssuerSource::ConfigMap(key) => Some(format!("ConfigMap \"{key}\"")),
            IssuerSource::File(path) => Some(format!("file {:?}", path.display().to_string())),
            IssuerSource::Flags(_) => None,
        };
        authentication.map_err(|error| LoadError::Configuration { place_of, error })
    }

    /// Their guards.
    ///
    /// # Errors
    /// [`LoadError`] says what is wrong with them.
    pub(crate) fn load_policy(sources: &Sources, policy: Option<&[u8]>) -> Result<Policy, LoadError> {
        match (&sources.policy, policy) {
            (Some(path), Some(policy)) => Policy::load(policy)
                .map_err(|error| LoadError::Policy { file: path.display().to_string(), error }),
            _ => Ok(Policy::default()),
        }
    }
}

/// Says in the log which issuers of the policy are unknown: most likely misspelt.
pub(crate) fn warn_of_unknown_issuers(policy: &Policy, authentication: &AuthenticationConfiguration) {
    for issuer in policy.unknown_issuers(authentication) {
        warn!(issuer, "the policy names an issuer that the configuration does not have");
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;
    use crate::args::OidcOptions;
    use crate::kube::ConfigMapKey;

    const ONE: &str = "\
apiVersion: apiserver.config.k8s.io/v1
kind: AuthenticationConfiguration
jwt:
- issuer: {url: 'https://a', audiences: [k]}
  claimMappings: {username: {claim: sub, prefix: ''}}
";

    fn content(issuers: &str, policy: &str) -> Content {
        Content { issuers: Some(issuers.into()), policy: Some(policy.into()) }
    }

    #[test]
    fn errors_read_as_those_of_kube_apiserver() {
        let no_audience = ONE.replace("[k]", "[]");
        let file = IssuerSource::File(PathBuf::from("file"));
        let config_map = IssuerSource::ConfigMap(ConfigMapKey::parse("a/b").unwrap());
        let egress = ONE.replace("[k]", "[k], egressSelectorType: cluster");
        for (issuers, content, message, problem, when_reloading) in [
            (
                file.clone(),
                content("", "{}"),
                r#"failed to load authentication configuration from file "file": empty config data"#,
                "empty config data",
                "failed to load authentication config",
            ),
            (
                config_map,
                content("", "{}"),
                "failed to load authentication configuration from ConfigMap \"a/b/authentication.yaml\": \
                 empty config data",
                "empty config data",
                "failed to load authentication config",
            ),
            (
                file.clone(),
                content(&no_audience, "{}"),
                "invalid authentication configuration: jwt[0].issuer.audiences: Required value: \
                 at least one jwt[0].issuer.audiences is required",
                "jwt[0].issuer.audiences: Required value: at least one jwt[0].issuer.audiences is required",
                "failed to validate authentication config",
            ),
            (
                file.clone(),
                content(&egress, "{}"),
                r#"oidc: egress lookup required with egress selector type "cluster""#,
                r#"oidc: egress lookup required with egress selector type "cluster""#,
                "failed to update authentication config",
            ),
            (
                file,
                content(ONE, "x: 1"),
                r#"policy file "policy": strict decoding error: unknown field "x""#,
                r#"policy file "policy": strict decoding error: unknown field "x""#,
                "failed to load policy",
            ),
        ] {
            let sources = Sources::of(issuers, Some(PathBuf::from("policy")));
            let error = Configuration::load(&sources, &content).unwrap_err();
            assert_eq!(error.to_string(), message);
            assert_eq!((error.problem().as_str(), error.when_reloading()), (problem, when_reloading));
        }
    }

    #[test]
    fn flags_and_their_ca_file_make_a_configuration() {
        let flags = OidcOptions {
            oidc_issuer_url: Some("https://a".to_owned()),
            oidc_client_id: Some("k".to_owned()),
            ..OidcOptions::default()
        };
        let sources = Sources::of(IssuerSource::Flags(Box::new(flags)), None);
        let load = |issuers| Configuration::load(&sources, &Content { issuers, policy: None });
        assert_eq!(load(None).unwrap().authentication.jwt[0].url, "https://a");
        assert_eq!(load(Some(b"nothing".to_vec())).unwrap_err().reason(), "fields");
    }
}
