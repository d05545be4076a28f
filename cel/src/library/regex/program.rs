//! A pattern as instructions (regexp/syntax `Compile`, after `Simplify`).

use super::class::Class;
use super::tree::{Assertion, Node, NodeId, Tree};

/// Place of an instruction.
pub(super) type Address = u32;

/// An instruction. Those that take a character go on at an address after it.
#[derive(Clone, Copy, Debug)]
pub(super) enum Instruction {
    Any(Address),
    AnyButNewline(Address),
    /// Goes on if it holds.
    Assert(Assertion, Address),
    Class(usize, Address),
    Literal(u32, Address),
    Match,
    /// Goes on at both, the first preferred.
    Split(Address, Address),
}

/// What a machine runs.
#[derive(Debug)]
pub(super) struct Program {
    pub(super) instructions: Vec<Instruction>,
    pub(super) classes: Vec<Class>,
    pub(super) start: Address,
}

impl Program {
    pub(super) fn new(tree: Tree) -> Self {
        let mut compiler = Compiler { tree: &tree, instructions: Vec::new() };
        let end = compiler.add(Instruction::Match);
        let start = compiler.compile(tree.root, end);
        let instructions = compiler.instructions;
        Self { instructions, classes: tree.into_classes(), start }
    }

    pub(super) fn instruction(&self, address: Address) -> Option<Instruction> {
        self.instructions.get(usize::try_from(address).ok()?).copied()
    }

    /// Whether nothing matches but from the beginning of the text on.
    pub(super) fn is_anchored(&self) -> bool {
        matches!(self.instruction(self.start), Some(Instruction::Assert(Assertion::TextStart, _)))
    }
}

/// Works from the end to the beginning, so that it is always known where to go on.
struct Compiler<'t> {
    tree: &'t Tree,
    instructions: Vec<Instruction>,
}

/// `*`, `+` and `?`.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Operator {
    Plus,
    Quest,
    Star,
}

impl Compiler<'_> {
    /// The address at which the node begins. Recursion is bounded by the tree's height.
    fn compile(&mut self, node: NodeId, next: Address) -> Address {
        match self.tree.node(node) {
            Node::Any => self.add(Instruction::Any(next)),
            Node::AnyButNewline => self.add(Instruction::AnyButNewline(next)),
            Node::Assertion(assertion) => self.add(Instruction::Assert(*assertion, next)),
            Node::Capture(inner) => self.compile(*inner, next),
            Node::Class(number) => self.add(Instruction::Class(*number, next)),
            Node::Empty => next,
            Node::Literal(char) => self.add(Instruction::Literal(*char, next)),
            Node::Concatenation(nodes) => {
                nodes.iter().rev().fold(next, |next, node| self.compile(*node, next))
            }
            Node::Alternation(nodes) => {
                let mut nodes = nodes.iter().rev();
                let Some(last) = nodes.next() else { return next };
                let last = self.compile(*last, next);
                nodes.fold(last, |others, node| {
                    let node = self.compile(*node, next);
                    self.add(Instruction::Split(node, others))
                })
            }
            Node::Repetition { node, min, max, lazy } => self.repetition(*node, *min, *max, *lazy, next),
        }
    }

    /// regexp/syntax `Simplify`: `x{2,}` is `xx+`, `x{2,4}` is `xx(x(x)?)?`.
    fn repetition(&mut self, node: NodeId, min: u32, max: Option<u32>, lazy: bool, next: Address) -> Address {
        let (mut start, copies) = match (min, max) {
            (0, None) => (self.operator(Operator::Star, node, lazy, next), 0),
            (_, None) => (self.operator(Operator::Plus, node, lazy, next), min.saturating_sub(1)),
            (_, Some(max)) if max > min => {
                let mut start = self.operator(Operator::Quest, node, lazy, next);
                for _ in min.saturating_add(1)..max {
                    start = self.compile(node, start);
                    start = self.split(start, next, lazy);
                }
                (start, min)
            }
            (_, Some(_)) => (next, min),
        };
        for _ in 0..copies {
            start = self.compile(node, start);
        }
        start
    }

    fn operator(&mut self, operator: Operator, node: NodeId, lazy: bool, next: Address) -> Address {
        // An operator on itself is once enough, and nothing repeated is nothing (regexp/syntax `simplify1`).
        match self.simplified(node) {
            Simplified::Empty => return next,
            Simplified::Operator(inner, inner_lazy) if inner == operator && inner_lazy == lazy => {
                return self.compile(node, next);
            }
            _ => (),
        }
        match operator {
            Operator::Plus => self.plus(node, lazy, next),
            Operator::Quest => {
                let start = self.compile(node, next);
                self.split(start, next, lazy)
            }
            // What may match nothing is `(x+)?`, for the order of preference (golang.org/issue/46123).
            Operator::Star if self.tree.is_nullable(node) => {
                let start = self.plus(node, lazy, next);
                self.split(start, next, lazy)
            }
            Operator::Star => {
                let (_, again) = self.looped(node, lazy, next);
                again
            }
        }
    }

    fn plus(&mut self, node: NodeId, lazy: bool, next: Address) -> Address {
        let (start, _) = self.looped(node, lazy, next);
        start
    }

    /// A node that may be gone through again after itself; where it begins, and where that is decided.
    fn looped(&mut self, node: NodeId, lazy: bool, next: Address) -> (Address, Address) {
        let again = self.add(Instruction::Match);
        let start = self.compile(node, again);
        let split = if lazy { Instruction::Split(next, start) } else { Instruction::Split(start, next) };
        if let Some(place) = usize::try_from(again).ok().and_then(|again| self.instructions.get_mut(again)) {
            *place = split;
        }
        (start, again)
    }

    fn split(&mut self, preferred: Address, other: Address, lazy: bool) -> Address {
        self.add(if lazy {
            Instruction::Split(other, preferred)
        } else {
            Instruction::Split(preferred, other)
        })
    }

    fn add(&mut self, instruction: Instruction) -> Address {
        // The tree's size is bounded far below the last address.
        let address = Address::try_from(self.instructions.len()).unwrap_or(Address::MAX);
        self.instructions.push(instruction);
        address
    }

    /// What regexp/syntax `Simplify` makes of a node, as far as that matters to an operator around it.
    fn simplified(&self, node: NodeId) -> Simplified {
        let mut node = node;
        loop {
            return match self.tree.node(node) {
                Node::Empty | Node::Repetition { max: Some(0), .. } => Simplified::Empty,
                Node::Repetition { node: inner, min: 1, max: Some(1), .. } => {
                    node = *inner;
                    continue;
                }
                Node::Repetition { node: inner, min, max, lazy } => {
                    let operator = match (min, max) {
                        (0, None) => Operator::Star,
                        (1, None) => Operator::Plus,
                        (0, Some(1)) => Operator::Quest,
                        _ => return Simplified::Other,
                    };
                    match self.simplified(*inner) {
                        Simplified::Empty => Simplified::Empty,
                        _ => Simplified::Operator(operator, *lazy),
                    }
                }
                _ => Simplified::Other,
            };
        }
    }
}

enum Simplified {
    Empty,
    Operator(Operator, bool),
    Other,
}
