//! How Go writes things.

use std::fmt::Write as _;

use crate::config::quote;
use crate::json::Value;

/// Longest text of a token that is repeated whole, in characters.
const MAX_SHOWN: usize = 256;

/// What Go's encoding/json calls a value.
pub(super) const fn kind(value: Value<'_>) -> &'static str {
    match value {
        Value::Array(_) => "array",
        Value::Bool(_) => "bool",
        Value::Null => "null",
        Value::Number(_) => "number",
        Value::Object(_) => "object",
        Value::String(_) => "string",
    }
}

/// `json.UnmarshalTypeError` for a value that is decoded alone.
pub(super) fn not_a(value: Value<'_>, go_type: &str) -> String {
    format!("json: cannot unmarshal {} into Go value of type {go_type}", kind(value))
}

/// `%q` of a text of the token, not at any length.
pub(super) fn shown(untrusted_text: &str) -> String {
    match untrusted_text.char_indices().nth(MAX_SHOWN) {
        Some((end, _)) => [quote(untrusted_text.get(..end).unwrap_or_default()), "...".to_owned()].concat(),
        None => quote(untrusted_text),
    }
}

/// `%q` of a `[]string`.
pub(super) fn quoted_list<'t>(texts: impl IntoIterator<Item = &'t str>) -> String {
    let quoted: Vec<String> = texts.into_iter().map(shown).collect();
    ["[", &quoted.join(" "), "]"].concat()
}

/// `%v` of `time.Unix(seconds, 0)` in UTC.
pub(super) fn time(seconds: i64) -> String {
    const DAY: i64 = 86_400;
    let (days, second) = (seconds.div_euclid(DAY), seconds.rem_euclid(DAY));
    let (year, month, day) = date(days);
    let sign = if year < 0 { "-" } else { "" };
    let mut text = format!("{sign}{:04}-{month:02}-{day:02}", year.unsigned_abs());
    let (hour, minute) = (second.div_euclid(3_600), second.div_euclid(60).rem_euclid(60));
    // Writing to a String can't fail.
    let _ = write!(text, " {hour:02}:{minute:02}:{:02} +0000 UTC", second.rem_euclid(60));
    text
}

/// Year, month and day of the day that lies so many days behind 1970-01-01. Years begin with March here, so that the odd
/// day stands at their end, and repeat after 400.
#[expect(
    clippy::arithmetic_side_effects,
    reason = "days of an i64 of seconds are far from the ends of an i64"
)]
const fn date(days: i64) -> (i64, i64, i64) {
    // From 0000-03-01.
    let days = days + 719_468;
    let (cycle, day) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let day = day - (153 * month + 2) / 5 + 1;
    let (month, next_year) = if month < 10 { (month + 3, 0) } else { (month - 9, 1) };
    (cycle * 400 + year + next_year, month, day)
}

/// Where `base64.RawURLEncoding` finds a text wrong. It takes any trailing bits.
pub(super) fn base64_error(text: &str) -> Option<String> {
    let is_digit = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    let bad = text.bytes().position(|byte| !is_digit(byte));
    // One character alone is no byte.
    let alone = || (text.len() % 4 == 1).then(|| text.len().saturating_sub(1));
    bad.or_else(alone).map(|at| format!("illegal base64 data at input byte {at}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_as_go_writes_them() {
        for (seconds, text) in [
            (0, "1970-01-01 00:00:00 +0000 UTC"),
            (-1, "1969-12-31 23:59:59 +0000 UTC"),
            (951_782_400, "2000-02-29 00:00:00 +0000 UTC"),
            (1_800_000_000, "2027-01-15 08:00:00 +0000 UTC"),
            (253_402_300_800, "10000-01-01 00:00:00 +0000 UTC"),
            (-62_135_596_800, "0001-01-01 00:00:00 +0000 UTC"),
            (-62_135_596_801, "0000-12-31 23:59:59 +0000 UTC"),
            (9_000_000_000_000_000_000, "285198648531-04-21 16:00:00 +0000 UTC"),
            (-9_000_000_000_000_000_000, "-285198644592-09-12 08:00:00 +0000 UTC"),
        ] {
            assert_eq!(time(seconds), text);
        }
    }

    #[test]
    fn a_long_text_is_cut() {
        assert_eq!(shown("a\u{1b}\"é"), r#""a\x1b\"é""#);
        assert_eq!(shown(&"é".repeat(MAX_SHOWN)).chars().count(), MAX_SHOWN + 2);
        assert_eq!(shown(&"é".repeat(MAX_SHOWN + 1)).chars().count(), MAX_SHOWN + 5);
        assert_eq!(quoted_list(["a b", ""]), r#"["a b" ""]"#);
    }
}
