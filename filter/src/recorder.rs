//! Leaves for the access log, and for the counters, what became of a request.

use authn::decision::{Forward, Refused, Source};
use authn::request::HeaderLine;
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
        let user = Some(view(caller.user()));
        self.write(lines, Outcome::Forwarded, user, forward.impersonated().map(view));
        self.count_request(passed.into(), Some(caller.source()));
    }

    /// Records a request that is answered here.
    pub(crate) fn record_refused(&self, lines: &[HeaderLine<'_>], refused: &Refused) {
        let Refused { rejection, source, user } = refused;
        let reason = Reason::from(rejection);
        self.write(lines, Outcome::Refused { reason: reason.name() }, user.as_ref().map(view), None);
        self.count_request(reason, source.as_ref());
    }

    fn count_request(&self, reason: Reason, source: Option<&Source>) {
        host::set_log_field("authn_reason", reason.name());
        if let Some(source) = source {
            host::set_log_field("authn_issuer", source.name());
        }
        self.state.borrow_mut().metrics.request(reason, source);
    }

    fn write(
        &self,
        lines: &[HeaderLine<'_>],
        outcome: Outcome<'_>,
        user: Option<User<'_>>,
        impersonated: Option<User<'_>>,
    ) {
        // The single fields have no use for what Envoy's own format prints.
        let is_rendered = self.config.records != Records::default();
        let value = |wanted| {
            let line = is_rendered.then(|| lines.iter().find(|(name, _)| *name == wanted)).flatten();
            line.map(|(_, value)| *value).unwrap_or_default()
        };
        let record = RequestRecord {
            outcome,
            method: value(":method"),
            path: value(":path"),
            user,
            impersonated,
            source: is_rendered.then(host::client_address).flatten(),
            peer: is_rendered.then(host::peer_address).flatten(),
            user_agent: value("user-agent"),
            audit_id: value("x-request-id"),
        };
        for (name, value) in fields::fields(&record) {
            host::set_log_field(name, &value);
        }
        if self.config.records.kube_oidc_proxy {
            host::set_log_field("authn_kube_oidc_proxy", &kube_oidc_proxy::line(&record));
        }
        if self.config.records.audit {
            host::set_log_field("authn_audit", &audit::members(&record));
        }
    }
}

fn view(user: &UserInfo) -> User<'_> {
    User { name: user.username(), uid: user.uid(), groups: user.groups(), extra: user.extra() }
}
