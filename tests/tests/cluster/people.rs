//! Who is who, and who is nobody.

use serde_json::json;
use tests::Ca;
use tests::cluster::{KubeApiServer, KubeApiServerOptions, Kubectl};

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

/// An API server may read a front proxy's word about users from headers of any name, of which the gateway knows nothing.
/// It takes that word from a client certificate alone, which Envoy has none of (kubernetes/kubernetes 119631).
#[tokio::test]
async fn a_front_proxys_headers_of_other_names_mean_nothing() {
    let (directory, ca) = (tempfile::tempdir().expect("a directory"), Ca::new("front proxy CA"));
    let options = KubeApiServerOptions {
        flags: vec![
            format!("--requestheader-client-ca-file={}", ca.write(directory.path()).display()),
            "--requestheader-username-headers=X-Acme-User".to_owned(),
            "--requestheader-group-headers=X-Acme-Group".to_owned(),
            "--requestheader-extra-headers-prefix=X-Acme-Extra-".to_owned(),
        ],
        ..KubeApiServerOptions::default()
    };
    let cluster = Cluster::start_on(&options, |options| options).await;
    let alice = cluster.dex.token(ALICE).await;
    let review = json!({"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"});
    let client = cluster.gateway.client();
    let request = client.post("/apis/authentication.k8s.io/v1/selfsubjectreviews", &review).bearer(&alice);
    let request = request.header("X-Acme-User", "admin").header("X-Acme-Group", "system:masters");
    let user = request.header("X-Acme-Extra-a", "b").send().await.json()["status"]["userInfo"].clone();
    assert_eq!(user["username"], "dex:alice@example.com");
    assert_eq!(user["groups"], json!(["system:authenticated"]));
    assert_eq!(user["extra"], json!(null));
}
