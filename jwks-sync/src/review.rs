//! Questions of the filter that others answer: may A act as B, and whose token is this?
//!
//! Each has one deadline, below that of the filter. The same question asked twice at a time is asked once, successes
//! are kept for a while, and what is open is bounded, so that no client can use up the patience of the API server.

mod flights;
mod impersonation;
mod limits;
mod outage;
mod token;

#[cfg(test)]
#[path = "review/impersonation_tests.rs"]
mod impersonation_tests;
#[cfg(test)]
#[path = "review/token_tests.rs"]
mod token_tests;

use std::time::Duration;

use authn::impersonation_request::Attribute;
use authn::user::UserInfo;

use crate::kube::KubeError;

pub(crate) use impersonation::ImpersonationReviews;
pub(crate) use outage::Outages;
pub(crate) use token::{TokenReviews, TokenWebhookSource};

/// Time for a question in all. The filter waits for 5 s.
const DEADLINE: Duration = Duration::from_millis(4_500);
/// How long a yes of the API server may be relied on, from when it was asked.
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
