//! The sidecar, the issuer or a VM is gone.

use std::time::Duration;

use tests::{ApiServer, Fault, GatewayOptions, Issuer, Token, gateway, mint, wait};

use crate::contract::contract;
use crate::rotation::Load;
use crate::{assert_status, chain, chain_with};

const SOON: Duration = Duration::from_secs(30);
const UNAVAILABLE: &str = "the sign-in service is not available at the moment";

#[tokio::test]
async fn without_a_snapshot_nobody_gets_in_or_is_blamed() {
    contract("reply-no-snapshot");
    let (issuer, api) = (Issuer::start().await, ApiServer::start().await);
    issuer.discovery_fault(Fault::Hang);
    let options = GatewayOptions::new(&api, gateway::configuration(&[&issuer])).without_waiting();
    let gateway = options.start().await;
    let token = Token::of(&issuer).sub("alice").sign(&issuer.key());
    for request in [gateway.client().get("/api"), gateway.client().get("/api").bearer(&token)] {
        let answer = request.send().await;
        assert_status(&answer, 503, UNAVAILABLE);
        assert_eq!(answer.value("retry-after").as_deref(), Some("1"));
    }
    issuer.discovery_fault(Fault::None);
    let served = async || gateway.client().get("/api").bearer(&token).send().await.status == 200;
    wait::until(SOON, "requests are served", served).await;
    assert_eq!(api.requests().len(), 1);
}

#[tokio::test]
async fn a_sidecar_that_is_killed_and_started_again_under_load_fails_no_request() {
    let mut chain = chain_with(|options| options.workers(2)).await;
    let load = Load::start(&chain.gateway.client(), &chain.alice());
    load.more(50).await;
    chain.gateway.sidecar.kill().await;
    load.more(100).await;
    // Also who was never seen before.
    assert_eq!(chain.get(&chain.token(|token| token.sub("carol"))).await.status, 200);
    let adopted = chain.gateway.counter("snapshots_adopted").await;
    chain.gateway.sidecar.restart().await;
    // The new one's snapshot replaces the old one's in every VM, whatever its clock says.
    let replaced = async || chain.gateway.counter("snapshots_adopted").await >= adopted + 3;
    wait::until(SOON, "the new sidecar's snapshot is adopted", replaced).await;
    load.more(100).await;
    load.end().await;
}

#[tokio::test]
async fn a_key_that_nobody_can_be_asked_for() {
    contract("reply-refresh-failed");
    let mut chain = chain().await;
    let old = chain.alice();
    chain.issuer.rotate();
    // The issuer is down.
    chain.issuer.jwks_fault(Fault::Status(500));
    assert_status(&chain.get(&chain.alice()).await, 503, UNAVAILABLE);
    assert_eq!(chain.get(&old).await.status, 200);
    // The issuer hangs: the request ends all the same.
    chain.issuer.jwks_fault(Fault::Hang);
    let answer = chain.gateway.client().get("/api").bearer(&chain.alice()).within(Duration::from_secs(5));
    assert_status(&answer.send().await, 503, UNAVAILABLE);
    // The sidecar is gone.
    chain.gateway.sidecar.kill().await;
    assert_status(&chain.get(&chain.alice()).await, 503, UNAVAILABLE);
    assert_eq!(chain.get(&old).await.status, 200);
    // Everything is back, by itself.
    chain.issuer.jwks_fault(Fault::None);
    chain.gateway.sidecar.restart().await;
    let served = async || chain.get(&chain.alice()).await.status == 200;
    wait::until(SOON, "the new key is known", served).await;
}

#[tokio::test]
async fn keys_that_are_too_old() {
    contract("reply-keys-too-old");
    let mut chain = chain_with(|options| options.flag("--max-key-age=1m")).await;
    assert_eq!(chain.get(&chain.alice()).await.status, 200);
    // Also without the sidecar: the filter holds to the end itself.
    chain.gateway.sidecar.kill().await;
    let too_old = async || chain.get(&chain.alice()).await.status == 503;
    wait::until(Duration::from_secs(90), "the keys are too old", too_old).await;
    assert_status(&chain.get(&chain.alice()).await, 503, UNAVAILABLE);
}

#[tokio::test]
async fn a_credential_that_has_expired() {
    contract("reply-credential-expired");
    let (issuer, api) = (Issuer::start().await, ApiServer::start().await);
    let account =
        Token::issued_by("https://kubernetes.default.svc").sub("system:serviceaccount:a:b").expires_in(15);
    let credential = account.sign(&issuer.key());
    api.accept(&credential);
    let options = GatewayOptions::new(&api, gateway::configuration(&[&issuer])).token(&credential);
    let mut gateway = options.start().await;
    let token = Token::of(&issuer).sub("alice").sign(&issuer.key());
    gateway.sidecar.kill().await;
    let expired = async || gateway.client().get("/api").bearer(&token).send().await.status == 503;
    wait::until(SOON, "the credential has expired", expired).await;
    assert!(mint::claims(&credential)["exp"].as_i64().is_some_and(|end| end <= mint::now()));
    assert_status(&gateway.client().get("/api").bearer(&token).send().await, 503, UNAVAILABLE);
}

/// The sidecar holds a poll for 20 s and then answers that there is nothing newer.
#[tokio::test]
async fn a_feed_with_nothing_to_say_stays_alive() {
    let chain = chain_with(|options| options.workers(2)).await;
    let nothing = "jwks_sync_feed_requests_total{method=\"GetSnapshot\",outcome=\"nothing_newer\"}";
    let answered = async || chain.gateway.sidecar.metric(nothing).await.is_some_and(|answers| answers >= 6.0);
    wait::until(Duration::from_secs(90), "each VM was told so twice", answered).await;
    assert_eq!(chain.gateway.counter("feed_failures").await, 0);
    chain.api.accept("upstream-token-2");
    chain.gateway.sidecar.write("token", "upstream-token-2");
    chain.gateway.until_adopted(2, 2).await;
    assert_eq!(chain.gateway.vm_reloads().await, 0);
}

/// Clients that give up while they wait for a key leave nothing behind.
#[tokio::test]
async fn clients_that_leave_while_they_wait() {
    let chain = chain().await;
    chain.issuer.jwks_fault(Fault::Hang);
    chain.issuer.rotate();
    let token = chain.alice();
    for _ in 0..100 {
        let request = chain.gateway.client().get("/api").bearer(&token).within(Duration::from_millis(20));
        assert!(request.try_send().await.is_err());
    }
    chain.issuer.jwks_fault(Fault::None);
    let served = async || chain.get(&token).await.status == 200;
    wait::until(SOON, "the key is known", served).await;
    assert_eq!(chain.gateway.vm_reloads().await, 0);
}

#[tokio::test]
async fn so_many_wait_for_a_key_and_no_more() {
    contract("reply-too-many-waiting");
    let chain = chain().await;
    chain.issuer.jwks_fault(Fault::Hang);
    let forger = chain.issuer.key();
    let requests = (0..60).map(|number| {
        let key = forger.clone().with_kid(&format!("made-up-{number}"));
        let token = Token::of(&chain.issuer).sub("alice").sign(&key);
        let client = chain.gateway.client();
        tokio::spawn(async move { client.get("/api").bearer(&token).send().await })
    });
    for request in requests.collect::<Vec<_>>() {
        assert_status(&request.await.expect("an answer"), 503, UNAVAILABLE);
    }
    assert!(chain.gateway.counter("too_many_waiting").await > 0);
    assert!(chain.gateway.counter("refresh_failed").await >= 32);
    // Who needs no new key comes in meanwhile.
    assert_eq!(chain.get(&chain.alice()).await.status, 200);
}

/// The sidecar is gone as well, so a new VM can know only what lies in Envoy's shared data.
#[tokio::test]
async fn a_vm_that_was_killed_is_there_again_for_the_next_request() {
    let mut chain = chain_with(|options| {
        options.alter("release/kube_oidc_filter.wasm", "killable/kube_oidc_filter.wasm")
    })
    .await;
    chain.gateway.sidecar.kill().await;
    for killed in 1..=3 {
        let request = chain.gateway.client().get("/api").bearer(&chain.alice()).header("x-kill-vm", "now");
        // Envoy answers for a filter that failed, or cuts the stream; the request does not pass.
        let answer = request.try_send().await;
        assert!(answer.as_ref().map_or(true, |answer| answer.status == 503), "{answer:?}");
        let served = async || chain.get(&chain.alice()).await.status == 200;
        wait::until(SOON, "the next request works", served).await;
        assert!(chain.gateway.vm_reloads().await >= killed);
    }
    assert!(chain.api.requests().iter().all(|received| received.value("x-kill-vm").is_none()));
}

/// A listener whose plugin is configured anew gets a filter that starts with what the old one knew.
#[tokio::test]
async fn a_listener_that_is_reloaded_without_a_sidecar_fails_no_request() {
    let directory = tempfile::tempdir().expect("a directory");
    let file = directory.path().join("listeners.yaml");
    let moved = file.clone();
    let mut chain =
        chain_with(move |options| options.rewrite(move |bootstrap| with_listeners_in(bootstrap, &moved)))
            .await;
    chain.gateway.sidecar.kill().await;
    let load = Load::start(&chain.gateway.client(), &chain.alice());
    load.more(50).await;
    for bytes in [1_000_000, 2_000_000] {
        let adopted = chain.gateway.counter("snapshots_adopted").await;
        let listeners = std::fs::read_to_string(&file).expect("the listeners");
        let (head, tail) = listeners.split_once("\"upstreamClusters\"").expect("the plugin's configuration");
        let tail = tail.split_once(']').expect("a list").1;
        let tail = tail.strip_prefix(", \"tokenCacheBytes\": 1000000").unwrap_or(tail);
        let new =
            format!("{head}\"upstreamClusters\": [\"kube_apiserver\"], \"tokenCacheBytes\": {bytes}{tail}");
        std::fs::write(directory.path().join("new"), new).expect("write the listeners");
        std::fs::rename(directory.path().join("new"), &file).expect("put them in their place");
        let taken = async || chain.gateway.counter("snapshots_adopted").await > adopted;
        wait::until(SOON, "the new filter has the old one's snapshot", taken).await;
        load.more(50).await;
    }
    load.end().await;
    assert_eq!(chain.gateway.vm_reloads().await, 0);
}

/// The bootstrap with its listeners moved to a file of their own, which Envoy watches.
fn with_listeners_in(bootstrap: &str, file: &std::path::Path) -> String {
    let (head, rest) = bootstrap.split_once("  listeners:\n").expect("listeners");
    let (listeners, clusters) = rest.split_once("\n  clusters:\n").expect("clusters");
    let outdented: Vec<_> = listeners.lines().map(|line| line.strip_prefix("  ").unwrap_or(line)).collect();
    let typed = outdented.join("\n").replacen(
        "- name:",
        "- \"@type\": type.googleapis.com/envoy.config.listener.v3.Listener\n  name:",
        1,
    );
    std::fs::write(file, format!("resources:\n{typed}\n")).expect("write the listeners");
    let source = format!(
        "dynamic_resources: {{lds_config: {{path_config_source: {{path: \"{}\"}}}}}}",
        file.display()
    );
    format!("{source}\n{head}  clusters:\n{clusters}")
}

#[tokio::test]
async fn an_access_log_says_who_and_why() {
    let chain = chain().await;
    chain.get(&chain.alice()).await;
    chain.get(&chain.token(|token| token.expires_in(-1))).await;
    let line = async |reason: &str| {
        let find = async || chain.gateway.access_log().into_iter().find(|line| line["reason"] == reason);
        wait::found(SOON, "a line of the access log", find).await
    };
    let ok = line("ok").await;
    assert_eq!(
        (&ok["user"], &ok["groups"]),
        (&"alice".into(), &"dev|ops|system:authenticated".into()),
        "{ok}"
    );
    assert_eq!(ok["issuer"], chain.issuer.url());
    assert_eq!(line("expired").await["code"], 401);
    // No token stands anywhere in what Envoy and the sidecar print.
    for (name, log) in [("envoy", chain.gateway.envoy.log()), ("sidecar", chain.gateway.sidecar.log())] {
        for secret in [ApiServer::TOKEN, &chain.alice(), "eyJ"] {
            assert!(!log.contains(secret), "{name}");
        }
    }
}
