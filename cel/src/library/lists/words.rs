//! Errors that only functions of lists have whose costs are counted in ways of their own.
//!
//! kube-apiserver counts what these cost whatever came of the call, and its counting panics at a value of another type than
//! it thinks, an error included; the words are Go's then, and nothing absorbs it.

use crate::library::overload::is_adder;
use crate::value::{EvalError, Value};

/// `distinct` of something that is no list (ext/lists.go `trackListDistinct`).
pub(super) fn distinct(args: &[Value]) -> EvalError {
    let [value] = args else { return EvalError::NoOverload };
    // The first that it lacks of the methods of a list, by name.
    let method = if is_adder(value) { "Contains" } else { "Add" };
    EvalError::panicked(&format!(
        "interface conversion: {} is not traits.Lister: missing method {method}",
        value.go_type_name()
    ))
}

/// `flatten` of something that is no list, or to something that is no depth (ext/lists.go `trackListFlatten`).
pub(super) fn flatten(args: &[Value]) -> EvalError {
    let (value, depth) = match args {
        [value] => (value, ""),
        [value, Value::Int(_)] => (value, "int"),
        [_, depth] => return no_depth(depth.go_type_name()),
        _ => return EvalError::NoOverload,
    };
    // A type with its parameters, as nowhere else.
    let name = if matches!(value, Value::Map(_)) { "map(dyn, dyn)" } else { value.type_name() };
    EvalError::new(format!("no such overload: {name}.flatten({depth})"))
}

fn no_depth(go_type_name: &str) -> EvalError {
    EvalError::panicked(&format!("interface conversion: ref.Val is {go_type_name}, not types.Int"))
}

/// What becomes of the error of an argument of a function, the last of them or another.
///
/// The counting of `sort` is called where the checker found the list's type, which is not known here: so none is absorbed.
pub(crate) fn of_failed_argument(
    function: &str,
    arguments: &[Value],
    is_last: bool,
    error: EvalError,
) -> EvalError {
    match (function, arguments, is_last) {
        ("distinct", [_], true) => {
            EvalError::panicked("interface conversion: *types.Err is not traits.Lister: missing method Add")
        }
        ("flatten", [_, _], true) => no_depth("*types.Err"),
        ("flatten", [_, depth], false) if !matches!(depth, Value::Int(_)) => no_depth(depth.go_type_name()),
        ("sort", [_], true) | ("@sortByAssociatedKeys", [_, _], true) => {
            EvalError::Panicked(error.to_string().into())
        }
        _ => error,
    }
}
