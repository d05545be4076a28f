//! Who may come of what a request asks to be: the tier's own account of it, beside the filter's.

use std::collections::BTreeMap;

use serde_json::json;

use crate::invariants::Identity;
use crate::people::Person;
use crate::policy::{ADDED, NAMESPACE, Policy, may_be};

/// A header line that somebody could take for impersonation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Asked {
    /// In lower case.
    pub(crate) name: String,
    pub(crate) value: Vec<u8>,
    /// Whether everybody reads it as it stands here. Another line may be dropped or folded on its way.
    pub(crate) certain: bool,
}

/// How a request may arrive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Arrival {
    /// Under our credential, as exactly this user.
    As(Identity),
    /// With the client's own token, and what the client asks to be.
    Own(Vec<Asked>),
}

/// Why there is nobody whom a request could act as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NoTarget {
    /// The cluster does not allow some of it.
    Denied,
    /// It can't be followed, or asks for what only the gateway sets.
    Malformed,
}

/// How a request of this person's may arrive. Nowise is also an answer.
pub(crate) fn arrivals(policy: Policy, person: &Person, asked: &[Asked]) -> Vec<Arrival> {
    if person.passes {
        return vec![Arrival::Own(asked.to_vec())];
    }
    let itself = Arrival::As(person.identity.clone().with_added());
    match policy {
        Policy::Strip => vec![itself],
        Policy::Reject if asked.iter().any(|line| line.certain) => vec![],
        Policy::Reject => vec![itself],
        Policy::Authorize | Policy::PassThrough => {
            let reading = |lines: Vec<&Asked>| {
                if lines.is_empty() {
                    return Some(itself.clone());
                }
                target(person, &lines).ok().map(Arrival::As)
            };
            readings(asked).into_iter().filter_map(reading).collect()
        }
    }
}

/// Every way to read them: those that are certain, with any of the others.
fn readings(asked: &[Asked]) -> Vec<Vec<&Asked>> {
    asked.iter().fold(vec![vec![]], |readings, line| {
        let with = readings.iter().map(|reading| [&reading[..], &[line]].concat());
        let without = if line.certain { vec![] } else { readings.clone() };
        with.chain(without).collect()
    })
}

/// Whom these lines name, with the groups that kube-apiserver adds and the person behind it.
pub(crate) fn target(person: &Person, lines: &[&Asked]) -> Result<Identity, NoTarget> {
    let (mut users, mut uids, mut groups) = (Vec::new(), Vec::new(), Vec::new());
    let mut extra = BTreeMap::<String, Vec<String>>::new();
    for line in lines {
        let value = String::from_utf8(line.value.clone()).map_err(|_| NoTarget::Malformed)?;
        if value.is_empty() || value.trim() != value || value.contains(char::is_control) {
            return Err(NoTarget::Malformed);
        }
        match line.name.as_str() {
            "impersonate-user" => users.push(value),
            "impersonate-uid" => uids.push(value),
            "impersonate-group" => groups.push(value),
            name => {
                let key = name.strip_prefix(EXTRA).map(unescaped).ok_or(NoTarget::Malformed)?;
                if key.is_empty() || key.contains(|letter: char| letter.is_ascii_uppercase()) {
                    return Err(NoTarget::Malformed);
                }
                extra.entry(key).or_default().push(value);
            }
        }
    }
    let ([user], [] | [_]) = (users.as_slice(), uids.as_slice()) else { return Err(NoTarget::Malformed) };
    let uid = uids.concat();
    let is_reserved = |key: &String| key.starts_with(ORIGINAL) || ADDED.iter().any(|(known, _)| key == known);
    if extra.keys().any(is_reserved) {
        return Err(NoTarget::Malformed);
    }
    let account = user.strip_prefix("system:serviceaccount:").and_then(|rest| rest.split_once(':'));
    let may_be_user = match account {
        Some((namespace, name)) => namespace == NAMESPACE && may_be("serviceaccounts", name),
        None => may_be("users", user),
    };
    let all_allowed = may_be_user
        && uids.iter().all(|uid| may_be("uids", uid))
        && groups.iter().all(|group| may_be("groups", group))
        && extra.values().flatten().all(|value| may_be("userextras", value));
    if !person.may_act || !all_allowed {
        return Err(NoTarget::Denied);
    }
    if account.is_some() && groups.is_empty() {
        groups = vec!["system:serviceaccounts".to_owned(), format!("system:serviceaccounts:{NAMESPACE}")];
    }
    let everybody =
        if user == "system:anonymous" { "system:unauthenticated" } else { "system:authenticated" };
    if !groups.iter().any(|group| group == everybody) {
        groups.push(everybody.to_owned());
    }
    let behind = &person.identity;
    extra.insert(format!("{ORIGINAL}user"), vec![behind.user.clone()]);
    extra.insert(format!("{ORIGINAL}groups"), behind.groups.clone());
    extra.insert(format!("{ORIGINAL}uid"), vec![behind.uid.clone()]);
    if !behind.extra.is_empty() {
        extra.insert(format!("{ORIGINAL}extra"), vec![json!(behind.extra).to_string()]);
    }
    Ok(Identity { user: user.clone(), uid, groups, extra }.with_added())
}

/// What the extra keys begin with that tell who is behind an authorized impersonation.
pub(crate) const ORIGINAL: &str = "originaluser.jetstack.io-";
/// What the name of an extra header begins with.
pub(crate) const EXTRA: &str = "impersonate-extra-";

/// An extra key as kube-apiserver reads it: unescaped as by Go's `url.PathUnescape`, or as it stands where that fails.
pub(crate) fn unescaped(key: &str) -> String {
    let (mut bytes, mut rest) = (Vec::new(), key.as_bytes());
    loop {
        rest = match rest {
            [] => return String::from_utf8_lossy(&bytes).into_owned(),
            [b'%', high, low, rest @ ..] if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() => {
                let digits = [*high, *low];
                let digits = std::str::from_utf8(&digits).expect("two digits");
                bytes.push(u8::from_str_radix(digits, 16).expect("two digits"));
                rest
            }
            [b'%', ..] => return key.to_owned(),
            [byte, rest @ ..] => {
                bytes.push(*byte);
                rest
            }
        };
    }
}
