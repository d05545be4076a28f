//! A request: decided in its one callback, or once the sidecar has answered what there was to ask.

use std::time::Duration;

use authn::decision::{Answers, Decision, Forward, Question, Refused};
use authn::rejection::{Rejection, Unavailable};
use authn::request::{Edit, HeaderLine, Keep, Request, is_stripped};
use authn::time::UnixSeconds;
use authn::websocket;
use proxy_wasm_abi::types::{Action, ContextId};

use crate::ask::PAUSE;
use crate::host::{self, Lines, Part};
use crate::metric::{Metric, Passed};
use crate::root::Plugin;
use crate::verify::{Checked, Watched};

/// Decisions about one request: each kind of question is asked once, and then there is an answer to all of them.
const MAX_DECISIONS: usize = 5;
/// How Envoy's router is told when a stream must end at the latest, in milliseconds. It goes no further.
const MAX_STREAM_DURATION: &str = "x-envoy-upstream-stream-duration-ms";

/// A request on its way: what is known of it besides its headers, which stay with Envoy.
pub(crate) struct HttpRequest {
    pub(crate) id: ContextId,
    pub(crate) answers: Answers,
    /// When it must be decided at the latest: set at its first question.
    deadline: Option<Duration>,
}

/// What became of the request.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Progress {
    Forwarded,
    Refused,
    Waits,
}

/// Takes away trailers that mean identity.
pub(crate) fn on_trailers() -> Action {
    let lines = host::lines(Part::Trailers);
    let lines = lines.as_ref().and_then(Lines::read);
    let strip = |(name, _): &HeaderLine<'_>| !is_stripped(name) || host::remove_line(Part::Trailers, name);
    if lines.is_some_and(|lines| lines.iter().all(strip)) {
        Action::Continue
    } else {
        // What can't be read or can't be taken away can't go on.
        host::reply(&Unavailable::NoSnapshot.into());
        Action::Pause
    }
}

impl Plugin {
    /// A request's headers are there: decides, or lets it wait.
    pub(crate) fn on_headers(&self, id: ContextId) -> Action {
        match self.proceed(HttpRequest { id, answers: Answers::default(), deadline: None }) {
            Progress::Forwarded => Action::Continue,
            Progress::Refused | Progress::Waits => Action::Pause,
        }
    }

    /// Decides as far as that is possible now.
    pub(crate) fn proceed(&self, mut http: HttpRequest) -> Progress {
        let lines = host::lines(Part::Headers);
        // Every request has headers, if no more than its pseudo headers. One whose headers the host doesn't tell is
        // not to be taken for one that has no credential.
        let Some(lines) = lines.as_ref().and_then(Lines::read).filter(|lines| !lines.is_empty()) else {
            self.refuse(&[], &Rejection::from(Unavailable::NoSnapshot).into());
            return Progress::Refused;
        };
        #[cfg(feature = "kill-switch")]
        if lines.iter().any(|(name, _)| *name == "x-kill-vm") {
            std::process::abort();
        }
        let request = Request::read(&lines);
        for _ in 0..MAX_DECISIONS {
            let Some(clock) = host::clock() else { break };
            match self.decide(&request, &http.answers, clock) {
                Decision::Forward(forward) => {
                    if self.forward(&lines, &request, &forward, clock) {
                        return Progress::Forwarded;
                    }
                    break;
                }
                Decision::Reject(refused) => {
                    self.refuse(&lines, &refused);
                    return Progress::Refused;
                }
                Decision::Ask(question) => {
                    let deadline = *http.deadline.get_or_insert(clock.saturating_add(PAUSE));
                    // A clock that steps back gives nobody more time.
                    let remaining = deadline.saturating_sub(clock).min(PAUSE);
                    match self.ask(http, question, UnixSeconds::new(clock.as_secs()), remaining) {
                        Some(answered) => http = answered,
                        None => return Progress::Waits,
                    }
                }
            }
        }
        // Without a clock nothing can be decided, and what was changed in part can't go on.
        self.refuse(&lines, &Rejection::from(Unavailable::NoSnapshot).into());
        Progress::Refused
    }

    fn decide(&self, request: &Request<'_>, answers: &Answers, clock: Duration) -> Decision {
        let client_address = self.config.tells_client_address().then(host::client_address).flatten();
        let mut state = self.state.borrow_mut();
        let is_timed = state.metrics.is_calm();
        let verifier = Watched::new(self.verifier, is_timed);
        let now = UnixSeconds::new(clock.as_secs());
        let decision = state.authenticator.decide(request, client_address, answers, now, &verifier);
        // Who waits for a claim is verified once more with it, and counts then.
        if matches!(decision, Decision::Ask(Question::Claims(_))) {
            return decision;
        }
        // Only who had to be verified is timed, and of many who come at once the first: the others would pay for it.
        if let Some(Checked { good, spent }) = verifier.checked() {
            state.metrics.count(if good { Metric::SignaturesValid } else { Metric::SignaturesInvalid });
            if is_timed {
                let whole = host::clock().unwrap_or(clock).saturating_sub(clock);
                state.metrics.record(Metric::VerifyMicroseconds, microseconds(spent));
                state.metrics.record(Metric::DecideMicroseconds, microseconds(whole));
            }
        }
        decision
    }

    /// Rewrites the request's headers. On routes to the API server credential and identity are added, or its own are
    /// kept; on all others every trace of either is taken away. Returns whether all of that was done.
    fn forward(
        &self,
        lines: &[HeaderLine<'_>],
        request: &Request<'_>,
        forward: &Forward,
        clock: Duration,
    ) -> bool {
        let mut is_done = true;
        let leads_upstream = host::route_cluster().is_some_and(|cluster| self.config.is_upstream(&cluster));
        if leads_upstream {
            forward.edits(request).for_each(|edit| is_done &= apply(edit));
            forward.add_upstream_headers(|name, value| is_done &= host::add_header(name, value));
        } else {
            request.edits(Keep::Nothing).for_each(|edit| is_done &= apply(edit));
        }
        let mut random = [0; 16];
        if request.lacks_websocket_key() && getrandom::fill(&mut random).is_ok() {
            is_done &= host::set_header(websocket::KEY, websocket::key(random).as_bytes());
        }
        if self.config.end_streams_at_token_expiry
            && let Some(expires) = forward.caller().expires()
        {
            let life = Duration::from_secs(expires.get()).saturating_sub(clock);
            // Zero would mean no end.
            is_done &= host::set_header(MAX_STREAM_DURATION, life.as_millis().max(1).to_string().as_bytes());
        }
        if !is_done {
            return false;
        }
        self.record_forwarded(
            lines,
            forward,
            if leads_upstream { Passed::Upstream } else { Passed::NotUpstream },
        );
        true
    }

    fn refuse(&self, lines: &[HeaderLine<'_>], refused: &Refused) {
        self.record_refused(lines, refused);
        host::reply(&refused.rejection);
    }
}

fn microseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

fn apply(edit: &Edit<'_>) -> bool {
    match edit {
        Edit::Remove(name) => host::remove_line(Part::Headers, name),
        Edit::Set(name, value) => host::set_header(name, value),
    }
}
