//! What a request asks of the sidecar while it is paused.

use std::time::Duration;

use authn::decision::{Answers, KeysAnswer, Question};
use authn::feed::{
    FeedMessage as _, RefreshKeysRequest, RefreshKeysResponse, RefreshOutcome, ResolveClaimsResponse,
    ReviewImpersonationResponse, ReviewTokenResponse,
};
use authn::time::UnixSeconds;
use proxy_wasm_abi::types::{CallId, ContextId};

use crate::host;
use crate::request::{HttpRequest, Progress};
use crate::root::Plugin;
use crate::waiting::{Kind, Place};

/// Longest time that a request is paused, whatever it has to ask.
pub(crate) const PAUSE: Duration = Duration::from_secs(5);
/// Longest time that it waits for an issuer's keys.
const KEYS: Duration = Duration::from_secs(2);

/// A request that waits for the answer to a question: until there is one, or until its client has gone.
pub(crate) struct Waiting {
    request: HttpRequest,
    call: CallId,
    question: Question,
    asked: UnixSeconds,
    place: Place,
}

impl Plugin {
    /// Asks the sidecar for a request, which may wait for `remaining` and waits from now on. Where that can't be,
    /// notes it as the answer, and gives the request back.
    pub(crate) fn ask(
        &self,
        mut request: HttpRequest,
        question: Question,
        asked: UnixSeconds,
        remaining: Duration,
    ) -> Option<HttpRequest> {
        let kind = Kind::of(&question);
        let place = Kind::place(&question);
        let mut state = self.state.borrow_mut();
        if let Question::Keys(RefreshKeysRequest { issuer, kid, .. }) = &question
            && state.absent.has(issuer, kid, asked)
        {
            request.answers.keys(KeysAnswer::Absent);
            return Some(request);
        }
        if !state.rooms.room(kind).enter(&place, asked) {
            unasked(question, Unasked::Full, asked, &mut request.answers);
            return Some(request);
        }
        state.metrics.count(kind.counter());
        drop(state);
        let timeout = if kind == Kind::Keys { remaining.min(KEYS) } else { remaining };
        // No timeout means for ever.
        let call = (!timeout.is_zero()).then(|| {
            host::on_behalf_of(self.root, request.id, || {
                host::call(&self.config.request_target, question.method(), &question.message(), timeout)
            })
        });
        let mut state = self.state.borrow_mut();
        let Some(call) = call.flatten() else {
            state.rooms.room(kind).leave(&place);
            if !timeout.is_zero() && !std::mem::replace(&mut state.has_asked_in_vain, true) {
                let cluster = self.config.request_target.cluster();
                host::error(&format!(
                    "nothing can be asked of cluster {cluster}: there is no such cluster, by Envoy's account; look at sidecar.requestCluster"
                ));
            }
            drop(state);
            unasked(question, Unasked::Failed, asked, &mut request.answers);
            return Some(request);
        };
        state.waiting.insert(request.id, Waiting { request, call, question, asked, place });
        None
    }

    /// Notes an answer, in the callback of the root context, and lets the request that waits for it proceed.
    pub(crate) fn request_answered(&self, call: CallId, result: Result<usize, u32>) {
        // So few wait that a look at each is cheap.
        let is_it = |(id, waiting): (&ContextId, &Waiting)| (waiting.call == call).then_some(*id);
        let id = self.state.borrow().waiting.iter().find_map(is_it);
        let Some(waiting) = id.and_then(|id| self.take_waiting(id)) else { return };
        let message = result.ok().and_then(host::call_response);
        let Waiting { mut request, question, asked, .. } = waiting;
        self.note(question, message.as_deref(), asked, &mut request.answers);
        if host::proceed_as(request.id) && self.proceed(request) == Progress::Forwarded {
            host::resume();
        }
    }

    /// Lets go of a request that is no more. What was asked for it goes on, and nobody waits for it.
    pub(crate) fn forget(&self, request: ContextId) {
        if !self.state.borrow().waiting.is_empty() {
            self.take_waiting(request);
        }
    }

    /// Takes a request out of its place.
    fn take_waiting(&self, request: ContextId) -> Option<Waiting> {
        let mut state = self.state.borrow_mut();
        let waiting = state.waiting.remove(&request)?;
        state.rooms.room(Kind::of(&waiting.question)).leave(&waiting.place);
        Some(waiting)
    }

    /// Notes what was answered; `None` if the call failed.
    fn note(&self, question: Question, message: Option<&[u8]>, asked: UnixSeconds, answers: &mut Answers) {
        match question {
            Question::Claims(question) => {
                let answer = message.and_then(|message| ResolveClaimsResponse::decode(message).ok());
                answers.claims(question, answer.unwrap_or(ResolveClaimsResponse::Failed), asked);
            }
            Question::Keys(question) => {
                let response = message.and_then(|message| RefreshKeysResponse::decode(message).ok());
                answers.keys(KeysAnswer::Refreshed(self.refreshed(&question, response, asked)));
            }
            Question::Impersonation(question) => {
                let answer = message.and_then(|message| ReviewImpersonationResponse::decode(message).ok());
                let answer = answer.unwrap_or(ReviewImpersonationResponse::Failed);
                answers.impersonation(question, answer, asked);
            }
            Question::Token(question) => {
                let answer = message.and_then(|message| ReviewTokenResponse::decode(message).ok());
                answers.token(question, answer.unwrap_or(ReviewTokenResponse::Failed), asked);
            }
        }
    }

    /// Takes what came of asking for an issuer's keys.
    fn refreshed(
        &self,
        question: &RefreshKeysRequest,
        response: Option<RefreshKeysResponse>,
        asked: UnixSeconds,
    ) -> RefreshOutcome {
        let Some(RefreshKeysResponse { outcome, snapshot }) = response else { return RefreshOutcome::Failed };
        if let Some(encoded) = snapshot {
            self.adopt_and_share(&encoded);
        }
        if outcome == RefreshOutcome::Fetched {
            // Unless it is there now; then nobody asks for it.
            self.state.borrow_mut().absent.insert(
                &question.issuer,
                &question.kid,
                host::now().unwrap_or(asked),
            );
        }
        outcome
    }
}

/// Why a question is not asked.
#[derive(Clone, Copy)]
enum Unasked {
    /// The sidecar can't be called, or time is up.
    Failed,
    /// Too many requests wait already.
    Full,
}

/// Notes that a question is not asked.
fn unasked(question: Question, why: Unasked, asked: UnixSeconds, answers: &mut Answers) {
    match question {
        Question::Claims(question) => {
            let answer = match why {
                Unasked::Failed => ResolveClaimsResponse::Failed,
                Unasked::Full => ResolveClaimsResponse::Busy,
            };
            answers.claims(question, answer, asked);
        }
        Question::Keys(_) => answers.keys(match why {
            Unasked::Failed => KeysAnswer::Refreshed(RefreshOutcome::Failed),
            Unasked::Full => KeysAnswer::Full,
        }),
        Question::Impersonation(question) => {
            let answer = match why {
                Unasked::Failed => ReviewImpersonationResponse::Failed,
                Unasked::Full => ReviewImpersonationResponse::Busy,
            };
            answers.impersonation(question, answer, asked);
        }
        Question::Token(question) => {
            let answer = match why {
                Unasked::Failed => ReviewTokenResponse::Failed,
                Unasked::Full => ReviewTokenResponse::Busy,
            };
            answers.token(question, answer, asked);
        }
    }
}
