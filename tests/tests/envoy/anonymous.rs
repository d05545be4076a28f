//! Requests without a credential, as the AuthenticationConfiguration says.

use serde_json::{Value, json};
use tests::{ApiServer, GatewayOptions, Issuer, gateway};

use crate::Chain;
use crate::contract::contract;

/// A chain with this `anonymous` in its AuthenticationConfiguration.
async fn chain_with(anonymous: Value) -> Chain {
    let (issuer, api) = (Issuer::start().await, ApiServer::start().await);
    let mut configuration = gateway::configuration(&[&issuer]);
    configuration["anonymous"] = anonymous;
    let gateway = GatewayOptions::new(&api, configuration).start().await;
    Chain { issuer, api, gateway }
}

/// The answer's code to a GET without a credential, over both protocols.
async fn code(chain: &Chain, path: &str) -> u16 {
    let one = chain.gateway.client().get(path).send().await.status;
    assert_eq!(chain.gateway.client().http2().get(path).send().await.status, one, "{path}");
    one
}

#[tokio::test]
async fn named_paths_are_open_and_nothing_else() {
    contract("anonymous-conditions");
    let chain =
        chain_with(json!({"enabled": true, "conditions": [{"path": "/healthz"}, {"path": "/livez"}]})).await;
    for path in ["/healthz", "/livez?verbose=1", "/%68ealthz"] {
        assert_eq!(code(&chain, path).await, 200, "{path}");
        let received = chain.api.last_request();
        assert_eq!(received.path, path);
        assert_eq!(received.values("impersonate-user"), ["system:anonymous"]);
        assert_eq!(received.values("impersonate-group"), ["system:unauthenticated"]);
        assert_eq!(received.values("authorization"), [format!("Bearer {}", ApiServer::TOKEN)]);
    }
    chain.api.clear();
    for path in [
        "/",
        "/healthz/",
        "/healthz/ping",
        "/HEALTHZ",
        "//healthz",
        "/api/../healthz",
        "/healthz%2f",
        "/healthz%zz",
    ] {
        assert_eq!(code(&chain, path).await, 401, "{path}");
    }
    // A bad credential is not none.
    let client = chain.gateway.client();
    assert_eq!(client.get("/healthz").bearer("made-up").send().await.status, 401);
    assert_eq!(
        client.get("/healthz").bearer(&chain.token(|token| token.expires_in(-60))).send().await.status,
        401
    );
    assert_eq!(chain.api.requests(), []);
    assert_eq!(client.get("/healthz").bearer(&chain.alice()).send().await.status, 200);
    assert_eq!(chain.api.last_request().values("impersonate-user"), ["alice"]);
}

#[tokio::test]
async fn every_path_may_be_open() {
    contract("anonymous-everywhere");
    let chain = chain_with(json!({"enabled": true})).await;
    assert_eq!(code(&chain, "/api/v1/pods").await, 200);
    assert_eq!(chain.api.last_request().values("impersonate-user"), ["system:anonymous"]);
    // Another scheme is no credential to kube-apiserver.
    let basic = tests::mint::basic("admin", "x");
    assert_eq!(chain.gateway.client().get("/api").header("Authorization", basic).send().await.status, 200);
    let received = chain.api.last_request();
    assert_eq!(received.values("impersonate-user"), ["system:anonymous"]);
    assert_eq!(received.values("authorization"), [format!("Bearer {}", ApiServer::TOKEN)]);
    assert_eq!(chain.gateway.client().get("/api").bearer("made-up").send().await.status, 401);
}

#[tokio::test]
async fn else_nobody_comes_without_a_credential() {
    contract("anonymous-off");
    for anonymous in [json!(null), json!({"enabled": false})] {
        let chain = chain_with(anonymous).await;
        assert_eq!(code(&chain, "/healthz").await, 401);
        assert_eq!(chain.api.requests(), []);
    }
}
