//! Questions of the filter that others answer: may A act as B, whose token is this, and what is the claim that stands
//! elsewhere?
//!
//! Each has one deadline, below that of the filter. The same question asked twice at a time is asked once, successes
//! are kept for a while, and what is open is bounded, so that no client can use up the patience of the API server.

mod claims;
mod flights;
mod impersonation;
mod limits;
mod outage;
mod token;

#[cfg(test)]
#[path = "review/claims_tests.rs"]
mod claims_tests;
#[cfg(test)]
#[path = "review/impersonation_tests.rs"]
mod impersonation_tests;
#[cfg(test)]
#[path = "review/token_tests.rs"]
mod token_tests;

use std::sync::Arc;
use std::time::Duration;

use authn::claims_token::ResolvedClaim;
use authn::feed::ResolveClaimsRequest;
use authn::impersonation_request::Attribute;
use authn::user::UserInfo;

use crate::claims::{Terms, Unresolved};
use crate::kube::KubeError;

pub(crate) use claims::ClaimsReviews;
pub(crate) use impersonation::ImpersonationReviews;
pub(crate) use outage::Outages;
pub(crate) use token::{TokenReviews, TokenWebhookSource};

/// Time for a question in all. The filter waits for 5 s.
const DEADLINE: Duration = Duration::from_millis(4_500);
/// How long a yes of the API server, or a claim, may be relied on, from when it was asked.
const GOOD_FOR: Duration = Duration::from_secs(10);

/// Answers whether somebody may act as somebody else.
pub(crate) trait AccessReviewer: Send + Sync + 'static {
    /// Whether `requester` may impersonate this one thing.
    fn may_impersonate(
        &self,
        requester: &UserInfo,
        attribute: &Attribute,
    ) -> impl Future<Output = Result<bool, KubeError>> + Send;
}

/// Answers whose token something is.
pub(crate) trait TokenReviewer: Send + Sync + 'static {
    /// The user; `None` when the token is not known.
    fn review(
        &self,
        token: &str,
        audiences: &[String],
    ) -> impl Future<Output = Result<Option<UserInfo>, KubeError>> + Send;
}

/// Fetches claims that stand elsewhere.
pub(crate) trait ClaimsResolver: Send + Sync + 'static {
    /// By what a claim is judged that a token of this issuer says stands elsewhere; `None`: no such issuer.
    fn terms(&self, issuer: &str) -> Option<Arc<Terms>>;

    /// Fetches and verifies the claim.
    fn resolve(
        &self,
        terms: &Terms,
        request: &ResolveClaimsRequest,
    ) -> impl Future<Output = Result<ResolvedClaim, Unresolved>> + Send;
}
