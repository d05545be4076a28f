//! Sends one request as its bytes, and says who answered.

use std::io::ErrorKind;
use std::time::Duration;

use tests::Client;
use tests::client::read_response;
use tests::http1::Wire;
use tests::http2::{RawAnswer, RawRequest};

/// A silence of this length means that nobody will answer.
const PATIENCE: Duration = Duration::from_secs(15);

/// Follows every HTTP/1.1 request on its connection. It has no credential and no mark, so it must never arrive: not
/// as a body that was cut short, and not after an upgrade that was refused. It also ends the connection.
const PROBE: &[u8] = b"GET /probe HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";

/// A request as it goes out.
#[derive(Clone, Debug)]
pub(crate) enum Request {
    /// HTTP/1.1, and its method, on which the end of the answer depends.
    One { bytes: Vec<u8>, method: String },
    /// HTTP/2.
    Two(RawRequest),
}

/// Who answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum By {
    /// Envoy itself, or it closed the connection.
    Envoy,
    /// The filter, with a `Status`.
    Filter,
    /// The hop, or the API server through it.
    Hop,
    /// Nobody, for a long time.
    Nobody,
}

/// The answer to the first request of a connection; the status is known over HTTP/1.1 alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) by: By,
    pub(crate) status: Option<u16>,
}

impl Request {
    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        match self {
            Self::One { bytes, .. } => bytes.clone(),
            Self::Two(request) => request.to_bytes(),
        }
    }

    pub(crate) async fn send(&self, client: &Client) -> Answer {
        match self {
            Self::One { bytes, method } => {
                one(client.connect().await.expect("a connection"), bytes, method).await
            }
            Self::Two(request) => two(client.connect_http2().await.expect("a connection"), request).await,
        }
    }
}

async fn one(wire: Wire, bytes: &[u8], method: &str) -> Answer {
    let mut wire = wire.patience(PATIENCE);
    // Envoy may answer and close before it has read all.
    _ = wire.write(&[bytes, PROBE].concat()).await;
    let answer = match read_response(&mut wire, method).await {
        Err(error) if error.kind() == ErrorKind::TimedOut => return Answer { by: By::Nobody, status: None },
        Err(_) => return Answer { by: By::Envoy, status: None },
        Ok(answer) => answer,
    };
    let json = answer.value("content-type").is_some_and(|kind| kind.contains("json"));
    let by = if answer.value("x-hop").is_some() {
        By::Hop
    } else if answer.body.is_empty() && json {
        By::Filter
    } else {
        by_body(&answer.body)
    };
    // The probe has been dealt with once it is answered, unless Envoy has said that it will take no more, or the
    // connection is a tunnel now, and the probe the tunnel's.
    let closes = answer.value("connection").is_some_and(|value| value.eq_ignore_ascii_case("close"));
    if answer.status != 101 && !closes {
        _ = read_response(&mut wire, "GET").await;
    }
    Answer { by, status: Some(answer.status) }
}

async fn two(wire: Wire, request: &RawRequest) -> Answer {
    let answer = request.send(wire.patience(PATIENCE), |body| !body.is_empty()).await;
    let by = match answer {
        Err(error) if error.kind() == ErrorKind::TimedOut => By::Nobody,
        Err(_) | Ok(RawAnswer::Refused) => By::Envoy,
        Ok(RawAnswer::Body(body)) => by_body(&body),
    };
    Answer { by, status: None }
}

fn by_body(body: &[u8]) -> By {
    let text = String::from_utf8_lossy(body);
    // Envoy's words for a hop that closed the connection.
    if text.contains("<html>") || text.contains("the gateway has no connection") {
        By::Hop
    } else if text.contains(r#""kind":"Status""#) {
        By::Filter
    } else {
        By::Envoy
    }
}
