//! An HTTP client that sends exactly the lines that it is given, over HTTP/1.1 or HTTP/2.

mod answer;

use std::future::Future;
use std::io::{Error, ErrorKind, Result};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use bytes::Bytes;
use h2::ext::Protocol;
use serde_json::Value;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use tokio_rustls::rustls::pki_types::ServerName;

pub use answer::{Response, Streaming, Tunnel, read_response};

use answer::{Driver, Incoming, read_last_head};

use crate::http1::{self, Head, Lines, Stream, Wire};
use crate::{tls, wait};

/// How long an answer may take, unless the request says otherwise.
const PATIENCE: Duration = Duration::from_secs(30);

/// A client of one server on loopback. Each request has a connection of its own.
#[derive(Clone, Debug)]
pub struct Client {
    address: IpAddr,
    announced: Option<SocketAddr>,
    ca_pem: Option<String>,
    http2: bool,
    name: String,
    port: u16,
}

impl Client {
    /// TLS, with this CA alone, and HTTP/1.1.
    #[must_use]
    pub fn new(port: u16, ca_pem: &str) -> Self {
        Self { ca_pem: Some(ca_pem.to_owned()), ..Self::plain(port) }
    }

    /// Without TLS.
    #[must_use]
    pub fn plain(port: u16) -> Self {
        Self {
            address: Ipv4Addr::LOCALHOST.into(),
            announced: None,
            ca_pem: None,
            http2: false,
            name: "127.0.0.1".to_owned(),
            port,
        }
    }

    /// The same, at another address of this machine.
    #[must_use]
    pub fn address(mut self, address: IpAddr) -> Self {
        self.address = address;
        self
    }

    /// The same, as a load balancer before the server that announces this client (PROXY protocol 1).
    #[must_use]
    pub fn announcing(mut self, client: SocketAddr) -> Self {
        self.announced = Some(client);
        self
    }

    /// The same, over HTTP/2.
    #[must_use]
    pub fn http2(mut self) -> Self {
        self.http2 = true;
        self
    }

    /// The same, expecting (and asking by SNI for) this server name.
    #[must_use]
    pub fn server_name(mut self, name: &str) -> Self {
        name.clone_into(&mut self.name);
        self
    }

    /// A GET of this path and query.
    #[must_use]
    pub fn get(&self, path: &str) -> Request {
        self.request("GET", path)
    }

    /// A POST of JSON.
    #[must_use]
    pub fn post(&self, path: &str, json: &Value) -> Request {
        let request = self.request("POST", path).header("content-type", "application/json");
        request.body(json.to_string())
    }

    /// Any request.
    #[must_use]
    pub fn request(&self, method: &str, path: impl AsRef<[u8]>) -> Request {
        Request {
            body: None,
            client: self.clone(),
            lines: Lines::new(),
            method: method.to_owned(),
            patience: PATIENCE,
            target: path.as_ref().to_vec(),
            trailers: Lines::new(),
        }
    }

    /// A connection on which the caller writes and reads the bytes itself. A read fails after 30 s of silence.
    pub async fn connect(&self) -> Result<Wire> {
        Ok(Wire::new(self.stream("http/1.1").await?).patience(PATIENCE))
    }

    /// As [`Self::connect`], for frames of HTTP/2.
    pub async fn connect_http2(&self) -> Result<Wire> {
        Ok(Wire::new(self.stream("h2").await?).patience(PATIENCE))
    }

    /// Sends these bytes and reads one response; the connection comes back for what may follow.
    pub async fn raw_request(&self, bytes: &[u8]) -> Result<(Response, Wire)> {
        let mut wire = self.connect().await?;
        // A server may answer and close before it has read all.
        _ = wire.write(bytes).await;
        let response = within(PATIENCE, read_response(&mut wire, "GET")).await?;
        Ok((response, wire))
    }

    async fn stream(&self, alpn: &str) -> Result<Box<dyn Stream>> {
        let mut tcp = TcpStream::connect((self.address, self.port)).await?;
        tcp.set_nodelay(true)?;
        if let Some(client) = self.announced {
            let family = if client.is_ipv4() { "TCP4" } else { "TCP6" };
            let (from, to) = (client.ip(), if client.is_ipv4() { "192.0.2.254" } else { "2001:db8::254" });
            let line = format!("PROXY {family} {from} {to} {} 443\r\n", client.port());
            tcp.write_all(line.as_bytes()).await?;
        }
        let Some(ca_pem) = &self.ca_pem else { return Ok(Box::new(tcp)) };
        let name = ServerName::try_from(self.name.clone()).map_err(Error::other)?;
        Ok(Box::new(tls::connector(ca_pem, &[alpn]).connect(name, tcp).await?))
    }

    async fn session(&self) -> Result<(h2::client::SendRequest<Bytes>, Driver)> {
        let mut builder = h2::client::Builder::new();
        builder
            .max_header_list_size(1 << 20)
            .initial_window_size(1 << 24)
            .initial_connection_window_size(1 << 24);
        let handshake = builder.handshake(self.stream("h2").await?).await;
        let (sender, connection) = handshake.map_err(Error::other)?;
        let driver = Driver(tokio::spawn(async move { _ = connection.await }));
        Ok((sender.ready().await.map_err(Error::other)?, driver))
    }
}

/// A request in the making. Lines are sent as given; what is added where it was not given: `Host` (or
/// `:authority`, for which a given `host` stands), and over HTTP/1.1 the framing of a body.
#[derive(Clone, Debug)]
pub struct Request {
    body: Option<Vec<u8>>,
    client: Client,
    lines: Lines,
    method: String,
    patience: Duration,
    target: Vec<u8>,
    trailers: Lines,
}

impl Request {
    /// One header line more.
    #[must_use]
    pub fn header(mut self, name: &str, value: impl AsRef<[u8]>) -> Self {
        self.lines.push((name.to_owned(), value.as_ref().to_vec()));
        self
    }

    /// `Authorization: Bearer TOKEN`.
    #[must_use]
    pub fn bearer(self, token: &str) -> Self {
        self.header("authorization", format!("Bearer {token}"))
    }

    /// A body.
    #[must_use]
    pub fn body(mut self, bytes: impl Into<Vec<u8>>) -> Self {
        self.body = Some(bytes.into());
        self
    }

    /// One trailer line more; the body is then chunked.
    #[must_use]
    pub fn trailer(mut self, name: &str, value: impl AsRef<[u8]>) -> Self {
        self.trailers.push((name.to_owned(), value.as_ref().to_vec()));
        self
    }

    /// How long the answer may take: 30 s if not said.
    #[must_use]
    pub fn within(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// Sends it; panics if there is no answer.
    pub async fn send(self) -> Response {
        let what = format!("{} {}", self.method, String::from_utf8_lossy(&self.target));
        self.try_send().await.unwrap_or_else(|error| panic!("{what}: {error}"))
    }

    /// Sends it, and reads the whole answer.
    pub async fn try_send(self) -> Result<Response> {
        within(self.patience, async { self.open_now().await?.whole().await }).await
    }

    /// Sends it, and reads the head of the answer alone: for watches and logs.
    pub async fn open(self) -> Result<Streaming> {
        within(self.patience, self.open_now()).await
    }

    /// Asks for an upgrade over HTTP/1.1 (`Connection: Upgrade` and `Upgrade`, unless they were given).
    /// After 101 the connection carries the bytes of the new protocol.
    pub async fn upgrade(mut self, protocol: &str) -> Result<(Response, Wire)> {
        for (name, value) in [("Connection", "Upgrade"), ("Upgrade", protocol)] {
            if http1::value(&self.lines, name).is_none() {
                self = self.header(name, value);
            }
        }
        within(self.patience, async {
            let mut wire = self.client.connect().await?;
            wire.write(&self.to_bytes()).await?;
            let response = read_response(&mut wire, &self.method).await?;
            Ok((response, wire))
        })
        .await
    }

    /// Opens an extended CONNECT over HTTP/2 (RFC 8441). The method and the body of the request are not used.
    pub async fn tunnel(self, protocol: &'static str) -> Result<Tunnel> {
        within(self.patience, async {
            let (mut sender, driver) = self.client.session().await?;
            let known = async || sender.is_extended_connect_protocol_enabled().then_some(());
            let known = wait::poll(Duration::from_secs(5), known).await;
            known.ok_or_else(|| Error::other("the server does not offer extended CONNECT"))?;
            let mut request = self.two("CONNECT")?;
            request.extensions_mut().insert(Protocol::from_static(protocol));
            let (response, send) = sender.send_request(request, false).map_err(Error::other)?;
            let (head, receive) = response.await.map_err(Error::other)?.into_parts();
            let (status, headers) = (head.status.as_u16(), lines_of(&head.headers));
            Ok(Tunnel { status, headers, send, receive, _driver: driver })
        })
        .await
    }

    async fn open_now(self) -> Result<Streaming> {
        if self.client.http2 { self.open_two().await } else { self.open_one().await }
    }

    async fn open_one(self) -> Result<Streaming> {
        let mut wire = self.client.connect().await?.patience(self.patience);
        // A server may answer and close before it has read all.
        _ = wire.write(&self.to_bytes()).await;
        let head = read_last_head(&mut wire).await?;
        let body = head.response_body(&self.method)?;
        let incoming = Incoming::One { wire, body, trailers: Lines::new() };
        Ok(Streaming {
            status: head.status()?,
            headers: head.lines,
            incoming,
            patience: self.patience,
            rest: Vec::new(),
        })
    }

    async fn open_two(self) -> Result<Streaming> {
        let (mut sender, driver) = self.client.session().await?;
        let request = self.two(&self.method)?;
        let nothing = self.body.is_none() && self.trailers.is_empty();
        let (response, mut send) = sender.send_request(request, nothing).map_err(Error::other)?;
        if !nothing {
            let last = self.trailers.is_empty();
            // A server may answer before it has read all.
            _ = send.send_data(self.body.unwrap_or_default().into(), last);
            if !last {
                _ = send.send_trailers(header_map(&self.trailers)?);
            }
        }
        let (head, stream) = response.await.map_err(Error::other)?.into_parts();
        let incoming = Incoming::Two { stream, trailers: Lines::new(), _driver: driver };
        let (status, headers) = (head.status.as_u16(), lines_of(&head.headers));
        Ok(Streaming { status, headers, incoming, patience: self.patience, rest: Vec::new() })
    }

    /// The bytes of the request over HTTP/1.1.
    fn to_bytes(&self) -> Vec<u8> {
        let start = [self.method.as_bytes(), b" ", &self.target, b" HTTP/1.1"].concat();
        let mut lines = Lines::new();
        let given = |name: &str| http1::value(&self.lines, name).is_some();
        if !given("host") {
            lines.push(("Host".to_owned(), format!("127.0.0.1:{}", self.client.port).into_bytes()));
        }
        lines.extend(self.lines.clone());
        let body = self.body.clone().unwrap_or_default();
        if !self.trailers.is_empty() {
            lines.push(("Transfer-Encoding".to_owned(), b"chunked".to_vec()));
        } else if self.body.is_some() && !given("content-length") && !given("transfer-encoding") {
            lines.push(("Content-Length".to_owned(), body.len().to_string().into_bytes()));
        }
        let mut bytes = Head { start, lines }.to_bytes();
        if self.trailers.is_empty() {
            bytes.extend(body);
        } else {
            if !body.is_empty() {
                bytes.extend(format!("{:x}\r\n", body.len()).into_bytes());
                bytes.extend(body);
                bytes.extend(b"\r\n");
            }
            bytes.extend(Head { start: b"0".to_vec(), lines: self.trailers.clone() }.to_bytes());
        }
        bytes
    }

    /// The head of the request over HTTP/2.
    fn two(&self, method: &str) -> Result<http::Request<()>> {
        let host = format!("127.0.0.1:{}", self.client.port);
        let authority = http1::value(&self.lines, "host").unwrap_or(host);
        let uri = http::Uri::builder().scheme("https").authority(authority).path_and_query(&self.target[..]);
        let builder = http::Request::builder().method(method).version(http::Version::HTTP_2);
        let uri = uri.build().map_err(unfit)?;
        let mut request = builder.uri(uri).body(()).map_err(unfit)?;
        let rest =
            self.lines.iter().filter(|(name, _)| !name.eq_ignore_ascii_case("host")).cloned().collect();
        *request.headers_mut() = header_map(&rest)?;
        Ok(request)
    }
}

async fn within<T>(patience: Duration, future: impl Future<Output = Result<T>>) -> Result<T> {
    tokio::time::timeout(patience, future).await.map_err(Error::from)?
}

fn header_map(lines: &Lines) -> Result<http::HeaderMap> {
    let mut map = http::HeaderMap::new();
    for (name, value) in lines {
        let name = http::HeaderName::from_bytes(name.as_bytes()).map_err(unfit)?;
        map.append(name, http::HeaderValue::from_bytes(value).map_err(unfit)?);
    }
    Ok(map)
}

fn lines_of(headers: &http::HeaderMap) -> Lines {
    headers.iter().map(|(name, value)| (name.as_str().to_owned(), value.as_bytes().to_vec())).collect()
}

/// What the library of HTTP/2 will not send: such a request must go over HTTP/1.1.
fn unfit(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Error {
    Error::new(ErrorKind::InvalidInput, error)
}
