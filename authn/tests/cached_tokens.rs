//! A token that was found good is not verified again, until something changes that it depends on. Then it is judged
//! anew at its very next request.
#![allow(
    clippy::unwrap_used,
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    reason = "test code"
)]

mod support;

use authn::algorithm::{Algorithm, AlgorithmSet};
use authn::anonymous::Anonymous;
use authn::issuer::{IdentityGuard, Issuer, Mapping, ValidationRule};
use authn::request::Request;
use authn::snapshot::{Generation, Snapshot, UpstreamCredential};
use serde_json::json;
use support::*;

/// A gateway that has let the token in once, under the first of two issuers.
struct Seen {
    authenticator: authn::authenticator::Authenticator,
    verifier: Counting,
    snapshot: Snapshot,
    token: String,
}

fn other_issuer() -> Issuer {
    Issuer { url: "https://other.example".to_owned(), ..issuer() }
}

/// A member of `system:ops`, whom the guard lets be one.
fn seen() -> Seen {
    let mut first = issuer();
    first.guard.allowed_groups = ["system:ops".to_owned()].into();
    first.keys = Some(keys([Pair::P256.key(KID), Pair::OtherP256.key("k2")]));
    let snapshot = snapshot([first, other_issuer()]);
    let mut seen = Seen {
        authenticator: authenticator(snapshot.clone()),
        verifier: Counting::default(),
        snapshot,
        token: case("seen").claims(json!({"groups": ["system:ops"]})).token(),
    };
    assert_eq!(seen.outcome(NOW), ops("alice"));
    assert_eq!(seen.verifier.calls.get(), 1);
    seen
}

fn ops(name: &str) -> Outcome {
    Outcome::Forward(user(name).groups(["system:ops"]).headers())
}

impl Seen {
    fn outcome(&mut self, now: u64) -> Outcome {
        let authorization = format!("Bearer {}", self.token);
        let lines = [("authorization", authorization.as_bytes())];
        judge(&mut self.authenticator, &Request::read(&lines), at(now), &self.verifier).into()
    }

    /// Puts the next snapshot in force.
    fn adopts(&mut self, change: impl FnOnce(&mut Snapshot)) {
        change(&mut self.snapshot);
        self.snapshot.generation = self.snapshot.generation.next();
        let snapshot = Snapshot::decode(&self.snapshot.encode()).unwrap();
        assert!(self.authenticator.adopt(snapshot, at(NOW)));
    }
}

/// The change keeps the token: nothing is verified.
#[track_caller]
fn keeps(change: impl FnOnce(&mut Snapshot)) {
    let mut seen = seen();
    seen.adopts(change);
    let outcome = seen.outcome(NOW);
    assert!(matches!(outcome, Outcome::Forward(_)), "{outcome:?}");
    assert_eq!(seen.verifier.calls.get(), 1);
}

/// After the change the token is judged anew, and this comes of it.
#[track_caller]
fn forgets(change: impl FnOnce(&mut Snapshot), outcome: &Outcome) {
    let mut seen = seen();
    seen.adopts(change);
    assert_eq!(seen.outcome(NOW), *outcome);
    if matches!(outcome, Outcome::Forward(_)) {
        assert_eq!(seen.verifier.calls.get(), 2);
    }
    // Nor does it come back when the change is undone.
    let calls = seen.verifier.calls.get();
    let before = self::seen().snapshot;
    seen.adopts(|snapshot| *snapshot = Snapshot { generation: snapshot.generation, ..before });
    assert_eq!(seen.outcome(NOW), ops("alice"));
    assert_eq!(seen.verifier.calls.get(), calls + 1);
}

#[test]
fn what_does_not_concern_its_issuer_keeps_a_token() {
    keeps(|_| {});
    keeps(|snapshot| {
        let renewed = UpstreamCredential::new("eyJvdXIi.own.renewed".to_owned(), Some(at(NOW + 9)));
        snapshot.upstream_credential = Some(renewed.unwrap());
    });
    keeps(|snapshot| snapshot.generation = Generation { epoch: 7, counter: 0 });
    keeps(|snapshot| snapshot.issuers.reverse());
    keeps(|snapshot| _ = snapshot.issuers.pop());
    keeps(|snapshot| {
        let new = Issuer { url: "https://new.example".to_owned(), ..issuer() };
        snapshot.issuers.insert(0, new);
    });
    keeps(|snapshot| snapshot.issuers[1].keys = None);
    keeps(|snapshot| snapshot.issuers[1].audiences = vec!["x".to_owned()]);
    keeps(|snapshot| snapshot.anonymous = Some(Anonymous::default()));
    keeps(|snapshot| snapshot.token_webhook = Some(IdentityGuard::default()));
}

#[test]
fn the_age_of_the_keys_is_that_of_the_snapshot_in_force() {
    let not_after = |end: u64| {
        move |snapshot: &mut Snapshot| snapshot.issuers[0].keys.as_mut().unwrap().not_after = at(end)
    };
    let mut seen = seen();
    seen.adopts(not_after(NOW + 5));
    assert_eq!(seen.outcome(NOW + 4), ops("alice"));
    assert_eq!(seen.outcome(NOW + 5), Outcome::Reject("keys_too_old", 503));
    let mut seen = self::seen();
    seen.adopts(not_after(NOW + 7_200));
    assert_eq!(seen.outcome(NOW + 599), ops("alice"));
    assert_eq!(seen.verifier.calls.get(), 1, "the keys are good for longer now");
    assert_eq!(seen.outcome(NOW + 600), Outcome::Reject("expired", 401));
    keeps(not_after(NOW + 1));
}

#[test]
fn whatever_its_issuer_changes_has_a_token_judged_anew() {
    fn first(change: impl FnOnce(&mut Issuer)) -> impl FnOnce(&mut Snapshot) {
        |snapshot| change(&mut snapshot.issuers[0])
    }
    let rejects = |reason| Outcome::Reject(reason, 401);
    forgets(|snapshot| _ = snapshot.issuers.remove(0), &rejects("unknown_issuer"));
    forgets(first(|issuer| issuer.url.push('/')), &rejects("unknown_issuer"));
    forgets(first(|issuer| issuer.audiences = vec!["x".to_owned()]), &rejects("audience"));
    forgets(first(|issuer| issuer.audiences.push("x".to_owned())), &ops("alice"));
    let rsa: AlgorithmSet = Algorithm::RSA.into_iter().collect();
    forgets(first(|issuer| issuer.algorithms = rsa), &rejects("algorithm_not_allowed"));
    forgets(first(|issuer| issuer.claim_mappings.username = prefixed("sub", "new:")), &ops("new:alice"));
    forgets(first(|issuer| issuer.claim_mappings.groups = None), &Outcome::Forward(user("alice").headers()));
    forgets(
        first(|issuer| issuer.claim_mappings.uid = Some(Mapping::Claim("uid".to_owned()))),
        &rejects("uid_claim"),
    );
    forgets(
        first(|issuer| issuer.required_claims = vec![required("tier", "1")]),
        &rejects("required_claim_missing"),
    );
    let rule =
        |expression: &str| vec![ValidationRule { expression: expression.to_owned(), message: String::new() }];
    forgets(first(|issuer| issuer.claim_validation_rules = rule("false")), &rejects("claim_validation_rule"));
    forgets(first(|issuer| issuer.user_validation_rules = rule("false")), &rejects("user_validation_rule"));
    forgets(
        first(|issuer| issuer.claim_mappings.username = Mapping::Expression("'new'".to_owned())),
        &ops("new"),
    );
    forgets(first(|issuer| issuer.guard = IdentityGuard::default()), &Outcome::Reject("reserved_group", 403));
    // Its key was replaced, withdrawn, pinned to another algorithm, or got another name; the issuer has no keys.
    let keyed = |list: Vec<authn::keys::Key>| first(move |issuer| issuer.keys = Some(keys(list)));
    forgets(keyed(vec![Pair::OtherP256.key(KID)]), &rejects("signature"));
    forgets(keyed(vec![Pair::OtherP256.key("k2")]), &Outcome::RefreshKeys(KID.to_owned()));
    forgets(keyed(vec![Pair::P256.key("k3")]), &Outcome::RefreshKeys(KID.to_owned()));
    forgets(keyed(vec![Pair::P256.pinned(KID, Algorithm::Es384)]), &rejects("signature"));
    forgets(first(|issuer| issuer.keys = None), &Outcome::Reject("no_keys", 503));
    // Only another key was withdrawn: also that is looked at once.
    forgets(keyed(vec![Pair::P256.key(KID)]), &ops("alice"));
}

#[test]
fn a_token_that_becomes_the_gateways_own_is_refused() {
    let mut seen = seen();
    let token = seen.token.clone();
    seen.adopts(|snapshot| {
        snapshot.upstream_credential = Some(UpstreamCredential::new(token, None).unwrap());
    });
    assert_eq!(seen.outcome(NOW), Outcome::Reject("own_credential", 401));
}

#[test]
fn failures_count_on_where_the_issuer_is_the_same() {
    let mut seen = seen();
    seen.verifier.is_slow = true;
    let good = seen.token.clone();
    for number in 0..200 {
        seen.token = case("forged").signed_by(Pair::OtherP256).claims(json!({"n": number})).token();
        assert_eq!(seen.outcome(NOW), Outcome::Reject("signature", 401));
    }
    seen.token = case("forged").signed_by(Pair::OtherP256).claims(json!({"n": 200})).token();
    seen.adopts(|_| {});
    assert_eq!(seen.outcome(NOW), Outcome::Reject("throttled", 503));
    seen.token = good;
    assert_eq!(seen.outcome(NOW), ops("alice"));
}
