//! The one place that reads the wall clock.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use authn::time::UnixSeconds;

/// The present second.
pub(crate) fn now() -> UnixSeconds {
    UnixSeconds::new(since_epoch().as_secs())
}

/// Milliseconds since 1970: names one run of the sidecar.
pub(crate) fn epoch() -> u64 {
    u64::try_from(since_epoch().as_millis()).unwrap_or(u64::MAX)
}

/// A clock before 1970 counts as 1970: every key and credential is good then, for as long as it names.
fn since_epoch() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}

/// A random share of `-1.0 ..= 1.0`, for spreading.
pub(crate) fn jitter() -> f64 {
    fastrand::f64().mul_add(2.0, -1.0)
}

/// `duration`, made longer or shorter by the share `jitter` (`-1.0 ..= 1.0`) of a tenth.
pub(crate) fn spread(duration: Duration, jitter: f64) -> Duration {
    Duration::try_from_secs_f64(duration.as_secs_f64() * 0.1f64.mul_add(jitter.clamp(-1.0, 1.0), 1.0))
        .unwrap_or(duration)
}
