//! What is evaluated: a tree without names, but for those of fields.

use super::member::Members;
use crate::library::Function;
use crate::library::regex::Pattern;
use crate::value::Value;

/// A step of an evaluation.
#[derive(Debug)]
pub(super) enum Node {
    And([Box<Node>; 2]),
    /// What a macro has gathered, and a list behind it; or any sum of what it has gathered. It takes the gathered out of
    /// its place, so that it need not be copied.
    Append {
        accumulator: usize,
        more: Box<Node>,
    },
    Call {
        function: &'static Function,
        arguments: Vec<Node>,
    },
    Constant(Value),
    Fold(Box<Fold>),
    Has {
        operand: Box<Node>,
        field: Value,
    },
    Index {
        operand: Box<Node>,
        index: Box<Node>,
        is_optional: bool,
    },
    /// The same as [`Self::Append`] with the entry of a map.
    Insert {
        accumulator: usize,
        entry: Vec<Node>,
    },
    List(Vec<Item>),
    /// The variable of a comprehension.
    Local(usize),
    Map(Vec<Entry>),
    /// Whether a value is in a list of constants; the list itself is there for what the question costs.
    Member {
        function: &'static Function,
        value: Box<Node>,
        members: Members,
        list: Value,
    },
    NotStrictlyFalse(Box<Node>),
    Or([Box<Node>; 2]),
    OptionalOr([Box<Node>; 2]),
    OptionalOrValue([Box<Node>; 2]),
    /// `matches`, `find` or `findAll` with a constant pattern.
    Search {
        function: &'static Function,
        search: Search,
        text: Box<Node>,
        pattern: Pattern,
        pattern_text: Value,
        limit: Option<Box<Node>>,
    },
    Ternary([Box<Node>; 3]),
    /// `claims` or `user`.
    Variable,
}

/// What is looked for with a pattern.
#[derive(Clone, Copy, Debug)]
pub(super) enum Search {
    All,
    First,
    Whether,
}

/// A comprehension. Numbers are places of variables.
#[derive(Debug)]
pub(super) struct Fold {
    pub(super) range: Node,
    pub(super) variable: usize,
    pub(super) second: Option<usize>,
    pub(super) accumulator: usize,
    pub(super) initial: Node,
    pub(super) condition: Node,
    pub(super) step: Node,
    pub(super) result: Node,
}

/// An element of a list.
#[derive(Debug)]
pub(super) struct Item {
    pub(super) value: Node,
    pub(super) is_optional: bool,
}

/// An entry of a map.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) key: Node,
    pub(super) value: Node,
    pub(super) is_optional: bool,
}
