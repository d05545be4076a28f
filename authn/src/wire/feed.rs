//! Messages of the feed: from the generated types to the crate's own, and back.

use prost::Message;

use super::generated as wire;
use crate::feed::{
    FeedError, FeedMessage, GetSnapshotRequest, GetSnapshotResponse, RefreshKeysRequest, RefreshKeysResponse,
    RefreshOutcome,
};
use crate::snapshot::Generation;

impl FeedMessage for GetSnapshotRequest {
    fn decode(encoded: &[u8]) -> Result<Self, FeedError> {
        let wire::GetSnapshotRequest { since } = decode(encoded)?;
        Ok(Self { since: since.map(Generation::from) })
    }

    fn encode(&self) -> Vec<u8> {
        wire::GetSnapshotRequest { since: self.since.map(Into::into) }.encode_to_vec()
    }
}

impl FeedMessage for GetSnapshotResponse {
    fn decode(encoded: &[u8]) -> Result<Self, FeedError> {
        let wire::GetSnapshotResponse { snapshot } = decode(encoded)?;
        Ok(Self { snapshot: some_bytes(snapshot) })
    }

    fn encode(&self) -> Vec<u8> {
        wire::GetSnapshotResponse { snapshot: self.snapshot.clone().unwrap_or_default() }.encode_to_vec()
    }
}

impl FeedMessage for RefreshKeysRequest {
    fn decode(encoded: &[u8]) -> Result<Self, FeedError> {
        let wire::RefreshKeysRequest { issuer, kid, since } = decode(encoded)?;
        Ok(Self { issuer, kid, since: since.map(Generation::from) })
    }

    fn encode(&self) -> Vec<u8> {
        let Self { issuer, kid, since } = self.clone();
        wire::RefreshKeysRequest { issuer, kid, since: since.map(Into::into) }.encode_to_vec()
    }
}

impl FeedMessage for RefreshKeysResponse {
    fn decode(encoded: &[u8]) -> Result<Self, FeedError> {
        let message: wire::RefreshKeysResponse = decode(encoded)?;
        let outcome = match message.outcome() {
            wire::refresh_keys_response::Outcome::Fetched => RefreshOutcome::Fetched,
            wire::refresh_keys_response::Outcome::UnknownIssuer => RefreshOutcome::UnknownIssuer,
            // What a newer sidecar may say is not understood, so nothing came of it.
            wire::refresh_keys_response::Outcome::Failed
            | wire::refresh_keys_response::Outcome::Unspecified => RefreshOutcome::Failed,
        };
        Ok(Self { outcome, snapshot: some_bytes(message.snapshot) })
    }

    fn encode(&self) -> Vec<u8> {
        let outcome = match self.outcome {
            RefreshOutcome::Fetched => wire::refresh_keys_response::Outcome::Fetched,
            RefreshOutcome::Failed => wire::refresh_keys_response::Outcome::Failed,
            RefreshOutcome::UnknownIssuer => wire::refresh_keys_response::Outcome::UnknownIssuer,
        };
        wire::RefreshKeysResponse {
            outcome: outcome.into(),
            snapshot: self.snapshot.clone().unwrap_or_default(),
        }
        .encode_to_vec()
    }
}

pub(super) fn decode<M: Message + Default>(encoded: &[u8]) -> Result<M, FeedError> {
    M::decode(encoded).map_err(|_| FeedError)
}

fn some_bytes(bytes: Vec<u8>) -> Option<Vec<u8>> {
    Some(bytes).filter(|bytes| !bytes.is_empty())
}
