//! What fails when an expression that is well typed gets ready to be evaluated (cel-go `interpreter/planner.go`, with
//! `OptOptimize` and regular expressions compiled): constants that can't be converted, and bad patterns.

use std::collections::BTreeMap;

use super::checker::{CheckedTypes, Reference};
use super::declarations::Declarations;
use super::types::Kind;
use crate::ast::{Call, Comprehension, Element, Expr, ExprKind, MapEntry};
use crate::convert::convert;
use crate::library::regex::dialect::check_pattern;
use crate::value::{List, ListForm, Map, Value};

/// Plans an expression.
///
/// # Errors
/// cel-go's text for the first failure, in the order in which it plans.
pub(super) fn plan(root: &Expr, types: &CheckedTypes, declarations: &Declarations) -> Result<(), String> {
    Planner { types, declarations }.plan(root).map(|_| ())
}

struct Planner<'a> {
    types: &'a CheckedTypes,
    declarations: &'a Declarations,
}

/// A constant, or none.
type Planned = Result<Option<Value>, String>;

impl Planner<'_> {
    fn plan(&self, expr: &Expr) -> Planned {
        match &expr.kind {
            ExprKind::Literal(literal) => Ok(Some(literal.into())),
            ExprKind::Ident(name) => self.identifier(expr, name),
            ExprKind::Select(select) => self.plan(&select.operand).map(|_| None),
            ExprKind::Call(call) => self.call(expr, call),
            ExprKind::List(elements) => self.list(elements),
            ExprKind::Map(entries) => self.map(entries),
            ExprKind::Struct(message) => {
                for field in &message.fields {
                    self.plan(&field.value)?;
                }
                Ok(None)
            }
            ExprKind::Comprehension(comprehension) => self.comprehension(comprehension),
        }
    }

    fn identifier(&self, expr: &Expr, name: &str) -> Planned {
        if let Some(Reference::Identifier { constant: Some(constant) }) = self.types.reference(expr.id) {
            return Ok(Some(Value::Int(*constant)));
        }
        if self.types.of(expr.id).kind() != Kind::Type {
            return Ok(None);
        }
        // A variable of a comprehension that holds a type fails here too.
        match self.declarations.identifier(name) {
            Some(identifier) if identifier.is_planned => Ok(Some(Value::Type(name.into()))),
            _ => Err(format!("reference to undefined type: {name}")),
        }
    }

    fn call(&self, expr: &Expr, call: &Call) -> Planned {
        let mut arguments = Vec::new();
        for argument in call.target.as_deref().into_iter().chain(&call.args) {
            arguments.push(self.plan(argument)?);
        }
        match (&*call.function, arguments.as_slice()) {
            ("_[_]" | "_[?_]" | "_?._", [_, Some(index)]) => qualifier(index).map(|()| None),
            ("find" | "findAll" | "matches", [_, Some(Value::String(pattern)), ..]) => {
                check_pattern(pattern).map(|()| None)
            }
            ("@in", _) if self.is_in_empty_list(expr, call) => Ok(Some(Value::Bool(false))),
            (function, [Some(argument)]) => convert(function, argument).transpose(),
            _ => Ok(None),
        }
    }

    fn is_in_empty_list(&self, expr: &Expr, call: &Call) -> bool {
        matches!(call.args.last(), Some(Expr { kind: ExprKind::List(elements), .. }) if elements.is_empty())
            && matches!(self.types.reference(expr.id), Some(Reference::Function(ids)) if *ids == ["in_list"])
    }

    fn list(&self, elements: &[Element]) -> Planned {
        let mut is_constant = true;
        for element in elements {
            is_constant &= self.plan(&element.value)?.is_some() && !element.optional;
        }
        Ok(is_constant.then(|| Value::List(List::new(Vec::new(), ListForm::Values))))
    }

    fn map(&self, entries: &[MapEntry]) -> Planned {
        let mut is_constant = true;
        for entry in entries {
            is_constant &= self.plan(&entry.key)?.is_some();
            is_constant &= self.plan(&entry.value)?.is_some() && !entry.optional;
        }
        Ok(is_constant.then(|| Value::Map(Map::new(BTreeMap::new()))))
    }

    fn comprehension(&self, comprehension: &Comprehension) -> Planned {
        for part in [
            &comprehension.accu_init,
            &comprehension.iter_range,
            &comprehension.loop_condition,
            &comprehension.loop_step,
            &comprehension.result,
        ] {
            self.plan(part)?;
        }
        Ok(None)
    }
}

/// Only some constants may stand in brackets (cel-go `newQualifier`).
fn qualifier(index: &Value) -> Result<(), String> {
    let go_type = match index {
        Value::Bytes(_) => "types.Bytes",
        Value::Duration(_) => "types.Duration",
        Value::List(_) => "*types.baseList",
        Value::Map(_) => "*types.baseMap",
        Value::Null => "types.Null",
        Value::Timestamp(_) => "types.Timestamp",
        Value::Type(_) => "*types.Type",
        _ => return Ok(()),
    };
    Err(format!("invalid qualifier type: {go_type}"))
}
