//! The snapshot: everything that a decision needs, whole and versioned.

use std::fmt;

use crate::anonymous::Anonymous;
use crate::issuer::{IdentityGuard, Issuer};
use crate::time::UnixSeconds;
use crate::wire;

/// Largest encoded snapshot that is read, in bytes: the limit that the filter asks Envoy to put on a message.
pub const MAX_ENCODED: usize = 1_048_642;

/// Orders snapshots. A later one replaces an earlier one whole; an earlier one is never taken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Generation {
    /// Names one run of the sidecar.
    pub epoch: u64,
    /// Rises whenever the content changes.
    pub counter: u64,
}

impl Generation {
    /// The generation after this one.
    #[must_use]
    pub const fn next(self) -> Self {
        match self.counter.checked_add(1) {
            Some(counter) => Self { epoch: self.epoch, counter },
            None => Self { epoch: self.epoch.saturating_add(1), counter: 0 },
        }
    }
}

/// Everything that a decision needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snapshot {
    /// Which of two snapshots is the later one.
    pub generation: Generation,
    /// The trusted issuers, each URL once, in the order of the configuration.
    pub issuers: Vec<Issuer>,
    /// What the request goes on with; `None` as long as the sidecar has none.
    pub upstream_credential: Option<UpstreamCredential>,
    /// Who may come without a credential; `None`: nobody.
    pub anonymous: Option<Anonymous>,
    /// What the token webhook may hand out; `None` when there is no webhook.
    pub token_webhook: Option<IdentityGuard>,
}

/// The ServiceAccount token under which authenticated requests go on.
#[derive(Clone, PartialEq, Eq)]
pub struct UpstreamCredential {
    token: String,
    not_after: Option<UnixSeconds>,
}

impl UpstreamCredential {
    /// Takes a token; `not_after` is the second from which it must not be used any more, if it names one.
    ///
    /// # Errors
    /// [`SnapshotError::CredentialNotHeaderSafe`] when the token is empty or has a byte that is not a visible
    /// ASCII character: a header could not carry it.
    pub fn new(token: String, not_after: Option<UnixSeconds>) -> Result<Self, SnapshotError> {
        if token.is_empty() || !token.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(SnapshotError::CredentialNotHeaderSafe);
        }
        Ok(Self { token, not_after })
    }

    /// The token itself. It may go into the upstream's `authorization` header and nowhere else.
    #[must_use]
    pub fn token(&self) -> &str {
        &self.token
    }

    /// The second from which the token must not be used.
    #[must_use]
    pub const fn not_after(&self) -> Option<UnixSeconds> {
        self.not_after
    }

    /// Whether the token may be used at `now`.
    #[must_use]
    pub fn is_valid_at(&self, now: UnixSeconds) -> bool {
        self.not_after.is_none_or(|end| now < end)
    }
}

impl fmt::Debug for UpstreamCredential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UpstreamCredential").field("not_after", &self.not_after).finish_non_exhaustive()
    }
}

/// Why an encoded snapshot was refused. The last good one stays in force.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SnapshotError {
    /// An algorithm number that this version does not know.
    #[error("a key or issuer names an unknown algorithm")]
    Algorithm,
    /// The upstream credential is no header value.
    #[error("the upstream credential can't be carried in a header")]
    CredentialNotHeaderSafe,
    /// An issuer stands twice.
    #[error("two issuers have the same URL")]
    DuplicateIssuer,
    /// The bytes are no protobuf message of this shape.
    #[error("not an encoded snapshot")]
    Encoding,
    /// The snapshot needs rules that this version does not know.
    #[error("the snapshot needs a feature that this version does not have")]
    Feature,
    /// An issuer lacks a URL, an audience or the user name's claim.
    #[error("an issuer is incomplete")]
    IncompleteIssuer,
    /// No generation.
    #[error("the snapshot has no generation")]
    NoGeneration,
    /// More than [`MAX_ENCODED`] bytes.
    #[error("the snapshot is too large")]
    TooLarge,
}

impl SnapshotError {
    /// The name of the variant, for logs and metrics.
    #[must_use]
    pub const fn reason(&self) -> &'static str {
        match self {
            Self::Algorithm => "algorithm",
            Self::CredentialNotHeaderSafe => "credential_not_header_safe",
            Self::DuplicateIssuer => "duplicate_issuer",
            Self::Encoding => "encoding",
            Self::Feature => "feature",
            Self::IncompleteIssuer => "incomplete_issuer",
            Self::NoGeneration => "no_generation",
            Self::TooLarge => "too_large",
        }
    }
}

impl Snapshot {
    /// Reads the wire form.
    ///
    /// # Errors
    /// [`SnapshotError`] says what is wrong; nothing of a refused snapshot is used.
    pub fn decode(encoded: &[u8]) -> Result<Self, SnapshotError> {
        if encoded.len() > MAX_ENCODED {
            return Err(SnapshotError::TooLarge);
        }
        wire::snapshot::decode(encoded)
    }

    /// The wire form.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        wire::snapshot::encode(self)
    }

    /// The generation of an encoded snapshot, without reading the rest of it into this crate's types.
    ///
    /// # Errors
    /// [`SnapshotError`] when the bytes are no snapshot.
    pub fn generation_of(encoded: &[u8]) -> Result<Generation, SnapshotError> {
        if encoded.len() > MAX_ENCODED {
            return Err(SnapshotError::TooLarge);
        }
        wire::snapshot::decode_generation(encoded)
    }

    /// The issuer with exactly this URL.
    #[must_use]
    pub fn issuer(&self, url: &str) -> Option<&Issuer> {
        self.issuers.iter().find(|issuer| issuer.url == url)
    }
}
