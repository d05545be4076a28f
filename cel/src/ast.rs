//! An expression as a tree, macros expanded (cel-go `common/ast`).

use std::rc::Rc;

/// Number of a node in its expression; 0 is none. Given in the order in which cel-go's parser gives them.
pub type Id = u32;

/// A node.
#[derive(Clone, Debug, PartialEq)]
pub struct Expr {
    /// Its number.
    pub id: Id,
    /// What it is.
    pub kind: ExprKind,
}

/// What a node is.
#[derive(Clone, Debug, PartialEq)]
pub enum ExprKind {
    /// A function, an operator or an index: `f(x)`, `x.f(y)`, `x + y` (`_+_`), `x[y]` (`_[_]`).
    Call(Call),
    /// What a macro such as `exists` became.
    Comprehension(Box<Comprehension>),
    /// A variable, or the name of a type.
    Ident(Box<str>),
    /// `[a, ?b]`.
    List(Vec<Element>),
    /// A constant.
    Literal(Literal),
    /// `{k: v, ?k: v}`.
    Map(Vec<MapEntry>),
    /// `x.f`, or `has(x.f)`.
    Select(Select),
    /// `T{f: v}`.
    Struct(Struct),
}

/// A call.
#[derive(Clone, Debug, PartialEq)]
pub struct Call {
    /// Name of the function; operators have the names that cel-go gives them (`_&&_`, `!_`, `_?_:_`, `_[?_]`, `_?._`, `@in`).
    pub function: Box<str>,
    /// What stands before the dot.
    pub target: Option<Box<Expr>>,
    /// What stands in the parentheses.
    pub args: Vec<Expr>,
}

/// A loop (CEL's `Comprehension`).
#[derive(Clone, Debug, PartialEq)]
pub struct Comprehension {
    /// What is gone through.
    pub iter_range: Expr,
    /// Its element; with `iter_var2`, its index or key.
    pub iter_var: Box<str>,
    /// Its element or value, in comprehensions of two variables.
    pub iter_var2: Option<Box<str>>,
    /// Name of what is gathered (`@result`).
    pub accu_var: Box<str>,
    /// What that is in the beginning.
    pub accu_init: Expr,
    /// Whether to go on.
    pub loop_condition: Expr,
    /// What is gathered after an element.
    pub loop_step: Expr,
    /// The value of it all.
    pub result: Expr,
}

/// An element of a list.
#[derive(Clone, Debug, PartialEq)]
pub struct Element {
    /// Its value, or an optional one.
    pub value: Expr,
    /// Written `?value`: left out when it is `optional.none()`.
    pub optional: bool,
}

/// An entry of a map.
#[derive(Clone, Debug, PartialEq)]
pub struct MapEntry {
    /// Its number.
    pub id: Id,
    /// The key.
    pub key: Expr,
    /// The value, or an optional one.
    pub value: Expr,
    /// Written `?key: value`.
    pub optional: bool,
}

/// A field selection.
#[derive(Clone, Debug, PartialEq)]
pub struct Select {
    /// Of what.
    pub operand: Box<Expr>,
    /// Name of the field.
    pub field: Box<str>,
    /// Whether it is only asked for: `has(x.f)`.
    pub test_only: bool,
}

/// A message.
#[derive(Clone, Debug, PartialEq)]
pub struct Struct {
    /// Name of its type.
    pub type_name: Box<str>,
    /// Its fields.
    pub fields: Vec<StructField>,
}

/// A field of a message.
#[derive(Clone, Debug, PartialEq)]
pub struct StructField {
    /// Its number.
    pub id: Id,
    /// Its name.
    pub name: Box<str>,
    /// Its value, or an optional one.
    pub value: Expr,
    /// Written `?name: value`.
    pub optional: bool,
}

/// A constant.
#[derive(Clone, Debug, PartialEq)]
pub enum Literal {
    /// `true` or `false`.
    Bool(bool),
    /// `b"…"`.
    Bytes(Rc<[u8]>),
    /// `1.0`.
    Double(f64),
    /// `1`.
    Int(i64),
    /// `null`.
    Null,
    /// `"…"`.
    String(Rc<str>),
    /// `1u`.
    Uint(u64),
}
