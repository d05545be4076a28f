//! Questions about tokens, on a paused clock.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use authn::feed::{ReviewTokenRequest, ReviewTokenResponse};
use authn::snapshot::UpstreamCredential;
use authn::time::UnixSeconds;
use authn::user::UserInfo;
use tokio::time::{Instant, advance, sleep};

use super::{Outages, TokenReviewer, TokenReviews, TokenWebhookSource};
use crate::kube::KubeError;
use crate::metrics::Metrics;
use crate::store::{CredentialState, Store};

use ReviewTokenResponse::{Busy, Failed, PassThrough, Unknown, Webhook};

type Answer = Result<Option<&'static str>, KubeError>;

/// A token and audiences.
type Asked = (String, Vec<String>);

/// Answers everything alike.
#[derive(Clone)]
struct Script {
    rule: Arc<Mutex<(u64, Answer)>>,
    asked: Arc<Mutex<Vec<Asked>>>,
}

impl Script {
    fn new() -> Self {
        Self { rule: Arc::new(Mutex::new((0, Ok(None)))), asked: Arc::default() }
    }

    fn set(&self, after: u64, answer: Answer) {
        *self.rule.lock().unwrap() = (after, answer);
    }

    fn asked(&self) -> usize {
        self.asked.lock().unwrap().len()
    }
}

impl TokenReviewer for Script {
    async fn review(&self, token: &str, audiences: &[String]) -> Result<Option<UserInfo>, KubeError> {
        self.asked.lock().unwrap().push((token.to_owned(), audiences.to_vec()));
        let (after, answer) = self.rule.lock().unwrap().clone();
        sleep(Duration::from_millis(after)).await;
        answer.map(|name| name.map(user))
    }
}

fn user(name: &str) -> UserInfo {
    UserInfo::new(name.to_owned(), String::new(), vec![], vec![])
}

struct World {
    api_server: Script,
    webhook: Script,
    reviews: Arc<TokenReviews<Script, Script>>,
    store: Arc<Store>,
}

fn world(ttl: u64) -> World {
    let (api_server, webhook, metrics) = (Script::new(), Script::new(), Arc::new(Metrics::new()));
    let store = Arc::new(Store::new(1, 60, Arc::clone(&metrics)));
    let source = TokenWebhookSource { webhook: webhook.clone(), good_for: Duration::from_secs(ttl) };
    let reviews = TokenReviews::new(
        api_server.clone(),
        Some(source),
        [7; 16],
        Arc::clone(&store),
        Arc::<Outages>::default(),
        metrics,
    );
    World { api_server, webhook, reviews: Arc::new(reviews), store }
}

fn question(token: &str, pass_through: Option<&[&str]>, webhook: bool) -> ReviewTokenRequest {
    let pass_through =
        pass_through.map(|audiences| audiences.iter().map(|audience| (*audience).to_owned()).collect());
    ReviewTokenRequest { token: token.to_owned(), pass_through, webhook }
}

impl World {
    /// Asks both.
    async fn ask(&self, token: &str) -> ReviewTokenResponse {
        self.reviews.ask(question(token, Some(&["k"]), true)).await
    }

    fn asked(&self) -> (usize, usize) {
        (self.api_server.asked(), self.webhook.asked())
    }
}

#[tokio::test(start_paused = true)]
async fn the_api_server_comes_first_and_the_webhook_last() {
    let error = || Err(KubeError::Answer);
    let passed = PassThrough { user: user("jane"), good_for: 10 };
    let hooked = Webhook { user: user("bob"), good_for: 120 };
    for (first, last, answer, asked) in [
        (Ok(Some("jane")), Ok(Some("bob")), passed.clone(), (1, 0)),
        (Ok(None), Ok(Some("bob")), hooked.clone(), (1, 1)),
        (error(), Ok(Some("bob")), hooked, (1, 1)),
        (Ok(None), Ok(None), Unknown, (1, 1)),
        (error(), Ok(None), Failed, (1, 1)),
        (Ok(None), error(), Failed, (1, 1)),
        (error(), error(), Failed, (1, 1)),
    ] {
        let world = world(120);
        world.api_server.set(0, first.clone());
        world.webhook.set(0, last.clone());
        assert_eq!(world.ask("t").await, answer, "{first:?} {last:?}");
        assert_eq!(world.asked(), asked, "{first:?} {last:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn only_who_is_to_be_asked_is_asked() {
    let world = world(120);
    world.api_server.set(0, Ok(Some("jane")));
    world.webhook.set(0, Ok(Some("bob")));
    let ask = |pass_through, webhook| world.reviews.ask(question("t", pass_through, webhook));
    assert_eq!(ask(None, false).await, Unknown);
    assert_eq!(world.asked(), (0, 0));
    assert!(matches!(ask(Some(&["a", "b"]), false).await, PassThrough { .. }));
    assert!(matches!(ask(None, true).await, Webhook { .. }));
    assert_eq!(world.asked(), (1, 1));
    let strings = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
    assert_eq!(*world.api_server.asked.lock().unwrap(), [("t".to_owned(), strings(&["a", "b"]))]);
    // Another question each, though of the same token.
    ask(Some(&["a"]), false).await;
    ask(Some(&[]), false).await;
    ask(Some(&["a"]), true).await;
    assert_eq!(world.asked(), (4, 1));
}

#[tokio::test(start_paused = true)]
async fn our_own_credential_and_nothing_are_never_asked_about() {
    let world = world(120);
    world.webhook.set(0, Ok(Some("bob")));
    let credential = UpstreamCredential::new("ours".to_owned(), None).ok();
    world.store.set_credential(CredentialState { credential, failure: None }, UnixSeconds::new(0));
    for token in ["ours", ""] {
        assert_eq!(world.ask(token).await, Unknown);
    }
    assert_eq!(world.asked(), (0, 0));
    assert!(matches!(world.ask("theirs").await, Webhook { .. }));
}

#[tokio::test(start_paused = true)]
async fn one_deadline_holds_for_both() {
    for (first, last, answer, after) in [
        // The API server must leave the webhook its chance.
        (60_000, 0, Webhook { user: user("bob"), good_for: 120 }, 2_500),
        (0, 60_000, Failed, 4_500),
        (60_000, 60_000, Failed, 4_500),
    ] {
        let world = world(120);
        world.api_server.set(first, Ok(None));
        world.webhook.set(last, Ok(Some("bob")));
        let begun = Instant::now();
        assert_eq!(world.ask("t").await, answer);
        assert_eq!(begun.elapsed(), Duration::from_millis(after));
    }
    let alone = world(120);
    alone.api_server.set(4_000, Ok(Some("jane")));
    let answer = alone.reviews.ask(question("t", Some(&[]), false)).await;
    assert_eq!(answer, PassThrough { user: user("jane"), good_for: 6 });
}

#[tokio::test(start_paused = true)]
async fn a_yes_is_kept_for_its_time_and_nothing_else_is() {
    let world = world(120);
    world.webhook.set(1_500, Ok(Some("bob")));
    assert_eq!(world.ask("t").await, Webhook { user: user("bob"), good_for: 118 });
    advance(Duration::from_secs(117)).await;
    assert_eq!(world.ask("t").await, Webhook { user: user("bob"), good_for: 1 });
    assert_eq!(world.asked(), (1, 1));
    advance(Duration::from_secs(1)).await;
    world.api_server.set(0, Ok(Some("jane")));
    assert_eq!(world.ask("t").await, PassThrough { user: user("jane"), good_for: 10 });
    advance(Duration::from_millis(9_500)).await;
    for answer in [Ok(None), Err(KubeError::Timeout)] {
        world.api_server.set(0, answer.clone());
        world.webhook.set(0, answer.clone());
        let before = world.asked();
        world.ask("t").await;
        world.ask("t").await;
        assert_eq!(world.asked(), (before.0 + 2, before.1 + 2), "{answer:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn without_a_time_to_live_every_request_is_asked_about() {
    let world = world(0);
    world.webhook.set(0, Ok(Some("bob")));
    for asked in 1..=2 {
        assert_eq!(world.ask("t").await, Webhook { user: user("bob"), good_for: 0 });
        assert_eq!(world.asked(), (asked, asked));
    }
}

#[tokio::test(start_paused = true)]
async fn the_same_token_is_asked_about_once_at_a_time_and_others_are_bounded() {
    let world = world(0);
    world.api_server.set(1_000, Ok(Some("jane")));
    let (one, two) = tokio::join!(world.ask("t"), world.ask("t"));
    assert_eq!((&one, world.asked()), (&two, (1, 0)));

    world.api_server.set(60_000, Ok(None));
    let mut open = Vec::new();
    for n in 0..32 {
        let reviews = Arc::clone(&world.reviews);
        open.push(tokio::spawn(async move { reviews.ask(question(&n.to_string(), Some(&[]), false)).await }));
    }
    sleep(Duration::from_millis(1)).await;
    assert_eq!(world.ask("one more").await, Busy);
    for task in open {
        assert_eq!(task.await.unwrap(), Failed);
    }
    world.api_server.set(0, Ok(None));
    assert_eq!(world.ask("one more").await, Unknown);
}
