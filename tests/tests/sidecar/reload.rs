//! What becomes of a changed configuration: in a file, and in a ConfigMap of the API server.

use authn::anonymous::Anonymous;
use authn::snapshot::Snapshot;
use serde_json::{Value, json};
use tests::api_server::Reply;
use tests::gateway::configuration;
use tests::webhook::kubeconfig;
use tests::{ApiServer, Fault, FeedClient, Issuer, Sidecar, wait};

use super::SOON;

const LIST: &str = "/api/v1/namespaces/ns/configmaps";
const FOR_SERVING: [&str; 3] =
    ["--no-upstream-credential", "--listen=unix:${SOCKET}", "--health-address=${HEALTH}"];
const FILE: &str = "--authentication-config=${DIR}/authn.json";
const MAP: [&str; 2] = ["--authentication-config-map=ns/oidc/k", "--kubeconfig=${DIR}/kubeconfig"];

/// A configuration with these issuers, told apart by an audience of its own.
fn named(issuers: &[&Issuer], audience: &str) -> Value {
    let mut configuration = configuration(issuers);
    let entries = configuration.get_mut("jwt").and_then(Value::as_array_mut);
    for audiences in entries.into_iter().flatten().filter_map(|jwt| jwt.pointer_mut("/issuer/audiences")) {
        *audiences = json!([audience]);
    }
    configuration
}

fn audiences(snapshot: &Snapshot) -> Vec<&str> {
    snapshot.issuers.iter().flat_map(|issuer| &issuer.audiences).map(String::as_str).collect()
}

/// Waits for a snapshot whose issuers have these audiences.
async fn until_in_force(client: &FeedClient, expected: &[&str]) -> Snapshot {
    let mut since = None;
    let look = async || {
        let snapshot = client.snapshot(since).await;
        since = Some(snapshot.generation);
        (audiences(&snapshot) == expected).then_some(snapshot)
    };
    wait::found(SOON, &format!("{expected:?} in force"), look).await
}

async fn counted(sidecar: &mut Sidecar, result: &str, count: f64) {
    let name = format!("jwks_sync_config_reloads_total{{result=\"{result}\"}}");
    let port = sidecar.health_port();
    let look = async || {
        let text = tests::Client::plain(port).get("/metrics").try_send().await.ok()?.text();
        let value =
            text.lines().find_map(|line| line.strip_prefix(name.as_str())?.trim().parse::<f64>().ok())?;
        (value.total_cmp(&count).is_eq()).then_some(())
    };
    sidecar.until(SOON, &format!("{name} {count}"), look).await;
}

async fn is_counted(sidecar: &Sidecar, result: &str) -> Option<f64> {
    sidecar.metric(&format!("jwks_sync_config_reloads_total{{result=\"{result}\"}}")).await
}

#[tokio::test]
async fn a_change_waits_for_its_new_issuers_and_gives_way_to_a_newer_one() {
    let (old, new) = (Issuer::start().await, Issuer::start().await);
    new.discovery_fault(Fault::Status(500));
    let mut sidecar = Sidecar::new();
    sidecar.write("authn.json", named(&[&old], "first").to_string());
    sidecar.start(&[&[FILE][..], &FOR_SERVING].concat()).await;
    let client = FeedClient::connect(&sidecar.socket()).await;
    until_in_force(&client, &["first"]).await;

    sidecar.write("authn.json", named(&[&new], "second").to_string());
    wait::until(SOON, "the new issuer is asked", async || new.discovery_requests() >= 2).await;
    assert_eq!(audiences(&client.snapshot(None).await), ["first"]);

    sidecar.write("authn.json", named(&[&old], "third").to_string());
    let third = until_in_force(&client, &["third"]).await;
    assert!(third.issuers.iter().all(|issuer| issuer.keys.is_some()), "it kept its keys");
    assert_eq!(old.discovery_requests(), 1, "and its task");

    sidecar.write("authn.json", named(&[&old, &new], "fourth").to_string());
    let asked = new.discovery_requests();
    wait::until(SOON, "it is asked again", async || new.discovery_requests() > asked).await;
    // A bad edit does not throw away what waits.
    sidecar.write("authn.json", "bad");
    counted(&mut sidecar, "head", 1.0).await;
    // Nor is a discovery document enough: its users need keys.
    new.jwks_fault(Fault::Status(500));
    new.discovery_fault(Fault::None);
    wait::until(SOON, "its keys are asked for again", async || new.jwks_requests() >= 2).await;
    assert_eq!(audiences(&client.snapshot(None).await), ["third"]);
    new.jwks_fault(Fault::None);
    let fourth = until_in_force(&client, &["fourth", "fourth"]).await;
    assert!(fourth.issuers.iter().all(|issuer| issuer.keys.is_some()), "there was no moment without");
    counted(&mut sidecar, "success", 2.0).await;
}

#[tokio::test]
async fn a_policy_is_in_force_at_once_whatever_the_configuration_waits_for() {
    let (old, new) = (Issuer::start().await, Issuer::start().await);
    new.discovery_fault(Fault::Status(500));
    let policy =
        |groups: Value| json!({"issuers": [{"url": old.url(), "allowedSystemGroups": groups}]}).to_string();
    let mut sidecar = Sidecar::new();
    sidecar.write("authn.json", named(&[&old], "first").to_string());
    sidecar.write("policy.json", policy(json!(["system:masters", "system:nodes"])));
    let policy_file = ["--policy=${DIR}/policy.json"];
    sidecar.start(&[&[FILE][..], &policy_file, &FOR_SERVING].concat()).await;
    let client = FeedClient::connect(&sidecar.socket()).await;
    let allowed = async |expected: &[&str]| {
        let look = async || {
            let snapshot = client.snapshot(None).await;
            let groups = &snapshot.issuers.first()?.guard.allowed_groups;
            groups.iter().eq(expected.iter()).then_some(snapshot)
        };
        wait::found(SOON, &format!("{expected:?} allowed"), look).await
    };
    allowed(&["system:masters", "system:nodes"]).await;

    sidecar.write("authn.json", named(&[&old, &new], "second").to_string());
    wait::until(SOON, "the new issuer is asked", async || new.discovery_requests() >= 1).await;
    sidecar.write("policy.json", policy(json!(["system:nodes"])));
    assert_eq!(audiences(&allowed(&["system:nodes"]).await), ["first"], "the issuers are as they were");
    new.discovery_fault(Fault::None);
    let second = until_in_force(&client, &["second", "second"]).await;
    let guarded = second.issuers.iter().map(|issuer| issuer.guard.allowed_groups.len()).sum::<usize>();
    assert_eq!(guarded, 1, "by the policy of now");

    sidecar.write("authn.json", "bad");
    counted(&mut sidecar, "head", 1.0).await;
    sidecar.write("policy.json", policy(json!([])));
    allowed(&[]).await;
    sidecar.write("policy.json", "bad");
    counted(&mut sidecar, "policy", 1.0).await;
    assert_eq!(audiences(&allowed(&[]).await), ["second", "second"]);
}

#[tokio::test]
async fn who_may_come_without_a_token_stays_as_it_was() {
    let mut open = configuration(&[]);
    open["anonymous"] = json!({"enabled": true, "conditions": [{"path": "/livez"}]});
    let mut sidecar = Sidecar::new();
    sidecar.write("authn.json", open.to_string());
    sidecar.start(&[&[FILE][..], &FOR_SERVING].concat()).await;
    let client = FeedClient::connect(&sidecar.socket()).await;
    sidecar.write("authn.json", configuration(&[]).to_string());
    sidecar.until_logged("anonymous: Forbidden: changed from initial configuration file").await;
    assert!(sidecar.log().contains("failed to validate authentication config"), "{}", sidecar.log());
    counted(&mut sidecar, "fields", 1.0).await;
    let anonymous = client.snapshot(None).await.anonymous;
    assert_eq!(anonymous, Some(Anonymous { paths: vec!["/livez".to_owned()] }));
}

/// An API server with the ConfigMap, and a sidecar that follows it.
async fn following(first: &Value) -> (ApiServer, Sidecar, FeedClient) {
    let api = ApiServer::start().await;
    api.put_config_map("oidc", json!({"k": first.to_string()}));
    let mut sidecar = Sidecar::new();
    let own = kubeconfig(&api.url(), api.ca_pem(), &json!({"token": ApiServer::TOKEN}));
    sidecar.write("kubeconfig", own.to_string());
    sidecar.start(&[&MAP[..], &FOR_SERVING].concat()).await;
    let client = FeedClient::connect(&sidecar.socket()).await;
    wait::until(SOON, "a watch", async || api.watches() == 1).await;
    (api, sidecar, client)
}

#[tokio::test]
async fn a_config_map_is_followed() {
    let issuer = Issuer::start().await;
    let with = |audience: &str| json!({"k": named(&[&issuer], audience).to_string(), "other": "x"});
    let (api, mut sidecar, client) = following(&named(&[&issuer], "first")).await;
    until_in_force(&client, &["first"]).await;
    let lists = || api.requests_for(LIST).iter().filter(|request| request.query("watch").is_none()).count();
    let before = lists();
    api.put_config_map("another", json!({"k": "bad"}));
    api.put_config_map("oidc", with("second"));
    until_in_force(&client, &["second"]).await;
    assert_eq!(lists(), before, "the watch told it");
    counted(&mut sidecar, "success", 1.0).await;

    // Without the object, or without the key, what was there stays; and it is nothing new when it comes back.
    api.delete_config_map("oidc");
    counted(&mut sidecar, "config_map_absent", 1.0).await;
    api.put_config_map("oidc", json!({"other": "x"}));
    counted(&mut sidecar, "config_map_key", 1.0).await;
    api.put_config_map("oidc", with("second"));
    api.put_config_map("oidc", json!({"k": "bad"}));
    counted(&mut sidecar, "head", 1.0).await;
    assert_eq!(is_counted(&sidecar, "success").await, Some(1.0));
    assert_eq!(audiences(&client.snapshot(None).await), ["second"]);
    api.put_config_map("oidc", with("third"));
    until_in_force(&client, &["third"]).await;
}

#[tokio::test]
async fn what_changed_while_nobody_watched_is_found() {
    let issuer = Issuer::start().await;
    let with = |audience: &str| json!({"k": named(&[&issuer], audience).to_string()});
    let (mut api, mut sidecar, client) = following(&named(&[&issuer], "first")).await;
    // The watch ends, in good order.
    api.close_watches();
    api.put_config_map("oidc", with("second"));
    until_in_force(&client, &["second"]).await;
    // It ends because the version is too old, or with something that is no event.
    for (event, audience) in [
        (
            json!({"type": "ERROR", "object": {"kind": "Status", "status": "Failure", "code": 410, "message": "", "reason": "Expired"}}),
            "expired",
        ),
        (
            json!({"type": "ERROR", "object": {"kind": "Status", "status": "Failure", "code": 500, "message": "odd"}}),
            "odd",
        ),
        (json!("?"), "garbage"),
    ] {
        wait::until(SOON, "a watch", async || api.watches() == 1).await;
        api.emit(&event);
        wait::until(SOON, "no watch", async || api.watches() == 0).await;
        api.put_config_map("oidc", with(audience));
        until_in_force(&client, &[audience]).await;
    }
    // None of that is a failure: there was something to read all the time.
    let metrics = sidecar.health("/metrics").await.text();
    assert!(!metrics.contains(r#"config_reload_last_timestamp_seconds{status="failure"}"#), "{metrics}");
    // The API server goes away, comes back, and at first lets nobody in.
    api.stop().await;
    counted(&mut sidecar, "unreachable", 1.0).await;
    api.put_config_map("oidc", with("third"));
    api.revoke(ApiServer::TOKEN);
    api.restart().await;
    counted(&mut sidecar, "unauthorized", 1.0).await;
    api.accept(ApiServer::TOKEN);
    until_in_force(&client, &["third"]).await;
    assert_eq!(sidecar.health("/readyz").await.status, 200);
}

#[tokio::test]
async fn without_its_config_map_it_does_not_start_and_check_says_why() {
    let api = ApiServer::start().await;
    let forbidden = json!({"kind": "Status", "code": 403, "message": "no, you must not"});
    let issuer = Issuer::start().await;
    let good = named(&[&issuer], "first").to_string();
    let begin = "--authentication-config-map ns/oidc/k: ";
    let bad = "failed to load authentication configuration from ConfigMap \"ns/oidc/k\": empty config data";
    for (data, refused, words) in [
        (None, false, format!("{begin}there is no such ConfigMap")),
        (Some(json!({"other": "x"})), false, format!("{begin}the ConfigMap has no key \"k\"")),
        (Some(json!({"k": ""})), false, bad.to_owned()),
        (Some(json!({"k": good})), false, String::new()),
        (Some(json!({"k": good})), true, format!("{begin}API server: refused with HTTP status 403")),
    ] {
        if let Some(data) = data {
            api.put_config_map("oidc", data);
        }
        let reply = forbidden.clone();
        api.handle(LIST, move |_| refused.then(|| Reply::Json(403, reply.clone())));
        let mut sidecar = Sidecar::new();
        let own = kubeconfig(&api.url(), api.ca_pem(), &json!({"token": ApiServer::TOKEN}));
        sidecar.write("kubeconfig", own.to_string());
        let output = sidecar.command(&[&["check"], &MAP[..]].concat()).await;
        let report = String::from_utf8(output.stdout).expect("text");
        if words.is_empty() {
            assert!(report.contains("1 key (ES256)") && !report.contains("FAIL"), "{report}");
            continue;
        }
        assert!(!output.status.success() && report.contains(&words), "{words}: {report}");
        sidecar.spawn(&[&MAP[..], &FOR_SERVING].concat()).await;
        assert_eq!(sidecar.exit_code().await, Some(1), "{words}");
        assert!(sidecar.log().contains(&words), "{words}: {}", sidecar.log());
    }
}
