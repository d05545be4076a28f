//! Extra values that the gateway adds to every user, and what they may not be mistaken for.

use std::net::Ipv6Addr;

use serde_json::json;
use tests::{Client, GatewayOptions};

use crate::contract::contract;
use crate::{Chain, chain_with};

const CLUSTER: &str = "impersonate-extra-acme.com%2fcluster";
const ADDRESS: &str = "impersonate-extra-remote-client-ip";

fn telling(options: GatewayOptions) -> GatewayOptions {
    options.filter(&json!({"clientAddressExtra": "remote-client-ip"}))
}

/// The client's address as the API server was told it, for a request with these headers.
async fn told(chain: &Chain, client: &Client, headers: &[(&str, &str)]) -> Vec<String> {
    let request = client.get("/api").bearer(&chain.alice());
    let request = headers.iter().fold(request, |request, (name, value)| request.header(name, value));
    assert_eq!(request.send().await.status, 200);
    chain.api.last_request().values(ADDRESS)
}

#[tokio::test]
async fn static_values_are_added_to_everybody() {
    contract("extras-static");
    let chain = chain_with(|options| {
        options.filter(&json!({"extraUserHeaders": {"acme.com/cluster": ["a, b", "c"], "stage": ["test"]}}))
    })
    .await;
    for _ in 0..2 {
        assert_eq!(chain.get(&chain.alice()).await.status, 200);
        let received = chain.api.last_request();
        assert_eq!(received.values(CLUSTER), ["a, b", "c"]);
        assert_eq!(received.values("impersonate-extra-stage"), ["test"]);
        assert_eq!(received.values("impersonate-user"), ["alice"]);
    }
    // Nobody else sets them: as a part of --as they are refused without a question.
    let request = chain.gateway.client().get("/api").bearer(&chain.alice()).header("Impersonate-User", "bob");
    let answer = request.header("Impersonate-Extra-Stage", "production").send().await;
    crate::assert_status(&answer, 403, "alice is not allowed to impersonate extra info 'stage=production'");
}

#[tokio::test]
async fn the_clients_address_is_envoys_own_finding() {
    contract("extras-client-address");
    let chain = chain_with(telling).await;
    let client = chain.gateway.client();
    for forged in [
        &[][..],
        &[("X-Forwarded-For", "203.0.113.9")],
        &[("X-Forwarded-For", "203.0.113.9, 203.0.113.10"), ("Forwarded", "for=203.0.113.9")],
        &[("X-Real-Ip", "203.0.113.9"), ("X-Envoy-External-Address", "203.0.113.9")],
        &[("True-Client-Ip", "203.0.113.9"), ("X-Forwarded-For", "2001:db8::9")],
    ] {
        assert_eq!(told(&chain, &client, forged).await, ["127.0.0.1"], "{forged:?}");
        assert_eq!(told(&chain, &client.clone().http2(), forged).await, ["127.0.0.1"], "{forged:?}");
    }
    let request = client.get("/api").bearer(&chain.alice()).header("Impersonate-User", "bob");
    let answer = request.header("Impersonate-Extra-Remote-Client-Ip", "203.0.113.9").send().await;
    assert_eq!(answer.status, 403, "{}", answer.text());
}

#[tokio::test]
async fn behind_a_trusted_proxy_it_is_what_that_says() {
    contract("extras-client-address-trusted");
    let chain = chain_with(|options| {
        telling(options)
            .alter("use_remote_address: true", "use_remote_address: true\n          xff_num_trusted_hops: 1")
    })
    .await;
    let client = chain.gateway.client();
    for (forwarded, address) in [
        ("203.0.113.9", "203.0.113.9"),
        ("198.51.100.66, 203.0.113.9", "203.0.113.9"),
        ("198.51.100.66, 2001:db8::9", "2001:db8::9"),
    ] {
        assert_eq!(told(&chain, &client, &[("X-Forwarded-For", forwarded)]).await, [address], "{forwarded}");
    }
}

#[tokio::test]
async fn with_the_proxy_protocol_it_is_the_announced_one() {
    contract("extras-client-address-proxy-protocol");
    let listener_filter = "    listener_filters:\n    - name: envoy.filters.listener.proxy_protocol\n      \
        typed_config: {\"@type\": type.googleapis.com/envoy.extensions.filters.listener.proxy_protocol.v3.ProxyProtocol}\n    \
        filter_chains:";
    let chain = chain_with(|options| telling(options).alter("    filter_chains:", listener_filter)).await;
    for (announced, address) in [("203.0.113.9:4711", "203.0.113.9"), ("[2001:db8::9]:4711", "2001:db8::9")] {
        let client = chain.gateway.client().announcing(announced.parse().expect("an address"));
        assert_eq!(told(&chain, &client, &[("X-Forwarded-For", "198.51.100.66")]).await, [address]);
    }
}

#[tokio::test]
async fn an_ipv6_client_is_told_as_such() {
    contract("extras-client-address-ipv6");
    let listener = "- name: kubernetes_api\n    address:\n      socket_address: {address: \"";
    let chain = chain_with(|options| {
        telling(options).rewrite(move |text| {
            let four = format!("{listener}127.0.0.1\"");
            assert!(text.contains(&four), "the listener");
            text.replace(&four, &format!("{listener}::1\""))
        })
    })
    .await;
    let client = chain.gateway.client().address(Ipv6Addr::LOCALHOST.into());
    assert_eq!(told(&chain, &client, &[("X-Forwarded-For", "203.0.113.9")]).await, ["::1"]);
}
