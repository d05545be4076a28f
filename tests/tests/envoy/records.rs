//! What the access log says of a request, in the three shipped formats, verbatim: `docs/access-log.md`.

use std::time::Duration;

use serde_json::{Value, json};
use tests::access_log::{entries, with_formats};
use tests::client::read_response;
use tests::http1::Wire;
use tests::process::repository;
use tests::tls::connector;
use tests::{Algorithm, GatewayOptions, SigningKey, wait};
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use tokio_rustls::rustls::pki_types::ServerName;

use crate::chain_with;
use crate::record_rows::{EXEC, alice, path_of, refused, rows};

/// Envoy writes its access log every 10 s.
const SOON: Duration = Duration::from_secs(30);
const PIPELINE: &str = "      - name: envoy.filters.network.http_connection_manager\n";

/// All formats and records, with `peer.yaml`, behind one trusted proxy.
fn with_records(options: GatewayOptions) -> GatewayOptions {
    with_formats(options)
        .alter(PIPELINE, &format!("{}{PIPELINE}", entries("peer.yaml", 6)))
        .alter("use_remote_address: true", "use_remote_address: true\n          xff_num_trusted_hops: 1")
}

/// The lines of each format, of the requests that name `row=NAME` in their path.
#[derive(Debug)]
struct Lines {
    json: Vec<Value>,
    audit: Vec<Value>,
    kube_oidc_proxy: Vec<String>,
}

impl Lines {
    fn read(log: &str, row: &str) -> Self {
        let mark = format!("row={row}");
        let has_mark = |value: &Value, member| {
            value.get(member).and_then(Value::as_str).is_some_and(|text| text.ends_with(&mark))
        };
        let (mut json, mut audit) = (Vec::new(), Vec::new());
        for line in log.lines().filter(|line| line.starts_with('{')) {
            let value: Value = serde_json::from_str(line).expect(line);
            if has_mark(&value, "requestURI") {
                audit.push(value);
            } else if has_mark(&value, "path") {
                json.push(value);
            }
        }
        let kube_oidc_proxy = log.lines().filter(|line| line.split(' ').any(|word| word.ends_with(&mark)));
        let kube_oidc_proxy = kube_oidc_proxy.filter_map(without_timestamp).map(str::to_owned).collect();
        Self { json, audit, kube_oidc_proxy }
    }
}

/// A line of kube-oidc-proxy's, without `[2026-03-01T12:00:00+0000] `.
fn without_timestamp(line: &str) -> Option<&str> {
    let (timestamp, line) = line.strip_prefix('[')?.split_once("] ")?;
    let form: String =
        timestamp.chars().map(|digit| if digit.is_ascii_digit() { '0' } else { digit }).collect();
    (form == "0000-00-00T00:00:00+0000").then_some(line)
}

/// An event without what differs each time, which is held against what it must be.
#[track_caller]
fn event(audit: &Value, stage: &str, code: u64, request_id: &Value) -> Value {
    let mut event = audit.clone();
    let mut take = |name| event.get_mut(name).map(Value::take).unwrap_or_default();
    let (received, at) = (take("requestReceivedTimestamp"), take("stageTimestamp"));
    for time in [&received, &at] {
        let time = time.as_str().expect("a time");
        assert_eq!((time.len(), time.ends_with('Z')), ("2026-03-01T12:00:00.000000Z".len(), true), "{time}");
    }
    assert!(received.as_str() <= at.as_str(), "{received} {at}");
    assert_eq!(take("auditID"), *request_id);
    assert_eq!(request_id.as_str().map(str::len), Some(36));
    assert_eq!(take("responseStatus"), json!({"metadata": {}, "code": code}));
    for (name, value) in
        [("kind", "Event"), ("apiVersion", "audit.k8s.io/v1"), ("level", "Metadata"), ("stage", stage)]
    {
        assert_eq!(take(name), value);
    }
    let members = event.as_object().expect("an object");
    members
        .iter()
        .filter(|(_, value)| !value.is_null())
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect()
}

/// The examples of `docs/access-log.md` are lines of the row `example`, but for addresses, times and ids.
#[track_caller]
fn assert_documented(log: &str) {
    let page = std::fs::read_to_string(repository().join("docs/access-log.md")).expect("the page");
    let example = log.replace("&row=example", "").replace("127.0.0.1", "10.42.0.5");
    let shown: Vec<&str> = page.lines().filter(|line| line.contains("/pods/b/log?follow=true")).collect();
    let [json, kube_oidc_proxy, audit] = <[&str; 3]>::try_from(shown).expect("an example of each format");
    let line = without_timestamp(kube_oidc_proxy).expect("a line");
    assert!(example.lines().any(|real| without_timestamp(real) == Some(line)), "{line}");
    for (shown, differs) in [
        (json, &["time", "issuer", "duration_ms", "bytes_sent", "upstream", "request_id"][..]),
        (audit, &["auditID", "requestReceivedTimestamp", "stageTimestamp"]),
    ] {
        let shown: Value = serde_json::from_str(shown).expect("JSON");
        let real = example.lines().filter(|line| line.contains("/pods/b/log?follow=true"));
        let mut real = real.filter_map(|line| serde_json::from_str::<Value>(line).ok());
        let is_same = real.any(|mut real| {
            for name in differs {
                let members = real.as_object_mut().expect("an object");
                members.insert((*name).to_owned(), shown.get(name).cloned().expect(name));
            }
            real == shown
        });
        assert!(is_same, "{shown}\n{example}");
    }
}

#[tokio::test]
async fn each_request_has_a_line_in_each_format() {
    const OWN: &str = "token-of-the-sidecars-own-account";
    let mut chain = chain_with(|options| with_records(options.asks_with(OWN))).await;
    chain.api.accept_as(OWN, "system:serviceaccount:kube-oidc-filter:gateway");
    chain.api.on_access_review(|spec| json!({"allowed": spec["resourceAttributes"]["name"] == "bob"}));
    let rows = rows();
    for row in &rows {
        let request = chain.gateway.client().get(&path_of(row));
        let answer = (row.request)(&chain, request).send().await;
        assert_eq!(u64::from(answer.status), row.code, "{}: {}", row.name, answer.text());
    }
    // Over HTTP/2 Envoy lets through what is not ASCII.
    let odd = chain.gateway.client().http2().request("GET", b"/api/v1/pods/\xc3\xa9\"]?a=\xc3\xa9&row=bytes");
    assert_eq!(odd.bearer(&chain.alice()).send().await.status, 200);
    let mut watch = chain.gateway.client().get("/api/v1/pods?watch=1&row=watch").bearer(&chain.alice());
    let opened = watch.clone().open().await.expect("a watch");
    drop(opened);
    watch = chain.gateway.client().get(EXEC).bearer(&chain.alice());
    let (answer, wire) = watch.upgrade("SPDY/3.1").await.expect("an answer");
    assert_eq!(answer.status, 101);
    // A tunnel has an event at its beginning; nothing else says of it before its end.
    let begun = async || !Lines::read(&chain.gateway.envoy.log(), "exec").audit.is_empty();
    wait::until(SOON, "the beginning of exec", begun).await;
    let lines = Lines::read(&chain.gateway.envoy.log(), "exec");
    assert_eq!((lines.audit.len(), lines.kube_oidc_proxy.len()), (1, 0), "{lines:?}");
    drop(wire);
    // The sidecar is gone and the key unknown: the request waits, and is refused.
    chain.gateway.sidecar.kill().await;
    let key = SigningKey::shared(Algorithm::ES256).with_kid("unknown");
    let token = tests::Token::of(&chain.issuer).sub("alice").sign(&key);
    let answer = chain.gateway.client().get("/api?row=unavailable").bearer(&token).send().await;
    assert_eq!(answer.status, 503);
    let ended = async || {
        let log = chain.gateway.envoy.log();
        let has_ended = |row| !Lines::read(&log, row).kube_oidc_proxy.is_empty();
        has_ended("exec") && has_ended("watch") && has_ended("unavailable")
    };
    wait::until(SOON, "the last lines", ended).await;

    let log = chain.gateway.envoy.stop().await;
    assert_documented(&log);
    for row in rows {
        let name = row.name;
        let lines = Lines::read(&log, name);
        let expected = row.kube_oidc_proxy.replace('~', &path_of(&row));
        assert_eq!(lines.kube_oidc_proxy, [expected], "{name}");
        let [line] = lines.json.as_slice() else { panic!("{name}: {:?}", lines.json) };
        let [audit] = lines.audit.as_slice() else { panic!("{name}: {:?}", lines.audit) };
        let mut expected = row.audit.clone();
        expected["requestURI"] = path_of(&row).into();
        let event = event(audit, "ResponseComplete", row.code, &line["request_id"]);
        assert_eq!(event, expected, "{name}");
        // The same in the JSON format, whose lists are texts.
        let user = &expected["user"];
        let outcome = if expected["annotations"].is_null() { "forwarded" } else { "refused" };
        assert_eq!((&line["user"], &line["outcome"]), (&user["username"], &outcome.into()), "{name}");
        assert_eq!(line["code"], row.code);
    }
    for (name, code, verb) in [("watch", 200, "watch"), ("exec", 101, "get"), ("unavailable", 503, "get")] {
        let lines = Lines::read(&log, name);
        let ends: Vec<_> = lines.audit.iter().filter(|event| event["stage"] == "ResponseComplete").collect();
        let [end] = ends.as_slice() else { panic!("{name}: {lines:?}") };
        assert_eq!((&end["verb"], &end["responseStatus"]["code"]), (&verb.into(), &code.into()), "{name}");
        assert_eq!(lines.kube_oidc_proxy.len(), 1, "{name}");
    }
    let odd = Lines::read(&log, "bytes");
    let uri = "/api/v1/pods/%C3%A9\"%5D?a=%C3%A9&row=bytes";
    let [line] = odd.kube_oidc_proxy.as_slice() else { panic!("{odd:?}") };
    assert!(line.contains(&format!(" URI:{uri} inbound:[alice ")), "{line}");
    let [audit] = odd.audit.as_slice() else { panic!("{odd:?}") };
    assert_eq!(audit["requestURI"], "/api/v1/pods/%C3%A9%22]?a=%C3%A9&row=bytes");
    assert_eq!(audit["objectRef"], json!({"resource": "pods", "name": "\u{e9}\"]", "apiVersion": "v1"}));
    let exec = Lines::read(&log, "exec");
    assert_eq!(exec.audit.len(), 2, "{exec:?}");
    let expected = json!({
        "verb": "get", "user": alice(), "sourceIPs": ["127.0.0.1"], "requestURI": EXEC,
        "objectRef": {"resource": "pods", "namespace": "a", "name": "b", "apiVersion": "v1", "subresource": "exec"},
    });
    for (begun, stage) in exec.audit.iter().zip(["ResponseStarted", "ResponseComplete"]) {
        assert_eq!(event(begun, stage, 101, &exec.json[0]["request_id"]), expected);
    }
    let unavailable = Lines::read(&log, "unavailable");
    assert_eq!(unavailable.audit[0]["annotations"], refused("refresh_failed"));
    for secret in [tests::ApiServer::TOKEN, "eyJ"] {
        assert!(!log.contains(secret));
    }
}

/// Envoy refuses it, or the filter's VM dies: nothing was decided, nothing went to the API server, and still there is
/// a whole line.
#[tokio::test]
async fn what_got_no_decision_has_its_line_all_the_same() {
    let chain = chain_with(|options| {
        with_records(options).alter("release/kube_oidc_filter.wasm", "killable/kube_oidc_filter.wasm")
    })
    .await;
    let client = chain.gateway.client();
    let killed = client.get("/api/v1/pods?row=killed").bearer(&chain.alice()).header("x-kill-vm", "now");
    _ = killed.try_send().await;
    let underscore = client.get("/api?row=underscore").header("x_y", "z").send().await;
    assert_eq!(underscore.status, 400);
    let not_http = client.raw_request(b"GET /\x01?row=codec HTTP/1.1\r\nhost: x\r\n\r\n").await;
    assert_eq!(not_http.expect("an answer").0.status, 400);
    assert!(chain.api.requests().is_empty());

    let log = chain.gateway.envoy.stop().await;
    let audit = Lines::read(&log, "killed").audit;
    let [audit] = audit.as_slice() else { panic!("{audit:?}") };
    let code = &audit["responseStatus"]["code"];
    assert!(code == 503 || code == 0, "{audit}");
    assert_eq!((&audit["verb"], &audit["user"]), (&"GET".into(), &json!({})), "{audit}");
    assert_eq!(audit["annotations"], refused("not_decided"));
    // Of the others Envoy does not know the path.
    let undecided = r#""authn.kube-oidc-filter.io/reason":"not_decided""#;
    assert_eq!(log.lines().filter(|line| line.contains(undecided)).count(), 3);
    let lines: Vec<_> = log.lines().filter_map(without_timestamp).collect();
    assert_eq!(lines, ["AuFail src:[127.0.0.1 / ] URI:-"; 3]);
}

/// `source.address` is the client by Envoy's reckoning, and only peer.yaml tells who opened the connection.
#[tokio::test]
async fn the_source_is_the_client_that_envoy_trusts_and_the_peer_who_connected() {
    const PROXY: &str = "    listener_filters:
    - name: envoy.filters.listener.proxy_protocol
      typed_config:
        \"@type\": type.googleapis.com/envoy.extensions.filters.listener.proxy_protocol.v3.ProxyProtocol
        allow_requests_without_proxy_protocol: true
";
    const CHAINS: &str = "    filter_chains:\n    - transport_socket_connect_timeout";
    let proxy_protocol = |options: GatewayOptions| options.alter(CHAINS, &format!("{PROXY}{CHAINS}"));
    let v6 = "PROXY TCP6 2001:db8::99 2001:db8::1 1234 443\r\n";
    // What the client says, and `src` with and without the peer.
    let rows = [
        ("", "", "127.0.0.1 / ", "127.0.0.1 / "),
        (v6, "", "127.0.0.1 / 2001:db8::99", "2001:db8::99 / "),
        ("PROXY TCP4 192.0.2.7 192.0.2.1 1234 443\r\n", "", "127.0.0.1 / 192.0.2.7", "192.0.2.7 / "),
        (v6, "10.9.9.9, 198.51.100.9", "127.0.0.1 / 198.51.100.9", "198.51.100.9 / "),
        ("", "::ffff:198.51.100.9", "127.0.0.1 / 198.51.100.9", "198.51.100.9 / "),
        ("", "fe80::1%eth0", "127.0.0.1 / fe80::1", "fe80::1 / "),
        // What is no address counts for nothing.
        ("", "[2001:db8::7]:99", "127.0.0.1 / ", "127.0.0.1 / "),
        ("", "x / ] URI:/", "127.0.0.1 / ", "127.0.0.1 / "),
    ];
    let chains = [
        chain_with(|options| proxy_protocol(with_records(options))).await,
        chain_with(|options| {
            proxy_protocol(with_formats(options)).alter(
                "use_remote_address: true",
                "use_remote_address: true\n          xff_num_trusted_hops: 1",
            )
        })
        .await,
    ];
    for (has_peer, chain) in [true, false].into_iter().zip(chains) {
        for (number, (head, forwarded_for, ..)) in rows.iter().enumerate() {
            let mut tcp = TcpStream::connect(("127.0.0.1", chain.gateway.port)).await.expect("connect");
            tcp.write_all(head.as_bytes()).await.expect("write");
            let name = ServerName::try_from("127.0.0.1").expect("a name");
            let tls = connector(chain.gateway.ca.pem(), &["http/1.1"]).connect(name, tcp).await;
            let mut wire = Wire::new(tls.expect("TLS"));
            let lines = if forwarded_for.is_empty() {
                String::new()
            } else {
                format!("x-forwarded-for: {forwarded_for}\r\n")
            };
            let request = format!("GET /api?row={number} HTTP/1.1\r\nhost: x\r\n{lines}\r\n");
            wire.write(request.as_bytes()).await.expect("write");
            assert_eq!(read_response(&mut wire, "GET").await.expect("an answer").status, 401);
        }
        let log = chain.gateway.envoy.stop().await;
        for (number, (.., with_peer, without)) in rows.iter().enumerate() {
            let src = if has_peer { with_peer } else { without };
            let line = format!("AuFail src:[{src}] URI:/api?row={number}");
            assert_eq!(Lines::read(&log, &number.to_string()).kube_oidc_proxy, [line]);
        }
    }
}

#[tokio::test]
async fn no_client_can_fill_the_log() {
    let chain = chain_with(with_records).await;
    let groups: Vec<_> = (0..800).map(|number| format!("[{number:07}]")).collect();
    let token = chain.token(|token| token.claim("groups", json!(groups)));
    let path = format!("/long{}", "[\"|]".repeat(15_000));
    for token in [token, "rubbish".to_owned()] {
        let request = chain.gateway.client().request("GET", path.as_bytes()).bearer(&token);
        let answer = request.header("user-agent", [b'"'; 4000]).send().await;
        assert!(matches!(answer.status, 200 | 401), "{}", answer.text());
    }
    // Two requests, three formats. Only whole lines count: what Envoy says when it ends may stand in the midst of one.
    let written = async || {
        let log = chain.gateway.envoy.log();
        let is_ours = |line: &&str| line.contains("/long%5B") || line.contains("/long[");
        let lines: Vec<_> = log.lines().filter(is_ours).map(str::to_owned).collect();
        (lines.len() == 6).then_some(lines)
    };
    let lines = wait::found(SOON, "six lines of the access log", written).await;
    for line in lines {
        assert!(line.len() <= 24 * 1024 + 512, "{}", line.len());
        let is_cut = line.contains("...TRUNCATED") || !line.contains("audit.k8s.io");
        assert!(is_cut, "{line}");
        if line.contains("audit.k8s.io/v1") {
            let event: Value = serde_json::from_str(&line).expect("JSON");
            assert_eq!(event["annotations"]["audit.k8s.io/truncated"], "true");
        }
    }
}
