use std::collections::VecDeque;
use std::sync::Mutex;

use authn::algorithm::AlgorithmSet;
use authn::keys::Key;
use futures_util::future::join_all;
use tokio::time::sleep;

use super::*;

const DAY: u64 = 24 * 3_600;

/// An issuer that answers as it was told, and the last answer again and again.
#[derive(Clone, Default)]
struct Script(Arc<Mutex<Played>>);

#[derive(Default)]
struct Played {
    answers: VecDeque<(u64, Option<&'static [&'static str]>)>,
    starts: Vec<Instant>,
}

impl Script {
    /// Milliseconds that an answer takes, and the key ids in it; `None` fails.
    fn new(answers: &[(u64, Option<&'static [&'static str]>)]) -> Self {
        let answers = answers.iter().copied().collect();
        Self(Arc::new(Mutex::new(Played { answers, starts: Vec::new() })))
    }

    fn starts(&self) -> usize {
        self.0.lock().unwrap().starts.len()
    }

    /// Milliseconds between the starts.
    fn distances(&self) -> Vec<u128> {
        let starts = &self.0.lock().unwrap().starts;
        starts.windows(2).map(|pair| pair[1].duration_since(pair[0]).as_millis()).collect()
    }
}

impl KeySource for Script {
    async fn fetch(&self) -> Result<FetchedKeys, FetchError> {
        let (wait, kids) = {
            let mut played = self.0.lock().unwrap();
            played.starts.push(Instant::now());
            if played.answers.len() > 1 {
                played.answers.pop_front()
            } else {
                played.answers.front().copied()
            }
            .unwrap()
        };
        sleep(Duration::from_millis(wait)).await;
        let kids = kids.ok_or(FetchError::Timeout)?;
        let key = |kid: &&str| Key { kid: (*kid).to_owned(), algorithms: AlgorithmSet::all(), spki: vec![0] };
        Ok(FetchedKeys { keys: kids.iter().map(key).collect(), dropped: Vec::new(), fresh_for: None })
    }
}

fn start(script: &Script) -> IssuerTask {
    let metrics = Arc::new(Metrics::new());
    let store = Arc::new(Store::new(1, DAY, Arc::clone(&metrics)));
    let limits = Limits::for_max_age(Duration::from_secs(DAY));
    IssuerTask::start(
        "https://issuer".to_owned(),
        script.clone(),
        limits,
        IssuerState::default(),
        store,
        metrics,
    )
}

async fn started(script: &Script) -> IssuerTask {
    let task = start(script);
    task.attempted().await;
    task
}

async fn ms(milliseconds: u64) {
    sleep(Duration::from_millis(milliseconds)).await;
}

#[tokio::test(start_paused = true)]
async fn keys_are_fetched_at_the_start_and_again_later() {
    let script = Script::new(&[(10, Some(&["1"]))]);
    let task = started(&script).await;
    assert_eq!(task.state().borrow().keys.len(), 1);
    assert_eq!(script.starts(), 1);
    ms(700_000).await;
    assert_eq!(script.starts(), 2, "ten minutes, a tenth more or less");
}

#[tokio::test(start_paused = true)]
async fn an_outage_keeps_the_last_good_keys_and_is_retried_with_backoff() {
    let script = Script::new(&[(0, Some(&["1"])), (0, None)]);
    let task = started(&script).await;
    ms(700_000).await;
    let state = task.state().borrow().clone();
    assert!(state.failure.is_some() && state.keys.len() == 1 && state.last_success.is_some());
    let distances = script.distances();
    for (distance, expected) in distances[1..].iter().zip([1_000, 2_000, 4_000, 8_000, 16_000]) {
        assert!(distance.abs_diff(expected) <= expected / 10 + 2, "{distances:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_kid_that_is_there_costs_nothing() {
    let script = Script::new(&[(10, Some(&["1"]))]);
    let task = started(&script).await;
    assert_eq!(task.refresh("1".to_owned()).await, RefreshOutcome::Fetched);
    assert_eq!(script.starts(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_rotated_key_is_fetched_on_demand() {
    let script = Script::new(&[(10, Some(&["1"])), (10, Some(&["1", "2"]))]);
    let task = started(&script).await;
    ms(5_000).await;
    let asked = Instant::now();
    assert_eq!(task.refresh("2".to_owned()).await, RefreshOutcome::Fetched);
    assert_eq!(asked.elapsed().as_millis(), 10);
    assert_eq!(task.state().borrow().keys.len(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_flood_of_made_up_kids_costs_one_fetch_a_second() {
    let script = Script::new(&[(10, Some(&["1"]))]);
    let task = started(&script).await;
    ms(5_000).await;
    let before = script.starts();
    for round in 0..30 {
        let flood = (0..20).map(|number| task.refresh(format!("{round}-{number}")));
        for outcome in join_all(flood).await {
            assert_eq!(outcome, RefreshOutcome::Fetched);
        }
    }
    // A request that joins a running fetch may be carried into the next one.
    assert!((30..=60).contains(&(script.starts() - before)), "each round shares its fetches");
    assert!(script.distances().iter().all(|distance| *distance >= 1_000));
}

#[tokio::test(start_paused = true)]
async fn an_absent_kid_is_remembered_for_ten_seconds() {
    let script = Script::new(&[(10, Some(&["1"]))]);
    let task = started(&script).await;
    ms(5_000).await;
    for _ in 0..5 {
        assert_eq!(task.refresh("made up".to_owned()).await, RefreshOutcome::Fetched);
    }
    assert_eq!(script.starts(), 2);
    ms(10_001).await;
    assert_eq!(task.refresh("made up".to_owned()).await, RefreshOutcome::Fetched);
    assert_eq!(script.starts(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_request_that_joined_an_older_fetch_waits_for_the_next() {
    let script = Script::new(&[(10, Some(&["1"])), (800, Some(&["1"])), (10, Some(&["1", "2"]))]);
    let task = started(&script).await;
    ms(5_000).await;
    let first = task.refresh("made up".to_owned());
    let second = async {
        ms(400).await;
        task.refresh("2".to_owned()).await
    };
    assert_eq!(tokio::join!(first, second), (RefreshOutcome::Fetched, RefreshOutcome::Fetched));
    assert_eq!(task.state().borrow().keys.len(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_fetch_that_fails_or_takes_too_long_is_reported_in_time() {
    let script = Script::new(&[(10, Some(&["1"])), (10, None), (9_000, Some(&["2"]))]);
    let task = started(&script).await;
    ms(5_000).await;
    assert_eq!(task.refresh("2".to_owned()).await, RefreshOutcome::Failed);
    ms(1_200).await;
    let asked = Instant::now();
    assert_eq!(task.refresh("2".to_owned()).await, RefreshOutcome::Failed);
    assert_eq!(asked.elapsed(), ANSWER_WITHIN);
    ms(8_000).await;
    assert_eq!(task.refresh("2".to_owned()).await, RefreshOutcome::Fetched, "the fetch went on by itself");
}

#[tokio::test(start_paused = true)]
async fn waiters_are_bounded() {
    let script = Script::new(&[(10, Some(&["1"])), (500, Some(&["1"]))]);
    let task = started(&script).await;
    ms(5_000).await;
    let outcomes = join_all((0..MAX_WAITERS + 10).map(|number| task.refresh(number.to_string()))).await;
    let failed = outcomes.iter().filter(|outcome| **outcome == RefreshOutcome::Failed).count();
    assert_eq!(failed, 10);
}

struct Panics;

impl KeySource for Panics {
    async fn fetch(&self) -> Result<FetchedKeys, FetchError> {
        panic!("a parser's bug")
    }
}

#[tokio::test(start_paused = true)]
async fn a_panic_in_a_fetch_is_a_failed_fetch() {
    let metrics = Arc::new(Metrics::new());
    let store = Arc::new(Store::new(1, DAY, Arc::clone(&metrics)));
    let limits = Limits::for_max_age(Duration::from_secs(DAY));
    let task = IssuerTask::start(
        "https://issuer".to_owned(),
        Panics,
        limits,
        IssuerState::default(),
        store,
        metrics,
    );
    task.attempted().await;
    let failure = task.state().borrow().failure.clone();
    assert_eq!(failure.map(|failure| failure.reason()), Some("internal"));
}

#[test]
fn absent_kids_are_bounded_and_expire() {
    let (mut absent, now) = (AbsentKids::default(), Instant::now());
    for number in 0..MAX_ABSENT + 1 {
        absent.insert(&number.to_string(), now);
    }
    assert_eq!(absent.until.len(), MAX_ABSENT);
    assert!(absent.contains("0", now) && !absent.contains(&MAX_ABSENT.to_string(), now));
    let later = now + ABSENT_FOR;
    assert!(!absent.contains("0", later));
    absent.insert("new", later);
    assert_eq!(absent.until.len(), 1);
}
