//! Going through an expression.

use crate::ast::{Expr, ExprKind};

/// Visits an expression's parts before itself, in cel-go's order (`ast.MatchDescendants`).
pub(super) fn post_order<'a>(root: &'a Expr, visit: &mut impl FnMut(&'a Expr)) {
    for_each_child(root, &mut |child| post_order(child, visit));
    visit(root);
}

/// The same, but tells whether a part stands anywhere in a call of that function.
pub(super) fn post_order_within<'a>(
    root: &'a Expr,
    function: &str,
    within: bool,
    visit: &mut impl FnMut(&'a Expr, bool),
) {
    let inner = within || matches!(&root.kind, ExprKind::Call(call) if &*call.function == function);
    for_each_child(root, &mut |child| post_order_within(child, function, inner, visit));
    visit(root, within);
}

/// Visits what an expression directly consists of.
pub(super) fn for_each_child<'a>(expr: &'a Expr, visit: &mut dyn FnMut(&'a Expr)) {
    match &expr.kind {
        ExprKind::Ident(_) | ExprKind::Literal(_) => {}
        ExprKind::Call(call) => call.target.as_deref().into_iter().chain(&call.args).for_each(visit),
        ExprKind::Comprehension(comprehension) => [
            &comprehension.iter_range,
            &comprehension.accu_init,
            &comprehension.loop_condition,
            &comprehension.loop_step,
            &comprehension.result,
        ]
        .into_iter()
        .for_each(visit),
        ExprKind::List(elements) => elements.iter().for_each(|element| visit(&element.value)),
        ExprKind::Map(entries) => {
            for entry in entries {
                visit(&entry.key);
                visit(&entry.value);
            }
        }
        ExprKind::Select(select) => visit(&select.operand),
        ExprKind::Struct(message) => message.fields.iter().for_each(|field| visit(&field.value)),
    }
}
