//! Upgrades, watches, and paths.

use serde_json::json;
use tests::api_server::Reply;

use crate::contract::contract;
use crate::{Chain, chain, chain_with};

const EXEC: &str = "/api/v1/namespaces/a/pods/b/exec?command=sh&stdin=true";

/// Asks for an upgrade as alice, and holds what arrived at the API server against what must.
async fn upgrade(chain: &Chain, protocol: &str, connection: &str) {
    let request = chain.gateway.client().get(EXEC).bearer(&chain.alice()).header("Connection", connection);
    let (answer, mut wire) = request.upgrade(protocol).await.expect("an answer");
    assert_eq!(answer.status, 101, "{protocol}");
    wire.write(b"to and fro").await.expect("write");
    assert_eq!(wire.read_exactly(10).await.expect("read"), b"to and fro");
    let received = chain.api.last_request();
    assert_eq!((received.version, received.path.as_str()), ("HTTP/1.1", EXEC));
    assert_eq!(received.values("connection"), ["Upgrade"]);
    assert_eq!(received.values("upgrade"), [protocol]);
    assert_eq!(received.values("impersonate-user"), ["alice"]);
}

#[tokio::test]
async fn upgrades() {
    let chain = chain().await;
    contract("stream-websocket");
    contract("headers-upgrade-connection");
    for connection in ["Upgrade", "upgrade", "keep-alive, Upgrade"] {
        upgrade(&chain, "websocket", connection).await;
    }
    contract("stream-spdy");
    upgrade(&chain, "SPDY/3.1", "Upgrade").await;

    contract("stream-extended-connect");
    let request = chain.gateway.client().http2().get(EXEC).bearer(&chain.alice());
    let mut tunnel =
        request.header("sec-websocket-version", "13").tunnel("websocket").await.expect("an answer");
    assert_eq!(tunnel.status, 200);
    tunnel.write(b"ping").expect("write");
    assert_eq!(tunnel.read().await.expect("read"), b"ping");
    let received = chain.api.last_request();
    assert_eq!((received.method.as_str(), received.version), ("GET", "HTTP/1.1"));
    assert_eq!(received.values("connection"), ["Upgrade"]);
    assert_eq!(received.values("upgrade"), ["websocket"]);
    assert_eq!(received.values("sec-websocket-key").len(), 1);
    assert_eq!(received.values("impersonate-user"), ["alice"]);
}

#[tokio::test]
async fn an_upgrade_that_the_api_server_refuses_leaves_no_tunnel() {
    contract("stream-refused-upgrade");
    let chain = chain().await;
    for code in [200, 403, 404, 500] {
        chain.api.reply("/refused", Reply::Json(code, json!({"code": code})));
        chain.api.clear();
        let request = chain.gateway.client().get("/refused").bearer(&chain.alice());
        let (answer, mut wire) = request.upgrade("SPDY/3.1").await.expect("an answer");
        assert_eq!(answer.status, code);
        // What a client sends now must not reach the API server as a request on our connection (CVE-2018-1002105).
        let smuggled = format!(
            "GET /smuggled HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {}\r\n\r\n",
            tests::ApiServer::TOKEN
        );
        _ = wire.write(smuggled.as_bytes()).await;
        _ = wire.read_up_to(4096).await;
        assert_eq!(chain.api.requests_for("/smuggled"), [], "{code}");
        // The connection between Envoy and the API server is as good as before.
        assert_eq!(chain.get(&chain.alice()).await.status, 200);
    }
}

#[tokio::test]
async fn a_watch_delivers_each_event_at_once() {
    contract("stream-watch");
    let chain = chain().await;
    for client in [chain.gateway.client(), chain.gateway.client().http2()] {
        let request = client.get("/api/v1/pods?watch=1").bearer(&chain.alice());
        let mut watch = request.open().await.expect("an answer");
        assert_eq!(watch.status, 200);
        assert!(watch.event().await.expect("the first event").is_some());
        for number in 0..3 {
            chain.api.emit(&json!({"number": number}));
            assert_eq!(watch.event().await.expect("an event"), Some(json!({"number": number})));
        }
    }
    // No timeout of the shipped configuration ends a watch: Envoy says itself what is in force.
    let dump = chain.gateway.envoy.config_dump().await.to_string();
    for setting in [r#""stream_idle_timeout":"0s""#, r#""request_timeout":"0s""#, r#""timeout":"0s""#] {
        assert!(dump.contains(setting), "{setting}");
    }
}

#[tokio::test]
async fn a_path_arrives_as_it_was_sent() {
    contract("stream-path");
    let chain = chain().await;
    for path in [
        "/a//b/../c/./d%2Fe%2e%2e",
        "/api/v1/namespaces/a%2fb/pods",
        "/a;b=c?x=%zz&y=a+b&&z",
        "//double",
        "/%00/%ff",
        "/a?b?c/../d",
    ] {
        assert_eq!(
            chain.gateway.client().get(path).bearer(&chain.alice()).send().await.status,
            200,
            "{path}"
        );
        assert_eq!(chain.api.last_request().path, path);
    }
}

/// Seconds that the short-lived tokens of these tests live.
const LIFE: i64 = 4;

#[tokio::test]
async fn a_stream_ends_with_its_token_if_the_policy_says_so() {
    contract("stream-token-expiry");
    let chain = chain_with(|options| options.filter(&json!({"endStreamsAtTokenExpiry": true}))).await;
    let short = chain.token(|token| token.expires_in(LIFE));
    let expiry = tests::mint::claims(&short)["exp"].as_i64().expect("exp");
    let client = chain.gateway.client();
    // What a client says of the kind neither lengthens a stream nor goes on.
    let watch = |client: tests::Client| {
        let request = client.get("/api/v1/pods?watch=1").bearer(&short);
        request.header("x-envoy-upstream-stream-duration-ms", "3600000").open()
    };
    let (one, two, exec, lasting) = tokio::join!(
        watch(client.clone()),
        watch(client.clone().http2()),
        client.get(EXEC).bearer(&short).upgrade("SPDY/3.1"),
        client.get("/api/v1/pods?watch=1").bearer(&chain.alice()).open(),
    );
    let (_, mut exec) = exec.expect("an answer");
    for mut watch in [one, two].map(|watch| watch.expect("an answer")) {
        while watch.event().await.is_ok_and(|event| event.is_some()) {}
        assert!(tests::mint::now() >= expiry, "it ended before its time");
    }
    assert!(exec.read_exactly(1).await.is_err());
    assert!(tests::mint::now() >= expiry);
    for received in chain.api.requests() {
        assert_eq!(received.lines("x-envoy-upstream"), [], "{received:?}");
    }
    // A token that still lives keeps its stream.
    let mut lasting = lasting.expect("an answer");
    assert!(lasting.event().await.expect("the first event").is_some());
    chain.api.emit(&json!({"number": 1}));
    assert_eq!(lasting.event().await.expect("an event"), Some(json!({"number": 1})));
}

#[tokio::test]
async fn else_a_stream_outlives_its_token() {
    contract("stream-outlives-token");
    let chain = chain().await;
    let short = chain.token(|token| token.expires_in(LIFE));
    let mut watch =
        chain.gateway.client().get("/api/v1/pods?watch=1").bearer(&short).open().await.expect("an answer");
    assert!(watch.event().await.expect("the first event").is_some());
    let is_over = async || chain.get(&short).await.status == 401;
    tests::wait::until(std::time::Duration::from_secs(30), "the token has expired", is_over).await;
    chain.api.emit(&json!({"number": 1}));
    assert_eq!(watch.event().await.expect("an event"), Some(json!({"number": 1})));
}
