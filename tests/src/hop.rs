//! A second proxy between Envoy and the API server: nginx, HAProxy, or Go's `httputil.ReverseProxy`.
//!
//! Each reads and heeds hop-by-hop headers in its own way, which a client may try to turn against the headers that
//! Envoy has set. So each passes on as much as it can be made to: upgrades, odd names, trailers.

use std::path::Path;
use std::time::Duration;

use tempfile::TempDir;
use tokio::process::Command;

use crate::client::Client;
use crate::gateway::Upstream;
use crate::process::{Process, free_port, render, tool};
use crate::tls::Ca;

/// How long one may take to start, on a busy machine.
const START: Duration = Duration::from_secs(30);

/// Which proxy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// HAProxy in mode http.
    Haproxy,
    /// nginx, with the upgrade mapping of its documentation.
    Nginx,
    /// `httputil.ReverseProxy` (`tests/tools/reverse-proxy`).
    ReverseProxy,
}

impl Kind {
    /// The name that `tests/tools/install` knows it by. Answers that it makes or passes on have it in `x-hop`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Haproxy => "haproxy",
            Self::Nginx => "nginx",
            Self::ReverseProxy => "reverse-proxy",
        }
    }
}

/// The running proxy; killed when dropped.
#[derive(Debug)]
pub struct Hop {
    ca: Ca,
    port: u16,
    process: Process,
    _directory: TempDir,
}

impl From<&Hop> for Upstream {
    fn from(hop: &Hop) -> Self {
        Self { port: hop.port, ca_pem: hop.ca.pem().to_owned(), name: "localhost".to_owned() }
    }
}

impl Hop {
    /// Starts one in front of this API server, with TLS on both ends.
    pub async fn start(kind: Kind, upstream: impl Into<Upstream>) -> Self {
        let (upstream, ca, port) = (upstream.into(), Ca::new("hop"), free_port());
        let directory = tempfile::tempdir().expect("directory of the hop");
        let mut command = command(kind, directory.path(), &ca, port, &upstream).await;
        let mut process =
            Process::start(kind.name(), command.current_dir(&directory), &directory.path().join("log"));
        // A handshake, and no request: the API server counts what arrives.
        let client = Client::new(port, ca.pem());
        process.until(START, "accepts connections", async || client.connect().await.ok().map(drop)).await;
        Self { ca, port, process, _directory: directory }
    }

    /// What it wrote so far.
    #[must_use]
    pub fn log(&self) -> String {
        self.process.log()
    }
}

async fn command(kind: Kind, directory: &Path, ca: &Ca, port: u16, upstream: &Upstream) -> Command {
    let file = |name: &str, text: &str| {
        let path = directory.join(name);
        std::fs::write(&path, text).expect("write a file of the hop");
        path.to_str().expect("a path of UTF-8").to_owned()
    };
    let leaf = ca.loopback();
    let (certificate, key) = (file("tls.crt", &leaf.certificate_pem), file("tls.key", &leaf.key_pem));
    let upstream_ca = file("upstream-ca.pem", &upstream.ca_pem);
    let (port, upstream_port) = (port.to_string(), upstream.port.to_string());
    let both = file("both.pem", &format!("{}{}", leaf.certificate_pem, leaf.key_pem));
    let values = [
        ("PORT", port.as_str()),
        ("CERTIFICATE", &certificate),
        ("KEY", &key),
        ("CERTIFICATE_AND_KEY", &both),
        ("UPSTREAM_PORT", &upstream_port),
        ("UPSTREAM_CA", &upstream_ca),
        ("UPSTREAM_NAME", &upstream.name),
    ];
    let mut command = Command::new(tool(kind.name()).await);
    match kind {
        Kind::Haproxy => {
            command.arg("-db").arg("-f");
            command.arg(file("haproxy.cfg", &render(include_str!("hop/haproxy.cfg"), &values)));
        }
        Kind::Nginx => {
            // Its prefix has a slash at the end; the log is standard error already before the configuration is read.
            command.arg("-p").arg(directory.join("")).args(["-e", "stderr", "-c"]);
            command.arg(file("nginx.conf", &render(include_str!("hop/nginx.conf"), &values)));
        }
        Kind::ReverseProxy => {
            command.arg(format!("-listen=127.0.0.1:{port}"));
            command.arg(format!("-certificate={certificate}")).arg(format!("-key={key}"));
            command.arg(format!("-upstream=https://127.0.0.1:{upstream_port}"));
            command.arg(format!("-upstream-ca={upstream_ca}"));
            command.arg(format!("-upstream-name={}", upstream.name));
        }
    }
    command
}

// These install the proxies, so they belong to `make hop-test`.
#[cfg(all(test, feature = "hops"))]
mod tests {
    use super::*;
    use crate::api_server::ApiServer;
    use crate::http1;

    /// What makes a hop worth having: it passes requests and upgrades on, odd names and all, and keeps what it is given.
    #[tokio::test]
    async fn every_hop_carries_requests_and_upgrades() {
        for kind in [Kind::Haproxy, Kind::Nginx, Kind::ReverseProxy] {
            let api = ApiServer::start().await;
            let hop = Hop::start(kind, &api).await;
            let client = Client::new(hop.port, hop.ca.pem());
            let request = client.request("POST", "/a//b?x=%2F").bearer(ApiServer::TOKEN).body("abc");
            let request = request.header("impersonate-user", "alice").header("a_b", "1").header("a.b", "2");
            let answer = request.send().await;
            assert_eq!((answer.status, answer.value("x-hop").as_deref()), (200, Some(kind.name())));
            let received = api.last_request();
            for (name, value) in [("impersonate-user", "alice"), ("a_b", "1"), ("a.b", "2")] {
                assert_eq!(received.values(name), [value], "{kind:?}");
            }
            assert_eq!((&received.body[..], received.version), (&b"abc"[..], "HTTP/1.1"));
            for protocol in ["websocket", "SPDY/3.1"] {
                let request =
                    client.get("/exec").bearer(ApiServer::TOKEN).header("sec-websocket-version", "13");
                let request = request.header("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==");
                let (answer, mut wire) = request.upgrade(protocol).await.unwrap();
                assert_eq!(answer.status, 101, "{kind:?} {protocol}");
                wire.write(b"ping").await.unwrap();
                assert_eq!(wire.read_exactly(4).await.unwrap(), b"ping");
            }
            let request = client.request("POST", "/trailers").bearer(ApiServer::TOKEN).body("x");
            request.header("trailer", "x-sum").trailer("x-sum", "1").send().await;
            let trailers = api.last_request().trailers;
            // nginx reads them and drops them.
            let expected = if kind == Kind::Nginx { None } else { Some("1".to_owned()) };
            assert_eq!(http1::value(&trailers, "x-sum"), expected, "{kind:?}");
        }
    }

    /// The attack itself, without a gateway that prevents it: were no hop open to it, the tier would prove nothing.
    #[tokio::test]
    async fn the_reverse_proxy_drops_what_a_client_nominates() {
        let api = ApiServer::start().await;
        let hop = Hop::start(Kind::ReverseProxy, &api).await;
        let request = Client::new(hop.port, hop.ca.pem()).get("/exec").bearer(ApiServer::TOKEN);
        let request = request.header("impersonate-user", "alice");
        request.header("Connection", "Upgrade, Impersonate-User").upgrade("SPDY/3.1").await.unwrap();
        let received = api.last_request();
        assert_eq!(received.values("authorization"), [format!("Bearer {}", ApiServer::TOKEN)]);
        assert_eq!(received.values("impersonate-user"), [""; 0]);
    }
}
