//! Builds the snapshot out of what the other modules find out, and publishes it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use authn::anonymous::Anonymous;
use authn::issuer::{IdentityGuard, Issuer};
use authn::keys::{IssuerKeys, Key};
use authn::snapshot::{Generation, MAX_ENCODED, Snapshot, UpstreamCredential};
use authn::time::UnixSeconds;
use tokio::sync::watch;
use tracing::{error, info, warn};

use crate::fetch_error::FetchError;
use crate::metrics::Metrics;

/// Bytes that the answer's own fields may add to the snapshot in a message.
const ENVELOPE: usize = 64;

/// Bytes of a snapshot that keys may take, in all. Each issuer has an equal share, so that none can push the others out.
const KEYS: usize = MAX_ENCODED / 2;

/// A poller's epoch that lies further ahead than this many milliseconds (a hundred years) is no clock's.
const PLAUSIBLE_LEAD: u64 = 100 * 366 * 24 * 3_600_000;

/// What is known of one issuer's keys.
#[derive(Clone, Default)]
pub(crate) struct IssuerState {
    /// Whether the first attempt has ended.
    pub(crate) attempted: bool,
    /// The keys of the last success.
    pub(crate) keys: Arc<Vec<Key>>,
    /// When that was; `None` as long as there was none.
    pub(crate) last_success: Option<UnixSeconds>,
    /// What became of the last attempt, if it failed.
    pub(crate) failure: Option<Arc<FetchError>>,
}

impl IssuerState {
    /// Whether there are keys that may be used at `now`.
    pub(crate) fn is_usable_at(&self, now: UnixSeconds, max_age: u64) -> bool {
        self.last_success.is_some_and(|at| now < at.plus(max_age))
    }

    /// The same, without its keys when they take more than `share` bytes: that issuer fails, and no other.
    fn within(self, share: usize) -> Self {
        /// What a key takes beside its texts.
        const FRAME: usize = 32;
        let size = |key: &Key| key.spki.len().saturating_add(key.kid.len()).saturating_add(FRAME);
        let bytes = self.keys.iter().map(size).fold(0, usize::saturating_add);
        if bytes <= share {
            return self;
        }
        let failure = FetchError::KeysTooLarge { bytes, limit: share };
        Self { keys: Arc::default(), last_success: None, failure: Some(Arc::new(failure)), ..self }
    }

    /// The keys as they go into the snapshot, `previous` being what the last one said.
    ///
    /// The end of the keys moves with every fetch. Were it published each time, every fetch would make a new
    /// generation, which every filter decodes. So the published end stays until the share `moves_at` of the age is
    /// used up; after a failure until a quarter is: further failures follow before the rest is over, and so an outage
    /// is ridden out in full.
    fn keys_at(
        &self,
        now: UnixSeconds,
        max_age: u64,
        moves_at: Share,
        previous: Option<&IssuerKeys>,
    ) -> Option<IssuerKeys> {
        let end = self.last_success?.plus(max_age);
        if now >= end {
            return None;
        }
        let moves_at = if self.failure.is_some() { Share::Quarter } else { moves_at };
        let still_good = |previous: &&IssuerKeys| {
            previous.keys == *self.keys
                && previous.not_after <= end
                && previous.not_after.since(now) > moves_at.left_of(max_age)
        };
        let not_after = previous.filter(still_good).map_or(end, |previous| previous.not_after);
        Some(IssuerKeys { keys: self.keys.as_ref().clone(), not_after })
    }
}

/// Bytes of keys that each of so many issuers may have.
fn share_of(issuers: usize) -> usize {
    KEYS.checked_div(issuers).unwrap_or(KEYS)
}

/// Keys as one of so many issuers has them in a snapshot, when they were fetched `now`.
///
/// # Errors
/// [`FetchError::KeysTooLarge`].
pub(crate) fn keys_of_one(
    keys: Vec<Key>,
    issuers: usize,
    now: UnixSeconds,
    max_age: u64,
) -> Result<IssuerKeys, FetchError> {
    let state = IssuerState { attempted: true, keys: Arc::new(keys), last_success: Some(now), failure: None };
    let state = state.within(share_of(issuers));
    let keys = state.keys_at(now, max_age, Share::Half, None);
    keys.ok_or_else(|| state.failure.and_then(Arc::into_inner).unwrap_or(FetchError::Internal))
}

/// How much of the age of keys is used up before their published end moves on.
#[derive(Clone, Copy)]
enum Share {
    /// When nothing else is new, and all is well.
    Half,
    /// Along with something else that is new: that costs nothing. So issuers come to move together, and many of them
    /// make hardly more generations than one.
    Quarter,
}

impl Share {
    /// Seconds that are left then.
    const fn left_of(self, max_age: u64) -> u64 {
        match self {
            Self::Half => max_age / 2,
            Self::Quarter => max_age.saturating_sub(max_age / 4),
        }
    }
}

/// One issuer of the configuration and where its keys come in.
#[derive(Clone)]
pub(crate) struct Supplied {
    /// The issuer, without keys.
    pub(crate) issuer: Issuer,
    /// What is known of its keys.
    pub(crate) state: watch::Receiver<IssuerState>,
}

/// What the configuration says, and where the keys of its issuers come in.
#[derive(Clone, Default)]
pub(crate) struct Configured {
    /// The issuers.
    pub(crate) issuers: Vec<Supplied>,
    /// Who may come without a credential; `None`: nobody.
    pub(crate) anonymous: Option<Anonymous>,
    /// What the token webhook may hand out; `None` when there is no webhook.
    pub(crate) token_webhook: Option<IdentityGuard>,
}

/// What is known of the upstream credential.
#[derive(Clone, Default, PartialEq, Eq)]
pub(crate) struct CredentialState {
    /// The credential, if there is one.
    pub(crate) credential: Option<UpstreamCredential>,
    /// Why the last attempt to get one failed, if it did.
    pub(crate) failure: Option<&'static str>,
}

/// A snapshot that filters may have.
#[derive(Clone)]
pub(crate) struct Published {
    /// Its generation.
    pub(crate) generation: Generation,
    /// The wire form.
    pub(crate) encoded: Arc<[u8]>,
}

/// Everything that a snapshot is made of, and the newest one.
pub(crate) struct Store {
    contents: Mutex<Contents>,
    published: watch::Sender<Option<Published>>,
    max_age: u64,
    metrics: Arc<Metrics>,
}

struct Contents {
    open: bool,
    /// The newest content does not fit into a message.
    too_large: bool,
    generation: Generation,
    configured: Configured,
    credential: CredentialState,
    /// What was published last, under the generation that it had.
    snapshot: Option<Snapshot>,
}

impl Contents {
    /// Bytes that the keys of one issuer may take.
    fn share(&self) -> usize {
        share_of(self.configured.issuers.len())
    }
}

impl Store {
    /// An empty store that publishes nothing yet. `epoch` names this run, `max_age` (seconds) is how long keys may
    /// be used after the last success.
    pub(crate) fn new(epoch: u64, max_age: u64, metrics: Arc<Metrics>) -> Self {
        let contents = Contents {
            open: false,
            too_large: false,
            generation: Generation { epoch, counter: 0 },
            configured: Configured::default(),
            credential: CredentialState::default(),
            snapshot: None,
        };
        Self { contents: Mutex::new(contents), published: watch::Sender::new(None), max_age, metrics }
    }

    /// Seconds for which keys may be used after the last success.
    pub(crate) const fn max_age(&self) -> u64 {
        self.max_age
    }

    /// Begins to publish. Before that the parts are still coming in, and a snapshot of some of them would replace
    /// good keys in the filters by nothing.
    pub(crate) fn open(&self, now: UnixSeconds) {
        let mut contents = self.lock();
        contents.open = true;
        self.rebuild(&mut contents, now);
    }

    /// Puts another configuration in force.
    pub(crate) fn configure(&self, configured: Configured, now: UnixSeconds) {
        let mut contents = self.lock();
        contents.configured = configured;
        self.rebuild(&mut contents, now);
    }

    /// The keys of some issuer changed, or may have.
    pub(crate) fn keys_changed(&self, now: UnixSeconds) {
        self.rebuild(&mut self.lock(), now);
    }

    /// Puts another credential in force.
    pub(crate) fn set_credential(&self, credential: CredentialState, now: UnixSeconds) {
        let mut contents = self.lock();
        self.metrics.credential_ends(credential.credential.as_ref().and_then(UpstreamCredential::not_after));
        contents.credential = credential;
        self.rebuild(&mut contents, now);
    }

    /// A poller says what it has. When that is ahead of us (the clock stepped back between two runs), we go on
    /// above it: otherwise it would never take a snapshot of ours.
    pub(crate) fn saw(&self, since: Generation) {
        let mut contents = self.lock();
        if since <= contents.generation {
            return;
        }
        if since.epoch > contents.generation.epoch.saturating_add(PLAUSIBLE_LEAD) {
            warn!(epoch = since.epoch, "a poller reports an impossible generation; it is ignored");
            return;
        }
        info!(
            epoch = since.epoch,
            counter = since.counter,
            "a poller is ahead of this run; going on above it"
        );
        contents.generation = since;
        if let Some(snapshot) = contents.snapshot.take() {
            self.publish(&mut contents, snapshot);
        }
    }

    /// The newest snapshot, if it is newer than `since`.
    pub(crate) fn newer_than(&self, since: Option<Generation>) -> Option<Published> {
        self.published.borrow().clone().filter(|published| is_newer(published, since))
    }

    /// Waits for a snapshot newer than `since`.
    pub(crate) async fn wait_newer_than(&self, since: Option<Generation>) -> Option<Published> {
        let mut published = self.published.subscribe();
        let found =
            published.wait_for(|published| published.as_ref().is_some_and(|p| is_newer(p, since))).await;
        found.ok().and_then(|published| published.clone())
    }

    /// The issuers in force and what is known of each.
    pub(crate) fn issuers(&self) -> Vec<(String, IssuerState)> {
        let contents = self.lock();
        let share = contents.share();
        contents
            .configured
            .issuers
            .iter()
            .map(|s| (s.issuer.url.clone(), s.state.borrow().clone().within(share)))
            .collect()
    }

    /// What is known of the credential.
    pub(crate) fn credential(&self) -> CredentialState {
        self.lock().credential.clone()
    }

    /// Whether the filters can have the newest content.
    ///
    /// # Errors
    /// What is in the way.
    pub(crate) fn publication(&self) -> Result<(), &'static str> {
        if self.published.borrow().is_none() {
            Err("issuers and credential are being asked for the first time")
        } else if self.lock().too_large {
            Err("the newest one is too large for the filters; they have the one before")
        } else {
            Ok(())
        }
    }

    fn rebuild(&self, contents: &mut Contents, now: UnixSeconds) {
        if contents.open && contents.snapshot.as_ref() != Some(&self.snapshot(contents, now, Share::Half)) {
            let snapshot = self.snapshot(contents, now, Share::Quarter);
            self.publish(contents, snapshot);
        }
    }

    /// What is known, under the generation of the last snapshot.
    fn snapshot(&self, contents: &Contents, now: UnixSeconds, moves_at: Share) -> Snapshot {
        let previous = contents.snapshot.as_ref();
        let bytes = contents.share();
        let with_keys = |supplied: &Supplied| {
            let previous = previous.and_then(|snapshot| snapshot.issuer(&supplied.issuer.url));
            let previous = previous.and_then(|issuer| issuer.keys.as_ref());
            let state = supplied.state.borrow().clone().within(bytes);
            let keys = state.keys_at(now, self.max_age, moves_at, previous);
            Issuer { keys, ..supplied.issuer.clone() }
        };
        Snapshot {
            generation: previous.map(|snapshot| snapshot.generation).unwrap_or_default(),
            issuers: contents.configured.issuers.iter().map(with_keys).collect(),
            upstream_credential: contents.credential.credential.clone(),
            anonymous: contents.configured.anonymous.clone(),
            token_webhook: contents.configured.token_webhook.clone(),
        }
    }

    fn publish(&self, contents: &mut Contents, mut snapshot: Snapshot) {
        let generation = contents.generation.next();
        snapshot.generation = generation;
        let encoded = snapshot.encode();
        if encoded.len().saturating_add(ENVELOPE) > MAX_ENCODED {
            // What the filters have stays in force, each part of it no longer than its own end says.
            error!(bytes = encoded.len(), "the snapshot is too large for the filters and is not published");
            contents.too_large = true;
            return;
        }
        info!(
            epoch = generation.epoch,
            counter = generation.counter,
            issuers = snapshot.issuers.len(),
            with_keys = snapshot.issuers.iter().filter(|issuer| issuer.keys.is_some()).count(),
            credential = snapshot.upstream_credential.is_some(),
            "snapshot published"
        );
        contents.too_large = false;
        contents.generation = generation;
        contents.snapshot = Some(snapshot);
        self.metrics.published(generation.counter);
        self.published.send_replace(Some(Published { generation, encoded: encoded.into() }));
    }

    fn lock(&self) -> MutexGuard<'_, Contents> {
        // Nothing in here panics halfway through a change.
        self.contents.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn is_newer(published: &Published, since: Option<Generation>) -> bool {
    since.is_none_or(|since| published.generation > since)
}

#[cfg(test)]
#[path = "store_tests.rs"]
mod tests;
