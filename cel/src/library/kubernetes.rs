//! What Kubernetes' own libraries share (k8s.io/apiserver `pkg/cel/library`): functions that have overloads for several
//! of their types, and the costs that `CostEstimator.CallCost` gives.

mod quote;

pub use quote::quote;
pub(crate) use quote::quote_bytes;

use std::cmp::Ordering;

use super::Function;
use super::ip::parse_ip;
use crate::value::{EvalError, Evaluated, Value};

/// The functions whose overloads belong to more than one library.
pub(crate) const FUNCTIONS: &[Function] = &[
    Function { name: "compareTo", call: compare_to, cost: nominal },
    // As a method. Its name is that of the function else, which takes something else.
    Function { name: ".ip", call: ip_of_network, cost: nominal },
    Function { name: "ip", call: ip, cost: traversal },
    Function { name: "isGreaterThan", call: is_greater_than, cost: nominal },
    Function { name: "isLessThan", call: is_less_than, cost: nominal },
];

/// The cost of a function that only looks at something.
pub(crate) fn nominal(_: &[Value], _: &Value) -> u64 {
    1
}

/// The cost of a function that goes once through its first argument.
pub(crate) fn traversal(args: &[Value], _: &Value) -> u64 {
    traversal_cost(first_size(args))
}

/// The cost of a function that goes twice through its first argument.
pub(crate) fn double_traversal(args: &[Value], _: &Value) -> u64 {
    traversal_cost(first_size(args).saturating_mul(2))
}

/// A tenth of the size, rounded up (cel-go `StringTraversalCostFactor`). Whole numbers give what Go's floating point
/// does: a multiple of ten times 0.1 rounds to a whole number.
pub(crate) const fn traversal_cost(size: u64) -> u64 {
    size.div_ceil(10)
}

/// `actualSize` of library/cost.go for what these libraries take.
pub(crate) fn size(value: &Value) -> u64 {
    match value {
        Value::String(text) => u64::try_from(text.chars().count()).unwrap_or(u64::MAX),
        Value::Ip(ip) => ip.size(),
        Value::Cidr(cidr) => cidr.size(),
        _ => 1,
    }
}

fn first_size(args: &[Value]) -> u64 {
    args.first().map_or(1, size)
}

fn compare_to(args: &[Value]) -> Evaluated {
    Ok(Value::Int(match compare(args)? {
        Ordering::Less => -1,
        Ordering::Equal => 0,
        Ordering::Greater => 1,
    }))
}

fn is_greater_than(args: &[Value]) -> Evaluated {
    compare(args).map(|ordering| Value::Bool(ordering.is_gt()))
}

fn is_less_than(args: &[Value]) -> Evaluated {
    compare(args).map(|ordering| Value::Bool(ordering.is_lt()))
}

fn compare(args: &[Value]) -> Result<Ordering, EvalError> {
    match args {
        [Value::Quantity(quantity), Value::Quantity(other)] => quantity.compare(other),
        [Value::Semver(version), Value::Semver(other)] => Ok(version.precedence(other)),
        _ => Err(EvalError::NoOverload),
    }
}

/// `ip("10.0.0.1")`.
fn ip(args: &[Value]) -> Evaluated {
    let [Value::String(text)] = args else { return Err(EvalError::NoOverload) };
    parse_ip(text).map(Value::Ip).map_err(EvalError::new)
}

/// `cidr("10.0.0.0/8").ip()`.
fn ip_of_network(args: &[Value]) -> Evaluated {
    let [Value::Cidr(network)] = args else { return Err(EvalError::NoOverload) };
    Ok(Value::Ip(network.ip()))
}

#[cfg(test)]
pub(crate) mod tests;
