use authn::config::{OidcFlags, ServiceAccountIssuers};
use authn::issuer::IdentityGuard;
use authn::snapshot::Snapshot;

use super::*;

/// An issuer that nobody is at.
fn configuration() -> Configuration {
    let flags = OidcFlags {
        issuer_url: "https://127.0.0.1:1".to_owned(),
        client_id: "k".to_owned(),
        ..OidcFlags::default()
    };
    Configuration { authentication: flags.into_configuration().unwrap(), policy: Policy::default() }
}

#[tokio::test]
async fn the_rules_beside_the_issuers_follow_the_configuration() {
    const FILE: &str = "apiVersion: apiserver.config.k8s.io/v1\nkind: AuthenticationConfiguration\njwt: []\n";
    let paths =
        |paths: &[&str]| Some(Anonymous { paths: paths.iter().map(|path| (*path).to_owned()).collect() });
    let guard =
        IdentityGuard { allowed_groups: ["system:nodes".to_owned()].into(), ..IdentityGuard::default() };
    for (rule, has_webhook, anonymous) in [
        ("", true, None),
        ("anonymous: {enabled: false}", false, None),
        ("anonymous: {enabled: true}", true, paths(&[])),
        (
            "anonymous: {enabled: true, conditions: [{path: /livez}, {path: /readyz}]}",
            false,
            paths(&["/livez", "/readyz"]),
        ),
    ] {
        let metrics = Arc::new(Metrics::new());
        let store = Arc::new(Store::new(1, 60, Arc::clone(&metrics)));
        let supply = Supply::new(Arc::clone(&store), metrics, has_webhook);
        let policy = Policy::load(b"tokenWebhook: {allowedSystemGroups: ['system:nodes']}").unwrap();
        let file = format!("{FILE}{rule}");
        let authentication =
            AuthenticationConfiguration::load(file.as_bytes(), &ServiceAccountIssuers::default()).unwrap();
        supply.apply(Configuration { authentication, policy }).await;
        store.open(clock::now());
        let snapshot = Snapshot::decode(&store.newer_than(None).unwrap().encoded).unwrap();
        assert_eq!(snapshot.anonymous, anonymous, "{rule}");
        assert_eq!(snapshot.token_webhook, has_webhook.then(|| guard.clone()), "{rule}");
    }
}

fn supply() -> (Supply, Arc<Store>, Arc<Metrics>) {
    let metrics = Arc::new(Metrics::new());
    let store = Arc::new(Store::new(1, 60, Arc::clone(&metrics)));
    let supply = Supply::new(Arc::clone(&store), Arc::clone(&metrics), false);
    store.open(clock::now());
    (supply, store, metrics)
}

/// The audience of the issuer in the snapshot.
fn audience(store: &Store) -> Option<String> {
    let snapshot = Snapshot::decode(&store.newer_than(None).unwrap().encoded).unwrap();
    snapshot.issuers.first()?.audiences.first().cloned()
}

#[tokio::test(start_paused = true)]
async fn an_issuer_that_is_new_must_answer_before_a_change_is_in_force() {
    let (supply, store, metrics) = supply();
    let mut nobody = configuration();
    nobody.authentication.jwt.clear();
    supply.apply(nobody).await;
    let failure = supply.replace(configuration().authentication).await.unwrap_err().to_string();
    let begin = r#"[oidc: authenticator for issuer "https://127.0.0.1:1" is not "#;
    assert!(failure.starts_with(begin) && failure.ends_with(", context deadline exceeded]"), "{failure}");
    assert_eq!(audience(&store), None);
    assert!(!metrics.text().contains("{issuer="), "{}", metrics.text());
}

#[tokio::test(start_paused = true)]
async fn an_issuer_that_was_down_before_hinders_no_change() {
    let (supply, store, metrics) = supply();
    supply.apply(configuration()).await;
    assert_eq!(audience(&store).as_deref(), Some("k"));
    let mut changed = configuration();
    changed.authentication.jwt[0].audiences = vec!["other".to_owned()];
    assert_eq!(supply.replace(changed.authentication.clone()).await, Ok(()));
    assert_eq!(audience(&store).as_deref(), Some("other"));
    // At another place it is new.
    changed.authentication.jwt[0].discovery_url = Some("https://127.0.0.1:2/x".to_owned());
    changed.authentication.jwt[0].audiences = vec!["third".to_owned()];
    assert!(supply.replace(changed.authentication).await.is_err());
    assert_eq!(audience(&store).as_deref(), Some("other"));
    assert!(metrics.text().contains("{issuer="), "the one in force is measured on");
}

/// The groups that the first issuer in the snapshot may hand out.
fn groups(store: &Store) -> Vec<String> {
    let snapshot = Snapshot::decode(&store.newer_than(None).unwrap().encoded).unwrap();
    snapshot.issuers.first().map(|issuer| issuer.guard.allowed_groups.iter().cloned().collect()).unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_policy_waits_for_no_issuer() {
    let (supply, store, _) = supply();
    let policy = |more: &str| {
        let text = format!("issuers: [{{url: 'https://127.0.0.1:1'{more}}}]");
        Policy::load(text.as_bytes()).unwrap()
    };
    let hosts = ", distributedClaims: {allowedHosts: [claims]}";
    let masters = policy(&format!(", allowedSystemGroups: ['system:masters']{hosts}"));
    let allows = |supply: &Supply| {
        let terms = supply.terms("https://127.0.0.1:1").unwrap();
        terms.hosts.allowed("https://claims/x").is_some()
    };
    supply.apply(Configuration { policy: masters, ..configuration() }).await;
    assert_eq!((groups(&store), allows(&supply)), (vec!["system:masters".to_owned()], true));
    let mut changed = configuration();
    let mut down = changed.authentication.jwt[0].clone();
    down.url = "https://127.0.0.1:2".to_owned();
    changed.authentication.jwt.push(down);
    let waiting = supply.replace(changed.authentication.clone());
    let tighten = async {
        tokio::time::sleep(Duration::from_secs(1)).await;
        supply.guard_by(policy(hosts));
        assert_eq!((groups(&store), allows(&supply)), (vec![], true));
        supply.guard_by(policy(""));
        assert_eq!((groups(&store), allows(&supply)), (vec![], false));
        assert_eq!(audience(&store).as_deref(), Some("k"));
    };
    let (waited, ()) = tokio::join!(waiting, tighten);
    assert!(waited.is_err());
    // What comes in force later comes with the policy of then.
    changed.authentication.jwt.truncate(1);
    changed.authentication.jwt[0].audiences = vec!["other".to_owned()];
    let replace = supply.replace(changed.authentication);
    assert_eq!(replace.await, Ok(()));
    assert_eq!((groups(&store), audience(&store).as_deref()), (vec![], Some("other")));
}

#[tokio::test]
async fn an_issuer_is_measured_as_long_as_it_is_configured() {
    let metrics = Arc::new(Metrics::new());
    let store = Arc::new(Store::new(1, 60, Arc::clone(&metrics)));
    let supply = Supply::new(store, Arc::clone(&metrics), false);
    supply.apply(configuration()).await;
    assert!(metrics.text().contains(r#"jwks_sync_keys{issuer="https://127.0.0.1:1"} 0"#));
    let mut without = configuration();
    without.authentication.jwt.clear();
    assert_eq!(supply.replace(without.authentication).await, Ok(()));
    assert!(!metrics.text().contains("{issuer="), "{}", metrics.text());
}
