//! Walks the grammar over the words of a text and gives a syntax tree, as ANTLR's parser does.
//!
//! It keeps its own stack of rules, so a text cannot exhaust the thread's.

use super::Issue;
use super::grammar::{Label, RETURN, RULES, Rule, Shape, State, Step, alternative, following, step};
use super::lexer::{Lexer, Scanned};
use super::recovery::{Failure, Recovery};
use super::source::{NOWHERE, Source};
use super::token::{Kind, Kinds, Token};

/// cel-go's `maxRecursionDepth`: so many contexts of one rule may be open at once.
const RECURSION_LIMIT: u16 = 250;

/// cel-go's `errorReportingLimit`.
const REPORT_LIMIT: usize = 100;

/// Number of a node in a [`Tree`].
pub(super) type NodeId = usize;

/// A syntax tree.
#[derive(Debug)]
pub(super) struct Tree {
    pub(super) nodes: Vec<Node>,
    pub(super) root: NodeId,
}

/// A node of a syntax tree. After mistakes, parts may be missing.
#[derive(Debug)]
pub(super) struct Node {
    pub(super) shape: Shape,
    /// Where its first word begins.
    pub(super) offset: u32,
    pub(super) parts: Vec<(Label, Part)>,
}

/// What a node is made of.
#[derive(Clone, Copy, Debug)]
pub(super) enum Part {
    Node(NodeId),
    Token(Token),
}

/// A rule that is being gone through.
#[derive(Debug)]
pub(super) struct Frame {
    rule: Rule,
    pub(super) precedence: u8,
    node: Node,
    /// What the node will be to the rule that called.
    label: Label,
    /// Where that rule goes on.
    pub(super) back: State,
}

/// The parser.
#[derive(Debug)]
pub(super) struct Machine<'a> {
    source: &'a Source,
    lexer: Lexer<'a>,
    /// What was read so far, spaces and comments included.
    tokens: Vec<Token>,
    /// Which of them is next.
    pub(super) index: usize,
    pub(super) state: State,
    pub(super) frames: Vec<Frame>,
    pub(super) recovery: Recovery,
    nodes: Vec<Node>,
    depths: [u16; RULES],
    issues: Vec<Issue>,
    reports: usize,
    /// Whether it must not go on.
    pub(super) stopped: bool,
}

impl Node {
    fn part(&self, label: Label) -> Option<Part> {
        self.parts.iter().find(|part| part.0 == label).map(|part| part.1)
    }

    /// The first node with that label.
    pub(super) fn node(&self, label: Label) -> Option<NodeId> {
        self.parts.iter().find_map(|part| match part {
            (found, Part::Node(node)) if *found == label => Some(*node),
            _ => None,
        })
    }

    /// The first word with that label.
    pub(super) fn token(&self, label: Label) -> Option<Token> {
        self.parts.iter().find_map(|part| match part {
            (found, Part::Token(token)) if *found == label => Some(*token),
            _ => None,
        })
    }

    /// All words with that label.
    pub(super) fn tokens(&self, label: Label) -> impl Iterator<Item = Token> {
        self.parts.iter().filter_map(move |part| match part {
            (found, Part::Token(token)) if *found == label => Some(*token),
            _ => None,
        })
    }

    /// All nodes with that label.
    pub(super) fn nodes(&self, label: Label) -> impl Iterator<Item = NodeId> {
        self.parts.iter().filter_map(move |part| match part {
            (found, Part::Node(node)) if *found == label => Some(*node),
            _ => None,
        })
    }
}

impl<'a> Machine<'a> {
    pub(super) fn new(source: &'a Source) -> Self {
        Self {
            source,
            lexer: Lexer::new(source),
            tokens: Vec::new(),
            index: 0,
            state: RETURN,
            frames: Vec::new(),
            recovery: Recovery::default(),
            nodes: Vec::new(),
            depths: [0; RULES],
            issues: Vec::new(),
            reports: 0,
            stopped: false,
        }
    }

    /// The tree, unless it had to stop, and the mistakes.
    pub(super) fn run(mut self) -> (Option<Tree>, Vec<Issue>) {
        self.index = self.visible(0);
        self.enter(Rule::Start, 0, Label::Nothing, RETURN);
        while !self.stopped {
            let went = match step(self.state) {
                None => Ok(RETURN),
                Some(step) => self.take(step),
            };
            let next = match went {
                Ok(next) => next,
                Err(failure) => {
                    self.recover_from(&failure);
                    RETURN
                }
            };
            if self.stopped {
                break;
            }
            self.state = next;
            if next == RETURN
                && let Some(root) = self.leave()
            {
                return (Some(Tree { nodes: self.nodes, root }), self.issues);
            }
        }
        (None, self.issues)
    }

    fn take(&mut self, step: Step) -> Result<State, Failure> {
        match step {
            Step::Match { kind, label, to } => {
                let token = self.match_kind(kind, to)?;
                self.add(label, Part::Token(token));
                Ok(to)
            }
            Step::MatchAny { to, .. } => {
                let token = self.peek(1);
                self.recovery.matched();
                self.consume();
                self.add(Label::Operator, Part::Token(token));
                Ok(to)
            }
            Step::Call { rule, precedence, label, to } => {
                self.enter(rule, precedence, label, to);
                Ok(rule.entry())
            }
            Step::Branch { first, second } => {
                self.synchronize()?;
                Ok(if following(first).has(self.peek(1).kind) { first } else { second })
            }
            Step::Predict(_) => {
                if matches!(self.state, 81 | 126) {
                    // The context so far ends, and in `Wrap` a new one begins.
                    self.exit_event();
                }
                self.synchronize()?;
                let to = self.predict()?;
                if let (Some(shape), Some(frame)) = (alternative(to), self.frames.last_mut()) {
                    frame.node.shape = shape;
                }
                Ok(to)
            }
            Step::Wrap { shape, to } => {
                if self.state == 64 {
                    self.exit_event();
                }
                self.wrap(shape);
                Ok(to)
            }
        }
    }

    fn enter(&mut self, rule: Rule, precedence: u8, label: Label, back: State) {
        let node = Node { shape: rule.shape(), offset: self.peek(1).offset(), parts: Vec::new() };
        self.frames.push(Frame { rule, precedence, node, label, back });
        self.enter_event();
        if self.frames.len() == 1 {
            self.state = rule.entry();
        }
    }

    /// Ends a rule. The root, if it was the first.
    fn leave(&mut self) -> Option<NodeId> {
        self.exit_event();
        let Frame { node, label, back, .. } = self.frames.pop()?;
        let node = self.store(node);
        self.state = back;
        if self.frames.is_empty() {
            return Some(node);
        }
        self.add(label, Part::Node(node));
        None
    }

    fn wrap(&mut self, shape: Shape) {
        let Some(frame) = self.frames.last_mut() else { return };
        let offset = frame.node.offset;
        let before = std::mem::replace(&mut frame.node, Node { shape, offset, parts: Vec::new() });
        let before = self.store(before);
        self.add(Label::Left, Part::Node(before));
        self.enter_event();
    }

    fn add(&mut self, label: Label, part: Part) {
        if let Some(frame) = self.frames.last_mut()
            && label != Label::Nothing
        {
            frame.node.parts.push((label, part));
        }
    }

    /// Keeps a node, or its only part if it is nothing else (cel-go `unnest`).
    fn store(&mut self, node: Node) -> NodeId {
        let bare = match node.shape {
            Shape::Plain => true,
            Shape::Ternary | Shape::Or | Shape::And => node.part(Label::Operator).is_none(),
            _ => false,
        };
        if let (true, Some(only)) = (bare, node.node(Label::Left)) {
            return only;
        }
        self.nodes.push(if bare { Node { shape: Shape::Unknown, ..node } } else { node });
        self.nodes.len().saturating_sub(1)
    }

    fn depth(&mut self) -> Option<&mut u16> {
        let rule = self.frames.last()?.rule;
        self.depths.get_mut(rule as usize)
    }

    /// cel-go `recursionListener.EnterEveryRule`.
    fn enter_event(&mut self) {
        let Some(depth) = self.depth() else { return };
        *depth = depth.saturating_add(1);
        if *depth > RECURSION_LIMIT {
            self.stop(format!("expression recursion limit exceeded: {RECURSION_LIMIT}"));
        }
    }

    /// cel-go `recursionListener.ExitEveryRule`.
    fn exit_event(&mut self) {
        if let Some(depth) = self.depth() {
            *depth = depth.saturating_sub(1);
        }
    }

    /// Ends it all, with cel-go's `internalError`.
    pub(super) fn stop(&mut self, message: String) {
        self.issues.push(Issue::nowhere(message));
        self.stopped = true;
    }

    /// cel-go `parser.SyntaxError`.
    pub(super) fn syntax_error(&mut self, offset: u32, message: &str) {
        if self.stopped {
            return;
        }
        if self.reports < REPORT_LIMIT {
            self.reports = self.reports.saturating_add(1);
            self.issues.push(self.source.issue(offset, format!("Syntax error: {message}")));
        } else {
            let message = format!("Syntax error: More than {REPORT_LIMIT} syntax errors");
            self.issues.push(self.source.issue(offset, message));
            self.stopped = true;
        }
    }

    /// The word that comes next (1), or after that (2, 3).
    pub(super) fn peek(&mut self, count: usize) -> Token {
        let mut index = self.index;
        for _ in 1..count {
            index = self.after(index);
        }
        self.token(index)
    }

    /// The word before the next.
    pub(super) fn last(&mut self) -> Token {
        let mut before = self.index;
        while let Some(index) = before.checked_sub(1) {
            before = index;
            if !matches!(self.token(index).kind, Kind::Whitespace | Kind::Comment) {
                break;
            }
        }
        self.token(before)
    }

    /// Goes on to the next word.
    pub(super) fn consume(&mut self) {
        self.index = self.after(self.index);
    }

    /// The place of the word after one.
    pub(super) fn after(&mut self, index: usize) -> usize {
        if self.token(index).kind == Kind::Eof { index } else { self.visible(index.saturating_add(1)) }
    }

    /// The first place from here on that has neither space nor comment.
    fn visible(&mut self, mut index: usize) -> usize {
        while matches!(self.token(index).kind, Kind::Whitespace | Kind::Comment) {
            index = index.saturating_add(1);
        }
        index
    }

    /// The word at a place; words are read when they are asked for, so that mistakes come in ANTLR's order.
    pub(super) fn token(&mut self, index: usize) -> Token {
        let end = self.source.len();
        let eof = Token { kind: Kind::Eof, start: end, end, missing: false };
        while self.tokens.len() <= index {
            if self.stopped || self.tokens.last().is_some_and(|last| last.kind == Kind::Eof) {
                return eof;
            }
            match self.lexer.next() {
                Scanned::Token(token) => self.tokens.push(token),
                Scanned::Unknown { start, text } => {
                    let offset = u32::try_from(start).unwrap_or(NOWHERE);
                    self.syntax_error(offset, &format!("token recognition error at: '{text}'"));
                }
            }
        }
        self.tokens.get(index).copied().unwrap_or(eof)
    }

    /// What was read from one word to another, spaces and comments included.
    pub(super) fn text_between(&self, first: usize, last: usize) -> String {
        let tokens = self.tokens.get(first..=last).unwrap_or_default();
        let words = tokens.iter().filter(|token| token.kind != Kind::Eof);
        words.map(|token| self.source.slice(token.start, token.end)).collect()
    }

    /// A word as messages show it.
    pub(super) fn shown(&self, token: Token) -> String {
        if token.kind == Kind::Eof {
            return "'<EOF>'".to_owned();
        }
        quoted(&self.source.slice(token.start, token.end))
    }

    /// What may come here, and after the rules that may end here (ANTLR `getExpectedTokens`).
    pub(super) fn expected_from(&self, state: State) -> Kinds {
        let mut kinds = following(state);
        for frame in self.frames.iter().rev() {
            if !kinds.may_end_rule() {
                return kinds;
            }
            kinds = kinds.within_rule().union(following(frame.back));
        }
        if kinds.may_end_rule() { kinds.within_rule().with(Kind::Eof) } else { kinds }
    }
}

/// ANTLR `escapeWSAndQuote`.
pub(super) fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\t', "\\t").replace('\n', "\\n").replace('\r', "\\r"))
}
