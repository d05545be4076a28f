//! No timeout of the shipped configuration ends a stream.

use std::time::{Duration, Instant};

use serde_json::Value;
use tests::cluster::Running;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::node::{Node, PROTOCOLS, VERSIONS};
use crate::streams::{forwarded_port, next_line};

/// What every timeout is cut down to. A busy machine must still manage a handshake in it.
const SHORT: Duration = Duration::from_secs(2);

/// The streams are silent for longer than any timeout lasts, and go on.
#[tokio::test]
async fn streams_outlive_every_timeout() {
    let node = Node::start(|options| options.rewrite(hasty)).await;
    let (admin, mark) = (node.cluster.server.admin(), node.mark());
    admin.ok(&["create", "configmap", "before"]).await;
    let (mut execs, mut forwards, mut shown, mut watches) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for protocol in PROTOCOLS {
        let kubectl = node.over(protocol, node.alice()).await;
        let mut exec = kubectl.start(&["exec", "--stdin", "web", "--", "cat"]);
        echo(&mut exec, "before").await;
        execs.push(exec);
        let mut forward = kubectl.start(&["port-forward", "--address", "127.0.0.1", "pod/web", ":80"]);
        let port = forwarded_port(&forward.line().await);
        let mut stream = TcpStream::connect(("127.0.0.1", port)).await.expect("a connection to kubectl");
        echo_bytes(&mut stream, b"before").await;
        forwards.push((forward, stream));
        let mut attached = kubectl.start(&["attach", "web"]);
        next_line(&node, &mut attached, "before").await;
        shown.push(attached);
    }
    for (_, disable_http2) in VERSIONS {
        let kubectl = node.without_http2(disable_http2).await;
        let mut logs = kubectl.start(&["logs", "--follow", "web"]);
        logs.until("before").await;
        shown.push(logs);
        let mut watch = kubectl.start(&["get", "configmaps", "--watch", "--output", "name"]);
        watch.until("configmap/before").await;
        watches.push(watch);
    }

    for _ in 0..3 {
        an_idle_connection_is_closed(&node).await;
    }

    for exec in &mut execs {
        echo(exec, "after").await;
    }
    for (_, stream) in &mut forwards {
        echo_bytes(stream, b"after").await;
    }
    node.kwok.log("after");
    for running in &mut shown {
        running.until("after").await;
    }
    admin.ok(&["create", "configmap", "after"]).await;
    for watch in &mut watches {
        watch.until("configmap/after").await;
    }
    // No end and new beginning behind our back, either.
    for path in ["/pods/web/", "watch=true"] {
        let mut lines = node.access_log(mark, path);
        lines.retain(|line| line["event"] == "DownstreamEnd");
        assert_eq!(lines, [] as [Value; 0]);
    }
}

/// The bootstrap with every duration cut down. Those of TCP, which are plain numbers there, concern only a peer whose
/// kernel doesn't answer.
fn hasty(bootstrap: &str) -> String {
    let cut = |word: &str| {
        let duration = word.trim_end_matches([' ', '\n', ',', '}']);
        let seconds = duration.strip_suffix('s').and_then(|number| number.parse::<f64>().ok());
        let long = seconds.is_some_and(|seconds| seconds > SHORT.as_secs_f64());
        if long { word.replacen(duration, &format!("{}s", SHORT.as_secs()), 1) } else { word.to_owned() }
    };
    let cut = bootstrap.split_inclusive('\n').flat_map(|line| line.split_inclusive(' ')).map(cut).collect();
    assert_ne!(cut, bootstrap, "no timeout in the bootstrap");
    cut
}

/// Waits until Envoy has closed a connection because of `idle_timeout`: since all timeouts are as long, each that had
/// begun before has passed then.
async fn an_idle_connection_is_closed(node: &Node) {
    let began = Instant::now();
    let mut idle = node.cluster.gateway.client().connect().await.expect("a connection");
    assert_eq!(idle.read_up_to(1).await.expect("the end of the connection"), b"");
    // Not at once, for some other reason. Envoy counts by its own clock, and in whole milliseconds.
    assert!(began.elapsed() > SHORT / 2, "closed after {:?}", began.elapsed());
}

async fn echo(exec: &mut Running, line: &str) {
    exec.say(line).await;
    assert_eq!(exec.line().await, line);
}

async fn echo_bytes(stream: &mut TcpStream, bytes: &[u8]) {
    let mut received = vec![0; bytes.len()];
    stream.write_all(bytes).await.expect("write to the pod");
    let read = tokio::time::timeout(crate::cluster::SOON, stream.read_exact(&mut received)).await;
    read.expect("the echo within a minute").expect("read from the pod");
    assert_eq!(received, bytes);
}

/// What is in force with the shipped bootstrap as it is, in Envoy's own words.
pub(crate) async fn in_force(node: &Node) {
    let dump = node.cluster.gateway.envoy.config_dump().await;
    let managers = objects(&dump, &|object| object["stat_prefix"] == "kubernetes_api");
    assert!(!managers.is_empty());
    for manager in managers {
        assert_eq!(
            (&manager["stream_idle_timeout"], &manager["request_timeout"]),
            (&"0s".into(), &"0s".into())
        );
    }
    let routes = objects(&dump, &|object| object["cluster"] == "kube_apiserver");
    assert!(!routes.is_empty());
    for route in routes {
        assert_eq!((&route["timeout"], &route["idle_timeout"]), (&"0s".into(), &Value::Null), "{route}");
    }
    for limit in ["max_stream_duration", "max_connection_duration", "max_downstream_connection_duration"] {
        assert_eq!(objects(&dump, &|object| object.get(limit).is_some()), [] as [&Value; 0]);
    }
}

/// All JSON objects in there of which this holds.
fn objects<'a>(value: &'a Value, holds: &dyn Fn(&Value) -> bool) -> Vec<&'a Value> {
    let members: Vec<&Value> = match value {
        Value::Array(elements) => elements.iter().collect(),
        Value::Object(members) => members.values().collect(),
        _ => return Vec::new(),
    };
    let inner = members.into_iter().flat_map(|member| objects(member, holds));
    Some(value).filter(|value| value.is_object() && holds(value)).into_iter().chain(inner).collect()
}
