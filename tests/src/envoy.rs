//! A real Envoy.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;
use tokio::process::Command;

use crate::client::{Client, Response};
use crate::process::{Process, render, tool};

/// How long Envoy may take to start: compiling the filter needs most of it, on a busy machine several times as much.
const START: Duration = Duration::from_secs(60);

/// What Envoy is started with.
#[derive(Clone, Debug)]
pub struct EnvoyOptions {
    /// The bootstrap, YAML. Its admin address must be `127.0.0.1` with port 0; its listeners best have port 0 too.
    pub bootstrap: String,
    /// The number of workers.
    pub concurrency: u32,
    /// `--log-level`, or `--component-log-level` where it holds a colon: "wasm:debug".
    pub log_level: String,
    /// Further arguments.
    pub arguments: Vec<String>,
    /// Environment variables.
    pub environment: Vec<(String, String)>,
    /// How long the start may take.
    pub patience: Duration,
}

impl EnvoyOptions {
    /// This bootstrap, one worker, log level "info".
    #[must_use]
    pub fn new(bootstrap: impl Into<String>) -> Self {
        Self {
            bootstrap: bootstrap.into(),
            concurrency: 1,
            log_level: "info".to_owned(),
            arguments: Vec::new(),
            environment: Vec::new(),
            patience: START,
        }
    }

    /// A bootstrap from a file, with its `${NAME}`s replaced.
    #[must_use]
    pub fn file(path: &Path, values: &[(&str, &str)]) -> Self {
        let template = std::fs::read_to_string(path);
        let template = template.unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        Self::new(render(&template, values))
    }

    /// The number of workers.
    #[must_use]
    pub fn concurrency(mut self, workers: u32) -> Self {
        self.concurrency = workers;
        self
    }
}

/// The running Envoy; killed when dropped.
#[derive(Debug)]
pub struct Envoy {
    admin: Client,
    admin_port: u16,
    process: Process,
    directory: TempDir,
}

impl Envoy {
    /// Starts it and waits until it is ready; panics with its log if that does not come.
    pub async fn start(options: EnvoyOptions) -> Self {
        Self::try_start(options).await.unwrap_or_else(|log| panic!("envoy did not start\n{log}"))
    }

    /// As [`Self::start`]; the log, if Envoy ends instead of becoming ready.
    pub async fn try_start(options: EnvoyOptions) -> Result<Self, String> {
        let directory = tempfile::tempdir().expect("directory of Envoy");
        let bootstrap = directory.path().join("bootstrap.yaml");
        std::fs::write(&bootstrap, &options.bootstrap).expect("write the bootstrap");
        let address = directory.path().join("admin");
        let mut command = Command::new(tool("envoy").await);
        command.arg("--config-path").arg(&bootstrap).arg("--admin-address-path").arg(&address);
        // The access log at once, not every ten seconds.
        command.args(["--file-flush-interval-msec", "50"]);
        command.args(["--use-dynamic-base-id", "--disable-hot-restart", "--concurrency"]);
        command.arg(options.concurrency.to_string());
        let by_component = options.log_level.contains(':');
        command
            .arg(if by_component { "--component-log-level" } else { "--log-level" })
            .arg(&options.log_level);
        command.args(&options.arguments).envs(options.environment.iter().cloned());
        let mut process = Process::start("envoy", &mut command, &directory.path().join("log"));
        let ready = async || {
            let text = tokio::fs::read_to_string(&address).await.ok()?;
            let port: u16 = text.trim().rsplit(':').next()?.parse().ok()?;
            let answer = Client::plain(port).get("/ready").try_send().await.ok()?;
            (answer.status == 200).then_some(port)
        };
        let ready = process.try_until(options.patience, ready).await;
        let admin_port = ready.map_err(|why| format!("{why}\n{}", process.log()))?;
        Ok(Self { admin: Client::plain(admin_port), admin_port, process, directory })
    }

    /// The port of the admin interface on 127.0.0.1.
    #[must_use]
    pub fn admin_port(&self) -> u16 {
        self.admin_port
    }

    /// A GET on the admin interface.
    pub async fn admin(&self, path: &str) -> Response {
        self.admin.get(path).send().await
    }

    /// The port that the listener of this name took.
    pub async fn port(&self, listener: &str) -> u16 {
        let ports = self.ports().await;
        *ports.get(listener).unwrap_or_else(|| panic!("no listener {listener}; there are {ports:?}"))
    }

    /// The ports of all listeners by name.
    pub async fn ports(&self) -> BTreeMap<String, u16> {
        let listeners = self.admin("/listeners?format=json").await.json();
        let statuses = listeners["listener_statuses"].as_array().cloned().unwrap_or_default();
        let port = |status: &Value| {
            let port = status["local_address"]["socket_address"]["port_value"].as_u64()?;
            Some((status["name"].as_str()?.to_owned(), u16::try_from(port).ok()?))
        };
        statuses.iter().filter_map(port).collect()
    }

    /// The counters and gauges whose name matches this regular expression (empty: all).
    pub async fn stats(&self, filter: &str) -> BTreeMap<String, u64> {
        let pattern = if filter.is_empty() { "." } else { filter };
        let escaped: String = pattern.bytes().map(|byte| format!("%{byte:02X}")).collect();
        let text = self.admin(&format!("/stats?filter={escaped}")).await.text();
        let pair = |line: &str| {
            let (name, value) = line.rsplit_once(": ")?;
            Some((name.to_owned(), value.parse().ok()?))
        };
        text.lines().filter_map(pair).collect()
    }

    /// One counter or gauge; 0 while Envoy does not know it.
    pub async fn stat(&self, name: &str) -> u64 {
        let pattern = format!("^{}$", name.replace('.', "\\."));
        self.stats(&pattern).await.get(name).copied().unwrap_or(0)
    }

    /// All metrics in Prometheus' form.
    pub async fn prometheus(&self) -> String {
        self.admin("/stats/prometheus").await.text()
    }

    /// The configuration that is in force.
    pub async fn config_dump(&self) -> Value {
        self.admin("/config_dump").await.json()
    }

    /// Changes the level of the log at run time.
    pub async fn log_level(&self, level: &str) {
        let answer = self.admin.request("POST", format!("/logging?level={level}")).send().await;
        assert_eq!(answer.status, 200, "{}", answer.text());
    }

    /// The log so far.
    #[must_use]
    pub fn log(&self) -> String {
        self.process.log()
    }

    /// Its own directory, for what a test wants to lie beside it.
    #[must_use]
    pub fn directory(&self) -> PathBuf {
        self.directory.path().to_owned()
    }

    /// Its process.
    pub fn process(&mut self) -> &mut Process {
        &mut self.process
    }

    /// Asks it to end, waits for that, and returns its log.
    pub async fn stop(mut self) -> String {
        let status = self.process.terminate(Duration::from_secs(30)).await;
        assert!(status.success(), "envoy: {status}\n{}", self.process.log());
        self.process.log()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api_server::ApiServer;
    use crate::http1;
    use crate::tls::Ca;

    /// TLS on both sides, HTTP/1.1 towards the upstream.
    const BOOTSTRAP: &str = r#"
admin: {address: {socket_address: {address: 127.0.0.1, port_value: 0}}}
static_resources:
  listeners:
  - name: https
    address: {socket_address: {address: 127.0.0.1, port_value: 0}}
    filter_chains:
    - transport_socket:
        name: tls
        typed_config:
          "@type": type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext
          common_tls_context:
            alpn_protocols: [h2, http/1.1]
            tls_certificates: [{certificate_chain: {filename: "${CERTIFICATE}"}, private_key: {filename: "${KEY}"}}]
      filters:
      - name: hcm
        typed_config:
          "@type": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
          stat_prefix: https
          http2_protocol_options: {allow_connect: true}
          upgrade_configs: [{upgrade_type: websocket}, {upgrade_type: SPDY/3.1}]
          route_config: {virtual_hosts: [{name: all, domains: ["*"], routes: [{match: {prefix: /}, route: {cluster: upstream, timeout: 0s}}]}]}
          http_filters: [{name: router, typed_config: {"@type": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router}}]
  clusters:
  - name: upstream
    load_assignment: {cluster_name: upstream, endpoints: [{lb_endpoints: [{endpoint: {address: {socket_address: {address: 127.0.0.1, port_value: ${UPSTREAM}}}}}]}]}
    transport_socket:
      name: tls
      typed_config:
        "@type": type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext
        common_tls_context: {validation_context: {trusted_ca: {filename: "${UPSTREAM_CA}"}}}
"#;

    #[tokio::test]
    async fn carries_requests_watches_and_upgrades() {
        let directory = tempfile::tempdir().unwrap();
        let text = |path: &Path| path.to_str().unwrap().to_owned();
        let upstream = ApiServer::start().await;
        std::fs::write(directory.path().join("upstream.pem"), upstream.ca_pem()).unwrap();
        let ca = Ca::new("Envoy CA");
        let (certificate, key) = ca.loopback().write(directory.path(), "envoy");
        let options = EnvoyOptions::new(render(
            BOOTSTRAP,
            &[
                ("CERTIFICATE", &text(&certificate)),
                ("KEY", &text(&key)),
                ("UPSTREAM", &upstream.port().to_string()),
                ("UPSTREAM_CA", &text(&directory.path().join("upstream.pem"))),
            ],
        ));
        let envoy = Envoy::start(options).await;
        let client = Client::new(envoy.port("https").await, ca.pem());
        for client in [client.clone(), client.clone().http2()] {
            let request = client.get("/a//b?x=%2F").bearer(ApiServer::TOKEN).header("x-odd", b"\xff");
            assert_eq!(request.send().await.json()["path"], "/a//b?x=%2F");
            assert_eq!(http1::value(&upstream.last_request().headers, "x-odd").unwrap(), "\u{fffd}");
            let mut watch = client.get("/pods?watch=1").bearer(ApiServer::TOKEN).open().await.unwrap();
            assert_eq!(watch.event().await.unwrap().unwrap()["type"], "ADDED");
            upstream.emit(&serde_json::json!({"type": "DELETED"}));
            assert_eq!(watch.event().await.unwrap().unwrap()["type"], "DELETED");
        }
        let (response, mut wire) =
            client.get("/exec").bearer(ApiServer::TOKEN).upgrade("SPDY/3.1").await.unwrap();
        assert_eq!(response.status, 101);
        wire.write(b"ping").await.unwrap();
        assert_eq!(wire.read_exactly(4).await.unwrap(), b"ping");
        let mut tunnel =
            client.http2().get("/exec").bearer(ApiServer::TOKEN).tunnel("websocket").await.unwrap();
        assert_eq!(tunnel.status, 200);
        tunnel.write(b"pong").unwrap();
        assert_eq!(tunnel.read().await.unwrap(), b"pong");

        assert!(envoy.stat("http.https.downstream_rq_2xx").await >= 2);
        assert!(envoy.prometheus().await.contains("envoy_http_downstream_rq_xx"));
        assert!(envoy.config_dump().await["configs"].is_array());
        assert!(envoy.stop().await.contains("starting main dispatch loop"));
    }

    #[tokio::test]
    async fn a_bad_bootstrap_is_reported() {
        let log = Envoy::try_start(EnvoyOptions::new("nonsense: true")).await.map(drop).unwrap_err();
        assert!(log.contains("nonsense"), "{log}");
    }
}
