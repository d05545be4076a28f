//! URLs (k8s.io/apiserver `pkg/cel/library/urls.go`, over Go's `net/url`).

mod escape;
mod parse;

use std::collections::BTreeMap;
use std::fmt;
use std::rc::Rc;

pub(crate) use parse::parse_request_uri;

use self::escape::{Part, escape, unescape};
use super::Function;
use super::kubernetes::{nominal, traversal};
use crate::value::{EvalError, Evaluated, Key, List, ListForm, Map, Value};

/// A URL of Go's `net/url`: `url("https://example.com/a?b=c")`.
#[derive(Clone, Debug)]
pub struct Url {
    /// In lower case; empty if there is none.
    scheme: String,
    /// What follows the scheme without a slash: `a` of `mailto:a`.
    opaque: String,
    /// User name and password, escaped.
    userinfo: Option<String>,
    /// Host and port, unescaped: need not be UTF-8.
    host: Vec<u8>,
    /// Escaped.
    path: String,
    /// As it was written.
    query: Option<String>,
    /// Escaped.
    fragment: String,
    /// Whether a scheme is followed by a path at once: `file:/a`.
    omits_host: bool,
}

/// The functions of URLs.
pub(crate) const FUNCTIONS: &[Function] = &[
    Function {
        name: "getEscapedPath",
        call: |args| bytes_to_text(receiver(args)?.path.as_bytes()),
        cost: nominal,
    },
    Function { name: "getHost", call: |args| bytes_to_text(&receiver(args)?.host), cost: nominal },
    Function {
        name: "getHostname",
        call: |args| bytes_to_text(receiver(args)?.host_and_port().0),
        cost: nominal,
    },
    Function {
        name: "getPort",
        call: |args| bytes_to_text(receiver(args)?.host_and_port().1),
        cost: nominal,
    },
    Function { name: "getQuery", call: query, cost: nominal },
    Function {
        name: "getScheme",
        call: |args| bytes_to_text(receiver(args)?.scheme.as_bytes()),
        cost: nominal,
    },
    Function { name: "isURL", call: is_url, cost: nominal },
    Function { name: "url", call: url, cost: traversal },
];

/// More parameters than this and Go reads none (`net/url` `defaultMaxParams`).
const MAX_PARAMETERS: usize = 10_000;

impl Url {
    /// Name of its type in CEL.
    pub(crate) const TYPE_NAME: &str = "kubernetes.URL";

    /// Reads a URL as Go's `url.Parse` does, which is not as browsers do: it keeps the text as it is, takes `https:foo`, an
    /// absent host and an empty query, and refuses a bad escape.
    ///
    /// # Errors
    /// Go's words for what is wrong.
    pub fn parse(text: &str) -> Result<Self, String> {
        parse::parse(text)
    }

    /// The scheme in lower case; empty for a relative URL.
    #[must_use]
    pub fn scheme(&self) -> &str {
        &self.scheme
    }

    /// Whether there is a user name, even an empty one.
    #[must_use]
    pub const fn has_userinfo(&self) -> bool {
        self.userinfo.is_some()
    }

    /// Host and port, unescaped, so that they need not be UTF-8; empty for a URL without.
    #[must_use]
    pub fn host(&self) -> &[u8] {
        &self.host
    }

    /// Whether something follows the `?`.
    #[must_use]
    pub fn has_query(&self) -> bool {
        self.query.as_ref().is_some_and(|query| !query.is_empty())
    }

    /// Whether something follows the `#`.
    #[must_use]
    pub const fn has_fragment(&self) -> bool {
        !self.fragment.is_empty()
    }

    /// Go's `splitHostPort`: a port is made of digits, and an IPv6 address loses its brackets.
    fn host_and_port(&self) -> (&[u8], &[u8]) {
        let mut parts = self.host.rsplitn(2, |byte| *byte == b':');
        let (host, port) = match (parts.next(), parts.next()) {
            (Some(port), Some(host)) if port.iter().all(u8::is_ascii_digit) => (host, port),
            _ => (&*self.host, &b""[..]),
        };
        match host {
            [b'[', address @ .., b']'] => (address, port),
            _ => (host, port),
        }
    }
}

/// Go's `URL.String`, by which two URLs are compared.
impl fmt::Display for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.scheme.is_empty() {
            write!(f, "{}:", self.scheme)?;
        }
        if self.opaque.is_empty() {
            let has_authority = !self.host.is_empty() || self.userinfo.is_some();
            if has_authority || (!self.scheme.is_empty() && !self.omits_host && !self.path.is_empty()) {
                f.write_str("//")?;
            }
            if let Some(userinfo) = &self.userinfo {
                write!(f, "{userinfo}@")?;
            }
            write!(f, "{}", escape(&self.host, Part::Host))?;
            f.write_str(&self.path)?;
        } else {
            f.write_str(&self.opaque)?;
        }
        if let Some(query) = &self.query {
            write!(f, "?{query}")?;
        }
        if !self.fragment.is_empty() {
            write!(f, "#{}", self.fragment)?;
        }
        Ok(())
    }
}

impl PartialEq for Url {
    fn eq(&self, other: &Self) -> bool {
        self.to_string() == other.to_string()
    }
}

/// Two parsers look at the text: one that wants something absolute and knows no fragment, then one that does.
fn url(args: &[Value]) -> Evaluated {
    let [Value::String(text)] = args else { return Err(EvalError::NoOverload) };
    let url = parse_request_uri(text).and_then(|_| parse::parse(text)).map_err(|problem| {
        EvalError::new(format!("URL parse error during conversion from string: {problem}"))
    })?;
    Ok(Value::Url(Rc::new(url)))
}

fn is_url(args: &[Value]) -> Evaluated {
    match args {
        [Value::String(text)] => Ok(Value::Bool(parse_request_uri(text).is_ok())),
        _ => Err(EvalError::NoOverload),
    }
}

/// The parameters, each name with all its values; what can't be unescaped is left out (Go's `URL.Query`).
fn query(args: &[Value]) -> Evaluated {
    let query = receiver(args)?.query.as_deref().unwrap_or_default();
    let mut parameters: BTreeMap<Key, Vec<Value>> = BTreeMap::new();
    if query.split('&').count() <= MAX_PARAMETERS {
        for parameter in query.split('&') {
            if parameter.is_empty() || parameter.contains(';') {
                continue;
            }
            let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
            let (Ok(name), Ok(value)) =
                (unescape(name.as_bytes(), Part::Query), unescape(value.as_bytes(), Part::Query))
            else {
                continue;
            };
            parameters.entry(Key::String(utf8(&name)?.into())).or_default().push(bytes_to_text(&value)?);
        }
    }
    let entries: BTreeMap<Key, Value> = parameters
        .into_iter()
        .map(|(name, values)| (name, Value::List(List::new(values, ListForm::Native))))
        .collect();
    Ok(Value::Map(Map::new(entries)))
}

fn receiver(args: &[Value]) -> Result<&Url, EvalError> {
    match args {
        [Value::Url(url)] => Ok(url),
        _ => Err(EvalError::NoOverload),
    }
}

fn bytes_to_text(bytes: &[u8]) -> Evaluated {
    utf8(bytes).map(|text| Value::String(text.into()))
}

/// Go's strings may hold any bytes; ours can't, so such a text has no value.
fn utf8(bytes: &[u8]) -> Result<&str, EvalError> {
    std::str::from_utf8(bytes).map_err(|_| EvalError::new("part of a URL is not UTF-8"))
}

#[cfg(test)]
mod tests;
