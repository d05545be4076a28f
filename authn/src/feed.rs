//! The messages of the feed between sidecar and filter, and their wire form.
//!
//! gRPC service `kubeoidcfilter.v1.Feed`; see `proto/feed.proto` for what each field means.

use std::fmt;

use crate::impersonation_request::{Attribute, ImpersonationRequest};
use crate::snapshot::Generation;
use crate::user::UserInfo;

/// Full name of the gRPC service.
pub const SERVICE: &str = "kubeoidcfilter.v1.Feed";
/// Name of the long-poll method.
pub const GET_SNAPSHOT: &str = "GetSnapshot";
/// Name of the method that asks for an issuer's keys again.
pub const REFRESH_KEYS: &str = "RefreshKeys";
/// Name of the method that asks for a claim that does not stand in the token itself.
pub const RESOLVE_CLAIMS: &str = "ResolveClaims";
/// Name of the method that asks whether somebody may act as somebody else.
pub const REVIEW_IMPERSONATION: &str = "ReviewImpersonation";
/// Name of the method that asks whose token this is.
pub const REVIEW_TOKEN: &str = "ReviewToken";

/// A message of the feed.
pub trait FeedMessage: Sized {
    /// Reads the wire form.
    ///
    /// # Errors
    /// [`FeedError`] when the bytes are no message of this type.
    fn decode(encoded: &[u8]) -> Result<Self, FeedError>;

    /// The wire form.
    fn encode(&self) -> Vec<u8>;
}

/// The bytes are no message of the expected type.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not an encoded message of the feed")]
pub struct FeedError;

/// "Give me a snapshot newer than this."
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GetSnapshotRequest {
    /// What the caller has.
    pub since: Option<Generation>,
}

/// The answer to [`GetSnapshotRequest`].
#[derive(Clone, PartialEq, Eq)]
pub struct GetSnapshotResponse {
    /// An encoded [`Snapshot`](crate::snapshot::Snapshot); `None` when there is nothing newer.
    pub snapshot: Option<Vec<u8>>,
}

/// "A token of `issuer` names the key `kid`, which I don't have."
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefreshKeysRequest {
    /// `issuer.url`.
    pub issuer: String,
    /// The `kid` of the token.
    pub kid: String,
    /// What the caller has.
    pub since: Option<Generation>,
}

/// The answer to [`RefreshKeysRequest`].
#[derive(Clone, PartialEq, Eq)]
pub struct RefreshKeysResponse {
    /// What came of it.
    pub outcome: RefreshOutcome,
    /// An encoded [`Snapshot`](crate::snapshot::Snapshot) newer than `since`, if there is one.
    pub snapshot: Option<Vec<u8>>,
}

/// What came of asking for an issuer's keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RefreshOutcome {
    /// The issuer was asked; whether it has the key is for the snapshot to say.
    Fetched,
    /// The issuer could not be asked, or its answer was unusable.
    Failed,
    /// No such issuer is configured.
    UnknownIssuer,
}

/// "What is this claim, which stands elsewhere?" (OpenID Connect Core 5.6.2). The token that says where is verified.
#[derive(Clone, PartialEq, Eq)]
pub struct ResolveClaimsRequest {
    /// `issuer.url` of the token.
    pub issuer: String,
    /// Name of the claim.
    pub claim: String,
    /// Where it stands.
    pub endpoint: String,
    /// What to show there; empty: nothing.
    pub access_token: String,
    /// `sub` of the token, by which it is bounded how much is asked at a time; may be empty.
    pub subject: String,
}

/// The answer to [`ResolveClaimsRequest`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ResolveClaimsResponse {
    /// Too many questions are open, of this user or in all.
    Busy,
    /// The endpoint, or the issuer of its answer, could not be asked.
    Failed,
    /// The endpoint may not be asked, or its answer is not good.
    Refused,
    /// It was fetched and verified.
    Resolved {
        /// Its value, as JSON.
        value: String,
        /// For how many seconds this may be relied on, from now.
        good_for: u32,
    },
}

/// "May this user act as that one?"
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReviewImpersonationRequest {
    /// Who asks, as the API server would know them.
    pub requester: UserInfo,
    /// What they ask to be.
    pub target: ImpersonationRequest,
}

/// The answer to [`ReviewImpersonationRequest`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReviewImpersonationResponse {
    /// They may.
    Allowed {
        /// For how many seconds this may be relied on, from now.
        good_for: u32,
    },
    /// Too many questions are open, of this user or in all.
    Busy,
    /// They may not, because of this.
    Denied(Attribute),
    /// The API server could not be asked.
    Failed,
}

/// "Whose token is this?"
#[derive(Clone, PartialEq, Eq)]
pub struct ReviewTokenRequest {
    /// The token as the client sent it.
    pub token: String,
    /// Ask the API server itself, which then must find one of these audiences in it (none: its own).
    pub pass_through: Option<Vec<String>>,
    /// Ask the token webhook, after the API server.
    pub webhook: bool,
}

/// The answer to [`ReviewTokenRequest`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReviewTokenResponse {
    /// Too many questions are open.
    Busy,
    /// Somebody could not be asked, and nobody else knows the token.
    Failed,
    /// The API server accepts this token.
    PassThrough {
        /// Whose it is.
        user: UserInfo,
        /// For how many seconds this may be relied on, from now.
        good_for: u32,
    },
    /// Nobody who was asked knows it.
    Unknown,
    /// The token webhook knows its user.
    Webhook {
        /// Whose it is.
        user: UserInfo,
        /// For how many seconds this may be relied on, from now.
        good_for: u32,
    },
}

impl fmt::Debug for ResolveClaimsRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // An endpoint's URL may be as secret as the access token.
        let Self { issuer, claim, endpoint: _, access_token: _, subject: _ } = self;
        f.debug_struct("ResolveClaimsRequest")
            .field("issuer", issuer)
            .field("claim", claim)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for ReviewTokenRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { token, pass_through, webhook } = self;
        f.debug_struct("ReviewTokenRequest")
            .field("length", &token.len())
            .field("pass_through", pass_through)
            .field("webhook", webhook)
            .finish_non_exhaustive()
    }
}
