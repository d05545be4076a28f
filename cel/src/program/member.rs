//! `x in ['a', 'b']`: cel-go makes a Go map of a constant list of texts, numbers and truth values, and looks `x` up in it
//! (interpreter/decorators.go `maybeOptimizeSetMembership`). That is another question than whether one of them equals `x`:
//! Go can't look for some values, and a number is there in the forms that it has without a loss, and in no other.

use super::node::{Item, Node};
use crate::library;
use crate::value::{EvalError, Evaluated, Value};

/// What cel-go converts when it plans an expression (common/overloads `IsTypeConversionFunction`).
const CONVERSIONS: [&str; 9] =
    ["bool", "bytes", "double", "duration", "dyn", "int", "string", "timestamp", "uint"];

/// What such a map holds.
#[derive(Debug)]
pub(super) struct Members(Vec<Value>);

impl Members {
    /// Those of a list, if all its elements are constants of such types.
    pub(super) fn of(items: &[Item]) -> Option<Self> {
        let mut members = Vec::new();
        for Item { value, is_optional } in items {
            let value = constant(value).filter(|_| !is_optional)?;
            match &value {
                Value::Bool(_) | Value::String(_) => {}
                Value::Double(_) => {
                    let forms = ["int", "uint"].into_iter().filter_map(|name| convert(name, &value).ok());
                    members.extend(forms.filter(|form| form.try_equals(&value) == Ok(true)));
                }
                // What is lost here, cel-go does not ask.
                Value::Int(_) => members
                    .extend(["double", "uint"].into_iter().filter_map(|name| convert(name, &value).ok())),
                Value::Uint(_) => members
                    .extend(["double", "int"].into_iter().filter_map(|name| convert(name, &value).ok())),
                _ => return None,
            }
            members.push(value);
        }
        (!members.is_empty()).then_some(Self(members))
    }

    /// Whether a value is one of them.
    pub(super) fn contains(&self, value: &Value) -> Evaluated {
        if !value.is_hashable() {
            return Err(EvalError::unhashable(value));
        }
        let is_same = |member: &Value| match (member, value) {
            (Value::Bool(one), Value::Bool(other)) => one == other,
            (Value::Double(one), Value::Double(other)) => one == other,
            (Value::Int(one), Value::Int(other)) => one == other,
            (Value::String(one), Value::String(other)) => one == other,
            (Value::Uint(one), Value::Uint(other)) => one == other,
            _ => false,
        };
        Ok(Value::Bool(self.0.iter().any(is_same)))
    }
}

/// The value that an expression always has, as far as cel-go finds that out when it plans it.
pub(super) fn constant(node: &Node) -> Option<Value> {
    match node {
        Node::Constant(value) => Some(value.clone()),
        Node::Call { function, arguments } if CONVERSIONS.contains(&function.name) => {
            match arguments.as_slice() {
                [argument] => convert(function.name, &constant(argument)?).ok(),
                _ => None,
            }
        }
        _ => None,
    }
}

fn convert(name: &str, value: &Value) -> Evaluated {
    let function = library::find(name).ok_or(EvalError::NoOverload)?;
    (function.call)(std::slice::from_ref(value))
}
