//! cel-go's words for a call whose arguments no overload of the function takes.
//!
//! They depend on how the function is bound there. Most have a body for each overload, and the words name the types of all
//! arguments (common/decls/decls.go `MaybeNoSuchOverload`). Some have one body for all, which is called if the first
//! argument has a trait: the words name the function alone if it has not (interpreter/interpretable.go), and nothing where
//! the body itself gives up. A value that can receive calls is asked instead, which only ever says that much.

use crate::value::{EvalError, Value};

/// Whether a value has a trait.
type Trait = fn(&Value) -> bool;

/// Functions with one body for all overloads, and the trait that it wants.
const SINGLE_BODIES: [(&str, Trait); 14] = [
    ("-_", |value| matches!(value, Value::Bool(_) | Value::Double(_) | Value::Int(_))),
    ("@sortByAssociatedKeys", is_list),
    ("_%_", |value| matches!(value, Value::Int(_) | Value::Uint(_))),
    ("_*_", is_number),
    ("_+_", is_adder),
    ("_-_", is_number),
    ("_/_", is_number),
    ("_<=_", is_comparer),
    ("_<_", is_comparer),
    ("_>=_", is_comparer),
    ("_>_", is_comparer),
    // A text is one that can receive calls.
    ("matches", |_| false),
    ("size", |value| matches!(value, Value::Bytes(_) | Value::List(_) | Value::Map(_))),
    ("sort", is_list),
];

/// The error of a call of that function.
pub(crate) fn error(function: &str, arguments: &[Value]) -> EvalError {
    // The dot tells a method from the function of the same name.
    let function = function.trim_start_matches('.');
    let wants = SINGLE_BODIES.iter().find(|(name, _)| *name == function).map(|(_, has_trait)| has_trait);
    match (wants, arguments) {
        (Some(has_trait), [first, ..]) if has_trait(first) || is_receiver(first) => {
            EvalError::no_such_overload()
        }
        (Some(_), _) => EvalError::new(format!("no such overload: {function}")),
        (None, _) => {
            let types: Vec<_> = arguments.iter().map(Value::type_name).collect();
            EvalError::new(format!("no such overload: {function}({})", types.join(", ")))
        }
    }
}

/// `traits.Comparer`.
pub(crate) const fn is_comparer(value: &Value) -> bool {
    matches!(
        value,
        Value::Bool(_)
            | Value::Bytes(_)
            | Value::Double(_)
            | Value::Duration(_)
            | Value::Int(_)
            | Value::String(_)
            | Value::Timestamp(_)
            | Value::Uint(_)
    )
}

/// `traits.Adder`.
pub(crate) const fn is_adder(value: &Value) -> bool {
    is_number(value) || is_receiver(value) || matches!(value, Value::Bytes(_) | Value::List(_))
}

/// `traits.Divider`, `traits.Multiplier`, and of what is no receiver `traits.Subtractor`.
pub(crate) const fn is_number(value: &Value) -> bool {
    matches!(value, Value::Double(_) | Value::Int(_) | Value::Uint(_))
}

/// `traits.Lister`.
const fn is_list(value: &Value) -> bool {
    matches!(value, Value::List(_))
}

/// `traits.Receiver`.
const fn is_receiver(value: &Value) -> bool {
    matches!(value, Value::Duration(_) | Value::String(_) | Value::Timestamp(_))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::library;

    #[test]
    fn words_are_those_of_the_kind_of_function() {
        for (function, arguments, expected) in [
            (".ip", &[Value::Null][..], "no such overload: ip(null_type)"),
            ("_<_", &[Value::Null, Value::Int(1)], "no such overload: _<_"),
            ("_<_", &[Value::Int(1), Value::Null], "no such overload"),
            ("_*_", &[Value::string("a"), Value::Int(1)], "no such overload"),
            ("matches", &[Value::Int(1), Value::string("a")], "no such overload: matches"),
            ("matches", &[Value::string("a"), Value::Int(1)], "no such overload"),
            ("split", &[Value::Int(1), Value::string("a")], "no such overload: split(int, string)"),
        ] {
            assert_eq!(error(function, arguments).to_string(), expected, "{function}");
        }
    }

    #[test]
    fn there_is_each_function() {
        for (name, _) in SINGLE_BODIES {
            assert!(library::find(name).is_some(), "{name}");
        }
    }
}
