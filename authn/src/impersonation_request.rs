//! What a client asks to act as (`kubectl --as`), as kube-apiserver reads it and asks its authorizer about it
//! (k8s.io/apiserver `endpoints/filters/impersonation`, legacy mode, verb `impersonate`).

use std::collections::BTreeMap;
use std::fmt;

use crate::impersonation::{EXTRA_PREFIX, GROUP, UID, USER, is_header_safe};
use crate::user::UserInfo;

/// Values that one request may ask for at most: each is a question to the API server.
pub const MAX_VALUES: usize = 64;

/// API group of everything but users, service accounts and groups.
const AUTHENTICATION: &str = "authentication.k8s.io";
/// What the name of a service account begins with.
pub(crate) const SERVICE_ACCOUNT: &str = "system:serviceaccount:";
/// Group of all service accounts, and with a namespace behind it of those in there.
const SERVICE_ACCOUNTS: &str = "system:serviceaccounts";
/// What the extra keys begin with in which the original user is kept.
const ORIGINAL_USER: &str = "originaluser.jetstack.io-";

/// Somebody whom a client asks to be, with what it named and nothing beyond: nothing of it is authorized yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImpersonationRequest(UserInfo);

/// Why `impersonate-*` headers can't be followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, strum::VariantArray, thiserror::Error)]
pub enum ImpersonationRequestError {
    /// Without `impersonate-user`, with two of them or of `impersonate-uid`, of a kind that nobody knows, or with a
    /// value that could not be passed on.
    #[error(
        "`impersonate-*` headers that kube-apiserver refuses, of a kind that nobody knows, or with a value that can't be passed on"
    )]
    Malformed,
    /// More than [`MAX_VALUES`].
    #[error("more than 64 `impersonate-*` headers")]
    TooMany,
}

/// One thing that impersonation asks for, each a question of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Attribute {
    /// A value of an extra.
    Extra {
        /// Its key.
        key: String,
        /// The value.
        value: String,
    },
    /// A group.
    Group(String),
    /// A service account, by its user name.
    ServiceAccount(String),
    /// A uid.
    Uid(String),
    /// A user.
    User(String),
}

/// The resource that stands for an [`Attribute`] in RBAC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Resource<'a> {
    /// API group; empty for the core group.
    pub group: &'static str,
    /// Resource.
    pub resource: &'static str,
    /// Subresource; empty when there is none.
    pub subresource: &'a str,
    /// Namespace; empty when there is none.
    pub namespace: &'a str,
    /// Name.
    pub name: &'a str,
}

impl ImpersonationRequest {
    /// Reads the `impersonate-*` lines of a request: `None` when there are none. Names may have any case.
    ///
    /// # Errors
    /// [`ImpersonationRequestError`]. kube-apiserver takes the first of two users and ignores kinds that it does not
    /// know; here whatever it would not follow is refused.
    pub(crate) fn read<'a>(
        untrusted_lines: impl IntoIterator<Item = (&'a str, &'a [u8])>,
    ) -> Result<Option<Self>, ImpersonationRequestError> {
        const MALFORMED: ImpersonationRequestError = ImpersonationRequestError::Malformed;
        let (mut users, mut uids, mut groups) = (Vec::new(), Vec::new(), Vec::new());
        let mut extra = BTreeMap::<String, Vec<String>>::new();
        let mut count = 0usize;
        for (name, value) in untrusted_lines {
            count = count.saturating_add(1);
            if count > MAX_VALUES {
                // Nothing of it is kept, so what else may be wrong with it does not matter.
                return Err(ImpersonationRequestError::TooMany);
            }
            let value = std::str::from_utf8(value).map_err(|_| MALFORMED)?;
            if value.is_empty() || !is_header_safe(value) {
                return Err(MALFORMED);
            }
            let name = name.to_ascii_lowercase();
            match (name.as_str(), name.strip_prefix(EXTRA_PREFIX)) {
                (USER, _) => users.push(value.to_owned()),
                (UID, _) => uids.push(value.to_owned()),
                (GROUP, _) => groups.push(value.to_owned()),
                (_, Some(escaped)) => {
                    extra.entry(extra_key(escaped).ok_or(MALFORMED)?).or_default().push(value.to_owned());
                }
                _ => return Err(MALFORMED),
            }
        }
        if count == 0 {
            return Ok(None);
        }
        let username = only(users).ok_or(MALFORMED)?;
        let uid = if uids.is_empty() { String::new() } else { only(uids).ok_or(MALFORMED)? };
        Ok(Some(Self::new(UserInfo::new(username, uid, groups, extra.into_iter().collect()))))
    }

    /// Asks to be this user.
    #[must_use]
    pub const fn new(untrusted_user: UserInfo) -> Self {
        Self(untrusted_user)
    }

    /// Who is asked for; a uid that is empty is none.
    #[must_use]
    pub const fn untrusted_user(&self) -> &UserInfo {
        &self.0
    }

    /// Everything that must be allowed, in the order in which a denial is told: user, groups, uid, extra.
    #[must_use]
    pub fn attributes(&self) -> Vec<Attribute> {
        let user = match service_account(self.0.username()) {
            Some(_) => Attribute::ServiceAccount(self.0.username().to_owned()),
            None => Attribute::User(self.0.username().to_owned()),
        };
        let uid = Some(self.0.uid().to_owned()).filter(|uid| !uid.is_empty());
        let extra = self.0.extra().iter().flat_map(|(key, values)| {
            values.iter().map(|value| Attribute::Extra { key: key.clone(), value: value.clone() })
        });
        [user]
            .into_iter()
            .chain(self.0.groups().iter().cloned().map(Attribute::Group))
            .chain(uid.map(Attribute::Uid))
            .chain(extra)
            .collect()
    }

    /// The first key of the extra that no client may set: those of the original user, and `reserved` ones.
    pub(crate) fn reserved_extra(&self, reserved: impl Fn(&str) -> bool) -> Option<Attribute> {
        let is_reserved = |key: &str| is_original_user_key(key) || reserved(key);
        let (key, values) = self.0.extra().iter().find(|(key, _)| is_reserved(key))?;
        Some(Attribute::Extra { key: key.clone(), value: values.first().cloned().unwrap_or_default() })
    }

    /// Who the request goes on as once everything is allowed: with the groups that kube-apiserver would give them, and
    /// the `requester` in the extra.
    pub(crate) fn target(&self, requester: &UserInfo) -> UserInfo {
        let groups = match service_account(self.0.username()) {
            Some((namespace, _)) if self.0.groups().is_empty() => {
                vec![SERVICE_ACCOUNTS.to_owned(), format!("{SERVICE_ACCOUNTS}:{namespace}")]
            }
            _ => self.0.groups().to_vec(),
        };
        let extra = self.0.extra().iter().cloned().chain(original_user(requester)).collect();
        UserInfo::new(self.0.username().to_owned(), self.0.uid().to_owned(), groups, extra)
            .with_system_group()
    }
}

impl Attribute {
    /// The resource of which `impersonate` must be allowed.
    #[must_use]
    pub fn resource(&self) -> Resource<'_> {
        let core = |resource, name| Resource { group: "", resource, subresource: "", namespace: "", name };
        match self {
            Self::Extra { key, value } => {
                Resource { group: AUTHENTICATION, subresource: key, ..core("userextras", value) }
            }
            Self::Group(name) => core("groups", name),
            Self::ServiceAccount(username) => match service_account(username) {
                Some((namespace, name)) => Resource { namespace, ..core("serviceaccounts", name) },
                None => core("users", username),
            },
            Self::Uid(uid) => Resource { group: AUTHENTICATION, ..core("uids", uid) },
            Self::User(name) => core("users", name),
        }
    }
}

/// As it stands in a refusal: `user 'jane'`.
impl fmt::Display for Attribute {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Extra { key, value } => write!(f, "extra info '{key}={value}'"),
            Self::Group(name) => write!(f, "group '{name}'"),
            Self::ServiceAccount(name) => write!(f, "serviceaccount '{name}'"),
            Self::Uid(uid) => write!(f, "uid '{uid}'"),
            Self::User(name) => write!(f, "user '{name}'"),
        }
    }
}

/// Whether kube-apiserver reads this header, under exactly this name, as impersonation.
pub(crate) fn is_known_header(name: &str) -> bool {
    let begins =
        |prefix: &str| name.get(..prefix.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(prefix));
    [USER, UID, GROUP].iter().any(|known| name.eq_ignore_ascii_case(known)) || begins(EXTRA_PREFIX)
}

/// Whether the original user is told under this key, so that nobody else may set it: in whatever case, since
/// kube-apiserver lowers keys.
pub(crate) fn is_original_user_key(key: &str) -> bool {
    key.get(..ORIGINAL_USER.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(ORIGINAL_USER))
}

/// The requester as extra values: what is empty is left out.
fn original_user(requester: &UserInfo) -> impl Iterator<Item = (String, Vec<String>)> {
    let uid = Some(requester.uid().to_owned()).filter(|uid| !uid.is_empty());
    let extra = (!requester.extra().is_empty()).then(|| {
        let members: serde_json::Map<_, _> =
            requester.extra().iter().map(|(key, values)| (key.clone(), values.clone().into())).collect();
        serde_json::Value::Object(members).to_string()
    });
    [
        ("user", vec![requester.username().to_owned()]),
        ("groups", requester.groups().to_vec()),
        ("uid", uid.into_iter().collect()),
        ("extra", extra.into_iter().collect()),
    ]
    .into_iter()
    .filter(|(_, values)| !values.is_empty())
    .map(|(name, values)| (format!("{ORIGINAL_USER}{name}"), values))
}

fn only(mut values: Vec<String>) -> Option<String> {
    let last = values.pop()?;
    values.is_empty().then_some(last)
}

/// The key behind `impersonate-extra-`, in lower case: unescaped, or as it stands where it can't be (as in
/// kube-apiserver). `None` for a key that is empty, not UTF-8, or has an upper-case letter once it is unescaped: such
/// a key would come out another one of the way through kube-apiserver, which lowers before it unescapes.
fn extra_key(escaped: &str) -> Option<String> {
    let key = match crate::percent::decode(escaped) {
        Some(bytes) => String::from_utf8(bytes).ok()?,
        None => escaped.to_owned(),
    };
    let is_usable = !key.is_empty() && !key.bytes().any(|byte| byte.is_ascii_uppercase());
    is_usable.then_some(key)
}

/// Namespace and name of a user name that is a service account's (k8s.io/apiserver `serviceaccount.SplitUsername`).
fn service_account(username: &str) -> Option<(&str, &str)> {
    let (namespace, name) = username.strip_prefix(SERVICE_ACCOUNT)?.split_once(':')?;
    let is_name = name.len() <= 253 && name.split('.').all(is_dns_label);
    (namespace.len() <= 63 && is_dns_label(namespace) && is_name).then_some((namespace, name))
}

/// RFC 1123 as Kubernetes reads it, without the length.
fn is_dns_label(text: &str) -> bool {
    let alphanumeric = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let ends = [text.bytes().next(), text.bytes().next_back()];
    text.bytes().all(|byte| alphanumeric(byte) || byte == b'-')
        && ends.into_iter().all(|byte| byte.is_some_and(alphanumeric))
}
