//! Keys, credentials, certificates and configuration that change while requests come in.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use tests::{Algorithm, Client, Issuer, SigningKey, Token, gateway, wait};

use crate::{Chain, chain, chain_with};

const SOON: Duration = Duration::from_secs(30);

/// Requests by several clients without a pause, until it is told to stop.
pub(crate) struct Load {
    stop: Arc<AtomicBool>,
    done: Arc<AtomicUsize>,
    tasks: Vec<tokio::task::JoinHandle<Vec<String>>>,
}

impl Load {
    pub(crate) fn start(client: &Client, token: &str) -> Self {
        let (stop, done) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
        let tasks = (0..4).map(|_| {
            let (client, token, stop, done) =
                (client.clone(), token.to_owned(), Arc::clone(&stop), Arc::clone(&done));
            tokio::spawn(async move {
                let mut failures = Vec::new();
                while !stop.load(Ordering::Relaxed) {
                    match client.get("/api").bearer(&token).try_send().await {
                        Ok(answer) if answer.status == 200 => {}
                        Ok(answer) => failures.push(format!("{}: {}", answer.status, answer.text())),
                        Err(error) => failures.push(error.to_string()),
                    }
                    done.fetch_add(1, Ordering::Relaxed);
                }
                failures
            })
        });
        Self { tasks: tasks.collect(), stop, done }
    }

    /// Waits until so many more requests are done.
    pub(crate) async fn more(&self, requests: usize) {
        let wanted = self.done.load(Ordering::Relaxed) + requests;
        wait::until(SOON, "requests go on", async || self.done.load(Ordering::Relaxed) >= wanted).await;
    }

    /// Ends it; panics if a request failed.
    pub(crate) async fn end(self) {
        self.stop.store(true, Ordering::Relaxed);
        for task in self.tasks {
            assert_eq!(task.await.expect("a client"), [""; 0]);
        }
    }
}

#[tokio::test]
async fn the_first_request_with_a_new_key_succeeds() {
    let chain = chain().await;
    assert_eq!(chain.get(&chain.alice()).await.status, 200);
    let old = chain.alice();
    let requests = chain.issuer.jwks_requests();
    chain.issuer.rotate();
    let answer = chain.get(&chain.alice()).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(chain.issuer.jwks_requests(), requests + 1);
    // The old key has gone with the new document.
    assert_eq!(chain.get(&old).await.status, 401);
}

/// Whoever knows an issuer's URL can send made-up key ids. That must not keep a rotated key out.
#[tokio::test]
async fn the_first_request_with_a_new_key_succeeds_amid_made_up_ones() {
    let chain = chain().await;
    let forger = SigningKey::generate(Algorithm::ES256);
    let forged = |kid: &str| Token::of(&chain.issuer).sub("alice").sign(&forger.clone().with_kid(kid));
    // One, and then the same again and again, and others beside it.
    assert_eq!(chain.get(&forged("made-up")).await.status, 401);
    let (stop, client) = (Arc::new(AtomicBool::new(false)), chain.gateway.client());
    let flood: Vec<_> = (0..8)
        .map(|number| {
            let kid = if number % 2 == 0 { "made-up".to_owned() } else { format!("made-up-{number}") };
            let (stop, client, token) = (Arc::clone(&stop), client.clone(), forged(&kid));
            tokio::spawn(async move {
                while !stop.load(Ordering::Relaxed) {
                    assert_eq!(client.get("/api").bearer(&token).send().await.status, 401);
                }
            })
        })
        .collect();
    for _ in 0..3 {
        chain.issuer.rotate();
        let answer = chain.get(&chain.alice()).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
    }
    stop.store(true, Ordering::Relaxed);
    for client in flood {
        client.await.expect("401 for each made-up key");
    }
}

#[tokio::test]
async fn made_up_key_ids_cost_one_fetch_an_interval() {
    let chain = chain().await;
    let (start, before) = (Instant::now(), chain.issuer.jwks_requests());
    let forger = SigningKey::generate(Algorithm::ES256);
    let mut refused = 0;
    for batch in 0..40 {
        let requests = (0..25).map(|number| {
            let token = Token::of(&chain.issuer)
                .sub("alice")
                .sign(&forger.clone().with_kid(&format!("made-up-{batch}-{number}")));
            let client = chain.gateway.client();
            tokio::spawn(async move { client.get("/api").bearer(&token).send().await.status })
        });
        for request in requests.collect::<Vec<_>>() {
            refused += usize::from(request.await.expect("an answer") == 401);
        }
    }
    assert_eq!(refused, 1000);
    let fetches = chain.issuer.jwks_requests() - before;
    // One a second, and one for each end of the span.
    let allowed = usize::try_from(start.elapsed().as_secs()).expect("a short test") + 2;
    assert!(fetches >= 1 && fetches <= allowed, "{fetches} fetches, {allowed} allowed");
    assert_eq!(chain.api.requests(), []);
    // Everybody else comes in as ever.
    assert_eq!(chain.get(&chain.alice()).await.status, 200);
    assert_eq!(chain.gateway.vm_reloads().await, 0);
}

#[tokio::test]
async fn a_new_service_account_token_under_load_fails_no_request() {
    let chain = chain().await;
    let load = Load::start(&chain.gateway.client(), &chain.alice());
    load.more(50).await;
    for number in 2..4 {
        let (old, new) = (format!("upstream-token-{}", number - 1), format!("upstream-token-{number}"));
        chain.api.accept(&new);
        chain.gateway.sidecar.write("token", &new);
        // The API server refuses the old one a second after the new one was written.
        let written = Instant::now();
        wait::until(SOON, "a second passes", async || written.elapsed() >= Duration::from_secs(1)).await;
        chain.api.revoke(&old);
        chain.api.clear();
        load.more(50).await;
    }
    load.end().await;
}

#[tokio::test]
async fn all_workers_serve_a_new_snapshot() {
    let workers = 4;
    let chain = chain_with(|options| options.workers(workers)).await;
    let before = chain.gateway.counter("snapshots_adopted").await;
    chain.api.accept("upstream-token-2");
    chain.gateway.sidecar.write("token", "upstream-token-2");
    let used = async || chain.gateway.counter("snapshots_adopted").await > before;
    wait::until(SOON, "the first VM has the new snapshot", used).await;
    let first = Instant::now();
    let all = async || chain.gateway.counter("snapshots_adopted").await > before + u64::from(workers);
    wait::until(SOON, "every VM has the new snapshot", all).await;
    println!("the last of {workers} workers followed the first within {:?}", first.elapsed());
    chain.api.clear();
    for _ in 0..40 {
        assert_eq!(chain.get(&chain.alice()).await.status, 200);
    }
    for received in chain.api.requests() {
        assert_eq!(received.values("authorization"), ["Bearer upstream-token-2"]);
    }
}

#[tokio::test]
async fn a_new_certificate_needs_no_restart() {
    let chain = chain().await;
    let other = tests::Ca::new("other");
    gateway::write_certificate(chain.gateway.certificate_directory(), &other);
    let client = Client::new(chain.gateway.port, other.pem());
    let served = async || {
        client.get("/api").bearer(&chain.alice()).try_send().await.is_ok_and(|answer| answer.status == 200)
    };
    wait::until(SOON, "the new certificate is served", served).await;
}

#[tokio::test]
async fn a_new_configuration_is_taken_and_a_bad_one_is_not() {
    let chain = chain().await;
    let second = Issuer::start().await;
    let bob = Token::of(&second).sub("bob").sign(&second.key());
    assert_eq!(chain.get(&bob).await.status, 401);
    // A bad file: the old configuration stays in force, and the failure is counted.
    chain.gateway.sidecar.write("authn.json", "{\"jwt\": [{\"issuer\": {}}]}");
    let counted = async || {
        chain.gateway.sidecar.health("/metrics").await.text().lines().any(|line| {
            line.starts_with("jwks_sync_config_reloads_total")
                && !line.contains("success")
                && !line.ends_with(" 0")
        })
    };
    wait::until(SOON, "the bad file is counted", counted).await;
    assert_eq!(chain.get(&chain.alice()).await.status, 200);
    let configuration = gateway::configuration(&[&chain.issuer, &second]);
    chain.gateway.sidecar.write("authn.json", configuration.to_string());
    wait::until(SOON, "bob comes in", async || chain.get(&bob).await.status == 200).await;
    assert_eq!(chain.get(&chain.alice()).await.status, 200);
    // And an issuer that is taken away is gone.
    chain.gateway.sidecar.write("authn.json", gateway::configuration(&[&chain.issuer]).to_string());
    wait::until(SOON, "bob is out", async || chain.get(&bob).await.status == 401).await;
}

#[tokio::test]
async fn every_algorithm_is_verified() {
    let chain: Chain = chain().await;
    for algorithm in Algorithm::ALL {
        let key = SigningKey::shared(algorithm).with_kid(algorithm.name());
        chain.issuer.publish(&[&key, &chain.issuer.key()]);
        let token = Token::of(&chain.issuer).sub("alice").sign(&key);
        // The previous row may have asked a moment ago.
        let accepted = async || chain.get(&token).await.status == 200;
        wait::until(SOON, algorithm.name(), accepted).await;
        let (head, signature) = token.rsplit_once('.').expect("a token");
        let mut bytes = decode(signature);
        bytes[10] ^= 1;
        let forged = format!("{head}.{}", tests::mint::encode(&bytes));
        assert_eq!(chain.get(&forged).await.status, 401, "{}", algorithm.name());
        let other = Token::of(&chain.issuer).sub("mallory").sign(&key);
        let spliced = format!("{}.{signature}", other.rsplit_once('.').expect("a token").0);
        assert_eq!(chain.get(&spliced).await.status, 401, "{}", algorithm.name());
    }
    assert_eq!(chain.gateway.vm_reloads().await, 0);
}

fn decode(text: &str) -> Vec<u8> {
    use base64::Engine as _;
    base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(text).expect("base64url")
}
