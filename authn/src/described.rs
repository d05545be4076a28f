//! A user as it is remembered: in little memory, with what is written of it at each request ready to be written.

use std::rc::Rc;

use crate::texts::Texts;
use crate::user::UserInfo;

/// Puts into words, once, what is written of a user with every request: whatever the host logs.
pub type Describe = fn(&UserInfo) -> Texts;

/// A user, and the words for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Described {
    /// User name, uid, groups.
    names: Rc<Texts>,
    extra: Box<[(String, Vec<String>)]>,
    description: Texts,
}

impl Described {
    pub(crate) fn new(user: UserInfo, describe: Describe) -> Self {
        let description = describe(&user);
        let names = [user.username(), user.uid()].into_iter().chain(user.groups().iter().map(String::as_str));
        Self {
            names: Rc::new(Texts::packed(names)),
            description,
            extra: user.into_extra().into_boxed_slice(),
        }
    }

    /// The user, put together again.
    #[must_use]
    pub fn user(&self) -> UserInfo {
        let mut names = self.names.iter().map(str::to_owned);
        let (username, uid) = (names.next().unwrap_or_default(), names.next().unwrap_or_default());
        UserInfo::new(username, uid, names.collect(), self.extra.to_vec())
    }

    /// What the host's [`Describe`] said of it.
    #[must_use]
    pub const fn description(&self) -> &Texts {
        &self.description
    }

    /// User name, uid (empty when there is none), and groups.
    pub(crate) const fn names(&self) -> &Rc<Texts> {
        &self.names
    }

    /// Keys and values of `extra`.
    pub(crate) fn extra(&self) -> &[(String, Vec<String>)] {
        &self.extra
    }

    /// Bytes that it takes beyond its own size, but for what the allocator adds.
    pub(crate) fn size(&self) -> usize {
        let list = |texts: &[String]| {
            texts.iter().map(|text| text.len().saturating_add(size_of::<String>())).sum::<usize>()
        };
        let entry = |(key, values): &(String, Vec<String>)| {
            size_of::<(String, Vec<String>)>().saturating_add(key.len()).saturating_add(list(values))
        };
        let extra = self.extra.iter().map(entry).sum::<usize>();
        [size_of::<Texts>(), self.names.size(), extra, self.description.size()].into_iter().sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_is_remembered_whole() {
        let strings = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
        let extra = vec![("k".to_owned(), strings(&["v", ""])), ("none".to_owned(), Vec::new())];
        for user in [
            UserInfo::new("alice".to_owned(), "u".to_owned(), strings(&["dev", "", "ops"]), extra),
            UserInfo::new(String::new(), String::new(), Vec::new(), Vec::new()),
        ] {
            let described = Described::new(user.clone(), |user| [user.username()].into_iter().collect());
            assert_eq!(described.user(), user);
            assert_eq!(described.description().iter().collect::<Vec<_>>(), [user.username()]);
        }
    }
}
