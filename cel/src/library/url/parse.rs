//! Go's parser of URLs (`net/url`), with its messages.

use super::Url;
use super::escape::{Part, escape, escaped, unescape};
use crate::library::ip::parse_address;
use crate::library::kubernetes::quote;

/// Which of Go's two parsers is followed.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Context {
    /// `url.Parse`: relative URLs too.
    Any,
    /// `url.ParseRequestURI`: what may stand in a request.
    Request,
}

/// Go's `url.Parse`.
pub(super) fn parse(text: &str) -> Result<Url, String> {
    let (before, fragment) = text.split_once('#').unwrap_or((text, ""));
    let url = parse_in(before, Context::Any).map_err(|problem| failed(before, &problem))?;
    let fragment = escaped(fragment, Part::Fragment).map_err(|problem| failed(text, &problem))?;
    Ok(Url { fragment, ..url })
}

/// Go's `url.ParseRequestURI`: no relative path, and no fragment.
pub(crate) fn parse_request_uri(text: &str) -> Result<Url, String> {
    parse_in(text, Context::Request).map_err(|problem| failed(text, &problem))
}

fn failed(text: &str, problem: &str) -> String {
    format!("parse {}: {problem}", quote(text))
}

fn parse_in(text: &str, context: Context) -> Result<Url, String> {
    if text.bytes().any(|byte| byte.is_ascii_control()) {
        return Err("net/url: invalid control character in URL".to_owned());
    }
    if text.is_empty() && context == Context::Request {
        return Err("empty url".to_owned());
    }
    let mut url = Url {
        scheme: String::new(),
        opaque: String::new(),
        userinfo: None,
        host: Vec::new(),
        path: String::new(),
        query: None,
        fragment: String::new(),
        omits_host: false,
    };
    if text == "*" {
        url.path = text.to_owned();
        return Ok(url);
    }
    let (scheme, rest) = split_scheme(text)?;
    url.scheme = scheme.to_ascii_lowercase();
    let rest = match rest.split_once('?') {
        Some((rest, query)) => {
            url.query = Some(query.to_owned());
            rest
        }
        None => rest,
    };
    if !rest.starts_with('/') {
        if !url.scheme.is_empty() {
            // A path without a root, as in `mailto:a`: not looked at any further.
            url.opaque = rest.to_owned();
            return Ok(url);
        }
        if context == Context::Request {
            return Err("invalid URI for request".to_owned());
        }
        if rest.split('/').next().is_some_and(|segment| segment.contains(':')) {
            return Err("first path segment in URL cannot contain colon".to_owned());
        }
    }
    let may_have_authority = !url.scheme.is_empty() || (context == Context::Any && !rest.starts_with("///"));
    let path = match rest.strip_prefix("//") {
        Some(behind) if may_have_authority => {
            let end = behind.find('/').unwrap_or(behind.len());
            let (authority, path) = behind.split_at_checked(end).unwrap_or((behind, ""));
            (url.userinfo, url.host) = parse_authority(&url.scheme, authority)?;
            path
        }
        _ => {
            url.omits_host = !url.scheme.is_empty();
            rest
        }
    };
    url.path = escaped(path, Part::Path)?;
    Ok(url)
}

/// Scheme and the rest; the scheme is empty when the text has none.
fn split_scheme(text: &str) -> Result<(&str, &str), String> {
    let end = text.find(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.')));
    let Some((scheme, rest)) = end.and_then(|end| text.split_at_checked(end)) else { return Ok(("", text)) };
    let Some(rest) = rest.strip_prefix(':') else { return Ok(("", text)) };
    match scheme.chars().next() {
        None => Err("missing protocol scheme".to_owned()),
        Some(first) if first.is_ascii_alphabetic() => Ok((scheme, rest)),
        Some(_) => Ok(("", text)),
    }
}

/// User name and password, escaped, and the host, unescaped.
fn parse_authority(scheme: &str, authority: &str) -> Result<(Option<String>, Vec<u8>), String> {
    let (userinfo, host) = match authority.rsplit_once('@') {
        Some((userinfo, host)) => (Some(userinfo), host),
        None => (None, authority),
    };
    let host = parse_host(scheme, host)?;
    let userinfo = userinfo.map(parse_userinfo).transpose()?;
    Ok((userinfo, host))
}

fn parse_userinfo(userinfo: &str) -> Result<String, String> {
    let is_valid = |c: char| c.is_ascii_alphanumeric() || "-._:~!$&'()*+,;=%@".contains(c);
    if !userinfo.chars().all(is_valid) {
        return Err("net/url: invalid userinfo".to_owned());
    }
    // User name and password are unescaped apart from each other.
    let parts = userinfo.splitn(2, ':').map(|part| {
        let unescaped = unescape(part.as_bytes(), Part::Userinfo)?;
        Ok(escape(&unescaped, Part::Userinfo))
    });
    Ok(parts.collect::<Result<Vec<_>, String>>()?.join(":"))
}

fn parse_host(scheme: &str, host: &str) -> Result<Vec<u8>, String> {
    match host.rfind('[') {
        Some(0) => return parse_ip_literal(host),
        Some(_) => return Err("invalid IP-literal".to_owned()),
        None => {}
    }
    // Go is strict about several colons (go.dev/issue/75223) for these two schemes only.
    let colon = if matches!(scheme, "http" | "https") { host.find(':') } else { host.rfind(':') };
    if let Some((_, port)) = colon.and_then(|colon| host.split_at_checked(colon)) {
        check_port(port)?;
    }
    unescape(host.as_bytes(), Part::Host)
}

/// `[fe80::1]`, `[fe80::1%25en0]:443` (RFC 3986 3.2.2, RFC 6874).
fn parse_ip_literal(host: &str) -> Result<Vec<u8>, String> {
    let missing = || "missing ']' in host".to_owned();
    let (address, port) = host.rsplit_once(']').ok_or_else(missing)?;
    let address = address.strip_prefix('[').ok_or_else(missing)?;
    check_port(port)?;
    let zone = address.find("%25").unwrap_or(address.len());
    let (address, zone) = address.split_at_checked(zone).unwrap_or((address, ""));
    let mut unescaped = unescape(address.as_bytes(), Part::Host)?;
    unescaped.extend(unescape(zone.as_bytes(), Part::Zone)?);
    let parsed = parse_address(&unescaped).map_err(|problem| format!("invalid host: {problem}"))?;
    if parsed.address.is_ipv4() {
        return Err("invalid IP-literal".to_owned());
    }
    Ok([b"[", &*unescaped, b"]", port.as_bytes()].concat())
}

fn check_port(port: &str) -> Result<(), String> {
    let is_valid = match port.strip_prefix(':') {
        Some(digits) => digits.bytes().all(|byte| byte.is_ascii_digit()),
        None => port.is_empty(),
    };
    if is_valid { Ok(()) } else { Err(format!("invalid port {} after host", quote(port))) }
}

#[cfg(test)]
#[path = "parse_tests.rs"]
mod tests;
