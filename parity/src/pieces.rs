//! Expressions that a configuration can be made of, each with claims for which it has a good value and claims for which it
//! hasn't. `$c` stands for the name of a claim that is the piece's own.

mod lists;
mod rules;
mod texts;

use std::sync::LazyLock;

use ::tests::process::repository;
use kubernetes_cel::check::{Use, check};
use kubernetes_cel::program::{Environment, Program};
use serde_json::{Map, Value};

use crate::random::Random;
pub(crate) use lists::LISTS;
pub(crate) use rules::{CLAIM_RULES, USER_RULES};
pub(crate) use texts::TEXTS;

/// An expression and its claims, as JSON objects.
pub(crate) struct Piece {
    pub(crate) expression: &'static str,
    good: &'static [&'static str],
    bad: &'static [&'static str],
}

const fn piece(
    expression: &'static str,
    good: &'static [&'static str],
    bad: &'static [&'static str],
) -> Piece {
    Piece { expression, good, bad }
}

/// A piece with the name of its claim.
#[derive(Clone, Debug)]
pub(crate) struct Placed {
    /// Its expression.
    pub(crate) expression: String,
    good: Vec<Map<String, Value>>,
    bad: Vec<Map<String, Value>>,
}

impl Piece {
    pub(crate) fn placed(&self, claim: &str) -> Placed {
        let read = |texts: &[&str]| texts.iter().map(|text| object(&text.replace("$c", claim))).collect();
        Placed {
            expression: self.expression.replace("$c", claim),
            good: read(self.good),
            bad: read(self.bad),
        }
    }
}

impl Placed {
    /// Gives `claims` what the expression wants.
    pub(crate) fn please(&self, claims: &mut Map<String, Value>, random: &mut Random) {
        self.give(claims, random.pick(&self.good));
    }

    /// Gives `claims` what it doesn't want, if there is such a thing.
    pub(crate) fn annoy(&self, claims: &mut Map<String, Value>, random: &mut Random) {
        if !self.bad.is_empty() {
            self.give(claims, random.pick(&self.bad));
        }
    }

    /// A claim of its own, if it has one.
    pub(crate) fn claim(&self, random: &mut Random) -> Option<&String> {
        let names: Vec<_> = self.good.iter().flat_map(Map::keys).collect();
        (!names.is_empty()).then(|| *random.pick(&names))
    }

    fn give(&self, claims: &mut Map<String, Value>, given: &Map<String, Value>) {
        for name in self.good.iter().chain(&self.bad).flat_map(Map::keys) {
            claims.remove(name);
        }
        claims.extend(given.clone());
    }
}

fn object(text: &str) -> Map<String, Value> {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{text}: {error}"))
}

/// Claims that a token has anyway.
const REGISTERED: &[&str] =
    &["iss", "aud", "exp", "nbf", "iat", "sub", "nonce", "at_hash", "_claim_names", "_claim_sources"];

/// Expressions of the vectors of `cel/`, with the claims that they were evaluated over: they use every function there is.
/// Those that give texts, and some of those that don't.
pub(crate) static VECTORS: LazyLock<[Vec<Placed>; 2]> = LazyLock::new(|| {
    let mut vectors = [Vec::new(), Vec::new()];
    let directory = std::fs::read_dir(repository().join("cel/tests/vectors")).expect("the vectors");
    let mut files: Vec<_> = directory.map(|file| file.expect("a file").path()).collect();
    files.sort_unstable();
    for file in files {
        let text = std::fs::read_to_string(file).expect("vectors");
        for vector in text.lines().map(|line| serde_json::from_str::<Value>(line).expect("a vector")) {
            if let Some(placed) = from_vector(&vector) {
                vectors[usize::from(!vector["strings"].is_array())].push(placed);
            }
        }
    }
    vectors
});

/// One that maps claims, and that both sides take.
fn from_vector(vector: &Value) -> Option<Placed> {
    let expression = vector["expression"].as_str()?;
    let claims = vector["input"].as_object().cloned().unwrap_or_default();
    let is_plain =
        vector["env"].is_null() && vector["compile_error"].is_null() && vector["purpose"].is_null();
    let is_taken = || {
        check(expression, Environment::Claims, Use::Mapping).is_ok_and(|checked| !checked.selects_email)
            && Program::new(expression, Environment::Claims).is_ok()
    };
    let is_free = claims.keys().all(|claim| !REGISTERED.contains(&claim.as_str()));
    (is_plain && is_free && is_taken()).then(|| Placed {
        expression: expression.to_owned(),
        good: vec![claims],
        bad: Vec::new(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One that kube-apiserver refuses would refuse the whole file.
    #[test]
    fn every_expression_is_one_that_kube_apiserver_takes() {
        let checks = |expression: &str, environment, purpose| {
            assert!(check(expression, environment, purpose).is_ok(), "{expression}");
        };
        for piece in TEXTS.iter().chain(LISTS) {
            checks(&piece.placed("c1").expression, Environment::Claims, Use::Mapping);
        }
        for piece in CLAIM_RULES {
            checks(&piece.placed("c1").expression, Environment::Claims, Use::Rule);
        }
        for rule in USER_RULES {
            checks(rule, Environment::User, Use::Rule);
        }
        assert!(VECTORS.iter().all(|vectors| vectors.len() > 100), "the vectors are few");
    }
}
