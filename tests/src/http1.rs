//! HTTP/1.1 as it is on the wire: every line in its order, with its case, its duplicates and its bytes.
//! An HTTP library would tidy up just what the tests must see.

use std::io::{Error, ErrorKind, Result};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::time::timeout;

/// Header or trailer lines in their order, duplicates included. Values are bytes, without blanks around them.
pub type Lines = Vec<(String, Vec<u8>)>;

/// What an HTTP connection runs on.
pub trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

/// Far above what any test sends: only a runaway sender meets it.
const LONGEST_HEAD: usize = 4 << 20;

/// The values of a header, in their order, lossily as text.
#[must_use]
pub fn values(lines: &Lines, name: &str) -> Vec<String> {
    let same = lines.iter().filter(|(key, _)| key.eq_ignore_ascii_case(name));
    same.map(|(_, value)| String::from_utf8_lossy(value).into_owned()).collect()
}

/// The first value of a header, lossily as text.
#[must_use]
pub fn value(lines: &Lines, name: &str) -> Option<String> {
    values(lines, name).into_iter().next()
}

/// The first line of a message and its header lines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    /// The request line or status line, without its end.
    pub start: Vec<u8>,
    /// The header lines.
    pub lines: Lines,
}

impl Head {
    /// The bytes of this head, the empty line included.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = self.start.clone();
        bytes.extend(b"\r\n");
        write_lines(&mut bytes, &self.lines);
        bytes.extend(b"\r\n");
        bytes
    }

    /// The parts of a request line: method, target, version.
    pub(crate) fn request_line(&self) -> Option<(String, Vec<u8>)> {
        let first = self.start.iter().position(|byte| *byte == b' ')?;
        let last = self.start.iter().rposition(|byte| *byte == b' ')?;
        (first < last).then(|| {
            let method = String::from_utf8_lossy(&self.start[..first]).into_owned();
            (method, self.start[first + 1..last].to_vec())
        })
    }

    /// The code of a status line.
    pub(crate) fn status(&self) -> Result<u16> {
        let text = String::from_utf8_lossy(&self.start).into_owned();
        let code = text.split(' ').nth(1).and_then(|code| code.parse().ok());
        code.ok_or_else(|| bad(&format!("no status line: {text}")))
    }

    /// How the body of a request with this head ends.
    pub(crate) fn request_body(&self) -> Result<Body> {
        Ok(self.announced_body()?.unwrap_or(Body::Length(0)))
    }

    /// How the body of a response with this head ends (RFC 9112 6.3).
    pub(crate) fn response_body(&self, method: &str) -> Result<Body> {
        let status = self.status()?;
        if method == "HEAD" || status < 200 || status == 204 || status == 304 {
            return Ok(Body::Length(0));
        }
        Ok(self.announced_body()?.unwrap_or(Body::UntilClose))
    }

    fn announced_body(&self) -> Result<Option<Body>> {
        if value(&self.lines, "transfer-encoding").is_some_and(|coding| coding.ends_with("chunked")) {
            return Ok(Some(Body::Chunked));
        }
        let length = value(&self.lines, "content-length").map(|text| text.parse().map(Body::Length));
        length.transpose().map_err(|_| bad("content-length"))
    }
}

/// What of a body is still to come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Body {
    /// Chunks, then trailers.
    Chunked,
    /// The end was read.
    Done,
    /// So many bytes.
    Length(u64),
    /// All until the peer closes.
    UntilClose,
}

/// One connection that HTTP/1.1 runs on.
pub struct Wire {
    stream: Box<dyn Stream>,
    buffer: Vec<u8>,
    patience: Option<Duration>,
}

impl std::fmt::Debug for Wire {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Wire").field("buffer", &self.buffer.len()).finish_non_exhaustive()
    }
}

impl Wire {
    /// HTTP/1.1 on this stream.
    pub fn new(stream: impl Stream + 'static) -> Self {
        Self { stream: Box::new(stream), buffer: Vec::new(), patience: None }
    }

    /// Lets a read fail after so long a silence.
    #[must_use]
    pub fn patience(mut self, patience: Duration) -> Self {
        self.patience = Some(patience);
        self
    }

    /// The next head, or `None` if the peer closed before one began.
    pub async fn read_head(&mut self) -> Result<Option<Head>> {
        let mut searched = 0;
        let end = loop {
            if let Some(at) = find(&self.buffer[searched..], b"\r\n\r\n") {
                break searched + at;
            }
            searched = self.buffer.len().saturating_sub(3);
            if self.buffer.len() > LONGEST_HEAD {
                return Err(bad("endless head"));
            }
            match self.fill().await {
                Ok(0) if self.buffer.is_empty() => return Ok(None),
                Ok(0) => return Err(ErrorKind::UnexpectedEof.into()),
                Ok(_) => {}
                Err(error) if error.kind() == ErrorKind::ConnectionReset && self.buffer.is_empty() => {
                    return Ok(None);
                }
                Err(error) => return Err(error),
            }
        };
        let bytes: Vec<u8> = self.buffer.drain(..end + 4).take(end).collect();
        let (start, rest) = match find(&bytes, b"\r\n") {
            Some(at) => (bytes[..at].to_vec(), &bytes[at + 2..]),
            None => (bytes.clone(), &[][..]),
        };
        Ok(Some(Head { start, lines: parse_lines(rest) }))
    }

    /// The next piece of a body, `None` after the last; trailers go where they are wanted.
    pub async fn read_piece(&mut self, body: &mut Body, trailers: &mut Lines) -> Result<Option<Vec<u8>>> {
        match body {
            Body::Done => Ok(None),
            Body::Length(0) => {
                *body = Body::Done;
                Ok(None)
            }
            Body::Length(left) => {
                let want = usize::try_from(*left).expect("a body that fits into memory").min(1 << 16);
                let piece = self.read_up_to(want).await?;
                if piece.is_empty() {
                    return Err(ErrorKind::UnexpectedEof.into());
                }
                *left -= piece.len() as u64;
                Ok(Some(piece))
            }
            Body::UntilClose => {
                let piece = self.read_up_to(1 << 16).await?;
                if piece.is_empty() {
                    *body = Body::Done;
                    return Ok(None);
                }
                Ok(Some(piece))
            }
            Body::Chunked => {
                let line = self.read_line().await?;
                let digits = line.split(|byte| *byte == b';').next().unwrap_or_default();
                let text = String::from_utf8_lossy(digits).trim().to_owned();
                let size = usize::from_str_radix(&text, 16).map_err(|_| bad("size of a chunk"))?;
                if size > 0 {
                    let chunk = self.read_exactly(size).await?;
                    self.read_exactly(2).await?;
                    return Ok(Some(chunk));
                }
                loop {
                    let line = self.read_line().await?;
                    if line.is_empty() {
                        break;
                    }
                    trailers.extend(parse_lines(&line));
                }
                *body = Body::Done;
                Ok(None)
            }
        }
    }

    /// The whole body, and the trailers.
    pub async fn read_body(&mut self, mut body: Body) -> Result<(Vec<u8>, Lines)> {
        let (mut bytes, mut trailers) = (Vec::new(), Lines::new());
        while let Some(piece) = self.read_piece(&mut body, &mut trailers).await? {
            bytes.extend(piece);
        }
        Ok((bytes, trailers))
    }

    /// At least one byte and at most `most`, or nothing at the end of the stream.
    pub async fn read_up_to(&mut self, most: usize) -> Result<Vec<u8>> {
        if self.buffer.is_empty() {
            self.fill().await?;
        }
        let count = self.buffer.len().min(most);
        Ok(self.buffer.drain(..count).collect())
    }

    /// Exactly so many bytes.
    pub async fn read_exactly(&mut self, count: usize) -> Result<Vec<u8>> {
        while self.buffer.len() < count {
            self.fill_or_fail().await?;
        }
        Ok(self.buffer.drain(..count).collect())
    }

    /// Writes and flushes.
    pub async fn write(&mut self, bytes: &[u8]) -> Result<()> {
        self.stream.write_all(bytes).await?;
        self.stream.flush().await
    }

    /// Writes one chunk of a chunked body; an empty one ends it, with these trailers.
    pub async fn write_chunk(&mut self, chunk: &[u8], trailers: &Lines) -> Result<()> {
        let mut bytes = format!("{:x}\r\n", chunk.len()).into_bytes();
        bytes.extend(chunk);
        if chunk.is_empty() {
            write_lines(&mut bytes, trailers);
        }
        bytes.extend(b"\r\n");
        self.write(&bytes).await
    }

    /// Says that nothing more will be written.
    pub async fn shutdown(&mut self) -> Result<()> {
        self.stream.shutdown().await
    }

    async fn read_line(&mut self) -> Result<Vec<u8>> {
        loop {
            if let Some(end) = find(&self.buffer, b"\r\n") {
                return Ok(self.buffer.drain(..end + 2).take(end).collect());
            }
            self.fill_or_fail().await?;
        }
    }

    async fn fill_or_fail(&mut self) -> Result<()> {
        if self.fill().await? == 0 { Err(ErrorKind::UnexpectedEof.into()) } else { Ok(()) }
    }

    async fn fill(&mut self) -> Result<usize> {
        self.buffer.reserve(1 << 14);
        let read = self.stream.read_buf(&mut self.buffer);
        let read = match self.patience {
            Some(patience) => timeout(patience, read).await?,
            None => read.await,
        };
        match read {
            // A peer that closes without saying so in TLS has closed all the same.
            Err(error) if error.kind() == ErrorKind::UnexpectedEof => Ok(0),
            other => other,
        }
    }
}

fn parse_lines(bytes: &[u8]) -> Lines {
    let mut lines = Lines::new();
    for line in bytes.split(|byte| *byte == b'\n').map(|line| line.strip_suffix(b"\r").unwrap_or(line)) {
        if line.is_empty() {
            continue;
        }
        let colon = line.iter().position(|byte| *byte == b':').unwrap_or(line.len());
        let value = line.get(colon + 1..).unwrap_or_default();
        lines.push((String::from_utf8_lossy(&line[..colon]).into_owned(), value.trim_ascii().to_vec()));
    }
    lines
}

fn write_lines(bytes: &mut Vec<u8>, lines: &Lines) {
    for (name, value) in lines {
        bytes.extend(name.as_bytes());
        bytes.extend(b": ");
        bytes.extend(value);
        bytes.extend(b"\r\n");
    }
}

fn find(bytes: &[u8], what: &[u8]) -> Option<usize> {
    bytes.windows(what.len()).position(|window| window == what)
}

fn bad(what: &str) -> Error {
    Error::new(ErrorKind::InvalidData, what)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn keeps_every_line_and_the_trailers() {
        let (ours, theirs) = tokio::io::duplex(16);
        let (mut ours, mut theirs) = (Wire::new(ours), Wire::new(theirs));
        let sent: &[u8] = b"POST /a//b%2F?x=%00 HTTP/1.1\r\nHost: h\r\nX: 1\r\nx: \xff\r\n: empty\r\n\
            Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nImpersonate-User: eve\r\n\r\nnext";
        let writer = tokio::spawn(async move { ours.write(sent).await });
        let head = theirs.read_head().await.unwrap().unwrap();
        assert_eq!(head.request_line().unwrap(), ("POST".to_owned(), b"/a//b%2F?x=%00".to_vec()));
        assert_eq!(
            head.lines[1..4],
            [
                ("X".to_owned(), b"1".to_vec()),
                ("x".to_owned(), b"\xff".to_vec()),
                (String::new(), b"empty".to_vec()),
            ]
        );
        let (body, trailers) = theirs.read_body(head.request_body().unwrap()).await.unwrap();
        assert_eq!(body, b"abc");
        assert_eq!(trailers, [("Impersonate-User".to_owned(), b"eve".to_vec())]);
        assert_eq!(theirs.read_exactly(4).await.unwrap(), b"next");
        writer.await.unwrap().unwrap();
        assert_eq!(theirs.read_head().await.unwrap(), None);
    }
}
