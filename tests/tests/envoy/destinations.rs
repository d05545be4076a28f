//! Where credential and identity go: to the API server, and nowhere else.

use serde_json::json;
use tests::{ApiServer, GatewayOptions, Issuer, Token, gateway};

use crate::chain;
use crate::contract::contract;

#[tokio::test]
async fn a_redirect_is_the_clients_to_follow() {
    let chain = chain().await;
    let elsewhere = ApiServer::sink().await;
    chain.api.redirect_to(&format!("{}/stolen", elsewhere.url()));
    let answer = chain.gateway.client().get("/redirect").bearer(&chain.alice()).send().await;
    assert_eq!(answer.status, 302);
    assert_eq!(answer.value("location"), Some(format!("{}/stolen", elsewhere.url())));
    assert_eq!(elsewhere.requests(), []);
    assert_eq!(chain.api.requests().len(), 1);
}

/// Even where an operator makes Envoy follow redirects, the filter refuses what comes back: our own credential.
#[tokio::test]
async fn an_internal_redirect_meets_the_filter_with_our_credential_and_is_refused() {
    let (issuer, api, elsewhere) = (Issuer::start().await, ApiServer::start().await, ApiServer::sink().await);
    let options = GatewayOptions::new(&api, gateway::configuration(&[&issuer]));
    let gateway = with_second_cluster(options, &elsewhere)
        .alter(
            "cluster: kube_apiserver # must",
            "cluster: kube_apiserver\n                  internal_redirect_policy: {max_internal_redirects: 3, allow_cross_scheme_redirect: true} # must",
        )
        .start()
        .await;
    api.redirect_to("https://127.0.0.1/elsewhere/stolen");
    let token = Token::of(&issuer).sub("alice").sign(&issuer.key());
    let answer = gateway.client().get("/redirect").bearer(&token).send().await;
    assert_eq!(answer.status, 401, "{}", answer.text());
    assert_eq!(elsewhere.requests(), []);
}

#[tokio::test]
async fn a_route_to_another_cluster_carries_neither_credential_nor_identity() {
    contract("headers-other-route");
    let (issuer, api, elsewhere) = (Issuer::start().await, ApiServer::start().await, ApiServer::sink().await);
    let options = GatewayOptions::new(&api, gateway::configuration(&[&issuer]));
    let gateway = with_second_cluster(options, &elsewhere).start().await;
    let token = Token::of(&issuer).sub("alice").claim("groups", json!(["dev"])).sign(&issuer.key());
    let client = gateway.client();
    assert_eq!(
        client.get("/elsewhere").bearer(&token).header("x-remote-user", "evil").send().await.status,
        200
    );
    let received = elsewhere.last_request();
    assert_eq!(received.lines("impersonate-"), []);
    assert_eq!(received.values("authorization"), [""; 0]);
    assert_eq!(received.values("x-remote-user"), [""; 0]);
    // And nobody gets there without a good token.
    assert_eq!(client.get("/elsewhere").send().await.status, 401);
    assert_eq!(elsewhere.requests().len(), 1);
}

/// Adds a cluster `elsewhere` and a route `/elsewhere` to it.
fn with_second_cluster(options: GatewayOptions, elsewhere: &ApiServer) -> GatewayOptions {
    let cluster = format!(
        "  clusters:\n  - name: elsewhere\n    type: STATIC\n    connect_timeout: 5s\n    load_assignment: {{cluster_name: elsewhere, endpoints: [{{lb_endpoints: [{{endpoint: {{address: {{socket_address: {{address: 127.0.0.1, port_value: {}}}}}}}}}]}}]}}\n    transport_socket: {{name: tls, typed_config: {{\"@type\": type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext}}}}",
        elsewhere.port()
    );
    options.alter("  clusters:", &cluster).alter(
        "              - match: {prefix: /}\n",
        "              - match: {prefix: /elsewhere}\n                route: {cluster: elsewhere}\n              - match: {prefix: /}\n",
    )
}
