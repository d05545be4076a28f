//! What can be done to a file's text: YAML, and what isn't any.

use serde_json::Value;

use crate::random::Random;

/// What was done, and how.
type Form = (&'static str, fn(&str) -> String);

const FORMS: &[Form] = &[
    ("text, comments and document mark", |json| format!("# who\n---\n{json}\n")),
    ("text, two documents", |json| format!("{json}\n---\n{json}\n")),
    ("text, a member twice", |json| json.replacen("\"kind\":", "\"kind\":\"Other\",\"kind\":", 1)),
    ("text, a member twice", |json| json.replacen("\"issuer\":", "\"issuer\":{},\"issuer\":", 1)),
    ("text, member in other letters", |json| json.replacen("\"issuer\":", "\"Issuer\":", 1)),
    ("text, member in other letters", |json| json.replacen("\"audiences\":", "\"Audiences\":", 1)),
    ("text, cut off", |json| json[..json.len() - 2].to_owned()),
    ("text, empty", |_| String::new()),
    ("text, blank", |_| " \n# nothing\n".to_owned()),
    ("text, no mapping", |_| "[]".to_owned()),
    ("text, no mapping", |_| "x".to_owned()),
    ("text, null", |_| "null".to_owned()),
    ("text, tab", |json| format!("\t{json}")),
    ("text, more behind it", |json| format!("{json} x")),
    ("text, no YAML", |json| format!("a: [\n{json}")),
    ("text, no YAML", |_| "apiVersion: a: b\n".to_owned()),
    ("text, block style", |_| {
        "apiVersion: apiserver.config.k8s.io/v1\nkind: AuthenticationConfiguration\njwt:\n- issuer:\n    url: https://127.0.0.1:1\n    \
             audiences: &a [x]\n  claimMappings:\n    username:\n      claim: sub\n      prefix: \"\"\n"
                .to_owned()
    }),
    ("text, block style", |_| {
        "apiVersion: apiserver.config.k8s.io/v1\nkind: AuthenticationConfiguration\njwt:\n- issuer:\n    url: https://127.0.0.1:1\n    \
             audiences: [yes, 1, ~]\n  claimMappings:\n    username: {claim: no, prefix: 5}\n"
                .to_owned()
    }),
];

/// The configuration as another text, and what was done to it.
pub(super) fn text(configuration: &Value, random: &mut Random) -> (&'static str, String) {
    let json = configuration.to_string();
    let (about, form) = random.pick(FORMS);
    (about, form(&json))
}
