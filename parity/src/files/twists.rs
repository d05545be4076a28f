//! Configurations: good ones, and what makes others of them.

mod expressions;
mod issuer;
mod mappings;
mod rules;
mod shape;

use std::sync::LazyLock;

use serde_json::{Value, json};

use crate::entry::Entry;
use crate::random::Random;

/// Where issuers are that nobody has to reach.
const SERVER: &str = "https://127.0.0.1:1";

/// What a change is about, and what changes the configuration.
type Twist = (&'static str, fn(&mut Value, &mut Random));

fn all_twists() -> impl Iterator<Item = &'static Twist> {
    [shape::TWISTS, issuer::TWISTS, mappings::TWISTS, rules::TWISTS].into_iter().flatten()
}

/// What they are about.
pub(super) fn all() -> impl Iterator<Item = &'static str> {
    all_twists().map(|(about, _)| *about)
}

/// A configuration and what it is about: a good one, with a twist or two in most cases.
pub(super) fn configuration(random: &mut Random) -> (Vec<&'static str>, Value) {
    static CA: LazyLock<String> = LazyLock::new(|| ::tests::Ca::new("issuer CA").pem().to_owned());
    let entry = Entry::new(random.below(100), SERVER, &CA, random);
    let mut file = json!({
        "apiVersion": "apiserver.config.k8s.io/v1", "kind": "AuthenticationConfiguration", "jwt": [entry.configuration],
    });
    let twists: Vec<_> = all_twists().collect();
    let mut about = Vec::new();
    let count = *random.pick(&[0, 1, 1, 1, 1, 1, 1, 2, 2, 3]);
    for _ in 0..count {
        let (what, apply) = random.pick(&twists);
        // Where an earlier twist left nothing to change, there is nothing to do.
        if file["jwt"][0]["issuer"].is_object() && file["jwt"][0]["claimMappings"].is_object() {
            apply(&mut file, random);
            about.push(*what);
        }
    }
    (about, file)
}
