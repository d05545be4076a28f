//! Leaves for the access log, and for the counters, what became of a request.

use authn::decision::{Forward, Refused, Source};
use authn::described::Described;
use authn::request::HeaderLine;
use authn::texts::Texts;
use authn::user::UserInfo;

use crate::config::Records;
use crate::host;
use crate::metric::{Passed, Reason};
use crate::record::{Outcome, RequestRecord, User, audit, fields, kube_oidc_proxy};
use crate::root::Plugin;

impl Plugin {
    /// Records a request that goes on. `lines` are its headers as they came.
    pub(crate) fn record_forwarded(&self, lines: &[HeaderLine<'_>], forward: &Forward, passed: Passed) {
        let caller = forward.caller();
        host::set_log_field("authn_outcome", "forwarded");
        set_fields(fields::USER, caller.described().description());
        if let Some(target) = forward.impersonated() {
            set_fields(fields::IMPERSONATED, target.description());
        }
        if self.renders() {
            let (user, target) = (caller.user(), forward.impersonated().map(Described::user));
            self.render(lines, Outcome::Forwarded, Some(view(&user)), target.as_ref().map(view));
        }
        self.count_request(passed.into(), Some(caller.source()));
    }

    /// Records a request that is answered here.
    pub(crate) fn record_refused(&self, lines: &[HeaderLine<'_>], refused: &Refused) {
        let Refused { rejection, source, user } = refused;
        let reason = Reason::from(rejection);
        host::set_log_field("authn_outcome", "refused");
        if let Some(user) = user {
            set_fields(fields::USER, &fields::describe(user));
        }
        if self.renders() {
            self.render(lines, Outcome::Refused { reason: reason.name() }, user.as_ref().map(view), None);
        }
        self.count_request(reason, source.as_ref());
    }

    fn count_request(&self, reason: Reason, source: Option<&Source>) {
        host::set_log_field("authn_reason", reason.name());
        if let Some(source) = source {
            host::set_log_field("authn_issuer", source.name());
        }
        self.state.borrow_mut().metrics.request(reason, source);
    }

    /// Whether anything is rendered for Envoy's own format to print.
    fn renders(&self) -> bool {
        self.config.records != Records::default()
    }

    fn render(
        &self,
        lines: &[HeaderLine<'_>],
        outcome: Outcome<'_>,
        user: Option<User<'_>>,
        impersonated: Option<User<'_>>,
    ) {
        let value = |wanted| {
            let line = lines.iter().find(|(name, _)| *name == wanted);
            line.map(|(_, value)| *value).unwrap_or_default()
        };
        let record = RequestRecord {
            outcome,
            method: value(":method"),
            path: value(":path"),
            user,
            impersonated,
            source: host::client_address(),
            peer: host::peer_address(),
            user_agent: value("user-agent"),
            audit_id: value("x-request-id"),
        };
        if self.config.records.kube_oidc_proxy {
            host::set_log_field("authn_kube_oidc_proxy", &kube_oidc_proxy::line(&record));
        }
        if self.config.records.audit {
            host::set_log_field("authn_audit", &audit::members(&record));
        }
    }
}

fn set_fields(names: [&'static str; 4], description: &Texts) {
    for (name, value) in fields::fields(names, description) {
        host::set_log_field(name, value);
    }
}

fn view(user: &UserInfo) -> User<'_> {
    User { name: user.username(), uid: user.uid(), groups: user.groups(), extra: user.extra() }
}
