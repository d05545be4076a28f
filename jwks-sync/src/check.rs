//! `jwks-sync check`: tries everything once and says in plain words what works and what doesn't.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use authn::algorithm::AlgorithmSet;
use authn::config::JwtAuthenticator;
use authn::issuer::IdentityGuard;
use authn::snapshot::UpstreamCredential;
use authn::user::UserInfo;
use futures_util::future::join_all;
use tokio::time::timeout;

use crate::clock::now;
use crate::config::{Config, CredentialChoice};
use crate::configuration::Configuration;
use crate::console::say;
use crate::credential;
use crate::explain::{self, TokenText};
use crate::fetch::{FetchedKeys, HttpsIssuer, KeySource};
use crate::fetch_error::FetchError;
use crate::kube::{ApiServer, Impersonated, KubeError, Permission, TokenWebhook, WebhookOptions};
use crate::reload::Reloader;
use crate::review::TokenReviewer;
use crate::tls::Tls;

/// Dropped keys that are listed for an issuer.
const MAX_DROPPED_SHOWN: usize = 5;

/// A token that nobody has issued.
const MADE_UP_TOKEN: &str = "jwks-sync-check-made-up-token";
/// Time for the webhook's answer.
const WEBHOOK_TIMEOUT: Duration = Duration::from_secs(10);

/// What came of one question.
#[derive(Debug, PartialEq, Eq)]
enum Finding {
    /// It works.
    Ok(String),
    /// It works, but is hardly meant so.
    Note(String),
    /// It could not be tried.
    Skip(String),
    /// It doesn't work.
    Fail(String),
}

impl Finding {
    fn line(&self) -> String {
        match self {
            Self::Ok(text) => format!("ok    {text}"),
            Self::Note(text) => format!("note  {text}"),
            Self::Skip(text) => format!("skip  {text}"),
            Self::Fail(text) => format!("FAIL  {text}"),
        }
    }
}

/// Prints a line for each finding, and at the end why the token of this file is let in or not. True when nothing failed.
pub(crate) async fn check(config: Config, token_file: Option<&Path>) -> bool {
    let api_server = ApiServer::new(config.kubeconfig.clone());
    let configuration = match Reloader::start(config.sources.clone(), api_server.clone()).await {
        Ok((configuration, _)) => configuration,
        Err(error) => return tell(&[Finding::Fail(format!("configuration: {error}"))]),
    };
    let has_webhook = config.webhook.is_some();
    let mut good = tell(&about_configuration(&configuration, config.sources.policy.is_some(), has_webhook));
    let issuers = &configuration.authentication.jwt;
    let tls = Arc::new(Tls::default());
    for finding in join_all(issuers.iter().map(|jwt| about_issuer(jwt, &tls))).await {
        good &= tell(&[finding]);
    }
    let (finding, credential) = about_credential(config.credential.as_ref(), &api_server).await;
    good &= tell(&[finding]);
    if let Some(credential) = credential {
        good &= tell(&about_own_issuer(&credential, issuers).into_iter().collect::<Vec<_>>());
        let maps_uid = issuers.iter().any(|jwt| jwt.claim_mappings.uid.is_some());
        good &= tell(&about_impersonation(&api_server, &credential, maps_uid).await);
    }
    good &= tell(&about_reviews(&api_server).await);
    if let Some(options) = &config.webhook {
        good &= tell(&[about_webhook(options).await]);
    }
    if let Some(token_file) = token_file {
        say("");
        good &= match TokenText::read(token_file).await {
            Ok(token) => explain::explain_by(&config, &configuration, &token).await,
            Err(error) => tell(&[Finding::Fail(format!("--token-file: {error}"))]),
        };
    }
    good
}

fn tell(findings: &[Finding]) -> bool {
    for finding in findings {
        say(&finding.line());
    }
    !findings.iter().any(|finding| matches!(finding, Finding::Fail(_)))
}

fn about_configuration(
    Configuration { authentication, policy }: &Configuration,
    has_policy: bool,
    has_webhook: bool,
) -> Vec<Finding> {
    let mut findings = vec![match authentication.jwt.len() {
        0 if has_webhook => {
            Finding::Ok("configuration: no issuer; the token webhook alone knows people".to_owned())
        }
        0 => Finding::Note("configuration: no issuer, so nobody can sign in".to_owned()),
        count => Finding::Ok(format!("configuration: {}", counted(count, "issuer"))),
    }];
    if has_policy {
        let is_let = |jwt: &&JwtAuthenticator| policy.guard(&jwt.url) != IdentityGuard::default();
        let issuers = counted(authentication.jwt.iter().filter(is_let).count(), "issuer");
        findings.push(Finding::Ok(format!("policy: {issuers} may hand out system: names")));
    }
    let leads = |jwt: &&JwtAuthenticator| !policy.claim_hosts(&jwt.url).is_empty();
    match authentication.jwt.iter().filter(leads).count() {
        0 => {}
        count => {
            let issuers = counted(count, "issuer");
            let text = format!("policy: claims may be fetched from where tokens of {issuers} say");
            findings.push(Finding::Ok(text));
        }
    }
    if policy.names_token_webhook() && !has_webhook {
        let text = "policy: tokenWebhook has no effect without --authentication-token-webhook-config-file";
        findings.push(Finding::Note(text.to_owned()));
    }
    for issuer in policy.unknown_issuers(authentication) {
        findings.push(Finding::Note(format!("policy: names issuer {issuer}, which the configuration lacks")));
    }
    findings
}

async fn about_issuer(jwt: &JwtAuthenticator, tls: &Arc<Tls>) -> Finding {
    judge_issuer(jwt, HttpsIssuer::new(jwt, Arc::clone(tls)).fetch().await)
}

fn judge_issuer(jwt: &JwtAuthenticator, result: Result<FetchedKeys, FetchError>) -> Finding {
    let FetchedKeys { keys, dropped, .. } = match result {
        Ok(fetched) => fetched,
        Err(error) => return Finding::Fail(format!("issuer {}: {error}; {}", jwt.url, error.advice())),
    };
    let offered: AlgorithmSet = keys.iter().flat_map(|key| key.algorithms.iter()).collect();
    let mut text = format!("issuer {}: {} ({})", jwt.url, counted(keys.len(), "key"), names(offered));
    if !dropped.is_empty() {
        let reasons: Vec<String> =
            dropped.iter().take(MAX_DROPPED_SHOWN).map(|dropped| dropped.reason.to_string()).collect();
        text.push_str(&format!(", {} dropped: {}", counted(dropped.len(), "key"), reasons.join("; ")));
    }
    if offered.iter().all(|algorithm| !jwt.algorithms.contains(algorithm)) {
        let allowed = names(jwt.algorithms);
        return Finding::Fail(format!("{text}; none fits --oidc-signing-algs, which allows {allowed}"));
    }
    Finding::Ok(text)
}

async fn about_credential(
    choice: Option<&CredentialChoice>,
    api_server: &ApiServer,
) -> (Finding, Option<UpstreamCredential>) {
    let source = match choice {
        Some(CredentialChoice::From(source)) => source,
        Some(CredentialChoice::Without) => {
            return (Finding::Ok("credential: none is wanted".to_owned()), None);
        }
        None => {
            let advice = "give --upstream-token-file, --upstream-service-account or --no-upstream-credential";
            return (Finding::Skip(format!("credential: none named; {advice}")), None);
        }
    };
    let credential = match credential::get(source, api_server).await {
        Ok(credential) => credential,
        Err(error) => return (Finding::Fail(format!("credential: {error}")), None),
    };
    let now = now();
    let finding = match credential.not_after() {
        Some(_) if !credential.is_valid_at(now) => Finding::Fail(
            "credential: the token has expired; is the file the one that the kubelet keeps fresh?".to_owned(),
        ),
        Some(end) => Finding::Ok(format!("credential: good for {} s", end.since(now))),
        None => {
            Finding::Note("credential: the token names no end, so it is good until it is revoked".to_owned())
        }
    };
    (finding, Some(credential))
}

/// Said where `--service-account-issuer` did not say it: with the flag, the configuration would have been refused.
fn about_own_issuer(credential: &UpstreamCredential, issuers: &[JwtAuthenticator]) -> Option<Finding> {
    let own = credential::own_issuer_among(credential, issuers)?;
    Some(Finding::Note(format!(
        "issuer {own}: the upstream credential is of it, too, so it is probably the cluster's own. Give jwks-sync \
         --service-account-issuer={own}, and it refuses such a configuration, as kube-apiserver does"
    )))
}

async fn about_impersonation(
    api_server: &ApiServer,
    credential: &UpstreamCredential,
    maps_uid: bool,
) -> Vec<Finding> {
    let mut findings = Vec::new();
    let needed = Impersonated::ALL.into_iter().filter(|what| what.resource != "uids" || maps_uid);
    let optional = Impersonated::OPTIONAL.into_iter().map(|what| (what, false));
    for (what, is_needed) in needed.map(|what| (what, true)).chain(optional) {
        let result = api_server.may_impersonate(credential, what).await;
        let goes_on = result.is_ok();
        findings.push(judge_impersonation(what, is_needed, result));
        if !goes_on {
            break;
        }
    }
    findings
}

fn judge_impersonation(what: Impersonated, is_needed: bool, result: Result<bool, KubeError>) -> Finding {
    let resource = match what.subresource {
        Some(subresource) => format!("{}/{subresource}", what.resource),
        None => what.resource.to_owned(),
    };
    match result {
        Ok(true) => Finding::Ok(format!("the credential may impersonate {resource}")),
        Ok(false) if is_needed => Finding::Fail(format!(
            "the credential may not impersonate {resource}; grant its ServiceAccount the verb impersonate on \
             {resource} in apiGroup {:?} by a ClusterRole",
            what.group
        )),
        Ok(false) => {
            let use_of_it = if what.subresource == Some("remote-client-ip") {
                "the client's address"
            } else {
                "kubectl --as"
            };
            Finding::Note(format!(
                "the credential may not impersonate {resource}, which is needed for {use_of_it}"
            ))
        }
        Err(error @ KubeError::NotInCluster) => Finding::Skip(format!("impersonation: {error}")),
        Err(KubeError::Refused { code: 401, .. }) => {
            Finding::Fail("impersonation: the API server does not accept the credential".to_owned())
        }
        Err(error) => Finding::Fail(format!("impersonation: API server: {error}")),
    }
}

/// Only some features of the filter need them, so none of it is a failure.
async fn about_reviews(api_server: &ApiServer) -> Vec<Finding> {
    let mut findings = Vec::new();
    for what in Permission::ALL {
        let result = api_server.may_create(what).await;
        let goes_on = result.is_ok();
        findings.push(judge_permission(what, result));
        if !goes_on {
            break;
        }
    }
    findings
}

fn judge_permission(Permission { group, resource }: Permission, result: Result<bool, KubeError>) -> Finding {
    let use_of_it =
        if resource == "tokenreviews" { "tokens that are passed through" } else { "kubectl --as" };
    match result {
        Ok(true) => Finding::Ok(format!("this account may create {resource}.{group}")),
        Ok(false) => Finding::Note(format!(
            "this account may not create {resource}.{group}, which is needed for {use_of_it}"
        )),
        Err(error @ KubeError::NotInCluster) => Finding::Skip(format!("reviews: {error}")),
        Err(KubeError::Refused { code: 401, .. }) => {
            Finding::Note("reviews: the API server does not accept this account".to_owned())
        }
        Err(error) => Finding::Note(format!("reviews: API server: {error}")),
    }
}

async fn about_webhook(options: &WebhookOptions) -> Finding {
    let answer = match TokenWebhook::load(options).await {
        Ok(webhook) => timeout(WEBHOOK_TIMEOUT, webhook.review(MADE_UP_TOKEN, &[])).await,
        Err(error) => return Finding::Fail(format!("token webhook: {error}")),
    };
    judge_webhook(answer.unwrap_or(Err(KubeError::Timeout)))
}

fn judge_webhook(answer: Result<Option<UserInfo>, KubeError>) -> Finding {
    match answer {
        Ok(None) => Finding::Ok("token webhook: answers, and does not know a made-up token".to_owned()),
        Ok(Some(user)) => Finding::Fail(format!(
            "token webhook: takes a made-up token for that of {:?}; it must not be asked",
            user.username()
        )),
        Err(error) => Finding::Fail(format!("token webhook: {error}")),
    }
}

fn counted(count: usize, what: &str) -> String {
    if count == 1 { format!("1 {what}") } else { format!("{count} {what}s") }
}

fn names(algorithms: AlgorithmSet) -> String {
    let names: Vec<&str> = algorithms.iter().map(|algorithm| algorithm.name()).collect();
    names.join(" ")
}

#[cfg(test)]
#[path = "check_tests.rs"]
mod tests;
