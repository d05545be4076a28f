//! The endpoint of a distributed claim.

use authn::claims_token::MAX_CLAIMS_TOKEN;
use http::{HeaderValue, header};
use reqwest::{StatusCode, Url};
use zeroize::Zeroizing;

use super::{Redirects, classify, client, host_of, read};
use crate::claims::Terms;
use crate::fetch_error::FetchError;
use crate::tls::Tls;

/// Asks an endpoint that a token names, with the access token that stands beside it (empty: without). It must be on an
/// allowed host, and no redirect leads elsewhere.
pub(crate) async fn fetch_claims(
    tls: &Tls,
    terms: &Terms,
    endpoint: &str,
    access_token: &str,
) -> Result<Vec<u8>, FetchError> {
    let url = allowed(terms, endpoint).ok_or_else(|| FetchError::NotAllowed { host: host_of(endpoint) })?;
    let mut request = client(tls, terms.certificate_authority.as_deref(), Redirects::None)?.get(url);
    if !access_token.is_empty() {
        let bearer = Zeroizing::new(["Bearer ", access_token].concat());
        let mut bearer = HeaderValue::from_str(&bearer).map_err(|_| FetchError::AccessToken)?;
        bearer.set_sensitive(true);
        request = request.header(header::AUTHORIZATION, bearer);
    }
    let mut response = request.send().await.map_err(|error| classify(&error.without_url()))?;
    let status = response.status();
    if status.is_redirection() {
        return Err(FetchError::Redirect);
    }
    // What kube-apiserver takes for a success.
    if !(StatusCode::OK..=StatusCode::IM_USED).contains(&status) {
        return Err(FetchError::Status { code: status.as_u16() });
    }
    read(&mut response, MAX_CLAIMS_TOKEN).await
}

/// The URL, if its text leads to an allowed host and the HTTP client reads the same host and port out of it.
fn allowed(terms: &Terms, endpoint: &str) -> Option<Url> {
    let host = terms.hosts.allowed(endpoint)?;
    let url = Url::parse(endpoint).ok()?;
    let name = url.host_str()?;
    let is_same = match url.port() {
        Some(port) => host == format!("{name}:{port}"),
        // The client leaves out the usual port.
        None => host == name || host.strip_suffix(":443") == Some(name),
    };
    let is_plain = url.scheme() == "https" && url.username().is_empty() && url.password().is_none();
    (is_same && is_plain).then_some(url)
}

#[cfg(test)]
mod tests {
    use authn::algorithm::AlgorithmSet;

    use super::*;

    #[test]
    fn both_readings_of_a_url_must_agree() {
        let hosts = ["claims", "claims:443", "claims:8443", "[::1]:9", "[0:0::1]:9", "127.1", "b\u{fc}cher"];
        let terms = Terms {
            issuer: "https://issuer".to_owned(),
            algorithms: AlgorithmSet::all(),
            audiences: Vec::new(),
            certificate_authority: None,
            // Also such as the policy would not let in.
            hosts: hosts.map(str::to_owned).into_iter().collect(),
        };
        for (endpoint, is_allowed) in [
            ("https://claims/a?b=c", true),
            ("https://claims:443/", true),
            ("https://claims:8443/", true),
            ("https://[::1]:9/", true),
            ("https://[0:0::1]:9/", false),
            ("https://127.1/", false),
            ("https://b\u{fc}cher/", false),
            ("https://claims:444/", false),
            ("https://user@claims/", false),
            ("http://claims/", false),
        ] {
            assert_eq!(allowed(&terms, endpoint).is_some(), is_allowed, "{endpoint}");
        }
    }
}
