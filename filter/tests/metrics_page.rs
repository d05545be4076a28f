//! `docs/metrics.md` says what the filter counts, in the code's own words.
#![allow(clippy::expect_used, reason = "test code")]

#[path = "../../docs/section.rs"]
mod section;

use std::collections::BTreeSet;

use authn::decision::Source;
use authn::rejection::Rejection;
use kube_oidc_filter::metric::{Kind, Metric, Passed, REQUESTS, Reason, source_name};

/// The name for Prometheus.
fn prometheus(name: &str) -> String {
    format!("`{}`", name.replace('.', "_"))
}

#[test]
fn the_page_says_what_is_counted() {
    let requests = [
        prometheus(REQUESTS),
        "counter".to_owned(),
        "`reason`, `issuer`".to_owned(),
        "requests, by what became of them and who vouches for the user".to_owned(),
    ];
    let plain = Metric::ALL.iter().map(|metric| {
        let description = metric.description();
        let kind = match description.kind {
            Kind::Counter => "counter",
            Kind::Gauge => "gauge",
            Kind::Histogram => "histogram",
        };
        [prometheus(description.name), kind.to_owned(), String::new(), description.meaning.to_owned()]
    });
    let table = section::table(["name", "type", "labels", "meaning"], plain.chain([requests]));
    section::assert_eq("metrics.md", "filter", &table);

    let passed =
        Passed::ALL.iter().map(|passed| (0, Reason::from(*passed).name(), passed.meaning().to_owned()));
    let refused =
        Rejection::all().map(|rejection| (rejection.code(), rejection.reason(), rejection.to_string()));
    // A reason may come from two places, and means the same from both.
    let reasons: BTreeSet<_> = passed.chain(refused).collect();
    let rows = reasons.into_iter().map(|(code, reason, meaning)| {
        let code = if code == 0 { String::new() } else { code.to_string() };
        [format!("`{reason}`"), code, meaning]
    });
    section::assert_eq("metrics.md", "reasons", &section::table(["reason", "code", "meaning"], rows));

    let sources = [
        (
            Some(Source::Issuer("".into())),
            "an issuer's URL without `https://`, with `_` for everything but letters, digits and `-`",
        ),
        (Some(Source::ApiServer), "the API server, by a TokenReview"),
        (Some(Source::TokenWebhook), "the token webhook"),
        (Some(Source::Anonymous), "nobody: the request has no credential, and may come in without"),
        (None, "nobody: the request has no credential, or one of which nothing is known"),
    ];
    let rows = sources.iter().map(|(source, meaning)| {
        let value = match source_name(source.as_ref()) {
            "" => "`sso_example_com_realms_dev`".to_owned(),
            fixed => format!("`{fixed}`"),
        };
        [value, (*meaning).to_owned()]
    });
    section::assert_eq(
        "metrics.md",
        "issuers",
        &section::table(["issuer", "who vouches for the user"], rows),
    );
}
