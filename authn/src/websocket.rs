//! The bearer token that a WebSocket client sends as a subprotocol, since browsers let it set no header
//! (k8s.io/apiserver `websocket.ProtocolAuthenticator`); and the key of a handshake that has none.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::base64url;
use crate::token::{BearerToken, TokenError};

/// The header that lists subprotocols (RFC 6455 11.3.4).
pub(crate) const PROTOCOL: &str = "sec-websocket-protocol";
/// The header of the handshake that its answer proves to have read (RFC 6455 11.3.1).
pub const KEY: &str = "sec-websocket-key";
/// What the subprotocol that carries a token begins with.
const BEARER_PREFIX: &[u8] = b"base64url.bearer.authorization.k8s.io.";

/// A value of [`KEY`].
#[must_use]
pub fn key(random: [u8; 16]) -> String {
    STANDARD.encode(random)
}

/// The subprotocols of a request, those with a token apart from the others.
pub(crate) struct Subprotocols<'a> {
    bearer: Vec<&'a [u8]>,
    others: Vec<&'a [u8]>,
}

/// Why the subprotocols carry no token that can be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SubprotocolError {
    /// Two tokens, bad base64url, no other subprotocol to answer with, or text that no token has.
    Unusable,
    /// The token is too long.
    TooLong,
}

impl<'a> Subprotocols<'a> {
    pub(crate) fn read(lines: impl Iterator<Item = &'a [u8]>) -> Self {
        // Anywhere in it, also in quotes: whatever looks like a token must not go on.
        let is_bearer = |protocol: &&[u8]| {
            protocol.windows(BEARER_PREFIX.len()).any(|part| part.eq_ignore_ascii_case(BEARER_PREFIX))
        };
        let (bearer, others) = lines
            .flat_map(|line| line.split(|byte| *byte == b','))
            .map(<[u8]>::trim_ascii)
            .filter(|protocol| !protocol.is_empty())
            .partition(is_bearer);
        Self { bearer, others }
    }

    /// The token, if a subprotocol carries one.
    pub(crate) fn bearer(&self) -> Result<Option<BearerToken<'static>>, SubprotocolError> {
        let [protocol] = self.bearer.as_slice() else {
            return if self.bearer.is_empty() { Ok(None) } else { Err(SubprotocolError::Unusable) };
        };
        let encoded = protocol.strip_prefix(BEARER_PREFIX).ok_or(SubprotocolError::Unusable)?;
        let token = base64url::decode(encoded).map_err(|_| SubprotocolError::Unusable)?;
        if self.others.is_empty() {
            return Err(SubprotocolError::Unusable);
        }
        match BearerToken::parse_owned(token) {
            Ok(token) => Ok(Some(token)),
            Err(TokenError::TooLong) => Err(SubprotocolError::TooLong),
            Err(_) => Err(SubprotocolError::Unusable),
        }
    }

    /// The header without tokens: `None` when it had none, `Some(None)` when nothing remains.
    pub(crate) fn without_bearer(&self) -> Option<Option<Vec<u8>>> {
        if self.bearer.is_empty() {
            return None;
        }
        Some(if self.others.is_empty() { None } else { Some(self.others.join(&b", "[..])) })
    }
}
