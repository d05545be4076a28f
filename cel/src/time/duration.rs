//! Spans of time.

const LIMIT: u64 = 1 << 63;

/// `time.ParseDuration`: nanoseconds; `None` for what is none or beyond some 292 years.
pub(crate) fn parse_duration(text: &str) -> Option<i64> {
    let (is_negative, mut rest) = match text.as_bytes().first()? {
        b'-' => (true, text.get(1..)?),
        b'+' => (false, text.get(1..)?),
        _ => (false, text),
    };
    if rest == "0" {
        return Some(0);
    }
    if rest.is_empty() {
        return None;
    }
    let mut whole = 0_u64;
    while !rest.is_empty() {
        let (part, behind) = parse_part(rest)?;
        whole = whole.checked_add(part).filter(|whole| *whole <= LIMIT)?;
        rest = behind;
    }
    if is_negative { 0_i64.checked_sub_unsigned(whole) } else { i64::try_from(whole).ok() }
}

/// A number and its unit, and what stands behind them.
fn parse_part(text: &str) -> Option<(u64, &str)> {
    let (before_point, rest) = split_digits(text);
    let (behind_point, rest) = match rest.strip_prefix('.') {
        Some(rest) => split_digits(rest),
        None => ("", rest),
    };
    if before_point.is_empty() && behind_point.is_empty() {
        return None;
    }
    let end =
        rest.find(|character: char| character == '.' || character.is_ascii_digit()).unwrap_or(rest.len());
    let (unit, rest) = rest.split_at_checked(end)?;
    let unit: u32 = match unit {
        "ns" => 1,
        // The micro sign, and the Greek letter.
        "us" | "\u{b5}s" | "\u{3bc}s" => 1_000,
        "ms" => 1_000_000,
        "s" => 1_000_000_000,
        "m" => return Some((scaled(before_point, behind_point, 60_000_000_000)?, rest)),
        "h" => return Some((scaled(before_point, behind_point, 3_600_000_000_000)?, rest)),
        _ => return None,
    };
    Some((scaled(before_point, behind_point, u64::from(unit))?, rest))
}

fn split_digits(text: &str) -> (&str, &str) {
    let end = text.find(|character: char| !character.is_ascii_digit()).unwrap_or(text.len());
    text.split_at_checked(end).unwrap_or((text, ""))
}

/// A decimal number times a unit in nanoseconds. The fraction goes by floating point, as there.
fn scaled(before_point: &str, behind_point: &str, unit: u64) -> Option<u64> {
    let push = |number: u64, digit: u8| {
        number
            .checked_mul(10)?
            .checked_add(u64::from(digit.saturating_sub(b'0')))
            .filter(|number| *number <= LIMIT)
    };
    let whole = before_point.bytes().try_fold(0_u64, push)?;
    let whole = whole.checked_mul(unit).filter(|whole| *whole <= LIMIT)?;
    let (mut fraction, mut scale) = (0_u64, 1.0_f64);
    for digit in behind_point.bytes() {
        // Digits that find no more room are dropped.
        let Some(longer) = push(fraction, digit) else { break };
        fraction = longer;
        scale *= 10.0;
    }
    if fraction == 0 {
        return Some(whole);
    }
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "Go rounds and truncates in the same way; the product is no more than a unit"
    )]
    let fraction = (fraction as f64 * (unit as f64 / scale)) as u64;
    whole.checked_add(fraction).filter(|whole| *whole <= LIMIT)
}

/// Seconds, with as many digits behind the point as it takes.
pub(crate) fn format_duration(nanos: i64) -> String {
    const SECOND: i64 = 1_000_000_000;
    #[expect(clippy::cast_precision_loss, reason = "Go's Duration.Seconds")]
    let seconds = (nanos / SECOND) as f64 + (nanos % SECOND) as f64 / 1e9;
    format!("{seconds}s")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each right side is what Go 1.26 gives.
    #[test]
    fn spans_are_read_as_in_go() {
        for (text, expected) in [
            ("0", Some(0)),
            ("-0", Some(0)),
            ("1.5h", Some(5_400_000_000_000)),
            ("1h2m3s4ms5us6ns", Some(3_723_004_005_006)),
            ("-.5s", Some(-500_000_000)),
            ("1.s", Some(1_000_000_000)),
            ("1\u{b5}s1\u{3bc}s", Some(2_000)),
            ("0.9999999999999999999999s", Some(1_000_000_000)),
            ("0.3333333333333333333h", Some(1_200_000_000_000)),
            ("9223372036854775807ns", Some(i64::MAX)),
            ("-9223372036854775808ns", Some(i64::MIN)),
            ("9223372036854775808ns", None),
            ("2562048h", None),
            ("", None),
            ("-", None),
            (".s", None),
            ("1", None),
            ("1d", None),
            ("1 s", None),
            ("1s ", None),
            ("00", None),
        ] {
            assert_eq!(parse_duration(text), expected, "{text}");
        }
        for (nanos, written) in
            [(0, "0s"), (5_400_000_000_000, "5400s"), (-1_500_000_000, "-1.5s"), (1, "0.000000001s")]
        {
            assert_eq!(format_duration(nanos), written);
        }
    }
}
