//! Lists: cel-go `ext.Lists`, version 3, and k8s.io/apiserver `library.Lists`.
//!
//! `indexOf` and `lastIndexOf` are functions of texts as well. Functions that go through a list with an iterator see its
//! elements bare, those that take them by number see them as an index does; it is as in Go for each.

mod sort;
mod words;

use std::cmp::Ordering;

use crate::cost::{COST_LIMIT, MAX_LIST, actual_size};
use crate::library::overload::is_comparer;
use crate::library::{Function, strings};
use crate::value::{EvalError, Evaluated, List, ListForm, Value};

pub(crate) use words::of_failed_argument;

/// All functions of lists, and `indexOf` and `lastIndexOf` of texts.
pub(crate) const FUNCTIONS: &[Function] = &[
    Function { name: "@sortByAssociatedKeys", call: sort_by_keys, cost: keys_squared },
    Function { name: "distinct", call: distinct, cost: squared },
    Function { name: "flatten", call: flatten, cost: flatten_cost },
    Function { name: "indexOf", call: index_of, cost: traversal },
    Function { name: "isSorted", call: is_sorted, cost: traversal },
    Function { name: "lastIndexOf", call: last_index_of, cost: traversal },
    Function { name: "lists.range", call: range, cost: of_result },
    Function { name: "max", call: max, cost: traversal },
    Function { name: "min", call: min, cost: traversal },
    Function { name: "reverse", call: reverse, cost: of_result },
    Function { name: "slice", call: slice, cost: of_result },
    Function { name: "sort", call: sort, cost: squared },
    Function { name: "sum", call: sum, cost: traversal },
];

/// Lists within lists deeper than this are not followed.
const MAX_DEPTH: usize = 500;
/// Values that are visited at most where a list holds the same list more than once.
const MAX_VISITS: u64 = 1_000_000;

fn values(elements: Vec<Value>) -> Evaluated {
    if elements.len() > MAX_LIST {
        return Err(strings::too_many());
    }
    Ok(Value::List(List::new(elements, ListForm::Values)))
}

/// The elements in a range, as an index gives them.
fn indexed(list: &List, range: std::ops::Range<usize>) -> Vec<Value> {
    range.filter_map(|index| list.get(index)).collect()
}

fn range(args: &[Value]) -> Evaluated {
    let [Value::Int(end)] = args else { return Err(EvalError::NoOverload) };
    if i64::try_from(MAX_LIST).is_ok_and(|longest| *end > longest) {
        return Err(strings::too_many());
    }
    values((0..*end).map(Value::Int).collect())
}

fn reverse(args: &[Value]) -> Evaluated {
    let [Value::List(list)] = args else { return Err(EvalError::NoOverload) };
    let mut elements = indexed(list, 0..list.len());
    elements.reverse();
    values(elements)
}

fn slice(args: &[Value]) -> Evaluated {
    let [Value::List(list), Value::Int(start), Value::Int(end)] = args else {
        return Err(EvalError::NoOverload);
    };
    let problem = match (usize::try_from(*start), usize::try_from(*end)) {
        (Ok(from), Ok(to)) if from <= to && to <= list.len() => return values(indexed(list, from..to)),
        _ if *start < 0 || *end < 0 => "negative indexes not supported".to_owned(),
        _ if start > end => "start index must be less than or equal to end index".to_owned(),
        _ => format!("list is length {}", list.len()),
    };
    Err(EvalError::new(format!("cannot slice({start}, {end}), {problem}")))
}

fn flatten(args: &[Value]) -> Evaluated {
    let (list, depth) = match args {
        [Value::List(list)] => (list, 1),
        [Value::List(list), Value::Int(depth)] => (list, *depth),
        _ => return Err(words::flatten(args)),
    };
    let Ok(depth) = usize::try_from(depth) else {
        return Err(EvalError::new("level must be non-negative"));
    };
    let mut flat = Vec::new();
    let mut visits = 0;
    append(list, depth.min(MAX_DEPTH), &mut flat, &mut visits)?;
    values(flat)
}

fn append(list: &List, depth: usize, flat: &mut Vec<Value>, visits: &mut u64) -> Result<(), EvalError> {
    for element in list.iter() {
        *visits = visits.saturating_add(1);
        if *visits > MAX_VISITS || flat.len() > MAX_LIST {
            return Err(strings::too_many());
        }
        match element {
            Value::List(inner) if depth > 0 => append(inner, depth.saturating_sub(1), flat, visits)?,
            _ => flat.push(element.clone()),
        }
    }
    Ok(())
}

fn distinct(args: &[Value]) -> Evaluated {
    let [Value::List(list)] = args else { return Err(words::distinct(args)) };
    if list.is_empty() {
        return Ok(Value::List(list.clone()));
    }
    // What costs more than the limit by its arguments alone is not begun.
    if squared(args, &Value::Null) > COST_LIMIT {
        return Err(EvalError::CostLimit);
    }
    let mut unique: Vec<Value> = Vec::new();
    for element in indexed(list, 0..list.len()) {
        if !element.is_among(&unique)? {
            unique.push(element);
        }
    }
    values(unique)
}

fn sort(args: &[Value]) -> Evaluated {
    let [Value::List(list)] = args else { return Err(EvalError::NoOverload) };
    sorted(list, list)
}

fn sort_by_keys(args: &[Value]) -> Evaluated {
    let [Value::List(list), Value::List(keys)] = args else { return Err(EvalError::NoOverload) };
    sorted(list, keys)
}

/// ext/lists.go `sortListByAssociatedKeys`.
fn sorted(list: &List, keys: &List) -> Evaluated {
    if list.len() != keys.len() {
        return Err(EvalError::new(format!(
            "@sortByAssociatedKeys() expected a list of the same size as the associated keys list, but got {} and {} \
             elements respectively",
            list.len(),
            keys.len()
        )));
    }
    let Some(first) = keys.get(0) else { return Ok(Value::List(list.clone())) };
    if !is_comparer(&first) {
        return Err(EvalError::new("list elements must be comparable"));
    }
    let keys = indexed(keys, 0..keys.len());
    if keys.iter().any(|key| std::mem::discriminant(key) != std::mem::discriminant(&first)) {
        return Err(EvalError::new("list elements must have the same type"));
    }
    let order = sort::sorted_indices(keys.len(), |first, second| keys.get(first)?.compare(keys.get(second)?));
    values(order.into_iter().filter_map(|index| list.get(index)).collect())
}

/// The list of a function that takes lists of comparable elements. As in Go, the first element stands for all.
fn comparable_list(args: &[Value]) -> Result<&List, EvalError> {
    match args {
        [Value::List(list)] if list.iter().next().is_none_or(is_comparer) => Ok(list),
        _ => Err(EvalError::NoOverload),
    }
}

fn is_sorted(args: &[Value]) -> Evaluated {
    let mut previous: Option<&Value> = None;
    for next in comparable_list(args)?.iter() {
        if !is_comparer(next) {
            return Err(EvalError::no_such_overload());
        }
        if previous.is_some_and(|previous| previous.compare(next) == Some(Ordering::Greater)) {
            return Ok(Value::Bool(false));
        }
        previous = Some(next);
    }
    Ok(Value::Bool(true))
}

fn min(args: &[Value]) -> Evaluated {
    extreme(args, "min", Ordering::Greater)
}

fn max(args: &[Value]) -> Evaluated {
    extreme(args, "max", Ordering::Less)
}

/// The first element that no later one beats. What can't be compared does not.
fn extreme(args: &[Value], name: &str, beaten: Ordering) -> Evaluated {
    let mut best: Option<&Value> = None;
    for next in comparable_list(args)?.iter() {
        if !is_comparer(next) {
            return Err(EvalError::no_such_overload());
        }
        if best.is_none_or(|best| best.compare(next) == Some(beaten)) {
            best = Some(next);
        }
    }
    best.cloned().ok_or_else(|| EvalError::new(format!("{name} called on empty list")))
}

/// The sum of numbers of one type or of durations. The sum of nothing is the `int` 0, as the overload of `int` comes
/// first.
fn sum(args: &[Value]) -> Evaluated {
    let [Value::List(list)] = args else { return Err(EvalError::NoOverload) };
    let mut sum = match list.iter().next() {
        None | Some(Value::Int(_)) => Value::Int(0),
        Some(Value::Uint(_)) => Value::Uint(0),
        Some(Value::Double(_)) => Value::Double(0.0),
        Some(Value::Duration(_)) => Value::Duration(0),
        Some(_) => return Err(EvalError::NoOverload),
    };
    for element in list.iter() {
        sum = match (&sum, element) {
            (Value::Int(sum), Value::Int(next)) => {
                sum.checked_add(*next).map(Value::Int).ok_or("integer overflow")
            }
            (Value::Uint(sum), Value::Uint(next)) => {
                sum.checked_add(*next).map(Value::Uint).ok_or("unsigned integer overflow")
            }
            (Value::Duration(sum), Value::Duration(next)) => {
                sum.checked_add(*next).map(Value::Duration).ok_or("integer overflow")
            }
            (Value::Double(sum), Value::Double(next)) => Ok(Value::Double(sum + next)),
            _ => return Err(EvalError::no_such_overload()),
        }
        .map_err(EvalError::new)?;
    }
    Ok(sum)
}

fn index_of(args: &[Value]) -> Evaluated {
    match args {
        [Value::String(text), Value::String(part)] => strings::index_of(text, part, 0),
        [Value::String(text), Value::String(part), Value::Int(from)] => strings::index_of(text, part, *from),
        [Value::List(list), item] => place(list, item, 0..list.len()),
        _ => Err(EvalError::NoOverload),
    }
}

fn last_index_of(args: &[Value]) -> Evaluated {
    match args {
        [Value::String(text), Value::String(part)] => strings::last_index_of(text, part, None),
        [Value::String(text), Value::String(part), Value::Int(from)] => {
            strings::last_index_of(text, part, Some(*from))
        }
        [Value::List(list), item] => place(list, item, (0..list.len()).rev()),
        _ => Err(EvalError::NoOverload),
    }
}

fn place(list: &List, item: &Value, indices: impl Iterator<Item = usize>) -> Evaluated {
    for index in indices {
        if let Some(element) = list.get(index)
            && element.equals(item)?
        {
            return Ok(Value::Int(i64::try_from(index).unwrap_or(-1)));
        }
    }
    Ok(Value::Int(-1))
}

/// ext/lists.go `trackListOutputSize`.
fn of_result(_: &[Value], result: &Value) -> u64 {
    actual_size(result).saturating_add(11)
}

/// ext/lists.go `trackListFlatten`.
fn flatten_cost(args: &[Value], _: &Value) -> u64 {
    let depth = match args {
        [_, Value::Int(depth)] => u64::try_from(*depth).unwrap_or(u64::MAX),
        _ => 1,
    };
    args.first().map_or(1, |list| actual_size(list).saturating_mul(depth).saturating_add(11))
}

/// ext/lists.go `trackListSelfCompare`. Where the checker did not know the type of the list, `sort` costs 1 there.
fn squared(args: &[Value], _: &Value) -> u64 {
    let Some(Value::List(list)) = args.first() else { return 1 };
    let size = actual_size(&Value::List(list.clone()));
    let pairs = size.saturating_mul(size);
    let more = match list.iter().next() {
        Some(Value::String(_) | Value::Bytes(_)) => 2.0 + 0.1,
        _ => 2.0,
    };
    floor_scaled(pairs, more).saturating_add(11)
}

fn keys_squared(args: &[Value], result: &Value) -> u64 {
    squared(args.get(1..).unwrap_or_default(), result)
}

/// library/cost.go `traversalCost`: of what is compared, the texts by length, anything else by number.
fn traversal(args: &[Value], _: &Value) -> u64 {
    let mut visits = 0;
    args.first().map_or(0, |value| traversal_of(value, 0, &mut visits))
}

fn traversal_of(value: &Value, depth: usize, visits: &mut u64) -> u64 {
    *visits = visits.saturating_add(1);
    if *visits > MAX_VISITS || depth > MAX_DEPTH {
        return u64::MAX;
    }
    let length = |length: usize| floor_scaled(u64::try_from(length).unwrap_or(u64::MAX), 0.1);
    let inner = depth.saturating_add(1);
    match value {
        Value::String(text) => length(text.len()),
        Value::Bytes(bytes) => length(bytes.len()),
        Value::List(list) => list
            .iter()
            .fold(0, |cost: u64, element| cost.saturating_add(traversal_of(element, inner, visits))),
        Value::Map(map) => map.entries().iter().fold(0, |cost: u64, (key, element)| {
            let key = match key {
                crate::value::Key::String(text) => length(text.len()),
                _ => 1,
            };
            cost.saturating_add(key).saturating_add(traversal_of(element, inner, visits))
        }),
        // Go goes through its values, which are not here.
        Value::Lazy(_) => u64::MAX,
        _ => 1,
    }
}

/// `uint64(size * factor)`.
#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "as Go does; sizes are far below 2^53, and the cast saturates"
)]
const fn floor_scaled(size: u64, factor: f64) -> u64 {
    (size as f64 * factor) as u64
}

#[cfg(test)]
mod tests;
