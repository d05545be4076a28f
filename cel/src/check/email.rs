//! Whether an expression uses a claim, as kube-apiserver sees it (k8s.io/apiserver
//! `apis/apiserver/validation.hasSelectExp`): `claims.email` and `claims.?email`, but not `claims["email"]`.

use super::walk::for_each_child;
use crate::ast::{Expr, ExprKind, Literal};

/// Whether the claim is selected anywhere.
pub(super) fn selects_claim(expr: &Expr, claim: &str) -> bool {
    let selected = match &expr.kind {
        ExprKind::Select(select) => is_claims(&select.operand) && &*select.field == claim,
        ExprKind::Call(call) => match call.args.as_slice() {
            [operand, field] => {
                call.target.is_none()
                    && &*call.function == "_?._"
                    && is_claims(operand)
                    && matches!(&field.kind, ExprKind::Literal(Literal::String(name)) if &**name == claim)
            }
            _ => false,
        },
        _ => false,
    };
    let mut found = selected;
    for_each_child(expr, &mut |child| found = found || selects_claim(child, claim));
    found
}

fn is_claims(expr: &Expr) -> bool {
    matches!(&expr.kind, ExprKind::Ident(name) if &**name == "claims")
}
