//! Maps.

use std::collections::BTreeMap;
use std::rc::Rc;

use super::{EvalError, Value};
use crate::escape::unescape;

/// A key.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Key {
    /// `true` or `false`.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// A text.
    String(Rc<str>),
    /// A whole number from 0 up.
    Uint(u64),
}

/// A map, in the order of its keys: Go has none.
#[derive(Clone, Debug)]
pub struct Map {
    entries: Rc<BTreeMap<Key, Value>>,
    /// Whether `__dot__` in a name is read as `.`, here and in what is taken out (oidc.go `unescapeMapper`).
    unescapes: bool,
}

impl Map {
    /// A map of these entries.
    #[must_use]
    pub fn new(entries: BTreeMap<Key, Value>) -> Self {
        Self { entries: Rc::new(entries), unescapes: false }
    }

    /// The entries.
    #[must_use]
    pub fn entries(&self) -> &BTreeMap<Key, Value> {
        &self.entries
    }

    /// Whether it is in the wrapper of what comes out of `claims` and `user`.
    pub(crate) const fn unescapes(&self) -> bool {
        self.unescapes
    }

    pub(super) fn unescaping(mut self) -> Self {
        self.unescapes = true;
        self
    }

    pub(super) fn bare(mut self) -> Self {
        self.unescapes = false;
        self
    }

    /// The value under a key, as select and index see it.
    pub(crate) fn get(&self, key: &Value) -> Option<Value> {
        if !self.unescapes {
            return self.find(key).cloned();
        }
        let found = match key {
            Value::String(name) => match unescape(name) {
                Some(unescaped) if unescaped != **name => self.entries.get(&Key::String(unescaped.into())),
                _ => self.find(key),
            },
            _ => self.find(key),
        };
        found.cloned().map(Value::unescaping)
    }

    /// The value under a key, its name as it stands. Numbers that are equal find each other, whatever their type.
    pub(crate) fn find(&self, key: &Value) -> Option<&Value> {
        let number = |number: i128| {
            let int = i64::try_from(number).ok().and_then(|int| self.entries.get(&Key::Int(int)));
            int.or_else(|| u64::try_from(number).ok().and_then(|uint| self.entries.get(&Key::Uint(uint))))
        };
        match key {
            Value::Bool(value) => self.entries.get(&Key::Bool(*value)),
            Value::Double(value) => crate::convert::whole(*value).and_then(number),
            Value::Int(value) => number(i128::from(*value)),
            Value::String(text) => self.entries.get(&Key::String(Rc::clone(text))),
            Value::Uint(value) => self.entries.get(&Key::Uint(*value)).or_else(|| number(i128::from(*value))),
            _ => None,
        }
    }

    /// This map with one entry more; `None` when the key is there already. It copies nothing when nobody else has the map.
    pub(crate) fn insert(mut self, key: Key, value: Value) -> Option<Self> {
        let entries = Rc::make_mut(&mut self.entries);
        if entries.contains_key(&key) {
            return None;
        }
        entries.insert(key, value);
        self.unescapes = false;
        Some(self)
    }
}

impl Key {
    /// The key as a value.
    #[must_use]
    pub fn to_value(&self) -> Value {
        match self {
            Self::Bool(value) => Value::Bool(*value),
            Self::Int(value) => Value::Int(*value),
            Self::String(text) => Value::String(Rc::clone(text)),
            Self::Uint(value) => Value::Uint(*value),
        }
    }

    /// A value as a key. A double is none here: the type checker lets one through only as `dyn`.
    ///
    /// # Errors
    /// One that ends the evaluation, since in Go most other values are keys, too; in Go's words where it panics.
    pub(crate) fn of(value: &Value) -> Result<Self, EvalError> {
        Ok(match value {
            Value::Bool(value) => Self::Bool(*value),
            Value::Int(value) => Self::Int(*value),
            Value::String(text) => Self::String(Rc::clone(text)),
            Value::Uint(value) => Self::Uint(*value),
            _ if value.is_hashable() => {
                return Err(EvalError::Panicked(
                    format!("unsupported key type: {}", value.type_name()).into(),
                ));
            }
            _ => return Err(EvalError::unhashable(value)),
        })
    }
}
