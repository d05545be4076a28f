//! The endpoint of a distributed claim: one that answers as it is told, over real TLS, and records who asked.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::net::TcpStream;
use tokio_rustls::server::TlsStream;

use crate::api_server::Received;
use crate::http1::{Head, Lines, Wire};
use crate::server::Server;
use crate::tls::Ca;

/// What it answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Told {
    /// The connection is closed without an answer.
    Close,
    /// The first byte of an answer, and no second one.
    Drip,
    /// No answer at all.
    Hang,
    /// 200 with blanks until the reader goes away, 64 MiB at most.
    Huge,
    /// 302 to this location.
    RedirectTo(String),
    /// This status, with this body.
    Status(u16, String),
}

impl Told {
    /// 200 with this token.
    #[must_use]
    pub fn token(token: impl Into<String>) -> Self {
        Self::Status(200, token.into())
    }
}

/// The endpoint; ends when dropped.
pub struct ClaimsEndpoint {
    ca: Ca,
    server: Server,
    shared: Arc<Shared>,
}

struct Shared {
    told: Mutex<Told>,
    received: Mutex<Vec<Received>>,
}

impl ClaimsEndpoint {
    /// Starts it; it knows of nothing.
    pub async fn start() -> Self {
        let ca = Ca::new("CA of a claims endpoint");
        let shared = Arc::new(Shared {
            told: Mutex::new(Told::Status(404, String::new())),
            received: Mutex::default(),
        });
        let serving = Arc::clone(&shared);
        let serve = move |stream| serve(stream, Arc::clone(&serving));
        let server = Server::start(0, ca.loopback().acceptor(&["http/1.1"]), serve).await;
        Self { ca, server, shared }
    }

    /// The CA that its certificate comes from.
    #[must_use]
    pub fn ca_pem(&self) -> &str {
        self.ca.pem()
    }

    /// Its port on 127.0.0.1.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.server.address.port()
    }

    /// Host and port, as in the policy.
    #[must_use]
    pub fn host(&self) -> String {
        format!("127.0.0.1:{}", self.port())
    }

    /// The URL of something on it.
    #[must_use]
    pub fn url(&self, path: &str) -> String {
        format!("https://{}{path}", self.host())
    }

    /// Answers so from now on.
    pub fn tell(&self, told: Told) {
        *lock(&self.shared.told) = told;
    }

    /// All requests so far, those without an answer included.
    #[must_use]
    pub fn requests(&self) -> Vec<Received> {
        lock(&self.shared.received).clone()
    }
}

async fn serve(stream: TlsStream<TcpStream>, shared: Arc<Shared>) {
    _ = exchange(Wire::new(stream), &shared).await;
}

async fn exchange(mut wire: Wire, shared: &Shared) -> std::io::Result<()> {
    while let Some(head) = wire.read_head().await? {
        let Some((method, target)) = head.request_line() else { return Ok(()) };
        let (body, trailers) = wire.read_body(head.request_body()?).await?;
        let path = String::from_utf8_lossy(&target).into_owned();
        let headers = head.lines;
        lock(&shared.received).push(Received {
            method,
            path,
            target,
            headers,
            trailers,
            body,
            version: "HTTP/1.1",
        });
        let told = lock(&shared.told).clone();
        let (status, line, body) = match told {
            Told::Close => return Ok(()),
            Told::Hang => std::future::pending().await,
            Told::Drip => {
                wire.write(&answer(200, ("Content-Length", "1000"), b"a")).await?;
                std::future::pending().await
            }
            Told::Huge => return huge(&mut wire).await,
            Told::RedirectTo(location) => (302, Some(location), String::new()),
            Told::Status(status, body) => (status, None, body),
        };
        let length = body.len().to_string();
        let mut lines: Lines = vec![("Content-Length".to_owned(), length.into_bytes())];
        lines.extend(line.map(|location| ("Location".to_owned(), location.into_bytes())));
        let head = Head { start: format!("HTTP/1.1 {status} Told").into_bytes(), lines };
        wire.write(&[head.to_bytes(), body.into_bytes()].concat()).await?;
    }
    Ok(())
}

fn answer(status: u16, (name, value): (&str, &str), body: &[u8]) -> Vec<u8> {
    let lines = vec![(name.to_owned(), value.as_bytes().to_vec())];
    [Head { start: format!("HTTP/1.1 {status} Told").into_bytes(), lines }.to_bytes(), body.to_vec()].concat()
}

async fn huge(wire: &mut Wire) -> std::io::Result<()> {
    wire.write(&answer(200, ("Transfer-Encoding", "chunked"), b"")).await?;
    for _ in 0..1024 {
        wire.write_chunk(&[b' '; 1 << 16], &Lines::new()).await?;
    }
    wire.write_chunk(b"", &Lines::new()).await
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
