//! May A act as B: the sidecar's SubjectAccessReviews, as the API server gets them.

use std::time::Duration;

use authn::feed::ReviewImpersonationResponse::{Allowed, Busy, Denied, Failed};
use authn::impersonation_request::Attribute;
use serde_json::{Value, json};
use tests::api_server::Reply;
use tests::webhook::{kubeconfig, review};
use tests::{ApiServer, FeedClient, Person, Sidecar, wait};
use tokio::time::Instant;

use super::SOON;

const REVIEWS: &str = "/apis/authorization.k8s.io/v1/subjectaccessreviews";
/// The token of the sidecar's own account.
const OWN: &str = "sidecar-token";

/// A sidecar with an account of its own at this API server, and with these flags besides.
pub(crate) async fn started(api: &ApiServer, flags: &[&str]) -> (Sidecar, FeedClient) {
    api.accept_as(OWN, "system:serviceaccount:kube-oidc-filter:gateway");
    let mut sidecar = Sidecar::new();
    sidecar.write("authn.json", tests::gateway::configuration(&[]).to_string());
    let own = kubeconfig(&api.url(), api.ca_pem(), &json!({"token": OWN}));
    sidecar.write("kubeconfig", own.to_string());
    let all = [
        "--authentication-config=${DIR}/authn.json",
        "--kubeconfig=${DIR}/kubeconfig",
        "--listen=unix:${SOCKET}",
        "--health-address=${HEALTH}",
    ];
    sidecar.start(&[&all[..], flags].concat()).await;
    let client = FeedClient::connect(&sidecar.socket()).await;
    (sidecar, client)
}

const NO_CREDENTIAL: &[&str] = &["--no-upstream-credential"];

fn eve() -> Person {
    Person::new("eve").groups(&["dev", "system:authenticated"]).uid("7").extra("acme.com/p", "x")
}

fn asked(api: &ApiServer) -> usize {
    api.requests_for(REVIEWS).len()
}

fn is_allowed(answer: &authn::feed::ReviewImpersonationResponse) -> bool {
    matches!(answer, Allowed { good_for: 6..=9 })
}

#[tokio::test]
async fn each_kind_is_asked_for_and_can_be_denied() {
    let api = ApiServer::start().await;
    let (sidecar, client) = started(&api, NO_CREDENTIAL).await;
    let everything = Person::new("jane").groups(&["a", "b"]).uid("u").extra("k", "v").extra("k", "w");
    let account = Person::new("system:serviceaccount:ns:n");
    let extra = |value: &str| Attribute::Extra { key: "k".to_owned(), value: value.to_owned() };
    let authentication = "authentication.k8s.io";
    let rows = [
        (
            &everything,
            Attribute::User("jane".to_owned()),
            json!({"group": "", "resource": "users", "name": "jane"}),
        ),
        (
            &everything,
            Attribute::Group("a".to_owned()),
            json!({"group": "", "resource": "groups", "name": "a"}),
        ),
        (
            &everything,
            Attribute::Group("b".to_owned()),
            json!({"group": "", "resource": "groups", "name": "b"}),
        ),
        (
            &everything,
            Attribute::Uid("u".to_owned()),
            json!({"group": authentication, "resource": "uids", "name": "u"}),
        ),
        (
            &everything,
            extra("v"),
            json!({"group": authentication, "resource": "userextras", "subresource": "k", "name": "v"}),
        ),
        (
            &everything,
            extra("w"),
            json!({"group": authentication, "resource": "userextras", "subresource": "k", "name": "w"}),
        ),
        (
            &account,
            Attribute::ServiceAccount("system:serviceaccount:ns:n".to_owned()),
            json!({"group": "", "resource": "serviceaccounts", "namespace": "ns", "name": "n"}),
        ),
    ];
    for (target, attribute, mut resource) in rows {
        resource["verb"] = json!("impersonate");
        let denied = resource.clone();
        api.clear();
        api.on_access_review(move |spec| json!({"allowed": spec["resourceAttributes"] != denied}));
        assert_eq!(client.may_impersonate(&eve(), target).await, Denied(attribute));
        let reviews = api.requests_for(REVIEWS);
        let review = reviews.iter().find(|review| review.json()["spec"]["resourceAttributes"] == resource);
        let review = review.unwrap_or_else(|| panic!("no review of {resource}"));
        let who = json!({"user": "eve", "uid": "7", "groups": ["dev", "system:authenticated"], "extra": {"acme.com/p": ["x"]}});
        let mut spec = review.json()["spec"].clone();
        spec.as_object_mut().expect("a spec").remove("resourceAttributes");
        assert_eq!(spec, who);
        assert_eq!(review.values("authorization"), [format!("Bearer {OWN}")], "the sidecar's own account");
    }
    // The first in order is told, though all are denied.
    api.on_access_review(|spec| json!({"allowed": spec["resourceAttributes"]["resource"] == "users"}));
    assert_eq!(client.may_impersonate(&eve(), &everything).await, Denied(Attribute::Group("a".to_owned())));
    api.on_access_review(|_| json!({"allowed": true}));
    let answer = client.may_impersonate(&eve(), &everything).await;
    assert!(is_allowed(&answer), "{answer:?}");
    api.on_access_review(|_| json!({"allowed": true, "denied": true}));
    let jane = client.may_impersonate(&eve(), &Person::new("jane")).await;
    assert_eq!(jane, Denied(Attribute::User("jane".to_owned())));
    assert!(!sidecar.log().contains(OWN));
}

#[tokio::test]
async fn a_yes_is_kept_for_a_while_and_nothing_else_is() {
    let api = ApiServer::start().await;
    let (sidecar, client) = started(&api, NO_CREDENTIAL).await;
    let jane = Person::new("jane");
    for (reply, answer) in [
        (Reply::Json(500, json!({"message": "broken"})), Failed),
        (Reply::Close, Failed),
        (Reply::Json(201, json!({"kind": "SubjectAccessReview"})), Failed),
        (Reply::Raw(302, vec![("location".to_owned(), api.url().into_bytes())], Vec::new()), Failed),
        (Reply::Raw(201, vec![], vec![b' '; 2 << 20]), Failed),
        (Reply::Raw(201, vec![], b"<html>".to_vec()), Failed),
    ] {
        api.clear();
        api.reply(REVIEWS, reply.clone());
        for times in 1..=2 {
            assert_eq!(client.may_impersonate(&eve(), &jane).await, answer, "{reply:?}");
            assert_eq!(asked(&api), times, "{reply:?}");
        }
    }
    let verbose = sidecar.health("/readyz?verbose").await;
    assert_eq!(verbose.status, 200, "reviews are not readiness");
    assert!(
        verbose.text().contains("[+]reviews impersonation ok: the last one failed: "),
        "{}",
        verbose.text()
    );
    api.clear();
    api.on_access_review(|_| json!({"allowed": true}));
    let Allowed { good_for: first } = client.may_impersonate(&eve(), &jane).await else {
        panic!("not allowed")
    };
    assert!(!sidecar.health("/readyz?verbose").await.text().contains("reviews"));
    let shrinks = async || match client.may_impersonate(&eve(), &jane).await {
        Allowed { good_for } => good_for < first,
        _ => false,
    };
    wait::until(SOON, "less time is left", shrinks).await;
    assert_eq!(asked(&api), 1);
    let eva = Person { username: "eva".to_owned(), ..eve() };
    let others = [eva, eve().uid("8"), eve().groups(&["dev"]), eve().extra("acme.com/p", "y")];
    for (other, count) in others.iter().zip(2..) {
        assert!(is_allowed(&client.may_impersonate(other, &jane).await));
        assert_eq!(asked(&api), count, "another question: {other:?}");
    }
    let cached = sidecar.metric(r#"jwks_sync_reviews_total{kind="impersonation",result="cached"}"#).await;
    assert!(cached.is_some_and(|count| count >= 1.0));
}

#[tokio::test]
async fn one_connection_serves_one_question_after_another() {
    let api = ApiServer::start().await;
    let (_sidecar, client) = started(&api, NO_CREDENTIAL).await;
    api.on_access_review(|_| json!({"allowed": true}));
    for n in 0..20 {
        assert!(is_allowed(&client.may_impersonate(&eve(), &Person::new(&n.to_string())).await));
    }
    assert_eq!((asked(&api), api.connections()), (20, 1));
}

/// A user who is denied again and again must not make the API server shake hands again and again.
#[tokio::test]
async fn denials_cost_no_connections() {
    let api = ApiServer::start().await;
    let (_sidecar, client) = started(&api, NO_CREDENTIAL).await;
    api.on_access_review(|spec| json!({"allowed": spec["resourceAttributes"]["resource"] != "users"}));
    let target = Person::new("jane").groups(&["a", "b", "c", "d"]);
    let denied = Denied(Attribute::User("jane".to_owned()));
    let mut denials = 0;
    let often = async || {
        denials += usize::from(client.may_impersonate(&eve(), &target).await == denied);
        denials == 50
    };
    wait::until(SOON, "many denials", often).await;
    // As many as may be open at a time: four questions of five reviews.
    assert!(api.connections() <= 20, "{}", api.connections());
}

/// A question that hangs: all its reviews arrive though none is answered, and it ends in time.
#[tokio::test]
async fn all_is_asked_at_once_and_once_and_has_one_deadline() {
    let api = ApiServer::start().await;
    let (_sidecar, client) = started(&api, NO_CREDENTIAL).await;
    api.handle(REVIEWS, |request| {
        let allowed = Some(review(request, &json!({"allowed": true})));
        if request.json()["spec"]["user"] == "eve" { Some(Reply::Hang) } else { allowed }
    });
    let groups: Vec<String> = (0..9).map(|n| n.to_string()).collect();
    let groups: Vec<&str> = groups.iter().map(String::as_str).collect();
    let target = Person::new("jane").groups(&groups);
    let begun = Instant::now();
    let mut same = Vec::new();
    for _ in 0..8 {
        let (client, target) = (client.clone(), target.clone());
        same.push(tokio::spawn(async move { client.may_impersonate(&eve(), &target).await }));
    }
    wait::until(SOON, "all reviews are there", async || asked(&api) == 10).await;
    assert!(begun.elapsed() < Duration::from_millis(4_400), "none waited for another: {:?}", begun.elapsed());
    // The one who gives up does not end it for the others.
    same.swap_remove(0).abort();

    // Three more of the same user may be open, and the next is refused at once; other users are served.
    for name in ["b", "c", "d"] {
        let client = client.clone();
        same.push(tokio::spawn(async move { client.may_impersonate(&eve(), &Person::new(name)).await }));
    }
    wait::until(SOON, "all of them are there", async || asked(&api) == 13).await;
    let refused = Instant::now();
    assert_eq!(client.may_impersonate(&eve(), &Person::new("e")).await, Busy);
    assert!(is_allowed(&client.may_impersonate(&Person::new("bob"), &Person::new("e")).await));
    assert!(refused.elapsed() < Duration::from_secs(2), "{:?}", refused.elapsed());
    for task in same {
        assert_eq!(task.await.expect("the task"), Failed);
    }
    assert!(begun.elapsed() < Duration::from_secs(8), "{:?}", begun.elapsed());
    assert_eq!(asked(&api), 14, "what was the same was asked once");
}

#[tokio::test]
async fn a_missing_right_is_named_once_in_one_line() {
    let forged = "jane\n{\"level\":\"INFO\",\"message\":\"all is well\"}";
    for format in ["--log-format=json", "--log-format=text"] {
        let api = ApiServer::start().await;
        let (sidecar, client) = started(&api, &["--no-upstream-credential", format]).await;
        let status =
            |code: u16| Reply::Json(code, json!({"kind": "Status", "message": forged, "code": code}));
        api.reply(REVIEWS, status(403));
        let eve = Person::new(forged);
        for n in 0..5 {
            assert_eq!(client.may_impersonate(&eve, &Person::new(&n.to_string())).await, Failed);
        }
        let named = "the sidecar's account may not create subjectaccessreviews.authorization.k8s.io: bind the \
                     ClusterRole kube-oidc-filter-gateway of istio/rbac.yaml to it";
        assert_eq!(sidecar.log().matches(named).count(), 1, "{}", sidecar.log());
        api.reply(REVIEWS, status(422));
        assert_eq!(client.may_impersonate(&eve, &Person::new(forged)).await, Failed);
        let log = sidecar.log();
        assert!(log.contains("422"), "{log}");
        assert!(!log.lines().any(|line| line.starts_with("{\"level\":\"INFO\",\"message\":\"all")), "{log}");
        if format.ends_with("json") {
            assert!(log.lines().all(|line| serde_json::from_str::<Value>(line).is_ok()), "{log}");
        }
    }
}

#[tokio::test]
async fn a_changed_kubeconfig_is_followed() {
    let api = ApiServer::start().await;
    let (sidecar, client) = started(&api, NO_CREDENTIAL).await;
    api.on_access_review(|_| json!({"allowed": true}));
    assert!(is_allowed(&client.may_impersonate(&eve(), &Person::new("a")).await));
    api.revoke(OWN);
    assert_eq!(client.may_impersonate(&eve(), &Person::new("b")).await, Failed);
    assert!(sidecar.log().contains("does not accept the sidecar's own account"), "{}", sidecar.log());
    let good = async || is_allowed(&client.may_impersonate(&eve(), &Person::new("b")).await);
    api.accept_as("rotated", "system:serviceaccount:kube-oidc-filter:gateway");
    let rotated = kubeconfig(&api.url(), api.ca_pem(), &json!({"token": "rotated"}));
    sidecar.write("kubeconfig", rotated.to_string());
    wait::until(SOON, "the new token is used", good).await;
    // A bad one is not used, and said so once.
    sidecar.write("kubeconfig", "no: [kubeconfig");
    let mut n = 0;
    let told = async || {
        n += 1;
        assert!(is_allowed(&client.may_impersonate(&eve(), &Person::new(&n.to_string())).await));
        sidecar.log().contains("the changed kubeconfig is not used")
    };
    wait::until(SOON, "the bad kubeconfig is complained of", told).await;
}

#[tokio::test]
async fn a_refused_account_is_renewed_though_no_file_changed() {
    let api = ApiServer::start().await;
    let (sidecar, client) = started(&api, NO_CREDENTIAL).await;
    api.on_access_review(|_| json!({"allowed": true}));
    let token = |token: &str| {
        let status = json!({"apiVersion": "client.authentication.k8s.io/v1", "kind": "ExecCredential",
            "status": {"token": token}});
        sidecar.write("credential", status.to_string())
    };
    // An exec plugin says who we are, so the kubeconfig stays as it is.
    api.accept_as("first", "system:serviceaccount:kube-oidc-filter:gateway");
    let credential = token("first");
    let exec = json!({"exec": {"apiVersion": "client.authentication.k8s.io/v1", "interactiveMode": "Never",
        "command": "cat", "args": [credential]}});
    sidecar.write("kubeconfig", kubeconfig(&api.url(), api.ca_pem(), &exec).to_string());
    let mut n = 0;
    let first = async || {
        n += 1;
        client.may_impersonate(&eve(), &Person::new(&n.to_string())).await;
        api.last_request().values("authorization") == ["Bearer first"]
    };
    wait::until(SOON, "the plugin is asked", first).await;
    api.revoke("first");
    api.accept_as("second", "system:serviceaccount:kube-oidc-filter:gateway");
    token("second");
    assert_eq!(client.may_impersonate(&eve(), &Person::new("bob")).await, Failed);
    let good = async || is_allowed(&client.may_impersonate(&eve(), &Person::new("bob")).await);
    wait::until(SOON, "the plugin is asked again", good).await;
    assert!(!sidecar.log().contains("first"), "{}", sidecar.log());
}
