//! The decision: one call, from the request to what becomes of it.

use std::rc::Rc;

use subtle::ConstantTimeEq as _;

use crate::budget::FailureBudget;
use crate::cache::{HashKey, TokenCache, TokenHash};
use crate::claims::Validity;
use crate::impersonation::ImpersonationHeaders;
use crate::issuer::Issuer;
use crate::keys::IssuerKeys;
use crate::rejection::{Rejection, Unavailable};
use crate::request::{Impersonation, Request, RequestError};
use crate::signature::VerifySignature;
use crate::snapshot::{Generation, Snapshot, UpstreamCredential};
use crate::time::UnixSeconds;
use crate::token::{BearerToken, UnverifiedToken};
use crate::user::UserInfo;
use crate::verifier::{self, VerifyError};

/// What Google's tokens call `https://accounts.google.com` at times; go-oidc lets it pass for that issuer alone.
const GOOGLE: (&str, &str) = ("accounts.google.com", "https://accounts.google.com");

/// Decides about requests by one snapshot at a time.
pub struct Authenticator {
    current: Option<Current>,
    cache: TokenCache<Verified>,
    hash_key: HashKey,
}

/// The snapshot in force, with what is remembered of its issuers.
struct Current {
    generation: Generation,
    issuers: Vec<(Issuer, FailureBudget)>,
    upstream: Option<Upstream>,
}

/// The upstream credential as it is sent.
struct Upstream {
    credential: UpstreamCredential,
    authorization: Rc<str>,
}

/// A token that was verified, and all that it depends on.
struct Verified {
    generation: Generation,
    validity: Validity,
    keys_not_after: UnixSeconds,
    identity: Rc<Identity>,
}

/// Who a request is from, ready to be sent on and to be logged.
#[derive(Debug, PartialEq, Eq)]
pub struct Identity {
    issuer: String,
    user: UserInfo,
    headers: ImpersonationHeaders,
}

/// What becomes of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    /// It goes on as somebody.
    Forward(Forward),
    /// It is answered here.
    Reject(Rejection),
    /// It names a key that the snapshot lacks: ask the issuer for its keys again, then decide again.
    RefreshKeys {
        /// `issuer.url`.
        issuer: String,
        /// The key's id.
        kid: String,
    },
}

/// A request that goes on: a verified identity and the credential, which are sent together or not at all.
#[derive(Clone, PartialEq, Eq)]
pub struct Forward {
    identity: Rc<Identity>,
    authorization: Rc<str>,
}

impl Authenticator {
    /// Decides nothing but 503 until it has a snapshot. `cache_bytes` bounds the cache of verified tokens, `hash_key`
    /// is 16 bytes of the VM's own randomness.
    #[must_use]
    pub fn new(cache_bytes: usize, hash_key: HashKey) -> Self {
        Self { current: None, cache: TokenCache::new(cache_bytes), hash_key }
    }

    /// The generation of the snapshot in force.
    #[must_use]
    pub fn generation(&self) -> Option<Generation> {
        self.current.as_ref().map(|current| current.generation)
    }

    /// Takes `snapshot` in place of an earlier one, whole. Returns whether it was newer.
    pub fn adopt(&mut self, snapshot: Snapshot, now: UnixSeconds) -> bool {
        let Snapshot { generation, issuers, upstream_credential } = snapshot;
        if self.generation().is_some_and(|have| have >= generation) {
            return false;
        }
        self.cache.clear();
        self.current = Some(Current {
            generation,
            issuers: issuers.into_iter().map(|issuer| (issuer, FailureBudget::full(now))).collect(),
            upstream: upstream_credential.map(|credential| Upstream {
                authorization: format!("Bearer {}", credential.token()).into(),
                credential,
            }),
        });
        true
    }

    /// Decides about a request at `now`.
    pub fn decide(
        &mut self,
        request: &Request<'_>,
        now: UnixSeconds,
        verifier: &impl VerifySignature,
    ) -> Decision {
        match self.judge(request, now, verifier) {
            Ok(forward) => Decision::Forward(forward),
            Err(Refusal::Reject(rejection)) => Decision::Reject(rejection),
            Err(Refusal::RefreshKeys { issuer, kid }) => Decision::RefreshKeys { issuer, kid },
        }
    }

    fn judge(
        &mut self,
        request: &Request<'_>,
        now: UnixSeconds,
        verifier: &impl VerifySignature,
    ) -> Result<Forward, Refusal> {
        request.form().map_err(Rejection::Request)?;
        let current = self.current.as_mut().ok_or(Unavailable::NoSnapshot)?;
        let upstream = current.upstream.as_ref().ok_or(Unavailable::NoCredential)?;
        if !upstream.credential.is_valid_at(now) {
            return Err(Unavailable::CredentialExpired.into());
        }
        let authorization = Rc::clone(&upstream.authorization);
        let token = request.credential().map_err(Rejection::Credential)?;
        if bool::from(token.as_str().as_bytes().ct_eq(upstream.credential.token().as_bytes())) {
            return Err(Rejection::OwnCredential.into());
        }
        let hash = self.hash_key.hash(token.as_str());
        let identity = match cached(&mut self.cache, hash, current.generation, now) {
            Some(identity) => identity,
            None => {
                let verified = authenticate(current, token, now, verifier)?;
                let identity = Rc::clone(&verified.identity);
                let bytes = identity.size();
                self.cache.insert(hash, Rc::new(verified), bytes);
                identity
            }
        };
        match request.impersonation() {
            Impersonation::None => Ok(Forward { identity, authorization }),
            Impersonation::Requested => Err(Rejection::ImpersonationNotAllowed.into()),
            Impersonation::Malformed => Err(Rejection::Request(RequestError::Impersonation).into()),
        }
    }
}

/// A cached identity that is still good: by the same snapshot, within the token's times and the keys' age.
fn cached(
    cache: &mut TokenCache<Verified>,
    hash: TokenHash,
    generation: Generation,
    now: UnixSeconds,
) -> Option<Rc<Identity>> {
    let entry = cache.find(hash)?;
    if entry.generation == generation && entry.validity.check(now).is_ok() && now < entry.keys_not_after {
        return Some(Rc::clone(&entry.identity));
    }
    cache.remove(hash);
    None
}

fn authenticate(
    current: &mut Current,
    token: &BearerToken<'_>,
    now: UnixSeconds,
    verifier: &impl VerifySignature,
) -> Result<Verified, Refusal> {
    let token = UnverifiedToken::parse(token).map_err(Rejection::Token)?;
    let untrusted_issuer = token.untrusted_issuer().unwrap_or_default();
    let untrusted_issuer = if untrusted_issuer == GOOGLE.0 { GOOGLE.1 } else { untrusted_issuer };
    let (issuer, budget) = current
        .issuers
        .iter_mut()
        .find(|(issuer, _)| issuer.url == untrusted_issuer)
        .ok_or(Rejection::UnknownIssuer)?;
    let keys = usable_keys(issuer, now)?;
    let claims =
        verifier::verify(token, issuer, keys, now, verifier, || budget.may_check(now)).map_err(|error| {
            if let VerifyError::Signature { slow_checks } = error {
                budget.failed(slow_checks);
            }
            refusal(error, issuer)
        })?;
    let user = UserInfo::map(&claims, issuer).map_err(Rejection::Claims)?;
    let user = user.guarded(&issuer.guard).map_err(Rejection::Identity)?;
    let headers = ImpersonationHeaders::new(&user).map_err(Rejection::Identity)?;
    Ok(Verified {
        generation: current.generation,
        validity: claims.validity(),
        keys_not_after: keys.not_after,
        identity: Rc::new(Identity { issuer: issuer.url.clone(), user, headers }),
    })
}

fn usable_keys(issuer: &Issuer, now: UnixSeconds) -> Result<&IssuerKeys, Unavailable> {
    let keys = issuer.keys.as_ref().ok_or(Unavailable::NoKeys)?;
    if now < keys.not_after { Ok(keys) } else { Err(Unavailable::KeysTooOld) }
}

fn refusal(error: VerifyError, issuer: &Issuer) -> Refusal {
    match error {
        VerifyError::AlgorithmNotAllowed => Rejection::AlgorithmNotAllowed.into(),
        VerifyError::Claims(error) => Rejection::Claims(error).into(),
        VerifyError::Signature { .. } => Rejection::Signature.into(),
        VerifyError::Throttled => Unavailable::Throttled.into(),
        VerifyError::Token(error) => Rejection::Token(error).into(),
        VerifyError::UnknownKey { kid } => Refusal::RefreshKeys { issuer: issuer.url.clone(), kid },
    }
}

enum Refusal {
    Reject(Rejection),
    RefreshKeys { issuer: String, kid: String },
}

impl From<Rejection> for Refusal {
    fn from(rejection: Rejection) -> Self {
        Self::Reject(rejection)
    }
}

impl From<Unavailable> for Refusal {
    fn from(unavailable: Unavailable) -> Self {
        Self::Reject(unavailable.into())
    }
}

impl Identity {
    /// The URL of the issuer who vouches for the user.
    #[must_use]
    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    /// The user.
    #[must_use]
    pub const fn user(&self) -> &UserInfo {
        &self.user
    }

    /// Bytes that it takes, roughly: its headers twice (once as headers, once as the user) and the bookkeeping.
    fn size(&self) -> usize {
        const BOOKKEEPING: usize = 256;
        const PER_LINE: usize = 2 * (size_of::<String>() + size_of::<(String, String)>());
        let lines = self.headers.iter().count();
        let per_line = lines.saturating_mul(PER_LINE);
        self.headers.size().saturating_mul(2).saturating_add(per_line).saturating_add(BOOKKEEPING)
    }
}

impl Forward {
    /// Who the request is from.
    #[must_use]
    pub fn identity(&self) -> &Identity {
        &self.identity
    }

    /// The headers to add for the API server, once everything that the client sent of the kind is gone: the identity
    /// first and the credential last, so that a request which breaks off in between has no credential.
    pub fn upstream_headers(&self) -> impl Iterator<Item = (&str, &str)> {
        self.identity.headers.iter().chain([("authorization", &*self.authorization)])
    }
}

impl std::fmt::Debug for Forward {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Forward").field("identity", &self.identity).finish_non_exhaustive()
    }
}
