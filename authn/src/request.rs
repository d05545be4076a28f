//! What a request brings: its credential, what must not go on, and whether its form can be passed on at all.
//!
//! Names are compared folded: lower case, with `_` and `.` taken for `-`, because servers behind gateways have taken
//! them for the same (oauth2-proxy CVE-2025-64484). Nothing that a client sent under a name that could mean identity
//! goes on.

mod credential;

use smallvec::SmallVec;

use crate::impersonation_request::{self, ImpersonationRequest, ImpersonationRequestError};
use crate::token::BearerToken;
use crate::websocket::{self, Subprotocols};

use credential::Authorization;

pub use credential::CredentialError;

/// Header names that mean identity to kube-apiserver or to a front proxy begin so, folded.
const IMPERSONATE: &str = "impersonate-";
const REMOTE: &str = "x-remote-";
const AUTHORIZATION: &str = "authorization";
const CONNECTION: &str = "connection";
const METHOD: &str = ":method";
const PATH: &str = ":path";
const UPGRADE: &str = "upgrade";
/// A credential too, if one for somebody else: it is no business of the API server's.
const PROXY_AUTHORIZATION: &str = "proxy-authorization";

/// Changes of an ordinary request, which take no memory of their own: credential, `connection`, and `kubectl --as` with
/// two groups.
const USUAL: usize = 5;

/// One header line as the gateway received it, its name in lower case.
pub type HeaderLine<'a> = (&'a str, &'a [u8]);

/// A request's headers, read once.
#[derive(Debug)]
pub struct Request<'a> {
    credential: Result<BearerToken<'a>, CredentialError>,
    form: Result<(), RequestError>,
    /// The value of `:path`.
    target: &'a [u8],
    /// Lines that mean impersonation, or that something behind the gateway could take for it.
    impersonation: SmallVec<[HeaderLine<'a>; USUAL]>,
    edits: Edits<'a>,
    lacks_websocket_key: bool,
}

type Edits<'a> = SmallVec<[(Trace, Edit<'a>); USUAL]>;

/// A change to the request's headers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Edit<'a> {
    /// Take away every line of this name.
    Remove(&'a str),
    /// Replace every line of this name by one.
    Set(&'static str, Vec<u8>),
}

/// What an edit takes away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Trace {
    /// The client's own credential for the API server.
    Credential,
    /// A header of kube-apiserver's impersonation, under its own name.
    Impersonation,
    /// Something that goes on in no case.
    Other,
}

/// What of a client's headers may go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keep {
    /// Nothing that could mean identity.
    Nothing,
    /// Its own credential.
    Credential,
    /// Its own credential, and what it asks to act as: the API server judges both.
    CredentialAndImpersonation,
    /// What it asks to act as.
    Impersonation,
}

/// Why a request can't be passed on, whoever sent it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, strum::VariantArray, thiserror::Error)]
pub enum RequestError {
    /// Method CONNECT.
    #[error("the method CONNECT")]
    Connect,
    /// An upgrade whose `connection` names other headers. A proxy behind this one would drop them, ours with them, and
    /// keep the ServiceAccount token (the class of CVE-2021-31999).
    #[error("an upgrade whose `connection` names other headers")]
    NominatedHeaders,
}

impl RequestError {
    /// The name of the variant, for logs and metrics.
    #[must_use]
    pub const fn reason(&self) -> &'static str {
        match self {
            Self::Connect => "connect",
            Self::NominatedHeaders => "nominated_headers",
        }
    }

    pub(crate) const fn message(self) -> &'static str {
        match self {
            Self::Connect => "the method CONNECT is not served",
            Self::NominatedHeaders => "an upgrade's Connection header may name nothing but the upgrade",
        }
    }
}

impl<'a> Request<'a> {
    /// Reads the headers of a request.
    #[must_use]
    pub fn read(lines: &[HeaderLine<'a>]) -> Self {
        let mut edits = Edits::new();
        let mut authorization = Authorization::Missing;
        let (mut is_connect, mut upgrade, mut target) = (false, None, &b""[..]);
        let (mut has_connection, mut has_protocols, mut has_websocket_key) = (false, false, false);
        let mut impersonation = SmallVec::new();
        for &(name, value) in lines {
            match Name::of(name) {
                Name::Plain => {}
                Name::Method => is_connect = value.eq_ignore_ascii_case(b"CONNECT"),
                Name::Path => target = value,
                Name::Upgrade => upgrade = Some(value),
                Name::Connection => has_connection = true,
                Name::WebSocketProtocol => has_protocols = true,
                Name::WebSocketKey => has_websocket_key = true,
                Name::Authorization => {
                    // Of another scheme, nobody has looked at it; a subprotocol may be the credential instead.
                    let is_bearer = authorization.add(value);
                    note(&mut edits, if is_bearer { Trace::Credential } else { Trace::Other }, name);
                }
                Name::Impersonation => {
                    impersonation.push((name, value));
                    let is_known = impersonation_request::is_known_header(name);
                    note(&mut edits, if is_known { Trace::Impersonation } else { Trace::Other }, name);
                }
                Name::Stripped => note(&mut edits, Trace::Other, name),
            }
        }
        let values =
            |wanted| lines.iter().filter(move |(name, _)| Name::of(name) == wanted).map(|(_, value)| *value);
        let is_websocket =
            upgrade.is_some_and(|protocol| protocol.trim_ascii().eq_ignore_ascii_case(b"websocket"));
        let subprotocols = has_protocols.then(|| Subprotocols::read(values(Name::WebSocketProtocol)));
        // Elsewhere nobody has looked at that token.
        let trace = if is_websocket { Trace::Credential } else { Trace::Other };
        match subprotocols.as_ref().and_then(Subprotocols::without_bearer) {
            None => {}
            Some(None) => edits.push((trace, Edit::Remove(websocket::PROTOCOL))),
            Some(Some(rest)) => edits.push((trace, Edit::Set(websocket::PROTOCOL, rest))),
        }
        if upgrade.is_some() {
            edits.push((Trace::Other, Edit::Set(CONNECTION, b"Upgrade".to_vec())));
        } else if has_connection {
            edits.push((Trace::Other, Edit::Remove(CONNECTION)));
        }
        let form = if is_connect {
            Err(RequestError::Connect)
        } else if upgrade.is_some() && !values(Name::Connection).all(nominates_nothing_else) {
            Err(RequestError::NominatedHeaders)
        } else {
            Ok(())
        };
        let credential = authorization.credential(subprotocols.as_ref().filter(|_| is_websocket));
        let lacks_websocket_key = is_websocket && !has_websocket_key;
        Self { credential, form, target, impersonation, edits, lacks_websocket_key }
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

    /// The value of `:path`: path and query as the client sent them.
    #[must_use]
    pub const fn target(&self) -> &'a [u8] {
        self.target
    }

    /// Whom the client asks to act as, if anybody.
    ///
    /// # Errors
    /// [`ImpersonationRequestError`] when that can't be followed.
    pub fn impersonation(&self) -> Result<Option<ImpersonationRequest>, ImpersonationRequestError> {
        ImpersonationRequest::read(self.impersonation.iter().copied())
    }

    /// The lines that [`impersonation`](Self::impersonation) reads.
    pub(crate) fn impersonation_lines(&self) -> &[HeaderLine<'a>] {
        &self.impersonation
    }

    /// Whether it is a WebSocket without `sec-websocket-key`, and must get [one](crate::websocket::key): over HTTP/2
    /// there is none (RFC 8441 5), and an HTTP/1.1 server insists on it.
    #[must_use]
    pub const fn lacks_websocket_key(&self) -> bool {
        self.lacks_websocket_key
    }

    /// What must be changed before anything goes on: every trace of identity and credential that is not kept, and
    /// `connection`.
    pub fn edits(&self, keep: Keep) -> impl Iterator<Item = &Edit<'a>> {
        self.edits.iter().filter_map(move |(trace, edit)| {
            let is_kept = match trace {
                Trace::Credential => matches!(keep, Keep::Credential | Keep::CredentialAndImpersonation),
                Trace::Impersonation => {
                    matches!(keep, Keep::Impersonation | Keep::CredentialAndImpersonation)
                }
                Trace::Other => false,
            };
            (!is_kept).then_some(edit)
        })
    }
}

/// Removing a name removes all of its lines. Of lines that follow each other one edit is enough; a name that comes
/// back later gets another one, which costs its sender less than a search would cost us.
fn note<'a>(edits: &mut Edits<'a>, trace: Trace, name: &'a str) {
    let edit = (trace, Edit::Remove(name));
    if edits.last() != Some(&edit) {
        edits.push(edit);
    }
}

/// What the name of a header makes of it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Name {
    Authorization,
    Connection,
    /// Of kube-apiserver's impersonation, or what could be taken for it.
    Impersonation,
    Method,
    Path,
    /// Nothing that is looked at.
    Plain,
    /// Nothing that goes on.
    Stripped,
    Upgrade,
    WebSocketKey,
    WebSocketProtocol,
}

impl Name {
    /// Envoy gives names in lower case; should a host not, nothing slips by on that account. None of the names that
    /// matter begins with what is folded, so the first letter says which of them it could be.
    fn of(name: &str) -> Self {
        let is = |known: &str| name.eq_ignore_ascii_case(known);
        match name.as_bytes().first().map(u8::to_ascii_lowercase) {
            Some(b':') if is(METHOD) => Self::Method,
            Some(b':') if is(PATH) => Self::Path,
            Some(b'a') if is(AUTHORIZATION) => Self::Authorization,
            Some(b'c') if is(CONNECTION) => Self::Connection,
            Some(b'i') if begins(name, IMPERSONATE) => Self::Impersonation,
            Some(b'p') if name.len() == PROXY_AUTHORIZATION.len() && begins(name, PROXY_AUTHORIZATION) => {
                Self::Stripped
            }
            Some(b's') if is(websocket::PROTOCOL) => Self::WebSocketProtocol,
            Some(b's') if is(websocket::KEY) => Self::WebSocketKey,
            Some(b'u') if is(UPGRADE) => Self::Upgrade,
            Some(b'x') if begins(name, REMOTE) => Self::Stripped,
            _ => Self::Plain,
        }
    }
}

/// Whether a header or trailer of this name must not go on.
#[must_use]
pub fn is_stripped(name: &str) -> bool {
    matches!(Name::of(name), Name::Authorization | Name::Impersonation | Name::Stripped)
}

/// Whether `name` begins with `prefix` once it is folded.
fn begins(name: &str, prefix: &str) -> bool {
    let fold = |byte: u8| match byte {
        b'_' | b'.' => b'-',
        other => other.to_ascii_lowercase(),
    };
    name.len() >= prefix.len() && name.bytes().zip(prefix.bytes()).all(|(byte, known)| fold(byte) == known)
}

fn nominates_nothing_else(connection: &[u8]) -> bool {
    connection.split(|byte| *byte == b',').map(<[u8]>::trim_ascii).all(|option| {
        option.is_empty()
            || [&b"upgrade"[..], b"keep-alive", b"close"]
                .iter()
                .any(|known| option.eq_ignore_ascii_case(known))
    })
}
