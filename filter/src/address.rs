//! Addresses as Envoy prints them.

use std::net::IpAddr;

/// Reads an address as Envoy prints it, and forgets the port: `192.0.2.1:443`, `[2001:db8::1]:443`, `[fe80::1%2]:0`,
/// or the same without a port. An IPv4 address in an IPv6 one is the IPv4 address, as Go prints it; so a client has
/// one spelling. Anything else, such as the path of a Unix socket, is no address.
#[must_use]
pub fn parse(printed: &[u8]) -> Option<IpAddr> {
    let printed = std::str::from_utf8(printed).ok()?;
    let host = match printed.strip_prefix('[') {
        Some(rest) => rest.split_once(']')?.0,
        None => match printed.split_once(':') {
            Some((host, port)) if !port.contains(':') => host,
            _ => printed,
        },
    };
    let without_zone = host.split_once('%').map_or(host, |(address, _)| address);
    without_zone.parse::<IpAddr>().ok().map(|address| address.to_canonical())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_loses_its_port_and_nothing_else() {
        for (printed, expected) in [
            ("192.0.2.1:443", Some("192.0.2.1")),
            ("192.0.2.1", Some("192.0.2.1")),
            ("198.51.100.9:0", Some("198.51.100.9")),
            ("[2001:db8::99]:1234", Some("2001:db8::99")),
            ("[2001:DB8:0:0::99]:0", Some("2001:db8::99")),
            ("2001:db8::99", Some("2001:db8::99")),
            ("::1", Some("::1")),
            ("[fe80::1%4]:0", Some("fe80::1")),
            ("fe80::1%eth0", Some("fe80::1")),
            ("[::ffff:1.2.3.4]:0", Some("1.2.3.4")),
            ("", None),
            ("@/run/envoy.sock", None),
            ("envoy://internal/1", None),
            ("[::1", None),
            ("192.0.2.1:443:1", None),
        ] {
            assert_eq!(parse(printed.as_bytes()), expected.map(|text| text.parse().unwrap()), "{printed}");
        }
        assert_eq!(parse(b"\xff"), None);
    }
}
