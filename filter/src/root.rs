//! One plugin in one VM, what Envoy calls a root context: configuration, ticks, and the feed.

use std::cell::RefCell;
use std::collections::HashMap;
use std::time::Duration;

use authn::authenticator::Authenticator;
use authn::cache::HashKey;
use authn::feed::{FeedMessage as _, GET_SNAPSHOT, GetSnapshotRequest, GetSnapshotResponse};
use authn::snapshot::{Generation, Snapshot};
use proxy_wasm_abi::types::{CallId, ContextId};

use crate::absent::AbsentKeys;
use crate::ask::Waiting;
use crate::config::Config;
use crate::feed::{Answer, FIRST_TICK_MILLISECONDS, Feed, Next, TICK_MILLISECONDS};
use crate::host;
use crate::metric::Metric;
use crate::metrics::Metrics;
use crate::record::fields;
use crate::verify::Verifier;
use crate::waiting::WaitingRooms;

/// The sidecar holds a poll for about 20 s.
const POLL_TIMEOUT: Duration = Duration::from_secs(30);
/// Attempts to write shared data against other VMs.
const WRITE_ATTEMPTS: usize = 3;

/// What the requests of one plugin share within a VM.
pub(crate) struct Plugin {
    pub(crate) root: ContextId,
    pub(crate) config: Config,
    pub(crate) verifier: Verifier,
    pub(crate) state: RefCell<State>,
    keys: SharedKeys,
}

/// What changes.
pub(crate) struct State {
    pub(crate) authenticator: Authenticator,
    pub(crate) rooms: WaitingRooms,
    /// The requests in them.
    pub(crate) waiting: HashMap<ContextId, Waiting>,
    pub(crate) absent: AbsentKeys,
    /// Whether it was said that the sidecar can't be asked.
    pub(crate) has_asked_in_vain: bool,
    pub(crate) metrics: Metrics,
    feed: Feed,
    /// What lay in shared data and could not be used.
    refused: Option<Generation>,
}

/// Where snapshots lie in Envoy's shared data. Two gateways in one Envoy differ by plugin or by sidecar, and must
/// never see each other's.
struct SharedKeys {
    snapshot: String,
    generation: String,
}

impl Plugin {
    /// The plugin that a root context is configured to be; `None` if the configuration can't be used.
    pub(crate) fn configure(root: ContextId, size: usize, verifier: Verifier) -> Option<Self> {
        let config = host::plugin_configuration(size);
        let config = match Config::parse(config.as_deref().unwrap_or_default()) {
            Ok(config) => config,
            Err(error) => {
                host::error(&error.to_string());
                return None;
            }
        };
        let mut random = [0; 24];
        if getrandom::fill(&mut random).is_err() {
            host::error("the host gives no random numbers");
            return None;
        }
        let plugin = Self::new(root, config, verifier, random);
        // A VM that is started anew finds here what the others know.
        plugin.adopt_shared();
        host::set_tick_period(FIRST_TICK_MILLISECONDS);
        Some(plugin)
    }

    /// A tick: tells Envoy what was counted, looks whether another VM has left a snapshot, and asks the sidecar if it is
    /// time.
    pub(crate) fn tick(&self) {
        self.tell_counts();
        self.adopt_shared();
        let (is_due, is_first) = {
            let feed = &mut self.state.borrow_mut().feed;
            (feed.tick(), feed.is_at_first_tick())
        };
        if is_first {
            host::set_tick_period(TICK_MILLISECONDS);
        }
        if is_due {
            self.poll();
        }
    }

    /// Tells Envoy what was counted and kept back.
    pub(crate) fn tell_counts(&self) {
        self.state.borrow_mut().metrics.tick();
    }

    /// A call was answered with a message of this size, or failed with this gRPC status.
    pub(crate) fn answered(&self, call: CallId, result: Result<usize, u32>) {
        if self.state.borrow().feed.awaits(call.0) {
            self.poll_answered(call, result);
        } else {
            self.request_answered(call, result);
        }
    }

    fn new(root: ContextId, config: Config, verifier: Verifier, random: [u8; 24]) -> Self {
        let (mut hash_key, mut jitter) = ([0; 16], [0; 8]);
        for (to, from) in hash_key.iter_mut().chain(&mut jitter).zip(random) {
            *to = from;
        }
        let name = host::plugin_name();
        let name = String::from_utf8_lossy(name.as_deref().unwrap_or_default());
        let key = |what: &str| format!("kube-oidc-filter/{what}/{}/{name}", config.snapshot_target.cluster());
        Self {
            keys: SharedKeys { snapshot: key("snapshot"), generation: key("generation") },
            state: RefCell::new(State {
                authenticator: Authenticator::describing(
                    config.policy.clone(),
                    config.token_cache_bytes,
                    HashKey::new(hash_key),
                    fields::describe,
                ),
                rooms: WaitingRooms::default(),
                waiting: HashMap::new(),
                absent: AbsentKeys::default(),
                has_asked_in_vain: false,
                metrics: Metrics::default(),
                feed: Feed::new(u64::from_le_bytes(jitter)),
                refused: None,
            }),
            root,
            config,
            verifier,
        }
    }

    /// Asks the sidecar for a newer snapshot.
    fn poll(&self) {
        let mut state = self.state.borrow_mut();
        let request = GetSnapshotRequest { since: state.authenticator.generation() };
        match host::call(&self.config.snapshot_target, GET_SNAPSHOT, &request.encode(), POLL_TIMEOUT) {
            Some(call) => state.feed.called(call.0),
            None => {
                let is_first = state.feed.could_not_call();
                drop(state);
                self.poll_failed(
                    is_first,
                    "no such cluster, by Envoy's account: look at sidecar.snapshotCluster",
                );
            }
        }
    }

    /// Counts a poll that failed, and says so at the first of several in a row.
    fn poll_failed(&self, is_first: bool, why: &str) {
        self.state.borrow_mut().metrics.count(Metric::FeedFailures);
        if is_first {
            let cluster = self.config.snapshot_target.cluster();
            host::error(&format!("no snapshot from cluster {cluster}: {why}"));
        }
    }

    fn poll_answered(&self, call: CallId, result: Result<usize, u32>) {
        let answer = result.map_or(Answer::Failed, |size| self.take_poll_answer(size));
        let next = self.state.borrow_mut().feed.answered(call.0, answer);
        if let Some(Next::BackOff { is_first }) = next {
            let status = result.err().unwrap_or_default();
            let hint = "does jwks-sync run, and is Envoy's uid among its --allowed-peer-uids?";
            self.poll_failed(is_first, &format!("gRPC status {status}; {hint}"));
        }
        if next == Some(Next::AskNow) {
            self.poll();
        }
    }

    fn take_poll_answer(&self, size: usize) -> Answer {
        let response = host::call_response(size).and_then(|bytes| GetSnapshotResponse::decode(&bytes).ok());
        match response {
            // An empty message is an empty answer.
            None if size == 0 => Answer::NothingNewer,
            None => Answer::Failed,
            Some(GetSnapshotResponse { snapshot: None }) => Answer::NothingNewer,
            Some(GetSnapshotResponse { snapshot: Some(encoded) }) => self.adopt_and_share(&encoded),
        }
    }

    /// Takes a snapshot from the sidecar, and leaves it where the other VMs find it.
    pub(crate) fn adopt_and_share(&self, encoded: &[u8]) -> Answer {
        let (answer, generation) = self.adopt(encoded);
        if let (Answer::Adopted, Some(generation)) = (answer, generation) {
            self.share(&self.keys.snapshot, encoded, generation, |bytes| Snapshot::generation_of(bytes).ok());
            self.share(&self.keys.generation, &generation_bytes(generation), generation, read_generation);
        }
        answer
    }

    /// Takes what another VM left, if it is newer.
    fn adopt_shared(&self) {
        let (generation, _) = host::shared_data(&self.keys.generation);
        let generation = generation.as_deref().and_then(read_generation);
        let (ours, refused) = {
            let state = self.state.borrow();
            (state.authenticator.generation(), state.refused)
        };
        if generation > ours
            && generation != refused
            && let (Some(encoded), _) = host::shared_data(&self.keys.snapshot)
            && self.adopt(&encoded).0 != Answer::Adopted
        {
            // What can't be read now can't be read at the next tick either.
            self.state.borrow_mut().refused = generation;
        }
    }

    /// Takes a snapshot if it is newer and can be read; a bad one is counted, and the last good one stays.
    fn adopt(&self, encoded: &[u8]) -> (Answer, Option<Generation>) {
        let snapshot = match Snapshot::decode(encoded) {
            Ok(snapshot) => snapshot,
            Err(error) => {
                host::error(&format!("snapshot refused: {error}"));
                self.state.borrow_mut().metrics.count(Metric::SnapshotsRefused);
                return (Answer::Failed, None);
            }
        };
        let Some(now) = host::now() else { return (Answer::Failed, None) };
        let generation = snapshot.generation;
        let mut state = self.state.borrow_mut();
        if !state.authenticator.adopt(snapshot, now) {
            return (Answer::NothingNewer, None);
        }
        state.absent.clear();
        state.metrics.count(Metric::SnapshotsAdopted);
        state.metrics.record(Metric::SnapshotGeneration, generation.counter);
        state.metrics.record(Metric::SnapshotAdoptedTimestampSeconds, now.get());
        drop(state);
        (Answer::Adopted, Some(generation))
    }

    /// Writes shared data unless something as new is there.
    fn share(
        &self,
        key: &str,
        value: &[u8],
        generation: Generation,
        read: impl Fn(&[u8]) -> Option<Generation>,
    ) {
        for _ in 0..WRITE_ATTEMPTS {
            let (there, cas) = host::shared_data(key);
            let is_older = there.as_deref().and_then(&read).is_none_or(|there| there < generation);
            if !is_older || host::set_shared_data(key, value, cas) {
                return;
            }
        }
    }
}

fn generation_bytes(Generation { epoch, counter }: Generation) -> [u8; 16] {
    ((u128::from(epoch) << 64) | u128::from(counter)).to_be_bytes()
}

fn read_generation(bytes: &[u8]) -> Option<Generation> {
    let bits = u128::from_be_bytes(bytes.try_into().ok()?);
    #[expect(clippy::cast_possible_truncation, reason = "the two halves")]
    Some(Generation { epoch: (bits >> 64) as u64, counter: bits as u64 })
}
