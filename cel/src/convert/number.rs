//! Numbers as Go reads and writes them (`strconv`).

use std::borrow::Cow;

/// `strconv.ParseFloat`: decimal or hexadecimal; `None` for what is none or beyond a double.
pub(super) fn parse_double(text: &str) -> Option<f64> {
    let (is_negative, magnitude) = match text.as_bytes().first() {
        Some(b'-') => (true, text.get(1..)?),
        Some(b'+') => (false, text.get(1..)?),
        _ => (false, text),
    };
    if ["inf", "infinity"].iter().any(|name| magnitude.eq_ignore_ascii_case(name)) {
        return Some(if is_negative { f64::NEG_INFINITY } else { f64::INFINITY });
    }
    // Only without a sign.
    if text.eq_ignore_ascii_case("nan") {
        return Some(f64::NAN);
    }
    let magnitude = &*without_separators(magnitude)?;
    let value = match magnitude.get(..2) {
        Some("0x" | "0X") => parse_hexadecimal(magnitude.get(2..)?)?,
        // Rust takes further names for numbers that aren't finite, and a second sign.
        _ if magnitude.starts_with(|first: char| first.is_ascii_digit() || first == '.') => {
            magnitude.parse().ok()?
        }
        _ => return None,
    };
    Some(if is_negative { -value } else { value }).filter(|value: &f64| value.is_finite())
}

/// The same without the underscores that may stand between digits (`strconv.underscoreOK`): the prefix of a base counts
/// as a digit.
fn without_separators(text: &str) -> Option<Cow<'_, str>> {
    if !text.contains('_') {
        return Some(text.into());
    }
    let prefix = text.get(..2).map(str::to_ascii_lowercase);
    let is_hexadecimal = prefix.as_deref() == Some("0x");
    let has_prefix = is_hexadecimal || matches!(prefix.as_deref(), Some("0b" | "0o"));
    let (mut may_separate, mut is_separated) = (has_prefix, false);
    for character in text.chars().skip(if has_prefix { 2 } else { 0 }) {
        let is_digit = character.is_digit(if is_hexadecimal { 16 } else { 10 });
        let is_separator = character == '_';
        if (is_separator && !may_separate) || (is_separated && !is_digit) {
            return None;
        }
        (may_separate, is_separated) = (is_digit, is_separator);
    }
    (!is_separated).then(|| text.replace('_', "").into())
}

/// What stands behind `0x`: digits with an optional point, and an exponent of two that must be there.
fn parse_hexadecimal(text: &str) -> Option<f64> {
    /// Bits that are kept exactly; further ones only say whether something was lost.
    const KEPT: u32 = 60;
    let (digits, exponent) = text.split_once(['p', 'P'])?;
    let (mut mantissa, mut scale, mut is_inexact) = (0_u64, 0_i64, false);
    let (mut has_digit, mut is_behind_point) = (false, false);
    for character in digits.chars() {
        if character == '.' && !is_behind_point {
            is_behind_point = true;
            continue;
        }
        let digit = u64::from(character.to_digit(16)?);
        has_digit = true;
        if mantissa.leading_zeros() > u64::BITS.saturating_sub(KEPT) {
            mantissa = mantissa.checked_mul(16)?.checked_add(digit)?;
            scale = if is_behind_point { scale.checked_sub(4)? } else { scale };
        } else {
            is_inexact |= digit != 0;
            scale = if is_behind_point { scale } else { scale.checked_add(4)? };
        }
    }
    if !has_digit {
        return None;
    }
    let exponent = parse_exponent(exponent)?;
    if is_inexact {
        mantissa |= 1;
    }
    Some(times_power_of_two(mantissa, scale.saturating_add(exponent)))
}

/// Digits with a sign; what is beyond every double counts as just that.
fn parse_exponent(text: &str) -> Option<i64> {
    let (is_negative, digits) = match text.as_bytes().first()? {
        b'-' => (true, text.get(1..)?),
        b'+' => (false, text.get(1..)?),
        _ => (false, text),
    };
    if digits.is_empty() || !digits.bytes().all(|digit| digit.is_ascii_digit()) {
        return None;
    }
    let exponent = digits.bytes().fold(0_i64, |exponent, digit| {
        exponent.saturating_mul(10).saturating_add(i64::from(digit.saturating_sub(b'0'))).min(100_000)
    });
    Some(if is_negative { exponent.saturating_neg() } else { exponent })
}

/// `mantissa` × 2^`exponent`, rounded once, to the even neighbour when it lies in the middle.
fn times_power_of_two(mantissa: u64, exponent: i64) -> f64 {
    /// Bits of a double's mantissa.
    const BITS: i64 = 53;
    /// Exponent of the smallest double.
    const SMALLEST: i64 = -1074;
    if mantissa == 0 {
        return 0.0;
    }
    let length = i64::from(u64::BITS.saturating_sub(mantissa.leading_zeros()));
    // How many bits must go, so that what is left is a double's mantissa, or a part of one near zero.
    let surplus = length.saturating_sub(BITS).max(SMALLEST.saturating_sub(exponent)).max(0);
    let rounded = match u32::try_from(surplus) {
        Ok(0) => mantissa,
        Ok(surplus) if surplus < u64::BITS => {
            let kept = mantissa >> surplus;
            let lost = mantissa & (1_u64 << surplus).wrapping_sub(1);
            let half = 1_u64 << surplus.saturating_sub(1);
            let rises = lost > half || (lost == half && kept & 1 == 1);
            kept.saturating_add(u64::from(rises))
        }
        _ => 0,
    };
    #[expect(clippy::cast_precision_loss, reason = "at most 53 bits are left")]
    let mut value = rounded as f64;
    let mut exponent = exponent.saturating_add(surplus);
    // In steps that are powers of two themselves; none of them rounds, since what is left is a mantissa and a place.
    while exponent > 0 && value.is_finite() {
        let step = exponent.min(1000);
        value *= 2_f64.powi(i32::try_from(step).unwrap_or(1000));
        exponent = exponent.saturating_sub(step);
    }
    while exponent < 0 && value != 0.0 {
        let step = exponent.max(-500);
        value *= 2_f64.powi(i32::try_from(step).unwrap_or(-500));
        exponent = exponent.saturating_sub(step);
    }
    value
}

/// `fmt`'s `%g`: the shortest digits that give the same number.
pub(super) fn format_double(number: f64) -> String {
    if number.is_nan() {
        return "NaN".to_owned();
    }
    if number.is_infinite() {
        return if number > 0.0 { "+Inf" } else { "-Inf" }.to_owned();
    }
    let scientific = format!("{number:e}");
    let Some((digits, exponent)) = scientific.split_once('e') else { return scientific };
    match exponent.parse::<i32>() {
        // Six digits stand before the point at most, and three zeros behind it.
        Ok(-4..6) => format!("{number}"),
        Ok(exponent) => {
            let sign = if exponent < 0 { '-' } else { '+' };
            format!("{digits}e{sign}{:02}", exponent.unsigned_abs())
        }
        Err(_) => scientific,
    }
}

/// A number without a fraction, in the range of `int` or `uint`.
pub(crate) fn whole(number: f64) -> Option<i128> {
    const LOWEST: f64 = -9_223_372_036_854_775_808.0;
    const LIMIT: f64 = 18_446_744_073_709_551_616.0;
    #[expect(clippy::cast_possible_truncation, reason = "the range is checked, and there is no fraction")]
    (number > LOWEST && number < LIMIT && number.fract() == 0.0).then_some(number as i128)
}

/// Without the fraction; `None` beyond the range, whose lower end is left out there.
pub(super) fn double_to_int(number: f64) -> Option<i64> {
    const LIMIT: f64 = 9_223_372_036_854_775_808.0;
    #[expect(clippy::cast_possible_truncation, reason = "the range is checked, the fraction is to go")]
    (number > -LIMIT && number < LIMIT).then_some(number as i64)
}

/// The same for numbers from 0 up.
pub(super) fn double_to_uint(number: f64) -> Option<u64> {
    const LIMIT: f64 = 18_446_744_073_709_551_616.0;
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "the range is checked, the fraction is to go"
    )]
    (0.0..LIMIT).contains(&number).then_some(number as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each right side is what Go 1.26 gives.
    #[test]
    fn doubles_are_read_as_in_go() {
        for (text, expected) in [
            ("1", Some(1.0)),
            ("1.", Some(1.0)),
            (".5", Some(0.5)),
            ("+1e-3", Some(0.001)),
            ("-0x1.8p1", Some(-3.0)),
            ("0x.8p0", Some(0.5)),
            ("0x_1p-2", Some(0.25)),
            ("0x1_0p0", Some(16.0)),
            ("0x1__0p0", None),
            ("0x1_p0", None),
            ("0x1p-1074", Some(5e-324)),
            ("0x1p-1075", Some(0.0)),
            ("0x1.8p-1075", Some(5e-324)),
            ("0x1.fffffffffffff8p0", Some(2.0)),
            ("0x1.00000000000008p0", Some(1.0)),
            ("0x1.00000000000008000000001p0", Some(1.000_000_000_000_000_2)),
            ("0x1p1023", Some(8.988_465_674_311_58e307)),
            ("0x1p1024", None),
            ("0x1", None),
            ("0xp1", None),
            ("1e400", None),
            ("1e-400", Some(0.0)),
            ("Infinity", Some(f64::INFINITY)),
            ("-inf", Some(f64::NEG_INFINITY)),
            ("+nan", None),
            ("--1", None),
            ("1_0", Some(10.0)),
            ("1_0.5e0_1", Some(105.0)),
            ("1__0", None),
            ("_1", None),
            ("1_.5", None),
            ("1._5", None),
            ("1_", None),
            ("0x_.8p0", None),
            ("0X1P+3", Some(8.0)),
            ("0x1p-2000", Some(0.0)),
            ("0x0p99999", Some(0.0)),
            ("0x1p99999999999", None),
            ("", None),
            ("+", None),
            (".", None),
            ("e5", None),
            (" 1", None),
        ] {
            assert_eq!(parse_double(text), expected, "{text}");
        }
        assert!(parse_double("NaN").unwrap().is_nan());
    }

    #[test]
    fn doubles_are_written_as_in_go() {
        for (number, expected) in [
            (0.0, "0"),
            (-0.0, "-0"),
            (123_456.0, "123456"),
            (1_234_567.0, "1.234567e+06"),
            (1e6, "1e+06"),
            (1_700_081_020.0, "1.70008102e+09"),
            (0.0001, "0.0001"),
            (0.000_01, "1e-05"),
            (1.0 / 3.0, "0.3333333333333333"),
            (1e100, "1e+100"),
            (f64::INFINITY, "+Inf"),
            (f64::NAN, "NaN"),
        ] {
            assert_eq!(format_double(number), expected);
        }
    }
}
