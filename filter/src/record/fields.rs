//! Single values for JSON formats of Envoy's, which escape what they print: `%FILTER_STATE(wasm.authn_uid:PLAIN)%`.
//!
//! Names and uids are as they are, if cut when they are too long. Lists are written as in [`kube_oidc_proxy`]'s line,
//! bounds included: Envoy's JSON can't hold them as lists.

use std::borrow::Cow;

use authn::texts::Texts;
use authn::user::UserInfo;

use super::kube_oidc_proxy;
use super::text::Bounded;

/// Bytes of a name or a uid.
const MAX_NAME: usize = 512;

/// Names of the fields of a user: name, uid, groups, extra.
type Names = [&'static str; 4];

/// Fields of who a request is from.
pub const USER: Names = ["authn_user", "authn_uid", "authn_groups", "authn_extra"];
/// Fields of whom the user acts as.
pub const IMPERSONATED: Names = [
    "authn_impersonated_user",
    "authn_impersonated_uid",
    "authn_impersonated_groups",
    "authn_impersonated_extra",
];

/// What the fields say of a user. It is the same with every request, so it is kept with the user.
#[must_use]
pub fn describe(user: &UserInfo) -> Texts {
    let (groups, extra) = (kube_oidc_proxy::groups(user.groups()), kube_oidc_proxy::extra(user.extra()));
    Texts::packed([&cut(user.username()), &cut(user.uid()), groups.as_str(), extra.trim_end()].into_iter())
}

/// The fields of a user who was described so, each with its value; a value that is empty has no field.
pub fn fields(names: Names, description: &Texts) -> impl Iterator<Item = (&'static str, &str)> {
    names.into_iter().zip(description.iter()).filter(|(_, value)| !value.is_empty())
}

fn cut(value: &str) -> Cow<'_, str> {
    if value.len() <= MAX_NAME {
        return value.into();
    }
    let mut text = Bounded::new(MAX_NAME);
    for character in value.chars() {
        text.push_char(character);
        if text.is_cut() {
            break;
        }
    }
    text.into_text().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_has_its_fields() {
        assert_eq!(cut(&"a".repeat(600)), format!("{}...TRUNCATED", "a".repeat(MAX_NAME)));
        assert_eq!(cut(&"a".repeat(MAX_NAME)), "a".repeat(MAX_NAME));
        let groups = vec!["dev".to_owned(), "o|ps".to_owned()];
        let extra = vec![("k".to_owned(), vec!["v".to_owned()])];
        let alice = describe(&UserInfo::new("al[i]ce".to_owned(), "u".to_owned(), groups.clone(), extra));
        let expected = [
            ("authn_user", "al[i]ce"),
            ("authn_uid", "u"),
            ("authn_groups", "dev|o%7Cps"),
            ("authn_extra", "k=v"),
        ];
        assert_eq!(fields(USER, &alice).collect::<Vec<_>>(), expected);
        let bob = describe(&UserInfo::new("bob".to_owned(), String::new(), groups[..1].to_vec(), Vec::new()));
        let expected = [("authn_impersonated_user", "bob"), ("authn_impersonated_groups", "dev")];
        assert_eq!(fields(IMPERSONATED, &bob).collect::<Vec<_>>(), expected);
    }
}
