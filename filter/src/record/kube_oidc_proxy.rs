//! kube-oidc-proxy's line (its `pkg/proxy/logging`), after the timestamp:
//!
//! ```text
//! AuSuccess src:[10.42.0.5 / 10.42.1.3] URI:/api/v1/pods?limit=500 inbound:[alice / dev|ops / k=v|w ]
//! AuSuccess src:[10.42.1.3 / ] URI:/api inbound:[alice / dev / ] outbound:[bob / ops /  / k=v ]
//! AuFail src:[10.42.1.3 / ] URI:/api
//! ```
//! - `src`: who opened the connection, then the client, if that is somebody else. Without a peer, the client stands
//!   first.
//! - `inbound`: who authenticated: name, groups, extra. `outbound`: whom the user acts as: name, groups, uid, extra.
//! - Groups and the values of a key are joined by `|`; each key with its values ends with a blank.
//!
//! kube-oidc-proxy prints names as they come, and by one with a line end or a bracket somebody else could write lines
//! and fields. Here what could be taken for the line's own structure is `%XX`, byte by byte; nothing else changes:
//!
//! | where | what |
//! |---|---|
//! | everywhere | control characters, other line ends, what turns the reading direction; `[` and `]` |
//! | in the URI | blanks and what is not ASCII |
//! | in names, uids, groups, extra | `%`; a `/` that a blank or the value's end stands on both sides of |
//! | in groups, extra | a `|` |
//! | in extra | in keys: a blank and `=`; in values: `=` where a blank came before it |

use std::fmt::Write as _;

use super::text::{Bounded, is_unprintable, uri};
use super::{Outcome, RequestRecord, User};

/// Bytes of a URI, of all groups of a user, of all of a user's extra, and of a name or uid.
const MAX_URI: usize = 4096;
const MAX_GROUPS: usize = 3072;
const MAX_EXTRA: usize = 2048;
const MAX_NAME: usize = 512;
/// Bytes of a line: no more than this. What was cut ends with `...TRUNCATED`.
pub const MAX_BYTES: usize = 16 * 1024;

/// The line for a request, without timestamp and line end.
#[must_use]
pub fn line(record: &RequestRecord<'_>) -> String {
    let verdict = match record.outcome {
        Outcome::Forwarded => "AuSuccess",
        Outcome::Refused { .. } => "AuFail",
    };
    // From the client inwards, and here it is the other way round.
    let mut sources: Vec<_> = record.sources().map(|address| address.to_string()).collect();
    sources.reverse();
    let mut sources = sources.into_iter();
    let (peer, client) = (sources.next().unwrap_or_default(), sources.next().unwrap_or_default());
    let uri = uri(record.path, MAX_URI, b"[]").into_text();
    let mut line = format!("{verdict} src:[{peer} / {client}] URI:{uri}");
    if record.outcome == Outcome::Forwarded
        && let Some(user) = &record.user
    {
        let (name, groups, extra) = (name(user.name), groups(user.groups), extra(user.extra));
        _ = write!(line, " inbound:[{name} / {groups} / {extra}]");
        if let Some(User { name, uid, groups, extra }) = &record.impersonated {
            let (name, groups) = (self::name(name), self::groups(groups));
            let (uid, extra) = (self::name(uid), self::extra(extra));
            _ = write!(line, " outbound:[{name} / {groups} / {uid} / {extra}]");
        }
    }
    line
}

/// A name or a uid.
fn name(name: &str) -> String {
    let mut text = Bounded::new(MAX_NAME);
    push(&mut text, name, |_| false);
    text.into_text()
}

/// Groups, joined by `|`.
pub(super) fn groups(groups: &[String]) -> String {
    let mut text = Bounded::with_room(MAX_GROUPS, joined(groups));
    push_joined(&mut text, groups, |character| character == '|');
    text.into_text()
}

/// Keys with their values.
pub(super) fn extra(extra: &[(String, Vec<String>)]) -> String {
    let room = extra.iter().map(|(key, values)| [key.len(), 2, joined(values)].iter().sum::<usize>());
    let mut text = Bounded::with_room(MAX_EXTRA, room.sum());
    for (key, values) in extra {
        push(&mut text, key, |character| matches!(character, ' ' | '=' | '|'));
        text.push("=");
        // Behind a blank, `x=` would be the next key.
        let mut has_blank = false;
        push_joined(&mut text, values, |character| {
            has_blank = has_blank || character == ' ';
            character == '|' || (has_blank && character == '=')
        });
        text.push(" ");
        if text.is_cut() {
            break;
        }
    }
    text.into_text()
}

/// Bytes of values that are joined, if nothing is escaped.
fn joined(values: &[String]) -> usize {
    values.iter().map(|value| value.len().saturating_add(1)).sum()
}

fn push_joined(text: &mut Bounded, values: &[String], mut is_structure: impl FnMut(char) -> bool) {
    for (position, value) in values.iter().enumerate() {
        if position > 0 {
            text.push("|");
        }
        push(text, value, &mut is_structure);
        if text.is_cut() {
            break;
        }
    }
}

/// By byte, whether it is no structure in a value of such bytes alone: a `/` is none where no blank is, of `=` the
/// caller knows.
#[expect(clippy::indexing_slicing, clippy::cast_possible_truncation, reason = "bytes, at compile time")]
const PLAIN: [bool; 256] = {
    let mut table = [false; 256];
    let mut byte = 0_usize;
    while byte < table.len() {
        table[byte] = is_plain(byte as u8);
        byte = byte.saturating_add(1);
    }
    table
};

const fn is_plain(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
        || matches!(byte, b'-' | b'_' | b'.' | b':' | b'@' | b'/' | b',' | b'+' | b'=')
}

/// Whether a value can stand as it is, if `=` is no structure.
fn is_all_plain(value: &str) -> bool {
    let is_plain = |byte: u8| PLAIN.get(usize::from(byte)).is_some_and(|is_plain| *is_plain);
    // To the end, without a branch at each byte.
    value.bytes().fold(true, |all, byte| all & is_plain(byte)) && value != "/"
}

/// Adds a value, with what is structure in it escaped.
fn push(text: &mut Bounded, value: &str, mut is_structure: impl FnMut(char) -> bool) {
    let is_harmless = is_all_plain(value) && !(is_structure('=') && value.contains('='));
    if is_harmless && text.has_room(value) {
        text.push(value);
        return;
    }
    let is_blank_or_end = |neighbour: Option<char>| neighbour.is_none_or(|character| character == ' ');
    let mut characters = value.chars().peekable();
    let mut before = None;
    while let Some(character) = characters.next() {
        let is_separator =
            character == '/' && is_blank_or_end(before) && is_blank_or_end(characters.peek().copied());
        let is_escaped = is_structure(character)
            || is_separator
            || matches!(character, '%' | '[' | ']')
            || is_unprintable(character);
        if is_escaped {
            for byte in character.encode_utf8(&mut [0; 4]).bytes() {
                text.push_percent(byte);
            }
        } else {
            text.push_char(character);
        }
        if text.is_cut() {
            break;
        }
        before = Some(character);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::text::CUT;

    fn strings(values: &[&str]) -> Vec<String> {
        values.iter().map(|value| (*value).to_owned()).collect()
    }

    fn keys(extra: &[(&str, &[&str])]) -> Vec<(String, Vec<String>)> {
        extra.iter().map(|(key, values)| ((*key).to_owned(), strings(values))).collect()
    }

    fn record(path: &str) -> RequestRecord<'_> {
        RequestRecord {
            outcome: Outcome::Forwarded,
            method: b"GET",
            path: path.as_bytes(),
            user: None,
            impersonated: None,
            source: "10.42.1.3".parse().ok(),
            peer: "10.42.0.5".parse().ok(),
            user_agent: b"",
            audit_id: b"",
        }
    }

    #[test]
    fn ordinary_requests_look_as_kube_oidc_proxy_writes_them() {
        let (groups, none) = (strings(&["system:masters", "/teams/dev", "cn=ops,dc=example"]), Vec::new());
        let extra = keys(&[("k", &["v"]), ("k2", &["a b", "c"])]);
        let alice = User { name: "auth0|CORP\\alice@example.com", uid: "u", groups: &groups, extra: &extra };
        let bob = User { name: "Bob Jones", uid: "7", groups: &none, extra: &[] };
        let path = "/api/v1/namespaces/openunison/pods?limit=500";
        let known = RequestRecord { user: Some(alice), ..record(path) };
        let inbound =
            "auth0|CORP\\alice@example.com / system:masters|/teams/dev|cn=ops,dc=example / k=v k2=a b|c ";
        assert_eq!(
            line(&known),
            format!("AuSuccess src:[10.42.0.5 / 10.42.1.3] URI:{path} inbound:[{inbound}]")
        );
        assert_eq!(
            line(&RequestRecord { impersonated: Some(bob), peer: None, ..known }),
            format!(
                "AuSuccess src:[10.42.1.3 / ] URI:{path} inbound:[{inbound}] outbound:[Bob Jones /  / 7 / ]"
            )
        );
        let refused = RequestRecord { outcome: Outcome::Refused { reason: "expired" }, ..known };
        assert_eq!(line(&refused), format!("AuFail src:[10.42.0.5 / 10.42.1.3] URI:{path}"));
        let local = "2001:db8::1".parse().ok();
        let nobody = RequestRecord { source: local, peer: local, ..record("/") };
        assert_eq!(line(&nobody), "AuSuccess src:[2001:db8::1 / ] URI:/");
        let nowhere = RequestRecord { source: None, peer: None, ..record("/") };
        assert_eq!(line(&nowhere), "AuSuccess src:[ / ] URI:/");
    }

    #[test]
    fn no_name_is_taken_for_a_field_or_a_line() {
        for (given, expected) in [
            ("alice", None),
            ("a/b", None),
            ("/a", None),
            ("a/", None),
            ("a /b", None),
            ("a= b=", None),
            ("\u{e9}\u{4e16} caf\u{e9}", None),
            ("a / b", Some("a %2F b")),
            ("a /", Some("a %2F")),
            ("/ a", Some("%2F a")),
            ("/", Some("%2F")),
            ("a] URI:/ inbound:[root", Some("a%5D URI:/ inbound:%5Broot")),
            ("a\nb\r\t\0", Some("a%0Ab%0D%09%00")),
            ("100%", Some("100%25")),
            ("\u{85}\u{2028}\u{202e}", Some("%C2%85%E2%80%A8%E2%80%AE")),
        ] {
            assert_eq!(name(given), expected.unwrap_or(given));
        }
    }

    #[test]
    fn lists_and_keys_keep_their_bounds() {
        assert_eq!(groups(&strings(&["a|b", "c", "", "d=e f=g"])), "a%7Cb|c||d=e f=g");
        for (given, expected) in [
            (keys(&[("k", &["YWI=="]), ("l", &[])]), "k=YWI== l= "),
            (keys(&[("k", &["v admin=true"])]), "k=v admin%3Dtrue "),
            (keys(&[("k", &["a b", "c=d"]), ("l", &["e=f"])]), "k=a b|c%3Dd l=e=f "),
            (keys(&[("c=d", &["x"])]), "c%3Dd=x "),
            (keys(&[("a b=c|d", &["x|y"])]), "a%20b%3Dc%7Cd=x%7Cy "),
        ] {
            assert_eq!(extra(&given), expected);
        }
    }

    #[test]
    fn a_line_is_bounded_and_says_where_it_was_cut() {
        let long = "\n[".repeat(10_000);
        let many = vec![long.clone(); 10];
        let extra = vec![(long.clone(), many.clone()); 3];
        let user = User { name: &long, uid: &long, groups: &many, extra: &extra };
        let path = format!("/{}", "[".repeat(60_000));
        let line = line(&RequestRecord { user: Some(user), impersonated: Some(user), ..record(&path) });
        assert!(line.len() <= MAX_BYTES, "{}", line.len());
        assert_eq!(line.matches(CUT).count(), 8);
        let cut = format!("a|{}{CUT}", "b".repeat(MAX_GROUPS - 2));
        assert_eq!(groups(&strings(&["a", &"b".repeat(4000), "c"])), cut);
    }
}
