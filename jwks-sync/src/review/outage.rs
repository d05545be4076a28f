//! Reviews that fail, told to the operator: in the log once a minute for each reason, and in `/readyz?verbose`.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;
use tracing::{error, warn};

use crate::claims::Unresolved;
use crate::kube::{KubeError, SUBJECT_ACCESS_REVIEWS, TOKEN_REVIEWS};
use crate::metrics::ReviewKind;

/// How often the log repeats itself.
const REPEAT: Duration = Duration::from_mins(1);

/// What is wrong with the reviews of each kind.
#[derive(Default)]
pub(crate) struct Outages {
    claims: Mutex<Outage>,
    impersonation: Mutex<Outage>,
    pass_through: Mutex<Outage>,
    webhook: Mutex<Outage>,
}

#[derive(Default)]
struct Outage {
    /// What the last review failed for.
    failure: Option<String>,
    /// When the log was told of a reason. Reasons are a closed set.
    told: HashMap<&'static str, Instant>,
}

impl Outages {
    /// A review went well.
    pub(super) fn ended(&self, kind: ReviewKind) {
        self.lock(kind).failure = None;
    }

    /// A review failed.
    pub(super) fn failed(&self, kind: ReviewKind, failure: &KubeError) {
        let text = explain(kind, failure);
        self.lock(kind).failure = Some(text.clone());
        if self.is_news(kind, failure.reason()) {
            error!(kind = kind.name(), reason = failure.reason(), error = text, "a review failed");
        }
    }

    /// A claim could not be had. Where its endpoint has answered, that is no outage, yet worth a word.
    pub(super) fn unresolved(&self, failure: &Unresolved) {
        const KIND: ReviewKind = ReviewKind::Claims;
        let (text, reason) = (failure.to_string(), failure.reason());
        self.lock(KIND).failure = failure.may_pass().then(|| text.clone());
        if !self.is_news(KIND, reason) {
            return;
        }
        if failure.may_pass() {
            error!(kind = KIND.name(), reason, error = text, "a claim could not be fetched");
        } else {
            warn!(kind = KIND.name(), reason, error = text, "a claim was refused");
        }
    }

    /// Whether the log has not been told of this within the last minute. It is now.
    fn is_news(&self, kind: ReviewKind, reason: &'static str) -> bool {
        let told = &mut self.lock(kind).told;
        let is_news = told.get(reason).is_none_or(|told| told.elapsed() >= REPEAT);
        if is_news {
            told.insert(reason, Instant::now());
        }
        is_news
    }

    /// Why the last review of each kind failed, of those that did.
    pub(crate) fn present(&self) -> Vec<(&'static str, String)> {
        let failure = |kind: ReviewKind| Some((kind.name(), self.lock(kind).failure.clone()?));
        ReviewKind::ALL.into_iter().filter_map(failure).collect()
    }

    fn lock(&self, kind: ReviewKind) -> MutexGuard<'_, Outage> {
        let outage = match kind {
            ReviewKind::Claims => &self.claims,
            ReviewKind::Impersonation => &self.impersonation,
            ReviewKind::PassThrough => &self.pass_through,
            ReviewKind::Webhook => &self.webhook,
        };
        // Nothing panics halfway through a change.
        outage.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// In one line, whatever a remote end says: its texts are quoted by [`KubeError`].
fn explain(kind: ReviewKind, failure: &KubeError) -> String {
    let resource = match kind {
        ReviewKind::Impersonation => SUBJECT_ACCESS_REVIEWS,
        ReviewKind::PassThrough => TOKEN_REVIEWS,
        ReviewKind::Webhook => return format!("token webhook: {failure}"),
        ReviewKind::Claims => return failure.to_string(),
    };
    match failure {
        KubeError::Refused { code: 401, .. } => {
            "the API server does not accept the sidecar's own account; is the \
             token of --kubeconfig, or of this pod, still valid?"
                .to_owned()
        }
        KubeError::Refused { code: 403, .. } => format!(
            "the sidecar's account may not create {resource}: bind the ClusterRole kube-oidc-filter-gateway of \
             istio/rbac.yaml to it"
        ),
        failure => format!("API server: {failure}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_right_is_named() {
        let refused = |code| KubeError::Refused { code, message: "no\nlevel=error".to_owned() };
        for (kind, failure, words) in [
            (
                ReviewKind::Impersonation,
                refused(403),
                "may not create subjectaccessreviews.authorization.k8s.io",
            ),
            (ReviewKind::PassThrough, refused(403), "may not create tokenreviews.authentication.k8s.io"),
            (ReviewKind::PassThrough, refused(401), "does not accept the sidecar's own account"),
            (ReviewKind::Webhook, refused(403), "token webhook: refused with HTTP status 403"),
            (ReviewKind::Impersonation, refused(422), r#"422: "no\nlevel=error""#),
        ] {
            let text = explain(kind, &failure);
            assert!(text.contains(words) && !text.contains('\n'), "{text}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn the_log_repeats_itself_once_a_minute() {
        let outages = Outages::default();
        let told = |reason| outages.lock(ReviewKind::Webhook).told.get(reason).copied();
        outages.failed(ReviewKind::Webhook, &KubeError::Timeout);
        let first = told("timeout");
        tokio::time::advance(Duration::from_secs(59)).await;
        outages.failed(ReviewKind::Webhook, &KubeError::Timeout);
        assert_eq!(told("timeout"), first);
        outages.failed(ReviewKind::Webhook, &KubeError::Answer);
        assert!(told("answer").is_some(), "another reason is news");
        tokio::time::advance(Duration::from_secs(1)).await;
        outages.failed(ReviewKind::Webhook, &KubeError::Timeout);
        assert_ne!(told("timeout"), first);
        assert_eq!(outages.present(), [("webhook", "token webhook: no answer in time".to_owned())]);
        outages.ended(ReviewKind::Webhook);
        assert!(outages.present().is_empty());
    }
}
