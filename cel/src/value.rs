//! Values, as cel-go has them (`common/types`).

mod equality;
mod list;
mod map;
mod strings;

use std::fmt;
use std::rc::Rc;

pub use crate::time::Timestamp;
pub use list::{List, ListForm};
pub use map::{Key, Map};

use crate::ast::Literal;
use crate::cost::ELEMENT;
use crate::library::{cidr::Cidr, format::NamedFormat, ip::Ip, quantity::Quantity, semver::Semver, url::Url};

/// A value. Cheap to clone.
#[derive(Clone, Debug)]
pub enum Value {
    /// `true` or `false`.
    Bool(bool),
    /// Bytes.
    Bytes(Rc<[u8]>),
    /// A network: `cidr("10.0.0.0/8")`.
    Cidr(Rc<Cidr>),
    /// A number with a fraction: every number of a token.
    Double(f64),
    /// Go's `time.Duration`: nanoseconds.
    Duration(i64),
    /// A format with a name: `format.dns1123Label()`.
    Format(NamedFormat),
    /// A whole number.
    Int(i64),
    /// An address: `ip("10.0.0.1")`.
    Ip(Ip),
    /// `claims` or `user` as a whole.
    Lazy(Whole),
    /// A list.
    List(List),
    /// A map.
    Map(Map),
    /// `null`.
    Null,
    /// `optional.of(x)`, `optional.none()`.
    Optional(Option<Rc<Value>>),
    /// A Kubernetes quantity: `quantity("1Gi")`. It has a state, as in Go.
    Quantity(Rc<Quantity>),
    /// A version: `semver("1.2.3")`.
    Semver(Rc<Semver>),
    /// A text.
    String(Rc<str>),
    /// A moment in the years 1 to 9999.
    Timestamp(Timestamp),
    /// A type, by its name: `type(1) == int`.
    Type(Rc<str>),
    /// A whole number from 0 up.
    Uint(u64),
    /// A URL: `url("https://a")`.
    Url(Rc<Url>),
}

/// The one variable of an expression as a value. What is in it stays where it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Whole {
    /// `kubernetes.claims` or `kubernetes.UserInfo`.
    pub(crate) type_name: &'static str,
    /// How many names it has.
    pub(crate) size: usize,
}

/// A map whose values are made when they are asked for (k8s.io/apiserver `lazy.MapValue`): all that an expression knows
/// of the world.
pub trait LazyMap {
    /// The value under a name. `__dot__` and the like are replaced in the name by then. An evaluation may ask for the same
    /// one 100,000 times, so it should be made once.
    fn get(&self, name: &str) -> Option<Value>;
    /// How many names there are.
    fn size(&self) -> usize;
    /// The name at a place, counted from 0; the order is always the same.
    fn name(&self, place: usize) -> Option<&str>;
    /// Name of its type: `kubernetes.claims` or `kubernetes.UserInfo`.
    fn type_name(&self) -> &'static str;
}

/// Why there is no value. The text is cel-go's.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EvalError {
    /// Too much work. Ends the evaluation, whatever stands on the other side of `||`.
    #[error("operation cancelled: actual cost limit exceeded")]
    CostLimit,
    /// Anything else, which `||`, `&&` and comprehensions may absorb.
    #[error("{0}")]
    Failed(Rc<str>),
    /// No overload of a function takes such values. Only functions give it: who calls them knows cel-go's words for it,
    /// which are [`Self::Failed`].
    #[error("no such overload")]
    NoOverload,
    /// kube-apiserver's own code gives up (a panic that cel-go catches). Ends the evaluation, as [`Self::CostLimit`] does.
    #[error("{0}")]
    Panicked(Rc<str>),
}

impl EvalError {
    /// Whether nothing can absorb it.
    pub(crate) const fn ends_evaluation(&self) -> bool {
        matches!(self, Self::CostLimit | Self::Panicked(_))
    }

    /// A panic of Go's for this reason.
    pub(crate) fn panicked(reason: &str) -> Self {
        Self::Panicked(format!("internal error: {reason}").into())
    }

    /// What becomes of an evaluation that looks in one of Go's maps for what [can't be found there](Value::is_hashable).
    pub(crate) fn unhashable(value: &Value) -> Self {
        Self::panicked(&format!("runtime error: hash of unhashable type {}", value.go_type_name()))
    }

    /// A failure in these words.
    pub fn new(text: impl Into<Rc<str>>) -> Self {
        Self::Failed(text.into())
    }

    /// An operation finds out by itself that it can't take such values.
    #[must_use]
    pub fn no_such_overload() -> Self {
        Self::new("no such overload")
    }
}

/// What an operation gives.
pub type Evaluated = Result<Value, EvalError>;

impl Value {
    /// A text.
    pub fn string(text: impl Into<Rc<str>>) -> Self {
        Self::String(text.into())
    }

    /// Name of its type, as cel-go's messages have it.
    #[must_use]
    pub fn type_name(&self) -> &'static str {
        match self {
            Self::Bool(_) => "bool",
            Self::Bytes(_) => "bytes",
            Self::Cidr(_) => Cidr::TYPE_NAME,
            Self::Double(_) => "double",
            Self::Duration(_) => "google.protobuf.Duration",
            Self::Format(_) => NamedFormat::TYPE_NAME,
            Self::Int(_) => "int",
            Self::Ip(_) => Ip::TYPE_NAME,
            Self::Lazy(whole) => whole.type_name,
            Self::List(_) => "list",
            Self::Map(_) => "map",
            Self::Null => "null_type",
            Self::Optional(_) => "optional_type",
            Self::Quantity(_) => Quantity::TYPE_NAME,
            Self::Semver(_) => Semver::TYPE_NAME,
            Self::String(_) => "string",
            Self::Timestamp(_) => "google.protobuf.Timestamp",
            Self::Type(_) => "type",
            Self::Uint(_) => "uint",
            Self::Url(_) => Url::TYPE_NAME,
        }
    }

    /// Whether Go can look for it in a map.
    pub(crate) const fn is_hashable(&self) -> bool {
        !matches!(self, Self::Bytes(_) | Self::Format(_) | Self::Semver(_))
    }

    /// Name of the type that it has in Go, for messages.
    pub(crate) fn go_type_name(&self) -> &'static str {
        match self {
            Self::Bool(_) => "types.Bool",
            Self::Bytes(_) => "types.Bytes",
            Self::Cidr(_) => "cel.CIDR",
            Self::Double(_) => "types.Double",
            Self::Duration(_) => "types.Duration",
            Self::Format(_) => "cel.Format",
            Self::Int(_) => "types.Int",
            Self::Ip(_) => "cel.IP",
            Self::Lazy(_) => "*lazy.MapValue",
            Self::List(list) if list.unescapes() => "*oidc.unescapeLister",
            Self::List(_) => "*types.baseList",
            Self::Map(map) if map.unescapes() => "*oidc.unescapeMapper",
            Self::Map(_) => "*types.baseMap",
            Self::Null => "types.Null",
            Self::Optional(_) => "*types.Optional",
            Self::Quantity(_) => "cel.Quantity",
            Self::Semver(_) => "cel.Semver",
            Self::String(_) => "types.String",
            Self::Timestamp(_) => "types.Timestamp",
            Self::Type(_) => "*types.Type",
            Self::Uint(_) => "types.Uint",
            Self::Url(_) => "cel.URL",
        }
    }

    /// The truth value of a rule.
    #[must_use]
    pub const fn as_bool(&self) -> Option<bool> {
        match self {
            Self::Bool(value) => Some(*value),
            _ => None,
        }
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::String(text) => Some(text),
            _ => None,
        }
    }

    /// The same in the wrapper that comes with every value out of `claims` or `user`: what is taken out of it reads
    /// `__dot__` in names as `.` (oidc.go `unescapeWrapper`).
    #[must_use]
    pub fn unescaping(self) -> Self {
        match self {
            Self::List(list) => Self::List(list.unescaping()),
            Self::Map(map) => Self::Map(map.unescaping()),
            other => other,
        }
    }

    /// Bytes of a text or list that nobody else holds, so that it was made just now.
    pub(crate) fn size_if_alone(&self) -> usize {
        match self {
            Self::Bytes(bytes) if Rc::strong_count(bytes) == 1 => bytes.len(),
            Self::List(list) if list.is_alone() => list.len().saturating_mul(ELEMENT),
            Self::String(text) if Rc::strong_count(text) == 1 => text.len(),
            _ => 0,
        }
    }

    /// Without that wrapper.
    pub(crate) fn bare(self) -> Self {
        match self {
            Self::List(list) => Self::List(list.bare()),
            Self::Map(map) => Self::Map(map.bare()),
            other => other,
        }
    }
}

/// As Go's `%v` writes it, for messages about keys and indices.
impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bool(value) => write!(f, "{value}"),
            Self::Double(_) | Self::Duration(_) | Self::Timestamp(_) => {
                match crate::convert::convert("string", self) {
                    Some(Ok(Self::String(text))) => f.write_str(&text),
                    _ => f.write_str(self.type_name()),
                }
            }
            Self::Int(number) => write!(f, "{number}"),
            Self::Null => f.write_str("null"),
            Self::String(text) | Self::Type(text) => f.write_str(text),
            Self::Uint(number) => write!(f, "{number}"),
            _ => f.write_str(self.type_name()),
        }
    }
}

impl From<&Literal> for Value {
    fn from(literal: &Literal) -> Self {
        match literal {
            Literal::Bool(value) => Self::Bool(*value),
            Literal::Bytes(value) => Self::Bytes(Rc::clone(value)),
            Literal::Double(value) => Self::Double(*value),
            Literal::Int(value) => Self::Int(*value),
            Literal::Null => Self::Null,
            Literal::String(value) => Self::String(Rc::clone(value)),
            Literal::Uint(value) => Self::Uint(*value),
        }
    }
}
