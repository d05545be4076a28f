//! Thousands of requests out of the grammar through each hop.
//!
//! `HOP_TEST_SEED` and `HOP_TEST_REQUESTS` (for each hop and configuration) make another run.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tests::ApiServer;
use tests::api_server::Received;
use tests::hop::Kind;
use tokio::task::JoinSet;

use crate::chain::{Chain, Door};
use crate::grammar::mutation;
use crate::invariants::{Identity, mark_of};
use crate::policy::Policy;
use crate::random::Random;
use crate::sending::{Answer, By};

const SEED: u64 = 20_211_122;
/// How Envoy and the filter are configured, and how many requests each of these gets.
const RUNS: [(Door, Policy, u64); 5] = [
    (Door::Wide, Policy::Authorize, 1000),
    (Door::Shipped, Policy::Authorize, 400),
    (Door::Wide, Policy::PassThrough, 300),
    (Door::Wide, Policy::Strip, 200),
    (Door::Wide, Policy::Reject, 200),
];
const CLIENTS: usize = 8;

fn number(variable: &str) -> Option<u64> {
    std::env::var(variable).ok().map(|text| text.parse().unwrap_or_else(|_| panic!("{variable}: a number")))
}

async fn every_mutation(kind: Kind) {
    let seed = number("HOP_TEST_SEED").unwrap_or(SEED);
    for (door, policy, usual) in RUNS {
        let requests = number("HOP_TEST_REQUESTS").unwrap_or(usual);
        let run = format!("{kind:?} {door:?} {policy:?} HOP_TEST_SEED={seed}");
        let chain = Arc::new(Chain::start(kind, door, policy).await);
        let answers = send_all(&chain, policy, seed, requests).await;
        chain.assert_unbroken(&run);
        assert_eq!(chain.gateway.vm_reloads().await, 0, "{run}");
        let counts = count(&chain, &answers);
        println!("{run}: {counts:?}, {} questions", chain.reviews.requests().len());
        // Else the run would say little.
        for (fate, percent) in least(policy) {
            let count = counts.get(&fate).copied().unwrap_or_default();
            assert!(count * 100 >= requests * percent, "{run}: {count} of {requests} {fate:?}: {counts:?}");
        }
        let unanswered = answers
            .iter()
            .filter(|(_, (answer, _))| answer.by == By::Nobody)
            .map(|(mark, _)| chain.sent(*mark));
        assert_eq!(unanswered.collect::<Vec<_>>(), [""; 0], "{run}: never answered");
    }
}

/// What became of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Fate {
    /// It arrived as the user of its token.
    AsItself,
    /// It arrived as somebody whom the cluster lets its user act as.
    AsAnother,
    /// It arrived with its own token.
    WithItsOwn,
    /// The cluster does not let its user act so, and it did not arrive.
    Denied,
    /// It was refused by the filter.
    Filter,
    /// It was refused by Envoy.
    Envoy,
    /// It was refused by the hop.
    Hop,
    Unanswered,
}

/// Percents of the requests that must at least have met these fates.
fn least(policy: Policy) -> Vec<(Fate, u64)> {
    let mut least = vec![(Fate::AsItself, 8), (Fate::Filter, 10), (Fate::Envoy, 3)];
    match policy {
        Policy::Authorize => least.extend([(Fate::AsAnother, 4), (Fate::Denied, 5)]),
        Policy::PassThrough => least.extend([(Fate::AsAnother, 3), (Fate::WithItsOwn, 4)]),
        Policy::Reject | Policy::Strip => {}
    }
    least
}

/// Sends them. The answer to each, and whether it asked for what is denied.
async fn send_all(
    chain: &Arc<Chain>,
    policy: Policy,
    seed: u64,
    requests: u64,
) -> BTreeMap<u64, (Answer, bool)> {
    let next = Arc::new(AtomicU64::new(0));
    let mut clients = JoinSet::new();
    for _ in 0..CLIENTS {
        let (chain, next) = (Arc::clone(chain), Arc::clone(&next));
        clients.spawn(async move {
            let (client, mut answers) = (chain.client(), Vec::new());
            loop {
                let mark = next.fetch_add(1, Ordering::Relaxed) + 1;
                if mark > requests {
                    return answers;
                }
                let mutation = mutation(&mut Random::of(seed, mark), &chain, policy, mark);
                chain.note(mark, &mutation.allowed, &mutation.request.to_bytes());
                answers.push((mark, (mutation.request.send(&client).await, mutation.is_denied)));
            }
        });
    }
    clients.join_all().await.into_iter().flatten().collect()
}

/// What became of the requests.
fn count(chain: &Chain, answers: &BTreeMap<u64, (Answer, bool)>) -> BTreeMap<Fate, u64> {
    let fate = |received: &Received| match Identity::of(received) {
        _ if received.values("authorization") != [format!("Bearer {}", ApiServer::TOKEN)] => Fate::WithItsOwn,
        Ok(identity) if identity.is_acted() => Fate::AsAnother,
        _ => Fate::AsItself,
    };
    let requests = chain.api.requests();
    let arrived: BTreeMap<_, _> =
        requests.iter().filter_map(|received| Some((mark_of(received)?, fate(received)))).collect();
    let mut counts = BTreeMap::new();
    for (mark, (answer, is_denied)) in answers {
        let fate = match (arrived.get(mark), answer.by) {
            (Some(fate), _) => *fate,
            (None, By::Filter) if *is_denied => Fate::Denied,
            (None, By::Envoy) => Fate::Envoy,
            (None, By::Filter) => Fate::Filter,
            (None, By::Hop) => Fate::Hop,
            (None, By::Nobody) => Fate::Unanswered,
        };
        *counts.entry(fate).or_default() += 1;
    }
    counts
}

#[tokio::test]
async fn no_mutation_gets_through_haproxy() {
    every_mutation(Kind::Haproxy).await;
}

#[tokio::test]
async fn no_mutation_gets_through_nginx() {
    every_mutation(Kind::Nginx).await;
}

#[tokio::test]
async fn no_mutation_gets_through_a_go_reverse_proxy() {
    every_mutation(Kind::ReverseProxy).await;
}
