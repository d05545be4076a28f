//! HTTPS: discovery documents and key sets of issuers, and claims that stand elsewhere. The only place that knows an HTTP
//! client.

mod claims;

use std::error::Error as StdError;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use authn::claim_hosts::ClaimHosts;
use authn::config::JwtAuthenticator;
use authn::discovery::{self, DiscoveryDocument};
use authn::jwks::{self, DroppedKey, Jwks};
use authn::keys::Key;
use http::{HeaderMap, header};
use reqwest::{Client, Response, StatusCode, Url, redirect};
use rustls::CertificateError;
use tokio::sync::Mutex;
use tokio::time::Instant;

use crate::cause::deepest;
use crate::fetch_error::{FetchError, TlsProblem};
use crate::freshness;
use crate::tls::Tls;

pub(crate) use claims::fetch_claims;

/// Time for TCP and TLS.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// Time for one request in all, its body included.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(10);
/// Longest part of a foreign host that is told, in characters.
const MAX_SHOWN: usize = 253;
/// Redirects that are followed, all to the same host and port.
const MAX_REDIRECTS: usize = 3;
/// From this age on a discovery document is fetched again along with the keys. With the longest interval between
/// fetches being an hour, it is read at least hourly.
const DISCOVERY_AGE: Duration = Duration::from_mins(30);

/// Where the keys of one issuer come from.
pub(crate) trait KeySource: Send + Sync + 'static {
    /// Asks the issuer. At most one call at a time.
    fn fetch(&self) -> impl Future<Output = Result<FetchedKeys, FetchError>> + Send;
}

/// What an issuer answered.
#[derive(Debug)]
pub(crate) struct FetchedKeys {
    /// The keys that can be used; never empty.
    pub(crate) keys: Vec<Key>,
    /// The keys that can't.
    pub(crate) dropped: Vec<DroppedKey>,
    /// How long the answer stays fresh, if the issuer says so.
    pub(crate) fresh_for: Option<Duration>,
}

/// An issuer, over HTTPS.
pub(crate) struct HttpsIssuer {
    url: String,
    document_url: String,
    certificate_authority: Option<String>,
    /// Where its keys may be, if it is a token that named it; `None`: the operator named it.
    hosts: Option<ClaimHosts>,
    tls: Arc<Tls>,
    /// The discovery document of the last success, and its age.
    discovered: Mutex<Option<(DiscoveryDocument, Instant)>>,
}

impl HttpsIssuer {
    /// The issuer as configured. Nothing is read or connected yet.
    pub(crate) fn new(authenticator: &JwtAuthenticator, tls: Arc<Tls>) -> Self {
        Self {
            url: authenticator.url.clone(),
            document_url: authenticator.document_url(),
            certificate_authority: authenticator.certificate_authority.clone(),
            hosts: None,
            tls,
            discovered: Mutex::default(),
        }
    }

    /// An issuer that nobody but a token has named, on a host among `hosts`: it leads to no other host.
    pub(crate) fn named_by_token(
        url: &str,
        certificate_authority: Option<String>,
        hosts: ClaimHosts,
        tls: Arc<Tls>,
    ) -> Self {
        Self {
            url: url.to_owned(),
            document_url: discovery::document_url(url),
            certificate_authority,
            hosts: Some(hosts),
            tls,
            discovered: Mutex::default(),
        }
    }

    async fn fetch_with(
        &self,
        discovered: &mut Option<(DiscoveryDocument, Instant)>,
    ) -> Result<FetchedKeys, FetchError> {
        // One client for one fetch: both documents come over its connection, and minutes pass before the next.
        let redirects = if self.hosts.is_none() { Redirects::SameHost } else { Redirects::None };
        let client = client(&self.tls, self.certificate_authority.as_deref(), redirects)?;
        let jwks_uri = match discovered {
            Some((document, at)) if at.elapsed() < DISCOVERY_AGE => document.jwks_uri.clone(),
            _ => {
                let answer = get(&client, &self.document_url, discovery::MAX_DOCUMENT).await?;
                let document =
                    DiscoveryDocument::parse(&answer.body, &self.url).map_err(FetchError::Discovery)?;
                discovered.insert((document, Instant::now())).0.jwks_uri.clone()
            }
        };
        if self.hosts.as_ref().is_some_and(|hosts| hosts.allowed(&jwks_uri).is_none()) {
            return Err(FetchError::NotAllowed { host: host_of(&jwks_uri) });
        }
        let answer = get(&client, &jwks_uri, jwks::MAX_DOCUMENT).await?;
        let Jwks { keys, dropped, .. } = Jwks::parse(&answer.body).map_err(FetchError::Jwks)?;
        if keys.is_empty() {
            return Err(FetchError::NoUsableKey { dropped: dropped.len() });
        }
        Ok(FetchedKeys { keys, dropped, fresh_for: answer.fresh_for })
    }
}

impl KeySource for HttpsIssuer {
    async fn fetch(&self) -> Result<FetchedKeys, FetchError> {
        let mut discovered = self.discovered.lock().await;
        let result = self.fetch_with(&mut discovered).await;
        if result.is_err() {
            // The keys may have moved.
            *discovered = None;
        }
        result
    }
}

struct Answer {
    body: Vec<u8>,
    fresh_for: Option<Duration>,
}

/// Which redirects are followed.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Redirects {
    None,
    SameHost,
}

fn client(
    tls: &Tls,
    certificate_authority: Option<&str>,
    redirects: Redirects,
) -> Result<Client, FetchError> {
    Client::builder()
        .tls_backend_preconfigured(tls.client(certificate_authority)?)
        .https_only(true)
        .redirect(redirect::Policy::custom(move |attempt| {
            match redirects == Redirects::SameHost && may_follow(attempt.previous(), attempt.url()) {
                true => attempt.follow(),
                false => attempt.error(CrossHostRedirect),
            }
        }))
        .referer(false)
        .connect_timeout(CONNECT_TIMEOUT)
        .timeout(REQUEST_TIMEOUT)
        .pool_max_idle_per_host(1)
        .user_agent(concat!("kube-oidc-filter/", env!("CARGO_PKG_VERSION")))
        .build()
        .map_err(|_| FetchError::Internal)
}

#[derive(Debug, thiserror::Error)]
#[error("redirected to where that is not followed")]
struct CrossHostRedirect;

/// An open redirect at the issuer must not choose who supplies the keys.
fn may_follow(previous: &[Url], next: &Url) -> bool {
    let same_place = |from: &Url| {
        next.scheme() == "https"
            && from.scheme() == "https"
            && from.host_str() == next.host_str()
            && from.port_or_known_default() == next.port_or_known_default()
    };
    previous.len() <= MAX_REDIRECTS && previous.iter().all(same_place)
}

async fn get(client: &Client, url: &str, limit: usize) -> Result<Answer, FetchError> {
    let at = |error| FetchError::At { url: url.to_owned(), error: Box::new(error) };
    try_get(client, url, limit).await.map_err(at)
}

async fn try_get(client: &Client, url: &str, limit: usize) -> Result<Answer, FetchError> {
    let url = Url::parse(url).ok().filter(|url| url.scheme() == "https").ok_or(FetchError::NotHttps)?;
    let request = client.get(url).header(header::ACCEPT, "application/json");
    let mut response = request.send().await.map_err(|error| classify(&error))?;
    if response.status() != StatusCode::OK {
        return Err(FetchError::Status { code: response.status().as_u16() });
    }
    let fresh_for = fresh_for(response.headers());
    let body = read(&mut response, limit).await?;
    Ok(Answer { body, fresh_for })
}

async fn read(response: &mut Response, limit: usize) -> Result<Vec<u8>, FetchError> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| classify(&error))? {
        if body.len().saturating_add(chunk.len()) > limit {
            return Err(FetchError::BodyTooLarge { limit });
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

/// The host of a URL that is none of the operator's, to be told to them.
pub(crate) fn host_of(untrusted_url: &str) -> String {
    let url = Url::parse(untrusted_url).ok();
    let host = url.as_ref().and_then(Url::host_str).unwrap_or("?");
    let port = url.as_ref().and_then(Url::port).map(|port| format!(":{port}")).unwrap_or_default();
    host.chars().take(MAX_SHOWN).flat_map(char::escape_default).chain(port.chars()).collect()
}

fn fresh_for(headers: &HeaderMap) -> Option<Duration> {
    let text =
        |name| headers.get_all(name).iter().filter_map(|value: &http::HeaderValue| value.to_str().ok());
    freshness::lifetime(
        text(header::CACHE_CONTROL),
        text(header::EXPIRES).next(),
        text(header::DATE).next(),
        text(header::AGE).next(),
    )
}

fn classify(error: &reqwest::Error) -> FetchError {
    if let Some(tls) = find::<rustls::Error>(error) {
        return FetchError::Tls { problem: tls_problem(tls), detail: tls.to_string() };
    }
    if find::<CrossHostRedirect>(error).is_some() || error.is_redirect() {
        return FetchError::Redirect;
    }
    if error.is_timeout() {
        return FetchError::Timeout;
    }
    let detail = deepest(error);
    if error.is_connect() { FetchError::Connect { detail } } else { FetchError::Transfer { detail } }
}

fn tls_problem(error: &rustls::Error) -> TlsProblem {
    let rustls::Error::InvalidCertificate(error) = error else { return TlsProblem::Other };
    match error {
        CertificateError::Expired
        | CertificateError::ExpiredContext { .. }
        | CertificateError::NotValidYet
        | CertificateError::NotValidYetContext { .. } => TlsProblem::Expired,
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            TlsProblem::Name
        }
        CertificateError::UnknownIssuer | CertificateError::BadSignature => TlsProblem::Untrusted,
        // webpki has no variant of its own for it in this enum, so its text is all there is.
        CertificateError::Other(other) if other.to_string().contains("CaUsedAsEndEntity") => {
            TlsProblem::CaAsServer
        }
        _ => TlsProblem::Other,
    }
}

/// Looks for an error of type `E` among the causes. An `io::Error` hides the one that it was made of from
/// `source`.
fn find<'a, E: StdError + 'static>(error: &'a (dyn StdError + 'static)) -> Option<&'a E> {
    let mut current = Some(error);
    while let Some(error) = current {
        if let Some(found) = error.downcast_ref::<E>() {
            return Some(found);
        }
        let inner = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        current = match inner {
            Some(inner) => Some(inner as &(dyn StdError + 'static)),
            None => error.source(),
        };
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_redirect_stays_with_host_port_and_https() {
        for (previous, next, follows) in [
            (&["https://issuer/a"][..], "https://issuer/b", true),
            (&["https://issuer/a"], "https://issuer:443/b", true),
            (&["https://issuer/a"], "https://ISSUER/b", true),
            (&["https://issuer/a"], "https://issuer:8443/b", false),
            (&["https://issuer/a"], "http://issuer/b", false),
            (&["https://issuer/a"], "https://issuer.evil/b", false),
            (&["https://issuer/a"], "https://evil/b", false),
            (&["https://issuer/a", "https://issuer/b", "https://issuer/c"], "https://issuer/d", true),
            (
                &["https://issuer/a", "https://issuer/b", "https://issuer/c", "https://issuer/d"],
                "https://issuer/e",
                false,
            ),
        ] {
            let previous: Vec<Url> = previous.iter().map(|url| Url::parse(url).unwrap()).collect();
            assert_eq!(may_follow(&previous, &Url::parse(next).unwrap()), follows, "{previous:?} -> {next}");
        }
    }

    #[test]
    fn a_certificate_inside_an_io_error_is_found() {
        let tls = rustls::Error::InvalidCertificate(CertificateError::UnknownIssuer);
        let error = io::Error::other(io::Error::new(io::ErrorKind::InvalidData, tls));
        assert_eq!(find::<rustls::Error>(&error).map(tls_problem), Some(TlsProblem::Untrusted));
    }
}
