//! The results as Markdown.

use std::fmt::Write as _;

use crate::results::{Numbers, Results};
use crate::variant::VARIANTS;

/// Tables for `docs/benchmarks.md`.
pub(crate) fn markdown(results: &Results) -> String {
    let mut text = String::new();
    write(&mut text, results).expect("text into a string");
    text
}

/// The beginning and the end of the tables in `docs/benchmarks.md`.
const MARKS: [&str; 2] =
    ["<!-- begin results, written by `UPDATE_DOCS=1 make bench` -->\n", "<!-- end results -->\n"];

/// A page with its tables replaced; `None` if it has no place for them.
pub(crate) fn put_into(page: &str, table: &str) -> Option<String> {
    let [begin, end] = MARKS;
    let (before, rest) = page.split_once(begin)?;
    let (_, after) = rest.split_once(end)?;
    Some(format!("{before}{begin}{table}{end}{after}"))
}

fn write(text: &mut String, results: &Results) -> std::fmt::Result {
    writeln!(text, "| variant | what it is | CPU a request | requests/s | spread |\n|---|---|--:|--:|--:|")?;
    for variant in VARIANTS {
        let Some(figure) = results.figures.get(variant.name) else { continue };
        let (cpu, spread) = (figure.cpu_ns / 1e3, figure.spread * 100.0);
        writeln!(
            text,
            "| `{}` | {} | {cpu:.1} µs | {:.0} | {spread:.0} % |",
            variant.name, variant.title, figure.rps
        )?;
    }
    if !results.ratios.is_empty() {
        writeln!(text, "\n| CPU of | over CPU of | ratio | middle half | wanted |\n|---|---|--:|--:|--:|")?;
    }
    for ratio in results.ratios.values() {
        let comparison = ratio.comparison;
        let target = comparison.target.map(|target| format!("≥ {target:.2}")).unwrap_or_default();
        writeln!(
            text,
            "| `{}` | `{}` | **{:.2}** | {:.2} to {:.2} | {target} |",
            comparison.other, comparison.ours, ratio.median, ratio.lower_quartile, ratio.upper_quartile,
        )?;
    }
    let Some(numbers) = results.numbers else { return Ok(()) };
    writeln!(text, "\n| what | figure | wanted |\n|---|--:|--:|")?;
    for (what, figure, target) in rows(&numbers) {
        writeln!(text, "| {what} | {figure} | {target} |")?;
    }
    writeln!(text, "\n{} rounds of {} turns.", results.rounds, results.turns)
}

fn rows(numbers: &Numbers) -> [(&'static str, String, &'static str); 8] {
    #[expect(clippy::cast_precision_loss, reason = "megabytes, one decimal")]
    let megabytes = |bytes: u64| format!("{:.2} MB", bytes as f64 / 1e6);
    let milliseconds = |time: f64| format!("{time:.0} ms");
    [
        ("size of the module", megabytes(numbers.wasm_bytes), "< 2 MB"),
        ("linear memory of a VM at rest", megabytes(numbers.vm_linear_memory_bytes), "< 4 MB"),
        ("the same with 10,000 tokens cached", megabytes(numbers.vm_linear_memory_10k_bytes), "< 16 MB"),
        ("resident memory of Envoy without filter, 1 worker", megabytes(numbers.envoy_bare_rss_bytes), ""),
        ("resident memory of Envoy with the filter, 1 worker", megabytes(numbers.envoy_rss_bytes), ""),
        (
            "resident memory of the sidecar, 64 issuers",
            megabytes(numbers.sidecar_rss_bytes),
            "< 20 MB with 100",
        ),
        (
            "Envoy and sidecar started to the first 200",
            milliseconds(numbers.start_to_first_200_ms),
            "< 1000 ms",
        ),
        (
            "new key published to the last of 4 workers",
            milliseconds(numbers.publish_to_last_worker_ms),
            "≤ 50 ms",
        ),
    ]
}

#[cfg(test)]
mod rows {
    use super::*;

    #[test]
    fn the_page_has_a_place_for_the_tables() {
        let path = ::tests::process::repository().join("docs/benchmarks.md");
        let page = std::fs::read_to_string(path).unwrap();
        let written = put_into(&page, "| a |\n").unwrap();
        assert!(written.contains("make bench` -->\n| a |\n<!-- end results -->\n"));
        assert_eq!(put_into(&written, "| a |\n"), Some(written));
    }
}
