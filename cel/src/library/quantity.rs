//! Quantities (k8s.io/apiserver `pkg/cel/library/quantity.go`, over k8s.io/apimachinery `pkg/api/resource`).

mod amount;
mod decimal;
mod parse;

use std::cell::RefCell;
use std::cmp::Ordering;
use std::rc::Rc;

use self::amount::Amount;
use self::decimal::TooLong;
use self::parse::ParseError;
use super::Function;
use super::kubernetes::{nominal, traversal};
use crate::value::{EvalError, Evaluated, Value};

/// A quantity: `quantity("1.5Gi")`.
///
/// kube-apiserver's has a state that shows: a comparison may change the form of what it is called on, for which
/// `isInteger()` is false then, and a sum may change its first summand. All of that is followed here.
#[derive(Debug)]
pub struct Quantity {
    amount: RefCell<Amount>,
    /// Whether `add` or `sub` made it: Go's library returns a pointer then, to which nothing is equal.
    is_computed: bool,
}

/// The functions of quantities; comparisons stand with those that are shared.
pub(crate) const FUNCTIONS: &[Function] = &[
    Function { name: "add", call: |args| combine(args, Amount::add), cost: nominal },
    Function { name: "asApproximateFloat", call: as_approximate_float, cost: nominal },
    Function { name: "asInteger", call: as_integer, cost: nominal },
    Function { name: "isInteger", call: is_integer, cost: nominal },
    Function { name: "isQuantity", call: is_quantity, cost: traversal },
    Function { name: "quantity", call: quantity, cost: traversal },
    Function { name: "sign", call: sign, cost: nominal },
    Function { name: "sub", call: |args| combine(args, Amount::subtract), cost: nominal },
];

impl Quantity {
    /// Name of its type in CEL.
    pub(crate) const TYPE_NAME: &str = "kubernetes.Quantity";

    /// Which of two quantities is the greater one.
    pub(crate) fn compare(&self, other: &Self) -> Result<Ordering, EvalError> {
        let other = other.amount();
        let (amount, ordering) = self.amount().compare(&other)?;
        self.amount.replace(amount);
        Ok(ordering)
    }

    /// `self == other` in CEL, which fails if `other` comes out of `add` or `sub`.
    pub(crate) fn equals(&self, other: &Self) -> Result<bool, EvalError> {
        if other.is_computed {
            return Err(EvalError::no_such_overload());
        }
        let (_, ordering) = self.amount().compare(&other.amount())?;
        Ok(ordering.is_eq())
    }

    /// A copy, which shares what Go's copy shares.
    fn amount(&self) -> Amount {
        self.amount.borrow().clone()
    }
}

impl From<TooLong> for EvalError {
    fn from(problem: TooLong) -> Self {
        Self::new(problem.to_string())
    }
}

fn quantity(args: &[Value]) -> Evaluated {
    let [Value::String(text)] = args else { return Err(EvalError::NoOverload) };
    let amount = parse::parse(text).map_err(|problem| EvalError::new(problem.to_string()))?;
    Ok(Value::Quantity(Rc::new(Quantity { amount: RefCell::new(amount), is_computed: false })))
}

fn is_quantity(args: &[Value]) -> Evaluated {
    let [Value::String(text)] = args else { return Err(EvalError::NoOverload) };
    match parse::parse(text) {
        Ok(_) => Ok(Value::Bool(true)),
        Err(ParseError::TooLong(problem)) => Err(problem.into()),
        Err(_) => Ok(Value::Bool(false)),
    }
}

fn as_approximate_float(args: &[Value]) -> Evaluated {
    receiver(args).map(|quantity| Value::Double(quantity.amount().to_f64()))
}

fn as_integer(args: &[Value]) -> Evaluated {
    let integer = receiver(args)?.amount().to_i64();
    integer.map(Value::Int).ok_or_else(|| EvalError::new("cannot convert value to integer"))
}

fn is_integer(args: &[Value]) -> Evaluated {
    receiver(args).map(|quantity| Value::Bool(quantity.amount().to_i64().is_some()))
}

fn sign(args: &[Value]) -> Evaluated {
    receiver(args).map(|quantity| Value::Int(quantity.amount().signum()))
}

/// A sum or a difference of two quantities, or of one and a whole number.
fn combine(args: &[Value], operation: fn(&Amount, &Amount) -> Result<Amount, TooLong>) -> Evaluated {
    let (quantity, other) = match args {
        [Value::Quantity(quantity), Value::Quantity(other)] => (quantity, other.amount()),
        [Value::Quantity(quantity), Value::Int(other)] => (quantity, Amount::from(*other)),
        _ => return Err(EvalError::NoOverload),
    };
    let amount = operation(&quantity.amount(), &other)?;
    Ok(Value::Quantity(Rc::new(Quantity { amount: RefCell::new(amount), is_computed: true })))
}

fn receiver(args: &[Value]) -> Result<&Quantity, EvalError> {
    match args {
        [Value::Quantity(quantity)] => Ok(quantity),
        _ => Err(EvalError::NoOverload),
    }
}

#[cfg(test)]
mod tests;
