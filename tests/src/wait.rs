//! Waiting for a condition, with a deadline.

use std::time::Duration;

use tokio::time::{Instant, sleep};

/// How long to wait before a condition is looked at again.
pub const POLL: Duration = Duration::from_millis(10);

/// Waits until `condition` holds; panics with `what` at the deadline.
pub async fn until(deadline: Duration, what: &str, mut condition: impl AsyncFnMut() -> bool) {
    let holds = poll(deadline, async || condition().await.then_some(())).await;
    assert!(holds.is_some(), "after {deadline:?} still not: {what}");
}

/// Waits until `look` finds something, and returns it; panics with `what` at the deadline.
pub async fn found<T>(deadline: Duration, what: &str, look: impl AsyncFnMut() -> Option<T>) -> T {
    poll(deadline, look).await.unwrap_or_else(|| panic!("after {deadline:?} still not: {what}"))
}

/// Looks again and again until there is something, or until the deadline: then `None`.
/// A look that hangs is ended by the deadline too.
pub async fn poll<T>(deadline: Duration, mut look: impl AsyncFnMut() -> Option<T>) -> Option<T> {
    let end = Instant::now() + deadline;
    loop {
        match tokio::time::timeout_at(end, look()).await {
            Ok(Some(found)) => return Some(found),
            Ok(None) if Instant::now() < end => sleep(POLL).await,
            _ => return None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn waits_for_the_condition_and_not_longer() {
        let mut looks = 0;
        let third = found(Duration::from_secs(5), "three looks", || {
            looks += 1;
            let now = looks;
            async move { (now == 3).then_some(now) }
        });
        assert_eq!(third.await, 3);
        assert_eq!(poll(Duration::from_millis(30), || async { None::<()> }).await, None);
    }

    #[tokio::test]
    #[should_panic(expected = "still not: the moon")]
    async fn says_what_was_missing() {
        until(Duration::from_millis(20), "the moon", || async { false }).await;
    }
}
