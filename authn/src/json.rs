//! JSON objects in which every member name stands once.
//!
//! serde_json keeps the last of two equal names and Go's decoders do the same, others keep the first (RFC 8259 4
//! leaves it open). A token that two readers read differently is refused.
//!
//! A text is read whole but not built up as a tree: its values lie one behind the other in a list and borrow from the
//! text, since most of a token's claims are never looked at.

mod lenient;
mod record;
#[cfg(test)]
mod tests;

use std::borrow::Cow;

use serde::de::DeserializeSeed as _;
use serde_json::Number;

pub(crate) use lenient::{folded, members_named};
use record::Recorder;

/// A text that is one JSON object.
pub(crate) struct Document<'t> {
    nodes: Vec<Node<'t>>,
}

/// A value as it is kept. What is in an array or object lies right behind it: elements, or names and values in turn.
enum Node<'t> {
    /// With the number of nodes that are in it, at whatever depth.
    Array(usize),
    Bool(bool),
    Null,
    Number(Number),
    /// The same as with arrays.
    Object(usize),
    /// Borrowed unless it is written with escapes.
    String(Cow<'t, str>),
}

/// Why a text is not taken as a JSON object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum JsonError {
    /// A member name stands twice in one object, at whatever depth.
    #[error("a JSON member stands twice")]
    DuplicateMember,
    /// The text is JSON, but no object.
    #[error("not a JSON object")]
    NotAnObject,
    /// No JSON: also invalid UTF-8, lone surrogates, numbers beyond a double, more than 127 levels, trailing text.
    #[error("not JSON")]
    Syntax,
}

impl<'t> Document<'t> {
    /// Reads exactly one JSON object.
    ///
    /// # Errors
    /// [`JsonError`] says what the text is instead.
    pub(crate) fn parse(text: &'t [u8]) -> Result<Self, JsonError> {
        let text = std::str::from_utf8(text).map_err(|_| JsonError::Syntax)?;
        // Claims have a name or value in ten to twenty bytes. A header has more, but few.
        let mut nodes = Vec::with_capacity((text.len() / 12).saturating_add(8));
        record(text, &mut nodes)?;
        match nodes.first() {
            Some(Node::Object(_)) => Ok(Self { nodes }),
            _ => Err(JsonError::NotAnObject),
        }
    }

    /// The object.
    pub(crate) fn object(&self) -> Object<'_> {
        Object { nodes: self.nodes.get(1..).unwrap_or_default() }
    }

    /// Adds a member, with the value that `json` is.
    ///
    /// # Errors
    /// [`JsonError`]: the object is as it was. Another member may have the name already.
    pub(crate) fn insert(&mut self, name: &'t str, json: &'t str) -> Result<(), JsonError> {
        if self.object().get(name).is_some() {
            return Err(JsonError::DuplicateMember);
        }
        let before = self.nodes.len();
        self.nodes.push(Node::String(Cow::Borrowed(name)));
        let recorded = record(json, &mut self.nodes);
        if recorded.is_err() {
            self.nodes.truncate(before);
        }
        let inside = self.nodes.len().saturating_sub(1);
        if let Some(root) = self.nodes.first_mut() {
            *root = Node::Object(inside);
        }
        recorded
    }
}

/// Appends the one value that `text` is.
fn record<'t>(text: &'t str, nodes: &mut Vec<Node<'t>>) -> Result<(), JsonError> {
    let mut reader = serde_json::Deserializer::from_str(text);
    // The recorder raises a data error for duplicate members and for nothing else.
    Recorder { nodes }
        .deserialize(&mut reader)
        .and_then(|()| reader.end())
        .map_err(|error| if error.is_data() { JsonError::DuplicateMember } else { JsonError::Syntax })
}

/// A value of a [`Document`].
#[derive(Clone, Copy)]
pub(crate) enum Value<'d> {
    Array(Array<'d>),
    Bool(bool),
    Null,
    Number(&'d Number),
    Object(Object<'d>),
    String(&'d str),
}

impl<'d> Value<'d> {
    /// The text of a string.
    pub(crate) const fn as_str(self) -> Option<&'d str> {
        match self {
            Self::String(text) => Some(text),
            _ => None,
        }
    }

    /// The object, if it is one.
    pub(crate) const fn as_object(self) -> Option<Object<'d>> {
        match self {
            Self::Object(object) => Some(object),
            _ => None,
        }
    }

    /// The member of this name, if it is an object and has one.
    pub(crate) fn get(self, name: &str) -> Option<Self> {
        self.as_object()?.get(name)
    }

    /// Takes the first value off `nodes`.
    fn split_first(nodes: &'d [Node<'_>]) -> Option<(Self, &'d [Node<'d>])> {
        let (first, behind) = nodes.split_first()?;
        Some(match first {
            Node::Array(size) => {
                let (nodes, behind) = behind.split_at_checked(*size)?;
                (Self::Array(Array { nodes }), behind)
            }
            Node::Bool(value) => (Self::Bool(*value), behind),
            Node::Null => (Self::Null, behind),
            Node::Number(number) => (Self::Number(number), behind),
            Node::Object(size) => {
                let (nodes, behind) = behind.split_at_checked(*size)?;
                (Self::Object(Object { nodes }), behind)
            }
            Node::String(text) => (Self::String(text), behind),
        })
    }
}

/// An array of a [`Document`].
#[derive(Clone, Copy)]
pub(crate) struct Array<'d> {
    nodes: &'d [Node<'d>],
}

impl<'d> Array<'d> {
    /// The elements in their order.
    pub(crate) fn elements(self) -> impl Iterator<Item = Value<'d>> {
        let mut nodes = self.nodes;
        std::iter::from_fn(move || {
            let (element, behind) = Value::split_first(nodes)?;
            nodes = behind;
            Some(element)
        })
    }

    /// As many as there are elements, or more if one of them is an array or object.
    pub(crate) const fn at_most(self) -> usize {
        self.nodes.len()
    }
}

/// An object of a [`Document`].
#[derive(Clone, Copy)]
pub(crate) struct Object<'d> {
    nodes: &'d [Node<'d>],
}

impl<'d> Object<'d> {
    /// The members, in the order of the text.
    pub(crate) fn members(self) -> impl Iterator<Item = (&'d str, Value<'d>)> {
        let mut nodes = self.nodes;
        std::iter::from_fn(move || {
            let (Node::String(name), behind) = nodes.split_first()? else { return None };
            let (value, behind) = Value::split_first(behind)?;
            nodes = behind;
            Some((&**name, value))
        })
    }

    /// The values of the members.
    pub(crate) fn values(self) -> impl Iterator<Item = Value<'d>> {
        self.members().map(|(_, value)| value)
    }

    /// The member of this name. It looks at one after the other: good for a few names, not for as many as there are.
    pub(crate) fn get(self, name: &str) -> Option<Value<'d>> {
        self.members().find(|(member, _)| *member == name).map(|(_, value)| value)
    }
}
