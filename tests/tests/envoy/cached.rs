//! Tokens that were accepted are remembered. What they were good by may end: then every worker refuses them, on the
//! next request that it gets.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Value, json};
use tests::{Algorithm, ApiServer, Gateway, GatewayOptions, Issuer, Response, SigningKey, Token};
use tests::{gateway, mint, wait};

/// With the main thread's there is one VM more.
const WORKERS: u32 = 2;
const SOON: Duration = Duration::from_secs(30);
/// A group that an issuer may hand out by the policy alone.
const GUARDED: &str = "system:masters";

/// A gateway of two workers that trusts two issuers, the first of which may hand out [`GUARDED`].
struct World {
    issuer: Issuer,
    other: Issuer,
    api: ApiServer,
    gateway: Gateway,
}

async fn world() -> World {
    let (issuer, other, api) = (Issuer::start().await, Issuer::start().await, ApiServer::start().await);
    let options = GatewayOptions::new(&api, gateway::configuration(&[&issuer, &other]));
    let gateway = options.policy(policy(&issuer, &[GUARDED])).workers(WORKERS).start().await;
    World { issuer, other, api, gateway }
}

/// Lets the issuer hand out these groups.
fn policy(issuer: &Issuer, groups: &[&str]) -> Value {
    json!({"issuers": [{"url": issuer.url(), "allowedSystemGroups": groups}]})
}

impl World {
    fn configuration(&self) -> Value {
        gateway::configuration(&[&self.issuer, &self.other])
    }

    /// A token of alice, who has a group under guard.
    fn token(&self) -> Token {
        Token::of(&self.issuer).sub("alice").claim("groups", json!([GUARDED]))
    }

    fn sign(&self, token: &Token) -> String {
        token.sign(&self.issuer.key())
    }

    /// The connections of clients that each worker has had: one a request.
    async fn connections(&self) -> BTreeMap<String, u64> {
        let mut stats = self.gateway.envoy.stats("worker_[0-9]+.downstream_cx_total").await;
        stats.retain(|name, _| name.starts_with("listener.127"));
        stats
    }

    /// Sends the token until each worker has had it, and returns the answers.
    async fn by_each_worker(&self, token: &str) -> Vec<Response> {
        let before = self.connections().await;
        let mut answers = Vec::new();
        let reached = async || {
            answers.push(self.gateway.client().get("/api").bearer(token).send().await);
            let now = self.connections().await;
            let reached = now.iter().filter(|(name, count)| before.get(*name).unwrap_or(&0) < *count);
            reached.count() == WORKERS as usize
        };
        wait::until(SOON, "each worker had a request", reached).await;
        answers
    }

    /// Every worker lets the token in.
    async fn accepts(&self, token: &str) {
        for answer in self.by_each_worker(token).await {
            assert_eq!(answer.status, 200, "{}", answer.text());
        }
    }

    /// Every worker lets the token in, and none has to check its signature for that.
    async fn remembers(&self, token: &str) {
        self.accepts(token).await;
        self.still_remembers(token).await;
    }

    /// The same of a token that each worker has let in before.
    async fn still_remembers(&self, token: &str) {
        let checks = self.gateway.counter("signatures_valid").await;
        self.accepts(token).await;
        assert_eq!(self.gateway.counter("signatures_valid").await, checks, "not out of the cache");
    }

    /// Every worker refuses the token, from the first request on, for this reason. Nothing reaches the API server.
    async fn refuses(&self, token: &str, code: u16, reason: &str) {
        self.api.clear();
        let before = self.gateway.counter(reason).await;
        let answers = self.by_each_worker(token).await;
        for answer in &answers {
            assert_eq!(answer.status, code, "{reason}: {}", answer.text());
        }
        let refused = self.gateway.counter(reason).await - before;
        assert_eq!(refused, answers.len() as u64, "refused because of {reason}");
        assert_eq!(self.api.requests(), []);
    }

    /// Makes a change, and waits until every VM has the snapshot that follows from it.
    async fn adopted(&self, change: impl AsyncFnOnce()) {
        let before = self.gateway.counter("snapshots_adopted").await;
        change().await;
        let all = before + u64::from(WORKERS) + 1;
        let adopted = async || self.gateway.counter("snapshots_adopted").await >= all;
        wait::until(SOON, "every VM has the new snapshot", adopted).await;
    }

    async fn reconfigure(&self, configuration: &Value) {
        self.adopted(async || drop(self.gateway.sidecar.write("authn.json", configuration.to_string())))
            .await;
    }

    async fn guard(&self, groups: &[&str]) {
        let policy = policy(&self.issuer, groups).to_string();
        self.adopted(async || drop(self.gateway.sidecar.write("policy.json", policy))).await;
    }

    /// Makes the sidecar fetch the issuer's keys, by a token of a key that it does not know yet.
    async fn refetch(&self, token: &str) {
        self.adopted(async || drop(self.gateway.client().get("/api").bearer(token).send().await)).await;
    }
}

#[tokio::test]
async fn a_remembered_token_is_refused_from_the_second_on_at_which_it_expires() {
    let world = world().await;
    let token = world.sign(&world.token().expires_in(10));
    world.remembers(&token).await;
    let end = mint::claims(&token)["exp"].as_i64().expect("an end");
    wait::until(SOON, "the token expires", async || mint::now() >= end).await;
    world.refuses(&token, 401, "expired").await;
    assert_eq!(world.gateway.counter("snapshots_adopted").await, u64::from(WORKERS) + 1, "without news");
}

#[tokio::test]
async fn a_remembered_token_is_refused_once_the_configuration_says_so() {
    let world = world().await;
    let token = world.sign(&world.token().claim("hd", json!("one")));
    let good = world.configuration();
    let with = |pointer: &str, value: Value| {
        let mut changed = good.clone();
        *changed.pointer_mut(pointer).expect("a member") = value;
        changed
    };
    let mut required = good.clone();
    required["jwt"][0]["claimValidationRules"] = json!([{"claim": "hd", "requiredValue": "two"}]);
    for (configuration, reason) in [
        (gateway::configuration(&[&world.other]), "unknown_issuer"),
        (with("/jwt/0/issuer/audiences", json!(["other"])), "audience"),
        (required, "required_claim_value"),
        (with("/jwt/0/claimMappings/username/claim", json!("email")), "username_claim"),
    ] {
        world.remembers(&token).await;
        world.reconfigure(&configuration).await;
        world.refuses(&token, 401, reason).await;
        world.reconfigure(&good).await;
    }

    // Accepted as before, but as nobody whom the cache remembers.
    world.remembers(&token).await;
    world.reconfigure(&with("/jwt/0/claimMappings/username/prefix", json!("sso:"))).await;
    world.api.clear();
    world.accepts(&token).await;
    for received in world.api.requests() {
        assert_eq!(received.values("impersonate-user"), ["sso:alice"]);
    }

    world.remembers(&token).await;
    world.guard(&[]).await;
    world.refuses(&token, 403, "reserved_group").await;
    world.guard(&[GUARDED]).await;
    world.accepts(&token).await;
}

#[tokio::test]
async fn a_remembered_token_is_refused_once_its_key_is_gone() {
    let world = world().await;
    let token = world.sign(&world.token());
    world.remembers(&token).await;
    world.issuer.rotate();
    let fresh = world.sign(&world.token());
    world.refetch(&fresh).await;
    world.refuses(&token, 401, "unknown_key").await;
    world.remembers(&fresh).await;

    // Another key under the same id: the token still names a key that is there.
    let kid = world.issuer.key().kid().expect("a key id").to_owned();
    let (same_id, another) =
        (SigningKey::generate(Algorithm::ES256).with_kid(&kid), SigningKey::generate(Algorithm::ES256));
    world.issuer.publish(&[&same_id, &another]);
    world.refetch(&world.sign(&world.token())).await;
    world.refuses(&fresh, 401, "signature").await;
}

/// What is new of others is no reason to refuse anybody, or to check anybody's signature anew.
#[tokio::test]
async fn a_remembered_token_outlives_the_news_of_others() {
    let world = world().await;
    let token = world.sign(&world.token());
    world.remembers(&token).await;
    world.other.rotate();
    world.refetch(&Token::of(&world.other).sub("bob").sign(&world.other.key())).await;
    world.still_remembers(&token).await;
    world.reconfigure(&gateway::configuration(&[&world.issuer])).await;
    world.still_remembers(&token).await;
}
