//! What type variables stand for, and which types fit which (cel-go `checker/types.go` and `mapping.go`).

use std::collections::HashMap;
use std::rc::Rc;

use super::types::{Kind, Type};

/// Bindings of type variables.
#[derive(Debug)]
pub(super) struct Unification {
    bound: HashMap<Rc<str>, Type>,
    /// What was bound during an attempt, and to what it was bound before.
    changes: Vec<(Rc<str>, Option<Type>)>,
    /// Steps that may still be done.
    steps: usize,
    /// How deep the present step is in others.
    depth: usize,
    exhausted: bool,
}

/// More than any expression needs that a person writes. cel-go has no such bounds: types may grow exponentially there.
const MAXIMAL_STEPS: usize = 10_000_000;
const MAXIMAL_TYPE_SIZE: usize = 10_000;
const MAXIMAL_DEPTH: usize = 500;

impl Unification {
    pub(super) fn new() -> Self {
        Self { bound: HashMap::new(), changes: Vec::new(), steps: MAXIMAL_STEPS, depth: 0, exhausted: false }
    }

    /// Whether types grew beyond what is examined. No verdict holds then.
    pub(super) fn is_exhausted(&self) -> bool {
        self.exhausted
    }

    /// Passes a type on if it is small enough.
    pub(super) fn limited(&mut self, candidate: Type) -> Type {
        if candidate.size() > MAXIMAL_TYPE_SIZE || candidate.depth() > MAXIMAL_DEPTH {
            self.exhausted = true;
            return Type::dynamic();
        }
        candidate
    }

    /// Whether `t2` may stand where `t1` is wanted. Binds type variables only if so.
    pub(super) fn is_assignable(&mut self, t1: &Type, t2: &Type) -> bool {
        self.attempt(|unification| unification.assignable(t1, t2))
    }

    /// The same for lists of types.
    pub(super) fn is_assignable_list(&mut self, l1: &[Type], l2: &[Type]) -> bool {
        self.attempt(|unification| unification.assignable_list(l1, l2))
    }

    /// Replaces bound type variables by what they are bound to, and if wanted, the others by `dyn`.
    pub(super) fn substitute(&mut self, target: &Type, unbound_to_dyn: bool) -> Type {
        if !self.enter() {
            return Type::dynamic();
        }
        let substituted = self.substituted(target, unbound_to_dyn);
        self.leave();
        self.limited(substituted)
    }

    fn substituted(&mut self, target: &Type, unbound_to_dyn: bool) -> Type {
        if let Some(bound) = self.find(target) {
            return self.substitute(&bound, unbound_to_dyn);
        }
        match target.kind() {
            Kind::TypeParam if unbound_to_dyn => Type::dynamic(),
            Kind::List | Kind::Map | Kind::Opaque | Kind::Type if !target.parameters().is_empty() => {
                let parameters = target
                    .parameters()
                    .iter()
                    .map(|parameter| self.substitute(parameter, unbound_to_dyn))
                    .collect();
                target.with_parameters(parameters)
            }
            _ => target.clone(),
        }
    }

    fn attempt(&mut self, fits: impl FnOnce(&mut Self) -> bool) -> bool {
        self.changes.clear();
        let fitted = fits(self);
        if !fitted {
            while let Some((name, before)) = self.changes.pop() {
                match before {
                    Some(before) => self.bound.insert(name, before),
                    None => self.bound.remove(&name),
                };
            }
        }
        fitted
    }

    /// One step more. Without any left, nothing fits and everything is `dyn`, so that the check ends soon.
    fn enter(&mut self) -> bool {
        self.steps = self.steps.saturating_sub(1);
        if self.steps == 0 || self.depth > MAXIMAL_DEPTH {
            self.exhausted = true;
        }
        if self.exhausted {
            return false;
        }
        self.depth = self.depth.saturating_add(1);
        true
    }

    fn leave(&mut self) {
        self.depth = self.depth.saturating_sub(1);
    }

    fn find(&self, target: &Type) -> Option<Type> {
        if target.kind() == Kind::TypeParam { self.bound.get(target.name()).cloned() } else { None }
    }

    fn bind(&mut self, parameter: &Type, to: Type) {
        let name = Rc::clone(parameter.name());
        let before = self.bound.insert(Rc::clone(&name), to);
        self.changes.push((name, before));
    }

    fn assignable(&mut self, t1: &Type, t2: &Type) -> bool {
        if !self.enter() {
            return false;
        }
        let fits = self.examine(t1, t2);
        self.leave();
        fits
    }

    /// cel-go `internalIsAssignable`.
    fn examine(&mut self, t1: &Type, t2: &Type) -> bool {
        if t2.kind() == Kind::TypeParam {
            match self.substitution(t1, t2) {
                Fit::Valid => return true,
                Fit::Invalid { bound: true } => return false,
                Fit::Invalid { bound: false } => {}
            }
        }
        if t1.kind() == Kind::TypeParam {
            return matches!(self.substitution(t2, t1), Fit::Valid);
        }
        if t1.is_dyn_or_error() || t2.is_dyn_or_error() {
            return true;
        }
        if t1.kind() == Kind::Null {
            return takes_null(t2);
        }
        if t2.kind() == Kind::Null {
            return takes_null(t1);
        }
        match t1.kind() {
            Kind::Type => t2.kind() == Kind::Type,
            Kind::List | Kind::Map | Kind::Opaque => {
                t1.kind() == t2.kind()
                    && t1.name() == t2.name()
                    && self.assignable_list(t1.parameters(), t2.parameters())
            }
            _ => t2.takes(t1),
        }
    }

    fn assignable_list(&mut self, l1: &[Type], l2: &[Type]) -> bool {
        l1.len() == l2.len() && l1.iter().zip(l2).all(|(t1, t2)| self.assignable(t1, t2))
    }

    /// cel-go `isValidTypeSubstitution`: whether the variable `t2` may stand for `t1`.
    fn substitution(&mut self, t1: &Type, t2: &Type) -> Fit {
        if t1.is_exactly(t2) {
            return Fit::Valid;
        }
        if let Some(bound) = self.find(t2) {
            if t1.is_exactly(&bound) {
                return Fit::Valid;
            }
            if self.assignable(t1, &bound) {
                let general = most_general(t1, &bound).clone();
                if self.is_free_of(t2, &general) {
                    self.bind(t2, general);
                }
                return Fit::Valid;
            }
            return Fit::Invalid { bound: true };
        }
        if self.is_free_of(t2, t1) {
            self.bind(t2, t1.clone());
            return Fit::Valid;
        }
        Fit::Invalid { bound: false }
    }

    /// The "occurs check" (cel-go `notReferencedIn`).
    fn is_free_of(&mut self, parameter: &Type, within: &Type) -> bool {
        if !self.enter() {
            return false;
        }
        let free = !parameter.is_exactly(within)
            && match within.kind() {
                Kind::TypeParam => match self.find(within) {
                    Some(bound) => self.is_free_of(parameter, &bound),
                    None => true,
                },
                Kind::List | Kind::Map | Kind::Opaque | Kind::Type => {
                    within.parameters().iter().all(|inner| self.is_free_of(parameter, inner))
                }
                _ => true,
            };
        self.leave();
        free
    }
}

/// The more general of two types that fit (cel-go `mostGeneral`).
pub(super) fn most_general<'a>(t1: &'a Type, t2: &'a Type) -> &'a Type {
    if is_equal_or_less_specific(t1, t2) { t1 } else { t2 }
}

/// Whether a type variable may stand for a type.
enum Fit {
    Valid,
    Invalid {
        /// It stands for another one.
        bound: bool,
    },
}

/// cel-go `internalIsAssignableNull`.
fn takes_null(candidate: &Type) -> bool {
    matches!(candidate.kind(), Kind::Any | Kind::Duration | Kind::Opaque | Kind::Struct | Kind::Timestamp)
        || candidate.takes(&Type::null())
}

fn is_equal_or_less_specific(t1: &Type, t2: &Type) -> bool {
    let (kind1, kind2) = (t1.kind(), t2.kind());
    if t1.is_dyn() || kind1 == Kind::TypeParam {
        return true;
    }
    if t2.is_dyn() || kind2 == Kind::TypeParam || kind1 != kind2 {
        return false;
    }
    match kind1 {
        Kind::Type => true,
        Kind::List | Kind::Map | Kind::Opaque => {
            t1.name() == t2.name()
                && t1.parameters().len() == t2.parameters().len()
                && t1
                    .parameters()
                    .iter()
                    .zip(t2.parameters())
                    .all(|(p1, p2)| is_equal_or_less_specific(p1, p2))
        }
        _ => t1.is_exactly(t2),
    }
}

#[cfg(test)]
mod tests {
    use super::{Type, Unification};

    fn parse(text: &str) -> Type {
        Type::parse(text).unwrap()
    }

    /// Two types, whether the second fits the first, and what `list(<A>)` is then.
    #[test]
    fn types_fit() {
        for (wanted, given, expected) in [
            ("<A>", "int", Some("list(int)")),
            ("int", "<A>", Some("list(int)")),
            ("list(<A>)", "list(map(<B>, int))", Some("list(map(B, int))")),
            ("list(<A>)", "list(list(<A>))", None),
            ("map(<A>, <A>)", "map(int, string)", None),
            ("map(<A>, <A>)", "map(dyn, int)", Some("list(dyn)")),
            ("map(<A>, <A>)", "map(int, google.protobuf.Any)", Some("list(any)")),
            ("int", "null_type", None),
            ("wrapper(int)", "null_type", Some("list(A)")),
            ("kubernetes.URL", "null_type", Some("list(A)")),
            ("type(int)", "type(string)", Some("list(A)")),
            ("optional_type(<A>)", "optional_type(int)", Some("list(int)")),
            ("optional_type(<A>)", "net.IP", None),
            ("list(dyn)", "list(int)", Some("list(A)")),
        ] {
            let mut unification = Unification::new();
            let fits = unification.is_assignable(&parse(wanted), &parse(given));
            let bound = unification.substitute(&parse("list(<A>)"), false).to_string();
            assert_eq!(fits.then_some(bound.as_str()), expected, "{wanted} from {given}");
            if !fits {
                assert_eq!(bound, "list(A)", "a failed attempt leaves no trace: {wanted} from {given}");
            }
        }
    }

    #[test]
    fn types_that_grow_are_given_up() {
        let mut unification = Unification::new();
        for index in 0..40_u32 {
            let twice = parse(&format!("map(<v{0}>, <v{0}>)", index + 1));
            assert!(unification.is_assignable(&Type::parameter(&format!("v{index}")), &twice));
        }
        let _ = unification.substitute(&Type::parameter("v0"), true);
        assert!(unification.is_exhausted());
    }
}
