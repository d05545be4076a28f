//! Tokens that no configured issuer is asked about. kube-apiserver's OIDC authenticator passes those over in silence, and
//! what its log has at the end is the word of whoever reads bearer tokens (k8s.io/apiserver `bearertoken`).

use super::go;
use super::steps::{Steps, Stop};
use super::walk::Walk;
use crate::base64url;
use crate::json::{self, Document, JsonError};
use crate::rejection::Rejection;
use crate::request::CredentialError;
use crate::token::{self, BearerToken, TokenBuffer, TokenError, UnverifiedToken};

const NOBODYS: &str = "invalid bearer token";

/// Whether Go finds another `iss` than ours, since it takes the last member of the name in whatever case: then kube-apiserver
/// passes its issuer over before it looks at anything else.
fn is_passed_over(text: &str, issuer_url: &str) -> bool {
    let claims = base64url::decode_forgiving(text.split('.').nth(1).unwrap_or_default().as_bytes());
    let Ok(document) = Document::parse(&claims) else { return false };
    let is_iss = |name: &str| json::folded(name).eq("iss".chars());
    let last = document.object().members().filter(|(name, _)| is_iss(name)).last();
    last.is_some_and(|(_, iss)| iss.as_str().map(token::issuer_url) != Some(issuer_url))
}

/// What kube-apiserver does where `stop` stands, unless it passes the issuer over.
pub(super) fn unless_passed_over(stop: Stop, text: &str, issuer_url: &str) -> Stop {
    if is_passed_over(text, issuer_url) { Stop::says(stop.rejection, NOBODYS) } else { stop }
}

/// Tells why nobody is asked.
pub(super) fn unjudged(untrusted_text: &[u8], rejection: &Rejection) -> Walk {
    let text = String::from_utf8_lossy(untrusted_text.trim_ascii());
    let mut steps = Steps::new(Vec::new());
    steps.failed("issuer", detail(&text, rejection));
    Walk::stopped(steps, stop(&text, rejection.clone()))
}

fn detail(text: &str, rejection: &Rejection) -> String {
    match (rejection, claimed_issuer(text)) {
        (Rejection::UnknownIssuer, Some(issuer)) => {
            format!("the token's iss is {}, which is no issuer.url of the configuration", go::shown(&issuer))
        }
        (Rejection::UnknownIssuer, None) => "the token has no iss".to_owned(),
        _ => rejection.to_string(),
    }
}

fn claimed_issuer(text: &str) -> Option<String> {
    let token = BearerToken::parse(text.as_bytes()).ok()?;
    let mut buffer = TokenBuffer::default();
    let token = UnverifiedToken::parse(&token, &mut buffer).ok()?;
    token.untrusted_issuer().map(str::to_owned)
}

fn stop(text: &str, rejection: Rejection) -> Stop {
    match &rejection {
        Rejection::Credential(CredentialError::TooLong) | Rejection::Token(TokenError::TooLong) => {
            Stop::stricter(rejection, &["token-length"])
        }
        Rejection::Credential(CredentialError::NotOneToken) if text.contains(' ') => {
            Stop::stricter(rejection, &["trailing-text"])
        }
        Rejection::Credential(CredentialError::NotOneToken) if !is_compact(text) => {
            Stop::says(rejection, NOBODYS)
        }
        Rejection::Token(TokenError::Payload) => payload(text, rejection),
        Rejection::Token(TokenError::NotAJwt) => Stop::says(rejection, NOBODYS),
        Rejection::UnknownIssuer => {
            // Go takes `ISS` for `iss`.
            let claims = text.split('.').nth(1).unwrap_or_default();
            let claims = base64url::decode_forgiving(claims.as_bytes());
            let spellings = json::members_named(&claims, "iss").len();
            let read = usize::from(claimed_issuer(text).is_some());
            let rules: &[_] = if spellings > read { &["case-variant-claims"] } else { &[] };
            Stop::says(rejection, NOBODYS).unless(rules)
        }
        _ => Stop::unknown(rejection),
    }
}

/// Whether Go finds three parts, of which it can decode the second.
fn is_compact(text: &str) -> bool {
    let parts: Vec<&str> = text.splitn(4, '.').collect();
    matches!(parts.as_slice(), [_, payload, _] if go::base64_error(payload).is_none())
}

/// Claims that can't be read, by us or by Go as well.
fn payload(text: &str, rejection: Rejection) -> Stop {
    let encoded = text.split('.').nth(1).unwrap_or_default();
    if go::base64_error(encoded).is_some() {
        return Stop::says(rejection, NOBODYS);
    }
    let claims = base64url::decode_forgiving(encoded.as_bytes());
    match Document::parse(&claims) {
        Ok(_) => Stop::stricter(rejection, &["base64-canonical"]),
        Err(JsonError::DuplicateMember) => Stop::stricter(rejection, &["duplicate-members"]),
        Err(JsonError::NotAnObject) => Stop::says(rejection, NOBODYS),
        Err(JsonError::Syntax) if std::str::from_utf8(&claims).is_err() => {
            Stop::says(rejection, NOBODYS).unless(&["invalid-utf8"])
        }
        Err(JsonError::Syntax) => {
            Stop::says(rejection, NOBODYS).unless(&["lone-surrogates", "numbers-beyond-double", "nesting"])
        }
    }
}
