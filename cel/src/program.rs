//! An expression that is ready to be evaluated.

mod attribute;
mod fold;
mod member;
mod node;
mod plan;
mod run;

#[cfg(test)]
mod tests;

use crate::parse;
use crate::value::{Evaluated, LazyMap};

use node::Node;
use run::Run;

/// What an expression is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Environment {
    /// The variable `claims`: the claims of a token.
    Claims,
    /// The variable `user`: what the claims were mapped to.
    User,
}

impl Environment {
    /// The name of its variable.
    pub(crate) const fn variable(self) -> &'static str {
        match self {
            Self::Claims => "claims",
            Self::User => "user",
        }
    }
}

/// An expression, planned once and evaluated often.
#[derive(Debug)]
pub struct Program {
    root: Node,
    /// How many variables of comprehensions there are at most at a time.
    slots: usize,
}

impl Program {
    /// Parses and plans an expression. Its types are not checked here: where they don't fit, evaluation fails.
    ///
    /// # Errors
    /// cel-go's text for what can't be parsed, and what is not supported here.
    pub fn new(source: &str, environment: Environment) -> Result<Self, String> {
        let parsed = parse::parse(source).map_err(|issues| parse::render(source, &issues))?;
        plan::plan(&parsed.root, environment)
    }

    /// The value for this `claims` or `user`.
    ///
    /// # Errors
    /// [`EvalError`](crate::value::EvalError): no value, and so no permission.
    pub fn evaluate(&self, variable: &dyn LazyMap) -> Evaluated {
        self.evaluate_and_count(variable).0
    }

    /// The same, with what it cost. That is never less than what kube-apiserver would count, and mostly the same: some
    /// functions are cheaper there where the checker does not know the types of their arguments.
    pub fn evaluate_and_count(&self, variable: &dyn LazyMap) -> (Evaluated, u64) {
        let mut run = Run::new(variable, self.slots);
        (run.evaluate(&self.root), run.cost)
    }
}
