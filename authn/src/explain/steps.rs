//! The steps as they are told: those that were taken, and those that weren't.

use super::{Kubernetes, Outcome, Step};
use crate::rejection::Rejection;

/// What stands before all of kube-apiserver's words about a token that it could not verify.
pub(super) const VERIFY: &str = "oidc: verify token: ";

/// Steps so far, out of those that are planned.
pub(super) struct Steps {
    planned: Vec<String>,
    taken: Vec<Step>,
}

impl Steps {
    pub(super) const fn new(planned: Vec<String>) -> Self {
        Self { planned, taken: Vec::new() }
    }

    pub(super) fn passed(&mut self, name: &str, detail: impl Into<String>) {
        self.taken.push(Step { name: name.to_owned(), outcome: Outcome::Passed, detail: detail.into() });
    }

    pub(super) fn failed(&mut self, name: &str, detail: impl Into<String>) {
        self.taken.push(Step { name: name.to_owned(), outcome: Outcome::Failed, detail: detail.into() });
    }

    /// All of them, those that were not taken at the end.
    pub(super) fn finish(self) -> Vec<Step> {
        let Self { planned, mut taken } = self;
        for name in planned {
            if !taken.iter().any(|step| step.name == name) {
                taken.push(Step { name, outcome: Outcome::NotReached, detail: String::new() });
            }
        }
        taken
    }
}

/// Why the steps end before their end.
pub(super) struct Stop {
    pub(super) rejection: Rejection,
    pub(super) kubernetes: Kubernetes,
    pub(super) stricter: Vec<&'static str>,
}

impl Stop {
    /// kube-apiserver refuses the token in these words.
    pub(super) fn says(rejection: impl Into<Rejection>, words: impl Into<String>) -> Self {
        Self { rejection: rejection.into(), kubernetes: Kubernetes::Says(words.into()), stricter: Vec::new() }
    }

    /// kube-apiserver would go on: these are the rules by which we don't.
    pub(super) fn stricter(rejection: impl Into<Rejection>, rules: &[&'static str]) -> Self {
        Self { rejection: rejection.into(), kubernetes: Kubernetes::GoesOn, stricter: rules.to_vec() }
    }

    /// What kube-apiserver does is not known from here.
    pub(super) fn unknown(rejection: impl Into<Rejection>) -> Self {
        Self { rejection: rejection.into(), kubernetes: Kubernetes::Unknown, stricter: Vec::new() }
    }

    /// Unless it is one of these rules.
    pub(super) fn unless(mut self, rules: &[&'static str]) -> Self {
        self.stricter.extend(rules);
        self
    }
}
