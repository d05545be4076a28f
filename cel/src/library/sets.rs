//! Lists as sets: cel-go `ext.Sets`.

use crate::cost::{COST_LIMIT, actual_size};
use crate::library::Function;
use crate::value::{EvalError, Evaluated, List, Value};

/// `sets.contains`, `sets.equivalent` and `sets.intersects`.
pub(crate) const FUNCTIONS: &[Function] = &[
    Function { name: "sets.contains", call: contains, cost: once },
    Function { name: "sets.equivalent", call: equivalent, cost: twice },
    Function { name: "sets.intersects", call: intersects, cost: once },
];

fn lists(args: &[Value]) -> Result<(&List, &List), EvalError> {
    match args {
        [Value::List(first), Value::List(second)] => Ok((first, second)),
        _ => Err(EvalError::NoOverload),
    }
}

fn contains(args: &[Value]) -> Evaluated {
    let (list, part) = lists(args)?;
    begin(once(args, &Value::Null))?;
    contains_all(list, part).map(Value::Bool)
}

fn equivalent(args: &[Value]) -> Evaluated {
    let (first, second) = lists(args)?;
    begin(twice(args, &Value::Null))?;
    Ok(Value::Bool(contains_all(first, second)? && contains_all(second, first)?))
}

fn intersects(args: &[Value]) -> Evaluated {
    let (first, second) = lists(args)?;
    begin(once(args, &Value::Null))?;
    for element in first.iter() {
        if element.is_among(second.iter())? {
            return Ok(Value::Bool(true));
        }
    }
    Ok(Value::Bool(false))
}

/// What costs more than the limit by its arguments alone is not begun.
const fn begin(cost: u64) -> Result<(), EvalError> {
    if cost > COST_LIMIT { Err(EvalError::CostLimit) } else { Ok(()) }
}

/// cel-go `baseList.Contains`: what can't be compared is not equal.
fn contains_all(list: &List, part: &List) -> Result<bool, EvalError> {
    for element in part.iter() {
        if !element.is_among(list.iter())? {
            return Ok(false);
        }
    }
    Ok(true)
}

/// ext/sets.go `trackSetsCost`.
fn once(args: &[Value], _: &Value) -> u64 {
    product(args).saturating_add(1)
}

fn twice(args: &[Value], _: &Value) -> u64 {
    product(args).saturating_mul(2).saturating_add(1)
}

fn product(args: &[Value]) -> u64 {
    args.iter().map(actual_size).fold(1, u64::saturating_mul)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::ListForm;

    fn list(numbers: &[i64]) -> Value {
        Value::List(List::new(numbers.iter().copied().map(Value::Int).collect(), ListForm::Values))
    }

    fn call(name: &str, first: &[i64], second: &[i64]) -> (bool, u64) {
        let function = FUNCTIONS.iter().find(|function| function.name == name).unwrap();
        let args = [list(first), list(second)];
        let value = (function.call)(&args).unwrap();
        let Value::Bool(is) = value else { panic!("{value:?}") };
        (is, (function.cost)(&args, &value))
    }

    #[test]
    fn sets() {
        for (name, first, second, expected) in [
            ("sets.contains", &[][..], &[][..], (true, 1)),
            ("sets.contains", &[], &[1], (false, 1)),
            ("sets.contains", &[1, 2, 3, 4], &[2, 3], (true, 9)),
            ("sets.contains", &[1], &[1, 1], (true, 3)),
            ("sets.equivalent", &[], &[], (true, 1)),
            ("sets.equivalent", &[1], &[1, 1], (true, 5)),
            ("sets.equivalent", &[1, 2], &[2], (false, 5)),
            ("sets.equivalent", &[1, 2], &[2, 1], (true, 9)),
            ("sets.intersects", &[1], &[], (false, 1)),
            ("sets.intersects", &[1, 2], &[2, 3], (true, 5)),
            ("sets.intersects", &[1], &[2], (false, 2)),
        ] {
            assert_eq!(call(name, first, second), expected, "{name} {first:?} {second:?}");
        }
        let scalar = [Value::Int(1), list(&[1])];
        assert_eq!(contains(&scalar).unwrap_err(), EvalError::NoOverload);
    }
}
