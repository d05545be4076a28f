//! Single values for JSON formats of Envoy's, which escape what they print: `%FILTER_STATE(wasm.authn_uid:PLAIN)%`.
//!
//! Names and uids are as they are, if cut when they are too long. Lists are written as in [`kube_oidc_proxy`]'s line,
//! bounds included: Envoy's JSON can't hold them as lists.

use super::text::Bounded;
use super::{Outcome, RequestRecord, User, kube_oidc_proxy};

/// Bytes of a name or a uid.
const MAX_NAME: usize = 512;

/// Names of the fields of a user: name, uid, groups, extra.
type Names = [&'static str; 4];

const USER: Names = ["authn_user", "authn_uid", "authn_groups", "authn_extra"];
const IMPERSONATED: Names = [
    "authn_impersonated_user",
    "authn_impersonated_uid",
    "authn_impersonated_groups",
    "authn_impersonated_extra",
];

/// The fields that say who a request is from, each with its value; a value that is empty has no field.
pub fn fields(record: &RequestRecord<'_>) -> Vec<(&'static str, String)> {
    let outcome = match record.outcome {
        Outcome::Forwarded => "forwarded",
        Outcome::Refused { .. } => "refused",
    };
    let mut fields = vec![("authn_outcome", outcome.to_owned())];
    for (names, user) in [(USER, &record.user), (IMPERSONATED, &record.impersonated)] {
        let Some(User { name, uid, groups, extra }) = user else { continue };
        let values = [
            cut(name),
            cut(uid),
            kube_oidc_proxy::groups(groups),
            kube_oidc_proxy::extra(extra).trim_end().to_owned(),
        ];
        fields.extend(names.into_iter().zip(values).filter(|(_, value)| !value.is_empty()));
    }
    fields
}

fn cut(value: &str) -> String {
    let mut text = Bounded::new(MAX_NAME);
    for character in value.chars() {
        text.push_char(character);
        if text.is_cut() {
            break;
        }
    }
    text.into_text()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_users_have_their_fields() {
        assert_eq!(cut(&"a".repeat(600)), format!("{}...TRUNCATED", "a".repeat(MAX_NAME)));
        let groups = ["dev".to_owned(), "o|ps".to_owned()];
        let extra = [("k".to_owned(), vec!["v".to_owned()])];
        let alice = User { name: "al[i]ce", uid: "u", groups: &groups, extra: &extra };
        let record = RequestRecord {
            outcome: Outcome::Forwarded,
            method: b"GET",
            path: b"/",
            user: Some(alice),
            impersonated: Some(User { name: "bob", uid: "", groups: &groups[..1], extra: &[] }),
            source: None,
            peer: None,
            user_agent: b"",
            audit_id: b"",
        };
        let expected = [
            ("authn_outcome", "forwarded"),
            ("authn_user", "al[i]ce"),
            ("authn_uid", "u"),
            ("authn_groups", "dev|o%7Cps"),
            ("authn_extra", "k=v"),
            ("authn_impersonated_user", "bob"),
            ("authn_impersonated_groups", "dev"),
        ];
        assert_eq!(fields(&record), expected.map(|(name, value)| (name, value.to_owned())));
        let refused = RequestRecord {
            outcome: Outcome::Refused { reason: "expired" },
            user: None,
            impersonated: None,
            ..record
        };
        assert_eq!(fields(&refused), [("authn_outcome", "refused".to_owned())]);
    }
}
