//! Optional values (cel-go `cel/library.go`, `optionalLib`). `or` and `orValue` are not here: they need not look at their
//! second argument.

use std::rc::Rc;

use crate::library::Function;
use crate::value::{EvalError, Evaluated, List, ListForm, Value};

/// The functions.
pub(crate) const FUNCTIONS: &[Function] = &[
    Function { name: "first", call: first, cost: |_, _| 1 },
    Function { name: "hasValue", call: has_value, cost: |_, _| 1 },
    Function { name: "last", call: last, cost: |_, _| 1 },
    Function { name: "optional.none", call: none, cost: |_, _| 1 },
    Function { name: "optional.of", call: of, cost: |_, _| 1 },
    Function { name: "optional.ofNonZeroValue", call: of_non_zero_value, cost: |_, _| 1 },
    Function { name: "optional.unwrap", call: unwrap, cost: |_, _| 1 },
    Function { name: "unwrapOpt", call: unwrap, cost: |_, _| 1 },
    Function { name: "value", call: value, cost: |_, _| 1 },
];

fn some(value: Value) -> Value {
    Value::Optional(Some(Rc::new(value)))
}

fn first(args: &[Value]) -> Evaluated {
    let [Value::List(list)] = args else { return Err(EvalError::NoOverload) };
    Ok(list.get(0).map_or(Value::Optional(None), some))
}

fn last(args: &[Value]) -> Evaluated {
    let [Value::List(list)] = args else { return Err(EvalError::NoOverload) };
    let last = list.len().checked_sub(1).and_then(|index| list.get(index));
    Ok(last.map_or(Value::Optional(None), some))
}

fn has_value(args: &[Value]) -> Evaluated {
    let [Value::Optional(optional)] = args else { return Err(EvalError::NoOverload) };
    Ok(Value::Bool(optional.is_some()))
}

fn none(args: &[Value]) -> Evaluated {
    if args.is_empty() { Ok(Value::Optional(None)) } else { Err(EvalError::NoOverload) }
}

fn of(args: &[Value]) -> Evaluated {
    let [value] = args else { return Err(EvalError::NoOverload) };
    Ok(some(value.clone()))
}

fn of_non_zero_value(args: &[Value]) -> Evaluated {
    let [value] = args else { return Err(EvalError::NoOverload) };
    Ok(if is_zero(value) { Value::Optional(None) } else { some(value.clone()) })
}

/// cel-go's `traits.Zeroer`. What comes out of `claims` or `user` in a wrapper doesn't know whether it is zero.
fn is_zero(value: &Value) -> bool {
    match value {
        Value::Bool(value) => !value,
        Value::Bytes(bytes) => bytes.is_empty(),
        Value::Double(number) => *number == 0.0,
        Value::Duration(nanos) => *nanos == 0,
        Value::Int(number) => *number == 0,
        Value::List(list) => list.is_empty() && !list.unescapes(),
        Value::Map(map) => map.entries().is_empty() && !map.unescapes(),
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        // Go's zero time is the beginning of the year 1.
        Value::Timestamp(moment) => moment.moment() == (-62_135_596_800, 0),
        Value::Uint(number) => *number == 0,
        _ => false,
    }
}

fn value(args: &[Value]) -> Evaluated {
    match args {
        [Value::Optional(Some(value))] => Ok(Value::clone(value)),
        [Value::Optional(None)] => Err(EvalError::new("optional.none() dereference")),
        _ => Err(EvalError::NoOverload),
    }
}

fn unwrap(args: &[Value]) -> Evaluated {
    let [Value::List(list)] = args else { return Err(EvalError::NoOverload) };
    // As in Go, the first element stands for the type of all.
    if list.iter().next().is_some_and(|first| !matches!(first, Value::Optional(_))) {
        return Err(EvalError::NoOverload);
    }
    let mut values = Vec::new();
    for element in list.iter() {
        match element {
            Value::Optional(optional) => values.extend(optional.as_deref().cloned()),
            other => return Err(EvalError::new(format!("value {other} is not optional"))),
        }
    }
    Ok(Value::List(List::new(values, ListForm::Values)))
}
