//! What becomes of a request, and what must be asked before that is known.

use std::net::IpAddr;
use std::rc::Rc;

use crate::claims::ClaimsError;
use crate::described::Described;
use crate::feed::{
    FeedMessage as _, REFRESH_KEYS, RESOLVE_CLAIMS, REVIEW_IMPERSONATION, REVIEW_TOKEN, RefreshKeysRequest,
    RefreshOutcome, ResolveClaimsRequest, ResolveClaimsResponse, ReviewImpersonationRequest,
    ReviewImpersonationResponse, ReviewTokenRequest, ReviewTokenResponse,
};
use crate::impersonation::ImpersonationHeaders;
use crate::rejection::{Denial, Rejection, Unavailable};
use crate::request::{Edit, Keep, Request};
use crate::time::{Span, UnixSeconds};
use crate::user::UserInfo;

/// What becomes of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    /// Ask the sidecar, note its answer, then decide again.
    Ask(Question),
    /// It goes on.
    Forward(Forward),
    /// It is answered here.
    Reject(Refused),
}

/// A request that does not go on, and what is known of who sent it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// Why, and what it is answered.
    pub rejection: Rejection,
    /// Whose token it was judged as, if that came to be known.
    pub source: Option<Source>,
    /// Who sent it, if that came to be known.
    pub user: Option<UserInfo>,
}

impl From<Rejection> for Refused {
    fn from(rejection: Rejection) -> Self {
        Self { rejection, source: None, user: None }
    }
}

/// What must be asked before a request can be decided about. Each kind is asked once a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Question {
    /// What is the claim that stands elsewhere?
    Claims(ResolveClaimsRequest),
    /// May the user act as whom the client names?
    Impersonation(ReviewImpersonationRequest),
    /// The token names a key that the snapshot lacks: has its issuer another set by now?
    Keys(RefreshKeysRequest),
    /// Whose token is this?
    Token(ReviewTokenRequest),
}

impl Question {
    /// The method of the feed that answers it.
    #[must_use]
    pub const fn method(&self) -> &'static str {
        match self {
            Self::Claims(_) => RESOLVE_CLAIMS,
            Self::Impersonation(_) => REVIEW_IMPERSONATION,
            Self::Keys(_) => REFRESH_KEYS,
            Self::Token(_) => REVIEW_TOKEN,
        }
    }

    /// The message to call it with.
    #[must_use]
    pub fn message(&self) -> Vec<u8> {
        match self {
            Self::Claims(request) => request.encode(),
            Self::Impersonation(request) => request.encode(),
            Self::Keys(request) => request.encode(),
            Self::Token(request) => request.encode(),
        }
    }
}

/// Seconds for which the API server's word, and that of an endpoint, is relied on at most, whatever the sidecar says. (A webhook's is relied on as
/// long as its operator says.)
const MAX_GOOD_FOR: u32 = 10;

/// What was answered while a request waited. An answer to a review stands beside its question: it holds for that
/// question alone. A question that has an answer, of whatever kind, is not asked again.
#[derive(Debug, Default)]
pub struct Answers {
    claims: Option<(ResolveClaimsRequest, ResolveClaimsResponse, UnixSeconds)>,
    impersonation: Option<(ReviewImpersonationRequest, ReviewImpersonationResponse, UnixSeconds)>,
    keys: Option<KeysAnswer>,
    token: Option<(ReviewTokenRequest, ReviewTokenResponse, UnixSeconds)>,
}

/// What came of asking for an issuer's keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeysAnswer {
    /// Nobody asked: the issuer was asked for that very key a moment ago.
    Absent,
    /// Nobody asked: too many requests wait already.
    Full,
    /// The sidecar said so; if it had a snapshot, that is in force.
    Refreshed(RefreshOutcome),
}

impl Answers {
    /// As [`impersonation`](Self::impersonation), for a claim that stands elsewhere.
    pub fn claims(
        &mut self,
        question: ResolveClaimsRequest,
        answer: ResolveClaimsResponse,
        asked: UnixSeconds,
    ) {
        self.claims = Some((question, answer, asked));
    }

    /// Notes what the sidecar said to `question`, which it was sent at `asked`: what it relies on is no older.
    pub fn impersonation(
        &mut self,
        question: ReviewImpersonationRequest,
        answer: ReviewImpersonationResponse,
        asked: UnixSeconds,
    ) {
        self.impersonation = Some((question, answer, asked));
    }

    /// Notes what came of asking for the keys.
    pub const fn keys(&mut self, answer: KeysAnswer) {
        self.keys = Some(answer);
    }

    /// As [`impersonation`](Self::impersonation), for a token.
    pub fn token(&mut self, question: ReviewTokenRequest, answer: ReviewTokenResponse, asked: UnixSeconds) {
        self.token = Some((question, answer, asked));
    }

    /// For how long what is asked is allowed.
    pub(crate) fn allowed(&self, question: &ReviewImpersonationRequest) -> Option<Result<Span, Rejection>> {
        let (asked, answer, at) = self.impersonation.as_ref()?;
        (asked == question).then(|| match answer {
            ReviewImpersonationResponse::Allowed { good_for } => {
                Ok(Span::new(*at, (*good_for).min(MAX_GOOD_FOR)))
            }
            ReviewImpersonationResponse::Busy => Err(Unavailable::TooManyReviews.into()),
            ReviewImpersonationResponse::Denied(denied) => {
                Err(Denial::new(question.requester.username(), denied.clone()).into())
            }
            ReviewImpersonationResponse::Failed => Err(Unavailable::ImpersonationReview.into()),
        })
    }

    /// The value of a claim that stands elsewhere, as JSON, and for how long that holds.
    pub(crate) fn resolved(
        &self,
        question: &ResolveClaimsRequest,
    ) -> Option<Result<(&str, Span), Rejection>> {
        let (asked, answer, at) = self.claims.as_ref()?;
        (asked == question).then(|| match answer {
            ResolveClaimsResponse::Resolved { value, good_for } => {
                Ok((value.as_str(), Span::new(*at, (*good_for).min(MAX_GOOD_FOR))))
            }
            ResolveClaimsResponse::Busy => Err(Unavailable::TooManyReviews.into()),
            ResolveClaimsResponse::Refused => Err(Rejection::Claims(ClaimsError::DistributedRefused)),
            ResolveClaimsResponse::Failed => Err(Unavailable::DistributedGroups.into()),
        })
    }

    /// Why a key is still not known.
    pub(crate) fn why_no_key(&self) -> Option<Rejection> {
        Some(match self.keys? {
            KeysAnswer::Absent | KeysAnswer::Refreshed(RefreshOutcome::Fetched) => Rejection::UnknownKey,
            KeysAnswer::Full => Unavailable::TooManyWaiting.into(),
            KeysAnswer::Refreshed(RefreshOutcome::Failed | RefreshOutcome::UnknownIssuer) => {
                Unavailable::RefreshFailed.into()
            }
        })
    }

    /// Whose token it is, by somebody who was asked, and for how long that holds.
    pub(crate) fn reviewed(
        &self,
        question: &ReviewTokenRequest,
    ) -> Option<Result<(Source, UserInfo, Span), Rejection>> {
        let (asked, answer, at) = self.token.as_ref()?;
        (asked == question).then(|| match answer {
            // Who was not asked can't have answered.
            ReviewTokenResponse::PassThrough { user, good_for } if question.pass_through.is_some() => {
                Ok((Source::ApiServer, user.clone(), Span::new(*at, (*good_for).min(MAX_GOOD_FOR))))
            }
            ReviewTokenResponse::Webhook { user, good_for } if question.webhook => {
                Ok((Source::TokenWebhook, user.clone(), Span::new(*at, *good_for)))
            }
            ReviewTokenResponse::Unknown => Err(Rejection::UnknownIssuer),
            ReviewTokenResponse::Busy => Err(Unavailable::TooManyReviews.into()),
            ReviewTokenResponse::Failed
            | ReviewTokenResponse::PassThrough { .. }
            | ReviewTokenResponse::Webhook { .. } => Err(Unavailable::TokenReview.into()),
        })
    }
}

/// Who vouches for a user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// Nobody: the request has no credential.
    Anonymous,
    /// The API server, by a TokenReview.
    ApiServer,
    /// An issuer, by its URL.
    Issuer(Rc<str>),
    /// The token webhook.
    TokenWebhook,
}

impl Source {
    /// How logs and metrics call it: the issuer's URL, or a word that is none.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Anonymous => "anonymous",
            Self::ApiServer => "api-server",
            Self::Issuer(url) => url,
            Self::TokenWebhook => "token-webhook",
        }
    }
}

/// Who a request is from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    pub(crate) source: Source,
    pub(crate) described: Described,
    /// The second from which the token is worth nothing, if it names one.
    pub(crate) expires: Option<UnixSeconds>,
}

impl Caller {
    /// Who vouches for the user.
    #[must_use]
    pub const fn source(&self) -> &Source {
        &self.source
    }

    /// The user.
    #[must_use]
    pub fn user(&self) -> UserInfo {
        self.described.user()
    }

    /// The user as it is remembered, with the words for it.
    #[must_use]
    pub const fn described(&self) -> &Described {
        &self.described
    }

    /// The second from which the token is worth nothing, if it names one.
    #[must_use]
    pub const fn expires(&self) -> Option<UnixSeconds> {
        self.expires
    }
}

/// A caller whom the gateway may impersonate: guarded, and safe in headers.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Identity {
    pub(crate) caller: Rc<Caller>,
    pub(crate) headers: ImpersonationHeaders,
}

impl Identity {
    /// Bytes that it takes beyond its own size, but for what the allocator adds.
    pub(crate) fn size(&self) -> usize {
        self.headers.size().saturating_add(self.caller.described.size())
    }
}

/// Somebody whom a caller may act as.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Target {
    pub(crate) described: Described,
    pub(crate) headers: ImpersonationHeaders,
}

/// A request that goes on: under the gateway's credential and an identity, which are sent together or not at all, or
/// with its own token, if it has one, and nothing of the gateway's.
#[derive(Clone, PartialEq, Eq)]
pub struct Forward(pub(crate) As);

#[derive(Clone, PartialEq, Eq)]
pub(crate) enum As {
    Impersonated {
        identity: Rc<Identity>,
        target: Option<Rc<Target>>,
        authorization: Rc<str>,
        client_address: Option<(Rc<str>, IpAddr)>,
    },
    Own {
        caller: Rc<Caller>,
        keep: Keep,
    },
}

impl Forward {
    /// Who the request is from.
    #[must_use]
    pub fn caller(&self) -> &Caller {
        match &self.0 {
            As::Impersonated { identity, .. } => &identity.caller,
            As::Own { caller, .. } => caller,
        }
    }

    /// Who it acts as, with `kubectl --as`.
    #[must_use]
    pub fn impersonated(&self) -> Option<&Described> {
        match &self.0 {
            As::Impersonated { target, .. } => target.as_deref().map(|target| &target.described),
            As::Own { .. } => None,
        }
    }

    /// What must be changed of the client's headers before the request goes to the API server.
    pub fn edits<'r, 'a>(&self, request: &'r Request<'a>) -> impl Iterator<Item = &'r Edit<'a>> {
        request.edits(match &self.0 {
            As::Impersonated { .. } => Keep::Nothing,
            As::Own { keep, .. } => *keep,
        })
    }

    /// The headers to add for the API server, once that is done: the identity first and the credential last, so that a
    /// request which breaks off in between has no credential. None for a request with its own token.
    pub fn add_upstream_headers(&self, mut add: impl FnMut(&str, &str)) {
        let As::Impersonated { identity, target, authorization, client_address } = &self.0 else { return };
        let headers = target.as_deref().map_or(&identity.headers, |target| &target.headers);
        headers.iter().for_each(|(name, value)| add(name, value));
        if let Some((name, address)) = client_address {
            add(name, &address.to_string());
        }
        add("authorization", authorization);
    }
}

impl std::fmt::Debug for Forward {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Forward")
            .field("caller", self.caller())
            .field("impersonated", &self.impersonated().map(Described::user))
            .finish_non_exhaustive()
    }
}
