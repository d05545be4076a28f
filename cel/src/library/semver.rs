//! Versions (k8s.io/apiserver `pkg/cel/library/semverlib.go`, over github.com/blang/semver v4).

mod parse;

use std::cmp::Ordering;
use std::rc::Rc;

use super::Function;
use super::kubernetes::{nominal, traversal};
use crate::value::{EvalError, Evaluated, Value};

/// A version: `semver("1.2.3-rc.1")`. What follows a `+` is checked and dropped, for it never counts.
#[derive(Clone, Debug)]
pub struct Semver {
    major: u64,
    minor: u64,
    patch: u64,
    prerelease: Vec<Identifier>,
}

/// A part of what follows the `-`. Numbers come before names.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Identifier {
    Number(u64),
    Name(Box<str>),
}

/// The functions of versions; comparisons stand with those that are shared.
pub(crate) const FUNCTIONS: &[Function] = &[
    Function { name: "isSemver", call: is_semver, cost: traversal },
    Function { name: "major", call: |args| number(args, |version| version.major), cost: nominal },
    Function { name: "minor", call: |args| number(args, |version| version.minor), cost: nominal },
    Function { name: "patch", call: |args| number(args, |version| version.patch), cost: nominal },
    Function { name: "semver", call: semver, cost: traversal },
];

impl Semver {
    /// Name of its type in CEL.
    pub(crate) const TYPE_NAME: &str = "kubernetes.Semver";

    /// Which of two versions is the later one (semver.org 11).
    pub(crate) fn precedence(&self, other: &Self) -> Ordering {
        let numbers = (self.major, self.minor, self.patch).cmp(&(other.major, other.minor, other.patch));
        numbers
            .then_with(|| self.prerelease.is_empty().cmp(&other.prerelease.is_empty()))
            .then_with(|| self.prerelease.cmp(&other.prerelease))
    }
}

/// `Version.EQ`: of equal precedence.
impl PartialEq for Semver {
    fn eq(&self, other: &Self) -> bool {
        self.precedence(other).is_eq()
    }
}

fn semver(args: &[Value]) -> Evaluated {
    parse_args(args)?.map(|version| Value::Semver(Rc::new(version))).map_err(EvalError::new)
}

fn is_semver(args: &[Value]) -> Evaluated {
    Ok(Value::Bool(parse_args(args)?.is_ok()))
}

fn parse_args(args: &[Value]) -> Result<Result<Semver, String>, EvalError> {
    match args {
        [Value::String(text)] | [Value::String(text), Value::Bool(false)] => Ok(parse::parse(text)),
        [Value::String(text), Value::Bool(true)] => Ok(parse::normalize_and_parse(text)),
        _ => Err(EvalError::NoOverload),
    }
}

/// One of the numbers. What `int` can't hold turns negative, as in Go.
fn number(args: &[Value], part: fn(&Semver) -> u64) -> Evaluated {
    match args {
        [Value::Semver(version)] => Ok(Value::Int(part(version).cast_signed())),
        _ => Err(EvalError::NoOverload),
    }
}

#[cfg(test)]
mod tests;
