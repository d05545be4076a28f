//! Go's parser of IP addresses (`net/netip` `ParseAddr`), with its messages.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::library::kubernetes::quote_bytes;

/// What was parsed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Address {
    /// The address.
    pub(crate) address: IpAddr,
    /// Whether a zone follows it: `fe80::1%eth0`.
    pub(crate) has_zone: bool,
}

/// Parses an address, or says in Go's words why it is none. A host that was unescaped need not be UTF-8.
pub(crate) fn parse_address(text: &[u8]) -> Result<Address, String> {
    match text.iter().find(|byte| matches!(byte, b'.' | b':' | b'%')) {
        Some(b'.') => {
            let address = IpAddr::V4(parse_v4(text, text)?);
            Ok(Address { address, has_zone: false })
        }
        Some(b':') => parse_v6(text),
        Some(_) => Err(failed(text, "missing IPv6 address", b"")),
        None => Err(failed(text, "unable to parse IP", b"")),
    }
}

fn failed(text: &[u8], problem: &str, at: &[u8]) -> String {
    let text = quote_bytes(text);
    if at.is_empty() {
        format!("ParseAddr({text}): {problem}")
    } else {
        format!("ParseAddr({text}): {problem} (at {})", quote_bytes(at))
    }
}

/// The four numbers of `part`; `text` is what stands in messages.
fn parse_v4(text: &[u8], part: &[u8]) -> Result<Ipv4Addr, String> {
    let mut octets = [0_u8; 4];
    let mut slots = octets.iter_mut();
    let mut octet = 0_u8;
    let mut digits = 0_usize;
    let mut rest = part;
    while let Some((&byte, behind)) = rest.split_first() {
        match byte {
            b'0'..=b'9' => {
                if digits == 1 && octet == 0 {
                    return Err(failed(text, "IPv4 field has octet with leading zero", b""));
                }
                octet = octet
                    .checked_mul(10)
                    .and_then(|tens| tens.checked_add(byte.wrapping_sub(b'0')))
                    .ok_or_else(|| failed(text, "IPv4 field has value >255", b""))?;
                digits = digits.saturating_add(1);
            }
            b'.' => {
                if digits == 0 || behind.is_empty() {
                    return Err(failed(text, "IPv4 field must have at least one digit", rest));
                }
                // The fourth number has no dot behind it.
                match slots.next() {
                    Some(slot) if slots.len() > 0 => *slot = octet,
                    _ => return Err(failed(text, "IPv4 address too long", b"")),
                }
                octet = 0;
                digits = 0;
            }
            _ => return Err(failed(text, "unexpected character", rest)),
        }
        rest = behind;
    }
    match (slots.next(), slots.next()) {
        (Some(slot), None) => *slot = octet,
        _ => return Err(failed(text, "IPv4 address too short", b"")),
    }
    Ok(Ipv4Addr::from(octets))
}

fn parse_v6(text: &[u8]) -> Result<Address, String> {
    let mut parts = text.splitn(2, |byte| *byte == b'%');
    let mut rest = parts.next().unwrap_or_default();
    let zone = parts.next();
    if zone.is_some_and(<[u8]>::is_empty) {
        return Err(failed(text, "zone must be a non-empty string", b""));
    }
    let mut octets = Vec::with_capacity(16);
    let mut ellipsis = None;
    if let Some(behind) = rest.strip_prefix(b"::") {
        ellipsis = Some(0);
        rest = behind;
    }
    // Nothing but an ellipsis is an address too.
    while octets.len() < 16 && !(octets.is_empty() && ellipsis.is_some() && rest.is_empty()) {
        let length = rest.iter().take_while(|byte| byte.is_ascii_hexdigit()).count();
        if length > 4 {
            return Err(failed(text, "each group must have 4 or less digits", rest));
        }
        if length == 0 {
            return Err(failed(text, "each colon-separated field must have at least one digit", rest));
        }
        let (group, behind) = rest.split_at_checked(length).unwrap_or((rest, b""));
        if behind.starts_with(b".") {
            if ellipsis.is_none() && octets.len() != 12 {
                let problem = "embedded IPv4 address must replace the final 2 fields of the address";
                return Err(failed(text, problem, rest));
            }
            if octets.len() > 12 {
                let problem = "too many hex fields to fit an embedded IPv4 at the end of the address";
                return Err(failed(text, problem, rest));
            }
            octets.extend(parse_v4(text, rest)?.octets());
            rest = b"";
            break;
        }
        octets.extend(group_value(group).to_be_bytes());
        rest = match behind {
            [] => {
                rest = b"";
                break;
            }
            [b':'] => return Err(failed(text, "colon must be followed by more characters", behind)),
            [b':', behind @ ..] => behind,
            _ => return Err(failed(text, "unexpected character, want colon", behind)),
        };
        if let [b':', behind @ ..] = rest {
            if ellipsis.is_some() {
                return Err(failed(text, "multiple :: in address", rest));
            }
            ellipsis = Some(octets.len());
            rest = behind;
            if rest.is_empty() {
                break;
            }
        }
    }
    if !rest.is_empty() {
        return Err(failed(text, "trailing garbage after address", rest));
    }
    match ellipsis {
        None if octets.len() < 16 => return Err(failed(text, "address string too short", b"")),
        Some(_) if octets.len() >= 16 => {
            return Err(failed(text, "the :: must expand to at least one field of zeros", b""));
        }
        Some(at) => {
            let missing = 16_usize.saturating_sub(octets.len());
            octets.splice(at..at, std::iter::repeat_n(0, missing));
        }
        None => {}
    }
    let octets: [u8; 16] =
        octets.try_into().map_err(|_| failed(text, "trailing garbage after address", b""))?;
    Ok(Address { address: IpAddr::V6(Ipv6Addr::from(octets)), has_zone: zone.is_some() })
}

/// At most four hexadecimal digits as a number.
fn group_value(digits: &[u8]) -> u16 {
    std::str::from_utf8(digits).ok().and_then(|digits| u16::from_str_radix(digits, 16).ok()).unwrap_or(0)
}
