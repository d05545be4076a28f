//! Questions to the API server and their answers: from the generated types to the crate's own, and back.

use prost::Message;

use super::feed::decode;
use super::generated as wire;
use crate::feed::{
    FeedError, FeedMessage, ReviewImpersonationRequest, ReviewImpersonationResponse, ReviewTokenRequest,
    ReviewTokenResponse,
};
use crate::impersonation_request::{Attribute, ImpersonationRequest};
use crate::user::UserInfo;

impl FeedMessage for ReviewImpersonationRequest {
    fn decode(encoded: &[u8]) -> Result<Self, FeedError> {
        let wire::ReviewImpersonationRequest { requester, target } = decode(encoded)?;
        let target = ImpersonationRequest::new(target.ok_or(FeedError)?.into());
        Ok(Self { requester: requester.ok_or(FeedError)?.into(), target })
    }

    fn encode(&self) -> Vec<u8> {
        let Self { requester, target } = self;
        wire::ReviewImpersonationRequest {
            requester: Some(requester.into()),
            target: Some(target.untrusted_user().into()),
        }
        .encode_to_vec()
    }
}

impl FeedMessage for ReviewImpersonationResponse {
    fn decode(encoded: &[u8]) -> Result<Self, FeedError> {
        use wire::review_impersonation_response::Outcome;

        let message: wire::ReviewImpersonationResponse = decode(encoded)?;
        let outcome = message.outcome();
        let wire::ReviewImpersonationResponse { outcome: _, good_for_seconds, denied } = message;
        Ok(match outcome {
            Outcome::Allowed => Self::Allowed { good_for: good_for_seconds },
            Outcome::Denied => Self::Denied(denied.ok_or(FeedError)?.try_into()?),
            Outcome::Busy => Self::Busy,
            // What a newer sidecar may say is not understood, so nothing came of it.
            Outcome::Failed | Outcome::Unspecified => Self::Failed,
        })
    }

    fn encode(&self) -> Vec<u8> {
        use wire::review_impersonation_response::Outcome;

        let (outcome, good_for, denied) = match self {
            Self::Allowed { good_for } => (Outcome::Allowed, *good_for, None),
            Self::Denied(attribute) => (Outcome::Denied, 0, Some(attribute.into())),
            Self::Busy => (Outcome::Busy, 0, None),
            Self::Failed => (Outcome::Failed, 0, None),
        };
        wire::ReviewImpersonationResponse { outcome: outcome.into(), good_for_seconds: good_for, denied }
            .encode_to_vec()
    }
}

impl FeedMessage for ReviewTokenRequest {
    fn decode(encoded: &[u8]) -> Result<Self, FeedError> {
        let wire::ReviewTokenRequest { token, pass_through, audiences, webhook } = decode(encoded)?;
        Ok(Self { token, pass_through: pass_through.then_some(audiences), webhook })
    }

    fn encode(&self) -> Vec<u8> {
        let Self { token, pass_through, webhook } = self.clone();
        wire::ReviewTokenRequest {
            token,
            pass_through: pass_through.is_some(),
            audiences: pass_through.unwrap_or_default(),
            webhook,
        }
        .encode_to_vec()
    }
}

impl FeedMessage for ReviewTokenResponse {
    fn decode(encoded: &[u8]) -> Result<Self, FeedError> {
        use wire::review_token_response::Outcome;

        let message: wire::ReviewTokenResponse = decode(encoded)?;
        let outcome = message.outcome();
        let wire::ReviewTokenResponse { outcome: _, user, good_for_seconds: good_for } = message;
        let user = || user.map(UserInfo::from).ok_or(FeedError);
        Ok(match outcome {
            Outcome::PassThrough => Self::PassThrough { user: user()?, good_for },
            Outcome::Webhook => Self::Webhook { user: user()?, good_for },
            Outcome::Unknown => Self::Unknown,
            Outcome::Busy => Self::Busy,
            Outcome::Failed | Outcome::Unspecified => Self::Failed,
        })
    }

    fn encode(&self) -> Vec<u8> {
        use wire::review_token_response::Outcome;

        let (outcome, user, good_for) = match self {
            Self::PassThrough { user, good_for } => (Outcome::PassThrough, Some(user.into()), *good_for),
            Self::Webhook { user, good_for } => (Outcome::Webhook, Some(user.into()), *good_for),
            Self::Unknown => (Outcome::Unknown, None, 0),
            Self::Busy => (Outcome::Busy, None, 0),
            Self::Failed => (Outcome::Failed, None, 0),
        };
        wire::ReviewTokenResponse { outcome: outcome.into(), user, good_for_seconds: good_for }
            .encode_to_vec()
    }
}

impl From<wire::User> for UserInfo {
    fn from(wire::User { username, uid, groups, extra }: wire::User) -> Self {
        Self::new(username, uid, groups, extra_from_wire(extra))
    }
}

impl From<&UserInfo> for wire::User {
    fn from(user: &UserInfo) -> Self {
        Self {
            username: user.username().to_owned(),
            uid: user.uid().to_owned(),
            groups: user.groups().to_vec(),
            extra: extra_to_wire(user.extra()),
        }
    }
}

impl TryFrom<wire::Attribute> for Attribute {
    type Error = FeedError;

    fn try_from(raw: wire::Attribute) -> Result<Self, FeedError> {
        use wire::attribute::Kind;

        let kind = raw.kind();
        let wire::Attribute { kind: _, value, key } = raw;
        Ok(match kind {
            Kind::User => Self::User(value),
            Kind::ServiceAccount => Self::ServiceAccount(value),
            Kind::Group => Self::Group(value),
            Kind::Uid => Self::Uid(value),
            Kind::Extra => Self::Extra { key, value },
            Kind::Unspecified => return Err(FeedError),
        })
    }
}

impl From<&Attribute> for wire::Attribute {
    fn from(attribute: &Attribute) -> Self {
        use wire::attribute::Kind;

        let (kind, value, key) = match attribute {
            Attribute::User(name) => (Kind::User, name, ""),
            Attribute::ServiceAccount(name) => (Kind::ServiceAccount, name, ""),
            Attribute::Group(name) => (Kind::Group, name, ""),
            Attribute::Uid(uid) => (Kind::Uid, uid, ""),
            Attribute::Extra { key, value } => (Kind::Extra, value, key.as_str()),
        };
        Self { kind: kind.into(), value: value.clone(), key: key.to_owned() }
    }
}

fn extra_from_wire(extra: Vec<wire::Extra>) -> Vec<(String, Vec<String>)> {
    extra.into_iter().map(|wire::Extra { key, values }| (key, values)).collect()
}

fn extra_to_wire(extra: &[(String, Vec<String>)]) -> Vec<wire::Extra> {
    extra.iter().map(|(key, values)| wire::Extra { key: key.clone(), values: values.clone() }).collect()
}
