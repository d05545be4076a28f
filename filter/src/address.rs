//! Addresses as Envoy writes them.

use std::net::{IpAddr, SocketAddr};

/// The IP address of `1.2.3.4:5`, `[2001:db8::1]:5`, or either without its port; `None` for anything else, such as the
/// path of a Unix socket. An IPv4 address in IPv6's clothes is the IPv4 address.
#[must_use]
pub fn parse(address: &[u8]) -> Option<IpAddr> {
    let text = std::str::from_utf8(address).ok()?;
    let bare = || text.parse().ok();
    text.parse()
        .ok()
        .map(|address: SocketAddr| address.ip())
        .or_else(bare)
        .map(|address| address.to_canonical())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_read_without_its_port() {
        for (text, address) in [
            ("192.0.2.1:443", Some("192.0.2.1")),
            ("192.0.2.1", Some("192.0.2.1")),
            ("[2001:db8::1]:443", Some("2001:db8::1")),
            ("2001:db8::1", Some("2001:db8::1")),
            ("[::ffff:192.0.2.1]:1", Some("192.0.2.1")),
            ("/run/envoy.sock", None),
            ("@/abstract", None),
            ("192.0.2.1:443, 10.0.0.1", None),
            ("", None),
        ] {
            assert_eq!(parse(text.as_bytes()), address.map(|address| address.parse().unwrap()), "{text}");
        }
        assert_eq!(parse(b"\xff"), None);
    }
}
