//! Why expressions give nothing, in cel-go's words: the decision has no room for them.

use kubernetes_cel::program::Program;
use kubernetes_cel::value::{EvalError, LazyMap};

use super::{Claims, Programs, User};
use crate::user::UserInfo;

/// What an expression is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    Groups,
    Uid,
    Username,
}

/// What a rule says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Ruling {
    /// It is not true.
    Broken,
    /// It has no value.
    Failed(EvalError),
    /// It is true.
    Holds,
    /// It is neither true nor false.
    NotBool,
}

impl Programs {
    /// Why a mapping has no value, if it has none.
    pub(crate) fn failure(&self, purpose: Purpose, claims: &Claims<'_>) -> Option<EvalError> {
        let program = match purpose {
            Purpose::Groups => &self.groups,
            Purpose::Uid => &self.uid,
            Purpose::Username => &self.username,
        };
        program.as_ref()?.evaluate(claims).err()
    }

    /// The first value of the extra that is none, by its place.
    pub(crate) fn extra_failure(&self, claims: &Claims<'_>) -> Option<(usize, EvalError)> {
        let values = self.extra.iter().map(|(_, program)| program.evaluate(claims));
        values.enumerate().find_map(|(place, value)| Some((place, value.err()?)))
    }

    /// The first value of the extra that is no list of strings, by its place.
    pub(crate) fn extra_of_another_type(&self, claims: &Claims<'_>) -> Option<usize> {
        let is_other =
            |program: &Program| program.evaluate(claims).is_ok_and(|value| super::strings(&value).is_none());
        self.extra.iter().position(|(_, program)| is_other(program))
    }

    /// What each rule about the claims says.
    pub(crate) fn claim_rulings(&self, claims: &Claims<'_>) -> Vec<Ruling> {
        rulings(&self.claim_rules, claims)
    }

    /// What each rule about the user says.
    pub(crate) fn user_rulings(&self, user: &UserInfo) -> Vec<Ruling> {
        rulings(&self.user_rules, &User::new(user))
    }
}

fn rulings(rules: &[Program], variable: &dyn LazyMap) -> Vec<Ruling> {
    let ruling = |rule: &Program| match rule.evaluate(variable) {
        Ok(value) => match value.as_bool() {
            Some(true) => Ruling::Holds,
            Some(false) => Ruling::Broken,
            None => Ruling::NotBool,
        },
        Err(error) => Ruling::Failed(error),
    };
    rules.iter().map(ruling).collect()
}
