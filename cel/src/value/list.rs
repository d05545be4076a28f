//! Lists, and what Go makes of them.

use std::rc::Rc;

use super::{EvalError, Value};
use crate::cost::MAX_LIST;

/// What `Value()` of cel-go's list gives, which decides whether a mapping takes the list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ListForm {
    /// `[]any`: from JSON, or two lists put together.
    Any,
    /// `[]string` and the like: `split`, `findAll`, `user.groups`. No mapping takes it.
    Native,
    /// `[]ref.Val`: literals and comprehensions.
    Values,
}

/// A list.
#[derive(Clone, Debug)]
pub struct List {
    elements: Rc<Vec<Value>>,
    form: ListForm,
    /// Whether what is taken out by an index reads `__dot__` in names as `.` (oidc.go `unescapeLister`).
    unescapes: bool,
}

impl List {
    /// A list of these elements.
    #[must_use]
    pub fn new(elements: Vec<Value>, form: ListForm) -> Self {
        Self { elements: Rc::new(elements), form, unescapes: false }
    }

    /// The elements, in order, as a comprehension sees them.
    #[must_use]
    pub fn elements(&self) -> &[Value] {
        &self.elements
    }

    /// The same, one by one.
    pub(crate) fn iter(&self) -> std::slice::Iter<'_, Value> {
        self.elements.iter()
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.elements.len()
    }

    /// Whether there is none.
    pub(crate) fn is_empty(&self) -> bool {
        self.elements.is_empty()
    }

    /// Whether nobody else has its elements.
    pub(crate) fn is_alone(&self) -> bool {
        Rc::strong_count(&self.elements) == 1
    }

    /// An element as an index sees it.
    pub(crate) fn get(&self, index: usize) -> Option<Value> {
        let element = self.elements.get(index)?.clone();
        Some(if self.unescapes { element.unescaping() } else { element })
    }

    /// What Go makes of it.
    #[must_use]
    pub const fn form(&self) -> ListForm {
        self.form
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

    /// This list with another behind it (cel-go `baseList.Add`, `concatList`). An empty one leaves the other as it is, but for
    /// the wrapper of the left one.
    pub(crate) fn concat(self, other: Self) -> Result<Self, EvalError> {
        if self.is_empty() {
            return Ok(other);
        }
        if other.is_empty() {
            return Ok(self.bare());
        }
        if self.len().saturating_add(other.len()) > MAX_LIST {
            return Err(too_many());
        }
        let mut elements = Rc::unwrap_or_clone(self.elements);
        elements.extend((0..other.len()).filter_map(|index| other.get(index)));
        Ok(Self::new(elements, ListForm::Any))
    }

    /// This list with values behind it, for what a macro gathers (cel-go `mutableList`). It copies nothing when nobody else has
    /// the list.
    pub(crate) fn append(mut self, other: &Self) -> Result<Self, EvalError> {
        if self.len().saturating_add(other.len()) > MAX_LIST {
            return Err(too_many());
        }
        Rc::make_mut(&mut self.elements).extend_from_slice(&other.elements);
        self.form = ListForm::Values;
        Ok(self)
    }
}

const fn too_many() -> EvalError {
    EvalError::CostLimit
}
