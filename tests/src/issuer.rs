//! An OIDC issuer: discovery and JWKS over real TLS, with keys, faults and answers that change at run time.

use std::collections::BTreeMap;
use std::io::Result;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::sync::Notify;

use crate::http1::{Head, Lines, Wire};
use crate::mint::{Algorithm, SigningKey};
use crate::server::Server;
use crate::tls::Ca;
use crate::wait;

/// Below the issuer's URL, where the discovery document is.
pub const DISCOVERY: &str = "/.well-known/openid-configuration";
/// Below the issuer's URL, where the JWKS is.
pub const JWKS: &str = "/jwks";

/// What goes wrong with a document.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Fault {
    /// The connection is closed without an answer.
    CloseConnection,
    /// 200 with a body that is not JSON.
    Garbage,
    /// No answer until the fault is another one; then the waiting requests are answered as that says.
    Hang,
    /// 200 with JSON that has no end: blanks until the reader goes away, 64 MiB at most.
    HugeBody,
    /// All is well.
    #[default]
    None,
    /// 302 to this location.
    RedirectTo(String),
    /// This status, with a short body.
    Status(u16),
    /// A document that names another issuer.
    WrongIssuer,
}

/// The issuer; ends when dropped.
#[derive(Debug)]
pub struct Issuer {
    ca: Ca,
    path: String,
    port: u16,
    server: Option<Server>,
    shared: Arc<Shared>,
    signer: Mutex<SigningKey>,
}

#[derive(Debug)]
struct Shared {
    changed: Notify,
    state: Mutex<State>,
    url: OnceLock<String>,
}

#[derive(Debug, Default)]
struct State {
    cache_control: Option<String>,
    discovery: Document,
    jwks: Document,
    keys: Vec<Value>,
    members: Vec<(String, Value)>,
    others: BTreeMap<String, (u16, Vec<u8>)>,
    requests: Vec<String>,
}

#[derive(Debug, Default)]
struct Document {
    body: Option<Vec<u8>>,
    fault: Fault,
}

impl Issuer {
    /// An issuer with one ES256 key and no path in its URL.
    pub async fn start() -> Self {
        Self::start_at("", SigningKey::generate(Algorithm::ES256)).await
    }

    /// An issuer with this path in its URL (`/realms/one`, or empty) and this key.
    pub async fn start_at(path: &str, key: SigningKey) -> Self {
        let ca = Ca::new("issuer CA");
        let state = Mutex::new(State { keys: vec![key.jwk()], ..State::default() });
        let shared = Arc::new(Shared { changed: Notify::new(), state, url: OnceLock::new() });
        let signer = Mutex::new(key);
        let mut issuer = Self { ca, path: path.to_owned(), port: 0, server: None, shared, signer };
        issuer.restart().await;
        issuer
    }

    /// The issuer's URL, as in `iss`.
    #[must_use]
    pub fn url(&self) -> String {
        self.shared.url().to_owned()
    }

    /// The CA that its certificate comes from.
    #[must_use]
    pub fn ca_pem(&self) -> &str {
        self.ca.pem()
    }

    /// The key that was published last: what honest tokens are signed with.
    #[must_use]
    pub fn key(&self) -> SigningKey {
        self.signer.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Publishes one key more, which becomes [`Self::key`].
    pub fn add_key(&self, key: &SigningKey) {
        self.state().keys.push(key.jwk());
        *self.signer.lock().unwrap_or_else(PoisonError::into_inner) = key.clone();
    }

    /// Replaces all keys by a new one of the same algorithm, and returns it.
    pub fn rotate(&self) -> SigningKey {
        let key = SigningKey::generate(self.key().algorithm());
        self.publish(&[&key]);
        key
    }

    /// Publishes exactly these keys; the last of them becomes [`Self::key`].
    pub fn publish(&self, keys: &[&SigningKey]) {
        self.publish_jwks(keys.iter().map(|key| key.jwk()).collect());
        if let Some(last) = keys.last() {
            *self.signer.lock().unwrap_or_else(PoisonError::into_inner) = (*last).clone();
        }
    }

    /// Publishes exactly these JWKs, whatever they hold.
    pub fn publish_jwks(&self, keys: Vec<Value>) {
        self.state().keys = keys;
    }

    /// What goes wrong with the discovery document from now on.
    pub fn discovery_fault(&self, fault: Fault) {
        self.state().discovery.fault = fault;
        self.shared.changed.notify_waiters();
    }

    /// What goes wrong with the JWKS from now on.
    pub fn jwks_fault(&self, fault: Fault) {
        self.state().jwks.fault = fault;
        self.shared.changed.notify_waiters();
    }

    /// Sets a member of the discovery document; `null` leaves it out.
    pub fn discovery_member(&self, name: &str, value: Value) {
        self.state().members.push((name.to_owned(), value));
    }

    /// Serves exactly these bytes as the discovery document; `None` goes back to the true one.
    pub fn discovery_body(&self, body: Option<&[u8]>) {
        self.state().discovery.body = body.map(<[u8]>::to_vec);
    }

    /// Serves exactly these bytes as the JWKS; `None` goes back to the published keys.
    pub fn jwks_body(&self, body: Option<&[u8]>) {
        self.state().jwks.body = body.map(<[u8]>::to_vec);
    }

    /// Serves this at a path of one's own below the issuer's URL.
    pub fn serve(&self, path: &str, status: u16, body: &[u8]) {
        self.state().others.insert(path.to_owned(), (status, body.to_vec()));
    }

    /// The `Cache-Control` of both documents.
    pub fn cache_control(&self, value: Option<&str>) {
        self.state().cache_control = value.map(ToOwned::to_owned);
    }

    /// How many requests came for a path below the issuer's URL, those that hang included.
    #[must_use]
    pub fn requests(&self, path: &str) -> usize {
        self.state().requests.iter().filter(|known| *known == path).count()
    }

    /// How many requests came for the discovery document.
    #[must_use]
    pub fn discovery_requests(&self) -> usize {
        self.requests(DISCOVERY)
    }

    /// How many requests came for the JWKS.
    #[must_use]
    pub fn jwks_requests(&self) -> usize {
        self.requests(JWKS)
    }

    /// Waits until the JWKS has been asked for so many times in all.
    pub async fn until_jwks_requests(&self, count: usize, deadline: Duration) {
        let enough = || async { self.jwks_requests() >= count };
        wait::until(deadline, &format!("{count} requests for the JWKS"), enough).await;
    }

    /// Closes the port and all connections. Keys and counts stay.
    pub async fn stop(&mut self) {
        if let Some(server) = self.server.take() {
            server.stop().await;
        }
    }

    /// Serves again, on the same port.
    pub async fn restart(&mut self) {
        self.stop().await;
        let (shared, path) = (Arc::clone(&self.shared), self.path.clone());
        let acceptor = self.ca.loopback().acceptor(&["http/1.1"]);
        let serve = move |stream| {
            let (shared, path) = (Arc::clone(&shared), path.clone());
            async move { _ = connection(Wire::new(stream), &shared, &path).await }
        };
        let server = Server::start(self.port, acceptor, serve).await;
        self.port = server.address.port();
        self.shared.url.get_or_init(|| format!("https://127.0.0.1:{}{}", self.port, self.path));
        self.server = Some(server);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.shared.state()
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn url(&self) -> &str {
        self.url.get().expect("the issuer listens")
    }

    /// The fault of the moment; waits while that is to hang.
    async fn fault(&self, of: fn(&State) -> &Document) -> Fault {
        loop {
            let changed = self.changed.notified();
            let fault = of(&self.state()).fault.clone();
            if fault != Fault::Hang {
                return fault;
            }
            changed.await;
        }
    }

    fn discovery(&self, issuer: &str) -> Vec<u8> {
        let state = self.state();
        if let Some(body) = &state.discovery.body {
            return body.clone();
        }
        let mut document = json!({
            "issuer": issuer,
            "jwks_uri": format!("{}{JWKS}", self.url()),
            "authorization_endpoint": format!("{}/auth", self.url()),
            "response_types_supported": ["code"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256"],
        });
        for (name, value) in &state.members {
            document[name] = value.clone();
        }
        if let Some(members) = document.as_object_mut() {
            members.retain(|_, value| !value.is_null());
        }
        document.to_string().into_bytes()
    }

    fn jwks(&self) -> Vec<u8> {
        let state = self.state();
        state.jwks.body.clone().unwrap_or_else(|| json!({"keys": state.keys}).to_string().into_bytes())
    }
}

async fn connection(mut wire: Wire, shared: &Shared, prefix: &str) -> Result<()> {
    while let Some(head) = wire.read_head().await? {
        let (_, target) = head.request_line().unwrap_or_default();
        let target = String::from_utf8_lossy(&target).into_owned();
        let path = target.split('?').next().unwrap_or_default();
        let path = path.strip_prefix(prefix).unwrap_or_default();
        shared.state().requests.push(path.to_owned());
        wire.read_body(head.request_body()?).await?;
        let fault = match path {
            DISCOVERY => shared.fault(|state| &state.discovery).await,
            JWKS => shared.fault(|state| &state.jwks).await,
            _ => Fault::None,
        };
        let (status, body) = match fault {
            Fault::CloseConnection => return Ok(()),
            Fault::Garbage => (200, b"<!doctype html>\xff{".to_vec()),
            Fault::HugeBody => return huge(&mut wire).await,
            Fault::RedirectTo(location) => {
                respond(&mut wire, 302, &[("Location", &location)], b"").await?;
                continue;
            }
            Fault::Status(status) => (status, b"{\"error\":\"told to fail\"}".to_vec()),
            Fault::WrongIssuer if path == DISCOVERY => (200, shared.discovery("https://wrong.example")),
            Fault::Hang | Fault::None | Fault::WrongIssuer => match path {
                DISCOVERY => (200, shared.discovery(shared.url())),
                JWKS => (200, shared.jwks()),
                other => shared.state().others.get(other).cloned().unwrap_or((404, b"{}".to_vec())),
            },
        };
        let cache_control = shared.state().cache_control.clone();
        let mut lines = vec![("Content-Type", "application/json")];
        lines.extend(cache_control.as_deref().map(|value| ("Cache-Control", value)));
        respond(&mut wire, status, &lines, &body).await?;
    }
    Ok(())
}

async fn respond(wire: &mut Wire, status: u16, lines: &[(&str, &str)], body: &[u8]) -> Result<()> {
    let mut all: Lines =
        lines.iter().map(|(name, value)| ((*name).to_owned(), value.as_bytes().to_vec())).collect();
    all.push(("Content-Length".to_owned(), body.len().to_string().into_bytes()));
    let mut bytes = Head { start: format!("HTTP/1.1 {status} Told").into_bytes(), lines: all }.to_bytes();
    bytes.extend(body);
    wire.write(&bytes).await
}

async fn huge(wire: &mut Wire) -> Result<()> {
    let lines = vec![("Transfer-Encoding".to_owned(), b"chunked".to_vec())];
    wire.write(&Head { start: b"HTTP/1.1 200 Told".to_vec(), lines }.to_bytes()).await?;
    wire.write_chunk(b"{\"keys\":[", &Lines::new()).await?;
    for _ in 0..1024 {
        wire.write_chunk(&[b' '; 1 << 16], &Lines::new()).await?;
    }
    wire.write_chunk(b"]}", &Lines::new()).await?;
    wire.write_chunk(b"", &Lines::new()).await
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::{Client, Response};

    const SOON: Duration = Duration::from_secs(5);

    async fn get(issuer: &Issuer, path: &str) -> Response {
        Client::new(issuer.port, issuer.ca_pem()).get(path).send().await
    }

    #[tokio::test]
    async fn serves_over_tls_and_rotates() {
        let mut issuer = Issuer::start_at("/realms/one", SigningKey::generate(Algorithm::ES256)).await;
        issuer.cache_control(Some("max-age=7"));
        let discovery = get(&issuer, "/realms/one/.well-known/openid-configuration").await;
        assert_eq!(discovery.json()["issuer"], issuer.url());
        assert_eq!(discovery.json()["jwks_uri"], format!("{}/jwks", issuer.url()));
        let first = issuer.key();
        assert_eq!(get(&issuer, "/realms/one/jwks").await.json(), json!({"keys": [first.jwk()]}));
        let second = issuer.rotate();
        issuer.stop().await;
        issuer.restart().await;
        let jwks = get(&issuer, "/realms/one/jwks").await;
        assert_eq!(jwks.json(), json!({"keys": [second.jwk()]}));
        assert_eq!(jwks.value("cache-control").as_deref(), Some("max-age=7"));
        assert_eq!((issuer.discovery_requests(), issuer.jwks_requests()), (1, 2));
        assert_eq!(get(&issuer, "/elsewhere/jwks").await.status, 404);
    }

    #[tokio::test]
    async fn fails_as_it_is_told() {
        let issuer = Issuer::start().await;
        issuer.jwks_fault(Fault::Status(500));
        assert_eq!(get(&issuer, JWKS).await.status, 500);
        issuer.jwks_fault(Fault::Garbage);
        assert!(serde_json::from_slice::<Value>(&get(&issuer, JWKS).await.body).is_err());
        issuer.jwks_fault(Fault::RedirectTo("https://127.0.0.2/".to_owned()));
        assert_eq!(get(&issuer, JWKS).await.value("location").as_deref(), Some("https://127.0.0.2/"));
        issuer.discovery_fault(Fault::WrongIssuer);
        assert_eq!(get(&issuer, DISCOVERY).await.json()["issuer"], "https://wrong.example");
        issuer.jwks_fault(Fault::CloseConnection);
        let closed = Client::new(issuer.port, issuer.ca_pem()).get(JWKS).try_send().await;
        assert!(closed.is_err());
        issuer.jwks_fault(Fault::HugeBody);
        assert!(get(&issuer, JWKS).await.body.len() > 64 << 20);
    }

    #[tokio::test]
    async fn what_hangs_is_let_go() {
        let issuer = Issuer::start().await;
        issuer.jwks_fault(Fault::Hang);
        let release = async {
            issuer.until_jwks_requests(1, SOON).await;
            issuer.jwks_fault(Fault::None);
        };
        let (response, ()) = tokio::join!(get(&issuer, JWKS), release);
        assert_eq!(response.status, 200);
    }
}
