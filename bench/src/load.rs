//! Sends requests as fast as Envoy answers them: one thread, some connections that are kept, on each of which a request is
//! always on its way. So Envoy has always something to do, and wakes up for several requests at once, as under load.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

/// Connections, each with one request on its way.
pub(crate) const CONNECTIONS: usize = 16;
/// How long one answer may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// Sends `count` requests to a port on loopback; every answer must be 200. Returns how long it took.
pub(crate) fn run<'r>(port: u16, count: usize, mut requests: impl Iterator<Item = &'r [u8]>) -> Duration {
    let mut connections: Vec<_> = (0..CONNECTIONS.min(count)).map(|_| Connection::open(port)).collect();
    let mut next = || requests.next().expect("requests enough");
    let start = Instant::now();
    for connection in &mut connections {
        connection.send(next());
    }
    let mut left = count - connections.len();
    // Round and round: while one connection is waited for, Envoy works on the others.
    for place in (0..connections.len()).cycle().take(count) {
        connections[place].receive();
        if left > 0 {
            left -= 1;
            connections[place].send(next());
        }
    }
    start.elapsed()
}

struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
    filled: usize,
}

impl Connection {
    fn open(port: u16) -> Self {
        let stream = TcpStream::connect(("127.0.0.1", port)).expect("connect to Envoy");
        stream.set_nodelay(true).expect("no delay");
        stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
        Self { stream, buffer: vec![0; 16 * 1024], filled: 0 }
    }

    fn send(&mut self, request: &[u8]) {
        self.stream.write_all(request).expect("send a request");
    }

    fn receive(&mut self) {
        loop {
            if let Some(length) = complete(&self.buffer[..self.filled]) {
                assert_eq!(length, self.filled, "more than one answer");
                self.filled = 0;
                return;
            }
            let more = self.stream.read(&mut self.buffer[self.filled..]).expect("an answer");
            assert!(more > 0, "Envoy closed a connection, or the answer is too long");
            self.filled += more;
        }
    }
}

/// The length of the answer in `bytes`, if it is there whole. Panics unless it is a 200.
fn complete(bytes: &[u8]) -> Option<usize> {
    let mut headers = [httparse::EMPTY_HEADER; 32];
    let mut response = httparse::Response::new(&mut headers);
    let httparse::Status::Complete(head) = response.parse(bytes).expect("an answer of HTTP/1.1") else {
        return None;
    };
    assert_eq!(response.code, Some(200), "{}", String::from_utf8_lossy(bytes));
    let length = response.headers.iter().find(|header| header.name.eq_ignore_ascii_case("content-length"));
    let length: usize = std::str::from_utf8(length.expect("a length").value).ok()?.parse().expect("a length");
    (bytes.len() >= head + length).then_some(head + length)
}
