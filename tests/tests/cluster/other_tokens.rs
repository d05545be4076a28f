//! Tokens that no configured issuer made: of real ServiceAccounts, and of somebody else's authenticator, here the
//! TokenReview of a second API server.

use serde_json::{Value, json};
use tests::cluster::{Etcd, KubeApiServer, KubeApiServerOptions, Kubectl};
use tests::wait;

use crate::cluster::{ALICE, Cluster, SOON};

/// A robot with a right of its own, and one that it may act as.
const ROBOTS: &str = "
apiVersion: v1
kind: ServiceAccount
metadata: {name: robot, namespace: default}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: robot, namespace: default}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: reader}
subjects:
- {kind: ServiceAccount, name: robot, namespace: default}
- {kind: User, name: carol}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: act-as-jane}
rules:
- {apiGroups: [''], resources: [users], verbs: [impersonate], resourceNames: [jane]}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: robot-acts}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: act-as-jane}
subjects:
- {kind: ServiceAccount, name: robot, namespace: default}
";

const ROBOT: &str = "system:serviceaccount:default:robot";
const PODS: [&str; 3] = ["get", "--raw", "/api/v1/namespaces/default/pods"];

/// A robot's token, for its API server's own audience or another.
async fn token(cluster: &Cluster, audience: Option<&str>) -> String {
    let mut arguments = vec!["create", "token", "robot", "--namespace=default"];
    let audience = audience.map(|audience| format!("--audience={audience}"));
    arguments.extend(audience.as_deref());
    cluster.server.admin().ok(&arguments).await.trim().to_owned()
}

#[tokio::test]
async fn a_service_accounts_token_passes_as_it_is() {
    let cluster = Cluster::start_with(|options| options.filter(&json!({"tokenPassthrough": {}}))).await;
    cluster.server.admin().apply(ROBOTS).await;
    let robot = cluster.kubectl(&token(&cluster, None).await).await;
    assert_eq!(robot.whoami().await["username"], ROBOT);
    assert_eq!(robot.run(&["get", "pods"]).await.code, Some(0));
    // The API server saw the robot itself: nobody is impersonated.
    let event = cluster.server.audit().into_iter().find(|event| event["user"]["username"] == ROBOT);
    assert_eq!(event.expect("the robot's request")["impersonatedUser"], Value::Null);
    // Whom it acts as is the API server's to allow.
    let seen = robot.ok(&["auth", "whoami", "--output", "json", "--as=jane"]).await;
    assert!(seen.contains(r#""username": "jane""#), "{seen}");
    let refused = robot.run(&[&PODS[..], &["--as=admin"]].concat()).await;
    assert!(
        refused.code == Some(1) && refused.stderr.contains("cannot impersonate resource \"users\""),
        "{}",
        refused.stderr
    );

    // Tokens for somebody else, of nobody, and our own don't pass.
    let own = cluster.server.account_token("kube-oidc-filter", "upstream").await;
    for (other, message) in [
        (token(&cluster, Some("vault")).await, "not from a known issuer"),
        ("made-up".to_owned(), "not from a known issuer"),
        // Any token of the gateway's own account, which may act as anybody.
        (own, "the token is not valid"),
    ] {
        let refused = cluster.kubectl(&other).await.run(&PODS).await;
        assert!(refused.code == Some(1) && refused.stderr.contains(message), "{}", refused.stderr);
    }
    // People come in as ever.
    let alice = cluster.kubectl(&cluster.dex.token(ALICE).await).await;
    assert_eq!(alice.whoami().await["username"], "dex:alice@example.com");
}

#[tokio::test]
async fn a_service_accounts_token_passes_for_the_named_audience() {
    let audiences = json!({"tokenPassthrough": {"audiences": ["https://kubernetes.default.svc", "vault"]}});
    let cluster = Cluster::start_with(|options| options.filter(&audiences)).await;
    cluster.server.admin().apply(ROBOTS).await;
    let robot = cluster.kubectl(&token(&cluster, None).await).await;
    assert_eq!(robot.run(&PODS).await.code, Some(0));
    // The gateway lets it in, and the API server does not take it for itself.
    let vault = cluster.kubectl(&token(&cluster, Some("vault")).await).await.run(&PODS).await;
    assert!(vault.code == Some(1) && vault.stderr.contains("Unauthorized"), "{}", vault.stderr);
    let other = cluster.kubectl(&token(&cluster, Some("other")).await).await.run(&PODS).await;
    assert!(other.code == Some(1) && other.stderr.contains("not from a known issuer"), "{}", other.stderr);
}

#[tokio::test]
async fn somebody_elses_users_come_in_by_a_token_webhook() {
    // The authenticator: another API server, which knows carol's token and, by its own account, us.
    let etcd = Etcd::start().await;
    let users = vec![
        ("carols-token".to_owned(), "carol".to_owned(), "c-7".to_owned(), vec!["iam:dev".to_owned()]),
        ("roots-token".to_owned(), "root".to_owned(), "0".to_owned(), vec!["system:masters".to_owned()]),
    ];
    let options = KubeApiServerOptions { users, ..KubeApiServerOptions::default() };
    let authenticator = KubeApiServer::start(&etcd, &options).await;
    let url = format!("{}/apis/authentication.k8s.io/v1/tokenreviews", authenticator.url());
    let hook = Kubectl::new(&url, authenticator.ca_pem(), Some(KubeApiServer::ADMIN_TOKEN)).await;
    let cluster = Cluster::start_with(|options| {
        options
            .flag(&format!("--authentication-token-webhook-config-file={}", hook.kubeconfig().display()))
            .flag("--authentication-token-webhook-version=v1")
    })
    .await;
    cluster.server.admin().apply(ROBOTS).await;
    let carol = cluster.kubectl("carols-token").await;
    let user = carol.whoami().await;
    assert_eq!((&user["username"], &user["uid"]), (&json!("carol"), &json!("c-7")));
    assert_eq!(user["groups"], json!(["iam:dev", "system:authenticated"]));
    assert_eq!(carol.run(&["get", "pods"]).await.code, Some(0));
    cluster.audited("carol", "list", 200).await;
    for (token, message) in [
        ("made-up", "not from a known issuer"),
        // A system: group needs the policy's leave.
        ("roots-token", "the reserved prefix system:"),
    ] {
        let refused = cluster.kubectl(token).await.run(&PODS).await;
        assert!(refused.code == Some(1) && refused.stderr.contains(message), "{}", refused.stderr);
    }
    // The cluster's own ServiceAccounts are not shown to it.
    let robot = cluster.kubectl(&token(&cluster, None).await).await.run(&PODS).await;
    assert!(robot.stderr.contains("not from a known issuer"), "{}", robot.stderr);
    let reviews = async || {
        let reviews = authenticator.audit().into_iter();
        reviews.filter(|event| event["objectRef"]["resource"] == "tokenreviews").count() >= 3
    };
    wait::until(SOON, "reviews in the authenticator's audit log", reviews).await;
}
