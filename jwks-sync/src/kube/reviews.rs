//! Reviews of the API server: may this user do that, and whose token is this?

use std::collections::BTreeMap;

use authn::impersonation_request::Attribute;
use authn::user::UserInfo;
use k8s_openapi::api::authorization::v1::{ResourceAttributes, SubjectAccessReview, SubjectAccessReviewSpec};

use super::token_review::{self, AudienceRule, TokenReviewVersion};
use super::{ApiServer, KubeError};
use crate::review::{AccessReviewer, TokenReviewer};

/// The resource that must be created to ask whether somebody may do something.
pub(crate) const SUBJECT_ACCESS_REVIEWS: &str = "subjectaccessreviews.authorization.k8s.io";

impl AccessReviewer for ApiServer {
    async fn may_impersonate(&self, requester: &UserInfo, attribute: &Attribute) -> Result<bool, KubeError> {
        let body = serde_json::to_vec(&access_review(requester, attribute)).map_err(|_| KubeError::Answer)?;
        let answer = self.connection.post("/apis/authorization.k8s.io/v1/subjectaccessreviews", body).await?;
        let answer: SubjectAccessReview = serde_json::from_slice(&answer).map_err(|_| KubeError::Answer)?;
        let status = answer.status.ok_or(KubeError::Answer)?;
        Ok(status.allowed && status.denied != Some(true))
    }
}

impl TokenReviewer for ApiServer {
    async fn review(&self, token: &str, audiences: &[String]) -> Result<Option<UserInfo>, KubeError> {
        let version = TokenReviewVersion::V1;
        let body = token_review::question(version, token, audiences);
        let answer = self.connection.post("/apis/authentication.k8s.io/v1/tokenreviews", body).await;
        let answer = answer.map_err(KubeError::without_message)?;
        token_review::answer(version, &answer, audiences, AudienceRule::MustBeNamed)
    }
}

/// kube-apiserver asks its authorizer the same (endpoints/filters/impersonation).
fn access_review(requester: &UserInfo, attribute: &Attribute) -> SubjectAccessReview {
    let resource = attribute.resource();
    let some = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
    let mut extra = BTreeMap::<String, Vec<String>>::new();
    for (key, values) in requester.extra() {
        extra.entry(key.clone()).or_default().extend(values.iter().cloned());
    }
    let attributes = ResourceAttributes {
        verb: Some("impersonate".to_owned()),
        group: Some(resource.group.to_owned()),
        resource: Some(resource.resource.to_owned()),
        subresource: some(resource.subresource),
        namespace: some(resource.namespace),
        name: some(resource.name),
        ..ResourceAttributes::default()
    };
    let spec = SubjectAccessReviewSpec {
        user: Some(requester.username().to_owned()),
        uid: some(requester.uid()),
        groups: Some(requester.groups().to_vec()),
        extra: Some(extra).filter(|extra| !extra.is_empty()),
        resource_attributes: Some(attributes),
        ..SubjectAccessReviewSpec::default()
    };
    SubjectAccessReview { spec, ..SubjectAccessReview::default() }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_review_names_the_requester_whole_and_the_resource() {
        let extra = vec![("k".to_owned(), vec!["1".to_owned()]), ("k".to_owned(), vec!["2".to_owned()])];
        let jane = UserInfo::new("jane".to_owned(), "7".to_owned(), vec!["dev".to_owned()], extra);
        let plain = UserInfo::new("bob".to_owned(), String::new(), vec![], vec![]);
        let who = json!({"user": "jane", "uid": "7", "groups": ["dev"], "extra": {"k": ["1", "2"]}});
        for (requester, who, attribute, what) in [
            (
                &jane,
                who.clone(),
                Attribute::User("x".to_owned()),
                json!({"group": "", "resource": "users", "name": "x"}),
            ),
            (
                &plain,
                json!({"user": "bob", "groups": []}),
                Attribute::Group("x".to_owned()),
                json!({"group": "", "resource": "groups", "name": "x"}),
            ),
            (
                &jane,
                who.clone(),
                Attribute::ServiceAccount("system:serviceaccount:ns:n".to_owned()),
                json!({"group": "", "resource": "serviceaccounts", "namespace": "ns", "name": "n"}),
            ),
            (
                &jane,
                who.clone(),
                Attribute::Uid("u".to_owned()),
                json!({"group": "authentication.k8s.io", "resource": "uids", "name": "u"}),
            ),
            (
                &jane,
                who,
                Attribute::Extra { key: "acme.com/p".to_owned(), value: "v".to_owned() },
                json!({"group": "authentication.k8s.io", "resource": "userextras", "subresource": "acme.com/p",
                    "name": "v"}),
            ),
        ] {
            let (mut spec, mut what) = (who, what);
            what["verb"] = json!("impersonate");
            spec["resourceAttributes"] = what;
            let review = serde_json::to_value(access_review(requester, &attribute)).unwrap();
            assert_eq!(review["spec"], spec);
            assert_eq!(review["apiVersion"], "authorization.k8s.io/v1");
        }
    }
}
