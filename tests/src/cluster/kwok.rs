//! kwok: a node without a machine, whose pods are local commands, files and ports.

use std::io::Write as _;
use std::path::PathBuf;

use tempfile::TempDir;
use tokio::process::Command;

use super::{KubeApiServer, PATIENCE, write};
use crate::client::Client;
use crate::process::{Process, free_port, render, tool};
use crate::wait;

/// kwok as the node `node`, and as its kubelet on loopback; killed when dropped.
///
/// Commands of `exec` (and so `cp`) run on this machine, in the directory [`Self::files`]. All pods have one log,
/// which `attach` shows too, and their port 80 is the port that kwok was started with.
#[derive(Debug)]
pub struct Kwok {
    _process: Process,
    directory: TempDir,
}

impl Kwok {
    /// Starts it at this API server, with this port of 127.0.0.1 behind the pods' port 80, and waits until the
    /// kubelet answers.
    pub async fn start(server: &KubeApiServer, port_80: u16) -> Self {
        let directory = tempfile::tempdir().expect("directory of kwok");
        let at = directory.path();
        for name in ["files", "log"] {
            std::fs::create_dir(at.join(name)).expect("a directory of kwok");
        }
        write(at, "log/container.log", "");
        let port = free_port();
        let text = at.to_str().expect("a path of UTF-8");
        let values = [
            ("DIRECTORY", text),
            ("KUBELET_PORT", &port.to_string()),
            ("NODE", Self::NODE),
            ("PORT_80", &port_80.to_string()),
        ];
        let config = write(at, "kwok.yaml", &render(CONFIG, &values));
        let mut command = Command::new(tool("kwok").await);
        command
            .arg(format!("--config={}", config.display()))
            .arg(format!("--kubeconfig={}", server.admin().kubeconfig().display()))
            .arg(format!("--manage-single-node={}", Self::NODE))
            .arg(format!("--server-address=127.0.0.1:{port}"))
            .arg("--node-lease-duration-seconds=0")
            // It would read a configuration from there.
            .env("HOME", at)
            .current_dir(at);
        let mut process = Process::start("kwok", &mut command, &at.join("kwok.log"));
        let ready = async || {
            let answer = Client::plain(port).get("/healthz").try_send().await.ok()?;
            (answer.status == 200).then_some(())
        };
        process.until(PATIENCE, "its kubelet answers", ready).await;
        server
            .admin()
            .apply(&render("{apiVersion: v1, kind: Node, metadata: {name: ${NODE}}}", &values))
            .await;
        Self { _process: process, directory }
    }

    /// The name of the node.
    pub const NODE: &str = "node";

    /// The directory in which commands run.
    #[must_use]
    pub fn files(&self) -> PathBuf {
        self.directory.path().join("files")
    }

    /// Writes a line to the log that all pods have.
    pub fn log(&self, line: &str) {
        let path = self.directory.path().join("log/container.log");
        let mut file = std::fs::OpenOptions::new().append(true).open(path).expect("the pods' log");
        // The form of the container runtime interface. One write, since a reader may look at any moment.
        let line = format!("2026-01-01T00:00:00.000000000Z stdout F {line}\n");
        file.write_all(line.as_bytes()).expect("write to the pods' log");
    }

    /// Starts a pod of this name in the namespace `default`, and waits until it runs.
    pub async fn run_pod(&self, server: &KubeApiServer, name: &str) {
        server.admin().apply(&render(POD, &[("NAME", name), ("NODE", Self::NODE)])).await;
        let phase = ["get", "pod", name, "--output", "jsonpath={.status.phase}"];
        let running = async || server.admin().ok(&phase).await == "Running";
        wait::until(PATIENCE, &format!("pod {name} runs"), running).await;
    }
}

const POD: &str = "
apiVersion: v1
kind: Pod
metadata: {name: ${NAME}, namespace: default}
spec:
  nodeName: ${NODE}
  containers:
  - {name: main, image: none, ports: [{containerPort: 80}]}
";

/// What it does to nodes and pods, and what its kubelet serves.
const CONFIG: &str = "
apiVersion: kwok.x-k8s.io/v1alpha1
kind: Stage
metadata: {name: node-ready}
spec:
  resourceRef: {apiGroup: v1, kind: Node}
  selector:
    matchExpressions: [{key: .status.addresses, operator: DoesNotExist}]
  next:
    statusTemplate: |
      addresses: [{type: InternalIP, address: 127.0.0.1}]
      daemonEndpoints: {kubeletEndpoint: {Port: ${KUBELET_PORT}}}
      conditions: [{type: Ready, status: 'True', reason: KubeletReady}]
---
apiVersion: kwok.x-k8s.io/v1alpha1
kind: Stage
metadata: {name: pod-runs}
spec:
  resourceRef: {apiGroup: v1, kind: Pod}
  selector:
    matchExpressions: [{key: .status.phase, operator: In, values: [Pending]}]
  next:
    statusTemplate: |
      phase: Running
      conditions: [{type: Ready, status: 'True'}]
      containerStatuses:
      {{ range .spec.containers }}
      - name: {{ .name }}
        image: {{ .image }}
        imageID: ''
        ready: true
        restartCount: 0
        started: true
        state: {running: {startedAt: {{ Now | Quote }}}}
      {{ end }}
---
apiVersion: kwok.x-k8s.io/v1alpha1
kind: ClusterExec
metadata: {name: all}
spec:
  execs: [{local: {workDir: '${DIRECTORY}/files'}}]
---
apiVersion: kwok.x-k8s.io/v1alpha1
kind: ClusterLogs
metadata: {name: all}
spec:
  logs: [{logsFile: '${DIRECTORY}/log/container.log'}]
---
apiVersion: kwok.x-k8s.io/v1alpha1
kind: ClusterAttach
metadata: {name: all}
spec:
  attaches: [{logsFile: '${DIRECTORY}/log/container.log'}]
---
apiVersion: kwok.x-k8s.io/v1alpha1
kind: ClusterPortForward
metadata: {name: all}
spec:
  forwards: [{ports: [80], target: {address: 127.0.0.1, port: ${PORT_80}}}]
";
