//! Field paths and the texts of field errors, as Kubernetes writes them, and Go's way of quoting.

use std::collections::HashSet;
use std::fmt::{self, Write as _};

pub(crate) use kubernetes_cel::quote;

/// Where a value stands: `jwt[0].issuer.url`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Path(String);

impl Path {
    /// The field `name` of a file.
    pub(super) fn new(name: &str) -> Self {
        Self(name.to_owned())
    }

    /// The field `name` of this object.
    pub(super) fn child(&self, name: &str) -> Self {
        if self.0.is_empty() { Self::new(name) } else { Self(format!("{}.{name}", self.0)) }
    }

    /// Element `position` of this list.
    pub(super) fn index(&self, position: usize) -> Self {
        Self(format!("{}[{position}]", self.0))
    }

    pub(super) fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A value that a rule forbids, with the place where it stands.
#[derive(Clone, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[error("{path}: {problem}")]
pub struct FieldError {
    /// The path of the field, such as `jwt[0].issuer.url`.
    pub path: String,
    /// What is wrong with it.
    pub problem: Problem,
}

/// What is wrong with a field.
#[derive(Clone, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum Problem {
    /// The value stands twice in a list where each may stand once.
    #[error("Duplicate value: {}", quote(value))]
    Duplicate {
        /// The value.
        value: String,
    },
    /// The field may not be set.
    #[error("Forbidden: {detail}")]
    Forbidden {
        /// Why.
        detail: String,
    },
    /// The value is well-formed and can't be used.
    #[error("Internal error: {detail}")]
    Internal {
        /// Why.
        detail: String,
    },
    /// The value breaks a rule.
    #[error("Invalid value: {value}: {detail}")]
    Invalid {
        /// The value, already in the form in which it is shown.
        value: String,
        /// The rule.
        detail: String,
    },
    /// The field is needed and empty.
    #[error("Required value{}{detail}", if detail.is_empty() { "" } else { ": " })]
    Required {
        /// More about it; may be empty.
        detail: String,
    },
    /// The list is too long.
    #[error("Too many: {actual}: must have at most {limit} items")]
    TooMany {
        /// How many there are.
        actual: usize,
        /// How many there may be.
        limit: usize,
    },
}

/// Collects the field errors of one file, in the order of the checks.
#[derive(Debug, Default)]
pub(super) struct FieldErrors {
    errors: Vec<FieldError>,
    /// What kube-apiserver would take: of no interest in a file that it refuses.
    unsupported: Vec<FieldError>,
}

impl FieldErrors {
    pub(super) fn duplicate(&mut self, path: &Path, value: &str) {
        self.push(path, Problem::Duplicate { value: value.to_owned() });
    }

    pub(super) fn forbidden(&mut self, path: &Path, detail: &str) {
        self.push(path, Problem::Forbidden { detail: detail.to_owned() });
    }

    pub(super) fn internal(&mut self, path: &Path, detail: String) {
        self.push(path, Problem::Internal { detail });
    }

    pub(super) fn invalid(&mut self, path: &Path, value: &str, detail: impl Into<String>) {
        self.push(path, Problem::Invalid { value: quote(value), detail: detail.into() });
    }

    /// As [`Self::invalid`], for the values that Kubernetes shows as JSON instead of quoting them: whatever is
    /// not of Go's type `string` itself.
    pub(super) fn invalid_json(&mut self, path: &Path, json: String, detail: impl Into<String>) {
        self.push(path, Problem::Invalid { value: json, detail: detail.into() });
    }

    pub(super) fn required(&mut self, path: &Path, detail: impl Into<String>) {
        self.push(path, Problem::Required { detail: detail.into() });
    }

    pub(super) fn too_many(&mut self, path: &Path, actual: usize, limit: usize) {
        self.push(path, Problem::TooMany { actual, limit });
    }

    /// A field that kube-apiserver would take as it is. Said of a file in which nothing else is wrong.
    pub(super) fn unsupported(&mut self, path: &Path, detail: impl Into<String>) {
        let problem = Problem::Forbidden { detail: detail.into() };
        self.unsupported.push(FieldError { path: path.to_string(), problem });
    }

    /// How many there are, without what is only not supported.
    pub(super) fn count(&self) -> usize {
        self.errors.len()
    }

    /// The errors, each text once (`field.ErrorList.ToAggregate`); `None` when there are none.
    pub(super) fn into_list(self) -> Option<Vec<FieldError>> {
        let mut seen = HashSet::new();
        let mut list = if self.errors.is_empty() { self.unsupported } else { self.errors };
        list.retain(|error| seen.insert(error.clone()));
        Some(list).filter(|list| !list.is_empty())
    }

    fn push(&mut self, path: &Path, problem: Problem) {
        self.errors.push(FieldError { path: path.to_string(), problem });
    }
}

/// Joins errors as `utilerrors.Aggregate` does: one stands bare, several as `[a, b]`.
pub(super) fn aggregate(errors: &[FieldError]) -> String {
    match errors {
        [one] => one.to_string(),
        several => {
            let texts: Vec<String> = several.iter().map(FieldError::to_string).collect();
            format!("[{}]", texts.join(", "))
        }
    }
}

/// A string as `encoding/json` writes it, which is how Kubernetes shows a value of a named string type.
pub(super) fn json_string(text: &str) -> String {
    let mut json = String::with_capacity(text.len().saturating_add(2));
    json.push('"');
    for character in text.chars() {
        let code = u32::from(character);
        let written = match character {
            '"' | '\\' => write!(json, "\\{character}"),
            '\u{8}' => write!(json, "\\b"),
            '\u{c}' => write!(json, "\\f"),
            '\n' => write!(json, "\\n"),
            '\r' => write!(json, "\\r"),
            '\t' => write!(json, "\\t"),
            // What could close a script element or end a line in a page is escaped as well.
            '<' | '>' | '&' | '\u{2028}' | '\u{2029}' => write!(json, "\\u{code:04x}"),
            _ if code < 0x20 => write!(json, "\\u{code:04x}"),
            _ => write!(json, "{character}"),
        };
        // Writing to a String can't fail.
        let _ = written;
    }
    json.push('"');
    json
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each right side is what Go 1.26 prints.
    #[test]
    fn json_strings_are_go_json() {
        for (text, json) in [
            ("", r#""""#),
            ("MatchAll", r#""MatchAll""#),
            ("<&>\u{2028}", r#""\u003c\u0026\u003e\u2028""#),
            ("\"\\\u{8}\u{c}\n\r\t\u{1}\u{7f}é", "\"\\\"\\\\\\b\\f\\n\\r\\t\\u0001\u{7f}é\""),
        ] {
            assert_eq!(json_string(text), json);
        }
    }

    #[test]
    fn errors_are_joined_once_each() {
        let mut errors = FieldErrors::default();
        errors.required(&Path::new("a"), "");
        assert_eq!(aggregate(&errors.into_list().unwrap()), "a: Required value");

        let mut errors = FieldErrors::default();
        let path = Path::new("a").index(1).child("b");
        errors.required(&path, "it is");
        errors.duplicate(&path, "x");
        errors.duplicate(&path, "x");
        let expected = r#"[a[1].b: Required value: it is, a[1].b: Duplicate value: "x"]"#;
        assert_eq!(aggregate(&errors.into_list().unwrap()), expected);

        assert_eq!(FieldErrors::default().into_list(), None);
    }
}
