//! Groups that stand in a distributed claim: the real filter waits for the real sidecar to fetch them.

use std::time::Duration;

use serde_json::{Value, json};
use tests::{ApiServer, ClaimsEndpoint, GatewayOptions, Issuer, Response, Token, Told, gateway, wait};

use crate::contract::contract;
use crate::{Chain, assert_status};

/// The token of the sidecar's own account.
const OWN: &str = "token-of-the-sidecars-own-account";
const ACCESS_TOKEN: &str = "access-token-that-nobody-may-log";
const NOT_VALID: &str = "Unauthorized: the token is not valid";
const UNAVAILABLE: &str = "the sign-in service is not available at the moment";
const SOON: Duration = Duration::from_secs(30);

/// A chain, and an endpoint that holds groups.
struct World {
    endpoint: ClaimsEndpoint,
    chain: Chain,
}

/// The issuer's tokens may lead to these hosts.
fn policy(issuer: &Issuer, hosts: &[String]) -> Value {
    json!({
        "apiVersion": "kube-oidc-filter/v1alpha1",
        "issuers": [{"url": issuer.url(), "distributedClaims": {"allowedHosts": hosts}}],
    })
}

async fn world() -> World {
    world_with(|options, _, _| options).await
}

async fn world_with(
    options: impl FnOnce(GatewayOptions, &Issuer, &ClaimsEndpoint) -> GatewayOptions,
) -> World {
    let (issuer, api, endpoint) =
        (Issuer::start().await, ApiServer::start().await, ClaimsEndpoint::start().await);
    let mut configuration = gateway::configuration(&[&issuer]);
    let roots = [issuer.ca_pem(), endpoint.ca_pem()].concat();
    configuration["jwt"][0]["issuer"]["certificateAuthority"] = roots.into();
    let usual = GatewayOptions::new(&api, configuration).asks_with(OWN);
    let usual = usual.policy(policy(&issuer, &[endpoint.host()]));
    let gateway = options(usual, &issuer, &endpoint).start().await;
    api.accept_as(OWN, "system:serviceaccount:kube-oidc-filter:gateway");
    World { endpoint, chain: Chain { issuer, api, gateway } }
}

impl World {
    /// A token of somebody whose groups stand at the endpoint, in a way like no other (`number`).
    fn token(&self, sub: &str, number: usize) -> Token {
        let source = json!({
            "endpoint": self.endpoint.url(&format!("/groups?of={sub}")),
            "access_token": format!("{ACCESS_TOKEN}-{number}"),
        });
        Token::of(&self.chain.issuer)
            .sub(sub)
            .claim("_claim_names", json!({"groups": "s"}))
            .claim("_claim_sources", json!({"s": source}))
    }

    fn sign(&self, token: &Token) -> String {
        token.sign(&self.chain.issuer.key())
    }

    async fn get(&self, number: usize) -> Response {
        self.chain.get(&self.sign(&self.token("alice", number))).await
    }

    /// An answer of the endpoint with these groups.
    fn groups(&self, groups: Value) -> Told {
        Told::token(self.sign(&Token::of(&self.chain.issuer).claim("groups", groups)))
    }

    /// The groups of the request that reached the API server last.
    fn last_groups(&self) -> Vec<String> {
        let received = self.chain.api.requests_for("/api/v1/pods").pop().expect("a request");
        received.values("impersonate-group")
    }

    async fn counter(&self, name: &str) -> u64 {
        self.chain.gateway.counter(name).await
    }
}

#[tokio::test]
async fn groups_that_stand_elsewhere_are_fetched_and_remembered() {
    contract("claims-resolved");
    let world = world().await;
    world.endpoint.tell(world.groups(json!(["dev", "ops"])));
    let token = world.sign(&world.token("alice", 1));
    assert_eq!(world.chain.get(&token).await.status, 200);
    assert_eq!(world.last_groups(), ["dev", "ops", "system:authenticated"]);
    assert_eq!(world.chain.api.last_request().values("impersonate-user"), ["alice"]);
    let [asked] = &world.endpoint.requests()[..] else { panic!("not one request") };
    assert_eq!(asked.path, "/groups?of=alice");
    assert_eq!(asked.values("authorization"), [format!("Bearer {ACCESS_TOKEN}-1")]);
    // What stands in the token comes before what does not.
    let both = world.token("alice", 2).claim("groups", json!(["here"]));
    assert_eq!(world.chain.get(&world.sign(&both)).await.status, 200);
    assert_eq!(world.last_groups(), ["here", "system:authenticated"]);
    assert_eq!((world.endpoint.requests().len(), world.counter("waits_claims").await), (1, 1));

    contract("claims-remembered");
    let fresh = world.sign(&world.token("alice", 3));
    for _ in 0..3 {
        assert_eq!(world.chain.get(&fresh).await.status, 200);
        assert_eq!(world.last_groups(), ["dev", "ops", "system:authenticated"]);
    }
    assert_eq!((world.endpoint.requests().len(), world.counter("waits_claims").await), (2, 2));
    assert_eq!(world.counter("signatures_valid").await, 3, "each token counts once");
    // After a while it is asked about again.
    world.endpoint.tell(world.groups(json!(["ops"])));
    let is_new = async || {
        assert_eq!(world.chain.get(&fresh).await.status, 200);
        world.last_groups() == ["ops", "system:authenticated"]
    };
    wait::until(SOON, "the new groups are fetched", is_new).await;
    // A `system:` group is none that an issuer may hand out, wherever it stands.
    world.endpoint.tell(world.groups(json!(["system:masters"])));
    let reserved = "forbidden: the token gives a group with the reserved prefix system:";
    assert_status(&world.get(4).await, 403, reserved);
    assert_eq!(world.chain.gateway.vm_reloads().await, 0);
    let logs = [world.chain.gateway.envoy.log(), world.chain.gateway.sidecar.log()].concat();
    assert!(!logs.contains(ACCESS_TOKEN), "{logs}");
}

#[tokio::test]
async fn hosts_that_the_policy_does_not_name_are_not_asked() {
    contract("claims-not-allowed");
    let world = world().await;
    world.endpoint.tell(world.groups(json!(["dev"])));
    let (host, port) = (world.endpoint.host(), world.endpoint.port());
    let other = ClaimsEndpoint::start().await;
    for endpoint in [
        other.url("/"),
        format!("https://{host}@{}/", other.host()),
        format!("https://localhost:{port}/"),
        format!("https://user@{host}/"),
        format!("http://{host}/"),
        "https://169.254.169.254/".to_owned(),
    ] {
        let sources = json!({"s": {"endpoint": endpoint}});
        let token = world.token("alice", 1).claim("_claim_sources", sources);
        assert_status(&world.chain.get(&world.sign(&token)).await, 401, NOT_VALID);
    }
    assert_eq!((world.endpoint.requests(), other.requests()), (vec![], vec![]));
    assert_eq!((world.counter("distributed_groups").await, world.counter("waits_claims").await), (6, 0));
    assert_eq!(world.chain.api.requests(), []);
    // A token that is not good leads nowhere.
    let forged =
        world.token("alice", 1).sign(&tests::SigningKey::generate(tests::Algorithm::ES256).with_kid("k"));
    assert_eq!(world.chain.get(&forged).await.status, 401);
    let expired = world.token("alice", 1).expires_in(-1);
    assert_eq!(world.chain.get(&world.sign(&expired)).await.status, 401);
    assert_eq!(world.endpoint.requests(), []);
}

#[tokio::test]
async fn without_a_policy_nobody_is_asked() {
    contract("claims-off");
    let world = world_with(|usual, _, _| usual.policy(json!({}))).await;
    world.endpoint.tell(world.groups(json!(["dev"])));
    assert_status(&world.get(1).await, 401, NOT_VALID);
    assert_eq!((world.endpoint.requests(), world.counter("distributed_groups").await), (vec![], 1));
}

#[tokio::test]
async fn an_answer_that_is_not_good_refuses_the_token() {
    contract("claims-refused");
    let world = world().await;
    let answer = || Token::of(&world.chain.issuer).claim("groups", json!(["dev"]));
    let told = [
        Told::token(world.sign(&answer().without("groups"))),
        Told::token(world.sign(&answer().expires_in(-1))),
        Told::token(world.sign(&answer().aud(json!("other")))),
        Told::token("no token"),
        Told::Status(403, String::new()),
        Told::RedirectTo(world.endpoint.url("/")),
        Told::Huge,
    ];
    let count = told.len();
    for (number, told) in told.into_iter().enumerate() {
        world.endpoint.tell(told);
        assert_status(&world.get(number).await, 401, NOT_VALID);
    }
    assert_eq!(world.endpoint.requests().len(), count);
    assert_eq!(world.counter("distributed_groups_refused").await, count as u64);
    // A value that is no list of groups is refused as if it stood in the token.
    world.endpoint.tell(world.groups(json!({"a": "b"})));
    assert_status(&world.get(count).await, 401, NOT_VALID);
    assert_eq!(world.counter("groups_claim").await, 1);
    assert_eq!(world.chain.api.requests(), []);
}

#[tokio::test]
async fn an_endpoint_that_is_down_hurts_only_whose_groups_stand_there() {
    contract("claims-unavailable");
    let world = world().await;
    for told in [Told::Close, Told::Status(503, String::new()), Told::Drip] {
        world.endpoint.tell(told);
        let answer = world.get(1).await;
        assert_status(&answer, 503, UNAVAILABLE);
        assert_eq!(answer.value("retry-after").as_deref(), Some("1"));
    }
    assert_eq!(world.counter("distributed_groups_failed").await, 3);
    assert_eq!(world.chain.get(&world.chain.alice()).await.status, 200);

    // One person's tokens are asked about four at a time.
    world.endpoint.tell(Told::Hang);
    let before = world.endpoint.requests().len();
    let open: Vec<_> = (10..14)
        .map(|number| {
            let token = world.sign(&world.token("eve", number));
            let request = world.chain.gateway.client().get("/api").bearer(&token);
            tokio::spawn(async move { request.send().await.status })
        })
        .collect();
    let all = async || world.endpoint.requests().len() == before + 4;
    wait::until(SOON, "four are asked about", all).await;
    let begun = std::time::Instant::now();
    let busy = world.chain.get(&world.sign(&world.token("eve", 14))).await;
    assert_status(&busy, 503, UNAVAILABLE);
    assert_eq!(busy.value("retry-after").as_deref(), Some("1"));
    assert!(begun.elapsed() < Duration::from_secs(3), "{:?}", begun.elapsed());
    assert_eq!(world.counter("too_many_reviews").await, 1);
    world.endpoint.tell(world.groups(json!(["dev"])));
    assert_eq!(world.get(2).await.status, 200, "and everybody else's");
    for request in open {
        assert_eq!(request.await.expect("an answer"), 503);
    }
    assert_eq!(world.chain.get(&world.sign(&world.token("eve", 14))).await.status, 200);
}

#[tokio::test]
async fn keys_groups_and_leave_are_asked_for_in_one_request() {
    contract("claims-beside");
    let world = world().await;
    world.chain.api.on_access_review(
        |spec| json!({"allowed": spec["groups"] == json!(["dev", "system:authenticated"])}),
    );
    let token = {
        let key = world.chain.issuer.rotate();
        world
            .endpoint
            .tell(Told::token(Token::of(&world.chain.issuer).claim("groups", json!(["dev"])).sign(&key)));
        world.token("alice", 1).sign(&key)
    };
    let request =
        world.chain.gateway.client().get("/api/v1/pods").bearer(&token).header("Impersonate-User", "bob");
    for _ in 0..2 {
        assert_eq!(request.clone().send().await.status, 200);
        let received = world.chain.api.requests_for("/api/v1/pods").pop().expect("the request");
        assert_eq!(received.values("impersonate-user"), ["bob"]);
        let original = received.values("impersonate-extra-originaluser.jetstack.io-groups");
        assert_eq!(original, ["dev", "system:authenticated"]);
    }
    for (name, times) in [("waits_keys", 1), ("waits_claims", 1), ("waits_impersonation", 1)] {
        assert_eq!(world.counter(name).await, times, "{name}");
    }
}

#[tokio::test]
async fn a_policy_that_drops_a_host_is_heeded_at_the_next_request() {
    contract("claims-policy-changes");
    let world = world().await;
    world.endpoint.tell(world.groups(json!(["dev"])));
    let token = world.sign(&world.token("alice", 1));
    assert_eq!(world.chain.get(&token).await.status, 200);
    let dropped = policy(&world.chain.issuer, &[]).to_string();
    world.chain.gateway.sidecar.write("policy.json", dropped);
    world.chain.gateway.until_adopted(2, 1).await;
    assert_status(&world.chain.get(&token).await, 401, NOT_VALID);
    assert_eq!((world.endpoint.requests().len(), world.counter("distributed_groups").await), (1, 1));
}
