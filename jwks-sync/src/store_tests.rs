use std::collections::BTreeSet;

use authn::algorithm::{Algorithm, AlgorithmSet};
use authn::claim_hosts::ClaimHosts;
use authn::issuer::{ClaimMappings, IdentityGuard, PrefixedClaim};

use super::*;

const MAX_AGE: u64 = 1_000;
const EPOCH: u64 = 1_700_000_000_000;

fn at(seconds: u64) -> UnixSeconds {
    UnixSeconds::new(seconds)
}

fn issuer(url: &str) -> Issuer {
    Issuer {
        url: url.to_owned(),
        audiences: vec!["kubernetes".to_owned()],
        algorithms: AlgorithmSet::all(),
        claim_mappings: ClaimMappings {
            username: PrefixedClaim { claim: "sub".to_owned(), prefix: String::new() }.into(),
            groups: None,
            uid: None,
            extra: Vec::new(),
        },
        required_claims: Vec::new(),
        claim_validation_rules: Vec::new(),
        user_validation_rules: Vec::new(),
        guard: IdentityGuard { allowed_usernames: BTreeSet::new(), allowed_groups: BTreeSet::new() },
        claim_hosts: ClaimHosts::default(),
        keys: None,
    }
}

fn keys(kid: &str) -> Arc<Vec<Key>> {
    let algorithms = [Algorithm::Rs256].into_iter().collect();
    Arc::new(vec![Key { kid: kid.to_owned(), algorithms, spki: vec![1, 2, 3] }])
}

fn fetched(kid: &str, seconds: u64) -> IssuerState {
    IssuerState {
        attempted: true,
        keys: keys(kid),
        last_success: Some(at(seconds)),
        ..IssuerState::default()
    }
}

fn failed(state: IssuerState) -> IssuerState {
    IssuerState { failure: Some(Arc::new(FetchError::Timeout)), ..state }
}

fn credential(token: &str) -> CredentialState {
    CredentialState { credential: UpstreamCredential::new(token.to_owned(), None).ok(), failure: None }
}

fn of(issuers: Vec<Supplied>) -> Configured {
    Configured { issuers, ..Configured::default() }
}

struct World {
    store: Store,
    state: watch::Sender<IssuerState>,
}

/// A store with one issuer.
fn world() -> World {
    let store = Store::new(EPOCH, MAX_AGE, Arc::new(Metrics::new()));
    let state = watch::Sender::new(IssuerState::default());
    store.configure(of(vec![Supplied { issuer: issuer("https://a"), state: state.subscribe() }]), at(0));
    World { store, state }
}

impl World {
    fn open(self) -> Self {
        self.store.open(at(0));
        self
    }

    fn set(&self, state: IssuerState, now: u64) -> (u64, Option<u64>) {
        self.state.send_replace(state);
        self.store.keys_changed(at(now));
        self.counter_and_end()
    }

    fn snapshot(&self) -> Snapshot {
        Snapshot::decode(&self.store.newer_than(None).unwrap().encoded).unwrap()
    }

    fn counter_and_end(&self) -> (u64, Option<u64>) {
        let snapshot = self.snapshot();
        let end = snapshot.issuers[0].keys.as_ref().map(|keys| keys.not_after.get());
        (snapshot.generation.counter, end)
    }
}

#[test]
fn nothing_is_published_before_the_store_is_opened() {
    let world = world();
    world.state.send_replace(fetched("1", 10));
    world.store.keys_changed(at(10));
    world.store.set_credential(credential("token"), at(10));
    assert!(world.store.newer_than(None).is_none());
    let world = world.open();
    assert_eq!(world.snapshot().generation, Generation { epoch: EPOCH, counter: 1 });
}

#[test]
fn the_counter_rises_with_the_content_only() {
    let world = world().open();
    assert_eq!(world.counter_and_end(), (1, None));
    assert_eq!(world.set(fetched("1", 10), 10), (2, Some(1_010)));
    assert_eq!(world.set(fetched("1", 100), 100), (2, Some(1_010)), "the same keys: the old end will do");
    assert_eq!(world.set(fetched("1", 600), 600), (3, Some(1_600)), "less than half is left");
    assert_eq!(world.set(fetched("2", 700), 700), (4, Some(1_700)), "another key");
    world.store.set_credential(credential("token"), at(700));
    world.store.set_credential(credential("token"), at(700));
    assert_eq!(world.counter_and_end().0, 5);
}

#[test]
fn an_outage_is_ridden_out_to_the_exact_end() {
    let world = world().open();
    world.set(fetched("1", 10), 10);
    assert_eq!(world.set(failed(fetched("1", 400)), 450), (3, Some(1_400)));
    assert_eq!(world.set(failed(fetched("1", 400)), 1_399), (3, Some(1_400)));
    assert_eq!(world.set(failed(fetched("1", 400)), 1_400), (4, None), "the keys are dropped");
    assert_eq!(world.set(fetched("1", 1_500), 1_500), (5, Some(2_500)));
}

#[test]
fn a_clock_that_steps_back_shortens_the_life_of_keys() {
    let world = world().open();
    world.set(fetched("1", 5_000), 5_000);
    assert_eq!(world.set(fetched("1", 100), 100), (3, Some(1_100)));
}

#[test]
fn an_issuer_without_keys_does_not_hold_the_others_back() {
    let store = Store::new(EPOCH, MAX_AGE, Arc::new(Metrics::new()));
    let (broken, good) =
        (watch::Sender::new(failed(IssuerState::default())), watch::Sender::new(fetched("1", 10)));
    store.configure(
        of(vec![
            Supplied { issuer: issuer("https://broken"), state: broken.subscribe() },
            Supplied { issuer: issuer("https://good"), state: good.subscribe() },
        ]),
        at(10),
    );
    store.open(at(10));
    let snapshot = Snapshot::decode(&store.newer_than(None).unwrap().encoded).unwrap();
    assert!(snapshot.issuer("https://broken").unwrap().keys.is_none());
    assert!(snapshot.issuer("https://good").unwrap().keys.is_some());
}

#[test]
fn a_poller_that_is_ahead_is_overtaken() {
    let world = world().open();
    let ahead = Generation { epoch: EPOCH + 5_000, counter: 41 };
    world.store.saw(ahead);
    assert_eq!(world.snapshot().generation, ahead.next());
    world.store.saw(Generation { epoch: EPOCH, counter: 99 });
    assert_eq!(world.snapshot().generation, ahead.next(), "never back");
    world.set(fetched("1", 10), 10);
    assert_eq!(world.snapshot().generation, ahead.next().next());
    world.store.saw(Generation { epoch: u64::MAX, counter: u64::MAX });
    assert_eq!(world.snapshot().generation, ahead.next().next(), "no clock says that");
}

#[test]
fn a_poller_that_is_ahead_before_the_start_is_overtaken_then() {
    let world = world();
    let ahead = Generation { epoch: EPOCH + 1, counter: 7 };
    world.store.saw(ahead);
    assert!(world.store.newer_than(None).is_none());
    assert_eq!(world.open().snapshot().generation, ahead.next());
}

#[tokio::test(start_paused = true)]
async fn a_waiting_poller_gets_the_next_snapshot() {
    let world = world().open();
    let since = Some(world.snapshot().generation);
    assert!(world.store.newer_than(since).is_none());
    let waiting = world.store.wait_newer_than(since);
    let change = async { world.set(fetched("1", 10), 10) };
    let (published, _) = tokio::join!(waiting, change);
    assert_eq!(published.unwrap().generation.counter, 2);
}

#[test]
fn an_issuer_with_too_many_keys_fails_alone() {
    let world = world().open();
    let second = watch::Sender::new(fetched("2", 10));
    let huge = Key { kid: String::new(), algorithms: AlgorithmSet::all(), spki: vec![0; KEYS / 2] };
    world.state.send_replace(IssuerState { keys: Arc::new(vec![huge]), ..fetched("1", 10) });
    let supplied = |url: &str, state: &watch::Sender<IssuerState>| Supplied {
        issuer: issuer(url),
        state: state.subscribe(),
    };
    world
        .store
        .configure(of(vec![supplied("https://a", &world.state), supplied("https://b", &second)]), at(10));
    let published = Snapshot::decode(&world.store.newer_than(None).unwrap().encoded).unwrap();
    assert_eq!(published.issuer("https://a").unwrap().keys, None);
    assert_eq!(published.issuer("https://b").unwrap().keys.as_ref().unwrap().keys, *keys("2"));
    assert_eq!(world.store.publication(), Ok(()));
    let states = world.store.issuers();
    let reasons: Vec<_> =
        states.iter().map(|(_, state)| state.failure.as_ref().map(|failure| failure.reason())).collect();
    assert_eq!(reasons, [Some("keys_too_large"), None]);
}

#[test]
fn a_snapshot_that_is_too_large_is_not_published_and_that_is_said() {
    let world = world().open();
    let huge = Issuer { audiences: vec!["a".repeat(MAX_ENCODED)], ..issuer("https://a") };
    world.store.configure(of(vec![Supplied { issuer: huge, state: world.state.subscribe() }]), at(10));
    assert!(world.store.publication().is_err());
    let good = Supplied { issuer: issuer("https://a"), state: world.state.subscribe() };
    world.store.configure(of(vec![good]), at(20));
    assert_eq!(world.set(fetched("1", 20), 20), (2, Some(1_020)), "and the next good one is");
    assert_eq!(world.store.publication(), Ok(()));
}

#[test]
fn what_the_configuration_says_besides_is_published_with_it() {
    let world = world().open();
    assert_eq!((world.snapshot().anonymous, world.snapshot().token_webhook), (None, None));
    let anonymous = Some(Anonymous { paths: vec!["/healthz".to_owned()] });
    let token_webhook = Some(IdentityGuard::default());
    let supplied = Supplied { issuer: issuer("https://a"), state: world.state.subscribe() };
    let configured = Configured { anonymous, token_webhook, issuers: vec![supplied.clone()] };
    world.store.configure(configured.clone(), at(10));
    let snapshot = world.snapshot();
    assert_eq!(
        (snapshot.generation.counter, snapshot.anonymous, snapshot.token_webhook),
        (2, configured.anonymous, configured.token_webhook)
    );
    world.store.configure(of(vec![supplied]), at(20));
    assert_eq!((world.snapshot().generation.counter, world.snapshot().anonymous), (3, None));
}

/// Several issuers whose keys were fetched at 0.
struct Many {
    store: Store,
    states: Vec<watch::Sender<IssuerState>>,
    counter: u64,
}

impl Many {
    fn new(count: usize) -> Self {
        let store = Store::new(EPOCH, MAX_AGE, Arc::new(Metrics::new()));
        let states: Vec<_> = (0..count).map(|_| watch::Sender::new(fetched("1", 0))).collect();
        let supplied = |(number, state): (usize, &watch::Sender<IssuerState>)| Supplied {
            issuer: issuer(&format!("https://{number}")),
            state: state.subscribe(),
        };
        store.configure(of(states.iter().enumerate().map(supplied).collect()), at(0));
        store.open(at(0));
        Self { store, states, counter: 1 }
    }

    /// Generations that came of this news about one of them. The ends that are published now are right: they never
    /// lie beyond what the last success allows, and half of the age at least was left at it.
    fn set(&mut self, number: usize, state: IssuerState, now: u64) -> u64 {
        self.states[number].send_replace(state);
        self.store.keys_changed(at(now));
        let snapshot = Snapshot::decode(&self.store.newer_than(None).unwrap().encoded).unwrap();
        for (issuer, state) in snapshot.issuers.iter().zip(&self.states) {
            let last_success = state.borrow().last_success.unwrap();
            let end = issuer.keys.as_ref().unwrap().not_after;
            assert!(end <= last_success.plus(MAX_AGE), "{end:?} after a success at {last_success:?}");
            assert!(end > last_success.plus(MAX_AGE / 2), "{end:?} after a success at {last_success:?}");
        }
        let before = std::mem::replace(&mut self.counter, snapshot.generation.counter);
        self.counter.saturating_sub(before)
    }
}

#[test]
fn many_issuers_that_are_well_make_hardly_more_generations_than_one() {
    let generations = |count: usize| {
        let mut many = Many::new(count);
        let all = (0..10 * MAX_AGE).step_by(100).flat_map(|round| (0..count).map(move |n| (round, n)));
        let news = all.map(|(round, n)| {
            let now = round + n as u64;
            many.set(n, fetched("1", now), now)
        });
        news.sum::<u64>()
    };
    assert_eq!(generations(1), 19, "one whenever half of the age is used up");
    // Somewhat sooner: who moves along was fetched up to a round before. By themselves they would make 380.
    assert_eq!(generations(20), 24);
}

#[test]
fn an_outage_of_many_issuers_makes_one_generation() {
    let mut many = Many::new(20);
    for n in 0..20 {
        assert_eq!(many.set(n, fetched("1", 200), 200), 0);
    }
    let mut news =
        |now: u64| (0..20).map(|n| many.set(n, failed(fetched("1", 200)), now)).collect::<Vec<_>>();
    assert_eq!(news(249).iter().sum::<u64>(), 0, "not before a quarter of the age is used up");
    let news = news(250);
    assert_eq!((news[0], news.iter().sum::<u64>()), (1, 1), "the first takes the others along");
}

#[test]
fn ends_move_along_with_other_news_from_a_quarter_on() {
    let mut many = Many::new(2);
    let end = |many: &Many| {
        let snapshot = Snapshot::decode(&many.store.newer_than(None).unwrap().encoded).unwrap();
        snapshot.issuers[0].keys.as_ref().unwrap().not_after.get()
    };
    assert_eq!(many.set(0, fetched("1", 240), 240), 0);
    assert_eq!((many.set(1, fetched("2", 249), 249), end(&many)), (1, 1_000), "another's key, and not yet");
    assert_eq!(
        (many.set(1, fetched("3", 250), 250), end(&many)),
        (1, 1_240),
        "a key of another, and a quarter"
    );
    assert_eq!((many.set(1, fetched("4", 260), 260), end(&many)), (1, 1_240), "not again at once");
}
