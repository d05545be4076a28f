//! Reads the configuration and follows its changes. A bad one leaves the old one in force.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use authn::config::{AuthenticationConfiguration, ConfigError, MAX_FILE, OidcFlags, Policy};
use tokio::time::sleep;
use tracing::{error, info, warn};

use crate::config::{CommandLineError, IssuerSource, Sources, required_claims};
use crate::file::{self, FileError};
use crate::metrics::Metrics;
use crate::supply::Supply;

/// How often the files are read.
const READ_EVERY: Duration = Duration::from_secs(1);

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
    #[error("{}{error}", place(file.as_deref(), error))]
    Configuration { file: Option<String>, error: ConfigError },
    #[error("{flag}: {error}")]
    File { flag: &'static str, error: FileError },
    #[error("policy file {file:?}: {error}")]
    Policy { file: String, error: ConfigError },
}

/// kube-apiserver says of a file that can't be decoded where it is, of values only that they are invalid, and of what it
/// finds when it makes an authenticator of them neither.
fn place(file: Option<&str>, error: &ConfigError) -> String {
    match (file, error) {
        (Some(_), ConfigError::Egress { .. }) => String::new(),
        (_, ConfigError::Fields { .. }) | (None, _) => "invalid authentication configuration: ".to_owned(),
        (Some(file), _) => format!("failed to load authentication configuration from file {file:?}: "),
    }
}

impl LoadError {
    /// The name of the case, for logs and metrics.
    pub(crate) const fn reason(&self) -> &'static str {
        match self {
            Self::CommandLine(_) => "command_line",
            Self::Configuration { error, .. } => error.reason(),
            Self::File { error, .. } => error.reason(),
            Self::Policy { .. } => "policy",
        }
    }
}

/// What the files held when they were read.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Files {
    /// The configuration file, or the CA file of the flags.
    issuers: Option<Result<Vec<u8>, LoadError>>,
    policy: Option<Result<Vec<u8>, LoadError>>,
}

/// Follows the files.
pub(crate) struct Reloader {
    sources: Sources,
    seen: Files,
}

impl Reloader {
    /// Reads the configuration for the first time.
    ///
    /// # Errors
    /// [`LoadError`] says what is wrong with it.
    pub(crate) async fn start(sources: Sources) -> Result<(Configuration, Self), LoadError> {
        let seen = read(&sources).await;
        let configuration = load(&sources, &seen)?;
        warn_of_unknown_issuers(&configuration);
        Ok((configuration, Self { sources, seen }))
    }

    /// Hands every good change on to `supply`, for ever.
    pub(crate) async fn run(mut self, supply: Arc<Supply>, metrics: Arc<Metrics>) {
        loop {
            sleep(READ_EVERY).await;
            match self.changed().await {
                None => {}
                Some(Ok(configuration)) => {
                    warn_of_unknown_issuers(&configuration);
                    let issuers = configuration.authentication.jwt.len();
                    supply.apply(configuration).await;
                    info!(issuers, "changed configuration in force");
                    metrics.reloaded(None);
                }
                Some(Err(failure)) => {
                    error!(
                        reason = failure.reason(),
                        error = %failure,
                        "the changed configuration is not used; the old one stays in force"
                    );
                    metrics.reloaded(Some(failure.reason()));
                }
            }
        }
    }

    /// The configuration, if the files hold something else than the last time, good or bad.
    async fn changed(&mut self) -> Option<Result<Configuration, LoadError>> {
        let files = read(&self.sources).await;
        if files == self.seen {
            return None;
        }
        let loaded = load(&self.sources, &files);
        self.seen = files;
        Some(loaded)
    }
}

async fn read(sources: &Sources) -> Files {
    async fn content(flag: &'static str, path: Option<&Path>) -> Option<Result<Vec<u8>, LoadError>> {
        let content = file::read(path?, MAX_FILE).await;
        Some(content.map_err(|error| LoadError::File { flag, error }))
    }
    Files {
        issuers: match &sources.issuers {
            IssuerSource::File(path) => content("--authentication-config", Some(path)).await,
            IssuerSource::Flags(oidc) => content("--oidc-ca-file", oidc.oidc_ca_file.as_deref()).await,
        },
        policy: content("--policy", sources.policy.as_deref()).await,
    }
}

fn load(sources: &Sources, files: &Files) -> Result<Configuration, LoadError> {
    let issuers = files.issuers.clone().transpose()?;
    let authentication = match &sources.issuers {
        IssuerSource::File(path) => AuthenticationConfiguration::load(&issuers.unwrap_or_default())
            .map_err(|error| LoadError::Configuration { file: Some(path.display().to_string()), error }),
        IssuerSource::Flags(oidc) => {
            let oidc = oidc.as_ref().clone();
            let flags = OidcFlags {
                issuer_url: oidc.oidc_issuer_url.unwrap_or_default(),
                client_id: oidc.oidc_client_id.unwrap_or_default(),
                // Bytes that are no text are in no PEM block.
                ca_file_content: issuers.map(|content| String::from_utf8_lossy(&content).into_owned()),
                username_claim: oidc.oidc_username_claim,
                username_prefix: oidc.oidc_username_prefix,
                groups_claim: oidc.oidc_groups_claim,
                groups_prefix: oidc.oidc_groups_prefix,
                signing_algs: oidc.oidc_signing_algs,
                required_claims: required_claims(&oidc.oidc_required_claim)?,
            };
            flags.into_configuration().map_err(|error| LoadError::Configuration { file: None, error })
        }
    }?;
    let policy = match (&sources.policy, files.policy.clone().transpose()?) {
        (Some(path), Some(content)) => Policy::load(&content)
            .map_err(|error| LoadError::Policy { file: path.display().to_string(), error })?,
        _ => Policy::default(),
    };
    Ok(Configuration { authentication, policy })
}

fn warn_of_unknown_issuers(Configuration { authentication, policy }: &Configuration) {
    for issuer in policy.unknown_issuers(authentication) {
        warn!(issuer, "the policy names an issuer that the configuration does not have");
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;
    use crate::args::OidcOptions;

    const ONE: &str = "\
apiVersion: apiserver.config.k8s.io/v1
kind: AuthenticationConfiguration
jwt:
- issuer: {url: 'https://a', audiences: [k]}
  claimMappings: {username: {claim: sub, prefix: ''}}
";

    fn sources() -> Sources {
        Sources { issuers: IssuerSource::File(PathBuf::from("file")), policy: Some(PathBuf::from("policy")) }
    }

    fn flags() -> OidcOptions {
        OidcOptions {
            oidc_issuer_url: Some("https://a".to_owned()),
            oidc_client_id: Some("k".to_owned()),
            ..OidcOptions::default()
        }
    }

    fn files(issuers: &str, policy: &str) -> Files {
        Files { issuers: Some(Ok(issuers.into())), policy: Some(Ok(policy.into())) }
    }

    #[test]
    fn errors_read_as_those_of_kube_apiserver() {
        let no_audience = ONE.replace("[k]", "[]");
        for (files, message) in [
            (
                files("", "{}"),
                r#"failed to load authentication configuration from file "file": empty config data"#,
            ),
            (
                files(&no_audience, "{}"),
                "invalid authentication configuration: jwt[0].issuer.audiences: Required value: \
                 at least one jwt[0].issuer.audiences is required",
            ),
            (files(ONE, "x: 1"), r#"policy file "policy": strict decoding error: unknown field "x""#),
        ] {
            assert_eq!(load(&sources(), &files).unwrap_err().to_string(), message);
        }
    }

    #[tokio::test]
    async fn a_file_that_can_not_be_read_is_named_with_its_flag() {
        let missing = || PathBuf::from("/no/such/file");
        let ca = OidcOptions { oidc_ca_file: Some(missing()), ..OidcOptions::default() };
        let with = |issuers| Sources { issuers, policy: None };
        for (flag, sources) in [
            ("--authentication-config", with(IssuerSource::File(missing()))),
            ("--oidc-ca-file", with(IssuerSource::Flags(Box::new(ca)))),
            (
                "--policy",
                Sources { issuers: IssuerSource::Flags(Box::new(flags())), policy: Some(missing()) },
            ),
        ] {
            let error = load(&sources, &read(&sources).await).unwrap_err();
            assert!(error.to_string().starts_with(&format!("{flag}: open /no/such/file: ")), "{error}");
            assert_eq!(error.reason(), "file");
        }
    }

    #[test]
    fn flags_and_their_ca_file_make_a_configuration() {
        let sources = Sources { issuers: IssuerSource::Flags(Box::new(flags())), policy: None };
        let loaded = load(&sources, &Files { issuers: None, policy: None }).unwrap();
        assert_eq!(loaded.authentication.jwt[0].url, "https://a");
        let bad_ca = Files { issuers: Some(Ok(b"nothing".to_vec())), policy: None };
        assert_eq!(load(&sources, &bad_ca).unwrap_err().reason(), "fields");
    }

    #[tokio::test]
    async fn a_change_is_seen_once_good_or_bad() {
        let directory = std::env::temp_dir().join(format!("jwks-sync-reload-{}", std::process::id()));
        std::fs::create_dir_all(&directory).unwrap();
        let path = directory.join("config");
        std::fs::write(&path, ONE).unwrap();
        let sources = Sources { issuers: IssuerSource::File(path.clone()), policy: None };
        let (first, mut reloader) = Reloader::start(sources).await.unwrap();
        assert_eq!(reloader.changed().await, None);
        std::fs::write(&path, ONE).unwrap();
        assert_eq!(reloader.changed().await, None, "identical bytes");
        std::fs::write(&path, "bad").unwrap();
        assert!(matches!(reloader.changed().await, Some(Err(_))));
        assert_eq!(reloader.changed().await, None, "not tried again");
        std::fs::write(&path, ONE).unwrap();
        assert_eq!(reloader.changed().await, Some(Ok(first)));
        std::fs::remove_dir_all(&directory).unwrap();
    }
}
