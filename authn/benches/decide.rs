//! Times a decision: `cargo bench --package authn`. Warm rows leave the signature alone; cold ones check a real one,
//! portably. What Envoy's host adds or saves is measured elsewhere.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    missing_docs,
    unreachable_pub,
    reason = "a bench is no shipped code"
)]

mod fixtures;
#[path = "../tests/support/mod.rs"]
mod support;

use authn::algorithm::Algorithm;
use authn::decision::Forward;
use authn::signature::Portable;
use authn::texts::Texts;
use authn::user::UserInfo;
use criterion::{Criterion, criterion_group, criterion_main};
use fixtures::{KID, ROWS};
use support::Pair;

fn rows(criterion: &mut Criterion) {
    for row in &ROWS {
        criterion.bench_function(row.name, |bencher| bencher.iter(row.unsigned(describe, log)));
    }
}

/// Each is a millisecond: fewer of them tell enough.
fn signed(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("portable");
    group.sample_size(20);
    for row in ROWS.iter().filter(|row| row.name.starts_with("cold")) {
        let keys = [Pair::Rsa.pinned(KID, Algorithm::Rs256), Pair::P256.key(KID)];
        let sign = |algorithm, text: &[u8]| Pair::of(algorithm).sign(algorithm, text);
        group.bench_function(row.name, |bencher| {
            bencher.iter(row.act(sign, keys.clone(), Portable, describe, log));
        });
    }
}

/// As much as a host would keep.
fn describe(user: &UserInfo) -> Texts {
    [user.username(), user.uid(), &user.groups().join("|")].into_iter().collect()
}

fn log(forward: &Forward) {
    forward.caller().described().description().iter().for_each(|text| _ = std::hint::black_box(text));
}

criterion_group!(benches, rows, signed);
criterion_main!(benches);
