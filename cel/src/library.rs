//! The functions: cel-go's standard library and extensions, and Kubernetes' own.
//!
//! Calls are dispatched as in cel-go at run time: by the function's name alone, a target being the first argument; the
//! function itself looks at the types of what it gets.

pub(crate) mod authorizer;
pub(crate) mod cidr;
pub(crate) mod comprehensions;
pub(crate) mod format;
pub(crate) mod formatting;
pub(crate) mod ip;
pub(crate) mod kubernetes;
pub(crate) mod lists;
pub(crate) mod optional;
pub(crate) mod overload;
pub(crate) mod quantity;
pub(crate) mod regex;
pub(crate) mod semver;
pub(crate) mod sets;
pub(crate) mod standard;
pub(crate) mod strings;
pub(crate) mod url;

use crate::value::{Evaluated, Value};

/// A function, for all its overloads.
#[derive(Debug)]
pub(crate) struct Function {
    /// Its full name: `charAt`, `sets.contains`, `_+_`.
    pub(crate) name: &'static str,
    /// Its value; [`EvalError::NoOverload`](crate::value::EvalError::NoOverload) for types that no overload takes.
    pub(crate) call: fn(&[Value]) -> Evaluated,
    /// What it costs, given arguments and result: at least what kube-apiserver's cost tracker takes for it, whatever the
    /// types that the checker found (interpreter/runtimecost.go, library/cost.go).
    pub(crate) cost: fn(&[Value], &Value) -> u64,
}

/// Every function but those that do not evaluate all their arguments, which `program` knows.
const TABLES: [&[Function]; 17] = [
    authorizer::FUNCTIONS,
    cidr::FUNCTIONS,
    comprehensions::FUNCTIONS,
    format::FUNCTIONS,
    formatting::FUNCTIONS,
    ip::FUNCTIONS,
    kubernetes::FUNCTIONS,
    lists::FUNCTIONS,
    optional::FUNCTIONS,
    quantity::FUNCTIONS,
    regex::FUNCTIONS,
    semver::FUNCTIONS,
    sets::FUNCTIONS,
    standard::FUNCTIONS,
    standard::TIME_FUNCTIONS,
    strings::FUNCTIONS,
    url::FUNCTIONS,
];

/// The function of that name.
pub(crate) fn find(name: &str) -> Option<&'static Function> {
    TABLES.into_iter().flatten().find(|function| function.name == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_name_stands_once() {
        let mut names: Vec<_> = TABLES.into_iter().flatten().map(|function| function.name).collect();
        names.sort_unstable();
        let count = names.len();
        names.dedup();
        assert_eq!(names.len(), count);
    }
}
