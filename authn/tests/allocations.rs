//! What a request and a remembered token take of memory, counted by the allocator.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    reason = "test code"
)]

#[path = "../benches/fixtures/mod.rs"]
mod fixtures;

use std::alloc::System;

use authn::decision::Forward;
use authn::texts::Texts;
use authn::user::UserInfo;
use fixtures::{ROWS, borrowed};
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// As much as the filter keeps for the access log.
fn describe(user: &UserInfo) -> Texts {
    let extra = user.extra().iter().map(|(key, values)| format!("{key}={}", values.join("|")));
    let (groups, extra) = (user.groups().join("|"), extra.collect::<String>());
    [user.username(), user.uid(), &groups, &extra].into_iter().collect()
}

/// One test, so that nobody else allocates meanwhile.
#[test]
fn a_warm_request_takes_no_memory_and_a_token_no_more_than_it_is_counted_for() {
    let log = |forward: &Forward| forward.caller().described().description().iter().for_each(drop);
    for row in ROWS.iter().filter(|row| row.name.starts_with("warm")) {
        let mut gate = row.gate(describe, log);
        let lines = row.lines(0, fixtures::no_signature);
        gate.first(&lines);
        let lines = borrowed(&lines);
        let allocations = (0..10).map(|_| {
            let region = Region::new(ALLOCATOR);
            gate.again(&lines);
            region.change().allocations
        });
        assert_eq!(allocations.min(), Some(0), "{}", row.name);
    }
    let row = ROWS.iter().find(|row| row.name == "warm_10k").unwrap();
    let mut gate = row.gate(describe, log);
    let requests: Vec<_> = (0..10_000).map(|number| row.lines(number, fixtures::no_signature)).collect();
    let region = Region::new(ALLOCATOR);
    requests.iter().for_each(|lines| gate.first(lines));
    let change = region.change();
    let taken = change.bytes_allocated - change.bytes_deallocated;
    println!("{} bytes a token with 10 groups", taken / requests.len());
    assert!(taken / requests.len() < 1_400, "{taken}");
    drop(gate);
    // A cache with less room takes no more than it was given.
    let mut gate = row.with_cache(1 << 20).gate(describe, log);
    let region = Region::new(ALLOCATOR);
    requests.iter().for_each(|lines| gate.first(lines));
    let change = region.change();
    let taken = change.bytes_allocated - change.bytes_deallocated;
    println!("{taken} bytes of 1 MiB");
    assert!(taken < 1 << 20, "{taken}");
}
