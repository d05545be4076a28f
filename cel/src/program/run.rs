//! One evaluation (cel-go `interpreter/interpretable.go`).

use std::collections::BTreeMap;

use super::node::{Entry, Item, Node, Search};
use crate::cost::{COST_LIMIT, ELEMENT, MAX_MADE};
use crate::library::{Function, comprehensions, lists, overload, regex, standard};
use crate::value::{EvalError, Evaluated, Key, LazyMap, List, ListForm, Map, Value, Whole};

/// What a name, a selection or an index costs (`SelectAndIdentCost`).
const ATTRIBUTE: u64 = 1;
/// cel-go's `ListCreateBaseCost`.
const LIST: u64 = 10;
/// cel-go's `MapCreateBaseCost`.
const MAP: u64 = 30;

/// The state of an evaluation.
pub(super) struct Run<'v> {
    pub(super) variable: &'v dyn LazyMap,
    /// Variables of comprehensions. What is gathered may be an error that something later absorbs.
    pub(super) slots: Vec<Evaluated>,
    /// What was taken from the budget.
    pub(super) cost: u64,
    /// Texts and lists that were made, in bytes.
    made: usize,
}

impl<'v> Run<'v> {
    pub(super) fn new(variable: &'v dyn LazyMap, slots: usize) -> Self {
        Self { variable, slots: vec![Ok(Value::Null); slots], cost: 0, made: 0 }
    }

    /// Takes work from the budget.
    pub(super) fn charge(&mut self, cost: u64) -> Result<(), EvalError> {
        self.cost = self.cost.saturating_add(cost);
        if self.cost > COST_LIMIT { Err(EvalError::CostLimit) } else { Ok(()) }
    }

    /// Takes room for what was made of memory.
    fn made(&mut self, bytes: usize) -> Result<(), EvalError> {
        self.made = self.made.saturating_add(bytes);
        if self.made > MAX_MADE { Err(EvalError::CostLimit) } else { Ok(()) }
    }

    /// Charges for a name, a selection or an index.
    pub(super) fn charge_attribute(&mut self) -> Result<(), EvalError> {
        self.charge(ATTRIBUTE)
    }

    pub(super) fn evaluate(&mut self, node: &Node) -> Evaluated {
        match node {
            Node::And(terms) => self.logical(terms, false),
            Node::Append { accumulator, more } => self.append(*accumulator, more),
            Node::Call { function, arguments } => self.call(function, arguments),
            Node::Constant(value) => Ok(value.clone()),
            Node::Fold(fold) => self.fold(fold),
            Node::Has { operand, field } => self.has(operand, field),
            Node::Index { .. } => self.resolve(node).map(super::attribute::Resolved::into_value),
            Node::Insert { accumulator, entry } => self.insert(*accumulator, entry),
            Node::List(items) => self.list(items),
            Node::Local(place) => {
                self.charge_attribute()?;
                self.slots.get(*place).cloned().unwrap_or_else(|| Err(EvalError::no_such_overload()))
            }
            Node::Map(entries) => self.map(entries),
            Node::Member { function, value, members, list } => {
                let value = self.evaluate(value);
                if value.as_ref().is_err_and(EvalError::ends_evaluation) {
                    return value;
                }
                self.charge(LIST.saturating_add(u64::from(value.is_err())))?;
                let looked_for = value.as_ref().map_or_else(|_| Value::string("-"), Value::clone);
                self.charge((function.cost)(&[looked_for, list.clone()], &Value::Null))?;
                members.contains(&value?)
            }
            Node::NotStrictlyFalse(term) => match self.evaluate(term) {
                Err(error) if error.ends_evaluation() => Err(error),
                Ok(Value::Bool(value)) => self.charge(1).map(|()| Value::Bool(value)),
                _ => self.charge(1).map(|()| Value::Bool(true)),
            },
            Node::Or(terms) => self.logical(terms, true),
            Node::OptionalOr([optional, otherwise]) => match self.evaluate(optional)? {
                Value::Optional(None) => self.evaluate(otherwise),
                value => Ok(value),
            },
            Node::OptionalOrValue([optional, otherwise]) => match self.evaluate(optional)? {
                Value::Optional(None) => self.evaluate(otherwise),
                Value::Optional(Some(value)) => Ok(Value::clone(&value)),
                value => Ok(value),
            },
            Node::Search { function, search, text, pattern, pattern_text, limit } => {
                let (text, limit) = (self.evaluate(text), limit.as_deref().map(|limit| self.evaluate(limit)));
                let (text, limit) = match (text, limit.transpose()) {
                    (Ok(text), Ok(limit)) => (text, limit),
                    (Err(error), _) | (_, Err(error)) => {
                        let arguments = [Value::string("-"), pattern_text.clone()];
                        self.charge((function.cost)(&arguments, &Value::Null).saturating_add(1))?;
                        return Err(error);
                    }
                };
                let result = match (&text, search, limit) {
                    (Value::String(text), Search::All, None) => regex::find_all_with(pattern, text, -1),
                    (Value::String(text), Search::All, Some(Value::Int(limit))) => {
                        regex::find_all_with(pattern, text, limit)
                    }
                    (Value::String(text), Search::First, None) => regex::find_with(pattern, text),
                    (Value::String(text), Search::Whether, None) => pattern.is_match(text).map(Value::Bool),
                    _ => Err(EvalError::no_such_overload()),
                };
                let arguments = [text, pattern_text.clone()];
                self.charge((function.cost)(&arguments, result.as_ref().unwrap_or(&Value::Null)))?;
                self.made(result.as_ref().map_or(0, Value::size_if_alone))?;
                result
            }
            Node::Ternary([condition, yes, no]) => match self.evaluate(condition)? {
                Value::Bool(true) => self.evaluate(yes),
                Value::Bool(false) => self.evaluate(no),
                _ => Err(EvalError::no_such_overload()),
            },
            Node::Variable => {
                self.charge_attribute()?;
                let (type_name, size) = (self.variable.type_name(), self.variable.size());
                Ok(Value::Lazy(Whole { type_name, size }))
            }
        }
    }

    /// A call costs what it costs also where an argument is an error, whose size is 1; some costs are one higher then than
    /// those of the text in its place.
    fn call(&mut self, function: &Function, arguments: &[Node]) -> Evaluated {
        let mut values = Vec::with_capacity(arguments.len());
        let (mut failed, mut is_last) = (None, false);
        for argument in arguments {
            is_last = false;
            match self.evaluate(argument) {
                Ok(value) => values.push(value),
                Err(error) if error.ends_evaluation() => return Err(error),
                Err(error) => {
                    failed.get_or_insert(error);
                    is_last = true;
                    values.push(Value::string("-"));
                }
            }
        }
        let has_failed = failed.is_some();
        let result = failed.map_or_else(|| (function.call)(&values), Err).map_err(|error| match error {
            EvalError::NoOverload => overload::error(function.name, &values),
            error if has_failed => lists::of_failed_argument(function.name, &values, is_last, error),
            error => error,
        });
        self.charge(u64::from(has_failed))?;
        self.charge((function.cost)(&values, result.as_ref().unwrap_or(&Value::Null)))?;
        // What was only passed on, the arguments hold as well.
        self.made(result.as_ref().map_or(0, Value::size_if_alone))?;
        result
    }

    /// `&&` and `||`: one term that decides does so whatever the other is, an error included. Of two errors the first counts.
    fn logical(&mut self, terms: &[Box<Node>; 2], deciding: bool) -> Evaluated {
        let mut failed = None;
        for term in terms {
            let error = match self.evaluate(term) {
                Ok(Value::Bool(value)) if value == deciding => return Ok(Value::Bool(deciding)),
                Ok(Value::Bool(_)) => continue,
                Ok(_) => EvalError::no_such_overload(),
                Err(error) if error.ends_evaluation() => return Err(error),
                Err(error) => error,
            };
            failed.get_or_insert(error);
        }
        failed.map_or(Ok(Value::Bool(!deciding)), Err)
    }

    fn append(&mut self, accumulator: usize, more: &Node) -> Evaluated {
        let more = self.evaluate(more);
        if more.as_ref().is_err_and(EvalError::ends_evaluation) {
            return more;
        }
        self.charge(ATTRIBUTE.saturating_add(1))?;
        match (self.take(accumulator)?, more?) {
            (Value::List(list), Value::List(more)) => list.append(&more).map(Value::List),
            (gathered, more) => standard::add(vec![gathered, more]),
        }
    }

    fn insert(&mut self, accumulator: usize, entry: &[Node]) -> Evaluated {
        self.charge(ATTRIBUTE.saturating_add(1))?;
        let gathered = self.take(accumulator);
        // cel-go looks at three arguments one after the other, and at none behind an error; of two it looks at both.
        let are_three = entry.len() > 1;
        if are_three && gathered.is_err() {
            return gathered;
        }
        let mut values = vec![gathered];
        for node in entry {
            let value = self.evaluate(node);
            if value.as_ref().is_err_and(|error| are_three || error.ends_evaluation()) {
                return value;
            }
            values.push(value);
        }
        comprehensions::insert(values.into_iter().collect::<Result<_, _>>()?)
    }

    /// Takes a variable out of its place: nobody else looks at it before it is set anew.
    fn take(&mut self, place: usize) -> Evaluated {
        let slot = self.slots.get_mut(place).ok_or_else(EvalError::no_such_overload)?;
        std::mem::replace(slot, Ok(Value::Null))
    }

    fn list(&mut self, items: &[Item]) -> Evaluated {
        self.charge(LIST)?;
        self.made(items.len().saturating_mul(ELEMENT))?;
        let mut elements = Vec::with_capacity(items.len());
        for item in items {
            let value = self.evaluate(&item.value)?;
            match (item.is_optional, value) {
                (false, value) => elements.push(value),
                (true, Value::Optional(optional)) => elements.extend(optional.as_deref().cloned()),
                (true, value) => {
                    return Err(EvalError::new(format!(
                        "cannot initialize optional list element from non-optional value {value}"
                    )));
                }
            }
        }
        Ok(Value::List(List::new(elements, ListForm::Values)))
    }

    fn map(&mut self, nodes: &[Entry]) -> Evaluated {
        self.charge(MAP)?;
        self.made(nodes.len().saturating_mul(ELEMENT))?;
        let mut entries = BTreeMap::new();
        for entry in nodes {
            let key = self.evaluate(&entry.key)?;
            let value = self.evaluate(&entry.value)?;
            let name = Key::of(&key)?;
            match (entry.is_optional, value) {
                (false, value) => drop(entries.insert(name, value)),
                (true, Value::Optional(Some(value))) => drop(entries.insert(name, Value::clone(&value))),
                (true, Value::Optional(None)) => drop(entries.remove(&name)),
                (true, value) => {
                    return Err(EvalError::new(format!(
                        "cannot initialize optional entry '{key}' from non-optional value {value}"
                    )));
                }
            }
        }
        Ok(Value::Map(Map::new(entries)))
    }
}
