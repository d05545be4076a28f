//! Networks (k8s.io/apiserver `pkg/cel/library/cidr.go`, over Go's `net/netip`).

use std::fmt;
use std::net::IpAddr;
use std::rc::Rc;

use super::Function;
use super::ip::{Address, Ip, parse_address, parse_ip};
use super::kubernetes::{nominal, quote, size, traversal, traversal_cost};
use crate::value::{EvalError, Evaluated, Value};

/// A network: `cidr("10.0.0.0/8")`. Bits behind the prefix are kept, and count in an equality.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cidr {
    ip: Ip,
    bits: u8,
}

/// The functions of networks; `ip` stands with those that are shared.
pub(crate) const FUNCTIONS: &[Function] = &[
    Function { name: "cidr", call: cidr, cost: traversal },
    Function { name: "containsCIDR", call: contains_cidr, cost: contains_cidr_cost },
    Function { name: "containsIP", call: contains_ip, cost: contains_ip_cost },
    Function { name: "isCIDR", call: is_cidr, cost: traversal },
    Function { name: "masked", call: masked, cost: nominal },
    Function { name: "prefixLength", call: prefix_length, cost: nominal },
];

impl Cidr {
    /// Name of its type in CEL.
    pub(crate) const TYPE_NAME: &str = "net.CIDR";

    /// The address, with the bits behind the prefix.
    pub(crate) const fn ip(self) -> Ip {
        self.ip
    }

    /// Bytes of the prefix, for costs (`CIDR.Size`).
    pub(crate) fn size(self) -> u64 {
        u64::from(self.bits.div_ceil(8))
    }

    fn contains_ip(self, ip: Ip) -> bool {
        have_common_prefix(self.ip.address(), ip.address(), self.bits)
    }

    fn contains_cidr(self, other: Self) -> bool {
        self.bits <= other.bits && self.contains_ip(other.ip)
    }

    fn masked(self) -> Self {
        let address = match self.ip.address() {
            IpAddr::V4(v4) => IpAddr::V4(
                (v4.to_bits() & !u32::try_from(low_bits(32, self.bits)).unwrap_or(u32::MAX)).into(),
            ),
            IpAddr::V6(v6) => IpAddr::V6((v6.to_bits() & !low_bits(128, self.bits)).into()),
        };
        // No address becomes one of IPv4 in IPv6 by losing bits: it would have lost those that tell.
        Ip::new(address).map_or(self, |ip| Self { ip, ..self })
    }
}

/// What `string()` gives.
impl fmt::Display for Cidr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.ip, self.bits)
    }
}

/// Parses a network, or says why it is none (`parseCIDR`).
fn parse_cidr(text: &str) -> Result<Cidr, String> {
    let (address, bits) = parse_prefix(text).map_err(|problem| {
        format!(
            "network address parse error during conversion from string: netip.ParsePrefix({}): {problem}",
            quote(text)
        )
    })?;
    let ip =
        Ip::new(address).ok_or_else(|| format!("IPv4-mapped IPv6 address {} is not allowed", quote(text)))?;
    Ok(Cidr { ip, bits })
}

/// Go's `netip.ParsePrefix`.
fn parse_prefix(text: &str) -> Result<(IpAddr, u8), String> {
    let (address, bits) = text.rsplit_once('/').ok_or("no '/'")?;
    let Address { address, has_zone } = parse_address(address.as_bytes())?;
    if has_zone {
        return Err("IPv6 zones cannot be present in a prefix".to_owned());
    }
    let bad_bits = || format!("bad bits after slash: {}", quote(bits));
    // Neither signs nor leading zeros; what is no 64-bit number is not out of range but bad.
    let is_plain = !bits.is_empty() && bits.bytes().all(|byte| byte.is_ascii_digit());
    if !is_plain || (bits.len() > 1 && bits.starts_with('0')) {
        return Err(bad_bits());
    }
    let bits: i64 = bits.parse().map_err(|_| bad_bits())?;
    let limit = if address.is_ipv4() { 32 } else { 128 };
    match u8::try_from(bits) {
        Ok(bits) if bits <= limit => Ok((address, bits)),
        _ => Err("prefix length out of range".to_owned()),
    }
}

/// Whether two addresses of one family begin with the same bits.
fn have_common_prefix(one: IpAddr, other: IpAddr, bits: u8) -> bool {
    match (one, other) {
        (IpAddr::V4(one), IpAddr::V4(other)) => {
            u128::from(one.to_bits() ^ other.to_bits()) & !low_bits(32, bits) == 0
        }
        (IpAddr::V6(one), IpAddr::V6(other)) => (one.to_bits() ^ other.to_bits()) & !low_bits(128, bits) == 0,
        _ => false,
    }
}

/// As many of the lowest bits as stand behind a prefix in an address of this width.
fn low_bits(width: u8, prefix: u8) -> u128 {
    let count = u32::from(width.saturating_sub(prefix));
    1_u128.checked_shl(count).map_or(u128::MAX, |bit| bit.wrapping_sub(1))
}

fn cidr(args: &[Value]) -> Evaluated {
    match args {
        [Value::String(text)] => cidr_of_text(text).map(|cidr| Value::Cidr(Rc::new(cidr))),
        _ => Err(EvalError::NoOverload),
    }
}

/// The prefix stands twice in messages: `stringToCIDR` and `parseCIDR` both write it.
fn cidr_of_text(text: &str) -> Result<Cidr, EvalError> {
    parse_cidr(text).map_err(|problem| {
        EvalError::new(format!("network address parse error during conversion from string: {problem}"))
    })
}

fn is_cidr(args: &[Value]) -> Evaluated {
    match args {
        [Value::String(text)] => Ok(Value::Bool(parse_cidr(text).is_ok())),
        _ => Err(EvalError::NoOverload),
    }
}

fn contains_ip(args: &[Value]) -> Evaluated {
    match args {
        [Value::Cidr(cidr), Value::Ip(ip)] => Ok(Value::Bool(cidr.contains_ip(*ip))),
        // What is no address has no overload here: the message of the parser is lost (`cidrContainsIP`).
        [Value::Cidr(cidr), Value::String(text)] => parse_ip(text)
            .map(|ip| Value::Bool(cidr.contains_ip(ip)))
            .map_err(|_| EvalError::no_such_overload()),
        _ => Err(EvalError::NoOverload),
    }
}

fn contains_cidr(args: &[Value]) -> Evaluated {
    match args {
        [Value::Cidr(cidr), Value::Cidr(other)] => Ok(Value::Bool(cidr.contains_cidr(**other))),
        [Value::Cidr(cidr), Value::String(text)] => {
            cidr_of_text(text).map(|other| Value::Bool(cidr.contains_cidr(other)))
        }
        _ => Err(EvalError::NoOverload),
    }
}

fn masked(args: &[Value]) -> Evaluated {
    receiver(args).map(|cidr| Value::Cidr(Rc::new(cidr.masked())))
}

fn prefix_length(args: &[Value]) -> Evaluated {
    receiver(args).map(|cidr| Value::Int(i64::from(cidr.bits)))
}

fn receiver(args: &[Value]) -> Result<Cidr, EvalError> {
    match args {
        [Value::Cidr(cidr)] => Ok(**cidr),
        _ => Err(EvalError::NoOverload),
    }
}

/// A text is parsed first. kube-apiserver counts that only where it knew beforehand that it is a text, which can't be
/// known here: so this is never less.
fn contains_ip_cost(args: &[Value], _: &Value) -> u64 {
    match args {
        [cidr, other] => traversal_cost(size(cidr).saturating_mul(2)).saturating_add(text_cost(other)),
        _ => 1,
    }
}

fn contains_cidr_cost(args: &[Value], _: &Value) -> u64 {
    match args {
        [cidr, other] => traversal_cost(size(cidr).saturating_mul(2))
            .saturating_add(traversal_cost(size(cidr)))
            .saturating_add(1)
            .saturating_add(text_cost(other)),
        _ => 1,
    }
}

fn text_cost(value: &Value) -> u64 {
    match value {
        Value::String(_) => traversal_cost(size(value)),
        _ => 0,
    }
}

#[cfg(test)]
mod tests;
