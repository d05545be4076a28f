//! Why a token is let in or not: the decision, with its steps in order and the words that kube-apiserver would log.
//!
//! The verdict is [`Authenticator::decide`]'s own. What is told beside it comes from the functions that decide, called
//! once more in their order; words are put to it here, where a text more or less costs no request anything.
//!
//! # What is told of a token
//! `iss`, `aud`, `exp`, `nbf` and `jti`, `alg` and `kid` of its header, what the configuration maps, requires or has rules
//! about, and what kube-apiserver repeats of a claim that has the wrong type. Never the token, its parts or its signature.

mod go;
mod header;
mod mapping;
mod registered;
mod rules;
mod steps;
mod unjudged;
mod verification;
mod walk;

use crate::authenticator::Authenticator;
use crate::cache::HashKey;
use crate::decision::{Answers, Decision, KeysAnswer, Question, Refused, Source};
use crate::feed::{RefreshOutcome, ResolveClaimsRequest, ResolveClaimsResponse};
use crate::policy::{RequestPolicy, UpstreamIdentity};
use crate::rejection::{Rejection, Unavailable};
use crate::request::Request;
use crate::signature::VerifySignature;
use crate::snapshot::{Snapshot, SnapshotError};
use crate::time::UnixSeconds;
use crate::user::UserInfo;

use unjudged::unjudged;
use walk::{Walk, walk};

/// Name of the step that stands where words and decision differ: never, as far as is known.
pub const NOT_EXPLAINED: &str = "explanation";

/// Why a token is let in or not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explanation {
    /// URL of the configured issuer that the token says it is from.
    pub issuer: Option<String>,
    /// What is looked at, in its order.
    pub steps: Vec<Step>,
    /// What becomes of it.
    pub verdict: Verdict,
}

/// One thing that is looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// What is looked at: a claim, a rule, a part of the user.
    pub name: String,
    /// What came of it.
    pub outcome: Outcome,
    /// More of it, for people; may be empty.
    pub detail: String,
}

/// What came of a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It is good.
    Passed,
    /// It is why the token is refused.
    Failed,
    /// An earlier one failed.
    NotReached,
}

/// What becomes of a token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is this user's, as the API server gets to see it.
    LetIn(UserInfo),
    /// It is refused.
    Refused(Refusal),
}

/// Why a token is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The reason.
    pub rejection: Rejection,
    /// What kube-apiserver does at this point.
    pub kubernetes: Kubernetes,
    /// Rules of `docs/deviations.md` by which we refuse what kube-apiserver would not. Beside words of it: those that may be
    /// the reason, in which case it would go on.
    pub stricter: Vec<&'static str>,
}

/// What kube-apiserver 1.36 does with a token where we refuse it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Kubernetes {
    /// It has nothing against it so far.
    GoesOn,
    /// It refuses the token too, with this line in its log. `...` stands for words of a decoder of Go's.
    Says(String),
    /// It can't be known from here.
    #[default]
    Unknown,
}

/// Explains by one snapshot.
pub struct Explainer {
    snapshot: Snapshot,
    claims: Option<(ResolveClaimsRequest, ResolveClaimsResponse, UnixSeconds)>,
}

impl Explainer {
    /// Takes a snapshot by way of the wire: as filters get it, and no other.
    ///
    /// # Errors
    /// [`SnapshotError`] where a filter would refuse it.
    pub fn new(snapshot: &Snapshot) -> Result<Self, SnapshotError> {
        Ok(Self { snapshot: Snapshot::decode(&snapshot.encode())?, claims: None })
    }

    /// What has to be asked about the token: where its groups are, if they stand elsewhere and may be fetched from there.
    #[must_use]
    pub fn question(
        &self,
        untrusted_text: &[u8],
        now: UnixSeconds,
        verifier: &impl VerifySignature,
    ) -> Option<ResolveClaimsRequest> {
        self.decide(untrusted_text, now, verifier).question
    }

    /// Notes what was answered to a question that was asked at `asked`. One without an answer counts as one that nobody
    /// could be asked.
    pub fn answer(
        &mut self,
        question: ResolveClaimsRequest,
        answer: ResolveClaimsResponse,
        asked: UnixSeconds,
    ) {
        self.claims = Some((question, answer, asked));
    }

    /// The configured issuer whose keys it takes to judge a token, by the decision's own account.
    #[must_use]
    pub fn issuer_of(
        &self,
        untrusted_text: &[u8],
        now: UnixSeconds,
        verifier: &impl VerifySignature,
    ) -> Option<String> {
        self.decide(untrusted_text, now, verifier).issuer
    }

    /// Decides about a token and says why. The keys of the snapshot are taken to be those that the issuer has at `now`: it
    /// is not asked again for one that is not there.
    #[must_use]
    pub fn explain(
        &self,
        untrusted_text: &[u8],
        now: UnixSeconds,
        verifier: &impl VerifySignature,
    ) -> Explanation {
        let Decided { issuer: url, result: decision, answers, question: _ } =
            self.decide(untrusted_text, now, verifier);
        let Walk { mut steps, found, kubernetes, stricter } = match (url.as_deref(), &decision) {
            (Some(url), _) => walk(self.snapshot.issuer(url), untrusted_text, &answers, now, verifier),
            (None, Err(rejection)) => unjudged(untrusted_text, rejection),
            (None, Ok(_)) => Walk::default(),
        };
        let is_explained = found.as_ref() == Some(&decision);
        if !is_explained {
            // The decision stands, whatever is said of it.
            let detail = "the steps do not lead to the decision; please report this".to_owned();
            steps.push(Step { name: NOT_EXPLAINED.to_owned(), outcome: Outcome::Failed, detail });
        }
        let verdict = match decision {
            Ok(user) => Verdict::LetIn(user),
            Err(rejection) if is_explained => Verdict::Refused(Refusal { rejection, kubernetes, stricter }),
            Err(rejection) => {
                let (kubernetes, stricter) = (Kubernetes::Unknown, Vec::new());
                Verdict::Refused(Refusal { rejection, kubernetes, stricter })
            }
        };
        Explanation { issuer: url, steps, verdict }
    }

    /// The decision about a request that brings the token and nothing else.
    fn decide(&self, untrusted_text: &[u8], now: UnixSeconds, verifier: &impl VerifySignature) -> Decided {
        // Whether the gateway has a credential of its own to go on with is not the token's business.
        let policy = RequestPolicy { upstream_identity: UpstreamIdentity::Own, ..RequestPolicy::default() };
        // Nothing is looked up in the cache that was not put there by this very call.
        let mut authenticator = Authenticator::new(policy, 0, HashKey::new([0; 16]));
        authenticator.adopt(self.snapshot.clone(), now);
        let authorization = [b"Bearer ", untrusted_text.trim_ascii()].concat();
        let lines = [("authorization", authorization.as_slice())];
        let request = Request::read(&lines);
        let mut answers = Answers::default();
        if let Some((question, answer, asked)) = self.claims.clone() {
            answers.claims(question, answer, asked);
        }
        let mut question = None;
        let mut decision = authenticator.decide(&request, None, &answers, now, verifier);
        if let Decision::Ask(Question::Keys(_)) = decision {
            answers.keys(KeysAnswer::Refreshed(RefreshOutcome::Fetched));
            decision = authenticator.decide(&request, None, &answers, now, verifier);
        }
        if let Decision::Ask(Question::Claims(asked)) = decision {
            answers.claims(asked.clone(), ResolveClaimsResponse::Failed, now);
            question = Some(asked);
            decision = authenticator.decide(&request, None, &answers, now, verifier);
        }
        let issuer = |source: &Source| match source {
            Source::Issuer(url) => Some(String::from(&**url)),
            _ => None,
        };
        let (issuer, result) = match decision {
            Decision::Forward(forward) => {
                let caller = forward.caller();
                (issuer(caller.source()), Ok(caller.user()))
            }
            Decision::Reject(Refused { rejection, source, user: _ }) => {
                (source.as_ref().and_then(issuer), Err(rejection))
            }
            // A token webhook would know. It is not for this to ask.
            Decision::Ask(_) => (None, Err(Unavailable::TokenReview.into())),
        };
        Decided { issuer, result, answers, question }
    }
}

/// A decision, and what led to it.
struct Decided {
    /// Whose token it was judged as.
    issuer: Option<String>,
    result: Result<UserInfo, Rejection>,
    answers: Answers,
    /// What nobody has answered yet.
    question: Option<ResolveClaimsRequest>,
}
