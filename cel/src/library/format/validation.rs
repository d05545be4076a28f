//! What is wrong with a text, in Kubernetes' words (k8s.io/apimachinery `pkg/util/validation` and
//! `pkg/api/validate/content`; k8s.io/kube-openapi `strfmt`). The regular expressions stand in the messages; what they
//! match is read byte by byte.

use super::NamedFormat;
use crate::library::url::parse_request_uri;

const DNS1123_LABEL: &str = "[a-z0-9]([-a-z0-9]*[a-z0-9])?";
const DNS1123_SUBDOMAIN: &str = r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*";
const DNS1035_LABEL: &str = "[a-z]([-a-z0-9]*[a-z0-9])?";
const LABEL_KEY: &str = "([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]";
const LABEL_VALUE: &str = "(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?";

const MAX_LABEL: usize = 63;
const MAX_SUBDOMAIN: usize = 253;

/// What is wrong with a text; nothing if it has the format.
pub(super) fn problems(format: NamedFormat, text: &str) -> Vec<String> {
    let bytes = text.as_bytes();
    let unless = |is_valid: bool, problem: &str| if is_valid { vec![] } else { vec![problem.to_owned()] };
    match format {
        NamedFormat::Byte => unless(is_base64(bytes), "invalid base64"),
        NamedFormat::Date => unless(is_date(bytes), "invalid date"),
        NamedFormat::DateTime => unless(is_date_time(text), "invalid datetime"),
        NamedFormat::Dns1035Label => dns1035_label(bytes),
        NamedFormat::Dns1035LabelPrefix => dns1035_label(&mask_trailing_dash(bytes)),
        NamedFormat::Dns1123Label => dns1123_label(bytes),
        NamedFormat::Dns1123LabelPrefix => dns1123_label(&mask_trailing_dash(bytes)),
        NamedFormat::Dns1123Subdomain => dns1123_subdomain(bytes, "characters"),
        NamedFormat::Dns1123SubdomainPrefix => dns1123_subdomain(&mask_trailing_dash(bytes), "characters"),
        NamedFormat::LabelValue => label_value(bytes),
        NamedFormat::QualifiedName => label_key(text),
        NamedFormat::Uri => parse_request_uri(text).err().into_iter().collect(),
        NamedFormat::Uuid => unless(is_uuid(bytes), "does not match the UUID format"),
    }
}

/// What ends with a dash ends with an `a` instead, the byte before the dash being lost (`maskTrailingDash`).
fn mask_trailing_dash(text: &[u8]) -> Vec<u8> {
    match text {
        [before @ .., _, b'-'] => [before, b"a"].concat(),
        _ => text.to_vec(),
    }
}

fn dns1123_label(text: &[u8]) -> Vec<String> {
    let mut problems = too_long(text, MAX_LABEL, "characters");
    if !is_dns1123_label(text) {
        problems.push(if is_dns1123_subdomain(text) {
            "must not contain dots".to_owned()
        } else {
            mismatch(
                "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must \
                 start and end with an alphanumeric character",
                DNS1123_LABEL,
                &["my-name", "123-abc"],
            )
        });
    }
    problems
}

fn dns1123_subdomain(text: &[u8], unit: &str) -> Vec<String> {
    let mut problems = too_long(text, MAX_SUBDOMAIN, unit);
    if !is_dns1123_subdomain(text) {
        problems.push(mismatch(
            "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must \
             start and end with an alphanumeric character",
            DNS1123_SUBDOMAIN,
            &["example.com"],
        ));
    }
    problems
}

fn dns1035_label(text: &[u8]) -> Vec<String> {
    let mut problems = too_long(text, MAX_LABEL, "characters");
    if !(is_dns1123_label(text) && text.first().is_some_and(u8::is_ascii_lowercase)) {
        problems.push(mismatch(
            "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic \
             character, and end with an alphanumeric character",
            DNS1035_LABEL,
            &["my-name", "abc-123"],
        ));
    }
    problems
}

/// `IsLabelKey`, which is what a qualified name is.
fn label_key(text: &str) -> Vec<String> {
    let form = || {
        mismatch(
            "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric \
             character",
            LABEL_KEY,
            &["MyName", "my.name", "123-abc"],
        )
    };
    let (prefix, name) = match text.split_once('/') {
        None => (None, text),
        Some((prefix, name)) if !name.contains('/') => (Some(prefix), name),
        Some(_) => {
            return vec![format!(
                "a valid label key {} with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')",
                form()
            )];
        }
    };
    let mut problems = Vec::new();
    match prefix {
        Some("") => problems.push("prefix part must be non-empty".to_owned()),
        Some(prefix) => {
            let of_prefix = dns1123_subdomain(prefix.as_bytes(), "bytes");
            problems.extend(of_prefix.into_iter().map(|problem| format!("prefix part {problem}")));
        }
        None => {}
    }
    if name.is_empty() {
        problems.push("name part must be non-empty".to_owned());
    }
    let of_name = too_long(name.as_bytes(), MAX_LABEL, "bytes");
    problems.extend(of_name.into_iter().map(|problem| format!("name part {problem}")));
    if !is_label_key_name(name.as_bytes()) {
        problems.push(format!("name part {}", form()));
    }
    problems
}

fn label_value(text: &[u8]) -> Vec<String> {
    let mut problems = too_long(text, MAX_LABEL, "bytes");
    if !(text.is_empty() || is_label_key_name(text)) {
        problems.push(mismatch(
            "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must \
             start and end with an alphanumeric character",
            LABEL_VALUE,
            &["MyValue", "my_value", "12345"],
        ));
    }
    problems
}

/// `MaxLenError`, of which Kubernetes has two wordings.
fn too_long(text: &[u8], limit: usize, unit: &str) -> Vec<String> {
    if text.len() > limit { vec![format!("must be no more than {limit} {unit}")] } else { vec![] }
}

/// `RegexError`, with its two spaces before each `or`.
fn mismatch(rule: &str, regex: &str, examples: &[&str]) -> String {
    let examples: Vec<String> = examples.iter().map(|example| format!("'{example}', ")).collect();
    format!("{rule} (e.g. {}regex used for validation is '{regex}')", examples.join(" or "))
}

fn is_dns1123_label(text: &[u8]) -> bool {
    let is_inside = |byte: &u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    text.iter().all(|byte| is_inside(byte) || *byte == b'-')
        && text.first().is_some_and(is_inside)
        && text.last().is_some_and(is_inside)
}

fn is_dns1123_subdomain(text: &[u8]) -> bool {
    text.split(|byte| *byte == b'.').all(is_dns1123_label)
}

fn is_label_key_name(text: &[u8]) -> bool {
    text.iter().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(byte))
        && text.first().is_some_and(u8::is_ascii_alphanumeric)
        && text.last().is_some_and(u8::is_ascii_alphanumeric)
}

/// Groups of four, of which the last may end with one or two `=`; never nothing (govalidator `IsBase64`).
fn is_base64(text: &[u8]) -> bool {
    let digits = text.strip_suffix(b"==").or_else(|| text.strip_suffix(b"=")).unwrap_or(text);
    !text.is_empty()
        && text.len().is_multiple_of(4)
        && digits.iter().all(|byte| byte.is_ascii_alphanumeric() || b"+/".contains(byte))
}

/// strfmt `UUIDPattern`: each dash may be missing.
fn is_uuid(text: &[u8]) -> bool {
    let mut rest = text;
    for (position, length) in [8, 4, 4, 4, 12].into_iter().enumerate() {
        if position > 0 {
            rest = rest.strip_prefix(b"-").unwrap_or(rest);
        }
        let Some((group, behind)) = rest.split_at_checked(length) else { return false };
        if !group.iter().all(u8::is_ascii_hexdigit) {
            return false;
        }
        rest = behind;
    }
    rest.is_empty()
}

/// Go's `time.Parse("2006-01-02")`.
fn is_date(text: &[u8]) -> bool {
    let &[y1, y2, y3, y4, b'-', m1, m2, b'-', d1, d2] = text else { return false };
    let (Some(century), Some(year)) = (two_digits(y1, y2), two_digits(y3, y4)) else { return false };
    let (Some(month), Some(day)) = (two_digits(m1, m2), two_digits(d1, d2)) else { return false };
    let is_leap = if year == 0 { century % 4 == 0 } else { year % 4 == 0 };
    let days = match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 if is_leap => 29,
        2 => 28,
        _ => 0,
    };
    (1..=days).contains(&day)
}

/// strfmt `IsDateTime`: seconds end with 59, a fraction may start with any character, hours of a zone are not looked at,
/// and neither is what follows a second `T`.
fn is_date_time(text: &str) -> bool {
    let mut parts = text.split(['t', 'T']);
    let (Some(date), Some(time)) = (parts.next(), parts.next()) else { return false };
    let Some((clock, rest)) = time.split_at_checked(8) else { return false };
    let &[h1, h2, b':', m1, m2, b':', s1, s2] = clock.as_bytes() else { return false };
    let is_clock = two_digits(h1, h2).is_some_and(|hours| hours <= 23)
        && two_digits(m1, m2).is_some_and(|minutes| minutes <= 59)
        && two_digits(s1, s2).is_some_and(|seconds| seconds <= 59);
    is_date(date.as_bytes()) && is_clock && (is_zone(rest) || is_zone_behind_fraction(rest))
}

/// `.[0-9]+` before a zone: any character but a line feed, then digits, of which a zone has none in front.
fn is_zone_behind_fraction(text: &str) -> bool {
    let mut characters = text.chars();
    if characters.next().is_none_or(|first| first == '\n') {
        return false;
    }
    let behind = characters.as_str();
    let zone = behind.trim_start_matches(|c: char| c.is_ascii_digit());
    zone.len() < behind.len() && is_zone(zone)
}

fn is_zone(text: &str) -> bool {
    match text.as_bytes() {
        [b'z' | b'Z'] => true,
        &[b'+' | b'-', h1, h2, b':', m1, m2] => two_digits(h1, h2).is_some() && two_digits(m1, m2).is_some(),
        _ => false,
    }
}

fn two_digits(tens: u8, ones: u8) -> Option<u8> {
    let digit = |byte: u8| byte.is_ascii_digit().then(|| byte.wrapping_sub(b'0'));
    digit(tens)?.checked_mul(10)?.checked_add(digit(ones)?)
}
