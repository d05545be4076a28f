//! HTTP/2 as bytes: frames that an HTTP library would refuse to send, with header lines as they are given.
//!
//! Header lines go out as HPACK literals without indexing (RFC 7541 6.2.2), so that no name or value changes.

use std::io::{Error, ErrorKind, Result};

use crate::http1::Wire;

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
/// The frame size that every peer takes.
const LARGEST_FRAME: usize = 1 << 14;
const END_STREAM: u8 = 1;
const ACK: u8 = 1;
const END_HEADERS: u8 = 4;
/// The one stream of a connection.
const STREAM: u32 = 1;

/// A type of frame (RFC 9113 6).
mod frame {
    pub(super) const DATA: u8 = 0;
    pub(super) const HEADERS: u8 = 1;
    pub(super) const RST_STREAM: u8 = 3;
    pub(super) const SETTINGS: u8 = 4;
    pub(super) const PING: u8 = 6;
    pub(super) const GOAWAY: u8 = 7;
    pub(super) const CONTINUATION: u8 = 9;
}

/// A request, pseudo headers among its lines.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RawRequest {
    /// The header lines, in the order in which they are sent.
    pub lines: Vec<(Vec<u8>, Vec<u8>)>,
    /// The body; `None`: the header lines end the stream, unless there are trailers.
    pub body: Option<Vec<u8>>,
    /// The trailer lines.
    pub trailers: Vec<(Vec<u8>, Vec<u8>)>,
    /// The stream stays open behind the body, as that of a tunnel does.
    pub open: bool,
}

/// How the peer took it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RawAnswer {
    /// Answered: the body, or its beginning where the stream goes on. The header lines are not read.
    Body(Vec<u8>),
    /// The stream or the connection was ended without an answer.
    Refused,
}

impl RawRequest {
    /// The bytes of a connection with this request alone.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = PREFACE.to_vec();
        bytes.extend(frame(frame::SETTINGS, 0, 0, &[]));
        let ended = self.body.is_none() && self.trailers.is_empty() && !self.open;
        bytes.extend(block(&self.lines, ended));
        if let Some(body) = &self.body {
            let last = if self.trailers.is_empty() && !self.open { END_STREAM } else { 0 };
            bytes.extend(frame(frame::DATA, last, STREAM, body));
        }
        if !self.trailers.is_empty() {
            bytes.extend(block(&self.trailers, true));
        }
        bytes
    }

    /// Sends it on a new connection. An answer that is still coming when `enough` says so is left.
    pub async fn send(&self, mut wire: Wire, enough: impl Fn(&[u8]) -> bool) -> Result<RawAnswer> {
        // A server may refuse and close before it has read all.
        _ = wire.write(&self.to_bytes()).await;
        let (mut body, mut answered) = (Vec::new(), false);
        loop {
            let read = read_frame(&mut wire).await;
            let (kind, flags, stream, payload) = match read {
                Err(error) if error.kind() == ErrorKind::TimedOut => return Err(error),
                Err(_) => return Ok(RawAnswer::Refused),
                Ok(frame) => frame,
            };
            let ends = flags & END_STREAM != 0;
            match kind {
                frame::SETTINGS if flags & ACK == 0 => {
                    wire.write(&frame(frame::SETTINGS, ACK, 0, &[])).await?;
                }
                frame::PING if flags & ACK == 0 => wire.write(&frame(frame::PING, ACK, 0, &payload)).await?,
                frame::HEADERS if stream == STREAM => {
                    answered = true;
                    if ends {
                        return Ok(RawAnswer::Body(body));
                    }
                }
                frame::DATA if stream == STREAM => {
                    body.extend(payload);
                    if ends || enough(&body) {
                        return Ok(RawAnswer::Body(body));
                    }
                }
                // An answer may come before all of the request was taken: the rest is then refused.
                frame::RST_STREAM | frame::GOAWAY if answered => return Ok(RawAnswer::Body(body)),
                frame::RST_STREAM | frame::GOAWAY => return Ok(RawAnswer::Refused),
                _ => {}
            }
        }
    }
}

/// The lines as HEADERS and CONTINUATION frames.
fn block(lines: &[(Vec<u8>, Vec<u8>)], ends_stream: bool) -> Vec<u8> {
    let encoded = encode(lines);
    let mut pieces: Vec<&[u8]> = encoded.chunks(LARGEST_FRAME).collect();
    if pieces.is_empty() {
        pieces.push(&[]);
    }
    let mut bytes = Vec::new();
    for (number, piece) in pieces.iter().enumerate() {
        let (first, last) = (number == 0, number + 1 == pieces.len());
        let kind = if first { frame::HEADERS } else { frame::CONTINUATION };
        let flags = u8::from(first && ends_stream) * END_STREAM + u8::from(last) * END_HEADERS;
        bytes.extend(frame(kind, flags, STREAM, piece));
    }
    bytes
}

fn encode(lines: &[(Vec<u8>, Vec<u8>)]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (name, value) in lines {
        bytes.push(0);
        for text in [name, value] {
            integer(&mut bytes, text.len());
            bytes.extend(text);
        }
    }
    bytes
}

/// An integer with a prefix of seven bits (RFC 7541 5.1).
fn integer(bytes: &mut Vec<u8>, value: usize) {
    if value < 127 {
        bytes.push(value as u8);
        return;
    }
    bytes.push(127);
    let mut rest = value - 127;
    while rest >= 128 {
        bytes.push((rest % 128) as u8 | 128);
        rest /= 128;
    }
    bytes.push(rest as u8);
}

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).expect("a frame of ordinary size").to_be_bytes();
    [&length[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
}

async fn read_frame(wire: &mut Wire) -> Result<(u8, u8, u32, Vec<u8>)> {
    let head = wire.read_exactly(9).await?;
    let number = |bytes: &[u8]| bytes.iter().fold(0, |number, byte| number << 8 | u32::from(*byte));
    let length = usize::try_from(number(&head[..3])).map_err(Error::other)?;
    let payload = wire.read_exactly(length).await?;
    Ok((head[3], head[4], number(&head[5..]) & 0x7fff_ffff, payload))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api_server::ApiServer;
    use crate::client::Client;

    #[tokio::test]
    async fn carries_a_request_with_every_line_as_it_is() {
        let server = ApiServer::start().await;
        let client = Client::new(server.port(), server.ca_pem());
        let line = |name: &str, value: &str| (name.as_bytes().to_vec(), value.as_bytes().to_vec());
        let long = "v".repeat(20_000);
        let request = RawRequest {
            lines: vec![
                line(":method", "POST"),
                line(":scheme", "https"),
                line(":path", "/a//b?x"),
                line(":authority", "a"),
                line("authorization", &format!("Bearer {}", ApiServer::TOKEN)),
                line("x-long", &long),
            ],
            body: Some(b"abc".to_vec()),
            trailers: vec![line("x-sum", "1")],
            open: false,
        };
        let answer = request.send(client.connect_http2().await.unwrap(), |_| false).await.unwrap();
        let RawAnswer::Body(body) = answer else { panic!("{answer:?}") };
        assert!(String::from_utf8(body).unwrap().contains("/a//b?x"));
        let received = server.last_request();
        assert_eq!(received.values("x-long"), [long]);
        assert_eq!(
            (received.body, received.trailers),
            (b"abc".to_vec(), vec![("x-sum".to_owned(), b"1".to_vec())])
        );
        let mut broken = request;
        broken.lines.push(line("connection", "x-sum"));
        let answer = broken.send(client.connect_http2().await.unwrap(), |_| false).await;
        assert_eq!(answer.unwrap(), RawAnswer::Refused);
    }
}
