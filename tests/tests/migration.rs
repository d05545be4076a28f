//! Holds `docs/migration.md` against kube-oidc-proxy's flags and chart values, and against what we really have: the
//! flags of `jwks-sync`, the filter's schema, and, by running it, the example.
#![expect(clippy::expect_used, clippy::panic, reason = "a test stops at the first surprise")]

use std::collections::BTreeSet;

use serde_json::{Map, Value};
use tests::process::repository;
use tests::{Issuer, Sidecar};

/// What a first column lists.
const FLAG: &str = "flag";
const VALUE: &str = "value";
/// Languages and first lines of the page's blocks.
const BEFORE: (&str, &str) = ("yaml", "# kube-oidc-proxy");
const AFTER: (&str, &str) = ("yaml", "# jwks-sync");
const AUTHENTICATION: (&str, &str) = ("yaml", "# authentication.yaml");
const POLICY: (&str, &str) = ("yaml", "# policy.yaml");
const FILTER: (&str, &str) = ("json", "{");
/// The issuer of the example.
const ISSUER: &str = "https://login.example.com";

fn read(path: &str) -> String {
    std::fs::read_to_string(repository().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// Names, one a line; `#` begins a comment.
fn list(path: &str) -> BTreeSet<String> {
    let text = read(path);
    let names = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    let mut set = BTreeSet::new();
    for name in names {
        assert!(set.insert(name.to_owned()), "{path}: {name} stands twice");
    }
    set
}

/// The page, taken apart.
struct Page {
    /// Language and text of each fenced block.
    blocks: Vec<(String, String)>,
    /// Title of the table's first column, and the cells, of each row of a table.
    rows: Vec<(String, Vec<String>)>,
    /// All lines that stand in neither.
    prose: String,
    text: String,
}

impl Page {
    fn read() -> Self {
        let text = read("docs/migration.md");
        let (mut blocks, mut rows, mut prose) = (Vec::<(String, String)>::new(), Vec::new(), String::new());
        let (mut in_block, mut column) = (false, None::<String>);
        for line in text.lines() {
            if let Some(language) = line.strip_prefix("```") {
                if !in_block {
                    blocks.push((language.to_owned(), String::new()));
                }
                in_block = !in_block;
            } else if in_block {
                let (_, block) = blocks.last_mut().expect("a block began");
                block.push_str(line);
                block.push('\n');
            } else if line.starts_with("|---") {
                continue;
            } else if let Some(row) = line.strip_prefix('|').and_then(|line| line.strip_suffix('|')) {
                let cells: Vec<String> = row.split('|').map(|cell| cell.trim().to_owned()).collect();
                match &column {
                    None => column = cells.into_iter().next(),
                    Some(column) => rows.push((column.clone(), cells)),
                }
            } else {
                column = None;
                prose.push_str(line);
                prose.push('\n');
            }
        }
        assert!(!in_block, "a block has no end");
        Self { blocks, rows, prose, text }
    }

    /// The rows of the tables whose first column lists this.
    fn rows_of(&self, column: &str) -> impl Iterator<Item = &[String]> {
        self.rows.iter().filter(move |(of, _)| of == column).map(|(_, cells)| cells.as_slice())
    }

    /// What the first column lists.
    fn listed(&self, column: &str) -> BTreeSet<String> {
        let mut names = BTreeSet::new();
        for row in self.rows_of(column) {
            for name in spans(row.first().expect("a cell")) {
                let is_short = name.starts_with('-') && !name.starts_with("--");
                let name = name.trim_start_matches('-').split('=').next().expect("a name");
                assert!(is_short || names.insert(name.to_owned()), "{name} stands twice");
            }
        }
        names
    }

    /// The one block in this language with this first line.
    fn block(&self, (language, first): (&str, &str)) -> &str {
        let is_it = |(of, text): &&(String, String)| of == language && text.lines().next() == Some(first);
        let found: Vec<_> = self.blocks.iter().filter(is_it).collect();
        let [(_, text)] = found.as_slice() else { panic!("{} blocks of {language} {first}", found.len()) };
        text
    }
}

/// What stands between backticks.
fn spans(markdown: &str) -> impl Iterator<Item = &str> {
    markdown.split('`').skip(1).step_by(2)
}

/// The flags in a text: words that begin with two dashes.
fn flags(text: &str) -> impl Iterator<Item = &str> {
    let is_part = |letter: char| letter.is_ascii_alphanumeric() || letter == '-';
    text.split_whitespace().filter_map(move |word| {
        let name = word.strip_prefix("--")?;
        Some(name.split(|letter| !is_part(letter)).next().unwrap_or_default()).filter(|name| !name.is_empty())
    })
}

/// The flags in code, but for those of other programs (`kubectl --as`).
fn flags_in_code(markdown: &str) -> Vec<&str> {
    let is_ours = |span: &&str| span.starts_with("--") || span.starts_with("jwks-sync");
    spans(markdown).filter(is_ours).flat_map(flags).collect()
}

#[test]
fn every_flag_and_every_chart_value_of_kube_oidc_proxy_has_its_row() {
    let page = Page::read();
    for (column, path) in
        [(FLAG, "tests/data/kube-oidc-proxy-flags.txt"), (VALUE, "tests/data/kube-oidc-proxy-values.txt")]
    {
        let (listed, known) = (page.listed(column), list(path));
        assert!(known.len() > 50, "{path} has lost its names");
        let missing: Vec<_> = known.difference(&listed).collect();
        let unknown: Vec<_> = listed.difference(&known).collect();
        assert!(
            missing.is_empty() && unknown.is_empty(),
            "{path}: no row: {missing:?}, not there: {unknown:?}"
        );
    }
    for column in [FLAG, VALUE] {
        for row in page.rows_of(column) {
            assert_eq!(row.len(), 3, "what, here, note: {row:?}");
            assert!(!row.iter().take(2).any(String::is_empty), "{row:?}");
        }
    }
}

#[tokio::test]
async fn every_flag_that_is_to_be_written_is_a_flag_of_jwks_sync() {
    let output = Sidecar::new().command(&["--help"]).await;
    let help = String::from_utf8(output.stdout).expect("text");
    // A flag begins its line, behind a short one perhaps; in the text of another it does not.
    let begins = |line: &str| {
        let line = line.trim_start();
        let line = line.split_once(", ").filter(|(short, _)| short.len() == 2).map_or(line, |(_, long)| long);
        line.starts_with("--").then(|| flags(line).next().map(str::to_owned)).flatten()
    };
    let ours: BTreeSet<String> = help.lines().filter_map(begins).collect();
    assert!(ours.contains("listen") && ours.contains("help"), "{help}");
    let theirs = list("tests/data/kube-oidc-proxy-flags.txt");

    let page = Page::read();
    let mut named = BTreeSet::new();
    for column in [FLAG, VALUE] {
        for row in page.rows_of(column) {
            named.extend(row.get(1).into_iter().flat_map(|here| flags_in_code(here)));
        }
    }
    named.extend(flags(page.block(AFTER)));
    assert!(named.len() > 20, "the page has lost its flags: {named:?}");
    let unknown: Vec<_> = named.iter().filter(|flag| !ours.contains(**flag)).collect();
    assert!(unknown.is_empty(), "not in jwks-sync --help: {unknown:?}");

    // Notes and prose speak of both.
    let mut mentioned: BTreeSet<&str> = flags_in_code(&page.prose).into_iter().collect();
    for (column, cells) in &page.rows {
        let cells = cells.iter().skip(if column == FLAG || column == VALUE { 2 } else { 0 });
        mentioned.extend(cells.flat_map(|cell| flags_in_code(cell)));
    }
    // kubectl's, in the table about impersonation.
    let kubectls = ["as", "as-uid"];
    let is_known =
        |flag: &&&str| ours.contains(**flag) || theirs.contains(**flag) || kubectls.contains(*flag);
    let unknown: Vec<_> = mentioned.iter().filter(|flag| !is_known(flag)).collect();
    assert!(unknown.is_empty(), "nobody's: {unknown:?}");

    let before: BTreeSet<String> = flags(page.block(BEFORE)).map(str::to_owned).collect();
    assert!(before.len() > 10 && before.is_subset(&theirs), "not kube-oidc-proxy's: {before:?}");
}

/// What the schema calls the type of a value.
fn kind(value: &Value) -> &'static str {
    match value {
        Value::Array(_) => "array",
        Value::Bool(_) => "boolean",
        Value::Null => "null",
        Value::Number(_) => "integer",
        Value::Object(_) => "object",
        Value::String(_) => "string",
    }
}

/// Panics at a member or a word that the schema does not know, or a value of another type.
fn look_up(schema: &Value, root: &Value, value: &Value, at: &str) {
    if let Some(name) = schema["$ref"].as_str() {
        let name = name.strip_prefix('#').expect("a reference into the schema");
        return look_up(root.pointer(name).expect("a definition"), root, value, at);
    }
    let one_of = |kind: &str| schema[kind].as_array().cloned().unwrap_or_default();
    if let Some(of_object) = one_of("anyOf").iter().find(|schema| schema["type"] != "null") {
        return look_up(of_object, root, value, at);
    }
    let (types, words) = (&schema["type"], one_of("oneOf"));
    let is_of_type =
        |of: &Value| of.as_array().map_or(of == kind(value), |of| of.iter().any(|of| of == kind(value)));
    assert!(types.is_null() || is_of_type(types), "{at}: {value} is no {types}");
    assert!(words.is_empty() || words.iter().any(|word| word["const"] == *value), "{at}: {value}");
    let Value::Object(members) = value else { return };
    for (name, value) in members {
        let at = format!("{at}.{name}");
        match (schema["properties"].get(name), &schema["additionalProperties"]) {
            (Some(known), _) => look_up(known, root, value, &at),
            (None, rest @ Value::Object(_)) => look_up(rest, root, value, &at),
            (None, _) => panic!("{at} is not in the schema"),
        }
    }
}

#[test]
fn every_member_of_the_filters_configuration_is_in_its_schema() {
    let schema: Value = serde_json::from_str(&read("filter/config.schema.json")).expect("the schema");
    let page = Page::read();
    let mut count = 0;
    for span in
        spans(&page.text.replace("```", "")).filter(|span| span.starts_with('"') && span.contains("\": "))
    {
        let members: Value = serde_json::from_str(&format!("{{{span}}}"))
            .unwrap_or_else(|error| panic!("{span} is no member: {error}"));
        look_up(&schema, &schema, &members, "configuration");
        count += 1;
    }
    assert!(count > 8, "the page has lost its members");

    let example: Map<String, Value> = serde_json::from_str(page.block(FILTER)).expect("the example");
    look_up(&schema, &schema, &Value::Object(example.clone()), "example");
    let required = schema["required"].as_array().expect("required members");
    assert!(required.iter().all(|name| example.contains_key(name.as_str().expect("a name"))));
}

#[tokio::test]
async fn the_files_of_the_example_work() {
    let page = Page::read();
    let issuer = Issuer::start().await;
    let (before, certificate) =
        page.block(AUTHENTICATION).split_once("      -----BEGIN").expect("the issuer's CA");
    let (_, after) = certificate.split_once("-----END CERTIFICATE-----\n").expect("its end");
    let ca: String = issuer.ca_pem().lines().map(|line| format!("      {line}\n")).collect();
    let authentication = [before, &ca, after].concat().replace(ISSUER, &issuer.url());

    let sidecar = Sidecar::new();
    sidecar.write("authentication.yaml", authentication);
    sidecar.write("policy.yaml", page.block(POLICY).replace(ISSUER, &issuer.url()));
    let files = ["--authentication-config=${DIR}/authentication.yaml", "--policy=${DIR}/policy.yaml"];
    let output = sidecar.command(&["check", files[0], files[1]]).await;
    let report = String::from_utf8([output.stdout, output.stderr].concat()).expect("text");
    assert!(output.status.success(), "{report}");
    assert!(report.contains("policy: 1 issuer may hand out system: names"), "{report}");
    assert!(report.contains(&format!("issuer {}: 1 key", issuer.url())), "{report}");
}

#[test]
fn every_link_leads_somewhere() {
    let page = Page::read();
    let mut count = 0;
    for link in page.text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
        let path = link.split('#').next().expect("a path");
        if path.is_empty() || path.starts_with("https://") {
            continue;
        }
        assert!(repository().join("docs").join(path).exists(), "{link}");
        count += 1;
    }
    assert!(count > 5, "the page has lost its links");
}
