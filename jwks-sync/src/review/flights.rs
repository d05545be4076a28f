//! One answer for all who ask the same at the same time, and for a while after.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;
use tokio::time::Instant;

/// Answers that are kept at most.
const MAX_ENTRIES: usize = 4_096;
/// Bytes that kept answers and their questions may take.
const MAX_BYTES: usize = 4 * 1024 * 1024;

/// What came of a question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Verdict<V> {
    /// The answer.
    pub(super) value: V,
    /// Until when it may be relied on; `None`: it is for those who asked meanwhile, and not kept.
    pub(super) good_until: Option<Instant>,
    /// What keeping it takes, with the question.
    pub(super) bytes: usize,
}

impl<V> Verdict<V> {
    /// An answer that is not kept.
    pub(super) const fn passing(value: V) -> Self {
        Self { value, good_until: None, bytes: 0 }
    }

    /// Whole seconds for which it may be relied on.
    pub(super) fn good_for(&self, now: Instant) -> u32 {
        let left = self.good_until.map_or(0, |until| until.saturating_duration_since(now).as_secs());
        u32::try_from(left).unwrap_or(u32::MAX)
    }
}

/// How an answer came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Came {
    /// It was asked for.
    Asked,
    /// It was there.
    Cached,
    /// Somebody else had asked already.
    Joined,
}

/// Why there is no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NoAnswer {
    /// Too many questions are open.
    Busy,
    /// The task that asked is gone.
    Lost,
}

/// Open questions and kept answers.
pub(super) struct Flights<K, V> {
    state: Arc<Mutex<State<K, V>>>,
}

type Landing<V> = watch::Receiver<Option<Verdict<V>>>;

struct State<K, V> {
    open: HashMap<K, Landing<V>>,
    kept: HashMap<K, Verdict<V>>,
    bytes: usize,
}

impl<K, V> Flights<K, V>
where
    K: Clone + Eq + Hash + Send + 'static,
    V: Clone + Send + Sync + 'static,
{
    /// Nothing is open or kept.
    pub(super) fn new() -> Self {
        let state = State { open: HashMap::new(), kept: HashMap::new(), bytes: 0 };
        Self { state: Arc::new(Mutex::new(state)) }
    }

    /// Answers `key`: from what is kept, from who asks already, or by asking. `ask` returns `None` when no further
    /// question may be open. Its future runs to its end even if nobody waits for it any more.
    pub(super) async fn ask<F>(
        &self,
        key: K,
        ask: impl FnOnce() -> Option<F>,
    ) -> Result<(Came, Verdict<V>), NoAnswer>
    where
        F: Future<Output = Verdict<V>> + Send + 'static,
    {
        let (came, mut landing) = {
            let mut state = lock(&self.state);
            if let Some(kept) = state.find(&key) {
                return Ok((Came::Cached, kept));
            }
            match state.open.get(&key) {
                Some(landing) => (Came::Joined, landing.clone()),
                None => {
                    let question = ask().ok_or(NoAnswer::Busy)?;
                    let (sender, landing) = watch::channel(None);
                    state.open.insert(key.clone(), landing.clone());
                    let flight = Flight { state: Arc::clone(&self.state), key };
                    tokio::spawn(async move {
                        let verdict = question.await;
                        flight.land(&verdict);
                        sender.send_replace(Some(verdict));
                    });
                    (Came::Asked, landing)
                }
            }
        };
        let landed = landing.wait_for(Option::is_some).await.map_err(|_| NoAnswer::Lost)?;
        Ok((came, landed.clone().ok_or(NoAnswer::Lost)?))
    }
}

impl<K: Clone + Eq + Hash, V: Clone> State<K, V> {
    /// What is kept, if it is good for a whole second yet.
    fn find(&mut self, key: &K) -> Option<Verdict<V>> {
        let kept = self.kept.get(key)?;
        if kept.good_for(Instant::now()) > 0 {
            return Some(kept.clone());
        }
        self.drop_kept(&key.clone());
        None
    }

    fn keep(&mut self, key: K, verdict: Verdict<V>) {
        let now = Instant::now();
        if verdict.good_for(now) == 0 || verdict.bytes > MAX_BYTES / 16 {
            return;
        }
        self.drop_kept(&key);
        let is_full = |state: &Self| {
            state.kept.len() >= MAX_ENTRIES || state.bytes.saturating_add(verdict.bytes) > MAX_BYTES
        };
        if is_full(self) {
            self.kept.retain(|_, kept| kept.good_for(now) > 0);
            self.bytes = self.kept.values().map(|kept| kept.bytes).fold(0, usize::saturating_add);
        }
        while is_full(self) {
            // The one that ends first is worth the least.
            let first = self.kept.iter().min_by_key(|(_, kept)| kept.good_until).map(|(key, _)| key.clone());
            let Some(first) = first else { break };
            self.drop_kept(&first);
        }
        self.bytes = self.bytes.saturating_add(verdict.bytes);
        self.kept.insert(key, verdict);
    }

    fn drop_kept(&mut self, key: &K) {
        if let Some(dropped) = self.kept.remove(key) {
            self.bytes = self.bytes.saturating_sub(dropped.bytes);
        }
    }
}

/// A question that is open. It closes even if its task panics, so that the next one asks anew.
struct Flight<K: Clone + Eq + Hash, V: Clone> {
    state: Arc<Mutex<State<K, V>>>,
    key: K,
}

impl<K: Clone + Eq + Hash, V: Clone> Flight<K, V> {
    fn land(self, verdict: &Verdict<V>) {
        lock(&self.state).keep(self.key.clone(), verdict.clone());
    }
}

impl<K: Clone + Eq + Hash, V: Clone> Drop for Flight<K, V> {
    fn drop(&mut self) {
        lock(&self.state).open.remove(&self.key);
    }
}

fn lock<T>(state: &Mutex<T>) -> MutexGuard<'_, T> {
    // Nothing panics halfway through a change.
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    type Texts = Flights<u32, &'static str>;

    fn verdict(value: &'static str, seconds: u64, bytes: usize) -> Verdict<&'static str> {
        let good_until = Instant::now().checked_add(Duration::from_secs(seconds));
        Verdict { value, good_until, bytes }
    }

    async fn ask(flights: &Texts, key: u32, verdict: Verdict<&'static str>) -> Came {
        flights.ask(key, || Some(async move { verdict })).await.unwrap().0
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_is_kept_for_its_whole_seconds() {
        let flights = Texts::new();
        assert_eq!(ask(&flights, 1, verdict("yes", 10, 1)).await, Came::Asked);
        for (after, left) in [(0, 10), (4_500, 5), (4_400, 1)] {
            tokio::time::advance(Duration::from_millis(after)).await;
            let (came, kept) = flights.ask(1, || None::<std::future::Ready<_>>).await.unwrap();
            assert_eq!((came, kept.good_for(Instant::now())), (Came::Cached, left));
        }
        tokio::time::advance(Duration::from_millis(200)).await;
        assert_eq!(ask(&flights, 1, Verdict::passing("no")).await, Came::Asked, "less than a second is left");
        assert_eq!(ask(&flights, 1, verdict("yes", 0, 1)).await, Came::Asked, "what is not good is not kept");
        assert_eq!(ask(&flights, 1, verdict("yes", 1, 1)).await, Came::Asked);
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_kept_is_bounded() {
        let flights = Texts::new();
        let entries = u32::try_from(MAX_ENTRIES).unwrap();
        ask(&flights, 0, verdict("first to end", 5, 1)).await;
        for key in 1..=entries {
            ask(&flights, key, verdict("yes", 10, 1)).await;
        }
        assert_eq!(lock(&flights.state).kept.len(), MAX_ENTRIES);
        assert!(!lock(&flights.state).kept.contains_key(&0));
        for key in 0..64 {
            ask(&flights, entries + 1 + key, verdict("large", 10, MAX_BYTES / 16)).await;
        }
        let bytes = lock(&flights.state).bytes;
        assert!(bytes <= MAX_BYTES && bytes > MAX_BYTES / 2, "{bytes}");
        ask(&flights, 0, verdict("too large", 10, MAX_BYTES / 16 + 1)).await;
        assert!(!lock(&flights.state).kept.contains_key(&0));
        tokio::time::advance(Duration::from_secs(10)).await;
        for key in 0..=entries {
            ask(&flights, key, verdict("yes", 10, 1)).await;
        }
        assert_eq!(lock(&flights.state).bytes, MAX_ENTRIES, "what has ended is counted no more");
    }

    #[tokio::test(start_paused = true)]
    async fn a_task_that_dies_leaves_the_question_open_to_others() {
        let flights = Texts::new();
        let died = flights.ask(1, || Some(async { panic!("a bug") })).await;
        assert_eq!(died, Err(NoAnswer::Lost));
        assert_eq!(ask(&flights, 1, verdict("yes", 10, 1)).await, Came::Asked);
        let busy = flights.ask(2, || None::<std::future::Ready<_>>).await;
        assert_eq!(busy, Err(NoAnswer::Busy));
    }
}
