//! A user as impersonation headers (k8s.io/client-go `transport.impersonatingRoundTripper`).
//!
//! Impersonation fails open: a request with the ServiceAccount token and no `impersonate-user` runs as the proxy. So
//! the headers exist only with a user name in them that survives the way, and everything or nothing is sent.

mod field;

use std::borrow::Cow;
use std::rc::Rc;

use smallvec::SmallVec;

use crate::described::Described;
use crate::policy::AddedExtra;
use crate::texts::Texts;
use crate::user::IdentityError;

pub(crate) use field::extra_name;
pub use field::is_header_safe;

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
        let mut values = user.extra().iter().flat_map(|(_, values)| values);
        values.try_for_each(|value| check(value, IdentityError::ExtraNotHeaderSafe))?;
        let keys: SmallVec<[Cow<'_, str>; 1]> = user.extra().iter().map(|(key, _)| extra_name(key)).collect();
        let own = keys.iter().zip(user.extra());
        let own = own.flat_map(|(name, (_, values))| values.iter().flat_map(move |value| [&**name, value]));
        let added = adds.headers().iter().flat_map(|(name, value)| [name.as_str(), value]);
        let extra = Texts::packed(own.chain(added));
        Ok(Self { names: Rc::clone(user.names()), extra })
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
