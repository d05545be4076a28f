//! OpenID Connect discovery documents (OpenID Connect Discovery 1.0, 4).

use serde::Deserialize;

use kubernetes_cel::Url;

use crate::config::quote;

/// Largest document that is read, in bytes.
pub const MAX_DOCUMENT: usize = 128 * 1024;

/// Longest part of a foreign issuer that an error repeats, in characters.
const MAX_SHOWN: usize = 256;

/// What is needed of a discovery document.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct DiscoveryDocument {
    /// The issuer: exactly the one that was asked for.
    pub issuer: String,
    /// Where the issuer's keys are: an https URL.
    pub jwks_uri: String,
}

/// Why a discovery document was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DiscoveryError {
    /// The document is of another issuer (OpenID Connect Discovery 1.0, 4.3).
    #[error(
        "oidc: issuer did not match the issuer returned by provider, expected {} got {}",
        quote(expected),
        quote(got)
    )]
    Issuer {
        /// Whom we asked for.
        expected: String,
        /// Who answered; shortened.
        got: String,
    },
    /// `jwks_uri` is no https URL with a host and without user name and fragment.
    #[error("jwks_uri must be an https URL with a host and without a username or fragment")]
    JwksUri,
    /// Not a JSON object whose `issuer` and `jwks_uri` are strings and stand there once.
    #[error("not a discovery document")]
    Malformed,
    /// No `jwks_uri`.
    #[error("the discovery document has no jwks_uri")]
    NoJwksUri,
    /// More than [`MAX_DOCUMENT`] bytes.
    #[error("the discovery document is larger than {MAX_DOCUMENT} bytes")]
    TooLarge,
}

impl DiscoveryError {
    /// The name of the variant, for logs and metrics.
    #[must_use]
    pub const fn reason(&self) -> &'static str {
        match self {
            Self::Issuer { .. } => "issuer",
            Self::JwksUri => "jwks_uri",
            Self::Malformed => "malformed",
            Self::NoJwksUri => "no_jwks_uri",
            Self::TooLarge => "too_large",
        }
    }
}

impl DiscoveryDocument {
    /// Reads the answer of `expected_issuer`. Members that we don't know are passed over; there are many.
    ///
    /// # Errors
    /// [`DiscoveryError`]: nothing of a refused document is used.
    pub fn parse(body: &[u8], expected_issuer: &str) -> Result<Self, DiscoveryError> {
        if body.len() > MAX_DOCUMENT {
            return Err(DiscoveryError::TooLarge);
        }
        // serde would take a list for a struct as well.
        if body.trim_ascii_start().first() != Some(&b'{') {
            return Err(DiscoveryError::Malformed);
        }
        let RawDocument { issuer, jwks_uri } =
            serde_json::from_slice(body).map_err(|_| DiscoveryError::Malformed)?;
        let issuer = issuer.unwrap_or_default();
        if issuer != expected_issuer {
            let got = issuer.chars().take(MAX_SHOWN).collect();
            return Err(DiscoveryError::Issuer { expected: expected_issuer.to_owned(), got });
        }
        let jwks_uri = jwks_uri.filter(|uri| !uri.is_empty()).ok_or(DiscoveryError::NoJwksUri)?;
        if !is_fetchable(&jwks_uri) {
            return Err(DiscoveryError::JwksUri);
        }
        Ok(Self { issuer, jwks_uri })
    }
}

/// Where the discovery document of an issuer is, unless the configuration says otherwise (OpenID Connect Discovery 1.0,
/// 4.1).
#[must_use]
pub fn document_url(issuer_url: &str) -> String {
    let base = issuer_url.strip_suffix('/').unwrap_or(issuer_url);
    format!("{base}/.well-known/openid-configuration")
}

/// The derived reader refuses a member that stands twice.
#[derive(Deserialize)]
struct RawDocument {
    issuer: Option<String>,
    jwks_uri: Option<String>,
}

fn is_fetchable(uri: &str) -> bool {
    Url::parse(uri).is_ok_and(|url| {
        let has_host = !matches!(url.host(), [] | [b':', ..]);
        url.scheme() == "https" && has_host && !url.has_userinfo() && !url.has_fragment()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const ISSUER: &str = "https://issuer/tenant";

    #[track_caller]
    fn refused(body: &str, error: &DiscoveryError) {
        assert_eq!(DiscoveryDocument::parse(body.as_bytes(), ISSUER).as_ref(), Err(error), "{body}");
    }

    #[test]
    fn a_document_of_the_issuer_is_read() {
        for uri in ["https://keys/jwks", "HTTPS://keys:8443/jwks?p=b2c", "https://[2001:db8::1]/"] {
            let body = format!(
                r#" {{"issuer":"{ISSUER}","jwks_uri":"{uri}","claims_supported":["iss"],"x":1,"x":2}} "#
            );
            let document = DiscoveryDocument { issuer: ISSUER.to_owned(), jwks_uri: uri.to_owned() };
            assert_eq!(DiscoveryDocument::parse(body.as_bytes(), ISSUER), Ok(document));
        }
    }

    #[test]
    fn the_issuer_must_be_the_very_same() {
        for got in ["https://issuer/tenant/", "https://ISSUER/tenant", "https://issuer", "https://other", ""]
        {
            let body = format!(r#"{{"issuer":"{got}","jwks_uri":"https://keys"}}"#);
            refused(&body, &DiscoveryError::Issuer { expected: ISSUER.to_owned(), got: got.to_owned() });
        }
        for body in
            [r#"{"jwks_uri":"https://keys"}"#, r#"{"issuer":null}"#, r#"{"Issuer":"https://issuer/tenant"}"#]
        {
            refused(body, &DiscoveryError::Issuer { expected: ISSUER.to_owned(), got: String::new() });
        }
        let error = DiscoveryError::Issuer { expected: ISSUER.to_owned(), got: "a\"b".to_owned() };
        let message = "oidc: issuer did not match the issuer returned by provider, \
            expected \"https://issuer/tenant\" got \"a\\\"b\"";
        assert_eq!(error.to_string(), message);
        let long = format!(r#"{{"issuer":"{}"}}"#, "é".repeat(1000));
        refused(&long, &DiscoveryError::Issuer { expected: ISSUER.to_owned(), got: "é".repeat(256) });
    }

    #[test]
    fn the_keys_must_be_at_an_https_url() {
        for uri in [
            "http://keys",
            "keys",
            "//keys",
            "https:keys",
            "https:///keys",
            "https://:443/keys",
            "https://user@keys",
            "https://keys#1",
            "https://keys:port",
            "file:///etc/passwd",
            "unix:///run/socket",
            " https://keys",
        ] {
            refused(&format!(r#"{{"issuer":"{ISSUER}","jwks_uri":"{uri}"}}"#), &DiscoveryError::JwksUri);
        }
        for member in ["", r#","jwks_uri":"""#, r#","jwks_uri":null"#] {
            refused(&format!(r#"{{"issuer":"{ISSUER}"{member}}}"#), &DiscoveryError::NoJwksUri);
        }
    }

    #[test]
    fn anything_else_is_no_document() {
        for body in [
            "",
            "[]",
            "null",
            r#""x""#,
            "{",
            r#"["https://issuer/tenant","https://keys"]"#,
            r#"{"issuer":1}"#,
            r#"{"issuer":"https://issuer/tenant","jwks_uri":["https://keys"]}"#,
            r#"{"issuer":"https://other","issuer":"https://issuer/tenant","jwks_uri":"https://keys"}"#,
            r#"{"issuer":"https://issuer/tenant","jwks_uri":"https://a","jwks_uri":"https://b"}"#,
            r#"{"issuer":"https://issuer/tenant","jwks_uri":"https://a"} x"#,
            "<html></html>",
        ] {
            refused(body, &DiscoveryError::Malformed);
        }
        refused(&" ".repeat(MAX_DOCUMENT + 1), &DiscoveryError::TooLarge);
    }
}
