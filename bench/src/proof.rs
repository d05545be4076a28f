//! That a variant does the work which is measured.
//!
//! Before each turn: what the API server gets of a request that forges identities, what the access log says of it, and that
//! a `system:` name is refused. After each turn, by Envoy's counters: that every request was let in as somebody's for the API
//! server, and that tokens were verified once each or came out of a cache, as the variant is called.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use serde_json::{Value, json};
use tests::api_server::{ApiServer, Received};
use tests::{Client, wait};

use crate::rig::{Rig, Stand};
use crate::traffic::{Person, UPSTREAM};
use crate::variant::{Gate, Tokens, Variant};

/// How long anything may take that is no measurement.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// More than a tick of the filter's.
const TICK: Duration = Duration::from_millis(150);

/// What a client must not get through, in the spellings that servers have taken for the same.
const FORGED: [(&str, &str); 6] = [
    ("Impersonate-User", "eve"),
    ("Impersonate-Group", "system:masters"),
    ("impersonate_uid", "0"),
    ("Impersonate.Extra.x", "y"),
    ("X-Remote-User", "eve"),
    ("Proxy-Authorization", "Basic ZXZlOmV2ZQ=="),
];

/// Panics unless the variant does its work.
pub(crate) async fn check(rig: &Rig, variant: &Variant, stand: &Stand) {
    static NUMBER: AtomicUsize = AtomicUsize::new(0);
    if let Gate::Floor { .. } = variant.gate {
        // It does no such work.
        return;
    }
    // Nobody of the traffic: cold variants must not meet one of their tokens twice.
    let number = 900_000 + NUMBER.fetch_add(1, Ordering::Relaxed) % 10_000;
    let person = Person::new(number, variant.groups);
    let token = rig.token(variant, &person);
    let path = format!("{UPSTREAM}&proof={number}");
    let mut request = stand.client.get(&path).bearer(&token).header("x-bench-log", "1");
    for (name, value) in FORGED {
        request = request.header(name, value);
    }
    let answer = request.send().await;
    assert_eq!(answer.status, 200, "{}: {}", variant.name, answer.text());
    let received = rig.api_server.last_request();
    assert_eq!(received.path, path, "{}", variant.name);
    let line = logged(stand, &path).await;
    if variant.gate == Gate::Bare {
        assert_eq!(received.values("authorization"), [format!("Bearer {token}")]);
        assert_eq!(received.lines("impersonate").len(), 4, "a bare Envoy changes nothing");
        return;
    }
    upstream(&received, &person);
    fields(&line, rig, &person);
    refuses(&stand.client, "", 401).await;
    let master = Person { groups: vec!["system:masters".to_owned()], ..person.clone() };
    refuses(&stand.client, &rig.token(variant, &master), 403).await;
    let system = Person { name: "system:admin".to_owned(), ..person };
    refuses(&stand.client, &rig.token(variant, &system), 403).await;
}

/// What a gate has done so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Work {
    /// Requests that were let in, with an identity where that is the gate's job.
    forwarded: u64,
    /// Tokens whose signature was checked.
    verified: u64,
}

/// What a variant's gate has done so far; `None` where there is none.
pub(crate) async fn work(variant: &Variant, stand: &Stand) -> Option<Work> {
    let sum = async |pattern: &str| stand.envoy.stats(pattern).await.values().sum::<u64>();
    match variant.gate {
        Gate::Bare | Gate::Floor { .. } => None,
        Gate::Filter { .. } => Some(Work {
            // Where the route leads elsewhere, the reason is `not_upstream`.
            forwarded: sum("^wasmcustom\\.kube_oidc_filter\\.requests\\.ok\\.").await,
            verified: sum("^wasmcustom\\.kube_oidc_filter\\.signatures_valid$").await,
        }),
        Gate::Native { .. } => {
            let forwarded = sum("jwt_authn\\.allowed$").await;
            let cached = sum("jwt_authn\\.jwt_cache_hit$").await;
            Some(Work { forwarded, verified: forwarded - cached })
        }
    }
}

/// Waits until the gate's counts stand still: the filter tells Envoy its counts at the next tick.
pub(crate) async fn was_told(variant: &Variant, stand: &Stand) {
    let mut last = work(variant, stand).await;
    let stands_still = async || {
        tokio::time::sleep(TICK).await;
        let now = work(variant, stand).await;
        std::mem::replace(&mut last, now) == now
    };
    wait::until(PATIENCE, "the counts stand still", stands_still).await;
}

/// Waits until the gate has counted a turn's requests, and panics if they are not what the variant is called.
pub(crate) async fn was_done(variant: &Variant, stand: &Stand, before: Option<Work>) {
    let Some(before) = before else { return };
    let requests = variant.requests as u64;
    let caches = !matches!(variant.gate, Gate::Native { caches: false, .. });
    let verified = if caches && variant.tokens != Tokens::EachNew { 0 } else { requests };
    let expected = Work { forwarded: before.forwarded + requests, verified: before.verified + verified };
    // The filter tells Envoy its counts at the next tick.
    let counted = async || work(variant, stand).await.filter(|now| now.forwarded >= expected.forwarded);
    let now = wait::found(PATIENCE, &format!("{}: every request was let in", variant.name), counted).await;
    assert_eq!(now, expected, "{}", variant.name);
}

/// The API server must get the person, the credential, and nothing that was forged.
fn upstream(received: &Received, person: &Person) {
    let lines = |prefix: &str| {
        let mut lines = received.lines(prefix);
        lines.sort();
        lines
    };
    let line = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    let mut expected = vec![
        line("impersonate-user", &person.name),
        line("impersonate-uid", &person.uid),
        line("impersonate-group", "system:authenticated"),
        line(
            "impersonate-extra-authentication.kubernetes.io%2fcredential-id",
            &format!("JTI={}", person.token_id),
        ),
    ];
    expected.extend(person.groups.iter().map(|group| line("impersonate-group", group)));
    expected.sort();
    assert_eq!(lines("impersonate"), expected);
    assert_eq!(received.values("authorization"), [format!("Bearer {}", ApiServer::TOKEN)]);
    assert_eq!(lines("x-remote"), []);
    assert_eq!(lines("proxy-authorization"), []);
}

/// The access log must name them.
fn fields(line: &Value, rig: &Rig, person: &Person) {
    let groups = person.groups.iter().map(String::as_str).chain(["system:authenticated"]);
    let groups = groups.collect::<Vec<_>>().join("|");
    let expected = [
        ("outcome", "forwarded".to_owned()),
        ("reason", "ok".to_owned()),
        ("issuer", rig.issuer.url()),
        ("user", person.name.clone()),
        ("uid", person.uid.clone()),
        ("extra", format!("authentication.kubernetes.io/credential-id=JTI={}", person.token_id)),
    ];
    for (name, value) in expected {
        assert_eq!(line[name], json!(value), "{name}");
    }
    // A list of groups is cut somewhere.
    let logged = line["groups"].as_str().expect("groups").trim_end_matches("...TRUNCATED");
    assert!(groups.starts_with(logged) && logged.len() >= groups.len().min(2_000), "{logged}");
}

async fn refuses(client: &Client, token: &str, status: u16) {
    let request = client.get(UPSTREAM);
    let request = if token.is_empty() { request } else { request.bearer(token) };
    assert_eq!(request.send().await.status, status);
}

/// The line of the access log for a path.
async fn logged(stand: &Stand, path: &str) -> Value {
    let line = async || {
        let text = tokio::fs::read_to_string(&stand.access_log).await.ok()?;
        let lines = text.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        lines.into_iter().find(|line| line["path"] == path)
    };
    wait::found(PATIENCE, "a line in the access log", line).await
}
