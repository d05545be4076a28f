//! From the tree of a text to steps (cel-go `interpreter/planner.go`).

use std::rc::Rc;

use super::member::{Members, constant};
use super::node::{Entry, Fold, Item, Node, Search};
use super::{Environment, Program};
use crate::ast::{Call, Comprehension, Expr, ExprKind, Literal};
use crate::library;
use crate::library::regex::Pattern;
use crate::value::{List, ListForm, Value};

/// Expressions of more levels are not evaluated: the stack of a VM is small.
const MAX_DEPTH: usize = 200;

/// Names of types that can stand for themselves.
const TYPES: [&str; 19] = [
    "bool",
    "bytes",
    "double",
    "google.protobuf.Duration",
    "google.protobuf.Timestamp",
    "int",
    "kubernetes.NamedFormat",
    "kubernetes.Quantity",
    "kubernetes.Semver",
    "kubernetes.URL",
    "list",
    "map",
    "net.CIDR",
    "net.IP",
    "null_type",
    "optional_type",
    "string",
    "type",
    "uint",
];

/// Plans an expression.
///
/// # Errors
/// What is not supported.
pub(super) fn plan(root: &Expr, environment: Environment) -> Result<Program, String> {
    let mut planner = Planner { environment, scopes: Vec::new(), slots: 0, depth: 0 };
    let root = planner.plan(root)?;
    Ok(Program { root, slots: planner.slots })
}

struct Planner<'e> {
    environment: Environment,
    /// Variables of the comprehensions around, the innermost last; each has the place of its number.
    scopes: Vec<Local<'e>>,
    slots: usize,
    depth: usize,
}

/// A variable of a comprehension.
struct Local<'e> {
    name: &'e str,
    is_accumulator: bool,
}

impl<'e> Planner<'e> {
    fn plan(&mut self, expr: &'e Expr) -> Result<Node, String> {
        if self.depth >= MAX_DEPTH {
            return Err(format!("an expression of more than {MAX_DEPTH} levels"));
        }
        self.depth = self.depth.saturating_add(1);
        let node = self.plan_one(expr);
        self.depth = self.depth.saturating_sub(1);
        node
    }

    fn plan_one(&mut self, expr: &'e Expr) -> Result<Node, String> {
        match &expr.kind {
            ExprKind::Call(call) => self.call(call),
            ExprKind::Comprehension(comprehension) => self.comprehension(comprehension),
            ExprKind::Ident(name) => {
                self.name(name).ok_or_else(|| format!("the name '{name}' is not supported"))
            }
            ExprKind::List(elements) => {
                let items = elements.iter().map(|element| {
                    Ok(Item { value: self.plan(&element.value)?, is_optional: element.optional })
                });
                items.collect::<Result<_, String>>().map(Node::List)
            }
            ExprKind::Literal(literal) => Ok(Node::Constant(literal.into())),
            ExprKind::Map(entries) => {
                let entries = entries.iter().map(|entry| {
                    let (key, value) = (self.plan(&entry.key)?, self.plan(&entry.value)?);
                    // kube-apiserver crashes on it when it plans the expression.
                    if constant(&key).is_some_and(|key| !key.is_hashable()) {
                        return Err("a map's key that is bytes".to_owned());
                    }
                    Ok(Entry { key, value, is_optional: entry.optional })
                });
                entries.collect::<Result<_, String>>().map(Node::Map)
            }
            ExprKind::Select(select) => {
                if let Some(node) = self.qualified(expr).and_then(|name| self.name(&name)) {
                    return Ok(node);
                }
                let operand = Box::new(self.plan(&select.operand)?);
                let field = Value::string(&*select.field);
                Ok(if select.test_only {
                    Node::Has { operand, field }
                } else {
                    Node::Index { operand, index: Box::new(Node::Constant(field)), is_optional: false }
                })
            }
            ExprKind::Struct(message) => Err(format!("messages ('{}') are not supported", message.type_name)),
        }
    }

    /// A variable or a type.
    fn name(&self, name: &str) -> Option<Node> {
        // A dot before it: not one of a comprehension around it.
        if let Some(global) = name.strip_prefix('.') {
            let is_hidden = self.scopes.iter().any(|local| local.name == global);
            return if is_hidden { None } else { self.name(global) };
        }
        if let Some(place) = self.scopes.iter().rposition(|local| local.name == name) {
            return Some(Node::Local(place));
        }
        if name == self.environment.variable() {
            return Some(Node::Variable);
        }
        TYPES.contains(&name).then(|| Node::Constant(Value::Type(name.into())))
    }

    /// Names with dots between them that do not begin with a variable: `a.b.c`.
    fn qualified(&self, expr: &Expr) -> Option<String> {
        match &expr.kind {
            ExprKind::Ident(name) => {
                let name = name.strip_prefix('.').unwrap_or(name);
                let is_variable =
                    self.scopes.iter().any(|local| local.name == name) || name == self.environment.variable();
                (!is_variable).then(|| name.to_owned())
            }
            ExprKind::Select(select) if !select.test_only => {
                self.qualified(&select.operand).map(|operand| format!("{operand}.{}", select.field))
            }
            _ => None,
        }
    }

    fn call(&mut self, call: &'e Call) -> Result<Node, String> {
        // A function with a prefix: `sets.contains(a, b)`.
        let prefix = call.target.as_deref().and_then(|target| self.qualified(target));
        if let Some(function) =
            prefix.and_then(|prefix| library::find(&format!("{prefix}.{}", call.function)))
        {
            let arguments = call.args.iter().map(|argument| self.plan(argument));
            return Ok(Node::Call { function, arguments: arguments.collect::<Result<_, _>>()? });
        }
        if let Some(node) = self.gathering(call)? {
            return Ok(node);
        }
        let expressions: Vec<&'e Expr> = call.target.as_deref().into_iter().chain(&call.args).collect();
        let pattern = expressions.get(1).and_then(|expr| match &expr.kind {
            ExprKind::Literal(Literal::String(text)) => Some(Rc::clone(text)),
            _ => None,
        });
        let mut arguments = Vec::with_capacity(expressions.len());
        for expression in expressions {
            arguments.push(self.plan(expression)?);
        }
        let name = call.function.strip_prefix('.').unwrap_or(&call.function);
        if let Some(pattern) = pattern.filter(|_| matches!(name, "find" | "findAll" | "matches")) {
            return search(name, arguments, pattern);
        }
        let arguments = match boxed::<2>(arguments) {
            Ok([one, other]) => match name {
                "_&&_" => return Ok(Node::And([one, other])),
                "_||_" => return Ok(Node::Or([one, other])),
                "or" => return Ok(Node::OptionalOr([one, other])),
                "orValue" => return Ok(Node::OptionalOrValue([one, other])),
                "_[_]" => return Ok(Node::Index { operand: one, index: other, is_optional: false }),
                "_[?_]" | "_?._" => {
                    return Ok(Node::Index { operand: one, index: other, is_optional: true });
                }
                _ => vec![*one, *other],
            },
            Err(arguments) => arguments,
        };
        let arguments = match boxed::<3>(arguments) {
            Ok(branches) if name == "_?_:_" => return Ok(Node::Ternary(branches)),
            Ok(branches) => branches.map(|branch| *branch).into(),
            Err(arguments) => arguments,
        };
        let arguments = match boxed::<1>(arguments) {
            Ok([argument]) if name == "@not_strictly_false" => return Ok(Node::NotStrictlyFalse(argument)),
            Ok([argument]) => vec![*argument],
            Err(arguments) => arguments,
        };
        // The one name with overloads of both kinds that take different types.
        let name = if name == "ip" && call.target.is_some() { ".ip" } else { name };
        let function =
            library::find(name).ok_or_else(|| format!("the function '{name}' is not supported"))?;
        if name == "@in"
            && let [_, Node::List(items)] = arguments.as_slice()
            && let Some(members) = Members::of(items)
        {
            let elements = items.iter().filter_map(|item| constant(&item.value)).collect();
            let list = Value::List(List::new(elements, ListForm::Values));
            let value = arguments.into_iter().next().map(Box::new).ok_or("a membership without a value")?;
            return Ok(Node::Member { function, value, members, list });
        }
        Ok(Node::Call { function, arguments })
    }

    /// What a macro gathers: a sum, or an entry, of which the gathered is the first argument.
    fn gathering(&mut self, call: &'e Call) -> Result<Option<Node>, String> {
        let [Expr { kind: ExprKind::Ident(name), .. }, more @ ..] = call.args.as_slice() else {
            return Ok(None);
        };
        let place = self.scopes.iter().rposition(|local| *local.name == **name);
        let is_accumulator =
            |place: &usize| self.scopes.get(*place).is_some_and(|local| local.is_accumulator);
        let Some(accumulator) = place.filter(is_accumulator).filter(|_| call.target.is_none()) else {
            return Ok(None);
        };
        Ok(match (&*call.function, more) {
            ("_+_", [more]) => Some(Node::Append { accumulator, more: Box::new(self.plan(more)?) }),
            ("cel.@mapInsert", more) => {
                let entry = more.iter().map(|expr| self.plan(expr)).collect::<Result<_, _>>()?;
                Some(Node::Insert { accumulator, entry })
            }
            _ => None,
        })
    }

    fn comprehension(&mut self, comprehension: &'e Comprehension) -> Result<Node, String> {
        let Comprehension {
            iter_range,
            iter_var,
            iter_var2,
            accu_var,
            accu_init,
            loop_condition,
            loop_step,
            result,
        } = comprehension;
        let range = self.plan(iter_range)?;
        let initial = self.plan(accu_init)?;
        let accumulator = self.declare(accu_var, &**accu_var == "@result");
        let variable = self.declare(iter_var, false);
        let second = iter_var2.as_deref().map(|name| self.declare(name, false));
        let condition = self.plan(loop_condition)?;
        let step = self.plan(loop_step)?;
        self.scopes.truncate(variable);
        let result = self.plan(result)?;
        self.scopes.truncate(accumulator);
        let fold = Fold { range, variable, second, accumulator, initial, condition, step, result };
        Ok(Node::Fold(Box::new(fold)))
    }

    /// A place for a variable.
    fn declare(&mut self, name: &'e str, is_accumulator: bool) -> usize {
        let place = self.scopes.len();
        self.scopes.push(Local { name, is_accumulator });
        self.slots = self.slots.max(self.scopes.len());
        place
    }
}

/// So many arguments, each in a box; as they were if there are more or fewer.
fn boxed<const N: usize>(arguments: Vec<Node>) -> Result<[Box<Node>; N], Vec<Node>> {
    <[Node; N]>::try_from(arguments).map(|arguments| arguments.map(Box::new))
}

fn search(name: &str, arguments: Vec<Node>, pattern_text: Rc<str>) -> Result<Node, String> {
    let search = match name {
        "find" => Search::First,
        "findAll" => Search::All,
        _ => Search::Whether,
    };
    let function = library::find(name).ok_or_else(|| format!("the function '{name}' is not supported"))?;
    let pattern = Pattern::new(&pattern_text).map_err(|error| error.to_string())?;
    let mut arguments = arguments.into_iter();
    let text = arguments.next().map(Box::new).ok_or("a search without a text")?;
    let limit = arguments.nth(1).map(Box::new);
    Ok(Node::Search { function, search, text, pattern, pattern_text: Value::String(pattern_text), limit })
}
