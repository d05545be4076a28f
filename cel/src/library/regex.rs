//! Regular expressions as Go's package `regexp` has them (RE2): `matches` of the standard library, `find` and `findAll`
//! of k8s.io/apiserver `library.Regex`.
//!
//! Parser, tables and machine are the crate's own. Go's dialect and its words for errors need a parser of their own in
//! any case, and its classes the Unicode version of Go; a machine over characters then costs less than the one over
//! bytes that `regex-automata` would build, whose states multiply with each class.

mod class;
pub(crate) mod dialect;
mod machine;
mod program;
mod tree;
mod unicode_tables;

use std::rc::Rc;

use crate::cost::actual_size;
use crate::library::Function;
use crate::value::{EvalError, Evaluated, List, ListForm, Value};

use machine::{Machine, OutOfSteps, Search};
use program::Program;

/// `matches`, `find` and `findAll`.
pub(crate) const FUNCTIONS: &[Function] = &[
    Function { name: "find", call: find, cost },
    Function { name: "findAll", call: find_all, cost },
    Function { name: "matches", call: matches, cost },
];

/// The most texts that `findAll` gives.
const MAX_FOUND: usize = 100_000;

/// A pattern, compiled.
#[derive(Debug)]
pub(crate) struct Pattern {
    program: Program,
}

impl Pattern {
    /// Compiles a pattern, the size of which is bounded.
    pub(crate) fn new(pattern: &str) -> Result<Self, EvalError> {
        let tree = dialect::parse(pattern).map_err(|error| EvalError::new(error.to_string()))?;
        Ok(Self { program: Program::new(tree) })
    }

    /// Whether it matches anywhere in the text (Go's `MatchString`).
    pub(crate) fn is_match(&self, text: &str) -> Result<bool, EvalError> {
        let found = Machine::new(&self.program).find(text, 0, Search::Any).map_err(out_of_steps)?;
        Ok(found.is_some())
    }

    /// The leftmost match; without one, an empty text (Go's `FindString`).
    pub(crate) fn find<'t>(&self, text: &'t str) -> Result<&'t str, EvalError> {
        let found = Machine::new(&self.program).find(text, 0, Search::Leftmost).map_err(out_of_steps)?;
        Ok(found.and_then(|(start, end)| text.get(start..end)).unwrap_or_default())
    }

    /// Matches one after the other, so many at most (Go's `FindAllString`).
    pub(crate) fn find_all<'t>(&self, text: &'t str, limit: usize) -> Result<Vec<&'t str>, EvalError> {
        let mut machine = Machine::new(&self.program);
        let mut all = Vec::new();
        let mut position = 0;
        let mut last_end = None;
        while all.len() < limit && position <= text.len() {
            let found = machine.find(text, position, Search::Leftmost).map_err(out_of_steps)?;
            let Some((start, end)) = found else { break };
            // An empty match right after another one does not count.
            let counts = end != position || last_end != Some(start);
            position = if end == position {
                let width =
                    text.get(position..).and_then(|rest| rest.chars().next()).map_or(1, char::len_utf8);
                position.saturating_add(width)
            } else {
                end
            };
            last_end = Some(end);
            if counts {
                if all.len() == MAX_FOUND {
                    return Err(EvalError::CostLimit);
                }
                all.push(text.get(start..end).unwrap_or_default());
            }
        }
        Ok(all)
    }
}

/// A set of characters.
pub(crate) struct CodePoints(class::Class);

impl CodePoints {
    /// All of some categories of Unicode, by their short names.
    pub(crate) fn of_categories(names: &[&str]) -> Self {
        let ranges = names.iter().filter_map(|name| class::unicode(name, false, false)).flatten().collect();
        Self(class::Class::new(class::clean(ranges)))
    }

    pub(crate) fn contains(&self, char: char) -> bool {
        self.0.contains(char.into())
    }
}

const fn out_of_steps(_: OutOfSteps) -> EvalError {
    EvalError::CostLimit
}

fn matches(args: &[Value]) -> Evaluated {
    let [Value::String(text), Value::String(pattern)] = args else {
        return Err(EvalError::NoOverload);
    };
    Pattern::new(pattern)?.is_match(text).map(Value::Bool)
}

/// `find` with a pattern that was compiled before.
pub(crate) fn find_with(pattern: &Pattern, text: &str) -> Evaluated {
    pattern.find(text).map(|found| Value::String(found.into()))
}

/// `findAll` with a pattern that was compiled before. A negative limit is none.
pub(crate) fn find_all_with(pattern: &Pattern, text: &str, limit: i64) -> Evaluated {
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let found = pattern.find_all(text, limit)?;
    let found = found.into_iter().map(|found| Value::String(Rc::from(found))).collect();
    Ok(Value::List(List::new(found, ListForm::Native)))
}

fn find(args: &[Value]) -> Evaluated {
    let [Value::String(text), Value::String(pattern)] = args else {
        return Err(EvalError::NoOverload);
    };
    find_with(&kubernetes_pattern(pattern)?, text)
}

fn find_all(args: &[Value]) -> Evaluated {
    match args {
        [Value::String(text), Value::String(pattern)] => {
            find_all_with(&kubernetes_pattern(pattern)?, text, -1)
        }
        [Value::String(text), Value::String(pattern), Value::Int(limit)] => {
            find_all_with(&kubernetes_pattern(pattern)?, text, *limit)
        }
        _ => Err(EvalError::NoOverload),
    }
}

/// `find` and `findAll` have words of their own before Go's.
fn kubernetes_pattern(pattern: &str) -> Result<Pattern, EvalError> {
    Pattern::new(pattern).map_err(|error| EvalError::new(format!("Illegal regex: {error}")))
}

/// cel-go runtimecost.go `MatchesString` and library/cost.go `find`: a tenth of the text, and one more, times a quarter
/// of the pattern.
fn cost(args: &[Value], _: &Value) -> u64 {
    let [text, pattern, ..] = args else { return 1 };
    let text = actual_size(text).saturating_add(1).div_ceil(10);
    let pattern = actual_size(pattern).div_ceil(4);
    text.saturating_mul(pattern)
}

#[cfg(test)]
mod tests;
