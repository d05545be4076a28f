//! The one credential of a request.

use crate::token::{BearerToken, TokenError};
use crate::websocket::{SubprotocolError, Subprotocols};

/// Why a request has no credential to look at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, strum::VariantArray, thiserror::Error)]
pub enum CredentialError {
    /// A bearer token in the WebSocket subprotocol and one in `authorization`.
    #[error("a token in `authorization` and one in the WebSocket subprotocol")]
    BothKinds,
    /// No credential, or one of another scheme.
    #[error("no bearer token")]
    Missing,
    /// Not exactly one token in `authorization`.
    #[error("`authorization` is not exactly one bearer token")]
    NotOneToken,
    /// Longer than [`MAX_TOKEN`](crate::token::MAX_TOKEN).
    #[error("a token over 16 KiB")]
    TooLong,
    /// What kube-apiserver refuses of a bearer subprotocol.
    #[error("a bearer subprotocol that kube-apiserver refuses")]
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

/// The lines of `authorization`, as far as read.
pub(super) enum Authorization<'a> {
    Missing,
    One(Result<Option<BearerToken<'a>>, CredentialError>),
    Several,
}

impl<'a> Authorization<'a> {
    /// Reads a line. Returns whether it is a bearer token.
    pub(super) fn add(&mut self, value: &'a [u8]) -> bool {
        let token = bearer_token(value);
        let is_bearer = matches!(token, Ok(Some(_)));
        *self = if matches!(self, Self::Missing) { Self::One(token) } else { Self::Several };
        is_bearer
    }

    /// The one credential. A bearer subprotocol counts on WebSocket requests alone, as in kube-apiserver.
    pub(super) fn credential(
        self,
        subprotocols: Option<&Subprotocols<'a>>,
    ) -> Result<BearerToken<'a>, CredentialError> {
        let header = match self {
            Self::Missing => None,
            Self::One(token) => token?,
            Self::Several => return Err(CredentialError::NotOneToken),
        };
        let subprotocol = match subprotocols.map_or(Ok(None), Subprotocols::bearer) {
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
