//! A user as impersonation headers (k8s.io/client-go `transport.impersonatingRoundTripper`).
//!
//! Impersonation fails open: a request with the ServiceAccount token and no `impersonate-user` runs as the proxy. So
//! the headers exist only with a user name in them that survives the way, and everything or nothing is sent.

use std::rc::Rc;

use crate::described::Described;
use crate::policy::AddedExtra;
use crate::texts::{Texts, TextsBuilder};
use crate::user::IdentityError;

/// Header that names the user.
pub const USER: &str = "impersonate-user";
/// Header that names the uid.
pub const UID: &str = "impersonate-uid";
/// Header that names one group.
pub const GROUP: &str = "impersonate-group";
/// What the name of a header for an extra value begins with.
pub const EXTRA_PREFIX: &str = "impersonate-extra-";

/// The headers that make a request the user's. Each value arrives as it is written here.
#[derive(Debug, PartialEq, Eq)]
pub struct ImpersonationHeaders {
    /// User name, uid, groups: those of the user that is remembered beside the headers.
    names: Rc<Texts>,
    /// Of the extra values, names and values in turn.
    extra: Texts,
}

impl ImpersonationHeaders {
    /// Writes `user` as headers: user, uid if there is one, a line a group in order, a line an extra value, and then
    /// what the gateway `adds`.
    ///
    /// # Errors
    /// [`IdentityError`] when a value could not arrive as it is: it is refused, never repaired. The same for an extra
    /// value under a key that only the gateway sets.
    pub fn new(user: &Described, adds: &AddedExtra) -> Result<Self, IdentityError> {
        if user.extra().iter().any(|(key, _)| adds.reserves(key)) {
            return Err(IdentityError::ReservedExtra);
        }
        Self::of_target(user, adds)
    }

    /// As [`new`](Self::new), for somebody whom the gateway itself has put together.
    pub(crate) fn of_target(user: &Described, adds: &AddedExtra) -> Result<Self, IdentityError> {
        let check = |value, error| if is_header_safe(value) { Ok(()) } else { Err(error) };
        let mut names = user.names().iter();
        let username = names.next().filter(|username| !username.is_empty());
        check(username.ok_or(IdentityError::EmptyUsername)?, IdentityError::UsernameNotHeaderSafe)?;
        check(names.next().unwrap_or_default(), IdentityError::UidNotHeaderSafe)?;
        names.try_for_each(|group| check(group, IdentityError::GroupNotHeaderSafe))?;
        let mut extra = TextsBuilder::default();
        for (key, values) in user.extra() {
            let name = format!("{EXTRA_PREFIX}{}", escape_key(key));
            for value in values {
                check(value, IdentityError::ExtraNotHeaderSafe)?;
                extra.push(&name);
                extra.push(value);
            }
        }
        for (name, value) in adds.headers() {
            extra.push(name);
            extra.push(value);
        }
        Ok(Self { names: Rc::clone(user.names()), extra: extra.build() })
    }

    /// Names (lower case) and values, in the order in which they are to be sent.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        let mut names = self.names.iter();
        let user = names.next().map(|user| (USER, user));
        let uid = names.next().filter(|uid| !uid.is_empty()).map(|uid| (UID, uid));
        let mut extra = self.extra.iter();
        let extra = std::iter::from_fn(move || extra.next().zip(extra.next()));
        user.into_iter().chain(uid).chain(names.map(|group| (GROUP, group))).chain(extra)
    }

    /// Bytes that they take beside the user's names.
    #[must_use]
    pub fn size(&self) -> usize {
        self.extra.size()
    }
}

/// Whether a field value (RFC 9110 5.5) arrives as it was sent: no control characters, no blank at either end.
#[must_use]
pub fn is_header_safe(value: &str) -> bool {
    !value.bytes().any(|byte| byte.is_ascii_control()) && !value.starts_with(' ') && !value.ends_with(' ')
}

/// Escapes the key of an extra value as client-go does (`headerKeyEscape`): every byte that no token (RFC 9110 5.6.2)
/// may have, and `%`, as `%XX`.
pub(crate) fn escape_key(key: &str) -> String {
    use std::fmt::Write as _;

    let is_token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$&'*+-.^_`|~".contains(&byte);
    let mut escaped = String::with_capacity(key.len());
    for byte in key.bytes() {
        if is_token(byte) {
            escaped.push(char::from(byte));
        } else {
            // Writing to a String can't fail.
            let _ = write!(escaped, "%{byte:02X}");
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_that_would_change_on_the_way_are_not_safe() {
        for value in ["", "a", "a b", "zoë", "a,b", "=?utf-8?q?x?="] {
            assert!(is_header_safe(value), "{value:?}");
        }
        for value in [" a", "a ", "a\tb", "a\r\nx: y", "a\n", "a\0b", "\u{7f}", "\t"] {
            assert!(!is_header_safe(value), "{value:?}");
        }
    }

    #[test]
    fn keys_are_escaped_as_client_go_does() {
        assert_eq!(
            escape_key("authentication.kubernetes.io/credential-id"),
            "authentication.kubernetes.io%2Fcredential-id"
        );
        assert_eq!(escape_key("a%b:ü"), "a%25b%3A%C3%BC");
    }
}
