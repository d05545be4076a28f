//! The token webhook: somebody else's answer to whose token something is (k8s.io/apiserver
//! `plugin/pkg/authenticator/token/webhook`).

use std::path::PathBuf;
use std::time::Duration;

use authn::user::UserInfo;
use tokio::time::sleep;

use super::KubeError;
use super::client::{Connection, Origin};
pub(crate) use super::token_review::TokenReviewVersion;
use super::token_review::{self, AudienceRule};
use crate::clock::{jitter, spread};
use crate::review::TokenReviewer;

/// The pause before the one further attempt.
const PAUSE: Duration = Duration::from_millis(200);

/// The flags.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct WebhookOptions {
    /// The kubeconfig that says where it is, and who we are to it.
    pub(crate) config_file: PathBuf,
    /// The version to ask in.
    pub(crate) version: TokenReviewVersion,
    /// Audiences of which a token must have one; none: the webhook judges.
    pub(crate) audiences: Vec<String>,
    /// How long a success may be relied on.
    pub(crate) cache_ttl: Duration,
}

/// The webhook.
pub(crate) struct TokenWebhook {
    connection: Connection,
    version: TokenReviewVersion,
    audiences: Vec<String>,
}

impl TokenWebhook {
    /// Reads the file, as kube-apiserver does at its start. Nothing is connected yet.
    ///
    /// # Errors
    /// [`KubeError`] says what is wrong with it.
    pub(crate) async fn load(options: &WebhookOptions) -> Result<Self, KubeError> {
        let WebhookOptions { config_file, version, audiences, cache_ttl: _ } = options.clone();
        let connection = Connection::new(Origin::Webhook(config_file));
        connection.client().await?;
        Ok(Self { connection, version, audiences })
    }
}

impl TokenReviewer for TokenWebhook {
    /// The audiences are those of the flags, whatever the caller names.
    async fn review(&self, token: &str, _: &[String]) -> Result<Option<UserInfo>, KubeError> {
        let question = || token_review::question(self.version, token, &self.audiences);
        let answer = match self.connection.post_to_webhook(question()).await {
            Err(failure) if may_pass(&failure) => {
                sleep(spread(PAUSE, jitter())).await;
                self.connection.post_to_webhook(question()).await
            }
            answer => answer,
        };
        let answer = answer.map_err(KubeError::without_message)?;
        token_review::answer(self.version, &answer, &self.audiences, AudienceRule::MayBeAbsent)
    }
}

/// Whether it may go well a moment later.
const fn may_pass(failure: &KubeError) -> bool {
    match failure {
        KubeError::Refused { code, .. } => *code == 429 || *code >= 500,
        KubeError::Unreachable { .. } => true,
        _ => false,
    }
}
