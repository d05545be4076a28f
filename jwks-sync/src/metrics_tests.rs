//! The page has the metrics that there are, and they count what happens.

use std::collections::{BTreeSet, HashMap};

use super::*;
use crate::claims::Unresolved;
use crate::config::{IssuerSource, Sources};
use crate::fetch_error::FetchError;
use crate::kube::KubeError;

const PAGE: &str = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/metrics.md"));
const ISSUER: &str = "https://issuer";
/// Of `x: 1`.
const HASH: &str = r#"jwks_sync_config_last_config_info{hash="sha256:db0d222aebf678ab8f8908b8622497211e3fc950097b9e147aae569348b37363"} 1"#;

/// Metrics that have all been counted or set once.
fn counted() -> Metrics {
    let metrics = Metrics::new();
    metrics.issuers().follow(ISSUER);
    metrics.issuers().fetched(ISSUER, Some("timeout"));
    metrics.issuers().holds(ISSUER, 2, 1, UnixSeconds::new(7));
    metrics.reloads().succeeded(UnixSeconds::new(8));
    metrics.reloads().failed("fields", UnixSeconds::new(9));
    let file = Sources::of(IssuerSource::File("file".into()), None);
    metrics.reloads().in_force(&file, Some(b"old"));
    metrics.reloads().in_force(&file, Some(b"x: 1"));
    metrics.credential(None);
    metrics.answered("GetSnapshot", "newer");
    metrics.reviews().begin(ReviewKind::Impersonation).end("denied");
    metrics.reviews().came_to(ReviewKind::Webhook, "cached");
    metrics
}

#[track_caller]
fn assert_line(metrics: &Metrics, line: &str) {
    let text = metrics.text();
    assert!(text.lines().any(|candidate| candidate == line), "{line} is not in\n{text}");
}

/// Name, kind, labels and meaning of every metric, as the registry has them.
fn table(text: &str) -> String {
    let value = |line: &str, what: &str| -> Option<(String, String)> {
        let (name, value) = line.strip_prefix("# ")?.strip_prefix(what)?.trim_start().split_once(' ')?;
        Some((name.to_owned(), value.trim_end_matches('.').to_owned()))
    };
    let helps: HashMap<_, _> = text.lines().filter_map(|line| value(line, "HELP")).collect();
    let row = |(name, kind): (String, String)| {
        let ending = if kind == "counter" { "_total" } else { "" };
        let mut meaning = helps[&name].clone();
        meaning[..1].make_ascii_lowercase();
        [format!("`{name}{ending}`"), kind, labels(text, &name), meaning]
    };
    let kinds = text.lines().filter_map(|line| value(line, "TYPE"));
    section::table(["name", "type", "labels", "meaning"], kinds.map(row))
}

/// The labels that a metric's series have.
fn labels(text: &str, metric: &str) -> String {
    let labels = |line: &str| {
        let (name, labels) = line.split_once(['{', ' '])?;
        let end = name.strip_prefix(metric)?;
        ["", "_total", "_bucket"]
            .contains(&end)
            .then(|| labels.split_once('}').unwrap_or_default().0.to_owned())
    };
    let found = text.lines().find_map(labels).expect("a series");
    let names = found.split(',').filter_map(|label| label.split_once('=')).map(|(name, _)| name);
    names.filter(|name| *name != "le").map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

#[test]
fn the_page_says_what_is_counted() {
    section::assert_eq("metrics.md", "sidecar", &table(&counted().text()));
}

/// The values in the page's row of a label.
fn documented(metric: &str, label: &str) -> BTreeSet<&'static str> {
    let begin = format!("| `{metric}` | `{label}` | ");
    let row = PAGE.lines().find_map(|line| line.strip_prefix(&begin)).expect("the row");
    // Every other part stands in backticks; what stands in brackets explains.
    let explained = |part: &&str| part.chars().all(|c| c.is_ascii_lowercase() || c == '_');
    row.split('`')
        .skip(1)
        .step_by(2)
        .filter(explained)
        .filter(|part| ReviewKind::ALL.iter().all(|kind| kind.name() != *part))
        .collect()
}

#[test]
fn the_page_has_the_results() {
    // Only what a token names can lead astray.
    let is_of_claims = |reason: &&str| ["access_token", "not_allowed"].contains(reason);
    let fetches = FetchError::all().map(|error| error.reason()).filter(|reason| !is_of_claims(reason));
    assert_eq!(documented("fetches_total", "result"), fetches.chain([SUCCESS]).collect());
    let reviews = KubeError::all().map(|error| error.reason());
    let others = [
        "allowed",
        "authenticated",
        "busy",
        "cached",
        "denied",
        "joined",
        "malformed",
        "resolved",
        "unknown",
    ];
    let claims = Unresolved::all().map(|failure| failure.reason());
    let fetches: BTreeSet<_> = FetchError::all().map(|error| error.reason()).collect();
    let claims = claims.filter(|reason| is_of_claims(reason) || !fetches.contains(reason));
    assert_eq!(documented("reviews_total", "result"), reviews.chain(others).chain(claims).collect());
}

#[test]
fn what_happens_is_counted() {
    let metrics = counted();
    let polling = metrics.polling();
    let reviewing = metrics.reviews().begin(ReviewKind::PassThrough);
    for line in [
        r#"jwks_sync_fetches_total{issuer="https://issuer",result="timeout"} 1"#,
        r#"jwks_sync_keys{issuer="https://issuer"} 2"#,
        r#"jwks_sync_dropped_keys{issuer="https://issuer"} 1"#,
        r#"jwks_sync_last_success_timestamp_seconds{issuer="https://issuer"} 7"#,
        r#"jwks_sync_config_reloads_total{result="success"} 1"#,
        r#"jwks_sync_config_reloads_total{result="fields"} 1"#,
        r#"jwks_sync_config_reload_last_timestamp_seconds{status="success"} 8"#,
        r#"jwks_sync_config_reload_last_timestamp_seconds{status="failure"} 9"#,
        HASH,
        r#"jwks_sync_credential_reads_total{result="success"} 1"#,
        r#"jwks_sync_feed_requests_total{method="GetSnapshot",outcome="newer"} 1"#,
        "jwks_sync_pollers 1",
        r#"jwks_sync_reviews_total{kind="impersonation",result="denied"} 1"#,
        r#"jwks_sync_reviews_total{kind="webhook",result="cached"} 1"#,
        r#"jwks_sync_review_duration_seconds_count{kind="impersonation"} 1"#,
        r#"jwks_sync_reviews_in_flight{kind="impersonation"} 0"#,
        r#"jwks_sync_reviews_in_flight{kind="pass_through"} 1"#,
    ] {
        assert_line(&metrics, line);
    }
    assert_eq!(metrics.text().matches("{hash=").count(), 1, "that in force alone");
    drop((polling, reviewing));
    assert_line(&metrics, "jwks_sync_pollers 0");
    assert_line(&metrics, r#"jwks_sync_reviews_in_flight{kind="pass_through"} 0"#);
}

#[test]
fn the_series_of_an_issuer_come_and_go_with_it() {
    let metrics = Metrics::new();
    assert!(!metrics.text().contains("{issuer="));
    metrics.issuers().follow(ISSUER);
    for line in [
        r#"jwks_sync_fetches_total{issuer="https://issuer",result="success"} 0"#,
        r#"jwks_sync_keys{issuer="https://issuer"} 0"#,
        r#"jwks_sync_dropped_keys{issuer="https://issuer"} 0"#,
        r#"jwks_sync_last_success_timestamp_seconds{issuer="https://issuer"} 0"#,
    ] {
        assert_line(&metrics, line);
    }
    metrics.issuers().holds(ISSUER, 2, 1, UnixSeconds::new(7));
    metrics.issuers().follow(ISSUER);
    assert_line(&metrics, r#"jwks_sync_keys{issuer="https://issuer"} 2"#);
    metrics.issuers().lost_keys(ISSUER);
    assert_line(&metrics, r#"jwks_sync_keys{issuer="https://issuer"} 0"#);
    assert_line(&metrics, r#"jwks_sync_last_success_timestamp_seconds{issuer="https://issuer"} 7"#);
    metrics.issuers().fetched(ISSUER, Some("timeout"));
    metrics.issuers().forget(ISSUER);
    // A fetch that had begun ends.
    metrics.issuers().fetched(ISSUER, None);
    metrics.issuers().holds(ISSUER, 2, 1, UnixSeconds::new(8));
    assert!(!metrics.text().contains("{issuer="), "{}", metrics.text());
}
