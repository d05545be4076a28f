//! Thousands of damaged tokens and headers: nothing panics, and no text but the signed one is taken.
#![allow(
    clippy::unwrap_used,
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    reason = "test code"
)]

mod support;

use std::collections::HashMap;

use authn::algorithm::Algorithm;
use authn::anonymous::Anonymous;
use authn::base64url;
use authn::decision::{Answers, Decision, Forward, KeysAnswer, Question, Source};
use authn::described::Described;
use authn::feed::{
    FeedMessage as _, RefreshOutcome, ResolveClaimsResponse, ReviewImpersonationRequest,
    ReviewImpersonationResponse, ReviewTokenResponse,
};
use authn::impersonation_request::Attribute;
use authn::issuer::IdentityGuard;
use authn::policy::{AddedExtra, ClientImpersonation, RequestPolicy, UpstreamIdentity};
use authn::request::{Edit, Keep, Request, is_stripped};
use authn::signature::Portable;
use authn::snapshot::{Generation, Snapshot};
use authn::user::UserInfo;
use serde_json::json;
use support::*;

/// Every mutation of a token is refused, unless it says what the token says: only blanks around it may differ.
#[test]
fn no_mutated_token_is_taken() {
    let mut random = Random::new(2);
    let claims =
        json!({"groups": ["dev", "ops"], "jti": "j", "nbf": NOW, "_claim_names": {}, "_claim_sources": {}});
    for algorithm in [Algorithm::Es256, Algorithm::Rs256, Algorithm::Ps384, Algorithm::Es512] {
        let token = case("whole").claims(claims.clone()).algorithm(algorithm).token();
        let mut issuer = issuer();
        issuer.keys = Some(keys([Pair::of(algorithm).key(KID)]));
        // One authenticator for all: what is cached of the good token must not help a bad one.
        let mut authenticator = authenticator(snapshot([issuer]));
        let whole = format!("Bearer {token}").into_bytes();
        let good =
            judge(&mut authenticator, &Request::read(&[("authorization", &whole)]), at(NOW), &Portable);
        assert!(matches!(good, Decision::Forward(_)), "{algorithm}");
        let mut now = NOW;
        for round in 0..1_500 {
            let mut damaged = token.clone().into_bytes();
            random.mutate(&mut damaged);
            // The second that passes fills the ration of slow failures.
            now += u64::from(round % 10 == 0);
            let value = [b"Bearer ", damaged.as_slice()].concat();
            let lines = [("authorization", value.as_slice())];
            let decision =
                judge(&mut authenticator, &Request::read(&lines), at(now.min(NOW + 500)), &Portable);
            if damaged.trim_ascii() != token.as_bytes() {
                assert!(
                    matches!(&decision, Decision::Ask(_))
                        || matches!(&decision, Decision::Reject(refused) if matches!(refused.rejection.code(), 401 | 503)),
                    "{algorithm} {round}: {decision:?}: {}",
                    String::from_utf8_lossy(&damaged),
                );
            }
        }
    }
}

/// Odd headers and payloads under a good signature never panic, and whoever they are is header-safe.
#[test]
fn odd_claims_under_a_good_signature_do_no_harm() {
    let mut random = Random::new(3);
    let header = format!("{{\"alg\":\"ES256\",\"kid\":\"{KID}\",\"typ\":\"JWT\"}}");
    let payload = serde_json::to_vec(
        &json!({"iss": ISSUER, "aud": [AUDIENCE], "sub": "alice", "exp": NOW + 600,
        "groups": ["dev"], "jti": "j", "nbf": NOW, "_claim_names": {"x": "s"}, "_claim_sources": {"s": {"endpoint": ""}}}),
    );
    let payload = payload.unwrap();
    let mut authenticator = authenticator(snapshot([issuer()]));
    let mut forwarded = 0;
    for _ in 0..3_000 {
        let (mut header, mut payload) = (header.clone().into_bytes(), payload.clone());
        if random.below(3) == 0 {
            random.mutate(&mut header);
        }
        random.mutate(&mut payload);
        let token = sign(Pair::P256, Algorithm::Es256, &header, &payload);
        let value = format!("Bearer {token}");
        let lines = [("authorization", value.as_bytes())];
        if let Decision::Forward(forward) =
            judge(&mut authenticator, &Request::read(&lines), at(NOW), &Portable)
        {
            forwarded += 1;
            let mut users = 0;
            for (name, value) in upstream_headers(&forward) {
                assert!(authn::impersonation::is_header_safe(&value), "{name}: {value:?}");
                assert!(name.bytes().all(|byte| byte.is_ascii_graphic()), "{name:?}");
                users += usize::from(name == "impersonate-user" && !value.is_empty());
            }
            assert_eq!(users, 1);
            assert!(!forward.caller().user().username().starts_with("system:"));
        }
    }
    assert!(forwarded > 10, "{forwarded}");
}

/// Whatever headers come, each that means identity is taken away and nothing panics.
#[test]
fn odd_header_sets_lose_every_trace_of_identity() {
    const NAMES: [&str; 12] = [
        "authorization",
        "impersonate-user",
        "impersonate-group",
        "impersonate-extra-a%2fb",
        "impersonate_user",
        "x-remote-user",
        "x_remote.group",
        "connection",
        "upgrade",
        "sec-websocket-protocol",
        ":method",
        "accept",
    ];
    let mut random = Random::new(4);
    let bearer =
        format!("base64url.bearer.authorization.k8s.io.{}", base64url::encode(good_token().as_bytes()));
    let authorization = format!("Bearer {}", good_token());
    let protocols = format!("{bearer}, v4.channel.k8s.io");
    let values: [&[u8]; 8] = [
        authorization.as_bytes(),
        protocols.as_bytes(),
        bearer.as_bytes(),
        b"websocket",
        b"Upgrade",
        b"Upgrade, Impersonate-User",
        b"system:masters",
        b"CONNECT",
    ];
    let mut authenticator = authenticator(snapshot([issuer()]));
    let mut forwarded = 0;
    for _ in 0..5_000 {
        let lines: Vec<(String, Vec<u8>)> = (0..random.below(8))
            .map(|_| {
                let mut name = NAMES[random.below(NAMES.len())].as_bytes().to_vec();
                let mut value = values[random.below(values.len())].to_vec();
                if random.below(4) == 0 {
                    random.mutate(&mut name);
                }
                if random.below(4) == 0 {
                    random.mutate(&mut value);
                }
                // Envoy writes names in lower case.
                (String::from_utf8_lossy(&name).to_lowercase(), value)
            })
            .collect();
        let lines: Vec<(&str, &[u8])> =
            lines.iter().map(|(name, value)| (name.as_str(), value.as_slice())).collect();
        let request = Request::read(&lines);
        for (name, value) in &lines {
            if is_stripped(name) {
                assert!(request.edits(Keep::Nothing).any(|edit| *edit == Edit::Remove(name)), "{name}");
            }
            if *name == "sec-websocket-protocol"
                && value.starts_with(b"base64url.bearer.authorization.k8s.io.")
            {
                let is_cleaned = |edit: &Edit<'_>| match edit {
                    Edit::Remove(name) => *name == "sec-websocket-protocol",
                    Edit::Set(name, value) => {
                        *name == "sec-websocket-protocol"
                            && !String::from_utf8_lossy(value).contains("base64url.bearer.")
                    }
                };
                assert!(request.edits(Keep::Nothing).any(is_cleaned), "{value:?}");
            }
        }
        if let Decision::Forward(_) = judge(&mut authenticator, &request, at(NOW), &Portable) {
            forwarded += 1;
            assert!(!lines.iter().any(|(name, _)| name.starts_with("impersonate-")));
        }
    }
    assert!(forwarded > 10, "{forwarded}");
}

/// Random `impersonate-*` headers under random policies, with answers that make sense or don't: whoever goes on may.
#[test]
fn odd_impersonation_never_goes_too_far() {
    let mut random = Random::new(6);
    let (mut as_others, mut as_themselves, mut with_their_own, mut of_webhook) = (0, 0, 0, 0);
    for _ in 0..60 {
        let mut world = World::new(&mut random);
        for _ in 0..150 {
            let forward = world.request(&mut random);
            let source = forward.as_ref().map(|forward| forward.caller().source());
            of_webhook += usize::from(source == Some(&Source::TokenWebhook));
            match forward {
                Some(forward) if upstream_headers(&forward).is_empty() => with_their_own += 1,
                Some(forward) if forward.impersonated().is_some() => as_others += 1,
                Some(_) => as_themselves += 1,
                None => {}
            }
        }
    }
    let counts = [as_others, as_themselves, with_their_own, of_webhook];
    assert!(counts.iter().all(|count| *count > 300), "{counts:?}");
}

/// One gateway with all that was asked of it and answered.
struct World {
    gate: Gate,
    policy: RequestPolicy,
    counter: u64,
    tokens: Vec<String>,
    /// The last request: many come again.
    last: (String, Vec<(String, Vec<u8>)>),
    /// What was asked, for answers to something else.
    asked: Vec<Question>,
    /// What was allowed, when and for how long at the most.
    allowed: HashMap<Vec<u8>, Vec<(u64, u32)>>,
}

const STATIC: &str = "acme.com/cluster";
const ADDRESS: &str = "remote-client-ip";

impl World {
    fn new(random: &mut Random) -> Self {
        let values = vec!["prod".to_owned()];
        let extra = AddedExtra::new([(STATIC.to_owned(), values)], Some(ADDRESS.to_owned())).unwrap();
        let client_impersonation = match random.below(5) {
            0 => ClientImpersonation::Reject,
            1 => ClientImpersonation::Strip,
            _ => ClientImpersonation::Authorize,
        };
        let is_own = random.below(4) == 0;
        let upstream_identity = if is_own { UpstreamIdentity::Own } else { UpstreamIdentity::Impersonated };
        let policy = RequestPolicy {
            client_impersonation,
            upstream_identity,
            token_passthrough: (random.below(2) == 0).then(Vec::new),
            added_extra: if random.below(2) == 0 { extra } else { AddedExtra::default() },
        };
        let mut gate = Gate::new(policy.clone(), Self::snapshot(random, 1));
        gate.address = (random.below(2) == 0).then(|| "2001:db8::1".parse().unwrap());
        let bob = case("bob").claims(json!({"sub": "bob", "jti": "j", "groups": ["dev"]})).token();
        let forged = case("forged").signed_by(Pair::OtherP256).token();
        let unknown = case("unknown key").header(json!({"kid": "other"})).token();
        let elsewhere = json!({
            "_claim_names": {"groups": "s"}, "_claim_sources": {"s": {"endpoint": "https://claims.example/"}},
        });
        let elsewhere = case("groups elsewhere").claims(elsewhere).token();
        let mut tokens = vec![good_token(), bob, forged, unknown, String::new(), CREDENTIAL.to_owned()];
        tokens.push(elsewhere);
        tokens.extend(["opaque", "opaque", "other"].map(str::to_owned));
        Self {
            gate,
            policy,
            counter: 1,
            tokens,
            last: Default::default(),
            asked: Vec::new(),
            allowed: HashMap::new(),
        }
    }

    fn snapshot(random: &mut Random, counter: u64) -> Snapshot {
        let mut issuer = issuer();
        issuer.claim_hosts = ["claims.example".to_owned()].into_iter().take(random.below(4)).collect();
        Snapshot {
            generation: Generation { epoch: 1, counter },
            anonymous: (random.below(2) == 0).then(Anonymous::default),
            token_webhook: (random.below(2) == 0).then(IdentityGuard::default),
            ..snapshot([issuer])
        }
    }

    /// Sends a request and answers what is asked about it. What goes on is held against the rules.
    fn request(&mut self, random: &mut Random) -> Option<Forward> {
        match random.below(40) {
            0 => self.gate.now -= 3,
            1 => {
                self.counter += 1;
                let snapshot = Self::snapshot(random, self.counter);
                assert!(self.gate.authenticator.adopt(snapshot, at(self.gate.now)));
            }
            2..10 => self.gate.now += 1,
            _ => {}
        }
        if random.below(3) == 0 {
            self.last = (self.tokens[random.below(self.tokens.len())].clone(), odd_lines(random));
        }
        let (token, lines) = self.last.clone();
        let lines: Vec<_> = lines.iter().map(|(name, value)| (name.as_str(), value.as_slice())).collect();
        let mut answers = Answers::default();
        for _ in 0..5 {
            match self.gate.decides(&token, &lines, &answers) {
                Decision::Reject(_) => return None,
                Decision::Forward(forward) => {
                    self.check(&forward, &token, &lines);
                    return Some(forward);
                }
                Decision::Ask(question) => {
                    self.asked.push(question.clone());
                    let other = &self.asked[random.below(self.asked.len())];
                    let question = if random.below(6) == 0 { other.clone() } else { question };
                    self.answer(random, question, &mut answers);
                }
            }
        }
        None
    }

    fn answer(&mut self, random: &mut Random, question: Question, answers: &mut Answers) {
        let asked = self.gate.now;
        let good_for = u32::try_from(random.below(12)).unwrap();
        match question {
            Question::Claims(question) => {
                answers.claims(question, claims_answer(random, good_for), at(asked))
            }
            Question::Keys(_) => {
                let outcomes =
                    [RefreshOutcome::Failed, RefreshOutcome::Fetched, RefreshOutcome::UnknownIssuer];
                answers.keys(KeysAnswer::Refreshed(outcomes[random.below(outcomes.len())]));
            }
            Question::Impersonation(question) => {
                let answer = match random.below(8) {
                    0 => ReviewImpersonationResponse::Busy,
                    1 => ReviewImpersonationResponse::Failed,
                    2 => ReviewImpersonationResponse::Denied(Attribute::Group("\0\n\"".to_owned())),
                    _ => {
                        self.allowed.entry(question.encode()).or_default().push((asked, good_for));
                        ReviewImpersonationResponse::Allowed { good_for }
                    }
                };
                answers.impersonation(question, answer, at(asked));
            }
            Question::Token(question) => answers.token(question, token_answer(random), at(asked)),
        }
    }

    fn check(&self, forward: &Forward, token: &str, lines: &[(&str, &[u8])]) {
        let authorization = format!("Bearer {token}");
        let mut lines = lines.to_vec();
        if !token.is_empty() {
            lines.push(("authorization", authorization.as_bytes()));
        }
        let request = Request::read(&lines);
        let mut left: Vec<_> = lines.iter().map(|(name, _)| *name).collect();
        for edit in forward.edits(&request) {
            let (Edit::Remove(removed) | Edit::Set(removed, _)) = edit;
            left.retain(|name| name != removed);
        }
        left.retain(|name| is_stripped(name));
        let headers = upstream_headers(forward);
        let source = forward.caller().source();
        let judged = self.policy.client_impersonation == ClientImpersonation::Authorize;
        assert_ne!(token, CREDENTIAL);
        if headers.is_empty() {
            let is_own_mode = self.policy.upstream_identity == UpstreamIdentity::Own;
            assert!(is_own_mode || *source == Source::ApiServer);
            assert_eq!(left.contains(&"authorization"), !token.is_empty());
            left.retain(|name| *name != "authorization");
            assert!(left.iter().all(|name| judged && name.starts_with("impersonate-")), "{left:?}");
            return;
        }
        assert_eq!(left, Vec::<&str>::new());
        assert_ne!(*source, Source::ApiServer);
        self.check_headers(forward, &headers);
        if let Some(target) = forward.impersonated().map(Described::user) {
            let requester = forward.caller().user();
            let asked = request.impersonation().unwrap().unwrap();
            assert!(judged);
            let user = asked.untrusted_user();
            assert_eq!((user.username(), user.uid()), (target.username(), target.uid()));
            let question = ReviewImpersonationRequest { requester, target: asked }.encode();
            let now = self.gate.now;
            // The second of the question itself always counts: it is this request's.
            let is_good = |(asked, good_for): &(u64, u32)| {
                *asked <= now && now < *asked + u64::from((*good_for).max(1))
            };
            assert!(self.allowed.get(&question).is_some_and(|spans| spans.iter().any(is_good)), "{target:?}");
        } else {
            assert!(!judged || request.impersonation() == Ok(None));
        }
    }

    fn check_headers(&self, forward: &Forward, headers: &[(String, String)]) {
        let count = |wanted: &str| headers.iter().filter(|(name, _)| name.to_lowercase() == wanted).count();
        let credential = ("authorization".to_owned(), format!("Bearer {CREDENTIAL}"));
        assert_eq!((headers.last(), count("authorization")), (Some(&credential), 1));
        assert_eq!(count("impersonate-user"), 1);
        assert!(count("impersonate-group") > 0);
        assert!(!headers[0].1.is_empty());
        for (name, value) in headers {
            assert!(name.bytes().all(|byte| byte.is_ascii_graphic() && byte != b':'), "{name:?}");
            assert!(authn::impersonation::is_header_safe(value), "{name}: {value:?}");
        }
        let adds = usize::from(self.policy.added_extra.client_address_header().is_some());
        if adds == 1 {
            assert_eq!(count("impersonate-extra-acme.com%2fcluster"), 1);
            assert_eq!(count("impersonate-extra-remote-client-ip"), usize::from(self.gate.address.is_some()));
        }
        // As kube-apiserver reads the name.
        let original: Vec<_> = headers
            .iter()
            .filter_map(|(name, value)| {
                let name = name.to_lowercase();
                Some((name.strip_prefix("impersonate-extra-originaluser.jetstack.io-")?.to_owned(), value))
            })
            .collect();
        assert_eq!(original.is_empty(), forward.impersonated().is_none());
        if let Some((name, value)) = original.first() {
            assert_eq!((name.as_str(), value.as_str()), ("user", forward.caller().user().username()));
            assert_eq!(original.iter().filter(|(name, _)| name == "user").count(), 1);
        }
        let requester = forward.caller().user();
        let username = requester.username();
        assert!(!username.starts_with("system:") || *forward.caller().source() == Source::Anonymous);
    }
}

/// A value that is none now and then, and the groups of the policy's reach.
fn claims_answer(random: &mut Random, good_for: u32) -> ResolveClaimsResponse {
    const VALUES: [&str; 9] = [
        "[\"dev\"]",
        "\"dev\"",
        "null",
        "",
        "[",
        "{}",
        "[\"a\\n\"]",
        "[\"system:masters\"]",
        "{\"a\":1,\"a\":2}",
    ];
    match random.below(8) {
        0 => ResolveClaimsResponse::Busy,
        1 => ResolveClaimsResponse::Failed,
        2 => ResolveClaimsResponse::Refused,
        _ => {
            let value = VALUES[random.mostly(3, VALUES.len())].to_owned();
            ResolveClaimsResponse::Resolved { value, good_for }
        }
    }
}

/// Good for less than what is allowed to its user may be.
fn token_answer(random: &mut Random) -> ReviewTokenResponse {
    let good_for = u32::try_from(random.below(3)).unwrap();
    const NAMES: [&str; 7] = ["carol", "dave", "system:admin", "", " x", "a\n", "system:anonymous"];
    const KEYS: [&str; 6] = [
        "k",
        "K/k",
        "originaluser.jetstack.io-user",
        "Originaluser.jetstack.io-user",
        STATIC,
        "ACME.com/Cluster",
    ];
    let name = NAMES[random.mostly(2, NAMES.len())];
    let key = KEYS[random.mostly(2, KEYS.len())];
    let groups = if random.below(8) == 0 { "system:masters" } else { "staff" };
    let extra = vec![(key.to_owned(), vec!["v".to_owned()])];
    let user = UserInfo::new(name.to_owned(), String::new(), vec![groups.to_owned()], extra);
    match random.below(8) {
        0 => ReviewTokenResponse::Busy,
        1 => ReviewTokenResponse::Failed,
        2 => ReviewTokenResponse::Unknown,
        3..=4 => ReviewTokenResponse::PassThrough { user, good_for },
        _ => ReviewTokenResponse::Webhook { user, good_for },
    }
}

/// Lines of a few kinds, so that some requests come back and what is kept is used.
fn odd_lines(random: &mut Random) -> Vec<(String, Vec<u8>)> {
    const NAMES: [&str; 12] = [
        "impersonate-group",
        "impersonate-group",
        "impersonate-extra-k",
        "impersonate-extra-a%2fb",
        "impersonate-uid",
        "impersonate-user",
        "impersonate-extra-%4friginaluser.jetstack.io-user",
        "impersonate-extra-originaluser.jetstack.io-user",
        "impersonate-extra-remote-client-ip",
        "impersonate-extra-acme.com%2fcluster",
        "impersonate_group",
        "x-remote-user",
    ];
    const VALUES: [&str; 4] = ["a", "system:masters", "system:unauthenticated", "system:authenticated"];
    const USERS: [&str; 5] =
        ["jane", "jane", "system:serviceaccount:ci:x", "system:anonymous", "system:serviceaccount:ci:x:y"];
    let mut lines = Vec::new();
    if random.below(5) > 0 {
        lines.push(("impersonate-user".to_owned(), USERS[random.below(USERS.len())].as_bytes().to_vec()));
        for _ in 0..random.below(3) {
            let name = NAMES[random.mostly(4, NAMES.len())];
            lines.push((name.to_owned(), VALUES[random.below(VALUES.len())].as_bytes().to_vec()));
        }
    }
    for (name, value) in &mut lines {
        if random.below(16) == 0 {
            let mut bytes = name.clone().into_bytes();
            random.mutate(&mut bytes);
            *name = String::from_utf8_lossy(&bytes).to_lowercase();
        }
        if random.below(16) == 0 {
            random.mutate(value);
        }
    }
    lines
}

/// A key is bytes from the sidecar. Whatever they are, checking a signature against them says no and does not panic.
#[test]
fn odd_keys_verify_nothing() {
    let mut random = Random::new(5);
    for algorithm in Algorithm::ALL {
        let pair = Pair::of(algorithm);
        let text = b"text";
        let signature = pair.sign(algorithm, text);
        let spki = pair.spki();
        for _ in 0..400 {
            let mut key = pair.pinned("", algorithm);
            random.mutate(&mut key.spki);
            use authn::signature::VerifySignature as _;
            if key.spki != spki {
                // A changed identifier or an unused bit may leave the key as it is; a forged text never passes.
                let _ = Portable.verify(&key, algorithm, text, &signature);
                assert!(Portable.verify(&key, algorithm, b"another", &signature).is_err());
                assert!(Portable.verify(&key, algorithm, text, &[]).is_err());
            }
        }
    }
}

/// RSA moduli and exponents that no issuer has.
#[test]
fn degenerate_rsa_keys_verify_nothing() {
    use authn::signature::VerifySignature as _;
    let integer = |bytes: &[u8]| der(0x02, bytes);
    let exponents: [&[u8]; 8] = [&[0], &[1], &[2], &[3], &[1, 0, 1], &[1, 0, 0], &[0x7f; 5], &[0x7f; 300]];
    let mut odd = vec![0x7f; 256];
    odd[255] = 0xff;
    let even = vec![0x7e; 256];
    let moduli: [&[u8]; 8] = [&[0], &[1], &[2], &[3], &[0x7f], &odd, &even, &[0x7f; 2_000]];
    for modulus in moduli {
        for exponent in exponents {
            let key = der(0x30, &[integer(modulus), integer(exponent)].concat());
            let bits = der(0x03, &[&[0], key.as_slice()].concat());
            const RSA: &[u8] = &[0x30, 13, 6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 13, 1, 1, 1, 5, 0];
            let spki = der(0x30, &[RSA, &bits].concat());
            for algorithm in Algorithm::RSA {
                let algorithms = [algorithm].into_iter().collect();
                let key = authn::keys::Key { kid: String::new(), algorithms, spki: spki.clone() };
                for length in [0, 1, 2, 255, 256, 257, modulus.len()] {
                    for byte in [0, 1, 0x7e, 0xff] {
                        let verdict = Portable.verify(&key, algorithm, b"text", &vec![byte; length]);
                        assert!(verdict.is_err(), "{algorithm} n {:?} e {exponent:?}", &modulus[..1]);
                    }
                }
            }
        }
    }
}

fn der(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = content.len();
    let head = match length {
        0..=0x7f => vec![tag, u8::try_from(length).unwrap()],
        _ => {
            let [high, low] = u16::try_from(length).unwrap().to_be_bytes();
            vec![tag, 0x82, high, low]
        }
    };
    [head, content.to_vec()].concat()
}
