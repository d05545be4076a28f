//! `kubectl --as`: who may act as whom is for the API server's authorizer to say, about the person and not about us.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tests::api_server::{Received, Reply};
use tests::client::read_response;
use tests::http1::Wire;
use tests::{GatewayOptions, Request, wait};

use crate::contract::contract;
use crate::{Chain, assert_status, chain_with};

/// The token of the sidecar's own account.
const OWN: &str = "token-of-the-sidecars-own-account";
const REVIEWS: &str = "/apis/authorization.k8s.io/v1/subjectaccessreviews";
const SOON: Duration = Duration::from_secs(30);

/// A chain whose API server lets `allowed` be impersonated, by resource and name (`*`: any name).
async fn chain_allowing(
    allowed: &'static [(&str, &str)],
    options: impl FnOnce(GatewayOptions) -> GatewayOptions,
) -> Chain {
    let chain = chain_with(|usual| options(usual.asks_with(OWN))).await;
    chain.api.accept_as(OWN, "system:serviceaccount:kube-oidc-filter:gateway");
    chain.api.on_access_review(move |spec| {
        let asked = &spec["resourceAttributes"];
        let is_asked = |(resource, name): &(&str, &str)| {
            asked["resource"] == *resource && (*name == "*" || asked["name"] == *name)
        };
        json!({"allowed": asked["verb"] == "impersonate" && allowed.iter().any(is_asked)})
    });
    chain
}

/// Everybody may be anybody.
const ANYBODY: &[(&str, &str)] =
    &[("users", "*"), ("groups", "*"), ("uids", "*"), ("userextras", "*"), ("serviceaccounts", "*")];

/// A GET of alice's with these headers.
fn request(chain: &Chain, lines: &[(&str, &str)]) -> Request {
    let request = chain.gateway.client().get("/api/v1/pods").bearer(&chain.alice());
    lines.iter().fold(request, |request, (name, value)| request.header(name, value))
}

/// What the reviews asked about, in a fixed order.
fn resources(reviews: &[Received]) -> Vec<Value> {
    let asked = reviews.iter().map(|review| review.json()["spec"]["resourceAttributes"].clone());
    let mut asked: Vec<_> = asked.map(without_empty).collect();
    asked.sort_by_key(Value::to_string);
    asked
}

#[tokio::test]
async fn who_may_acts_as_the_other() {
    contract("as-authorized");
    let chain = chain_allowing(ANYBODY, |options| options).await;
    let answer = request(
        &chain,
        &[
            ("Impersonate-User", "bob"),
            ("Impersonate-Group", "z"),
            ("Impersonate-Group", "a,b"),
            ("Impersonate-Uid", "u-2"),
            ("Impersonate-Extra-Acme.com%2FProject", "x"),
            ("Impersonate-Extra-acme.com%2fproject", "y"),
        ],
    );
    assert_eq!(answer.send().await.status, 200);
    let line = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    let received = chain.api.requests_for("/api/v1/pods").pop().expect("the request");
    assert_eq!(
        received.lines("impersonate-"),
        [
            line("impersonate-user", "bob"),
            line("impersonate-uid", "u-2"),
            line("impersonate-group", "z"),
            line("impersonate-group", "a,b"),
            line("impersonate-group", "system:authenticated"),
            line("impersonate-extra-acme.com%2fproject", "x"),
            line("impersonate-extra-acme.com%2fproject", "y"),
            line("impersonate-extra-originaluser.jetstack.io-user", "alice"),
            line("impersonate-extra-originaluser.jetstack.io-groups", "dev"),
            line("impersonate-extra-originaluser.jetstack.io-groups", "ops"),
            line("impersonate-extra-originaluser.jetstack.io-groups", "system:authenticated"),
        ]
    );
    // What was asked, one question a value, all about alice.
    let reviews = chain.api.requests_for(REVIEWS);
    let core =
        |resource: &str, name: &str| json!({"verb": "impersonate", "resource": resource, "name": name});
    let own = |resource: &str, name: &str| json!({"verb": "impersonate", "group": "authentication.k8s.io", "resource": resource, "name": name});
    let extra = |value: &str| {
        let mut asked = own("userextras", value);
        asked["subresource"] = json!("acme.com/project");
        asked
    };
    let mut expected = vec![
        core("users", "bob"),
        core("groups", "z"),
        core("groups", "a,b"),
        own("uids", "u-2"),
        extra("x"),
        extra("y"),
    ];
    expected.sort_by_key(Value::to_string);
    assert_eq!(resources(&reviews), expected);
    for review in &reviews {
        let spec = &review.json()["spec"];
        assert_eq!(spec["user"], "alice");
        assert_eq!(spec["groups"], json!(["dev", "ops", "system:authenticated"]));
        assert_eq!(review.values("authorization"), [format!("Bearer {OWN}")]);
    }
}

/// The members that say something.
fn without_empty(mut object: Value) -> Value {
    if let Some(members) = object.as_object_mut() {
        members.retain(|_, value| !value.is_null() && *value != "");
    }
    object
}

#[tokio::test]
async fn who_may_not_is_told_why() {
    contract("as-denied");
    const SOME: &[(&str, &str)] =
        &[("users", "bob"), ("groups", "dev"), ("uids", "u-1"), ("serviceaccounts", "good")];
    let chain = chain_allowing(SOME, |options| options).await;
    let bob = ("Impersonate-User", "bob");
    for (lines, what) in [
        (&[("Impersonate-User", "admin")][..], "user 'admin'"),
        (
            &[bob, ("Impersonate-Group", "dev"), ("Impersonate-Group", "system:masters")],
            "group 'system:masters'",
        ),
        (&[bob, ("Impersonate-Uid", "u-2")], "uid 'u-2'"),
        (&[bob, ("Impersonate-Extra-acme.com%2fa", "x")], "extra info 'acme.com/a=x'"),
        (
            &[("Impersonate-User", "system:serviceaccount:ns:bad")],
            "serviceaccount 'system:serviceaccount:ns:bad'",
        ),
        // The first in a fixed order, whatever the order of the headers and the answers.
        (
            &[("Impersonate-Uid", "u-2"), ("Impersonate-Group", "x"), ("Impersonate-User", "admin")],
            "user 'admin'",
        ),
        (&[("Impersonate-Uid", "u-2"), ("Impersonate-Group", "x"), bob], "group 'x'"),
    ] {
        let message = format!("alice is not allowed to impersonate {what}");
        assert_status(&request(&chain, lines).send().await, 403, &message);
        // A denial is asked for each time.
        chain.api.clear();
        assert_status(&request(&chain, lines).send().await, 403, &message);
        assert!(!chain.api.requests_for(REVIEWS).is_empty());
    }
    assert_eq!(chain.api.requests_for("/api/v1/pods"), []);
    assert_eq!(
        request(&chain, &[bob, ("Impersonate-Group", "dev"), ("Impersonate-Uid", "u-1")]).send().await.status,
        200
    );
}

#[tokio::test]
async fn a_target_has_the_groups_that_kube_apiserver_gives_it() {
    contract("as-target-groups");
    let chain = chain_allowing(ANYBODY, |options| options).await;
    let group = |name: &'static str| ("Impersonate-Group", name);
    let user = |name: &'static str| ("Impersonate-User", name);
    for (lines, groups) in [
        (&[user("bob")][..], &["system:authenticated"][..]),
        (&[user("bob"), group("a"), group("system:authenticated")], &["a", "system:authenticated"]),
        (&[user("bob"), group("system:unauthenticated")], &["system:unauthenticated"]),
        (&[user("system:anonymous")], &["system:unauthenticated"]),
        (
            &[user("system:serviceaccount:ns:name")],
            &["system:serviceaccounts", "system:serviceaccounts:ns", "system:authenticated"],
        ),
        (&[user("system:serviceaccount:ns:name"), group("a")], &["a", "system:authenticated"]),
        (&[user("system:serviceaccount:ns:Not_A_Name")], &["system:authenticated"]),
    ] {
        assert_eq!(request(&chain, lines).send().await.status, 200, "{lines:?}");
        let received = chain.api.requests_for("/api/v1/pods").pop().expect("the request");
        assert_eq!(received.values("impersonate-group"), groups, "{lines:?}");
        assert_eq!(received.values("impersonate-user"), [lines[0].1]);
    }
}

#[tokio::test]
async fn nobody_sets_what_only_the_gateway_sets() {
    contract("as-reserved");
    let chain = chain_allowing(ANYBODY, |options| {
        options.filter(
            &json!({"clientAddressExtra": "remote-client-ip", "extraUserHeaders": {"stage": ["test"]}}),
        )
    })
    .await;
    for (name, told) in [
        ("Impersonate-Extra-OriginalUser.Jetstack.io-User", "originaluser.jetstack.io-user"),
        ("Impersonate-Extra-originaluser%2ejetstack%2Eio-groups", "originaluser.jetstack.io-groups"),
        ("Impersonate-Extra-originaluser.jetstack.io-", "originaluser.jetstack.io-"),
        ("Impersonate-Extra-Remote-Client-Ip", "remote-client-ip"),
        ("Impersonate-Extra-%73tage", "stage"),
    ] {
        let answer = request(&chain, &[("Impersonate-User", "bob"), (name, "root")]).send().await;
        assert_status(&answer, 403, &format!("alice is not allowed to impersonate extra info '{told}=root'"));
    }
    // kube-apiserver lowers a key before it unescapes it, so this one would come out as another.
    let upper = ("Impersonate-Extra-%4Friginaluser.jetstack.io-user", "root");
    assert_eq!(request(&chain, &[("Impersonate-User", "bob"), upper]).send().await.status, 400);
    assert_eq!(chain.api.requests(), []);
}

#[tokio::test]
async fn too_many_values_are_refused_unasked() {
    contract("as-too-many");
    let chain = chain_allowing(ANYBODY, |options| options).await;
    let groups: Vec<_> = (0..64).map(|number| format!("g{number}")).collect();
    let mut lines = vec![("Impersonate-User", "bob")];
    lines.extend(groups.iter().map(|group| ("Impersonate-Group", group.as_str())));
    assert_status(&request(&chain, &lines).send().await, 431, "more than 64 Impersonate-* headers");
    assert_eq!(chain.api.requests(), []);
    lines.pop();
    assert_eq!(request(&chain, &lines).send().await.status, 200);
    assert_eq!(chain.api.requests_for(REVIEWS).len(), 64);
}

#[tokio::test]
async fn the_policy_may_reject_or_strip() {
    contract("as-policy-reject");
    let lines = [("Impersonate-User", "bob"), ("Impersonate-Group", "system:masters")];
    let chain =
        chain_allowing(ANYBODY, |options| options.filter(&json!({"clientImpersonation": "reject"}))).await;
    let message = "forbidden: impersonation is not allowed here";
    assert_status(&request(&chain, &lines).send().await, 403, message);
    assert_status(&request(&chain, &lines[..1]).send().await, 403, message);
    assert_eq!(request(&chain, &lines[1..]).send().await.status, 400);
    assert_eq!(chain.api.requests(), []);
    assert_eq!(chain.get(&chain.alice()).await.status, 200);

    contract("as-policy-strip");
    let chain =
        chain_allowing(ANYBODY, |options| options.filter(&json!({"clientImpersonation": "strip"}))).await;
    for lines in [&lines[..], &lines[..1], &lines[1..], &[("Impersonate-Scopes", "x")]] {
        assert_eq!(request(&chain, lines).send().await.status, 200);
        let received = chain.api.last_request();
        assert_eq!(received.values("impersonate-user"), ["alice"]);
        assert_eq!(received.values("impersonate-group"), ["dev", "ops", "system:authenticated"]);
        assert_eq!(received.lines("impersonate-scopes"), []);
    }
    assert_eq!(chain.api.requests_for(REVIEWS), []);
}

#[tokio::test]
async fn without_an_answer_nobody_passes() {
    contract("as-unavailable");
    let lines = [("Impersonate-User", "bob")];
    // The sidecar's account may not ask: its log says what it lacks.
    let mut chain = chain_allowing(ANYBODY, |options| options).await;
    let forbidden = json!({
        "kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": "Forbidden", "code": 403,
        "message": "subjectaccessreviews.authorization.k8s.io is forbidden",
    });
    let broken: [Reply; 4] = [
        Reply::Json(403, forbidden),
        Reply::Json(500, json!({})),
        Reply::Raw(200, Vec::new(), b"no json".to_vec()),
        Reply::Close,
    ];
    let unavailable = "the sign-in service is not available at the moment";
    for reply in broken {
        chain.api.reply(REVIEWS, reply.clone());
        let answer = request(&chain, &lines).send().await;
        assert_status(&answer, 503, unavailable);
        assert_eq!(answer.value("retry-after").as_deref(), Some("1"), "{reply:?}");
    }
    let log = chain.gateway.sidecar.log();
    assert!(log.contains("subjectaccessreviews") && log.contains("create"), "{log}");
    // It doesn't answer: the request waits for five seconds at most, and never passes.
    chain.api.reply(REVIEWS, Reply::Hang);
    let start = Instant::now();
    assert_status(&request(&chain, &lines).send().await, 503, unavailable);
    println!("a review that hangs: 503 after {:.1} s", start.elapsed().as_secs_f32());
    // The sidecar is gone.
    chain.gateway.sidecar.kill().await;
    assert_status(&request(&chain, &lines).send().await, 503, unavailable);
    assert_eq!(chain.api.requests_for("/api/v1/pods"), []);
    // Who asks for nothing needs no answer.
    assert_eq!(chain.get(&chain.alice()).await.status, 200);
}

#[tokio::test]
async fn a_cluster_that_is_misspelt_is_told_to_the_operator() {
    let chain = chain_with(|options| {
        options
            .asks_with(OWN)
            .alter(r#""requestCluster": "jwks_sync_requests""#, r#""requestCluster": "jwks_sync_request""#)
    })
    .await;
    let answer = request(&chain, &[("Impersonate-User", "bob")]).send().await;
    assert_status(&answer, 503, "the sign-in service is not available at the moment");
    let log = chain.gateway.envoy.log();
    assert!(log.contains("sidecar.requestCluster"), "{log}");
}

#[tokio::test]
async fn leave_is_the_askers_alone_and_ends() {
    contract("as-leave");
    let allowed = Arc::new(Mutex::new("alice"));
    let chain = chain_with(|usual| usual.asks_with(OWN)).await;
    chain.api.accept_as(OWN, "system:serviceaccount:kube-oidc-filter:gateway");
    let rule = Arc::clone(&allowed);
    chain
        .api
        .on_access_review(move |spec| json!({"allowed": spec["user"] == *rule.lock().expect("the rule")}));
    let lines = [("Impersonate-User", "admin")];
    assert_eq!(request(&chain, &lines).send().await.status, 200);
    // Not a user of another name, nor the same user with another token, nor another target.
    let bob = chain.token(|token| token.sub("bob"));
    let other = chain.gateway.client().get("/api").bearer(&bob).header("Impersonate-User", "admin");
    assert_status(&other.send().await, 403, "bob is not allowed to impersonate user 'admin'");
    let fewer = chain.token(|token| token.claim("groups", json!(["dev"])));
    let asked = chain.api.requests_for(REVIEWS).len();
    let request_of =
        |token: &str| chain.gateway.client().get("/api").bearer(token).header("Impersonate-User", "admin");
    assert_eq!(request_of(&fewer).send().await.status, 200);
    assert_eq!(chain.api.requests_for(REVIEWS).len(), asked + 1, "other groups are another question");
    // It is withdrawn: within ten seconds of the review nobody gets in by it any more.
    *allowed.lock().expect("the rule") = "nobody";
    let is_refused = async || request(&chain, &lines).send().await.status == 403;
    wait::until(SOON, "leave has ended", is_refused).await;
}

#[tokio::test]
async fn an_upgrade_waits_for_its_leave() {
    let chain = chain_allowing(ANYBODY, |options| options).await;
    for protocol in ["websocket", "SPDY/3.1"] {
        let (answer, mut wire) =
            request(&chain, &[("Impersonate-User", protocol)]).upgrade(protocol).await.expect("an answer");
        assert_eq!(answer.status, 101);
        wire.write(b"to and fro").await.expect("write");
        assert_eq!(wire.read_exactly(10).await.expect("read"), b"to and fro");
        assert_eq!(chain.api.last_request().values("impersonate-user"), [protocol]);
    }
}

/// Times `count` requests on one connection, in microseconds: the median.
async fn median(wire: &mut Wire, bytes: &[u8], count: usize) -> u128 {
    let mut times = Vec::new();
    for _ in 0..count {
        let start = Instant::now();
        wire.write(bytes).await.expect("write");
        assert_eq!(read_response(wire, "GET").await.expect("an answer").status, 200);
        times.push(start.elapsed().as_micros());
    }
    times.sort_unstable();
    times[count / 2]
}

#[tokio::test]
async fn a_warm_one_does_not_wait() {
    contract("as-warm");
    let chain = chain_allowing(ANYBODY, |options| options).await;
    let head = format!("GET /api HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {}\r\n", chain.alice());
    let plain = format!("{head}\r\n");
    let acting = format!("{head}Impersonate-User: bob\r\nImpersonate-Group: dev\r\n\r\n");
    let mut wire = chain.gateway.client().connect().await.expect("a connection");
    let (mut without, mut with) = (Vec::new(), Vec::new());
    for round in 0..5 {
        // The first of the round may have to ask, should leave have ended.
        median(&mut wire, acting.as_bytes(), 1).await;
        let waits = chain.gateway.counter("waits_impersonation").await;
        without.push(median(&mut wire, plain.as_bytes(), 50).await);
        with.push(median(&mut wire, acting.as_bytes(), 50).await);
        assert!(chain.gateway.counter("waits_impersonation").await <= waits + 1, "round {round}");
    }
    let waits = chain.gateway.counter("waits_impersonation").await;
    let reviews = chain.api.requests_for(REVIEWS).len();
    assert!(waits <= 5 && reviews <= 10, "{waits} waits, {reviews} reviews for 255 requests");
    without.sort_unstable();
    with.sort_unstable();
    println!("warm: {} us a request; warm with --as: {} us ({waits} of 255 waited)", without[2], with[2]);
}
