//! What a request asks to be: mostly as kubectl would, of what may be and of what may not.

use super::lines::{Line, oddly_cased};
use crate::random::Random;

/// Allowed ones stand more often, since a request needs all of its values allowed.
const USERS: [&str; 18] = [
    "eve",
    "eve",
    "eve",
    "eve",
    "eve",
    "bob",
    "bob",
    "bob",
    "bob",
    "bob",
    "zoë",
    "zoë",
    "system:anonymous",
    "system:serviceaccount:ci:deployer",
    "system:serviceaccount:ci:root",
    "system:serviceaccount:ci:Not_A_Name",
    "root",
    "system:admin",
];
const GROUPS: [&str; 12] = [
    "dev",
    "dev",
    "dev",
    "dev",
    "dev",
    "a,b",
    "a,b",
    "x y",
    "x y",
    "system:authenticated",
    "system:masters",
    "system:unauthenticated",
];
const UIDS: [&str; 6] = ["u-9", "u-9", "u-9", "u-9", "u-9", "0"];
/// Any key may be had; the values of the last ones are refused for their keys.
const KEYS: [&str; 18] = [
    "Scopes",
    "Scopes",
    "Scopes",
    "Scopes",
    "Acme.com%2FProject",
    "acme.com%2fproject",
    "a%25b",
    "%zz",
    "originaluser.jetstack.io",
    "originaluser%252ejetstack.io-user",
    "remote-client-ip%20",
    "originaluser.jetstack.io-user",
    "OriginalUser.Jetstack.io-groups",
    "originaluser%2ejetstack%2Eio-user",
    "%6friginaluser.jetstack.io-extra",
    "%4Friginaluser.jetstack.io-user",
    "Remote-Client-Ip",
    "%73tage",
];
const VALUES: [&str; 7] = ["x", "x", "x", "view", "view", "view", "all"];

/// Lines that ask to be somebody, now and then without a user or with two.
pub(super) fn ask(random: &mut Random) -> Vec<Line> {
    let mut asks = Vec::new();
    let users = [1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 2];
    for _ in 0..random.pick(&users) {
        asks.push(("Impersonate-User".to_owned(), random.pick(&USERS)));
    }
    for _ in 0..random.pick(&[0, 0, 1, 1, 2, 3]) {
        asks.push(("Impersonate-Group".to_owned(), random.pick(&GROUPS)));
    }
    if random.percent(25) {
        asks.push(("Impersonate-Uid".to_owned(), random.pick(&UIDS)));
    }
    if random.percent(30) {
        for _ in 0..=random.below(2) {
            asks.push((format!("Impersonate-Extra-{}", random.pick(&KEYS)), random.pick(&VALUES)));
        }
    }
    let mut lines: Vec<Line> = Vec::new();
    for (name, value) in asks {
        let at = random.below(lines.len() + 1);
        lines.insert(at, (oddly_cased(random, &name).into_bytes(), value.as_bytes().to_vec()));
    }
    lines
}
