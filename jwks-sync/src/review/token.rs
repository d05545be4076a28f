//! Whose token is this?

use std::sync::Arc;
use std::time::Duration;

use authn::cache::{HashKey, TokenHash};
use authn::feed::{ReviewTokenRequest, ReviewTokenResponse};
use authn::user::UserInfo;
use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout};
use zeroize::Zeroizing;

use super::flights::{Came, Flights, NoAnswer, Verdict};
use super::outage::Outages;
use super::{DEADLINE, GOOD_FOR, TokenReviewer};
use crate::kube::KubeError;
use crate::metrics::{Metrics, ReviewKind};
use crate::store::Store;

/// Questions that may be open.
const MAX_OPEN: usize = 32;
/// The API server's share of the deadline when the webhook is asked after it.
const FIRST_SHARE: Duration = Duration::from_millis(2_500);
/// What keeping an answer takes beside its texts.
const FRAME: usize = 256;

/// What came of a question.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Outcome {
    Failed,
    Known(ReviewKind, Arc<UserInfo>),
    Unknown,
}

/// A question, without the token's text.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Question {
    token: TokenHash,
    pass_through: Option<Vec<String>>,
    webhook: bool,
}

/// The token webhook, and how long its yes may be relied on.
pub(crate) struct TokenWebhookSource<W> {
    /// The webhook.
    pub(crate) webhook: W,
    /// For how long.
    pub(crate) good_for: Duration,
}

/// Asks the API server, then the webhook.
pub(crate) struct TokenReviews<A, W> {
    sources: Arc<Sources<A, W>>,
    flights: Flights<Question, Outcome>,
    open: Arc<Semaphore>,
    hash: HashKey,
    store: Arc<Store>,
    metrics: Arc<Metrics>,
}

struct Sources<A, W> {
    api_server: A,
    webhook: Option<TokenWebhookSource<W>>,
    outages: Arc<Outages>,
    metrics: Arc<Metrics>,
}

impl<A: TokenReviewer, W: TokenReviewer> TokenReviews<A, W> {
    /// Nothing is asked yet. `random` keys the hash under which answers are kept.
    pub(crate) fn new(
        api_server: A,
        webhook: Option<TokenWebhookSource<W>>,
        random: [u8; 16],
        store: Arc<Store>,
        outages: Arc<Outages>,
        metrics: Arc<Metrics>,
    ) -> Self {
        let sources = Arc::new(Sources { api_server, webhook, outages, metrics: Arc::clone(&metrics) });
        let open = Arc::new(Semaphore::new(MAX_OPEN));
        Self { sources, flights: Flights::new(), open, hash: HashKey::new(random), store, metrics }
    }

    /// Answers within the deadline.
    pub(crate) async fn ask(&self, request: ReviewTokenRequest) -> ReviewTokenResponse {
        let ReviewTokenRequest { token, pass_through, webhook } = request;
        let token = Zeroizing::new(token);
        let webhook = webhook && self.sources.webhook.is_some();
        let first = match (&pass_through, webhook) {
            (Some(_), _) => ReviewKind::PassThrough,
            (None, true) => ReviewKind::Webhook,
            (None, false) => return ReviewTokenResponse::Unknown,
        };
        if token.is_empty() || self.is_upstream_credential(&token) {
            // Our own credential is nobody's business: whoever shows it to us gets nothing for it.
            self.metrics.reviews().came_to(first, "unknown");
            return ReviewTokenResponse::Unknown;
        }
        let question =
            Question { token: self.hash.hash(&token), pass_through: pass_through.clone(), webhook };
        let ask = || {
            let permit = Arc::clone(&self.open).try_acquire_owned().ok()?;
            let sources = Arc::clone(&self.sources);
            Some(async move {
                let verdict = sources.judge(&token, pass_through.as_deref(), webhook).await;
                drop(permit);
                verdict
            })
        };
        match self.flights.ask(question, ask).await {
            Ok((came, verdict)) => {
                let good_for = verdict.good_for(Instant::now());
                let (kind, answer) = match verdict.value {
                    Outcome::Known(ReviewKind::Webhook, user) => {
                        let user = UserInfo::clone(&user);
                        (ReviewKind::Webhook, ReviewTokenResponse::Webhook { user, good_for })
                    }
                    Outcome::Known(kind, user) => {
                        let user = UserInfo::clone(&user);
                        (kind, ReviewTokenResponse::PassThrough { user, good_for })
                    }
                    Outcome::Unknown => (first, ReviewTokenResponse::Unknown),
                    Outcome::Failed => (first, ReviewTokenResponse::Failed),
                };
                match came {
                    Came::Asked => {}
                    Came::Cached => self.metrics.reviews().came_to(kind, "cached"),
                    Came::Joined => self.metrics.reviews().came_to(kind, "joined"),
                }
                answer
            }
            Err(NoAnswer::Busy) => {
                self.metrics.reviews().came_to(first, "busy");
                ReviewTokenResponse::Busy
            }
            Err(NoAnswer::Lost) => ReviewTokenResponse::Failed,
        }
    }

    /// Compared by their keyed hashes, which tells nobody by its time how much of it was right.
    fn is_upstream_credential(&self, token: &str) -> bool {
        let credential = self.store.credential().credential;
        credential.is_some_and(|credential| self.hash.hash(credential.token()) == self.hash.hash(token))
    }
}

impl<A: TokenReviewer, W: TokenReviewer> Sources<A, W> {
    async fn judge(&self, token: &str, pass_through: Option<&[String]>, webhook: bool) -> Verdict<Outcome> {
        let webhook = self.webhook.as_ref().filter(|_| webhook);
        let begun = Instant::now();
        let mut unsure = false;
        if let Some(audiences) = pass_through {
            let time = if webhook.is_some() { FIRST_SHARE } else { DEADLINE };
            let answer = self.review(ReviewKind::PassThrough, &self.api_server, token, audiences, time).await;
            match answer {
                Ok(Some(user)) => return known(ReviewKind::PassThrough, user, begun.checked_add(GOOD_FOR)),
                Ok(None) => {}
                Err(()) => unsure = true,
            }
        }
        if let Some(TokenWebhookSource { webhook, good_for }) = webhook {
            let sent = Instant::now();
            let time = DEADLINE.saturating_sub(begun.elapsed());
            match self.review(ReviewKind::Webhook, webhook, token, &[], time).await {
                Ok(Some(user)) => return known(ReviewKind::Webhook, user, sent.checked_add(*good_for)),
                Ok(None) => {}
                Err(()) => unsure = true,
            }
        }
        Verdict::passing(if unsure { Outcome::Failed } else { Outcome::Unknown })
    }

    async fn review(
        &self,
        kind: ReviewKind,
        reviewer: &impl TokenReviewer,
        token: &str,
        audiences: &[String],
        time: Duration,
    ) -> Result<Option<UserInfo>, ()> {
        let review = self.metrics.reviews().begin(kind);
        let answer = timeout(time, reviewer.review(token, audiences)).await;
        match answer.unwrap_or(Err(KubeError::Timeout)) {
            Ok(user) => {
                self.outages.ended(kind);
                review.end(if user.is_some() { "authenticated" } else { "unknown" });
                Ok(user)
            }
            Err(failure) => {
                self.outages.failed(kind, &failure);
                review.end(failure.reason());
                Err(())
            }
        }
    }
}

fn known(kind: ReviewKind, user: UserInfo, good_until: Option<Instant>) -> Verdict<Outcome> {
    let extra = user.extra().iter().flat_map(|(key, values)| std::iter::once(key).chain(values));
    let texts = user.groups().iter().chain(extra).map(|text| text.len().saturating_add(24));
    let bytes = texts.fold(FRAME.saturating_add(user.username().len()), usize::saturating_add);
    Verdict { value: Outcome::Known(kind, Arc::new(user)), good_until, bytes }
}
