//! Client, Envoy with the filter, second hop, API server.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use serde_json::json;
use tests::hop::{Hop, Kind};
use tests::{ApiServer, Client, Gateway, GatewayOptions, Issuer, gateway};

use crate::asking::Arrival;
use crate::invariants::{MARK_DIGITS, mark_of, violation};
use crate::people::{self, Person, ROBOT, ROBOT_TOKEN};
use crate::policy::{self, Policy};

/// How Envoy is configured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Door {
    /// As shipped.
    Shipped,
    /// Lets through what the shipped bootstrap stops before the filter sees it: names with underscores, and trailers
    /// on their way from HTTP/1.1 and to it.
    Wide,
}

/// What was sent under a mark.
#[derive(Clone, Debug)]
struct Sent {
    allowed: Vec<Arrival>,
    bytes: Vec<u8>,
}

pub(crate) struct Chain {
    pub(crate) api: ApiServer,
    pub(crate) gateway: Gateway,
    pub(crate) people: Vec<Person>,
    /// Tokens that nobody may come in with: expired, forged, of another audience, no JWT at all, and our own.
    pub(crate) bad_tokens: Vec<String>,
    hop: Hop,
    next: AtomicU64,
    sent: Mutex<BTreeMap<u64, Sent>>,
    /// What the sidecar asks the cluster.
    pub(crate) reviews: ApiServer,
    _issuer: Issuer,
}

impl Chain {
    pub(crate) async fn start(kind: Kind, door: Door, policy: Policy) -> Self {
        let (issuer, api) = (Issuer::start().await, ApiServer::start().await);
        let hop = Hop::start(kind, &api).await;
        let (mut people, mut bad_tokens) = (people::people(&issuer), people::bad_tokens(&issuer));
        let reviews = policy::reviews(&people).await;
        if policy == Policy::PassThrough {
            api.accept_as(ROBOT_TOKEN, ROBOT);
            people.extend([people::robot(), people::robot()]);
        } else {
            bad_tokens.push(ROBOT_TOKEN.to_owned());
        }
        let mut configuration = gateway::configuration(&[&issuer]);
        configuration["jwt"][0]["claimMappings"]["uid"] = json!({"claim": "uid"});
        let options = policy.configure(GatewayOptions::new(&hop, configuration), &reviews);
        let options = match door {
            Door::Shipped => options,
            Door::Wide => widen(options),
        };
        let gateway = options.start().await;
        let (next, sent) = (AtomicU64::new(1), Mutex::default());
        Self { api, gateway, people, bad_tokens, hop, next, sent, reviews, _issuer: issuer }
    }

    pub(crate) fn client(&self) -> Client {
        self.gateway.client()
    }

    /// A number for the next request.
    pub(crate) fn mark(&self) -> u64 {
        self.next.fetch_add(1, Ordering::Relaxed)
    }

    /// Remembers what is sent under a mark, and who it may run as.
    pub(crate) fn note(&self, mark: u64, allowed: &[Arrival], bytes: &[u8]) {
        let sent = Sent { allowed: allowed.to_vec(), bytes: bytes.to_vec() };
        self.sent.lock().unwrap_or_else(PoisonError::into_inner).insert(mark, sent);
    }

    /// What was sent under a mark.
    pub(crate) fn sent(&self, mark: u64) -> String {
        let sent = self.sent.lock().unwrap_or_else(PoisonError::into_inner);
        sent.get(&mark).map(|sent| sent.bytes.escape_ascii().to_string()).unwrap_or_default()
    }

    /// Whether the request of this mark has arrived.
    pub(crate) fn arrived(&self, mark: u64) -> bool {
        self.api.requests().iter().any(|received| mark_of(received) == Some(mark))
    }

    /// Holds every request that has arrived against the invariants. The breaches, with what was sent and what came.
    pub(crate) fn breaches(&self) -> Vec<String> {
        let sent = self.sent.lock().unwrap_or_else(PoisonError::into_inner);
        let breach = |received: &tests::api_server::Received| {
            let mark = mark_of(received);
            let Some(sent) = mark.and_then(|mark| sent.get(&mark)) else {
                return Some(format!("nobody sent this: {received:?}"));
            };
            let why = violation(received, &sent.allowed)?;
            let bytes = sent.bytes.escape_ascii();
            let text = |(name, value): &(String, Vec<u8>)| format!("{name}: {}", value.escape_ascii());
            let lines: Vec<_> = received.headers.iter().chain(&received.trailers).map(text).collect();
            Some(format!("{why}\nsent: {bytes}\narrived: {}\n  {}", received.path, lines.join("\n  ")))
        };
        self.api.requests().iter().filter_map(breach).collect()
    }

    /// Panics with the breaches, if there are any, and with the hop's log.
    pub(crate) fn assert_unbroken(&self, run: &str) {
        let breaches = self.breaches();
        let first: Vec<_> = breaches.iter().take(5).cloned().collect();
        let (count, log) = (breaches.len(), self.hop.log());
        assert!(
            count == 0,
            "{run}: {count} breaches\n\n{}\n\nlog of the hop:\n{log:.2000}",
            first.join("\n\n")
        );
    }
}

/// A mark as it stands in the query.
pub(crate) fn marked(mark: u64) -> String {
    format!("mark={mark:0MARK_DIGITS$}")
}

fn widen(options: GatewayOptions) -> GatewayOptions {
    let upstream = "explicit_http_config: {http_protocol_options: {}}";
    options
        .alter("headers_with_underscores_action: REJECT_REQUEST", "headers_with_underscores_action: ALLOW")
        .alter(upstream, "explicit_http_config: {http_protocol_options: {enable_trailers: true}}")
        .alter(
            "merge_slashes: false",
            "merge_slashes: false\n          http_protocol_options: {enable_trailers: true}",
        )
}
