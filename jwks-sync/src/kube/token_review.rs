//! TokenReview objects, in both versions, which differ in their name alone.

use authn::user::UserInfo;
use clap::ValueEnum;
use k8s_openapi::api::authentication::v1::{TokenReviewStatus, UserInfo as ReviewedUser};
use serde_json::{Value, json};

use super::KubeError;

/// The resource that must be created to ask whose token something is.
pub(crate) const TOKEN_REVIEWS: &str = "tokenreviews.authentication.k8s.io";
/// Largest user that is taken, in bytes of its texts. No request could carry a larger one.
const MAX_USER: usize = 64 * 1024;

/// The version of a TokenReview.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum TokenReviewVersion {
    /// authentication.k8s.io/v1
    V1,
    /// authentication.k8s.io/v1beta1
    #[default]
    V1beta1,
}

/// What an answer must say of the audiences that were asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum AudienceRule {
    /// One of them. It is the API server, which knows them.
    MustBeNamed,
    /// One of them, or nothing: then it does not know of audiences, and kube-apiserver takes the token to be for itself.
    MayBeAbsent,
}

impl TokenReviewVersion {
    const fn api_version(self) -> &'static str {
        match self {
            Self::V1 => "authentication.k8s.io/v1",
            Self::V1beta1 => "authentication.k8s.io/v1beta1",
        }
    }
}

/// Whose is this token?
pub(super) fn question(version: TokenReviewVersion, token: &str, audiences: &[String]) -> Vec<u8> {
    let mut spec = json!({"token": token});
    if let (false, Some(spec)) = (audiences.is_empty(), spec.as_object_mut()) {
        spec.insert("audiences".to_owned(), audiences.into());
    }
    let review =
        json!({"kind": "TokenReview", "apiVersion": version.api_version(), "metadata": {}, "spec": spec});
    review.to_string().into_bytes()
}

/// Reads the answer: `None` when the token is not known, or for other audiences.
///
/// # Errors
/// [`KubeError::Answer`] when it is none.
pub(super) fn answer(
    version: TokenReviewVersion,
    body: &[u8],
    audiences: &[String],
    rule: AudienceRule,
) -> Result<Option<UserInfo>, KubeError> {
    let Ok(Value::Object(mut review)) = serde_json::from_slice(body) else { return Err(KubeError::Answer) };
    // As kube-apiserver decodes it: what is not said is what was asked for.
    let is = |name: &str, expected: &str| match review.get(name) {
        None => true,
        Some(Value::String(text)) => text.is_empty() || text == expected,
        Some(_) => false,
    };
    if !is("kind", "TokenReview") || !is("apiVersion", version.api_version()) {
        return Err(KubeError::Answer);
    }
    let status = review.remove("status").unwrap_or_default();
    if status.is_null() {
        return Err(KubeError::Answer);
    }
    let status: TokenReviewStatus = serde_json::from_value(status).map_err(|_| KubeError::Answer)?;
    let named = status.audiences.unwrap_or_default();
    let is_for_us = match rule {
        _ if audiences.is_empty() => true,
        AudienceRule::MayBeAbsent if named.is_empty() => true,
        _ => named.iter().any(|audience| audiences.contains(audience)),
    };
    let is_doubtful =
        rule == AudienceRule::MustBeNamed && status.error.is_some_and(|error| !error.is_empty());
    if status.authenticated != Some(true) || is_doubtful || !is_for_us {
        return Ok(None);
    }
    user(status.user.unwrap_or_default())
}

/// A user without a name is nobody: as an impersonation header the empty name would mean the gateway itself.
fn user(ReviewedUser { username, uid, groups, extra }: ReviewedUser) -> Result<Option<UserInfo>, KubeError> {
    let Some(username) = username.filter(|name| !name.is_empty()) else { return Ok(None) };
    let (uid, groups) = (uid.unwrap_or_default(), groups.unwrap_or_default());
    let extra: Vec<(String, Vec<String>)> = extra.unwrap_or_default().into_iter().collect();
    let user = UserInfo::new(username, uid, groups, extra);
    if size(&user) > MAX_USER { Err(KubeError::AnswerTooLarge { limit: MAX_USER }) } else { Ok(Some(user)) }
}

fn size(user: &UserInfo) -> usize {
    let extra = user.extra().iter().flat_map(|(key, values)| std::iter::once(key).chain(values));
    // What an entry takes beside its text counts too: empty ones are not free.
    let texts = user.groups().iter().chain(extra).map(|text| text.len().saturating_add(size_of::<String>()));
    texts.fold(user.username().len().saturating_add(user.uid().len()), usize::saturating_add)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn strings(texts: &[&str]) -> Vec<String> {
        texts.iter().map(|text| (*text).to_owned()).collect()
    }

    #[test]
    fn a_question_has_its_version_and_its_audiences() {
        let text = |version, audiences: &[&str]| -> Value {
            serde_json::from_slice(&question(version, "t", &strings(audiences))).unwrap()
        };
        let plain = text(TokenReviewVersion::V1beta1, &[]);
        assert_eq!(plain["apiVersion"], "authentication.k8s.io/v1beta1");
        assert_eq!(plain["spec"], json!({"token": "t"}));
        let audiences = text(TokenReviewVersion::V1, &["a", "b"]);
        assert_eq!(audiences["apiVersion"], "authentication.k8s.io/v1");
        assert_eq!(audiences["spec"], json!({"token": "t", "audiences": ["a", "b"]}));
    }

    /// What comes of this status, asked for the audience `k`, by either rule.
    fn judged(status: &Value) -> [Result<Option<UserInfo>, KubeError>; 2] {
        let body = json!({"kind": "TokenReview", "apiVersion": "authentication.k8s.io/v1", "status": status});
        [AudienceRule::MustBeNamed, AudienceRule::MayBeAbsent]
            .map(|rule| answer(TokenReviewVersion::V1, body.to_string().as_bytes(), &strings(&["k"]), rule))
    }

    #[test]
    fn a_status_is_read_as_kube_apiserver_reads_it() {
        let jane = || Ok(Some(UserInfo::new("jane".to_owned(), String::new(), vec![], vec![])));
        let good = json!({"authenticated": true, "user": {"username": "jane"}, "audiences": ["x", "k"]});
        let with = |name: &str, value: Value| {
            let mut status = good.clone();
            status[name] = value;
            status
        };
        for (status, strict, lenient) in [
            (good.clone(), jane(), jane()),
            (with("authenticated", json!(false)), Ok(None), Ok(None)),
            (with("authenticated", Value::Null), Ok(None), Ok(None)),
            (with("audiences", json!(["x"])), Ok(None), Ok(None)),
            (with("audiences", json!([])), Ok(None), jane()),
            (with("audiences", Value::Null), Ok(None), jane()),
            (with("error", json!("odd")), Ok(None), jane()),
            (with("error", json!("")), jane(), jane()),
            (with("user", json!({"username": ""})), Ok(None), Ok(None)),
            (with("user", Value::Null), Ok(None), Ok(None)),
            (json!({}), Ok(None), Ok(None)),
            (json!({"error": "bad token"}), Ok(None), Ok(None)),
            (with("authenticated", json!("true")), Err(KubeError::Answer), Err(KubeError::Answer)),
            (with("user", json!("jane")), Err(KubeError::Answer), Err(KubeError::Answer)),
            (Value::Null, Err(KubeError::Answer), Err(KubeError::Answer)),
            (json!([]), Err(KubeError::Answer), Err(KubeError::Answer)),
        ] {
            assert_eq!(judged(&status), [strict, lenient], "{status}");
        }
    }

    #[test]
    fn the_user_comes_over_whole() {
        let status = json!({"authenticated": true, "audiences": ["k"], "user": {"username": "jane", "uid": "7",
            "groups": ["b", "a"], "extra": {"Z.com/K": ["1", "2"], "a": []}}});
        let extra = vec![("Z.com/K".to_owned(), strings(&["1", "2"])), ("a".to_owned(), vec![])];
        let jane = UserInfo::new("jane".to_owned(), "7".to_owned(), strings(&["b", "a"]), extra);
        assert_eq!(judged(&status)[0], Ok(Some(jane)));
        let huge =
            json!({"authenticated": true, "user": {"username": "jane", "groups": ["x".repeat(MAX_USER)]}});
        assert_eq!(judged(&huge)[1], Err(KubeError::AnswerTooLarge { limit: MAX_USER }));
    }

    #[test]
    fn another_object_is_no_answer() {
        let status = json!({"authenticated": true, "user": {"username": "jane"}});
        for (body, is_answer) in [
            (json!({"status": status}).to_string(), true),
            (json!({"kind": "", "apiVersion": "", "status": status}).to_string(), true),
            (json!({"kind": "Pod", "status": status}).to_string(), false),
            (json!({"apiVersion": "authentication.k8s.io/v1beta1", "status": status}).to_string(), false),
            (json!({"kind": "TokenReview"}).to_string(), false),
            ("<html>".to_owned(), false),
            (String::new(), false),
            ("[]".to_owned(), false),
        ] {
            let read = answer(TokenReviewVersion::V1, body.as_bytes(), &[], AudienceRule::MayBeAbsent);
            assert_eq!(read.is_ok_and(|user| user.is_some()), is_answer, "{body}");
        }
    }
}
