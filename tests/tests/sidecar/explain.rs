//! `jwks-sync explain`, against a live issuer.

use serde_json::{Value, json};
use tests::gateway::configuration;
use tests::{Fault, Issuer, Sidecar, Token};

/// `jwks-sync` with these flags and this token in a file: its exit status, and all that it said.
async fn run(issuers: &[&Issuer], command: &str, token: &str) -> (Option<i32>, String) {
    let sidecar = Sidecar::new();
    let mut configuration = configuration(issuers);
    let rules = json!([{"expression": "claims.hd == 'example.com'", "message": "only our own domain"}]);
    let authenticators = configuration.pointer_mut("/jwt").and_then(Value::as_array_mut);
    for authenticator in authenticators.expect("a list of issuers") {
        let authenticator = authenticator.as_object_mut().expect("an issuer");
        authenticator.insert("claimValidationRules".to_owned(), rules.clone());
    }
    sidecar.write("authn.json", configuration.to_string());
    sidecar.write("token", format!("{token}\n"));
    let flags = [command, "--authentication-config=${DIR}/authn.json", "--token-file=${DIR}/token"];
    let output = sidecar.command(&flags).await;
    let text = [output.stdout, output.stderr].concat();
    (output.status.code(), String::from_utf8(text).expect("text"))
}

fn of(issuer: &Issuer) -> Token {
    Token::of(issuer).sub("alice").claim("hd", json!("example.com"))
}

#[tokio::test]
async fn explain_says_who_a_token_is_or_why_it_is_nobody() {
    let (issuer, other) = (Issuer::start().await, Issuer::start().await);
    let both = [&issuer, &other];
    let good = of(&issuer).sign(&issuer.key());
    let (status, report) = run(&both, "explain", &good).await;
    assert!(status == Some(0) && report.contains("let in  username: \"alice\""), "{report}");
    assert!(report.contains(&issuer.url()) && report.contains("system:authenticated"), "{report}");
    assert!(report.contains("note  by the files as they are now"), "{report}");
    assert_eq!(other.jwks_requests(), 0, "only the token's issuer is asked");

    let rows = [
        (
            of(&issuer).expires_in(-5).sign(&issuer.key()),
            "kube-apiserver: oidc: verify token: oidc: token is expired (Token Expiry: ",
        ),
        (of(&issuer).sign(&other.key()), "reason: unknown_key"),
        (
            of(&issuer).claim("hd", json!("other")).sign(&issuer.key()),
            "kube-apiserver: oidc: error evaluating claim validation expression: validation expression \
             'claims.hd == 'example.com'' failed: only our own domain",
        ),
        (of(&issuer).sub("system:admin").sign(&issuer.key()), "kube-apiserver would go on: system-names"),
        (
            Token::issued_by("https://nobody.example").sign(&issuer.key()),
            "kube-apiserver: invalid bearer token",
        ),
        ("no token".to_owned(), "reason: not_one_token"),
    ];
    for (token, words) in rows {
        let (status, report) = run(&both, "explain", &token).await;
        assert!(status == Some(1) && report.contains(words), "{report}");
        let is_nobodys = token == "no token" || words.contains("invalid bearer token");
        assert_eq!(
            report.contains("note  whether it is one of the API server's own"),
            is_nobodys,
            "{report}"
        );
        assert!(report.contains("note  by the files as they are now"), "{report}");
        for part in token.split('.').filter_map(|part| part.get(..20)) {
            assert!(!report.contains(part), "{report}");
        }
    }

    // A key that came up a moment ago is seen: the issuer is asked anew each time.
    let rotated = issuer.rotate();
    let (status, report) = run(&both, "explain", &of(&issuer).sign(&rotated)).await;
    assert!(status == Some(0), "{report}");
}

#[tokio::test]
async fn check_explains_a_token_at_its_end() {
    let issuer = Issuer::start().await;
    let (status, report) = run(&[&issuer], "check", &of(&issuer).sign(&issuer.key())).await;
    assert!(status == Some(0) && report.contains("let in  username: \"alice\""), "{report}");
    let (status, report) = run(&[&issuer], "check", &of(&issuer).aud(json!("x")).sign(&issuer.key())).await;
    assert!(status == Some(1) && report.contains("got [\"x\"]"), "{report}");
}

#[tokio::test]
async fn an_issuer_that_can_not_be_asked_is_told_with_advice() {
    let issuer = Issuer::start().await;
    let token = of(&issuer).sign(&issuer.key());
    issuer.discovery_fault(Fault::Status(404));
    let (status, report) = run(&[&issuer], "explain", &token).await;
    assert!(status == Some(1) && report.contains("HTTP status 404"), "{report}");
    assert!(report.contains("kube-apiserver: oidc: authenticator not initialized"), "{report}");
    // What is our own strictness, or this machine's trouble, is not put into its mouth.
    for (fault, words) in [
        (Fault::RedirectTo("https://elsewhere.example/".to_owned()), "would go on: document-redirect ("),
        (Fault::HugeBody, "would go on: document-size ("),
        (Fault::CloseConnection, "refused  503"),
    ] {
        issuer.discovery_fault(fault);
        let (status, report) = run(&[&issuer], "explain", &token).await;
        assert!(status == Some(1) && report.contains(words), "{report}");
        assert!(!report.contains("not initialized"), "{report}");
    }
}
