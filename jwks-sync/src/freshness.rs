//! How long an HTTP answer stays fresh (RFC 9111 4.2). Pure.

use std::time::Duration;

/// The time for which an answer stays fresh, as far as its headers say so: `Cache-Control` before `Expires`, less
/// the `Age` that it already has. `no-cache` and `no-store` mean: not at all.
pub(crate) fn lifetime<'a>(
    cache_control: impl Iterator<Item = &'a str>,
    expires: Option<&str>,
    date: Option<&str>,
    age: Option<&str>,
) -> Option<Duration> {
    let mut max_age = None;
    for directive in cache_control.flat_map(|value| value.split(',')) {
        let (name, value) = directive.split_once('=').unwrap_or((directive, ""));
        let name = name.trim();
        if name.eq_ignore_ascii_case("no-store") || name.eq_ignore_ascii_case("no-cache") {
            return Some(Duration::ZERO);
        }
        // RFC 9111 4.2.1: of several, the first or the shortest; one that can't be read counts as stale.
        if name.eq_ignore_ascii_case("max-age") {
            let seconds = seconds(value).unwrap_or_default();
            max_age = Some(max_age.map_or(seconds, |known: u64| known.min(seconds)));
        }
    }
    let lifetime = match (max_age, expires) {
        (Some(seconds), _) => Duration::from_secs(seconds),
        // RFC 9111 5.3: an invalid date, `0` above all, lies in the past.
        (None, Some(expires)) => until(expires, date).unwrap_or_default(),
        (None, None) => return None,
    };
    let age = age.and_then(seconds).unwrap_or_default();
    Some(lifetime.saturating_sub(Duration::from_secs(age)))
}

/// A number of seconds, quoted or not (RFC 9111 1.2.2); one that is too large counts as the largest.
fn seconds(text: &str) -> Option<u64> {
    let digits = text.trim().trim_matches('"');
    let all_digits = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    all_digits.then(|| digits.parse().unwrap_or(u64::from(u32::MAX)).min(u64::from(u32::MAX)))
}

/// From `Date`, the server's own clock, to `Expires`: ours has no part in it.
fn until(expires: &str, date: Option<&str>) -> Option<Duration> {
    let end = httpdate::parse_http_date(expires).ok()?;
    let start = httpdate::parse_http_date(date?).ok()?;
    end.duration_since(start).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const DATE: &str = "Sun, 06 Nov 1994 08:49:37 GMT";
    const LATER: &str = "Sun, 06 Nov 1994 08:59:37 GMT";

    #[track_caller]
    fn case(
        cache_control: &[&str],
        expires: Option<&str>,
        date: Option<&str>,
        age: Option<&str>,
        want: Option<u64>,
    ) {
        let got = lifetime(cache_control.iter().copied(), expires, date, age);
        assert_eq!(got, want.map(Duration::from_secs));
    }

    #[test]
    fn headers_say_how_long() {
        case(&[], None, None, None, None);
        case(&["public"], None, None, None, None);
        case(&["max-age=300"], None, None, None, Some(300));
        case(&["public, Max-Age=300, must-revalidate"], None, None, None, Some(300));
        case(&["max-age=\"300\""], None, None, None, Some(300));
        case(&["max-age = 300"], None, None, None, Some(300));
        case(&["max-age=300", "max-age=200"], None, None, None, Some(200));
        case(&["max-age=99999999999999999999"], None, None, None, Some(u64::from(u32::MAX)));
        case(&["max-age=-1"], None, None, None, Some(0));
        case(&["max-age"], None, None, None, Some(0));
        case(&["s-maxage=300"], None, None, None, None);
        case(&["no-cache, max-age=300"], None, None, None, Some(0));
        case(&["max-age=300, no-store"], None, None, None, Some(0));
        case(&["max-age=300"], Some(LATER), Some(DATE), None, Some(300));
        case(&["max-age=300"], None, None, Some("100"), Some(200));
        case(&["max-age=300"], None, None, Some("1000"), Some(0));
    }

    #[test]
    fn without_cache_control_expires_counts_from_date() {
        case(&[], Some(LATER), Some(DATE), None, Some(600));
        case(&[], Some(DATE), Some(LATER), None, Some(0));
        case(&[], Some("0"), Some(DATE), None, Some(0));
        case(&[], Some(LATER), None, None, Some(0));
        case(&[], Some(LATER), Some(DATE), Some("60"), Some(540));
    }
}
