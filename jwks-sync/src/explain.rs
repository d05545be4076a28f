//! `jwks-sync explain`: decides about one token as the filter would, by the keys that its issuer has now, and says why.
//!
//! Of the token it prints what `authn::explain` tells, and never the token itself. It is read from a file or from standard
//! input: on a command line it would be everybody's to see, and stay in the shell's history.

mod kubernetes;

use std::io::{self, Read};
use std::path::Path;
use std::sync::Arc;

use authn::claims_token::ResolvedClaim;
use authn::config::JwtAuthenticator;
use authn::explain::{Explainer, Explanation, Kubernetes, Outcome, Refusal, Step, Verdict};
use authn::feed::{ResolveClaimsRequest, ResolveClaimsResponse};
use authn::issuer::Issuer;
use authn::jwks::DroppedKey;
use authn::rejection::Rejection;
use authn::signature::Portable;
use authn::snapshot::{Generation, Snapshot};
use authn::token::MAX_TOKEN;
use authn::user::UserInfo;
use zeroize::Zeroizing;

use crate::claims::DistributedClaims;
use crate::clock::{epoch, now};
use crate::config::Config;
use crate::configuration::Configuration;
use crate::console::say;
use crate::fetch::{FetchedKeys, HttpsIssuer, KeySource};
use crate::fetch_error::FetchError;
use crate::file::{self, FileError};
use crate::kube::ApiServer;
use crate::metrics::Metrics;
use crate::reload::Reloader;
use crate::review::ClaimsResolver as _;
use crate::store::{Store, keys_of_one};
use crate::supply::Supply;

use kubernetes::{is_for_want_of_keys, kubernetes_words, our_rule};

/// Largest file that is read: a token has at most [`MAX_TOKEN`] bytes, and that it has more is for the decision to say.
const MAX_FILE: usize = 4 * MAX_TOKEN;

/// Dropped keys that are listed.
const MAX_DROPPED_SHOWN: usize = 5;

/// Of a token of no configured issuer: a gateway may go on where this ends.
const NOT_ASKED: &str = "note  whether it is one of the API server's own tokens, or one that a token webhook knows, was not asked";

/// What a gateway may see otherwise.
const AS_OF_NOW: &str = "note  by the files as they are now and the issuer's keys of this moment: a gateway may have older \
                         ones still, and its own extraUserHeaders are not known here";

/// A file's name that means standard input.
const STANDARD_INPUT: &str = "-";

/// The text of a token. It is wiped when it is dropped.
pub(crate) struct TokenText(Zeroizing<Vec<u8>>);

impl TokenText {
    /// Reads it from a file, or from standard input where the name is `-`.
    ///
    /// # Errors
    /// [`FileError`], with the name.
    pub(crate) async fn read(path: &Path) -> Result<Self, FileError> {
        if path != Path::new(STANDARD_INPUT) {
            return file::read(path, MAX_FILE).await.map(Zeroizing::new).map(Self);
        }
        let path = "standard input".to_owned();
        let mut text = Zeroizing::new(Vec::new());
        let one_more = u64::try_from(MAX_FILE).unwrap_or(u64::MAX).saturating_add(1);
        // Nothing else is to be done meanwhile.
        match io::stdin().lock().take(one_more).read_to_end(&mut text) {
            Ok(_) if text.len() > MAX_FILE => Err(FileError::TooLarge { path, limit: MAX_FILE }),
            Ok(_) => Ok(Self(text)),
            Err(error) => Err(FileError::io("read", &path, &error)),
        }
    }
}

/// Prints why the token is let in or not. True when it is let in.
pub(crate) async fn explain(config: Config, token_file: &Path) -> bool {
    let token = match TokenText::read(token_file).await {
        Ok(token) => token,
        Err(error) => return failed(&format!("--token-file: {error}")),
    };
    let configuration =
        match Reloader::start(config.sources.clone(), ApiServer::new(config.kubeconfig.clone())).await {
            Ok((configuration, _)) => configuration,
            Err(error) => return failed(&format!("configuration: {error}")),
        };
    explain_by(&config, &configuration, &token).await
}

/// The same by a configuration that is read already.
pub(crate) async fn explain_by(config: &Config, configuration: &Configuration, token: &TokenText) -> bool {
    let TokenText(text) = token;
    let issuers = &configuration.authentication.jwt;
    let policy = &configuration.policy;
    let issuers_without_keys: Vec<Issuer> = issuers.iter().map(|jwt| policy.issuer(jwt.clone())).collect();
    let explainer = match Explainer::new(&snapshot(issuers_without_keys.clone())) {
        Ok(explainer) => explainer,
        Err(error) => return failed(&format!("the filter would refuse this configuration: {error}")),
    };
    // The decision itself says whose token it is, for want of keys.
    let url = explainer.issuer_of(text, now(), &Portable);
    let Some(jwt) = url.and_then(|url| issuers.iter().find(|jwt| jwt.url == url)) else {
        return tell(&explainer.explain(text, now(), &Portable), None);
    };
    let mut fetched = HttpsIssuer::new(jwt, Arc::default()).fetch().await;
    let mut keys = None;
    if let Ok(FetchedKeys { keys: all, .. }) = &fetched {
        match keys_of_one(all.clone(), issuers.len(), now(), config.max_key_age.as_secs()) {
            Ok(usable) => keys = Some(usable),
            Err(error) => fetched = Err(error),
        }
    }
    let with_keys = issuers_without_keys.into_iter().map(|issuer| {
        let is_it = issuer.url == jwt.url;
        Issuer { keys: keys.clone().filter(|_| is_it), ..issuer }
    });
    let mut explainer = match Explainer::new(&snapshot(with_keys.collect())) {
        Ok(explainer) => explainer,
        Err(error) => return failed(&format!("the filter would refuse these keys: {error}")),
    };
    if let Some(question) = explainer.question(text, now(), &Portable) {
        let asked = now();
        let answer = resolve(config, configuration, jwt, &question).await;
        explainer.answer(question, answer, asked);
    }
    tell(&explainer.explain(text, now(), &Portable), Some((jwt, &fetched)))
}

/// Fetches the groups of the token as the sidecar does, and says what goes wrong with it.
async fn resolve(
    config: &Config,
    configuration: &Configuration,
    jwt: &JwtAuthenticator,
    question: &ResolveClaimsRequest,
) -> ResolveClaimsResponse {
    let metrics = Arc::new(Metrics::new());
    let store = Arc::new(Store::new(epoch(), config.max_key_age.as_secs(), Arc::clone(&metrics)));
    let supply = Arc::new(Supply::new(store, metrics, false));
    // Of the other issuers nothing is wanted.
    let mut alone = configuration.clone();
    alone.authentication.jwt = vec![jwt.clone()];
    supply.apply(alone).await;
    let claims = DistributedClaims::new(supply);
    let Some(terms) = claims.terms(&jwt.url) else { return ResolveClaimsResponse::Failed };
    match claims.resolve(&terms, question).await {
        Ok(ResolvedClaim { value, .. }) => ResolveClaimsResponse::Resolved { value, good_for: 1 },
        Err(error) => {
            say(&format!("note  distributed claims: {}", printable(&error.to_string())));
            if error.may_pass() { ResolveClaimsResponse::Failed } else { ResolveClaimsResponse::Refused }
        }
    }
}

/// What filters would get, but for a credential: who somebody is does not depend on it.
fn snapshot(issuers: Vec<Issuer>) -> Snapshot {
    let generation = Generation { epoch: 1, counter: 0 };
    Snapshot { generation, issuers, upstream_credential: None, anonymous: None, token_webhook: None }
}

fn failed(what: &str) -> bool {
    say(&format!("FAIL  {what}"));
    false
}

/// The issuer that was asked, and what it answered.
type Asked<'a> = Option<(&'a JwtAuthenticator, &'a Result<FetchedKeys, FetchError>)>;

fn tell(explanation: &Explanation, asked: Asked<'_>) -> bool {
    for line in lines(explanation, asked) {
        say(&printable(&line));
    }
    say("");
    if asked.is_none() {
        say(NOT_ASKED);
    }
    say(AS_OF_NOW);
    matches!(explanation.verdict, Verdict::LetIn(_))
}

fn lines(Explanation { steps, verdict, .. }: &Explanation, asked: Asked<'_>) -> Vec<String> {
    let mut lines: Vec<String> = steps.iter().map(|step| step_line(step, asked)).collect();
    lines.push(String::new());
    match verdict {
        Verdict::LetIn(user) => lines.extend(user_lines(user)),
        Verdict::Refused(refusal) => lines.extend(refusal_lines(refusal, asked)),
    }
    lines
}

fn step_line(Step { name, outcome, detail }: &Step, asked: Asked<'_>) -> String {
    let mark = match outcome {
        Outcome::Passed => "ok  ",
        Outcome::Failed => "FAIL",
        Outcome::NotReached => "-   ",
    };
    let detail = match asked {
        Some((_, Err(error))) if name == "keys" => format!("{error}; {}", error.advice()),
        Some((_, Ok(FetchedKeys { dropped, .. }))) if name == "keys" => {
            let dropped = dropped.iter().take(MAX_DROPPED_SHOWN);
            let reasons: String = dropped
                .map(|DroppedKey { kid, reason, .. }| format!("; {kid:?} dropped: {reason}"))
                .collect();
            [detail, reasons.as_str()].concat()
        }
        _ => detail.clone(),
    };
    let colon = if detail.is_empty() { "" } else { ": " };
    format!("{mark}  {name}{colon}{detail}")
}

fn user_lines(user: &UserInfo) -> Vec<String> {
    let mut lines = vec![format!("let in  username: {:?}", user.username())];
    if !user.uid().is_empty() {
        lines.push(format!("        uid: {:?}", user.uid()));
    }
    lines.push(format!("        groups: {:?}", user.groups()));
    lines.extend(user.extra().iter().map(|(key, values)| format!("        extra {key}: {values:?}")));
    lines
}

fn refusal_lines(Refusal { rejection, kubernetes, stricter }: &Refusal, asked: Asked<'_>) -> Vec<String> {
    let reason = format!("refused  {} {:?}", rejection.code(), rejection.message());
    let mut lines = vec![reason, format!("         reason: {} ({rejection})", rejection.reason())];
    let kubernetes = kubernetes_words(kubernetes, rejection, asked);
    let own_rule = asked.and_then(|(_, fetched)| our_rule(fetched.as_ref().err()?));
    let own_rule = own_rule.filter(|_| kubernetes == Kubernetes::GoesOn && is_for_want_of_keys(rejection));
    let rules: Vec<&str> = stricter.iter().copied().chain(own_rule).collect();
    let (is_strict, rules) = (!rules.is_empty(), rules.join(", "));
    match kubernetes {
        Kubernetes::Says(words) => {
            lines.push(format!("         kube-apiserver: {words}"));
            if is_strict {
                lines.push(format!("         unless we are the stricter one: {rules} (docs/deviations.md)"));
            }
        }
        Kubernetes::GoesOn if !is_strict => {
            lines.push("         kube-apiserver would go on (docs/deviations.md)".to_owned());
        }
        Kubernetes::GoesOn => {
            lines.push(format!("         kube-apiserver would go on: {rules} (docs/deviations.md)"));
        }
        Kubernetes::Unknown => {}
    }
    let has_dropped =
        asked.is_some_and(|(_, fetched)| fetched.as_ref().is_ok_and(|keys| !keys.dropped.is_empty()));
    if has_dropped && matches!(rejection, Rejection::Signature | Rejection::UnknownKey) {
        lines.push(
            "         unless it is by a key that is dropped here and that kube-apiserver uses".to_owned(),
        );
    }
    lines
}

/// Text of a token can hold what a terminal would obey, and an expression can have several lines.
fn printable(line: &str) -> String {
    let mut printable = String::with_capacity(line.len());
    for character in line.chars() {
        if character.is_control() {
            printable.extend(character.escape_default());
        } else {
            printable.push(character);
        }
    }
    printable
}

#[cfg(test)]
#[path = "explain_tests.rs"]
mod tests;
