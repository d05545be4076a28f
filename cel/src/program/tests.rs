use super::*;
use crate::cost::COST_LIMIT;
use crate::value::{EvalError, List, ListForm, Value};

/// `claims.l` with so many texts, and `claims.t` with 1,000 times the letter `a`.
struct Claims(List);

impl Claims {
    fn new(length: usize) -> Self {
        Self(List::new(vec![Value::string("g"); length], ListForm::Any))
    }
}

impl LazyMap for Claims {
    fn get(&self, name: &str) -> Option<Value> {
        match name {
            "l" => Some(Value::List(self.0.clone())),
            "t" => Some(Value::string("a".repeat(1000))),
            _ => None,
        }
    }

    fn size(&self) -> usize {
        2
    }

    fn name(&self, place: usize) -> Option<&str> {
        ["l", "t"].get(place).copied()
    }

    fn type_name(&self) -> &'static str {
        "kubernetes.claims"
    }
}

/// Whether an expression over so many elements makes too much, although its cost is within the limit.
#[test]
fn what_an_evaluation_makes_is_bounded() {
    let copies = format!("claims.l.map(g, [{}].flatten().size())", ["claims.l"; 25].join(", "));
    let literal = format!("claims.l.map(g, [{}].size())", ["0"; 1000].join(", "));
    for (expression, length, is_bounded) in [
        ("claims.l.map(g, claims.l + [g])", 4000, true),
        ("claims.l.map(g, claims.l + [g])", 900, false),
        ("claims.l.all(g, size(claims.l + [g]) > 0)", 4000, true),
        (&copies, 4000, true),
        (&copies, 100, false),
        (&literal, 4000, true),
        (&literal, 900, false),
        ("claims.l.map(g, claims.t.replace('a', claims.t))", 4000, true),
        ("claims.l.map(g, claims.t.replace('a', claims.t))", 20, false),
        // What is passed on is not made anew.
        ("claims.l.all(g, size(dyn(claims.l)) > 0)", 4000, false),
        ("claims.l.all(g, size(claims.l + []) > 0)", 4000, false),
        ("claims.l.all(g, size(optional.of(claims.l).value()) > 0)", 4000, false),
    ] {
        let program = Program::new(expression, Environment::Claims).unwrap();
        let (value, cost) = program.evaluate_and_count(&Claims::new(length));
        assert!(cost < COST_LIMIT, "{cost}: {expression} over {length}");
        assert_eq!(value.err(), is_bounded.then_some(EvalError::CostLimit), "{expression} over {length}");
    }
}

/// `[]` for a claim of that name and nothing for another; kube-apiserver's own packages say the same, and `true` where an
/// error is absorbed.
#[test]
fn what_go_panics_at_nothing_absorbs() {
    const ADD: &str =
        "internal error: interface conversion: *types.Err is not traits.Lister: missing method Add";
    const DEPTH: &str = "internal error: interface conversion: ref.Val is *types.Err, not types.Int";
    const TEXT_DEPTH: &str = "internal error: interface conversion: ref.Val is types.String, not types.Int";
    const TEXT: &str =
        "internal error: interface conversion: types.String is not traits.Lister: missing method Contains";
    const HASH: &str = "internal error: runtime error: hash of unhashable type types.Bytes";
    for (expression, error) in [
        ("claims.missing.distinct() == [] || true", Some(ADD)),
        ("true || claims.missing.distinct() == []", None),
        ("claims.t.distinct() == [] || true", Some(TEXT)),
        ("[1].exists(x, claims.missing.distinct() == [] || true)", Some(ADD)),
        ("[1].flatten(claims.missing) == [] || true", Some(DEPTH)),
        ("claims.missing.flatten(1) == [] || true", None),
        ("claims.missing.flatten(dyn('a')) == [] || true", Some(TEXT_DEPTH)),
        ("claims.missing.flatten() == [] || true", None),
        ("claims.missing.reverse() == [] || true", None),
        ("dyn(b'x') in {'a': 1} || true", Some(HASH)),
        ("dyn(bytes(claims.t)) in ['a'] || true", Some(HASH)),
        ("{bytes(claims.t): 1} == {} || true", Some(HASH)),
        // As where it knows the type of the list.
        ("{'k': ['a']}['x'].sort() == [] || true", Some("no such key: x")),
    ] {
        let program = Program::new(expression, Environment::Claims).unwrap();
        let (value, _) = program.evaluate_and_count(&Claims::new(1));
        assert_eq!(value.err().map(|error| error.to_string()).as_deref(), error, "{expression}");
    }
}

/// cel-go makes a map of a list of constants.
#[test]
fn a_member_of_constants_is_looked_up() {
    for (expression, is_there) in [
        ("'a' in ['a', 'b']", true),
        ("claims.t in ['a', 'b']", false),
        ("dyn(1) in [1.0]", true),
        ("dyn(1.0) in [1]", true),
        ("dyn(1u) in [1, 2]", true),
        ("dyn(1.5) in [1]", false),
        ("dyn(-1) in [1u]", false),
        // One is there in its own form, and as what it is without a loss; what it is to a double is not asked.
        ("dyn(9007199254740993) in [9007199254740992.0]", false),
        ("dyn(9007199254740992) in [9007199254740992.0]", true),
        ("dyn(9007199254740992.0) in [9007199254740993]", true),
        ("dyn(9007199254740993) in dyn([9007199254740992.0])", true),
        ("dyn([1]) in ['a']", false),
        ("dyn(null) in ['a']", false),
        ("dyn('a') in [string('a')]", true),
        ("dyn(timestamp(0)) in [timestamp(0)]", true),
        ("1 in [int('1'), claims.l.size()]", true),
        ("true in [false, true]", true),
    ] {
        let program = Program::new(expression, Environment::Claims).unwrap();
        let (value, _) = program.evaluate_and_count(&Claims::new(1));
        assert!(matches!(value, Ok(Value::Bool(found)) if found == is_there), "{expression}: {value:?}");
    }
}
