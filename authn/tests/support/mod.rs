//! What the tests of this crate share: keys that sign, tokens in any shape, and the row builder.
#![allow(dead_code, reason = "each test binary uses its own part")]

use std::cell::Cell;
use std::convert::Infallible;
use std::net::IpAddr;
use std::sync::LazyLock;

use authn::algorithm::{Algorithm, AlgorithmSet, Family};
use authn::authenticator::Authenticator;
use authn::base64url;
use authn::cache::HashKey;
use authn::claim_hosts::ClaimHosts;
use authn::decision::{Answers, Decision, Forward, Question, Refused};
#[cfg(feature = "supply")]
use authn::explain::{self, Explainer, Explanation, Kubernetes, Verdict};
use authn::feed::RefreshKeysRequest;
use authn::issuer::{ClaimMappings, IdentityGuard, Issuer, Mapping, PrefixedClaim, RequiredClaim};
use authn::keys::{IssuerKeys, Key};
use authn::policy::RequestPolicy;
use authn::request::Request;
use authn::signature::{InvalidSignature, Portable, VerifySignature};
use authn::snapshot::{Generation, Snapshot, UpstreamCredential};
use authn::time::UnixSeconds;
use base64::Engine as _;
use p256::ecdsa::signature::{RandomizedSigner as _, Signer as _};
use rsa::pkcs8::{DecodePrivateKey as _, EncodePublicKey as _};
use rsa::{Pkcs1v15Sign, PrivateKey, Pss};
use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256, Sha384, Sha512};

/// The second at which everything happens unless a row says otherwise.
pub(crate) const NOW: u64 = 1_800_000_000;
pub(crate) const ISSUER: &str = "https://issuer.example/realm";
pub(crate) const AUDIENCE: &str = "kubernetes";
pub(crate) const CREDENTIAL: &str = "eyJvdXIi.own.credential";
/// `kid` of the key that rows sign with.
pub(crate) const KID: &str = "k1";
pub(crate) const CREDENTIAL_ID: &str = "impersonate-extra-authentication.kubernetes.io%2Fcredential-id";

static RSA: LazyLock<PrivateKey> =
    LazyLock::new(|| rsa_from_pem(include_str!("../data/rsa-2048-test-only.pem")));
static RSA_OTHER: LazyLock<PrivateKey> =
    LazyLock::new(|| rsa_from_pem(include_str!("../data/rsa-2048-other-test-only.pem")));

fn rsa_from_pem(pem: &str) -> PrivateKey {
    let text: String = pem.lines().filter(|line| !line.starts_with("--")).collect();
    PrivateKey::from_pkcs8_der(&base64::engine::general_purpose::STANDARD.decode(text).unwrap()).unwrap()
}

/// A key pair that rows sign with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pair {
    Rsa,
    /// Another RSA key.
    OtherRsa,
    P256,
    /// Another P-256 key.
    OtherP256,
    P384,
    P521,
}

impl Pair {
    /// The pair whose keys `algorithm` needs.
    pub(crate) fn of(algorithm: Algorithm) -> Self {
        match algorithm {
            Algorithm::Es256 => Self::P256,
            Algorithm::Es384 => Self::P384,
            Algorithm::Es512 => Self::P521,
            _ => Self::Rsa,
        }
    }

    /// What the pair can be used with.
    pub(crate) fn algorithms(self) -> AlgorithmSet {
        match self {
            Self::Rsa | Self::OtherRsa => Algorithm::RSA.into_iter().collect(),
            Self::P256 | Self::OtherP256 => [Algorithm::Es256].into_iter().collect(),
            Self::P384 => [Algorithm::Es384].into_iter().collect(),
            Self::P521 => [Algorithm::Es512].into_iter().collect(),
        }
    }

    pub(crate) fn spki(self) -> Vec<u8> {
        let der = match self {
            Self::Rsa => RSA.to_public_key().to_public_key_der(),
            Self::OtherRsa => RSA_OTHER.to_public_key().to_public_key_der(),
            Self::P256 => p256_key(7).public_key().to_public_key_der(),
            Self::OtherP256 => p256_key(8).public_key().to_public_key_der(),
            Self::P384 => p384::SecretKey::from_slice(&[7; 48]).unwrap().public_key().to_public_key_der(),
            Self::P521 => p521_key().public_key().to_public_key_der(),
        };
        der.unwrap().into_vec()
    }

    /// The public key, pinned to what it can be used with.
    pub(crate) fn key(self, kid: &str) -> Key {
        Key { kid: kid.to_owned(), algorithms: self.algorithms(), spki: self.spki() }
    }

    /// The public key, pinned to one algorithm.
    pub(crate) fn pinned(self, kid: &str, algorithm: Algorithm) -> Key {
        Key { algorithms: [algorithm].into_iter().collect(), ..self.key(kid) }
    }

    /// Signs as `algorithm` says, with the hash of the curve for an elliptic curve.
    pub(crate) fn sign(self, algorithm: Algorithm, text: &[u8]) -> Vec<u8> {
        match self {
            Self::Rsa => sign_rsa(&RSA, algorithm, text, None),
            Self::OtherRsa => sign_rsa(&RSA_OTHER, algorithm, text, None),
            Self::P256 => sign_p256(7, text),
            Self::OtherP256 => sign_p256(8, text),
            Self::P384 => {
                let signature: p384::ecdsa::Signature =
                    p384::ecdsa::SigningKey::from_slice(&[7; 48]).unwrap().sign(text);
                signature.to_bytes().to_vec()
            }
            Self::P521 => {
                let key = p521::ecdsa::SigningKey::from_slice(&p521_key().to_bytes()).unwrap();
                let signature: p521::ecdsa::Signature = key.sign_with_rng(&mut Random::new(42), text);
                signature.to_bytes().to_vec()
            }
        }
    }
}

fn p256_key(scalar: u8) -> p256::SecretKey {
    p256::SecretKey::from_slice(&[scalar; 32]).unwrap()
}

fn sign_p256(scalar: u8, text: &[u8]) -> Vec<u8> {
    let signature: p256::ecdsa::Signature = p256::ecdsa::SigningKey::from(p256_key(scalar)).sign(text);
    signature.to_bytes().to_vec()
}

fn p521_key() -> p521::SecretKey {
    let mut scalar = [7; 66];
    scalar[0] = 0;
    p521::SecretKey::from_slice(&scalar).unwrap()
}

/// PSS with a salt of another length than the hash's.
pub(crate) fn sign_pss_with_salt(text: &[u8], salt: usize) -> Vec<u8> {
    sign_rsa(&RSA, Algorithm::Ps256, text, Some(salt))
}

fn sign_rsa(key: &PrivateKey, algorithm: Algorithm, text: &[u8], salt: Option<usize>) -> Vec<u8> {
    let mut random = Random::new(42);
    macro_rules! with {
        ($hash:ident) => {{
            let digest = $hash::digest(text);
            match (algorithm.family(), salt) {
                (Family::RsaPss, Some(salt)) => {
                    key.sign_with_rng(&mut random, Pss::<$hash>::new_with_salt(salt), &digest)
                }
                (Family::RsaPss, None) => key.sign_with_rng(&mut random, Pss::<$hash>::new(), &digest),
                _ => key.sign(Pkcs1v15Sign::new::<$hash>(), &digest),
            }
        }};
    }
    match algorithm.hash() {
        authn::algorithm::Hash::Sha256 => with!(Sha256),
        authn::algorithm::Hash::Sha384 => with!(Sha384),
        authn::algorithm::Hash::Sha512 => with!(Sha512),
    }
    .unwrap()
}

/// SplitMix64: the same numbers in every run, so that a failure can be seen again.
#[derive(Clone)]
pub(crate) struct Random(u64);

impl Random {
    pub(crate) const fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `end`, which is not 0.
    pub(crate) fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() % u64::try_from(end).unwrap()).unwrap()
    }

    /// A number below `usual`, and now and then one below `end`.
    pub(crate) fn mostly(&mut self, usual: usize, end: usize) -> usize {
        let end = if self.below(4) == 0 { end } else { usual };
        self.below(end)
    }

    pub(crate) fn byte(&mut self) -> u8 {
        self.next().to_le_bytes()[0]
    }

    /// Changes `bytes` in one to three places: a byte replaced, a bit flipped, bytes taken out, put in or copied.
    pub(crate) fn mutate(&mut self, bytes: &mut Vec<u8>) {
        for _ in 0..=self.below(3) {
            let place = self.below(bytes.len().max(1));
            match self.below(6) {
                0 if !bytes.is_empty() => bytes[place] = self.byte(),
                1 if !bytes.is_empty() => bytes[place] ^= 1 << self.below(8),
                2 if !bytes.is_empty() => {
                    let end = (place + 1 + self.below(4)).min(bytes.len());
                    bytes.drain(place..end);
                }
                3 => bytes.insert(place, self.byte()),
                4 => {
                    const TELLING: &[u8] = b"..,-_= {}\"\\\0\n\xff";
                    bytes.insert(place, TELLING[self.below(TELLING.len())]);
                }
                _ if !bytes.is_empty() => {
                    let from = self.below(bytes.len());
                    let end = (from + 1 + self.below(40)).min(bytes.len());
                    let piece = bytes[from..end].to_vec();
                    bytes.splice(place..place, piece);
                }
                _ => {}
            }
        }
    }
}

impl rsa::rand_core::TryRng for Random {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        Ok(u32::from_le_bytes(self.next().to_le_bytes()[..4].try_into().unwrap()))
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        Ok(self.next())
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
        bytes.fill_with(|| self.byte());
        Ok(())
    }
}

impl rsa::rand_core::TryCryptoRng for Random {}

/// Signs `header` and `payload`, whatever they are.
pub(crate) fn sign(pair: Pair, algorithm: Algorithm, header: &[u8], payload: &[u8]) -> String {
    let input = format!("{}.{}", base64url::encode(header), base64url::encode(payload));
    let signature = pair.sign(algorithm, input.as_bytes());
    format!("{input}.{}", base64url::encode(&signature))
}

/// A good ES256 token for alice.
pub(crate) fn good_token() -> String {
    case("good").token()
}

/// An issuer that maps `sub` and `groups`, with the ES256 key under [`KID`].
pub(crate) fn issuer() -> Issuer {
    Issuer {
        url: ISSUER.to_owned(),
        audiences: vec![AUDIENCE.to_owned()],
        algorithms: AlgorithmSet::all(),
        claim_mappings: ClaimMappings {
            username: prefixed("sub", ""),
            groups: Some(prefixed("groups", "")),
            uid: None,
            extra: Vec::new(),
        },
        required_claims: Vec::new(),
        claim_validation_rules: Vec::new(),
        user_validation_rules: Vec::new(),
        guard: IdentityGuard::default(),
        claim_hosts: ClaimHosts::default(),
        keys: Some(keys([Pair::P256.key(KID)])),
    }
}

pub(crate) fn prefixed(claim: &str, prefix: &str) -> Mapping<PrefixedClaim> {
    Mapping::Claim(PrefixedClaim { claim: claim.to_owned(), prefix: prefix.to_owned() })
}

pub(crate) fn required(claim: &str, value: &str) -> RequiredClaim {
    RequiredClaim { claim: claim.to_owned(), required_value: value.to_owned() }
}

/// Keys that are good for an hour.
pub(crate) fn keys(keys: impl IntoIterator<Item = Key>) -> IssuerKeys {
    IssuerKeys { keys: keys.into_iter().collect(), not_after: UnixSeconds::new(NOW + 3_600) }
}

pub(crate) fn snapshot(issuers: impl IntoIterator<Item = Issuer>) -> Snapshot {
    Snapshot {
        generation: Generation { epoch: 1, counter: 1 },
        issuers: issuers.into_iter().collect(),
        upstream_credential: Some(UpstreamCredential::new(CREDENTIAL.to_owned(), None).unwrap()),
        anonymous: None,
        token_webhook: None,
    }
}

pub(crate) fn authenticator(snapshot: Snapshot) -> Authenticator {
    authenticator_with(RequestPolicy::default(), snapshot)
}

pub(crate) fn authenticator_with(policy: RequestPolicy, snapshot: Snapshot) -> Authenticator {
    let mut authenticator = Authenticator::new(policy, 1 << 20, HashKey::new([7; 16]));
    // By way of the wire, as in life.
    let snapshot = Snapshot::decode(&snapshot.encode()).unwrap();
    assert!(authenticator.adopt(snapshot, at(NOW)));
    authenticator
}

pub(crate) const fn at(seconds: u64) -> UnixSeconds {
    UnixSeconds::new(seconds)
}

/// What came of a request, in the words of the rows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// This must be asked first.
    Ask(Question),
    /// It goes on with these headers, all of them.
    Forward(Vec<(String, String)>),
    /// Reason and status code.
    Reject(&'static str, u16),
    /// `kid` of the key that is lacking.
    RefreshKeys(String),
}

/// Decides about a request for which nothing was asked yet.
pub(crate) fn judge(
    authenticator: &mut Authenticator,
    request: &Request<'_>,
    now: UnixSeconds,
    verifier: &impl VerifySignature,
) -> Decision {
    authenticator.decide(request, None, &Answers::default(), now, verifier)
}

/// A gateway, and when and from where its requests come.
pub(crate) struct Gate {
    pub(crate) authenticator: Authenticator,
    pub(crate) address: Option<IpAddr>,
    pub(crate) now: u64,
}

impl Gate {
    pub(crate) fn new(policy: RequestPolicy, snapshot: Snapshot) -> Self {
        Self { authenticator: authenticator_with(policy, snapshot), address: None, now: NOW }
    }

    /// Decides about a request with this token (empty: none) and these lines.
    pub(crate) fn decides<V: AsRef<[u8]>>(
        &mut self,
        token: &str,
        lines: &[(&str, V)],
        answers: &Answers,
    ) -> Decision {
        let authorization = format!("Bearer {token}");
        let mut all: Vec<_> = lines.iter().map(|(name, value)| (*name, value.as_ref())).collect();
        if !token.is_empty() {
            all.push(("authorization", authorization.as_bytes()));
        }
        self.authenticator.decide(&Request::read(&all), self.address, answers, at(self.now), &Portable)
    }

    /// As [`decides`](Self::decides), for a request for which nothing was asked yet.
    pub(crate) fn sends<V: AsRef<[u8]>>(&mut self, token: &str, lines: &[(&str, V)]) -> Outcome {
        self.decides(token, lines, &Answers::default()).into()
    }
}

/// The lines of a request that has none.
pub(crate) const NO_LINES: [(&str, &str); 0] = [];

/// Headers as they go on under the gateway's credential.
pub(crate) fn with_credential(headers: &[(&str, &str)]) -> Outcome {
    let credential = format!("Bearer {CREDENTIAL}");
    let last = ("authorization", credential.as_str());
    let all = headers.iter().chain([&last]);
    Outcome::Forward(all.map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect())
}

/// The headers that a request goes on with, besides its own.
pub(crate) fn upstream_headers(forward: &Forward) -> Vec<(String, String)> {
    let mut headers = Vec::new();
    forward.add_upstream_headers(|name, value| headers.push((name.to_owned(), value.to_owned())));
    headers
}

impl From<Decision> for Outcome {
    fn from(decision: Decision) -> Self {
        match decision {
            Decision::Ask(Question::Keys(RefreshKeysRequest { kid, .. })) => Self::RefreshKeys(kid),
            Decision::Ask(question) => Self::Ask(question),
            Decision::Forward(forward) => Self::Forward(upstream_headers(&forward)),
            Decision::Reject(Refused { rejection, .. }) => Self::Reject(rejection.reason(), rejection.code()),
        }
    }
}

/// The headers of a user, as they must go on: user, uid, groups, extra, credential.
#[derive(Clone, Debug)]
pub(crate) struct User {
    name: String,
    uid: Option<String>,
    groups: Vec<String>,
    credential_id: Option<String>,
    is_authenticated_added: bool,
}

pub(crate) fn user(name: &str) -> User {
    User {
        name: name.to_owned(),
        uid: None,
        groups: Vec::new(),
        credential_id: None,
        is_authenticated_added: true,
    }
}

impl User {
    pub(crate) fn groups<const N: usize>(mut self, groups: [&str; N]) -> Self {
        self.groups = groups.map(str::to_owned).to_vec();
        self
    }

    pub(crate) fn uid(mut self, uid: &str) -> Self {
        self.uid = Some(uid.to_owned());
        self
    }

    pub(crate) fn credential_id(mut self, id: &str) -> Self {
        self.credential_id = Some(id.to_owned());
        self
    }

    /// Without `system:authenticated` at the end of the groups.
    pub(crate) fn nothing_added(mut self) -> Self {
        self.is_authenticated_added = false;
        self
    }

    pub(crate) fn headers(mut self) -> Vec<(String, String)> {
        if self.is_authenticated_added {
            self.groups.push("system:authenticated".to_owned());
        }
        let mut headers = vec![("impersonate-user".to_owned(), self.name)];
        headers.extend(self.uid.map(|uid| ("impersonate-uid".to_owned(), uid)));
        headers.extend(self.groups.into_iter().map(|group| ("impersonate-group".to_owned(), group)));
        headers.extend(self.credential_id.map(|id| (CREDENTIAL_ID.to_owned(), id)));
        headers.push(("authorization".to_owned(), format!("Bearer {CREDENTIAL}")));
        headers
    }
}

/// A row: one token, one configuration, one outcome. Starts as a good ES256 token for alice.
pub(crate) struct Case {
    name: &'static str,
    claims: Map<String, Value>,
    payload: Option<Vec<u8>>,
    header: Map<String, Value>,
    header_text: Option<Vec<u8>>,
    pair: Option<Pair>,
    algorithm: Algorithm,
    mangle: Option<fn(String) -> String>,
    issuer: Issuer,
    more_issuers: Vec<Issuer>,
    now: u64,
    stricter: Option<&'static str>,
}

pub(crate) fn case(name: &'static str) -> Case {
    let claims = json!({"iss": ISSUER, "aud": AUDIENCE, "sub": "alice", "exp": NOW + 600});
    Case {
        name,
        claims: claims.as_object().unwrap().clone(),
        payload: None,
        header: json!({"kid": KID}).as_object().unwrap().clone(),
        header_text: None,
        pair: None,
        algorithm: Algorithm::Es256,
        mangle: None,
        issuer: issuer(),
        more_issuers: Vec::new(),
        now: NOW,
        stricter: None,
    }
}

impl Case {
    /// Adds claims, or replaces them.
    pub(crate) fn claims(mut self, claims: Value) -> Self {
        self.claims.extend(claims.as_object().unwrap().clone());
        self
    }

    pub(crate) fn without(mut self, claim: &str) -> Self {
        self.claims.remove(claim).unwrap();
        self
    }

    /// The payload, byte by byte.
    pub(crate) fn payload(mut self, payload: impl Into<Vec<u8>>) -> Self {
        self.payload = Some(payload.into());
        self
    }

    /// Puts JSON text in front of the members of the payload.
    pub(crate) fn members(self, members: &str) -> Self {
        let rest = serde_json::to_string(&self.claims).unwrap();
        let payload = format!("{{{members},{}", rest.strip_prefix('{').unwrap());
        self.payload(payload)
    }

    /// Adds header members, or replaces them.
    pub(crate) fn header(mut self, header: Value) -> Self {
        self.header.extend(header.as_object().unwrap().clone());
        self
    }

    pub(crate) fn no_kid(mut self) -> Self {
        self.header.remove("kid");
        self
    }

    /// The header, byte by byte.
    pub(crate) fn header_text(mut self, header: impl Into<Vec<u8>>) -> Self {
        self.header_text = Some(header.into());
        self
    }

    /// Signs with `algorithm` and names it in the header.
    pub(crate) fn algorithm(mut self, algorithm: Algorithm) -> Self {
        self.algorithm = algorithm;
        self
    }

    /// Signs with another pair than the algorithm's own.
    pub(crate) fn signed_by(mut self, pair: Pair) -> Self {
        self.pair = Some(pair);
        self
    }

    /// Changes the finished token.
    pub(crate) fn mangled(mut self, mangle: fn(String) -> String) -> Self {
        self.mangle = Some(mangle);
        self
    }

    pub(crate) fn issuer(mut self, change: impl FnOnce(&mut Issuer)) -> Self {
        change(&mut self.issuer);
        self
    }

    pub(crate) fn keys(self, list: impl IntoIterator<Item = Key>) -> Self {
        let list = keys(list);
        self.issuer(|issuer| issuer.keys = Some(list))
    }

    pub(crate) fn username(self, claim: &str, prefix: &str) -> Self {
        self.issuer(|issuer| issuer.claim_mappings.username = prefixed(claim, prefix))
    }

    pub(crate) fn beside(mut self, issuer: Issuer) -> Self {
        self.more_issuers.push(issuer);
        self
    }

    pub(crate) fn at(mut self, now: u64) -> Self {
        self.now = now;
        self
    }

    /// Marks a row in which we are stricter than kube-apiserver on purpose.
    #[track_caller]
    pub(crate) fn stricter(mut self, id: &'static str) -> Self {
        assert!(STRICTER.contains(&id), "{}: {id} is not a listed deviation", self.name);
        self.stricter = Some(id);
        self
    }

    pub(crate) fn token(&self) -> String {
        let mut header = self.header.clone();
        header.entry("alg").or_insert_with(|| self.algorithm.name().into());
        let header = self.header_text.clone().unwrap_or_else(|| serde_json::to_vec(&header).unwrap());
        let payload = self.payload.clone().unwrap_or_else(|| serde_json::to_vec(&self.claims).unwrap());
        let pair = self.pair.unwrap_or_else(|| Pair::of(self.algorithm));
        let token = sign(pair, self.algorithm, &header, &payload);
        self.mangle.map_or_else(|| token.clone(), |mangle| mangle(token.clone()))
    }

    pub(crate) fn outcome(&self) -> Outcome {
        let issuers = [vec![self.issuer.clone()], self.more_issuers.clone()].concat();
        let authorization = format!("Bearer {}", self.token());
        let lines = [("authorization", authorization.as_bytes())];
        let mut authenticator = authenticator(snapshot(issuers));
        let outcome = judge(&mut authenticator, &Request::read(&lines), at(self.now), &Portable).into();
        #[cfg(feature = "supply")]
        self.is_explained(&outcome);
        outcome
    }

    #[cfg(feature = "supply")]
    pub(crate) fn explanation(&self) -> Explanation {
        let issuers = [vec![self.issuer.clone()], self.more_issuers.clone()].concat();
        Explainer::new(&snapshot(issuers)).unwrap().explain(self.token().as_bytes(), at(self.now), &Portable)
    }

    /// What is told of the token is what was decided, and it is told who is the stricter one.
    #[cfg(feature = "supply")]
    #[track_caller]
    fn is_explained(&self, outcome: &Outcome) {
        let (name, explanation) = (self.name, self.explanation());
        is_told(&explanation, outcome);
        let Verdict::Refused(refusal) = &explanation.verdict else { return };
        match (self.stricter, &refusal.kubernetes) {
            (Some(id), _) => assert!(refusal.stricter.contains(&id), "{name}: {id}, {explanation:?}"),
            (None, Kubernetes::Says(_)) => {}
            // The gateway's own affairs, and text that is not even one token.
            (None, Kubernetes::Unknown) => {
                let rejection = &refusal.rejection;
                assert!(rejection.code() == 503 || rejection.reason() == "not_one_token", "{name}");
            }
            (None, Kubernetes::GoesOn) => assert!(!refusal.stricter.is_empty(), "{name}: {explanation:?}"),
        }
    }

    #[track_caller]
    pub(crate) fn accepts(self, user: User) {
        assert_eq!(self.outcome(), Outcome::Forward(user.headers()), "{}", self.name);
    }

    /// Refused as a bad token: 401.
    #[track_caller]
    pub(crate) fn rejects(self, reason: &'static str) {
        assert_eq!(self.outcome(), Outcome::Reject(reason, 401), "{}", self.name);
    }

    /// Refused with another code.
    #[track_caller]
    pub(crate) fn answers(self, code: u16, reason: &'static str) {
        assert_eq!(self.outcome(), Outcome::Reject(reason, code), "{}", self.name);
    }

    #[track_caller]
    pub(crate) fn refreshes(self, kid: &str) {
        assert_eq!(self.outcome(), Outcome::RefreshKeys(kid.to_owned()), "{}", self.name);
    }
}

/// What is told of a token is what becomes of it.
#[cfg(feature = "supply")]
#[allow(clippy::panic, reason = "test code")]
#[track_caller]
pub(crate) fn is_told(explanation: &Explanation, outcome: &Outcome) {
    let Explanation { steps, verdict, .. } = explanation;
    assert!(!steps.iter().any(|step| step.name == explain::NOT_EXPLAINED), "{explanation:?}");
    let failed = steps.iter().filter(|step| step.outcome == explain::Outcome::Failed).count();
    match (verdict, outcome) {
        (Verdict::LetIn(user), Outcome::Forward(headers)) => {
            assert!(steps.iter().all(|step| step.outcome == explain::Outcome::Passed), "{explanation:?}");
            let values = |header: &str| -> Vec<&str> {
                headers.iter().filter(|(name, _)| name == header).map(|(_, value)| value.as_str()).collect()
            };
            assert_eq!(values("impersonate-user"), [user.username()]);
            assert_eq!(values("impersonate-uid").concat(), user.uid());
            assert_eq!(values("impersonate-group"), user.groups());
            let extra = |(name, _): &&(String, String)| name.starts_with("impersonate-extra-");
            let told: usize = user.extra().iter().map(|(_, values)| values.len()).sum();
            assert_eq!(headers.iter().filter(extra).count(), told);
        }
        (Verdict::Refused(refusal), Outcome::Reject(reason, code)) => {
            assert_eq!((refusal.rejection.reason(), refusal.rejection.code()), (*reason, *code));
            assert!(failed > 0, "{explanation:?}");
        }
        (Verdict::Refused(refusal), Outcome::RefreshKeys(_)) => {
            assert_eq!(refusal.rejection.reason(), "unknown_key");
            assert_eq!(failed, 1, "{explanation:?}");
        }
        // Nobody was asked.
        (Verdict::Refused(refusal), Outcome::Ask(Question::Claims(_))) => {
            assert_eq!(refusal.rejection.reason(), "distributed_groups_failed");
            assert_eq!(failed, 1, "{explanation:?}");
        }
        (verdict, outcome) => panic!("{verdict:?}, but {outcome:?}"),
    }
}

/// Where we are stricter than kube-apiserver. Each has at least one row in `authn/tests`.
pub(crate) const STRICTER: [&str; 22] = [
    "base64-canonical",
    "case-variant-claims",
    "crit-b64",
    "distributed-groups",
    "duplicate-members",
    "embedded-key",
    "empty-username",
    "exp-second",
    "expression-zone",
    "header-unsafe",
    "invalid-utf8",
    "jwk-alg",
    "kid-length",
    "lone-surrogates",
    "many-keys",
    "nesting",
    "numbers-beyond-double",
    "pss-salt",
    "system-names",
    "time-range",
    "token-length",
    "trailing-text",
];

/// The portable verifier with a counter, and said to be as fast as a host's.
#[derive(Default)]
pub(crate) struct Counting {
    pub(crate) calls: Cell<usize>,
    pub(crate) is_slow: bool,
}

impl VerifySignature for Counting {
    fn verify(
        &self,
        key: &Key,
        algorithm: Algorithm,
        signing_input: &[u8],
        signature: &[u8],
    ) -> Result<(), InvalidSignature> {
        self.calls.set(self.calls.get() + 1);
        Portable.verify(key, algorithm, signing_input, signature)
    }

    fn is_slow(&self, _algorithm: Algorithm) -> bool {
        self.is_slow
    }
}
