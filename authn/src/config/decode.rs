//! Reads YAML or JSON strictly, as Kubernetes' codecs with `EnableStrict` do: unknown and repeated fields are
//! errors, names are case-sensitive, and `null` is the same as an absent field.

use std::collections::HashSet;
use std::fmt;

use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_saphyr::options::{DuplicateKeyPolicy, MergeKeyPolicy};

use super::field::{Path, quote};
use super::{ConfigError, json_syntax};

/// Largest file that is read, in bytes.
pub const MAX_FILE: usize = 1 << 20;

/// Kubernetes stops to collect strictness errors here.
const MAX_STRICT_ERRORS: usize = 100;

/// A value of YAML or JSON.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Node {
    Null,
    Bool(bool),
    /// Its text is only ever needed for a key.
    Number(String),
    String(String),
    List(Vec<Self>),
    /// Every member, repeated ones included.
    Object(Vec<(String, Self)>),
}

impl Node {
    /// Reads a whole file. As in kube-apiserver, text that begins with `{` is JSON, anything else YAML, and of
    /// several YAML documents the first one counts.
    pub(super) fn read(file: &[u8]) -> Result<Self, ConfigError> {
        if file.is_empty() {
            return Err(ConfigError::Empty);
        }
        if file.len() > MAX_FILE {
            return Err(ConfigError::TooLarge);
        }
        let text = std::str::from_utf8(file).map_err(|_| ConfigError::NotUtf8)?;
        if text.trim_start().starts_with('{') {
            let syntax = |error: serde_json::Error| match json_syntax::error(file) {
                Some(message) => ConfigError::Head { message },
                None => ConfigError::Syntax { message: error.to_string() },
            };
            return serde_json::from_str(text).map_err(syntax);
        }
        let options = serde_saphyr::options! {
            // The fields' reader reports repeated keys with their path, and merges `<<` strictly.
            duplicate_keys: DuplicateKeyPolicy::PassThrough,
            merge_keys: MergeKeyPolicy::AsOrdinary,
            // YAML 1.1, as Go's yaml.v2 reads it: `yes` is a bool and 010 a number, neither is a string.
            strict_booleans: false,
            legacy_octal_numbers: true,
            with_snippet: false,
            // An anchor that refers to anchors that refer to anchors must not grow without bounds.
            alias_limits: serde_saphyr::alias_limits! {
                max_total_replayed_events: 20_000,
            },
            budget: serde_saphyr::budget! {
                max_nodes: 100_000,
                max_events: 300_000,
                max_total_scalar_bytes: 2 * MAX_FILE,
                max_depth: 32,
            },
        };
        let mut reader = file;
        match serde_saphyr::read_with_options::<_, Self>(&mut reader, options).next() {
            None => Ok(Self::Null),
            Some(Ok(node)) => node.normalized(),
            Some(Err(error)) => Err(ConfigError::Syntax { message: error.to_string() }),
        }
    }

    /// Brings YAML into the form that Kubernetes gives to its JSON decoder: `<<` merged, members in the order of
    /// their names (which decides the order of the errors).
    fn normalized(self) -> Result<Self, ConfigError> {
        match self {
            Self::List(elements) => {
                elements.into_iter().map(Self::normalized).collect::<Result<_, _>>().map(Self::List)
            }
            Self::Object(members) => {
                let mut normalized = Vec::with_capacity(members.len());
                for (name, value) in members {
                    let value = value.normalized()?;
                    if name == "<<" {
                        value.merge_into(&mut normalized)?;
                    } else {
                        normalized.push((name, value));
                    }
                }
                normalized.sort_by(|(a, _), (b, _)| a.cmp(b));
                Ok(Self::Object(normalized))
            }
            scalar => Ok(scalar),
        }
    }

    /// The value of a merge key: an object, or a list of objects. Overriding a merged member is a repeated key in
    /// kube-apiserver's strict reading, so nothing is lost by adding them up.
    fn merge_into(self, members: &mut Vec<(String, Self)>) -> Result<(), ConfigError> {
        match self {
            Self::Object(merged) => members.extend(merged),
            Self::List(elements) if elements.iter().all(|element| matches!(element, Self::Object(_))) => {
                elements.into_iter().try_for_each(|element| element.merge_into(members))?;
            }
            _ => {
                let message = "yaml: map merge requires map or sequence of maps as the value".to_owned();
                return Err(ConfigError::Syntax { message });
            }
        }
        Ok(())
    }

    /// What Go's JSON decoder calls this kind of value.
    pub(super) const fn kind(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool(_) => "bool",
            Self::Number(_) => "number",
            Self::String(_) => "string",
            Self::List(_) => "array",
            Self::Object(_) => "object",
        }
    }
}

/// Reads nodes into structures and remembers what a strict reading refuses.
#[derive(Debug)]
pub(super) struct Fields {
    /// With the order of their places.
    strict_errors: Vec<(Vec<usize>, String)>,
    /// The last part of `apiVersion`: Go's types are named with it.
    version: String,
}

/// A place in the file: the path with positions, and the Go structure that holds it.
#[derive(Clone, Debug)]
pub(super) struct Place {
    pub(super) path: Path,
    pub(super) structure: &'static str,
    /// The number of each member and element on the way there: places are ordered as they stand in the file.
    order: Vec<usize>,
}

impl Place {
    pub(super) fn root(structure: &'static str) -> Self {
        Self { path: Path::default(), structure, order: Vec::new() }
    }

    fn below(&self, number: usize, path: Path, structure: &'static str) -> Self {
        let order = self.order.iter().copied().chain([number]).collect();
        Self { path, structure, order }
    }
}

impl Fields {
    pub(super) fn new(version: String) -> Self {
        Self { strict_errors: Vec::new(), version }
    }

    /// The members of an object of the type `structure`, each with its place. None for `null`.
    pub(super) fn of_object(
        &mut self,
        node: Node,
        place: &Place,
        structure: &'static str,
    ) -> Result<Vec<(String, Node, Place)>, ConfigError> {
        let members = match node {
            Node::Null => Vec::new(),
            Node::Object(members) => members,
            other => return Err(self.type_error(&other, place, structure)),
        };
        let mut fields = Vec::with_capacity(members.len());
        let mut seen = HashSet::new();
        for (number, (name, value)) in members.into_iter().enumerate() {
            let at = place.below(number, place.path.child(&name), structure);
            if !seen.insert(name.clone()) {
                self.strict_error(&at, format!("duplicate field {}", quote(at.path.as_str())));
            }
            fields.push((name, value, at));
        }
        Ok(fields)
    }

    /// The elements of a list, each with its place. None for `null`.
    pub(super) fn of_list(
        &mut self,
        node: Node,
        place: &Place,
        element: &'static str,
    ) -> Result<Vec<(Node, Place)>, ConfigError> {
        match node {
            Node::Null => Ok(Vec::new()),
            Node::List(elements) => Ok(elements
                .into_iter()
                .enumerate()
                .map(|(position, node)| {
                    (node, place.below(position, place.path.index(position), place.structure))
                })
                .collect()),
            other => {
                let expected = self.go_type(element);
                Err(type_error(&other, place, format!("[]{expected}")))
            }
        }
    }

    pub(super) fn strings(&mut self, node: Node, place: &Place) -> Result<Vec<String>, ConfigError> {
        let elements = self.of_list(node, place, "string")?;
        elements.into_iter().map(|(node, place)| self.string(node, &place, "string")).collect()
    }

    /// A string, `""` for `null`; `go_type` names its type.
    pub(super) fn string(
        &self,
        node: Node,
        place: &Place,
        go_type: &'static str,
    ) -> Result<String, ConfigError> {
        Ok(self.optional_string(node, place, go_type)?.unwrap_or_default())
    }

    pub(super) fn optional_string(
        &self,
        node: Node,
        place: &Place,
        go_type: &'static str,
    ) -> Result<Option<String>, ConfigError> {
        match node {
            Node::Null => Ok(None),
            Node::String(text) => Ok(Some(text)),
            other => Err(self.type_error(&other, place, go_type)),
        }
    }

    pub(super) fn bool(&self, node: Node, place: &Place) -> Result<bool, ConfigError> {
        match node {
            Node::Null => Ok(false),
            Node::Bool(value) => Ok(value),
            other => Err(self.type_error(&other, place, "bool")),
        }
    }

    /// Reports the field at `place` as one that does not exist.
    pub(super) fn unknown(&mut self, place: &Place) {
        self.strict_error(place, format!("unknown field {}", quote(place.path.as_str())));
    }

    /// Ends the reading: what was read counts only when nothing was unknown or repeated.
    pub(super) fn finish<T>(mut self, read: T) -> Result<T, ConfigError> {
        if self.strict_errors.is_empty() {
            return Ok(read);
        }
        self.strict_errors.sort_by(|(a, _), (b, _)| a.cmp(b));
        Err(ConfigError::Strict { errors: self.strict_errors.into_iter().map(|(_, error)| error).collect() })
    }

    fn strict_error(&mut self, place: &Place, error: String) {
        let is_new = self.strict_errors.iter().all(|(_, known)| *known != error);
        if self.strict_errors.len() < MAX_STRICT_ERRORS && is_new {
            self.strict_errors.push((place.order.clone(), error));
        }
    }

    fn type_error(&self, node: &Node, place: &Place, expected: &'static str) -> ConfigError {
        type_error(node, place, self.go_type(expected))
    }

    /// Structures and named strings live in the package of their version.
    fn go_type(&self, name: &'static str) -> String {
        if name.starts_with(char::is_uppercase) {
            format!("{}.{name}", self.version)
        } else {
            name.to_owned()
        }
    }
}

fn type_error(node: &Node, place: &Place, expected: String) -> ConfigError {
    let mut field = String::with_capacity(place.path.as_str().len());
    let mut is_index = false;
    // Go's decoder leaves the positions out.
    for character in place.path.as_str().chars() {
        is_index = (is_index || character == '[') && character != ']';
        if !is_index && character != ']' {
            field.push(character);
        }
    }
    ConfigError::Type { found: node.kind(), field: format!("{}.{field}", place.structure), expected }
}

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(NodeVisitor)
    }
}

struct NodeVisitor;

impl<'de> Visitor<'de> for NodeVisitor {
    type Value = Node;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Node, E> {
        Ok(Node::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Node, E> {
        Ok(Node::Number(value.to_string()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Node, E> {
        Ok(Node::Number(value.to_string()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Node, E> {
        Ok(Node::Number(value.to_string()))
    }

    fn visit_str<E>(self, value: &str) -> Result<Node, E> {
        Ok(Node::String(value.to_owned()))
    }

    fn visit_string<E>(self, value: String) -> Result<Node, E> {
        Ok(Node::String(value))
    }

    fn visit_unit<E>(self) -> Result<Node, E> {
        Ok(Node::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Node, A::Error> {
        let mut elements = Vec::new();
        while let Some(element) = seq.next_element()? {
            elements.push(element);
        }
        Ok(Node::List(elements))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Node, A::Error> {
        let mut members = Vec::new();
        while let Some((key, value)) = map.next_entry::<Node, Node>()? {
            let name = match key {
                Node::String(name) | Node::Number(name) => name,
                Node::Bool(value) => value.to_string(),
                Node::Null | Node::List(_) | Node::Object(_) => {
                    return Err(A::Error::custom("a key is not a string"));
                }
            };
            members.push((name, value));
        }
        Ok(Node::Object(members))
    }
}
