//! The snapshot in force, with what is remembered of its issuers.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::rc::{Rc, Weak};

use crate::anonymous::Anonymous;
use crate::budget::FailureBudget;
use crate::cache::{HashKey, TokenHash};
use crate::impersonation_request::SERVICE_ACCOUNT;
use crate::issuer::{IdentityGuard, Issuer};
use crate::programs::{NotPlanned, Programs};
use crate::rejection::Unavailable;
use crate::snapshot::{Generation, Snapshot, UpstreamCredential};
use crate::time::UnixSeconds;
use crate::token;

/// `iss` of the cluster's oldest kind of tokens, from Secrets, which never expire (k8s.io/kubernetes
/// `serviceaccount.LegacyIssuer`).
const LEGACY_CLUSTER: &str = "kubernetes/serviceaccount";

pub(super) struct Current {
    pub(super) generation: Generation,
    issuers: Vec<CurrentIssuer>,
    upstream: Option<Upstream>,
    anonymous: Option<Anonymous>,
    pub(super) token_webhook: Option<IdentityGuard>,
}

pub(super) struct CurrentIssuer {
    pub(super) issuer: Issuer,
    pub(super) url: Rc<str>,
    pub(super) budget: FailureBudget,
    pub(super) programs: Result<Programs, NotPlanned>,
    /// It lives as long as the issuer judges tokens in the same way, by the same keys.
    standing: Rc<Standing>,
}

/// Until when an issuer's keys may be used.
struct Standing {
    keys_not_after: Cell<UnixSeconds>,
}

/// What a token that an issuer vouches for depends on. It knows of itself when the issuer is not there any more, or
/// judges in another way: then there is nothing left to look at.
pub(super) struct Voucher(Weak<Standing>);

impl Voucher {
    /// Whether a token that the issuer was found to have signed still is to be relied on, its own times apart.
    pub(super) fn holds(&self, now: UnixSeconds) -> bool {
        self.0.upgrade().is_some_and(|standing| now < standing.keys_not_after.get())
    }
}

impl CurrentIssuer {
    /// Takes an issuer, in place of an earlier one of the same URL. Where nothing changed but how long its keys may
    /// be used, what it vouched for holds on, and what failed still counts.
    fn new(issuer: Issuer, earlier: Option<Self>, now: UnixSeconds) -> Self {
        let keys_not_after = issuer.keys.as_ref().map(|keys| keys.not_after).unwrap_or_default();
        if let Some(Self { issuer: before, url, budget, programs, standing }) = earlier
            && issuer.judges_as(&before)
        {
            standing.keys_not_after.set(keys_not_after);
            return Self { issuer, url, budget, programs, standing };
        }
        Self {
            url: issuer.url.as_str().into(),
            programs: Programs::plan(&issuer),
            issuer,
            budget: FailureBudget::full(now),
            standing: Rc::new(Standing { keys_not_after: Cell::new(keys_not_after) }),
        }
    }

    pub(super) fn voucher(&self) -> Voucher {
        Voucher(Rc::downgrade(&self.standing))
    }
}

/// The upstream credential as it is sent.
struct Upstream {
    credential: UpstreamCredential,
    authorization: Rc<str>,
    hash: TokenHash,
    /// `iss` of the credential, if it is a JWT: the cluster's own issuer.
    issuer: Option<String>,
    /// `sub` of the credential, if it is a JWT: for a service account its user name.
    subject: Option<String>,
}

impl Current {
    /// Takes a snapshot in place of an `earlier` one.
    pub(super) fn new(
        snapshot: Snapshot,
        earlier: Option<Self>,
        hash_key: HashKey,
        now: UnixSeconds,
    ) -> Self {
        let Snapshot { generation, issuers, upstream_credential, anonymous, token_webhook } = snapshot;
        let mut before: BTreeMap<_, _> = earlier
            .into_iter()
            .flat_map(|earlier| earlier.issuers)
            .map(|before| (Rc::clone(&before.url), before))
            .collect();
        let issuers = issuers.into_iter().map(|issuer| {
            let earlier = before.remove(issuer.url.as_str());
            CurrentIssuer::new(issuer, earlier, now)
        });
        let issuers = issuers.collect();
        let upstream = upstream_credential.map(|credential| Upstream {
            authorization: format!("Bearer {}", credential.token()).into(),
            hash: hash_key.hash(credential.token()),
            issuer: token::trusted_claim(credential.token(), "iss"),
            subject: token::trusted_claim(credential.token(), "sub"),
            credential,
        });
        Self { generation, issuers, upstream, anonymous, token_webhook }
    }

    /// The value of `authorization` under which requests go on.
    pub(super) fn authorization(&self, now: UnixSeconds) -> Result<Rc<str>, Unavailable> {
        let upstream = self.upstream.as_ref().ok_or(Unavailable::NoCredential)?;
        if !upstream.credential.is_valid_at(now) {
            return Err(Unavailable::CredentialExpired);
        }
        Ok(Rc::clone(&upstream.authorization))
    }

    /// Whether a client presents the gateway's own credential. The hash has a key, so how long the comparison takes
    /// tells nothing of the credential.
    pub(super) fn is_our_own(&self, token: TokenHash) -> bool {
        self.upstream.as_ref().is_some_and(|upstream| token == upstream.hash)
    }

    /// Whether a token turned out to be of the gateway's own account: an earlier credential, or the same one in another
    /// spelling.
    pub(super) fn is_our_account(&self, username: &str) -> bool {
        self.upstream.as_ref().is_some_and(|upstream| upstream.subject.as_deref() == Some(username))
    }

    /// Whether a request for `target` may come without a credential.
    pub(super) fn is_open_to_all(&self, target: &[u8]) -> bool {
        self.anonymous.as_ref().is_some_and(|anonymous| anonymous.covers(target))
    }

    /// The configured issuer that a token claims to be from.
    pub(super) fn issuer(&mut self, untrusted_issuer: &str) -> Option<&mut CurrentIssuer> {
        let url = token::issuer_url(untrusted_issuer);
        self.issuers.iter_mut().find(|current| current.issuer.url == url)
    }

    /// Whether a token claims to be the cluster's own. Where the gateway's credential does not say what the cluster calls
    /// itself (there is none, or it is no JWT of today's kind), every token of a service account could be one.
    pub(super) fn is_clusters(&self, untrusted_issuers: &[String], untrusted_subjects: &[String]) -> bool {
        let own = self.upstream.as_ref().and_then(|upstream| upstream.issuer.as_deref());
        let own = own.filter(|own| *own != LEGACY_CLUSTER);
        let is_cluster = |issuer: &String| issuer == LEGACY_CLUSTER || own == Some(issuer.as_str());
        let is_account = |subject: &String| subject.starts_with(SERVICE_ACCOUNT);
        untrusted_issuers.iter().any(is_cluster) || own.is_none() && untrusted_subjects.iter().any(is_account)
    }
}
