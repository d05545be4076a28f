//! What the macros of two variables call (cel-go `ext.TwoVarComprehensions`).

use crate::library::{Function, overload};
use crate::value::{EvalError, Evaluated, Key, Map, Value};

const INSERT: &str = "cel.@mapInsert";

/// The functions.
pub(crate) const FUNCTIONS: &[Function] =
    &[Function { name: INSERT, call: |args| insert(args.to_vec()), cost: |_, _| 1 }];

/// Puts an entry, or all entries of a map, into a map. No key may be there already. The map is changed in place if it is
/// nobody else's.
pub(crate) fn insert(args: Vec<Value>) -> Evaluated {
    // Afterwards they are gone, and their types with them.
    if !matches!(args.as_slice(), [Value::Map(_), Value::Map(_)] | [Value::Map(_), _, _]) {
        return Err(overload::error(INSERT, &args));
    }
    let mut args = args.into_iter();
    let (Some(Value::Map(map)), Some(second)) = (args.next(), args.next()) else {
        return Err(EvalError::NoOverload);
    };
    match (second, args.next()) {
        (Value::Map(entries), None) => {
            entries.entries().iter().try_fold(map, |map, (key, value)| put(map, key.clone(), value.clone()))
        }
        (key, Some(value)) => put(map, Key::of(&key)?, value),
        _ => Err(EvalError::NoOverload),
    }
    .map(Value::Map)
}

fn put(map: Map, key: Key, value: Value) -> Result<Map, EvalError> {
    let name = key.to_value();
    map.insert(key, value).ok_or_else(|| EvalError::new(format!("insert failed: key {name} already exists")))
}
