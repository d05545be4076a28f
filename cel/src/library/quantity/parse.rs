//! The parser of quantities (k8s.io/apimachinery `resource.ParseQuantity`).

use super::amount::Amount;
use super::decimal::{Decimal, TooLong};

/// Why a text is no quantity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum ParseError {
    /// The form is wrong.
    #[error("quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'")]
    Format,
    /// There is no number.
    #[error("unable to parse numeric part of quantity")]
    Numeric,
    /// There is no such unit.
    #[error("unable to parse quantity's suffix")]
    Suffix,
    /// kube-apiserver would take it.
    #[error(transparent)]
    TooLong(#[from] TooLong),
}

/// The parts of a quantity (`parseQuantityString`).
struct Parts<'a> {
    is_negative: bool,
    /// Sign and all digits, with the point.
    value: &'a [u8],
    /// Digits before the point without leading zeros; `0` instead of none.
    integer: &'a [u8],
    /// Digits behind the point.
    fraction: &'a [u8],
    suffix: &'a [u8],
}

/// What a suffix stands for.
#[derive(Clone, Copy)]
enum Unit {
    PowerOfTen(i32),
    PowerOfTwo(u32),
}

/// Nothing is smaller than ten to the power of minus this.
const MAX_SCALE: i32 = 9;

/// So many digits fit an `int64` for certain (`maxInt64Factors`).
const SAFE_DIGITS: usize = 18;

/// Parses a quantity.
pub(super) fn parse(text: &str) -> Result<Amount, ParseError> {
    if text.is_empty() {
        return Err(ParseError::Format);
    }
    let parts = split(text.as_bytes()).ok_or(ParseError::Format)?;
    let unit = unit(parts.suffix).ok_or(ParseError::Suffix)?;
    match small(&parts, unit) {
        Some(amount) => Ok(amount),
        None => decimal(&parts, unit).map(Amount::from),
    }
}

/// The fast way, for what fits 64 bits for certain.
fn small(parts: &Parts<'_>, unit: Unit) -> Option<Amount> {
    let length = parts.integer.len().checked_add(parts.fraction.len())?;
    let (exponent, factor, limit) = match unit {
        Unit::PowerOfTen(exponent) => (exponent, 1, SAFE_DIGITS),
        // Ten bits are three digits.
        Unit::PowerOfTwo(power) if parts.fraction.is_empty() => {
            let digits = usize::try_from(power).ok()?.checked_mul(3)?.checked_div(10)?;
            (0, 1_i64.checked_shl(power)?, 14_usize.checked_sub(digits)?)
        }
        Unit::PowerOfTwo(_) => return None,
    };
    if length > limit {
        return None;
    }
    let exponent = exponent.wrapping_sub(i32::try_from(parts.fraction.len()).ok()?);
    if exponent < MAX_SCALE.checked_neg()? {
        return None;
    }
    let digits = [parts.integer, parts.fraction].concat();
    let value: i64 = std::str::from_utf8(&digits).ok()?.parse().ok()?;
    let value = value.checked_mul(factor)?;
    Some(Amount::Small { value: if parts.is_negative { value.wrapping_neg() } else { value }, exponent })
}

/// The slow way.
fn decimal(parts: &Parts<'_>, unit: Unit) -> Result<Decimal, ParseError> {
    if !parts.value.iter().any(u8::is_ascii_digit) {
        return Err(ParseError::Numeric);
    }
    let scale = i32::try_from(parts.fraction.len()).map_err(|_| TooLong)?;
    let mut amount = Decimal::from_digits(false, parts.value, scale)?;
    match unit {
        Unit::PowerOfTen(exponent) => {
            let scale = scale.wrapping_sub(exponent);
            amount = Decimal::from_digits(false, parts.value, scale)?;
        }
        Unit::PowerOfTwo(power) => amount = amount.times_power_of_two(power)?,
    }
    // Whoever asks for something gets something, however little it is.
    if amount.signum() != 0 {
        amount = amount.rounded_up(MAX_SCALE)?;
    }
    let greatest = Decimal::new(i64::MAX, 0);
    if matches!(unit, Unit::PowerOfTwo(_)) && amount.compare(&greatest)?.is_gt() {
        amount = greatest;
    }
    Ok(if parts.is_negative { amount.negated() } else { amount })
}

fn split(text: &[u8]) -> Option<Parts<'_>> {
    let (is_negative, unsigned) = match text {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        _ => (false, text),
    };
    let (_, rest) = split_where(unsigned, |byte| byte != b'0');
    if rest.is_empty() {
        return Some(Parts { is_negative, value: b"0", integer: b"0", fraction: b"", suffix: b"" });
    }
    let (integer, rest) = split_where(rest, |byte| !byte.is_ascii_digit());
    let integer = if integer.is_empty() { b"0" } else { integer };
    let (fraction, suffix) = match rest {
        [b'.', rest @ ..] => split_where(rest, |byte| !byte.is_ascii_digit()),
        _ => (&b""[..], rest),
    };
    let value = text.get(..text.len().saturating_sub(suffix.len()))?;
    let (_, rest) = split_where(suffix, |byte| !b"eEinumkKMGTP".contains(&byte));
    let rest = match rest {
        [b'+' | b'-', rest @ ..] => rest,
        _ => rest,
    };
    rest.iter().all(u8::is_ascii_digit).then_some(Parts { is_negative, value, integer, fraction, suffix })
}

fn split_where(text: &[u8], ends: impl Fn(u8) -> bool) -> (&[u8], &[u8]) {
    let at = text.iter().position(|byte| ends(*byte)).unwrap_or(text.len());
    text.split_at_checked(at).unwrap_or((text, b""))
}

/// `quantitySuffixer.interpret`.
fn unit(suffix: &[u8]) -> Option<Unit> {
    Some(match suffix {
        b"n" => Unit::PowerOfTen(-9),
        b"u" => Unit::PowerOfTen(-6),
        b"m" => Unit::PowerOfTen(-3),
        b"" => Unit::PowerOfTen(0),
        b"k" => Unit::PowerOfTen(3),
        b"M" => Unit::PowerOfTen(6),
        b"G" => Unit::PowerOfTen(9),
        b"T" => Unit::PowerOfTen(12),
        b"P" => Unit::PowerOfTen(15),
        b"E" => Unit::PowerOfTen(18),
        b"Ki" => Unit::PowerOfTwo(10),
        b"Mi" => Unit::PowerOfTwo(20),
        b"Gi" => Unit::PowerOfTwo(30),
        b"Ti" => Unit::PowerOfTwo(40),
        b"Pi" => Unit::PowerOfTwo(50),
        b"Ei" => Unit::PowerOfTwo(60),
        [b'e' | b'E', exponent @ ..] => {
            let exponent: i64 = std::str::from_utf8(exponent).ok()?.parse().ok()?;
            // Go takes the lower half, whatever stands in the upper one.
            let [a, b, c, d, ..] = exponent.to_le_bytes();
            Unit::PowerOfTen(i32::from_le_bytes([a, b, c, d]))
        }
        _ => return None,
    })
}
