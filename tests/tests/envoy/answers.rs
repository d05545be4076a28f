//! The answers of the gateway, and of the API server behind it.

use serde_json::json;
use tests::api_server::Reply;
use tests::{Algorithm, SigningKey, Token, gateway, mint};

use crate::contract::contract;
use crate::{assert_status, chain, chain_with};

pub(crate) const NOT_VALID: &str = "Unauthorized: the token is not valid";
const UNKNOWN_ISSUER: &str = "Unauthorized: the token is not from a known issuer";
const INVALID_TOKEN: &str = "Bearer error=\"invalid_token\"";

#[tokio::test]
async fn tokens_that_are_refused() {
    let chain = chain().await;
    let key = chain.issuer.key();
    let forger = SigningKey::generate(key.algorithm()).with_kid(key.kid().unwrap_or_default());
    let stranger = SigningKey::generate(Algorithm::RS256);
    let good = chain.alice();
    let rows = [
        ("reply-expired", "Unauthorized: the token has expired", chain.token(|token| token.expires_in(-1))),
        (
            "reply-audience",
            "Unauthorized: the token is not for this audience",
            chain.token(|token| token.aud(json!("other"))),
        ),
        ("reply-unknown-issuer", UNKNOWN_ISSUER, "opaque-token".to_owned()),
        ("reply-unknown-issuer", UNKNOWN_ISSUER, Token::issued_by("https://other.example").sign(&stranger)),
        ("reply-not-valid", NOT_VALID, chain.token(|token| token.valid_in(3600))),
        ("reply-not-valid", NOT_VALID, Token::of(&chain.issuer).sub("alice").sign(&forger)),
        (
            "reply-not-valid",
            NOT_VALID,
            mint::sign_hs256(r#"{"alg":"HS256"}"#, &Token::of(&chain.issuer).payload(), b"k"),
        ),
        ("reply-not-valid", NOT_VALID, format!("{good}A")),
        (
            "reply-not-valid",
            NOT_VALID,
            format!(
                "{}.{}.",
                mint::encode(br#"{"alg":"none"}"#),
                mint::encode(Token::of(&chain.issuer).payload().as_bytes())
            ),
        ),
    ];
    contract("reply-expired");
    contract("reply-audience");
    contract("reply-unknown-issuer");
    contract("reply-not-valid");
    for (id, message, token) in rows {
        let answer = chain.get(&token).await;
        assert_status(&answer, 401, message);
        assert_eq!(answer.value("www-authenticate").as_deref(), Some(INVALID_TOKEN), "{id}");
    }
    assert_eq!(chain.api.requests(), []);
    assert_eq!(chain.get(&good).await.status, 200);
}

#[tokio::test]
async fn users_that_are_refused() {
    let chain = chain_with(|options| options.policy(json!({"issuers": []}))).await;

    contract("reply-guard");
    let user = "forbidden: the token gives a user name with the reserved prefix system:";
    let group = "forbidden: the token gives a group with the reserved prefix system:";
    for (message, name, groups) in [
        (user, "system:admin", json!([])),
        (user, "system:anonymous", json!([])),
        (user, "system:serviceaccount:kube-system:default", json!([])),
        (group, "alice", json!(["dev", "system:masters"])),
        (group, "alice", json!("system:nodes")),
    ] {
        assert_status(
            &chain.get(&chain.token(|token| token.sub(name).claim("groups", groups))).await,
            403,
            message,
        );
    }

    contract("reply-header-unsafe");
    for (message, name, groups) in [
        ("forbidden: the token gives an empty user name", "", json!([])),
        ("forbidden: the user name has characters that can't be passed on", "alice ", json!([])),
        (
            "forbidden: the user name has characters that can't be passed on",
            "alice\r\nimpersonate-user: admin",
            json!([]),
        ),
        ("forbidden: the user name has characters that can't be passed on", "al\u{0}ice", json!([])),
        ("forbidden: a group has characters that can't be passed on", "alice", json!([" admins"])),
        ("forbidden: a group has characters that can't be passed on", "alice", json!(["a\tb"])),
    ] {
        assert_status(
            &chain.get(&chain.token(|token| token.sub(name).claim("groups", groups))).await,
            403,
            message,
        );
    }

    let client = chain.gateway.client();
    contract("reply-impersonation-malformed");
    let message =
        "Impersonate-User must stand exactly once beside other Impersonate-* headers, all of a known kind";
    for lines in [
        &[("Impersonate-Group", "system:masters")][..],
        &[("Impersonate-Uid", "1")],
        &[("Impersonate-Extra-a", "b")],
        &[("Impersonate-User", "a"), ("Impersonate-User", "b")],
        &[("Impersonate-User", "a"), ("Impersonate-Scopes", "b")],
        &[("Impersonate.User", "a")],
    ] {
        let request = client.get("/api").bearer(&chain.alice());
        let request = lines.iter().fold(request, |request, (name, value)| request.header(name, value));
        assert_status(&request.send().await, 400, message);
    }
    // Who is nobody is told so first.
    let request = client.get("/api").header("Impersonate-User", "admin");
    assert_eq!(request.send().await.status, 401);
    assert_eq!(chain.api.requests(), []);
}

#[tokio::test]
async fn names_that_are_allowed() {
    let (issuer, api) = (tests::Issuer::start().await, tests::ApiServer::start().await);
    let policy = json!({"issuers": [{
        "url": issuer.url(), "allowedSystemUsernames": ["system:robot"], "allowedSystemGroups": ["system:masters"],
    }]});
    let gateway =
        tests::GatewayOptions::new(&api, gateway::configuration(&[&issuer])).policy(policy).start().await;
    let token =
        Token::of(&issuer).sub("system:robot").claim("groups", json!(["system:masters"])).sign(&issuer.key());
    assert_eq!(gateway.client().get("/api").bearer(&token).send().await.status, 200);
    assert_eq!(api.last_request().values("impersonate-group"), ["system:masters", "system:authenticated"]);
}

#[tokio::test]
async fn claim_rules() {
    contract("reply-claim-rule");
    let (issuer, api) = (tests::Issuer::start().await, tests::ApiServer::start().await);
    let mut configuration = gateway::configuration(&[&issuer]);
    configuration["jwt"][0]["claimValidationRules"] =
        json!([{"claim": "hd", "requiredValue": "example.com"}]);
    let gateway = tests::GatewayOptions::new(&api, configuration).start().await;
    for (hd, code) in [
        (json!("example.com"), 200),
        (json!("other"), 401),
        (json!(null), 401),
        (json!(["example.com"]), 401),
    ] {
        let token = Token::of(&issuer).sub("alice").claim("hd", hd.clone()).sign(&issuer.key());
        assert_eq!(gateway.client().get("/api").bearer(&token).send().await.status, code, "{hd}");
    }
    let token = Token::of(&issuer).sub("alice").sign(&issuer.key());
    assert_status(&gateway.client().get("/api").bearer(&token).send().await, 401, NOT_VALID);
}

#[tokio::test]
async fn requests_that_no_gateway_can_pass_on() {
    let chain = chain().await;
    let token = chain.alice();
    let client = chain.gateway.client();

    contract("reply-too-long");
    let long = "x".repeat(16 * 1024 + 1);
    assert_status(&client.get("/api").bearer(&long).send().await, 431, "the token is too long");
    assert_status(&client.get("/api").bearer(&long[1..]).send().await, 401, UNKNOWN_ISSUER);

    contract("reply-connect");
    let answer = client.request("CONNECT", "example.com:443").bearer(&token).send().await;
    assert_status(&answer, 400, "the method CONNECT is not served");

    contract("reply-nominated");
    let message = "an upgrade's Connection header may name nothing but the upgrade";
    for (connection, upgrade) in [
        ("Upgrade, Impersonate-User", "websocket"),
        ("Upgrade, impersonate-user, authorization", "SPDY/3.1"),
        ("impersonate-group,upgrade", "SPDY/3.1"),
        ("upgrade, x-forwarded-for", "websocket"),
    ] {
        let request = client.get("/api").bearer(&token).header("Connection", connection);
        let (answer, _) = request.upgrade(upgrade).await.expect("an answer");
        assert_status(&answer, 400, message);
    }
    assert_eq!(chain.api.requests(), []);
}

#[tokio::test]
async fn the_api_servers_own_answers_come_back_unchanged() {
    contract("reply-api-server");
    let chain = chain().await;
    for code in [200, 302, 401, 403, 404, 409, 429, 500, 502, 503] {
        let body = json!({"kind": "Status", "code": code, "message": "the API server's own"});
        let headers = vec![
            ("content-type".to_owned(), b"application/json".to_vec()),
            ("location".to_owned(), b"https://127.0.0.1:1/elsewhere".to_vec()),
            ("audit-id".to_owned(), b"one".to_vec()),
            ("server".to_owned(), b"kube".to_vec()),
        ];
        chain.api.reply("/answer", Reply::Raw(code, headers, body.to_string().into_bytes()));
        chain.api.clear();
        let answer = chain.gateway.client().get("/answer").bearer(&chain.alice()).send().await;
        assert_eq!((answer.status, answer.json()), (code, body));
        for (name, value) in
            [("audit-id", "one"), ("server", "kube"), ("location", "https://127.0.0.1:1/elsewhere")]
        {
            assert_eq!(answer.value(name).as_deref(), Some(value), "{code}");
        }
        // Asked once: never again, never elsewhere.
        assert_eq!(chain.api.requests().len(), 1, "{code}");
    }
}
