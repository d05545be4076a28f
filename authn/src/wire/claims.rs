//! Questions for claims that stand elsewhere: from the generated types to the crate's own, and back.

use prost::Message;

use super::feed::decode;
use super::generated as wire;
use crate::feed::{FeedError, FeedMessage, ResolveClaimsRequest, ResolveClaimsResponse};

impl FeedMessage for ResolveClaimsRequest {
    fn decode(encoded: &[u8]) -> Result<Self, FeedError> {
        let wire::ResolveClaimsRequest { issuer, claim, endpoint, access_token, subject } = decode(encoded)?;
        Ok(Self { issuer, claim, endpoint, access_token, subject })
    }

    fn encode(&self) -> Vec<u8> {
        let Self { issuer, claim, endpoint, access_token, subject } = self.clone();
        wire::ResolveClaimsRequest { issuer, claim, endpoint, access_token, subject }.encode_to_vec()
    }
}

impl FeedMessage for ResolveClaimsResponse {
    fn decode(encoded: &[u8]) -> Result<Self, FeedError> {
        use wire::resolve_claims_response::Outcome;

        let message: wire::ResolveClaimsResponse = decode(encoded)?;
        let outcome = message.outcome();
        let wire::ResolveClaimsResponse { outcome: _, value, good_for_seconds: good_for } = message;
        Ok(match outcome {
            Outcome::Resolved => Self::Resolved { value, good_for },
            Outcome::Refused => Self::Refused,
            Outcome::Busy => Self::Busy,
            // What a newer sidecar may say is not understood, so nothing came of it.
            Outcome::Failed | Outcome::Unspecified => Self::Failed,
        })
    }

    fn encode(&self) -> Vec<u8> {
        use wire::resolve_claims_response::Outcome;

        let (outcome, value, good_for) = match self {
            Self::Resolved { value, good_for } => (Outcome::Resolved, value.as_str(), *good_for),
            Self::Refused => (Outcome::Refused, "", 0),
            Self::Failed => (Outcome::Failed, "", 0),
            Self::Busy => (Outcome::Busy, "", 0),
        };
        wire::ResolveClaimsResponse {
            outcome: outcome.into(),
            value: value.to_owned(),
            good_for_seconds: good_for,
        }
        .encode_to_vec()
    }
}
