use std::sync::LazyLock;

use authn::algorithm::{Algorithm, AlgorithmSet};
use authn::authenticator::Authenticator;
use authn::base64url;
use authn::cache::HashKey;
use authn::decision::{Answers, Decision};
use authn::issuer::{
    ClaimMappings, ExtraMapping, IdentityGuard, Issuer, Mapping, PrefixedClaim, ValidationRule,
};
use authn::keys::{IssuerKeys, Key};
use authn::policy::RequestPolicy;
use authn::request::Request;
use authn::signature::Portable;
use authn::snapshot::{Generation, Snapshot, UpstreamCredential};
use authn::time::UnixSeconds;
use p256::ecdsa::SigningKey;
use p256::ecdsa::signature::Signer as _;
use p256::pkcs8::EncodePublicKey as _;

/// The second at which all tokens are judged; `exp` of the corpus is later.
const NOW: u64 = 1_800_000_000;
const CREDENTIAL: &str = "the-gateways-own";

/// Test only.
static KEY: LazyLock<SigningKey> =
    LazyLock::new(|| SigningKey::from_slice(&[7; 32]).unwrap_or_else(|error| panic!("the key: {error}")));

/// Decides about bytes as a token, and about the token that they are header and payload of, with a good signature: the header
/// ends at the first line end. Whoever comes through has a name, and only what a header may hold.
pub fn token(bytes: &[u8]) {
    decide(bytes);
    let mut parts = bytes.splitn(2, |byte| *byte == b'\n');
    let (header, payload) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    let signed = [base64url::encode(header), base64url::encode(payload)].join(".");
    let signature: p256::ecdsa::Signature = KEY.sign(signed.as_bytes());
    decide([signed, base64url::encode(&signature.to_bytes())].join(".").as_bytes());
}

fn decide(token: &[u8]) {
    let now = UnixSeconds::new(NOW);
    let mut authenticator = Authenticator::new(RequestPolicy::default(), 1 << 16, HashKey::new([7; 16]));
    assert!(authenticator.adopt(snapshot(), now), "the snapshot is good");
    let authorization = [b"Bearer ", token].concat();
    let lines = [("authorization", authorization.as_slice())];
    let request = Request::read(&lines);
    // The second decision is by what the first one remembers.
    for _ in 0..2 {
        if let Decision::Forward(forward) =
            authenticator.decide(&request, None, &Answers::default(), now, &Portable)
        {
            let mut has_user = false;
            forward.add_upstream_headers(|name, value| {
                assert!(
                    !value.bytes().any(|byte| byte < 0x20 || byte == 0x7f),
                    "{name} has control characters"
                );
                assert!(name != "impersonate-user" || !value.is_empty(), "a user without a name");
                assert!(
                    name != "authorization" || value == format!("Bearer {CREDENTIAL}"),
                    "another credential"
                );
                has_user |= name == "impersonate-user";
            });
            assert!(has_user, "nobody comes through as nobody");
        }
    }
}

fn snapshot() -> Snapshot {
    let spki = p256::PublicKey::from(KEY.verifying_key())
        .to_public_key_der()
        .map(|der| der.as_bytes().to_vec())
        .unwrap_or_default();
    let key = Key { kid: "k".to_owned(), algorithms: [Algorithm::Es256].into_iter().collect(), spki };
    let keys = IssuerKeys { keys: vec![key], not_after: UnixSeconds::new(u64::MAX) };
    let rule =
        |expression: &str| ValidationRule { expression: expression.to_owned(), message: String::new() };
    let by_claims = Issuer {
        url: "https://a.example".to_owned(),
        audiences: vec!["kubernetes".to_owned()],
        algorithms: AlgorithmSet::all(),
        claim_mappings: ClaimMappings {
            username: Mapping::Claim(PrefixedClaim { claim: "sub".to_owned(), prefix: "p:".to_owned() }),
            groups: Some(Mapping::Claim(PrefixedClaim { claim: "groups".to_owned(), prefix: String::new() })),
            uid: None,
            extra: Vec::new(),
        },
        required_claims: Vec::new(),
        claim_validation_rules: Vec::new(),
        user_validation_rules: Vec::new(),
        guard: IdentityGuard::default(),
        claim_hosts: authn::claim_hosts::ClaimHosts::default(),
        keys: Some(keys),
    };
    let by_expressions = Issuer {
        url: "https://b.example".to_owned(),
        claim_mappings: ClaimMappings {
            username: Mapping::Expression("claims.sub".to_owned()),
            groups: Some(Mapping::Expression("dyn(claims.?groups.orValue([])).map(g, 'x:' + g)".to_owned())),
            uid: Some(Mapping::Expression("string(claims.?uid.orValue(''))".to_owned())),
            extra: vec![ExtraMapping {
                key: "example.com/team".to_owned(),
                value_expression: "claims.?team.orValue([])".to_owned(),
            }],
        },
        claim_validation_rules: vec![rule("!has(claims.a) || dyn(claims.a).all(x, x != 'no')")],
        user_validation_rules: vec![rule("size(user.username) < 100")],
        ..by_claims.clone()
    };
    Snapshot {
        generation: Generation { epoch: 1, counter: 1 },
        issuers: vec![by_claims, by_expressions],
        upstream_credential: UpstreamCredential::new(CREDENTIAL.to_owned(), None).ok(),
        anonymous: None,
        token_webhook: None,
    }
}
