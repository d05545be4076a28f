//! Tokens that no configured issuer made, requests without impersonation, and requests without any credential.
#![allow(
    clippy::unwrap_used,
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "test code"
)]

mod support;

use authn::anonymous::Anonymous;
use authn::base64url;
use authn::decision::{Answers, Decision, Forward, Question, Source};
use authn::feed::{ReviewImpersonationResponse, ReviewTokenRequest, ReviewTokenResponse};
use authn::issuer::IdentityGuard;
use authn::policy::{AddedExtra, ClientImpersonation, RequestPolicy, UpstreamIdentity};
use authn::request::{Edit, Request};
use authn::snapshot::{Generation, Snapshot, UpstreamCredential};
use authn::user::UserInfo;
use base64::Engine as _;
use serde_json::json;
use support::*;

/// A token that is none of ours, and no JWT.
const OPAQUE: &str = "opaque-token";
/// `iss` of the cluster's own tokens.
const CLUSTER: &str = "https://kubernetes.default.svc";

/// A JWT with these claims, signed by nobody.
fn unsigned(claims: &serde_json::Value) -> String {
    jwt(&serde_json::to_vec(claims).unwrap())
}

fn jwt(payload: &[u8]) -> String {
    format!("{}.{}.c2ln", base64url::encode(br#"{"alg":"RS256","kid":"x"}"#), base64url::encode(payload))
}

/// The gateway's own credential, as Kubernetes makes them.
fn own_credential() -> String {
    unsigned(&json!({"iss": CLUSTER, "sub": "system:serviceaccount:auth:gateway", "jti": "own"}))
}

fn passing(audiences: &[&str]) -> RequestPolicy {
    let audiences = audiences.iter().map(|audience| (*audience).to_owned()).collect();
    RequestPolicy { token_passthrough: Some(audiences), ..RequestPolicy::default() }
}

fn with_webhook() -> Snapshot {
    let credential = UpstreamCredential::new(own_credential(), None).unwrap();
    Snapshot {
        token_webhook: Some(IdentityGuard::default()),
        upstream_credential: Some(credential),
        ..snapshot([issuer()])
    }
}

fn without_webhook() -> Snapshot {
    Snapshot { token_webhook: None, ..with_webhook() }
}

fn webhook() -> Gate {
    Gate::new(RequestPolicy::default(), with_webhook())
}

fn both() -> Gate {
    Gate::new(passing(&[]), with_webhook())
}

fn info(name: &str) -> UserInfo {
    UserInfo::new(name.to_owned(), String::new(), vec!["staff".to_owned()], Vec::new())
}

fn by_webhook(user: UserInfo) -> ReviewTokenResponse {
    ReviewTokenResponse::Webhook { user, good_for: 10 }
}

fn by_api_server(user: UserInfo) -> ReviewTokenResponse {
    ReviewTokenResponse::PassThrough { user, good_for: 10 }
}

#[track_caller]
fn asked(gate: &mut Gate, token: &str) -> ReviewTokenRequest {
    match gate.decides(token, &NO_LINES, &Answers::default()) {
        Decision::Ask(Question::Token(question)) => question,
        other => panic!("{other:?}"),
    }
}

#[track_caller]
fn answers(gate: &mut Gate, token: &str, answer: ReviewTokenResponse) -> Answers {
    let mut answers = Answers::default();
    answers.token(asked(gate, token), answer, at(gate.now));
    answers
}

#[track_caller]
fn answered(gate: &mut Gate, token: &str, answer: ReviewTokenResponse) -> Outcome {
    let answers = answers(gate, token, answer);
    gate.decides(token, &NO_LINES, &answers).into()
}

/// Goes on with its own token: nothing of the gateway's is added.
#[track_caller]
fn own(decision: Decision) -> Forward {
    let Decision::Forward(forward) = decision else { panic!("{decision:?}") };
    assert_eq!(upstream_headers(&forward), []);
    assert_eq!(forward.impersonated(), None);
    forward
}

/// The names and values that are left of a request's lines.
fn left<'a>(forward: &Forward, lines: &[(&'a str, &'a str)]) -> Vec<(&'a str, String)> {
    let all: Vec<_> = lines.iter().map(|(name, value)| (*name, value.as_bytes())).collect();
    let request = Request::read(&all);
    let mut left: Vec<_> = lines.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
    for edit in forward.edits(&request) {
        match edit {
            Edit::Remove(name) => left.retain(|(line, _)| line != name),
            Edit::Set(name, value) => {
                left.retain(|(line, _)| line != name);
                left.push((name, String::from_utf8(value.clone()).unwrap()));
            }
        }
    }
    left
}

fn bob_headers() -> Outcome {
    let credential = format!("Bearer {}", own_credential());
    let headers = [
        ("impersonate-user", "bob"),
        ("impersonate-group", "staff"),
        ("impersonate-group", "system:authenticated"),
        ("authorization", credential.as_str()),
    ];
    Outcome::Forward(headers.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec())
}

// --- who is asked

#[test]
fn only_who_is_configured_is_asked() {
    let question = |pass_through: Option<&[&str]>, webhook| ReviewTokenRequest {
        token: OPAQUE.to_owned(),
        pass_through: pass_through.map(|all| all.iter().map(|one| (*one).to_owned()).collect()),
        webhook,
    };
    let mut nobody = Gate::new(RequestPolicy::default(), without_webhook());
    assert_eq!(nobody.sends(OPAQUE, &NO_LINES), Outcome::Reject("not_a_jwt", 401));
    let other = unsigned(&json!({"iss": "https://other.example"}));
    assert_eq!(nobody.sends(&other, &NO_LINES), Outcome::Reject("unknown_issuer", 401));

    assert_eq!(asked(&mut webhook(), OPAQUE), question(None, true));
    assert_eq!(asked(&mut both(), OPAQUE), question(Some(&[]), true));
    let mut pass_through = Gate::new(passing(&["a", "b"]), without_webhook());
    assert_eq!(asked(&mut pass_through, OPAQUE), question(Some(&["a", "b"]), false));
    // A token of any form that is not a configured issuer's.
    for token in [&other, &unsigned(&json!({})), "a.b", "a.b.c", "a.b.c.d.e", "...", "{}", &jwt(b"null")] {
        assert_eq!(asked(&mut both(), token).token, token);
    }
}

/// What its text can't be, or what is too long, is nobody's.
#[test]
fn what_is_no_token_is_asked_of_nobody() {
    for (token, reason, code) in [
        ("a b", "not_one_token", 401),
        ("a,b", "not_one_token", 401),
        ("\u{fc}", "not_one_token", 401),
        (&"x".repeat(16_385), "token_too_long", 431),
    ] {
        assert_eq!(both().sends(token, &NO_LINES), Outcome::Reject(reason, code));
    }
}

#[test]
fn a_token_of_a_configured_issuer_is_asked_of_nobody() {
    for (case, reason) in [
        (case("forged").signed_by(Pair::OtherP256), "signature"),
        (case("expired").claims(json!({"exp": NOW - 1})), "expired"),
        (case("audience").claims(json!({"aud": "other"})), "audience"),
        (case("both spellings").claims(json!({"ISS": "https://other.example"})), "claim_case_variant"),
        (case("crit").header(json!({"crit": ["x"]})), "token_critical"),
    ] {
        assert_eq!(both().sends(&case.token(), &NO_LINES), Outcome::Reject(reason, 401));
    }
    let unknown_key = case("kid").header(json!({"kid": "other"})).token();
    assert_eq!(both().sends(&unknown_key, &NO_LINES), Outcome::RefreshKeys("other".to_owned()));
    let system = case("system").claims(json!({"sub": "system:admin"})).token();
    assert_eq!(both().sends(&system, &NO_LINES), Outcome::Reject("reserved_username", 403));
}

/// Odd spellings of what a configured issuer says are its business, too.
#[test]
fn a_claim_to_be_a_configured_issuers_is_seen_in_any_spelling() {
    let payloads: [&[u8]; 12] = [
        br#"{"ISS":"https://issuer.example/realm"}"#,
        br#"{"Iss":"https://issuer.example/realm","iss":"https://other.example"}"#,
        br#"{"iss":"https://other.example","iss":"https://issuer.example/realm"}"#,
        br#"{"iss":"https://issuer.example/realm","iss":"https://other.example"}"#,
        br#"{"\u0069ss":"https://issuer.example/realm","x":1,"x":2}"#,
        br#"{"iss":"https:\/\/issuer.example\/realm","x":1,"x":2}"#,
        br#"{"iss":"https://issuer.example/realm""#,
        br#"{"iss":"https://issuer.example/realm","#,
        br#"{"iss":"https://issuer.example/realm"}{"iss":"https://other.example"}"#,
        br#"{"iss":"https://issuer.example/realm"} trailing"#,
        br#" {"iss" : "https://issuer.example/realm", "n": 1e400}"#,
        br#"{"iss":"https://issuer.example/realm","s":"\ud800"}"#,
    ];
    for payload in payloads {
        nobody_is_asked(&jwt(payload));
    }
}

/// What stops our own reader, but not kube-apiserver's, in front of `iss`.
#[test]
fn an_issuer_is_seen_behind_what_we_do_not_read() {
    let iss = format!("\"iss\":\"{ISSUER}\"}}");
    let nested = format!("{{\"x\":{}{},", "[".repeat(200), "]".repeat(200));
    let begins: [&[u8]; 8] = [
        br#"{"n":1e400,"#,
        br#"{"s":"\ud800","#,
        br#"{"\ud800":1,"#,
        b"{\"s\":\"\xff\",",
        b"{\"\xff\":1,",
        br#"{"x":tru,"#,
        b"\xef\xbb\xbf{",
        nested.as_bytes(),
    ];
    for begin in begins {
        nobody_is_asked(&jwt(&[begin, iss.as_bytes()].concat()));
    }
    // Go's encoding/json folds these letters, too.
    nobody_is_asked(&jwt(format!("{{\"i\u{17f}s\":\"{ISSUER}\"}}").as_bytes()));
    nobody_is_asked(&jwt(format!("{{\"\\u0049\\u017fs\":\"{ISSUER}\"}}").as_bytes()));
}

/// Readers that skip empty parts, or take no notice of further ones.
#[test]
fn dots_hide_no_issuer() {
    let good = good_token();
    for token in [format!(".{good}"), format!("{good}."), good.replace('.', ".."), format!("{good}.x.y")] {
        nobody_is_asked(&token);
    }
    nobody_is_asked(good.rsplit_once('.').unwrap().0);
    nobody_is_asked(good.split('.').nth(1).unwrap());
}

#[track_caller]
fn nobody_is_asked(token: &str) {
    for mut gate in [both(), webhook(), Gate::new(passing(&[]), without_webhook())] {
        let outcome = gate.sends(token, &NO_LINES);
        assert!(matches!(outcome, Outcome::Reject(_, 401)), "{token}: {outcome:?}");
    }
}

#[test]
fn base64_hides_no_issuer() {
    // Lengths of all three kinds, so that there is padding, and characters in which the alphabets differ.
    for filler in ["", "?", "??", "???", "~~~???>>>"] {
        let payload = format!(r#"{{"x":"{filler}","iss":"{ISSUER}","x":1}}"#);
        let standard = base64::engine::general_purpose::STANDARD.encode(&payload);
        let plain = base64url::encode(payload.as_bytes());
        for part in [standard.clone(), standard.trim_end_matches('=').to_owned(), format!("{plain}="), plain]
        {
            nobody_is_asked(&format!("e30.{part}.c2ln"));
            nobody_is_asked(&format!("!.{part}.!"));
            nobody_is_asked(&format!(".{part}."));
            nobody_is_asked(&format!("e30.{part}!A.c2ln"));
        }
    }
}

/// go-oidc takes this spelling for the other one.
#[test]
fn google_is_one_issuer_under_both_names() {
    let mut google = issuer();
    google.url = "https://accounts.google.com".to_owned();
    let mut gate = Gate::new(passing(&[]), Snapshot { issuers: vec![google], ..with_webhook() });
    for iss in ["accounts.google.com", "https://accounts.google.com"] {
        let odd = jwt(format!(r#"{{"iss":"{iss}","x":1,"x":1}}"#).as_bytes());
        assert_eq!(gate.sends(&odd, &NO_LINES), Outcome::Reject("token_payload", 401), "{iss}");
    }
    // Where Google is not configured, neither name is anybody's.
    let odd = unsigned(&json!({"iss": "accounts.google.com"}));
    assert_eq!(asked(&mut both(), &odd).token, odd);
}

/// A URL that another issuer's token merely mentions does not make it the configured one's.
#[test]
fn what_is_only_mentioned_is_no_claim() {
    for payload in [
        json!({"iss": "https://other.example", "idp": ISSUER, "aud": [ISSUER]}),
        json!({"iss": "https://other.example", "act": {"iss": ISSUER}}),
        json!({"iss": format!("{ISSUER}/")}),
        json!({"iss": [ISSUER]}),
        json!({"issuer": ISSUER}),
    ] {
        let token = unsigned(&payload);
        assert_eq!(asked(&mut both(), &token).token, token);
    }
}

// --- the cluster's own tokens

#[test]
fn the_webhook_never_sees_the_clusters_tokens() {
    let token = unsigned(&json!({"iss": CLUSTER, "sub": "system:serviceaccount:ci:builder"}));
    assert_eq!(webhook().sends(&token, &NO_LINES), Outcome::Reject("unknown_issuer", 401));
    let expected = ReviewTokenRequest { token: token.clone(), pass_through: Some(vec![]), webhook: false };
    assert_eq!(asked(&mut both(), &token), expected);
    for payload in [
        format!(r#"{{"ISS":"{CLUSTER}"}}"#),
        format!(r#"{{"iss":"https://other.example","iss":"{CLUSTER}"}}"#),
        format!(r#"{{"iss":"{CLUSTER}","#),
    ] {
        let token = jwt(payload.as_bytes());
        assert!(matches!(webhook().sends(&token, &NO_LINES), Outcome::Reject(_, 401)));
        assert!(!asked(&mut both(), &token).webhook);
    }
    // Tokens from Secrets name no URL.
    let legacy = unsigned(&json!({"iss": "kubernetes/serviceaccount", "sub": "system:serviceaccount:ci:x"}));
    assert_eq!(webhook().sends(&legacy, &NO_LINES), Outcome::Reject("unknown_issuer", 401));
    assert!(!asked(&mut both(), &legacy).webhook);
}

#[test]
fn our_own_credential_is_asked_of_nobody() {
    let own = own_credential();
    for mut gate in [webhook(), both(), Gate::new(passing(&[]), without_webhook())] {
        assert_eq!(gate.sends(&own, &NO_LINES), Outcome::Reject("own_credential", 401));
    }
}

/// An earlier credential of the gateway's, or the present one with other trailing bits in its signature, which
/// kube-apiserver takes for the same, would pass with whatever `impersonate-user` stands beside it.
#[test]
fn our_own_account_does_not_pass() {
    let own = own_credential();
    let earlier =
        unsigned(&json!({"iss": CLUSTER, "sub": "system:serviceaccount:auth:gateway", "jti": "earlier"}));
    for token in [earlier, format!("{own}="), format!("{}h", own.strip_suffix('n').unwrap_or(&own))] {
        let mut gate = both();
        let account = info("system:serviceaccount:auth:gateway");
        let outcome = answered(&mut gate, &token, by_api_server(account));
        assert_eq!(outcome, Outcome::Reject("own_credential", 401));
        assert!(matches!(gate.sends(&token, &NO_LINES), Outcome::Ask(_)));
        let another = by_api_server(info("system:serviceaccount:auth:other"));
        assert_eq!(answered(&mut gate, &token, another), Outcome::Forward(Vec::new()));
    }
}

// --- what they say

#[test]
fn each_answer_has_its_outcome() {
    use ReviewTokenResponse::{Busy, Failed, Unknown};
    for (answer, reason, code) in [
        (Busy, "too_many_reviews", 503),
        (Failed, "token_review_failed", 503),
        (Unknown, "unknown_issuer", 401),
    ] {
        let mut gate = both();
        assert_eq!(answered(&mut gate, OPAQUE, answer), Outcome::Reject(reason, code));
        // Nothing of it is kept.
        assert_eq!(asked(&mut gate, OPAQUE).token, OPAQUE);
    }
    assert_eq!(answered(&mut both(), OPAQUE, by_webhook(info("bob"))), bob_headers());
    assert_eq!(answered(&mut both(), OPAQUE, by_api_server(info("bob"))), Outcome::Forward(Vec::new()));
}

#[test]
fn who_was_not_asked_cant_answer() {
    let failed = Outcome::Reject("token_review_failed", 503);
    assert_eq!(answered(&mut webhook(), OPAQUE, by_api_server(info("bob"))), failed);
    let mut pass_through = Gate::new(passing(&[]), without_webhook());
    assert_eq!(answered(&mut pass_through, OPAQUE, by_webhook(info("bob"))), failed);
    let cluster = unsigned(&json!({"iss": CLUSTER}));
    assert_eq!(answered(&mut both(), &cluster, by_webhook(info("bob"))), failed);
}

#[test]
fn an_answer_holds_for_its_token_and_its_question() {
    let mut gate = both();
    let answers = answers(&mut gate, OPAQUE, by_webhook(info("bob")));
    assert!(matches!(gate.decides("other", &NO_LINES, &answers), Decision::Ask(_)));
    assert!(matches!(gate.decides(&good_token(), &NO_LINES, &answers), Decision::Forward(_)));
    assert!(matches!(gate.decides("", &NO_LINES, &answers), Decision::Reject(_)));
    // The webhook was taken away meanwhile.
    let newer = Snapshot { generation: Generation { epoch: 1, counter: 2 }, ..without_webhook() };
    assert!(gate.authenticator.adopt(newer, at(NOW)));
    assert!(matches!(gate.decides(OPAQUE, &NO_LINES, &answers), Decision::Ask(_)));
}

#[test]
fn a_known_token_is_known_from_when_it_was_asked() {
    for answer in [by_webhook(info("bob")), by_api_server(info("bob"))] {
        let mut gate = both();
        let answers = answers(&mut gate, OPAQUE, answer);
        // The answer came four seconds later.
        gate.now = NOW + 4;
        assert!(matches!(gate.decides(OPAQUE, &NO_LINES, &answers), Decision::Forward(_)));
        for (now, is_known) in [(NOW + 5, true), (NOW + 9, true), (NOW + 10, false)] {
            gate.now = now;
            assert_eq!(matches!(gate.sends(OPAQUE, &NO_LINES), Outcome::Forward(_)), is_known, "{now}");
            assert!(matches!(gate.sends("opaque-tokem", &NO_LINES), Outcome::Ask(_)));
        }
        // A clock that steps back makes nothing good for longer.
        assert!(matches!(gate.decides(OPAQUE, &NO_LINES, &answers), Decision::Forward(_)));
        gate.now = NOW - 1;
        assert!(matches!(gate.sends(OPAQUE, &NO_LINES), Outcome::Ask(_)));
    }
}

#[test]
fn a_new_snapshot_forgets() {
    let mut gate = both();
    assert_eq!(answered(&mut gate, OPAQUE, by_webhook(info("bob"))), bob_headers());
    assert_eq!(gate.sends(OPAQUE, &NO_LINES), bob_headers());
    let newer = Snapshot { generation: Generation { epoch: 1, counter: 2 }, ..with_webhook() };
    assert!(gate.authenticator.adopt(newer, at(NOW)));
    assert!(matches!(gate.sends(OPAQUE, &NO_LINES), Outcome::Ask(_)));
}

// --- the webhook's users

#[track_caller]
fn webhook_user(user: UserInfo, guard: IdentityGuard, extra: AddedExtra) -> Outcome {
    let policy = RequestPolicy { added_extra: extra, ..RequestPolicy::default() };
    let mut gate = Gate::new(policy, Snapshot { token_webhook: Some(guard), ..with_webhook() });
    answered(&mut gate, OPAQUE, by_webhook(user))
}

fn person(name: &str, uid: &str, groups: &[&str], extra: &[(&str, &[&str])]) -> UserInfo {
    let owned = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
    let extra = extra.iter().map(|(key, values)| ((*key).to_owned(), owned(values))).collect();
    UserInfo::new(name.to_owned(), uid.to_owned(), owned(groups), extra)
}

#[test]
fn the_webhooks_user_goes_on_whole() {
    let user = person("bob", "7", &["b", "a"], &[("acme.com/x", &["1", "2"]), ("y", &[])]);
    let credential = format!("Bearer {}", own_credential());
    let headers = [
        ("impersonate-user", "bob"),
        ("impersonate-uid", "7"),
        ("impersonate-group", "b"),
        ("impersonate-group", "a"),
        ("impersonate-group", "system:authenticated"),
        ("impersonate-extra-acme.com%2Fx", "1"),
        ("impersonate-extra-acme.com%2Fx", "2"),
        ("authorization", credential.as_str()),
    ];
    let headers = headers.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec();
    let outcome = webhook_user(user, IdentityGuard::default(), AddedExtra::default());
    assert_eq!(outcome, Outcome::Forward(headers));
}

#[test]
fn the_webhooks_user_is_guarded_like_any_other() {
    let added = || AddedExtra::new([("a".to_owned(), vec!["1".to_owned()])], Some("ip".to_owned())).unwrap();
    let original = "originaluser.jetstack.io-user";
    for (user, reason) in [
        (person("", "", &["a"], &[]), "empty_username"),
        (person("bob\n", "", &[], &[]), "username_not_header_safe"),
        (person(" bob", "", &[], &[]), "username_not_header_safe"),
        (person("bob", "1\r", &[], &[]), "uid_not_header_safe"),
        (person("bob", "", &["a "], &[]), "group_not_header_safe"),
        (person("bob", "", &[], &[("k", &["\0"])]), "extra_not_header_safe"),
        (person("system:admin", "", &[], &[]), "reserved_username"),
        (person("system:anonymous", "", &[], &[]), "reserved_username"),
        (person("system:serviceaccount:a:b", "", &[], &[]), "reserved_username"),
        (person("bob", "", &["system:masters"], &[]), "reserved_group"),
        (person("bob", "", &[], &[("a", &["2"])]), "reserved_extra"),
        (person("bob", "", &[], &[("ip", &["::1"])]), "reserved_extra"),
        (person("bob", "", &[], &[(original, &["root"])]), "reserved_extra"),
        // kube-apiserver lowers the keys of what is impersonated.
        (person("bob", "", &[], &[("A", &["2"])]), "reserved_extra"),
        (person("bob", "", &[], &[("Ip", &["::1"])]), "reserved_extra"),
        (person("bob", "", &[], &[("Originaluser.Jetstack.io-User", &["root"])]), "reserved_extra"),
    ] {
        let outcome = webhook_user(user, IdentityGuard::default(), added());
        assert_eq!(outcome, Outcome::Reject(reason, 403));
    }
    let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    let guard = || IdentityGuard {
        allowed_usernames: names(&["system:node:a", "system:anonymous"]),
        allowed_groups: names(&["system:nodes"]),
    };
    let node = person("system:node:a", "", &["system:nodes"], &[]);
    assert!(matches!(webhook_user(node, guard(), added()), Outcome::Forward(_)));
    let anonymous = person("system:anonymous", "", &[], &[]);
    let refused = Outcome::Reject("reserved_username", 403);
    assert_eq!(webhook_user(anonymous, guard(), added()), refused);
}

/// Keys as cloud webhooks have them. kube-apiserver would lower them, so they are asked about and sent in lower case.
#[test]
fn a_webhooks_keys_may_have_upper_case() {
    let user = person(
        "bob",
        "",
        &[],
        &[("accessKeyId", &["k"]), ("%4Friginaluser", &["x"]), ("AccessKeyID", &["l"])],
    );
    let Outcome::Forward(headers) = webhook_user(user, IdentityGuard::default(), AddedExtra::default())
    else {
        panic!("not forwarded")
    };
    let names: Vec<_> = headers.iter().map(|(name, _)| name.as_str()).collect();
    let expected = [
        "impersonate-user",
        "impersonate-group",
        "impersonate-extra-accesskeyid",
        "impersonate-extra-accesskeyid",
        "impersonate-extra-%254friginaluser",
        "authorization",
    ];
    assert_eq!(names, expected);
}

#[test]
fn a_refused_user_of_the_webhook_is_told_as_its() {
    let mut gate = both();
    let answers = answers(&mut gate, OPAQUE, by_webhook(info("system:admin")));
    let Decision::Reject(refused) = gate.decides(OPAQUE, &NO_LINES, &answers) else { panic!("not refused") };
    assert_eq!(refused.source, Some(Source::TokenWebhook));
}

#[test]
fn a_webhooks_user_may_act_as_others() {
    let mut gate = both();
    let answers = answers(&mut gate, OPAQUE, by_webhook(info("bob")));
    let lines = [("impersonate-user", "jane")];
    let Decision::Ask(Question::Impersonation(question)) = gate.decides(OPAQUE, &lines, &answers) else {
        panic!("not asked")
    };
    assert_eq!(question.requester, person("bob", "", &["staff", "system:authenticated"], &[]));
}

/// Who comes to be another user by the same token has to be allowed anew.
#[test]
fn what_a_webhooks_user_may_is_not_the_next_ones() {
    let jane = [("impersonate-user", "jane")];
    let mut gate = webhook();
    let answer = answers(&mut gate, OPAQUE, by_webhook(info("bob")));
    assert!(matches!(gate.decides(OPAQUE, &NO_LINES, &answer), Decision::Forward(_)));
    gate.now = NOW + 9;
    let Decision::Ask(Question::Impersonation(question)) = gate.decides(OPAQUE, &jane, &Answers::default())
    else {
        panic!("not asked")
    };
    let mut allowed = Answers::default();
    let good_for = ReviewImpersonationResponse::Allowed { good_for: 10 };
    allowed.impersonation(question, good_for, at(gate.now));
    assert!(matches!(gate.decides(OPAQUE, &jane, &allowed), Decision::Forward(_)));
    assert!(matches!(gate.sends(OPAQUE, &jane), Outcome::Forward(_)));
    gate.now = NOW + 10;
    for next in
        [person("carol", "", &["staff"], &[]), person("bob", "", &[], &[]), person("bob", "2", &[], &[])]
    {
        let once = ReviewTokenResponse::Webhook { user: next.clone(), good_for: 0 };
        let answer = answers(&mut gate, OPAQUE, once);
        let decision = gate.decides(OPAQUE, &jane, &answer);
        let Decision::Ask(Question::Impersonation(question)) = decision else { panic!("{decision:?}") };
        assert_eq!(question.requester.username(), next.username());
    }
}

// --- pass-through

#[test]
fn the_api_servers_own_tokens_go_on_as_they_are() {
    let lines = [
        ("authorization", "Bearer opaque-token"),
        ("impersonate-user", "jane"),
        ("impersonate-scopes", "x"),
        ("impersonate_group", "system:masters"),
        ("x-remote-user", "root"),
        ("proxy-authorization", "Basic eDp5"),
        ("accept", "*/*"),
    ];
    // A kind that kube-apiserver does not know may mean something to somebody else.
    let (authorization, user, accept) = (lines[0], lines[1], lines[6]);
    let text = |lines: &[(&'static str, &str)]| {
        lines.iter().map(|(name, value)| (*name, (*value).to_owned())).collect::<Vec<_>>()
    };
    for (client_impersonation, expected) in [
        (ClientImpersonation::Authorize, text(&[authorization, user, accept])),
        (ClientImpersonation::Strip, text(&[authorization, accept])),
    ] {
        let policy = RequestPolicy { client_impersonation, ..passing(&[]) };
        let mut gate = Gate::new(policy, with_webhook());
        gate.address = Some("192.0.2.1".parse().unwrap());
        let answers = answers(&mut gate, OPAQUE, by_api_server(info("system:serviceaccount:ci:x")));
        let forward = own(gate.decides(OPAQUE, &lines[1..], &answers));
        assert_eq!(left(&forward, &lines), expected);
        assert_eq!(forward.caller().source(), &Source::ApiServer);
        assert_eq!(forward.caller().user(), info("system:serviceaccount:ci:x"));
        assert_eq!(forward.caller().expires(), None);
        assert!(!format!("{forward:?}").contains(OPAQUE));
    }
    let policy = RequestPolicy { client_impersonation: ClientImpersonation::Reject, ..passing(&[]) };
    let mut gate = Gate::new(policy, with_webhook());
    let answers = answers(&mut gate, OPAQUE, by_api_server(info("x")));
    own(gate.decides(OPAQUE, &NO_LINES, &answers));
    for line in [lines[1], lines[2], lines[3]] {
        let outcome: Outcome = gate.decides(OPAQUE, &[line], &answers).into();
        assert_eq!(outcome, Outcome::Reject("impersonation_not_allowed", 403));
    }
}

/// The API server knows whom it means: no name is too odd to go on under its own token.
#[test]
fn the_api_servers_users_are_not_guarded() {
    let odd = [person("", "", &[], &[]), person("system:admin", "", &["system:masters"], &[]), info("a\nb")];
    for user in odd {
        let mut gate = both();
        let answers = answers(&mut gate, OPAQUE, by_api_server(user));
        own(gate.decides(OPAQUE, &NO_LINES, &answers));
    }
}

#[test]
fn a_websocket_keeps_the_token_that_passes() {
    let protocols = format!(
        "base64url.bearer.authorization.k8s.io.{}, v5.channel.k8s.io",
        base64url::encode(OPAQUE.as_bytes())
    );
    let lines = [
        ("connection", "keep-alive, Upgrade"),
        ("upgrade", "websocket"),
        ("sec-websocket-protocol", protocols.as_str()),
    ];
    let mut gate = both();
    let answers = answers(&mut gate, OPAQUE, by_api_server(info("x")));
    let forward = own(gate.decides("", &lines, &answers));
    let mut expected = vec![
        ("upgrade", "websocket".to_owned()),
        ("sec-websocket-protocol", protocols.clone()),
        ("connection", "Upgrade".to_owned()),
    ];
    assert_eq!(left(&forward, &lines), expected);
    // The webhook's user goes on under the gateway's credential, and without that token.
    let mut gate = both();
    let answers = self::answers(&mut gate, OPAQUE, by_webhook(info("bob")));
    let decision = gate.decides("", &lines, &answers);
    let Decision::Forward(forward) = decision else { panic!("{decision:?}") };
    expected = vec![
        ("upgrade", "websocket".to_owned()),
        ("sec-websocket-protocol", "v5.channel.k8s.io".to_owned()),
        ("connection", "Upgrade".to_owned()),
    ];
    assert_eq!(left(&forward, &lines), expected);
}

// --- without impersonation

fn own_mode(client_impersonation: ClientImpersonation) -> RequestPolicy {
    RequestPolicy {
        client_impersonation,
        upstream_identity: UpstreamIdentity::Own,
        ..RequestPolicy::default()
    }
}

fn no_credential() -> Snapshot {
    Snapshot { upstream_credential: None, ..snapshot([issuer()]) }
}

#[test]
fn without_impersonation_no_credential_is_needed() {
    let mut gate = Gate::new(own_mode(ClientImpersonation::Authorize), no_credential());
    let forward = own(gate.decides(&good_token(), &NO_LINES, &Answers::default()));
    assert_eq!(forward.caller().source(), &Source::Issuer(ISSUER.into()));
    assert_eq!(forward.caller().expires(), Some(at(NOW + 600)));
    assert_eq!(gate.sends("", &NO_LINES), Outcome::Reject("no_credential", 401));
    let forged = case("forged").signed_by(Pair::OtherP256).token();
    assert_eq!(gate.sends(&forged, &NO_LINES), Outcome::Reject("signature", 401));
    // Nor is one used that has expired, or that there is.
    let credential = Some(UpstreamCredential::new(CREDENTIAL.to_owned(), Some(at(NOW - 1))).unwrap());
    let expired = Snapshot { upstream_credential: credential, ..no_credential() };
    own(Gate::new(own_mode(ClientImpersonation::Authorize), expired).decides(
        &good_token(),
        &NO_LINES,
        &Answers::default(),
    ));
    // With impersonation nothing goes without.
    let mut impersonating = Gate::new(RequestPolicy::default(), no_credential());
    assert_eq!(impersonating.sends(&good_token(), &NO_LINES), Outcome::Reject("no_upstream_credential", 503));
}

#[test]
fn without_impersonation_the_users_own_headers_go_on() {
    let token = good_token();
    let authorization = format!("Bearer {token}");
    let lines = [
        ("authorization", authorization.as_str()),
        ("impersonate-user", "jane"),
        ("impersonate-group", "a"),
        ("impersonate-group", "b"),
        ("impersonate_user", "root"),
        ("impersonate.group", "system:masters"),
        ("x-remote-user", "root"),
        ("x_remote_group", "system:masters"),
        ("connection", "keep-alive"),
        ("accept", "*/*"),
    ];
    let text = |lines: &[(&'static str, &str)]| {
        lines.iter().map(|(name, value)| (*name, (*value).to_owned())).collect::<Vec<_>>()
    };
    let authorization = ("authorization", authorization.as_str());
    let accept = ("accept", "*/*");
    let impersonation =
        [("impersonate-user", "jane"), ("impersonate-group", "a"), ("impersonate-group", "b")];
    let all = [&[authorization][..], &impersonation, &[accept]].concat();
    for (policy, expected) in [
        (ClientImpersonation::Authorize, text(&all)),
        (ClientImpersonation::Strip, text(&[authorization, accept])),
    ] {
        let mut gate = Gate::new(own_mode(policy), no_credential());
        gate.address = Some("192.0.2.1".parse().unwrap());
        let forward = own(gate.decides(&token, &lines[1..], &Answers::default()));
        assert_eq!(left(&forward, &lines), expected, "{policy:?}");
    }
    let mut gate = Gate::new(own_mode(ClientImpersonation::Reject), no_credential());
    assert_eq!(gate.sends(&token, &lines[1..]), Outcome::Reject("impersonation_not_allowed", 403));
    own(gate.decides(&token, &[accept], &Answers::default()));
}

/// Not even what the policy would add.
#[test]
fn without_impersonation_nothing_is_added() {
    let extra = AddedExtra::new([("a".to_owned(), vec!["1".to_owned()])], Some("ip".to_owned())).unwrap();
    let policy = RequestPolicy { added_extra: extra, ..own_mode(ClientImpersonation::Authorize) };
    let mut gate = Gate::new(policy, with_webhook());
    gate.address = Some("192.0.2.1".parse().unwrap());
    own(gate.decides(&good_token(), &NO_LINES, &Answers::default()));
    let answers = answers(&mut gate, OPAQUE, by_webhook(info("bob")));
    own(gate.decides(OPAQUE, &NO_LINES, &answers));
}

#[test]
fn without_impersonation_a_websocket_keeps_its_token() {
    let protocols = format!(
        "base64url.bearer.authorization.k8s.io.{}, v5.channel.k8s.io",
        base64url::encode(good_token().as_bytes())
    );
    let lines =
        [("connection", "Upgrade"), ("upgrade", "websocket"), ("sec-websocket-protocol", protocols.as_str())];
    let mut gate = Gate::new(own_mode(ClientImpersonation::Authorize), no_credential());
    let forward = own(gate.decides("", &lines, &Answers::default()));
    let kept = ("sec-websocket-protocol", protocols.clone());
    assert!(left(&forward, &lines).contains(&kept));
    let nominated = [("connection", "Upgrade, Authorization"), lines[1], lines[2]];
    assert_eq!(gate.sends("", &nominated), Outcome::Reject("nominated_headers", 400));
}

// --- nobody in particular

fn open(paths: &[&str]) -> Snapshot {
    let paths = paths.iter().map(|path| (*path).to_owned()).collect();
    Snapshot { anonymous: Some(Anonymous { paths }), ..snapshot([issuer()]) }
}

const ANONYMOUS: [(&str, &str); 2] =
    [("impersonate-user", "system:anonymous"), ("impersonate-group", "system:unauthenticated")];

#[test]
fn anonymous_requests_go_where_it_is_open() {
    let refused = Outcome::Reject("no_credential", 401);
    let healthz = (":path", "/healthz?verbose");
    let pods = (":path", "/api/v1/pods");
    let anonymous = || with_credential(&ANONYMOUS);
    for (snapshot, to_healthz, to_pods) in [
        (snapshot([issuer()]), refused.clone(), refused.clone()),
        (open(&["/healthz", "/livez"]), anonymous(), refused.clone()),
        (open(&[]), anonymous(), anonymous()),
    ] {
        let mut gate = Gate::new(RequestPolicy::default(), snapshot);
        assert_eq!(gate.sends("", &[healthz]), to_healthz);
        assert_eq!(gate.sends("", &[pods]), to_pods);
        // Another scheme is no credential.
        assert_eq!(gate.sends("", &[healthz, ("authorization", "Basic eDp5")]), to_healthz);
        // Who has a credential is who it says, or nobody.
        let alice = Outcome::Forward(user("alice").headers());
        assert_eq!(gate.sends(&good_token(), &[healthz]), alice);
        let forged = case("forged").signed_by(Pair::OtherP256).token();
        assert_eq!(gate.sends(&forged, &[healthz]), Outcome::Reject("signature", 401));
        assert_eq!(gate.sends("a b", &[healthz]), Outcome::Reject("not_one_token", 401));
        assert_eq!(gate.sends("opaque", &[healthz]), Outcome::Reject("not_a_jwt", 401));
    }
}

#[test]
fn anonymous_requests_are_nobodys_in_the_log() {
    let mut gate = Gate::new(RequestPolicy::default(), open(&[]));
    let Decision::Forward(forward) = gate.decides("", &NO_LINES, &Answers::default()) else {
        panic!("not forwarded")
    };
    assert_eq!(forward.caller().source(), &Source::Anonymous);
    assert_eq!(forward.caller().user(), person("system:anonymous", "", &["system:unauthenticated"], &[]));
    assert_eq!(forward.caller().expires(), None);
}

#[test]
fn anonymous_requests_get_what_is_added() {
    let extra = AddedExtra::new([("a".to_owned(), vec!["1".to_owned()])], Some("ip".to_owned())).unwrap();
    let policy = RequestPolicy { added_extra: extra, ..RequestPolicy::default() };
    let mut gate = Gate::new(policy, open(&[]));
    gate.address = Some("2001:db8::1".parse().unwrap());
    let added = [("impersonate-extra-a", "1"), ("impersonate-extra-ip", "2001:db8::1")];
    assert_eq!(gate.sends("", &NO_LINES), with_credential(&[ANONYMOUS, added].concat()));
}

#[test]
fn anonymous_acts_as_others_if_the_api_server_lets_it() {
    let jane = ("impersonate-user", "jane");
    let mut gate = Gate::new(RequestPolicy::default(), open(&[]));
    let Decision::Ask(Question::Impersonation(question)) = gate.decides("", &[jane], &Answers::default())
    else {
        panic!("not asked")
    };
    assert_eq!(question.requester, person("system:anonymous", "", &["system:unauthenticated"], &[]));
    let mut answers = Answers::default();
    answers.impersonation(question, ReviewImpersonationResponse::Allowed { good_for: 10 }, at(NOW));
    let expected = with_credential(&[
        jane,
        ("impersonate-group", "system:authenticated"),
        ("impersonate-extra-originaluser.jetstack.io-user", "system:anonymous"),
        ("impersonate-extra-originaluser.jetstack.io-groups", "system:unauthenticated"),
    ]);
    assert_eq!(Outcome::from(gate.decides("", &[jane], &answers)), expected);
    assert_eq!(gate.sends("", &[jane]), expected);
    // It helps nobody who has a token.
    assert!(matches!(gate.sends(&good_token(), &[jane]), Outcome::Ask(_)));
    for (client_impersonation, expected) in [
        (ClientImpersonation::Reject, Outcome::Reject("impersonation_not_allowed", 403)),
        (ClientImpersonation::Strip, with_credential(&ANONYMOUS)),
    ] {
        let policy = RequestPolicy { client_impersonation, ..RequestPolicy::default() };
        assert_eq!(Gate::new(policy, open(&[])).sends("", &[jane]), expected);
    }
}

#[test]
fn without_impersonation_anonymous_requests_go_on_as_they_are() {
    let anonymous = Snapshot { upstream_credential: None, ..open(&["/healthz"]) };
    let mut gate = Gate::new(own_mode(ClientImpersonation::Authorize), anonymous);
    let forward = own(gate.decides("", &[(":path", "/healthz")], &Answers::default()));
    assert_eq!(forward.caller().source(), &Source::Anonymous);
    assert_eq!(gate.sends("", &[(":path", "/api")]), Outcome::Reject("no_credential", 401));
}

/// What was not judged does not go on: kube-apiserver trims U+00A0 in front of `Bearer`, and who knows who reads what.
#[test]
fn without_impersonation_no_credential_goes_on_unread() {
    let protocols = format!(
        "base64url.bearer.authorization.k8s.io.{}, v5.channel.k8s.io",
        base64url::encode(OPAQUE.as_bytes())
    );
    let jane = ("impersonate-user", "jane");
    let anonymous = Snapshot { upstream_credential: None, ..open(&[]) };
    for (policy, kept) in [
        (ClientImpersonation::Authorize, vec![("impersonate-user", "jane".to_owned())]),
        (ClientImpersonation::Strip, vec![]),
    ] {
        let mut gate = Gate::new(own_mode(policy), anonymous.clone());
        for authorization in ["Basic eDp5", "\u{a0}Bearer opaque-token", "Bearer\u{b}opaque-token", "Bearer "]
        {
            let lines = [("authorization", authorization), jane];
            let forward = own(gate.decides("", &lines, &Answers::default()));
            assert_eq!(left(&forward, &lines), kept, "{authorization}");
        }
    }
    // A subprotocol is a credential of WebSockets alone.
    let mut gate = Gate::new(own_mode(ClientImpersonation::Authorize), anonymous);
    let authorization = format!("Bearer {}", good_token());
    for upgrade in ["SPDY/3.1", "websocket, x"] {
        let lines = [
            ("authorization", authorization.as_str()),
            ("upgrade", upgrade),
            ("sec-websocket-protocol", protocols.as_str()),
        ];
        let forward = own(gate.decides("", &lines, &Answers::default()));
        let left = left(&forward, &lines);
        assert!(left.contains(&("authorization", authorization.clone())));
        assert!(left.contains(&("sec-websocket-protocol", "v5.channel.k8s.io".to_owned())), "{left:?}");
    }
}

/// kube-apiserver would take the line for the credential, before the subprotocol that was judged here.
#[test]
fn beside_a_judged_subprotocol_no_authorization_goes_on_unread() {
    let protocols = |token: &str| {
        format!(
            "base64url.bearer.authorization.k8s.io.{}, v5.channel.k8s.io",
            base64url::encode(token.as_bytes())
        )
    };
    let (good, passed) = (protocols(&good_token()), protocols(OPAQUE));
    for authorization in ["\u{a0}Bearer another", "\u{85}Bearer another", "Basic eDp5", "Bearer "] {
        let lines = |protocols| {
            [
                ("authorization", authorization),
                ("upgrade", "websocket"),
                ("sec-websocket-protocol", protocols),
            ]
        };
        let is_left = |forward: &Forward, protocols| {
            left(forward, &lines(protocols)).iter().any(|(name, _)| *name == "authorization")
        };
        let mut gate = Gate::new(own_mode(ClientImpersonation::Authorize), no_credential());
        let forward = own(gate.decides("", &lines(&good), &Answers::default()));
        assert!(!is_left(&forward, &good), "{authorization}");
        let mut gate = both();
        let answers = answers(&mut gate, OPAQUE, by_api_server(info("x")));
        let forward = own(gate.decides("", &lines(&passed), &answers));
        assert!(!is_left(&forward, &passed), "{authorization}");
    }
}

/// What the cluster calls itself is known from the gateway's own credential alone; where that does not say it, no service
/// account's token is shown.
#[test]
fn the_webhook_never_sees_the_clusters_tokens_whatever_the_credential() {
    let token = unsigned(&json!({"iss": CLUSTER, "sub": "system:serviceaccount:ci:builder"}));
    let legacy =
        unsigned(&json!({"iss": "kubernetes/serviceaccount", "sub": "system:serviceaccount:auth:gw"}));
    for (credential, policy) in [
        (None, own_mode(ClientImpersonation::Authorize)),
        (Some("sha256~opaque".to_owned()), RequestPolicy::default()),
        (Some(legacy), RequestPolicy::default()),
    ] {
        let credential = credential.map(|token| UpstreamCredential::new(token, None).unwrap());
        let mut gate = Gate::new(policy, Snapshot { upstream_credential: credential, ..with_webhook() });
        assert_eq!(gate.sends(&token, &NO_LINES), Outcome::Reject("unknown_issuer", 401));
        let other = unsigned(&json!({"iss": CLUSTER, "sub": "somebody"}));
        assert!(matches!(gate.sends(&other, &NO_LINES), Outcome::Ask(Question::Token(_))));
    }
}
