//! From serde_json's reading of a text to the list of its values.

use std::borrow::Cow;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::Number;

use super::{Node, Object};

/// Objects with more members have their names sorted to find two that are equal, so that many cost little more each
/// than few.
const FEW: usize = 24;

/// Appends a value to the list. It refuses objects with two members of one name, by a data error, and nothing else.
pub(super) struct Recorder<'n, 't> {
    pub(super) nodes: &'n mut Vec<Node<'t>>,
}

impl<'t> Recorder<'_, 't> {
    fn push<E>(self, node: Node<'t>) -> Result<(), E> {
        self.nodes.push(node);
        Ok(())
    }
}

impl<'t> DeserializeSeed<'t> for Recorder<'_, 't> {
    type Value = ();

    fn deserialize<D: Deserializer<'t>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'t> Visitor<'t> for Recorder<'_, 't> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        self.push(Node::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<(), E> {
        self.push(Node::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<(), E> {
        self.push(Node::Number(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<(), E> {
        self.push(Node::Number(value.into()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<(), E> {
        self.push(Number::from_f64(value).map_or(Node::Null, Node::Number))
    }

    fn visit_borrowed_str<E>(self, value: &'t str) -> Result<(), E> {
        self.push(Node::String(Cow::Borrowed(value)))
    }

    fn visit_str<E>(self, value: &str) -> Result<(), E> {
        self.push(Node::String(Cow::Owned(value.to_owned())))
    }

    fn visit_seq<A: SeqAccess<'t>>(self, mut elements: A) -> Result<(), A::Error> {
        let nodes = self.nodes;
        let start = nodes.len();
        nodes.push(Node::Array(0));
        while elements.next_element_seed(Recorder { nodes })?.is_some() {}
        close(nodes, start, Node::Array);
        Ok(())
    }

    fn visit_map<A: MapAccess<'t>>(self, mut members: A) -> Result<(), A::Error> {
        let nodes = self.nodes;
        let start = nodes.len();
        nodes.push(Node::Object(0));
        while members.next_key_seed(Recorder { nodes })?.is_some() {
            members.next_value_seed(Recorder { nodes })?;
        }
        let inside = close(nodes, start, Node::Object);
        if has_duplicate(Object { nodes: inside }) {
            Err(A::Error::custom("duplicate member"))
        } else {
            Ok(())
        }
    }
}

/// Notes at `start` how much has come behind it, and gives that.
fn close<'n, 't>(
    nodes: &'n mut [Node<'t>],
    start: usize,
    node: impl FnOnce(usize) -> Node<'t>,
) -> &'n [Node<'t>] {
    let Some((open, inside)) = nodes.get_mut(start..).and_then(<[_]>::split_first_mut) else { return &[] };
    *open = node(inside.len());
    inside
}

/// Whether two members have one name.
fn has_duplicate(object: Object<'_>) -> bool {
    // A name and a value.
    if object.nodes.len() <= 2 {
        return false;
    }
    let mut few = [""; FEW];
    let mut count = 0_usize;
    for (name, _) in object.members() {
        let known = few.get(..count).unwrap_or_default();
        if known.contains(&name) {
            return true;
        }
        let Some(place) = few.get_mut(count) else { return has_duplicate_among_many(object) };
        *place = name;
        count = count.saturating_add(1);
    }
    false
}

fn has_duplicate_among_many(object: Object<'_>) -> bool {
    let mut names: Vec<&str> = object.members().map(|(name, _)| name).collect();
    names.sort_unstable();
    !names.is_sorted_by(|name, next| name < next)
}
