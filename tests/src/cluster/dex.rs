//! Dex, the issuer of many clusters.

use std::fmt::Write as _;

use serde_json::Value;
use tempfile::TempDir;
use tokio::process::Command;

use super::{PATIENCE, write};
use crate::client::Client;
use crate::mint;
use crate::process::{Process, free_port, tool};
use crate::tls::Ca;

/// Dex over https, with static passwords and its mock connector; killed when dropped.
#[derive(Debug)]
pub struct Dex {
    ca: Ca,
    port: u16,
    _process: Process,
    _directory: TempDir,
}

/// bcrypt of "password".
const PASSWORD_HASH: &str = "$2a$10$2b2cU8CPhOTaGrs1HRQuAueS7JTT5ZHsHSzYiFPm1leZck7Mc8T4W";

impl Dex {
    /// The client that tokens are for, their `aud`.
    pub const CLIENT: &str = "kubernetes";
    /// The secret of [`Self::CLIENT`].
    pub const SECRET: &str = "kubernetes-secret";

    /// Starts it, with users of these addresses (all with the password "password") and further configuration
    /// (`"expiry: {idTokens: 10s}"`, or empty).
    pub async fn start(emails: &[&str], more: &str) -> Self {
        let directory = tempfile::tempdir().expect("directory of Dex");
        let ca = Ca::new("Dex CA");
        let (certificate, key) = ca.loopback().write(directory.path(), "serving");
        let port = free_port();
        let mut config = format!(
            "issuer: https://127.0.0.1:{port}/dex
storage: {{type: memory}}
web: {{https: '127.0.0.1:{port}', tlsCert: '{}', tlsKey: '{}'}}
oauth2: {{passwordConnector: local, skipApprovalScreen: true, responseTypes: [code]}}
enablePasswordDB: true
staticClients:
- {{id: {}, name: Kubernetes, secret: {}, redirectURIs: ['http://127.0.0.1:8000']}}
connectors:
- {{type: mockCallback, id: mock, name: Mock}}
{more}
staticPasswords:
",
            certificate.display(),
            key.display(),
            Self::CLIENT,
            Self::SECRET
        );
        for email in emails {
            let name = email.split('@').next().unwrap_or_default();
            _ = writeln!(
                config,
                "- {{email: '{email}', username: '{name}', userID: '{name}', hash: '{PASSWORD_HASH}'}}"
            );
        }
        let mut command = Command::new(tool("dex").await);
        command.arg("serve").arg(write(directory.path(), "dex.yaml", &config));
        let mut process = Process::start("dex", &mut command, &directory.path().join("log"));
        let client = Client::new(port, ca.pem());
        let ready = async || {
            let answer = client.get("/dex/.well-known/openid-configuration").try_send().await.ok()?;
            (answer.status == 200).then_some(())
        };
        process.until(PATIENCE, "serves its discovery document", ready).await;
        Self { ca, port, _process: process, _directory: directory }
    }

    /// The issuer's URL.
    #[must_use]
    pub fn url(&self) -> String {
        format!("https://127.0.0.1:{}/dex", self.port)
    }

    /// The CA that its certificate comes from.
    #[must_use]
    pub fn ca_pem(&self) -> &str {
        self.ca.pem()
    }

    /// An ID token for one of the users. It has no groups.
    pub async fn token(&self, email: &str) -> String {
        let form = format!(
            "grant_type=password&username={email}&password=password&scope=openid+email+profile+groups"
        );
        self.ask(form).await["id_token"].as_str().expect("an ID token").to_owned()
    }

    /// An ID token of the mock connector: `kilgore@kilgore.trout`, in the group `authors`.
    pub async fn token_with_groups(&self) -> String {
        let form = "grant_type=urn:ietf:params:oauth:grant-type:token-exchange&connector_id=mock&subject_token=any\
            &subject_token_type=urn:ietf:params:oauth:token-type:access_token\
            &requested_token_type=urn:ietf:params:oauth:token-type:id_token&scope=openid+email+profile+groups";
        self.ask(form.to_owned()).await["access_token"].as_str().expect("an ID token").to_owned()
    }

    async fn ask(&self, form: String) -> Value {
        let basic = mint::basic(Self::CLIENT, Self::SECRET);
        let request = Client::new(self.port, self.ca.pem()).request("POST", "/dex/token");
        let request = request.header("content-type", "application/x-www-form-urlencoded");
        let answer = request.header("authorization", basic).body(form).send().await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        answer.json()
    }
}
