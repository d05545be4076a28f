//! Whose token is this: the API server's TokenReview, the token webhook, and what the snapshot says of both.

use std::time::Duration;

use authn::feed::ReviewTokenRequest;
use authn::feed::ReviewTokenResponse::{self, Failed, PassThrough, Unknown, Webhook as Hooked};
use authn::issuer::IdentityGuard;
use authn::user::UserInfo;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use tempfile::TempDir;
use tests::api_server::Reply;
use tests::webhook::review;
use tests::{ApiServer, Ca, FeedClient, Sidecar, Webhook, wait};
use tokio::time::Instant;

use super::SOON;
use super::impersonation::started;

const REVIEWS: &str = "/apis/authentication.k8s.io/v1/tokenreviews";
/// A token of a client, as the test looks for it in the log.
const TOKEN: &str = "client-token-that-nobody-may-log";

fn question(token: &str, audiences: Option<&[&str]>, webhook: bool) -> ReviewTokenRequest {
    let pass_through = audiences.map(|audiences| audiences.iter().map(ToString::to_string).collect());
    ReviewTokenRequest { token: token.to_owned(), pass_through, webhook }
}

fn jane() -> UserInfo {
    UserInfo::new("jane".to_owned(), String::new(), vec![], vec![])
}

/// A webhook, a sidecar that knows it by these flags, and who asks.
struct World {
    webhook: Webhook,
    api: ApiServer,
    sidecar: Sidecar,
    client: FeedClient,
    directory: TempDir,
}

async fn world(user: &Value, flags: &[&str]) -> World {
    let (webhook, api) = (Webhook::start(None).await, ApiServer::start().await);
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("webhook");
    std::fs::write(&path, webhook.kubeconfig("/authenticate", user).to_string()).expect("a kubeconfig");
    let file = format!("--authentication-token-webhook-config-file={}", path.display());
    let (sidecar, client) = started(&api, &[&["--no-upstream-credential", &file], flags].concat()).await;
    World { webhook, api, sidecar, client, directory }
}

impl World {
    async fn ask(&self, token: &str) -> ReviewTokenResponse {
        self.client.review_token(&question(token, None, true)).await
    }
}

#[tokio::test]
async fn the_api_server_must_know_the_token_for_one_of_the_audiences() {
    let api = ApiServer::start().await;
    let (sidecar, client) = started(&api, &["--no-upstream-credential"]).await;
    let good = json!({"authenticated": true, "audiences": ["x", "k"], "user": {"username": "jane"}});
    let with = |name: &str, value: Value| {
        let mut status = good.clone();
        status[name] = value;
        status
    };
    for (audiences, status, known) in [
        (&["k", "l"][..], good.clone(), true),
        (&[], good.clone(), true),
        (&[], with("audiences", Value::Null), true),
        (&["l"], good.clone(), false),
        (&["k"], with("audiences", Value::Null), false),
        (&["k"], with("error", json!("odd")), false),
        (&["k"], with("authenticated", json!(false)), false),
        (&["k"], with("user", json!({"username": ""})), false),
        (&["k"], json!({"error": "invalid bearer token"}), false),
    ] {
        api.clear();
        // Each row its own token, so that none is answered from the cache.
        let token = format!("{TOKEN}-{status}-{}", audiences.join(","));
        let told = status.clone();
        api.on_token_review(move |_| told.clone());
        let answer = client.review_token(&question(&token, Some(audiences), true)).await;
        match &answer {
            PassThrough { user, good_for: 7..=9 } => {
                assert!(known && *user == jane(), "{audiences:?} {status}")
            }
            _ => assert!(!known && answer == Unknown, "{audiences:?} {status}: {answer:?}"),
        }
        let [review] = &api.requests_for(REVIEWS)[..] else { panic!("not one review") };
        let mut spec = json!({"token": token});
        if !audiences.is_empty() {
            spec["audiences"] = json!(audiences);
        }
        assert_eq!(review.json()["spec"], spec);
        assert_eq!(review.values("authorization"), ["Bearer sidecar-token"], "the sidecar's own account");
        // A yes is kept, a no isn't.
        client.review_token(&question(&token, Some(audiences), true)).await;
        assert_eq!(api.requests_for(REVIEWS).len(), if known { 1 } else { 2 });
    }
    for reply in [Reply::Json(403, json!({"message": TOKEN})), Reply::Close, Reply::Json(201, json!([]))] {
        api.reply(REVIEWS, reply);
        assert_eq!(client.review_token(&question(TOKEN, Some(&[]), false)).await, Failed);
    }
    let named = "may not create tokenreviews.authentication.k8s.io";
    assert!(sidecar.log().contains(named) && !sidecar.log().contains(TOKEN), "{}", sidecar.log());
}

#[tokio::test]
async fn our_own_credential_is_never_asked_about() {
    let api = ApiServer::start().await;
    let file = tempfile::NamedTempFile::new().expect("a file");
    std::fs::write(file.path(), ApiServer::TOKEN).expect("a token");
    let flag = format!("--upstream-token-file={}", file.path().display());
    let (_sidecar, client) = started(&api, &[&flag]).await;
    api.on_token_review(|_| json!({"authenticated": true, "user": {"username": "jane"}}));
    assert_eq!(client.review_token(&question(ApiServer::TOKEN, Some(&[]), true)).await, Unknown);
    assert!(api.requests_for(REVIEWS).is_empty());
    assert!(matches!(client.review_token(&question("other", Some(&[]), true)).await, PassThrough { .. }));
}

#[tokio::test]
async fn the_webhook_gets_the_version_the_url_and_the_credential_of_its_kubeconfig() {
    let basic = format!("Basic {}", STANDARD.encode("me:secret"));
    let v1 = "--authentication-token-webhook-version=v1";
    let audiences = "--api-audiences=a,b";
    for (user, flags, version, spec, authorization) in [
        (json!({}), vec![], "v1beta1", json!({"token": TOKEN}), None),
        (
            json!({"token": "for-webhook"}),
            vec![v1],
            "v1",
            json!({"token": TOKEN}),
            Some("Bearer for-webhook"),
        ),
        (
            json!({"username": "me", "password": "secret"}),
            vec![v1, audiences],
            "v1",
            json!({"token": TOKEN, "audiences": ["a", "b"]}),
            Some(basic.as_str()),
        ),
    ] {
        let world = world(&user, &flags).await;
        world.webhook.says(json!({"authenticated": true, "user": {"username": "jane", "uid": "7",
            "groups": ["dev"], "extra": {"K": ["1"]}}}));
        let user = UserInfo::new(
            "jane".to_owned(),
            "7".to_owned(),
            vec!["dev".to_owned()],
            vec![("K".to_owned(), vec!["1".to_owned()])],
        );
        let Hooked { user: hooked, good_for: 110..=119 } = world.ask(TOKEN).await else {
            panic!("not known")
        };
        assert_eq!(hooked, user);
        let [request] = &world.webhook.requests()[..] else { panic!("not one request") };
        assert_eq!((request.method.as_str(), request.path.as_str()), ("POST", "/authenticate"));
        assert_eq!(request.json()["apiVersion"], format!("authentication.k8s.io/{version}"));
        assert_eq!((&request.json()["kind"], &request.json()["spec"]), (&json!("TokenReview"), &spec));
        assert_eq!(request.value("authorization").as_deref(), authorization);
        assert!(world.api.requests().is_empty(), "the API server was not to be asked");
        assert!(!world.sidecar.log().contains(TOKEN));
    }
}

#[tokio::test]
async fn the_webhook_may_know_of_audiences() {
    for (audiences, known) in
        [(json!(null), true), (json!([]), true), (json!(["b", "x"]), true), (json!(["x"]), false)]
    {
        let world = world(&json!({}), &["--api-audiences=a,b"]).await;
        world
            .webhook
            .says(json!({"authenticated": true, "user": {"username": "jane"}, "audiences": audiences}));
        let answer = world.ask(TOKEN).await;
        assert_eq!(matches!(answer, Hooked { .. }), known, "{audiences}: {answer:?}");
        assert!(known || answer == Unknown);
    }
}

#[tokio::test]
async fn the_webhook_is_asked_as_often_as_its_flag_says() {
    let good = json!({"authenticated": true, "user": {"username": "jane"}});
    let without = world(&json!({}), &["--authentication-token-webhook-cache-ttl=0"]).await;
    without.webhook.says(good.clone());
    for times in 1..=2 {
        assert_eq!(without.ask(TOKEN).await, Hooked { user: jane(), good_for: 0 });
        assert_eq!(without.webhook.requests().len(), times);
    }
    let with = world(&json!({}), &["--authentication-token-webhook-cache-ttl=3s"]).await;
    for times in 1..=2 {
        assert_eq!(with.ask(TOKEN).await, Unknown);
        assert_eq!(with.webhook.requests().len(), times, "a no is not kept");
    }
    with.webhook.says(good);
    assert!(matches!(with.ask(TOKEN).await, Hooked { good_for: 1..=2, .. }));
    with.webhook.says(json!({"authenticated": false}));
    assert!(matches!(with.ask(TOKEN).await, Hooked { .. }));
    assert_eq!(with.webhook.requests().len(), 3, "a yes is kept");
    wait::until(SOON, "and forgotten", async || with.ask(TOKEN).await == Unknown).await;
}

#[tokio::test]
async fn what_is_no_answer_is_a_failure() {
    let world = world(&json!({}), &[]).await;
    let elsewhere = Webhook::start(None).await;
    elsewhere.says(json!({"authenticated": true, "user": {"username": "eve"}}));
    let place = elsewhere.kubeconfig("/", &json!({}))["clusters"][0]["cluster"]["server"].to_string();
    let redirect = vec![("location".to_owned(), place.trim_matches('"').as_bytes().to_vec())];
    let other_version = json!({"kind": "TokenReview", "apiVersion": "authentication.k8s.io/v1",
        "status": {"authenticated": true, "user": {"username": "eve"}}});
    let forged = format!("{TOKEN}\n{{\"level\":\"ERROR\"}}");
    // What it answers, and how often it is asked.
    for (reply, times) in [
        (Reply::Raw(200, vec![], b"<html>".to_vec()), 1),
        (Reply::Raw(200, vec![], vec![b' '; 2 << 20]), 1),
        (Reply::Raw(302, redirect.clone(), Vec::new()), 1),
        (Reply::Raw(307, redirect, Vec::new()), 1),
        (Reply::Json(200, json!({"status": {}, "kind": "Pod"})), 1),
        (Reply::Json(200, other_version), 1),
        (Reply::Json(400, json!({"message": forged})), 1),
        (Reply::Json(401, json!({"message": forged})), 1),
        (Reply::Json(429, json!({"message": forged})), 2),
        (Reply::Json(500, json!({"message": forged})), 2),
        (Reply::Close, 2),
    ] {
        let before = world.webhook.requests().len();
        let told = reply.clone();
        world.webhook.answers(move |_| told.clone());
        assert_eq!(world.ask(TOKEN).await, Failed, "{reply:?}");
        assert_eq!(world.webhook.requests().len() - before, times, "{reply:?}");
    }
    assert!(elsewhere.requests().is_empty(), "no redirect is followed");
    // One that does not answer costs no more than the deadline.
    world.webhook.answers(|_| Reply::Hang);
    let begun = Instant::now();
    assert_eq!(world.ask(TOKEN).await, Failed);
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
    // Once wrong and then right is right.
    let count = std::sync::atomic::AtomicUsize::new(0);
    world.webhook.answers(move |request| match count.fetch_add(1, std::sync::atomic::Ordering::SeqCst) {
        0 => Reply::Json(503, json!({})),
        _ => review(request, &json!({"authenticated": true, "user": {"username": "jane"}})),
    });
    assert!(matches!(world.ask(TOKEN).await, Hooked { .. }));
    let World { webhook, sidecar, client, api: _api, directory: _directory } = world;
    webhook.stop().await;
    assert_eq!(client.review_token(&question("another", None, true)).await, Failed);
    let log = sidecar.log();
    assert!(log.contains("token webhook: ") && !log.contains(TOKEN), "{log}");
    assert!(log.lines().all(|line| serde_json::from_str::<Value>(line).is_ok()), "{log}");
}

#[tokio::test]
async fn the_webhook_can_ask_for_a_client_certificate_and_its_files_are_followed() {
    let clients = Ca::new("clients");
    let (webhook, api) = (Webhook::start(Some(&clients)).await, ApiServer::start().await);
    webhook.says(json!({"authenticated": true, "user": {"username": "jane"}}));
    let directory = tempfile::tempdir().expect("a directory");
    // A certificate of another CA at first. The names are relative to the kubeconfig.
    let stranger = Ca::new("strangers").leaf(&["gateway"]);
    _ = stranger.write(directory.path(), "client");
    let user = json!({"client-certificate": "client.pem", "client-key": "client-key.pem"});
    let path = directory.path().join("webhook");
    std::fs::write(&path, webhook.kubeconfig("/x/y/", &user).to_string()).expect("a kubeconfig");
    let file = format!("--authentication-token-webhook-config-file={}", path.display());
    let (_sidecar, client) = started(&api, &["--no-upstream-credential", &file]).await;
    assert_eq!(client.review_token(&question(TOKEN, None, true)).await, Failed);
    assert!(webhook.requests().is_empty());
    _ = clients.leaf(&["gateway"]).write(directory.path(), "client");
    let known = async || matches!(client.review_token(&question(TOKEN, None, true)).await, Hooked { .. });
    wait::until(SOON, "the right certificate is used", known).await;
    assert_eq!(webhook.requests()[0].path, "/x/y", "as kube-apiserver takes it");
}

#[tokio::test]
async fn both_are_asked_in_their_order() {
    let world = world(&json!({}), &[]).await;
    world.webhook.says(json!({"authenticated": true, "user": {"username": "jane"}}));
    world.api.on_token_review(|spec| json!({"authenticated": spec["token"] == "service-account"}));
    let ask = async |token: &str| world.client.review_token(&question(token, Some(&[]), true)).await;
    // Authenticated without a user is nobody, so the webhook is asked.
    assert!(matches!(ask("service-account").await, Hooked { .. }));
    world.api.on_token_review(|_| json!({"authenticated": true, "user": {"username": "sa"}}));
    assert!(matches!(ask("other").await, PassThrough { .. }));
    assert_eq!(world.webhook.requests().len(), 1);
    world.api.reply(REVIEWS, Reply::Json(500, json!({})));
    assert!(matches!(ask("third").await, Hooked { .. }), "a failure of the first is no failure of both");
    world.webhook.says(json!({"authenticated": false}));
    assert_eq!(ask("fourth").await, Failed, "whether the API server knows it is not known");
}

#[tokio::test]
async fn a_bad_webhook_file_stops_the_start() {
    for (file, words) in [
        ("a: [", "kubeconfig"),
        ("{}", "current context"),
        (
            r#"{"clusters": [{"name": "a", "cluster": {"server": "https://a/x?y=z"}}], "contexts": [{"name": "a", "context": {"cluster": "a"}}], "current-context": "a"}"#,
            "must not have a query",
        ),
    ] {
        let mut sidecar = Sidecar::new();
        sidecar.write("authn.json", tests::gateway::configuration(&[]).to_string());
        sidecar.write("webhook", file);
        let flags = [
            "--authentication-config=${DIR}/authn.json",
            "--authentication-token-webhook-config-file=${DIR}/webhook",
            "--no-upstream-credential",
            "--listen=unix:${SOCKET}",
            "--health-address=${HEALTH}",
        ];
        sidecar.spawn(&flags).await;
        assert_eq!(sidecar.exit_code().await, Some(1), "{file}");
        let log = sidecar.log();
        assert!(log.contains("--authentication-token-webhook-config-file: ") && log.contains(words), "{log}");
    }
}

#[tokio::test]
async fn the_snapshot_says_who_else_may_come() {
    let world = world(&json!({}), &[]).await;
    let snapshot = world.client.snapshot(None).await;
    assert_eq!((snapshot.anonymous, snapshot.token_webhook), (None, Some(IdentityGuard::default())));
    assert_eq!(snapshot.upstream_credential, None);
    assert_eq!(world.sidecar.health("/readyz").await.status, 200, "none is wanted");
}

#[tokio::test]
async fn check_says_what_the_accounts_may_do_and_whether_the_webhook_answers() {
    let (api, webhook) = (ApiServer::start().await, Webhook::start(None).await);
    api.accept_as("own", "system:serviceaccount:kube-oidc-filter:gateway");
    api.handle("/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", |request| {
        let attributes = &request.json()["spec"]["resourceAttributes"];
        let missing = ["tokenreviews", "serviceaccounts"];
        let allowed = !missing.iter().any(|resource| attributes["resource"] == *resource);
        Some(review(request, &json!({"allowed": allowed})))
    });
    let sidecar = Sidecar::new();
    sidecar.write("authn.json", tests::gateway::configuration(&[]).to_string());
    sidecar.write("token", ApiServer::TOKEN);
    let own = tests::webhook::kubeconfig(&api.url(), api.ca_pem(), &json!({"token": "own"}));
    sidecar.write("kubeconfig", own.to_string());
    sidecar.write("webhook", webhook.kubeconfig("/", &json!({})).to_string());
    let check = async || {
        let flags = [
            "check",
            "--authentication-config=${DIR}/authn.json",
            "--kubeconfig=${DIR}/kubeconfig",
            "--upstream-token-file=${DIR}/token",
            "--authentication-token-webhook-config-file=${DIR}/webhook",
        ];
        let output = sidecar.command(&flags).await;
        (output.status.success(), String::from_utf8(output.stdout).expect("text"))
    };
    let (succeeded, report) = check().await;
    assert!(succeeded, "{report}");
    for line in [
        "ok    the credential may impersonate users\n",
        "note  the credential may not impersonate serviceaccounts, which is needed for kubectl --as\n",
        "ok    the credential may impersonate userextras/originaluser.jetstack.io-user\n",
        "ok    the credential may impersonate userextras/remote-client-ip\n",
        "ok    this account may create subjectaccessreviews.authorization.k8s.io\n",
        "note  this account may not create tokenreviews.authentication.k8s.io, which is needed for tokens that are passed through\n",
        "ok    token webhook: answers, and does not know a made-up token\n",
    ] {
        assert!(report.contains(line), "{line} is not in\n{report}");
    }
    webhook.says(json!({"authenticated": true, "user": {"username": "anybody"}}));
    let (succeeded, report) = check().await;
    assert!(!succeeded && report.contains("FAIL  token webhook: takes a made-up token"), "{report}");
    webhook.stop().await;
    let (succeeded, report) = check().await;
    assert!(!succeeded && report.contains("FAIL  token webhook: can't be reached"), "{report}");
}
