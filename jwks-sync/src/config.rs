//! The command line, checked: what the rest of the program goes by.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use authn::config::{ServiceAccountIssuerError, ServiceAccountIssuers};

use crate::args::{OidcOptions, Options, Readiness, TokenWebhookOptions};
use crate::credential::CredentialSource;
use crate::kube::{ConfigMapKey, WebhookOptions};

/// Shortest `--max-key-age`: below, keys would come and go with every hiccup of an issuer.
const SHORTEST_KEY_AGE: Duration = Duration::from_mins(1);

/// Longest life of a webhook's answer: below a day, a user who left is gone the next.
const LONGEST_CACHE_TTL: Duration = Duration::from_hours(24);

/// What to run with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Config {
    /// What the issuers are read from.
    pub(crate) sources: Sources,
    /// The upstream credential; only `check` can do without saying.
    pub(crate) credential: Option<CredentialChoice>,
    /// How to reach the API server; `None`: as the pod that this runs in.
    pub(crate) kubeconfig: Option<PathBuf>,
    /// The token webhook, if there is one.
    pub(crate) webhook: Option<WebhookOptions>,
    /// Path of the socket.
    pub(crate) socket: PathBuf,
    /// Who may connect to it; `None` means our own uid and 0.
    pub(crate) allowed_peer_uids: Option<BTreeSet<u32>>,
    /// Where probes and metrics are served.
    pub(crate) health_address: SocketAddr,
    /// When we are ready.
    pub(crate) readiness: Readiness,
    /// How long keys may be used after the last success.
    pub(crate) max_key_age: Duration,
}

/// The files and flags that issuers are read from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Sources {
    /// Who is trusted.
    pub(crate) issuers: IssuerSource,
    /// `--policy`.
    pub(crate) policy: Option<PathBuf>,
    /// `--service-account-issuer`: who may not stand among the issuers.
    pub(crate) service_account_issuers: ServiceAccountIssuers,
}

#[cfg(test)]
impl Sources {
    /// Of an API server whose own issuers nobody named.
    pub(crate) fn of(issuers: IssuerSource, policy: Option<PathBuf>) -> Self {
        Self { issuers, policy, service_account_issuers: ServiceAccountIssuers::default() }
    }
}

/// Where the issuers stand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum IssuerSource {
    /// `--authentication-config-map`.
    ConfigMap(ConfigMapKey),
    /// `--authentication-config`.
    File(PathBuf),
    /// The `--oidc-*` flags.
    Flags(Box<OidcOptions>),
}

/// What was said of the upstream credential.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum CredentialChoice {
    /// There is to be none.
    Without,
    /// Where it comes from.
    From(CredentialSource),
}

/// What is wrong with the command line.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum CommandLineError {
    #[error("--authentication-token-webhook-cache-ttl: {0:?} is no duration of at most 24h, such as 2m or 0")]
    CacheTtl(String),
    #[error("--authentication-config-map: {0:?} is not of the form NAMESPACE/NAME or NAMESPACE/NAME/KEY")]
    ConfigMap(String),
    #[error("--max-key-age: {0:?} is no duration of at least 1m, such as 24h or 1h30m")]
    Duration(String),
    #[error("authentication-config file and oidc-* flags are mutually exclusive")]
    Exclusive,
    #[error("--authentication-config-map excludes --authentication-config and oidc-* flags")]
    ExclusiveConfigMap,
    #[error("--listen: {0:?} is not of the form unix:PATH")]
    Listen(String),
    #[error(
        "give --upstream-token-file FILE, --upstream-service-account NAMESPACE/NAME or --no-upstream-credential"
    )]
    NoCredential,
    #[error(
        "give --authentication-config FILE, --authentication-config-map NAMESPACE/NAME, or --oidc-issuer-url URL and \
         --oidc-client-id ID"
    )]
    NoIssuers,
    #[error("--oidc-required-claim: {0:?} is not of the form CLAIM=VALUE")]
    RequiredClaim(String),
    #[error("--upstream-service-account: {0:?} is not of the form NAMESPACE/NAME")]
    ServiceAccount(String),
    #[error(transparent)]
    ServiceAccountIssuer(#[from] ServiceAccountIssuerError),
}

impl CommandLineError {
    /// The exit status: that of clap for usage errors, and 1 for what kube-apiserver would find wrong with the value
    /// of a flag that it has, too.
    pub(crate) const fn exit_status(&self) -> u8 {
        match self {
            Self::RequiredClaim(_) | Self::ServiceAccountIssuer(_) => 1,
            Self::CacheTtl(_)
            | Self::ConfigMap(_)
            | Self::Duration(_)
            | Self::Exclusive
            | Self::ExclusiveConfigMap
            | Self::Listen(_)
            | Self::NoCredential
            | Self::NoIssuers
            | Self::ServiceAccount(_) => 2,
        }
    }
}

impl TryFrom<Options> for Config {
    type Error = CommandLineError;

    fn try_from(options: Options) -> Result<Self, CommandLineError> {
        let Options {
            authentication_config,
            authentication_config_map,
            oidc,
            webhook,
            service_account_issuer,
            policy,
            upstream_token_file,
            upstream_service_account,
            no_upstream_credential,
            kubeconfig,
            listen,
            allowed_peer_uids,
            health_address,
            readiness,
            max_key_age,
            log_format: _,
        } = options;
        let oidc = Some(oidc).filter(|oidc| *oidc != OidcOptions::default());
        let issuers = match (authentication_config, authentication_config_map, oidc) {
            (Some(_), None, Some(_)) => return Err(CommandLineError::Exclusive),
            (Some(path), None, None) => IssuerSource::File(path),
            (None, Some(key), None) => {
                let parsed = ConfigMapKey::parse(&key);
                IssuerSource::ConfigMap(parsed.ok_or(CommandLineError::ConfigMap(key))?)
            }
            (None, None, Some(oidc)) => IssuerSource::Flags(Box::new(oidc)),
            (None, None, None) => return Err(CommandLineError::NoIssuers),
            (_, Some(_), _) => return Err(CommandLineError::ExclusiveConfigMap),
        };
        if let IssuerSource::Flags(oidc) = &issuers {
            required_claims(&oidc.oidc_required_claim)?;
        }
        let credential = match (upstream_token_file, upstream_service_account) {
            (Some(path), _) => Some(CredentialChoice::From(CredentialSource::TokenFile(path))),
            (None, Some(account)) => Some(CredentialChoice::From(service_account(account)?)),
            (None, None) => no_upstream_credential.then_some(CredentialChoice::Without),
        };
        let socket = listen.strip_prefix("unix:").filter(|path| !path.is_empty()).map(PathBuf::from);
        Ok(Self {
            sources: Sources {
                issuers,
                policy,
                service_account_issuers: ServiceAccountIssuers::new(service_account_issuer)?,
            },
            credential,
            kubeconfig,
            webhook: token_webhook(webhook)?,
            socket: socket.ok_or(CommandLineError::Listen(listen))?,
            allowed_peer_uids: Some(allowed_peer_uids)
                .filter(|uids| !uids.is_empty())
                .map(|uids| uids.into_iter().collect()),
            health_address,
            readiness,
            max_key_age: duration(&max_key_age)
                .filter(|age| *age >= SHORTEST_KEY_AGE)
                .ok_or(CommandLineError::Duration(max_key_age))?,
        })
    }
}

fn token_webhook(options: TokenWebhookOptions) -> Result<Option<WebhookOptions>, CommandLineError> {
    let TokenWebhookOptions {
        authentication_token_webhook_config_file,
        authentication_token_webhook_cache_ttl: ttl,
        authentication_token_webhook_version: version,
        api_audiences: audiences,
    } = options;
    let cache_ttl = if ttl == "0" { Some(Duration::ZERO) } else { duration(&ttl) };
    let cache_ttl =
        cache_ttl.filter(|ttl| *ttl <= LONGEST_CACHE_TTL).ok_or(CommandLineError::CacheTtl(ttl))?;
    let options = |config_file| WebhookOptions { config_file, version, audiences, cache_ttl };
    Ok(authentication_token_webhook_config_file.map(options))
}

/// Splits each `CLAIM=VALUE`.
pub(crate) fn required_claims(pairs: &[String]) -> Result<Vec<(String, String)>, CommandLineError> {
    let split = |pair: &String| {
        let (claim, value) =
            pair.split_once('=').ok_or_else(|| CommandLineError::RequiredClaim(pair.clone()))?;
        Ok((claim.to_owned(), value.to_owned()))
    };
    pairs.iter().map(split).collect()
}

fn service_account(account: String) -> Result<CredentialSource, CommandLineError> {
    match account.split_once('/') {
        Some((namespace, name)) if !namespace.is_empty() && !name.is_empty() && !name.contains('/') => {
            Ok(CredentialSource::ServiceAccount { namespace: namespace.to_owned(), name: name.to_owned() })
        }
        _ => Err(CommandLineError::ServiceAccount(account)),
    }
}

/// Reads `24h`, `1h30m`, `90s`: whole numbers, each with its unit.
fn duration(text: &str) -> Option<Duration> {
    let mut total = 0u64;
    let mut number: Option<u64> = None;
    for character in text.chars() {
        if let Some(digit) = character.to_digit(10) {
            number = Some(number.unwrap_or(0).checked_mul(10)?.checked_add(u64::from(digit))?);
            continue;
        }
        let unit = match character {
            'h' => 3_600,
            'm' => 60,
            's' => 1,
            _ => return None,
        };
        total = total.checked_add(number.take()?.checked_mul(unit)?)?;
    }
    // A number without a unit would be a guess, and nothing is no number.
    (number.is_none() && !text.is_empty()).then_some(Duration::from_secs(total))
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::args::Arguments;
    use crate::kube::TokenReviewVersion;

    fn config(flags: &[&str]) -> Result<Config, CommandLineError> {
        let arguments = Arguments::try_parse_from([&["jwks-sync"], flags].concat()).unwrap();
        arguments.options.try_into()
    }

    #[test]
    fn durations_have_units() {
        for (text, seconds) in [
            ("24h", Some(86_400)),
            ("1h30m", Some(5_400)),
            ("90s", Some(90)),
            ("24", None),
            ("", None),
            ("h", None),
            ("1.5h", None),
            ("1d", None),
            ("-1h", None),
            ("99999999999999999999h", None),
            ("9999999999999999h", None),
        ] {
            assert_eq!(duration(text), seconds.map(Duration::from_secs), "{text}");
        }
    }

    #[test]
    fn defaults_are_filled_in() {
        let config = config(&["--authentication-config", "file"]).unwrap();
        assert_eq!(config.socket, PathBuf::from("/run/kube-oidc-filter/jwks-sync.sock"));
        assert_eq!(config.max_key_age, Duration::from_hours(24));
        assert_eq!((config.allowed_peer_uids, config.credential, config.webhook), (None, None, None));
    }

    #[test]
    fn a_service_account_has_a_namespace_and_a_name() {
        let with = |account| config(&["--authentication-config", "f", "--upstream-service-account", account]);
        let account = CredentialSource::ServiceAccount { namespace: "a".to_owned(), name: "b".to_owned() };
        assert_eq!(with("a/b").unwrap().credential, Some(CredentialChoice::From(account)));
        for bad in ["a", "/b", "a/", "a/b/c", ""] {
            assert_eq!(with(bad), Err(CommandLineError::ServiceAccount(bad.to_owned())));
        }
    }

    #[test]
    fn no_credential_must_be_said() {
        let said = config(&["--authentication-config", "f", "--no-upstream-credential"]).unwrap();
        assert_eq!(said.credential, Some(CredentialChoice::Without));
    }

    #[test]
    fn a_webhook_has_the_flags_and_defaults_of_kube_apiserver() {
        const FILE: [&str; 4] =
            ["--authentication-config", "f", "--authentication-token-webhook-config-file", "webhook"];
        let with = |flags: &[&str]| config(&[&FILE[..], flags].concat()).map(|config| config.webhook);
        let default = WebhookOptions {
            config_file: "webhook".into(),
            version: TokenReviewVersion::V1beta1,
            audiences: vec![],
            cache_ttl: Duration::from_mins(2),
        };
        assert_eq!(with(&[]), Ok(Some(default.clone())));
        let other = [
            "--authentication-token-webhook-version=v1",
            "--authentication-token-webhook-cache-ttl=0",
            "--api-audiences=a,b",
        ];
        let options = WebhookOptions {
            version: TokenReviewVersion::V1,
            audiences: vec!["a".to_owned(), "b".to_owned()],
            cache_ttl: Duration::ZERO,
            ..default
        };
        assert_eq!(with(&other), Ok(Some(options)));
        for bad in ["2", "-1m", "25h", ""] {
            let flag = format!("--authentication-token-webhook-cache-ttl={bad}");
            assert_eq!(with(&[&flag]), Err(CommandLineError::CacheTtl(bad.to_owned())));
        }
        let version = ["jwks-sync", "--authentication-token-webhook-version=v2"];
        assert!(Arguments::try_parse_from(version).is_err());
    }

    #[test]
    fn a_bad_command_line_says_what_is_wrong() {
        let file = ["--authentication-config", "file"];
        for (flags, error) in [
            (vec![], CommandLineError::NoIssuers),
            (vec!["--authentication-config", "file", "--oidc-client-id", "x"], CommandLineError::Exclusive),
            ([&file[..], &["--listen", "/tmp/x"]].concat(), CommandLineError::Listen("/tmp/x".to_owned())),
            ([&file[..], &["--listen", "unix:"]].concat(), CommandLineError::Listen("unix:".to_owned())),
            ([&file[..], &["--max-key-age", "59s"]].concat(), CommandLineError::Duration("59s".to_owned())),
            (
                vec!["--authentication-config-map", "a/b", "--oidc-client-id", "x"],
                CommandLineError::ExclusiveConfigMap,
            ),
            (
                [&file[..], &["--authentication-config-map", "a/b"]].concat(),
                CommandLineError::ExclusiveConfigMap,
            ),
            (
                vec!["--authentication-config-map", "a/b/c/d"],
                CommandLineError::ConfigMap("a/b/c/d".to_owned()),
            ),
            (vec!["--oidc-required-claim", "hd"], CommandLineError::RequiredClaim("hd".to_owned())),
        ] {
            assert_eq!(config(&flags), Err(error));
        }
    }

    #[test]
    fn a_usage_error_ends_as_those_of_clap() {
        let clap = Arguments::try_parse_from(["jwks-sync", "--no-such-flag"]).unwrap_err();
        assert_eq!(clap.exit_code(), i32::from(CommandLineError::NoIssuers.exit_status()));
        assert_eq!(CommandLineError::RequiredClaim("hd".to_owned()).exit_status(), 1);
        assert_eq!(CommandLineError::from(ServiceAccountIssuerError::Empty).exit_status(), 1);
    }
}
