//! The requests: what kubectl sends, each with its token, minted before anything is measured.

use serde_json::{Value, json};
use tests::{Issuer, SigningKey, Token};

use crate::variant::{Answer, ROTATION, Tokens, Variant};

/// Tokens of the warm-up where each is to be new: more than the filter's cache holds, so none is found again.
const FORGOTTEN: usize = 2 * ROTATION;
/// Requests at the beginning of each turn, before it is measured: caches are full of another Envoy then.
pub(crate) const RUN_UP: usize = 200;
/// What Envoy answers itself comes from here ...
const DIRECT: &str = "/api/v1/namespaces/default/pods?limit=500";
/// ... and what the API server answers from here.
pub(crate) const UPSTREAM: &str = "/upstream/api/v1/namespaces/default/pods?limit=500";

/// Requests in the order in which they are sent.
pub(crate) struct Traffic {
    requests: Vec<Vec<u8>>,
    /// The first of them that is measured.
    first: usize,
    position: usize,
}

/// Who a token is from: what the API server must be told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Person {
    pub(crate) name: String,
    pub(crate) uid: String,
    pub(crate) groups: Vec<String>,
    /// `jti`.
    pub(crate) token_id: String,
}

impl Person {
    pub(crate) fn new(number: usize, groups: usize) -> Self {
        Self {
            name: format!("user-{number:05}@example.com"),
            uid: format!("00u1a2b3c4d5e6f7g{number:05}"),
            groups: (0..groups).map(|group| format!("team-{group:03}-devs")).collect(),
            token_id: format!("AT.kq1-9xYzAbCdEfGhIjKlMnOpQrStUv{number:05}"),
        }
    }

    /// A token of theirs, good for some hours.
    pub(crate) fn token(&self, issuer: &Issuer, key: &SigningKey) -> String {
        let claim = |token: Token, (name, value): (&str, Value)| token.claim(name, value);
        let claims = [
            ("email_verified", json!(true)),
            ("groups", json!(self.groups)),
            ("jti", json!(self.token_id)),
            ("name", json!("A Person of Some Name")),
            ("oid", json!(self.uid)),
        ];
        claims.into_iter().fold(Token::of(issuer).sub(&self.name).expires_in(6 * 3600), claim).sign(key)
    }
}

impl Traffic {
    /// What a variant needs in so many turns. `tokens` makes the token of the person of that number.
    pub(crate) fn new(variant: &Variant, turns: usize, token: impl Fn(&Person) -> String + Sync) -> Self {
        let (first, count) = match variant.tokens {
            Tokens::One => (0, 1),
            Tokens::Rotating => (0, ROTATION),
            Tokens::EachNew => (FORGOTTEN, FORGOTTEN + (RUN_UP + variant.requests) * turns),
        };
        let path = match variant.answer {
            Answer::Envoy => DIRECT,
            Answer::ApiServer => UPSTREAM,
        };
        let mint = |number: usize| request(path, &token(&Person::new(number, variant.groups)), "");
        // Signatures take their time: on two cores half of it.
        let requests = std::thread::scope(|scope| {
            let (first, second) = (0..count / 2, count / 2..count);
            let second = scope.spawn(|| second.map(mint).collect::<Vec<_>>());
            let mut requests: Vec<_> = first.map(mint).collect();
            requests.extend(second.join().expect("tokens"));
            requests
        });
        Self { requests, first, position: first }
    }

    /// So many before the first turn, again and again the same.
    pub(crate) fn warm_up(&self, count: usize) -> impl Iterator<Item = &[u8]> {
        let end = if self.first == 0 { self.requests.len() } else { self.first };
        self.requests[..end].iter().cycle().take(count).map(Vec::as_slice)
    }

    /// The next so many.
    pub(crate) fn next(&mut self, count: usize) -> impl Iterator<Item = &[u8]> {
        let start = self.position;
        self.position += count;
        (start..).take(count).map(|place| self.requests[place % self.requests.len()].as_slice())
    }
}

/// The lines that kubectl sends.
pub(crate) fn request(target: &str, token: &str, more: &str) -> Vec<u8> {
    format!(
        "GET {target} HTTP/1.1\r\n\
         host: kubernetes.example.com\r\n\
         user-agent: kubectl/v1.36.3 (linux/amd64) kubernetes/0a1b2c3\r\n\
         accept: application/json;as=Table;v=v1;g=meta.k8s.io,application/json;as=Table;v=v1beta1;g=meta.k8s.io,application/json\r\n\
         authorization: Bearer {token}\r\n\
         kubectl-command: kubectl get\r\n\
         kubectl-session: 5ba1a2d6-27a1-4a4b-8a0e-6a4a8b6f3c11\r\n\
         accept-encoding: gzip\r\n\
         {more}\r\n"
    )
    .into_bytes()
}
