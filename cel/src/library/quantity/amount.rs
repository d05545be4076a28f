//! A number in one of its two forms (`resource.Quantity`, with `int64Amount` and `inf.Dec` inside). Which one it has
//! depends on how it was written, and shows in `isInteger()`, `asInteger()` and `asApproximateFloat()`.

use std::cell::RefCell;
use std::cmp::Ordering;
use std::rc::Rc;

use super::decimal::{Decimal, TooLong};

/// A number.
#[derive(Clone, Debug)]
pub(super) enum Amount {
    /// As long as needed.
    Decimal(Shared),
    /// `value` times ten to the power of `exponent`.
    Small {
        /// The digits.
        value: i64,
        /// Never less than -9 where it was parsed.
        exponent: i32,
    },
}

/// A decimal whose copies are one, as copies of Go's pointer are. Nobody outside holds a borrow.
#[derive(Clone, Debug)]
pub(super) struct Shared(Rc<RefCell<Decimal>>);

impl Amount {
    /// `AsInt64`: nothing for decimals, even whole ones, and nothing for what was written with a fraction.
    pub(super) fn to_i64(&self) -> Option<i64> {
        match *self {
            Self::Decimal(_) => None,
            Self::Small { value, exponent } => scale_up(value, exponent),
        }
    }

    /// `AsApproximateFloat64`.
    pub(super) fn to_f64(&self) -> f64 {
        let (base, exponent) = match self {
            Self::Decimal(decimal) => {
                let decimal = decimal.read();
                (decimal.unscaled_to_f64(), decimal.scale().wrapping_neg())
            }
            Self::Small { value, exponent } => (*value as f64, *exponent),
        };
        if exponent == 0 { base } else { base * power_of_ten(exponent) }
    }

    pub(super) fn signum(&self) -> i64 {
        match self {
            Self::Decimal(decimal) => decimal.read().signum(),
            Self::Small { value, .. } => value.signum(),
        }
    }

    /// How it compares to another one, and what becomes of it: a decimal if either is one (`Cmp`).
    pub(super) fn compare(&self, other: &Self) -> Result<(Self, Ordering), TooLong> {
        let (mine, theirs) = (self.decimal(), other.decimal());
        let ordering = mine.read().compare(&theirs.read())?;
        let are_small = matches!((self, other), (Self::Small { .. }, Self::Small { .. }));
        Ok((if are_small { self.clone() } else { Self::Decimal(mine) }, ordering))
    }

    /// `Add`: what is a decimal already is changed in place.
    pub(super) fn add(&self, other: &Self) -> Result<Self, TooLong> {
        if let (Self::Small { .. }, Self::Small { value, exponent }) = (self, other)
            && let Some(sum) = self.add_small(*value, *exponent)?
        {
            return Ok(sum);
        }
        self.add_decimal(&other.decimal().read())
    }

    /// `Sub`. Go negates an `int64` without looking, so the least one stays what it is.
    pub(super) fn subtract(&self, other: &Self) -> Result<Self, TooLong> {
        if let (Self::Small { .. }, Self::Small { value, exponent }) = (self, other)
            && let Some(difference) = self.add_small(value.wrapping_neg(), *exponent)?
        {
            return Ok(difference);
        }
        self.add_decimal(&other.decimal().read().negated())
    }

    fn add_decimal(&self, other: &Decimal) -> Result<Self, TooLong> {
        let decimal = self.decimal();
        decimal.write(decimal.read().add(other)?);
        Ok(Self::Decimal(decimal))
    }

    /// `int64Amount.Add`; `None` if the sum doesn't fit.
    fn add_small(&self, value: i64, exponent: i32) -> Result<Option<Self>, TooLong> {
        let &Self::Small { value: mine, exponent: my_exponent } = self else { return Ok(None) };
        if value == 0 {
            return Ok(Some(self.clone()));
        }
        if mine == 0 {
            return Ok(Some(Self::Small { value, exponent }));
        }
        let least = exponent.min(my_exponent);
        let difference = |exponent: i32| exponent.checked_sub(least).ok_or(TooLong);
        let mine = scale_up(mine, difference(my_exponent)?);
        let value = scale_up(value, difference(exponent)?);
        let sum = mine.zip(value).and_then(|(mine, value)| mine.checked_add(value));
        Ok(sum.map(|value| Self::Small { value, exponent: least }))
    }

    /// The decimal itself, or a new one.
    fn decimal(&self) -> Shared {
        match self {
            Self::Decimal(decimal) => decimal.clone(),
            Self::Small { value, exponent } => Shared::new(Decimal::new(*value, exponent.wrapping_neg())),
        }
    }
}

impl Shared {
    fn new(decimal: Decimal) -> Self {
        Self(Rc::new(RefCell::new(decimal)))
    }

    fn read(&self) -> Decimal {
        self.0.borrow().clone()
    }

    fn write(&self, decimal: Decimal) {
        self.0.replace(decimal);
    }
}

impl From<i64> for Amount {
    fn from(value: i64) -> Self {
        Self::Small { value, exponent: 0 }
    }
}

impl From<Decimal> for Amount {
    fn from(decimal: Decimal) -> Self {
        Self::Decimal(Shared::new(decimal))
    }
}

/// `positiveScaleInt64`, and nothing for a negative exponent.
fn scale_up(value: i64, exponent: i32) -> Option<i64> {
    let exponent = u32::try_from(exponent).ok()?;
    if value == 0 {
        return Some(0);
    }
    10_i64.checked_pow(exponent).and_then(|factor| value.checked_mul(factor))
}

/// Go's `math.Pow10`: the product, or for small numbers the quotient, of two powers that are rounded each.
fn power_of_ten(exponent: i32) -> f64 {
    let parts = |exponent: i32| (exponent.div_euclid(32).saturating_mul(32), exponent.rem_euclid(32));
    match exponent {
        0..=308 => {
            let (large, small) = parts(exponent);
            nearest_power_of_ten(large) * nearest_power_of_ten(small)
        }
        -323..0 => {
            let (large, small) = parts(exponent.saturating_neg());
            nearest_power_of_ten(large.saturating_neg()) / nearest_power_of_ten(small)
        }
        309.. => f64::INFINITY,
        _ => 0.0,
    }
}

fn nearest_power_of_ten(exponent: i32) -> f64 {
    format!("1e{exponent}").parse().unwrap_or(f64::NAN)
}
