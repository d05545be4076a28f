//! Constant formats and the types of their arguments (cel-go `ext/formatting.go`, `stringFormatValidator`).

use crate::ast::{Element, Expr, ExprKind, Id, Literal};
use crate::check::checker::{CheckedTypes, Reference};
use crate::check::issues::Issues;
use crate::check::types::Kind;
use crate::check::walk::post_order;

/// Validates calls such as `'%s'.format([x])`.
pub(super) fn validate(root: &Expr, types: &CheckedTypes, issues: &mut Issues<'_>) {
    post_order(root, &mut |expr| {
        if let Some((format, arguments)) = constant_format(expr, types)
            && let Err((id, message)) = validate_call(expr.id, format, arguments, types)
        {
            issues.report(id, message);
        }
    });
}

/// A format and its arguments, if both are written out.
fn constant_format<'a>(expr: &'a Expr, types: &CheckedTypes) -> Option<(&'a str, &'a [Element])> {
    let ExprKind::Call(call) = &expr.kind else { return None };
    let target = call.target.as_deref().filter(|_| &*call.function == "format")?;
    if let Some(Reference::Function(overloads)) = types.reference(expr.id)
        && !overloads.contains(&"string_format")
    {
        return None;
    }
    let ExprKind::Literal(Literal::String(format)) = &target.kind else { return None };
    let [Expr { kind: ExprKind::List(arguments), .. }] = call.args.as_slice() else { return None };
    Some((format, arguments))
}

/// The node to blame, and why.
type Failure = (Id, String);

fn validate_call(call: Id, format: &str, arguments: &[Element], types: &CheckedTypes) -> Result<(), Failure> {
    let mut rest = format.as_bytes();
    let mut requested = 0_usize;
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        if byte != b'%' {
            continue;
        }
        match after.first() {
            Some(b'%') => rest = after.get(1..).unwrap_or_default(),
            None => return Err((call, "unexpected end of string".to_owned())),
            Some(_) => {
                let argument = arguments
                    .get(requested)
                    .ok_or_else(|| (call, format!("index {requested} out of range")))?;
                requested = requested.saturating_add(1);
                let (clause, after) = clause(after)
                    .map_err(|message| (call, format!("could not parse formatting clause: {message}")))?;
                rest = after;
                validate_argument(clause, &argument.value, types)
                    .map_err(|(id, message)| (id, format!("error during formatting: {message}")))?;
            }
        }
    }
    if arguments.len() > requested {
        let message = format!(
            "too many arguments supplied to string.format (expected {requested}, got {})",
            arguments.len()
        );
        return Err((call, message));
    }
    Ok(())
}

/// The letter of a clause, and what follows it.
fn clause(after_percent: &[u8]) -> Result<(u8, &[u8]), String> {
    let mut rest = after_percent;
    if let Some(precision) = rest.strip_prefix(b".") {
        let end = precision.iter().position(|byte| !byte.is_ascii_digit());
        let (digits, after) = end
            .and_then(|end| precision.split_at_checked(end))
            .ok_or("error while parsing precision: could not find end of precision specifier")?;
        validate_precision(digits)?;
        rest = after;
    }
    match rest.split_first() {
        Some((&letter @ (b's' | b'd' | b'f' | b'e' | b'b' | b'x' | b'X' | b'o'), after)) => {
            Ok((letter, after))
        }
        // Go takes the byte for a code point.
        Some((&byte, _)) => Err(format!("unrecognized formatting clause \"{}\"", char::from(byte))),
        None => Err("unexpected end of string".to_owned()),
    }
}

fn validate_precision(digits: &[u8]) -> Result<(), String> {
    let digits = String::from_utf8_lossy(digits);
    let reason = if digits.is_empty() {
        "invalid syntax"
    } else if digits.parse::<i64>().is_err() {
        "value out of range"
    } else {
        return Ok(());
    };
    Err(format!(
        "error while parsing precision: error while converting precision to integer: \
         strconv.Atoi: parsing \"{digits}\": {reason}"
    ))
}

fn validate_argument(clause: u8, argument: &Expr, types: &CheckedTypes) -> Result<(), Failure> {
    let (taken, refusal): (&[Kind], _) = match clause {
        b's' => return validate_text(argument, types),
        b'd' => (&[Kind::Int, Kind::Uint], "decimal clause can only be used on integers"),
        b'f' => (&[Kind::Double, Kind::String], "fixed-point clause can only be used on doubles"),
        b'e' => (&[Kind::Double, Kind::String], "scientific clause can only be used on doubles"),
        b'b' => (&[Kind::Int, Kind::Uint, Kind::Bool], "only integers and bools can be formatted as binary"),
        b'o' => (&[Kind::Int, Kind::Uint], "octal clause can only be used on integers"),
        _ => (
            &[Kind::Int, Kind::Uint, Kind::String, Kind::Bytes],
            "only integers, byte buffers, and strings can be formatted as hex",
        ),
    };
    validate_kind(argument, taken, refusal, types)
}

fn validate_kind(
    argument: &Expr,
    taken: &[Kind],
    refusal: &str,
    types: &CheckedTypes,
) -> Result<(), Failure> {
    let found = types.of(argument.id);
    // `dyn` may be anything; `google.protobuf.Any`, the type of claims, is refused.
    if found.kind() == Kind::Dyn || taken.contains(&found.kind()) {
        return Ok(());
    }
    Err((argument.id, format!("{refusal}, was given {}", found.name())))
}

/// `%s` takes lists and maps too. Where they are written out, their parts are examined.
fn validate_text(argument: &Expr, types: &CheckedTypes) -> Result<(), Failure> {
    const TAKEN: [Kind; 12] = [
        Kind::Bool,
        Kind::Bytes,
        Kind::Double,
        Kind::Duration,
        Kind::Int,
        Kind::List,
        Kind::Map,
        Kind::Null,
        Kind::String,
        Kind::Timestamp,
        Kind::Type,
        Kind::Uint,
    ];
    let refusal = "string clause can only be used on strings, bools, bytes, ints, doubles, maps, lists, types, \
                   durations, and timestamps";
    validate_kind(argument, &TAKEN, refusal, types)?;
    match &argument.kind {
        ExprKind::List(elements) => {
            elements.iter().try_for_each(|element| validate_text(&element.value, types))
        }
        ExprKind::Map(entries) => entries.iter().try_for_each(|entry| {
            validate_text(&entry.key, types)?;
            validate_text(&entry.value, types)
        }),
        _ => Ok(()),
    }
}
