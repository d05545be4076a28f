//! Snapshots that the real sidecar would not send.

use std::time::Duration;

use authn::algorithm::AlgorithmSet;
use authn::claim_hosts::ClaimHosts;
use authn::issuer::{ClaimMappings, IdentityGuard, PrefixedClaim};
use authn::jwks::Jwks;
use authn::keys::IssuerKeys;
use authn::snapshot::{Generation, Snapshot, UpstreamCredential};
use authn::time::UnixSeconds;
use serde_json::json;
use tests::feed::Feed;
use tests::{ApiServer, GatewayOptions, Issuer, Token, gateway, wait};

const SOON: Duration = Duration::from_secs(30);

/// A good snapshot of this generation, with this credential.
fn snapshot(issuer: &Issuer, epoch: u64, counter: u64, credential: &str) -> Vec<u8> {
    let jwks =
        Jwks::parse(json!({"keys": [issuer.key().jwk()]}).to_string().as_bytes()).expect("the issuer's keys");
    let sub = PrefixedClaim { claim: "sub".to_owned(), prefix: String::new() };
    let issuer = authn::issuer::Issuer {
        url: issuer.url(),
        audiences: vec![gateway::AUDIENCE.to_owned()],
        algorithms: AlgorithmSet::all(),
        claim_mappings: ClaimMappings { username: sub.into(), groups: None, uid: None, extra: Vec::new() },
        required_claims: Vec::new(),
        claim_validation_rules: Vec::new(),
        user_validation_rules: Vec::new(),
        guard: IdentityGuard::default(),
        claim_hosts: ClaimHosts::default(),
        keys: Some(IssuerKeys { keys: jwks.keys, not_after: UnixSeconds::new(u64::MAX) }),
    };
    let credential = UpstreamCredential::new(credential.to_owned(), None).expect("a token");
    let generation = Generation { epoch, counter };
    let upstream_credential = Some(credential);
    Snapshot { generation, issuers: vec![issuer], upstream_credential, anonymous: None, token_webhook: None }
        .encode()
}

#[tokio::test]
async fn a_snapshot_that_can_not_be_used_is_refused_and_the_last_good_one_stays() {
    let (issuer, api) = (Issuer::start().await, ApiServer::start().await);
    api.accept("upstream-token-2");
    let good = snapshot(&issuer, 5, 1, ApiServer::TOKEN);
    let feed = Feed::start(move |since| since.is_none().then(|| good.clone()));
    let socket = feed.socket().to_str().expect("a path of UTF-8").to_owned();
    let options = GatewayOptions::new(&api, gateway::configuration(&[&issuer])).rewrite(move |bootstrap| {
        let real = bootstrap.split("pipe: {path: \"").nth(1).and_then(|rest| rest.split('"').next());
        bootstrap.replace(real.expect("the socket"), &socket)
    });
    let gateway = options.start().await;
    let token = Token::of(&issuer).sub("alice").sign(&issuer.key());
    let credential = async || {
        assert_eq!(gateway.client().get("/api").bearer(&token).send().await.status, 200);
        api.last_request().values("authorization").join(",")
    };
    let first = format!("Bearer {}", ApiServer::TOKEN);
    assert_eq!(credential().await, first);

    let newer = snapshot(&issuer, 5, 2, "upstream-token-2");
    // `required_features`, field 4, names a rule that this version does not know.
    let future = [&newer[..], &[0x22, 3], b"new"].concat();
    for bad in [b"garbage".to_vec(), newer[..newer.len() - 1].to_vec(), future] {
        let before = gateway.counter("snapshots_refused").await;
        feed.set(move |_| Some(bad.clone()));
        let refused = async || gateway.counter("snapshots_refused").await > before;
        wait::until(SOON, "the bad snapshot is refused", refused).await;
        assert_eq!(credential().await, first);
    }
    // A good one that is older is none of our business, and no failure.
    let older = snapshot(&issuer, 4, 9, "upstream-token-2");
    feed.set(move |_| Some(older.clone()));
    assert_eq!(credential().await, first);

    feed.set(move |since| (since < Some(Generation { epoch: 5, counter: 2 })).then(|| newer.clone()));
    let taken = async || credential().await == "Bearer upstream-token-2";
    wait::until(SOON, "the next good one is taken", taken).await;
    assert_eq!(gateway.vm_reloads().await, 0);
}
