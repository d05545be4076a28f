//! Arithmetic with overflow as an error (cel-go `common/types/overflow.go`), and texts and lists put together.

use std::rc::Rc;

use crate::cost::MAX_TEXT;
use crate::library::overload;
use crate::value::{EvalError, Evaluated, Value};

fn int(number: Option<i64>) -> Evaluated {
    number.map(Value::Int).ok_or_else(|| EvalError::new("integer overflow"))
}

fn uint(number: Option<u64>) -> Evaluated {
    number.map(Value::Uint).ok_or_else(|| EvalError::new("unsigned integer overflow"))
}

fn duration(nanos: Option<i64>) -> Evaluated {
    nanos.map(Value::Duration).ok_or_else(|| EvalError::new("integer overflow"))
}

fn by_zero(is_modulo: bool) -> EvalError {
    EvalError::new(if is_modulo { "modulus by zero" } else { "division by zero" })
}

pub(super) fn negate(args: &[Value]) -> Evaluated {
    match args {
        [Value::Double(number)] => Ok(Value::Double(-number)),
        [Value::Duration(nanos)] => duration(nanos.checked_neg()),
        [Value::Int(number)] => int(number.checked_neg()),
        _ => Err(EvalError::NoOverload),
    }
}

/// The sum. A list that is nobody else's is not copied.
pub(crate) fn add(args: Vec<Value>) -> Evaluated {
    let Ok([one, other]) = <[Value; 2]>::try_from(args) else { return Err(EvalError::NoOverload) };
    match (one, other) {
        (Value::Bytes(one), Value::Bytes(other)) => {
            bounded(one.len(), other.len())?;
            Ok(Value::Bytes([&*one, &*other].concat().into()))
        }
        (Value::Double(one), Value::Double(other)) => Ok(Value::Double(one + other)),
        (Value::Duration(one), Value::Duration(other)) => duration(one.checked_add(other)),
        (Value::Duration(nanos), Value::Timestamp(moment))
        | (Value::Timestamp(moment), Value::Duration(nanos)) => {
            moment.plus(nanos).map(Value::Timestamp).ok_or_else(|| EvalError::new("timestamp overflow"))
        }
        (Value::Int(one), Value::Int(other)) => int(one.checked_add(other)),
        (Value::List(one), Value::List(other)) => one.concat(other).map(Value::List),
        (Value::String(one), Value::String(other)) => {
            bounded(one.len(), other.len())?;
            Ok(Value::String(Rc::from([&*one, &*other].concat())))
        }
        (Value::Uint(one), Value::Uint(other)) => uint(one.checked_add(other)),
        operands => Err(overload::error("_+_", &<[Value; 2]>::from(operands))),
    }
}

fn bounded(one: usize, other: usize) -> Result<(), EvalError> {
    if one.saturating_add(other) > MAX_TEXT { Err(EvalError::CostLimit) } else { Ok(()) }
}

pub(super) fn subtract(args: &[Value]) -> Evaluated {
    match args {
        [Value::Double(one), Value::Double(other)] => Ok(Value::Double(one - other)),
        [Value::Duration(one), Value::Duration(other)] => duration(one.checked_sub(*other)),
        [Value::Int(one), Value::Int(other)] => int(one.checked_sub(*other)),
        [Value::Timestamp(moment), Value::Duration(nanos)] => {
            let nanos = nanos.checked_neg().ok_or_else(|| EvalError::new("integer overflow"))?;
            moment.plus(nanos).map(Value::Timestamp).ok_or_else(|| EvalError::new("timestamp overflow"))
        }
        [Value::Timestamp(one), Value::Timestamp(other)] => duration(one.since(*other)),
        [Value::Uint(one), Value::Uint(other)] => uint(one.checked_sub(*other)),
        _ => Err(EvalError::NoOverload),
    }
}

pub(super) fn multiply(args: &[Value]) -> Evaluated {
    match args {
        [Value::Double(one), Value::Double(other)] => Ok(Value::Double(one * other)),
        [Value::Int(one), Value::Int(other)] => int(one.checked_mul(*other)),
        [Value::Uint(one), Value::Uint(other)] => uint(one.checked_mul(*other)),
        _ => Err(EvalError::NoOverload),
    }
}

pub(super) fn divide(args: &[Value]) -> Evaluated {
    match args {
        [Value::Double(one), Value::Double(other)] => Ok(Value::Double(one / other)),
        [Value::Int(_), Value::Int(0)] | [Value::Uint(_), Value::Uint(0)] => Err(by_zero(false)),
        [Value::Int(one), Value::Int(other)] => int(one.checked_div(*other)),
        [Value::Uint(one), Value::Uint(other)] => uint(one.checked_div(*other)),
        _ => Err(EvalError::NoOverload),
    }
}

pub(super) fn modulo(args: &[Value]) -> Evaluated {
    match args {
        [Value::Int(_), Value::Int(0)] | [Value::Uint(_), Value::Uint(0)] => Err(by_zero(true)),
        [Value::Int(one), Value::Int(other)] => int(one.checked_rem(*other)),
        [Value::Uint(one), Value::Uint(other)] => uint(one.checked_rem(*other)),
        _ => Err(EvalError::NoOverload),
    }
}
