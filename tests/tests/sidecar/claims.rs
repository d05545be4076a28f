//! What is the claim that stands elsewhere: whom the sidecar asks, and what it takes for an answer.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use authn::feed::ResolveClaimsRequest;
use authn::feed::ResolveClaimsResponse::{self, Failed, Refused, Resolved};
use serde_json::{Value, json};
use tests::mint::{now, sign_hs256};
use tests::{
    Algorithm, ClaimsEndpoint, Fault, FeedClient, Issuer, Sidecar, SigningKey, Token, Told, gateway, wait,
};
use tokio::time::Instant;

use super::{FLAGS, SOON};

/// What no log may hold.
const ACCESS_TOKEN: &str = "access-token-that-nobody-may-log";
const PATH: &str = "/groups-of-alice?secret=path-that-nobody-may-log";

/// The issuer of the tokens, another one that answers may name, and an endpoint: the policy names the last two.
struct World {
    issuer: Issuer,
    foreign: Issuer,
    endpoint: ClaimsEndpoint,
    sidecar: Sidecar,
    client: FeedClient,
    asked: AtomicUsize,
}

fn host(issuer: &Issuer) -> String {
    issuer.url().trim_start_matches("https://").to_owned()
}

fn policy(issuer: &Issuer, hosts: &[String]) -> Value {
    json!({"issuers": [{"url": issuer.url(), "distributedClaims": {"allowedHosts": hosts}}]})
}

async fn world() -> World {
    let (issuer, foreign) = (Issuer::start().await, Issuer::start().await);
    let endpoint = ClaimsEndpoint::start().await;
    let mut sidecar = Sidecar::new();
    let mut configuration = gateway::configuration(&[&issuer]);
    let roots = [issuer.ca_pem(), foreign.ca_pem(), endpoint.ca_pem()].concat();
    *configuration.pointer_mut("/jwt/0/issuer/certificateAuthority").expect("a CA") = roots.into();
    sidecar.write("authn.json", configuration.to_string());
    sidecar.write("token", "token");
    sidecar.write("policy.json", policy(&issuer, &[endpoint.host(), host(&foreign)]).to_string());
    sidecar.start(&[&FLAGS[..], &["--policy=${DIR}/policy.json"]].concat()).await;
    let client = FeedClient::connect(&sidecar.socket()).await;
    World { issuer, foreign, endpoint, sidecar, client, asked: AtomicUsize::new(0) }
}

impl World {
    /// A question like no other, so that nothing is answered from what is kept.
    fn question(&self) -> ResolveClaimsRequest {
        let number = self.asked.fetch_add(1, Ordering::Relaxed);
        ResolveClaimsRequest {
            issuer: self.issuer.url(),
            claim: "groups".to_owned(),
            endpoint: self.endpoint.url(PATH),
            access_token: format!("{ACCESS_TOKEN}-{number}"),
            subject: "alice".to_owned(),
        }
    }

    async fn ask(&self) -> ResolveClaimsResponse {
        self.client.resolve_claims(&self.question()).await
    }

    /// What becomes of this answer of the endpoint.
    async fn told(&self, told: Told) -> ResolveClaimsResponse {
        self.endpoint.tell(told);
        self.ask().await
    }

    /// An answer with groups, of the token's own issuer.
    fn own(&self) -> Token {
        Token::of(&self.issuer).claim("groups", json!(["dev"]))
    }

    /// The same of the other issuer, by its key.
    fn foreign(&self) -> Told {
        Told::token(Token::of(&self.foreign).claim("groups", json!(["dev"])).sign(&self.foreign.key()))
    }
}

#[track_caller]
fn assert_dev(answer: &ResolveClaimsResponse) {
    let is_dev = matches!(answer, Resolved { value, good_for: 7..=10 } if value == r#"["dev"]"#);
    assert!(is_dev, "{answer:?}");
}

#[tokio::test]
async fn the_endpoint_is_asked_as_kube_apiserver_asks_it() {
    let world = world().await;
    world.endpoint.tell(Told::token(world.own().sign(&world.issuer.key())));
    let question = world.question();
    assert_dev(&world.client.resolve_claims(&question).await);
    let without = ResolveClaimsRequest { access_token: String::new(), ..question.clone() };
    assert_dev(&world.client.resolve_claims(&without).await);
    // Once more is answered from what is kept.
    assert_dev(&world.client.resolve_claims(&question).await);
    let [first, second] = &world.endpoint.requests()[..] else { panic!("not two requests") };
    assert_eq!((first.method.as_str(), first.path.as_str()), ("GET", PATH));
    assert_eq!(first.values("authorization"), [format!("Bearer {}", question.access_token)]);
    assert_eq!((second.values("authorization"), second.values("cookie")), (vec![], vec![]));
    // As in kube-apiserver any success will do, and blanks are none of the token.
    let token = world.own().sign(&world.issuer.key());
    for told in [
        Told::Status(203, token.clone()),
        Told::Status(226, token.clone()),
        Told::token(format!("{token}\n")),
    ] {
        assert_dev(&world.told(told).await);
    }
    for value in [json!("dev"), json!([]), json!(null), json!(5), json!({"a": ["b"]})] {
        let expected = value.to_string();
        let token = world.own().claim("groups", value).sign(&world.issuer.key());
        let answer = world.told(Told::token(token)).await;
        assert!(matches!(&answer, Resolved { value: got, .. } if *got == expected), "{answer:?}");
    }
    // It is good no longer than the answer itself.
    let soon = world.own().expires_in(4).sign(&world.issuer.key());
    assert!(matches!(world.told(Told::token(soon)).await, Resolved { good_for: 0..=3, .. }));
}

#[tokio::test]
async fn an_answer_that_is_not_good_is_refused() {
    let world = world().await;
    let key = world.issuer.key();
    let own = || world.own();
    let stranger = SigningKey::generate(Algorithm::ES256).with_kid(key.kid().expect("a kid"));
    let header = json!({"alg": "none"}).to_string();
    let unsigned = [
        tests::mint::encode(header.as_bytes()),
        tests::mint::encode(own().payload().as_bytes()),
        String::new(),
    ];
    let hs256 = json!({"alg": "HS256", "kid": key.kid()}).to_string();
    let elsewhere = ClaimsEndpoint::start().await;
    elsewhere.tell(Told::token(own().sign(&key)));
    for (what, told) in [
        ("no claim", Told::token(own().without("groups").sign(&key))),
        ("expired", Told::token(own().expires_in(-1).sign(&key))),
        ("no exp", Told::token(own().without("exp").sign(&key))),
        ("early", Told::token(own().valid_in(120).sign(&key))),
        ("another audience", Told::token(own().aud(json!("else")).sign(&key))),
        ("another key", Told::token(own().sign(&stranger))),
        ("none", Told::token(unsigned.join("."))),
        (
            "the public key as a secret",
            Told::token(sign_hs256(&hs256, &own().payload(), key.jwk().to_string().as_bytes())),
        ),
        ("no issuer", Told::token(own().without("iss").sign(&key))),
        ("an issuer of nobody's", Told::token(own().claim("iss", json!("https://127.0.0.1:1")).sign(&key))),
        (
            "almost the issuer",
            Told::token(own().claim("iss", json!(format!("{}/", world.issuer.url()))).sign(&key)),
        ),
        ("no URL", Told::token(own().claim("iss", json!("issuer")).sign(&key))),
        ("no JWT", Told::token("dev")),
        ("JSON", Told::token(json!({"groups": ["dev"]}).to_string())),
        ("nothing", Told::token("")),
        ("too much", Told::Huge),
        ("401", Told::Status(401, own().sign(&key))),
        ("404", Told::Status(404, String::new())),
        ("227", Told::Status(227, own().sign(&key))),
        ("a redirect", Told::RedirectTo(elsewhere.url("/"))),
        ("a redirect to itself", Told::RedirectTo(world.endpoint.url("/other"))),
    ] {
        let before = world.endpoint.requests().len();
        assert_eq!(world.told(told).await, Refused, "{what}");
        assert_eq!(world.endpoint.requests().len(), before + 1, "{what}: asked once");
    }
    assert_eq!(elsewhere.requests(), []);
    // A header can't carry it, so nobody is asked.
    let before = world.endpoint.requests().len();
    let odd = ResolveClaimsRequest { access_token: "a\r\nX-Injected: b".to_owned(), ..world.question() };
    assert_eq!(world.client.resolve_claims(&odd).await, Refused);
    assert_eq!(world.endpoint.requests().len(), before);
    assert_dev(&world.told(Told::token(own().sign(&key))).await);
}

#[tokio::test]
async fn an_endpoint_that_does_not_answer_is_no_fault_of_the_token() {
    let world = world().await;
    for told in [
        Told::Close,
        Told::Status(500, String::new()),
        Told::Status(503, String::new()),
        Told::Status(429, String::new()),
    ] {
        let shown = format!("{told:?}");
        assert_eq!(world.told(told).await, Failed, "{shown}");
    }
    for told in [Told::Hang, Told::Drip] {
        let shown = format!("{told:?}");
        let begun = Instant::now();
        assert_eq!(world.told(told).await, Failed, "{shown}");
        assert!(begun.elapsed() < Duration::from_secs(6), "{shown}: {:?}", begun.elapsed());
    }
    assert_dev(&world.told(Told::token(world.own().sign(&world.issuer.key()))).await);
    let log = world.sidecar.log();
    assert!(log.contains("a claim could not be fetched") && log.contains(&world.endpoint.host()), "{log}");
    assert!(!log.contains(ACCESS_TOKEN) && !log.contains("path-that-nobody-may-log"), "{log}");
}

#[tokio::test]
async fn only_hosts_of_the_policy_are_asked() {
    let world = world().await;
    world.endpoint.tell(Told::token(world.own().sign(&world.issuer.key())));
    let port = world.endpoint.port();
    let (issuer, other) = (host(&world.issuer), ClaimsEndpoint::start().await);
    let host = world.endpoint.host();
    for endpoint in [
        // The same place in other words.
        format!("https://localhost:{port}/"),
        format!("https://127.1:{port}/"),
        format!("https://2130706433:{port}/"),
        format!("https://0x7f000001:{port}/"),
        format!("https://127.0.0.1.:{port}/"),
        format!("https://[::ffff:127.0.0.1]:{port}/"),
        format!("https://user@{host}/"),
        format!("https://@{host}/"),
        format!("HTTPS://{host}/"),
        format!("https:{host}/"),
        format!("https:\\\\{host}/"),
        format!("https://127.0.0.1:0{port}/"),
        format!("http://{host}/"),
        format!(" https://{host}/"),
        format!("https://\u{ff11}27.0.0.1:{port}/"),
        // Other places.
        format!("https://{host}@{}/", other.host()),
        format!("https://{}\\@{host}/", other.host()),
        format!("https://{}/?https://{host}/", other.host()),
        format!("https://{}#@{host}/", other.host()),
        other.url("/"),
        format!("https://{issuer}/"),
        "https://127.0.0.1/".to_owned(),
        String::new(),
    ] {
        let question = ResolveClaimsRequest { endpoint: endpoint.clone(), ..world.question() };
        assert_eq!(world.client.resolve_claims(&question).await, Refused, "{endpoint}");
    }
    // Nor for tokens of an issuer of which the policy says nothing.
    let stranger = ResolveClaimsRequest { issuer: "https://other.example".to_owned(), ..world.question() };
    assert_eq!(world.client.resolve_claims(&stranger).await, Refused);
    assert_eq!((world.endpoint.requests(), other.requests()), (vec![], vec![]));
    assert!(world.sidecar.log().contains("distributedClaims.allowedHosts"), "{}", world.sidecar.log());
}

#[tokio::test]
async fn an_answer_may_be_of_another_issuer_on_a_host_of_the_policy() {
    let world = world().await;
    assert_dev(&world.told(world.foreign()).await);
    assert_dev(&world.told(world.foreign()).await);
    assert_eq!((world.foreign.discovery_requests(), world.foreign.jwks_requests()), (1, 1), "fetched once");
    // By its own keys, and for the audiences of the token that led there.
    let foreign = || Token::of(&world.foreign).claim("groups", json!(["dev"]));
    for told in [
        foreign().sign(&world.issuer.key()),
        foreign().aud(json!("else")).sign(&world.foreign.key()),
        world.own().sign(&world.foreign.key()),
    ] {
        assert_eq!(world.told(Told::token(told)).await, Refused);
    }
    // One that the policy does not name is not even asked.
    let other = Issuer::start().await;
    let told = Token::of(&other).claim("groups", json!(["dev"])).sign(&other.key());
    assert_eq!(world.told(Told::token(told)).await, Refused);
    assert_eq!(other.discovery_requests(), 0);
    let log = world.sidecar.log();
    assert!(log.contains(&host(&other)) && log.contains("not_allowed"), "{log}");
}

#[tokio::test]
async fn another_issuer_leads_to_no_other_host() {
    let elsewhere = Issuer::start().await;
    for (told, fault, answer) in [
        (json!({"jwks_uri": format!("{}/jwks", elsewhere.url())}), Fault::None, Refused),
        (json!({"jwks_uri": "http://127.0.0.1/"}), Fault::None, Refused),
        (
            json!({}),
            Fault::RedirectTo(format!("{}/.well-known/openid-configuration", elsewhere.url())),
            Refused,
        ),
        (json!({}), Fault::WrongIssuer, Refused),
        (json!({}), Fault::Garbage, Refused),
        (json!({}), Fault::HugeBody, Refused),
        (json!({}), Fault::Status(404), Refused),
        (json!({}), Fault::Status(503), Failed),
        (json!({}), Fault::CloseConnection, Failed),
        (json!({}), Fault::Hang, Failed),
    ] {
        let world = world().await;
        for (name, value) in told.as_object().expect("members") {
            world.foreign.discovery_member(name, value.clone());
        }
        let shown = format!("{told} {fault:?}");
        world.foreign.discovery_fault(fault);
        assert_eq!(world.told(world.foreign()).await, answer, "{shown}");
        assert_eq!(world.foreign.discovery_requests(), 1, "{shown}");
    }
    assert_eq!((elsewhere.discovery_requests(), elsewhere.jwks_requests()), (0, 0));
}

#[tokio::test]
async fn a_new_key_of_the_tokens_own_issuer_is_fetched() {
    let world = world().await;
    let key = world.issuer.rotate();
    assert_dev(&world.told(Told::token(world.own().sign(&key))).await);
    let stranger = SigningKey::generate(Algorithm::ES256);
    assert_eq!(world.told(Told::token(world.own().sign(&stranger))).await, Refused);
    world.issuer.jwks_fault(Fault::Status(500));
    let other = SigningKey::generate(Algorithm::ES256);
    assert_eq!(
        world.told(Told::token(world.own().sign(&other))).await,
        Failed,
        "whether it is there is not known"
    );
}

#[tokio::test]
async fn a_certificate_must_be_of_the_issuers_ca() {
    let world = world().await;
    let other = ClaimsEndpoint::start().await;
    let hosts = [other.host(), world.endpoint.host()];
    world.sidecar.write("policy.json", policy(&world.issuer, &hosts).to_string());
    let asked = async || {
        let question = ResolveClaimsRequest { endpoint: other.url("/"), ..world.question() };
        world.client.resolve_claims(&question).await == Failed
    };
    wait::until(SOON, "the new policy is in force", asked).await;
    assert_eq!(other.requests(), []);
}

#[tokio::test]
async fn a_host_that_the_policy_drops_is_not_asked_and_what_it_said_is_forgotten() {
    let world = world().await;
    world.endpoint.tell(Told::token(world.own().expires_in(3600).sign(&world.issuer.key())));
    let question = world.question();
    assert_dev(&world.client.resolve_claims(&question).await);
    let begun = now();
    world.sidecar.write("policy.json", policy(&world.issuer, &[]).to_string());
    let refused = async || world.client.resolve_claims(&question).await == Refused;
    wait::until(SOON, "the new policy is in force", refused).await;
    let asked = world.endpoint.requests().len();
    assert!(asked == 1 || now() - begun >= 9, "what was kept has served until then");
    let snapshot = world.client.snapshot(None).await;
    assert!(snapshot.issuers[0].claim_hosts.is_empty());
    world.sidecar.write(
        "policy.json",
        r#"{"issuers": [{"url": "https://a", "distributedClaims": {"allowedHosts": ["*"]}}]}"#,
    );
    let told = async || world.sidecar.log().contains("no scheme, path or pattern");
    wait::until(SOON, "a bad policy is told", told).await;
}
