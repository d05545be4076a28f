//! Variables of `optMap` and `optFlatMap` that change while they are looked at.
//!
//! To cel-go such a variable is what a comprehension gathers. If it is an empty list, it is replaced by one that grows in
//! place (`folder.ResolveName`), so that `v + x` changes `v` wherever it is looked at again. Here nothing changes in place,
//! so whatever may show that is refused: that the list may be on the left side of a `+`, and is looked at more than once.

use super::checker::CheckedTypes;
use super::types::Kind;
use super::unsupported::Unsupported;
use super::walk::{for_each_child, post_order};
use crate::ast::{Comprehension, Expr, ExprKind, Id, Literal};

/// All sums that may change a variable which is used again.
pub(super) fn find(root: &Expr, types: &CheckedTypes, found: &mut Vec<Unsupported>) {
    post_order(root, &mut |expr| {
        if let ExprKind::Comprehension(bound) = &expr.kind
            && is_binding(bound)
            && !bound.accu_var.starts_with('@')
        {
            let mut walk = Walk {
                types,
                scopes: vec![(&bound.accu_var, Role::Itself)],
                repeated: 0,
                uses: 0,
                sum: None,
            };
            walk.visit(&bound.result);
            found.extend(walk.sum.filter(|_| walk.uses > 1).map(Unsupported::sum_in_place));
        }
    });
}

/// Whether it is no loop, but gives a name to a value.
const fn is_binding(comprehension: &Comprehension) -> bool {
    matches!(comprehension.loop_condition.kind, ExprKind::Literal(Literal::Bool(false)))
}

/// What a name stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Role {
    /// The list, or what may be it or hold it.
    Derived,
    /// The list.
    Itself,
    Other,
}

/// A look at all that a variable is visible in. Where it can't be known what a part gives, it gives all that it mentions.
struct Walk<'e> {
    types: &'e CheckedTypes,
    /// The innermost last.
    scopes: Vec<(&'e str, Role)>,
    /// How many of these stand outside of the innermost loop, so that one use of them in it is many.
    repeated: usize,
    uses: usize,
    sum: Option<Id>,
}

impl<'e> Walk<'e> {
    fn visit(&mut self, expr: &'e Expr) {
        match &expr.kind {
            ExprKind::Comprehension(comprehension) => return self.visit_comprehension(comprehension),
            ExprKind::Ident(name) => self.uses = self.uses.saturating_add(self.uses_of(name)),
            ExprKind::Call(call) if &*call.function == "_+_" => {
                if let [one, other] = call.args.as_slice()
                    && self.may_be_list(one)
                    && self.may_be_list(other)
                    && self.may_give(one)
                {
                    self.sum = self.sum.or(Some(expr.id));
                }
            }
            _ => {}
        }
        for_each_child(expr, &mut |child| self.visit(child));
    }

    fn visit_comprehension(&mut self, comprehension: &'e Comprehension) {
        self.visit(&comprehension.iter_range);
        self.visit(&comprehension.accu_init);
        let role = |is_derived: bool| if is_derived { Role::Derived } else { Role::Other };
        let gathered = role(self.mentions(&comprehension.accu_init));
        let element = role(self.holds(&comprehension.iter_range));
        let outside = self.scopes.len();
        self.scopes.push((&comprehension.accu_var, gathered));
        if !is_binding(comprehension) {
            let names = [Some(&comprehension.iter_var), comprehension.iter_var2.as_ref()];
            self.scopes.extend(names.into_iter().flatten().map(|name| (&**name, element)));
            let repeated = std::mem::replace(&mut self.repeated, outside);
            self.visit(&comprehension.loop_condition);
            self.visit(&comprehension.loop_step);
            self.repeated = repeated;
            self.scopes.truncate(outside.saturating_add(1));
        }
        self.visit(&comprehension.result);
        self.scopes.truncate(outside);
    }

    fn uses_of(&self, name: &str) -> usize {
        match self.scopes.iter().rposition(|(known, _)| *known == name) {
            Some(place) if self.role(name) != Role::Other => {
                if place < self.repeated {
                    2
                } else {
                    1
                }
            }
            _ => 0,
        }
    }

    fn role(&self, name: &str) -> Role {
        self.scopes.iter().rev().find(|(known, _)| *known == name).map_or(Role::Other, |(_, role)| *role)
    }

    fn may_be_list(&self, expr: &Expr) -> bool {
        matches!(
            self.types.of(expr.id).kind(),
            Kind::Any | Kind::Dyn | Kind::Error | Kind::List | Kind::TypeParam
        )
    }

    /// Whether the value may be the list itself.
    fn may_give(&self, expr: &Expr) -> bool {
        match &expr.kind {
            ExprKind::Ident(name) => self.role(name) != Role::Other,
            // A new list.
            ExprKind::List(_) => false,
            ExprKind::Comprehension(comprehension) if is_macros(comprehension) => false,
            ExprKind::Call(call) => match (&*call.function, call.args.as_slice()) {
                // An empty list leaves the other as it is.
                ("_+_", terms) => terms.iter().any(|term| self.may_give(term)),
                ("dyn", [value]) => self.may_give(value),
                ("_?_:_", [_, branches @ ..]) => branches.iter().any(|branch| self.may_give(branch)),
                _ => self.mentions(expr),
            },
            _ => self.mentions(expr),
        }
    }

    /// Whether something in the value may be the list.
    fn holds(&self, expr: &Expr) -> bool {
        match &expr.kind {
            ExprKind::Ident(name) => self.role(name) == Role::Derived,
            ExprKind::Call(call) if &*call.function == "dyn" => {
                call.args.iter().any(|value| self.holds(value))
            }
            ExprKind::Comprehension(comprehension) if is_macros(comprehension) => {
                self.mentions(&comprehension.loop_step) || self.holds(&comprehension.iter_range)
            }
            _ => self.mentions(expr),
        }
    }

    fn mentions(&self, expr: &Expr) -> bool {
        let mut is_mentioned = false;
        post_order(expr, &mut |part| {
            is_mentioned |= matches!(&part.kind, ExprKind::Ident(name) if self.role(name) != Role::Other);
        });
        is_mentioned
    }
}

/// Whether it is what `all`, `filter`, `map` and their like become, which gather in a list or map of their own.
fn is_macros(comprehension: &Comprehension) -> bool {
    &*comprehension.accu_var == "@result"
}
