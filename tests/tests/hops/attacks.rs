//! The attacks that are known, one row each, with what becomes of them. The invariants hold for all of them.

use tests::hop::Kind;
use tests::http2::RawRequest;

use crate::chain::{Chain, Door, Policy, marked};
use crate::invariants::Identity;
use crate::sending::Request;

/// What becomes of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    /// It arrives, with the identity of its token.
    Arrives,
    /// It is up to the hop.
    Either,
    /// It does not arrive.
    Refused,
    /// It does not arrive, and the answer has this status.
    Status(u16),
}
use Outcome::{Arrives, Either, Refused, Status};

/// What a row sends. Each `{token}` in it becomes a good token.
enum Sends {
    /// HTTP/1.1: a method, a target into which the mark goes, lines with their ends, and what follows the head.
    One(&'static str, &'static str, Vec<u8>, &'static [u8]),
    /// HTTP/2: lines beside the usual ones, and trailers.
    Two(&'static [(&'static str, &'static str)], &'static [(&'static str, &'static str)]),
}

struct Row {
    what: &'static str,
    wide: Outcome,
    shipped: Outcome,
    sends: Sends,
}

/// Goes the same way through either door.
fn row(what: &'static str, outcome: Outcome, sends: Sends) -> Row {
    Row { what, wide: outcome, shipped: outcome, sends }
}

/// Stopped by the shipped bootstrap, and by the filter's doing if Envoy is wide open.
fn alias(what: &'static str, wide: Outcome, sends: Sends) -> Row {
    Row { what, wide, shipped: Status(400), sends }
}

/// Identity in trailers, names with underscores among it: over HTTP/2 Envoy ends the stream on account of these.
fn trailers(what: &'static str, wide: Outcome, sends: Sends) -> Row {
    Row { what, wide, shipped: Refused, sends }
}

const TARGET: &str = "/api/v1/pods?";

const TOKEN: &[u8] = b"Authorization: Bearer {token}\r\n";

/// A GET without a credential.
fn bare(lines: &'static [u8]) -> Sends {
    Sends::One("GET", TARGET, lines.to_vec(), b"")
}

/// A GET with a good token.
fn plain(lines: &'static [u8]) -> Sends {
    Sends::One("GET", TARGET, [TOKEN, lines].concat(), b"")
}

/// An upgrade to SPDY with a good token; what `Connection` says is the row's.
fn spdy(lines: &'static [u8]) -> Sends {
    Sends::One("GET", TARGET, [TOKEN, b"Upgrade: SPDY/3.1\r\n", lines].concat(), b"")
}

/// A WebSocket, likewise.
fn websocket(lines: &'static [u8]) -> Sends {
    let key =
        b"Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
    Sends::One("GET", TARGET, [TOKEN, key, lines].concat(), b"")
}

/// A POST with a good token; `rest` is the body as it goes out.
fn post(lines: &'static [u8], rest: &'static [u8]) -> Sends {
    Sends::One("POST", TARGET, [TOKEN, lines].concat(), rest)
}

/// A GET of this target with a good token.
fn target(target: &'static str) -> Sends {
    Sends::One("GET", target, TOKEN.to_vec(), b"")
}

/// HTTP/2, with a good token.
fn two(lines: &'static [(&'static str, &'static str)]) -> Sends {
    Sends::Two(lines, &[])
}

/// A POST over HTTP/2 with these trailers.
fn with_trailers(trailers: &'static [(&'static str, &'static str)]) -> Sends {
    Sends::Two(&[(":method", "POST"), ("te", "trailers")], trailers)
}

#[path = "attacks/rows.rs"]
mod rows;

impl Row {
    fn request(&self, mark: u64, token: &str) -> Request {
        let fill = |bytes: &[u8]| replace(bytes, b"{token}", token.as_bytes());
        match &self.sends {
            Sends::One(method, target, lines, rest) => {
                // The mark stands at the end of the target, or where a row has put it.
                let target = match target.split_once("{mark}") {
                    Some((before, after)) => format!("{before}{}{after}", marked(mark)),
                    None => format!("{target}{}", marked(mark)),
                };
                let start = format!("{method} {target} HTTP/1.1\r\nHost: a\r\n");
                let bytes = [start.as_bytes(), &fill(lines), b"\r\n", &fill(rest)].concat();
                Request::One { bytes, method: (*method).to_owned() }
            }
            Sends::Two(lines, trailers) => {
                let line = |(name, value): &(&str, &str)| (name.as_bytes().to_vec(), fill(value.as_bytes()));
                let given = |name: &str| lines.iter().any(|(known, _)| *known == name);
                let open = given(":protocol");
                let path = format!("{TARGET}{}", marked(mark));
                let usual = [
                    (":method", "GET"),
                    (":scheme", "https"),
                    (":path", &path),
                    (":authority", "a"),
                    ("authorization", "Bearer {token}"),
                ];
                let usual = usual.iter().filter(|(name, _)| !given(name)).map(line);
                let body = (!trailers.is_empty() || open).then(|| b"x".to_vec());
                let trailers = trailers.iter().map(line).collect();
                let mut lines: Vec<_> = usual.chain(lines.iter().map(line)).collect();
                // Pseudo headers stand first, or the request is none.
                lines.sort_by_key(|(name, _)| !name.starts_with(b":"));
                Request::Two(RawRequest { lines, body, trailers, open })
            }
        }
    }
}

fn replace(bytes: &[u8], what: &[u8], by: &[u8]) -> Vec<u8> {
    let (mut all, mut rest) = (Vec::new(), bytes);
    while let Some(at) = rest.windows(what.len()).position(|window| window == what) {
        all.extend(&rest[..at]);
        all.extend(by);
        rest = &rest[at + what.len()..];
    }
    all.extend(rest);
    all
}

async fn every_row(kind: Kind) {
    let policy = Policy::from_environment();
    for door in [Door::Shipped, Door::Wide] {
        let chain = Chain::start(kind, door, &policy).await;
        let mut surprises = Vec::new();
        for row in rows::rows() {
            let (mark, alice) = (chain.mark(), &chain.people[0]);
            let request = row.request(mark, &alice.token);
            let allowed: Vec<Identity> = policy.allowed(&alice.identity, Some("eve"));
            chain.note(mark, &allowed, &request.to_bytes());
            let answer = request.send(&chain.client()).await;
            let arrived = chain.arrived(mark);
            let expected = if door == Door::Wide { row.wide } else { row.shipped };
            let as_expected = match expected {
                Arrives => arrived,
                Either => true,
                Refused => !arrived,
                Status(status) => !arrived && (answer.status.is_none() || answer.status == Some(status)),
            };
            if !as_expected {
                surprises.push(format!("{}: not {expected:?}: arrived {arrived}, {answer:?}", row.what));
            }
        }
        chain.assert_unbroken(&format!("{kind:?} {door:?}"));
        assert!(surprises.is_empty(), "{kind:?} {door:?}\n{}", surprises.join("\n"));
        assert_eq!(chain.gateway.vm_reloads().await, 0);
    }
}

#[tokio::test]
async fn no_attack_gets_through_haproxy() {
    every_row(Kind::Haproxy).await;
}

#[tokio::test]
async fn no_attack_gets_through_nginx() {
    every_row(Kind::Nginx).await;
}

#[tokio::test]
async fn no_attack_gets_through_a_go_reverse_proxy() {
    every_row(Kind::ReverseProxy).await;
}
