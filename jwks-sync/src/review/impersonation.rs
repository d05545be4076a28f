//! May this user act as that one?

use std::sync::Arc;

use authn::feed::{FeedMessage, ReviewImpersonationRequest, ReviewImpersonationResponse};
use authn::impersonation_request::{Attribute, MAX_VALUES};
use authn::user::UserInfo;
use tokio::time::{Instant, timeout};

use super::flights::{Came, Flights, NoAnswer, Verdict};
use super::limits::{Limits, Permit};
use super::outage::Outages;
use super::{AccessReviewer, DEADLINE, GOOD_FOR};
use crate::kube::KubeError;
use crate::metrics::{Metrics, ReviewKind};

/// What came of a question.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Outcome {
    Allowed,
    Denied(Attribute),
    Failed,
}

/// Asks the API server for each thing that an impersonation takes.
pub(crate) struct ImpersonationReviews<R> {
    reviewer: Arc<R>,
    /// By the encoded question, the requester with uid, groups and extra included.
    flights: Flights<Vec<u8>, Outcome>,
    limits: Arc<Limits>,
    outages: Arc<Outages>,
    metrics: Arc<Metrics>,
}

impl<R: AccessReviewer> ImpersonationReviews<R> {
    /// Nothing is asked yet.
    pub(crate) fn new(reviewer: Arc<R>, outages: Arc<Outages>, metrics: Arc<Metrics>) -> Self {
        Self { reviewer, flights: Flights::new(), limits: Arc::default(), outages, metrics }
    }

    /// Answers within the deadline.
    pub(crate) async fn ask(&self, request: ReviewImpersonationRequest) -> ReviewImpersonationResponse {
        const KIND: ReviewKind = ReviewKind::Impersonation;
        let attributes = request.target.attributes();
        if attributes.len() > MAX_VALUES || attributes.iter().any(is_unnamed) {
            self.metrics.reviews().came_to(KIND, "malformed");
            return ReviewImpersonationResponse::Failed;
        }
        let question = request.encode();
        let bytes = question.len();
        let ask = || {
            let permit = self.limits.admit(request.requester.username(), attributes.len())?;
            let (reviewer, outages) = (Arc::clone(&self.reviewer), Arc::clone(&self.outages));
            let review = self.metrics.reviews().begin(KIND);
            Some(async move {
                let sent = Instant::now();
                let judged = judge(reviewer, request.requester, attributes, permit).await;
                match &judged {
                    Ok(_) => outages.ended(KIND),
                    Err(failure) => outages.failed(KIND, failure),
                }
                let (value, result) = match judged {
                    Ok(None) => (Outcome::Allowed, "allowed"),
                    Ok(Some(denied)) => (Outcome::Denied(denied), "denied"),
                    Err(failure) => (Outcome::Failed, failure.reason()),
                };
                review.end(result);
                let is_kept = value == Outcome::Allowed;
                Verdict { value, good_until: sent.checked_add(GOOD_FOR).filter(|_| is_kept), bytes }
            })
        };
        match self.flights.ask(question, ask).await {
            Ok((came, verdict)) => {
                match came {
                    Came::Asked => {}
                    Came::Cached => self.metrics.reviews().came_to(KIND, "cached"),
                    Came::Joined => self.metrics.reviews().came_to(KIND, "joined"),
                }
                let good_for = verdict.good_for(Instant::now());
                match verdict.value {
                    Outcome::Allowed => ReviewImpersonationResponse::Allowed { good_for },
                    Outcome::Denied(denied) => ReviewImpersonationResponse::Denied(denied),
                    Outcome::Failed => ReviewImpersonationResponse::Failed,
                }
            }
            Err(NoAnswer::Busy) => {
                self.metrics.reviews().came_to(KIND, "busy");
                ReviewImpersonationResponse::Busy
            }
            Err(NoAnswer::Lost) => ReviewImpersonationResponse::Failed,
        }
    }
}

/// To an authorizer, an empty name means every name.
fn is_unnamed(attribute: &Attribute) -> bool {
    match attribute {
        Attribute::Extra { key, value } => key.is_empty() || value.is_empty(),
        Attribute::Group(name)
        | Attribute::ServiceAccount(name)
        | Attribute::Uid(name)
        | Attribute::User(name) => name.is_empty(),
    }
}

/// Asks for all at once and goes through the answers in their order, so that the same question is always denied for
/// the same thing. The first that is no yes decides: a denial behind an error is not certain to be the first.
///
/// What is then still open ends by itself, and holds the permit until then: to break it off would cost a connection
/// each, and so would let a user who is denied make the API server shake hands as often as they ask.
async fn judge<R: AccessReviewer>(
    reviewer: Arc<R>,
    requester: UserInfo,
    attributes: Vec<Attribute>,
    permit: Permit,
) -> Result<Option<Attribute>, KubeError> {
    let shared = Arc::new((requester, permit));
    let ask = |attribute: Attribute| {
        let (reviewer, shared) = (Arc::clone(&reviewer), Arc::clone(&shared));
        tokio::spawn(async move {
            let (requester, _) = shared.as_ref();
            let answer = timeout(DEADLINE, reviewer.may_impersonate(requester, &attribute)).await;
            (attribute, answer.unwrap_or(Err(KubeError::Timeout)))
        })
    };
    let answers: Vec<_> = attributes.into_iter().map(ask).collect();
    drop(shared);
    for answer in answers {
        let (attribute, answer) = answer.await.map_err(|_| KubeError::Answer)?;
        if !answer? {
            return Ok(Some(attribute));
        }
    }
    Ok(None)
}
