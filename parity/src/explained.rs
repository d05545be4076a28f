//! What `jwks-sync explain` tells of a token, held against what became of it on both sides: the gateway's user or reason, and
//! kube-apiserver's words.

use authn::config::{AuthenticationConfiguration, Policy, ServiceAccountIssuers};
use authn::explain::{Explainer, Explanation, Kubernetes, Verdict as Told};
use authn::issuer::Issuer;
use authn::jwks::Jwks;
use authn::keys::IssuerKeys;
use authn::signature::Portable;
use authn::snapshot::{Generation, Snapshot};
use authn::time::UnixSeconds;
use authn::user::UserInfo;
use serde::Serialize;
use serde_json::Value;

use crate::entry::Entry;
use crate::verdict::{Comparison, User, Verdict};

/// How an explanation compares with what it explains.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Explained {
    /// It is that user, or kube-apiserver says just that.
    Truly,
    /// It does not say what kube-apiserver says.
    Openly,
    /// It is wrong: this is what it tells.
    Wrongly(String),
    /// Not asked for: there is no answer to explain.
    Not,
}

/// Deviations by which a key is dropped.
const OF_DROPPED_KEYS: [&str; 2] = ["key-use", "kid-length"];

/// Explains by what both sides have.
pub(crate) struct Explaining(Explainer);

impl Explaining {
    /// Takes the issuers as the sidecar would have them.
    pub(crate) fn new(configuration: &Value, policy: Option<&Value>, entries: &[Entry]) -> Self {
        let read = AuthenticationConfiguration::load(
            configuration.to_string().as_bytes(),
            &ServiceAccountIssuers::default(),
        );
        let policy = policy.map(|policy| Policy::load(policy.to_string().as_bytes()).expect("a policy"));
        let policy = policy.unwrap_or_default();
        let issuers = read.expect("a configuration").jwt.into_iter().zip(entries).map(|(jwt, entry)| {
            let keys = Jwks::parse(entry.jwks.to_string().as_bytes()).expect("a JWKS").keys;
            let keys = Some(IssuerKeys { keys, not_after: UnixSeconds::new(u64::MAX) });
            Issuer { keys, ..policy.issuer(jwt) }
        });
        let snapshot = Snapshot {
            generation: Generation { epoch: 1, counter: 0 },
            issuers: issuers.collect(),
            upstream_credential: None,
            anonymous: None,
            token_webhook: None,
        };
        Self(Explainer::new(&snapshot).expect("a snapshot"))
    }

    /// Explains a token.
    pub(crate) fn of(&self, token: &str) -> Explanation {
        let now = UnixSeconds::new(u64::try_from(::tests::mint::now()).expect("a time after 1970"));
        self.0.explain(token.as_bytes(), now, &Portable)
    }
}

/// Whether what is told of a token is what became of it. `comparison` is that of the two sides.
pub(crate) fn compare(
    explanation: &Explanation,
    kube_apiserver: &Verdict,
    gateway: &Verdict,
    comparison: Comparison,
    oddities: &[&'static str],
) -> Explained {
    let wrongly = || Explained::Wrongly(format!("{:?}", explanation.verdict));
    let refusal = match (&explanation.verdict, gateway) {
        (_, Verdict::Silent(_)) => return Explained::Not,
        (Told::LetIn(user), Verdict::Accepts(found)) if is_same(user, found) => return Explained::Truly,
        (Told::Refused(refusal), Verdict::Rejects(reason)) if refusal.rejection.reason() == reason => refusal,
        _ => return wrongly(),
    };
    match (&refusal.kubernetes, kube_apiserver) {
        (Kubernetes::Says(words), Verdict::Rejects(error)) if says(words, error) => Explained::Truly,
        (Kubernetes::Says(_), _) if !refusal.stricter.is_empty() => Explained::Openly,
        // Of a key that was dropped, an explanation knows nothing, and the command says so.
        (Kubernetes::Says(_), _)
            if comparison.is_well() && OF_DROPPED_KEYS.iter().any(|id| oddities.contains(id)) =>
        {
            Explained::Openly
        }
        (Kubernetes::Says(_), _) => wrongly(),
        (Kubernetes::GoesOn | Kubernetes::Unknown, _) => Explained::Openly,
    }
}

fn is_same(user: &UserInfo, found: &User) -> bool {
    let extra = user.extra().iter().map(|(key, values)| (key.clone(), values.clone())).collect();
    found.username == user.username()
        && found.uid == user.uid()
        && found.groups == user.groups()
        && found.extra == extra
}

/// Whether kube-apiserver's error is these words, of which `...` stands for any.
fn says(words: &str, error: &str) -> bool {
    // Each has its own time.
    if let Some((before, time)) = words.split_once(": current time ")
        && let Some((_, behind)) = time.split_once(" before the nbf")
    {
        return says_but_for_some(&format!("{before}: current time ... before the nbf{behind}"), error);
    }
    says_but_for_some(words, error)
}

fn says_but_for_some(words: &str, error: &str) -> bool {
    // What those say that read bearer tokens before OpenID Connect's has its turn.
    let error = error
        .strip_prefix("[invalid bearer token, ")
        .and_then(|rest| rest.strip_suffix(']'))
        .unwrap_or(error);
    let mut rest = error;
    let mut parts = words.split("...").peekable();
    let first = parts.next().unwrap_or_default();
    let Some(behind) = rest.strip_prefix(first) else { return false };
    rest = behind;
    while let Some(part) = parts.next() {
        if parts.peek().is_none() {
            return rest.ends_with(part);
        }
        let Some(at) = rest.find(part) else { return false };
        rest = &rest[at + part.len()..];
    }
    rest.is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_may_leave_out_some() {
        for (words, error, is_so) in [
            ("a", "a", true),
            ("a", "[invalid bearer token, a]", true),
            ("a", "ab", false),
            ("a: ...", "a: b c", true),
            ("a: ...: d", "a: b: c: d", true),
            ("a: ...: d", "a: b: c", false),
            ("... b ... d", "a b c d", true),
            ("... b ... d", "a c d", false),
            ("invalid bearer token", "invalid bearer token", true),
            ("a: current time 5 before the nbf: 7", "a: current time 6 before the nbf: 7", true),
            ("a: current time 5 before the nbf: 7", "a: current time 6 before the nbf: 8", false),
        ] {
            assert_eq!(says(words, error), is_so, "{words} {error}");
        }
    }
}
