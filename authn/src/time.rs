//! Time is an argument: this crate never reads a clock.

/// Seconds since 1970-01-01T00:00:00Z, leap seconds not counted (a `NumericDate` of RFC 7519 2, without its
/// fraction).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UnixSeconds(u64);

impl UnixSeconds {
    /// The point that lies `seconds` after the epoch.
    #[must_use]
    pub const fn new(seconds: u64) -> Self {
        Self(seconds)
    }

    /// Seconds since the epoch.
    #[must_use]
    pub const fn get(self) -> u64 {
        self.0
    }

    /// The point `seconds` later; the last representable one when that would overflow.
    #[must_use]
    pub const fn plus(self, seconds: u64) -> Self {
        Self(self.0.saturating_add(seconds))
    }

    /// Seconds from `earlier` to `self`; 0 when `earlier` is the later one.
    #[must_use]
    pub const fn since(self, earlier: Self) -> u64 {
        self.0.saturating_sub(earlier.0)
    }
}

/// How long an answer may be relied on. A clock that stepped back behind its beginning makes it no longer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Span {
    from: UnixSeconds,
    until: UnixSeconds,
}

impl Span {
    pub(crate) const fn new(from: UnixSeconds, seconds: u32) -> Self {
        Self { from, until: from.plus(seconds as u64) }
    }

    pub(crate) fn contains(self, now: UnixSeconds) -> bool {
        self.from <= now && now < self.until
    }
}
