//! The standard library (cel-go `common/stdlib`): operators, conversions, texts, time.

mod arithmetic;
mod time;

pub(crate) use time::FUNCTIONS as TIME_FUNCTIONS;

use std::cmp::Ordering;

use crate::convert::convert;
use crate::cost::{actual_size, scaled};
use crate::library::Function;
use crate::library::overload::is_number;
use crate::value::{EvalError, Evaluated, Value};

/// cel-go's `StringTraversalCostFactor`.
const TRAVERSAL: f64 = 0.1;

/// Operators, conversions, and functions of texts.
pub(crate) const FUNCTIONS: &[Function] = &[
    Function { name: "!_", call: not, cost: |_, _| 1 },
    Function { name: "-_", call: arithmetic::negate, cost: |_, _| 1 },
    Function { name: "@in", call: is_in, cost: in_cost },
    Function { name: "_!=_", call: differs, cost: shorter },
    Function { name: "_%_", call: arithmetic::modulo, cost: |_, _| 1 },
    Function { name: "_*_", call: arithmetic::multiply, cost: |_, _| 1 },
    Function { name: "_+_", call: |args| add(args.to_vec()), cost: both },
    Function { name: "_-_", call: arithmetic::subtract, cost: |_, _| 1 },
    Function { name: "_/_", call: arithmetic::divide, cost: |_, _| 1 },
    Function { name: "_<=_", call: |args| order(args, Ordering::is_le), cost: shorter },
    Function { name: "_<_", call: |args| order(args, Ordering::is_lt), cost: shorter },
    Function { name: "_==_", call: equals, cost: shorter },
    Function { name: "_>=_", call: |args| order(args, Ordering::is_ge), cost: shorter },
    Function { name: "_>_", call: |args| order(args, Ordering::is_gt), cost: shorter },
    Function { name: "bool", call: |args| converted("bool", args), cost: |_, _| 1 },
    Function { name: "bytes", call: |args| converted("bytes", args), cost: first },
    Function {
        name: "contains",
        call: |args| texts(args, |text, part| text.contains(part)),
        cost: contains_cost,
    },
    Function { name: "double", call: |args| converted("double", args), cost: |_, _| 1 },
    Function { name: "duration", call: |args| converted("duration", args), cost: |_, _| 1 },
    Function { name: "dyn", call: |args| converted("dyn", args), cost: |_, _| 1 },
    Function { name: "endsWith", call: |args| texts(args, |text, part| text.ends_with(part)), cost: first },
    Function { name: "int", call: |args| converted("int", args), cost: |_, _| 1 },
    Function { name: "size", call: size, cost: |_, _| 1 },
    Function {
        name: "startsWith",
        call: |args| texts(args, |text, part| text.starts_with(part)),
        cost: first,
    },
    Function { name: "string", call: |args| converted("string", args), cost: first },
    Function { name: "timestamp", call: |args| converted("timestamp", args), cost: |_, _| 1 },
    Function { name: "type", call: |args| converted("type", args), cost: |_, _| 1 },
    Function { name: "uint", call: |args| converted("uint", args), cost: |_, _| 1 },
];

pub(crate) use arithmetic::add;

fn converted(function: &str, args: &[Value]) -> Evaluated {
    let [value] = args else { return Err(EvalError::NoOverload) };
    convert(function, value).unwrap_or_else(|| Err("no such overload".to_owned())).map_err(EvalError::new)
}

fn not(args: &[Value]) -> Evaluated {
    let [Value::Bool(value)] = args else { return Err(EvalError::no_such_overload()) };
    Ok(Value::Bool(!value))
}

fn equals(args: &[Value]) -> Evaluated {
    let [one, other] = args else { return Err(EvalError::no_such_overload()) };
    one.try_equals(other).map(Value::Bool)
}

/// Two values that can't be compared differ (cel-go `evalNe`).
fn differs(args: &[Value]) -> Evaluated {
    let [one, other] = args else { return Err(EvalError::no_such_overload()) };
    Ok(Value::Bool(!one.equals(other)?))
}

fn order(args: &[Value], holds: fn(Ordering) -> bool) -> Evaluated {
    let [one, other] = args else { return Err(EvalError::NoOverload) };
    let is_nan = |value: &Value| matches!(value, Value::Double(number) if number.is_nan());
    match one.compare(other) {
        Some(ordering) => Ok(Value::Bool(holds(ordering))),
        None if is_nan(one) || (is_number(one) && is_nan(other)) => {
            Err(EvalError::new("NaN values cannot be ordered"))
        }
        None => Err(EvalError::NoOverload),
    }
}

fn is_in(args: &[Value]) -> Evaluated {
    match args {
        [value, Value::List(list)] => value.is_among(list.iter()).map(Value::Bool),
        // Go can't look for these in a map, and doesn't say so of an empty one or one that comes out of `claims`.
        [key, Value::Map(map)] if !key.is_hashable() => {
            let is_asked = !map.entries().is_empty() && !map.unescapes();
            Err(if is_asked { EvalError::unhashable(key) } else { EvalError::no_such_overload() })
        }
        // A name stands as it is, also in what comes out of `claims`.
        [key, Value::Map(map)] => Ok(Value::Bool(map.find(key).is_some())),
        _ => Err(EvalError::no_such_overload()),
    }
}

fn size(args: &[Value]) -> Evaluated {
    let [value] = args else { return Err(EvalError::NoOverload) };
    let size = match value {
        Value::Bytes(bytes) => bytes.len(),
        Value::List(list) => list.len(),
        Value::Map(map) => map.entries().len(),
        Value::String(text) => text.chars().count(),
        _ => return Err(EvalError::NoOverload),
    };
    i64::try_from(size).map(Value::Int).map_err(|_| EvalError::new("integer overflow"))
}

fn texts(args: &[Value], holds: fn(&str, &str) -> bool) -> Evaluated {
    let [Value::String(text), Value::String(part)] = args else {
        return Err(EvalError::no_such_overload());
    };
    Ok(Value::Bool(holds(text, part)))
}

/// A look through the first argument. Never less than 1, which it is where the checker did not know the types.
fn first(args: &[Value], _: &Value) -> u64 {
    args.first().map_or(1, |value| scaled(actual_size(value), TRAVERSAL)).max(1)
}

/// A look through the shorter one.
fn shorter(args: &[Value], _: &Value) -> u64 {
    scaled(args.iter().map(actual_size).min().unwrap_or(1), TRAVERSAL).max(1)
}

/// A look through both.
fn both(args: &[Value], _: &Value) -> u64 {
    // Lists are only put behind each other there.
    if let [Value::List(_), ..] = args {
        return 1;
    }
    let size = args.iter().map(actual_size).fold(0_u64, u64::saturating_add);
    scaled(size, TRAVERSAL).max(1)
}

fn in_cost(args: &[Value], _: &Value) -> u64 {
    args.last().map_or(1, actual_size).max(1)
}

fn contains_cost(args: &[Value], _: &Value) -> u64 {
    args.iter().map(|value| scaled(actual_size(value), TRAVERSAL)).fold(1, u64::saturating_mul).max(1)
}
