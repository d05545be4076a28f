//! What a request asks of Kubernetes, by method and path: k8s.io/apiserver `RequestInfoFactory.NewRequestInfo` with
//! kube-apiserver's prefixes, `api` and `apis`, on what Go's net/http makes of the path.
//!
//! A path that Go can't parse (a bad escape) is answered with 400 there before any of this; here it counts as a
//! request for no resource.

use std::borrow::Cow;

use super::label_selector;
use super::text::lossy;

/// Parts of a path that are looked at: apis, group, version, old verb, namespaces, namespace, resource, name,
/// subresource. What follows them changes nothing.
const MAX_PARTS: usize = 9;
/// Go reads no query with more parameters (net/url).
const MAX_PARAMETERS: usize = 10_000;

/// Verb and object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestInfo {
    /// Kubernetes' verb of a resource request ("" when the method has none), else the method in lower case.
    pub verb: String,
    /// What a resource request is about.
    pub object: Option<Object>,
}

/// The object, or objects, of a resource request. What does not apply is empty.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Object {
    /// The resource: `pods`.
    pub resource: String,
    /// The namespace.
    pub namespace: String,
    /// The object's name: from the path, or `metadata.name` of the field selector.
    pub name: String,
    /// The API group: empty for the core group.
    pub api_group: String,
    /// The version: `v1`.
    pub api_version: String,
    /// The subresource: `status`, `exec`.
    pub subresource: String,
}

impl RequestInfo {
    /// Reads a request.
    #[must_use]
    pub fn new(method: &[u8], path_and_query: &[u8]) -> Self {
        let (path, query) = match path_and_query.iter().position(|byte| *byte == b'?') {
            Some(at) => {
                let (path, query) = path_and_query.split_at(at);
                (path, query.strip_prefix(b"?").unwrap_or_default())
            }
            None => (path_and_query, &b""[..]),
        };
        let no_resource = || Self { verb: lossy(method).to_lowercase(), object: None };
        // Go: no URL with control characters, and nothing that does not begin with a slash.
        let has_controls = path_and_query.iter().any(u8::is_ascii_control);
        match unescape(path, false) {
            Some(path) if path_and_query.starts_with(b"/") && !has_controls => {
                resource_request(method, &path, query).unwrap_or_else(no_resource)
            }
            _ => no_resource(),
        }
    }
}

/// Reads a request for a resource, if it is one.
fn resource_request(method: &[u8], path: &[u8], query: &[u8]) -> Option<RequestInfo> {
    let parts: Vec<&[u8]> = trim_slashes(path).split(|byte| *byte == b'/').take(MAX_PARTS).collect();
    let (group, version, parts): (&[u8], _, _) = match parts.as_slice() {
        [b"api", version, rest @ ..] if !rest.is_empty() => (b"", *version, rest),
        [b"apis", group, version, rest @ ..] if !rest.is_empty() => (*group, *version, rest),
        _ => return None,
    };
    let mut object = Object { api_group: lossy(group), api_version: lossy(version), ..Object::default() };
    // The old form with the verb in front: /api/v1/watch/pods.
    let (mut verb, parts) = match parts {
        // An error there; so much is known of the request by then.
        [b"watch" | b"proxy"] => {
            return Some(RequestInfo { verb: lossy(method).to_lowercase(), object: Some(object) });
        }
        [b"watch", rest @ ..] => ("watch", rest),
        [b"proxy", rest @ ..] => ("proxy", rest),
        _ => (verb_of(method), parts),
    };
    let mut parts = parts;
    if let [b"namespaces", namespace, rest @ ..] = parts {
        object.namespace = lossy(namespace);
        // Further parts name something within the namespace, unless they are its own subresources.
        if !matches!(rest, [] | [b"status" | b"finalize", ..]) {
            parts = rest;
        }
    }
    if let [resource, rest @ ..] = parts {
        object.resource = lossy(resource);
        if let [name, rest @ ..] = rest {
            object.name = lossy(name);
            if let [subresource, ..] = rest
                && verb != "proxy"
            {
                object.subresource = lossy(subresource);
            }
        }
    }
    if object.name.is_empty() && verb == "get" {
        let (is_watch, name) = list_options(query);
        verb = if is_watch { "watch" } else { "list" };
        object.name = name.unwrap_or_default();
    }
    if object.name.is_empty() && verb == "delete" {
        verb = "deletecollection";
    }
    Some(RequestInfo { verb: verb.to_owned(), object: Some(object) })
}

fn verb_of(method: &[u8]) -> &'static str {
    match method {
        b"POST" => "create",
        b"GET" | b"HEAD" => "get",
        b"PUT" => "update",
        b"PATCH" => "patch",
        b"DELETE" => "delete",
        _ => "",
    }
}

/// Of a list's options: whether it is a watch, and the one name that it is about. When one of the options can't be
/// read, none counts but `watch`.
fn list_options(query: &[u8]) -> (bool, Option<String>) {
    let (mut watch, mut fields, mut labels, mut limit, mut timeout) = (None, None, None, None, None);
    for (key, value) in parameters(query) {
        let option = match &*key {
            b"watch" => &mut watch,
            b"fieldSelector" => &mut fields,
            b"labelSelector" => &mut labels,
            b"limit" => &mut limit,
            b"timeoutSeconds" => &mut timeout,
            _ => continue,
        };
        // The first one of a name counts.
        if option.is_none() {
            *option = Some(value);
        }
    }
    let is_watch = |is_false: fn(&[u8]) -> bool| watch.as_deref().is_some_and(|value| !is_false(value));
    let is_number = |value: &Option<Cow<'_, [u8]>>| {
        value
            .as_deref()
            .is_none_or(|value| std::str::from_utf8(value).is_ok_and(|text| text.parse::<i64>().is_ok()))
    };
    let selected = match fields.as_deref() {
        Some(selector) => selected_name(selector),
        None => Some(None),
    };
    match selected {
        Some(name)
            if is_number(&limit)
                && is_number(&timeout)
                && labels.as_deref().is_none_or(label_selector::is_valid) =>
        {
            (is_watch(is_false_folded), name)
        }
        _ => (is_watch(is_false), None),
    }
}

fn is_false(value: &[u8]) -> bool {
    value == b"0" || value.eq_ignore_ascii_case(b"false")
}

/// The same with Unicode's folding, by which a long s is an s.
fn is_false_folded(value: &[u8]) -> bool {
    is_false(value) || lossy(value).replace('\u{17f}', "s").eq_ignore_ascii_case("false")
}

/// The name that a field selector asks for, if it asks for one that can stand in a path; `None` when the selector
/// can't be parsed (k8s.io/apimachinery `fields.ParseSelector`).
fn selected_name(selector: &[u8]) -> Option<Option<String>> {
    let mut terms = split_terms(selector);
    terms.sort_unstable();
    let mut name = None;
    for term in terms.into_iter().filter(|term| !term.is_empty()) {
        let at = term.windows(2).position(|pair| pair == b"!=" || pair.starts_with(b"="));
        let at = at.or_else(|| term.ends_with(b"=").then(|| term.len().saturating_sub(1)))?;
        let (field, rest) = term.split_at(at);
        let is_equal = !rest.starts_with(b"!=");
        let value = [&b"!="[..], b"==", b"="].iter().find_map(|operator| rest.strip_prefix(*operator))?;
        let value = unescape_value(value)?;
        if is_equal && field == b"metadata.name" && name.is_none() {
            name = Some(value);
        }
    }
    let is_path_segment = |name: &Vec<u8>| {
        name != b"." && name != b".." && !name.iter().any(|byte| matches!(byte, b'/' | b'%'))
    };
    Some(name.filter(is_path_segment).map(|name| lossy(&name)))
}

/// Splits at commas that no backslash stands before.
fn split_terms(selector: &[u8]) -> Vec<&[u8]> {
    let mut is_escaped = false;
    selector
        .split(|byte| {
            let is_end = !is_escaped && *byte == b',';
            is_escaped = !is_escaped && *byte == b'\\';
            is_end
        })
        .collect()
}

/// Takes the backslashes away that stand before a backslash, a comma or an equals sign.
fn unescape_value(value: &[u8]) -> Option<Vec<u8>> {
    let mut text = Vec::with_capacity(value.len());
    let mut bytes = value.iter().copied();
    while let Some(byte) = bytes.next() {
        match byte {
            b'\\' => text.push(bytes.next().filter(|byte| matches!(byte, b'\\' | b',' | b'='))?),
            b',' | b'=' => return None,
            _ => text.push(byte),
        }
    }
    Some(text)
}

/// The parameters of a query that can be read.
fn parameters(query: &[u8]) -> impl Iterator<Item = (Cow<'_, [u8]>, Cow<'_, [u8]>)> {
    let is_readable = query.split(|byte| *byte == b'&').count() <= MAX_PARAMETERS;
    let pairs = query.split(|byte| *byte == b'&').take(if is_readable { MAX_PARAMETERS } else { 0 });
    pairs.filter(|pair| !pair.is_empty() && !pair.contains(&b';')).filter_map(|pair| {
        let mut halves = pair.splitn(2, |byte| *byte == b'=');
        let (key, value) = (halves.next()?, halves.next().unwrap_or_default());
        Some((unescape(key, true)?, unescape(value, true)?))
    })
}

/// Undoes percent-encoding, and in a query the plus signs; `None` for a percent sign without two hexadecimal digits.
fn unescape(text: &[u8], is_query: bool) -> Option<Cow<'_, [u8]>> {
    let is_escape = |byte: &u8| *byte == b'%' || (is_query && *byte == b'+');
    if !text.iter().any(is_escape) {
        return Some(Cow::Borrowed(text));
    }
    let mut plain = Vec::with_capacity(text.len());
    let mut bytes = text.iter().copied();
    while let Some(byte) = bytes.next() {
        plain.push(match byte {
            b'%' => {
                let (high, low) = (hex_digit(bytes.next()?)?, hex_digit(bytes.next()?)?);
                (high << 4) | low
            }
            b'+' if is_query => b' ',
            _ => byte,
        });
    }
    Some(Cow::Owned(plain))
}

fn hex_digit(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok())
}

fn trim_slashes(mut path: &[u8]) -> &[u8] {
    while let [b'/', rest @ ..] | [rest @ .., b'/'] = path {
        path = rest;
    }
    path
}

#[cfg(test)]
mod tests;
