//! Calls, and which overloads they may mean.

use std::collections::HashMap;
use std::rc::Rc;

use super::{Checker, Reference, qualified_name};
use crate::ast::{Call, Expr, ExprKind, Id, Literal};
use crate::check::declarations::Overload;
use crate::check::types::Type;

impl Checker<'_, '_> {
    pub(super) fn check_call(&mut self, expr: &mut Expr) {
        let id = expr.id;
        let ExprKind::Call(call) = &mut expr.kind else { return };
        if &*call.function == "_?._" {
            self.check_optional_select(id, call);
            return;
        }
        for argument in &mut call.args {
            self.check(argument);
        }
        let Some(target) = &mut call.target else {
            if let Some((name, overloads)) = self.function(&call.function) {
                call.function = name.into();
                self.resolve_overload(id, name, &overloads, call);
            } else {
                let name = call.function.clone();
                self.undeclared(id, &name);
                self.set_type(id, Type::error());
            }
            return;
        };

        // `a.b(c)` may be the function `a.b`.
        let qualified = qualified_name(target).map(|prefix| format!("{prefix}.{}", call.function));
        if let Some((name, overloads)) = qualified.and_then(|name| self.function(&name)) {
            call.function = name.into();
            call.target = None;
            self.resolve_overload(id, name, &overloads, call);
            return;
        }
        self.check(target);
        if let Some((name, overloads)) = self.function(&call.function) {
            self.resolve_overload(id, name, &overloads, call);
        } else {
            let name = call.function.clone();
            self.set_type(id, Type::error());
            self.undeclared(id, &name);
        }
    }

    fn function(&self, name: &str) -> Option<(&'static str, Rc<[Overload]>)> {
        self.declarations.function(name.strip_prefix('.').unwrap_or(name))
    }

    fn check_optional_select(&mut self, id: Id, call: &mut Call) {
        let [operand, field] = call.args.as_mut_slice() else {
            let message = format!(
                "unsupported optional field selection: incorrect signature. argument count: {}",
                call.args.len()
            );
            self.issues.report(id, message);
            return;
        };
        let ExprKind::Literal(Literal::String(name)) = &field.kind else {
            self.issues.report(field.id, "unsupported optional field selection".to_owned());
            return;
        };
        let found = self.check_field(id, operand, name, true);
        let found = self.unification.substitute(&found, false);
        self.set_type(id, found);
        self.references.insert(id, Reference::Function(vec!["select_optional_field"]));
    }

    /// cel-go `resolveOverload`: all overloads that fit may be meant, and what they give differs perhaps.
    fn resolve_overload(&mut self, id: Id, name: &str, overloads: &[Overload], call: &Call) {
        let has_target = call.target.is_some();
        let nodes: Vec<Id> =
            call.target.as_deref().into_iter().chain(&call.args).map(|node| node.id).collect();
        let mut argument_types: Vec<Type> = nodes.iter().map(|node| self.type_of(*node)).collect();

        if matches!(name, "_&&_" | "_||_") {
            self.resolve_logical(id, overloads, &nodes, &argument_types);
            return;
        }
        let mut result: Option<Type> = None;
        let mut matching = Vec::new();
        for overload in overloads.iter().filter(|overload| overload.is_member == has_target) {
            let (wanted, given) = self.instantiate(overload);
            if !self.unification.is_assignable_list(&argument_types, &wanted) {
                continue;
            }
            matching.push(overload.id);
            let given = self.unification.substitute(&given, false);
            result = Some(match result {
                None => given,
                Some(before) if before.is_dyn() || given.is_exactly(&before) => before,
                Some(_) => Type::dynamic(),
            });
        }
        if let Some(result) = result {
            self.set_type(id, result);
            self.references.insert(id, Reference::Function(matching));
            return;
        }
        for argument in &mut argument_types {
            *argument = self.unification.substitute(argument, true);
        }
        let signature = signature(&argument_types, has_target);
        self.issues.report(id, format!("found no matching overload for '{name}' applied to '{signature}'"));
        self.set_type(id, Type::error());
    }

    /// `&&` and `||` take any number of arguments.
    fn resolve_logical(&mut self, id: Id, overloads: &[Overload], nodes: &[Id], argument_types: &[Type]) {
        let mut result = Type::bool();
        for (node, found) in nodes.iter().zip(argument_types) {
            if !self.unification.is_assignable(found, &Type::bool()) {
                self.mismatch(*node, &Type::bool(), found);
                result = Type::error();
            }
        }
        self.set_type(id, result);
        let ids = overloads.iter().map(|overload| overload.id).collect();
        self.references.insert(id, Reference::Function(ids));
    }

    /// The arguments and the result of an overload, with type variables of its own.
    fn instantiate(&mut self, overload: &Overload) -> (Vec<Type>, Type) {
        let variables: HashMap<Rc<str>, Type> =
            overload.type_parameters.iter().map(|name| (Rc::clone(name), self.new_variable())).collect();
        let arguments = overload.arguments.iter().map(|argument| replace(argument, &variables)).collect();
        (arguments, replace(&overload.result, &variables))
    }
}

fn replace(declared: &Type, variables: &HashMap<Rc<str>, Type>) -> Type {
    if variables.is_empty() {
        return declared.clone();
    }
    if let Some(variable) = variables.get(declared.name()) {
        return variable.clone();
    }
    if declared.parameters().is_empty() {
        return declared.clone();
    }
    declared.with_parameters(declared.parameters().iter().map(|inner| replace(inner, variables)).collect())
}

/// As in messages: `string.(int, bool)` or `(int, bool)`.
fn signature(argument_types: &[Type], has_target: bool) -> String {
    let written: Vec<String> = argument_types.iter().map(ToString::to_string).collect();
    match written.split_first() {
        Some((target, arguments)) if has_target => format!("{target}.({})", arguments.join(", ")),
        _ => format!("({})", written.join(", ")),
    }
}
