//! Just enough of Go's `url.Parse` to accept and refuse what kube-apiserver accepts and refuses, in its words.
//!
//! Kubernetes holds issuer and discovery URLs against Go's parser, which differs from WHATWG's: it keeps the
//! text as it is, takes `https:foo`, an absent host and an empty query, and refuses a bad escape.

use std::net::{Ipv4Addr, Ipv6Addr};

use super::field::{quote, quote_bytes};

/// What the rules about URLs ask for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Url<'a> {
    /// In lower case; empty for a relative URL.
    pub(crate) scheme: String,
    /// Whether there is a user name, even an empty one.
    pub(crate) has_userinfo: bool,
    /// Host and port as they are written, `None` for an URL without `//`.
    pub(crate) host: Option<&'a str>,
    /// Whether something follows the `?`.
    pub(crate) has_query: bool,
    /// Whether something follows the `#`.
    pub(crate) has_fragment: bool,
}

/// Which characters an escape may stand for, and which may stand bare.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    Host,
    Zone,
    Other,
}

/// Parses `text`, or says in Go's words why it can't.
pub(crate) fn parse(text: &str) -> Result<Url<'_>, String> {
    let (rest, fragment) = text.split_once('#').unwrap_or((text, ""));
    let url = parse_without_fragment(rest).map_err(|problem| failed(rest, &problem))?;
    check_escapes(fragment, Part::Other).map_err(|problem| failed(text, &problem))?;
    Ok(Url { has_fragment: !fragment.is_empty(), ..url })
}

fn failed(text: &str, problem: &str) -> String {
    format!("parse {}: {problem}", quote(text))
}

fn parse_without_fragment(text: &str) -> Result<Url<'_>, String> {
    if text.bytes().any(|byte| byte.is_ascii_control()) {
        return Err("net/url: invalid control character in URL".to_owned());
    }
    let (scheme, rest) = split_scheme(text)?;
    let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
    let mut url = Url {
        scheme: scheme.to_ascii_lowercase(),
        has_userinfo: false,
        host: None,
        has_query: !query.is_empty(),
        has_fragment: false,
    };
    if !rest.starts_with('/') {
        if !url.scheme.is_empty() {
            // A path without a root, as in `https:foo`: opaque, and not looked at any further.
            return Ok(url);
        }
        if rest.split('/').next().is_some_and(|segment| segment.contains(':')) {
            return Err("first path segment in URL cannot contain colon".to_owned());
        }
    }
    let mut path = rest;
    if let Some(after) = rest.strip_prefix("//")
        && (!url.scheme.is_empty() || !after.starts_with('/'))
    {
        let end = after.find('/').unwrap_or(after.len());
        let (authority, behind) = after.split_at_checked(end).unwrap_or((after, ""));
        path = behind;
        let (userinfo, host) = match authority.rsplit_once('@') {
            Some((userinfo, host)) => (Some(userinfo), host),
            None => (None, authority),
        };
        check_host(&url.scheme, host)?;
        if let Some(userinfo) = userinfo {
            check_userinfo(userinfo)?;
        }
        url.has_userinfo = userinfo.is_some();
        url.host = Some(host);
    }
    check_escapes(path, Part::Other)?;
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

fn check_userinfo(userinfo: &str) -> Result<(), String> {
    let is_valid = |c: char| c.is_ascii_alphanumeric() || "-._:~!$&'()*+,;=%@".contains(c);
    if !userinfo.chars().all(is_valid) {
        return Err("net/url: invalid userinfo".to_owned());
    }
    // User name and password are unescaped apart from each other.
    userinfo.splitn(2, ':').try_for_each(|part| check_escapes(part, Part::Other))
}

fn check_host(scheme: &str, host: &str) -> Result<(), String> {
    match host.rfind('[') {
        Some(0) => return check_ip_literal(host),
        Some(_) => return Err("invalid IP-literal".to_owned()),
        None => {}
    }
    // Go is strict about several colons (go.dev/issue/75223) for these two schemes only.
    let colon = if matches!(scheme, "http" | "https") { host.find(':') } else { host.rfind(':') };
    if let Some((_, port)) = colon.and_then(|colon| host.split_at_checked(colon)) {
        check_port(port)?;
    }
    check_escapes(host, Part::Host)
}

/// `[fe80::1]`, `[fe80::1%25en0]:443` (RFC 3986 3.2.2, RFC 6874).
fn check_ip_literal(host: &str) -> Result<(), String> {
    let missing = || "missing ']' in host".to_owned();
    let (address, port) = host.rsplit_once(']').ok_or_else(missing)?;
    let address = address.strip_prefix('[').ok_or_else(missing)?;
    check_port(port)?;
    let (address, zone) = match address.find("%25").and_then(|at| address.split_at_checked(at)) {
        Some((address, zone)) => (address, Some(zone)),
        None => (address, None),
    };
    check_escapes(address, Part::Host)?;
    check_escapes(zone.unwrap_or(""), Part::Zone)?;
    if zone.is_none() && address.parse::<Ipv4Addr>().is_ok() {
        return Err("invalid IP-literal".to_owned());
    }
    // "%25" alone would be an empty zone.
    if address.parse::<Ipv6Addr>().is_err() || zone == Some("%25") {
        // Go's parser has a text for each of its steps; only that it refuses matters here.
        return Err(format!("invalid host: ParseAddr({}): unable to parse IP", quote(address)));
    }
    Ok(())
}

fn check_port(port: &str) -> Result<(), String> {
    let is_valid = match port.strip_prefix(':') {
        Some(digits) => digits.bytes().all(|byte| byte.is_ascii_digit()),
        None => port.is_empty(),
    };
    if is_valid { Ok(()) } else { Err(format!("invalid port {} after host", quote(port))) }
}

/// Every `%` is followed by two hexadecimal digits; a host has further rules.
fn check_escapes(text: &str, part: Part) -> Result<(), String> {
    let mut rest = text.as_bytes();
    while let Some((&first, behind)) = rest.split_first() {
        if first != b'%' {
            if part != Part::Other && first.is_ascii() && !may_stand_in_host(first) {
                return Err(format!("invalid character {} in host name", quote_bytes(&[first])));
            }
            rest = behind;
            continue;
        }
        let escape = rest.get(..3).unwrap_or(rest);
        let decoded = match escape {
            [_, high, low] => std::str::from_utf8(&[*high, *low])
                .ok()
                .filter(|digits| digits.bytes().all(|digit| digit.is_ascii_hexdigit()))
                .and_then(|digits| u8::from_str_radix(digits, 16).ok()),
            _ => None,
        };
        let is_allowed = decoded.is_some_and(|byte| match part {
            Part::Other => true,
            // In a host only what is not ASCII may be escaped, and the percent sign of an IPv6 zone.
            Part::Host => byte >= 0x80 || escape == b"%25",
            Part::Zone => byte == b' ' || escape == b"%25" || may_stand_in_host(byte),
        });
        if !is_allowed {
            return Err(format!("invalid URL escape {}", quote_bytes(escape)));
        }
        rest = rest.get(3..).unwrap_or_default();
    }
    Ok(())
}

/// RFC 3986 3.2.2 (unreserved and sub-delims), and what Go lets through besides.
fn may_stand_in_host(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-_.~!$&'()*+,;=:[]<>\"".contains(&byte)
}

#[cfg(test)]
#[path = "url_tests.rs"]
mod tests;
