//! What a request asks of the sidecar while it is paused.

use std::rc::Rc;
use std::time::Duration;

use authn::decision::{Answers, KeysAnswer, Question};
use authn::feed::{
    FeedMessage as _, RefreshKeysRequest, RefreshKeysResponse, RefreshOutcome, ReviewImpersonationResponse,
    ReviewTokenResponse,
};
use authn::time::UnixSeconds;

use crate::host::{self, ContextId};
use crate::root::Plugin;
use crate::waiting::Kind;

/// Longest time that a request is paused, whatever it has to ask.
pub(crate) const PAUSE: Duration = Duration::from_secs(5);
/// Longest time that it waits for an issuer's keys.
const KEYS: Duration = Duration::from_secs(2);

/// A question under way. Its request counts as waiting until this is dropped, also when the client has gone.
pub(crate) struct Waiting {
    plugin: Rc<Plugin>,
    call: u32,
    question: Question,
    asked: UnixSeconds,
    queue: Rc<str>,
}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.plugin.state.borrow_mut().waiting.room(Kind::of(&self.question)).leave(&self.queue);
    }
}

impl Waiting {
    /// Whether this is what the call was about.
    pub(crate) const fn is_for(&self, call: u32) -> bool {
        self.call == call
    }

    /// Notes the answer, in the callback of `request`.
    pub(crate) fn answered(self, request: ContextId, status: u32, size: usize, answers: &mut Answers) {
        let plugin = &self.plugin;
        let message = if status == 0 {
            host::on_behalf_of(plugin.root, request, || host::call_response(size))
        } else {
            None
        };
        match &self.question {
            Question::Keys(question) => {
                let response = message.and_then(|message| RefreshKeysResponse::decode(&message).ok());
                answers.keys(KeysAnswer::Refreshed(plugin.refreshed(question, response, self.asked)));
            }
            Question::Impersonation(question) => {
                let answer = message.and_then(|message| ReviewImpersonationResponse::decode(&message).ok());
                let answer = answer.unwrap_or(ReviewImpersonationResponse::Failed);
                answers.impersonation(question.clone(), answer, self.asked);
            }
            Question::Token(question) => {
                let answer = message.and_then(|message| ReviewTokenResponse::decode(&message).ok());
                answers.token(question.clone(), answer.unwrap_or(ReviewTokenResponse::Failed), self.asked);
            }
        }
    }
}

impl Plugin {
    /// Asks the sidecar for `request`, which may still wait for `remaining`. Where it can't, notes that instead.
    pub(crate) fn ask(
        self: &Rc<Self>,
        request: ContextId,
        question: Question,
        asked: UnixSeconds,
        remaining: Duration,
        answers: &mut Answers,
    ) -> Option<Waiting> {
        let kind = Kind::of(&question);
        let queue = Kind::queue(&question);
        let mut state = self.state.borrow_mut();
        if let Question::Keys(RefreshKeysRequest { issuer, kid, .. }) = &question
            && state.absent.has(issuer, kid, asked)
        {
            answers.keys(KeysAnswer::Absent);
            return None;
        }
        if !state.waiting.room(kind).enter(&queue, asked) {
            unasked(question, Unasked::Full, asked, answers);
            return None;
        }
        state.metrics.count(kind.counter());
        drop(state);
        let timeout = if kind == Kind::Keys { remaining.min(KEYS) } else { remaining };
        // No timeout means for ever.
        let call = (!timeout.is_zero()).then(|| {
            host::on_behalf_of(self.root, request, || {
                host::call(&self.config.request_target, question.method(), &question.message(), timeout)
            })
        });
        let Some(call) = call.flatten() else {
            let mut state = self.state.borrow_mut();
            state.waiting.room(kind).leave(&queue);
            if !timeout.is_zero() && !std::mem::replace(&mut state.has_asked_in_vain, true) {
                let cluster = self.config.request_target.cluster();
                host::error(&format!(
                    "nothing can be asked of cluster {cluster}: there is no such cluster, by Envoy's account; look at sidecar.requestCluster"
                ));
            }
            drop(state);
            unasked(question, Unasked::Failed, asked, answers);
            return None;
        };
        Some(Waiting { plugin: Rc::clone(self), call, question, asked, queue })
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
