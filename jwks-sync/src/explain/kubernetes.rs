//! What kube-apiserver makes of an issuer whose keys could not be had here.

use authn::config::JwtAuthenticator;
use authn::discovery::DiscoveryError;
use authn::explain::Kubernetes;
use authn::jwks::JwksError;
use authn::rejection::{Rejection, Unavailable};

use super::Asked;
use crate::fetch_error::FetchError;

/// Where the keys could not be had, kube-apiserver says that it is not initialized only if the discovery document is one
/// that it does not take, either. What this machine could not reach the API server's may reach; and where the document is
/// there, its words depend on the keys that it finds.
pub(super) fn kubernetes_words(
    kubernetes: &Kubernetes,
    rejection: &Rejection,
    asked: Asked<'_>,
) -> Kubernetes {
    match asked {
        Some((jwt, Err(error))) if !is_refused_there(error, jwt) => {
            let is_ours = is_for_want_of_keys(rejection) && our_rule(error).is_some();
            if is_ours { Kubernetes::GoesOn } else { Kubernetes::Unknown }
        }
        _ => kubernetes.clone(),
    }
}

pub(super) const fn is_for_want_of_keys(rejection: &Rejection) -> bool {
    matches!(rejection, Rejection::Unavailable(Unavailable::NoKeys))
}

fn is_refused_there(error: &FetchError, jwt: &JwtAuthenticator) -> bool {
    match error {
        FetchError::At { url, error } => {
            *url == jwt.document_url() && matches!(**error, FetchError::Status { .. })
        }
        FetchError::Discovery(error) => matches!(error, DiscoveryError::Issuer { .. }),
        _ => false,
    }
}

/// The rule of `docs/deviations.md` by which an answer is refused that kube-apiserver would take.
pub(super) fn our_rule(error: &FetchError) -> Option<&'static str> {
    match error {
        FetchError::At { error, .. } => our_rule(error),
        FetchError::Redirect => Some("document-redirect"),
        FetchError::BodyTooLarge { .. }
        | FetchError::Discovery(DiscoveryError::TooLarge)
        | FetchError::Jwks(JwksError::TooLarge | JwksError::TooManyKeys) => Some("document-size"),
        _ => None,
    }
}
