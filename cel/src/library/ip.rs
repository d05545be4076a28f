//! IP addresses (k8s.io/apiserver `pkg/cel/library/ip.go`, over Go's `net/netip`).

mod parse;

use std::fmt;
use std::net::IpAddr;

pub(crate) use parse::{Address, parse_address};

use super::Function;
use super::kubernetes::{double_traversal, nominal, quote, traversal};
use crate::value::{EvalError, Evaluated, Value};

/// An address: `ip("10.0.0.1")`. Never one of IPv4 in IPv6's clothes (`::ffff:10.0.0.1`), never one with a zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ip(IpAddr);

/// The functions of addresses; `ip` itself stands with those that are shared.
pub(crate) const FUNCTIONS: &[Function] = &[
    Function { name: "family", call: family, cost: nominal },
    Function { name: "ip.isCanonical", call: is_canonical, cost: double_traversal },
    Function { name: "isGlobalUnicast", call: |args| ask(args, Ip::is_global_unicast), cost: nominal },
    Function { name: "isIP", call: is_ip, cost: traversal },
    Function {
        name: "isLinkLocalMulticast",
        call: |args| ask(args, Ip::is_link_local_multicast),
        cost: nominal,
    },
    Function { name: "isLinkLocalUnicast", call: |args| ask(args, Ip::is_link_local_unicast), cost: nominal },
    Function { name: "isLoopback", call: |args| ask(args, Ip::is_loopback), cost: nominal },
    Function { name: "isUnspecified", call: |args| ask(args, Ip::is_unspecified), cost: nominal },
];

impl Ip {
    /// Name of its type in CEL.
    pub(crate) const TYPE_NAME: &str = "net.IP";

    /// `None` for an address of IPv4 that is written as one of IPv6.
    pub(crate) fn new(address: IpAddr) -> Option<Self> {
        match address {
            IpAddr::V6(v6) if v6.to_ipv4_mapped().is_some() => None,
            other => Some(Self(other)),
        }
    }

    /// The address.
    pub(crate) const fn address(self) -> IpAddr {
        self.0
    }

    /// Bytes, for costs (`IP.Size`).
    pub(crate) const fn size(self) -> u64 {
        match self.0 {
            IpAddr::V4(_) => 4,
            IpAddr::V6(_) => 16,
        }
    }

    fn is_unspecified(self) -> bool {
        self.0.is_unspecified()
    }

    fn is_loopback(self) -> bool {
        self.0.is_loopback()
    }

    fn is_link_local_multicast(self) -> bool {
        match self.0 {
            IpAddr::V4(v4) => matches!(v4.octets(), [224, 0, 0, _]),
            IpAddr::V6(v6) => matches!(v6.segments(), [first, ..] if first & 0xff0f == 0xff02),
        }
    }

    fn is_link_local_unicast(self) -> bool {
        match self.0 {
            IpAddr::V4(v4) => v4.is_link_local(),
            IpAddr::V6(v6) => v6.is_unicast_link_local(),
        }
    }

    /// Go's meaning: private addresses are global too.
    fn is_global_unicast(self) -> bool {
        let is_broadcast = matches!(self.0, IpAddr::V4(v4) if v4.is_broadcast());
        !(is_broadcast
            || self.is_unspecified()
            || self.is_loopback()
            || self.0.is_multicast()
            || self.is_link_local_unicast())
    }
}

/// What `string()` gives.
impl fmt::Display for Ip {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Parses an address, or says why it is none (`parseIPAddr`).
pub(crate) fn parse_ip(text: &str) -> Result<Ip, String> {
    let Address { address, has_zone } = parse_address(text.as_bytes()).map_err(|problem| {
        format!("IP Address {} parse error during conversion from string: {problem}", quote(text))
    })?;
    if has_zone {
        return Err(format!("IP address {} with zone value is not allowed", quote(text)));
    }
    Ip::new(address).ok_or_else(|| format!("IPv4-mapped IPv6 address {} is not allowed", quote(text)))
}

fn ask(args: &[Value], question: fn(Ip) -> bool) -> Evaluated {
    receiver(args).map(|ip| Value::Bool(question(ip)))
}

fn family(args: &[Value]) -> Evaluated {
    Ok(Value::Int(match receiver(args)?.0 {
        IpAddr::V4(_) => 4,
        IpAddr::V6(_) => 6,
    }))
}

fn is_canonical(args: &[Value]) -> Evaluated {
    let [Value::String(text)] = args else { return Err(EvalError::NoOverload) };
    let ip = parse_ip(text).map_err(EvalError::new)?;
    Ok(Value::Bool(ip.to_string() == **text))
}

fn is_ip(args: &[Value]) -> Evaluated {
    let [Value::String(text)] = args else { return Err(EvalError::NoOverload) };
    Ok(Value::Bool(parse_ip(text).is_ok()))
}

fn receiver(args: &[Value]) -> Result<Ip, EvalError> {
    match args {
        [Value::Ip(ip)] => Ok(*ip),
        _ => Err(EvalError::NoOverload),
    }
}

#[cfg(test)]
mod tests;
