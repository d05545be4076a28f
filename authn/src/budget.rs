//! Rationing of failures where a check is slow.
//!
//! A made-up PS256 token costs its sender nothing and the gateway's worker a millisecond. So each issuer may have a
//! number of failed slow checks in a row, which fills up again with time; good tokens cost nothing of it. The numbers
//! come to a tenth of a worker's time: fewer, and a trickle of bad tokens would keep the issuer's own users out.

use crate::time::UnixSeconds;

/// Failures that an issuer may have at once.
pub(crate) const BURST: u32 = 200;
/// Failures that are given back every second.
pub(crate) const PER_SECOND: u32 = 100;

/// How many slow checks of an issuer's tokens may still fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct FailureBudget {
    left: u32,
    refilled: UnixSeconds,
}

impl FailureBudget {
    /// A full budget.
    #[must_use]
    pub(crate) const fn full(now: UnixSeconds) -> Self {
        Self { left: BURST, refilled: now }
    }

    /// Whether another check may be made.
    pub(crate) fn may_check(&mut self, now: UnixSeconds) -> bool {
        let seconds = u32::try_from(now.since(self.refilled)).unwrap_or(u32::MAX);
        self.left = self.left.saturating_add(seconds.saturating_mul(PER_SECOND)).min(BURST);
        self.refilled = now;
        self.left > 0
    }

    /// Counts failed checks: a token without `kid` may take one for each key.
    pub(crate) fn failed(&mut self, checks: usize) {
        self.left = self.left.saturating_sub(u32::try_from(checks).unwrap_or(u32::MAX));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failures_use_the_budget_up_and_time_fills_it_again() {
        let start = UnixSeconds::new(1_000);
        let mut budget = FailureBudget::full(start);
        for _ in 0..BURST {
            assert!(budget.may_check(start));
            budget.failed(1);
        }
        assert!(!budget.may_check(start));
        // A clock that steps back gives nothing.
        assert!(!budget.may_check(UnixSeconds::new(10)));
        let later = UnixSeconds::new(11);
        for _ in 0..PER_SECOND {
            assert!(budget.may_check(later));
            budget.failed(1);
        }
        assert!(!budget.may_check(later));
        assert!(budget.may_check(later.plus(1_000_000)));
    }
}
