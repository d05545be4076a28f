//! kubectl.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;
use tokio::io::AsyncWriteExt;
use tokio::process::Command;

use super::{Running, write};
use crate::process::tool;

/// How long one call of kubectl may take.
const CALL: Duration = Duration::from_secs(60);

/// kubectl with a kubeconfig of its own.
#[derive(Debug)]
pub struct Kubectl {
    directory: TempDir,
    environment: Vec<(String, String)>,
    program: PathBuf,
}

/// What a call of kubectl came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Called {
    /// The exit code.
    pub code: Option<i32>,
    /// Standard output.
    pub stdout: String,
    /// Standard error.
    pub stderr: String,
}

impl Kubectl {
    /// For this server, CA and token.
    pub async fn new(server: &str, ca_pem: &str, token: Option<&str>) -> Self {
        Self::with_program(tool("kubectl").await, server, ca_pem, token)
    }

    /// The same with another kubectl than the pinned one.
    #[must_use]
    pub fn with_program(program: PathBuf, server: &str, ca_pem: &str, token: Option<&str>) -> Self {
        let directory = tempfile::tempdir().expect("directory of kubectl");
        let ca = write(directory.path(), "ca.pem", ca_pem);
        let user = serde_json::json!(token.map(|token| serde_json::json!({"token": token})));
        let kubeconfig = serde_json::json!({
            "apiVersion": "v1", "kind": "Config", "current-context": "test",
            "clusters": [{"name": "test", "cluster": {"server": server, "certificate-authority": ca}}],
            "users": [{"name": "test", "user": user}],
            "contexts": [{"name": "test", "context": {"cluster": "test", "user": "test"}}],
        });
        write(directory.path(), "kubeconfig", &kubeconfig.to_string());
        Self { directory, environment: Vec::new(), program }
    }

    /// The same with an environment variable more.
    #[must_use]
    pub fn env(mut self, name: &str, value: &str) -> Self {
        self.environment.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Its working directory.
    #[must_use]
    pub fn directory(&self) -> &Path {
        self.directory.path()
    }

    /// The path of its kubeconfig.
    #[must_use]
    pub fn kubeconfig(&self) -> PathBuf {
        self.directory.path().join("kubeconfig")
    }

    /// Starts a call that goes on: a watch, an exec.
    #[must_use]
    pub fn start(&self, arguments: &[&str]) -> Running {
        Running::start(&format!("kubectl {arguments:?}"), self.command(arguments))
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.program);
        command.arg("--kubeconfig").arg(self.kubeconfig()).args(arguments);
        command
            .envs(self.environment.iter().cloned())
            .env("HOME", self.directory.path())
            .env_remove("KUBECONFIG")
            .current_dir(self.directory.path());
        command.kill_on_drop(true);
        command
    }

    /// Runs it to its end.
    pub async fn run(&self, arguments: &[&str]) -> Called {
        self.run_with(arguments, "").await
    }

    /// Runs it to its end; panics unless it succeeds. Returns its standard output.
    pub async fn ok(&self, arguments: &[&str]) -> String {
        let called = self.run(arguments).await;
        assert_eq!(called.code, Some(0), "kubectl {arguments:?}: {}", called.stderr);
        called.stdout
    }

    /// Applies manifests; panics unless that succeeds.
    pub async fn apply(&self, manifests: &str) {
        let called = self.run_with(&["apply", "--filename", "-"], manifests).await;
        assert_eq!(called.code, Some(0), "kubectl apply: {}", called.stderr);
    }

    /// `kubectl auth whoami` as this kubeconfig: the `userInfo`.
    pub async fn whoami(&self) -> Value {
        let text = self.ok(&["auth", "whoami", "--output", "json"]).await;
        serde_json::from_str::<Value>(&text).expect("JSON of kubectl")["status"]["userInfo"].clone()
    }

    /// Runs it to its end with this standard input.
    pub async fn run_with(&self, arguments: &[&str], input: &str) -> Called {
        let mut command = self.command(arguments);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("run kubectl");
        let mut stdin = child.stdin.take().expect("its standard input");
        let run = async {
            // It may end without having read all.
            _ = stdin.write_all(input.as_bytes()).await;
            drop(stdin);
            child.wait_with_output().await.expect("output of kubectl")
        };
        let output = tokio::time::timeout(CALL, run).await;
        let output = output.unwrap_or_else(|_| panic!("kubectl {arguments:?} has not ended after {CALL:?}"));
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Called { code: output.status.code(), stdout: text(&output.stdout), stderr: text(&output.stderr) }
    }
}
