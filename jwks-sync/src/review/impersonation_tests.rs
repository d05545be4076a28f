//! Questions about impersonation, on a paused clock.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use authn::feed::{ReviewImpersonationRequest, ReviewImpersonationResponse};
use authn::impersonation_request::{Attribute, ImpersonationRequest, MAX_VALUES};
use authn::user::UserInfo;
use tokio::time::{Instant, advance, sleep};

use super::{AccessReviewer, ImpersonationReviews, Outages};
use crate::kube::KubeError;
use crate::metrics::Metrics;

use ReviewImpersonationResponse::{Allowed, Busy, Denied, Failed};

/// After so long, this answer.
type Rule = (Duration, Result<bool, KubeError>);

/// An API server that allows everything at once, but for what it has rules about.
#[derive(Default)]
struct Script {
    rules: Mutex<HashMap<String, Rule>>,
    asked: Mutex<Vec<String>>,
    open: AtomicUsize,
    most_open: AtomicUsize,
    finished: AtomicUsize,
}

impl AccessReviewer for Script {
    async fn may_impersonate(&self, _: &UserInfo, attribute: &Attribute) -> Result<bool, KubeError> {
        let name = attribute.resource().name.to_owned();
        self.asked.lock().unwrap().push(name.clone());
        let open = self.open.fetch_add(1, Ordering::SeqCst).saturating_add(1);
        self.most_open.fetch_max(open, Ordering::SeqCst);
        let rule = self.rules.lock().unwrap().get(&name).cloned();
        let (after, answer) = rule.unwrap_or((Duration::ZERO, Ok(true)));
        sleep(after).await;
        self.open.fetch_sub(1, Ordering::SeqCst);
        self.finished.fetch_add(1, Ordering::SeqCst);
        answer
    }
}

struct World {
    script: Arc<Script>,
    reviews: Arc<ImpersonationReviews<Script>>,
    outages: Arc<Outages>,
    metrics: Arc<Metrics>,
}

fn world() -> World {
    let (script, outages, metrics) =
        (Arc::<Script>::default(), Arc::<Outages>::default(), Arc::new(Metrics::new()));
    let reviews = ImpersonationReviews::new(Arc::clone(&script), Arc::clone(&outages), Arc::clone(&metrics));
    World { script, reviews: Arc::new(reviews), outages, metrics }
}

impl World {
    fn rule(&self, name: &str, after: u64, answer: Result<bool, KubeError>) {
        let rule = (Duration::from_millis(after), answer);
        self.script.rules.lock().unwrap().insert(name.to_owned(), rule);
    }

    async fn ask(&self, requester: &str, target: &[&str]) -> ReviewImpersonationResponse {
        self.reviews.ask(question(requester, "", target)).await
    }

    fn asked(&self) -> usize {
        self.script.asked.lock().unwrap().len()
    }

    fn count(&self, result: &str) -> String {
        let name = format!(r#"jwks_sync_reviews_total{{kind="impersonation",result="{result}"}} "#);
        let text = self.metrics.text();
        text.lines().find_map(|line| line.strip_prefix(&name)).unwrap_or("0").to_owned()
    }
}

/// `requester` asks to be the first of `target`, in the groups that follow.
fn question(requester: &str, uid: &str, target: &[&str]) -> ReviewImpersonationRequest {
    let user = |name: &str, uid: &str, groups: &[&str]| {
        let groups = groups.iter().map(|group| (*group).to_owned()).collect();
        UserInfo::new(name.to_owned(), uid.to_owned(), groups, Vec::new())
    };
    let (name, groups) = target.split_first().unwrap();
    let target = ImpersonationRequest::new(user(name, "", groups));
    ReviewImpersonationRequest { requester: user(requester, uid, &[]), target }
}

fn group(name: &str) -> ReviewImpersonationResponse {
    Denied(Attribute::Group(name.to_owned()))
}

#[tokio::test(start_paused = true)]
async fn all_must_be_allowed_and_are_asked_at_once() {
    let world = world();
    for name in ["jane", "a", "b"] {
        world.rule(name, 1_000, Ok(true));
    }
    let begun = Instant::now();
    assert_eq!(world.ask("eve", &["jane", "a", "b"]).await, Allowed { good_for: 9 });
    assert_eq!(begun.elapsed(), Duration::from_secs(1));
    assert_eq!((world.asked(), world.script.most_open.load(Ordering::SeqCst)), (3, 3));
}

#[tokio::test(start_paused = true)]
async fn the_first_in_order_is_told_whoever_answers_first() {
    let error = || Err(KubeError::Answer);
    // Who denies or fails after how many milliseconds, and what comes of it after how many.
    for (rules, answer, after) in [
        (vec![("a", 100, Ok(false)), ("b", 0, Ok(false))], group("a"), 100),
        (vec![("a", 0, Ok(false)), ("b", 100, Ok(false))], group("a"), 0),
        (vec![("jane", 300, Ok(true)), ("b", 0, Ok(false))], group("b"), 300),
        (vec![("a", 100, error()), ("b", 0, Ok(false))], Failed, 100),
        (vec![("a", 100, Ok(false)), ("b", 0, error())], group("a"), 100),
        (vec![("b", 0, error())], Failed, 0),
        (vec![("a", 9_000, Ok(true)), ("b", 0, Ok(false))], Failed, 4_500),
        (vec![("a", 0, Ok(false)), ("b", 9_000, Ok(true))], group("a"), 0),
    ] {
        let world = world();
        for (name, after, answer) in rules.clone() {
            world.rule(name, after, answer);
        }
        let begun = Instant::now();
        assert_eq!(world.ask("eve", &["jane", "a", "b"]).await, answer, "{rules:?}");
        assert_eq!(begun.elapsed(), Duration::from_millis(after), "{rules:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_open_after_a_denial_ends_by_itself_and_counts_until_then() {
    let world = world();
    world.rule("jane", 0, Ok(false));
    world.rule("a", 1_000, Ok(true));
    for _ in 0..4 {
        assert_eq!(world.ask("eve", &["jane", "a"]).await, Denied(Attribute::User("jane".to_owned())));
    }
    assert_eq!(world.ask("eve", &["jane", "a"]).await, Busy);
    sleep(Duration::from_millis(1_001)).await;
    assert_eq!(world.script.finished.load(Ordering::SeqCst), 8, "none was broken off");
    assert_eq!(world.ask("eve", &["jane", "a"]).await, Denied(Attribute::User("jane".to_owned())));
}

#[tokio::test(start_paused = true)]
async fn a_yes_is_good_for_ten_seconds_from_when_it_was_asked_for() {
    let world = world();
    world.rule("jane", 2_500, Ok(true));
    assert_eq!(world.ask("eve", &["jane"]).await, Allowed { good_for: 7 });
    advance(Duration::from_secs(6)).await;
    assert_eq!(world.ask("eve", &["jane"]).await, Allowed { good_for: 1 });
    assert_eq!((world.asked(), world.count("cached")), (1, "1".to_owned()));
    advance(Duration::from_millis(600)).await;
    assert_eq!(world.ask("eve", &["jane"]).await, Allowed { good_for: 7 });
    assert_eq!((world.asked(), world.count("allowed")), (2, "2".to_owned()));
    for other in
        [question("eva", "", &["jane"]), question("eve", "1", &["jane"]), question("eve", "", &["joe"])]
    {
        let before = world.asked();
        world.reviews.ask(other).await;
        assert_eq!(world.asked(), before + 1, "another question");
    }
}

#[tokio::test(start_paused = true)]
async fn a_no_and_a_failure_are_asked_again() {
    let world = world();
    for (answer, expected) in [
        (Ok(false), Denied(Attribute::User("jane".to_owned()))),
        (Err(KubeError::Timeout), Failed),
        (Ok(true), Allowed { good_for: 10 }),
    ] {
        world.rule("jane", 0, answer);
        assert_eq!(world.ask("eve", &["jane"]).await, expected);
    }
    assert_eq!(world.asked(), 3);
}

#[tokio::test(start_paused = true)]
async fn the_same_question_is_asked_once_at_a_time() {
    let world = world();
    world.rule("jane", 1_000, Ok(false));
    let ask = || async { world.ask("eve", &["jane", "a"]).await };
    let denied = Denied(Attribute::User("jane".to_owned()));
    let (one, two, three) = tokio::join!(ask(), ask(), ask());
    assert_eq!([&one, &two, &three], [&denied; 3]);
    assert_eq!((world.asked(), world.count("joined")), (2, "2".to_owned()));

    // Whoever gives up leaves the others their answer.
    let reviews = Arc::clone(&world.reviews);
    let first = tokio::spawn(async move { reviews.ask(question("eve", "", &["jane", "a"])).await });
    sleep(Duration::from_millis(500)).await;
    let second = ask();
    first.abort();
    assert_eq!(second.await, denied);
    assert_eq!(world.asked(), 4);
}

#[tokio::test(start_paused = true)]
async fn one_user_can_not_keep_the_others_waiting() {
    let world = world();
    let names: Vec<String> = (0..5).map(|n| format!("slow{n}")).collect();
    for name in &names {
        world.rule(name, 60_000, Ok(true));
    }
    let ask = async |n: usize| world.ask("eve", &[names[n].as_str()]).await;
    let others = async {
        sleep(Duration::from_millis(1)).await;
        assert_eq!(ask(4).await, Busy, "at once");
        assert_eq!(world.ask("bob", &["jane"]).await, Allowed { good_for: 10 });
    };
    let begun = Instant::now();
    let (a, b, c, d, ()) = tokio::join!(ask(0), ask(1), ask(2), ask(3), others);
    assert_eq!([a, b, c, d], [Failed, Failed, Failed, Failed]);
    assert_eq!(begun.elapsed(), Duration::from_millis(4_500), "one deadline for each");
    assert_eq!((world.count("busy"), world.count("timeout")), ("1".to_owned(), "4".to_owned()));
    assert_eq!(world.outages.present()[0].0, "impersonation");
    assert_eq!(world.ask("eve", &["jane"]).await, Allowed { good_for: 10 }, "and all is given back");
    assert!(world.outages.present().is_empty());
}

#[tokio::test(start_paused = true)]
async fn what_no_filter_would_ask_is_not_asked() {
    let world = world();
    let many: Vec<String> = (0..MAX_VALUES).map(|n| n.to_string()).collect();
    let mut target: Vec<&str> = many.iter().map(String::as_str).collect();
    assert_eq!(world.ask("eve", &target).await, Allowed { good_for: 10 });
    assert_eq!(world.asked(), MAX_VALUES);
    target.push("one more");
    // An authorizer takes an empty name for every name.
    for target in [target, vec![""], vec!["jane", ""]] {
        assert_eq!(world.ask("eve", &target).await, Failed);
    }
    assert_eq!((world.asked(), world.count("malformed")), (MAX_VALUES, "3".to_owned()));
}
