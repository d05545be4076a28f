//! Whose token it is: by what was verified or reviewed a moment ago, by its issuer's keys, or by asking.

use std::rc::Rc;

use super::current::{Current, CurrentIssuer, Voucher};
use super::{BOOKKEEPING, Refusal};
use crate::cache::{TokenCache, TokenHash};
use crate::claims::Validity;
use crate::decision::{Answers, Caller, Identity, Question, Source};
use crate::described::{Describe, Described};
use crate::distributed::{self, Unexpanded};
use crate::feed::{RefreshKeysRequest, ReviewTokenRequest};
use crate::impersonation::ImpersonationHeaders;
use crate::issuer::{IdentityGuard, Issuer};
use crate::keys::IssuerKeys;
use crate::policy::RequestPolicy;
use crate::programs::NotPlanned;
use crate::rejection::{Rejection, Unavailable};
use crate::signature::VerifySignature;
use crate::snapshot::Generation;
use crate::time::{Span, UnixSeconds};
use crate::token::{self, BearerToken, TokenBuffer, UnverifiedToken};
use crate::user::UserInfo;
use crate::verifier::{self, Terms, VerifyError};

/// Somebody whose token is good.
#[derive(Clone)]
pub(super) enum Known {
    /// They are impersonated.
    Impersonable(Rc<Identity>),
    /// Their own token goes on, since the API server itself accepts it.
    PassThrough(Rc<Caller>),
}

/// A token that was found good, and all that it depends on.
pub(super) struct Token {
    life: Life,
    known: Known,
}

enum Life {
    /// Verified here. Nothing of the snapshot but its issuer has a say: that it is not the gateway's own credential is
    /// checked at every request.
    Verified { validity: Validity, voucher: Voucher },
    /// The same, with a claim that was fetched for it and is good for so long.
    Expanded { validity: Validity, voucher: Voucher, span: Span },
    /// Said by somebody else, and good for so long. Who is asked, and what is made of the answer, depends on more than
    /// the guard (is the issuer a configured one, the cluster's, the gateway's own account?), so it ends with the
    /// snapshot.
    Reviewed { generation: Generation, span: Span },
}

impl Token {
    fn is_good(&self, generation: Generation, now: UnixSeconds) -> bool {
        match &self.life {
            Life::Verified { validity, voucher } => voucher.holds(now) && validity.check(now).is_ok(),
            Life::Expanded { validity, voucher, span } => {
                span.contains(now) && voucher.holds(now) && validity.check(now).is_ok()
            }
            Life::Reviewed { generation: of, span } => *of == generation && span.contains(now),
        }
    }

    fn size(&self) -> usize {
        let texts = match &self.known {
            Known::Impersonable(identity) => identity.size(),
            Known::PassThrough(caller) => caller.described.size(),
        };
        texts.saturating_add(BOOKKEEPING)
    }
}

/// What is asked: whose `token` is this?
pub(super) struct Ask<'a> {
    pub(super) token: &'a BearerToken<'a>,
    pub(super) hash: TokenHash,
    pub(super) policy: &'a RequestPolicy,
    pub(super) describe: Describe,
    pub(super) answers: &'a Answers,
    pub(super) now: UnixSeconds,
}

/// Finds the owner of a token, and remembers whom it found.
pub(super) fn find(
    ask: Ask<'_>,
    current: &mut Current,
    tokens: &mut TokenCache<Token>,
    verifier: &impl VerifySignature,
) -> Result<Known, Refusal> {
    if current.is_our_own(ask.hash) {
        return Err(Rejection::OwnCredential.into());
    }
    if let Some(token) = tokens.find(ask.hash) {
        if token.is_good(current.generation, ask.now) {
            return Ok(token.known.clone());
        }
        tokens.remove(ask.hash);
    }
    let generation = current.generation;
    let mut buffer = TokenBuffer::default();
    let (life, known) = match claimed_issuer(ask.token, &mut buffer, current) {
        Claimed::Configured(token, issuer) => {
            let source = Source::Issuer(Rc::clone(&issuer.url));
            authenticate(&ask, token, issuer, &source, generation, verifier)
                .map_err(|refusal| refusal.judged_as(&source))?
        }
        Claimed::Other(otherwise) => review(&ask, current, otherwise)?,
    };
    let token = Rc::new(Token { life, known });
    let bytes = token.size();
    tokens.insert(ask.hash, Rc::clone(&token), bytes);
    Ok(token.known.clone())
}

/// Whose a token says that it is.
enum Claimed<'t, 'c> {
    Configured(UnverifiedToken<'t>, &'c mut CurrentIssuer),
    /// Nobody's who is configured: the answer, if nobody else knows it.
    Other(Rejection),
}

/// Reads `iss`.
fn claimed_issuer<'t, 'c>(
    token: &'t BearerToken<'t>,
    buffer: &'t mut TokenBuffer,
    current: &'c mut Current,
) -> Claimed<'t, 'c> {
    let parsed = match UnverifiedToken::parse(token, buffer) {
        Ok(parsed) => parsed,
        Err(error) => return Claimed::Other(Rejection::Token(error)),
    };
    match current.issuer(parsed.untrusted_issuer().unwrap_or_default()) {
        Some(current) => Claimed::Configured(parsed, current),
        None => Claimed::Other(Rejection::UnknownIssuer),
    }
}

fn authenticate(
    ask: &Ask<'_>,
    token: UnverifiedToken<'_>,
    current: &mut CurrentIssuer,
    source: &Source,
    generation: Generation,
    verifier: &impl VerifySignature,
) -> Result<(Life, Known), Refusal> {
    let voucher = current.voucher();
    let CurrentIssuer { issuer, budget, programs, .. } = current;
    // An expression that can't be evaluated here is no reason to do without it.
    let programs = programs.as_ref().map_err(|NotPlanned| Unavailable::Expression)?;
    let keys = usable_keys(issuer, ask.now)?;
    let terms = Terms { algorithms: issuer.algorithms, audiences: &issuer.audiences };
    let claims = verifier::verify(token, terms, &keys.keys, ask.now, verifier, || budget.may_check(ask.now))
        .map_err(|error| {
            if let VerifyError::Signature { slow_checks } = error {
                budget.failed(slow_checks);
            }
            refusal(error, issuer, ask.answers, generation)
        })?;
    let validity = claims.validity();
    let claims = distributed::expand(claims, issuer, ask.answers)?;
    let user = UserInfo::map(&claims, issuer, programs).map_err(Rejection::Claims)?;
    let identity = identity(ask, source.clone(), user, &issuer.guard, Some(validity.expires()))?;
    let life = match claims.fetched {
        None => Life::Verified { validity, voucher },
        Some(span) => Life::Expanded { validity, voucher, span },
    };
    Ok((life, Known::Impersonable(Rc::new(identity))))
}

/// Asks about a token that is not from a configured issuer, if anybody is to be asked.
fn review(ask: &Ask<'_>, current: &mut Current, otherwise: Rejection) -> Result<(Life, Known), Refusal> {
    if ask.policy.token_passthrough.is_none() && current.token_webhook.is_none() {
        return Err(otherwise.into());
    }
    // A token that claims a configured issuer, in whatever spelling, is that issuer's to judge and nobody else's.
    let issuers = token::claimed(ask.token.as_str(), "iss");
    if issuers.iter().any(|claimed| current.issuer(claimed).is_some()) {
        return Err(otherwise.into());
    }
    let is_clusters = current.is_clusters(&issuers, &token::claimed(ask.token.as_str(), "sub"));
    // Nobody but the cluster has any business with the cluster's own tokens.
    let guard = current.token_webhook.as_ref().filter(|_| !is_clusters);
    if ask.policy.token_passthrough.is_none() && guard.is_none() {
        return Err(otherwise.into());
    }
    let question = ReviewTokenRequest {
        token: ask.token.as_str().to_owned(),
        pass_through: ask.policy.token_passthrough.clone(),
        webhook: guard.is_some(),
    };
    let Some((by, user, span)) = ask.answers.reviewed(&question).transpose()? else {
        return Err(Refusal::Ask(Box::new(Question::Token(question))));
    };
    if current.is_our_account(user.username()) {
        return Err(Refusal::from(Rejection::OwnCredential).judged_as(&by));
    }
    let life = Life::Reviewed { generation: current.generation, span };
    Ok(match (&by, guard) {
        (Source::TokenWebhook, Some(guard)) => {
            let identity = identity(ask, by.clone(), user.with_lowered_extra_keys(), guard, None)
                .map_err(|error| Refusal::from(error).judged_as(&by))?;
            (life, Known::Impersonable(Rc::new(identity)))
        }
        (Source::ApiServer, _) => {
            let described = Described::new(user, ask.describe);
            (life, Known::PassThrough(Rc::new(Caller { source: by, described, expires: None })))
        }
        _ => return Err(otherwise.into()),
    })
}

/// Somebody who may be impersonated: their names allowed to whoever vouches for them, and safe in headers.
fn identity(
    ask: &Ask<'_>,
    source: Source,
    user: UserInfo,
    guard: &IdentityGuard,
    expires: Option<UnixSeconds>,
) -> Result<Identity, Rejection> {
    let user = user.guarded(guard).map_err(Rejection::Identity)?;
    let described = Described::new(user, ask.describe);
    let headers =
        ImpersonationHeaders::new(&described, &ask.policy.added_extra).map_err(Rejection::Identity)?;
    Ok(Identity { caller: Rc::new(Caller { source, described, expires }), headers })
}

impl From<Unexpanded> for Refusal {
    fn from(unexpanded: Unexpanded) -> Self {
        match unexpanded {
            Unexpanded::Ask(question) => Self::Ask(Box::new(Question::Claims(*question))),
            Unexpanded::Reject(rejection) => rejection.into(),
        }
    }
}

/// The keys of an issuer, while they may be used.
pub(crate) fn usable_keys(issuer: &Issuer, now: UnixSeconds) -> Result<&IssuerKeys, Unavailable> {
    let keys = issuer.keys.as_ref().ok_or(Unavailable::NoKeys)?;
    if now < keys.not_after { Ok(keys) } else { Err(Unavailable::KeysTooOld) }
}

fn refusal(error: VerifyError, issuer: &Issuer, answers: &Answers, generation: Generation) -> Refusal {
    match error {
        VerifyError::AlgorithmNotAllowed => Rejection::AlgorithmNotAllowed.into(),
        VerifyError::Claims(error) => Rejection::Claims(error).into(),
        VerifyError::Signature { .. } => Rejection::Signature.into(),
        VerifyError::Throttled => Unavailable::Throttled.into(),
        VerifyError::Token(error) => Rejection::Token(error).into(),
        VerifyError::UnknownKey { kid } => match answers.why_no_key() {
            Some(rejection) => rejection.into(),
            None => Refusal::Ask(Box::new(Question::Keys(RefreshKeysRequest {
                issuer: issuer.url.clone(),
                kid,
                since: Some(generation),
            }))),
        },
    }
}
