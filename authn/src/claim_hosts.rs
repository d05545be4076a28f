//! Where a token may lead: the hosts from which claims that do not stand in the token itself may be fetched.
//!
//! Whoever fetches what a token names can be sent anywhere by it. So nothing is fetched but from hosts that the
//! operator has named, and a URL is compared by its text: what two parsers could read in two ways is not equal to
//! any of them.

use std::collections::BTreeSet;

/// Longest URL that is followed, in bytes.
pub const MAX_URL: usize = 2_048;

/// The hosts, each with its port where a URL is to have one. None, unless the policy names them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct ClaimHosts(BTreeSet<String>);

impl ClaimHosts {
    /// The host that `untrusted_url` leads to, if it is an https URL and its host and port stand in the list, byte by
    /// byte.
    #[must_use]
    pub fn allowed<'u>(&self, untrusted_url: &'u str) -> Option<&'u str> {
        // A browser's parser drops tabs and line ends, and takes a backslash for a slash.
        let is_plain = |byte: u8| byte.is_ascii_graphic() && byte != b'\\';
        if untrusted_url.len() > MAX_URL || !untrusted_url.bytes().all(is_plain) {
            return None;
        }
        // With a user name in it, it is none of the listed ones.
        let authority = untrusted_url.strip_prefix("https://")?.split(['/', '?', '#']).next()?;
        self.0.contains(authority).then_some(authority)
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The hosts in their order.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }
}

impl FromIterator<String> for ClaimHosts {
    fn from_iter<I: IntoIterator<Item = String>>(hosts: I) -> Self {
        // An empty one would be the host of `https:///`.
        Self(hosts.into_iter().filter(|host| !host.is_empty()).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hosts() -> ClaimHosts {
        ["graph.example", "claims.example:8443", "127.0.0.1:9", "[2001:db8::1]", ""]
            .map(str::to_owned)
            .into_iter()
            .collect()
    }

    #[test]
    fn a_listed_host_is_found() {
        for (url, host) in [
            ("https://graph.example", "graph.example"),
            ("https://graph.example/users/1?x=@evil.example#y", "graph.example"),
            ("https://graph.example?x", "graph.example"),
            ("https://graph.example#@evil.example", "graph.example"),
            ("https://claims.example:8443/", "claims.example:8443"),
            ("https://127.0.0.1:9/", "127.0.0.1:9"),
            ("https://[2001:db8::1]/", "[2001:db8::1]"),
        ] {
            assert_eq!(hosts().allowed(url), Some(host), "{url}");
        }
    }

    #[test]
    fn nothing_else_is_allowed() {
        let long = format!("https://graph.example/{}", "a".repeat(MAX_URL));
        for url in [
            "",
            "https://",
            "https:///",
            "https:graph.example/",
            "https:/graph.example/",
            "//graph.example/",
            "http://graph.example/",
            "HTTPS://graph.example/",
            " https://graph.example/",
            "https://GRAPH.example/",
            "https://graph.example./",
            "https://graph.example:443/",
            "https://graph.example:8443/",
            "https://claims.example/",
            "https://claims.example:8443@evil.example/",
            "https://graph.example@evil.example/",
            "https://graph.example:x@evil.example/",
            "https://user@graph.example/",
            "https://@graph.example/",
            "https://graph.example\\@evil.example/",
            "https://evil.example\\/graph.example/",
            "https://evil.example/graph.example/",
            "https://evil.example/?https://graph.example/",
            "https://evil.example#graph.example/",
            "https://graph.example.evil.example/",
            "https://evilgraph.example/",
            "https://sub.graph.example/",
            "https://graph%2eexample/",
            "https://gr\u{e4}ph.example/",
            "https://graph\u{3002}example/",
            "https://graph.ex\u{430}mple/",
            "https://xn--grph-5na.example/",
            "https://graph.example\t/",
            "https://graph.\nexample/",
            "https://graph.example\0/",
            "https://127.0.0.1/",
            "https://127.1:9/",
            "https://2130706433:9/",
            "https://0x7f.0.0.1:9/",
            "https://0177.0.0.1:9/",
            "https://[::ffff:127.0.0.1]:9/",
            "https://[2001:db8:0::1]/",
            "https://[2001:db8::1%25eth0]/",
            "https://localhost:9/",
            "file:///etc/passwd",
            &long,
        ] {
            assert_eq!(hosts().allowed(url), None, "{url}");
            assert_eq!(ClaimHosts::default().allowed(url), None, "{url}");
        }
        assert_eq!(ClaimHosts::default().allowed("https://graph.example/"), None);
    }
}
