//! The API server and the token webhook: asks the one for ServiceAccount tokens, for what somebody may do and for a
//! configuration, both for whose a token is. The only room that knows a Kubernetes client.

mod account;
mod client;
mod config_map;
mod kubeconfig;
mod reviews;
mod token_review;
mod webhook;

pub(crate) use account::{Impersonated, Permission};
pub(crate) use config_map::{ConfigMapError, ConfigMapKey, ConfigMapValue};
pub(crate) use reviews::SUBJECT_ACCESS_REVIEWS;
pub(crate) use token_review::TOKEN_REVIEWS;
pub(crate) use webhook::{TokenReviewVersion, TokenWebhook, WebhookOptions};

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use client::{Connection, Origin};

/// Time for one question that nobody waits for.
const TIMEOUT: Duration = Duration::from_secs(10);

/// The API server, asked under the sidecar's own account.
#[derive(Clone)]
pub(crate) struct ApiServer {
    connection: Arc<Connection>,
}

impl ApiServer {
    /// The API server of this kubeconfig; `None`: that of the pod that this process runs in. Nothing is read or
    /// connected yet.
    pub(crate) fn new(kubeconfig: Option<PathBuf>) -> Self {
        let origin = kubeconfig.map_or(Origin::Pod, Origin::Kubeconfig);
        Self { connection: Arc::new(Connection::new(origin)) }
    }

    /// Reads the kubeconfig. Nothing is connected yet.
    ///
    /// # Errors
    /// [`KubeError`] says what is wrong with it.
    pub(crate) async fn load(&self) -> Result<(), KubeError> {
        self.connection.client().await.map(drop)
    }
}

/// Why there is no answer that helps. Never holds a token.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[cfg_attr(
    test,
    derive(strum::EnumDiscriminants),
    strum_discriminants(name(Kind), vis(), derive(strum::VariantArray))
)]
pub(crate) enum KubeError {
    #[error("the answer is not what was asked for")]
    Answer,
    #[error("the answer has more than {limit} bytes")]
    AnswerTooLarge { limit: usize },
    #[error("kubeconfig {path}: {detail}")]
    Kubeconfig { path: String, detail: String },
    #[error("not in a cluster, or without this pod's ServiceAccount mounted; give --kubeconfig FILE")]
    NotInCluster,
    #[error("refused with HTTP status {code}: {message:?}")]
    Refused { code: u16, message: String },
    #[error("no answer in time")]
    Timeout,
    #[error("can't be reached: {detail}")]
    Unreachable { detail: String },
}

impl KubeError {
    /// The name of the case, for logs and metrics.
    pub(crate) const fn reason(&self) -> &'static str {
        match self {
            Self::Answer => "answer",
            Self::AnswerTooLarge { .. } => "answer_too_large",
            Self::Kubeconfig { .. } => "kubeconfig",
            Self::NotInCluster => "not_in_cluster",
            Self::Refused { code: 401, .. } => "unauthorized",
            Self::Refused { code: 403, .. } => "forbidden",
            Self::Refused { .. } => "refused",
            Self::Timeout => "timeout",
            Self::Unreachable { .. } => "unreachable",
        }
    }
}

impl KubeError {
    /// The same without what was said of a refusal: where a client's token was asked about, it may repeat that.
    pub(crate) fn without_message(self) -> Self {
        match self {
            Self::Refused { code, .. } => Self::Refused { code, message: String::new() },
            other => other,
        }
    }
}

#[cfg(test)]
impl KubeError {
    /// One of each kind.
    pub(crate) fn all() -> impl Iterator<Item = Self> {
        use strum::VariantArray as _;

        Kind::VARIANTS.iter().flat_map(|kind| match kind {
            Kind::Answer => vec![Self::Answer],
            Kind::AnswerTooLarge => vec![Self::AnswerTooLarge { limit: 0 }],
            Kind::Kubeconfig => vec![Self::Kubeconfig { path: String::new(), detail: String::new() }],
            Kind::NotInCluster => vec![Self::NotInCluster],
            Kind::Refused => {
                [401, 403, 500].map(|code| Self::Refused { code, message: String::new() }).into()
            }
            Kind::Timeout => vec![Self::Timeout],
            Kind::Unreachable => vec![Self::Unreachable { detail: String::new() }],
        })
    }
}
