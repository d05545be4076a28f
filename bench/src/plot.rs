//! The results as a picture (SVG 1.1).

use std::fmt::Write as _;

use crate::results::Results;
use crate::variant::{Gate, VARIANTS};

const ROW: f64 = 26.0;
const LABELS: f64 = 400.0;
const BARS: f64 = 420.0;
const MARGIN: f64 = 16.0;

/// A bar for each variant: its CPU time per request.
pub(crate) fn svg(results: &Results) -> String {
    let mut text = String::new();
    write(&mut text, results).expect("text into a string");
    text
}

fn write(text: &mut String, results: &Results) -> std::fmt::Result {
    // PS256 is verified in wasm and takes as long as all others together: it would leave them no room.
    let rows: Vec<_> = VARIANTS.iter().filter(|variant| variant.name != "cold_ps256").collect();
    let rows: Vec<_> =
        rows.iter().filter_map(|variant| Some((variant, results.figures.get(variant.name)?))).collect();
    let longest = rows.iter().map(|(_, figure)| figure.cpu_ns).fold(1.0, f64::max);
    #[expect(clippy::cast_precision_loss, reason = "a handful of rows")]
    let height = ROW * rows.len() as f64 + 3.0 * MARGIN + ROW;
    let width = LABELS + BARS + 100.0;
    writeln!(
        text,
        r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="sans-serif" font-size="13">"#
    )?;
    writeln!(text, r##"<rect width="{width}" height="{height}" fill="#ffffff"/>"##)?;
    let mut y = MARGIN + ROW / 2.0;
    writeln!(
        text,
        r##"<text x="{MARGIN}" y="{y}" font-size="15" font-weight="bold" fill="#222222">Envoy’s CPU time per request, µs (shorter is better; PS256 left out)</text>"##
    )?;
    y += MARGIN;
    for (variant, figure) in rows {
        let length = figure.cpu_ns / longest * BARS;
        let color = match variant.gate {
            Gate::Bare | Gate::Floor { .. } => "#9aa0a6",
            Gate::Filter { .. } => "#1a73e8",
            Gate::Native { .. } => "#e8710a",
        };
        let (bar, base, end) = (y + 4.0, y + ROW - 8.0, LABELS + length + 6.0);
        writeln!(
            text,
            r##"<text x="{:.0}" y="{base}" text-anchor="end" fill="#222222">{}</text>"##,
            LABELS - 8.0,
            variant.title
        )?;
        writeln!(
            text,
            r#"<rect x="{LABELS}" y="{bar}" width="{length:.1}" height="{:.0}" fill="{color}"/>"#,
            ROW - 8.0
        )?;
        writeln!(
            text,
            r##"<text x="{end:.1}" y="{base}" fill="#222222">{:.1}</text>"##,
            figure.cpu_ns / 1e3
        )?;
        y += ROW;
    }
    writeln!(text, "</svg>")
}
