//! What a request brings: its credential, what must not go on, and whether its form can be passed on at all.
//!
//! Names are compared folded: lower case, with `_` and `.` taken for `-`, because servers behind gateways have taken
//! them for the same (oauth2-proxy CVE-2025-64484). Nothing that a client sent under a name that could mean identity
//! goes on.

use std::collections::BTreeSet;

use crate::token::{BearerToken, TokenError};
use crate::websocket::{self, SubprotocolError};

/// Header names that mean identity to kube-apiserver or to a front proxy begin so, folded.
const IDENTITY_PREFIXES: [&str; 2] = [IMPERSONATE, "x-remote-"];
const IMPERSONATE: &str = "impersonate-";
const AUTHORIZATION: &str = "authorization";
const CONNECTION: &str = "connection";
const METHOD: &str = ":method";
const UPGRADE: &str = "upgrade";
/// A credential too, if one for somebody else: it is no business of the API server's.
const PROXY_AUTHORIZATION: &str = "proxy-authorization";
/// The names that are looked at themselves.
const KNOWN: [&str; 5] = [METHOD, AUTHORIZATION, CONNECTION, UPGRADE, websocket::PROTOCOL];

/// One header line as the gateway received it, its name in lower case.
pub type HeaderLine<'a> = (&'a str, &'a [u8]);

/// A request's headers, read once.
#[derive(Debug)]
pub struct Request<'a> {
    credential: Result<BearerToken<'a>, CredentialError>,
    form: Result<(), RequestError>,
    impersonation: Impersonation,
    edits: Vec<Edit<'a>>,
}

/// A change to the request's headers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Edit<'a> {
    /// Take away every line of this name.
    Remove(&'a str),
    /// Replace every line of this name by one.
    Set(&'static str, Vec<u8>),
}

/// Whether a client asks to act as somebody else (`kubectl --as`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Impersonation {
    /// No `impersonate-*` header.
    None,
    /// One `impersonate-user`, with whatever goes with it.
    Requested,
    /// Something that kube-apiserver would answer with 400, or does not know.
    Malformed,
}

/// Why a request has no credential to look at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CredentialError {
    /// A bearer token in the WebSocket subprotocol and one in `authorization`.
    #[error("two credentials of different kinds")]
    BothKinds,
    /// No credential, or one of another scheme.
    #[error("no bearer token")]
    Missing,
    /// Not exactly one token in `authorization`.
    #[error("authorization is not one bearer token")]
    NotOneToken,
    /// Longer than [`MAX_TOKEN`](crate::token::MAX_TOKEN).
    #[error("the token is too long")]
    TooLong,
    /// What kube-apiserver refuses of a bearer subprotocol.
    #[error("unusable bearer subprotocol")]
    WebSocket,
}

impl CredentialError {
    /// The name of the variant, for logs and metrics.
    #[must_use]
    pub const fn reason(&self) -> &'static str {
        match self {
            Self::BothKinds => "two_credentials",
            Self::Missing => "no_credential",
            Self::NotOneToken => "not_one_token",
            Self::TooLong => "token_too_long",
            Self::WebSocket => "websocket_credential",
        }
    }

    pub(crate) const fn message(self) -> &'static str {
        match self {
            Self::Missing => "Unauthorized: no bearer token in the request",
            Self::TooLong => "the token is too long",
            Self::BothKinds | Self::NotOneToken | Self::WebSocket => {
                "Unauthorized: the request must carry exactly one bearer token"
            }
        }
    }
}

/// Why a request can't be passed on, whoever sent it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RequestError {
    /// Method CONNECT.
    #[error("CONNECT")]
    Connect,
    /// `impersonate-*` in a form that kube-apiserver refuses.
    #[error("malformed impersonation headers")]
    Impersonation,
    /// An upgrade whose `connection` names other headers. A proxy behind this one would drop them, ours with them, and
    /// keep the ServiceAccount token (the class of CVE-2021-31999).
    #[error("the connection header of an upgrade names other headers")]
    NominatedHeaders,
}

impl RequestError {
    /// The name of the variant, for logs and metrics.
    #[must_use]
    pub const fn reason(&self) -> &'static str {
        match self {
            Self::Connect => "connect",
            Self::Impersonation => "malformed_impersonation",
            Self::NominatedHeaders => "nominated_headers",
        }
    }

    pub(crate) const fn message(self) -> &'static str {
        match self {
            Self::Connect => "the method CONNECT is not served",
            Self::Impersonation => {
                "Impersonate-User must stand exactly once beside other Impersonate-* headers, all of a known kind"
            }
            Self::NominatedHeaders => "an upgrade's Connection header may name nothing but the upgrade",
        }
    }
}

impl<'a> Request<'a> {
    /// Reads the headers of a request.
    #[must_use]
    pub fn read(lines: &[HeaderLine<'a>]) -> Self {
        let mut remove = BTreeSet::new();
        let (mut authorization, mut protocols, mut nominated) = (Vec::new(), Vec::new(), Vec::new());
        let (mut is_connect, mut upgrade) = (false, None);
        let mut asked = AskedImpersonation::default();
        for &(name, value) in lines {
            // Envoy gives names in lower case; should a host not, nothing slips by on that account.
            let known = KNOWN.iter().find(|known| name.eq_ignore_ascii_case(known)).copied();
            match known.unwrap_or(name) {
                METHOD => is_connect = value.eq_ignore_ascii_case(b"CONNECT"),
                UPGRADE => upgrade = Some(value),
                CONNECTION => nominated.push(value),
                websocket::PROTOCOL => protocols.push(value),
                AUTHORIZATION => {
                    authorization.push(value);
                    remove.insert(name);
                }
                _ if is_stripped(name) => {
                    asked.note(name);
                    remove.insert(name);
                }
                _ => {}
            }
        }
        let is_websocket =
            upgrade.is_some_and(|protocol| protocol.trim_ascii().eq_ignore_ascii_case(b"websocket"));
        let subprotocols = websocket::Subprotocols::read(&protocols);
        let mut edits: Vec<_> = remove.into_iter().map(Edit::Remove).collect();
        match subprotocols.without_bearer() {
            None => {}
            Some(None) => edits.push(Edit::Remove(websocket::PROTOCOL)),
            Some(Some(rest)) => edits.push(Edit::Set(websocket::PROTOCOL, rest)),
        }
        if upgrade.is_some() {
            edits.push(Edit::Set(CONNECTION, b"Upgrade".to_vec()));
        } else if !nominated.is_empty() {
            edits.push(Edit::Remove(CONNECTION));
        }
        let form = if is_connect {
            Err(RequestError::Connect)
        } else if upgrade.is_some() && !nominated.iter().all(|value| nominates_nothing_else(value)) {
            Err(RequestError::NominatedHeaders)
        } else {
            Ok(())
        };
        let credential = credential(&authorization, is_websocket.then_some(&subprotocols));
        Self { credential, form, impersonation: asked.verdict(), edits }
    }

    /// The credential, or why there is none.
    ///
    /// # Errors
    /// [`CredentialError`], also for a text that no token has.
    pub fn credential(&self) -> Result<&BearerToken<'a>, CredentialError> {
        self.credential.as_ref().map_err(|error| *error)
    }

    /// Whether the request can be passed on, whoever sent it.
    ///
    /// # Errors
    /// [`RequestError`] says why not.
    pub const fn form(&self) -> Result<(), RequestError> {
        self.form
    }

    /// Whether the client asks to act as somebody else.
    #[must_use]
    pub const fn impersonation(&self) -> Impersonation {
        self.impersonation
    }

    /// What must be changed before anything goes on: every trace of identity and credential, and `connection`.
    #[must_use]
    pub fn edits(&self) -> &[Edit<'a>] {
        &self.edits
    }
}

/// Whether a header or trailer of this name must not go on.
#[must_use]
pub fn is_stripped(name: &str) -> bool {
    name.eq_ignore_ascii_case(AUTHORIZATION)
        || name.eq_ignore_ascii_case(PROXY_AUTHORIZATION)
        || is_identity(name)
}

fn is_identity(name: &str) -> bool {
    IDENTITY_PREFIXES.iter().any(|prefix| folded(name).take(prefix.len()).eq(prefix.bytes()))
}

fn folded(name: &str) -> impl Iterator<Item = u8> {
    name.bytes().map(|byte| match byte {
        b'_' | b'.' => b'-',
        other => other.to_ascii_lowercase(),
    })
}

fn nominates_nothing_else(connection: &[u8]) -> bool {
    connection.split(|byte| *byte == b',').map(<[u8]>::trim_ascii).all(|option| {
        option.is_empty()
            || [&b"upgrade"[..], b"keep-alive", b"close"]
                .iter()
                .any(|known| option.eq_ignore_ascii_case(known))
    })
}

#[derive(Default)]
struct AskedImpersonation {
    users: usize,
    others: usize,
    unknown: usize,
}

impl AskedImpersonation {
    fn note(&mut self, name: &str) {
        let lower = name.to_ascii_lowercase();
        let count = match lower.as_str() {
            "impersonate-user" => &mut self.users,
            "impersonate-uid" | "impersonate-group" => &mut self.others,
            lower if lower.starts_with("impersonate-extra-") => &mut self.others,
            _ if !folded(name).take(IMPERSONATE.len()).eq(IMPERSONATE.bytes()) => return,
            _ => &mut self.unknown,
        };
        *count = count.saturating_add(1);
    }

    const fn verdict(&self) -> Impersonation {
        match self {
            Self { users: 0, others: 0, unknown: 0 } => Impersonation::None,
            Self { users: 1, unknown: 0, .. } => Impersonation::Requested,
            _ => Impersonation::Malformed,
        }
    }
}

/// The one credential. A bearer subprotocol counts on WebSocket requests alone, as in kube-apiserver.
fn credential<'a>(
    authorization: &[&'a [u8]],
    subprotocols: Option<&websocket::Subprotocols<'a>>,
) -> Result<BearerToken<'a>, CredentialError> {
    let header = match authorization {
        [] => None,
        [value] => bearer_token(value)?,
        _ => return Err(CredentialError::NotOneToken),
    };
    let subprotocol = match subprotocols.map_or(Ok(None), websocket::Subprotocols::bearer) {
        Ok(token) => token,
        Err(SubprotocolError::TooLong) => return Err(CredentialError::TooLong),
        Err(SubprotocolError::Unusable) => return Err(CredentialError::WebSocket),
    };
    match (header, subprotocol) {
        (None, None) => Err(CredentialError::Missing),
        (Some(token), None) | (None, Some(token)) => Ok(token),
        (Some(_), Some(_)) => Err(CredentialError::BothKinds),
    }
}

/// `Bearer <token>`: `None` for another scheme, as in kube-apiserver, an error for anything else than one token.
fn bearer_token(value: &[u8]) -> Result<Option<BearerToken<'_>>, CredentialError> {
    let value = value.trim_ascii();
    let mut words = value.splitn(2, |byte| *byte == b' ');
    if !words.next().is_some_and(|scheme| scheme.eq_ignore_ascii_case(b"bearer")) {
        return Ok(None);
    }
    let Some(token) = words.next() else { return Ok(None) };
    match BearerToken::parse(token) {
        Ok(token) => Ok(Some(token)),
        Err(TokenError::TooLong) => Err(CredentialError::TooLong),
        Err(_) => Err(CredentialError::NotOneToken),
    }
}
