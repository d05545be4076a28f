//! Texts: cel-go `ext.Strings`, version 2. Places in a text are counted in code points.
//!
//! `indexOf` and `lastIndexOf` are in `lists`, which has them too.

use std::rc::Rc;

use crate::cost::{MAX_LIST, MAX_TEXT, actual_size, scaled};
use crate::library::Function;
use crate::value::{EvalError, Evaluated, List, ListForm, Value};

/// All but `format`, `indexOf` and `lastIndexOf`.
pub(crate) const FUNCTIONS: &[Function] = &[
    Function { name: "charAt", call: char_at, cost: one },
    Function { name: "join", call: join, cost: result_twice },
    Function { name: "lowerAscii", call: lower_ascii, cost: once },
    Function { name: "replace", call: replace, cost: twice },
    Function { name: "split", call: split, cost: twice },
    Function { name: "strings.quote", call: quote, cost: once },
    Function { name: "substring", call: substring, cost: once },
    Function { name: "trim", call: trim, cost: once },
    Function { name: "upperAscii", call: upper_ascii, cost: once },
];

/// A text of bounded length.
pub(super) fn bounded(text: String) -> Evaluated {
    if text.len() > MAX_TEXT {
        return Err(too_long());
    }
    Ok(Value::String(text.into()))
}

/// Ends the evaluation, since what kube-apiserver would find is not known.
pub(super) const fn too_long() -> EvalError {
    EvalError::CostLimit
}

fn out_of_range(index: i64) -> EvalError {
    EvalError::new(format!("index out of range: {index}"))
}

/// Where the character of that number begins; the end of the text for the one after the last.
fn offset(text: &str, index: i64) -> Result<usize, EvalError> {
    usize::try_from(index)
        .ok()
        .and_then(|index| text.char_indices().map(|(at, _)| at).chain([text.len()]).nth(index))
        .ok_or_else(|| out_of_range(index))
}

fn char_at(args: &[Value]) -> Evaluated {
    let [Value::String(text), Value::Int(index)] = args else { return Err(EvalError::NoOverload) };
    let at = offset(text, *index)?;
    let char = text.get(at..).and_then(|rest| rest.chars().next());
    Ok(Value::String(char.map(String::from).unwrap_or_default().into()))
}

fn substring(args: &[Value]) -> Evaluated {
    let text = match args {
        [Value::String(text), Value::Int(start)] => text.get(offset(text, *start)?..),
        [Value::String(text), Value::Int(start), Value::Int(end)] => {
            if start > end {
                return Err(EvalError::new(format!("invalid substring range. start: {start}, end: {end}")));
            }
            text.get(offset(text, *start)?..offset(text, *end)?)
        }
        _ => return Err(EvalError::NoOverload),
    };
    Ok(Value::String(text.unwrap_or_default().into()))
}

/// The number of the character at which a text begins in another, from a number on; -1 if nowhere (ext/strings.go
/// `indexOfOffset`).
pub(super) fn index_of(text: &str, part: &str, from: i64) -> Evaluated {
    if part.is_empty() {
        return Ok(Value::Int(from));
    }
    if from < 0 {
        return Err(out_of_range(from));
    }
    let Ok(start) = offset(text, from) else { return Ok(Value::Int(-1)) };
    let found = text.get(start..).and_then(|rest| rest.find(part));
    Ok(Value::Int(found.map_or(-1, |found| count(text.get(..start.saturating_add(found))))))
}

/// The same from the end: of those that begin at that number or before it, the last (`lastIndexOfOffset`).
pub(super) fn last_index_of(text: &str, part: &str, from: Option<i64>) -> Evaluated {
    if part.is_empty() {
        return Ok(Value::Int(from.unwrap_or_else(|| count(Some(text)))));
    }
    let end = match from {
        None => text.len(),
        Some(from) if from < 0 => return Err(out_of_range(from)),
        Some(from) => match offset(text, from) {
            Ok(start) if start < text.len() => start.saturating_add(part.len()).min(text.len()),
            _ => return Ok(Value::Int(-1)),
        },
    };
    // Where the bound falls within a character, nothing that begins in time can end there.
    let end = (0..=end).rev().find(|end| text.is_char_boundary(*end)).unwrap_or_default();
    let found = text.get(..end).and_then(|head| head.rfind(part));
    Ok(Value::Int(found.map_or(-1, |found| count(text.get(..found)))))
}

fn count(text: Option<&str>) -> i64 {
    text.and_then(|text| i64::try_from(text.chars().count()).ok()).unwrap_or(-1)
}

fn lower_ascii(args: &[Value]) -> Evaluated {
    let [Value::String(text)] = args else { return Err(EvalError::NoOverload) };
    Ok(Value::String(text.to_ascii_lowercase().into()))
}

fn upper_ascii(args: &[Value]) -> Evaluated {
    let [Value::String(text)] = args else { return Err(EvalError::NoOverload) };
    Ok(Value::String(text.to_ascii_uppercase().into()))
}

/// Go's `strings.TrimSpace`, whose spaces are those of Unicode's `White_Space`, as Rust's.
fn trim(args: &[Value]) -> Evaluated {
    let [Value::String(text)] = args else { return Err(EvalError::NoOverload) };
    Ok(Value::String(text.trim().into()))
}

/// Go's `strings.Replace`.
fn replace(args: &[Value]) -> Evaluated {
    let (text, old, new, limit) = match args {
        [Value::String(text), Value::String(old), Value::String(new)] => (text, old, new, -1),
        [Value::String(text), Value::String(old), Value::String(new), Value::Int(limit)] => {
            (text, old, new, *limit)
        }
        _ => return Err(EvalError::NoOverload),
    };
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let found = text.matches(&**old).take(limit).count();
    if found.saturating_mul(new.len()).saturating_add(text.len()) > MAX_TEXT {
        return Err(too_long());
    }
    bounded(text.replacen(&**old, new, limit))
}

/// Go's `strings.SplitN`: without separator into characters; at most so many, the last with all the rest; none for 0.
fn split(args: &[Value]) -> Evaluated {
    let (text, separator, limit) = match args {
        [Value::String(text), Value::String(separator)] => (text, separator, -1),
        [Value::String(text), Value::String(separator), Value::Int(limit)] => (text, separator, *limit),
        _ => return Err(EvalError::NoOverload),
    };
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let parts: Vec<&str> = if separator.is_empty() {
        characters(text, limit)
    } else {
        text.splitn(limit, &**separator).take(MAX_LIST.saturating_add(1)).collect()
    };
    if parts.len() > MAX_LIST {
        return Err(too_many());
    }
    let parts = parts.into_iter().map(|part| Value::String(Rc::from(part))).collect();
    Ok(Value::List(List::new(parts, ListForm::Native)))
}

pub(super) const fn too_many() -> EvalError {
    EvalError::CostLimit
}

fn characters(text: &str, limit: usize) -> Vec<&str> {
    let mut parts = Vec::new();
    let mut rest = text;
    while !rest.is_empty() && parts.len() < limit && parts.len() <= MAX_LIST {
        let width = rest.chars().next().map_or(0, char::len_utf8);
        let is_last = parts.len().saturating_add(1) == limit;
        let (part, next) =
            if is_last { (rest, "") } else { rest.split_at_checked(width).unwrap_or((rest, "")) };
        parts.push(part);
        rest = next;
    }
    parts
}

/// ext/strings.go `joinValSeparator`.
fn join(args: &[Value]) -> Evaluated {
    let (list, separator) = match args {
        [Value::List(list)] => (list, ""),
        [Value::List(list), Value::String(separator)] => (list, &**separator),
        _ => return Err(EvalError::NoOverload),
    };
    // As in Go, the first element stands for the type of all.
    if list.iter().next().is_some_and(|first| !matches!(first, Value::String(_))) {
        return Err(EvalError::NoOverload);
    }
    let mut joined = String::new();
    for (number, element) in list.iter().enumerate() {
        let Value::String(text) = element else {
            let shown = match element {
                Value::Null => "0".to_owned(),
                other => other.to_string(),
            };
            return Err(EvalError::new(format!("join: invalid input: {shown}")));
        };
        if number > 0 {
            joined.push_str(separator);
        }
        joined.push_str(text);
        if joined.len() > MAX_TEXT {
            return Err(too_long());
        }
    }
    bounded(joined)
}

/// A text as a literal: all that CEL has an escape for is escaped.
fn quote(args: &[Value]) -> Evaluated {
    let [Value::String(text)] = args else { return Err(EvalError::NoOverload) };
    let mut quoted = String::with_capacity(text.len().saturating_add(2));
    quoted.push('"');
    for char in text.chars() {
        match char {
            '\x07' => quoted.push_str("\\a"),
            '\x08' => quoted.push_str("\\b"),
            '\x0c' => quoted.push_str("\\f"),
            '\n' => quoted.push_str("\\n"),
            '\r' => quoted.push_str("\\r"),
            '\t' => quoted.push_str("\\t"),
            '\x0b' => quoted.push_str("\\v"),
            '\\' => quoted.push_str("\\\\"),
            '"' => quoted.push_str("\\\""),
            other => quoted.push(other),
        }
    }
    quoted.push('"');
    bounded(quoted)
}

fn one(_: &[Value], _: &Value) -> u64 {
    1
}

/// A tenth of the text (library/cost.go `lowerAscii`; runtimecost.go `ExtQuoteString`).
pub(super) fn once(args: &[Value], _: &Value) -> u64 {
    args.first().map_or(1, |text| scaled(actual_size(text), 0.1))
}

/// Twice that: the text is gone through and another made (library/cost.go `replace`).
fn twice(args: &[Value], _: &Value) -> u64 {
    args.first().map_or(1, |text| scaled(actual_size(text), 2.0 * 0.1))
}

/// The same of what comes out (library/cost.go `join`).
fn result_twice(_: &[Value], result: &Value) -> u64 {
    scaled(actual_size(result), 2.0 * 0.1)
}

#[cfg(test)]
pub(crate) mod tests;
