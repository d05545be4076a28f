//! Equality and order across the types of numbers (cel-go `Equal`, `Compare` and `compare.go`).

use std::cmp::Ordering;

use super::{EvalError, ListForm, Value};

/// Values nested deeper than this are not compared.
const MAX_DEPTH: usize = 500;

impl Value {
    /// Whether both are the same.
    ///
    /// # Errors
    /// Where cel-go has none to give, such as for `claims` as a whole beside a map.
    pub(crate) fn try_equals(&self, other: &Self) -> Result<bool, EvalError> {
        equals(self, other, MAX_DEPTH)
    }

    /// The same for functions that look for a value: what can't be compared is another.
    ///
    /// # Errors
    /// What ends the evaluation.
    pub(crate) fn equals(&self, other: &Self) -> Result<bool, EvalError> {
        match self.try_equals(other) {
            Err(error) if error.ends_evaluation() => Err(error),
            found => Ok(found == Ok(true)),
        }
    }

    /// Whether it equals one of these.
    ///
    /// # Errors
    /// What ends the evaluation.
    pub(crate) fn is_among<'v>(&self, others: impl IntoIterator<Item = &'v Self>) -> Result<bool, EvalError> {
        for other in others {
            if self.equals(other)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// The order of two values; `None` when they have none.
    pub(crate) fn compare(&self, other: &Self) -> Option<Ordering> {
        match (self, other) {
            (Self::Bool(one), Self::Bool(other)) => Some(one.cmp(other)),
            (Self::Bytes(one), Self::Bytes(other)) => Some(one.cmp(other)),
            (Self::Duration(one), Self::Duration(other)) => Some(one.cmp(other)),
            // UTF-8 has the order of its characters.
            (Self::String(one), Self::String(other)) => Some(one.cmp(other)),
            (Self::Timestamp(one), Self::Timestamp(other)) => Some(one.moment().cmp(&other.moment())),
            _ => compare_numbers(self, other),
        }
    }
}

fn equals(one: &Value, other: &Value, depth: usize) -> Result<bool, EvalError> {
    // cel-go has no such bound: that two differ must not follow from it.
    let depth = depth.checked_sub(1).ok_or(EvalError::CostLimit)?;
    Ok(match (one, other) {
        (Value::Null, Value::Null) => true,
        (Value::Null, _) | (_, Value::Null) => false,
        // There is one.
        (Value::Lazy(_), Value::Lazy(_)) => true,
        (Value::Lazy(_), _) | (_, Value::Lazy(_)) => return Err(EvalError::no_such_overload()),
        (Value::List(one), Value::List(other)) => {
            if one.len() != other.len() {
                return Ok(false);
            }
            let mut failed = None;
            for (one, other) in one.iter().zip(other.iter()) {
                match equals(one, other, depth) {
                    Ok(true) => {}
                    Ok(false) => return Ok(false),
                    Err(error) if error.ends_evaluation() => return Err(error),
                    Err(error) => failed = Some(error),
                }
            }
            // A literal list takes elements that can't be compared for equal (cel-go `baseList.Equal`).
            match failed {
                Some(error) if one.form() == ListForm::Any => return Err(error),
                _ => true,
            }
        }
        (Value::Map(one), Value::Map(other)) => {
            if one.entries().len() != other.entries().len() {
                return Ok(false);
            }
            for (key, value) in one.entries() {
                let Some(other) = other.find(&key.to_value()) else { return Ok(false) };
                if !equals(value, other, depth)? {
                    return Ok(false);
                }
            }
            true
        }
        (Value::Optional(one), Value::Optional(other)) => match (one, other) {
            (None, None) => true,
            (Some(one), Some(other)) => equals(one, other, depth)?,
            (None, Some(_)) | (Some(_), None) => false,
        },
        (Value::Type(one), Value::Type(other)) => one == other,
        (Value::Bool(_), Value::Bool(_))
        | (Value::Bytes(_), Value::Bytes(_))
        | (Value::Duration(_), Value::Duration(_))
        | (Value::String(_), Value::String(_))
        | (Value::Timestamp(_), Value::Timestamp(_)) => one.compare(other) == Some(Ordering::Equal),
        // Kubernetes' own types compare themselves with nothing else.
        (Value::Quantity(one), Value::Quantity(other)) => one.equals(other)?,
        (Value::Cidr(one), Value::Cidr(other)) => one == other,
        (Value::Format(one), Value::Format(other)) => one == other,
        (Value::Ip(one), Value::Ip(other)) => one == other,
        (Value::Semver(one), Value::Semver(other)) => one == other,
        (Value::Url(one), Value::Url(other)) => one == other,
        (
            Value::Quantity(_)
            | Value::Cidr(_)
            | Value::Format(_)
            | Value::Ip(_)
            | Value::Semver(_)
            | Value::Url(_),
            _,
        ) => return Err(EvalError::no_such_overload()),
        _ => compare_numbers(one, other) == Some(Ordering::Equal),
    })
}

/// The order of two numbers; NaN has none.
#[expect(clippy::cast_precision_loss, reason = "cel-go compares whole numbers with doubles as doubles, too")]
fn compare_numbers(one: &Value, other: &Value) -> Option<Ordering> {
    const INT_LIMIT: f64 = 9_223_372_036_854_775_808.0;
    const UINT_LIMIT: f64 = 18_446_744_073_709_551_616.0;
    match (one, other) {
        (Value::Double(one), Value::Double(other)) => one.partial_cmp(other),
        (Value::Int(one), Value::Int(other)) => Some(one.cmp(other)),
        (Value::Uint(one), Value::Uint(other)) => Some(one.cmp(other)),
        (Value::Int(one), Value::Uint(other)) => Some(i128::from(*one).cmp(&i128::from(*other))),
        (Value::Uint(one), Value::Int(other)) => Some(i128::from(*one).cmp(&i128::from(*other))),
        (Value::Int(_), Value::Double(other)) if *other > INT_LIMIT => Some(Ordering::Less),
        (Value::Int(_), Value::Double(other)) if *other < -INT_LIMIT => Some(Ordering::Greater),
        (Value::Int(one), Value::Double(other)) => (*one as f64).partial_cmp(other),
        (Value::Uint(_), Value::Double(other)) if *other > UINT_LIMIT => Some(Ordering::Less),
        (Value::Uint(_), Value::Double(other)) if *other < 0.0 => Some(Ordering::Greater),
        (Value::Uint(one), Value::Double(other)) => (*one as f64).partial_cmp(other),
        (Value::Double(_), Value::Int(_) | Value::Uint(_)) => {
            compare_numbers(other, one).map(Ordering::reverse)
        }
        _ => None,
    }
}
