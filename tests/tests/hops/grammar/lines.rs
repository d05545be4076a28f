//! Header lines of the grammar.

use crate::random::Random;

/// A name and a value.
pub(super) type Line = (Vec<u8>, Vec<u8>);

const IDENTITIES: [&str; 10] = [
    "Impersonate-User",
    "Impersonate-Group",
    "Impersonate-Uid",
    "Impersonate-Extra-Scopes",
    "X-Remote-User",
    "X-Remote-User",
    "X-Remote-Group",
    "X-Remote-Group",
    "X-Remote-Uid",
    "X-Remote-Extra-Scopes",
];
/// What a client would have a proxy drop.
const NOMINATED: [&str; 16] = [
    "Impersonate-User",
    "Impersonate-User",
    "Impersonate-Group",
    "Impersonate-Uid",
    "Impersonate_User",
    "impersonate.user",
    "X-Remote-User",
    "X-Forwarded-For",
    "Host",
    "TE",
    "Trailer",
    "Content-Length",
    "Transfer-Encoding",
    "HTTP2-Settings",
    "*",
    "",
];
const ROUTING: [(&str, &str); 30] = [
    ("Proxy-Connection", "Impersonate-User"),
    ("Proxy-Connection", "keep-alive, Upgrade"),
    ("Keep-Alive", "timeout=5, Impersonate-User"),
    ("TE", "trailers"),
    ("TE", "trailers, Impersonate-User"),
    ("Trailer", "Impersonate-User, Authorization"),
    ("Trailer", "X-Sum"),
    ("HTTP2-Settings", "AAMAAABkAAQAAP__"),
    ("Expect", "100-continue"),
    ("Proxy-Authorization", "Basic eA=="),
    ("Forwarded", "for=127.0.0.1;proto=http"),
    ("X-Forwarded-For", "127.0.0.1"),
    ("X-Forwarded-Host", "b"),
    ("X-Forwarded-Proto", "http"),
    ("X-Real-IP", "127.0.0.1"),
    ("X-Original-URL", "/x"),
    ("X-Rewrite-URL", "/x"),
    ("X-HTTP-Method-Override", "DELETE"),
    ("X-Envoy-Original-Path", "/x"),
    ("X-Envoy-Retry-On", "5xx"),
    ("X-Envoy-Upstream-Rq-Timeout-Ms", "1"),
    ("X-Envoy-Internal", "true"),
    ("X-Envoy-Decorator-Operation", "x"),
    ("X-Request-Id", "not-a-uuid"),
    ("Via", "1.1 a"),
    ("Max-Forwards", "0"),
    ("Upgrade-Insecure-Requests", "1"),
    ("Sec-WebSocket-Extensions", "permessage-deflate"),
    ("Range", "bytes=0-0"),
    ("Cookie", "a=b"),
];
const VALUES: [&str; 7] = ["eve", "eve", "system:admin", "system:masters", "", "a, b", "upstream"];

/// A line that means identity to somebody, most often by an alias.
pub(super) fn identity_line(random: &mut Random) -> Line {
    let name = identity_name(random);
    let mut name = oddly_cased(random, name).into_bytes();
    let aliased = random.percent(60);
    for byte in &mut name {
        if aliased && *byte == b'-' {
            *byte = random.pick(b"-_._.");
        }
    }
    if random.percent(5) {
        let odd = random.pick(&[
            &b"_"[..],
            b".",
            b"-",
            b"%2d",
            b"~",
            b"!",
            b"'",
            b"\xc2\xad",
            b"\xff",
            b" ",
            b"\t",
        ]);
        let at = random.below(name.len() + 1);
        name.splice(at..at, odd.iter().copied());
    }
    (name, random.pick(&VALUES).as_bytes().to_vec())
}

// x-remote-* is dropped in silence: so that more requests arrive, it is the more frequent.
fn identity_name(random: &mut Random) -> &'static str {
    let from = if random.percent(75) { 4 } else { 0 };
    IDENTITIES[from + random.below(IDENTITIES.len() - from)]
}

/// A line that some proxy routes, frames or forwards by.
pub(super) fn routing_line(random: &mut Random) -> Line {
    let (name, value) = random.pick(&ROUTING);
    (oddly_cased(random, name).into_bytes(), value.as_bytes().to_vec())
}

/// A line of odd bytes.
pub(super) fn noise_line(random: &mut Random) -> Line {
    let mut bytes = |most: usize| -> Vec<u8> {
        let odd = random.percent(30);
        (0..random.below(most))
            .map(|_| if odd { random.byte() } else { random.pick(b"abcXYZ019-_.!#$%&'*+^`|~\xe4\xff") })
            .collect()
    };
    let (name, value) = (bytes(12), bytes(24));
    ([b"x-", &name[..]].concat(), value)
}

/// The value of a `Connection`. A clean one names nothing but the upgrade, and is read alike by everybody.
pub(super) fn connection(random: &mut Random, upgrade: bool, clean: bool) -> Vec<u8> {
    let mut members: Vec<String> = Vec::new();
    if upgrade {
        members.push(oddly_cased(random, "Upgrade"));
    }
    for _ in 0..random.below(3) {
        members.push(random.pick(&["keep-alive", "Keep-Alive", ""]).to_owned());
    }
    if !clean && random.percent(if upgrade { 40 } else { 80 }) {
        for _ in 0..=random.below(3) {
            let name = random.pick(&NOMINATED);
            members.push(oddly_cased(random, name));
        }
    }
    for at in (1..members.len()).rev() {
        members.swap(at, random.below(at + 1));
    }
    let mut value = Vec::new();
    for (number, member) in members.iter().enumerate() {
        if number > 0 {
            let separator: &[u8] = if clean || random.percent(95) {
                random.pick(&[&b", "[..], b",", b",\t", b" , ", b",,"])
            } else {
                random.pick(&[&b" "[..], b";", b",\r\n ", b",\x0b", b",\xa0", b"\r\nConnection: "])
            };
            value.extend(separator);
        }
        let quoted = !clean && random.percent(2);
        value.extend(if quoted { format!("\"{member}\"") } else { member.clone() }.bytes());
    }
    value
}

/// A line on the wire.
pub(super) fn plain((name, value): &Line) -> Vec<u8> {
    [name, &b": "[..], value, b"\r\n"].concat()
}

/// A line on the wire, now and then malformed.
pub(super) fn rendered(random: &mut Random, (name, value): &Line) -> Vec<u8> {
    let (before, between, after): (&[u8], &[u8], &[u8]) = match random.below(60) {
        0 => (b"", b" : ", b"\r\n"),
        1 => (b" ", b": ", b"\r\n"),
        2 => (b"", b":\t", b"\r\n"),
        3 => (b"", b":", b" \t\r\n"),
        4 => (b"", b": ", b"\n"),
        // Envoy takes a bare CR for a part of the value. Behind it stands no line of ours: a token would be the value's.
        5 => (b"", b": ", b"\rImpersonate-User: eve\r\n"),
        6 => (b"", b": a\r\n ", b"\r\n"),
        7 => (b"", b":\0", b"\r\n"),
        8 => (b"", b"\t:", b"\r\n"),
        9 => (b"\r\n", b": ", b"\r\n"),
        _ => (b"", b": ", b"\r\n"),
    };
    [before, name, between, value, after].concat()
}

/// The name, half of the time in another case.
pub(super) fn oddly_cased(random: &mut Random, name: &str) -> String {
    if random.percent(50) {
        return name.to_owned();
    }
    let flip = |letter: char| {
        if random.percent(50) { letter.to_ascii_uppercase() } else { letter.to_ascii_lowercase() }
    };
    name.chars().map(flip).collect()
}
