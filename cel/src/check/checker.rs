//! The types of all parts of an expression (cel-go `checker/checker.go`).

mod calls;
mod literals;

use std::collections::HashMap;
use std::rc::Rc;

use super::declarations::{Declarations, Field};
use super::issues::Issues;
use super::types::{Kind, Type};
use super::unification::Unification;
use crate::ast::{Comprehension, Expr, ExprKind, Id, Literal};

/// What the check found out.
#[derive(Debug)]
pub(super) struct CheckedTypes {
    types: HashMap<Id, Type>,
    references: HashMap<Id, Reference>,
    /// Whether types grew beyond what is examined.
    pub(super) is_exhausted: bool,
}

/// What a node refers to.
#[derive(Clone, Debug)]
pub(super) enum Reference {
    /// The overloads that may be called.
    Function(Vec<&'static str>),
    /// A name, and its value if it is a constant.
    Identifier { constant: Option<i64> },
}

impl CheckedTypes {
    /// The type of a node.
    pub(super) fn of(&self, id: Id) -> Type {
        self.types.get(&id).cloned().unwrap_or_else(Type::dynamic)
    }

    pub(super) fn reference(&self, id: Id) -> Option<&Reference> {
        self.references.get(&id)
    }
}

/// Checks an expression, and rewrites names and calls in it to what they were resolved to.
pub(super) fn check(root: &mut Expr, declarations: &Declarations, issues: &mut Issues<'_>) -> CheckedTypes {
    let mut checker = Checker {
        declarations,
        issues,
        unification: Unification::new(),
        scopes: Vec::new(),
        types: HashMap::new(),
        references: HashMap::new(),
        free_variables: 0,
    };
    checker.check(root);
    let types = std::mem::take(&mut checker.types);
    let types =
        types.into_iter().map(|(id, found)| (id, checker.unification.substitute(&found, true))).collect();
    CheckedTypes { types, references: checker.references, is_exhausted: checker.unification.is_exhausted() }
}

struct Checker<'a, 'source> {
    declarations: &'a Declarations,
    issues: &'a mut Issues<'source>,
    unification: Unification,
    /// Variables of comprehensions, the innermost last.
    scopes: Vec<HashMap<Box<str>, Type>>,
    types: HashMap<Id, Type>,
    references: HashMap<Id, Reference>,
    /// How many type variables were made.
    free_variables: usize,
}

impl Checker<'_, '_> {
    fn check(&mut self, expr: &mut Expr) {
        let id = expr.id;
        match &mut expr.kind {
            ExprKind::Literal(literal) => {
                let found = match literal {
                    Literal::Bool(_) => Type::bool(),
                    Literal::Bytes(_) => Type::bytes(),
                    Literal::Double(_) => Type::double(),
                    Literal::Int(_) => Type::int(),
                    Literal::Null => Type::null(),
                    Literal::String(_) => Type::string(),
                    Literal::Uint(_) => Type::uint(),
                };
                self.set_type(id, found);
            }
            ExprKind::Ident(name) => {
                if let Some(resolved) = self.resolve(name) {
                    self.set_identifier(expr, resolved);
                } else {
                    let name = name.clone();
                    self.set_type(id, Type::error());
                    self.undeclared(id, &name);
                }
            }
            ExprKind::Select(_) => self.check_select(expr),
            ExprKind::Call(_) => self.check_call(expr),
            ExprKind::List(elements) => self.check_list(id, elements),
            ExprKind::Map(entries) => self.check_map(id, entries),
            ExprKind::Struct(message) => self.check_struct(id, message),
            ExprKind::Comprehension(comprehension) => self.check_comprehension(id, comprehension),
        }
    }

    fn check_select(&mut self, expr: &mut Expr) {
        if let Some(resolved) = qualified_name(expr).and_then(|name| self.resolve(&name)) {
            self.set_identifier(expr, resolved);
            return;
        }
        let id = expr.id;
        if let ExprKind::Select(select) = &mut expr.kind {
            let found = self.check_field(id, &mut select.operand, &select.field, false);
            let found = if select.test_only { Type::bool() } else { found };
            let found = self.unification.substitute(&found, false);
            self.set_type(id, found);
        }
    }

    /// The type of a field. If what has it or the selection is optional, so is the result.
    fn check_field(&mut self, id: Id, operand: &mut Expr, field: &str, optional: bool) -> Type {
        self.check(operand);
        let operand_type = self.type_of(operand.id);
        let operand_type = self.unification.substitute(&operand_type, false);
        let (target, is_optional) = match operand_type.optional_value() {
            Some(value) => (value.clone(), true),
            None => (operand_type, optional),
        };
        let found = match target.kind() {
            Kind::Map => target.at(1),
            Kind::Struct => self.declared_field(id, target.name(), field).unwrap_or_else(Type::error),
            Kind::TypeParam => {
                // Whatever it is, no type may be derived from this.
                self.unification.is_assignable(&Type::dynamic(), &target);
                Type::dynamic()
            }
            _ => {
                if !target.is_dyn_or_error() {
                    self.issues.report(id, format!("type '{target}' does not support field selection"));
                }
                Type::dynamic()
            }
        };
        if is_optional { self.unification.limited(Type::optional(found)) } else { found }
    }

    fn declared_field(&mut self, id: Id, type_name: &str, field: &str) -> Option<Type> {
        match self.declarations.field(type_name, field) {
            Field::Declared(declared) => return Some(declared),
            Field::Undefined => self.issues.report(id, format!("undefined field '{field}'")),
            Field::UnknownType => {
                self.issues.report(id, format!("unexpected failed resolution of '{type_name}'"));
            }
        }
        None
    }

    fn check_comprehension(&mut self, id: Id, comprehension: &mut Comprehension) {
        self.check(&mut comprehension.iter_range);
        self.check(&mut comprehension.accu_init);
        let range_type = self.type_of(comprehension.iter_range.id);
        let range_type = self.unification.substitute(&range_type, false);
        let accu_type = self.type_of(comprehension.accu_init.id);
        let two_variables = comprehension.iter_var2.is_some();
        let (first, second) = match range_type.kind() {
            Kind::List if two_variables => (Type::int(), range_type.at(0)),
            Kind::List => (range_type.at(0), Type::error()),
            Kind::Map => (range_type.at(0), range_type.at(1)),
            Kind::Dyn | Kind::Error | Kind::TypeParam => {
                self.unification.is_assignable(&Type::dynamic(), &range_type);
                (Type::dynamic(), Type::dynamic())
            }
            _ => {
                let message = format!(
                    "expression of type '{range_type}' cannot be range of a comprehension \
                     (must be list, map, or dynamic)"
                );
                self.issues.report(comprehension.iter_range.id, message);
                (Type::error(), Type::error())
            }
        };

        self.scopes.push(HashMap::from([(comprehension.accu_var.clone(), accu_type.clone())]));
        let mut variables = HashMap::from([(comprehension.iter_var.clone(), first)]);
        if let Some(name) = &comprehension.iter_var2 {
            variables.entry(name.clone()).or_insert(second);
        }
        self.scopes.push(variables);
        self.check(&mut comprehension.loop_condition);
        self.assert_type(comprehension.loop_condition.id, &Type::bool());
        self.check(&mut comprehension.loop_step);
        self.assert_type(comprehension.loop_step.id, &accu_type);
        self.scopes.pop();
        self.check(&mut comprehension.result);
        self.scopes.pop();
        let result_type = self.type_of(comprehension.result.id);
        let result_type = self.unification.substitute(&result_type, false);
        self.set_type(id, result_type);
    }

    /// Looks a name up, from the innermost comprehension outwards. A dot at its start means nothing where there are no
    /// containers.
    fn resolve(&self, name: &str) -> Option<Resolved> {
        let name = name.strip_prefix('.').unwrap_or(name);
        if let Some(local) = self.scopes.iter().rev().find_map(|scope| scope.get(name)) {
            let reference = Reference::Identifier { constant: None };
            return Some(Resolved { name: name.into(), found: local.clone(), reference });
        }
        let identifier = self.declarations.identifier(name)?;
        let reference = Reference::Identifier { constant: identifier.constant };
        Some(Resolved { name: name.into(), found: identifier.declared.clone(), reference })
    }

    fn set_identifier(&mut self, expr: &mut Expr, resolved: Resolved) {
        self.set_type(expr.id, resolved.found);
        self.references.insert(expr.id, resolved.reference);
        expr.kind = ExprKind::Ident(resolved.name);
    }

    fn undeclared(&mut self, id: Id, name: &str) {
        self.issues.report(id, format!("undeclared reference to '{name}' (in container '')"));
    }

    fn mismatch(&mut self, id: Id, expected: &Type, found: &Type) {
        self.issues.report(id, format!("expected type '{expected}' but found '{found}'"));
    }

    fn assert_type(&mut self, id: Id, expected: &Type) {
        let found = self.type_of(id);
        if !self.unification.is_assignable(expected, &found) {
            self.mismatch(id, expected, &found);
        }
    }

    fn new_variable(&mut self) -> Type {
        let variable = Type::parameter(&format!("_var{}", self.free_variables));
        self.free_variables = self.free_variables.saturating_add(1);
        variable
    }

    fn type_of(&self, id: Id) -> Type {
        self.types.get(&id).cloned().unwrap_or_else(Type::error)
    }

    fn set_type(&mut self, id: Id, found: Type) {
        let found = self.unification.limited(found);
        self.types.insert(id, found);
    }
}

/// What a name stands for.
struct Resolved {
    name: Box<str>,
    found: Type,
    reference: Reference,
}

/// `a.b.c` as a name (cel-go `containers.ToQualifiedName`).
fn qualified_name(expr: &Expr) -> Option<Rc<str>> {
    let mut fields = Vec::new();
    let mut operand = expr;
    loop {
        match &operand.kind {
            ExprKind::Ident(name) => {
                fields.push(&**name);
                fields.reverse();
                return Some(fields.join(".").into());
            }
            ExprKind::Select(select) if !select.test_only => {
                fields.push(&*select.field);
                operand = &select.operand;
            }
            _ => return None,
        }
    }
}
