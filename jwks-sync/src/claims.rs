//! Claims that stand elsewhere (OpenID Connect Core 5.6.2): fetched from where a verified token says, and verified by the
//! keys of whoever signed them.
//!
//! A token must not choose whom this process talks to: every host that it, or what comes of it, leads to stands in the
//! policy. The one exception is the token's own issuer, whose keys are here already.

mod issuers;

use std::sync::Arc;

use authn::algorithm::AlgorithmSet;
use authn::claim_hosts::ClaimHosts;
use authn::claims_token::{ClaimsToken, ClaimsTokenError, Judge, ResolvedClaim};
use authn::config::JwtAuthenticator;
use authn::feed::{RefreshOutcome, ResolveClaimsRequest};
use authn::keys::Key;

use crate::clock;
use crate::fetch::{fetch_claims, host_of};
use crate::fetch_error::FetchError;
use crate::review::ClaimsResolver;
use crate::supply::Supply;

use issuers::{ForeignIssuers, Wanted};

/// What holds for the claims of one issuer's tokens that stand elsewhere: what holds for the tokens themselves.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Terms {
    /// `issuer.url`.
    pub(crate) issuer: String,
    /// Of which the answer must use one.
    pub(crate) algorithms: AlgorithmSet,
    /// Of which the answer must name one.
    pub(crate) audiences: Vec<String>,
    /// Whose certificates are trusted; `None`: those of the system.
    pub(crate) certificate_authority: Option<String>,
    /// Where may be asked.
    pub(crate) hosts: ClaimHosts,
}

impl Terms {
    /// Those of an issuer of the configuration.
    pub(crate) fn new(authenticator: &JwtAuthenticator, hosts: ClaimHosts) -> Self {
        Self {
            issuer: authenticator.url.clone(),
            algorithms: authenticator.algorithms,
            audiences: authenticator.audiences.clone(),
            certificate_authority: authenticator.certificate_authority.clone(),
            hosts,
        }
    }
}

/// Why there is no claim. As text, what an operator may know: hosts, and nothing else of what the token says.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Unresolved {
    #[error("{host}: {error}")]
    Answer { host: String, error: ClaimsTokenError },
    #[error("{host}: {error}; {}", error.advice())]
    Endpoint { host: String, error: FetchError },
    #[error("the issuer that {host} names, at {issuer}: {error}; {}", error.advice())]
    Issuer { host: String, issuer: String, error: FetchError },
    #[error("the token's issuer has no keys that may be used")]
    NoKeys,
}

impl Unresolved {
    /// The name of the case, for logs and metrics.
    pub(crate) fn reason(&self) -> &'static str {
        match self {
            Self::Answer { error: ClaimsTokenError::NoClaim, .. } => "no_claim",
            Self::Answer { error: ClaimsTokenError::UnknownKey { .. }, .. } => "unknown_key",
            Self::Answer { .. } => "not_valid",
            Self::Endpoint { error, .. } | Self::Issuer { error, .. } => error.reason(),
            Self::NoKeys => "no_keys",
        }
    }

    /// Whether it may pass, so that the token is not to blame.
    pub(crate) fn may_pass(&self) -> bool {
        match self {
            Self::Answer { .. } => false,
            Self::Endpoint { error, .. } | Self::Issuer { error, .. } => error.may_pass(),
            Self::NoKeys => true,
        }
    }
}

/// Fetches claims over HTTPS.
pub(crate) struct DistributedClaims {
    supply: Arc<Supply>,
    foreign: ForeignIssuers,
}

impl DistributedClaims {
    /// By the configuration that `supply` has in force.
    pub(crate) fn new(supply: Arc<Supply>) -> Self {
        let foreign = ForeignIssuers::new(supply.tls());
        Self { supply, foreign }
    }

    /// The keys of the issuer that an answer names.
    async fn keys(
        &self,
        terms: &Terms,
        untrusted_issuer: &str,
        wanted: Wanted<'_>,
    ) -> Result<Arc<Vec<Key>>, Trouble> {
        if untrusted_issuer == terms.issuer {
            return self.supply.usable_keys(untrusted_issuer).ok_or(Trouble::NoKeys);
        }
        if terms.hosts.allowed(untrusted_issuer).is_none() {
            let host = host_of(untrusted_issuer);
            return Err(Trouble::Issuer(FetchError::NotAllowed { host }));
        }
        self.foreign.keys(terms, untrusted_issuer, wanted).await.map_err(Trouble::Issuer)
    }

    async fn judge(
        &self,
        terms: &Terms,
        request: &ResolveClaimsRequest,
        answer: &ClaimsToken,
    ) -> Result<ResolvedClaim, Trouble> {
        let issuer = answer.untrusted_issuer();
        let claim = |keys: &[Key]| {
            let judge = Judge { issuer, keys, algorithms: terms.algorithms, audiences: &terms.audiences };
            answer.claim(&request.claim, judge, clock::now())
        };
        let keys = self.keys(terms, issuer, Wanted::Usable).await?;
        match claim(&keys) {
            Err(ClaimsTokenError::UnknownKey { kid }) => {
                if issuer == terms.issuer && self.supply.refresh(issuer, kid).await == RefreshOutcome::Failed
                {
                    return Err(Trouble::NoKeys);
                }
                let newer = self.keys(terms, issuer, Wanted::NewerThan(&keys)).await?;
                claim(&newer).map_err(Trouble::Answer)
            }
            judged => judged.map_err(Trouble::Answer),
        }
    }
}

/// What goes wrong once the endpoint has answered.
enum Trouble {
    Answer(ClaimsTokenError),
    Issuer(FetchError),
    NoKeys,
}

impl ClaimsResolver for DistributedClaims {
    fn terms(&self, issuer: &str) -> Option<Arc<Terms>> {
        self.supply.terms(issuer)
    }

    async fn resolve(
        &self,
        terms: &Terms,
        request: &ResolveClaimsRequest,
    ) -> Result<ResolvedClaim, Unresolved> {
        let host = || host_of(&request.endpoint);
        let body = fetch_claims(&self.supply.tls(), terms, &request.endpoint, &request.access_token)
            .await
            .map_err(|error| Unresolved::Endpoint { host: host(), error })?;
        let answer = ClaimsToken::parse(&body).map_err(|error| Unresolved::Answer { host: host(), error })?;
        self.judge(terms, request, &answer).await.map_err(|trouble| match trouble {
            Trouble::Answer(error) => Unresolved::Answer { host: host(), error },
            Trouble::Issuer(error) => Unresolved::Issuer {
                host: host(),
                issuer: host_of(answer.untrusted_issuer()),
                error: error.of_a_stranger(),
            },
            Trouble::NoKeys => Unresolved::NoKeys,
        })
    }
}

#[cfg(test)]
impl Unresolved {
    /// One of each kind.
    pub(crate) fn all() -> impl Iterator<Item = Self> {
        let host = String::new;
        let errors = [
            ClaimsTokenError::Issuer,
            ClaimsTokenError::NoClaim,
            ClaimsTokenError::UnknownKey { kid: String::new() },
        ];
        let answers = errors.into_iter().map(move |error| Self::Answer { host: host(), error });
        let endpoints = FetchError::all().map(move |error| Self::Endpoint { host: host(), error });
        answers.chain(endpoints).chain([Self::NoKeys])
    }
}
