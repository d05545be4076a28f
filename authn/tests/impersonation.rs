//! `kubectl --as`: what a client may ask for, what the API server is asked about it, and who the request goes on as.
#![allow(
    clippy::unwrap_used,
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "test code"
)]

mod support;

use authn::decision::{Answers, Decision, Question, Source};
use authn::feed::{ReviewImpersonationRequest, ReviewImpersonationResponse};
use authn::impersonation_request::{Attribute, MAX_VALUES, Resource};
use authn::policy::{AddedExtra, ClientImpersonation, RequestPolicy};
use authn::snapshot::{Generation, Snapshot};
use authn::user::UserInfo;
use serde_json::json;
use support::*;

type Line<'a> = (&'a str, &'a str);

const JANE: Line<'static> = ("impersonate-user", "jane");
const ALLOWED: ReviewImpersonationResponse = ReviewImpersonationResponse::Allowed { good_for: 10 };
/// What is told of alice, who has a token and nothing else.
const ORIGINAL_USER: Line<'static> = ("impersonate-extra-originaluser.jetstack.io-user", "alice");
const ORIGINAL_GROUPS: Line<'static> =
    ("impersonate-extra-originaluser.jetstack.io-groups", "system:authenticated");

fn gate() -> Gate {
    gate_with(RequestPolicy::default())
}

fn gate_with(policy: RequestPolicy) -> Gate {
    Gate::new(policy, snapshot([issuer()]))
}

fn adding(extra: AddedExtra) -> Gate {
    gate_with(RequestPolicy { added_extra: extra, ..RequestPolicy::default() })
}

fn policy(client_impersonation: ClientImpersonation) -> Gate {
    gate_with(RequestPolicy { client_impersonation, ..RequestPolicy::default() })
}

fn user_info(name: &str, groups: &[&str]) -> UserInfo {
    let groups = groups.iter().map(|group| (*group).to_owned()).collect();
    UserInfo::new(name.to_owned(), String::new(), groups, Vec::new())
}

/// The question that a request is paused for.
#[track_caller]
fn asked<V: AsRef<[u8]>>(gate: &mut Gate, token: &str, lines: &[(&str, V)]) -> ReviewImpersonationRequest {
    match gate.decides(token, lines, &Answers::default()) {
        Decision::Ask(Question::Impersonation(question)) => question,
        other => panic!("{other:?}"),
    }
}

/// What becomes of the request once that question is answered.
#[track_caller]
fn answered<V: AsRef<[u8]>>(
    gate: &mut Gate,
    token: &str,
    lines: &[(&str, V)],
    answer: ReviewImpersonationResponse,
) -> Outcome {
    let question = asked(gate, token, lines);
    let mut answers = Answers::default();
    answers.impersonation(question, answer, at(gate.now));
    gate.decides(token, lines, &answers).into()
}

/// alice asks, is allowed, and goes on as these headers say, with herself in the extra.
#[track_caller]
fn becomes(lines: &[Line<'_>], headers: &[Line<'_>]) {
    let outcome = answered(&mut gate(), &good_token(), lines, ALLOWED);
    let expected = with_credential(&[headers, &[ORIGINAL_USER, ORIGINAL_GROUPS]].concat());
    assert_eq!(outcome, expected, "{lines:?}");
}

/// What the API server is asked about a request of alice's.
#[track_caller]
fn attributes(lines: &[Line<'_>]) -> Vec<Attribute> {
    let question = asked(&mut gate(), &good_token(), lines);
    assert_eq!(question.requester, user_info("alice", &["system:authenticated"]));
    question.target.attributes()
}

#[track_caller]
fn refused<V: AsRef<[u8]> + std::fmt::Debug>(lines: &[(&str, V)], code: u16, reason: &'static str) {
    assert_eq!(gate().sends(&good_token(), lines), Outcome::Reject(reason, code), "{lines:?}");
}

// --- the policies

#[test]
fn each_policy_has_its_way() {
    let group = ("impersonate-group", "ops");
    let alias = ("impersonate_user", "root");
    let alice = || Outcome::Forward(user("alice").headers());
    let token = good_token();

    let mut authorize = policy(ClientImpersonation::Authorize);
    assert!(matches!(authorize.sends(&token, &[JANE, group]), Outcome::Ask(Question::Impersonation(_))));
    let mut reject = policy(ClientImpersonation::Reject);
    assert_eq!(reject.sends(&token, &[JANE, group]), Outcome::Reject("impersonation_not_allowed", 403));
    assert_eq!(reject.sends(&token, &[group]), Outcome::Reject("malformed_impersonation", 400));
    let mut strip = policy(ClientImpersonation::Strip);
    for lines in [&[JANE, group][..], &[group], &[alias], &[JANE, JANE], &[("impersonate-scopes", "x")]] {
        assert_eq!(strip.sends(&token, lines), alice(), "{lines:?}");
    }
    assert_eq!(strip.sends(&token, &[JANE; MAX_VALUES + 1]), alice());
    for mut gate in [authorize, reject, strip] {
        assert_eq!(gate.sends(&token, &NO_LINES), alice());
        assert_eq!(gate.sends(&token, &[("accept", "impersonate-user")]), alice());
    }
}

// --- what is asked

#[test]
fn everything_is_asked_about_user_groups_uid_extra() {
    let lines = [
        ("impersonate-extra-b", "2"),
        ("impersonate-uid", "7"),
        ("impersonate-group", "b"),
        ("impersonate-extra-a%2fc", "1"),
        JANE,
        ("impersonate-group", "a,c"),
        ("impersonate-extra-b", "1"),
        ("impersonate-group", "b"),
    ];
    let extra = |key: &str, value: &str| Attribute::Extra { key: key.to_owned(), value: value.to_owned() };
    let group = |name: &str| Attribute::Group(name.to_owned());
    let asked = attributes(&lines);
    let expected = [
        Attribute::User("jane".to_owned()),
        group("b"),
        group("a,c"),
        group("b"),
        Attribute::Uid("7".to_owned()),
        extra("a/c", "1"),
        extra("b", "2"),
        extra("b", "1"),
    ];
    assert_eq!(asked, expected);

    const AUTHENTICATION: &str = "authentication.k8s.io";
    let resource =
        |group, resource, subresource, name| Resource { group, resource, subresource, namespace: "", name };
    let resources: Vec<_> = asked.iter().map(Attribute::resource).collect();
    let expected = [
        resource("", "users", "", "jane"),
        resource("", "groups", "", "b"),
        resource("", "groups", "", "a,c"),
        resource("", "groups", "", "b"),
        resource(AUTHENTICATION, "uids", "", "7"),
        resource(AUTHENTICATION, "userextras", "a/c", "1"),
        resource(AUTHENTICATION, "userextras", "b", "2"),
        resource(AUTHENTICATION, "userextras", "b", "1"),
    ];
    assert_eq!(resources, expected);
}

/// The requester is asked about as the API server would know them from their token.
#[test]
fn the_requester_is_whole() {
    let mut issuer = issuer();
    issuer.claim_mappings.uid = Some(authn::issuer::Mapping::Claim("uid".to_owned()));
    let mut gate = Gate::new(RequestPolicy::default(), snapshot([issuer]));
    let token = case("whole").claims(json!({"groups": ["dev"], "uid": "u1", "jti": "j"})).token();
    let question = asked(&mut gate, &token, &[JANE]);
    let expected = UserInfo::new(
        "alice".to_owned(),
        "u1".to_owned(),
        vec!["dev".to_owned(), "system:authenticated".to_owned()],
        vec![("authentication.kubernetes.io/credential-id".to_owned(), vec!["JTI=j".to_owned()])],
    );
    assert_eq!(question.requester, expected);
    let expected = with_credential(&[
        JANE,
        ("impersonate-group", "system:authenticated"),
        ORIGINAL_USER,
        ("impersonate-extra-originaluser.jetstack.io-groups", "dev"),
        ORIGINAL_GROUPS,
        ("impersonate-extra-originaluser.jetstack.io-uid", "u1"),
        (
            "impersonate-extra-originaluser.jetstack.io-extra",
            r#"{"authentication.kubernetes.io/credential-id":["JTI=j"]}"#,
        ),
    ]);
    assert_eq!(answered(&mut gate, &token, &[JANE], ALLOWED), expected);
}

/// k8s.io/apiserver `serviceaccount.SplitUsername`: two parts, a DNS label and a DNS subdomain.
#[test]
fn a_service_account_is_asked_about_as_one() {
    let (long_label, long_name) = ("n".repeat(63), format!("{}.{}", "a".repeat(126), "b".repeat(126)));
    let mut accounts = vec![
        ("ci", "builder"),
        ("0", "1"),
        ("a-b", "c-d.e"),
        (long_label.as_str(), "x"),
        ("ci", long_name.as_str()),
    ];
    for (namespace, name) in accounts.drain(..) {
        let username = format!("system:serviceaccount:{namespace}:{name}");
        let asked = attributes(&[("impersonate-user", &username)]);
        assert_eq!(asked, [Attribute::ServiceAccount(username.clone())]);
        let resource = Resource { group: "", resource: "serviceaccounts", subresource: "", namespace, name };
        assert_eq!(asked[0].resource(), resource);
        becomes(
            &[("impersonate-user", &username)],
            &[
                ("impersonate-user", &username),
                ("impersonate-group", "system:serviceaccounts"),
                ("impersonate-group", &format!("system:serviceaccounts:{namespace}")),
                ("impersonate-group", "system:authenticated"),
            ],
        );
        // Whoever names groups gets these and no others.
        becomes(
            &[("impersonate-user", &username), ("impersonate-group", "dev")],
            &[
                ("impersonate-user", &username),
                ("impersonate-group", "dev"),
                ("impersonate-group", "system:authenticated"),
            ],
        );
    }
}

#[test]
fn what_is_almost_a_service_account_is_a_user() {
    let (long_label, long_name) = ("n".repeat(64), format!("{}.{}", "a".repeat(126), "b".repeat(127)));
    for rest in [
        "system:serviceaccount:",
        "system:serviceaccount:ci",
        "system:serviceaccount:ci:",
        "system:serviceaccount::x",
        "system:serviceaccount:ci:x:y",
        "system:serviceaccount:Ci:x",
        "system:serviceaccount:ci:X",
        "system:serviceaccount:ci.a:x",
        "system:serviceaccount:-ci:x",
        "system:serviceaccount:ci-:x",
        "system:serviceaccount:ci:.x",
        "system:serviceaccount:ci:x.",
        "system:serviceaccount:ci:x..y",
        "system:serviceaccount:ci:x.-y",
        "system:serviceaccount:ci:x_y",
        "system:serviceaccount:ci:x y",
        "system:serviceaccount:c\u{ef}:x",
        "system:serviceaccounts:ci:x",
        "System:serviceaccount:ci:x",
        "xsystem:serviceaccount:ci:x",
        "system:node:a",
        &format!("system:serviceaccount:{long_label}:x"),
        &format!("system:serviceaccount:ci:{long_name}"),
    ] {
        let asked = attributes(&[("impersonate-user", rest)]);
        assert_eq!(asked, [Attribute::User(rest.to_owned())]);
        let resource = Resource { group: "", resource: "users", subresource: "", namespace: "", name: rest };
        assert_eq!(asked[0].resource(), resource);
        let headers = [("impersonate-user", rest), ("impersonate-group", "system:authenticated")];
        becomes(&[("impersonate-user", rest)], &headers);
    }
}

// --- what can't be followed

#[test]
fn malformed_requests_are_refused() {
    let group = ("impersonate-group", "ops");
    let with = |line: Line<'static>| vec![JANE, line];
    for lines in [
        // Nobody to be.
        vec![group],
        vec![("impersonate-uid", "1")],
        vec![("impersonate-extra-a", "1")],
        vec![("impersonate-user", "")],
        vec![("impersonate-user", ""), group],
        // Two of them.
        vec![JANE, JANE],
        vec![JANE, ("impersonate-user", "")],
        vec![JANE, ("Impersonate-User", "john")],
        vec![JANE, ("impersonate-uid", "1"), ("impersonate-uid", "1")],
        // Nobody knows these.
        with(("impersonate-", "x")),
        with(("impersonate-scopes", "x")),
        with(("impersonate-users", "x")),
        with(("impersonate-groups", "x")),
        with(("impersonate-extra", "x")),
        with(("impersonate-userextra-a", "x")),
        with(("impersonate-user ", "x")),
        // Something behind a gateway could take these for others.
        vec![("impersonate_user", "jane")],
        vec![("impersonate.user", "jane")],
        with(("impersonate_group", "ops")),
        with(("impersonate.extra-a", "x")),
        with(("impersonate-extra_a", "x")),
        with(("impersonate_extra-a", "x")),
        // Empty, or not as it would arrive.
        with(("impersonate-group", "")),
        with(("impersonate-uid", "")),
        with(("impersonate-extra-a", "")),
        vec![("impersonate-user", " jane")],
        vec![("impersonate-user", "jane ")],
        vec![("impersonate-user", "jane\t")],
        vec![("impersonate-user", "ja\tne")],
        vec![("impersonate-user", "ja\0ne")],
        vec![("impersonate-user", "jane\r\nimpersonate-group: system:masters")],
        vec![("impersonate-user", "jane\u{7f}")],
        with(("impersonate-group", "ops ")),
        with(("impersonate-uid", " 1")),
        with(("impersonate-extra-a", "x\n")),
    ] {
        refused(&lines, 400, "malformed_impersonation");
    }
    for name in ["impersonate-user", "impersonate-group", "impersonate-uid", "impersonate-extra-a"] {
        let lines = [("impersonate-user", &b"jane"[..]), (name, b"\xff")];
        refused(&lines[usize::from(name == "impersonate-user")..], 400, "malformed_impersonation");
    }
}

#[test]
fn what_arrives_as_it_was_sent_may_be_asked_for() {
    for value in ["zo\u{eb}", "a b", "a,b", "a;b=c", "%41", "*", "system:admin", "\"x\"", "'", "\\"] {
        let asked = attributes(&[("impersonate-user", value), ("impersonate-group", value)]);
        assert_eq!(asked, [Attribute::User(value.to_owned()), Attribute::Group(value.to_owned())]);
        let headers = [("impersonate-user", value), ("impersonate-group", value)];
        becomes(&headers, &[headers[0], headers[1], ("impersonate-group", "system:authenticated")]);
    }
}

#[test]
fn sixty_four_values_and_no_more() {
    let many = |count: usize| [&[JANE][..], &vec![("impersonate-group", "x"); count - 1]].concat();
    assert_eq!(attributes(&many(MAX_VALUES)).len(), MAX_VALUES);
    assert_eq!(MAX_VALUES, 64);
    refused(&many(MAX_VALUES + 1), 431, "too_many_impersonation_values");
    refused(&vec![("impersonate-scopes", "x"); 100], 400, "malformed_impersonation");
    refused(&vec![("impersonate-group", "x"); 65], 431, "too_many_impersonation_values");
    let mut reject = policy(ClientImpersonation::Reject);
    let outcome = reject.sends(&good_token(), &many(MAX_VALUES + 1));
    assert_eq!(outcome, Outcome::Reject("too_many_impersonation_values", 431));
}

// --- keys of the extra

/// The key that is asked about, and the name under which it goes on.
#[track_caller]
fn key(sent: &str, key: &str, goes_on: &str) {
    let sent = format!("impersonate-extra-{sent}");
    let asked = attributes(&[JANE, (&sent, "v")]);
    let expected =
        [Attribute::User("jane".to_owned()), Attribute::Extra { key: key.to_owned(), value: "v".to_owned() }];
    assert_eq!(asked, expected, "{sent}");
    let goes_on = format!("impersonate-extra-{goes_on}");
    becomes(&[JANE, (&sent, "v")], &[JANE, ("impersonate-group", "system:authenticated"), (&goes_on, "v")]);
}

#[test]
fn keys_are_read_and_written_as_client_go_does() {
    key("a", "a", "a");
    key("Acme.com", "acme.com", "acme.com");
    key("acme.com%2fproject", "acme.com/project", "acme.com%2Fproject");
    key("ACME.COM%2FPROJECT", "acme.com/project", "acme.com%2Fproject");
    key("a%25b", "a%b", "a%25b");
    key("%61", "a", "a");
    key("%c3%bc", "\u{fc}", "%C3%BC");
    key("a%20b", "a b", "a%20b");
    key("a%00", "a\0", "a%00");
    key("%0d%0ax", "\r\nx", "%0D%0Ax");
    key("a+b", "a+b", "a+b");
    key("*", "*", "*");
    key("-", "-", "-");
    // What can't be unescaped is taken as it stands.
    key("almost%zz", "almost%zz", "almost%25zz");
    key("a%", "a%", "a%25");
    key("a%2", "a%2", "a%252");
    key("%2f%zz", "%2f%zz", "%252f%25zz");
    key("%4Fx%zz", "%4fx%zz", "%254fx%25zz");
    // Only once.
    key("%2525", "%25", "%2525");
    key("%2561", "%61", "%2561");
}

#[test]
fn keys_that_would_come_out_as_others_are_refused() {
    for key in ["", "%41", "a%5A", "%4friginaluser.jetstack.io-user", "%ff", "a%c3", "%c3%28", "%ed%a0%80"] {
        refused(&[JANE, (&format!("impersonate-extra-{key}"), "v")], 400, "malformed_impersonation");
    }
}

/// One key in two spellings is one key, its values in the order of the lines.
#[test]
fn spellings_of_a_key_are_one_key() {
    let lines = [JANE, ("impersonate-extra-a%2fb", "1"), ("impersonate-extra-A%2FB", "2")];
    let name = "impersonate-extra-a%2Fb";
    becomes(&lines, &[JANE, ("impersonate-group", "system:authenticated"), (name, "1"), (name, "2")]);
}

fn added() -> AddedExtra {
    let values = vec!["prod".to_owned(), "eu".to_owned()];
    AddedExtra::new([("acme.com/cluster".to_owned(), values)], Some("remote-client-ip".to_owned())).unwrap()
}

#[test]
fn reserved_keys_are_nobodys_to_set() {
    for key in [
        "originaluser.jetstack.io-user",
        "originaluser.jetstack.io-groups",
        "originaluser.jetstack.io-uid",
        "originaluser.jetstack.io-extra",
        "originaluser.jetstack.io-",
        "originaluser.jetstack.io-anything",
        "OriginalUser.Jetstack.io-User",
        "%6friginaluser.jetstack.io-user",
        "originaluser%2ejetstack.io-user",
        "acme.com%2fcluster",
        "acme.com%2Fcluster",
        "acme.com/cluster",
        "remote-client-ip",
        "Remote-Client-IP",
        "remote%2dclient-ip",
    ] {
        let name = format!("impersonate-extra-{key}");
        let refused = adding(added()).sends(&good_token(), &[JANE, (&name, "v")]);
        assert_eq!(refused, Outcome::Reject("impersonation_denied", 403), "{key}");
    }
    // Without a setting there is nothing to reserve, but for the original user.
    key("remote-client-ip", "remote-client-ip", "remote-client-ip");
    refused(&[JANE, ("impersonate-extra-originaluser.jetstack.io-user", "v")], 403, "impersonation_denied");
    // Near misses are other keys.
    key("originaluser.jetstack.io", "originaluser.jetstack.io", "originaluser.jetstack.io");
    key("originaluser_jetstack.io-user", "originaluser_jetstack.io-user", "originaluser_jetstack.io-user");
    key("xoriginaluser.jetstack.io-user", "xoriginaluser.jetstack.io-user", "xoriginaluser.jetstack.io-user");
}

#[test]
fn a_reserved_key_is_denied_by_name() {
    let lines = [JANE, ("impersonate-extra-originaluser.jetstack.io-user", "root")];
    let Decision::Reject(refused) = gate().decides(&good_token(), &lines, &Answers::default()) else {
        panic!("not refused")
    };
    assert_eq!(
        refused.rejection.message(),
        "alice is not allowed to impersonate extra info 'originaluser.jetstack.io-user=root'"
    );
}

// --- who it goes on as

#[test]
fn the_target_gets_the_group_that_kube_apiserver_would_add() {
    let (authenticated, unauthenticated) =
        (("impersonate-group", "system:authenticated"), ("impersonate-group", "system:unauthenticated"));
    let anonymous = ("impersonate-user", "system:anonymous");
    let ops = ("impersonate-group", "ops");
    becomes(&[JANE], &[JANE, authenticated]);
    becomes(&[JANE, ops], &[JANE, ops, authenticated]);
    becomes(&[JANE, authenticated, ops], &[JANE, authenticated, ops]);
    becomes(&[JANE, unauthenticated], &[JANE, unauthenticated]);
    becomes(&[JANE, authenticated, unauthenticated], &[JANE, authenticated, unauthenticated]);
    becomes(&[anonymous], &[anonymous, unauthenticated]);
    becomes(&[anonymous, ops], &[anonymous, ops, unauthenticated]);
    becomes(&[anonymous, authenticated], &[anonymous, authenticated, unauthenticated]);
    becomes(&[anonymous, unauthenticated], &[anonymous, unauthenticated]);
}

#[test]
fn uid_and_extra_go_on_with_the_user() {
    becomes(
        &[("impersonate-extra-z", "2"), ("impersonate-uid", "7"), ("impersonate-extra-a", "1"), JANE],
        &[
            JANE,
            ("impersonate-uid", "7"),
            ("impersonate-group", "system:authenticated"),
            ("impersonate-extra-a", "1"),
            ("impersonate-extra-z", "2"),
        ],
    );
}

#[test]
fn what_the_gateway_adds_is_added_to_both() {
    let cluster = "impersonate-extra-acme.com%2Fcluster";
    let authenticated = ("impersonate-group", "system:authenticated");
    for (address, told) in [
        (Some("192.0.2.7"), Some("192.0.2.7")),
        (Some("2001:DB8:0::1"), Some("2001:db8::1")),
        (Some("::ffff:192.0.2.7"), Some("::ffff:192.0.2.7")),
        (None, None),
    ] {
        let mut gate = adding(added());
        gate.address = address.map(|address| address.parse().unwrap());
        let told = told.map(|told| ("impersonate-extra-remote-client-ip", told));
        let mut tail = vec![(cluster, "prod"), (cluster, "eu")];
        tail.extend(told);
        let own = [&[("impersonate-user", "alice"), authenticated][..], &tail].concat();
        assert_eq!(gate.sends(&good_token(), &NO_LINES), with_credential(&own));
        let target = [&[JANE, authenticated, ORIGINAL_USER, ORIGINAL_GROUPS][..], &tail].concat();
        assert_eq!(answered(&mut gate, &good_token(), &[JANE], ALLOWED), with_credential(&target));
        // Another address of the same user is that request's own.
        gate.address = Some("198.51.100.1".parse().unwrap());
        let Outcome::Forward(headers) = gate.sends(&good_token(), &[JANE]) else { panic!("not warm") };
        let told = ("impersonate-extra-remote-client-ip".to_owned(), "198.51.100.1".to_owned());
        assert_eq!(headers.iter().filter(|header| **header == told).count(), 1);
    }
}

#[test]
fn both_identities_are_told() {
    let mut gate = gate();
    let mut answers = Answers::default();
    answers.impersonation(asked(&mut gate, &good_token(), &[JANE]), ALLOWED, at(NOW));
    let Decision::Forward(forward) = gate.decides(&good_token(), &[JANE], &answers) else {
        panic!("not forwarded")
    };
    assert_eq!(forward.caller().user(), user_info("alice", &["system:authenticated"]));
    assert_eq!(forward.caller().source(), &Source::Issuer(ISSUER.into()));
    assert_eq!(forward.caller().expires(), Some(at(NOW + 600)));
    assert_eq!(
        forward.impersonated().map(|target| target.user().username().to_owned()).as_deref(),
        Some("jane")
    );
    let printed = format!("{forward:?}");
    assert!(printed.contains("jane") && !printed.contains(CREDENTIAL), "{printed}");
}

// --- the answers

#[test]
fn each_answer_has_its_outcome() {
    use ReviewImpersonationResponse::{Busy, Denied, Failed};
    let group = Attribute::Group("ops".to_owned());
    for (answer, outcome) in [
        (Busy, Outcome::Reject("too_many_reviews", 503)),
        (Failed, Outcome::Reject("impersonation_review_failed", 503)),
        (Denied(group), Outcome::Reject("impersonation_denied", 403)),
    ] {
        let mut gate = gate();
        assert_eq!(answered(&mut gate, &good_token(), &[JANE], answer.clone()), outcome);
        // Nothing of it is kept.
        assert_eq!(answered(&mut gate, &good_token(), &[JANE], answer), outcome);
        assert!(matches!(gate.sends(&good_token(), &[JANE]), Outcome::Ask(_)));
    }
}

#[test]
fn a_denial_names_what_is_denied() {
    let service_account = "system:serviceaccount:ci:builder".to_owned();
    for (denied, message) in [
        (Attribute::User("jane".to_owned()), "user 'jane'"),
        (Attribute::ServiceAccount(service_account), "serviceaccount 'system:serviceaccount:ci:builder'"),
        (Attribute::Group("system:masters".to_owned()), "group 'system:masters'"),
        (Attribute::Uid("7".to_owned()), "uid '7'"),
        (Attribute::Extra { key: "a/b".to_owned(), value: "\"c\n".to_owned() }, "extra info 'a/b=\"c\n'"),
    ] {
        let mut gate = gate();
        let mut answers = Answers::default();
        let question = asked(&mut gate, &good_token(), &[JANE]);
        answers.impersonation(question, ReviewImpersonationResponse::Denied(denied), at(NOW));
        let Decision::Reject(refused) = gate.decides(&good_token(), &[JANE], &answers) else {
            panic!("not refused")
        };
        let body: serde_json::Value = serde_json::from_str(&refused.rejection.body()).unwrap();
        let expected = json!({
            "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "code": 403,
            "message": format!("alice is not allowed to impersonate {message}"), "reason": "Forbidden",
        });
        assert_eq!(body, expected);
        assert_eq!(refused.rejection.headers(), []);
        assert_eq!(refused.source, Some(Source::Issuer(ISSUER.into())));
        assert_eq!(refused.user, Some(user_info("alice", &["system:authenticated"])));
    }
}

/// An answer holds for its question: the requester, whole, and everything that is asked for.
#[test]
fn an_answer_to_another_question_helps_nobody() {
    let bob = case("bob").claims(json!({"sub": "bob"})).token();
    let in_ops = case("ops").claims(json!({"groups": ["ops"]})).token();
    let with_jti = case("jti").claims(json!({"jti": "j"})).token();
    let lines = [JANE, ("impersonate-group", "a"), ("impersonate-extra-k", "1")];
    let others: [&[Line<'_>]; 7] = [
        &[JANE],
        &[JANE, ("impersonate-group", "a")],
        &[JANE, ("impersonate-group", "b"), ("impersonate-extra-k", "1")],
        &[JANE, ("impersonate-group", "a"), ("impersonate-extra-k", "2")],
        &[JANE, ("impersonate-group", "a"), ("impersonate-extra-l", "1")],
        &[("impersonate-user", "john"), ("impersonate-group", "a"), ("impersonate-extra-k", "1")],
        &[JANE, ("impersonate-uid", "1"), ("impersonate-group", "a"), ("impersonate-extra-k", "1")],
    ];
    for (token, others) in [
        (good_token(), &others[..]),
        (bob, &[&lines[..]]),
        (in_ops, &[&lines[..]]),
        (with_jti, &[&lines[..]]),
    ] {
        for other in others {
            let mut gate = gate();
            let mut answers = Answers::default();
            answers.impersonation(asked(&mut gate, &good_token(), &lines), ALLOWED, at(NOW));
            let decision = gate.decides(&token, other, &answers);
            assert!(matches!(decision, Decision::Ask(Question::Impersonation(_))), "{other:?}: {decision:?}");
            // Nor does it once it is kept.
            assert!(matches!(gate.decides(&good_token(), &lines, &answers), Decision::Forward(_)));
            assert!(matches!(gate.sends(&token, other), Outcome::Ask(_)), "{other:?}");
        }
    }
}

#[test]
fn a_bad_token_is_refused_before_anything_is_asked() {
    let forged = case("forged").signed_by(Pair::OtherP256).token();
    let mut gate = gate();
    assert!(matches!(answered(&mut gate, &good_token(), &[JANE], ALLOWED), Outcome::Forward(_)));
    assert_eq!(gate.sends(&forged, &[JANE]), Outcome::Reject("signature", 401));
    assert_eq!(gate.sends("", &[JANE]), Outcome::Reject("no_credential", 401));
    // What is kept does not outlive the token.
    gate.now = NOW + 595;
    assert!(matches!(answered(&mut gate, &good_token(), &[JANE], ALLOWED), Outcome::Forward(_)));
    gate.now = NOW + 600;
    assert_eq!(gate.sends(&good_token(), &[JANE]), Outcome::Reject("expired", 401));
}

#[test]
fn an_allowed_answer_is_good_from_when_it_was_asked() {
    let token = good_token();
    let mut gate = gate();
    let mut answers = Answers::default();
    answers.impersonation(asked(&mut gate, &token, &[JANE]), ALLOWED, at(NOW));
    // The answer came four seconds later.
    gate.now = NOW + 4;
    assert!(matches!(gate.decides(&token, &[JANE], &answers), Decision::Forward(_)));
    for (now, is_warm) in [(NOW + 5, true), (NOW + 9, true), (NOW + 10, false)] {
        gate.now = now;
        assert_eq!(matches!(gate.sends(&token, &[JANE]), Outcome::Forward(_)), is_warm, "{now}");
    }
    // Then it is asked again, and the next answer counts for itself.
    assert!(matches!(answered(&mut gate, &token, &[JANE], ALLOWED), Outcome::Forward(_)));
    gate.now += 9;
    assert!(matches!(gate.sends(&token, &[JANE]), Outcome::Forward(_)));
    gate.now += 1;
    assert!(matches!(gate.sends(&token, &[JANE]), Outcome::Ask(_)));
    // A clock that steps back makes nothing good for longer.
    assert!(matches!(answered(&mut gate, &token, &[JANE], ALLOWED), Outcome::Forward(_)));
    gate.now -= 1;
    assert!(matches!(gate.sends(&token, &[JANE]), Outcome::Ask(_)));
}

/// An answer that is good for no time is good for the request that asked.
#[test]
fn an_answer_may_be_good_for_one_request() {
    let once = ReviewImpersonationResponse::Allowed { good_for: 0 };
    let mut gate = gate();
    assert!(matches!(answered(&mut gate, &good_token(), &[JANE], once), Outcome::Forward(_)));
    assert!(matches!(gate.sends(&good_token(), &[JANE]), Outcome::Ask(_)));
}

#[test]
fn a_new_snapshot_forgets() {
    let mut gate = gate();
    assert!(matches!(answered(&mut gate, &good_token(), &[JANE], ALLOWED), Outcome::Forward(_)));
    assert!(matches!(gate.sends(&good_token(), &[JANE]), Outcome::Forward(_)));
    let newer = Snapshot { generation: Generation { epoch: 1, counter: 2 }, ..snapshot([issuer()]) };
    assert!(gate.authenticator.adopt(newer, at(NOW)));
    assert!(matches!(gate.sends(&good_token(), &[JANE]), Outcome::Ask(_)));
}

/// The same request in another order or other letters is at worst asked about again; it never becomes another one.
#[test]
fn order_and_letters_change_nothing() {
    let group = ("impersonate-group", "a");
    let mut gate = gate();
    let outcome = answered(&mut gate, &good_token(), &[JANE, group], ALLOWED);
    for lines in [[group, JANE], [("Impersonate-User", "jane"), ("IMPERSONATE-GROUP", "a")]] {
        assert_eq!(answered(&mut gate, &good_token(), &lines, ALLOWED), outcome);
        assert_eq!(gate.sends(&good_token(), &lines), outcome);
    }
    // Headers of other kinds have no part in it.
    let lines = [("accept", "x"), JANE, ("x-remote-user", "root"), group];
    assert_eq!(gate.sends(&good_token(), &lines), outcome);
    // The order of groups is the client's.
    let (ab, ba) = ([JANE, group, ("impersonate-group", "b")], [JANE, ("impersonate-group", "b"), group]);
    let first = answered(&mut gate, &good_token(), &ab, ALLOWED);
    assert_ne!(first, answered(&mut gate, &good_token(), &ba, ALLOWED));
}
