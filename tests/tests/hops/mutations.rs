//! Thousands of requests out of the grammar through each hop.
//!
//! `HOP_TEST_SEED` and `HOP_TEST_REQUESTS` (for each hop and configuration of Envoy) make another run.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tests::hop::Kind;
use tokio::task::JoinSet;

use crate::chain::{Chain, Door, Policy};
use crate::grammar::mutation;
use crate::invariants::mark_of;
use crate::random::Random;
use crate::sending::{Answer, By};

const SEED: u64 = 20_211_122;
/// Requests with Envoy wide open, and with Envoy as shipped.
const WIDE: u64 = 1300;
const SHIPPED: u64 = 500;
const CLIENTS: usize = 8;

fn number(variable: &str) -> Option<u64> {
    std::env::var(variable).ok().map(|text| text.parse().unwrap_or_else(|_| panic!("{variable}: a number")))
}

async fn every_mutation(kind: Kind) {
    let (seed, policy) = (number("HOP_TEST_SEED").unwrap_or(SEED), Policy::from_environment());
    for (door, usual) in [(Door::Wide, WIDE), (Door::Shipped, SHIPPED)] {
        let requests = number("HOP_TEST_REQUESTS").unwrap_or(usual);
        let run = format!("{kind:?} {door:?} HOP_TEST_SEED={seed}");
        let chain = Arc::new(Chain::start(kind, door, &policy).await);
        let answers = send_all(&chain, &policy, seed, requests).await;
        chain.assert_unbroken(&run);
        assert_eq!(chain.gateway.vm_reloads().await, 0, "{run}");
        let counts = count(&chain, &answers);
        println!("{run}: {counts:?}");
        // Else the run would say little.
        let least = |what: &str, percent: u64| {
            let count = counts.get(what).copied().unwrap_or_default();
            assert!(count * 100 >= requests * percent, "{run}: {count} of {requests} {what}: {counts:?}");
        };
        least("arrived", 20);
        least("refused by the filter", 10);
        least("refused by Envoy", 3);
        let unanswered =
            answers.iter().filter(|(_, answer)| answer.by == By::Nobody).map(|(mark, _)| chain.sent(*mark));
        assert_eq!(unanswered.collect::<Vec<_>>(), [""; 0], "{run}: never answered");
    }
}

async fn send_all(chain: &Arc<Chain>, policy: &Policy, seed: u64, requests: u64) -> BTreeMap<u64, Answer> {
    let next = Arc::new(AtomicU64::new(0));
    let mut clients = JoinSet::new();
    for _ in 0..CLIENTS {
        let (chain, policy, next) = (Arc::clone(chain), policy.clone(), Arc::clone(&next));
        clients.spawn(async move {
            let (client, mut answers) = (chain.client(), Vec::new());
            loop {
                let mark = next.fetch_add(1, Ordering::Relaxed) + 1;
                if mark > requests {
                    return answers;
                }
                let mutation = mutation(&mut Random::of(seed, mark), &chain, &policy, mark);
                chain.note(mark, &mutation.allowed, &mutation.request.to_bytes());
                answers.push((mark, mutation.request.send(&client).await));
            }
        });
    }
    clients.join_all().await.into_iter().flatten().collect()
}

/// What became of the requests.
fn count(chain: &Chain, answers: &BTreeMap<u64, Answer>) -> BTreeMap<&'static str, u64> {
    let mut counts = BTreeMap::new();
    let mut arrived: Vec<u64> = chain.api.requests().iter().filter_map(mark_of).collect();
    arrived.sort_unstable();
    arrived.dedup();
    for (mark, answer) in answers {
        let fate = match answer.by {
            _ if arrived.binary_search(mark).is_ok() => "arrived",
            By::Envoy => "refused by Envoy",
            By::Filter => "refused by the filter",
            By::Hop => "refused by the hop",
            By::Nobody => "never answered",
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
