//! Questions for claims that stand elsewhere, on a paused clock.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use authn::algorithm::AlgorithmSet;
use authn::claims_token::{ClaimsTokenError, ResolvedClaim};
use authn::feed::ResolveClaimsResponse::{Busy, Failed, Refused, Resolved};
use authn::feed::{ResolveClaimsRequest, ResolveClaimsResponse};
use tokio::time::{Instant, advance, sleep};

use super::{ClaimsResolver, ClaimsReviews, Outages};
use crate::claims::{Terms, Unresolved};
use crate::clock;
use crate::fetch_error::FetchError;
use crate::metrics::Metrics;

const ISSUER: &str = "https://issuer";
const FURTHER: [&str; 3] = ["https://b", "https://c", "https://d"];

type Answer = fn() -> Result<ResolvedClaim, Unresolved>;

struct State {
    terms: Option<Arc<Terms>>,
    after: u64,
    answer: Answer,
    asked: Vec<String>,
}

#[derive(Clone)]
struct Script(Arc<Mutex<State>>);

impl ClaimsResolver for Script {
    fn terms(&self, issuer: &str) -> Option<Arc<Terms>> {
        let terms = self.0.lock().unwrap().terms.clone()?;
        let is_known = issuer == ISSUER || FURTHER.contains(&issuer);
        is_known.then(|| Arc::new(Terms { issuer: issuer.to_owned(), ..Terms::clone(&terms) }))
    }

    async fn resolve(&self, _: &Terms, request: &ResolveClaimsRequest) -> Result<ResolvedClaim, Unresolved> {
        let (after, answer) = {
            let mut state = self.0.lock().unwrap();
            state.asked.push(request.access_token.clone());
            (state.after, state.answer)
        };
        sleep(Duration::from_millis(after)).await;
        answer()
    }
}

fn terms(hosts: &[&str], audience: &str) -> Arc<Terms> {
    Arc::new(Terms {
        issuer: ISSUER.to_owned(),
        algorithms: AlgorithmSet::all(),
        audiences: vec![audience.to_owned()],
        certificate_authority: None,
        hosts: hosts.iter().map(ToString::to_string).collect(),
    })
}

fn question(subject: &str, access_token: &str) -> ResolveClaimsRequest {
    ResolveClaimsRequest {
        issuer: ISSUER.to_owned(),
        claim: "groups".to_owned(),
        endpoint: "https://claims/x".to_owned(),
        access_token: access_token.to_owned(),
        subject: subject.to_owned(),
    }
}

/// Good for an hour.
fn dev() -> Result<ResolvedClaim, Unresolved> {
    Ok(ResolvedClaim { value: r#"["dev"]"#.to_owned(), expires: clock::now().plus(3_600) })
}

fn resolved(good_for: u32) -> ResolveClaimsResponse {
    Resolved { value: r#"["dev"]"#.to_owned(), good_for }
}

fn endpoint(error: FetchError) -> Result<ResolvedClaim, Unresolved> {
    Err(Unresolved::Endpoint { host: "claims".to_owned(), error })
}

struct World {
    script: Script,
    reviews: Arc<ClaimsReviews<Script>>,
    outages: Arc<Outages>,
    metrics: Arc<Metrics>,
}

fn world() -> World {
    let state = State { terms: Some(terms(&["claims"], "a")), after: 0, answer: dev, asked: Vec::new() };
    let script = Script(Arc::new(Mutex::new(state)));
    let (outages, metrics) = (Arc::<Outages>::default(), Arc::new(Metrics::new()));
    let reviews = ClaimsReviews::new(script.clone(), [7; 16], Arc::clone(&outages), Arc::clone(&metrics));
    World { script, reviews: Arc::new(reviews), outages, metrics }
}

impl World {
    async fn ask(&self, request: ResolveClaimsRequest) -> ResolveClaimsResponse {
        self.reviews.ask(request).await
    }

    fn set(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.script.0.lock().unwrap());
    }

    fn asked(&self) -> usize {
        self.script.0.lock().unwrap().asked.len()
    }
}

#[tokio::test(start_paused = true)]
async fn a_claim_is_kept_for_ten_seconds_from_when_it_was_asked() {
    let world = world();
    world.set(|state| state.after = 1_500);
    assert_eq!(world.ask(question("alice", "t")).await, resolved(8));
    advance(Duration::from_secs(7)).await;
    assert_eq!(world.ask(question("alice", "t")).await, resolved(1));
    assert_eq!(world.asked(), 1);
    advance(Duration::from_secs(1)).await;
    assert_eq!(world.ask(question("alice", "t")).await, resolved(8));
    assert_eq!(world.asked(), 2);
}

#[tokio::test(start_paused = true)]
async fn it_is_good_no_longer_than_its_own_token() {
    let world = world();
    let soon = || Ok(ResolvedClaim { value: r#"["dev"]"#.to_owned(), expires: clock::now().plus(3) });
    world.set(|state| state.answer = soon);
    let answer = world.ask(question("alice", "t")).await;
    // The wall clock, which does not stand still here, may have passed a second.
    assert!(answer == resolved(3) || answer == resolved(2), "{answer:?}");
    advance(Duration::from_secs(3)).await;
    world.ask(question("alice", "t")).await;
    assert_eq!(world.asked(), 2);
}

#[tokio::test(start_paused = true)]
async fn nobody_gets_what_was_fetched_for_another_question() {
    let world = world();
    world.ask(question("alice", "t")).await;
    for other in [
        question("alice", "u"),
        question("bob", "t"),
        ResolveClaimsRequest { claim: "roles".to_owned(), ..question("alice", "t") },
        ResolveClaimsRequest { endpoint: "https://claims/y".to_owned(), ..question("alice", "t") },
    ] {
        let before = world.asked();
        world.ask(other).await;
        assert_eq!(world.asked(), before + 1);
    }
    // Nor what was judged by other terms.
    let before = world.asked();
    world.set(|state| state.terms = Some(terms(&["claims"], "b")));
    world.ask(question("alice", "t")).await;
    assert_eq!(world.asked(), before + 1);
}

#[tokio::test(start_paused = true)]
async fn what_the_policy_does_not_allow_is_not_asked_and_no_longer_answered() {
    let world = world();
    assert_eq!(world.ask(question("alice", "t")).await, resolved(10));
    for terms in [None, Some(terms(&[], "a")), Some(terms(&["claims:8443", "CLAIMS"], "a"))] {
        world.set(|state| state.terms = terms);
        assert_eq!(world.ask(question("alice", "t")).await, Refused);
    }
    let stranger = ResolveClaimsRequest { issuer: "https://other".to_owned(), ..question("alice", "t") };
    assert_eq!(world.ask(stranger).await, Refused);
    assert_eq!(world.asked(), 1);
    let line = r#"jwks_sync_reviews_total{kind="claims",result="not_allowed"} 4"#;
    assert!(world.metrics.text().contains(line), "{}", world.metrics.text());
}

#[tokio::test(start_paused = true)]
async fn what_may_pass_is_no_fault_of_the_token() {
    let rows: [(Answer, ResolveClaimsResponse); 14] = [
        (|| endpoint(FetchError::Timeout), Failed),
        (|| endpoint(FetchError::Connect { detail: "refused".to_owned() }), Failed),
        (|| endpoint(FetchError::Transfer { detail: "reset".to_owned() }), Failed),
        (|| endpoint(FetchError::Status { code: 500 }), Failed),
        (|| endpoint(FetchError::Status { code: 503 }), Failed),
        (|| endpoint(FetchError::Status { code: 429 }), Failed),
        (|| Err(Unresolved::NoKeys), Failed),
        (|| endpoint(FetchError::Status { code: 401 }), Refused),
        (|| endpoint(FetchError::Status { code: 404 }), Refused),
        (|| endpoint(FetchError::Redirect), Refused),
        (|| endpoint(FetchError::BodyTooLarge { limit: 1 }), Refused),
        (|| endpoint(FetchError::AccessToken), Refused),
        (|| Err(Unresolved::Answer { host: String::new(), error: ClaimsTokenError::NoClaim }), Refused),
        (|| endpoint(FetchError::NotAllowed { host: String::new() }), Refused),
    ];
    let world = world();
    for (answer, expected) in rows {
        world.set(|state| state.answer = answer);
        let before = world.asked();
        let shown = format!("{:?}", answer());
        assert_eq!(world.ask(question("alice", "t")).await, expected, "{shown}");
        assert_eq!(world.outages.present().len(), usize::from(expected == Failed), "{shown}");
        world.ask(question("alice", "t")).await;
        assert_eq!(world.asked(), before + 2, "{shown} is not kept");
    }
}

#[tokio::test(start_paused = true)]
async fn the_deadline_ends_what_takes_too_long() {
    let world = world();
    world.set(|state| state.after = 60_000);
    let begun = Instant::now();
    assert_eq!(world.ask(question("alice", "t")).await, Failed);
    assert_eq!(begun.elapsed(), Duration::from_millis(4_500));
    let (kind, text) = &world.outages.present()[0];
    assert_eq!(*kind, "claims");
    assert!(text.starts_with("claims: no answer in time"), "{text}");
}

#[tokio::test(start_paused = true)]
async fn the_same_question_is_asked_once_at_a_time_and_others_are_bounded() {
    let world = world();
    world.set(|state| state.after = 1_000);
    let (one, two) = tokio::join!(world.ask(question("alice", "t")), world.ask(question("alice", "t")));
    assert_eq!((&one, world.asked()), (&two, 1));

    let ask = |subject: String, token: usize| {
        let reviews = Arc::clone(&world.reviews);
        tokio::spawn(async move { reviews.ask(question(&subject, &token.to_string())).await })
    };
    // One person's tokens leave room for everybody else's.
    let eve: Vec<_> = (0..4).map(|token| ask("eve".to_owned(), token)).collect();
    sleep(Duration::from_millis(1)).await;
    assert_eq!(world.ask(question("eve", "one more")).await, Busy);
    // And the users of one issuer, whose endpoint may hang, for everybody else's.
    let mut others: Vec<_> = (0..12).map(|user| ask(format!("user-{user}"), 0)).collect();
    sleep(Duration::from_millis(1)).await;
    assert_eq!(world.ask(question("bob", "t")).await, Busy);
    for (user, issuer) in (0..48).zip(FURTHER.iter().cycle()) {
        let issuer = (*issuer).to_owned();
        let request = ResolveClaimsRequest { issuer, ..question(&format!("user-{user}"), "0") };
        let reviews = Arc::clone(&world.reviews);
        others.push(tokio::spawn(async move { reviews.ask(request).await }));
    }
    sleep(Duration::from_millis(1)).await;
    assert_eq!(world.asked(), 1 + 4 + 60);
    for task in eve.into_iter().chain(others) {
        assert!(matches!(task.await.unwrap(), Resolved { .. }));
    }
    assert!(matches!(world.ask(question("bob", "t")).await, Resolved { .. }));
}
