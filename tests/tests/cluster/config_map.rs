//! The configuration in a ConfigMap of a real API server, under the shipped rights.

use serde_json::json;
use tests::cluster::{Etcd, KubeApiServer, KubeApiServerOptions, Kubectl};
use tests::process::repository;
use tests::{FeedClient, Issuer, Sidecar, gateway, wait};

use crate::cluster::SOON;

const GATEWAY: &str = "system:serviceaccount:kube-oidc-filter:gateway";

/// The shipped ConfigMap's name, with one issuer that has this audience.
fn config_map(issuer: &Issuer, audience: &str) -> String {
    let mut configuration = gateway::configuration(&[issuer]);
    configuration["jwt"][0]["issuer"]["audiences"] = json!([audience]);
    json!({
        "apiVersion": "v1", "kind": "ConfigMap",
        "metadata": {"name": "kube-oidc-filter", "namespace": "kube-oidc-filter"},
        "data": {"authentication.yaml": configuration.to_string()},
    })
    .to_string()
}

#[tokio::test]
async fn a_change_comes_by_the_watch_under_the_shipped_rights() {
    let (etcd, issuer) = (Etcd::start().await, Issuer::start().await);
    let server = KubeApiServer::start(&etcd, &KubeApiServerOptions::default()).await;
    for manifest in ["namespace.yaml", "serviceaccounts.yaml", "rbac.yaml", "rbac-configmap.yaml"] {
        let path = repository().join("istio").join(manifest);
        server.admin().apply(&std::fs::read_to_string(path).expect("a shipped manifest")).await;
    }
    server.admin().apply(&config_map(&issuer, "first")).await;
    let token = server.account_token("kube-oidc-filter", "gateway").await;
    let own = Kubectl::new(&server.url(), server.ca_pem(), Some(&token)).await;
    let others = own.run(&["get", "configmap", "kube-root-ca.crt", "--namespace", "kube-oidc-filter"]).await;
    assert!(others.stderr.contains("Forbidden"), "{others:?}");

    let mut sidecar = Sidecar::new();
    let flags = [
        "--authentication-config-map=kube-oidc-filter/kube-oidc-filter",
        &format!("--kubeconfig={}", own.kubeconfig().display()),
        "--no-upstream-credential",
        "--listen=unix:${SOCKET}",
        "--health-address=${HEALTH}",
    ];
    sidecar.start(&flags).await;
    let client = FeedClient::connect(&sidecar.socket()).await;
    let audited = |verb: &str| {
        let events = server.audit();
        let is_own =
            |event: &&serde_json::Value| event["user"]["username"] == GATEWAY && event["verb"] == verb;
        events.iter().filter(is_own).count()
    };
    wait::until(SOON, "a watch", async || audited("watch") > 0).await;
    let lists = audited("list");
    let first = client.snapshot(None).await;
    assert_eq!(first.issuers[0].audiences, ["first"]);
    server.admin().apply(&config_map(&issuer, "second")).await;
    let second = client.snapshot(Some(first.generation)).await;
    assert_eq!(second.issuers[0].audiences, ["second"]);
    assert_eq!(audited("list"), lists, "nobody had to ask for it");

    server.admin().ok(&["delete", "configmap", "kube-oidc-filter", "--namespace", "kube-oidc-filter"]).await;
    let absent = "jwks_sync_config_reloads_total{result=\"config_map_absent\"}";
    wait::until(SOON, absent, async || sidecar.metric(absent).await.is_some()).await;
    server.admin().apply(&config_map(&issuer, "third")).await;
    let third = client.snapshot(Some(second.generation)).await;
    assert_eq!(third.issuers[0].audiences, ["third"]);
}
