//! The attacks that are known, one row each, with what becomes of them. The invariants hold for all of them.

use tests::hop::Kind;
use tests::http2::RawRequest;

use crate::asking::{Arrival, Asked, target as target_of};
use crate::chain::{Chain, Door, marked};
use crate::people::Person;
use crate::policy::Policy;
use crate::sending::Request;

/// What becomes of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    /// It arrives, with the identity of its token.
    Arrives,
    /// It arrives, as whom these lines name: its user may act as them.
    Acts(&'static [(&'static str, &'static str)]),
    /// It arrives with its own token and these lines.
    Passes(&'static [(&'static str, &'static str)]),
    /// It is up to the hop.
    Either,
    /// It does not arrive.
    Refused,
    /// It does not arrive, and the answer has this status.
    Status(u16),
}
use Outcome::{Acts, Arrives, Either, Passes, Refused, Status};

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

/// HTTP/2 with these lines, a body and these trailers.
fn with_trailers(
    lines: &'static [(&'static str, &'static str)],
    trailers: &'static [(&'static str, &'static str)],
) -> Sends {
    Sends::Two(lines, trailers)
}

#[path = "attacks/acting.rs"]
mod acting;
#[path = "attacks/passing.rs"]
mod passing;
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

impl Outcome {
    /// How a request of this person's may arrive.
    fn allowed(self, person: &Person) -> Vec<Arrival> {
        match self {
            Acts(lines) => {
                let asked = asked(lines);
                let target = target_of(person, &asked.iter().collect::<Vec<_>>());
                vec![Arrival::As(target.expect("a target"))]
            }
            Arrives | Either => vec![Arrival::As(person.identity.clone().with_added())],
            Passes(lines) => vec![Arrival::Own(asked(lines))],
            Refused | Status(_) => vec![],
        }
    }
}

fn asked(lines: &[(&str, &str)]) -> Vec<Asked> {
    let asked = |(name, value): &(&str, &str)| Asked {
        name: (*name).to_owned(),
        value: value.as_bytes().to_vec(),
        certain: true,
    };
    lines.iter().map(asked).collect()
}

/// Sends all of the tables through this hop, by either door.
async fn every_row(kind: Kind) {
    for door in [Door::Shipped, Door::Wide] {
        let chain = Chain::start(kind, door, Policy::Authorize).await;
        let alice = &chain.people[0];
        send_all(&chain, door, alice, rows::rows().into_iter().chain(acting::rows())).await;
    }
    let chain = Chain::start(kind, Door::Wide, Policy::PassThrough).await;
    let robot = chain.people.iter().find(|person| person.passes).expect("a robot");
    send_all(&chain, Door::Wide, robot, passing::rows()).await;
}

async fn send_all(chain: &Chain, door: Door, person: &Person, rows: impl IntoIterator<Item = Row>) {
    let mut surprises = String::new();
    for row in rows {
        let mark = chain.mark();
        let request = row.request(mark, &person.token);
        let expected = if door == Door::Wide { row.wide } else { row.shipped };
        chain.note(mark, &expected.allowed(person), &request.to_bytes());
        let answer = request.send(&chain.client()).await;
        let arrived = chain.arrived(mark);
        let as_expected = match expected {
            Acts(_) | Arrives | Passes(_) => arrived,
            Either => true,
            Refused => !arrived,
            Status(status) => !arrived && (answer.status.is_none() || answer.status == Some(status)),
        };
        if !as_expected {
            surprises += &format!("{}: not {expected:?}: arrived {arrived}, {answer:?}\n", row.what);
        }
    }
    chain.assert_unbroken(&format!("{surprises}{door:?}"));
    assert!(surprises.is_empty(), "{door:?}\n{surprises}");
    assert_eq!(chain.gateway.vm_reloads().await, 0);
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
