//! Values as texts: `%s` (ext/formatting.go `FormatString`). Within lists and maps they are written as literals of CEL
//! would be.

use std::fmt::Write as _;
use std::sync::LazyLock;

use super::Problem;
use crate::cost::MAX_TEXT;
use crate::library::regex::CodePoints;
use crate::value::{Key, List, Map, Timestamp, Value};

/// Lists within lists deeper than this are refused.
const MAX_DEPTH: usize = 500;

/// A value that stands alone.
pub(super) fn of(value: &Value) -> Result<String, Problem> {
    match value {
        Value::List(_) | Value::Map(_) => {
            let mut text = String::new();
            element(value, 0, &mut text)?;
            Ok(text)
        }
        Value::Null => Ok("null".to_owned()),
        _ => plain(value)?.ok_or_else(|| {
            Problem::says(format!(
                "string clause can only be used on strings, bools, bytes, ints, doubles, maps, lists, types, durations, \
                 and timestamps, was given {}",
                value.type_name()
            ))
        }),
    }
}

/// cel-go `ConvertToType(StringType)`. None: there is no such conversion.
fn plain(value: &Value) -> Result<Option<String>, Problem> {
    Ok(Some(match value {
        Value::Bool(is) => is.to_string(),
        Value::Bytes(bytes) => match std::str::from_utf8(bytes) {
            Ok(text) => text.to_owned(),
            Err(_) => {
                return Err(Problem::says(
                    "could not convert argument \"invalid UTF-8 in bytes, cannot convert to string\" to string",
                ));
            }
        },
        Value::Double(number) => shortest(*number),
        Value::Duration(nanos) => seconds(*nanos),
        Value::Int(number) => number.to_string(),
        Value::String(text) => text.to_string(),
        Value::Timestamp(moment) => timestamp(*moment),
        Value::Type(name) => name.to_string(),
        Value::Uint(number) => number.to_string(),
        _ => return Ok(None),
    }))
}

/// A value in a list or a map (`clauseForType`, `quoteForCEL`).
fn element(value: &Value, depth: usize, text: &mut String) -> Result<(), Problem> {
    if depth > MAX_DEPTH || text.len() > MAX_TEXT {
        return Err(Problem::TooLong);
    }
    match value {
        Value::List(items) => list(items, depth, text)?,
        Value::Map(entries) => map(entries, depth, text)?,
        Value::Bytes(_) => {
            text.push('b');
            quote(&of(value)?, text);
        }
        Value::Double(number) if number.is_finite() => {
            let _ = write!(text, "{number:.6}");
        }
        Value::Double(number) => quote(&shortest(*number), text),
        Value::Duration(_) => {
            text.push_str("duration(");
            quote(&of(value)?, text);
            text.push(')');
        }
        Value::Timestamp(_) => {
            text.push_str("timestamp(");
            quote(&of(value)?, text);
            text.push(')');
        }
        Value::String(inner) => quote(inner, text),
        Value::Bool(_) | Value::Int(_) | Value::Null | Value::Type(_) | Value::Uint(_) => {
            text.push_str(&of(value)?)
        }
        _ => return Err(Problem::says(format!("no formatting function for {}", value.type_name()))),
    }
    Ok(())
}

fn list(items: &List, depth: usize, text: &mut String) -> Result<(), Problem> {
    text.push('[');
    for (number, item) in items.iter().enumerate() {
        if number > 0 {
            text.push_str(", ");
        }
        element(item, depth.saturating_add(1), text)?;
    }
    text.push(']');
    Ok(())
}

/// Entries in the order of their keys as they are written.
fn map(entries: &Map, depth: usize, text: &mut String) -> Result<(), Problem> {
    let mut keys: Vec<(String, &Value)> = entries
        .entries()
        .iter()
        .map(|(key, value)| {
            let mut written = String::new();
            match key {
                Key::Bool(is) => written.push_str(if *is { "true" } else { "false" }),
                Key::Int(number) => written.push_str(&number.to_string()),
                Key::String(key) => quote(key, &mut written),
                Key::Uint(number) => written.push_str(&number.to_string()),
            }
            (written, value)
        })
        .collect();
    keys.sort_by(|(first, _), (second, _)| first.cmp(second));
    text.push('{');
    for (number, (key, value)) in keys.into_iter().enumerate() {
        if number > 0 {
            text.push_str(", ");
        }
        text.push_str(&key);
        text.push(':');
        element(value, depth.saturating_add(1), text)?;
    }
    text.push('}');
    Ok(())
}

/// Go's `%q`.
fn quote(inner: &str, text: &mut String) {
    text.push('"');
    for char in inner.chars() {
        match char {
            '"' => text.push_str("\\\""),
            '\\' => text.push_str("\\\\"),
            ' '..='~' => text.push(char),
            '\x07' => text.push_str("\\a"),
            '\x08' => text.push_str("\\b"),
            '\x0c' => text.push_str("\\f"),
            '\n' => text.push_str("\\n"),
            '\r' => text.push_str("\\r"),
            '\t' => text.push_str("\\t"),
            '\x0b' => text.push_str("\\v"),
            _ if PRINTABLE.contains(char) => text.push(char),
            _ => {
                let code = u32::from(char);
                let _ = match code {
                    0..0x80 => write!(text, "\\x{code:02x}"),
                    0x80..0x1_0000 => write!(text, "\\u{code:04x}"),
                    _ => write!(text, "\\U{code:08x}"),
                };
            }
        }
    }
    text.push('"');
}

/// Go's `strconv.IsPrint`: letters, marks, numbers, punctuation and symbols.
static PRINTABLE: LazyLock<CodePoints> =
    LazyLock::new(|| CodePoints::of_categories(&["L", "M", "N", "P", "S"]));

/// Go's `%g`: the fewest digits that give the number back; with an exponent below -4 and from 6 on.
fn shortest(number: f64) -> String {
    if number.is_nan() {
        return "NaN".to_owned();
    }
    if number.is_infinite() {
        return if number > 0.0 { "+Inf" } else { "-Inf" }.to_owned();
    }
    let scientific = format!("{number:e}");
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or_default();
    if !(-4..6).contains(&exponent) {
        let sign = if exponent < 0 { '-' } else { '+' };
        format!("{mantissa}e{sign}{:02}", exponent.unsigned_abs())
    } else {
        format!("{number}")
    }
}

/// Go's `Duration.Seconds` with the fewest digits.
#[expect(clippy::cast_precision_loss, reason = "as Go does")]
fn seconds(nanos: i64) -> String {
    let whole = nanos / 1_000_000_000;
    let rest = nanos % 1_000_000_000;
    format!("{}s", whole as f64 + rest as f64 / 1e9)
}

/// RFC 3339 in UTC, with as many places of nanoseconds as needed.
fn timestamp(moment: Timestamp) -> String {
    let days = moment.seconds.div_euclid(86_400);
    let second = moment.seconds.rem_euclid(86_400);
    let (year, month, day) = date(days);
    let (hour, minute, second) = (second / 3_600, second / 60 % 60, second % 60);
    let mut text = format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}");
    if moment.nanos > 0 {
        let nanos = format!("{:09}", moment.nanos);
        text.push('.');
        text.push_str(nanos.trim_end_matches('0'));
    }
    text.push('Z');
    text
}

/// Year, month and day of a day since 1970, by years that begin in March.
fn date(days: i64) -> (i64, i64, i64) {
    let day = days.saturating_add(719_468);
    let era = day.div_euclid(146_097);
    let day = day.rem_euclid(146_097);
    let leap_days = (day / 1_460).saturating_sub(day / 36_524).saturating_add(day / 146_096);
    let year = day.saturating_sub(leap_days) / 365;
    let before = year.saturating_mul(365).saturating_add(year / 4).saturating_sub(year / 100);
    let day = day.saturating_sub(before);
    let month = day.saturating_mul(5).saturating_add(2) / 153;
    let begin = month.saturating_mul(153).saturating_add(2) / 5;
    let day = day.saturating_sub(begin).saturating_add(1);
    let year = year.saturating_add(era.saturating_mul(400));
    if month < 10 {
        (year, month.saturating_add(3), day)
    } else {
        (year.saturating_add(1), month.saturating_sub(9), day)
    }
}
