//! Parts of a real cluster: etcd, kube-apiserver, Dex, kubectl, and kwok for a node.
//! The flags are explained in `tests/tools/README.md`.

mod dex;
mod kube_apiserver;
mod kubectl;
mod kwok;
mod running;

use std::path::{Path, PathBuf};
use std::time::Duration;

pub use dex::Dex;
pub use kube_apiserver::{Etcd, KubeApiServer, KubeApiServerOptions};
pub use kubectl::{Called, Kubectl};
pub use kwok::Kwok;
pub use running::Running;

/// How long a part may take to start, or to end, on a busy machine.
const PATIENCE: Duration = Duration::from_secs(120);

fn write(directory: &Path, name: &str, text: &str) -> PathBuf {
    let path = directory.join(name);
    std::fs::write(&path, text).expect("write a file of the cluster");
    path
}

// These build kube-apiserver and its like, so they belong to `make cluster-test`.
#[cfg(all(test, feature = "cluster"))]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::api_server::ApiServer;
    use crate::mint;

    #[tokio::test]
    async fn kubectl_understands_the_stand_in() {
        let server = ApiServer::start().await;
        let kubectl = Kubectl::new(&server.url(), server.ca_pem(), Some(ApiServer::TOKEN)).await;
        assert_eq!(kubectl.whoami().await["username"], crate::api_server::ACCOUNT);
        let echo: Value = serde_json::from_str(&kubectl.ok(&["get", "--raw", "/x/y"]).await).unwrap();
        assert_eq!(echo["path"], "/x/y");
        let refused =
            Kubectl::new(&server.url(), server.ca_pem(), Some("wrong")).await.run(&["auth", "whoami"]).await;
        assert!(refused.code == Some(1) && refused.stderr.contains("You must be logged in"), "{refused:?}");
    }

    #[tokio::test]
    async fn a_real_api_server_serves_kubectl() {
        let etcd = Etcd::start().await;
        let user = ("t".to_owned(), "jane".to_owned(), "7".to_owned(), vec!["a".to_owned(), "b".to_owned()]);
        let options = KubeApiServerOptions { users: vec![user], ..KubeApiServerOptions::default() };
        let server = KubeApiServer::start(&etcd, &options).await;
        assert_eq!(server.admin().whoami().await["username"], "admin");
        let jane = Kubectl::new(&server.url(), server.ca_pem(), Some("t")).await;
        assert_eq!(jane.whoami().await["groups"], json!(["a", "b", "system:authenticated"]));
        assert_eq!(server.review("t", &[]).await["user"]["uid"], "7");
        server.admin().ok(&["create", "serviceaccount", "sa"]).await;
        let token = server.account_token("default", "sa").await;
        assert_eq!(server.review(&token, &[]).await["user"]["username"], "system:serviceaccount:default:sa");
        assert!(server.audit().iter().any(|event| event["user"]["username"] == "jane"));
        server.stop().await;
        let bad =
            KubeApiServerOptions { authentication_config: Some("x: 1".to_owned()), ..Default::default() };
        let log = KubeApiServer::try_start(&etcd, &bad).await.map(drop).unwrap_err();
        assert!(log.contains("it ended") && log.contains("Kind"), "{log}");
    }

    #[tokio::test]
    async fn a_pod_of_kwok_runs_commands() {
        let etcd = Etcd::start().await;
        let server = KubeApiServer::start(&etcd, &KubeApiServerOptions::default()).await;
        let kwok = Kwok::start(&server, 9).await;
        kwok.run_pod(&server, "pod").await;
        let command = ["exec", "--stdin", "pod", "--", "sh", "-c", "cat >there; exit 3"];
        // Its own exec knows neither the end of the input nor the exit code: tests/tools/kwok/exec.patch.
        assert_eq!(server.admin().run_with(&command, "text").await.code, Some(3));
        assert_eq!(std::fs::read(kwok.files().join("there")).unwrap(), b"text");
        kwok.log("one");
        kwok.log("two");
        assert_eq!(server.admin().ok(&["logs", "pod"]).await, "one\ntwo\n");
    }

    #[tokio::test]
    async fn dex_hands_out_tokens() {
        let dex = Dex::start(&["jane@example.com"], "").await;
        let claims = |token: &str| mint::claims(token);
        assert_eq!(claims(&dex.token("jane@example.com").await)["email"], "jane@example.com");
        assert_eq!(claims(&dex.token_with_groups().await)["groups"], json!(["authors"]));
    }
}
