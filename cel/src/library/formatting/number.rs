//! Numbers as golang.org/x/text/message writes them for `en_US`: thousands apart, and powers of ten in the way of print.

use super::DEFAULT_PRECISION;

/// `%.2f`: `1,234.50`.
pub(super) fn fixed(number: f64, precision: u16) -> String {
    if let Some(special) = special(number) {
        return special;
    }
    let digits = format!("{:.*}", precision.into(), number.abs());
    let (whole, fraction) = digits.split_once('.').unwrap_or((&digits, ""));
    let mut text = sign(number);
    let length = whole.len();
    for (at, digit) in whole.chars().enumerate() {
        if at > 0 && length.saturating_sub(at) % 3 == 0 {
            text.push(',');
        }
        text.push(digit);
    }
    push_fraction(&mut text, fraction, precision);
    text
}

/// `%e`: `1.234500×10⁰³`. What stands for its precision is a width there: cel-go leaves the point out.
pub(super) fn scientific(number: f64, width: u16) -> String {
    let text = special(number).unwrap_or_else(|| power_of_ten(number));
    format!("{text:>width$}", width = width.into())
}

fn power_of_ten(number: f64) -> String {
    let digits = format!("{:.*e}", DEFAULT_PRECISION.into(), number.abs());
    let (mantissa, exponent) = digits.split_once('e').unwrap_or((&digits, "0"));
    let mut text = sign(number);
    text.push_str(mantissa);
    text.push_str("×10");
    let exponent = match exponent.strip_prefix('-') {
        Some(exponent) => {
            text.push('\u{207b}');
            exponent
        }
        None => exponent,
    };
    if exponent.len() < 2 {
        text.push(superscript('0'));
    }
    text.extend(exponent.chars().map(superscript));
    text
}

fn special(number: f64) -> Option<String> {
    match number {
        _ if number.is_nan() => Some("NaN".to_owned()),
        f64::INFINITY => Some("∞".to_owned()),
        f64::NEG_INFINITY => Some("-∞".to_owned()),
        _ => None,
    }
}

/// Zero has no sign there.
fn sign(number: f64) -> String {
    if number < 0.0 { "-".to_owned() } else { String::new() }
}

/// Zeros at the end are shown up to the precision, of which x/text keeps eight bits for that.
fn push_fraction(text: &mut String, fraction: &str, precision: u16) {
    let shown = fraction.trim_end_matches('0');
    let width = usize::from(precision % 256);
    if shown.is_empty() && width == 0 {
        return;
    }
    text.push('.');
    text.push_str(shown);
    text.extend(std::iter::repeat_n('0', width.saturating_sub(shown.len())));
}

const fn superscript(digit: char) -> char {
    match digit {
        '1' => '\u{b9}',
        '2' => '\u{b2}',
        '3' => '\u{b3}',
        '4' => '\u{2074}',
        '5' => '\u{2075}',
        '6' => '\u{2076}',
        '7' => '\u{2077}',
        '8' => '\u{2078}',
        '9' => '\u{2079}',
        _ => '\u{2070}',
    }
}
