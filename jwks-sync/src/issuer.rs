//! One task per issuer: fetches its keys when they are due or when somebody waits for one, so that a broken issuer
//! hurts only its own users.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use std::time::Duration;

use authn::feed::RefreshOutcome;
use authn::jwks::DroppedKey;
use tokio::select;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::{AbortHandle, JoinError, JoinSet};
use tokio::time::{Instant, sleep_until, timeout};
use tracing::{info, warn};

use crate::clock;
use crate::fetch::{FetchedKeys, KeySource};
use crate::fetch_error::FetchError;
use crate::metrics::Metrics;
use crate::schedule::{Limits, Schedule};
use crate::store::{IssuerState, Store};

/// Requests that may wait for the keys of one issuer.
const MAX_WAITERS: usize = 1024;
/// Key ids that are remembered as absent, for each issuer.
const MAX_ABSENT: usize = 1024;
/// Keys that are not used and that the log names, each time the keys change.
const MAX_DROPPED_LOGGED: usize = 16;
/// How long a key id is remembered as absent, unless keys are fetched before.
const ABSENT_FOR: Duration = Duration::from_secs(10);
/// A request is answered in this time. The filter waits two seconds.
const ANSWER_WITHIN: Duration = Duration::from_millis(1_800);

/// The running task of an issuer; dropping it ends the task.
pub(crate) struct IssuerTask {
    state: watch::Receiver<IssuerState>,
    requests: mpsc::Sender<Waiter>,
    task: AbortHandle,
}

impl IssuerTask {
    /// Starts the task. `known` is what is known of the issuer's keys already.
    pub(crate) fn start<S: KeySource>(
        url: String,
        source: S,
        limits: Limits,
        known: IssuerState,
        store: Arc<Store>,
        metrics: Arc<Metrics>,
    ) -> Self {
        let (requests, received) = mpsc::channel(MAX_WAITERS);
        let (state, state_receiver) =
            watch::channel(IssuerState { attempted: false, failure: None, ..known });
        let refresher = Refresher {
            url,
            source: Arc::new(source),
            schedule: Schedule::new(limits, Instant::now()),
            state,
            requests: received,
            waiters: Vec::new(),
            absent: AbsentKids::default(),
            running: JoinSet::new(),
            store,
            metrics,
        };
        let task = tokio::spawn(refresher.run()).abort_handle();
        Self { state: state_receiver, requests, task }
    }

    /// What is known of the keys, now and later.
    pub(crate) fn state(&self) -> watch::Receiver<IssuerState> {
        self.state.clone()
    }

    /// Waits until the first attempt has ended.
    pub(crate) async fn attempted(&self) {
        // An error means that the task is gone: there is nothing to wait for.
        drop(self.state.clone().wait_for(|state| state.attempted).await);
    }

    /// Waits until an attempt goes well.
    pub(crate) async fn healthy(&self) {
        drop(self.state.clone().wait_for(|state| state.attempted && state.failure.is_none()).await);
    }

    /// Asks the issuer for its keys because `kid` is wanted, unless that is known to be in vain.
    pub(crate) async fn refresh(&self, kid: String) -> RefreshOutcome {
        let (answer, answered) = oneshot::channel();
        if self.requests.try_send(Waiter { kid, answer, joined: false }).is_err() {
            return RefreshOutcome::Failed;
        }
        match timeout(ANSWER_WITHIN, answered).await {
            Ok(Ok(outcome)) => outcome,
            Ok(Err(_)) | Err(_) => RefreshOutcome::Failed,
        }
    }
}

impl Drop for IssuerTask {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// A request that waits for a fetch.
struct Waiter {
    kid: String,
    answer: oneshot::Sender<RefreshOutcome>,
    /// The fetch had begun when the request came: what it brings may be older than the wanted key.
    joined: bool,
}

struct Refresher<S> {
    url: String,
    source: Arc<S>,
    schedule: Schedule,
    state: watch::Sender<IssuerState>,
    requests: mpsc::Receiver<Waiter>,
    waiters: Vec<Waiter>,
    absent: AbsentKids,
    /// The running fetch, if any: a task of its own, so that a panic in a parser fails that fetch and no more.
    running: JoinSet<Result<FetchedKeys, FetchError>>,
    store: Arc<Store>,
    metrics: Arc<Metrics>,
}

impl<S: KeySource> Refresher<S> {
    async fn run(mut self) {
        loop {
            let start = self.schedule.next_start(!self.waiters.is_empty());
            select! {
                Some(ended) = self.running.join_next() => self.end(ended),
                Some(waiter) = self.requests.recv() => self.admit(waiter),
                () = sleep_until(start), if self.running.is_empty() => self.begin(),
            }
        }
    }

    fn begin(&mut self) {
        self.schedule.started(Instant::now());
        let source = Arc::clone(&self.source);
        self.running.spawn(async move { source.fetch().await });
    }

    fn admit(&mut self, mut waiter: Waiter) {
        let known = {
            let state = self.state.borrow();
            state.is_usable_at(clock::now(), self.store.max_age())
                && state.keys.iter().any(|key| key.kid == waiter.kid)
        };
        if known || self.absent.contains(&waiter.kid, Instant::now()) {
            return waiter.answer(RefreshOutcome::Fetched);
        }
        if self.waiters.len() >= MAX_WAITERS {
            self.waiters.retain(|waiter| !waiter.answer.is_closed());
        }
        if self.waiters.len() >= MAX_WAITERS {
            return waiter.answer(RefreshOutcome::Failed);
        }
        waiter.joined = !self.running.is_empty();
        self.waiters.push(waiter);
    }

    fn end(&mut self, ended: Result<Result<FetchedKeys, FetchError>, JoinError>) {
        let outcome = match ended.unwrap_or(Err(FetchError::Internal)) {
            Ok(fetched) => self.succeeded(fetched),
            Err(error) => self.failed(error),
        };
        // The snapshot comes first: who is told "fetched" looks there for the key.
        self.store.keys_changed(clock::now());
        for mut waiter in std::mem::take(&mut self.waiters) {
            let is_absent = outcome == RefreshOutcome::Fetched
                && self.state.borrow().keys.iter().all(|key| key.kid != waiter.kid);
            if is_absent && waiter.joined {
                // What this fetch brought may be older than the key: it waits for the next one.
                waiter.joined = false;
                self.waiters.push(waiter);
                continue;
            }
            if is_absent {
                self.absent.insert(&waiter.kid, Instant::now());
            }
            waiter.answer(outcome);
        }
    }

    fn succeeded(&mut self, FetchedKeys { keys, dropped, fresh_for }: FetchedKeys) -> RefreshOutcome {
        let now = clock::now();
        self.schedule.succeeded(Instant::now(), fresh_for, clock::jitter());
        self.absent.clear();
        self.metrics.issuers().fetched(&self.url, None);
        self.metrics.issuers().holds(&self.url, keys.len(), dropped.len(), now);
        self.state.send_modify(|state| {
            if *state.keys != keys {
                info!(issuer = self.url, keys = keys.len(), dropped = dropped.len(), "new keys");
                for DroppedKey { kid, position, reason, .. } in dropped.iter().take(MAX_DROPPED_LOGGED) {
                    warn!(issuer = self.url, kid, position, reason = reason.reason(), "a key is not used");
                }
            } else if state.failure.is_some() {
                info!(issuer = self.url, keys = keys.len(), "the issuer answers again");
            }
            *state =
                IssuerState { attempted: true, keys: Arc::new(keys), last_success: Some(now), failure: None };
        });
        RefreshOutcome::Fetched
    }

    fn failed(&mut self, error: FetchError) -> RefreshOutcome {
        self.schedule.failed(Instant::now(), clock::jitter());
        self.metrics.issuers().fetched(&self.url, Some(error.reason()));
        let usable = self.state.borrow().is_usable_at(clock::now(), self.store.max_age());
        if !usable {
            self.metrics.issuers().lost_keys(&self.url);
        }
        warn!(
            issuer = self.url,
            reason = error.reason(),
            error = %error,
            advice = error.advice(),
            old_keys_in_use = usable,
            "fetching keys failed"
        );
        self.state.send_modify(|state| {
            state.attempted = true;
            state.failure = Some(Arc::new(error));
        });
        RefreshOutcome::Failed
    }
}

impl Waiter {
    fn answer(self, outcome: RefreshOutcome) {
        // An error means that the request was given up.
        let _ = self.answer.send(outcome);
    }
}

/// Key ids that the issuer was asked for a moment ago and does not have, so that made-up ones cost it nothing.
#[derive(Default)]
struct AbsentKids {
    /// Keyed hashes: the ids are chosen by strangers, and may be long.
    hasher: RandomState,
    until: HashMap<u64, Instant>,
}

impl AbsentKids {
    fn contains(&self, kid: &str, now: Instant) -> bool {
        self.until.get(&self.hasher.hash_one(kid)).is_some_and(|until| now < *until)
    }

    fn insert(&mut self, kid: &str, now: Instant) {
        if self.until.len() >= MAX_ABSENT {
            self.until.retain(|_, until| now < *until);
        }
        if let Some(until) = now.checked_add(ABSENT_FOR)
            && self.until.len() < MAX_ABSENT
        {
            self.until.insert(self.hasher.hash_one(kid), until);
        }
    }

    fn clear(&mut self) {
        self.until.clear();
    }
}

#[cfg(test)]
#[path = "issuer_tests.rs"]
mod tests;
