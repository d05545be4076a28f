//! Tokens that are not from a configured issuer: the API server's own, and those of somebody else's authenticator.

use std::time::Duration;

use serde_json::{Value, json};
use tests::api_server::Reply;
use tests::{ApiServer, GatewayOptions, Issuer, SigningKey, Token, gateway, mint, wait};

use crate::contract::contract;
use crate::{Chain, assert_status, chain_with};

/// The token of the sidecar's own account.
const OWN: &str = "token-of-the-sidecars-own-account";
const REVIEWS: &str = "/apis/authentication.k8s.io/v1/tokenreviews";
const WEBHOOK: &str = "/authenticate";
const UNKNOWN: &str = "Unauthorized: the token is not from a known issuer";
const UNAVAILABLE: &str = "the sign-in service is not available at the moment";
const SOON: Duration = Duration::from_secs(30);

/// A token of a ServiceAccount, which the API server knows.
const ROBOT_TOKEN: &str = "token-of-a-robot";
const ROBOT: &str = "system:serviceaccount:ci:robot";

/// A chain that lets the API server's tokens pass, for these audiences.
async fn passing(audiences: Value) -> Chain {
    let chain = chain_with(|options| {
        options.asks_with(OWN).filter(&json!({"tokenPassthrough": {"audiences": audiences}}))
    })
    .await;
    chain.api.accept_as(OWN, "system:serviceaccount:kube-oidc-filter:gateway");
    chain.api.accept_as(ROBOT_TOKEN, ROBOT);
    chain.api.on_token_review(|spec| match (spec["token"].as_str(), spec["audiences"].as_array()) {
        // As kube-apiserver: the audiences that were asked for and are there.
        (Some(ROBOT_TOKEN), Some(asked)) if !asked.is_empty() => {
            let found: Vec<_> = asked.iter().filter(|audience| *audience == "robots").collect();
            let user = json!({"username": ROBOT});
            json!({"authenticated": !found.is_empty(), "audiences": found, "user": user})
        }
        (Some(ROBOT_TOKEN), _) => json!({"authenticated": true, "user": {"username": ROBOT}}),
        _ => json!({"authenticated": false}),
    });
    chain
}

#[tokio::test]
async fn by_default_nobody_is_asked() {
    contract("token-other-default");
    let chain = chain_with(|options| options.asks_with(OWN)).await;
    chain.api.accept_as(OWN, "system:serviceaccount:kube-oidc-filter:gateway");
    assert_status(&chain.get(ROBOT_TOKEN).await, 401, UNKNOWN);
    assert_eq!(chain.api.requests(), []);
}

#[tokio::test]
async fn the_api_servers_own_tokens_pass_as_they_are() {
    contract("token-pass-through");
    let chain = passing(json!([])).await;
    let request = chain.gateway.client().get("/api/v1/pods").bearer(ROBOT_TOKEN);
    // What it asks to be is for the API server to judge.
    let request = request.header("Impersonate-User", "bob").header("Impersonate-Group", "dev");
    let request = request.header("X-Remote-User", "admin").header("Impersonate.User", "admin");
    for _ in 0..2 {
        assert_eq!(request.clone().send().await.status, 200);
        let received = chain.api.requests_for("/api/v1/pods").pop().expect("the request");
        assert_eq!(received.values("authorization"), [format!("Bearer {ROBOT_TOKEN}")]);
        assert_eq!(received.values("impersonate-user"), ["bob"]);
        assert_eq!(received.values("impersonate-group"), ["dev"]);
        assert_eq!(received.lines("x-remote-"), []);
        assert_eq!(received.lines("impersonate."), []);
    }
    // Once for both, under the sidecar's own account.
    let reviews = chain.api.requests_for(REVIEWS);
    assert_eq!(reviews.len(), 1);
    assert_eq!(reviews[0].values("authorization"), [format!("Bearer {OWN}")]);
    assert_eq!(reviews[0].json()["spec"]["token"], ROBOT_TOKEN);

    // As a WebSocket's subprotocol, which then goes on too.
    let protocol = format!("base64url.bearer.authorization.k8s.io.{}", mint::encode(ROBOT_TOKEN.as_bytes()));
    let request = chain.gateway.client().get("/api/v1/pods");
    let request = request.header("Sec-WebSocket-Protocol", format!("{protocol}, v5.channel.k8s.io"));
    let (answer, _wire) = request.upgrade("websocket").await.expect("an answer");
    let received = chain.api.last_request();
    assert_eq!(received.values("sec-websocket-protocol"), [format!("{protocol}, v5.channel.k8s.io")]);
    // The stand-in knows tokens in `authorization` alone.
    assert_eq!(answer.status, 401);

    for token in ["made-up", "a.b.c", ApiServer::TOKEN] {
        assert_eq!(chain.get(token).await.status, 401, "{token}");
    }
    // Our own credential is nobody's, whoever knows it.
    let asked: Vec<_> =
        chain.api.requests_for(REVIEWS).iter().map(|review| review.json()["spec"]["token"].clone()).collect();
    assert!(!asked.contains(&json!(ApiServer::TOKEN)), "{asked:?}");
}

#[tokio::test]
async fn a_token_passes_for_the_audiences_that_are_named() {
    contract("token-pass-through-audience");
    let chain = passing(json!(["robots", "others"])).await;
    assert_eq!(chain.get(ROBOT_TOKEN).await.status, 200);
    assert_eq!(chain.api.requests_for(REVIEWS)[0].json()["spec"]["audiences"], json!(["robots", "others"]));
    let chain = passing(json!(["others"])).await;
    assert_status(&chain.get(ROBOT_TOKEN).await, 401, UNKNOWN);
    // An API server that does not say for which audience it found the token is not believed.
    chain.api.on_token_review(|_| json!({"authenticated": true, "user": {"username": ROBOT}}));
    assert_status(&chain.get(ROBOT_TOKEN).await, 401, UNKNOWN);
    assert_eq!(chain.api.requests_for("/api/v1/pods"), []);
}

#[tokio::test]
async fn a_token_of_a_configured_issuer_is_never_offered() {
    contract("token-other-never-offered");
    let chain = passing(json!([])).await;
    chain.api.on_token_review(|_| json!({"authenticated": true, "user": {"username": ROBOT}}));
    let iss = chain.issuer.url();
    let key = chain.issuer.key();
    let head = r#"{"alg":"ES256","kid":"x"}"#;
    let rows = [
        chain.token(|token| token.expires_in(-60)),
        chain.token(|token| token.aud(json!(["other"]))),
        mint::sign_raw(head, &format!(r#"{{"iss":"{iss}","iss":"https://other.example"}}"#), &key),
        mint::sign_raw(head, &format!(r#"{{"iss":"https://other.example","ISS":"{iss}"}}"#), &key),
        mint::sign_raw(head, &format!(r#"{{"iss":"{iss}",}}"#), &key),
        format!("{}=", mint::sign_raw(head, &format!(r#"{{"iss":"{iss}","n":1}}"#), &key)),
    ];
    for token in rows {
        assert_eq!(chain.get(&token).await.status, 401, "{token}");
    }
    assert_eq!(chain.api.requests(), []);
    // One that names somebody else may be asked about.
    let other = Token::issued_by("https://other.example").sub("x").sign(&key);
    assert_eq!(chain.get(&other).await.status, 401, "the stand-in does not know it");
    assert_eq!(chain.api.requests_for(REVIEWS).len(), 1);
}

#[tokio::test]
async fn without_an_answer_no_token_passes() {
    contract("token-review-unavailable");
    let mut chain = passing(json!([])).await;
    for reply in
        [Reply::Json(403, json!({"code": 403})), Reply::Json(500, json!({})), Reply::Close, Reply::Hang]
    {
        chain.api.reply(REVIEWS, reply.clone());
        assert_status(&chain.get(ROBOT_TOKEN).await, 503, UNAVAILABLE);
    }
    let log = chain.gateway.sidecar.log();
    assert!(log.contains("tokenreviews") && !log.contains(ROBOT_TOKEN), "{log}");
    chain.gateway.sidecar.kill().await;
    assert_status(&chain.get(ROBOT_TOKEN).await, 503, UNAVAILABLE);
    assert_eq!(chain.api.requests_for("/api/v1/pods"), []);
    assert_eq!(chain.get(&chain.alice()).await.status, 200);
}

/// Somebody else's authenticator, and a chain that asks it.
struct Hooked {
    webhook: ApiServer,
    chain: Chain,
}

async fn hooked(options: impl FnOnce(GatewayOptions) -> GatewayOptions) -> Hooked {
    let webhook = ApiServer::sink().await;
    webhook.handle(WEBHOOK, |request| {
        let user = match request.json()["spec"]["token"].as_str()? {
            "of carol" | "carol" => {
                json!({"username": "carol", "uid": "7", "groups": ["iam:dev"], "extra": {"arn": ["a:b"]}})
            }
            "nobody" => json!({"username": ""}),
            "root" => json!({"username": "root", "groups": ["system:masters"]}),
            "unsafe" => json!({"username": "carol "}),
            "forger" => json!({"username": "carol", "extra": {"originaluser.jetstack.io-user": ["root"]}}),
            _ => return Some(answer(json!({"authenticated": false}))),
        };
        Some(answer(json!({"authenticated": true, "user": user})))
    });
    let file = json!({
        "apiVersion": "v1", "kind": "Config", "current-context": "hook",
        "clusters": [{"name": "hook", "cluster": {
            "server": format!("{}{WEBHOOK}", webhook.url()),
            "certificate-authority-data": base64(webhook.ca_pem()),
        }}],
        "users": [{"name": "hook", "user": {"token": "token-for-the-webhook"}}],
        "contexts": [{"name": "hook", "context": {"cluster": "hook", "user": "hook"}}],
    });
    let chain = chain_with(|usual| {
        options(
            usual
                .file("webhook", file.to_string())
                .flag("--authentication-token-webhook-config-file=${DIR}/webhook")
                .flag("--authentication-token-webhook-version=v1"),
        )
    })
    .await;
    Hooked { webhook, chain }
}

fn answer(status: Value) -> Reply {
    Reply::Json(
        200,
        json!({"apiVersion": "authentication.k8s.io/v1", "kind": "TokenReview", "status": status}),
    )
}

fn base64(text: &str) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.encode(text)
}

#[tokio::test]
async fn a_webhooks_users_are_impersonated_like_any_other() {
    contract("token-webhook");
    let Hooked { webhook, chain } = hooked(|options| options).await;
    for _ in 0..2 {
        assert_eq!(chain.get("carol").await.status, 200);
        let received = chain.api.last_request();
        assert_eq!(received.values("authorization"), [format!("Bearer {}", ApiServer::TOKEN)]);
        assert_eq!(received.values("impersonate-user"), ["carol"]);
        assert_eq!(received.values("impersonate-uid"), ["7"]);
        assert_eq!(received.values("impersonate-group"), ["iam:dev", "system:authenticated"]);
        assert_eq!(received.values("impersonate-extra-arn"), ["a:b"]);
    }
    let asked = webhook.requests_for(WEBHOOK);
    assert_eq!(asked.len(), 1);
    assert_eq!(asked[0].values("authorization"), ["Bearer token-for-the-webhook"]);
    assert_status(&chain.get("made-up").await, 401, UNKNOWN);

    contract("token-webhook-guard");
    for (token, code, message) in [
        ("root", 403, "forbidden: the token gives a group with the reserved prefix system:"),
        ("unsafe", 403, "forbidden: the user name has characters that can't be passed on"),
        ("forger", 403, "forbidden: the user has an extra value that only the gateway may set"),
        ("nobody", 401, UNKNOWN),
    ] {
        assert_status(&chain.get(token).await, code, message);
    }
    // Our own credential is shown to nobody.
    assert_eq!(chain.get(ApiServer::TOKEN).await.status, 401);
    let asked: Vec<_> =
        webhook.requests_for(WEBHOOK).iter().map(|review| review.json()["spec"]["token"].clone()).collect();
    assert!(!asked.contains(&json!(ApiServer::TOKEN)), "{asked:?}");
}

#[tokio::test]
async fn the_policy_may_allow_a_webhook_more() {
    contract("token-webhook-policy");
    let policy = json!({
        "apiVersion": "kube-oidc-filter/v1alpha1",
        "tokenWebhook": {"allowedSystemGroups": ["system:masters"]},
    });
    let Hooked { webhook: _webhook, chain } = hooked(|options| options.policy(policy)).await;
    assert_eq!(chain.get("root").await.status, 200);
    assert_eq!(
        chain.api.last_request().values("impersonate-group"),
        ["system:masters", "system:authenticated"]
    );
}

#[tokio::test]
async fn a_webhook_that_is_down_hurts_its_own_users_alone() {
    contract("token-webhook-down");
    let Hooked { mut webhook, chain } = hooked(|options| options).await;
    webhook.stop().await;
    assert_status(&chain.get("carol").await, 503, UNAVAILABLE);
    assert_eq!(chain.get(&chain.alice()).await.status, 200);
    webhook.restart().await;
    let is_back = async || chain.get("carol").await.status == 200;
    wait::until(SOON, "the webhook is asked again", is_back).await;
}

#[tokio::test]
async fn the_clusters_own_tokens_are_not_shown_to_a_webhook() {
    contract("token-webhook-cluster");
    // The gateway's credential is a JWT of the cluster, as in life.
    let cluster = "https://kubernetes.default.svc";
    let key = SigningKey::shared(tests::Algorithm::RS256);
    let credential = Token::issued_by(cluster).sub("upstream").sign(&key);
    let robot = Token::issued_by(cluster).sub("robot").sign(&key);
    let given = credential.clone();
    let Hooked { webhook, chain } = hooked(move |options| options.token(&given)).await;
    chain.api.accept(&credential);
    assert_status(&chain.get(&robot).await, 401, UNKNOWN);
    assert_eq!(webhook.requests(), []);
    // Anybody else's are.
    let other = Token::issued_by("https://other.example").sub("robot").sign(&key);
    assert_status(&chain.get(&other).await, 401, UNKNOWN);
    assert_eq!(webhook.requests_for(WEBHOOK).len(), 1);
}

#[tokio::test]
async fn the_api_server_is_asked_first_and_the_webhook_last() {
    contract("token-other-order");
    let Hooked { webhook, chain } =
        hooked(|options| options.asks_with(OWN).filter(&json!({"tokenPassthrough": {}}))).await;
    chain.api.accept_as(OWN, "system:serviceaccount:kube-oidc-filter:gateway");
    chain.api.accept_as(ROBOT_TOKEN, ROBOT);
    chain.api.on_token_review(|spec| match spec["token"] == ROBOT_TOKEN {
        true => json!({"authenticated": true, "user": {"username": ROBOT}}),
        false => json!({"authenticated": false}),
    });
    assert_eq!(chain.get(ROBOT_TOKEN).await.status, 200);
    assert_eq!(webhook.requests(), []);
    assert_eq!(chain.get("carol").await.status, 200);
    assert_eq!((chain.api.requests_for(REVIEWS).len(), webhook.requests_for(WEBHOOK).len()), (2, 1));
    // One of both can't be asked: who knows the token decides, and if nobody does it is not the token's fault.
    chain.api.reply(REVIEWS, Reply::Close);
    assert_eq!(chain.get("of carol").await.status, 401, "two words are no token");
    assert_status(&chain.get("made-up").await, 503, UNAVAILABLE);
}

#[tokio::test]
async fn a_gateway_that_impersonates_nobody_lets_good_tokens_through() {
    contract("own-token");
    let (issuer, api) = (Issuer::start().await, ApiServer::start().await);
    let options = GatewayOptions::new(&api, gateway::configuration(&[&issuer])).without_credential();
    let gateway = options.filter(&json!({"disableImpersonation": true})).start().await;
    let chain = Chain { issuer, api, gateway };
    let alice = chain.alice();
    chain.api.accept_as(&alice, "alice");
    let client = chain.gateway.client();
    let request = client.get("/api").bearer(&alice).header("X-Remote-User", "admin");
    for _ in 0..2 {
        assert_eq!(request.clone().send().await.status, 200);
        let received = chain.api.last_request();
        assert_eq!(received.values("authorization"), [format!("Bearer {alice}")]);
        assert_eq!((received.lines("impersonate-"), received.lines("x-remote-")), (vec![], vec![]));
    }
    // What it asks to be is for the API server to judge.
    let acting = client.get("/api").bearer(&alice).header("Impersonate-User", "bob");
    assert_eq!(acting.send().await.status, 200);
    assert_eq!(chain.api.last_request().values("impersonate-user"), ["bob"]);
    let count = chain.api.requests().len();
    for token in [chain.token(|token| token.expires_in(-60)), "made-up".to_owned()] {
        assert_eq!(chain.get(&token).await.status, 401);
    }
    assert_eq!(client.get("/api").send().await.status, 401);
    assert_eq!(chain.api.requests().len(), count);
}

/// kube-apiserver trims U+00A0 and reads `Authorization` before the subprotocol.
#[tokio::test]
async fn beside_a_judged_subprotocol_no_authorization_goes_on_unread() {
    let (issuer, api) = (Issuer::start().await, ApiServer::start().await);
    let options = GatewayOptions::new(&api, gateway::configuration(&[&issuer])).without_credential();
    let gateway = options.filter(&json!({"disableImpersonation": true})).start().await;
    let chain = Chain { issuer, api, gateway };
    let alice = chain.alice();
    let protocols = format!(
        "base64url.bearer.authorization.k8s.io.{}, v5.channel.k8s.io",
        base64(&alice).trim_end_matches('=').replace('+', "-").replace('/', "_")
    );
    let request = chain.gateway.client().get("/api/v1/namespaces/a/pods/b/exec");
    let request = request.header("Sec-WebSocket-Protocol", protocols.as_bytes());
    let request = request.header("Authorization", "\u{a0}Bearer another".as_bytes());
    drop(request.upgrade("websocket").await);
    assert_eq!(chain.api.last_request().lines("authorization"), []);
}
