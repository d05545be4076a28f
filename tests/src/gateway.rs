//! The whole chain: an issuer or several, `jwks-sync`, Envoy with the filter and the shipped bootstrap, and an API
//! server behind it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use base64::Engine as _;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::api_server::ApiServer;
use crate::client::Client;
use crate::envoy::{Envoy, EnvoyOptions};
use crate::issuer::Issuer;
use crate::process::{render, repository};
use crate::sidecar::{Sidecar, target_directory};
use crate::tls::Ca;
use crate::wait;

/// The listener's name in the shipped bootstrap.
pub const LISTENER: &str = "kubernetes_api";
/// The audience that tokens of the mint have.
pub const AUDIENCE: &str = "kubernetes";
/// How long a snapshot may take to all workers, on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// Envoy and its sidecar; both end when dropped.
#[derive(Debug)]
pub struct Gateway {
    /// Who signed the certificate of Envoy's listener.
    pub ca: Ca,
    /// Envoy.
    pub envoy: Envoy,
    /// The port that clients connect to.
    pub port: u16,
    /// The sidecar, with `authn.json`, `token` and, if there is one, `policy.json` in its directory.
    pub sidecar: Sidecar,
    files: TempDir,
}

/// What a gateway is made of.
pub struct GatewayOptions {
    alter: Vec<Rewrite>,
    /// Where the sidecar asks, if not at the upstream, and with which token.
    asks: Option<(Option<Upstream>, String)>,
    configuration: Value,
    credential: Vec<String>,
    files: Vec<(String, String)>,
    flags: Vec<String>,
    policy: Option<Value>,
    token: String,
    upstream: Upstream,
    wait: bool,
    workers: u32,
}

/// Makes another bootstrap of one.
type Rewrite = Box<dyn FnOnce(&str) -> String>;

/// Where the API server is.
#[derive(Clone, Debug)]
pub struct Upstream {
    /// Port on 127.0.0.1.
    pub port: u16,
    /// Who signed its certificate.
    pub ca_pem: String,
    /// A DNS name in its certificate.
    pub name: String,
}

impl From<&ApiServer> for Upstream {
    fn from(server: &ApiServer) -> Self {
        Self { port: server.port(), ca_pem: server.ca_pem().to_owned(), name: "localhost".to_owned() }
    }
}

/// An AuthenticationConfiguration that trusts these issuers: user name from `sub`, groups from `groups`, no prefix.
#[must_use]
pub fn configuration(issuers: &[&Issuer]) -> Value {
    let entries: Vec<_> = issuers.iter().map(|issuer| entry(&issuer.url(), issuer.ca_pem())).collect();
    json!({"apiVersion": "apiserver.config.k8s.io/v1", "kind": "AuthenticationConfiguration", "jwt": entries})
}

/// One `jwt[]` entry of [`configuration`].
#[must_use]
pub fn entry(url: &str, ca_pem: &str) -> Value {
    json!({
        "issuer": {"url": url, "certificateAuthority": ca_pem, "audiences": [AUDIENCE]},
        "claimMappings": {
            "username": {"claim": "sub", "prefix": ""},
            "groups": {"claim": "groups", "prefix": ""},
        },
    })
}

impl GatewayOptions {
    /// In front of this API server, trusting what the configuration says.
    #[must_use]
    pub fn new(upstream: impl Into<Upstream>, configuration: Value) -> Self {
        Self {
            alter: Vec::new(),
            asks: None,
            configuration,
            credential: vec!["--upstream-token-file=${DIR}/token".to_owned()],
            files: Vec::new(),
            flags: Vec::new(),
            policy: None,
            token: ApiServer::TOKEN.to_owned(),
            upstream: upstream.into(),
            wait: true,
            workers: 1,
        }
    }

    /// Replaces a text of the shipped bootstrap, which must stand in it. For what only a test wants.
    #[must_use]
    pub fn alter(self, from: &str, to: &str) -> Self {
        let (from, to) = (from.to_owned(), to.to_owned());
        self.rewrite(move |text| {
            assert!(text.contains(&from), "the bootstrap has no {from:?}");
            text.replace(&from, &to)
        })
    }

    /// Rewrites the shipped bootstrap, once its names are filled in.
    #[must_use]
    pub fn rewrite(mut self, rewrite: impl FnOnce(&str) -> String + 'static) -> Self {
        self.alter.push(Box::new(rewrite));
        self
    }

    /// More members of the filter's configuration.
    #[must_use]
    pub fn filter(self, members: &Value) -> Self {
        const LAST: &str = r#""upstreamClusters": ["kube_apiserver"]"#;
        let members = members.as_object().expect("an object");
        let more: String = members.iter().map(|(name, value)| format!(", {name:?}: {value}")).collect();
        self.alter(LAST, &format!("{LAST}{more}"))
    }

    /// The sidecar asks the API server its questions with this token.
    #[must_use]
    pub fn asks_with(mut self, token: &str) -> Self {
        self.asks = Some((None, token.to_owned()));
        self
    }

    /// As [`asks_with`](Self::asks_with), at an API server of its own: where a test must tell what the sidecar asks
    /// from what comes through Envoy.
    #[must_use]
    pub fn asks_at(mut self, server: impl Into<Upstream>, token: &str) -> Self {
        self.asks = Some((Some(server.into()), token.to_owned()));
        self
    }

    /// A file in the sidecar's directory.
    #[must_use]
    pub fn file(mut self, name: &str, content: impl Into<String>) -> Self {
        self.files.push((name.to_owned(), content.into()));
        self
    }

    /// No ServiceAccount token, for a gateway that impersonates nobody.
    #[must_use]
    pub fn without_credential(mut self) -> Self {
        self.credential = vec!["--no-upstream-credential".to_owned()];
        self
    }

    /// A flag more for the sidecar.
    #[must_use]
    pub fn flag(mut self, flag: &str) -> Self {
        self.flags.push(flag.to_owned());
        self
    }

    /// The sidecar's `--policy`.
    #[must_use]
    pub fn policy(mut self, policy: Value) -> Self {
        self.policy = Some(policy);
        self
    }

    /// The ServiceAccount token.
    #[must_use]
    pub fn token(mut self, token: &str) -> Self {
        token.clone_into(&mut self.token);
        self
    }

    /// Not a token from a file, but tokens of this ServiceAccount (`NAMESPACE/NAME`), asked for by this kubeconfig.
    #[must_use]
    pub fn account(mut self, account: &str, kubeconfig: &Path) -> Self {
        self.credential = vec![
            format!("--upstream-service-account={account}"),
            format!("--kubeconfig={}", kubeconfig.display()),
        ];
        self
    }

    /// Doesn't wait until the sidecar is ready and the filter has a snapshot.
    #[must_use]
    pub fn without_waiting(mut self) -> Self {
        self.wait = false;
        self
    }

    /// Envoy's workers.
    #[must_use]
    pub fn workers(mut self, workers: u32) -> Self {
        self.workers = workers;
        self
    }

    /// Starts the gateway.
    pub async fn start(self) -> Gateway {
        let mut sidecar = Sidecar::new();
        sidecar.write("authn.json", self.configuration.to_string());
        sidecar.write("token", &self.token);
        for (name, content) in &self.files {
            sidecar.write(name, content);
        }
        let mut flags: Vec<&str> = FLAGS.to_vec();
        if let Some(policy) = &self.policy {
            sidecar.write("policy.json", policy.to_string());
            flags.push("--policy=${DIR}/policy.json");
        }
        if let Some((server, token)) = &self.asks {
            let server = server.as_ref().unwrap_or(&self.upstream);
            sidecar.write("kubeconfig", kubeconfig(server, token).to_string());
            flags.push("--kubeconfig=${DIR}/kubeconfig");
        }
        flags.extend(self.credential.iter().chain(&self.flags).map(String::as_str));
        sidecar.spawn(&flags).await;

        let files = tempfile::tempdir().expect("directory of the gateway");
        let ca = Ca::new("gateway");
        let socket = sidecar.socket();
        let bootstrap = bootstrap(files.path(), &ca, &socket, &self.upstream);
        let bootstrap = self.alter.into_iter().fold(bootstrap, |text, rewrite| rewrite(&text));
        let envoy = Envoy::start(EnvoyOptions::new(bootstrap).concurrency(self.workers)).await;
        let port = envoy.port(LISTENER).await;
        let mut gateway = Gateway { ca, envoy, port, sidecar, files };
        if self.wait {
            gateway.sidecar.until_ready().await;
            gateway.until_adopted(1, self.workers).await;
        }
        gateway
    }
}

/// How to reach the API server with this token.
fn kubeconfig(upstream: &Upstream, token: &str) -> Value {
    let Upstream { port, ca_pem, name } = upstream;
    let cluster = json!({
        "server": format!("https://127.0.0.1:{port}"), "tls-server-name": name,
        "certificate-authority-data": base64::engine::general_purpose::STANDARD.encode(ca_pem),
    });
    json!({
        "apiVersion": "v1", "kind": "Config", "current-context": "test",
        "clusters": [{"name": "test", "cluster": cluster}],
        "users": [{"name": "test", "user": {"token": token}}],
        "contexts": [{"name": "test", "context": {"cluster": "test", "user": "test"}}],
    })
}

const FLAGS: [&str; 3] =
    ["--authentication-config=${DIR}/authn.json", "--listen=unix:${SOCKET}", "--health-address=${HEALTH}"];

/// The shipped bootstrap for this machine: ports chosen by Envoy, everything on loopback.
#[must_use]
pub fn bootstrap(directory: &Path, ca: &Ca, socket: &Path, upstream: &Upstream) -> String {
    write_certificate(directory, ca);
    let upstream_ca = directory.join("apiserver-ca.pem");
    std::fs::write(&upstream_ca, &upstream.ca_pem).expect("write the API server's CA");
    let text = |path: PathBuf| path.to_str().expect("a path of UTF-8").to_owned();
    let mut values = defaults();
    let mut set = |name: &str, value: String| {
        assert!(values.insert(name.to_owned(), value).is_some(), "envoy/defaults.env has no {name}");
    };
    set("LISTEN_ADDRESS", "127.0.0.1".to_owned());
    set("LISTEN_PORT", "0".to_owned());
    set("ADMIN_ADDRESS", "127.0.0.1".to_owned());
    set("ADMIN_PORT", "0".to_owned());
    set("TLS_DIRECTORY", text(directory.to_owned()));
    set("SDS_PATH", text(directory.join("sds.yaml")));
    set("SOCKET_PATH", text(socket.to_owned()));
    set("WASM_PATH", text(target_directory().join("wasm32-wasip1/release/kube_oidc_filter.wasm")));
    set("APISERVER_ADDRESS", "127.0.0.1".to_owned());
    set("APISERVER_PORT", upstream.port.to_string());
    set("APISERVER_CA", text(upstream_ca));
    set("APISERVER_NAME", upstream.name.clone());
    let values: Vec<_> = values.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let shipped = |name: &str| {
        let path = repository().join("envoy").join(name);
        let text =
            std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        // Comments may speak of ${NAME}s.
        let text: Vec<_> = text.lines().filter(|line| !line.trim_start().starts_with('#')).collect();
        render(&text.join("\n"), &values)
    };
    std::fs::write(directory.join("sds.yaml"), shipped("sds.yaml")).expect("write sds.yaml");
    shipped("envoy.yaml")
}

/// Puts a new certificate of the listener in its place, by renaming, the key first.
pub fn write_certificate(directory: &Path, ca: &Ca) {
    let leaf = ca.loopback();
    for (name, pem) in [("tls.key", &leaf.key_pem), ("tls.crt", &leaf.certificate_pem)] {
        let new = directory.join(format!(".{name}.new"));
        std::fs::write(&new, pem).expect("write a certificate");
        std::fs::rename(&new, directory.join(name)).expect("put a certificate in its place");
    }
}

/// `envoy/defaults.env`.
fn defaults() -> BTreeMap<String, String> {
    let text = std::fs::read_to_string(repository().join("envoy/defaults.env")).expect("envoy/defaults.env");
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    lines
        .filter_map(|line| line.split_once('='))
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
}

impl Gateway {
    /// An HTTP/1.1 client of the gateway.
    #[must_use]
    pub fn client(&self) -> Client {
        Client::new(self.port, self.ca.pem())
    }

    /// The URL for kubectl.
    #[must_use]
    pub fn url(&self) -> String {
        format!("https://127.0.0.1:{}", self.port)
    }

    /// The directory with the listener's certificate.
    #[must_use]
    pub fn certificate_directory(&self) -> &Path {
        self.files.path()
    }

    /// One of the filter's counters, or how many requests came to this reason, whoever sent them.
    pub async fn counter(&self, name: &str) -> u64 {
        let pattern = format!("^wasmcustom\\.kube_oidc_filter\\.({name}|requests\\.{name}\\.[^.]*)$");
        self.envoy.stats(&pattern).await.values().sum()
    }

    /// Waits until each VM (one a worker, one on the main thread) has adopted so many snapshots.
    pub async fn until_adopted(&self, snapshots: u64, workers: u32) {
        let wanted = snapshots * (u64::from(workers) + 1);
        let adopted = async || self.counter("snapshots_adopted").await >= wanted;
        wait::until(PATIENCE, "every VM has a snapshot", adopted).await;
    }

    /// How often a VM had to be started anew: 0 unless something panicked.
    pub async fn vm_reloads(&self) -> u64 {
        self.envoy.stats("vm_reload").await.values().sum()
    }

    /// Lines of the access log, as JSON.
    #[must_use]
    pub fn access_log(&self) -> Vec<Value> {
        self.envoy.log().lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
    }
}
