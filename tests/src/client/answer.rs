//! What comes back.

use std::io::{Error, ErrorKind, Result};
use std::time::Duration;

use bytes::Bytes;
use serde_json::Value;
use tokio::task::JoinHandle;

use super::{PATIENCE, lines_of, within};
use crate::http1::{self, Body, Head, Lines, Wire};

/// A whole answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Response {
    /// The status code.
    pub status: u16,
    /// The header lines.
    pub headers: Lines,
    /// The body.
    pub body: Vec<u8>,
    /// The trailer lines.
    pub trailers: Lines,
}

impl Response {
    /// The first value of a header.
    #[must_use]
    pub fn value(&self, name: &str) -> Option<String> {
        http1::value(&self.headers, name)
    }

    /// The body as text.
    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The body as JSON; panics, with the body, if it is none.
    #[must_use]
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|_| panic!("{}: no JSON: {}", self.status, self.text()))
    }
}

/// An answer whose body is still coming.
#[derive(Debug)]
pub struct Streaming {
    /// The status code.
    pub status: u16,
    /// The header lines.
    pub headers: Lines,
    pub(super) incoming: Incoming,
    pub(super) patience: Duration,
    pub(super) rest: Vec<u8>,
}

#[derive(Debug)]
pub(super) enum Incoming {
    One { wire: Wire, body: Body, trailers: Lines },
    Two { stream: h2::RecvStream, trailers: Lines, _driver: Driver },
}

impl Streaming {
    /// The next piece of the body as it comes, `None` at its end. Fails after a silence of the
    /// request's patience.
    pub async fn piece(&mut self) -> Result<Option<Vec<u8>>> {
        match &mut self.incoming {
            Incoming::One { wire, body, trailers } => wire.read_piece(body, trailers).await,
            Incoming::Two { stream, trailers, .. } => {
                match tokio::time::timeout(self.patience, stream.data()).await? {
                    Some(piece) => {
                        let piece = piece.map_err(Error::other)?;
                        stream.flow_control().release_capacity(piece.len()).map_err(Error::other)?;
                        Ok(Some(piece.to_vec()))
                    }
                    None => {
                        let read = stream.trailers().await.map_err(Error::other)?;
                        *trailers = read.map(|lines| lines_of(&lines)).unwrap_or_default();
                        Ok(None)
                    }
                }
            }
        }
    }

    /// The next line of the body as JSON, `None` at its end. For watches.
    pub async fn event(&mut self) -> Result<Option<Value>> {
        loop {
            if let Some(end) = self.rest.iter().position(|byte| *byte == b'\n') {
                let line: Vec<u8> = self.rest.drain(..=end).collect();
                return Ok(Some(serde_json::from_slice(&line)?));
            }
            match self.piece().await? {
                Some(piece) => self.rest.extend(piece),
                None => return Ok(None),
            }
        }
    }

    pub(super) async fn whole(mut self) -> Result<Response> {
        let mut body = Vec::new();
        while let Some(piece) = self.piece().await? {
            body.extend(piece);
        }
        let (Incoming::One { trailers, .. } | Incoming::Two { trailers, .. }) = self.incoming;
        Ok(Response { status: self.status, headers: self.headers, body, trailers })
    }
}

/// An extended CONNECT that was answered.
#[derive(Debug)]
pub struct Tunnel {
    /// The status code: 200 when it is open.
    pub status: u16,
    /// The header lines.
    pub headers: Lines,
    pub(super) send: h2::SendStream<Bytes>,
    pub(super) receive: h2::RecvStream,
    pub(super) _driver: Driver,
}

impl Tunnel {
    /// Sends bytes.
    pub fn write(&mut self, bytes: &[u8]) -> Result<()> {
        self.send.send_data(Bytes::copy_from_slice(bytes), false).map_err(Error::other)
    }

    /// The next bytes, or nothing at the end; fails after 30 s.
    pub async fn read(&mut self) -> Result<Vec<u8>> {
        let piece = within(PATIENCE, async { Ok(self.receive.data().await) }).await?;
        let Some(piece) = piece.transpose().map_err(Error::other)? else { return Ok(Vec::new()) };
        self.receive.flow_control().release_capacity(piece.len()).map_err(Error::other)?;
        Ok(piece.to_vec())
    }
}

/// Reads one response from a connection that the caller writes to itself.
pub async fn read_response(wire: &mut Wire, method: &str) -> Result<Response> {
    let head = read_last_head(wire).await?;
    let (body, trailers) = wire.read_body(head.response_body(method)?).await?;
    Ok(Response { status: head.status()?, headers: head.lines, body, trailers })
}

/// The head of the answer, after any `100 Continue` and its like.
pub(super) async fn read_last_head(wire: &mut Wire) -> Result<Head> {
    loop {
        let head = wire.read_head().await?.ok_or(ErrorKind::UnexpectedEof)?;
        if head.status()? >= 200 || head.status()? == 101 {
            return Ok(head);
        }
    }
}

/// Ends the connection with its user.
#[derive(Debug)]
pub(super) struct Driver(pub(super) JoinHandle<()>);

impl Drop for Driver {
    fn drop(&mut self) {
        self.0.abort();
    }
}
