//! How deep a tree is.
//!
//! cel-go bounds what is within each other in the text, kind by kind, but a tree may become some thousand levels deep,
//! since macros add levels. Go's stacks grow; those of a VM do not.

use crate::ast::{Expr, ExprKind};

/// So many levels a tree may have. All of the longest chains that cel-go takes (`a + a + …`, `a.b.b…`) have 251.
pub(super) const DEPTH_LIMIT: u32 = 500;

/// Whether a tree has more levels than it may have.
pub(super) fn is_too_deep(root: &Expr) -> bool {
    let mut waiting = vec![(root, 1_u32)];
    while let Some((expr, depth)) = waiting.pop() {
        if depth > DEPTH_LIMIT {
            return true;
        }
        let below = depth.saturating_add(1);
        match &expr.kind {
            ExprKind::Call(call) => {
                waiting
                    .extend(call.target.as_deref().into_iter().chain(&call.args).map(|expr| (expr, below)));
            }
            ExprKind::Comprehension(fold) => waiting.extend(
                [&fold.iter_range, &fold.accu_init, &fold.loop_condition, &fold.loop_step, &fold.result]
                    .map(|expr| (expr, below)),
            ),
            ExprKind::Ident(_) | ExprKind::Literal(_) => {}
            ExprKind::List(elements) => {
                waiting.extend(elements.iter().map(|element| (&element.value, below)));
            }
            ExprKind::Map(entries) => {
                waiting.extend(entries.iter().flat_map(|entry| [(&entry.key, below), (&entry.value, below)]));
            }
            ExprKind::Select(select) => waiting.push((&select.operand, below)),
            ExprKind::Struct(message) => {
                waiting.extend(message.fields.iter().map(|field| (&field.value, below)));
            }
        }
    }
    false
}
