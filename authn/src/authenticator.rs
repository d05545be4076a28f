//! The decision: one call, from the request to what becomes of it.

mod current;
mod known;

use std::net::IpAddr;
use std::rc::Rc;

use crate::cache::{HashKey, TokenCache, TokenHash};
use crate::decision::{Answers, As, Caller, Decision, Forward, Identity, Question, Refused, Source, Target};
use crate::described::{Describe, Described};
use crate::feed::ReviewImpersonationRequest;
use crate::impersonation::ImpersonationHeaders;
use crate::impersonation_request::ImpersonationRequestError;
use crate::policy::{ClientImpersonation, RequestPolicy, UpstreamIdentity};
use crate::rejection::{Denial, Rejection, Unavailable};
use crate::request::{CredentialError, Keep, Request};
use crate::signature::VerifySignature;
use crate::snapshot::{Generation, Snapshot};
use crate::texts::Texts;
use crate::time::{Span, UnixSeconds};
use crate::user::UserInfo;

use current::Current;
use known::Known;
#[cfg(feature = "supply")]
pub(crate) use known::usable_keys;

/// Bytes that what users may act as may take, beside the tokens.
const TARGET_CACHE: usize = 1024 * 1024;
/// Bytes that an entry of a cache takes beyond the texts of its user: its place in the table, and what the allocator
/// adds to each of its parts. On wasm32 some 250 and some 170.
const BOOKKEEPING: usize = 448;

/// Decides about requests by one policy, and by one snapshot at a time.
pub struct Authenticator {
    policy: RequestPolicy,
    current: Option<Current>,
    tokens: TokenCache<known::Token>,
    targets: TokenCache<AllowedTarget>,
    hash_key: HashKey,
    describe: Describe,
    /// `impersonate-extra-…` of the client's address, shared with the requests that go on.
    address_header: Option<Rc<str>>,
    anonymous: Option<Rc<Identity>>,
}

/// Somebody whom a caller may act as, as long as that was said.
struct AllowedTarget {
    generation: Generation,
    span: Span,
    /// Of whom it was said: a token webhook may come to name another user for the same token.
    requester: Rc<Identity>,
    target: Rc<Target>,
}

/// Why [`Authenticator::judge`] has no [`Forward`] to give.
enum Refusal {
    Ask(Box<Question>),
    Reject(Box<Refused>),
}

impl<R: Into<Rejection>> From<R> for Refusal {
    fn from(rejection: R) -> Self {
        Self::Reject(Box::new(rejection.into().into()))
    }
}

impl Refusal {
    /// Notes whose token it is that is refused.
    fn judged_as(mut self, source: &Source) -> Self {
        if let Self::Reject(refused) = &mut self {
            refused.source = Some(source.clone());
        }
        self
    }

    /// Notes whose request it is that is refused.
    fn of(mut self, caller: &Caller) -> Self {
        if let Self::Reject(refused) = &mut self {
            refused.source = Some(caller.source.clone());
            refused.user = Some(caller.user());
        }
        self
    }
}

impl Authenticator {
    /// Decides nothing but 503 until it has a snapshot. `cache_bytes` bounds the cache of verified tokens, `hash_key`
    /// is 16 bytes of the VM's own randomness.
    #[must_use]
    pub fn new(policy: RequestPolicy, cache_bytes: usize, hash_key: HashKey) -> Self {
        Self::describing(policy, cache_bytes, hash_key, |_| Texts::default())
    }

    /// The same with what is to be said of each user, which is kept beside it.
    #[must_use]
    pub fn describing(
        policy: RequestPolicy,
        cache_bytes: usize,
        hash_key: HashKey,
        describe: Describe,
    ) -> Self {
        let described = Described::new(UserInfo::anonymous(), describe);
        let anonymous = ImpersonationHeaders::new(&described, &policy.added_extra).ok().map(|headers| {
            let caller = Rc::new(Caller { source: Source::Anonymous, described, expires: None });
            Rc::new(Identity { caller, headers })
        });
        Self {
            describe,
            address_header: policy.added_extra.client_address_header().map(Rc::from),
            policy,
            current: None,
            tokens: TokenCache::new(cache_bytes),
            targets: TokenCache::new(TARGET_CACHE),
            hash_key,
            anonymous,
        }
    }

    /// The generation of the snapshot in force.
    #[must_use]
    pub fn generation(&self) -> Option<Generation> {
        self.current.as_ref().map(|current| current.generation)
    }

    /// Takes `snapshot` in place of an earlier one, whole. Returns whether it was newer.
    pub fn adopt(&mut self, snapshot: Snapshot, now: UnixSeconds) -> bool {
        if self.generation().is_some_and(|have| have >= snapshot.generation) {
            return false;
        }
        // A token knows itself what of the snapshot it depends on.
        self.targets.clear();
        self.current = Some(Current::new(snapshot, self.current.take(), self.hash_key, now));
        true
    }

    /// Decides about a request at `now`. `client_address` is who sent it, by the gateway's account; `answers` is what
    /// was asked for this very request before.
    pub fn decide(
        &mut self,
        request: &Request<'_>,
        client_address: Option<IpAddr>,
        answers: &Answers,
        now: UnixSeconds,
        verifier: &impl VerifySignature,
    ) -> Decision {
        match self.judge(request, client_address, answers, now, verifier) {
            Ok(forward) => Decision::Forward(forward),
            Err(Refusal::Reject(refused)) => Decision::Reject(*refused),
            Err(Refusal::Ask(question)) => Decision::Ask(*question),
        }
    }

    fn judge(
        &mut self,
        request: &Request<'_>,
        client_address: Option<IpAddr>,
        answers: &Answers,
        now: UnixSeconds,
        verifier: &impl VerifySignature,
    ) -> Result<Forward, Refusal> {
        request.form().map_err(Rejection::Request)?;
        let current = self.current.as_mut().ok_or(Unavailable::NoSnapshot)?;
        let authorization = match self.policy.upstream_identity {
            UpstreamIdentity::Impersonated => Some(current.authorization(now)?),
            UpstreamIdentity::Own => None,
        };
        let (token_hash, known) = match request.credential() {
            Ok(token) => {
                let hash = self.hash_key.hash(token.as_str());
                let ask =
                    known::Ask { token, hash, policy: &self.policy, describe: self.describe, answers, now };
                (hash, known::find(ask, current, &mut self.tokens, verifier)?)
            }
            Err(CredentialError::Missing) if current.is_open_to_all(request.target()) => {
                let anonymous =
                    self.anonymous.as_ref().ok_or(Rejection::Credential(CredentialError::Missing))?;
                (self.hash_key.hash(""), Known::Impersonable(Rc::clone(anonymous)))
            }
            Err(error) => return Err(Rejection::Credential(error).into()),
        };
        match (known, authorization) {
            (Known::Impersonable(identity), Some(authorization)) => {
                let target = self
                    .target(request, &identity, token_hash, answers, now)
                    .map_err(|refusal| refusal.of(&identity.caller))?;
                let client_address = self.address_header.clone().zip(client_address);
                Ok(Forward(As::Impersonated { identity, target, authorization, client_address }))
            }
            (Known::Impersonable(identity), None) => self.own(request, Rc::clone(&identity.caller)),
            (Known::PassThrough(caller), _) => self.own(request, caller),
        }
    }

    /// A request that goes on with its own token: what it asks to act as is for the API server to judge, unless the
    /// policy says that nobody acts as anybody. Who was let in without a token brings none: what we do not take for
    /// one, the API server could.
    fn own(&self, request: &Request<'_>, caller: Rc<Caller>) -> Result<Forward, Refusal> {
        let keeps_impersonation = match self.policy.client_impersonation {
            ClientImpersonation::Authorize => true,
            ClientImpersonation::Reject if !request.impersonation_lines().is_empty() => {
                return Err(Refusal::from(Rejection::ImpersonationNotAllowed).of(&caller));
            }
            ClientImpersonation::Reject | ClientImpersonation::Strip => false,
        };
        let keep = match (caller.source != Source::Anonymous, keeps_impersonation) {
            (true, true) => Keep::CredentialAndImpersonation,
            (true, false) => Keep::Credential,
            (false, true) => Keep::Impersonation,
            (false, false) => Keep::Nothing,
        };
        Ok(Forward(As::Own { caller, keep }))
    }

    /// Whom a request acts as, if it asks for that and may.
    fn target(
        &mut self,
        request: &Request<'_>,
        identity: &Rc<Identity>,
        token: TokenHash,
        answers: &Answers,
        now: UnixSeconds,
    ) -> Result<Option<Rc<Target>>, Refusal> {
        let lines = request.impersonation_lines();
        if lines.is_empty() || self.policy.client_impersonation == ClientImpersonation::Strip {
            return Ok(None);
        }
        let generation = self.generation().unwrap_or_default();
        let hash = self.hash_key.hash_lines(token, lines);
        if let Some(allowed) = self.targets.find(hash) {
            let is_theirs = Rc::ptr_eq(&allowed.requester, identity)
                || allowed.requester.caller.described == identity.caller.described;
            if is_theirs && allowed.generation == generation && allowed.span.contains(now) {
                return Ok(Some(Rc::clone(&allowed.target)));
            }
            self.targets.remove(hash);
        }
        let target = request
            .impersonation()
            .and_then(|asked| asked.ok_or(ImpersonationRequestError::Malformed))
            .map_err(Rejection::ImpersonationRequest)?;
        if self.policy.client_impersonation == ClientImpersonation::Reject {
            return Err(Rejection::ImpersonationNotAllowed.into());
        }
        let requester = identity.caller.user();
        if let Some(reserved) = target.reserved_extra(|key| self.policy.added_extra.reserves(key)) {
            return Err(Rejection::from(Denial::new(requester.username(), reserved)).into());
        }
        let question = ReviewImpersonationRequest { requester, target };
        let Some(span) = answers.allowed(&question).transpose()? else {
            return Err(Refusal::Ask(Box::new(Question::Impersonation(question))));
        };
        let described = Described::new(question.target.target(&question.requester), self.describe);
        let headers = ImpersonationHeaders::of_target(&described, &self.policy.added_extra)
            .map_err(Rejection::Identity)?;
        let target = Rc::new(Target { described, headers });
        let bytes = target.headers.size().saturating_add(target.described.size());
        let bytes = bytes.saturating_add(identity.size()).saturating_add(BOOKKEEPING);
        let requester = Rc::clone(identity);
        let allowed = AllowedTarget { generation, span, requester, target: Rc::clone(&target) };
        self.targets.insert(hash, Rc::new(allowed), bytes);
        Ok(Some(target))
    }
}
