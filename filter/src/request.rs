//! One for each request.

use std::rc::Rc;
use std::time::Duration;

use authn::authenticator::{Decision, Forward};
use authn::feed::{FeedMessage as _, REFRESH_KEYS, RefreshKeysRequest, RefreshKeysResponse, RefreshOutcome};
use authn::rejection::{Rejection, Unavailable};
use authn::request::{Edit, HeaderLine, Request, is_stripped};
use proxy_wasm::traits::{Context, HttpContext};
use proxy_wasm::types::Action;

use crate::host::{self, ContextId, Lines, Part};
use crate::refresh::Admission;
use crate::root::Plugin;

/// Longest time that a request waits for an issuer's keys.
const REFRESH_TIMEOUT: Duration = Duration::from_secs(2);

/// A request on its way.
pub(crate) struct HttpRequest {
    id: ContextId,
    plugin: Option<Rc<Plugin>>,
    waiting: Option<Waiting>,
}

/// A request that waits for an issuer's keys. It counts as waiting until this is dropped, also when the client has
/// gone.
struct Waiting {
    plugin: Rc<Plugin>,
    call: u32,
    issuer: String,
}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.plugin.state.borrow_mut().refreshes.left(&self.issuer);
    }
}

/// What becomes of the request now.
enum Outcome {
    Forward(Forward),
    Reject(Rejection),
    Wait(Waiting),
}

impl HttpRequest {
    pub(crate) const fn new(id: ContextId, plugin: Option<Rc<Plugin>>) -> Self {
        Self { id, plugin, waiting: None }
    }
}

impl HttpContext for HttpRequest {
    fn on_http_request_headers(&mut self, _: usize, _: bool) -> Action {
        let Some(plugin) = self.plugin.clone() else {
            host::reply(&Unavailable::NoSnapshot.into());
            return Action::Pause;
        };
        let lines = host::lines(Part::Headers);
        let lines = borrowed(&lines);
        #[cfg(feature = "kill-switch")]
        if lines.iter().any(|(name, _)| *name == "x-kill-vm") {
            std::process::abort();
        }
        let request = Request::read(&lines);
        let outcome = match plugin.decide(&request) {
            Ok(Decision::Forward(forward)) => Outcome::Forward(forward),
            Ok(Decision::Reject(rejection)) | Err(rejection) => Outcome::Reject(rejection),
            Ok(Decision::RefreshKeys { issuer, kid }) => plugin.ask_for_keys(self.id, issuer, kid),
        };
        match outcome {
            Outcome::Forward(forward) => {
                plugin.forward(&request, &forward);
                Action::Continue
            }
            Outcome::Reject(rejection) => plugin.refuse(&rejection),
            Outcome::Wait(waiting) => {
                self.waiting = Some(waiting);
                Action::Pause
            }
        }
    }

    fn on_http_request_trailers(&mut self, _: usize) -> Action {
        for (name, _) in host::lines(Part::Trailers) {
            if is_stripped(&name) {
                host::remove_line(Part::Trailers, &name);
            }
        }
        Action::Continue
    }
}

impl Context for HttpRequest {
    fn on_grpc_call_response(&mut self, token_id: u32, status_code: u32, response_size: usize) {
        let Some(waiting) = self.waiting.take_if(|waiting| waiting.call == token_id) else { return };
        let plugin = Rc::clone(&waiting.plugin);
        let response = if status_code == 0 {
            host::on_behalf_of(plugin.root, self.id, || host::call_response(response_size))
        } else {
            None
        };
        let response = response.and_then(|bytes| RefreshKeysResponse::decode(&bytes).ok());
        let outcome = match response {
            Some(RefreshKeysResponse { outcome, snapshot }) => {
                if let Some(encoded) = snapshot {
                    plugin.adopt_and_share(&encoded);
                }
                outcome
            }
            None => RefreshOutcome::Failed,
        };
        let lines = host::lines(Part::Headers);
        let lines = borrowed(&lines);
        let request = Request::read(&lines);
        let rejection = match plugin.decide(&request) {
            Ok(Decision::Forward(forward)) => {
                plugin.forward(&request, &forward);
                host::resume();
                return;
            }
            Ok(Decision::Reject(rejection)) | Err(rejection) => rejection,
            Ok(Decision::RefreshKeys { issuer, kid }) => plugin.still_unknown(&issuer, &kid, outcome),
        };
        plugin.refuse(&rejection);
    }
}

impl Plugin {
    fn decide(&self, request: &Request<'_>) -> Result<Decision, Rejection> {
        let now = Self::now()?;
        Ok(self.state.borrow_mut().authenticator.decide(request, now, &self.verifier))
    }

    /// Asks the sidecar for the keys of `issuer`, if the request may wait for them.
    fn ask_for_keys(self: &Rc<Self>, request: ContextId, issuer: String, kid: String) -> Outcome {
        let now = match Self::now() {
            Ok(now) => now,
            Err(rejection) => return Outcome::Reject(rejection),
        };
        let mut state = self.state.borrow_mut();
        match state.refreshes.enter(&issuer, &kid, now) {
            Admission::Ask => {}
            Admission::Absent => return Outcome::Reject(Rejection::UnknownKey),
            Admission::Full => return Outcome::Reject(Unavailable::TooManyWaiting.into()),
        }
        let since = state.authenticator.generation();
        drop(state);
        let message = RefreshKeysRequest { issuer: issuer.clone(), kid, since }.encode();
        let call = host::on_behalf_of(self.root, request, || {
            host::call(&self.config.request_target, REFRESH_KEYS, &message, REFRESH_TIMEOUT)
        });
        match call {
            Some(call) => Outcome::Wait(Waiting { plugin: Rc::clone(self), call, issuer }),
            None => {
                self.state.borrow_mut().refreshes.left(&issuer);
                Outcome::Reject(Unavailable::RefreshFailed.into())
            }
        }
    }

    /// The issuer was asked, and the key is still not known.
    fn still_unknown(&self, issuer: &str, kid: &str, outcome: RefreshOutcome) -> Rejection {
        if outcome != RefreshOutcome::Fetched {
            return Unavailable::RefreshFailed.into();
        }
        if let Some(now) = host::now() {
            self.state.borrow_mut().refreshes.had_no(issuer, kid, now);
        }
        Rejection::UnknownKey
    }

    /// Rewrites the request's headers. Whatever of the client's could mean identity is taken away, on every route;
    /// credential and identity are added on routes to the API server alone.
    fn forward(&self, request: &Request<'_>, forward: &Forward) {
        for edit in request.edits() {
            match edit {
                Edit::Remove(name) => host::remove_line(Part::Headers, name),
                Edit::Set(name, value) => host::set_header(name, value),
            }
        }
        let leads_upstream = host::route_cluster().is_some_and(|cluster| self.config.is_upstream(&cluster));
        if leads_upstream {
            for (name, value) in forward.upstream_headers() {
                host::add_header(name, value);
            }
        }
        let identity = forward.identity();
        host::set_log_field("authn_issuer", identity.issuer());
        host::set_log_field("authn_user", identity.user().username());
        host::set_log_field("authn_groups", &identity.user().groups().join("|"));
        self.record(if leads_upstream { "ok" } else { "not_upstream" });
    }

    fn refuse(&self, rejection: &Rejection) -> Action {
        self.record(rejection.reason());
        host::reply(rejection);
        Action::Pause
    }

    fn record(&self, reason: &'static str) {
        host::set_log_field("authn_reason", reason);
        self.count(reason);
    }
}

fn borrowed(lines: &Lines) -> Vec<HeaderLine<'_>> {
    lines.iter().map(|(name, value)| (name.as_str(), value.as_slice())).collect()
}
