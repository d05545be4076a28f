//! What Prometheus gets to see of the filter: `docs/metrics.md`.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use authn::rejection::Rejection;
use kube_oidc_filter::metric::{Metric, Passed, Reason};
use serde_json::json;
use tests::{ApiServer, Gateway, GatewayOptions, Issuer, SigningKey, Token, gateway, mint, wait};

use crate::{Chain, chain_with};

/// Histograms appear when Envoy flushes, every five seconds.
const FLUSH: Duration = Duration::from_secs(30);
/// The token of the sidecar's own account.
const OWN: &str = "token-of-the-sidecars-own-account";

/// The filter's series as Prometheus gets them, with their values.
async fn series(gateway: &Gateway) -> BTreeMap<String, u64> {
    let text = gateway.envoy.prometheus().await;
    let ours = text.lines().filter(|line| line.starts_with("kube_oidc_filter"));
    let value = |value: &str| value.parse().expect("a whole number");
    ours.map(|line| line.rsplit_once(' ').expect("a value"))
        // The sum of a histogram need not be whole.
        .filter(|(name, _)| !name.contains("_microseconds_sum"))
        .map(|(name, text)| (name.to_owned(), value(text)))
        .collect()
}

/// The counters of requests by reason and issuer.
async fn requests(gateway: &Gateway) -> BTreeMap<(String, String), u64> {
    let labels = |name: &str| {
        let labels = name.strip_prefix("kube_oidc_filter_requests{reason=\"")?.strip_suffix("\"}")?;
        let (reason, issuer) = labels.split_once("\",issuer=\"")?;
        Some((reason.to_owned(), issuer.to_owned()))
    };
    let counted = series(gateway).await.into_iter().filter(|(name, _)| name.contains("_requests"));
    counted.map(|(name, count)| (labels(&name).ok_or(name).expect("a reason and an issuer"), count)).collect()
}

/// An issuer's label.
fn label(issuer: &Issuer) -> String {
    issuer.url().trim_start_matches("https://").replace(['.', ':', '/'], "_")
}

/// A token that claims to be by the issuer's key.
fn forged(issuer: &Issuer, user: &str) -> String {
    let key = issuer.key();
    let forger = SigningKey::generate(key.algorithm()).with_kid(key.kid().unwrap_or_default());
    Token::of(issuer).sub(user).sign(&forger)
}

#[tokio::test]
async fn requests_are_counted_by_reason_and_issuer() {
    let (one, two, api) = (Issuer::start().await, Issuer::start().await, ApiServer::start().await);
    let gateway = GatewayOptions::new(&api, gateway::configuration(&[&one, &two])).start().await;
    let client = gateway.client();
    let get = async |token: &str| client.get("/api").bearer(token).send().await.status;
    let token = |issuer: &Issuer| Token::of(issuer).sub("alice").sign(&issuer.key());
    for _ in 0..3 {
        assert_eq!(get(&token(&one)).await, 200);
    }
    assert_eq!(get(&token(&two)).await, 200);
    assert_eq!(get(&Token::of(&one).sub("alice").expires_in(-60).sign(&one.key())).await, 401);
    assert_eq!(get(&forged(&two, "alice")).await, 401);
    assert_eq!(get("opaque").await, 401);
    assert_eq!(client.get("/api").send().await.status, 401);

    let (one, two) = (label(&one), label(&two));
    let expected = [
        (("ok", &*one), 3),
        (("ok", &two), 1),
        (("expired", &one), 1),
        (("signature", &two), 1),
        (("not_a_jwt", "none"), 1),
        (("no_credential", "none"), 1),
    ];
    let expected = expected.map(|((reason, issuer), n)| ((reason.to_owned(), issuer.to_owned()), n)).into();
    assert_eq!(requests(&gateway).await, expected);
    // Without labels the sum is over the issuers.
    assert_eq!(gateway.counter("ok").await, 4);
}

/// As in Istio, where the bootstrap is not ours.
#[tokio::test]
async fn without_tags_reason_and_issuer_stay_in_the_name() {
    let without = |bootstrap: &str| {
        let (before, rest) = bootstrap.split_once("stats_config:").expect("stats_config");
        let (_, after) = rest.split_once("\nstatic_resources:").expect("static_resources");
        format!("{before}\nstatic_resources:{after}")
    };
    let chain = chain_with(|options| options.rewrite(without)).await;
    assert_eq!(chain.get(&chain.alice()).await.status, 200);
    let name = format!("kube_oidc_filter_requests_ok_{}{{}}", label(&chain.issuer));
    assert_eq!(series(&chain.gateway).await.get(&name), Some(&1), "{name}");
}

/// Everything that the table has, and nothing else, after everything that can be counted has happened.
#[tokio::test]
async fn what_is_counted_is_what_the_table_has() {
    let (issuer, api) = (Issuer::start().await, ApiServer::start().await);
    // Nobody is at that port.
    let claims = json!({"allowedHosts": ["127.0.0.1:1"]});
    let options = GatewayOptions::new(&api, gateway::configuration(&[&issuer]))
        .policy(json!({"issuers": [{"url": issuer.url(), "distributedClaims": claims}]}))
        .filter(&json!({"tokenPassthrough": {"audiences": []}}));
    let gateway = options.asks_with(OWN).start().await;
    let mut chain = Chain { issuer, api, gateway };
    chain.api.accept_as(OWN, "system:serviceaccount:kube-oidc-filter:gateway");
    chain.api.on_access_review(|_| json!({"allowed": false}));
    chain.api.on_token_review(|_| json!({"authenticated": false}));
    let alice = chain.alice();
    for _ in 0..5 {
        assert_eq!(chain.get(&alice).await.status, 200);
    }
    assert_eq!(chain.get(&chain.token(|token| token.sub("bob"))).await.status, 200);
    assert_eq!(chain.get(&forged(&chain.issuer, "alice")).await.status, 401);
    let stranger = SigningKey::generate(chain.issuer.key().algorithm()).with_kid("stranger");
    assert_eq!(chain.get("opaque").await.status, 401);
    assert_eq!(chain.get(&Token::of(&chain.issuer).sub("alice").sign(&stranger)).await.status, 401);
    let acting = chain.gateway.client().get("/api").bearer(&alice).header("impersonate-user", "bob");
    assert_eq!(acting.send().await.status, 403);
    let elsewhere = json!({"s": {"endpoint": "https://127.0.0.1:1/"}});
    let elsewhere = Token::of(&chain.issuer)
        .claim("_claim_names", json!({"groups": "s"}))
        .claim("_claim_sources", elsewhere);
    assert_eq!(chain.get(&elsewhere.sign(&chain.issuer.key())).await.status, 503);

    let adopted = series(&chain.gateway).await["kube_oidc_filter_snapshot_adopted_timestamp_seconds{}"];
    assert!(adopted.abs_diff(mint::now().unsigned_abs()) < 300, "{adopted}");
    let generation = series(&chain.gateway).await["kube_oidc_filter_snapshot_generation{}"];
    let published = chain.gateway.sidecar.metric("jwks_sync_snapshot_generation").await;
    assert_eq!(published.map(|number| number.to_string()), Some(generation.to_string()));

    // Envoy's own, which the page recommends to watch.
    let all = chain.gateway.envoy.prometheus().await;
    assert!(all.contains("\nenvoy_wasm_kube_oidc_filter_vm_reload_success{} 0\n"), "{all}");

    chain.gateway.sidecar.kill().await;
    let flushed = async || {
        let series = series(&chain.gateway).await;
        let value = |name: &str| series.get(name).copied().unwrap_or_default();
        let histograms =
            ["verify", "decide"].map(|what| format!("kube_oidc_filter_{what}_microseconds_count{{}}"));
        value("kube_oidc_filter_feed_failures{}") > 0 && histograms.iter().all(|name| value(name) > 0)
    };
    wait::until(FLUSH, "Envoy has flushed its histograms", flushed).await;
    let series = series(&chain.gateway).await;
    for (name, count) in [
        // Alice's and bob's and the one whose groups stand elsewhere, each once, and the forger's; the others came out of
        // the cache or had no key to be checked by.
        ("signatures_valid", 3),
        ("signatures_invalid", 1),
        ("verify_microseconds_count", 4),
        ("decide_microseconds_count", 4),
        ("waits_claims", 1),
        ("waits_impersonation", 1),
        ("waits_keys", 1),
        ("waits_token", 1),
    ] {
        assert_eq!(series[&format!("kube_oidc_filter_{name}{{}}")], count, "{name}");
    }
    let plain = |name: &String| {
        let name = name.split_once('{')?.0;
        let of_histogram = ["_bucket", "_count", "_sum"].iter().find_map(|end| name.strip_suffix(end));
        (name != "kube_oidc_filter_requests").then(|| of_histogram.unwrap_or(name).to_owned())
    };
    let found: BTreeSet<_> = series.keys().filter_map(plain).collect();
    // That one needs a bad snapshot, which this sidecar does not send: see `snapshots`.
    let counted = Metric::ALL.iter().filter(|metric| **metric != Metric::SnapshotsRefused);
    let table: BTreeSet<_> = counted.map(|metric| metric.description().name.replace('.', "_")).collect();
    assert_eq!(found, table);
}

/// A name lives as long as Envoy does, so what clients send must never become one.
#[tokio::test]
async fn what_clients_make_up_makes_no_names() {
    let chain = chain_with(|options| options).await;
    let client = chain.gateway.client();
    let key = chain.issuer.key();
    let mut sent = 0;
    for n in 0..100 {
        let made_up = format!("made-up-{n}");
        let mine = Token::of(&chain.issuer).sub(&made_up);
        let mut tokens = vec![
            made_up.clone(),
            Token::issued_by(&format!("https://{made_up}.example")).sub("alice").sign(&key),
            mine.clone().aud(json!([made_up])).sign(&key),
            mine.clone().claim("groups", json!([made_up])).sign(&key),
        ];
        // They wait for the issuer.
        if n < 3 {
            tokens.push(mine.sign(&key.clone().with_kid(&made_up)));
        }
        sent += tokens.len() as u64;
        for token in tokens {
            let request = client.get(&format!("/{made_up}")).bearer(&token).header(&made_up, &made_up);
            request.send().await;
        }
    }
    let reasons = Passed::ALL.iter().map(|passed| Reason::from(*passed).name().to_owned());
    let reasons = reasons.chain(Rejection::all().map(|rejection| rejection.reason().to_owned()));
    let (reasons, issuer) = (reasons.collect::<BTreeSet<_>>(), label(&chain.issuer));
    let requests = requests(&chain.gateway).await;
    for (reason, source) in requests.keys() {
        assert!(reasons.contains(reason) && (*source == issuer || source == "none"), "{reason} {source}");
    }
    assert_eq!(requests.values().sum::<u64>(), sent);
    let reasons: BTreeSet<_> = requests.keys().map(|(reason, _)| reason.as_str()).collect();
    assert!(reasons.is_superset(&["audience", "not_a_jwt", "ok", "unknown_issuer", "unknown_key"].into()));
    let names = chain.gateway.envoy.admin("/stats?filter=kube_oidc_filter").await.text();
    assert!(!names.contains("made-up"), "{names}");
}
