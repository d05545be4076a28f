//! The sidecar's reviews and those of a real kube-apiserver: the same verdicts, and the same questions to a webhook.

use authn::feed::ReviewImpersonationResponse::{Allowed, Denied, Failed};
use authn::feed::ReviewTokenRequest;
use authn::feed::ReviewTokenResponse::{self, PassThrough, Unknown};
use serde_json::{Value, json};
use tests::api_server::Reply;
use tests::cluster::{Etcd, KubeApiServer, KubeApiServerOptions, Kubectl};
use tests::gateway::configuration;
use tests::process::repository;
use tests::webhook::review;
use tests::{FeedClient, Person, Sidecar, Webhook, wait};

use crate::cluster::SOON;

const ALICE_TOKEN: &str = "alice-token";

/// Whom alice may impersonate, for the API server to decide.
const RIGHTS: &str = "
apiVersion: v1
kind: Namespace
metadata: {name: apps}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: impersonators}
rules:
- {apiGroups: [''], resources: [users], resourceNames: [bob], verbs: [impersonate]}
- {apiGroups: [''], resources: [groups], resourceNames: [ops], verbs: [impersonate]}
- {apiGroups: [authentication.k8s.io], resources: [uids], resourceNames: [u], verbs: [impersonate]}
- {apiGroups: [authentication.k8s.io], resources: [userextras/k], resourceNames: [v], verbs: [impersonate]}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: impersonators}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: impersonators}
subjects:
- {kind: Group, name: dev}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: impersonators, namespace: apps}
rules:
- {apiGroups: [''], resources: [serviceaccounts], resourceNames: [job], verbs: [impersonate]}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: impersonators, namespace: apps}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: impersonators}
subjects:
- {kind: User, name: alice}
";

/// An API server with the shipped accounts and alice.
async fn server(etcd: &Etcd, flags: &[String]) -> KubeApiServer {
    let alice = (ALICE_TOKEN, "alice", "alice-uid", ["dev"]);
    let (token, name, uid, groups) = alice;
    let groups = groups.map(str::to_owned).to_vec();
    let options = KubeApiServerOptions {
        users: vec![(token.to_owned(), name.to_owned(), uid.to_owned(), groups)],
        flags: flags.to_vec(),
        ..KubeApiServerOptions::default()
    };
    let server = KubeApiServer::start(etcd, &options).await;
    for manifest in ["namespace.yaml", "serviceaccounts.yaml", "rbac.yaml"] {
        let path = repository().join("istio").join(manifest);
        server.admin().apply(&std::fs::read_to_string(path).expect("a shipped manifest")).await;
    }
    server.admin().apply(RIGHTS).await;
    server
}

/// A sidecar under this account of the shipped namespace.
async fn sidecar(server: &KubeApiServer, account: &str, flags: &[&str]) -> (Sidecar, FeedClient) {
    let own = server.account_token("kube-oidc-filter", account).await;
    let own = Kubectl::new(&server.url(), server.ca_pem(), Some(&own)).await;
    let mut sidecar = Sidecar::new();
    sidecar.write("authn.json", configuration(&[]).to_string());
    let kubeconfig = format!("--kubeconfig={}", own.kubeconfig().display());
    let all = [
        "--authentication-config=${DIR}/authn.json",
        "--no-upstream-credential",
        "--listen=unix:${SOCKET}",
        "--health-address=${HEALTH}",
        &kubeconfig,
    ];
    sidecar.start(&[&all[..], flags].concat()).await;
    let client = FeedClient::connect(&sidecar.socket()).await;
    // It was read, and its directory may go: the one in use stays.
    client.may_impersonate(&Person::new("nobody"), &Person::new("x")).await;
    (sidecar, client)
}

/// Whether kube-apiserver itself lets alice act as `target`.
async fn may_directly(server: &KubeApiServer, target: &Person) -> bool {
    let path = "/apis/authentication.k8s.io/v1/selfsubjectreviews";
    let review = json!({"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"});
    let mut request = server.client().post(path, &review).bearer(ALICE_TOKEN);
    request = request.header("impersonate-user", &target.username);
    for group in &target.groups {
        request = request.header("impersonate-group", group);
    }
    if !target.uid.is_empty() {
        request = request.header("impersonate-uid", &target.uid);
    }
    for (key, value) in &target.extra {
        request = request.header(&format!("impersonate-extra-{key}"), value);
    }
    let status = request.send().await.status;
    assert!(matches!(status, 201 | 403), "{status} for {target:?}");
    status == 201
}

#[tokio::test]
async fn the_verdict_about_impersonation_is_that_of_kube_apiserver() {
    let etcd = Etcd::start().await;
    let server = server(&etcd, &[]).await;
    let (_sidecar, client) = sidecar(&server, "gateway", &[]).await;
    let alice = Person::new("alice").uid("alice-uid").groups(&["dev", "system:authenticated"]);
    let account = |name: &str| Person::new(&format!("system:serviceaccount:{name}"));
    let bob = || Person::new("bob");
    let in_force =
        async || matches!(client.may_impersonate(&alice, &account("apps:job")).await, Allowed { .. });
    wait::until(SOON, "the rights are in force", in_force).await;
    for (target, expected) in [
        (bob(), true),
        (bob().groups(&["ops"]), true),
        (bob().groups(&["ops"]).uid("u").extra("k", "v"), true),
        (account("apps:job"), true),
        (Person::new("joe"), false),
        (bob().groups(&["ops", "system:masters"]), false),
        (bob().uid("x"), false),
        (bob().extra("k", "w"), false),
        (bob().extra("j", "v"), false),
        (account("apps:cron"), false),
        (account("other:job"), false),
        (account("apps"), false),
        (account("apps:job:o"), false),
    ] {
        let answer = client.may_impersonate(&alice, &target).await;
        assert!(matches!(answer, Allowed { .. } | Denied(_)), "{target:?}: {answer:?}");
        assert_eq!(matches!(answer, Allowed { .. }), expected, "{target:?}: {answer:?}");
        assert_eq!(may_directly(&server, &target).await, expected, "{target:?}");
    }
    let other = Person::new("carol").groups(&["system:authenticated"]);
    assert!(matches!(client.may_impersonate(&other, &bob()).await, Denied(_)), "the rights are alice's");

    // An account without the shipped rights can't ask, and that is said.
    let (powerless, client) = sidecar(&server, "upstream", &[]).await;
    assert_eq!(client.may_impersonate(&alice, &bob()).await, Failed);
    let log = powerless.log();
    assert!(log.contains("may not create subjectaccessreviews.authorization.k8s.io"), "{log}");
}

#[tokio::test]
async fn a_token_passes_through_when_kube_apiserver_knows_it() {
    let etcd = Etcd::start().await;
    let server = server(&etcd, &[]).await;
    let (_sidecar, client) = sidecar(&server, "gateway", &[]).await;
    let ask = async |token: &str, audiences: &[&str]| {
        let pass_through = Some(audiences.iter().map(ToString::to_string).collect());
        client
            .review_token(&ReviewTokenRequest { token: token.to_owned(), pass_through, webhook: false })
            .await
    };
    let own = server.account_token("kube-oidc-filter", "upstream").await;
    let vault = ["create", "token", "upstream", "--namespace", "kube-oidc-filter", "--audience", "vault"];
    let vault = server.admin().ok(&vault).await.trim().to_owned();
    let cluster = "https://kubernetes.default.svc";
    let (head, _) = own.rsplit_once('.').expect("a JWT");
    let forged = format!("{head}.AAAA");
    for (token, audiences, known) in [
        (own.as_str(), &[][..], true),
        (&own, &[cluster], true),
        (&own, &["vault"], false),
        (&vault, &["vault", "x"], true),
        (&vault, &[], false),
        (&forged, &[], false),
        ("garbage", &[], false),
    ] {
        let answer = ask(token, audiences).await;
        assert!(known || answer == Unknown, "{audiences:?}: {answer:?}");
        let status = server.review(token, audiences).await;
        assert_eq!(status["authenticated"] == true, known, "{status}");
        if known {
            let PassThrough { user, .. } = answer else { panic!("{audiences:?}: {answer:?}") };
            assert_eq!(user.username(), status["user"]["username"]);
            assert_eq!(user.uid(), status["user"]["uid"]);
            assert_eq!(json!(user.groups()), status["user"]["groups"]);
        }
    }
}

/// What kube-apiserver itself makes of a token that the webhook knows: the user, or nothing.
async fn user_directly(server: &KubeApiServer, token: &str) -> Option<Value> {
    let path = "/apis/authentication.k8s.io/v1/selfsubjectreviews";
    let review = json!({"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"});
    let answer = server.client().post(path, &review).bearer(token).send().await;
    (answer.status == 201).then(|| answer.json()["status"]["userInfo"].clone())
}

#[tokio::test]
async fn the_webhook_is_asked_and_read_as_by_kube_apiserver() {
    for (version, path, audiences) in [("v1", "/x/y/", "a,b"), ("v1beta1", "", "a")] {
        let webhook = Webhook::start(None).await;
        let directory = tempfile::tempdir().expect("a directory");
        let file = directory.path().join("webhook");
        let kubeconfig = webhook.kubeconfig(path, &json!({"token": "for-webhook"}));
        std::fs::write(&file, kubeconfig.to_string()).expect("a kubeconfig");
        let flags = [
            format!("--authentication-token-webhook-config-file={}", file.display()),
            format!("--authentication-token-webhook-version={version}"),
            format!("--api-audiences={audiences}"),
        ];
        let etcd = Etcd::start().await;
        let server = server(&etcd, &flags).await;
        let (_sidecar, client) = sidecar(&server, "gateway", &flags.each_ref().map(String::as_str)).await;
        let good = json!({"authenticated": true, "user": {"username": "jane", "uid": "7", "groups": ["z", "dev"],
            "extra": {"acme.com/K": ["1", "2"]}}});
        let with = |name: &str, value: Value| {
            let mut status = good.clone();
            status[name] = value;
            status
        };
        let other = if version == "v1" { "v1beta1" } else { "v1" };
        let object = |kind: &str, version: &str| json!({"kind": kind, "apiVersion": format!("authentication.k8s.io/{version}"), "status": good});
        let rows = [
            ("good", None, good.clone(), true),
            ("ours", None, with("audiences", json!(["a"])), true),
            ("no audience", None, with("audiences", json!([])), true),
            ("theirs", None, with("audiences", json!(["z"])), false),
            ("no", None, with("authenticated", json!(false)), false),
            ("an error", None, json!({"error": "no"}), false),
            ("good with an error", None, with("error", json!("odd")), true),
            ("empty", None, json!({}), false),
            ("bare", Some(json!({"status": good})), json!({}), true),
            ("another kind", Some(object("Pod", version)), json!({}), false),
            ("another version", Some(object("TokenReview", other)), json!({}), false),
            ("text", Some(json!("jane")), json!({}), false),
        ];
        for (name, whole, status, known) in rows {
            webhook.answers(move |request| match &whole {
                Some(whole) => Reply::Json(200, whole.clone()),
                None => review(request, &status),
            });
            let token = format!("token-{}", name.replace(' ', "-"));
            let seen = webhook.requests().len();
            let direct = user_directly(&server, &token).await;
            let request = ReviewTokenRequest { token: token.clone(), pass_through: None, webhook: true };
            let answer = client.review_token(&request).await;
            let ours = match &answer {
                ReviewTokenResponse::Webhook { user, .. } => Some(user),
                _ => None,
            };
            assert_eq!((direct.is_some(), ours.is_some()), (known, known), "{name}: {direct:?} {answer:?}");
            if let (Some(direct), Some(ours)) = (&direct, ours) {
                assert_eq!(ours.username(), direct["username"], "{name}");
                assert_eq!(ours.uid(), direct["uid"], "{name}");
                // kube-apiserver's has system:authenticated already.
                assert_eq!(json!(ours.groups()), json!(["z", "dev"]), "{name}");
                let extra: serde_json::Map<_, _> =
                    ours.extra().iter().map(|(key, values)| (key.clone(), json!(values))).collect();
                assert_eq!(Value::Object(extra), direct["extra"], "{name}");
            }
            let requests = webhook.requests();
            let [theirs, own] = &requests[seen..] else {
                panic!("{name}: not one request each but {}", requests.len() - seen)
            };
            let told = |request: &tests::api_server::Received| {
                let body = request.json();
                let parts = ["kind", "apiVersion", "spec"].map(|part| body[part].clone());
                // kube-apiserver's client adds its own time limit as a query, `timeout=30s`.
                let path = request.path_alone().to_owned();
                (request.method.clone(), path, request.value("authorization"), parts)
            };
            assert_eq!(told(own), told(theirs), "{name}");
        }
    }
}
