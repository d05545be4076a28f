//! The sidecar by itself: what it makes of issuers that misbehave, of bad files, and of signals.
#![expect(clippy::expect_used, reason = "a test stops at the first surprise")]

use std::os::unix::fs::PermissionsExt as _;
use std::time::Duration;

use serde_json::{Value, json};
use tests::gateway::configuration;
use tests::{Algorithm, Fault, Issuer, Sidecar, SigningKey, Token, wait};

#[path = "sidecar/claims.rs"]
mod claims;
#[path = "sidecar/explain.rs"]
mod explain;
#[path = "sidecar/impersonation.rs"]
mod impersonation;
#[path = "sidecar/reload.rs"]
mod reload;
#[path = "sidecar/tokens.rs"]
mod tokens;

const SOON: Duration = Duration::from_secs(30);
const FLAGS: [&str; 4] = [
    "--authentication-config=${DIR}/authn.json",
    "--upstream-token-file=${DIR}/token",
    "--listen=unix:${SOCKET}",
    "--health-address=${HEALTH}",
];

/// `jwks-sync check` with this configuration: whether it succeeded, and what it said.
async fn check(configuration: &Value) -> (bool, String) {
    let sidecar = Sidecar::new();
    sidecar.write("authn.json", configuration.to_string());
    let output = sidecar.command(&["check", "--authentication-config=${DIR}/authn.json"]).await;
    let text = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8(text).expect("text"))
}

#[tokio::test]
async fn check_says_what_is_wrong_with_an_issuer() {
    let good = Issuer::start().await;
    let (succeeded, report) = check(&configuration(&[&good])).await;
    assert!(succeeded && report.contains(&good.url()) && report.contains("1 key (ES256)"), "{report}");

    let elsewhere = Issuer::start().await;
    let redirect = Fault::RedirectTo(format!("{}{}", elsewhere.url(), tests::issuer::JWKS));
    let rows = [
        (Fault::Status(404), "HTTP status 404"),
        (Fault::Garbage, "not a "),
        (Fault::HugeBody, "bytes"),
        (Fault::CloseConnection, "connection"),
        (redirect, "redirect"),
    ];
    for (fault, words) in rows {
        for document in ["discovery", "jwks"] {
            let issuer = Issuer::start().await;
            if document == "jwks" {
                issuer.jwks_fault(fault.clone())
            } else {
                issuer.discovery_fault(fault.clone())
            }
            // The good one beside it is as good as ever.
            let (succeeded, report) = check(&configuration(&[&issuer, &good])).await;
            assert!(
                !succeeded && report.contains("FAIL") && report.contains(words),
                "{document} {fault:?}: {report}"
            );
            assert!(report.contains("1 key (ES256)"), "{document} {fault:?}: {report}");
        }
    }
    assert_eq!(elsewhere.jwks_requests(), 0, "a redirect to another host is not followed");

    let liar = Issuer::start().await;
    liar.discovery_fault(Fault::WrongIssuer);
    let (succeeded, report) = check(&configuration(&[&liar])).await;
    assert!(!succeeded && report.contains("issuer did not match"), "{report}");

    let mut untrusted = configuration(&[&good]);
    untrusted["jwt"][0]["issuer"]["certificateAuthority"] = json!(liar.ca_pem());
    let (succeeded, report) = check(&untrusted).await;
    assert!(!succeeded && report.contains("certificate"), "{report}");
}

#[tokio::test]
async fn one_bad_key_never_costs_the_others() {
    let issuer = Issuer::start().await;
    let modulus = tests::mint::encode(&[0xff; 128]);
    let weak = json!({"kty": "RSA", "n": modulus, "e": "AQAB", "kid": "1024 bits"});
    let mut private = SigningKey::generate(Algorithm::ES384).jwk();
    private["d"] = json!("AAAA");
    let keys = vec![weak, json!({"kty": "oct", "k": "AAAA"}), private, json!(7), issuer.key().jwk()];
    issuer.publish_jwks(keys);
    let (succeeded, report) = check(&configuration(&[&issuer])).await;
    assert!(succeeded && report.contains("1 key (ES256)") && report.contains("4 keys dropped"), "{report}");
}

#[tokio::test]
async fn bad_files_and_flags_stop_the_start() {
    let rows: [(&str, &str); 5] = [
        ("{}", "Object 'Kind' is missing"),
        (
            r#"{"apiVersion":"apiserver.config.k8s.io/v1","kind":"AuthenticationConfiguration","jwtt":[]}"#,
            "unknown field \"jwtt\"",
        ),
        (
            r#"{"apiVersion":"apiserver.config.k8s.io/v1","kind":"AuthenticationConfiguration","jwt":[{"issuer":{"url":"http://a","audiences":["a"]},"claimMappings":{"username":{"claim":"sub","prefix":""}}}]}"#,
            "jwt[0].issuer.url: Invalid value: \"http://a\": URL scheme must be https",
        ),
        (
            r#"{"apiVersion":"apiserver.config.k8s.io/v1","kind":"AuthenticationConfiguration","jwt":[{"issuer":{"url":"https://a","audiences":["a"]},"claimMappings":{"username":{"expression":"claims.sub +"}}}]}"#,
            "jwt[0].claimMappings.username.expression: Invalid value: \"claims.sub +\": compilation failed: ERROR: \
             <input>:1:13: Syntax error",
        ),
        (
            r#"{"apiVersion":"apiserver.config.k8s.io/v1","kind":"AuthenticationConfiguration","jwt":[{"issuer":{"url":"https://a","audiences":["a"]},"claimMappings":{"username":{"expression":"string(timestamp(claims.t).getHours('Asia/Tokyo'))"}}}]}"#,
            "jwt[0].claimMappings.username.expression: Forbidden: not supported: ",
        ),
    ];
    for (file, words) in rows {
        let mut sidecar = Sidecar::new();
        sidecar.write("authn.json", file);
        sidecar.write("token", "t");
        sidecar.spawn(&FLAGS).await;
        assert_eq!(sidecar.exit_code().await, Some(1), "{file}");
        assert!(sidecar.log().contains(words), "{}", sidecar.log());
    }
    // A kubeconfig is looked at before it is needed.
    let mut sidecar = Sidecar::new();
    sidecar.write("authn.json", configuration(&[]).to_string());
    sidecar.write("token", "t");
    sidecar.spawn(&[&FLAGS[..], &["--kubeconfig=${DIR}/missing"]].concat()).await;
    assert_eq!(sidecar.exit_code().await, Some(1));
    assert!(sidecar.log().contains("--kubeconfig: kubeconfig "), "{}", sidecar.log());
    let mut sidecar = Sidecar::new();
    sidecar.write("token", "t");
    let flags =
        ["--oidc-issuer-url=https://a", "--upstream-token-file=${DIR}/token", "--listen=unix:${SOCKET}"];
    sidecar.spawn(&flags).await;
    assert_eq!(sidecar.exit_code().await, Some(1));
    let words = "oidc-issuer-url and oidc-client-id must be specified together when any oidc-* flags are set";
    assert!(sidecar.log().contains(words), "{}", sidecar.log());
}

#[tokio::test]
async fn the_clusters_own_issuer_is_kept_out_where_it_is_known_and_pointed_at_where_it_is_not() {
    let issuer = Issuer::start().await;
    let url = issuer.url();
    let token = Token::of(&issuer).sub("system:serviceaccount:a:b").sign(&issuer.key());
    let mut sidecar = Sidecar::new();
    sidecar.write("authn.json", configuration(&[&issuer]).to_string());
    sidecar.write("token", &token);
    sidecar.start(&FLAGS).await;
    sidecar.until_logged("probably the cluster's own").await;
    assert!(!sidecar.log().contains(&token), "the token is in the log");

    let flag = format!("--service-account-issuer={url}");
    let words = format!(
        "issuer.url: Invalid value: \"{url}\": URL must not overlap with disallowed issuers: [{url} https://other]"
    );
    let mut flags: Vec<&str> = vec![&flag, "--service-account-issuer=https://other"];
    flags.extend(FLAGS);
    let mut told = Sidecar::new();
    told.write("authn.json", configuration(&[]).to_string());
    told.write("token", &token);
    told.start(&flags).await;
    told.write("authn.json", configuration(&[&issuer]).to_string());
    told.until_logged(&format!("jwt[0].{}", words.replace('"', "\\\""))).await;
    assert!(told.log().contains("failed to validate authentication config"), "{}", told.log());

    let mut refused = Sidecar::new();
    refused.write("authn.json", configuration(&[&issuer]).to_string());
    refused.write("token", &token);
    refused.spawn(&flags).await;
    assert_eq!(refused.exit_code().await, Some(1));
    assert!(refused.log().contains(&format!("jwks-sync: {words}")), "{}", refused.log());
}

#[tokio::test]
async fn a_life_from_start_to_sigterm() {
    let (issuer, broken) = (Issuer::start().await, Issuer::start().await);
    broken.discovery_fault(Fault::Status(500));
    let mut sidecar = Sidecar::new();
    sidecar.write("authn.json", configuration(&[&issuer, &broken]).to_string());
    sidecar.write("token", "t\n");
    sidecar.spawn(&FLAGS).await;
    let attempted = async || {
        let readiness = sidecar_health(&sidecar, "/readyz?verbose").await?;
        (readiness.contains("[+]issuer") && readiness.contains("[-]issuer")).then_some(readiness)
    };
    let readiness = wait::found(SOON, "one issuer is good and one is not", attempted).await;
    assert!(readiness.contains(&format!("[-]issuer {} failed", broken.url())), "{readiness}");
    assert!(readiness.contains("[+]credential ok"), "{readiness}");
    assert_eq!(sidecar.health("/readyz").await.status, 503);
    assert_eq!(sidecar.health("/livez").await.status, 200);
    let mode = sidecar.socket().metadata().expect("the socket").permissions().mode();
    assert_eq!(mode & 0o777, 0o660);
    let metrics = sidecar.health("/metrics").await.text();
    for name in ["jwks_sync_fetches_total", "jwks_sync_keys", "jwks_sync_last_success_timestamp_seconds"] {
        assert!(metrics.contains(name), "{metrics}");
    }
    // Idle connections don't keep the kubelet out.
    let mut idle = Vec::new();
    for _ in 0..300 {
        let address = ("127.0.0.1", sidecar.health_port());
        idle.push(tokio::net::TcpStream::connect(address).await.expect("a connection"));
    }
    assert_eq!(sidecar.health("/livez").await.status, 200);
    drop(idle);
    broken.discovery_fault(Fault::None);
    sidecar.until_ready().await;
    sidecar.stop().await;
    assert!(!sidecar.socket().exists());
}

async fn sidecar_health(sidecar: &Sidecar, path: &str) -> Option<String> {
    let answer = tests::Client::plain(sidecar.health_port()).get(path).try_send().await.ok()?;
    Some(answer.text())
}

#[tokio::test]
async fn an_issuer_behind_a_proxy() {
    // A name that no resolver knows: only the proxy can lead there, and it is told to.
    let mut configuration = configuration(&[&Issuer::start().await]);
    configuration["jwt"][0]["issuer"]["url"] = json!("https://issuer.invalid");
    let proxy = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = proxy.local_addr().expect("its address");
    let sidecar = Sidecar::new();
    sidecar.write("authn.json", configuration.to_string());
    let asked = async {
        let (mut client, _) = proxy.accept().await.expect("a client");
        let mut line = vec![0; 64];
        let length = tokio::io::AsyncReadExt::read(&mut client, &mut line).await.expect("a request");
        String::from_utf8_lossy(line.get(..length).unwrap_or_default()).into_owned()
    };
    let flags = ["check", "--authentication-config=${DIR}/authn.json"];
    let proxy_url = format!("http://{address}");
    let environment = [("HTTPS_PROXY", proxy_url.as_str()), ("NO_PROXY", "")];
    let (line, output) = tokio::join!(asked, sidecar.command_with(&flags, &environment));
    assert!(line.starts_with("CONNECT issuer.invalid:443 HTTP/1.1"), "{line}");
    assert!(!output.status.success());
}
