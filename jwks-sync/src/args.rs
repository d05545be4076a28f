//! The command line.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::builder::{OsStringValueParser, TypedValueParser as _};
use clap::{Arg, Args, Parser, Subcommand, ValueEnum};

use crate::kube::TokenReviewVersion;
use crate::telemetry::LogFormat;

/// Supplies the filter kube-oidc-filter: fetches the keys of OIDC issuers, holds the credential for the API server,
/// and serves both on a Unix socket.
#[derive(Debug, Parser)]
#[command(name = "jwks-sync", version, args_conflicts_with_subcommands = true)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
    #[command(flatten)]
    pub(crate) options: Options,
}

/// What to do instead of serving.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Loads the configuration, fetches everything once, and says what works and what doesn't. Its flags stand after
    /// `check`.
    ///
    /// Flags that only serving needs, such as --listen, may stand there too and have no effect.
    #[command(mut_args(hide_what_only_serving_needs))]
    Check(Box<CheckOptions>),

    /// Says why a token is let in or refused: every step of kube-apiserver's, the user, or the line that kube-apiserver
    /// would log. Its flags stand after `explain`.
    ///
    /// Asks the token's issuer for its keys, as serving does, and decides with the filter's own code. The exit status is
    /// 0 when the token is let in and 1 when it is refused, or that can't be told.
    ///
    /// It prints the token's iss, aud, exp, nbf and jti, alg and kid of its header, and what the configuration maps,
    /// requires or has rules about; never the token, its signature or other claims. No other kind of token is explained:
    /// those of the API server itself and of a token webhook count as unknown here.
    #[command(mut_args(hide_what_explaining_does_not_need))]
    Explain(Box<ExplainOptions>),
}

/// The flags of `check`.
#[derive(Args, Debug)]
pub(crate) struct CheckOptions {
    /// Explains this token at the end, as `explain` does; it must be let in.
    #[arg(long, value_name = "FILE")]
    pub(crate) token_file: Option<PathBuf>,

    #[command(flatten)]
    pub(crate) options: Options,
}

/// The flags of `explain`.
#[derive(Args, Debug)]
pub(crate) struct ExplainOptions {
    /// File with the token, 16 KiB at most; `-` for standard input. There is no flag for the token itself: others can
    /// read command lines.
    #[arg(long, value_name = "FILE", required = true)]
    pub(crate) token_file: PathBuf,

    #[command(flatten)]
    pub(crate) options: Options,
}

/// Flags that `check` takes, so that a command line for serving can be checked as it is, and has no use for.
const FOR_SERVING: [&str; 7] = [
    "listen",
    "allowed_peer_uids",
    "health_address",
    "readiness",
    "max_key_age",
    "log_format",
    "authentication_token_webhook_cache_ttl",
];

/// Flags that `explain` has no use for beyond those.
const NOT_FOR_EXPLAINING: [&str; 6] = [
    "upstream_token_file",
    "upstream_service_account",
    "no_upstream_credential",
    "kubeconfig",
    "authentication_token_webhook_version",
    "api_audiences",
];

fn hide_what_explaining_does_not_need(arg: Arg) -> Arg {
    let hide = NOT_FOR_EXPLAINING.contains(&arg.get_id().as_str());
    if hide { arg.hide(true) } else { hide_what_only_serving_needs(arg) }
}

fn hide_what_only_serving_needs(arg: Arg) -> Arg {
    let hide = FOR_SERVING.contains(&arg.get_id().as_str());
    arg.hide(hide)
}

/// When `/readyz` says yes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Readiness {
    /// Every issuer has keys.
    #[default]
    All,
    /// At least one issuer has keys, or none is configured.
    Any,
}

/// The flags, as they were given.
#[derive(Args, Debug)]
pub(crate) struct Options {
    /// AuthenticationConfiguration of kube-apiserver (v1, v1beta1, v1alpha1), reloaded when it changes.
    #[arg(long, value_name = "FILE")]
    pub(crate) authentication_config: Option<PathBuf>,

    /// The same in a ConfigMap, in force about a second after a change [default KEY: authentication.yaml].
    #[arg(long, value_name = "NAMESPACE/NAME[/KEY]")]
    pub(crate) authentication_config_map: Option<String>,

    /// The API server's own flag, once for each of its values: an issuer of ServiceAccount tokens, whom a configuration may
    /// not name. `kubectl get --raw /.well-known/openid-configuration` tells it.
    #[arg(long, value_name = "ISSUER")]
    pub(crate) service_account_issuer: Vec<String>,

    /// Which `system:` names an issuer or the token webhook may hand out, and which hosts may be asked for claims that
    /// tokens say stand elsewhere; reloaded when it changes. Without it: none.
    #[arg(long, value_name = "FILE")]
    pub(crate) policy: Option<PathBuf>,

    /// File with the token of the ServiceAccount that impersonates; its rotation is followed.
    #[arg(long, value_name = "FILE", conflicts_with = "upstream_service_account")]
    pub(crate) upstream_token_file: Option<PathBuf>,

    /// The ServiceAccount that impersonates; the API server is asked for its tokens.
    #[arg(long, value_name = "NAMESPACE/NAME")]
    pub(crate) upstream_service_account: Option<String>,

    /// Hold no credential: for filters that impersonate nobody and send requests on with their own tokens.
    #[arg(long, conflicts_with_all = ["upstream_token_file", "upstream_service_account"])]
    pub(crate) no_upstream_credential: bool,

    /// How to reach the API server, and as whom: for tokens of --upstream-service-account, for reviews, and for
    /// --authentication-config-map. Read anew when it changes. Without it: as the pod that this runs in.
    #[arg(long, value_name = "FILE")]
    pub(crate) kubeconfig: Option<PathBuf>,

    /// Where filters find snapshots. The directory must exist, and should be private to gateway and sidecar.
    #[arg(long, value_name = "unix:PATH", default_value = "unix:/run/kube-oidc-filter/jwks-sync.sock")]
    pub(crate) listen: String,

    /// User ids that may connect to the socket. Default: this process's own, and 0. The images of Istio run Envoy
    /// as 1337, Envoy's own as 101.
    #[arg(long, value_name = "UID,...", value_delimiter = ',')]
    pub(crate) allowed_peer_uids: Vec<u32>,

    /// Where /livez, /readyz and /metrics are served, without TLS.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8091")]
    pub(crate) health_address: SocketAddr,

    /// Whether readiness needs the keys of all issuers or of any.
    #[arg(long, value_enum, default_value_t)]
    pub(crate) readiness: Readiness,

    /// How long keys may be used after the last successful fetch (such as 24h or 1h30m; at least 1m).
    #[arg(long, value_name = "DURATION", default_value = "24h")]
    pub(crate) max_key_age: String,

    /// How log lines look, on standard error.
    #[arg(long, value_enum, default_value_t)]
    pub(crate) log_format: LogFormat,

    // The last ones, because a heading holds for all flags behind it.
    #[command(flatten)]
    pub(crate) oidc: OidcOptions,

    #[command(flatten)]
    pub(crate) webhook: TokenWebhookOptions,
}

/// kube-apiserver's classic flags: one issuer, instead of `--authentication-config`.
#[derive(Args, Clone, Debug, Default, PartialEq, Eq)]
#[command(next_help_heading = "One issuer, with the flags of kube-apiserver")]
pub(crate) struct OidcOptions {
    /// The issuer's URL: the exact `iss` of its tokens.
    #[arg(long, value_name = "URL")]
    pub(crate) oidc_issuer_url: Option<String>,

    /// The audience that tokens must have.
    #[arg(long, value_name = "ID")]
    pub(crate) oidc_client_id: Option<String>,

    /// The issuer's CA, reloaded when it changes. Without it: the system's roots.
    #[arg(long, value_name = "FILE", value_parser = OsStringValueParser::new().map(PathBuf::from))]
    pub(crate) oidc_ca_file: Option<PathBuf>,

    /// The claim that holds the user name [default: sub].
    #[arg(long, value_name = "CLAIM")]
    pub(crate) oidc_username_claim: Option<String>,

    /// Put before user names; `-` for nothing [default: the issuer's URL and `#`, but nothing before an email].
    #[arg(long, value_name = "PREFIX", allow_hyphen_values = true)]
    pub(crate) oidc_username_prefix: Option<String>,

    /// The claim that holds the groups.
    #[arg(long, value_name = "CLAIM")]
    pub(crate) oidc_groups_claim: Option<String>,

    /// Put before groups.
    #[arg(long, value_name = "PREFIX", allow_hyphen_values = true)]
    pub(crate) oidc_groups_prefix: Option<String>,

    /// Algorithms that tokens may be signed with [default: RS256].
    #[arg(long, value_name = "ALG,...", value_delimiter = ',')]
    pub(crate) oidc_signing_algs: Vec<String>,

    /// A claim that must have this value; may be given several times.
    #[arg(long, value_name = "CLAIM=VALUE")]
    pub(crate) oidc_required_claim: Vec<String>,
}

/// kube-apiserver's flags for a token webhook.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "A token webhook, with the flags of kube-apiserver")]
pub(crate) struct TokenWebhookOptions {
    /// Kubeconfig that says where the webhook is: `server` is the whole URL. Read anew when it, or a file that it
    /// names, changes. It is asked last, about tokens of issuers that aren't configured.
    #[arg(long, value_name = "FILE")]
    pub(crate) authentication_token_webhook_config_file: Option<PathBuf>,

    /// How long the webhook's yes may be relied on (such as 2m or 1m30s); 0 for not at all. A no never is.
    #[arg(
        long,
        value_name = "DURATION",
        default_value = "2m",
        requires = "authentication_token_webhook_config_file"
    )]
    pub(crate) authentication_token_webhook_cache_ttl: String,

    /// The version of TokenReview to ask in.
    #[arg(
        long,
        value_enum,
        value_name = "VERSION",
        default_value_t,
        requires = "authentication_token_webhook_config_file"
    )]
    pub(crate) authentication_token_webhook_version: TokenReviewVersion,

    /// Audiences of which a token must have one, as far as the webhook knows of audiences. Default: none are asked for.
    #[arg(
        long,
        value_name = "AUDIENCE,...",
        value_delimiter = ',',
        requires = "authentication_token_webhook_config_file"
    )]
    pub(crate) api_audiences: Vec<String>,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn flags_of_a_webhook_want_one() {
        let parse = |flags: &[&str]| Arguments::try_parse_from([&["jwks-sync"], flags].concat()).is_ok();
        let file = "--authentication-token-webhook-config-file=x";
        for flag in [
            "--api-audiences=a",
            "--authentication-token-webhook-version=v1",
            "--authentication-token-webhook-cache-ttl=1m",
        ] {
            assert!(!parse(&[flag]), "{flag}");
            assert!(parse(&[flag, file]), "{flag}");
        }
        assert!(parse(&[file]) && parse(&[]));
    }

    #[test]
    fn flags_stand_after_check() {
        let arguments =
            Arguments::try_parse_from(["jwks-sync", "check", "--oidc-username-prefix", "-"]).unwrap();
        let Some(Command::Check(check)) = arguments.command else { panic!("not check") };
        assert_eq!(check.options.oidc.oidc_username_prefix.as_deref(), Some("-"));
        assert!(Arguments::try_parse_from(["jwks-sync", "--kubeconfig", "x", "check"]).is_err());
    }

    #[test]
    fn only_the_flags_of_kube_apiserver_stand_under_its_headings() {
        let command = Arguments::command();
        for arg in command.get_arguments() {
            let heading = match arg.get_long().unwrap_or_default() {
                long if long.starts_with("oidc-") => Some("One issuer, with the flags of kube-apiserver"),
                long if long.starts_with("authentication-token-webhook-") || long == "api-audiences" => {
                    Some("A token webhook, with the flags of kube-apiserver")
                }
                _ => None,
            };
            assert_eq!(arg.get_help_heading(), heading, "{arg}");
        }
    }

    #[test]
    fn a_credential_is_wanted_or_not() {
        for other in ["--upstream-token-file", "--upstream-service-account"] {
            let both = ["jwks-sync", "--no-upstream-credential", other, "a/b"];
            assert!(Arguments::try_parse_from(both).is_err(), "{other}");
        }
    }

    #[test]
    fn check_offers_no_flag_that_it_has_no_use_for() {
        let mut command = Arguments::command();
        let help = command.find_subcommand_mut("check").unwrap().render_help().to_string();
        for flag in FOR_SERVING.map(|id| format!("--{} ", id.replace('_', "-"))) {
            assert!(!help.contains(&flag), "{help}");
            assert!(command.render_help().to_string().contains(&flag), "{flag}");
        }
        assert!(help.contains("--kubeconfig"), "{help}");
        let listening = ["jwks-sync", "check", "--listen", "unix:x"];
        assert!(Arguments::try_parse_from(listening).is_ok());
    }

    #[test]
    fn explain_wants_a_file_and_offers_what_it_has_a_use_for() {
        let mut command = Arguments::command();
        let help = command.find_subcommand_mut("explain").unwrap().render_help().to_string();
        for flag in
            FOR_SERVING.iter().chain(&NOT_FOR_EXPLAINING).map(|id| format!("--{} ", id.replace('_', "-")))
        {
            assert!(!help.contains(&flag), "{help}");
        }
        for flag in ["--token-file", "--authentication-config", "--policy", "--oidc-issuer-url"] {
            assert!(help.contains(flag), "{help}");
        }
        let parses = |flags: &[&str]| Arguments::try_parse_from([&["jwks-sync"], flags].concat()).is_ok();
        assert!(parses(&["explain", "--token-file=-", "--kubeconfig=x"]));
        assert!(!parses(&["explain"]) && !parses(&["explain", "--token=x"]) && !parses(&["--token-file=x"]));
        assert!(parses(&["check", "--token-file=-"]));
    }
}
