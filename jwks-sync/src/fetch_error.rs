//! Why keys or claims could not be fetched, and what to try.

use authn::discovery::DiscoveryError;
use authn::jwks::JwksError;

use crate::fetch::host_of;

/// Why an issuer's keys could not be fetched.
#[derive(Debug, thiserror::Error)]
#[cfg_attr(
    test,
    derive(strum::EnumDiscriminants),
    strum_discriminants(name(Kind), vis(), derive(strum::VariantArray))
)]
pub(crate) enum FetchError {
    #[error("the access token can't be carried in a header")]
    AccessToken,
    #[error("{url}: {error}")]
    At { url: String, error: Box<FetchError> },
    #[error("the answer has more than {limit} bytes")]
    BodyTooLarge { limit: usize },
    #[error("certificateAuthority holds no certificate that can be used")]
    CertificateAuthority,
    #[error("can't connect: {detail}")]
    Connect { detail: String },
    #[error("discovery document: {0}")]
    Discovery(DiscoveryError),
    #[error("internal error")]
    Internal,
    #[error("JWKS: {0}")]
    Jwks(JwksError),
    #[error("the JWKS has no key that can be used ({dropped} dropped)")]
    NoUsableKey { dropped: usize },
    #[error("the keys take {bytes} bytes, and {limit} are left for each of the configured issuers")]
    KeysTooLarge { bytes: usize, limit: usize },
    #[error("leads to {host}, which distributedClaims.allowedHosts of the policy lacks")]
    NotAllowed { host: String },
    #[error("not an https URL")]
    NotHttps,
    #[error("the discovery document is another issuer's, at {host}")]
    OtherIssuer { host: String },
    #[error("redirected to another host or port, or too often")]
    Redirect,
    #[error("HTTP status {code}")]
    Status { code: u16 },
    #[error("the system has no root certificates")]
    SystemRoots,
    #[error("no answer in time")]
    Timeout,
    #[error("TLS: {detail}")]
    Tls { problem: TlsProblem, detail: String },
    #[error("the connection broke: {detail}")]
    Transfer { detail: String },
}

/// What is wrong with a server's certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(test, derive(strum::VariantArray))]
pub(crate) enum TlsProblem {
    /// It is a CA's own certificate.
    CaAsServer,
    /// It is not valid now.
    Expired,
    /// It is for another host.
    Name,
    /// Anything else.
    Other,
    /// No trusted CA signed it.
    Untrusted,
}

impl FetchError {
    /// The name of the case, for logs and metrics.
    pub(crate) fn reason(&self) -> &'static str {
        match self {
            Self::AccessToken => "access_token",
            Self::At { error, .. } => error.reason(),
            Self::BodyTooLarge { .. } => "body_too_large",
            Self::CertificateAuthority => "certificate_authority",
            Self::Connect { .. } => "connect",
            Self::Discovery(_) | Self::OtherIssuer { .. } => "discovery",
            Self::Internal => "internal",
            Self::Jwks(_) => "jwks",
            Self::NoUsableKey { .. } => "no_usable_key",
            Self::KeysTooLarge { .. } => "keys_too_large",
            Self::NotAllowed { .. } => "not_allowed",
            Self::NotHttps => "not_https",
            Self::Redirect => "redirect",
            Self::Status { .. } => "status",
            Self::SystemRoots => "system_roots",
            Self::Timeout => "timeout",
            Self::Tls { problem: TlsProblem::Untrusted, .. } => "tls_untrusted",
            Self::Tls { problem: TlsProblem::Expired, .. } => "tls_expired",
            Self::Tls { problem: TlsProblem::Name, .. } => "tls_name",
            Self::Tls { .. } => "tls",
            Self::Transfer { .. } => "transfer",
        }
    }

    /// Whether it may pass: the other end was not reached, or says itself that it can't answer. Otherwise what it answered
    /// is of no use, and asking again would bring the same.
    pub(crate) fn may_pass(&self) -> bool {
        match self {
            Self::At { error, .. } => error.may_pass(),
            Self::Status { code } => *code == 429 || *code >= 500,
            Self::CertificateAuthority
            | Self::Connect { .. }
            | Self::Internal
            | Self::SystemRoots
            | Self::Timeout
            | Self::Tls { .. }
            | Self::Transfer { .. } => true,
            Self::AccessToken
            | Self::BodyTooLarge { .. }
            | Self::Discovery(_)
            | Self::Jwks(_)
            | Self::KeysTooLarge { .. }
            | Self::NoUsableKey { .. }
            | Self::NotAllowed { .. }
            | Self::NotHttps
            | Self::OtherIssuer { .. }
            | Self::Redirect => false,
        }
    }

    /// The same with hosts alone, where the URLs are none of the operator's.
    pub(crate) fn of_a_stranger(self) -> Self {
        match self {
            Self::At { error, .. } => error.of_a_stranger(),
            Self::Discovery(DiscoveryError::Issuer { got, .. }) => Self::OtherIssuer { host: host_of(&got) },
            error => error,
        }
    }

    /// What to try.
    pub(crate) fn advice(&self) -> &'static str {
        match self {
            Self::AccessToken => "look at what the issuer puts into _claim_sources",
            Self::At { error, .. } => error.advice(),
            Self::BodyTooLarge { .. } => "is this the URL of an OIDC issuer?",
            Self::CertificateAuthority => "give PEM certificates, not keys",
            Self::Connect { .. } => "is the host reachable from here? behind a proxy, set HTTPS_PROXY",
            Self::Discovery(_) => {
                "issuer.url must equal the document's issuer to the byte; give discoveryURL when it lies elsewhere"
            }
            Self::Internal => "please report this",
            Self::Jwks(_) | Self::NoUsableKey { .. } => {
                "look at the issuer's jwks_uri: an RSA key of 2048 bits or more, or an EC key, is needed"
            }
            Self::KeysTooLarge { .. } => {
                "the issuer should publish the keys that it signs with, and not so many others"
            }
            Self::NotAllowed { .. } => "if it is to be trusted, add it there",
            Self::NotHttps => "an issuer, its discovery document and its jwks_uri are read over https only",
            Self::OtherIssuer { .. } => {
                "the issuer that the answer names must publish its own URL, to the byte"
            }
            Self::Redirect => "give the URL that the redirect leads to (issuer.discoveryURL)",
            Self::Status { .. } => "open the URL with curl: it must answer 200 without a sign-in",
            Self::SystemRoots => "install ca-certificates, set SSL_CERT_FILE, or give certificateAuthority",
            Self::Timeout => {
                "is the host slow, or does a firewall drop the packets? behind a proxy, set HTTPS_PROXY"
            }
            Self::Tls { problem: TlsProblem::Untrusted, .. } => {
                "give the issuer's CA: certificateAuthority in the file, or --oidc-ca-file"
            }
            Self::Tls { problem: TlsProblem::Expired, .. } => {
                "renew the issuer's certificate, or set this clock"
            }
            Self::Tls { problem: TlsProblem::Name, .. } => "the certificate must name the host in its SAN",
            Self::Tls { problem: TlsProblem::CaAsServer, .. } => {
                "the server shows a CA's own certificate: have the CA sign one for the server"
            }
            Self::Tls { .. } => "does the server speak TLS 1.2 or 1.3 on this port?",
            Self::Transfer { .. } => "try again; if it stays, look at the issuer's logs",
        }
    }
}

#[cfg(test)]
impl FetchError {
    /// One of each kind.
    pub(crate) fn all() -> impl Iterator<Item = Self> {
        use strum::VariantArray as _;

        let (url, detail) = (String::new, String::new);
        Kind::VARIANTS.iter().flat_map(move |kind| match kind {
            Kind::AccessToken => vec![Self::AccessToken],
            Kind::At => vec![Self::At { url: url(), error: Self::Timeout.into() }],
            Kind::BodyTooLarge => vec![Self::BodyTooLarge { limit: 0 }],
            Kind::CertificateAuthority => vec![Self::CertificateAuthority],
            Kind::Connect => vec![Self::Connect { detail: detail() }],
            Kind::Discovery => vec![Self::Discovery(DiscoveryError::Malformed)],
            Kind::Internal => vec![Self::Internal],
            Kind::Jwks => vec![Self::Jwks(JwksError::Malformed)],
            Kind::KeysTooLarge => vec![Self::KeysTooLarge { bytes: 0, limit: 0 }],
            Kind::NoUsableKey => vec![Self::NoUsableKey { dropped: 0 }],
            Kind::NotAllowed => vec![Self::NotAllowed { host: url() }],
            Kind::NotHttps => vec![Self::NotHttps],
            Kind::OtherIssuer => vec![Self::OtherIssuer { host: url() }],
            Kind::Redirect => vec![Self::Redirect],
            Kind::Status => vec![Self::Status { code: 500 }],
            Kind::SystemRoots => vec![Self::SystemRoots],
            Kind::Timeout => vec![Self::Timeout],
            Kind::Tls => {
                let problems = TlsProblem::VARIANTS.iter().copied();
                problems.map(|problem| Self::Tls { problem, detail: detail() }).collect()
            }
            Kind::Transfer => vec![Self::Transfer { detail: detail() }],
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_stranger_only_hosts_are_told() {
        let at = |error| FetchError::At { url: "https://h/secret".to_owned(), error: Box::new(error) };
        let issuer = |got: &str| {
            let (expected, got) = ("https://h/secret".to_owned(), got.to_owned());
            FetchError::Discovery(DiscoveryError::Issuer { expected, got })
        };
        for (error, told) in [
            (at(FetchError::Status { code: 500 }), "HTTP status 500"),
            (
                issuer("https://other:8443/secret?secret"),
                "the discovery document is another issuer's, at other:8443",
            ),
            (at(issuer("https://user@other/secret")), "the discovery document is another issuer's, at other"),
            (issuer("secret"), "the discovery document is another issuer's, at ?"),
        ] {
            let (reason, may_pass) = (error.reason(), error.may_pass());
            let error = error.of_a_stranger();
            assert_eq!(error.to_string(), told);
            assert_eq!((error.reason(), error.may_pass()), (reason, may_pass), "{told}");
        }
    }
}
