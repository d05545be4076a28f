//! `format` of cel-go `ext.Strings`, version 2: the verbs and their errors as in ext/formatting.go, numbers as the locale
//! `en_US` of golang.org/x/text writes them.

mod number;
mod text;

use crate::cost::MAX_TEXT;
use crate::library::{Function, strings};
use crate::value::{EvalError, Evaluated, List, Value};

/// `format`.
pub(crate) const FUNCTIONS: &[Function] = &[Function { name: "format", call: format, cost: strings::once }];

/// Digits after the point, unless said otherwise.
const DEFAULT_PRECISION: u16 = 6;
/// Beyond this, golang.org/x/text loses count.
const MAX_PRECISION: u16 = 32_766;

/// Why an argument can't be written.
#[derive(Debug)]
enum Problem {
    /// In cel-go's words.
    Refused(String),
    /// The text would be beyond our bound, which ends the evaluation.
    TooLong,
}

impl Problem {
    fn says(words: impl Into<String>) -> Self {
        Self::Refused(words.into())
    }
}

fn format(args: &[Value]) -> Evaluated {
    let [Value::String(template), Value::List(arguments)] = args else {
        return Err(EvalError::NoOverload);
    };
    let mut formatted = String::new();
    let mut rest = &**template;
    let mut number = 0_usize;
    while let Some((before, clause)) = rest.split_once('%') {
        append(&mut formatted, before)?;
        if let Some(after) = clause.strip_prefix('%') {
            append(&mut formatted, "%")?;
            rest = after;
            continue;
        }
        let argument = argument(arguments, number)?;
        number = number.saturating_add(1);
        if clause.is_empty() {
            return Err(EvalError::new("unexpected end of string"));
        }
        let (verb, after) = parse(clause)
            .map_err(|problem| EvalError::new(format!("could not parse formatting clause: {problem}")))?;
        let text = verb.format(&argument).map_err(|problem| match problem {
            Problem::Refused(words) => EvalError::new(format!("error during formatting: {words}")),
            Problem::TooLong => EvalError::CostLimit,
        })?;
        append(&mut formatted, &text)?;
        rest = after;
    }
    append(&mut formatted, rest)?;
    Ok(Value::String(formatted.into()))
}

fn append(formatted: &mut String, text: &str) -> Result<(), EvalError> {
    if formatted.len().saturating_add(text.len()) > MAX_TEXT {
        return Err(strings::too_long());
    }
    formatted.push_str(text);
    Ok(())
}

fn argument(arguments: &List, number: usize) -> Result<Value, EvalError> {
    arguments.get(number).ok_or_else(|| EvalError::new(format!("index {number} out of range")))
}

/// How an argument is written.
#[derive(Clone, Copy)]
enum Verb {
    Binary,
    Decimal,
    Fixed(u16),
    Hexadecimal { upper: bool },
    Octal,
    Scientific(u16),
    Text,
}

/// The verb at the beginning of a text that is not empty, and what follows it.
fn parse(clause: &str) -> Result<(Verb, &str), String> {
    let (precision, rest) = match clause.strip_prefix('.') {
        None => (DEFAULT_PRECISION, clause),
        Some(rest) => {
            precision(rest).map_err(|problem| format!("error while parsing precision: {problem}"))?
        }
    };
    let letter = rest.bytes().next().unwrap_or_default();
    let verb = match letter {
        b's' => Verb::Text,
        b'd' => Verb::Decimal,
        b'f' => Verb::Fixed(precision),
        b'e' => Verb::Scientific(precision),
        b'b' => Verb::Binary,
        b'x' => Verb::Hexadecimal { upper: false },
        b'X' => Verb::Hexadecimal { upper: true },
        b'o' => Verb::Octal,
        // Go takes the byte for a character.
        _ => return Err(format!("unrecognized formatting clause \"{}\"", char::from(letter))),
    };
    Ok((verb, rest.get(1..).unwrap_or_default()))
}

fn precision(text: &str) -> Result<(u16, &str), String> {
    let rest = text.trim_start_matches(|next: char| next.is_ascii_digit());
    if rest.is_empty() {
        return Err("could not find end of precision specifier".to_owned());
    }
    let digits = text.strip_suffix(rest).unwrap_or_default();
    let conversion = |problem| {
        format!("error while converting precision to integer: strconv.Atoi: parsing \"{digits}\": {problem}")
    };
    if digits.is_empty() {
        return Err(conversion("invalid syntax"));
    }
    let precision: i64 = digits.parse().map_err(|_| conversion("value out of range"))?;
    match u16::try_from(precision) {
        Ok(precision) if precision <= MAX_PRECISION => Ok((precision, rest)),
        _ => Err("precision too large".to_owned()),
    }
}

impl Verb {
    fn format(self, value: &Value) -> Result<String, Problem> {
        let refused = |what: &str| Err(Problem::says(format!("{what}, was given {}", value.type_name())));
        match (self, value) {
            (Self::Text, _) => text::of(value),
            (Self::Decimal, Value::Int(number)) => Ok(number.to_string()),
            (Self::Decimal, Value::Uint(number)) => Ok(number.to_string()),
            (Self::Decimal, _) => refused("decimal clause can only be used on integers"),
            (Self::Fixed(precision), _) => match double(value) {
                Some(number) => Ok(number::fixed(number, precision)),
                None => refused("fixed-point clause can only be used on doubles"),
            },
            (Self::Scientific(precision), _) => match double(value) {
                Some(number) => Ok(number::scientific(number, precision)),
                None => refused("scientific clause can only be used on doubles"),
            },
            (Self::Binary, Value::Int(number)) => Ok(signed(*number, format!("{:b}", number.unsigned_abs()))),
            (Self::Binary, Value::Uint(number)) => Ok(format!("{number:b}")),
            (Self::Binary, Value::Bool(is)) => Ok(if *is { "1" } else { "0" }.to_owned()),
            (Self::Binary, _) => refused("only integers and bools can be formatted as binary"),
            (Self::Octal, Value::Int(number)) => Ok(signed(*number, format!("{:o}", number.unsigned_abs()))),
            (Self::Octal, Value::Uint(number)) => Ok(format!("{number:o}")),
            (Self::Octal, _) => refused("octal clause can only be used on integers"),
            (Self::Hexadecimal { upper }, _) => {
                let digits = match value {
                    Value::Int(number) => signed(*number, format!("{:x}", number.unsigned_abs())),
                    Value::Uint(number) => format!("{number:x}"),
                    Value::String(text) => hexadecimal(text.as_bytes())?,
                    Value::Bytes(bytes) => hexadecimal(bytes)?,
                    _ => return refused("only integers, byte buffers, and strings can be formatted as hex"),
                };
                Ok(if upper { digits.to_ascii_uppercase() } else { digits })
            }
        }
    }
}

/// A number with a fraction, also those that only a text can be.
fn double(value: &Value) -> Option<f64> {
    match value {
        Value::Double(number) => Some(*number),
        Value::String(text) => match &**text {
            "NaN" => Some(f64::NAN),
            "Infinity" => Some(f64::INFINITY),
            "-Infinity" => Some(f64::NEG_INFINITY),
            _ => None,
        },
        _ => None,
    }
}

fn signed(number: i64, digits: String) -> String {
    if number < 0 { format!("-{digits}") } else { digits }
}

fn hexadecimal(bytes: &[u8]) -> Result<String, Problem> {
    if bytes.len() > MAX_TEXT / 2 {
        return Err(Problem::TooLong);
    }
    let digit = |half: u8| char::from_digit(half.into(), 16).unwrap_or_default();
    Ok(bytes.iter().flat_map(|byte| [digit(byte.wrapping_shr(4)), digit(byte & 15)]).collect())
}

#[cfg(test)]
mod tests;
