//! Where the gateway is stricter than kube-apiserver on purpose: the list of `docs/deviations.md`, as far as tokens show it.

use std::collections::BTreeMap;

use crate::verdict::User;

/// A deviation, and when it explains a refusal.
struct Deviation {
    id: &'static str,
    /// Reasons of the gateway's that it has (`docs/metrics.md`).
    reasons: &'static [&'static str],
    shows: Shows,
}

/// Where one sees that a deviation is meant.
enum Shows {
    /// The token was made so.
    Token,
    /// The issuer's keys were made so: the page has it among everything else.
    Keys,
    /// kube-apiserver's user is such a one.
    User(fn(&User) -> bool),
}

const ALL: &[Deviation] = &[
    in_token("base64-canonical", &["token_header", "token_payload", "token_signature_encoding"]),
    // Where the other letters alone make the issuer one that is configured, there is none here.
    in_token("case-variant-claims", &["claim_case_variant", "unknown_issuer"]),
    in_token("crit-b64", &["token_critical"]),
    in_token("distributed-groups", &["distributed_groups"]),
    in_token("duplicate-members", &["token_header", "token_payload"]),
    in_token("embedded-key", &["token_embedded_key"]),
    in_token("expression-zone", &["expression"]),
    in_token("invalid-utf8", &["token_header", "token_payload"]),
    in_token("jwk-alg", &["signature", "unknown_key", "distributed_groups_refused"]),
    in_keys("key-use", &["signature", "unknown_key", "distributed_groups_refused"]),
    in_token("kid-length", &["signature", "token_kid_too_long", "distributed_groups_refused"]),
    in_token("lone-surrogates", &["token_header", "token_payload"]),
    in_token("many-keys", &["signature", "distributed_groups_refused"]),
    in_token("nesting", &["token_header", "token_payload"]),
    in_token("numbers-beyond-double", &["token_header", "token_payload"]),
    in_token("pss-salt", &["signature"]),
    in_token("time-range", &["time_claim"]),
    in_token("token-length", &["token_too_long"]),
    in_user("empty-username", &["empty_username"], |user| user.username.is_empty()),
    in_user(
        "header-unsafe",
        &[
            "username_not_header_safe",
            "uid_not_header_safe",
            "group_not_header_safe",
            "extra_not_header_safe",
        ],
        |user| texts(user).any(|text| !is_header_safe(text)),
    ),
    in_user("system-names", &["reserved_username", "reserved_group"], |user| {
        texts(user).any(|text| text.starts_with("system:") && text != "system:authenticated")
    }),
];

const fn in_token(id: &'static str, reasons: &'static [&'static str]) -> Deviation {
    Deviation { id, reasons, shows: Shows::Token }
}

const fn in_keys(id: &'static str, reasons: &'static [&'static str]) -> Deviation {
    Deviation { id, reasons, shows: Shows::Keys }
}

const fn in_user(
    id: &'static str,
    reasons: &'static [&'static str],
    is_such: fn(&User) -> bool,
) -> Deviation {
    Deviation { id, reasons, shows: Shows::User(is_such) }
}

/// The deviation by which the gateway refuses, for this reason, what kube-apiserver takes for this user.
pub(crate) fn explaining(user: &User, reason: &str, oddities: &[&'static str]) -> Option<&'static str> {
    let explains = |deviation: &&Deviation| {
        deviation.reasons.contains(&reason)
            && match deviation.shows {
                Shows::Token | Shows::Keys => oddities.contains(&deviation.id),
                Shows::User(is_such) => is_such(user),
            }
    };
    ALL.iter().find(explains).map(|deviation| deviation.id)
}

fn texts(user: &User) -> impl Iterator<Item = &str> {
    let extra = user.extra.values().flatten();
    [&user.username, &user.uid].into_iter().chain(&user.groups).chain(extra).map(String::as_str)
}

/// Whether a header carries a text as it is: no control characters, no blank at an end (RFC 9110 5.5).
fn is_header_safe(text: &str) -> bool {
    let is_control = |byte: u8| byte < 0x20 || byte == 0x7f;
    !text.bytes().any(is_control) && text.trim_matches([' ', '\t']) == text
}

/// The ids of those about tokens.
pub(crate) fn ids() -> impl Iterator<Item = &'static str> {
    ALL.iter().filter(|deviation| !matches!(deviation.shows, Shows::Keys)).map(|deviation| deviation.id)
}

/// The page with how many cases showed each deviation in place of the figures that it has.
pub(crate) fn with_figures(page: &str, figures: &BTreeMap<String, usize>) -> String {
    let line = |line: &str| {
        let Some(id) = id_of(line) else { return line.to_owned() };
        let Some(figure) = figures.get(id) else { return line.to_owned() };
        let (before, _) = line.trim_end_matches(" |").rsplit_once(" | ").unwrap_or((line, ""));
        format!("{before} | {} |", cases(*figure))
    };
    let lines: Vec<_> = page.lines().map(line).collect();
    lines.join("\n") + "\n"
}

fn cases(figure: usize) -> String {
    if figure == 1 { "1 case".to_owned() } else { format!("{figure} cases") }
}

/// The id that a row of a table begins with.
fn id_of(line: &str) -> Option<&str> {
    line.strip_prefix("| `")?.split_once('`').map(|(id, _)| id)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::Path;

    use ::tests::process::repository;

    use super::*;

    fn read(path: &str) -> String {
        std::fs::read_to_string(repository().join(path)).expect(path)
    }

    /// Rows of the part of the page between two texts: id, last cell.
    fn rows<'p>(page: &'p str, from: &str, to: &str) -> Vec<(&'p str, &'p str)> {
        let (_, rest) = page.split_once(from).expect(from);
        let part = rest.split(to).next().unwrap_or_default();
        let last = |line: &'p str| line.trim_end_matches(" |").rsplit(" | ").next().unwrap_or_default();
        part.lines().filter_map(|line| Some((id_of(line)?, last(line)))).collect()
    }

    /// All sources of tests, below a directory.
    fn sources(directory: &Path, text: &mut String) {
        for entry in
            std::fs::read_dir(directory).expect("a directory").map(|entry| entry.expect("a file").path())
        {
            if entry.is_dir() {
                sources(&entry, text);
            } else if entry.extension().is_some_and(|extension| extension == "rs") {
                text.push_str(&std::fs::read_to_string(entry).expect("a source"));
            }
        }
    }

    #[test]
    fn each_row_about_tokens_says_how_often_it_was_seen() {
        let (page, rows_of_authn) = (read("docs/deviations.md"), {
            let mut text = String::new();
            sources(&repository().join("authn/tests"), &mut text);
            text
        });
        let figures: BTreeMap<String, usize> =
            serde_json::from_str(&read("docs/deviations.json")).expect("figures");
        let listed = rows(&page, "<!-- begin tokens", "<!-- end tokens");
        for (id, shown_by) in &listed {
            let count = rows_of_authn.matches(&format!(".stricter(\"{id}\")")).count();
            let expected = match figures.get(*id) {
                Some(figure) => cases(*figure),
                None if count == 1 => "1 row".to_owned(),
                None => format!("{count} rows"),
            };
            assert_eq!(*shown_by, expected, "{id}");
            assert_ne!(count, 0, "{id} has no row");
        }
        let listed: BTreeSet<_> = listed.iter().map(|(id, _)| *id).collect();
        let known: BTreeSet<_> = ids().collect();
        assert!(known.is_subset(&listed), "{:?}", known.difference(&listed));
        let counted: BTreeSet<_> = figures.keys().map(String::as_str).collect();
        assert_eq!(
            counted, known,
            "what `make parity` looks for, and what docs/deviations.json has figures of"
        );
    }

    #[test]
    fn each_other_row_names_a_test() {
        let (page, mut text) = (read("docs/deviations.md"), String::new());
        for directory in ["authn", "cel", "jwks-sync/src", "tests/tests"] {
            sources(&repository().join(directory), &mut text);
        }
        let rows = rows(&page, "## Everything else", "<!-- end of the page");
        assert!(rows.len() > 20, "the page has lost its table");
        for Deviation { id, shows, .. } in ALL {
            let is_there = rows.iter().any(|(listed, _)| listed == id);
            assert_eq!(is_there, matches!(shows, Shows::Keys), "{id}");
        }
        for (id, test) in rows {
            let name = test.trim_matches('`');
            assert!(text.contains(&format!("fn {name}(")), "{id}: there is no test {name}");
        }
    }

    #[test]
    fn reasons_are_those_of_the_metrics() {
        let page = read("docs/metrics.md");
        for reason in ALL.iter().flat_map(|deviation| deviation.reasons) {
            assert!(page.contains(&format!("| `{reason}` |")), "{reason}");
        }
    }
}
