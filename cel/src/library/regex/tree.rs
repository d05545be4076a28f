//! A pattern as a tree.

use super::class::Class;

/// The most instructions that a pattern may become. Go takes 3.3 million.
const MAX_SIZE: u32 = 20_000;
/// The deepest nesting. Go takes 1,000; this bounds recursion over the tree.
const MAX_HEIGHT: u32 = 250;
/// The most ranges of all classes together.
const MAX_RANGES: usize = 100_000;

/// Number of a node in its tree.
pub(super) type NodeId = usize;

/// A node.
#[derive(Debug)]
pub(super) enum Node {
    /// `a|b`.
    Alternation(Vec<NodeId>),
    /// Any character.
    Any,
    /// Any character but a line feed.
    AnyButNewline,
    /// Something about a place.
    Assertion(Assertion),
    /// `(a)`.
    Capture(NodeId),
    /// One character of a class.
    Class(usize),
    /// `ab`.
    Concatenation(Vec<NodeId>),
    /// Nothing.
    Empty,
    /// One character. Go allows surrogates, which no text has.
    Literal(u32),
    /// `a{1,2}`, `a*`, `a+`, `a?`.
    Repetition { node: NodeId, min: u32, max: Option<u32>, lazy: bool },
}

/// What must hold at a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Assertion {
    LineEnd,
    LineStart,
    NoWordBoundary,
    TextEnd,
    TextStart,
    WordBoundary,
}

/// What is known of a node.
#[derive(Clone, Copy, Debug, Default)]
struct Measure {
    height: u32,
    /// Whether it may match nothing (the `nullable` of regexp/syntax `frag`).
    nullable: bool,
    /// The counts of nested repetitions, multiplied (regexp/syntax `repeatIsValid`).
    repeats: u32,
    /// Instructions (regexp/syntax `calcSize`).
    size: u32,
}

/// A pattern.
#[derive(Debug, Default)]
pub(super) struct Tree {
    pub(super) root: NodeId,
    nodes: Vec<Node>,
    measures: Vec<Measure>,
    classes: Vec<Class>,
    ranges: usize,
}

impl Tree {
    pub(super) fn add(&mut self, node: Node) -> NodeId {
        self.measures.push(self.measure(&node));
        self.nodes.push(node);
        self.nodes.len().saturating_sub(1)
    }

    pub(super) fn add_class(&mut self, class: Class) -> usize {
        self.ranges = self.ranges.saturating_add(class.len());
        self.classes.push(class);
        self.classes.len().saturating_sub(1)
    }

    pub(super) fn node(&self, node: NodeId) -> &Node {
        self.nodes.get(node).unwrap_or(&Node::Empty)
    }

    pub(super) fn is_nullable(&self, node: NodeId) -> bool {
        self.measures.get(node).is_some_and(|measure| measure.nullable)
    }

    pub(super) fn into_classes(self) -> Vec<Class> {
        self.classes
    }

    /// Of the node that was added last.
    pub(super) fn last_repeats(&self) -> u32 {
        self.measures.last().map_or(1, |measure| measure.repeats)
    }

    /// Whether the node that was added last is.
    pub(super) fn is_too_large(&self) -> bool {
        self.measures.last().is_some_and(|measure| measure.size > MAX_SIZE)
    }

    /// Whether the node that was added last is.
    pub(super) fn is_too_deep(&self) -> bool {
        self.measures.last().is_some_and(|measure| measure.height > MAX_HEIGHT)
    }

    /// Whether so many more ranges may be.
    pub(super) fn has_room(&self, more: usize) -> bool {
        self.ranges.saturating_add(more) <= MAX_RANGES
    }

    fn measure(&self, node: &Node) -> Measure {
        let leaf = Measure { height: 1, nullable: false, repeats: 1, size: 1 };
        let of = |node: &NodeId| self.measures.get(*node).copied().unwrap_or_default();
        match node {
            Node::Any | Node::AnyButNewline | Node::Class(_) | Node::Literal(_) => leaf,
            Node::Assertion(_) | Node::Empty => Measure { nullable: true, ..leaf },
            Node::Capture(node) => {
                let inner = of(node);
                Measure {
                    height: inner.height.saturating_add(1),
                    size: inner.size.saturating_add(2),
                    ..inner
                }
            }
            Node::Concatenation(nodes) | Node::Alternation(nodes) => {
                let all = matches!(node, Node::Concatenation(_));
                let mut sum = Measure { nullable: all, size: 0, ..leaf };
                for inner in nodes.iter().map(of) {
                    sum.height = sum.height.max(inner.height.saturating_add(1));
                    sum.nullable =
                        if all { sum.nullable && inner.nullable } else { sum.nullable || inner.nullable };
                    sum.repeats = sum.repeats.max(inner.repeats);
                    sum.size = sum.size.saturating_add(inner.size).saturating_add(u32::from(!all));
                }
                sum
            }
            Node::Repetition { node, min, max, .. } => {
                let inner = of(node);
                let copies = max.unwrap_or(*min).max(1);
                Measure {
                    height: inner.height.saturating_add(1),
                    nullable: *min == 0 || inner.nullable,
                    repeats: if *max == Some(0) { 1 } else { inner.repeats.saturating_mul(copies) },
                    size: inner.size.saturating_mul(copies).saturating_add(copies).saturating_add(2),
                }
            }
        }
    }
}
