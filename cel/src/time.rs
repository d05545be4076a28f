//! Moments and spans of time as Go reads and writes them (`time.Parse`, `time.ParseDuration`).

mod duration;

use std::fmt;

pub(crate) use duration::{format_duration, parse_duration};

const DAY: i64 = 86_400;

/// A moment, and the zone in which it is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timestamp {
    /// Seconds since 1970.
    pub seconds: i64,
    /// Nanoseconds beyond them: less than 1,000,000,000.
    pub nanos: u32,
    /// How far the zone in which it is written is east of UTC.
    pub offset_minutes: i64,
}

/// A date and a time of day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Civil {
    pub(crate) year: i64,
    /// From 1.
    pub(crate) month: i64,
    /// From 1.
    pub(crate) day: i64,
    /// From 0.
    pub(crate) day_of_year: i64,
    /// From 0, Sunday.
    pub(crate) weekday: i64,
    pub(crate) hour: i64,
    pub(crate) minute: i64,
    pub(crate) second: i64,
}

impl Timestamp {
    /// The moment itself, wherever it is written.
    pub(crate) const fn moment(self) -> (i64, u32) {
        (self.seconds, self.nanos)
    }

    /// What a calendar and a clock say, so many seconds east of UTC.
    pub(crate) fn civil(self, offset_seconds: i64) -> Civil {
        let local = self.seconds.saturating_add(offset_seconds);
        let (day_number, second) = (local.div_euclid(DAY), local.rem_euclid(DAY));
        let (year, month, day) = civil(day_number);
        Civil {
            year,
            month,
            day,
            day_of_year: day_number.saturating_sub(days(year, 1, 1)),
            // 1970 began with a Thursday.
            weekday: day_number.saturating_add(4).rem_euclid(7),
            hour: second / 3600,
            minute: second / 60 % 60,
            second: second % 60,
        }
    }

    /// So many nanoseconds later; `None` beyond the years that there are.
    pub(crate) fn plus(self, nanos: i64) -> Option<Self> {
        const SECOND: i128 = 1_000_000_000;
        let all = i128::from(self.seconds).checked_mul(SECOND)?.checked_add(i128::from(self.nanos))?;
        let all = all.checked_add(i128::from(nanos))?;
        let seconds = i64::try_from(all.div_euclid(SECOND)).ok()?;
        let nanos = u32::try_from(all.rem_euclid(SECOND)).ok()?;
        Some(Self { seconds, nanos, ..self }).filter(|moment| moment.is_in_range())
    }

    /// Nanoseconds from the other to this one.
    pub(crate) fn since(self, other: Self) -> Option<i64> {
        let seconds = self.seconds.checked_sub(other.seconds)?.checked_mul(1_000_000_000)?;
        seconds.checked_add(i64::from(self.nanos).checked_sub(i64::from(other.nanos))?)
    }

    /// Whether it lies in the years 1 to 9999.
    pub(crate) fn is_in_range(self) -> bool {
        (-62_135_596_800..=253_402_300_799).contains(&self.seconds)
    }
}

/// `time.RFC3339Nano`.
impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Civil { year, month, day, hour, minute, second, .. } =
            self.civil(self.offset_minutes.saturating_mul(60));
        write!(f, "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}")?;
        if self.nanos > 0 {
            let digits = format!("{:09}", self.nanos);
            write!(f, ".{}", digits.trim_end_matches('0'))?;
        }
        if self.offset_minutes == 0 {
            return f.write_str("Z");
        }
        let sign = if self.offset_minutes < 0 { '-' } else { '+' };
        let minutes = self.offset_minutes.unsigned_abs();
        write!(f, "{sign}{:02}:{:02}", minutes / 60, minutes % 60)
    }
}

/// Reads a moment in the form of RFC 3339, with what Go's `time.Parse` takes beyond that: an hour of one digit, a comma
/// before the fraction, and offsets up to 24:60.
pub(crate) fn parse_timestamp(text: &str) -> Option<Timestamp> {
    let mut rest = Rest(text.as_bytes());
    let year = rest.digits(4)?;
    rest.literal(b'-')?;
    let month = rest.digits(2)?;
    rest.literal(b'-')?;
    let day = rest.digits(2)?;
    rest.literal(b'T')?;
    let hour = rest.digits(2).or_else(|| rest.digits(1))?;
    rest.literal(b':')?;
    let minute = rest.digits(2)?;
    rest.literal(b':')?;
    let second = rest.digits(2)?;
    let nanos = rest.fraction()?;
    let offset_minutes = rest.zone()?;
    let is_date = (1..=12).contains(&month) && (1..=days_in(year, month)).contains(&day);
    if !is_date || hour > 23 || minute > 59 || second > 59 || !rest.0.is_empty() {
        return None;
    }
    let local = days(year, month, day)
        .checked_mul(DAY)?
        .checked_add(hour.checked_mul(3600)?)?
        .checked_add(minute.checked_mul(60)?)?
        .checked_add(second)?;
    Some(Timestamp { seconds: local.checked_sub(offset_minutes.checked_mul(60)?)?, nanos, offset_minutes })
}

/// What is not read yet.
struct Rest<'a>(&'a [u8]);

impl Rest<'_> {
    fn literal(&mut self, expected: u8) -> Option<()> {
        let (first, rest) = self.0.split_first()?;
        self.0 = rest;
        (*first == expected).then_some(())
    }

    /// Exactly so many digits.
    fn digits(&mut self, count: usize) -> Option<i64> {
        let (digits, rest) = self.0.split_at_checked(count)?;
        let number = digits.iter().try_fold(0_i64, |number, digit| {
            let digit = char::from(*digit).to_digit(10)?;
            number.checked_mul(10)?.checked_add(i64::from(digit))
        })?;
        self.0 = rest;
        Some(number)
    }

    /// Nanoseconds, if there is a fraction; further digits are dropped.
    fn fraction(&mut self) -> Option<u32> {
        let [b'.' | b',', behind @ ..] = self.0 else { return Some(0) };
        let length = behind.iter().take_while(|byte| byte.is_ascii_digit()).count();
        if length == 0 {
            return Some(0);
        }
        let (digits, rest) = behind.split_at_checked(length)?;
        self.0 = rest;
        let digits = digits.iter().copied().chain(std::iter::repeat(b'0')).take(9);
        digits.into_iter().try_fold(0_u32, |nanos, digit| {
            nanos.checked_mul(10)?.checked_add(char::from(digit).to_digit(10)?)
        })
    }

    /// Minutes east of UTC.
    fn zone(&mut self) -> Option<i64> {
        if let [b'Z', rest @ ..] = self.0 {
            self.0 = rest;
            return Some(0);
        }
        let (sign, rest) = self.0.split_first()?;
        self.0 = rest;
        let sign = match sign {
            b'+' => 1,
            b'-' => -1,
            _ => return None,
        };
        let hours = self.digits(2)?;
        self.literal(b':')?;
        let minutes = self.digits(2)?;
        if hours > 24 || minutes > 60 {
            return None;
        }
        hours.checked_mul(60)?.checked_add(minutes)?.checked_mul(sign)
    }
}

fn is_leap(year: i64) -> bool {
    year.rem_euclid(4) == 0 && (year.rem_euclid(100) != 0 || year.rem_euclid(400) == 0)
}

fn days_in(year: i64, month: i64) -> i64 {
    match month {
        2 if is_leap(year) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days from 1970-01-01 to a date of the Gregorian calendar. Years are counted from March on, so that a leap day is the
/// last of one.
fn days(year: i64, month: i64, day: i64) -> i64 {
    let (year, month) = if month > 2 {
        (year, month.saturating_sub(3))
    } else {
        (year.saturating_sub(1), month.saturating_add(9))
    };
    let day_of_year = month.saturating_mul(153).saturating_add(2) / 5;
    let leap_days =
        year.div_euclid(4).saturating_sub(year.div_euclid(100)).saturating_add(year.div_euclid(400));
    let before_year = year.saturating_mul(365).saturating_add(leap_days);
    // 719,469 days lie between the first of March of the year 0 and 1970-01-01, counted with the first day as 1.
    before_year.saturating_add(day_of_year).saturating_add(day).saturating_sub(719_469)
}

/// The date that is so many days after 1970-01-01.
fn civil(days_since: i64) -> (i64, i64, i64) {
    // No year has more days than 366, none of its months more than 31: the guesses are never too high.
    let mut year = days_since.div_euclid(366).saturating_add(1970);
    if days_since < 0 {
        year = days_since.div_euclid(365).saturating_add(1970);
    }
    while days(year.saturating_add(1), 1, 1) <= days_since {
        year = year.saturating_add(1);
    }
    while days(year, 1, 1) > days_since {
        year = year.saturating_sub(1);
    }
    let month = (1..=12).rev().find(|month| days(year, *month, 1) <= days_since).unwrap_or(1);
    (year, month, days_since.saturating_sub(days(year, month, 1)).saturating_add(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each right side is what Go 1.26 gives.
    #[test]
    fn moments_are_read_and_written_as_in_go() {
        for (text, seconds, written) in [
            ("1970-01-01T00:00:00Z", 0, "1970-01-01T00:00:00Z"),
            ("2020-01-01T1:00:00,5+01:00", 1_577_836_800, "2020-01-01T01:00:00.5+01:00"),
            ("2024-02-29T23:59:59.123456789987Z", 1_709_251_199, "2024-02-29T23:59:59.123456789Z"),
            ("2026-11-29T12:00:00-03:30", 1_795_966_200, "2026-11-29T12:00:00-03:30"),
            ("0001-01-01T00:00:00Z", -62_135_596_800, "0001-01-01T00:00:00Z"),
            ("9999-12-31T23:59:59Z", 253_402_300_799, "9999-12-31T23:59:59Z"),
            ("1969-12-31T23:59:59.9Z", -1, "1969-12-31T23:59:59.9Z"),
            ("2000-03-01T00:00:00-24:60", 951_958_800, "2000-03-01T00:00:00-25:00"),
        ] {
            let moment = parse_timestamp(text).unwrap_or_else(|| panic!("{text}"));
            assert_eq!((moment.seconds, moment.to_string().as_str()), (seconds, written));
        }
        for text in [
            "",
            "2020-01-01",
            "2020-1-01T00:00:00Z",
            "2020-01-01t00:00:00Z",
            "2020-01-01T00:00:00z",
            "2020-01-01T00:00:00",
            "2020-01-01T00:00:00Zx",
            "2020-01-01T00:00:00.Z",
            "2020-01-01T24:00:00Z",
            "2020-01-01T00:60:00Z",
            "2020-01-01T00:00:60Z",
            "2020-02-30T00:00:00Z",
            "2023-02-29T00:00:00Z",
            "2020-00-01T00:00:00Z",
            "2020-13-01T00:00:00Z",
            "2020-01-00T00:00:00Z",
            "2020-01-01T00:00:00+25:00",
            "2020-01-01T00:00:00+00:61",
            "2020-01-01T00:00:00+0100",
            "+020-01-01T00:00:00Z",
        ] {
            assert_eq!(parse_timestamp(text), None, "{text}");
        }
        assert!(!parse_timestamp("0000-12-31T23:59:59Z").unwrap().is_in_range());
    }
}
