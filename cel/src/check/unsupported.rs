//! What kube-apiserver accepts but is refused here, because it can't be evaluated as there.

use super::accumulators;
use super::checker::CheckedTypes;
use super::walk::post_order;
use crate::ast::{Expr, ExprKind, Id, Literal};

/// A part of an expression that is not supported.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Unsupported {
    /// Its node.
    pub(super) id: Id,
    /// Why.
    pub(super) reason: &'static str,
}

impl Unsupported {
    /// cel-go's validator of literals panics there, so kube-apiserver does not start.
    pub(super) const fn optional_of_unknown_type(id: Id) -> Self {
        Self { id, reason: "an optional element or entry whose type is not known crashes kube-apiserver" }
    }

    /// See [`accumulators`](super::accumulators).
    pub(super) const fn sum_in_place(id: Id) -> Self {
        Self {
            id,
            reason: "a variable of optMap or optFlatMap that is the left side of + and used again changes in kube-apiserver",
        }
    }

    /// cel-go would go on, perhaps forever.
    pub(super) const fn types_too_large(id: Id) -> Self {
        Self { id, reason: "the types of the expression are too large" }
    }
}

/// Rules: each looks at one node.
const RULES: [fn(&Expr) -> Option<Unsupported>; 1] = [time_zone_by_name];

/// All that is not supported.
pub(super) fn find(root: &Expr, types: &CheckedTypes, found: &mut Vec<Unsupported>) {
    accumulators::find(root, types, found);
    post_order(root, &mut |expr| found.extend(RULES.iter().filter_map(|rule| rule(expr))));
}

/// There is no database of time zones. cel-go takes what has no colon for a name (`types.timeZone`).
fn time_zone_by_name(expr: &Expr) -> Option<Unsupported> {
    let ExprKind::Call(call) = &expr.kind else { return None };
    call.target.as_ref()?;
    let [Expr { id, kind: ExprKind::Literal(Literal::String(zone)) }] = call.args.as_slice() else {
        return None;
    };
    let takes_a_zone = matches!(
        &*call.function,
        "getDate"
            | "getDayOfMonth"
            | "getDayOfWeek"
            | "getDayOfYear"
            | "getFullYear"
            | "getHours"
            | "getMilliseconds"
            | "getMinutes"
            | "getMonth"
            | "getSeconds"
    );
    let is_name = !matches!(&**zone, "" | "UTC") && !zone.contains(':');
    (takes_a_zone && is_name)
        .then_some(Unsupported { id: *id, reason: "timezones by name are not supported" })
}
