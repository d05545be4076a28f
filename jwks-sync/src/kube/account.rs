//! What accounts get and may do: ServiceAccount tokens, and the rights that the product stands on.

use authn::snapshot::UpstreamCredential;
use authn::time::UnixSeconds;
use k8s_openapi::api::authentication::v1::{TokenRequest, TokenRequestSpec};
use k8s_openapi::api::authorization::v1::{
    ResourceAttributes, SelfSubjectAccessReview, SelfSubjectAccessReviewSpec,
};
use k8s_openapi::api::core::v1::ServiceAccount;
use kube::api::PostParams;
use kube::config::AuthInfo;
use kube::{Api, Client};
use tokio::time::timeout;

use super::kubeconfig::detail;
use super::{ApiServer, KubeError, TIMEOUT};

/// Life that a token is asked for, in seconds. The API server may give it another.
const TOKEN_LIFE: i64 = 3_600;

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
        Self::core("users"),
        Self::core("groups"),
        Self { group: "authentication.k8s.io", resource: "uids", subresource: None },
        // Every token with a `jti` has this extra.
        Self::extra("authentication.kubernetes.io/credential-id"),
    ];

    /// What `kubectl --as` and the client's address ask for besides.
    pub(crate) const OPTIONAL: [Self; 6] = [
        Self::core("serviceaccounts"),
        Self::extra("originaluser.jetstack.io-user"),
        Self::extra("originaluser.jetstack.io-groups"),
        Self::extra("originaluser.jetstack.io-uid"),
        Self::extra("originaluser.jetstack.io-extra"),
        Self::extra("remote-client-ip"),
    ];

    const fn core(resource: &'static str) -> Self {
        Self { group: "", resource, subresource: None }
    }

    const fn extra(key: &'static str) -> Self {
        Self { group: "authentication.k8s.io", resource: "userextras", subresource: Some(key) }
    }
}

/// A kind of review that the sidecar's own account must be able to create.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Permission {
    /// API group of the resource.
    pub(crate) group: &'static str,
    /// The resource.
    pub(crate) resource: &'static str,
}

impl Permission {
    /// For `kubectl --as`, and for tokens that are passed through.
    pub(crate) const ALL: [Self; 2] = [
        Self { group: "authorization.k8s.io", resource: "subjectaccessreviews" },
        Self { group: "authentication.k8s.io", resource: "tokenreviews" },
    ];
}

impl ApiServer {
    /// Asks for a token of the ServiceAccount `name` in `namespace`.
    ///
    /// # Errors
    /// [`KubeError`]; never holds a token.
    pub(crate) async fn request_token(
        &self,
        namespace: &str,
        name: &str,
    ) -> Result<UpstreamCredential, KubeError> {
        let ask = async {
            let client = self.connection.client().await?.client;
            let accounts: Api<ServiceAccount> = Api::namespaced(client, namespace);
            let spec =
                TokenRequestSpec { expiration_seconds: Some(TOKEN_LIFE), ..TokenRequestSpec::default() };
            let request = TokenRequest { spec, ..TokenRequest::default() };
            let answer = accounts.create_token_request(name, &PostParams::default(), &request).await;
            answer.map_err(|error| classify(&error))
        };
        let answer = within(ask).await;
        if matches!(answer, Err(KubeError::Refused { code: 401, .. })) {
            self.connection.was_refused().await;
        }
        let status = answer?.status.ok_or(KubeError::Answer)?;
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
        let account = AuthInfo { token: Some(credential.token().to_owned().into()), ..AuthInfo::default() };
        let attributes = ResourceAttributes {
            verb: Some("impersonate".to_owned()),
            group: Some(what.group.to_owned()),
            resource: Some(what.resource.to_owned()),
            subresource: what.subresource.map(str::to_owned),
            ..ResourceAttributes::default()
        };
        within(async { may(self.connection.client_as(account).await?, attributes).await }).await
    }

    /// Asks, under the sidecar's own account, whether it may create such a review.
    ///
    /// # Errors
    /// [`KubeError`]
    pub(crate) async fn may_create(&self, what: Permission) -> Result<bool, KubeError> {
        let attributes = ResourceAttributes {
            verb: Some("create".to_owned()),
            group: Some(what.group.to_owned()),
            resource: Some(what.resource.to_owned()),
            ..ResourceAttributes::default()
        };
        within(async { may(self.connection.client().await?.client, attributes).await }).await
    }
}

async fn may(client: Client, attributes: ResourceAttributes) -> Result<bool, KubeError> {
    let spec = SelfSubjectAccessReviewSpec { resource_attributes: Some(attributes), ..Default::default() };
    let review = SelfSubjectAccessReview { spec, ..Default::default() };
    let reviews: Api<SelfSubjectAccessReview> = Api::all(client);
    let answer = reviews.create(&PostParams::default(), &review).await.map_err(|error| classify(&error))?;
    Ok(answer.status.is_some_and(|status| status.allowed))
}

async fn within<T>(question: impl Future<Output = Result<T, KubeError>>) -> Result<T, KubeError> {
    timeout(TIMEOUT, question).await.unwrap_or(Err(KubeError::Timeout))
}

fn classify(error: &kube::Error) -> KubeError {
    match error {
        kube::Error::Api(status) => KubeError::Refused { code: status.code, message: status.message.clone() },
        error => KubeError::Unreachable { detail: detail(error) },
    }
}
