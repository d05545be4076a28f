//! From the syntax tree to the expression (cel-go's visitor in `parser.go`).

use super::depth::{DEPTH_LIMIT, is_too_deep};
use super::grammar::{Label, Shape};
use super::ids::Ids;
use super::literals::literal;
use super::machine::{Node, NodeId, Tree};
use super::macros::{Expander, Macro};
use super::source::{NOWHERE, Source};
use super::token::{Kind, Token};
use super::{Issue, Parsed};
use crate::ast::{Call, Element, Expr, ExprKind, Id, Literal, MapEntry, Select, Struct, StructField};
use crate::escape::RESERVED;

/// cel-go's `maxRecursionDepth`, here for expressions within each other.
const RECURSION_LIMIT: u32 = 250;

/// In the words of cel-go's other limits.
const TOO_DEEP: &str = "expression depth limit exceeded: 500";

/// It went too deep, or there are too many nodes.
struct Stop(&'static str);

struct Builder<'a> {
    source: &'a Source,
    nodes: &'a [Node],
    ids: Ids,
    issues: Vec<Issue>,
    /// How many kinds of expressions that cel-go counts are open.
    depth: u32,
    /// How many expressions are open.
    nesting: u32,
}

/// The expression of a syntax tree, if there was no mistake before and there is none in it.
pub(super) fn build(source: &Source, tree: Option<Tree>, issues: Vec<Issue>) -> Result<Parsed, Vec<Issue>> {
    let Some(tree) = tree else { return Err(issues) };
    let mut builder = Builder { source, nodes: &tree.nodes, ids: Ids::new(), issues, depth: 0, nesting: 0 };
    let built = builder.visit(Some(tree.root));
    let Builder { ids, mut issues, .. } = builder;
    match built {
        Ok(root) if issues.is_empty() && is_too_deep(&root) => Err(vec![Issue::nowhere(TOO_DEEP)]),
        Ok(root) if issues.is_empty() => Ok(Parsed { root, offsets: ids.into_offsets() }),
        Ok(_) => Err(issues),
        Err(Stop(why)) => {
            issues.push(Issue::nowhere(why));
            Err(issues)
        }
    }
}

impl<'a> Builder<'a> {
    fn visit(&mut self, node: Option<NodeId>) -> Result<Expr, Stop> {
        if self.ids.exhausted() {
            return Err(Stop("expression has too many nodes"));
        }
        self.nesting = self.nesting.saturating_add(1);
        if self.nesting > DEPTH_LIMIT {
            return Err(Stop(TOO_DEEP));
        }
        let built = self.visit_shape(node)?;
        self.nesting = self.nesting.saturating_sub(1);
        Ok(built)
    }

    fn visit_shape(&mut self, node: Option<NodeId>) -> Result<Expr, Stop> {
        let nodes: &'a [Node] = self.nodes;
        let Some(node) = node.and_then(|node| nodes.get(node)) else {
            return Ok(self.placeholder(NOWHERE));
        };
        match node.shape {
            Shape::Or => self.logic(node, "_||_"),
            Shape::And => self.logic(node, "_&&_"),
            Shape::Not => self.unary(node, "!_"),
            Shape::Negate => self.unary(node, "-_"),
            Shape::Ternary => self.deeper(node, Self::ternary),
            Shape::Relation | Shape::Calc => self.deeper(node, Self::binary),
            Shape::Select => self.deeper(node, Self::select),
            Shape::MemberCall => self.deeper(node, Self::member_call),
            Shape::Index => self.deeper(node, Self::index),
            Shape::Ident => Ok(self.ident(node)),
            Shape::GlobalCall => self.global_call(node),
            Shape::List => self.list(node),
            Shape::Map => self.map(node),
            Shape::Message => self.message(node),
            Shape::Int
            | Shape::Uint
            | Shape::Double
            | Shape::String
            | Shape::Bytes
            | Shape::True
            | Shape::False
            | Shape::Null => Ok(self.constant(node)),
            Shape::UnknownUnary => Ok(self.placeholder(node.offset)),
            Shape::Unknown
            | Shape::Plain
            | Shape::Items
            | Shape::Optional
            | Shape::SimpleIdent
            | Shape::EscapedIdent => Ok(self.placeholder(NOWHERE)),
        }
    }

    fn deeper(
        &mut self,
        node: &'a Node,
        visit: fn(&mut Self, &'a Node) -> Result<Expr, Stop>,
    ) -> Result<Expr, Stop> {
        self.depth = self.depth.saturating_add(1);
        if self.depth > RECURSION_LIMIT {
            return Err(Stop("max recursion depth exceeded"));
        }
        let built = visit(self, node)?;
        self.depth = self.depth.saturating_sub(1);
        Ok(built)
    }

    fn ternary(&mut self, node: &'a Node) -> Result<Expr, Stop> {
        let condition = self.visit(node.node(Label::Left))?;
        let id = self.operator_id(node);
        let if_true = self.visit(node.node(Label::Middle))?;
        let if_false = self.visit(node.node(Label::Right))?;
        Ok(call(id, "_?_:_", vec![condition, if_true, if_false]))
    }

    fn logic(&mut self, node: &'a Node, function: &str) -> Result<Expr, Stop> {
        let first = self.visit(node.node(Label::Left))?;
        let mut rest = Vec::new();
        for (operator, operand) in node.tokens(Label::Operator).zip(node.nodes(Label::Right)) {
            let operand = self.visit(Some(operand))?;
            rest.push((self.ids.next(operator.offset()), operand));
        }
        Ok(balanced(function, first, rest))
    }

    fn unary(&mut self, node: &'a Node, function: &str) -> Result<Expr, Stop> {
        let operand = node.node(Label::Left);
        // Twice is not at all.
        if node.tokens(Label::Operator).count().is_multiple_of(2) {
            return self.visit(operand);
        }
        let id = self.operator_id(node);
        let operand = self.visit(operand)?;
        Ok(call(id, function, vec![operand]))
    }

    fn binary(&mut self, node: &'a Node) -> Result<Expr, Stop> {
        let left = self.visit(node.node(Label::Left))?;
        let id = self.operator_id(node);
        let right = self.visit(node.node(Label::Right))?;
        let function = node.token(Label::Operator).and_then(|operator| function(operator.kind));
        Ok(call(id, function.unwrap_or_default(), vec![left, right]))
    }

    fn select(&mut self, node: &'a Node) -> Result<Expr, Stop> {
        let operand = self.visit(node.node(Label::Left))?;
        let (Some(name), Some(dot)) = (node.node(Label::Name), node.token(Label::Operator)) else {
            return Ok(self.placeholder(node.offset));
        };
        let place = self.nodes.get(name).map_or(NOWHERE, |name| name.offset);
        let field = match self.field_name(Some(name)) {
            Ok(field) => field,
            Err(wrong) => {
                self.report(place, wrong);
                Box::default()
            }
        };
        if node.token(Label::Optional).is_some() {
            let field = Expr { id: self.ids.next(place), kind: text(&field) };
            return Ok(call(self.ids.next(dot.offset()), "_?._", vec![operand, field]));
        }
        let kind = ExprKind::Select(Select { operand: Box::new(operand), field, test_only: false });
        Ok(Expr { id: self.ids.next(dot.offset()), kind })
    }

    fn member_call(&mut self, node: &'a Node) -> Result<Expr, Stop> {
        let target = self.visit(node.node(Label::Left))?;
        let Some(name) = node.token(Label::Name) else {
            return Ok(self.placeholder(node.offset));
        };
        let id = self.operator_id(node);
        let args = self.arguments(node)?;
        Ok(self.call_or_macro(id, self.name(name), Some(target), args))
    }

    fn index(&mut self, node: &'a Node) -> Result<Expr, Stop> {
        let target = self.visit(node.node(Label::Left))?;
        let id = self.operator_id(node);
        let index = self.visit(node.node(Label::Right))?;
        let function = if node.token(Label::Optional).is_some() { "_[?_]" } else { "_[_]" };
        Ok(call(id, function, vec![target, index]))
    }

    fn ident(&mut self, node: &Node) -> Expr {
        let Some(name) = node.token(Label::Name) else {
            return self.placeholder(node.offset);
        };
        match self.unreserved(node, name) {
            Ok(full) => Expr { id: self.ids.next(name.offset()), kind: ExprKind::Ident(full.into()) },
            Err(expr) => expr,
        }
    }

    fn global_call(&mut self, node: &'a Node) -> Result<Expr, Stop> {
        let Some(name) = node.token(Label::Name) else {
            return Ok(self.placeholder(node.offset));
        };
        match self.unreserved(node, name) {
            Ok(full) => {
                let id = self.operator_id(node);
                let args = self.arguments(node)?;
                Ok(self.call_or_macro(id, full, None, args))
            }
            Err(expr) => Ok(expr),
        }
    }

    fn list(&mut self, node: &'a Node) -> Result<Expr, Stop> {
        let id = self.operator_id(node);
        let mut elements = Vec::new();
        for element in self.items(node).nodes(Label::Item).filter_map(|item| self.nodes.get(item)) {
            let value = self.visit(element.node(Label::Left))?;
            elements.push(Element { value, optional: element.token(Label::Optional).is_some() });
        }
        Ok(Expr { id, kind: ExprKind::List(elements) })
    }

    fn map(&mut self, node: &'a Node) -> Result<Expr, Stop> {
        let id = self.operator_id(node);
        let mut entries = Vec::new();
        for (colon, written, value) in entries_of(self.items(node)) {
            let entry = self.ids.next(colon.offset());
            let written = self.nodes.get(written);
            let optional = written.is_some_and(|key| key.token(Label::Optional).is_some());
            let key = self.visit(written.and_then(|key| key.node(Label::Left)))?;
            let value = self.visit(Some(value))?;
            entries.push(MapEntry { id: entry, key, value, optional });
        }
        Ok(Expr { id, kind: ExprKind::Map(entries) })
    }

    fn message(&mut self, node: &'a Node) -> Result<Expr, Stop> {
        let mut type_name = String::new();
        for name in node.tokens(Label::Name) {
            if !type_name.is_empty() {
                type_name.push('.');
            }
            type_name.push_str(&self.name(name));
        }
        if node.token(Label::LeadingDot).is_some() {
            type_name.insert(0, '.');
        }
        let id = self.operator_id(node);
        let items = self.items(node);
        let mut fields = Vec::new();
        for (colon, written, value) in entries_of(items) {
            let entry = self.ids.next(colon.offset());
            let written = self.nodes.get(written);
            let optional = written.is_some_and(|field| field.token(Label::Optional).is_some());
            match self.field_name(written.and_then(|field| field.node(Label::Name))) {
                Ok(name) => {
                    let value = self.visit(Some(value))?;
                    fields.push(StructField { id: entry, name, value, optional });
                }
                Err(wrong) => {
                    self.report(items.offset, wrong);
                }
            }
        }
        Ok(Expr { id, kind: ExprKind::Struct(Struct { type_name: type_name.into(), fields }) })
    }

    fn constant(&mut self, node: &Node) -> Expr {
        let (literal, wrong) = literal(self.source, node);
        if let Some(wrong) = wrong {
            let id = self.report(node.offset, wrong);
            if !matches!(literal, Literal::String(_) | Literal::Bytes(_)) {
                return Expr { id, kind: ExprKind::Literal(literal) };
            }
        }
        Expr { id: self.ids.next(node.offset), kind: ExprKind::Literal(literal) }
    }

    fn call_or_macro(&mut self, id: Id, function: String, target: Option<Expr>, args: Vec<Expr>) -> Expr {
        let Some(expand) = Macro::find(&function, target.is_some(), args.len()) else {
            let function = function.into();
            return Expr { id, kind: ExprKind::Call(Call { function, target: target.map(Box::new), args }) };
        };
        let expanded = Expander::new(&mut self.ids, id).expand(expand, target, args);
        self.ids.delete(id);
        match expanded {
            Ok(expr) => expr,
            Err(wrong) => {
                let id = self.report(wrong.offset, &wrong.message);
                Expr { id, kind: ExprKind::Literal(Literal::Null) }
            }
        }
    }

    fn arguments(&mut self, node: &'a Node) -> Result<Vec<Expr>, Stop> {
        self.items(node).nodes(Label::Item).map(|argument| self.visit(Some(argument))).collect()
    }

    /// What stands between the brackets.
    fn items(&self, node: &'a Node) -> &'a Node {
        static NONE: Node = Node { shape: Shape::Items, offset: NOWHERE, parts: Vec::new() };
        node.node(Label::Item).and_then(|items| self.nodes.get(items)).unwrap_or(&NONE)
    }

    /// A name with its leading dot, unless it is reserved.
    fn unreserved(&mut self, node: &Node, name: Token) -> Result<String, Expr> {
        let name = self.name(name);
        if RESERVED.contains(&name.as_str()) {
            let id = self.report(node.offset, &format!("reserved identifier: {name}"));
            return Err(Expr { id, kind: ExprKind::Literal(Literal::Null) });
        }
        Ok(if node.token(Label::LeadingDot).is_some() { format!(".{name}") } else { name })
    }

    /// cel-go `normalizeIdent`, which in this environment takes no names in backticks.
    fn field_name(&self, name: Option<NodeId>) -> Result<Box<str>, &'static str> {
        let name = name.and_then(|name| self.nodes.get(name));
        match name.map(|name| (name.shape, name.token(Label::Name))) {
            Some((Shape::SimpleIdent, Some(name))) => Ok(self.name(name).into()),
            Some((Shape::EscapedIdent, _)) => Err("unsupported syntax: '`'"),
            _ => Err("unsupported ident kind"),
        }
    }

    fn name(&self, name: Token) -> String {
        if name.missing { "<missing undefined>".to_owned() } else { self.source.slice(name.start, name.end) }
    }

    fn operator_id(&mut self, node: &Node) -> Id {
        match node.token(Label::Operator) {
            Some(operator) => self.ids.next(operator.offset()),
            None => 0,
        }
    }

    /// In place of what could not be recognized.
    fn placeholder(&mut self, offset: u32) -> Expr {
        Expr { id: self.ids.next(offset), kind: ExprKind::Literal(Literal::Null) }
    }

    fn report(&mut self, offset: u32, message: &str) -> Id {
        self.issues.push(self.source.issue(offset, message));
        self.ids.next(offset)
    }
}

fn entries_of(items: &Node) -> impl Iterator<Item = (Token, NodeId, NodeId)> {
    let keys = items.nodes(Label::Key).zip(items.nodes(Label::Value));
    items.tokens(Label::Colon).zip(keys).map(|(colon, (key, value))| (colon, key, value))
}

/// Operands of `&&` or `||` as a tree of little depth (cel-go `logicManager.balancedTree`).
fn balanced(function: &str, first: Expr, mut rest: Vec<(Id, Expr)>) -> Expr {
    // The operator in the middle has what is before it to its left; half of the operators, rounded down, are there.
    let middle = rest.len() >> 1;
    let mut right = rest.split_off(middle).into_iter();
    let Some((id, head)) = right.next() else { return first };
    let left = balanced(function, first, rest);
    let right = balanced(function, head, right.collect());
    call(id, function, vec![left, right])
}

fn function(kind: Kind) -> Option<&'static str> {
    Some(match kind {
        Kind::Equals => "_==_",
        Kind::NotEquals => "_!=_",
        Kind::In => "@in",
        Kind::Less => "_<_",
        Kind::LessEquals => "_<=_",
        Kind::Greater => "_>_",
        Kind::GreaterEquals => "_>=_",
        Kind::Star => "_*_",
        Kind::Slash => "_/_",
        Kind::Percent => "_%_",
        Kind::Plus => "_+_",
        Kind::Minus => "_-_",
        _ => return None,
    })
}

fn text(value: &str) -> ExprKind {
    ExprKind::Literal(Literal::String(value.into()))
}

fn call(id: Id, function: &str, args: Vec<Expr>) -> Expr {
    Expr { id, kind: ExprKind::Call(Call { function: function.into(), target: None, args }) }
}
