//! How large a regular expression gets: Go refuses what is too large or too deep (`checkSize`, `checkHeight`).

/// A part of a pattern: all that Go's limits depend on.
#[derive(Clone, Debug)]
pub(super) struct Node {
    /// Whether it is a plain character, which grows together with the next one.
    is_literal: bool,
    is_concatenation: bool,
    is_alternation: bool,
    /// Instructions of its program.
    size: u64,
    height: u64,
    /// The most copies that nested counted repetitions make of something in it.
    copies: u64,
    /// The copies that it makes itself.
    own_copies: u64,
}

/// What is read and not yet put together.
#[derive(Debug, Default)]
pub(super) struct Stack {
    items: Vec<Item>,
    /// Nodes that Go has allocated, and those of them that it may use again. Without many of them, it doesn't count.
    allocated: u64,
    free: u64,
    /// Product of the copies of all counted repetitions, as often as they are put on the stack.
    repetitions: u64,
    exceeded: Option<&'static str>,
    counts_sizes: bool,
}

#[derive(Debug)]
enum Item {
    Bar,
    Node(Node),
    Open { captures: bool },
}

/// Go's `maxHeight`, and `maxSize`: 128 MB of instructions.
const MAXIMAL_HEIGHT: u64 = 1000;
const MAXIMAL_SIZE: u64 = 3_355_443;

impl Node {
    /// Anything that is no character and has no parts.
    pub(super) const fn single() -> Self {
        Self {
            is_literal: false,
            is_concatenation: false,
            is_alternation: false,
            size: 1,
            height: 1,
            copies: 1,
            own_copies: 1,
        }
    }

    /// A plain character.
    pub(super) const fn literal() -> Self {
        Self { is_literal: true, ..Self::single() }
    }

    /// Itself within something.
    pub(super) const fn wrapped(&self, overhead: u64) -> Self {
        Self {
            size: self.size.saturating_add(overhead),
            height: self.height.saturating_add(1),
            copies: self.copies,
            ..Self::single()
        }
    }

    /// Itself as often as that.
    pub(super) fn repeated(&self, minimum: u64, maximum: Option<u64>) -> Self {
        let size = match maximum {
            None if minimum == 0 => self.size.saturating_add(2),
            None => self.size.saturating_mul(minimum).saturating_add(1),
            Some(maximum) => {
                self.size.saturating_mul(maximum).saturating_add(maximum.saturating_sub(minimum))
            }
        };
        let copies = match maximum {
            Some(0) => 0,
            Some(maximum) => self.copies.max(1).saturating_mul(maximum),
            None if minimum == 0 => self.copies,
            None => self.copies.max(1).saturating_mul(minimum),
        };
        let own_copies = maximum.unwrap_or(minimum).max(1);
        Self {
            size: size.max(1),
            height: self.height.saturating_add(1),
            copies,
            own_copies,
            ..Self::single()
        }
    }
}

impl Stack {
    pub(super) fn push(&mut self, node: Node) {
        self.allocate();
        self.merge_literals();
        self.add(node);
    }

    /// Opens a group.
    pub(super) fn open(&mut self, captures: bool) {
        self.allocate();
        self.merge_literals();
        self.items.push(Item::Open { captures });
    }

    /// Ends an alternative.
    pub(super) fn bar(&mut self) {
        self.concatenate();
        if !self.swap_bar() {
            self.allocate();
            self.items.push(Item::Bar);
        }
    }

    /// Ends a group, if one is open.
    pub(super) fn close(&mut self) -> bool {
        self.alternate();
        let group = self.items.pop();
        match (self.items.pop(), group) {
            (Some(Item::Open { captures: true }), Some(Item::Node(node))) => {
                self.add(node.wrapped(2));
                true
            }
            (Some(Item::Open { captures: false }), Some(Item::Node(node))) => {
                self.add(node);
                true
            }
            _ => false,
        }
    }

    /// Ends the pattern. False if a group is still open.
    pub(super) fn finish(&mut self) -> bool {
        self.alternate();
        self.items.len() == 1
    }

    /// Replaces what is on top, if it is a node.
    pub(super) fn replace_top(&mut self, replacement: impl FnOnce(&Node) -> Node) -> bool {
        let Some(Item::Node(node)) = self.items.last() else { return false };
        let replaced = replacement(node);
        self.allocate();
        self.items.pop();
        self.add(replaced);
        true
    }

    /// The copies that the node on top makes.
    pub(super) fn copies(&self) -> u64 {
        match self.items.last() {
            Some(Item::Node(node)) => node.copies,
            _ => 0,
        }
    }

    /// Which of Go's limits was exceeded.
    pub(super) const fn exceeded(&self) -> Option<&'static str> {
        self.exceeded
    }

    fn add(&mut self, node: Node) {
        self.repetitions = self.repetitions.max(1).saturating_mul(node.own_copies).min(MAXIMAL_SIZE);
        let budget = MAXIMAL_SIZE.checked_div(self.repetitions.max(1)).unwrap_or_default();
        self.counts_sizes = self.counts_sizes || self.allocated >= budget;
        if self.counts_sizes && node.size > MAXIMAL_SIZE {
            self.exceeded = self.exceeded.or(Some("expression too large"));
        }
        if self.allocated >= MAXIMAL_HEIGHT && node.height > MAXIMAL_HEIGHT {
            self.exceeded = self.exceeded.or(Some("expression nests too deeply"));
        }
        self.items.push(Item::Node(node));
    }

    fn allocate(&mut self) {
        if self.free > 0 {
            self.free = self.free.saturating_sub(1);
        } else {
            self.allocated = self.allocated.saturating_add(1);
        }
    }

    fn release(&mut self) {
        self.free = self.free.saturating_add(1);
    }

    /// Two characters on top become one text: no repetition can come between them any more.
    fn merge_literals(&mut self) {
        let [.., Item::Node(below), Item::Node(top)] = self.items.as_mut_slice() else { return };
        if below.is_literal && top.is_literal {
            below.size = below.size.saturating_add(top.size);
            self.items.pop();
            self.release();
        }
    }

    /// Everything down to a bar or a parenthesis becomes one node.
    fn concatenate(&mut self) {
        self.merge_literals();
        let nodes = self.take_nodes();
        if nodes.is_empty() {
            self.allocate();
        }
        let joined = self.join(nodes, false);
        self.add(joined);
    }

    /// Alternatives down to a parenthesis become one node.
    fn alternate(&mut self) {
        self.concatenate();
        if self.swap_bar() {
            self.items.pop();
        }
        let nodes = self.take_nodes();
        let joined = self.join(nodes, true);
        self.add(joined);
    }

    /// Moves a bar above what stands on it.
    fn swap_bar(&mut self) -> bool {
        let length = self.items.len();
        let Some(below) = length.checked_sub(2) else { return false };
        let has_bar = matches!(self.items.get(below), Some(Item::Bar));
        if has_bar {
            self.items.swap(below, length.saturating_sub(1));
        }
        has_bar
    }

    fn take_nodes(&mut self) -> Vec<Node> {
        let mut nodes = Vec::new();
        while let Some(item) = self.items.pop() {
            match item {
                Item::Node(node) => nodes.push(node),
                other => {
                    self.items.push(other);
                    break;
                }
            }
        }
        nodes
    }

    /// One node of several. Parts that are of its own kind are dissolved in it.
    fn join(&mut self, nodes: Vec<Node>, alternation: bool) -> Node {
        let mut nodes = nodes;
        if nodes.len() == 1
            && let Some(node) = nodes.pop()
        {
            return node;
        }
        let mut joined =
            Node { is_alternation: alternation, is_concatenation: !alternation, size: 0, ..Node::single() };
        if !nodes.is_empty() {
            self.allocate();
        }
        for (index, node) in nodes.iter().enumerate() {
            let dissolves = if alternation { node.is_alternation } else { node.is_concatenation };
            if dissolves {
                self.release();
            }
            let height = if dissolves { node.height } else { node.height.saturating_add(1) };
            let bar = u64::from(alternation && index > 0);
            joined.height = joined.height.max(height);
            joined.size = joined.size.saturating_add(node.size).saturating_add(bar);
            joined.copies = joined.copies.max(node.copies);
        }
        joined.size = joined.size.max(1);
        joined
    }
}
