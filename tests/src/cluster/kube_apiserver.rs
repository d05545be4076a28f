//! etcd, and kube-apiserver on it.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use rcgen::KeyPair;
use serde_json::Value;
use tempfile::TempDir;
use tokio::process::Command;

use super::{Kubectl, PATIENCE, write};
use crate::client::Client;
use crate::process::{Process, free_port, tool};
use crate::tls::Ca;

/// etcd; killed when dropped.
#[derive(Debug)]
pub struct Etcd {
    port: u16,
    _process: Process,
    _directory: TempDir,
}

impl Etcd {
    /// Starts it, empty, and waits until it is healthy.
    pub async fn start() -> Self {
        let directory = tempfile::tempdir().expect("directory of etcd");
        let (port, peers) = (free_port(), free_port());
        let (client_url, peer_url) =
            (format!("http://127.0.0.1:{port}"), format!("http://127.0.0.1:{peers}"));
        let mut command = Command::new(tool("etcd").await);
        command.arg("--data-dir").arg(directory.path().join("data"));
        command.args(["--name=test", "--unsafe-no-fsync", "--log-level=warn"]);
        for (flag, value) in [
            ("listen-client-urls", &client_url),
            ("advertise-client-urls", &client_url),
            ("listen-peer-urls", &peer_url),
            ("initial-advertise-peer-urls", &peer_url),
            ("initial-cluster", &format!("test={peer_url}")),
        ] {
            command.arg(format!("--{flag}={value}"));
        }
        let mut process = Process::start("etcd", &mut command, &directory.path().join("log"));
        let healthy = async || {
            let answer = Client::plain(port).get("/health").try_send().await.ok()?;
            (answer.status == 200 && answer.json()["health"] == "true").then_some(())
        };
        process.until(PATIENCE, "healthy", healthy).await;
        Self { port, _process: process, _directory: directory }
    }

    /// Where its clients find it.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }
}

/// What kube-apiserver is started with, beside what it always needs.
#[derive(Clone, Debug, Default)]
pub struct KubeApiServerOptions {
    /// Users beside the administrator: token, name, uid, groups.
    pub users: Vec<(String, String, String, Vec<String>)>,
    /// An AuthenticationConfiguration, YAML.
    pub authentication_config: Option<String>,
    /// Further flags.
    pub flags: Vec<String>,
}

/// kube-apiserver with RBAC, an audit log and an administrator; killed when dropped.
#[derive(Debug)]
pub struct KubeApiServer {
    admin: Kubectl,
    ca: Ca,
    directory: TempDir,
    port: u16,
    process: Process,
}

impl KubeApiServer {
    /// The token of the administrator, `admin` in `system:masters`.
    pub const ADMIN_TOKEN: &str = "admin-token";

    /// Starts it, with its data in this etcd under a prefix of its own, and waits until it is ready.
    pub async fn start(etcd: &Etcd, options: &KubeApiServerOptions) -> Self {
        Self::try_start(etcd, options)
            .await
            .unwrap_or_else(|log| panic!("kube-apiserver did not start\n{log}"))
    }

    /// As [`Self::start`]; the log, if it ends instead of becoming ready: it refuses a configuration so.
    pub async fn try_start(etcd: &Etcd, options: &KubeApiServerOptions) -> Result<Self, String> {
        let directory = tempfile::tempdir().expect("directory of kube-apiserver");
        let at = directory.path();
        let ca = Ca::new("kube-apiserver CA");
        let (certificate, key) =
            ca.leaf(&["127.0.0.1", "localhost", "kubernetes.default.svc"]).write(at, "serving");
        let accounts = KeyPair::generate().expect("key of the service accounts");
        let mut users = format!("{},admin,admin-uid,\"system:masters\"\n", Self::ADMIN_TOKEN);
        for (token, name, uid, groups) in &options.users {
            _ = writeln!(users, "{token},{name},{uid},\"{}\"", groups.join(","));
        }
        let port = free_port();
        let flag = |name: &str, path: &Path| format!("--{name}={}", path.display());
        let mut command = Command::new(tool("kube-apiserver").await);
        command
            .arg(format!("--etcd-servers={}", etcd.url()))
            .arg(format!("--etcd-prefix=/port-{port}"))
            .arg(format!("--secure-port={port}"))
            .args([
                "--bind-address=127.0.0.1",
                "--advertise-address=127.0.0.1",
                "--endpoint-reconciler-type=none",
            ])
            .args([
                "--service-cluster-ip-range=10.0.0.0/24",
                "--service-account-issuer=https://kubernetes.default.svc",
            ])
            .args(["--authorization-mode=RBAC", "--disable-admission-plugins=ServiceAccount"])
            .arg(flag("cert-dir", &at.join("certs")))
            .arg(flag("tls-cert-file", &certificate))
            .arg(flag("tls-private-key-file", &key))
            .arg(flag("service-account-key-file", &write(at, "sa.pub", &accounts.public_key_pem())))
            .arg(flag("service-account-signing-key-file", &write(at, "sa.key", &accounts.serialize_pem())))
            .arg(flag("token-auth-file", &write(at, "tokens.csv", &users)))
            .arg(flag("audit-policy-file", &write(at, "audit.yaml", AUDIT_POLICY)))
            .arg(flag("audit-log-path", &at.join("audit.log")))
            .args(&options.flags)
            .current_dir(at);
        if let Some(config) = &options.authentication_config {
            command.arg(flag("authentication-config", &write(at, "authn.yaml", config)));
        }
        let mut process = Process::start("kube-apiserver", &mut command, &at.join("log"));
        let client = Client::new(port, ca.pem());
        let ready = async || {
            let answer = client.get("/readyz").bearer(Self::ADMIN_TOKEN).try_send().await.ok()?;
            (answer.status == 200).then_some(())
        };
        process.try_until(PATIENCE, ready).await.map_err(|why| format!("{why}\n{}", process.log()))?;
        let admin =
            Kubectl::new(&format!("https://127.0.0.1:{port}"), ca.pem(), Some(Self::ADMIN_TOKEN)).await;
        Ok(Self { admin, ca, directory, port, process })
    }

    /// Its port on 127.0.0.1.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Its URL.
    #[must_use]
    pub fn url(&self) -> String {
        format!("https://127.0.0.1:{}", self.port)
    }

    /// The CA that its certificate comes from.
    #[must_use]
    pub fn ca_pem(&self) -> &str {
        self.ca.pem()
    }

    /// A client of it, without a token.
    #[must_use]
    pub fn client(&self) -> Client {
        Client::new(self.port, self.ca.pem())
    }

    /// kubectl as the administrator.
    #[must_use]
    pub fn admin(&self) -> &Kubectl {
        &self.admin
    }

    /// A file in its directory: `authn.yaml`, which it reloads, or `audit.log`.
    #[must_use]
    pub fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// The log so far.
    #[must_use]
    pub fn log(&self) -> String {
        self.process.log()
    }

    /// The audit events so far.
    #[must_use]
    pub fn audit(&self) -> Vec<Value> {
        let text = std::fs::read_to_string(self.path("audit.log")).unwrap_or_default();
        // The last line may be half written.
        text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
    }

    /// Who kube-apiserver says owns this token: the status of a TokenReview. The oracle for parity.
    pub async fn review(&self, token: &str, audiences: &[&str]) -> Value {
        let review = serde_json::json!({
            "apiVersion": "authentication.k8s.io/v1", "kind": "TokenReview",
            "spec": {"token": token, "audiences": audiences},
        });
        let ask = self.client().post("/apis/authentication.k8s.io/v1/tokenreviews", &review);
        let answer = ask.bearer(Self::ADMIN_TOKEN).send().await;
        assert_eq!(answer.status, 201, "{}", answer.text());
        answer.json()["status"].clone()
    }

    /// A token for a service account, which must exist.
    pub async fn account_token(&self, namespace: &str, name: &str) -> String {
        self.admin.ok(&["create", "token", name, "--namespace", namespace]).await.trim().to_owned()
    }

    /// Asks it to end, and waits for that.
    pub async fn stop(mut self) {
        self.process.terminate(PATIENCE).await;
    }
}

const AUDIT_POLICY: &str = "apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
rules:
- level: Metadata
";
