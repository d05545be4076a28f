//! The wire form of snapshot and feed: what goes in comes out, and what should not be in force is refused.
#![allow(
    clippy::unwrap_used,
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "test code"
)]

mod support;

use authn::algorithm::{Algorithm, AlgorithmSet};
use authn::anonymous::Anonymous;
use authn::feed::{
    FeedError, FeedMessage, GetSnapshotRequest, GetSnapshotResponse, RefreshKeysRequest, RefreshKeysResponse,
    RefreshOutcome, ReviewImpersonationRequest, ReviewImpersonationResponse, ReviewTokenRequest,
    ReviewTokenResponse,
};
use authn::impersonation_request::Attribute;
use authn::issuer::{ClaimMappings, ExtraMapping, IdentityGuard, Issuer, Mapping, ValidationRule};
use authn::keys::IssuerKeys;
use authn::request::Request;
use authn::snapshot::{Generation, MAX_ENCODED, Snapshot, SnapshotError, UpstreamCredential};
use authn::user::UserInfo;
use prost::Message;
use support::*;

fn rule(expression: &str) -> ValidationRule {
    ValidationRule { expression: expression.to_owned(), message: format!("{expression}, for people") }
}

/// A snapshot in which every field says something.
fn full() -> Snapshot {
    let mut first = issuer();
    first.audiences = vec!["a".to_owned(), "b".to_owned()];
    first.algorithms = [Algorithm::Rs256, Algorithm::Es512].into_iter().collect();
    first.claim_mappings.groups = Some(prefixed("groups", "g:"));
    first.claim_mappings.uid = Some(Mapping::Claim("uid".to_owned()));
    first.required_claims = vec![required("hd", "example.com"), required("empty", "")];
    first.guard.allowed_usernames = ["system:a".to_owned()].into();
    first.guard.allowed_groups = ["system:b".to_owned(), "system:c".to_owned()].into();
    first.keys = Some(keys([Pair::Rsa.key("r"), Pair::P521.key(""), Pair::P256.key(KID)]));
    let mut second = issuer();
    second.url = "https://second.example".to_owned();
    second.claim_mappings.groups = None;
    second.keys = None;
    let mut third = issuer();
    third.url = "https://third.example".to_owned();
    third.keys = Some(IssuerKeys { keys: Vec::new(), not_after: at(u64::MAX) });
    let mut fourth = issuer();
    fourth.url = "https://fourth.example".to_owned();
    fourth.claim_mappings = ClaimMappings {
        username: Mapping::Expression("claims.sub".to_owned()),
        groups: Some(Mapping::Expression("claims.roles".to_owned())),
        uid: Some(Mapping::Expression("claims.id".to_owned())),
        extra: ["example.com/b", "example.com/a"]
            .map(|key| ExtraMapping { key: key.to_owned(), value_expression: format!("'{key}'") })
            .into(),
    };
    fourth.claim_validation_rules = vec![rule("claims.hd == 'x'"), rule("true")];
    fourth.user_validation_rules = vec![rule("user.username != 'x'")];
    Snapshot {
        generation: Generation { epoch: u64::MAX, counter: 7 },
        issuers: vec![first, second, third, fourth],
        upstream_credential: Some(
            UpstreamCredential::new("a-secret-text".to_owned(), Some(at(NOW))).unwrap(),
        ),
        anonymous: Some(Anonymous { paths: vec!["/healthz".to_owned()] }),
        token_webhook: Some(IdentityGuard {
            allowed_usernames: ["system:node:a".to_owned()].into(),
            allowed_groups: ["system:nodes".to_owned()].into(),
        }),
    }
}

#[test]
fn what_is_encoded_is_decoded() {
    let empty = Snapshot {
        generation: Generation::default(),
        issuers: vec![],
        upstream_credential: None,
        anonymous: None,
        token_webhook: None,
    };
    let unending = UpstreamCredential::new("t".to_owned(), None).unwrap();
    let unending = Snapshot { upstream_credential: Some(unending), ..full() };
    for snapshot in [full(), empty, unending] {
        let encoded = snapshot.encode();
        assert_eq!(Snapshot::decode(&encoded).as_ref(), Ok(&snapshot));
        assert_eq!(Snapshot::generation_of(&encoded), Ok(snapshot.generation));
        assert_eq!(Snapshot::decode(&encoded).unwrap().encode(), encoded, "the same bytes each time");
    }
}

#[test]
fn no_algorithm_is_no_algorithm() {
    let mut issuer = issuer();
    issuer.algorithms = AlgorithmSet::default();
    let decoded = Snapshot::decode(&snapshot([issuer]).encode()).unwrap();
    assert!(decoded.issuers[0].algorithms.is_empty());
    case("and so no token")
        .issuer(|issuer| issuer.algorithms = AlgorithmSet::default())
        .rejects("algorithm_not_allowed");
}

// --- the wire form, written field by field, for what `encode` would never write

/// One length-delimited field.
fn field(number: u8, value: &[u8]) -> Vec<u8> {
    let mut encoded = vec![number << 3 | 2];
    prost::encoding::encode_varint(u64::try_from(value.len()).unwrap(), &mut encoded);
    [encoded, value.to_vec()].concat()
}

fn varint(number: u8, value: u64) -> Vec<u8> {
    let mut encoded = vec![number << 3];
    prost::encoding::encode_varint(value, &mut encoded);
    encoded
}

fn generation() -> Vec<u8> {
    field(1, &varint(2, 1))
}

fn mappings(username: &str) -> Vec<u8> {
    field(4, &field(1, &field(1, username.as_bytes())))
}

fn whole_issuer() -> Vec<u8> {
    [field(1, ISSUER.as_bytes()), field(2, AUDIENCE.as_bytes()), mappings("sub")].concat()
}

#[track_caller]
fn refused(parts: &[Vec<u8>], error: SnapshotError) {
    assert_eq!(Snapshot::decode(&parts.concat()), Err(error));
}

#[test]
fn what_is_incomplete_or_unknown_is_refused() {
    assert!(Snapshot::decode(&[generation(), field(2, &whole_issuer())].concat()).is_ok());
    let issuer = |parts: &[Vec<u8>]| [generation(), field(2, &parts.concat())];
    let (url, audience) = (field(1, ISSUER.as_bytes()), field(2, AUDIENCE.as_bytes()));

    refused(&[], SnapshotError::NoGeneration);
    refused(&[field(2, &whole_issuer())], SnapshotError::NoGeneration);
    refused(&issuer(&[audience.clone(), mappings("sub")]), SnapshotError::IncompleteIssuer);
    refused(&issuer(&[url.clone(), mappings("sub")]), SnapshotError::IncompleteIssuer);
    refused(&issuer(&[url.clone(), audience.clone()]), SnapshotError::IncompleteIssuer);
    refused(&issuer(&[url.clone(), audience.clone(), mappings("")]), SnapshotError::IncompleteIssuer);
    refused(&issuer(&[url.clone(), audience.clone(), field(4, &[])]), SnapshotError::IncompleteIssuer);
    refused(&issuer(&[]), SnapshotError::IncompleteIssuer);

    let twice = [generation(), field(2, &whole_issuer()), field(2, &whole_issuer())];
    refused(&twice, SnapshotError::DuplicateIssuer);
    for number in [0, 10, 1_000, u64::MAX] {
        refused(&issuer(&[whole_issuer(), varint(3, number)]), SnapshotError::Algorithm);
        let key = field(8, &field(1, &varint(2, number)));
        refused(&issuer(&[whole_issuer(), key]), SnapshotError::Algorithm);
    }
    // A mapping by claim and by expression at once.
    let both = field(4, &[field(1, &field(1, b"sub")), field(4, b"claims.sub")].concat());
    refused(&issuer(&[url.clone(), audience.clone(), both]), SnapshotError::IncompleteIssuer);
    refused(&[generation(), field(4, b"telepathy")], SnapshotError::Feature);
    refused(&[generation(), field(4, b"")], SnapshotError::Feature);
    for token in [&b""[..], b"a b", b"a\n", b"a\0", b"\x7f", "\u{fc}".as_bytes()] {
        refused(&[generation(), field(3, &field(1, token))], SnapshotError::CredentialNotHeaderSafe);
    }
    refused(&[b"\xff".to_vec()], SnapshotError::Encoding);
    refused(&[generation(), field(2, &field(1, b"\xff"))], SnapshotError::Encoding);
    refused(&[generation(), varint(2, 1)], SnapshotError::Encoding);
    refused(&[vec![0; MAX_ENCODED + 1]], SnapshotError::TooLarge);
    assert_eq!(Snapshot::generation_of(&vec![0; MAX_ENCODED + 1]), Err(SnapshotError::TooLarge));
    assert_eq!(Snapshot::generation_of(b""), Err(SnapshotError::NoGeneration));
    assert_eq!(Snapshot::generation_of(b"\xff"), Err(SnapshotError::Encoding));
}

/// An audience "" would be met by a token whose `aud` is null, a claim "" by one that nobody means.
#[test]
fn empty_names_are_refused_or_mean_nothing() {
    let issuer = |parts: &[Vec<u8>]| [generation(), field(2, &parts.concat())].concat();
    let empty_audience = issuer(&[whole_issuer(), field(2, b"")]);
    assert_eq!(Snapshot::decode(&empty_audience), Err(SnapshotError::IncompleteIssuer));
}

#[test]
fn a_group_prefix_alone_maps_no_groups() {
    let prefix_only = field(4, &[field(1, &field(1, b"sub")), field(2, &field(2, b"g:"))].concat());
    let issuer = [field(1, ISSUER.as_bytes()), field(2, AUDIENCE.as_bytes()), prefix_only].concat();
    let decoded = Snapshot::decode(&[generation(), field(2, &issuer)].concat()).unwrap();
    assert_eq!(decoded.issuers[0].claim_mappings.groups, None);
}

#[test]
fn what_a_newer_sidecar_adds_is_skipped() {
    let encoded = [full().encode(), field(15, b"new")].concat();
    assert_eq!(Snapshot::decode(&encoded), Ok(full()));
    assert_eq!(Snapshot::generation_of(&encoded), Ok(full().generation));
}

#[test]
fn one_megabyte_of_keys_is_read() {
    let mut big = issuer();
    big.keys = Some(keys((0..8_000).map(|number| Pair::P256.key(&number.to_string()))));
    let encoded = snapshot([big]).encode();
    assert!(encoded.len() > 700_000 && encoded.len() <= MAX_ENCODED, "{}", encoded.len());
    assert!(Snapshot::decode(&encoded).is_ok());
}

#[test]
fn damaged_bytes_are_refused_or_read_and_never_panic() {
    let whole = full().encode();
    for end in 0..whole.len() {
        let _ = Snapshot::decode(&whole[..end]);
        let _ = Snapshot::generation_of(&whole[..end]);
    }
    let mut random = Random::new(1);
    for _ in 0..5_000 {
        let mut damaged = whole.clone();
        random.mutate(&mut damaged);
        let _ = Snapshot::generation_of(&damaged);
        if let Ok(read) = Snapshot::decode(&damaged) {
            assert_eq!(Snapshot::decode(&read.encode()), Ok(read));
        }
        let noise: Vec<u8> = (0..random.below(200)).map(|_| random.byte()).collect();
        let _ = Snapshot::decode(&noise);
        let _ = GetSnapshotRequest::decode(&noise);
        let _ = GetSnapshotResponse::decode(&noise);
        let _ = RefreshKeysRequest::decode(&noise);
        let _ = RefreshKeysResponse::decode(&noise);
        let _ = ReviewImpersonationRequest::decode(&noise);
        let _ = ReviewImpersonationResponse::decode(&noise);
        let _ = ReviewTokenRequest::decode(&noise);
        let _ = ReviewTokenResponse::decode(&noise);
    }
}

#[test]
fn debug_never_prints_the_credential() {
    let snapshot = full();
    assert!(!format!("{snapshot:?}").contains("a-secret-text"));
    assert!(!format!("{snapshot:#?}").contains("a-secret-text"));
    assert!(!format!("{:?}", snapshot.upstream_credential).contains("a-secret-text"));
    let token = good_token();
    let authorization = format!("Bearer {token}");
    let lines = [("authorization", authorization.as_bytes())];
    let request = Request::read(&lines);
    let decision = judge(
        &mut authenticator(support::snapshot([issuer()])),
        &request,
        at(NOW),
        &authn::signature::Portable,
    );
    let printed = format!("{decision:?}");
    assert!(matches!(decision, authn::decision::Decision::Forward(_)));
    assert!(!printed.contains(CREDENTIAL), "{printed}");
    let printed = format!("{request:?}");
    assert!(!printed.contains(&token[..20]), "{printed}");
}

#[test]
fn generations_are_ordered_by_epoch_then_counter() {
    let generation = |epoch, counter| Generation { epoch, counter };
    assert!(generation(1, 2) > generation(1, 1));
    assert!(generation(2, 0) > generation(1, u64::MAX));
    assert_eq!(generation(3, 4).next(), generation(3, 5));
    assert_eq!(generation(3, u64::MAX).next(), generation(4, 0));
    assert!(generation(3, u64::MAX).next() > generation(3, u64::MAX));
}

fn both_ways<M: FeedMessage + PartialEq>(message: &M) -> bool {
    M::decode(&message.encode()).as_ref() == Ok(message)
}

#[test]
fn feed_messages_are_read_as_they_were_written() {
    for since in [None, Some(Generation::default()), Some(Generation { epoch: 1, counter: u64::MAX })] {
        assert!(both_ways(&GetSnapshotRequest { since }));
        assert!(both_ways(&RefreshKeysRequest { issuer: ISSUER.to_owned(), kid: "k\0\n".to_owned(), since }));
    }
    for snapshot in [None, Some(full().encode())] {
        assert!(both_ways(&GetSnapshotResponse { snapshot: snapshot.clone() }));
        for outcome in [RefreshOutcome::Fetched, RefreshOutcome::Failed, RefreshOutcome::UnknownIssuer] {
            assert!(both_ways(&RefreshKeysResponse { outcome, snapshot: snapshot.clone() }));
        }
    }
    assert_eq!(GetSnapshotRequest::decode(b"\xff"), Err(FeedError));
    // What is not said, or not known, is no success.
    for encoded in [vec![], varint(1, 0), varint(1, 99)] {
        assert_eq!(
            RefreshKeysResponse::decode(&encoded).map(|read| read.outcome),
            Ok(RefreshOutcome::Failed)
        );
    }
}

/// A user of whom everything is said, odd letters included.
fn somebody() -> UserInfo {
    let owned = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
    let extra = vec![("k\0".to_owned(), owned(&["1", "", "\u{e9}\n"])), ("none".to_owned(), vec![])];
    UserInfo::new("system:x \u{1f600}".to_owned(), "u".to_owned(), owned(&["b", "a", "", "b"]), extra)
}

fn nobody() -> UserInfo {
    UserInfo::new(String::new(), String::new(), vec![], vec![])
}

#[test]
fn questions_are_read_as_they_were_written() {
    let lines = [
        ("impersonate-user", &b"system:serviceaccount:ci:x"[..]),
        ("impersonate-uid", b"7"),
        ("impersonate-group", b"b"),
        ("impersonate-group", b"a,c"),
        ("impersonate-extra-k%2f%00", b"2"),
        ("impersonate-extra-k%2f%00", b"1"),
    ];
    for lines in [&lines[..], &lines[..1]] {
        let target = Request::read(lines).impersonation().unwrap().unwrap();
        for requester in [somebody(), nobody()] {
            let question = ReviewImpersonationRequest { requester, target: target.clone() };
            assert!(both_ways(&question), "{question:?}");
            // What the sidecar asks the API server about is what the filter read.
            let read = ReviewImpersonationRequest::decode(&question.encode()).unwrap();
            assert_eq!(read.target.attributes(), target.attributes());
        }
    }
    for pass_through in [None, Some(vec![]), Some(vec!["a".to_owned(), String::new()])] {
        for webhook in [false, true] {
            let token = "a-secret-text".to_owned();
            let question = ReviewTokenRequest { token, pass_through: pass_through.clone(), webhook };
            assert!(both_ways(&question), "{question:?}");
        }
    }
}

#[test]
fn answers_are_read_as_they_were_written() {
    let attributes = [
        Attribute::User("u".to_owned()),
        Attribute::ServiceAccount("system:serviceaccount:a:b".to_owned()),
        Attribute::Group(String::new()),
        Attribute::Uid("7".to_owned()),
        Attribute::Extra { key: "k\0".to_owned(), value: "v\n".to_owned() },
    ];
    let denied = attributes.map(ReviewImpersonationResponse::Denied);
    let allowed = [0, 10, u32::MAX].map(|good_for| ReviewImpersonationResponse::Allowed { good_for });
    let others = [ReviewImpersonationResponse::Busy, ReviewImpersonationResponse::Failed];
    for answer in denied.iter().chain(&allowed).chain(&others) {
        assert!(both_ways(answer), "{answer:?}");
    }
    for user in [somebody(), nobody()] {
        for good_for in [0, 10, u32::MAX] {
            assert!(both_ways(&ReviewTokenResponse::PassThrough { user: user.clone(), good_for }));
            assert!(both_ways(&ReviewTokenResponse::Webhook { user: user.clone(), good_for }));
        }
    }
    for answer in [ReviewTokenResponse::Busy, ReviewTokenResponse::Failed, ReviewTokenResponse::Unknown] {
        assert!(both_ways(&answer), "{answer:?}");
    }
}

/// A `User` with a name and nothing else.
fn wire_user(number: u8) -> Vec<u8> {
    field(number, &field(1, b"u"))
}

#[test]
fn incomplete_questions_and_answers_are_refused() {
    type ImpersonationRequest = ReviewImpersonationRequest;
    type ImpersonationResponse = ReviewImpersonationResponse;

    assert!(ImpersonationRequest::decode(&[wire_user(1), wire_user(2)].concat()).is_ok());
    for encoded in [vec![], wire_user(1), wire_user(2), field(1, b"\xff"), b"\xff".to_vec()] {
        assert_eq!(ImpersonationRequest::decode(&encoded), Err(FeedError));
    }
    let denied = |kind: u64| [varint(1, 2), field(3, &varint(1, kind))].concat();
    for kind in 1..=5 {
        assert!(matches!(
            ImpersonationResponse::decode(&denied(kind)),
            Ok(ReviewImpersonationResponse::Denied(_))
        ));
    }
    for encoded in [varint(1, 2), denied(0), denied(6), denied(99), b"\xff".to_vec()] {
        assert_eq!(ImpersonationResponse::decode(&encoded), Err(FeedError));
    }
    for outcome in [1, 2] {
        assert_eq!(ReviewTokenResponse::decode(&varint(1, outcome)), Err(FeedError));
        assert!(ReviewTokenResponse::decode(&[varint(1, outcome), wire_user(2)].concat()).is_ok());
    }
    assert_eq!(ReviewTokenResponse::decode(b"\xff"), Err(FeedError));
    assert_eq!(ReviewTokenRequest::decode(&field(1, b"\xff")), Err(FeedError));
}

#[test]
fn what_is_not_said_or_not_known_is_no_permission() {
    for outcome in [vec![], varint(1, 0), varint(1, 6), varint(1, 99), varint(1, u64::MAX)] {
        let rest = [varint(2, 10), varint(3, 10), wire_user(2)];
        for encoded in [outcome.clone(), [outcome.clone(), rest[1].clone(), rest[2].clone()].concat()] {
            assert_eq!(ReviewTokenResponse::decode(&encoded), Ok(ReviewTokenResponse::Failed));
        }
        for encoded in [outcome.clone(), [outcome, rest[0].clone()].concat()] {
            let read = ReviewImpersonationResponse::decode(&encoded);
            assert_eq!(read, Ok(ReviewImpersonationResponse::Failed));
        }
    }
    // The two numberings differ: 5 is busy in one and nothing in the other.
    let failed = ReviewImpersonationResponse::decode(&varint(1, 5));
    assert_eq!(failed, Ok(ReviewImpersonationResponse::Failed));
    assert_eq!(ReviewTokenResponse::decode(&varint(1, 5)), Ok(ReviewTokenResponse::Busy));
}

#[test]
fn debug_never_prints_the_token_in_question() {
    let token = "a-secret-text".to_owned();
    let question = ReviewTokenRequest { token, pass_through: Some(vec![]), webhook: true };
    let printed = [
        format!("{question:?}"),
        format!("{question:#?}"),
        format!("{:?}", authn::decision::Question::Token(question.clone())),
        format!("{:?}", authn::decision::Decision::Ask(authn::decision::Question::Token(question.clone()))),
        {
            let mut answers = authn::decision::Answers::default();
            answers.token(question, ReviewTokenResponse::Failed, at(NOW));
            format!("{answers:?}")
        },
    ];
    for printed in printed {
        assert!(!printed.contains("secret"), "{printed}");
    }
}

/// Issuers of a snapshot keep their order and their URLs.
#[test]
fn an_issuer_is_found_by_its_exact_url() {
    let snapshot = full();
    assert_eq!(snapshot.issuer("https://second.example").map(|issuer: &Issuer| &issuer.keys), Some(&None));
    assert_eq!(snapshot.issuer("https://second.example/"), None);
    assert_eq!(snapshot.issuer(""), None);
}

/// Only here so that the wire form can be written by hand.
#[test]
fn the_hand_written_form_is_protobuf() {
    #[derive(Clone, PartialEq, Message)]
    struct Text {
        #[prost(string, tag = "3")]
        text: String,
    }
    assert_eq!(Text { text: "abc".to_owned() }.encode_to_vec(), field(3, b"abc"));
}
