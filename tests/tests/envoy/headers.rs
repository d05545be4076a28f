//! The headers that reach the API server.

use serde_json::json;
use tests::{ApiServer, Issuer, Token, gateway};

use crate::contract::contract;
use crate::{chain, chain_with};

#[tokio::test]
async fn the_identity_arrives_whole_and_in_order() {
    contract("headers-identity");
    let (issuer, api) = (Issuer::start().await, ApiServer::start().await);
    let mut configuration = gateway::configuration(&[&issuer]);
    configuration["jwt"][0]["claimMappings"] = json!({
        "username": {"claim": "sub", "prefix": "oidc:"},
        "groups": {"claim": "groups", "prefix": "oidc:"},
        "uid": {"claim": "oid"},
    });
    let gateway = tests::GatewayOptions::new(&api, configuration).start().await;
    let token = Token::of(&issuer).sub("alice").claim("oid", json!("u-1")).claim("jti", json!("j/1"));
    let token = token.claim("groups", json!(["z", "a", "z", ""])).sign(&issuer.key());
    // Twice: verified, and from the cache.
    for _ in 0..2 {
        assert_eq!(gateway.client().get("/api").bearer(&token).send().await.status, 200);
        let line = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        assert_eq!(
            api.last_request().lines("impersonate-"),
            [
                line("impersonate-user", "oidc:alice"),
                line("impersonate-uid", "u-1"),
                line("impersonate-group", "oidc:z"),
                line("impersonate-group", "oidc:a"),
                line("impersonate-group", "oidc:z"),
                line("impersonate-group", "oidc:"),
                line("impersonate-group", "system:authenticated"),
                line("impersonate-extra-authentication.kubernetes.io%2fcredential-id", "JTI=j/1"),
            ]
        );
        assert_eq!(api.last_request().values("authorization"), [format!("Bearer {}", ApiServer::TOKEN)]);
    }
}

#[tokio::test]
async fn odd_values_arrive_byte_by_byte() {
    contract("headers-values");
    let chain = chain().await;
    for name in [
        "zoë@例え.jp",
        "a,b",
        "a b",
        "a\u{a0}",
        "\u{85}x",
        "=?utf-8?q?x?=",
        "a;b=\"c\"",
        "%0d%0a",
        "\u{feff}x",
    ] {
        let token = chain.token(|token| token.sub(name).claim("groups", json!([name])));
        assert_eq!(chain.get(&token).await.status, 200, "{name:?}");
        let received = chain.api.last_request();
        assert_eq!(received.values("impersonate-user"), [name]);
        assert_eq!(received.values("impersonate-group"), [name, "system:authenticated"]);
    }
}

#[tokio::test]
async fn a_clients_identity_headers_never_go_on() {
    contract("headers-strip");
    // Envoy is told to let underscores pass, so that the filter has to deal with them.
    let chain = chain_with(|options| {
        options.alter(
            "headers_with_underscores_action: REJECT_REQUEST",
            "headers_with_underscores_action: ALLOW",
        )
    })
    .await;
    let names = [
        "X-Remote-User",
        "x-remote-group",
        "X-Remote-Extra-Foo",
        "x_remote_user",
        "X.Remote.Group",
        "x-Remote_extra.a",
        "X-Remote-Uid",
    ];
    for client in [chain.gateway.client(), chain.gateway.client().http2()] {
        let request = client.get("/api").bearer(&chain.alice()).header("proxy-authorization", "Bearer evil");
        let request = names.iter().fold(request, |request, name| {
            request.header(&name.to_lowercase(), "evil").header(&name.to_lowercase(), "evil2")
        });
        assert_eq!(request.header("x-other", "stays").send().await.status, 200);
        let received = chain.api.last_request();
        let values: Vec<_> =
            received.headers.iter().map(|(_, value)| String::from_utf8_lossy(value)).collect();
        assert!(!values.iter().any(|value| value.contains("evil")), "{:?}", received.headers);
        assert_eq!(received.values("x-other"), ["stays"]);
        assert_eq!(received.values("impersonate-user"), ["alice"]);
    }
    chain.api.clear();
    for name in ["impersonate_user", "Impersonate_Group", "impersonate-extra_a", "impersonate.extra-a"] {
        let request = chain.gateway.client().get("/api").bearer(&chain.alice());
        let code = request.header(name, "evil").send().await.status;
        assert_eq!(code, 400, "{name}");
    }
    assert_eq!(chain.api.requests(), []);
}

#[tokio::test]
async fn a_clients_identity_trailers_never_go_on() {
    contract("headers-trailers");
    // Envoy drops trailers on their way to an HTTP/1.1 upstream, unless it is told to send them.
    let chain = chain_with(|options| {
        options.alter(
            "explicit_http_config: {http_protocol_options: {}}",
            "explicit_http_config: {http_protocol_options: {enable_trailers: true}}",
        )
    })
    .await;
    let request = chain.gateway.client().http2().request("POST", "/api").bearer(&chain.alice()).body("x");
    let request = request
        .trailer("impersonate-user", "evil")
        .trailer("impersonate-group", "evil")
        .trailer("authorization", "Bearer evil")
        .trailer("x-remote-user", "evil")
        .trailer("x-checksum", "stays");
    assert_eq!(request.send().await.status, 200);
    let received = chain.api.last_request();
    let trailers: Vec<_> = received.trailers.iter().map(|(name, _)| name.to_ascii_lowercase()).collect();
    assert_eq!(trailers, ["x-checksum"]);
    assert_eq!(received.body, b"x");
    assert_eq!(received.values("impersonate-user"), ["alice"]);
}

#[tokio::test]
async fn a_request_that_envoy_itself_refuses_never_arrives() {
    let chain = chain().await;
    let client = chain.gateway.client();
    // The shipped bootstrap refuses underscores before the filter sees them.
    let answer = client.get("/api").bearer(&chain.alice()).header("Impersonate_User", "evil").send().await;
    assert_eq!(answer.status, 400);
    // A plain request's nominated headers are taken away before the filter, and ours survive.
    let request = client.get("/api").bearer(&chain.alice());
    let answer = request
        .header("Connection", "keep-alive, impersonate-user, x-test")
        .header("x-test", "1")
        .send()
        .await;
    assert_eq!(answer.status, 200);
    let received = chain.api.last_request();
    assert_eq!(received.values("impersonate-user"), ["alice"]);
    assert_eq!(received.values("x-test"), [""; 0]);
    assert_eq!(received.values("connection"), [""; 0]);
}
