//! Groups that stand in a distributed claim, row by row as kube-apiserver 1.36 resolves them, behind the policy's list of
//! hosts; and how long an answer is relied on.
#![allow(
    clippy::unwrap_used,
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    reason = "test code"
)]

mod support;

use authn::decision::{Answers, Decision, KeysAnswer, Question};
use authn::feed::{
    FeedMessage as _, RefreshOutcome, ResolveClaimsRequest, ResolveClaimsResponse,
    ReviewImpersonationResponse,
};
use authn::issuer::{Issuer, Mapping, ValidationRule};
use authn::policy::RequestPolicy;
use authn::snapshot::Snapshot;
use serde_json::{Value, json};
use support::*;

use ResolveClaimsResponse::{Busy, Failed, Refused, Resolved};

const HOST: &str = "claims.example:8443";
const ENDPOINT: &str = "https://claims.example:8443/groups?of=alice";
const ACCESS_TOKEN: &str = "secret-of-the-endpoint";

/// The usual issuer, whose tokens may lead to [`HOST`].
fn open_issuer() -> Issuer {
    Issuer { claim_hosts: [HOST.to_owned()].into_iter().collect(), ..issuer() }
}

fn source(source: Value) -> Value {
    json!({"_claim_names": {"groups": "s"}, "_claim_sources": {"s": source}})
}

fn elsewhere() -> Value {
    source(json!({"endpoint": ENDPOINT, "access_token": ACCESS_TOKEN}))
}

fn question() -> ResolveClaimsRequest {
    ResolveClaimsRequest {
        issuer: ISSUER.to_owned(),
        claim: "groups".to_owned(),
        endpoint: ENDPOINT.to_owned(),
        access_token: ACCESS_TOKEN.to_owned(),
        subject: "alice".to_owned(),
    }
}

fn resolved(value: &str, good_for: u32) -> ResolveClaimsResponse {
    Resolved { value: value.to_owned(), good_for }
}

fn dev() -> Outcome {
    Outcome::Forward(user("alice").groups(["dev"]).headers())
}

/// What is decided of a token with these claims before anything was asked.
fn asked(issuer: Issuer, claims: Value) -> Outcome {
    let mut gate = Gate::new(RequestPolicy::default(), snapshot([issuer]));
    gate.sends(&case("asked").claims(claims).token(), &NO_LINES)
}

/// What is decided once the endpoint has given this.
fn answered(issuer: Issuer, answer: ResolveClaimsResponse) -> Outcome {
    let mut gate = Gate::new(RequestPolicy::default(), snapshot([issuer]));
    let mut answers = Answers::default();
    // By way of the wire, as in life.
    let answer = ResolveClaimsResponse::decode(&answer.encode()).unwrap();
    let question = ResolveClaimsRequest::decode(&question().encode()).unwrap();
    answers.claims(question, answer, at(NOW));
    gate.decides(&case("answered").claims(elsewhere()).token(), &NO_LINES, &answers).into()
}

#[test]
fn what_is_asked_is_what_the_token_says() {
    assert_eq!(asked(open_issuer(), elsewhere()), Outcome::Ask(Question::Claims(question())));
    let without_token = ResolveClaimsRequest { access_token: String::new(), ..question() };
    for claims in [
        source(json!({"endpoint": ENDPOINT})),
        source(json!({"endpoint": ENDPOINT, "access_token": null})),
        source(json!({"endpoint": ENDPOINT, "JWT": "a.b.c"})),
    ] {
        assert_eq!(asked(open_issuer(), claims), Outcome::Ask(Question::Claims(without_token.clone())));
    }
    let roles = |issuer: Issuer| {
        let mut issuer = issuer;
        issuer.claim_mappings.groups = Some(prefixed("roles", "r:"));
        issuer
    };
    let claims = json!({"groups": ["dev"], "_claim_names": {"roles": "t", "groups": "s"},
        "_claim_sources": {"t": {"endpoint": ENDPOINT, "access_token": ACCESS_TOKEN}, "s": {"endpoint": "https://other"}}});
    let question = ResolveClaimsRequest { claim: "roles".to_owned(), ..question() };
    assert_eq!(asked(roles(open_issuer()), claims), Outcome::Ask(Question::Claims(question)));
}

#[test]
fn nothing_is_asked_where_kube_apiserver_would_not() {
    let groups = |groups| {
        let mut issuer = open_issuer();
        issuer.claim_mappings.groups = groups;
        issuer
    };
    let nobody = || Outcome::Forward(user("alice").headers());
    let with = |more: Value| {
        let mut claims = elsewhere();
        claims.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        claims
    };
    for (issuer, claims, outcome) in [
        (open_issuer(), source(json!({"JWT": "a.b.c"})), nobody()),
        (open_issuer(), source(json!({"endpoint": ""})), nobody()),
        (open_issuer(), source(json!(null)), nobody()),
        (open_issuer(), json!({"_claim_sources": {"s": {"endpoint": ENDPOINT}}}), nobody()),
        (
            open_issuer(),
            json!({"_claim_names": {}, "_claim_sources": {"s": {"endpoint": ENDPOINT}}}),
            nobody(),
        ),
        (open_issuer(), with(json!({"_claim_names": {"other": "s"}})), nobody()),
        (open_issuer(), with(json!({"groups": null})), nobody()),
        (open_issuer(), with(json!({"groups": ["dev"]})), dev()),
        (open_issuer(), with(json!({"groups": 5})), Outcome::Reject("groups_claim", 401)),
        (groups(None), elsewhere(), nobody()),
        (groups(Some(Mapping::Expression("['dev']".to_owned()))), elsewhere(), dev()),
        (
            groups(Some(Mapping::Expression("claims.groups".to_owned()))),
            elsewhere(),
            Outcome::Reject("expression", 401),
        ),
        // The resolver's own rules come before it looks for an endpoint.
        (open_issuer(), json!({"_claim_names": {}}), Outcome::Reject("claim_source", 401)),
        (open_issuer(), source(json!({"endpoint": ENDPOINT, "JWT": 5})), Outcome::Reject("claim_type", 401)),
    ] {
        assert_eq!(asked(issuer, claims.clone()), outcome, "{claims}");
    }
}

#[test]
fn nothing_is_asked_of_hosts_that_the_policy_does_not_name() {
    let refused = Outcome::Reject("distributed_groups", 401);
    assert_eq!(asked(issuer(), elsewhere()), refused);
    for endpoint in [
        "https://claims.example/",
        "http://claims.example:8443/",
        "https://claims.example:8443@evil.example/",
        "https://evil.example/https://claims.example:8443/",
        "https://CLAIMS.example:8443/",
        "https://169.254.169.254/",
        "claims.example:8443",
    ] {
        assert_eq!(asked(open_issuer(), source(json!({"endpoint": endpoint}))), refused, "{endpoint}");
    }
    // Another issuer's list is that one's.
    let other = Issuer { url: "https://other.example".to_owned(), ..open_issuer() };
    let mut gate = Gate::new(RequestPolicy::default(), snapshot([other, issuer()]));
    assert_eq!(gate.sends(&case("mine").claims(elsewhere()).token(), &NO_LINES), refused);
}

/// Nobody is sent anywhere by a token that is not good.
#[test]
fn a_token_is_verified_first() {
    let mut gate = Gate::new(RequestPolicy::default(), snapshot([open_issuer()]));
    for (token, reason) in [
        (case("forged").claims(elsewhere()).signed_by(Pair::OtherP256).token(), "signature"),
        (case("expired").claims(elsewhere()).claims(json!({"exp": NOW})).token(), "expired"),
        (case("audience").claims(elsewhere()).claims(json!({"aud": "x"})).token(), "audience"),
        (case("early").claims(elsewhere()).claims(json!({"nbf": NOW + 61})).token(), "not_yet_valid"),
    ] {
        assert_eq!(gate.sends(&token, &NO_LINES), Outcome::Reject(reason, 401));
    }
}

#[test]
fn the_value_is_mapped_as_if_it_stood_in_the_token() {
    let forward = |groups: &[&str]| {
        let mut user = user("alice").headers();
        let groups = groups.iter().map(|group| ("impersonate-group".to_owned(), (*group).to_owned()));
        user.splice(1..1, groups);
        Outcome::Forward(user)
    };
    for (value, outcome) in [
        (r#"["dev","ops","dev"]"#, forward(&["dev", "ops", "dev"])),
        (r#" [ "dev" ] "#, forward(&["dev"])),
        (r#""dev""#, forward(&["dev"])),
        (r#""\u0064ev""#, forward(&["dev"])),
        ("null", forward(&[])),
        ("[]", forward(&[])),
        ("5", Outcome::Reject("groups_claim", 401)),
        ("{}", Outcome::Reject("groups_claim", 401)),
        (r#"["dev",{"a":["b"]}]"#, Outcome::Reject("groups_claim", 401)),
        (r#"["system:masters"]"#, Outcome::Reject("reserved_group", 403)),
        (r#"["a\n"]"#, Outcome::Reject("group_not_header_safe", 403)),
        // A sidecar that gives no JSON is not guessed at.
        ("", Outcome::Reject("distributed_groups_refused", 401)),
        ("dev", Outcome::Reject("distributed_groups_refused", 401)),
        (r#""dev" "ops""#, Outcome::Reject("distributed_groups_refused", 401)),
        (r#"null,"sub":"root""#, Outcome::Reject("distributed_groups_refused", 401)),
        (r#"{"a":1,"a":2}"#, Outcome::Reject("distributed_groups_refused", 401)),
    ] {
        assert_eq!(answered(open_issuer(), resolved(value, 10)), outcome, "{value}");
    }
}

#[test]
fn expressions_see_the_value() {
    let rule = |expression: &str| {
        let rule = ValidationRule { expression: expression.to_owned(), message: String::new() };
        Issuer { claim_validation_rules: vec![rule], ..open_issuer() }
    };
    for (expression, outcome) in [
        ("'dev' in claims.groups", dev()),
        ("size(claims.groups) == 1 && claims.sub == 'alice'", dev()),
        ("has(claims.groups)", dev()),
        ("claims.groups == ['ops']", Outcome::Reject("claim_validation_rule", 401)),
    ] {
        assert_eq!(answered(rule(expression), resolved(r#"["dev"]"#, 10)), outcome, "{expression}");
    }
    let mut by_name = open_issuer();
    by_name.claim_mappings.username = Mapping::Expression("claims.sub + ':' + claims.groups[0]".to_owned());
    let named = Outcome::Forward(user("alice:dev").groups(["dev"]).headers());
    assert_eq!(answered(by_name, resolved(r#"["dev"]"#, 10)), named);
    let mut required = open_issuer();
    required.required_claims = vec![support::required("groups", "dev")];
    assert_eq!(answered(required.clone(), resolved(r#""dev""#, 10)), dev());
    let value = Outcome::Reject("required_claim_value", 401);
    assert_eq!(answered(required, resolved(r#"["dev"]"#, 10)), value);
}

#[test]
fn without_an_answer_the_token_is_not_blamed() {
    for (answer, outcome) in [
        (Refused, Outcome::Reject("distributed_groups_refused", 401)),
        (Failed, Outcome::Reject("distributed_groups_failed", 503)),
        (Busy, Outcome::Reject("too_many_reviews", 503)),
    ] {
        assert_eq!(answered(open_issuer(), answer), outcome);
    }
}

/// An answer holds for its question, and for nobody else.
#[test]
fn another_question_has_no_answer() {
    let token = case("mine").claims(elsewhere()).token();
    for other in [
        ResolveClaimsRequest { endpoint: format!("{ENDPOINT}&x"), ..question() },
        ResolveClaimsRequest { access_token: String::new(), ..question() },
        ResolveClaimsRequest { claim: "roles".to_owned(), ..question() },
        ResolveClaimsRequest { issuer: "https://other.example".to_owned(), ..question() },
        ResolveClaimsRequest { subject: "bob".to_owned(), ..question() },
    ] {
        let mut gate = Gate::new(RequestPolicy::default(), snapshot([open_issuer()]));
        let mut answers = Answers::default();
        answers.claims(other, resolved(r#"["dev"]"#, 10), at(NOW));
        let outcome: Outcome = gate.decides(&token, &NO_LINES, &answers).into();
        assert_eq!(outcome, Outcome::Ask(Question::Claims(question())));
    }
}

/// A gateway that has let the token in once, by an answer that was good for so long.
fn seen(good_for: u32, expires: u64) -> (Gate, String) {
    let mut gate = Gate::new(RequestPolicy::default(), snapshot([open_issuer()]));
    let token = case("seen").claims(elsewhere()).claims(json!({"exp": expires})).token();
    let mut answers = Answers::default();
    answers.claims(question(), resolved(r#"["dev"]"#, good_for), at(NOW));
    assert_eq!(Outcome::from(gate.decides(&token, &NO_LINES, &answers)), dev());
    (gate, token)
}

#[test]
fn an_answer_is_relied_on_with_its_token_for_ten_seconds_and_not_past_exp() {
    let again = || Outcome::Ask(Question::Claims(question()));
    for (good_for, expires, now, outcome) in [
        (10, NOW + 600, NOW + 9, dev()),
        (10, NOW + 600, NOW + 10, again()),
        (3, NOW + 600, NOW + 2, dev()),
        (3, NOW + 600, NOW + 3, again()),
        // The sidecar may say what it likes.
        (600, NOW + 600, NOW + 9, dev()),
        (600, NOW + 600, NOW + 10, again()),
        (10, NOW + 5, NOW + 4, dev()),
        (10, NOW + 5, NOW + 5, Outcome::Reject("expired", 401)),
        (0, NOW + 600, NOW, again()),
        // A clock that steps back makes it no longer.
        (10, NOW + 600, NOW - 1, again()),
    ] {
        let (mut gate, token) = seen(good_for, expires);
        gate.now = now;
        assert_eq!(gate.sends(&token, &NO_LINES), outcome, "{good_for} {} {}", expires - NOW, now);
    }
}

#[test]
fn a_policy_that_changes_is_heeded_at_the_next_request() {
    let after = |change: fn(&mut Issuer)| {
        let (mut gate, token) = seen(10, NOW + 600);
        let mut next: Snapshot = snapshot([open_issuer()]);
        next.generation = next.generation.next();
        change(&mut next.issuers[0]);
        assert!(gate.authenticator.adopt(Snapshot::decode(&next.encode()).unwrap(), at(NOW)));
        gate.sends(&token, &NO_LINES)
    };
    assert_eq!(after(|_| {}), dev(), "nothing changed for the issuer");
    let refused = Outcome::Reject("distributed_groups", 401);
    assert_eq!(after(|issuer| issuer.claim_hosts = Default::default()), refused);
    let other = |issuer: &mut Issuer| issuer.claim_hosts = ["other".to_owned()].into_iter().collect();
    assert_eq!(after(other), refused);
    let audience = |issuer: &mut Issuer| issuer.audiences = vec!["x".to_owned()];
    assert_eq!(after(audience), Outcome::Reject("audience", 401));
    let more = |issuer: &mut Issuer| issuer.audiences.push("x".to_owned());
    assert_eq!(after(more), Outcome::Ask(Question::Claims(question())));
}

#[test]
fn three_questions_in_one_request() {
    let mut gate = Gate::new(RequestPolicy::default(), snapshot([open_issuer()]));
    let token =
        case("new key").claims(elsewhere()).header(json!({"kid": "k2"})).signed_by(Pair::OtherP256).token();
    let lines = [("impersonate-user", "bob")];
    let mut answers = Answers::default();
    let first = gate.decides(&token, &lines, &answers);
    assert!(matches!(first, Decision::Ask(Question::Keys(_))), "{first:?}");
    let mut next = snapshot([Issuer { keys: Some(keys([Pair::OtherP256.key("k2")])), ..open_issuer() }]);
    next.generation = next.generation.next();
    assert!(gate.authenticator.adopt(next, at(NOW)));
    answers.keys(KeysAnswer::Refreshed(RefreshOutcome::Fetched));
    let second = gate.decides(&token, &lines, &answers);
    assert_eq!(second, Decision::Ask(Question::Claims(question())));
    answers.claims(question(), resolved(r#"["dev"]"#, 10), at(NOW));
    let Decision::Ask(Question::Impersonation(third)) = gate.decides(&token, &lines, &answers) else {
        panic!("no question about bob")
    };
    assert_eq!(third.requester.groups(), ["dev", "system:authenticated"]);
    answers.impersonation(third, ReviewImpersonationResponse::Allowed { good_for: 10 }, at(NOW));
    assert!(matches!(gate.decides(&token, &lines, &answers), Decision::Forward(_)));
    assert!(
        matches!(gate.decides(&token, &lines, &Answers::default()), Decision::Forward(_)),
        "both are known"
    );
}

#[test]
fn secrets_are_not_shown() {
    let shown = format!("{:?}", Question::Claims(question()));
    assert!(shown.contains(ISSUER) && !shown.contains(ACCESS_TOKEN) && !shown.contains(ENDPOINT), "{shown}");
}
