//! The credential: where it may stand, and what becomes of it.

use serde_json::json;
use tests::{ApiServer, Request, mint};

use crate::contract::contract;
use crate::{Chain, assert_status, chain};

const NOTHING: &str = "Unauthorized: no bearer token in the request";
const NOT_ONE: &str = "Unauthorized: the request must carry exactly one bearer token";

/// A WebSocket request with these subprotocols.
async fn websocket(
    chain: &Chain,
    protocols: &[&str],
    more: impl FnOnce(Request) -> Request,
) -> tests::Response {
    let request = chain.gateway.client().get("/api/v1/namespaces/a/pods/b/exec?command=c");
    let request = protocols
        .iter()
        .fold(more(request), |request, protocol| request.header("Sec-WebSocket-Protocol", protocol));
    request.upgrade("websocket").await.expect("an answer").0
}

#[tokio::test]
async fn one_bearer_token() {
    contract("credential-bearer");
    let chain = chain().await;
    let token = chain.alice();
    let client = chain.gateway.client();
    for value in [format!("Bearer {token}"), format!("bearer {token}"), format!("  BEARER {token}  ")] {
        for client in [client.clone(), client.clone().http2()] {
            // HTTP/2 allows no blank around a value.
            let value = if value.starts_with(' ') { value.trim() } else { &value };
            let answer = client.get("/api/v1/pods").header("authorization", value).send().await;
            assert_eq!((answer.status, &answer.json()["user"]), (200, &json!("alice")), "{value:.8}");
        }
    }

    contract("credential-never-upstream");
    for received in chain.api.requests() {
        assert_eq!(received.values("authorization"), [format!("Bearer {}", ApiServer::TOKEN)]);
        let sent = format!(
            "{:?}",
            received.headers.iter().map(|(_, value)| String::from_utf8_lossy(value)).collect::<Vec<_>>()
        );
        assert!(!sent.contains(&token), "{sent}");
    }
    assert_eq!(chain.gateway.vm_reloads().await, 0);
}

#[tokio::test]
async fn no_token_or_more_than_one() {
    let chain = chain().await;
    let token = chain.alice();
    let client = chain.gateway.client();

    contract("credential-none");
    for value in [None, Some("Basic YTpi"), Some("Bearer"), Some("Token x"), Some("")] {
        let request = client.get("/version");
        let request =
            value.into_iter().fold(request, |request, value| request.header("authorization", value));
        let answer = request.send().await;
        assert_status(&answer, 401, NOTHING);
        assert_eq!(answer.value("www-authenticate").as_deref(), Some("Bearer"), "{value:?}");
    }

    contract("credential-not-one");
    let rows: [&[String]; 6] = [
        &[format!("Bearer {token} x")],
        &[format!("Bearer  {token}")],
        &[format!("Bearer {token},{token}")],
        &[format!("Bearer {token}, Bearer {token}")],
        &[format!("Bearer {token}"), format!("Bearer {token}")],
        &[format!("Bearer {token}"), "Basic YTpi".to_owned()],
    ];
    for values in rows {
        let request = client.get("/version");
        let answer =
            values.iter().fold(request, |request, value| request.header("Authorization", value)).send().await;
        assert_status(&answer, 401, NOT_ONE);
    }
    let answer = client.get("/version").header("authorization", b"Bearer \xff\xfe").send().await;
    assert_status(&answer, 401, NOT_ONE);

    contract("credential-own");
    let answer = client.get("/version").bearer(ApiServer::TOKEN).send().await;
    assert_status(&answer, 401, "Unauthorized: the token is not valid");
    assert_eq!(chain.api.requests(), []);
}

/// Also where the gateway's own token is a good one of a configured issuer, for the right audience.
#[tokio::test]
async fn the_gateways_own_token_is_nobodys() {
    let (issuer, api) = (tests::Issuer::start().await, ApiServer::start().await);
    let own = tests::Token::of(&issuer).sub("gateway").sign(&issuer.key());
    api.accept(&own);
    let configuration = tests::gateway::configuration(&[&issuer]);
    let gateway = tests::GatewayOptions::new(&api, configuration).token(&own).start().await;
    assert_status(
        &gateway.client().get("/api").bearer(&own).send().await,
        401,
        "Unauthorized: the token is not valid",
    );
    assert_eq!(gateway.counter("own_credential").await, 1);
    let other = tests::Token::of(&issuer).sub("alice").sign(&issuer.key());
    assert_eq!(gateway.client().get("/api").bearer(&other).send().await.status, 200);
    assert_eq!(api.requests().len(), 1);
}

#[tokio::test]
async fn a_token_as_a_websocket_subprotocol() {
    let chain = chain().await;
    let token = chain.alice();
    let bearer = format!("base64url.bearer.authorization.k8s.io.{}", mint::encode(token.as_bytes()));

    contract("credential-websocket");
    for protocols in
        [vec![format!("v5.channel.k8s.io, {bearer}")], vec![bearer.clone(), "v5.channel.k8s.io".into()]]
    {
        let protocols: Vec<_> = protocols.iter().map(String::as_str).collect();
        let answer = websocket(&chain, &protocols, |request| request).await;
        assert_eq!(answer.status, 101);
        let received = chain.api.last_request();
        assert_eq!(received.values("sec-websocket-protocol"), ["v5.channel.k8s.io"]);
        assert_eq!(received.values("impersonate-user"), ["alice"]);
        let sent: Vec<_> = received.headers.iter().map(|(_, value)| String::from_utf8_lossy(value)).collect();
        assert!(!sent.iter().any(|value| value.contains("bearer.authorization")), "{sent:?}");
    }
    chain.api.clear();

    contract("credential-websocket-alone");
    let quoted = format!("\"{bearer}\"");
    let rows: [&[&str]; 5] = [
        &[&quoted, "v5.channel.k8s.io"],
        &[&bearer],
        &[&bearer, &bearer, "v5.channel.k8s.io"],
        &["base64url.bearer.authorization.k8s.io.a=b", "v5.channel.k8s.io"],
        &["base64url.bearer.authorization.k8s.io.", "v5.channel.k8s.io"],
    ];
    for protocols in rows {
        assert_status(&websocket(&chain, protocols, |request| request).await, 401, NOT_ONE);
    }

    contract("credential-both-kinds");
    let protocols = [bearer.as_str(), "v5.channel.k8s.io"];
    assert_status(&websocket(&chain, &protocols, |request| request.bearer(&token)).await, 401, NOT_ONE);
    assert_eq!(chain.api.requests(), []);

    // On a request that is no WebSocket it is no credential, and goes no further all the same.
    let request = chain.gateway.client().get("/version").header("sec-websocket-protocol", &bearer);
    assert_status(&request.clone().send().await, 401, NOTHING);
    assert_eq!(request.bearer(&token).send().await.status, 200);
    assert_eq!(chain.api.last_request().values("sec-websocket-protocol"), [""; 0]);
}
