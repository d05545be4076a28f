//! What is recorded of a request, beyond what Envoy's own log formats can write.
//!
//! Envoy can't parse a path, build lists, or escape in a text format. So whatever a client or an issuer can choose is
//! rendered here, escaped and bounded, into one field of the access log for each format; the format adds what Envoy
//! alone knows (times, the code). `docs/access-log.md` describes the lines.
//!
//! | module | its field |
//! |---|---|
//! | [`kube_oidc_proxy`] | kube-oidc-proxy's line, after its timestamp |
//! | [`audit`] | the members of an `audit.k8s.io/v1` Event |
//! | [`fields`] | single values, for JSON formats of Envoy's |
//! | [`request_info`] | (verb and object of a request, for the above) |

pub mod audit;
pub mod fields;
pub mod kube_oidc_proxy;
mod label_selector;
pub mod request_info;
mod text;

use std::net::IpAddr;

/// A request and what became of it, as far as the filter knows.
#[derive(Clone, Copy, Debug)]
pub struct RequestRecord<'a> {
    /// Whether it went on.
    pub outcome: Outcome<'a>,
    /// `:method`, as sent.
    pub method: &'a [u8],
    /// `:path`, as sent: path and query.
    pub path: &'a [u8],
    /// Who authenticated; with a refusal often nobody.
    pub user: Option<User<'a>>,
    /// Whom the user acts as by `kubectl --as`, if that was allowed. Never the gateway's own account.
    pub impersonated: Option<User<'a>>,
    /// The client's address by Envoy's trusted-hop computation: the property `source.address`.
    pub source: Option<IpAddr>,
    /// Who opened the connection, if Envoy was told to tell (`envoy/access-log/peer.yaml`).
    pub peer: Option<IpAddr>,
    /// `user-agent`, as sent; empty when there is none.
    pub user_agent: &'a [u8],
    /// `x-request-id`, as it is once Envoy has seen to it.
    pub audit_id: &'a [u8],
}

/// What the filter made of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome<'a> {
    /// It went on.
    Forwarded,
    /// It was answered here.
    Refused {
        /// The reason, as metrics name it.
        reason: &'a str,
    },
}

/// A user, as Kubernetes sees one.
#[derive(Clone, Copy, Debug)]
pub struct User<'a> {
    /// The name.
    pub name: &'a str,
    /// The uid; empty when there is none.
    pub uid: &'a str,
    /// The groups, in order.
    pub groups: &'a [String],
    /// Keys and their values, in order.
    pub extra: &'a [(String, Vec<String>)],
}

impl RequestRecord<'_> {
    /// The addresses from the client inwards, none twice.
    fn sources(&self) -> impl Iterator<Item = IpAddr> {
        let peer = self.peer.filter(|peer| Some(*peer) != self.source);
        self.source.into_iter().chain(peer)
    }
}
