//! kube-apiserver's own issuers, which no configuration may name.

use std::collections::BTreeSet;

use kubernetes_cel::Url;

use super::field::{FieldErrors, Path, quote};

/// The issuers of the cluster's own ServiceAccount tokens: `--service-account-issuer` of kube-apiserver, which refuses a
/// configuration that names one of them. Such tokens end with their pod, which only kube-apiserver can know.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ServiceAccountIssuers(BTreeSet<String>);

/// What kube-apiserver finds wrong with a `--service-account-issuer`; it names every one, we the first.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ServiceAccountIssuerError {
    /// It stands there twice.
    #[error("service-account-issuer {} is already specified", quote(_0))]
    Duplicate(String),
    /// It is empty.
    #[error("service-account-issuer should not be an empty string")]
    Empty,
    /// It looks like a URL, and is none.
    #[error("service-account-issuer {} contained a ':' but was not a valid URL: {problem}", quote(issuer))]
    Url {
        /// The text.
        issuer: String,
        /// Go's words.
        problem: String,
    },
}

impl ServiceAccountIssuers {
    /// The issuers, as the flags name them.
    ///
    /// # Errors
    /// [`ServiceAccountIssuerError`], of the first that is wrong.
    pub fn new(issuers: impl IntoIterator<Item = String>) -> Result<Self, ServiceAccountIssuerError> {
        let mut seen = BTreeSet::new();
        for issuer in issuers {
            if let Some(problem) = issuer.contains(':').then(|| Url::parse(&issuer).err()).flatten() {
                return Err(ServiceAccountIssuerError::Url { issuer, problem });
            }
            if issuer.is_empty() {
                return Err(ServiceAccountIssuerError::Empty);
            }
            if seen.contains(&issuer) {
                return Err(ServiceAccountIssuerError::Duplicate(issuer));
            }
            seen.insert(issuer);
        }
        Ok(Self(seen))
    }

    /// Reports `url` if it is one of them.
    pub(super) fn check(&self, url: &str, path: &Path, errors: &mut FieldErrors) {
        if self.0.contains(url) {
            let all: Vec<&str> = self.0.iter().map(String::as_str).collect();
            let detail = format!("URL must not overlap with disallowed issuers: [{}]", all.join(" "));
            errors.invalid(path, url, detail);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_are_read_as_kube_apiserver_reads_them() {
        for (issuers, problem) in [
            (&[][..], None),
            (&["https://a", "https://b", "kubernetes/serviceaccount"], None),
            (&["https://a", ""], Some("service-account-issuer should not be an empty string")),
            (&["https://a", "https://a"], Some(r#"service-account-issuer "https://a" is already specified"#)),
            (
                &["a b:c"],
                Some(
                    r#"service-account-issuer "a b:c" contained a ':' but was not a valid URL: parse "a b:c": first path segment in URL cannot contain colon"#,
                ),
            ),
        ] {
            let read = ServiceAccountIssuers::new(issuers.iter().map(|&issuer| issuer.to_owned()));
            assert_eq!(read.err().map(|error| error.to_string()).as_deref(), problem, "{issuers:?}");
        }
    }
}
