//! Several filters, several issuers, and what must never mix.

use tests::{ApiServer, Fault, GatewayOptions, Issuer, Token, gateway, wait};

use crate::contract::contract;
use crate::{assert_status, chain_with};

/// Two listeners in one Envoy, each with a filter and a sidecar of its own, and the same `vm_id`: they share the VM.
#[tokio::test]
async fn two_filters_with_two_sidecars_never_mix_keys_or_credentials() {
    let (one, two) = (Issuer::start().await, Issuer::start().await);
    let (first, second) = (ApiServer::start().await, ApiServer::start().await);
    second.accept("upstream-token-2");
    second.revoke(ApiServer::TOKEN);

    // The second sidecar runs behind a gateway of its own; its socket is what counts.
    let other =
        GatewayOptions::new(&second, gateway::configuration(&[&two])).token("upstream-token-2").start().await;
    let (socket, port) = (other.sidecar.socket(), second.port());
    let twice = move |bootstrap: &str| double(bootstrap, socket.to_str().expect("a path of UTF-8"), port);
    let envoy = GatewayOptions::new(&first, gateway::configuration(&[&one])).rewrite(twice).start().await;
    let ports = envoy.envoy.ports().await;
    let client = |name: &str| tests::Client::new(ports[name], envoy.ca.pem());
    let token = |issuer: &Issuer, user: &str| Token::of(issuer).sub(user).sign(&issuer.key());

    let ready = async || {
        let second = client("second").get("/api").bearer(&token(&two, "bob")).send().await;
        second.status == 200
    };
    wait::until(std::time::Duration::from_secs(30), "the second filter has its snapshot", ready).await;
    second.clear();
    for _ in 0..20 {
        assert_eq!(
            client("kubernetes_api").get("/api").bearer(&token(&one, "alice")).send().await.status,
            200
        );
        assert_eq!(client("second").get("/api").bearer(&token(&two, "bob")).send().await.status, 200);
        let crossed = client("kubernetes_api").get("/api").bearer(&token(&two, "bob")).send().await;
        assert_status(&crossed, 401, "Unauthorized: the token is not from a known issuer");
        let crossed = client("second").get("/api").bearer(&token(&one, "alice")).send().await;
        assert_status(&crossed, 401, "Unauthorized: the token is not from a known issuer");
    }
    for (api, user, credential) in [(&first, "alice", ApiServer::TOKEN), (&second, "bob", "upstream-token-2")]
    {
        assert_eq!(api.requests().len(), 20);
        for received in api.requests() {
            assert_eq!(received.values("impersonate-user"), [user]);
            assert_eq!(received.values("authorization"), [format!("Bearer {credential}")]);
        }
    }
}

/// The bootstrap with its listener and its three clusters twice. The second listener is called `second`; its plugin has
/// the same name and `vm_id`, and another sidecar and API server.
fn double(bootstrap: &str, socket: &str, port: u16) -> String {
    let (head, rest) = bootstrap.split_once("  listeners:\n").expect("listeners");
    let (listener, clusters) = rest.split_once("\n  clusters:\n").expect("clusters");
    let renamed = |text: &str| {
        ["kube_apiserver", "jwks_sync_snapshots", "jwks_sync_requests"]
            .iter()
            .fold(text.to_owned(), |text, name| text.replace(name, &format!("{name}_2")))
            .replace("- name: kubernetes_api\n    address", "- name: second\n    address")
            .replace("&jwks_sync", "&jwks_sync_2")
            .replace("*jwks_sync", "*jwks_sync_2")
            .replace("&grpc", "&grpc_2")
            .replace("*grpc", "*grpc_2")
    };
    let mut second = renamed(clusters);
    let old =
        clusters.split("pipe: {path: \"").nth(1).and_then(|rest| rest.split('"').next()).expect("the socket");
    second = second.replace(old, socket);
    let old =
        clusters.split("port_value: ").nth(1).and_then(|rest| rest.split('}').next()).expect("the port");
    second = second.replacen(&format!("port_value: {old}"), &format!("port_value: {port}"), 1);
    // Its own CA: the test trusts by name alone here, so verification of the second one is left out.
    let ca = second.find("          validation_context:").expect("validation");
    second = format!(
        "{}{}",
        &second[..ca],
        &second[second[ca..].find("\n\n").map_or(second.len(), |end| ca + end)..]
    );
    format!("{head}  listeners:\n{listener}\n{}\n  clusters:\n{clusters}\n{second}", renamed(listener))
}

#[tokio::test]
async fn a_broken_issuer_hurts_its_own_users_alone() {
    let (good, bad) = (Issuer::start().await, Issuer::start().await);
    bad.jwks_fault(Fault::Status(500));
    let api = ApiServer::start().await;
    let options = GatewayOptions::new(&api, gateway::configuration(&[&good, &bad])).flag("--readiness=any");
    let gateway = options.start().await;
    contract("reply-no-keys");
    let client = gateway.client();
    let token = |issuer: &Issuer| Token::of(issuer).sub("alice").sign(&issuer.key());
    assert_eq!(client.get("/api").bearer(&token(&good)).send().await.status, 200);
    let answer = client.get("/api").bearer(&token(&bad)).send().await;
    assert_status(&answer, 503, "the sign-in service is not available at the moment");
    assert_eq!(answer.value("retry-after").as_deref(), Some("1"));
    // And it comes back by itself.
    bad.jwks_fault(Fault::None);
    let recovered = async || client.get("/api").bearer(&token(&bad)).send().await.status == 200;
    wait::until(std::time::Duration::from_secs(90), "the issuer's users come in", recovered).await;
}

#[tokio::test]
async fn four_workers_all_decide_alike() {
    let chain = chain_with(|options| options.workers(4)).await;
    let reached = async || {
        assert_eq!(chain.get(&chain.alice()).await.status, 200);
        assert_eq!(chain.get("x").await.status, 401);
        let stats = chain.gateway.envoy.stats("worker_[0-3].downstream_cx_total").await;
        let of_listener = stats.iter().filter(|(name, _)| name.starts_with("listener.127"));
        of_listener.filter(|(_, connections)| **connections > 0).count() == 4
    };
    wait::until(std::time::Duration::from_secs(60), "every worker had a request", reached).await;
    assert_eq!(chain.gateway.vm_reloads().await, 0);
}
