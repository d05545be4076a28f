//! Values of constants (cel-go `common/types`).

use std::rc::Rc;

use crate::ast::Literal;
use crate::time::Timestamp;

/// A value. Cheap to clone.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Value {
    Bool(bool),
    Bytes(Rc<[u8]>),
    Double(f64),
    /// Nanoseconds: Go's `time.Duration`.
    Duration(i64),
    Int(i64),
    /// A list, whatever is in it: no constant is taken out of one before evaluation.
    List,
    /// The same with maps.
    Map,
    Null,
    String(Rc<str>),
    Timestamp(Timestamp),
    /// A type, by its name.
    Type(Rc<str>),
    Uint(u64),
}

impl Value {
    /// Name of its type, as cel-go's messages have it.
    pub(crate) const fn type_name(&self) -> &'static str {
        match self {
            Self::Bool(_) => "bool",
            Self::Bytes(_) => "bytes",
            Self::Double(_) => "double",
            Self::Duration(_) => "google.protobuf.Duration",
            Self::Int(_) => "int",
            Self::List => "list",
            Self::Map => "map",
            Self::Null => "null_type",
            Self::String(_) => "string",
            Self::Timestamp(_) => "google.protobuf.Timestamp",
            Self::Type(_) => "type",
            Self::Uint(_) => "uint",
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
