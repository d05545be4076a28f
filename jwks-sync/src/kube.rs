//! The API server: asks it for ServiceAccount tokens and for what a credential may do. The only file that knows a
//! Kubernetes client.

use std::error::Error as StdError;
use std::path::PathBuf;
use std::time::Duration;

use authn::snapshot::UpstreamCredential;
use authn::time::UnixSeconds;
use k8s_openapi::api::authentication::v1::{TokenRequest, TokenRequestSpec};
use k8s_openapi::api::authorization::v1::{
    ResourceAttributes, SelfSubjectAccessReview, SelfSubjectAccessReviewSpec,
};
use k8s_openapi::api::core::v1::ServiceAccount;
use kube::api::PostParams;
use kube::config::{AuthInfo, KubeConfigOptions, Kubeconfig};
use kube::{Api, Client, Config};
use tokio::time::timeout;

use crate::cause::deepest;

/// Life that a token is asked for, in seconds. The API server may give it another.
const TOKEN_LIFE: i64 = 3_600;
/// Time for one question, the connection included.
const TIMEOUT: Duration = Duration::from_secs(10);
/// Time for TCP and TLS.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// Where the API server is and who we are to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ApiServer {
    /// `None`: the place and account of the pod that this process runs in.
    pub(crate) kubeconfig: Option<PathBuf>,
}

/// Why the API server gave no answer that helps.
#[derive(Debug, thiserror::Error)]
pub(crate) enum KubeError {
    #[error("the API server's answer lacks the token")]
    Answer,
    #[error("kubeconfig {path}: {detail}")]
    Kubeconfig { path: String, detail: String },
    #[error("not in a cluster, or without this pod's ServiceAccount mounted; give --kubeconfig FILE")]
    NotInCluster,
    #[error("the API server refused: {message}")]
    Refused { code: u16, message: String },
    #[error("the API server gave no answer in time")]
    Timeout,
    #[error("the API server can't be reached: {detail}")]
    Unreachable { detail: String },
}

impl KubeError {
    /// The name of the variant, for logs and metrics.
    pub(crate) const fn reason(&self) -> &'static str {
        match self {
            Self::Answer => "answer",
            Self::Kubeconfig { .. } => "kubeconfig",
            Self::NotInCluster => "not_in_cluster",
            Self::Refused { .. } => "refused",
            Self::Timeout => "timeout",
            Self::Unreachable { .. } => "unreachable",
        }
    }
}

/// Something that a request of the filter must be able to set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Impersonated {
    /// API group of the resource.
    pub(crate) group: &'static str,
    /// The resource, as RBAC names it.
    pub(crate) resource: &'static str,
    /// The subresource: the key of an extra.
    pub(crate) subresource: Option<&'static str>,
}

impl Impersonated {
    /// What impersonating a user asks for (kubernetes/apiserver, endpoints/filters/impersonation).
    pub(crate) const ALL: [Self; 4] = [
        Self { group: "", resource: "users", subresource: None },
        Self { group: "", resource: "groups", subresource: None },
        Self { group: "authentication.k8s.io", resource: "uids", subresource: None },
        Self {
            group: "authentication.k8s.io",
            resource: "userextras",
            // Every token with a `jti` has this extra.
            subresource: Some("authentication.kubernetes.io/credential-id"),
        },
    ];
}

impl ApiServer {
    /// Asks for a token of the ServiceAccount `name` in `namespace`. Reads the kubeconfig anew.
    ///
    /// # Errors
    /// [`KubeError`]; never holds a token.
    pub(crate) async fn request_token(
        &self,
        namespace: &str,
        name: &str,
    ) -> Result<UpstreamCredential, KubeError> {
        let client = client(self.config().await?)?;
        let accounts: Api<ServiceAccount> = Api::namespaced(client, namespace);
        let spec = TokenRequestSpec { expiration_seconds: Some(TOKEN_LIFE), ..TokenRequestSpec::default() };
        let request = TokenRequest { spec, ..TokenRequest::default() };
        let parameters = PostParams::default();
        let answer = within(accounts.create_token_request(name, &parameters, &request)).await?;
        let status = answer.status.ok_or(KubeError::Answer)?;
        let end = u64::try_from(status.expiration_timestamp.0.as_second()).map_err(|_| KubeError::Answer)?;
        UpstreamCredential::new(status.token, Some(UnixSeconds::new(end))).map_err(|_| KubeError::Answer)
    }

    /// Asks, under `credential`, whether it may impersonate `what`.
    ///
    /// # Errors
    /// [`KubeError`]; a credential that the API server does not accept is [`KubeError::Refused`] with code 401.
    pub(crate) async fn may_impersonate(
        &self,
        credential: &UpstreamCredential,
        what: Impersonated,
    ) -> Result<bool, KubeError> {
        let mut config = self.config().await?;
        config.auth_info =
            AuthInfo { token: Some(credential.token().to_owned().into()), ..AuthInfo::default() };
        let attributes = ResourceAttributes {
            verb: Some("impersonate".to_owned()),
            group: Some(what.group.to_owned()),
            resource: Some(what.resource.to_owned()),
            subresource: what.subresource.map(str::to_owned),
            ..ResourceAttributes::default()
        };
        let spec =
            SelfSubjectAccessReviewSpec { resource_attributes: Some(attributes), ..Default::default() };
        let review = SelfSubjectAccessReview { spec, ..Default::default() };
        let reviews: Api<SelfSubjectAccessReview> = Api::all(client(config)?);
        let answer = within(reviews.create(&PostParams::default(), &review)).await?;
        Ok(answer.status.is_some_and(|status| status.allowed))
    }

    async fn config(&self) -> Result<Config, KubeError> {
        let mut config = match &self.kubeconfig {
            Some(path) => {
                let failed = |error: &dyn StdError| KubeError::Kubeconfig {
                    path: path.display().to_string(),
                    detail: deepest(error),
                };
                let kubeconfig = Kubeconfig::read_from(path).map_err(|error| failed(&error))?;
                Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default())
                    .await
                    .map_err(|error| failed(&error))?
            }
            None => Config::incluster().map_err(|_| KubeError::NotInCluster)?,
        };
        config.connect_timeout = Some(CONNECT_TIMEOUT);
        config.read_timeout = Some(TIMEOUT);
        Ok(config)
    }
}

fn client(config: Config) -> Result<Client, KubeError> {
    Client::try_from(config).map_err(|error| KubeError::Unreachable { detail: deepest(&error) })
}

async fn within<T>(question: impl Future<Output = kube::Result<T>>) -> Result<T, KubeError> {
    match timeout(TIMEOUT, question).await {
        Ok(Ok(answer)) => Ok(answer),
        Ok(Err(kube::Error::Api(status))) => {
            Err(KubeError::Refused { code: status.code, message: status.message.clone() })
        }
        Ok(Err(error)) => Err(KubeError::Unreachable { detail: deepest(&error) }),
        Err(_) => Err(KubeError::Timeout),
    }
}
