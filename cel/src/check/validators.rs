//! What is refused though it is well typed (cel-go `cel/validator.go`).

mod formats;

use super::checker::CheckedTypes;
use super::issues::Issues;
use super::types::Type;
use super::unsupported::Unsupported;
use super::walk::{post_order, post_order_within};
use crate::ast::{Call, Element, Expr, ExprKind, Literal, MapEntry};
use crate::convert::convert;
use crate::library::regex::dialect::check_pattern;

/// Validates an expression. Literals that would crash kube-apiserver are not issues but not supported.
pub(super) fn validate(
    root: &Expr,
    types: &CheckedTypes,
    issues: &mut Issues<'_>,
    unsupported: &mut Vec<Unsupported>,
) {
    // The order of k8s.io/apiserver's environment: it decides between issues that stand at the same place.
    validate_aggregates(root, types, issues, unsupported);
    validate_arguments(root, "duration", issues, is_convertible);
    validate_arguments(root, "timestamp", issues, is_convertible);
    validate_arguments(root, "matches", issues, |_, argument| match argument {
        Literal::String(pattern) => check_pattern(pattern).is_ok(),
        _ => true,
    });
    formats::validate(root, types, issues);
}

/// First arguments that are constant.
fn validate_arguments(
    root: &Expr,
    function: &str,
    issues: &mut Issues<'_>,
    is_valid: impl Fn(&Call, &Literal) -> bool,
) {
    post_order(root, &mut |expr| {
        if let ExprKind::Call(call) = &expr.kind
            && &*call.function == function
            && let Some(argument) = call.args.first()
            && let ExprKind::Literal(literal) = &argument.kind
            && !is_valid(call, literal)
        {
            issues.report(argument.id, format!("invalid {function} argument"));
        }
    });
}

fn is_convertible(call: &Call, argument: &Literal) -> bool {
    !matches!(convert(&call.function, &argument.into()), Some(Err(_)))
}

/// Lists and maps have one type of elements, keys and values, unless they are arguments of `format`.
fn validate_aggregates(
    root: &Expr,
    types: &CheckedTypes,
    issues: &mut Issues<'_>,
    unsupported: &mut Vec<Unsupported>,
) {
    let mut aggregates = Vec::new();
    post_order_within(root, "format", false, &mut |expr, exempt| {
        if !exempt {
            aggregates.push(expr);
        }
    });
    for expr in &aggregates {
        if let ExprKind::List(elements) = &expr.kind {
            validate_list(elements, types, issues, unsupported);
        }
    }
    for expr in &aggregates {
        if let ExprKind::Map(entries) = &expr.kind {
            validate_map(entries, types, issues, unsupported);
        }
    }
}

fn validate_list(
    elements: &[Element],
    types: &CheckedTypes,
    issues: &mut Issues<'_>,
    unsupported: &mut Vec<Unsupported>,
) {
    let mut expected: Option<Type> = None;
    for element in elements {
        let found = value_type(&element.value, element.optional, types, unsupported);
        match &expected {
            None => expected = Some(found),
            Some(expected) if !expected.is_equivalent(&found) => {
                mismatch(&element.value, expected, &found, issues);
                break;
            }
            Some(_) => {}
        }
    }
}

fn validate_map(
    entries: &[MapEntry],
    types: &CheckedTypes,
    issues: &mut Issues<'_>,
    unsupported: &mut Vec<Unsupported>,
) {
    let mut expected: Option<(Type, Type)> = None;
    for entry in entries {
        let key = types.of(entry.key.id);
        let value = value_type(&entry.value, entry.optional, types, unsupported);
        let Some((keys, values)) = &expected else {
            expected = Some((key, value));
            continue;
        };
        if !keys.is_equivalent(&key) {
            mismatch(&entry.key, keys, &key, issues);
        }
        if !values.is_equivalent(&value) {
            mismatch(&entry.value, values, &value, issues);
        }
    }
}

/// The type of a value, or what it holds if it is optional.
fn value_type(expr: &Expr, optional: bool, types: &CheckedTypes, unsupported: &mut Vec<Unsupported>) -> Type {
    let found = types.of(expr.id);
    if !optional {
        return found;
    }
    if found.parameters().is_empty() {
        unsupported.push(Unsupported::optional_of_unknown_type(expr.id));
    }
    found.at(0)
}

fn mismatch(expr: &Expr, expected: &Type, found: &Type, issues: &mut Issues<'_>) {
    issues.report(expr.id, format!("expected type '{expected}' but found '{found}'"));
}
