//! What is the claim that stands elsewhere?

use std::sync::Arc;

use authn::cache::{HashKey, TokenHash};
use authn::claims_token::ResolvedClaim;
use authn::feed::{FeedMessage as _, ResolveClaimsRequest, ResolveClaimsResponse};
use tokio::time::{Instant, timeout};
use zeroize::{Zeroize as _, Zeroizing};

use super::flights::{Came, Flights, NoAnswer, Verdict};
use super::limits::Limits;
use super::outage::Outages;
use super::{ClaimsResolver, DEADLINE, GOOD_FOR};
use crate::claims::{Terms, Unresolved};
use crate::clock;
use crate::fetch::host_of;
use crate::fetch_error::FetchError;
use crate::metrics::{Metrics, ReviewKind};

const KIND: ReviewKind = ReviewKind::Claims;
/// What keeping an answer takes beside its value.
const FRAME: usize = 512;

/// What came of a question.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Outcome {
    Failed,
    Refused,
    Resolved(Arc<str>),
}

/// A question, without its texts, and by what its answer is judged.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Question {
    request: TokenHash,
    terms: Arc<Terms>,
}

/// Fetches claims for filters.
pub(crate) struct ClaimsReviews<R> {
    resolver: Arc<R>,
    flights: Flights<Question, Outcome>,
    limits: Arc<Limits>,
    hash: HashKey,
    outages: Arc<Outages>,
    metrics: Arc<Metrics>,
}

impl<R: ClaimsResolver> ClaimsReviews<R> {
    /// Nothing is asked yet. `random` keys the hash under which answers are kept.
    pub(crate) fn new(resolver: R, random: [u8; 16], outages: Arc<Outages>, metrics: Arc<Metrics>) -> Self {
        Self {
            resolver: Arc::new(resolver),
            flights: Flights::new(),
            limits: Arc::default(),
            hash: HashKey::new(random),
            outages,
            metrics,
        }
    }

    /// Answers within the deadline.
    pub(crate) async fn ask(&self, request: ResolveClaimsRequest) -> ResolveClaimsResponse {
        let request = Secret(request);
        // What was fetched a moment ago is no answer any more once the policy does not allow it.
        let terms = self.resolver.terms(&request.0.issuer);
        let terms = terms.filter(|terms| terms.hosts.allowed(&request.0.endpoint).is_some());
        let Some(terms) = terms else {
            let host = host_of(&request.0.endpoint);
            let error = FetchError::NotAllowed { host: host.clone() };
            self.outages.unresolved(&Unresolved::Endpoint { host, error });
            self.metrics.reviews().came_to(KIND, "not_allowed");
            return ResolveClaimsResponse::Refused;
        };
        let question = Question { request: self.hash_of(&request.0), terms: Arc::clone(&terms) };
        let ask = || {
            // Two issuers may call two people the same.
            let user = [request.0.issuer.as_str(), "\n", &request.0.subject].concat();
            let permit = self.limits.admit_at(&request.0.issuer, &user)?;
            let (resolver, outages) = (Arc::clone(&self.resolver), Arc::clone(&self.outages));
            let review = self.metrics.reviews().begin(KIND);
            Some(async move {
                let sent = Instant::now();
                let answer = timeout(DEADLINE, resolver.resolve(&terms, &request.0)).await;
                let answer = answer.unwrap_or_else(|_| {
                    let host = host_of(&request.0.endpoint);
                    Err(Unresolved::Endpoint { host, error: FetchError::Timeout })
                });
                let verdict = match answer {
                    Ok(claim) => {
                        outages.ended(KIND);
                        review.end("resolved");
                        resolved(claim, sent)
                    }
                    Err(failure) => {
                        outages.unresolved(&failure);
                        review.end(failure.reason());
                        Verdict::passing(if failure.may_pass() { Outcome::Failed } else { Outcome::Refused })
                    }
                };
                drop(permit);
                verdict
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
                    Outcome::Resolved(value) => {
                        ResolveClaimsResponse::Resolved { value: value.as_ref().to_owned(), good_for }
                    }
                    Outcome::Refused => ResolveClaimsResponse::Refused,
                    Outcome::Failed => ResolveClaimsResponse::Failed,
                }
            }
            Err(NoAnswer::Busy) => {
                self.metrics.reviews().came_to(KIND, "busy");
                ResolveClaimsResponse::Busy
            }
            Err(NoAnswer::Lost) => ResolveClaimsResponse::Failed,
        }
    }

    /// Two questions are the same if everything about them is: somebody else's answer is not theirs.
    fn hash_of(&self, request: &ResolveClaimsRequest) -> TokenHash {
        let encoded = Zeroizing::new(request.encode());
        self.hash.hash_lines(self.hash.hash(&request.issuer), &[("", encoded.as_slice())])
    }
}

/// No longer than the answer of the endpoint itself is good.
fn resolved(ResolvedClaim { value, expires }: ResolvedClaim, sent: Instant) -> Verdict<Outcome> {
    let left = std::time::Duration::from_secs(expires.since(clock::now()));
    let until = sent.checked_add(GOOD_FOR);
    let end = Instant::now().checked_add(left);
    let bytes = value.len().saturating_add(FRAME);
    Verdict { value: Outcome::Resolved(value.into()), good_until: until.min(end), bytes }
}

/// A request whose access token is wiped once nobody needs it.
struct Secret(ResolveClaimsRequest);

impl Drop for Secret {
    fn drop(&mut self) {
        self.0.access_token.zeroize();
    }
}
