use authn::algorithm::Algorithm;
use authn::config::{AuthenticationConfiguration, OidcFlags, Policy};
use authn::keys::Key;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::*;
use crate::fetch_error::TlsProblem;

fn authentication() -> AuthenticationConfiguration {
    let flags =
        OidcFlags { issuer_url: "https://a".to_owned(), client_id: "k".to_owned(), ..OidcFlags::default() };
    flags.into_configuration().unwrap()
}

fn jwt() -> JwtAuthenticator {
    authentication().jwt.remove(0)
}

#[test]
fn a_policy_has_a_line_of_its_own() {
    const POLICY: &str = "
apiVersion: kube-oidc-filter/v1alpha1
issuers:
- {url: 'https://a', allowedSystemGroups: ['system:masters'], distributedClaims: {allowedHosts: [claims.example]}}
- {url: 'https://b', allowedSystemGroups: ['system:masters']}
";
    let lines = |policy, has_policy| -> Vec<String> {
        let configuration = Configuration { authentication: authentication(), policy };
        about_configuration(&configuration, has_policy, false).iter().map(Finding::line).collect()
    };
    let first = "ok    configuration: 1 issuer";
    assert_eq!(lines(Policy::default(), false), [first]);
    assert_eq!(lines(Policy::default(), true), [first, "ok    policy: 0 issuers may hand out system: names"]);
    assert_eq!(
        lines(Policy::load(POLICY.as_bytes()).unwrap(), true),
        [
            first,
            "ok    policy: 1 issuer may hand out system: names",
            "ok    policy: claims may be fetched from where tokens of 1 issuer say",
            "note  policy: names issuer https://b, which the configuration lacks"
        ]
    );
}

#[test]
fn the_clusters_own_issuer_is_pointed_at() {
    let credential = |claims: &str| {
        let token = format!("e30.{}.c2ln", URL_SAFE_NO_PAD.encode(claims));
        UpstreamCredential::new(token, None).unwrap()
    };
    let finding =
        |claims: &str| about_own_issuer(&credential(claims), &[jwt()]).map(|finding| finding.line());
    assert_eq!(
        finding(r#"{"iss":"https://a","sub":"system:serviceaccount:a:b"}"#).as_deref(),
        Some(
            "note  issuer https://a: the upstream credential is of it, too, so it is probably the cluster's own. Give \
             jwks-sync --service-account-issuer=https://a, and it refuses such a configuration, as kube-apiserver does"
        )
    );
    assert_eq!(finding(r#"{"iss":"https://b","sub":"system:serviceaccount:a:b"}"#), None);
}

fn fetched(algorithms: &[Algorithm]) -> Result<FetchedKeys, FetchError> {
    let key = |algorithm: &Algorithm| Key {
        kid: String::new(),
        algorithms: [*algorithm].into_iter().collect(),
        spki: vec![0],
    };
    let keys = algorithms.iter().map(key).collect();
    Ok(FetchedKeys { keys, dropped: Vec::new(), fresh_for: None })
}

#[test]
fn an_issuer_is_described_in_one_line() {
    for (result, line) in [
        (fetched(&[Algorithm::Rs256, Algorithm::Es256]), "ok    issuer https://a: 2 keys (RS256 ES256)"),
        (
            fetched(&[Algorithm::Es256]),
            "FAIL  issuer https://a: 1 key (ES256); none fits --oidc-signing-algs, which allows RS256",
        ),
        (
            Err(FetchError::Tls { problem: TlsProblem::Untrusted, detail: "unknown issuer".to_owned() }),
            "FAIL  issuer https://a: TLS: unknown issuer; give the issuer's CA: \
             certificateAuthority in the file, or --oidc-ca-file",
        ),
    ] {
        assert_eq!(judge_issuer(&jwt(), result).line(), line);
    }
}

#[test]
fn impersonation_is_described_in_one_line() {
    let [users, .., extras] = Impersonated::ALL;
    for (what, result, line) in [
        (users, Ok(true), "ok    the credential may impersonate users"),
        (
            extras,
            Ok(false),
            "FAIL  the credential may not impersonate userextras/authentication.kubernetes.io/credential-id; \
             grant its ServiceAccount the verb impersonate on \
             userextras/authentication.kubernetes.io/credential-id in apiGroup \"authentication.k8s.io\" \
             by a ClusterRole",
        ),
        (
            users,
            Err(KubeError::NotInCluster),
            "skip  impersonation: not in a cluster, or without this pod's ServiceAccount mounted; \
             give --kubeconfig FILE",
        ),
        (
            users,
            Err(KubeError::Refused { code: 401, message: "Unauthorized".to_owned() }),
            "FAIL  impersonation: the API server does not accept the credential",
        ),
    ] {
        assert_eq!(judge_impersonation(what, true, result).line(), line);
    }
}
#[test]
fn what_only_some_features_need_is_a_note() {
    let [accounts, .., address] = Impersonated::OPTIONAL;
    let [access, tokens] = Permission::ALL;
    let refused = |code| Err(KubeError::Refused { code, message: "no".to_owned() });
    for (finding, line) in [
        (
            judge_impersonation(accounts, false, Ok(false)),
            "note  the credential may not impersonate serviceaccounts, which is needed for kubectl --as",
        ),
        (
            judge_impersonation(address, false, Ok(false)),
            "note  the credential may not impersonate userextras/remote-client-ip, which is needed for the client's address",
        ),
        (
            judge_permission(access, Ok(true)),
            "ok    this account may create subjectaccessreviews.authorization.k8s.io",
        ),
        (
            judge_permission(tokens, Ok(false)),
            "note  this account may not create tokenreviews.authentication.k8s.io, which is needed for tokens that are passed through",
        ),
        (
            judge_permission(access, refused(401)),
            "note  reviews: the API server does not accept this account",
        ),
    ] {
        assert_eq!(finding.line(), line);
    }
}

#[test]
fn a_webhook_must_not_know_a_made_up_token() {
    let jane = UserInfo::new("jane\n".to_owned(), String::new(), vec![], vec![]);
    for (answer, line) in [
        (Ok(None), "ok    token webhook: answers, and does not know a made-up token"),
        (
            Ok(Some(jane)),
            r#"FAIL  token webhook: takes a made-up token for that of "jane\n"; it must not be asked"#,
        ),
        (Err(KubeError::Timeout), "FAIL  token webhook: no answer in time"),
    ] {
        assert_eq!(judge_webhook(answer).line(), line);
    }
}
