//! The messages of the feed between sidecar and filter, and their wire form.
//!
//! gRPC service `kubeoidcfilter.v1.Feed`; see `proto/feed.proto` for what each field means.

use crate::snapshot::Generation;

/// Full name of the gRPC service.
pub const SERVICE: &str = "kubeoidcfilter.v1.Feed";
/// Name of the long-poll method.
pub const GET_SNAPSHOT: &str = "GetSnapshot";
/// Name of the method that asks for an issuer's keys again.
pub const REFRESH_KEYS: &str = "RefreshKeys";

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
