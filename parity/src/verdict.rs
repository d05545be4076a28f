//! What a side says of a token, and how two answers compare.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::deviations;

/// A user as the API server knows it (authentication.k8s.io/v1 `UserInfo`).
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
pub(crate) struct User {
    #[serde(default)]
    pub(crate) username: String,
    #[serde(default)]
    pub(crate) uid: String,
    #[serde(default)]
    pub(crate) groups: Vec<String>,
    #[serde(default)]
    pub(crate) extra: BTreeMap<String, Vec<String>>,
}

impl User {
    /// Reads it from a `status`.
    pub(crate) fn read(user: &Value) -> Self {
        serde_json::from_value(user.clone()).unwrap_or_else(|error| panic!("{user}: {error}"))
    }
}

/// What a side says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Verdict {
    /// It is this user's.
    Accepts(User),
    /// It is nobody's, for this reason.
    Rejects(String),
    /// It does not say: something else than the token is in the way.
    Silent(String),
}

/// How the gateway's answer compares with kube-apiserver's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Comparison {
    /// The same user.
    BothAccept,
    /// Nobody's, both say.
    BothReject,
    /// Two users.
    IdentityMismatch,
    /// Nobody's for kube-apiserver, somebody's here.
    FalseAccept,
    /// Somebody's for kube-apiserver, refused here by this deviation.
    StricterDocumented(&'static str),
    /// The same, and no deviation explains it.
    StricterUndocumented,
    /// One of them did not say.
    NoVerdict,
}

impl Comparison {
    /// Compares. `oddities` are the deviations that the token was made to give rise to.
    pub(crate) fn of(kube_apiserver: &Verdict, gateway: &Verdict, oddities: &[&'static str]) -> Self {
        match (kube_apiserver, gateway) {
            (Verdict::Silent(_), _) | (_, Verdict::Silent(_)) => Self::NoVerdict,
            (Verdict::Accepts(there), Verdict::Accepts(here)) if there == here => Self::BothAccept,
            (Verdict::Accepts(_), Verdict::Accepts(_)) => Self::IdentityMismatch,
            (Verdict::Rejects(_), Verdict::Rejects(_)) => Self::BothReject,
            (Verdict::Rejects(_), Verdict::Accepts(_)) => Self::FalseAccept,
            (Verdict::Accepts(user), Verdict::Rejects(reason)) => {
                deviations::explaining(user, reason, oddities)
                    .map_or(Self::StricterUndocumented, Self::StricterDocumented)
            }
        }
    }

    /// Whether the two agree, or are known not to.
    pub(crate) const fn is_well(self) -> bool {
        matches!(self, Self::BothAccept | Self::BothReject | Self::StricterDocumented(_))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_compared() {
        let user = |name: &str| Verdict::Accepts(User { username: name.to_owned(), ..User::default() });
        let rejects = |reason: &str| Verdict::Rejects(reason.to_owned());
        let silent = || Verdict::Silent("502".to_owned());
        let rows: [(_, _, &[&'static str], _); 11] = [
            (silent(), user("a"), &[], Comparison::NoVerdict),
            (rejects("x"), silent(), &[], Comparison::NoVerdict),
            (user("a"), user("a"), &[], Comparison::BothAccept),
            (user("a"), user("b"), &[], Comparison::IdentityMismatch),
            (rejects("x"), rejects("y"), &[], Comparison::BothReject),
            (rejects("x"), user("a"), &["nesting"], Comparison::FalseAccept),
            (
                user("system:a"),
                rejects("reserved_username"),
                &[],
                Comparison::StricterDocumented("system-names"),
            ),
            (user("a"), rejects("reserved_username"), &[], Comparison::StricterUndocumented),
            (user("a"), rejects("token_payload"), &["nesting"], Comparison::StricterDocumented("nesting")),
            (user("a"), rejects("token_payload"), &["kid-length"], Comparison::StricterUndocumented),
            (user("a"), rejects("expired"), &["nesting"], Comparison::StricterUndocumented),
        ];
        for (there, here, oddities, comparison) in rows {
            assert_eq!(Comparison::of(&there, &here, oddities), comparison, "{there:?} {here:?}");
        }
    }
}
