use std::io::Write;

use authn::claims::ClaimsError;
use authn::config::OidcFlags;
use authn::discovery::DiscoveryError;
use authn::jwks::JwksError;
use authn::rejection::Unavailable;
use authn::request::CredentialError;
use authn::user::IdentityError;

use super::*;
use crate::fetch_error::TlsProblem;

fn jwt() -> JwtAuthenticator {
    let flags =
        OidcFlags { issuer_url: "https://a".to_owned(), client_id: "k".to_owned(), ..OidcFlags::default() };
    flags.into_configuration().unwrap().jwt.remove(0)
}

fn step(name: &str, outcome: Outcome, detail: &str) -> Step {
    Step { name: name.to_owned(), outcome, detail: detail.to_owned() }
}

fn refusal(rejection: Rejection, kubernetes: Kubernetes, stricter: Vec<&'static str>) -> Refusal {
    Refusal { rejection, kubernetes, stricter }
}

#[test]
fn steps_and_user_have_a_line_each() {
    let strings = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
    let extra = vec![("example.com/x".to_owned(), strings(&["y"]))];
    let user =
        UserInfo::new("alice".to_owned(), "7".to_owned(), strings(&["dev", "system:authenticated"]), extra);
    let steps = vec![step("issuer", Outcome::Passed, "https://a"), step("signature", Outcome::Passed, "")];
    let explanation = Explanation { issuer: None, steps, verdict: Verdict::LetIn(user) };
    assert_eq!(
        lines(&explanation, None),
        [
            "ok    issuer: https://a",
            "ok    signature",
            "",
            r#"let in  username: "alice""#,
            r#"        uid: "7""#,
            r#"        groups: ["dev", "system:authenticated"]"#,
            r#"        extra example.com/x: ["y"]"#,
        ]
    );
}

#[test]
fn a_refusal_says_who_refuses() {
    let says = |words: &str| Kubernetes::Says(words.to_owned());
    for (refusal, told) in [
        (
            refusal(Rejection::Claims(ClaimsError::Expired), says("oidc: x"), vec![]),
            &[
                "refused  401 \"Unauthorized: the token has expired\"",
                "         reason: expired (`exp` has passed or is missing)",
                "         kube-apiserver: oidc: x",
            ][..],
        ),
        (
            refusal(
                Rejection::Identity(IdentityError::EmptyUsername),
                Kubernetes::GoesOn,
                vec!["empty-username"],
            ),
            &[
                "refused  403 \"forbidden: the token gives an empty user name\"",
                "         reason: empty_username (the user name is empty)",
                "         kube-apiserver would go on: empty-username (docs/deviations.md)",
            ],
        ),
        (
            refusal(Rejection::Signature, says("y"), vec!["pss-salt", "many-keys"]),
            &[
                "refused  401 \"Unauthorized: the token is not valid\"",
                "         reason: signature (the signature is not by a key of the issuer)",
                "         kube-apiserver: y",
                "         unless we are the stricter one: pss-salt, many-keys (docs/deviations.md)",
            ],
        ),
        (
            refusal(Rejection::Credential(CredentialError::NotOneToken), Kubernetes::Unknown, vec![]),
            &[
                "refused  401 \"Unauthorized: the request must carry exactly one bearer token\"",
                "         reason: not_one_token (`authorization` is not exactly one bearer token)",
            ],
        ),
    ] {
        assert_eq!(refusal_lines(&refusal, None), told);
    }
}

/// kube-apiserver is not initialized without discovery. Without keys it is, and says something else; and what we are too
/// strict for, or can't reach, says nothing about it.
#[test]
fn without_keys_it_matters_what_could_not_be_had() {
    const SAYS: Option<&str> = Some("kube-apiserver: oidc: authenticator not initialized");
    const REDIRECT: Option<&str> = Some("kube-apiserver would go on: document-redirect (");
    const SIZE: Option<&str> = Some("kube-apiserver would go on: document-size (");
    let jwt = jwt();
    let document = |error| FetchError::At { url: jwt.document_url(), error: Box::new(error) };
    let keys = |error| FetchError::At { url: "https://a/keys".to_owned(), error: Box::new(error) };
    let other = DiscoveryError::Issuer { expected: "https://a".to_owned(), got: "https://b".to_owned() };
    let detail = String::new;
    for (error, told) in [
        (document(FetchError::Status { code: 404 }), SAYS),
        (FetchError::Discovery(other), SAYS),
        (document(FetchError::Redirect), REDIRECT),
        (keys(FetchError::Redirect), REDIRECT),
        (document(FetchError::BodyTooLarge { limit: 1 }), SIZE),
        (FetchError::Discovery(DiscoveryError::TooLarge), SIZE),
        (FetchError::Jwks(JwksError::TooManyKeys), SIZE),
        // Such as a member that stands twice.
        (FetchError::Discovery(DiscoveryError::Malformed), None),
        (FetchError::Discovery(DiscoveryError::JwksUri), None),
        (FetchError::Discovery(DiscoveryError::NoJwksUri), None),
        (document(FetchError::Timeout), None),
        (document(FetchError::Connect { detail: detail() }), None),
        (document(FetchError::Tls { problem: TlsProblem::Untrusted, detail: detail() }), None),
        (document(FetchError::Transfer { detail: detail() }), None),
        (FetchError::SystemRoots, None),
        (FetchError::CertificateAuthority, None),
        (keys(FetchError::Status { code: 404 }), None),
        (keys(FetchError::Timeout), None),
        (FetchError::Jwks(JwksError::Malformed), None),
        (FetchError::NoUsableKey { dropped: 1 }, None),
    ] {
        let words = Kubernetes::Says("oidc: authenticator not initialized".to_owned());
        let no_keys = refusal(Unavailable::NoKeys.into(), words.clone(), vec![]);
        let advice = error.advice();
        let fetched = Err(error);
        let lines = refusal_lines(&no_keys, Some((&jwt, &fetched)));
        let found = lines.iter().skip(2).map(|line| line.trim()).collect::<Vec<_>>().join("\n");
        match told {
            Some(told) => assert!(found.starts_with(told), "{fetched:?}: {found}"),
            None => assert_eq!(found, "", "{fetched:?}"),
        }
        let keys = step_line(&step("keys", Outcome::Failed, "x"), Some((&jwt, &fetched)));
        assert!(keys.contains(advice), "{keys}");
        // What is refused for another reason is not refused by that rule.
        let malformed = refusal(Rejection::Credential(CredentialError::NotOneToken), words, vec![]);
        let told = refusal_lines(&malformed, Some((&jwt, &fetched))).join("\n");
        assert!(!told.contains("would go on"), "{told}");
    }
}

#[test]
fn keys_that_are_not_used_are_named() {
    let jwt = jwt();
    let set = authn::jwks::Jwks::parse(br#"{"keys":[{"kty":"oct","kid":"k","k":"AAAA"}]}"#).unwrap();
    let fetched = Ok(FetchedKeys { keys: set.keys, dropped: set.dropped, fresh_for: None });
    let keys = step_line(&step("keys", Outcome::Passed, "1 (ES256)"), Some((&jwt, &fetched)));
    assert!(keys.starts_with("ok    keys: 1 (ES256); \"k\" dropped: "), "{keys}");
    let unknown = refusal(Rejection::UnknownKey, Kubernetes::Unknown, vec![]);
    assert!(refusal_lines(&unknown, Some((&jwt, &fetched))).join("\n").contains("dropped here"));
}

#[test]
fn nothing_that_a_terminal_obeys_is_printed() {
    assert_eq!(printable("a\u{1b}[31m\nb\u{9b} é"), r"a\u{1b}[31m\nb\u{9b} é");
}

#[tokio::test]
async fn a_file_has_a_bound() {
    let path = std::env::temp_dir().join(format!("jwks-sync-explain-{}", std::process::id()));
    let write = |bytes: usize| {
        let mut file = std::fs::File::create(&path).unwrap();
        file.write_all(&vec![b'a'; bytes]).unwrap();
    };
    write(MAX_FILE);
    assert!(TokenText::read(&path).await.is_ok());
    write(MAX_FILE + 1);
    let error = TokenText::read(&path).await.err();
    std::fs::remove_file(&path).unwrap();
    assert!(matches!(error, Some(FileError::TooLarge { limit: MAX_FILE, .. })), "{error:?}");
    assert!(TokenText::read(Path::new("/nowhere")).await.is_err());
}
