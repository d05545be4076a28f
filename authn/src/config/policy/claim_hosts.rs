//! `distributedClaims` of the policy: the hosts from which claims may be fetched.

use std::net::Ipv4Addr;

use kubernetes_cel::Url;

use super::super::ConfigError;
use super::super::decode::{Fields, Node, Place};
use super::super::field::{FieldErrors, Path};
use crate::claim_hosts::ClaimHosts;

const RULE: &str = "must be a host in lower case, with its port if the URLs have one, such as \"graph.example.com\": no \
                    scheme, path or pattern";

/// The member as it was written.
#[derive(Debug, Default)]
pub(super) struct RawDistributedClaims {
    allowed_hosts: Vec<String>,
}

impl RawDistributedClaims {
    pub(super) fn from_node(fields: &mut Fields, node: Node, at: &Place) -> Result<Self, ConfigError> {
        let mut raw = Self::default();
        for (name, node, at) in fields.of_object(node, at, "DistributedClaims")? {
            match name.as_str() {
                "allowedHosts" => raw.allowed_hosts = fields.strings(node, &at)?,
                _ => fields.unknown(&at),
            }
        }
        Ok(raw)
    }

    pub(super) fn into_hosts(self, path: &Path, errors: &mut FieldErrors) -> ClaimHosts {
        let path = path.child("allowedHosts");
        for (position, host) in self.allowed_hosts.iter().enumerate() {
            if !is_host(host) {
                errors.invalid(&path.index(position), host, RULE.to_owned());
            }
        }
        self.allowed_hosts.into_iter().collect()
    }
}

/// Whether something is a host, with or without a port, in the one spelling that no parser reads otherwise. What no URL
/// could ever equal is a mistake that would pass for a rule.
fn is_host(text: &str) -> bool {
    let is_usual = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b".-:[]".contains(&byte);
    let is_parsed = || Url::parse(&format!("https://{text}/")).is_ok_and(|url| url.host() == text.as_bytes());
    if text.is_empty() || !text.bytes().all(is_usual) || !is_parsed() {
        return false;
    }
    if text.starts_with('[') {
        // A literal of IPv6, which the parser has read.
        return !text.ends_with(':');
    }
    let (name, port) = text.split_once(':').unwrap_or((text, "443"));
    let is_label = |label: &str| !label.is_empty() && !label.starts_with('-') && !label.ends_with('-');
    // A name whose last part is a number is an address to many parsers, and in forms that are hard to tell.
    let is_digits = |label: &str| label.bytes().all(|byte| byte.is_ascii_digit()) || label.starts_with("0x");
    let is_number = name.rsplit('.').next().is_some_and(is_digits);
    let is_name = name.split('.').all(is_label) && (!is_number || name.parse::<Ipv4Addr>().is_ok());
    is_name && !port.is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Policy;

    fn load(hosts: &str) -> Result<Policy, ConfigError> {
        let policy = format!("issuers: [{{url: https://a, distributedClaims: {{allowedHosts: {hosts}}}}}]");
        Policy::load(policy.as_bytes())
    }

    #[test]
    fn an_issuers_tokens_lead_to_the_hosts_that_the_policy_names() {
        let policy = load("['graph.example.com', 'b:8443', '127.0.0.1:9', '[::1]:9']").unwrap();
        let hosts: Vec<_> = policy.claim_hosts("https://a").iter().map(str::to_owned).collect();
        assert_eq!(hosts, ["127.0.0.1:9", "[::1]:9", "b:8443", "graph.example.com"]);
        assert!(policy.claim_hosts("https://b").is_empty(), "and nobody else's");
        for none in ["{}", "issuers: [{url: https://a}]", "issuers: [{url: https://a, distributedClaims: }]"]
        {
            assert!(Policy::load(none.as_bytes()).unwrap().claim_hosts("https://a").is_empty(), "{none}");
        }
        assert!(load("[]").unwrap().claim_hosts("https://a").is_empty());
    }

    #[test]
    fn what_is_no_host_is_refused() {
        for host in [
            "",
            "*",
            "*.example.com",
            "https://graph.example.com",
            "graph.example.com/",
            "graph.example.com.",
            ".example.com",
            "graph..example.com",
            "-a.example.com",
            "Graph.example.com",
            "user@graph.example.com",
            "graph.example.com:",
            "graph.example.com:x",
            "a:1:2",
            "a b",
            "gr\u{e4}ph.example.com",
            "127.1",
            "2130706433",
            "0x7f.1",
            "0177.0.0.1",
            "1.2.3.4.5",
            "::1",
            "[::1",
            "[::1]:",
            "[v1.a]",
        ] {
            let error = load(&format!("[{}]", serde_json::json!(host))).unwrap_err().to_string();
            assert!(
                error.starts_with("issuers[0].distributedClaims.allowedHosts[0]: Invalid value:")
                    && error.ends_with(RULE),
                "{host}: {error}"
            );
        }
    }
}
