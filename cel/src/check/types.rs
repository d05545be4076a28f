//! Types, as cel-go has them while it checks (`common/types.Type`), and how they are written in messages.

use std::fmt;
use std::rc::Rc;

/// General category of a type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Any,
    Bool,
    Bytes,
    Double,
    Duration,
    Dyn,
    Error,
    Int,
    List,
    Map,
    Null,
    Opaque,
    String,
    Struct,
    Timestamp,
    Type,
    TypeParam,
    Uint,
}

/// A type. Cheap to clone.
#[derive(Clone, Debug)]
pub(super) struct Type(Rc<Node>);

#[derive(Debug)]
struct Node {
    kind: Kind,
    /// Without its parameters.
    name: Rc<str>,
    parameters: Vec<Type>,
    /// Takes `null` too, as `google.protobuf.Int64Value` does.
    nullable: bool,
    /// Types within, counted as often as they are written.
    size: usize,
    /// How deep the deepest of them is.
    depth: usize,
}

/// A text that is no type.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a type")]
pub(super) struct NotAType(String);

impl Type {
    fn new(kind: Kind, name: &str, parameters: Vec<Self>, nullable: bool) -> Self {
        let size = parameters.iter().fold(1, |sum: usize, parameter| sum.saturating_add(parameter.0.size));
        let depth = parameters.iter().map(|parameter| parameter.0.depth).max().unwrap_or(0).saturating_add(1);
        Self(Rc::new(Node { kind, name: name.into(), parameters, nullable, size, depth }))
    }

    /// A type without parameters that is not written by its kind's name alone.
    fn plain(kind: Kind, name: &str) -> Self {
        Self::new(kind, name, Vec::new(), false)
    }

    pub(super) fn bool() -> Self {
        Self::plain(Kind::Bool, "bool")
    }

    pub(super) fn bytes() -> Self {
        Self::plain(Kind::Bytes, "bytes")
    }

    pub(super) fn double() -> Self {
        Self::plain(Kind::Double, "double")
    }

    pub(super) fn dynamic() -> Self {
        Self::plain(Kind::Dyn, "dyn")
    }

    /// What is wrong already and gets no second message.
    pub(super) fn error() -> Self {
        Self::plain(Kind::Error, "error")
    }

    pub(super) fn int() -> Self {
        Self::plain(Kind::Int, "int")
    }

    pub(super) fn list(element: Self) -> Self {
        Self::new(Kind::List, "list", vec![element], false)
    }

    pub(super) fn map(key: Self, value: Self) -> Self {
        Self::new(Kind::Map, "map", vec![key, value], false)
    }

    pub(super) fn null() -> Self {
        Self::plain(Kind::Null, "null_type")
    }

    pub(super) fn optional(value: Self) -> Self {
        Self::new(Kind::Opaque, OPTIONAL, vec![value], false)
    }

    pub(super) fn string() -> Self {
        Self::plain(Kind::String, "string")
    }

    /// A type variable.
    pub(super) fn parameter(name: &str) -> Self {
        Self::plain(Kind::TypeParam, name)
    }

    /// The type of a type.
    pub(super) fn of_type(parameter: Self) -> Self {
        Self::new(Kind::Type, "type", vec![parameter], false)
    }

    pub(super) fn uint() -> Self {
        Self::plain(Kind::Uint, "uint")
    }

    /// The same type with other parameters.
    pub(super) fn with_parameters(&self, parameters: Vec<Self>) -> Self {
        Self::new(self.0.kind, &self.0.name, parameters, self.0.nullable)
    }

    /// Reads what cel-go's `Type.String()` writes, which is the form of `declarations.txt`.
    pub(super) fn parse(text: &str) -> Result<Self, NotAType> {
        let mut rest = text;
        let parsed =
            parse_type(&mut rest, MAXIMAL_DECLARED_DEPTH).ok_or_else(|| NotAType(text.to_owned()))?;
        if rest.is_empty() { Ok(parsed) } else { Err(NotAType(text.to_owned())) }
    }

    pub(super) fn kind(&self) -> Kind {
        self.0.kind
    }

    /// Its name at run time, without parameters.
    pub(super) fn name(&self) -> &Rc<str> {
        &self.0.name
    }

    pub(super) fn parameters(&self) -> &[Self] {
        &self.0.parameters
    }

    /// A parameter, or `dyn` where there is none.
    pub(super) fn at(&self, index: usize) -> Self {
        self.0.parameters.get(index).cloned().unwrap_or_else(Self::dynamic)
    }

    pub(super) fn size(&self) -> usize {
        self.0.size
    }

    pub(super) fn depth(&self) -> usize {
        self.0.depth
    }

    pub(super) fn is_nullable(&self) -> bool {
        self.0.nullable
    }

    /// `dyn` or `google.protobuf.Any`.
    pub(super) fn is_dyn(&self) -> bool {
        matches!(self.0.kind, Kind::Any | Kind::Dyn)
    }

    pub(super) fn is_dyn_or_error(&self) -> bool {
        self.is_dyn() || self.0.kind == Kind::Error
    }

    /// What an optional holds.
    pub(super) fn optional_value(&self) -> Option<&Self> {
        if self.0.kind == Kind::Opaque && &*self.0.name == OPTIONAL {
            self.0.parameters.first()
        } else {
            None
        }
    }

    /// cel-go `IsExactType`: being nullable makes no difference.
    pub(super) fn is_exactly(&self, other: &Self) -> bool {
        self.compare(other, true)
    }

    /// cel-go `IsEquivalentType`: neither do the names of type variables.
    pub(super) fn is_equivalent(&self, other: &Self) -> bool {
        self.compare(other, false)
    }

    fn compare(&self, other: &Self, names_of_parameters: bool) -> bool {
        Rc::ptr_eq(&self.0, &other.0)
            || (self.0.kind == other.0.kind
                && self.0.parameters.len() == other.0.parameters.len()
                && (!names_of_parameters && self.0.kind == Kind::TypeParam || self.0.name == other.0.name)
                && self
                    .0
                    .parameters
                    .iter()
                    .zip(&other.0.parameters)
                    .all(|(own, others)| own.compare(others, names_of_parameters)))
    }

    /// cel-go `IsAssignableType`: whether a value of that other type may stand where this one is wanted.
    pub(super) fn takes(&self, other: &Self) -> bool {
        if self.0.nullable && other.0.kind == Kind::Null {
            return true;
        }
        if matches!(self.0.kind, Kind::Any | Kind::Dyn | Kind::TypeParam) || Rc::ptr_eq(&self.0, &other.0) {
            return true;
        }
        self.0.kind == other.0.kind
            && self.0.name == other.0.name
            && self.0.parameters.len() == other.0.parameters.len()
            && self.0.parameters.iter().zip(&other.0.parameters).all(|(own, others)| own.takes(others))
    }

    /// cel-go `DeclaredTypeName`.
    pub(super) fn declared_name(&self) -> String {
        if self.0.nullable { format!("wrapper({})", self.0.name) } else { self.0.name.to_string() }
    }
}

/// As in messages (cel-go `checker.FormatCELType`).
impl fmt::Display for Type {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.kind {
            Kind::Any => formatter.write_str("any"),
            Kind::Duration => formatter.write_str("duration"),
            Kind::Error => formatter.write_str("!error!"),
            Kind::Null => formatter.write_str("null"),
            Kind::Timestamp => formatter.write_str("timestamp"),
            _ if self.0.parameters.is_empty() => formatter.write_str(&self.declared_name()),
            _ => {
                write!(formatter, "{}(", self.0.name)?;
                for (index, parameter) in self.0.parameters.iter().enumerate() {
                    let separator = if index == 0 { "" } else { ", " };
                    write!(formatter, "{separator}{parameter}")?;
                }
                formatter.write_str(")")
            }
        }
    }
}

/// Name of the type of optionals.
const OPTIONAL: &str = "optional_type";

/// No declared type nests deeper.
const MAXIMAL_DECLARED_DEPTH: usize = 16;

fn parse_type(rest: &mut &str, depth: usize) -> Option<Type> {
    let depth = depth.checked_sub(1)?;
    if let Some(after) = rest.strip_prefix('<') {
        let (name, after) = after.split_once('>')?;
        *rest = after;
        return Some(Type::parameter(name));
    }
    let end = rest.find(['(', ')', ',']).unwrap_or(rest.len());
    let (name, after) = rest.split_at_checked(end)?;
    *rest = after;
    let mut parameters = Vec::new();
    if let Some(after) = rest.strip_prefix('(') {
        *rest = after;
        loop {
            parameters.push(parse_type(rest, depth)?);
            if let Some(after) = rest.strip_prefix(", ") {
                *rest = after;
            } else {
                *rest = rest.strip_prefix(')')?;
                break;
            }
        }
    }
    named_type(name, parameters)
}

fn named_type(name: &str, parameters: Vec<Type>) -> Option<Type> {
    let kind = match name {
        "bool" => Kind::Bool,
        "bytes" => Kind::Bytes,
        "double" => Kind::Double,
        "dyn" => Kind::Dyn,
        "google.protobuf.Any" => Kind::Any,
        "google.protobuf.Duration" => Kind::Duration,
        "google.protobuf.Timestamp" => Kind::Timestamp,
        "int" => Kind::Int,
        "list" => Kind::List,
        "map" => Kind::Map,
        // pkg/cel/ip.go and cidr.go: `OpaqueType`; the other types of Kubernetes are `ObjectType`s.
        "net.CIDR" | "net.IP" | OPTIONAL => Kind::Opaque,
        "null_type" => Kind::Null,
        "string" => Kind::String,
        "type" => Kind::Type,
        "uint" => Kind::Uint,
        "wrapper" => {
            let wrapped = parameters.first()?;
            return Some(Type::new(wrapped.kind(), wrapped.name(), Vec::new(), true));
        }
        "" => return None,
        _ => Kind::Struct,
    };
    let expected = match kind {
        Kind::List => 1..=1,
        Kind::Map => 2..=2,
        Kind::Opaque | Kind::Type => 0..=1,
        _ => 0..=0,
    };
    expected.contains(&parameters.len()).then(|| Type::new(kind, name, parameters, false))
}

#[cfg(test)]
mod tests {
    use super::Type;

    /// A declared type and how messages write it.
    #[test]
    fn types_are_read_and_written() {
        for (declared, written) in [
            ("bool", "bool"),
            ("google.protobuf.Any", "any"),
            ("google.protobuf.Duration", "duration"),
            ("google.protobuf.Timestamp", "timestamp"),
            ("kubernetes.URL", "kubernetes.URL"),
            ("list(<A>)", "list(A)"),
            ("map(string, list(google.protobuf.Any))", "map(string, list(any))"),
            ("net.IP", "net.IP"),
            ("null_type", "null"),
            ("optional_type(map(<K>, <V>))", "optional_type(map(K, V))"),
            ("type", "type"),
            ("type(wrapper(int))", "type(wrapper(int))"),
        ] {
            assert_eq!(Type::parse(declared).unwrap().to_string(), written);
        }
        for text in
            ["", "list", "list(", "list()", "map(int)", "int)", "<A", "int(bool)", &"list(".repeat(100)]
        {
            assert!(Type::parse(text).is_err(), "{text}");
        }
    }

    /// Whether null and others are taken, and whether types are the same.
    #[test]
    fn types_are_compared() {
        let parse = |text: &str| Type::parse(text).unwrap();
        assert!(parse("wrapper(int)").takes(&Type::null()));
        assert!(parse("wrapper(int)").takes(&Type::int()));
        assert!(!Type::int().takes(&Type::null()));
        assert!(!Type::int().takes(&Type::uint()));
        assert!(Type::dynamic().takes(&Type::int()));
        assert!(parse("list(dyn)").takes(&parse("list(int)")));
        assert!(!parse("list(int)").takes(&parse("list(dyn)")));
        assert!(parse("wrapper(int)").is_exactly(&Type::int()));
        assert!(!parse("list(<A>)").is_exactly(&parse("list(<B>)")));
        assert!(parse("list(<A>)").is_equivalent(&parse("list(<B>)")));
    }
}
