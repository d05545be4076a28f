//! The members of an `audit.k8s.io/v1` Event that the filter knows, as kube-apiserver writes them at the level
//! Metadata: for a log format that writes the rest (kind, apiVersion, level, stage, responseStatus, timestamps).
//!
//! ```text
//! ,"auditID":"..","requestURI":"/api/v1/pods","verb":"list","user":{"username":"alice"},"objectRef":{..}
//! ```
//! The comma in front belongs to it, so that the format is a JSON object without these members, too.
//!
//! `user` is who authenticated, `{}` for nobody, and `impersonatedUser` the target of `kubectl --as`. A refusal has
//! its reason as an annotation. What was cut ends with `...TRUNCATED`, or is missing from its list, and
//! [`TRUNCATED`] says so, as where kube-apiserver truncates.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde::Serialize;

use super::request_info::{Object, RequestInfo};
use super::text::{Bounded, is_unprintable, lossy, uri};
use super::{Outcome, RequestRecord, User};

/// Annotation: why the filter refused, as metrics name it.
pub const REASON: &str = "authn.kube-oidc-filter.io/reason";
/// Annotation: `true` when something was cut. kube-apiserver's own.
pub const TRUNCATED: &str = "audit.k8s.io/truncated";
/// Bytes of the members: no more than this.
pub const MAX_BYTES: usize = 24 * 1024;

/// Bytes of single values, as JSON has them.
const MAX_URI: usize = 4096;
/// kube-apiserver's own bound.
const MAX_USER_AGENT: usize = 1024;
const MAX_NAME: usize = 512;
/// Bytes of all groups of a user, and of all of a user's extra.
const MAX_GROUPS: usize = 4096;
const MAX_EXTRA: usize = 2048;

/// Members in the order of kube-apiserver's lines.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Members {
    #[serde(rename = "auditID")]
    audit_id: String,
    #[serde(rename = "requestURI")]
    request_uri: String,
    verb: String,
    user: UserInfo,
    #[serde(skip_serializing_if = "Option::is_none")]
    impersonated_user: Option<UserInfo>,
    #[serde(rename = "sourceIPs", skip_serializing_if = "Vec::is_empty")]
    source_ips: Vec<String>,
    #[serde(skip_serializing_if = "String::is_empty")]
    user_agent: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    object_ref: Option<ObjectReference>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    annotations: BTreeMap<&'static str, String>,
}

/// `authentication.k8s.io/v1` UserInfo.
#[derive(Default, Serialize)]
struct UserInfo {
    #[serde(skip_serializing_if = "String::is_empty")]
    username: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    uid: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    groups: Vec<String>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    extra: BTreeMap<String, Vec<String>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ObjectReference {
    #[serde(skip_serializing_if = "String::is_empty")]
    resource: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    namespace: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    name: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    api_group: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    api_version: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    subresource: String,
}

/// The members for a request, each with a comma in front.
#[must_use]
pub fn members(record: &RequestRecord<'_>) -> String {
    let RequestInfo { verb, object } = RequestInfo::new(record.method, record.path);
    let mut cut = Cutter { has_cut: false };
    let mut members = Members {
        audit_id: cut.text(&lossy(record.audit_id), MAX_NAME),
        request_uri: cut.took(uri(record.path, MAX_URI, b"\"\\")),
        verb: cut.text(&verb, MAX_NAME),
        user: record.user.as_ref().map(|user| cut.user(user)).unwrap_or_default(),
        impersonated_user: record.impersonated.as_ref().map(|user| cut.user(user)),
        source_ips: record.sources().map(|address| address.to_string()).collect(),
        user_agent: cut.text(&lossy(record.user_agent), MAX_USER_AGENT),
        object_ref: object.map(|object| cut.object(&object)),
        annotations: BTreeMap::new(),
    };
    if let Outcome::Refused { reason } = record.outcome {
        members.annotations.insert(REASON, cut.text(reason, MAX_NAME));
    }
    if cut.has_cut {
        members.annotations.insert(TRUNCATED, "true".to_owned());
    }
    // Texts and lists of them: there is nothing that could fail to be JSON.
    let json = serde_json::to_string(&members).unwrap_or_default();
    let Some(inner) = json.strip_prefix('{').and_then(|json| json.strip_suffix('}')) else {
        return String::new();
    };
    printable(&format!(",{inner}")).into_owned()
}

/// Cuts what is too long, and remembers whether anything was.
struct Cutter {
    has_cut: bool,
}

impl Cutter {
    fn took(&mut self, text: Bounded) -> String {
        self.has_cut = self.has_cut || text.is_cut();
        text.into_text()
    }

    /// A text that takes no more than `limit` bytes as JSON, but for the mark.
    fn text(&mut self, value: &str, limit: usize) -> String {
        let mut left = limit;
        for (position, character) in value.char_indices() {
            match left.checked_sub(json_size(character)) {
                Some(rest) => left = rest,
                None => {
                    let mut text = Bounded::new(position);
                    text.push(value.get(..position).unwrap_or_default());
                    text.push_char(character);
                    return self.took(text);
                }
            }
        }
        value.to_owned()
    }

    /// The values that fit in `left`, with their quotes and commas.
    fn list(&mut self, values: &[String], left: &mut usize) -> Vec<String> {
        let mut list = Vec::new();
        for value in values {
            let value = self.text(value, MAX_NAME);
            let size = value.chars().map(json_size).sum::<usize>().saturating_add(3);
            match left.checked_sub(size) {
                Some(rest) => *left = rest,
                None => {
                    self.has_cut = true;
                    break;
                }
            }
            list.push(value);
        }
        list
    }

    fn user(&mut self, user: &User<'_>) -> UserInfo {
        let User { name, uid, groups, extra } = user;
        let mut values = BTreeMap::new();
        let mut left = MAX_EXTRA;
        for (key, given) in *extra {
            // Quotes, colon, brackets and comma.
            let size = key.chars().map(json_size).sum::<usize>().saturating_add(6);
            let Some(rest) = left.checked_sub(size) else {
                self.has_cut = true;
                break;
            };
            left = rest;
            let list = self.list(given, &mut left);
            values.insert(key.clone(), list);
        }
        UserInfo {
            username: self.text(name, MAX_NAME),
            uid: self.text(uid, MAX_NAME),
            groups: self.list(groups, &mut { MAX_GROUPS }),
            extra: values,
        }
    }

    fn object(&mut self, object: &Object) -> ObjectReference {
        let Object { resource, namespace, name, api_group, api_version, subresource } = object;
        let mut text = |value: &str| self.text(value, MAX_NAME);
        ObjectReference {
            resource: text(resource),
            namespace: text(namespace),
            name: text(name),
            api_group: text(api_group),
            api_version: text(api_version),
            subresource: text(subresource),
        }
    }
}

/// Bytes of a character in a JSON text, at most.
fn json_size(character: char) -> usize {
    match character {
        '"' | '\\' => 2,
        _ if is_unprintable(character) => 6,
        _ => character.len_utf8(),
    }
}

/// Escapes what JSON lets pass and a log must not hold. All of it stands in strings, and none is beyond U+FFFF.
fn printable(json: &str) -> Cow<'_, str> {
    if !json.chars().any(is_unprintable) {
        return Cow::Borrowed(json);
    }
    let mut text = String::with_capacity(json.len());
    for character in json.chars() {
        if is_unprintable(character) {
            _ = write!(text, "\\u{:04x}", u32::from(character));
        } else {
            text.push(character);
        }
    }
    Cow::Owned(text)
}

#[cfg(test)]
mod tests;
