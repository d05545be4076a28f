//! exec, attach, logs, port-forward, cp and watch, as kubectl does them.

use std::time::Duration;

use tests::cluster::Running;
use tests::wait;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::cluster::SOON;
use crate::node::{Mark, Node, PROTOCOLS, Protocol, VERSIONS};
use crate::{refusals, timeouts};

/// One cluster for all of it, since starting one takes longer than any row.
#[tokio::test]
async fn streams() {
    let node = Node::start(|options| options).await;
    for protocol in PROTOCOLS {
        exec(&node, protocol).await;
        attach(&node, protocol).await;
        port_forward(&node, protocol).await;
        copy(&node, protocol).await;
        refusals::no_right_to_exec(&node, protocol).await;
    }
    websocket_over_http2(&node).await;
    logs(&node).await;
    for (version, disable_http2) in VERSIONS {
        follow(&node, version, disable_http2).await;
        watch(&node, version, disable_http2).await;
    }
    refusals::a_refused_upgrade_is_the_end_of_it(&node).await;
    timeouts::in_force(&node).await;
    assert_eq!(node.cluster.gateway.vm_reloads().await, 0);
}

/// Standard input and its end, both outputs, and the exit code.
async fn exec(node: &Node, protocol: Protocol) {
    let (mark, kubectl) = (node.mark(), node.over(protocol, node.alice()).await);
    let input: String = (0..100_000).map(|number| format!("line {number}\n")).collect();
    let command = ["exec", "--stdin", "web", "--", "sh", "-c", "cat; echo nothing more >&2; exit 7"];
    let called = kubectl.run_with(&command, &input).await;
    assert_eq!(called.code, Some(7), "{protocol:?}: {}", called.stderr);
    assert!(called.stdout == input, "{protocol:?}: {} bytes of {}", called.stdout.len(), input.len());
    assert_eq!(called.stderr, "nothing more\ncommand terminated with exit code 7\n");
    assert_eq!(kubectl.ok(&["exec", "web", "--", "echo", "a  b", "c&d=%20"]).await, "a  b c&d=%20\n");
    node.tunnels(mark, "exec", protocol).await;
}

/// A WebSocket of an HTTP/2 client, as a browser opens one: an extended CONNECT without `Sec-WebSocket-Key` (RFC 8441
/// 5), which kube-apiserver's HTTP/1.1 insists on.
async fn websocket_over_http2(node: &Node) {
    let path = "/api/v1/namespaces/default/pods/web/exec?command=echo&command=hello&stdout=true";
    let request = node.cluster.gateway.client().http2().get(path).bearer(node.alice());
    let request =
        request.header("sec-websocket-version", "13").header("sec-websocket-protocol", "v5.channel.k8s.io");
    let mut tunnel = request.tunnel("websocket").await.expect("an answer");
    assert_eq!(tunnel.status, 200, "{:?}", tunnel.headers);
    let mut frames = Vec::new();
    // Channel 1 is standard output (RemoteCommand's v5.channel.k8s.io).
    while !frames.windows(7).any(|frame| frame == b"\x01hello\n") {
        let piece =
            tokio::time::timeout(SOON, tunnel.read()).await.expect("a frame in time").expect("a frame");
        assert!(!piece.is_empty(), "the tunnel ended: {frames:?}");
        frames.extend(piece);
    }
}

async fn attach(node: &Node, protocol: Protocol) {
    let (mark, kubectl) = (node.mark(), node.over(protocol, node.alice()).await);
    let mut attached = kubectl.start(&["attach", "web"]);
    node.tunnels(mark, "attach", protocol).await;
    next_line(node, &mut attached, "attached").await;
    attached.kill().await;
}

/// Has the container write a line until `attach` shows it. What was written before is not shown, and when exactly
/// "before" ends, only the kubelet knows.
pub(crate) async fn next_line(node: &Node, attached: &mut Running, line: &str) {
    let shown = async || {
        node.kwok.log(line);
        attached.line_within(Duration::from_millis(200)).await
    };
    assert_eq!(wait::found(SOON, "a line of the container", shown).await, line);
}

/// Two connections through one tunnel, with 8 MiB each way on each.
async fn port_forward(node: &Node, protocol: Protocol) {
    let (mark, kubectl) = (node.mark(), node.over(protocol, node.alice()).await);
    let mut forward = kubectl.start(&["port-forward", "--address", "127.0.0.1", "pod/web", ":80"]);
    let port = forwarded_port(&forward.line().await);
    for seed in [1, 2] {
        let stream = TcpStream::connect(("127.0.0.1", port)).await.expect("a connection to kubectl");
        let (mut read, mut write) = stream.into_split();
        let (sent, mut received) = (bytes(seed, 8 << 20), vec![0; 8 << 20]);
        let both = async { tokio::join!(write.write_all(&sent), read.read_exact(&mut received)) };
        let (written, read) = tokio::time::timeout(SOON, both).await.expect("the echo within a minute");
        written.expect("write to the pod");
        read.expect("read from the pod");
        assert!(sent == received, "{protocol:?}: not what was sent");
    }
    node.tunnels(mark, "portforward", protocol).await;
    forward.kill().await;
}

/// A file of all kinds of bytes to the pod and back again.
async fn copy(node: &Node, protocol: Protocol) {
    let (mark, kubectl) = (node.mark(), node.over(protocol, node.alice()).await);
    let (content, there) = (bytes(3, 3 << 20), node.kwok.files().join("there"));
    std::fs::write(kubectl.directory().join("here"), &content).expect("write a file");
    kubectl.ok(&["cp", "here", "web:there"]).await;
    assert!(std::fs::read(&there).expect("the file in the pod") == content, "{protocol:?}: up");
    kubectl.ok(&["cp", "web:there", "back"]).await;
    let back = std::fs::read(kubectl.directory().join("back")).expect("the file that came back");
    assert!(back == content, "{protocol:?}: down");
    std::fs::remove_file(there).expect("remove the file");
    node.tunnels(mark, "exec", protocol).await;
}

async fn logs(node: &Node) {
    let kubectl = node.cluster.kubectl(node.alice()).await;
    node.kwok.log("the last line");
    assert_eq!(kubectl.ok(&["logs", "web", "--tail", "1"]).await, "the last line\n");
}

/// `logs -f`: each line at once.
async fn follow(node: &Node, version: &str, disable_http2: &str) {
    let (mark, kubectl) = (node.mark(), node.without_http2(disable_http2).await);
    node.kwok.log("first");
    let mut logs = kubectl.start(&["logs", "--follow", "web", "--tail", "1"]);
    assert_eq!(logs.line().await, "first");
    for number in 0..3 {
        node.kwok.log(&format!("then {number}"));
        assert_eq!(logs.line().await, format!("then {number}"));
    }
    logs.kill().await;
    ended(node, mark, "/pods/web/log?", version).await;
}

/// `get --watch`: each event at once.
async fn watch(node: &Node, version: &str, disable_http2: &str) {
    let (mark, kubectl) = (node.mark(), node.without_http2(disable_http2).await);
    let mut watch = kubectl.start(&["get", "configmaps", "--watch", "--output", "name"]);
    for number in 0..3 {
        let name = format!("{}-{number}", version.replace('/', "").to_lowercase());
        node.cluster.server.admin().ok(&["create", "configmap", &name]).await;
        watch.until(&format!("configmap/{name}")).await;
    }
    watch.kill().await;
    ended(node, mark, "watch=true", version).await;
    node.cluster.audited("dex:alice@example.com", "watch", 200).await;
}

/// Waits until Envoy has recorded the end of a stream, and holds its version against what must be.
async fn ended(node: &Node, mark: Mark, path: &str, version: &str) {
    let found = async || node.access_log(mark, path).into_iter().next();
    let line = wait::found(SOON, &format!("the end of {path}"), found).await;
    assert_eq!((&line["protocol"], &line["code"]), (&version.into(), &200.into()), "{line}");
}

/// The port in "Forwarding from 127.0.0.1:40000 -> 80".
pub(crate) fn forwarded_port(line: &str) -> u16 {
    let port = line.split_once("127.0.0.1:").and_then(|(_, rest)| rest.split(' ').next()?.parse().ok());
    port.unwrap_or_else(|| panic!("no port in {line:?}"))
}

/// Bytes without a pattern, but the same each time (xorshift).
fn bytes(seed: u64, count: usize) -> Vec<u8> {
    let mut state = seed;
    let next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()[3]
    };
    std::iter::repeat_with(next).take(count).collect()
}
