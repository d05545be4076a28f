//! The cost of an evaluation.

use crate::value::Value;

/// kube-apiserver's limit of an evaluation (`celconfig.PerCallLimit`).
pub(crate) const COST_LIMIT: u64 = 1_000_000;
/// The longest text that a function may make, in bytes. The cost limit does not bound it.
pub(crate) const MAX_TEXT: usize = 1024 * 1024;
/// The longest list that a function may make. The cost limit does not bound it.
pub(crate) const MAX_LIST: usize = 100_000;

/// How much one evaluation may make in all of texts and lists, in bytes; an element counts as [`ELEMENT`]. The cost limit
/// does not bound it: to put two lists together costs 1, in Go without a copy. It is a million elements, so that whoever
/// looks at each that is made comes to the cost limit first.
pub(crate) const MAX_MADE: usize = 1_000_000 * ELEMENT;
/// What an element counts as. Not what it takes, which is another number in the filter than in the sidecar.
pub(crate) const ELEMENT: usize = 32;

/// cel-go `actualSize`: characters, bytes, elements or entries, also of an optional value; of an address and of a network
/// the bytes that say something; 1 for anything else.
pub(crate) fn actual_size(value: &Value) -> u64 {
    let mut value = value;
    // For some functions an optional value is 1 in any case (ext/sets.go, library/cost.go).
    while let Value::Optional(Some(inner)) = value {
        value = inner;
    }
    let size = match value {
        Value::String(text) => text.chars().count(),
        Value::Bytes(bytes) => bytes.len(),
        Value::Cidr(cidr) => return cidr.size(),
        Value::Ip(ip) => return ip.size(),
        Value::List(list) => list.len(),
        Value::Map(map) => map.entries().len(),
        Value::Lazy(whole) => whole.size,
        _ => 1,
    };
    u64::try_from(size).unwrap_or(u64::MAX)
}

/// `uint64(math.Ceil(size * factor))`.
#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "as Go does; sizes are far below 2^53, and the cast saturates"
)]
pub(crate) fn scaled(size: u64, factor: f64) -> u64 {
    (size as f64 * factor).ceil() as u64
}
