//! Probes and metrics, over plain HTTP. The only file that knows an HTTP server.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::fmt::Write;
use std::sync::Arc;
use std::time::Duration;

use authn::time::UnixSeconds;
use http::{Method, Request, Response, StatusCode, header};
use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::TcpListener;
use tokio::task::AbortHandle;
use tokio::time::{sleep, timeout};
use tracing::warn;

use crate::args::Readiness;
use crate::clock;
use crate::metrics::Metrics;
use crate::review::Outages;
use crate::store::{CredentialState, IssuerState, Store};

/// Connections at a time.
const MAX_CONNECTIONS: usize = 64;
/// Time for a request's head.
const HEAD_TIMEOUT: Duration = Duration::from_secs(5);
/// Life of a connection.
const CONNECTION_TIMEOUT: Duration = Duration::from_secs(60);

/// What probes ask for.
pub(crate) struct Health {
    store: Arc<Store>,
    metrics: Arc<Metrics>,
    readiness: Readiness,
    /// Whether an upstream credential is wanted.
    needs_credential: bool,
    outages: Arc<Outages>,
}

/// One line of `/readyz?verbose`.
#[derive(Debug, PartialEq, Eq)]
struct Check {
    name: String,
    result: Result<String, String>,
}

impl Health {
    /// Reports on `store`, and of `outages` without judging by them.
    pub(crate) const fn new(
        store: Arc<Store>,
        metrics: Arc<Metrics>,
        readiness: Readiness,
        needs_credential: bool,
        outages: Arc<Outages>,
    ) -> Self {
        Self { store, metrics, readiness, needs_credential, outages }
    }

    /// Serves on `listener`, for ever.
    pub(crate) async fn serve(self, listener: TcpListener) {
        let health = Arc::new(self);
        let mut open: VecDeque<AbortHandle> = VecDeque::new();
        loop {
            let connection = match listener.accept().await {
                Ok((connection, _)) => connection,
                Err(error) => {
                    warn!(%error, "accepting a connection for health failed");
                    sleep(Duration::from_millis(100)).await;
                    continue;
                }
            };
            open.retain(|connection| !connection.is_finished());
            // Who holds connections open must not keep the kubelet out: the oldest goes.
            if open.len() >= MAX_CONNECTIONS
                && let Some(oldest) = open.pop_front()
            {
                oldest.abort();
            }
            let health = Arc::clone(&health);
            let task = tokio::spawn(async move {
                let answer = service_fn(|request| {
                    let answer = health.answer(&request);
                    async { Ok::<_, Infallible>(answer) }
                });
                let serving = http1::Builder::new()
                    .timer(TokioTimer::new())
                    .header_read_timeout(HEAD_TIMEOUT)
                    .keep_alive(false)
                    .serve_connection(TokioIo::new(connection), answer);
                // A prober that goes away is no news.
                drop(timeout(CONNECTION_TIMEOUT, serving).await);
            });
            open.push_back(task.abort_handle());
        }
    }

    fn answer(&self, request: &Request<Incoming>) -> Response<Full<Bytes>> {
        let is_read = matches!(*request.method(), Method::GET | Method::HEAD);
        let verbose = request
            .uri()
            .query()
            .is_some_and(|query| query.split('&').any(|part| part.split('=').next() == Some("verbose")));
        let (status, text) = match request.uri().path() {
            _ if !is_read => (StatusCode::METHOD_NOT_ALLOWED, "method not allowed\n".to_owned()),
            "/livez" => (StatusCode::OK, "ok\n".to_owned()),
            "/readyz" => self.ready(verbose, clock::now()),
            "/metrics" => return response(StatusCode::OK, METRICS_TYPE, self.metrics.text()),
            _ => (StatusCode::NOT_FOUND, "not found\n".to_owned()),
        };
        response(status, "text/plain; charset=utf-8", text)
    }

    fn ready(&self, verbose: bool, now: UnixSeconds) -> (StatusCode, String) {
        let max_age = self.store.max_age();
        let issuers: Vec<Check> = self
            .store
            .issuers()
            .into_iter()
            .map(|(url, state)| Check {
                name: format!("issuer {url}"),
                result: issuer_result(&state, now, max_age),
            })
            .collect();
        let published = self.store.publication().map(|()| String::new()).map_err(str::to_owned);
        let mut rest = vec![Check { name: "snapshot".to_owned(), result: published }];
        if self.needs_credential {
            let result = credential_result(&self.store.credential(), now);
            rest.push(Check { name: "credential".to_owned(), result });
        }
        // Sign-in by issuers works without them.
        let reviews = self.outages.present().into_iter().map(|(kind, failure)| Check {
            name: format!("reviews {kind}"),
            result: Ok(format!("the last one failed: {failure}")),
        });
        rest.extend(reviews);
        let issuers_ready = match self.readiness {
            Readiness::All => issuers.iter().all(|check| check.result.is_ok()),
            Readiness::Any => issuers.is_empty() || issuers.iter().any(|check| check.result.is_ok()),
        };
        let ready = issuers_ready && rest.iter().all(|check| check.result.is_ok());
        let text = report(issuers.iter().chain(&rest), ready, verbose);
        (if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE }, text)
    }
}

/// The OpenMetrics text format, which Prometheus reads.
const METRICS_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

fn response(status: StatusCode, content_type: &'static str, text: String) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(text.into()));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, http::HeaderValue::from_static(content_type));
    response
}

/// In the form of kube-apiserver. Like it, the reasons are shown in both forms when something fails.
fn report<'a>(checks: impl Iterator<Item = &'a Check>, ready: bool, verbose: bool) -> String {
    if ready && !verbose {
        return "ok\n".to_owned();
    }
    let mut text = String::new();
    for Check { name, result } in checks {
        // Writing to a String can't fail.
        let _ = match result {
            Ok(note) if note.is_empty() => writeln!(text, "[+]{name} ok"),
            Ok(note) => writeln!(text, "[+]{name} ok: {note}"),
            Err(reason) => writeln!(text, "[-]{name} failed: {reason}"),
        };
    }
    text.push_str(if ready { "readyz check passed\n" } else { "readyz check failed\n" });
    text
}

fn issuer_result(state: &IssuerState, now: UnixSeconds, max_age: u64) -> Result<String, String> {
    let failure = state.failure.as_ref().map(|failure| format!("{failure}; {}", failure.advice()));
    match (state.last_success.filter(|_| state.is_usable_at(now, max_age)), failure) {
        (Some(_), None) => Ok(String::new()),
        (Some(at), Some(failure)) => {
            Ok(format!("keys of {} s ago are in use, the last fetch failed: {failure}", now.since(at)))
        }
        (None, Some(failure)) => Err(failure),
        (None, None) => Err("not asked yet".to_owned()),
    }
}

fn credential_result(state: &CredentialState, now: UnixSeconds) -> Result<String, String> {
    match (&state.credential, state.failure) {
        (Some(credential), _) if !credential.is_valid_at(now) => Err("expired".to_owned()),
        (Some(_), None) => Ok(String::new()),
        (Some(_), Some(failure)) => Ok(format!("the last one is in use, getting another failed: {failure}")),
        (None, Some(failure)) => Err(failure.to_owned()),
        (None, None) => Err("not asked yet".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use authn::snapshot::UpstreamCredential;

    use super::*;
    use crate::fetch_error::FetchError;

    fn check(name: &str, result: Result<&str, &str>) -> Check {
        Check { name: name.to_owned(), result: result.map(str::to_owned).map_err(str::to_owned) }
    }

    #[test]
    fn the_report_reads_as_that_of_kube_apiserver() {
        let good = [check("issuer https://a", Ok(""))];
        assert_eq!(report(good.iter(), true, false), "ok\n");
        assert_eq!(report(good.iter(), true, true), "[+]issuer https://a ok\nreadyz check passed\n");
        let mixed = [check("issuer https://a", Ok("old")), check("credential", Err("expired"))];
        assert_eq!(
            report(mixed.iter(), false, false),
            "[+]issuer https://a ok: old\n[-]credential failed: expired\nreadyz check failed\n"
        );
    }

    #[test]
    fn an_issuer_is_ready_as_long_as_it_has_keys() {
        let now = UnixSeconds::new(1_000);
        let state = |last: Option<u64>, failed: bool| IssuerState {
            last_success: last.map(UnixSeconds::new),
            failure: failed.then(|| Arc::new(FetchError::Timeout)),
            ..IssuerState::default()
        };
        for (state, ready) in [
            (state(None, false), false),
            (state(None, true), false),
            (state(Some(950), false), true),
            (state(Some(950), true), true),
            (state(Some(900), true), false),
        ] {
            assert_eq!(issuer_result(&state, now, 100).is_ok(), ready);
        }
        let advice = FetchError::Timeout.advice();
        let failed = issuer_result(&state(None, true), now, 100);
        assert_eq!(failed, Err(format!("no answer in time; {advice}")));
    }

    #[test]
    fn an_expired_credential_is_not_ready() {
        let state = |end| CredentialState {
            credential: UpstreamCredential::new("token".to_owned(), end).ok(),
            failure: None,
        };
        let now = UnixSeconds::new(1_000);
        assert!(credential_result(&state(None), now).is_ok());
        assert!(credential_result(&state(Some(now.plus(1))), now).is_ok());
        assert_eq!(credential_result(&state(Some(now)), now), Err("expired".to_owned()));
        assert!(credential_result(&CredentialState::default(), now).is_err());
    }
}
