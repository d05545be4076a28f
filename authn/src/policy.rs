//! What a gateway does with requests once it knows whose they are: its operator's choice, not an issuer's.

use crate::impersonation::{extra_name, is_header_safe};
use crate::impersonation_request::is_original_user_key;
use crate::user::CREDENTIAL_ID;

/// Extra values that a gateway may add at most, without the client's address.
pub const MAX_ADDED_VALUES: usize = 64;

/// The whole policy. The default is the strictest that still serves: impersonate, ask the API server about
/// `kubectl --as`, accept no other tokens, add nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RequestPolicy {
    /// What becomes of a client's `impersonate-*`.
    pub client_impersonation: ClientImpersonation,
    /// With what a request goes on.
    pub upstream_identity: UpstreamIdentity,
    /// Whether the API server's own tokens pass, and for which of its audiences (none: its own); `None`: they don't.
    pub token_passthrough: Option<Vec<String>>,
    /// Extra values that are added to every user.
    pub added_extra: AddedExtra,
}

/// What becomes of a client's `impersonate-*` (`kubectl --as`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ClientImpersonation {
    /// The API server is asked whether the user may.
    #[default]
    Authorize,
    /// Such a request is refused.
    Reject,
    /// The headers are dropped, and the request goes on as its user.
    Strip,
}

/// With what a request goes on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum UpstreamIdentity {
    /// Under the gateway's credential, impersonating its user.
    #[default]
    Impersonated,
    /// With the client's own token; the gateway only lets nobody else in.
    Own,
}

/// Extra values that the gateway adds to every user, as headers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AddedExtra {
    keys: Vec<String>,
    headers: Vec<(String, String)>,
    client_address_header: Option<String>,
}

/// Why extra values can't be added.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AddedExtraError {
    /// The key stands twice.
    #[error("{0:?} is given twice")]
    Duplicate(String),
    /// The key is empty, or kube-apiserver would read another one: it lowers them.
    #[error("{0:?} must be a key in lower case")]
    Key(String),
    /// The key is kept for the original user of `kubectl --as`, or is a token's own.
    #[error("{0:?} is a key that only the gateway or the token sets")]
    Reserved(String),
    /// More than [`MAX_ADDED_VALUES`].
    #[error("more than {MAX_ADDED_VALUES} values")]
    TooMany,
    /// A value that a header can't carry, or no value.
    #[error("{0:?} has no value, or one that a header can't carry")]
    Value(String),
}

impl AddedExtra {
    /// Static values by their keys, and the key under which the client's address is told.
    ///
    /// # Errors
    /// [`AddedExtraError`] names the key.
    pub fn new(
        values: impl IntoIterator<Item = (String, Vec<String>)>,
        client_address_key: Option<String>,
    ) -> Result<Self, AddedExtraError> {
        let mut added = Self::default();
        for (key, values) in values {
            let name = added.reserve(&key)?;
            if values.is_empty() || !values.iter().all(|value| is_header_safe(value)) {
                return Err(AddedExtraError::Value(key));
            }
            added.headers.extend(values.into_iter().map(|value| (name.clone(), value)));
            if added.headers.len() > MAX_ADDED_VALUES {
                return Err(AddedExtraError::TooMany);
            }
        }
        added.client_address_header = client_address_key.map(|key| added.reserve(&key)).transpose()?;
        Ok(added)
    }

    /// Keeps a key for the gateway. Returns the name of its header.
    fn reserve(&mut self, key: &str) -> Result<String, AddedExtraError> {
        if key.is_empty() || key.bytes().any(|byte| byte.is_ascii_uppercase()) {
            return Err(AddedExtraError::Key(key.to_owned()));
        }
        if is_original_user_key(key) || key == CREDENTIAL_ID {
            return Err(AddedExtraError::Reserved(key.to_owned()));
        }
        if self.keys.iter().any(|known| known == key) {
            return Err(AddedExtraError::Duplicate(key.to_owned()));
        }
        self.keys.push(key.to_owned());
        Ok(extra_name(key).into_owned())
    }

    /// Whether only the gateway may set this key, in whatever case: kube-apiserver lowers keys.
    pub(crate) fn reserves(&self, key: &str) -> bool {
        is_original_user_key(key) || self.keys.iter().any(|known| known.eq_ignore_ascii_case(key))
    }

    /// The headers of the static values.
    pub(crate) fn headers(&self) -> &[(String, String)] {
        &self.headers
    }

    /// The name of the header that tells the client's address, if any does.
    #[must_use]
    pub fn client_address_header(&self) -> Option<&str> {
        self.client_address_header.as_deref()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn added(key: &str, values: &[&str], address: Option<&str>) -> Result<AddedExtra, AddedExtraError> {
        let values = values.iter().map(|value| (*value).to_owned()).collect();
        AddedExtra::new([(key.to_owned(), values)], address.map(str::to_owned))
    }

    #[test]
    fn values_become_headers() {
        let added = added("acme.com/cluster", &["a", "b"], Some("remote-client-ip")).unwrap();
        let header = |value: &str| ("impersonate-extra-acme.com%2Fcluster".to_owned(), value.to_owned());
        assert_eq!(added.headers(), [header("a"), header("b")]);
        assert_eq!(added.client_address_header(), Some("impersonate-extra-remote-client-ip"));
        for (key, is_reserved) in [
            ("acme.com/cluster", true),
            ("remote-client-ip", true),
            ("Remote-Client-IP", true),
            ("originaluser.jetstack.io-user", true),
            ("OriginalUser.jetstack.io-user", true),
            ("acme.com/other", false),
            ("originaluser.jetstack.io", false),
            ("originaluser.jetstack.i\u{f6}-user", false),
        ] {
            assert_eq!(added.reserves(key), is_reserved, "{key}");
        }
    }

    #[test]
    fn what_could_not_be_added_is_refused() {
        let long = ["a"; MAX_ADDED_VALUES + 1];
        for (key, values, address, error) in [
            ("", &["a"][..], None, AddedExtraError::Key(String::new())),
            ("Cluster", &["a"], None, AddedExtraError::Key("Cluster".to_owned())),
            ("a", &["a"], Some("Remote-Client-IP"), AddedExtraError::Key("Remote-Client-IP".to_owned())),
            ("a", &["a"], Some("a"), AddedExtraError::Duplicate("a".to_owned())),
            ("a", &[], None, AddedExtraError::Value("a".to_owned())),
            ("a", &["x\ny"], None, AddedExtraError::Value("a".to_owned())),
            ("a", &long, None, AddedExtraError::TooMany),
            (CREDENTIAL_ID, &["JTI=x"], None, AddedExtraError::Reserved(CREDENTIAL_ID.to_owned())),
            (
                "originaluser.jetstack.io-user",
                &["root"],
                None,
                AddedExtraError::Reserved("originaluser.jetstack.io-user".to_owned()),
            ),
        ] {
            assert_eq!(added(key, values, address), Err(error));
        }
    }
}
