//! Decimal numbers of some length (gopkg.in/inf.v0 `Dec`), as their digits: all that is done to them but one
//! multiplication is done to digits, and powers of ten cost nothing.

use std::cmp::Ordering;

/// How many digits a number may have. Go knows no limit, so what is longer has no value here.
pub(super) const MAX_DIGITS: usize = 1000;

/// A number is too long.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("quantity has more than {MAX_DIGITS} digits")]
pub(super) struct TooLong;

/// A number: its digits, divided by ten to the power of its scale.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Decimal {
    is_negative: bool,
    /// From 0 to 9 each, the first one not 0; none for zero.
    digits: Vec<u8>,
    scale: i32,
}

impl Decimal {
    pub(super) fn new(value: i64, scale: i32) -> Self {
        let mut digits = Vec::new();
        let mut rest = value.unsigned_abs();
        while rest > 0 {
            digits.push(last_digit(rest));
            rest /= 10;
        }
        digits.reverse();
        Self { is_negative: value < 0, digits, scale }
    }

    /// A number of these ASCII digits; anything else among them is passed over.
    pub(super) fn from_digits(is_negative: bool, text: &[u8], scale: i32) -> Result<Self, TooLong> {
        let digits: Vec<u8> = text
            .iter()
            .filter(|byte| byte.is_ascii_digit())
            .map(|byte| byte.wrapping_sub(b'0'))
            .skip_while(|digit| *digit == 0)
            .take(MAX_DIGITS.saturating_add(1))
            .collect();
        if digits.len() > MAX_DIGITS { Err(TooLong) } else { Ok(Self { is_negative, digits, scale }) }
    }

    pub(super) const fn scale(&self) -> i32 {
        self.scale
    }

    pub(super) fn signum(&self) -> i64 {
        match (self.digits.is_empty(), self.is_negative) {
            (true, _) => 0,
            (false, true) => -1,
            (false, false) => 1,
        }
    }

    pub(super) fn negated(&self) -> Self {
        Self { is_negative: !self.is_negative, ..self.clone() }
    }

    /// The digits alone, rounded to the nearest.
    pub(super) fn unscaled_to_f64(&self) -> f64 {
        if self.digits.is_empty() {
            return 0.0;
        }
        let text: String = self.digits.iter().map(|digit| char::from(digit.wrapping_add(b'0'))).collect();
        let magnitude: f64 = text.parse().unwrap_or(f64::INFINITY);
        if self.is_negative { -magnitude } else { magnitude }
    }

    pub(super) fn compare(&self, other: &Self) -> Result<Ordering, TooLong> {
        // Go's scales are 32 bits wide, and so must be their difference.
        self.scale.checked_sub(other.scale).ok_or(TooLong)?;
        let signs = self.signum().cmp(&other.signum());
        Ok(signs.then_with(|| {
            let ordering = self.compare_magnitude(other);
            if self.is_negative { ordering.reverse() } else { ordering }
        }))
    }

    /// For numbers that are both not zero, or both zero.
    fn compare_magnitude(&self, other: &Self) -> Ordering {
        let length = self.digits.len().max(other.digits.len());
        let padded = |digits: &[u8]| {
            let zeros = length.saturating_sub(digits.len());
            digits.iter().copied().chain(std::iter::repeat_n(0, zeros)).collect::<Vec<_>>()
        };
        let by_size = self.integer_places().cmp(&other.integer_places());
        if self.digits.is_empty() {
            return Ordering::Equal;
        }
        by_size.then_with(|| padded(&self.digits).cmp(&padded(&other.digits)))
    }

    /// Digits before the point; less than nothing for small fractions.
    fn integer_places(&self) -> i64 {
        let length = i64::try_from(self.digits.len()).unwrap_or(i64::MAX);
        length.saturating_sub(self.scale.into())
    }

    /// The sum, with the greater of both scales.
    pub(super) fn add(&self, other: &Self) -> Result<Self, TooLong> {
        let scale = self.scale.max(other.scale);
        let (mine, theirs) = (self.with_zeros(scale)?, other.with_zeros(scale)?);
        let (is_negative, digits) = if self.is_negative == other.is_negative {
            (self.is_negative, add_digits(&mine, &theirs))
        } else if mine.len().cmp(&theirs.len()).then_with(|| mine.cmp(&theirs)).is_lt() {
            (other.is_negative, subtract_digits(&theirs, &mine))
        } else {
            (self.is_negative, subtract_digits(&mine, &theirs))
        };
        if digits.len() > MAX_DIGITS { Err(TooLong) } else { Ok(Self { is_negative, digits, scale }) }
    }

    /// The number, times some power of two.
    pub(super) fn times_power_of_two(&self, power: u32) -> Result<Self, TooLong> {
        let mut digits = Vec::with_capacity(self.digits.len());
        let mut carry = 0_u128;
        for &digit in self.digits.iter().rev() {
            // A digit times a power of up to 2^60, which is all that a suffix stands for.
            let product = u128::from(digit).checked_shl(power).unwrap_or(0).wrapping_add(carry);
            digits.push(last_digit(product));
            carry = product / 10;
        }
        while carry > 0 {
            digits.push(last_digit(carry));
            carry /= 10;
        }
        digits.reverse();
        if digits.len() > MAX_DIGITS { Err(TooLong) } else { Ok(Self { digits, ..self.clone() }) }
    }

    /// The number with this scale, rounded away from zero (`Round` with `RoundUp`).
    pub(super) fn rounded_up(&self, scale: i32) -> Result<Self, TooLong> {
        let surplus = self.scale.checked_sub(scale).ok_or(TooLong)?;
        let Ok(surplus) = usize::try_from(surplus) else {
            return Ok(Self { digits: self.with_zeros(scale)?, scale, ..*self });
        };
        let kept = self.digits.len().saturating_sub(surplus);
        let (digits, rest) = self.digits.split_at_checked(kept).unwrap_or((&self.digits, &[]));
        let digits =
            if rest.iter().any(|digit| *digit != 0) { add_digits(digits, &[1]) } else { digits.to_vec() };
        Ok(Self { digits, scale, ..*self })
    }

    /// The digits that the number has with this scale, which is not less than its own.
    fn with_zeros(&self, scale: i32) -> Result<Vec<u8>, TooLong> {
        let mut digits = self.digits.clone();
        if !digits.is_empty() {
            let zeros = scale.checked_sub(self.scale).and_then(|zeros| usize::try_from(zeros).ok());
            let length = zeros.and_then(|zeros| digits.len().checked_add(zeros));
            digits.resize(length.filter(|length| *length <= MAX_DIGITS).ok_or(TooLong)?, 0);
        }
        Ok(digits)
    }
}

fn last_digit<T: TryInto<u128>>(number: T) -> u8 {
    let number = number.try_into().unwrap_or(0);
    u8::try_from(number % 10).unwrap_or(0)
}

fn add_digits(one: &[u8], other: &[u8]) -> Vec<u8> {
    let mut digits = Vec::with_capacity(one.len().max(other.len()).saturating_add(1));
    let (mut one, mut other) = (one.iter().rev(), other.iter().rev());
    let mut carry = 0;
    loop {
        let (first, second) = (one.next(), other.next());
        if first.is_none() && second.is_none() && carry == 0 {
            break;
        }
        let sum = first.unwrap_or(&0).wrapping_add(*second.unwrap_or(&0)).wrapping_add(carry);
        digits.push(sum % 10);
        carry = sum / 10;
    }
    digits.reverse();
    digits
}

/// The difference, of which the first is not the smaller one.
fn subtract_digits(greater: &[u8], smaller: &[u8]) -> Vec<u8> {
    let mut digits = Vec::with_capacity(greater.len());
    let mut smaller = smaller.iter().rev();
    let mut borrow = 0;
    for &digit in greater.iter().rev() {
        let subtrahend = smaller.next().unwrap_or(&0).wrapping_add(borrow);
        borrow = u8::from(digit < subtrahend);
        digits.push(digit.wrapping_add(borrow.wrapping_mul(10)).wrapping_sub(subtrahend));
    }
    while digits.last() == Some(&0) {
        digits.pop();
    }
    digits.reverse();
    digits
}
