//! Selections and indices (cel-go `interpreter/attributes.go`).
//!
//! A chain of them is one thing there: once an optional selection stands in it, or an optional value at its beginning, the
//! rest goes on with what is present, and the whole gives an optional value.

use std::rc::Rc;

use super::node::Node;
use super::run::Run;
use crate::convert::whole;
use crate::escape::unescape;
use crate::value::{EvalError, Evaluated, Value};

/// What a chain has come to.
pub(super) enum Resolved {
    /// An optional selection has found nothing.
    Absent,
    /// A value behind an optional selection.
    Present(Value),
    /// A value behind none.
    Plain(Value),
}

impl Resolved {
    pub(super) fn into_value(self) -> Value {
        match self {
            Self::Absent => Value::Optional(None),
            Self::Present(value) => Value::Optional(Some(Rc::new(value))),
            Self::Plain(value) => value,
        }
    }
}

impl Run<'_> {
    /// A selection or an index, with the chain before it.
    pub(super) fn resolve(&mut self, node: &Node) -> Result<Resolved, EvalError> {
        let Node::Index { operand, index, is_optional } = node else {
            return self.evaluate(node).map(Resolved::Plain);
        };
        self.charge_selection(operand)?;
        let (value, was_optional) = match self.base(operand)? {
            Resolved::Absent => return Ok(Resolved::Absent),
            Resolved::Present(value) => (value, true),
            Resolved::Plain(value) => (value, false),
        };
        let key = self.evaluate(index)?;
        let is_optional = *is_optional || was_optional;
        match self.find(&value, &key)? {
            Some(found) if is_optional => Ok(Resolved::Present(found)),
            Some(found) => Ok(Resolved::Plain(found)),
            None if is_optional => Ok(Resolved::Absent),
            None if matches!(value, Value::List(_)) => {
                Err(EvalError::new(format!("index out of bounds: {key}")))
            }
            None => Err(EvalError::new(format!("no such key: {key}"))),
        }
    }

    /// `has(x.f)`: whether it is there. What stands before must be, unless it is optional.
    pub(super) fn has(&mut self, operand: &Node, field: &Value) -> Evaluated {
        self.charge_selection(operand)?;
        let is_there = match self.base(operand)? {
            Resolved::Absent => false,
            Resolved::Present(value) | Resolved::Plain(value) => self.find(&value, field)?.is_some(),
        };
        Ok(Value::Bool(is_there))
    }

    /// What begins with something else than a name or another selection is an attribute of its own.
    fn charge_selection(&mut self, operand: &Node) -> Result<(), EvalError> {
        if !matches!(operand, Node::Index { .. } | Node::Local(_) | Node::Variable) {
            self.charge_attribute()?;
        }
        self.charge_attribute()
    }

    /// What a selection is made from.
    fn base(&mut self, node: &Node) -> Result<Resolved, EvalError> {
        let value = match node {
            Node::Index { .. } => return self.resolve(node),
            Node::Ternary([condition, yes, no]) => {
                return match self.evaluate(condition)? {
                    Value::Bool(true) => self.base(yes),
                    Value::Bool(false) => self.base(no),
                    _ => Err(EvalError::no_such_overload()),
                };
            }
            _ => self.evaluate(node)?,
        };
        Ok(match value {
            Value::Optional(None) => Resolved::Absent,
            // What is `claims` as a whole has no bare value (`lazy.MapValue.Value`).
            Value::Optional(Some(value)) if matches!(*value, Value::Lazy(_)) => {
                return Err(EvalError::no_such_overload());
            }
            // Go takes the bare value out of it, without the wrapper of `claims`.
            Value::Optional(Some(value)) => Resolved::Present(Value::clone(&value).bare()),
            value => Resolved::Plain(value),
        })
    }

    /// What stands in a value under a key; `None` when there is nothing, or the value is nothing that holds others (cel-go
    /// `refQualify`).
    fn find(&self, value: &Value, key: &Value) -> Result<Option<Value>, EvalError> {
        let is_key = matches!(
            key,
            Value::Bool(_) | Value::Double(_) | Value::Int(_) | Value::String(_) | Value::Uint(_)
        );
        if !is_key {
            return Err(EvalError::new(format!("invalid qualifier type: {}", key.go_type_name())));
        }
        match value {
            Value::Lazy(_) => match key {
                Value::String(name) => Ok(unescape(name).and_then(|name| self.variable.get(&name))),
                _ => Err(EvalError::no_such_overload()),
            },
            Value::List(list) => {
                let unsupported = |what: &str| EvalError::new(format!("unsupported index {what} in list"));
                let index = match key {
                    Value::Double(number) => {
                        whole(*number).ok_or_else(|| unsupported(&format!("value {key}")))?
                    }
                    Value::Int(number) => i128::from(*number),
                    Value::Uint(number) => i128::from(*number),
                    other => return Err(unsupported(&format!("type '{}'", other.type_name()))),
                };
                Ok(usize::try_from(index).ok().and_then(|index| list.get(index)))
            }
            Value::Map(map) => Ok(map.get(key)),
            _ => Ok(None),
        }
    }
}
