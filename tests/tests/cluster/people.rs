//! Who is who, and who is nobody.

use serde_json::json;
use tests::cluster::{KubeApiServer, Kubectl};

use crate::cluster::{ALICE, BOB, Cluster};

#[tokio::test]
async fn a_person_with_a_password_is_seen_by_the_api_server_as_that_person() {
    let cluster = Cluster::start().await;
    let (alice, bob) = tokio::join!(cluster.dex.token(ALICE), cluster.dex.token(BOB));
    let (alice, bob) = tokio::join!(cluster.kubectl(&alice), cluster.kubectl(&bob));

    let user = alice.whoami().await;
    assert_eq!(user["username"], "dex:alice@example.com");
    assert_eq!(user["groups"], json!(["system:authenticated"]));
    assert!(user["uid"].as_str().is_some_and(|uid| !uid.is_empty()), "{user}");
    cluster.audited("dex:alice@example.com", "create", 201).await;

    // Allowed and forbidden, by the API server's own rules.
    let pods = alice.run(&["get", "pods"]).await;
    assert_eq!((pods.code, pods.stderr.trim()), (Some(0), "No resources found in default namespace."));
    let event = cluster.audited("dex:alice@example.com", "list", 200).await;
    assert_eq!(event["objectRef"]["resource"], "pods");
    assert!(
        event["annotations"]["authorization.k8s.io/reason"].as_str().is_some_and(|why| why.contains("alice")),
        "{event}"
    );

    let secrets = alice.run(&["get", "secrets"]).await;
    assert_eq!(secrets.code, Some(1));
    let message = "User \"dex:alice@example.com\" cannot list resource \"secrets\"";
    assert!(secrets.stderr.contains(message), "{}", secrets.stderr);
    cluster.audited("dex:alice@example.com", "list", 403).await;

    let pods = bob.run(&["get", "pods"]).await;
    assert_eq!(pods.code, Some(1));
    assert!(
        pods.stderr.contains("User \"dex:bob@example.com\" cannot list resource \"pods\""),
        "{}",
        pods.stderr
    );
    cluster.audited("dex:bob@example.com", "list", 403).await;

    // By a group of the token.
    let author = cluster.kubectl(&cluster.dex.token_with_groups().await).await;
    assert_eq!(author.whoami().await["groups"], json!(["dex:authors", "system:authenticated"]));
    assert_eq!(author.run(&["get", "pods"]).await.code, Some(0));
    let event = cluster.audited("dex:kilgore@kilgore.trout", "list", 200).await;
    assert_eq!(event["impersonatedUser"]["groups"], json!(["dex:authors", "system:authenticated"]));
}

#[tokio::test]
async fn who_is_nobody_gets_nowhere() {
    let cluster = Cluster::start().await;
    let alice = cluster.dex.token(ALICE).await;
    let (head, _) = alice.rsplit_once('.').expect("a token");

    let pods = ["get", "--raw", "/api/v1/namespaces/default/pods"];
    let as_admin = [&pods[..], &["--as", "admin", "--as-group", "system:masters"]].concat();
    let rows = [
        (format!("{head}.AAAA"), &pods[..], "the token is not valid"),
        (alice.clone(), &as_admin, "is not allowed to impersonate user 'admin'"),
        // The cluster's own administrator has no business at the gateway.
        (KubeApiServer::ADMIN_TOKEN.to_owned(), &pods, "the token is not from a known issuer"),
    ];
    for (token, arguments, message) in rows {
        let called = cluster.kubectl(&token).await.run(arguments).await;
        assert_eq!(called.code, Some(1), "{message}");
        assert!(called.stderr.contains(message), "{}", called.stderr);
    }
    let nobody = Kubectl::new(&cluster.gateway.url(), cluster.gateway.ca.pem(), None).await;
    assert_eq!(nobody.run(&pods).await.code, Some(1));
    assert_eq!(cluster.kubectl(&alice).await.run(&pods).await.code, Some(0));

    // The upstream account may be anybody and do nothing as itself: a request that lost its identity is refused.
    let own = cluster.server.account_token("kube-oidc-filter", "upstream").await;
    let own = Kubectl::new(&cluster.server.url(), cluster.server.ca_pem(), Some(&own)).await;
    let pods = own.run(&["get", "pods"]).await;
    assert!(pods.code == Some(1) && pods.stderr.contains("Forbidden"), "{}", pods.stderr);
}
