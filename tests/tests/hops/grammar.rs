//! Requests out of a seeded grammar: mostly well formed, so that many arrive, each with some oddities of the kinds that
//! have turned one proxy against another.

#[path = "grammar/asks.rs"]
mod asks;
#[path = "grammar/lines.rs"]
mod lines;

use tests::http2::RawRequest;
use tests::mint;

use crate::asking::{Arrival, Asked, NoTarget, arrivals, target as target_of};
use crate::chain::{Chain, marked};
use crate::invariants::means_impersonation;
use crate::people::Person;
use crate::policy::Policy;
use crate::random::Random;
use crate::sending::Request;

use asks::ask;
use lines::{Line, connection, identity_line, noise_line, oddly_cased, plain, rendered, routing_line};

/// A request, and how it may arrive.
pub(crate) struct Mutation {
    pub(crate) request: Request,
    pub(crate) allowed: Vec<Arrival>,
    /// Whether it asks for something that can be followed and that the cluster denies.
    pub(crate) is_denied: bool,
}

/// What a client brings: header lines, and whose they are if they are good.
struct Credential<'a> {
    lines: Vec<(String, Vec<u8>)>,
    verified: Option<&'a Person>,
}

const METHODS: [&str; 10] = ["GET", "GET", "GET", "GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "HEAD"];
const PROTOCOLS: [&str; 12] = [
    "websocket",
    "websocket",
    "WebSocket",
    "SPDY/3.1",
    "SPDY/3.1",
    "spdy/3.1",
    "h2c",
    "HTTP/2.0",
    "websocket, h2c",
    "TLS/1.0",
    "foo",
    "",
];
/// The request of this mark.
pub(crate) fn mutation(random: &mut Random, chain: &Chain, policy: Policy, mark: u64) -> Mutation {
    let websocket = random.percent(20);
    let credential = credential(random, chain, websocket);
    let asks = if random.percent(60) { ask(random) } else { vec![] };
    let (request, asked) = if random.percent(70) {
        one(random, &credential, asks, websocket, mark)
    } else {
        two(random, &credential, asks, websocket, mark)
    };
    let allowed = credential.verified.map(|person| arrivals(policy, person, &asked)).unwrap_or_default();
    let asked: Vec<_> = asked.iter().collect();
    let is_denied = policy == Policy::Authorize
        && credential.verified.is_some_and(|person| target_of(person, &asked) == Err(NoTarget::Denied));
    Mutation { request, allowed, is_denied }
}

fn credential<'a>(random: &mut Random, chain: &'a Chain, websocket: bool) -> Credential<'a> {
    let person = &chain.people[random.below(chain.people.len())];
    let bad = &chain.bad_tokens[random.below(chain.bad_tokens.len())];
    let header = |random: &mut Random, token: &str| {
        let scheme = random.pick(&["Bearer", "Bearer", "Bearer", "bearer", "BEARER"]);
        (oddly_cased(random, "Authorization"), format!("{scheme} {token}").into_bytes())
    };
    let subprotocol = |token: &str| {
        let encoded = mint::encode(token.as_bytes());
        let value = format!("v4.channel.k8s.io, base64url.bearer.authorization.k8s.io.{encoded}");
        ("Sec-WebSocket-Protocol".to_owned(), value.into_bytes())
    };
    let mut verified = None;
    let lines = match random.below(100) {
        // Good, as a header or, where that counts, as a subprotocol.
        0..75 => {
            verified = Some(person);
            if websocket && random.percent(30) {
                vec![subprotocol(&person.token)]
            } else {
                vec![header(random, &person.token)]
            }
        }
        75..85 if websocket && random.percent(30) => vec![subprotocol(bad)],
        75..85 => vec![header(random, bad)],
        85..92 => vec![],
        // Two: both good, or one of them bad, or of either kind.
        _ if websocket && random.percent(50) => {
            vec![header(random, &person.token), subprotocol(&person.token)]
        }
        _ => {
            let second = if random.percent(50) { &person.token } else { bad };
            let (first, second) = (header(random, &person.token), header(random, second));
            if random.percent(50) { vec![first, second] } else { vec![second, first] }
        }
    };
    Credential { lines, verified }
}

/// HTTP/1.1, or something like it.
fn one(
    random: &mut Random,
    credential: &Credential<'_>,
    asks: Vec<Line>,
    websocket: bool,
    mark: u64,
) -> (Request, Vec<Asked>) {
    let upgrade = websocket || random.percent(25);
    let mut method = if upgrade { "GET" } else { random.pick(&METHODS) };
    if random.percent(2) {
        method = random.pick(&["CONNECT", "TRACE", "get", "GET\t", "PRI", "FOO"]);
    }
    let version = if random.percent(2) {
        random.pick(&["HTTP/1.0", "HTTP/1.2", "HTTP/2.0", "http/1.1"])
    } else {
        "HTTP/1.1"
    };
    let mut lines = vec![b"Host: a\r\n".to_vec()];
    if upgrade {
        // The subprotocol counts on a WebSocket alone, and a nominated one would be taken away: then a client with two
        // credentials has one.
        let protocol = if websocket { "websocket" } else { random.pick(&PROTOCOLS) };
        lines.push(format!("Upgrade: {protocol}\r\n").into_bytes());
        let value = connection(random, true, websocket);
        lines.push([b"Connection: ", &value[..], b"\r\n"].concat());
        if websocket {
            lines.push(
                b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n".to_vec(),
            );
        }
    }
    let (mut asked, has_asks) = (Vec::new(), !asks.is_empty());
    for line in asks {
        let bytes = if random.percent(90) { plain(&line) } else { rendered(random, &line) };
        note(&mut asked, line, &bytes);
        lines.push(bytes);
    }
    for _ in 0..oddities(random, has_asks) {
        lines.push(match random.below(10) {
            0..4 if !websocket => {
                let value = connection(random, upgrade, false);
                [oddly_cased(random, "Connection").as_bytes(), b": ", &value, b"\r\n"].concat()
            }
            0..6 => {
                let line = identity_line(random);
                let bytes = rendered(random, &line);
                note(&mut asked, line, &bytes);
                bytes
            }
            6..9 => {
                let line = routing_line(random);
                rendered(random, &line)
            }
            _ => {
                let line = noise_line(random);
                rendered(random, &line)
            }
        });
    }
    let at = random.below(lines.len()) + 1;
    // As it is: a credential behind another header's fold would be that header's.
    let given =
        credential.lines.iter().map(|(name, value)| [name.as_bytes(), b": ", value, b"\r\n"].concat());
    lines.splice(at..at, given);
    // An upgrade with a body is never answered: Envoy keeps the body until the API server agrees, who waits for it.
    let bodied = !upgrade && (method != "GET" || random.percent(3));
    let body = if bodied { body(random, &mut lines) } else { vec![] };
    let start = format!("{method} {} {version}\r\n", target(random, mark));
    let head = lines.concat();
    for line in &mut asked {
        line.certain &= is_read_as_it_stands(&line.name, &head);
    }
    let bytes = [start.as_bytes(), &head, b"\r\n", &body].concat();
    (Request::One { bytes, method: method.to_owned() }, asked)
}

/// How many lines more it has. What asks to be somebody has something to lose already: each of them makes it less
/// likely that it arrives.
fn oddities(random: &mut Random, has_asks: bool) -> usize {
    if has_asks { random.pick(&[0, 0, 0, 1, 2, 3]) } else { random.below(4) }
}

/// Notes a line, if it means impersonation to anybody: it is certain when nothing is odd about how it is written.
fn note(asked: &mut Vec<Asked>, line: Line, bytes: &[u8]) {
    let certain = bytes == plain(&line);
    let (name, value) = line;
    let name = String::from_utf8_lossy(&name).to_lowercase();
    if means_impersonation(&name) {
        asked.push(Asked { name, value, certain });
    }
}

/// Whether nothing in this head folds lines, ends it early, or nominates the header.
fn is_read_as_it_stands(name: &str, head: &[u8]) -> bool {
    let head = String::from_utf8_lossy(head).to_lowercase();
    let is_even = !["\n\r\n", "\n\n", "\n ", "\n\t"].iter().any(|odd| head.contains(odd));
    let mut nominating = head.lines().filter(|line| line.starts_with("connection"));
    is_even && !nominating.any(|line| line.contains(name))
}

fn target(random: &mut Random, mark: u64) -> String {
    let mark = marked(mark);
    if !random.percent(10) {
        return format!("/api/v1/pods?{mark}");
    }
    let form = random.pick(&[
        "https://kubernetes/api?{}",
        "http://eve@kubernetes:1/api?{}",
        "/a/../b//./%2e%2e/c%2f?{}",
        "//a?{}",
        "/a;b=c?x=%zz&{}&y",
        "/a\\b?{}",
        "/%00%0d%0aImpersonate-User:%20eve?{}",
        "/a?{}&impersonate-user=eve",
        "a?{}",
        "/a?{}#x",
    ]);
    form.replace("{}", &mark)
}

/// The body, with the lines that frame it. Whatever is read of it, the probe behind it fills up what is missing.
fn body(random: &mut Random, lines: &mut Vec<Vec<u8>>) -> Vec<u8> {
    const SMUGGLED: &[u8] = b"GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n";
    let content = if random.percent(50) { &b"abc"[..] } else { SMUGGLED };
    if random.percent(50) {
        let length = content.len();
        lines.push(
            match random.below(20) {
                0 => format!("Content-Length: +{length}\r\n"),
                1 => format!("Content-Length: {length}\r\nContent-Length: 3\r\n"),
                2 => format!("Content-Length: {length}, {length}\r\n"),
                3 => "Content-Length: 0\r\n".to_owned(),
                4 => format!("Content_Length: 0\r\nContent-Length: {length}\r\n"),
                5 => format!("Content-Length: {length}\r\nExpect: 100-continue\r\n"),
                6 => String::new(),
                _ => format!("Content-Length: {length}\r\n"),
            }
            .into_bytes(),
        );
        return content.to_vec();
    }
    let coding = match random.below(20) {
        0 => "Transfer-Encoding: xchunked\r\n",
        1 => "Transfer-Encoding: gzip, chunked\r\n",
        2 => "Transfer-Encoding:\tCHUNKED\r\n",
        3 => "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n",
        4 => "Transfer-Encoding: chunked\r\nContent-Length: 3\r\n",
        5 => "Transfer-Encoding : chunked\r\n",
        6 => "Transfer_Encoding: chunked\r\nContent-Length: 3\r\n",
        7 => "Transfer-Encoding: chunked, identity\r\n",
        _ => "Transfer-Encoding: chunked\r\n",
    };
    lines.push(coding.as_bytes().to_vec());
    let mut body = format!("{:x}{}\r\n", content.len(), random.pick(&["", "", "", ";a=b", ";a=\"\t\"", " "]))
        .into_bytes();
    body.extend([content, b"\r\n0\r\n"].concat());
    for _ in 0..random.below(3) {
        let line = if random.percent(70) { identity_line(random) } else { routing_line(random) };
        if random.percent(30) {
            lines.push([b"Trailer: ", line.0.as_slice(), b"\r\n"].concat());
        }
        body.extend(rendered(random, &line));
    }
    body.extend(b"\r\n");
    body
}

/// HTTP/2, or something like it.
fn two(
    random: &mut Random,
    credential: &Credential<'_>,
    asks: Vec<Line>,
    websocket: bool,
    mark: u64,
) -> (Request, Vec<Asked>) {
    let method = if websocket { "CONNECT" } else { random.pick(&METHODS) };
    let pair = |name: &str, value: &str| (name.as_bytes().to_vec(), value.as_bytes().to_vec());
    let mut lines = vec![
        pair(":method", method),
        pair(":scheme", "https"),
        pair(":path", &target(random, mark)),
        pair(":authority", "a"),
    ];
    if websocket {
        lines.push(pair(":protocol", "websocket"));
        lines.push(pair("sec-websocket-version", "13"));
    }
    for (name, value) in &credential.lines {
        lines.push((name.to_ascii_lowercase().into_bytes(), value.clone()));
    }
    let (mut asked, has_asks) = (Vec::new(), !asks.is_empty());
    for (name, value) in asks {
        lines.push((name.to_ascii_lowercase(), value));
    }
    for _ in 0..oddities(random, has_asks) {
        let (name, value) = match random.below(20) {
            0 => (b"connection".to_vec(), connection(random, false, false)),
            1..10 => identity_line(random),
            10..17 => routing_line(random),
            _ => noise_line(random),
        };
        // A name in upper case is malformed: some are.
        let name = if random.percent(97) { name.to_ascii_lowercase() } else { name };
        lines.push((name, value));
    }
    for line in &lines {
        note(&mut asked, line.clone(), &plain(line));
    }
    let mut trailers = Vec::new();
    if random.percent(30) && !websocket {
        for _ in 0..=random.below(3) {
            let (name, value) = if random.percent(80) { identity_line(random) } else { routing_line(random) };
            trailers.push((name.to_ascii_lowercase(), value));
        }
    }
    let body = (websocket || !trailers.is_empty() || random.percent(30)).then(|| b"abc".to_vec());
    (Request::Two(RawRequest { lines, body, trailers, open: websocket }), asked)
}
