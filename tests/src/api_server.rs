//! A stand-in for the API server: real TLS, HTTP/1.1 and HTTP/2, an account that must be known, impersonation
//! as kube-apiserver reads it, and a record of every request as it arrived.

mod answers;
mod config_maps;
mod connection;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde_json::Value;
use tokio::sync::broadcast;

use crate::http1::{self, Lines};
use crate::server::Server;
use crate::tls::Ca;
use crate::wait;

/// The account that [`ApiServer::TOKEN`] belongs to.
pub const ACCOUNT: &str = "system:serviceaccount:kube-oidc-filter:upstream";

/// A request as it arrived.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Received {
    /// The method.
    pub method: String,
    /// Path and query, byte for byte. (Lossy only where it is not UTF-8; see `target`.)
    pub path: String,
    /// Path and query, as bytes.
    pub target: Vec<u8>,
    /// The header lines in their order. Over HTTP/2, where the library keeps the order among lines of one name
    /// alone, `:authority` comes first.
    pub headers: Lines,
    /// The trailer lines.
    pub trailers: Lines,
    /// The body.
    pub body: Vec<u8>,
    /// "HTTP/1.1" or "HTTP/2".
    pub version: &'static str,
}

impl Received {
    /// The values of a header, in their order.
    #[must_use]
    pub fn values(&self, name: &str) -> Vec<String> {
        http1::values(&self.headers, name)
    }

    /// The first value of a header.
    #[must_use]
    pub fn value(&self, name: &str) -> Option<String> {
        http1::value(&self.headers, name)
    }

    /// The lines whose name begins so, in any case: `lines("impersonate-")`. Names in lower case, values as text.
    #[must_use]
    pub fn lines(&self, prefix: &str) -> Vec<(String, String)> {
        let lower = self.headers.iter().map(|(name, value)| (name.to_ascii_lowercase(), value));
        let of_prefix = lower.filter(|(name, _)| name.starts_with(&prefix.to_ascii_lowercase()));
        of_prefix.map(|(name, value)| (name, String::from_utf8_lossy(value).into_owned())).collect()
    }

    /// The body as JSON.
    #[must_use]
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).expect("a body of JSON")
    }

    /// The path without the query.
    #[must_use]
    pub fn path_alone(&self) -> &str {
        self.path.split('?').next().unwrap_or_default()
    }

    /// A parameter of the query, as it was written.
    #[must_use]
    pub fn query(&self, name: &str) -> Option<&str> {
        let (_, query) = self.path.split_once('?')?;
        query.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='))
    }

    fn asks_for(&self, name: &str) -> bool {
        matches!(self.query(name), Some("1" | "true"))
    }
}

/// What a path answers when a test says so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reply {
    /// The connection (over HTTP/2: the stream) is closed without an answer.
    Close,
    /// No answer at all.
    Hang,
    /// A status and JSON.
    Json(u16, Value),
    /// A status, header lines and bytes.
    Raw(u16, Lines, Vec<u8>),
}

/// The stand-in; ends when dropped.
#[derive(Debug)]
pub struct ApiServer {
    ca: Ca,
    server: Option<Server>,
    port: u16,
    shared: Arc<Shared>,
}

type Handler = Arc<dyn Fn(&Received) -> Option<Reply> + Send + Sync>;

struct Shared {
    events: Mutex<broadcast::Sender<Vec<u8>>>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    accounts: Vec<(String, String)>,
    config_maps: config_maps::History,
    connections: usize,
    handlers: Vec<(String, Handler)>,
    location: String,
    open: bool,
    received: Vec<Received>,
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shared").finish_non_exhaustive()
    }
}

impl ApiServer {
    /// The one token that is accepted from the start.
    pub const TOKEN: &str = "upstream-token-1";

    /// Starts it; it accepts [`Self::TOKEN`].
    pub async fn start() -> Self {
        let server = Self::listen(false).await;
        server.accept(Self::TOKEN);
        server
    }

    /// Starts one that answers everybody: a second cluster, to see what should never arrive there.
    pub async fn sink() -> Self {
        Self::listen(true).await
    }

    async fn listen(open: bool) -> Self {
        let state = Mutex::new(State {
            open,
            location: "https://127.0.0.1/elsewhere".to_owned(),
            ..State::default()
        });
        let shared = Arc::new(Shared { events: Mutex::new(broadcast::channel(1024).0), state });
        let mut server = Self { ca: Ca::new("API server CA"), server: None, port: 0, shared };
        server.restart().await;
        server
    }

    /// Its port on 127.0.0.1.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Its URL.
    #[must_use]
    pub fn url(&self) -> String {
        format!("https://127.0.0.1:{}", self.port)
    }

    /// The CA that its certificate comes from.
    #[must_use]
    pub fn ca_pem(&self) -> &str {
        self.ca.pem()
    }

    /// Accepts one token more, for [`ACCOUNT`].
    pub fn accept(&self, token: &str) {
        self.accept_as(token, ACCOUNT);
    }

    /// Accepts one token more, for this user.
    pub fn accept_as(&self, token: &str, user: &str) {
        self.state().accounts.push((token.to_owned(), user.to_owned()));
    }

    /// Accepts a token no more.
    pub fn revoke(&self, token: &str) {
        self.state().accounts.retain(|(known, _)| known != token);
    }

    /// All requests so far, in the order of their arrival. Those with a body count once it is there.
    #[must_use]
    pub fn requests(&self) -> Vec<Received> {
        self.state().received.clone()
    }

    /// The requests for a path, whatever their query.
    #[must_use]
    pub fn requests_for(&self, path: &str) -> Vec<Received> {
        self.requests().into_iter().filter(|request| request.path_alone() == path).collect()
    }

    /// The last request; panics when there was none.
    #[must_use]
    pub fn last_request(&self) -> Received {
        self.state().received.last().cloned().expect("a request reached the API server")
    }

    /// Waits for the first request for a path, whatever its query.
    pub async fn until_request(&self, path: &str) -> Received {
        let first = async || self.requests_for(path).into_iter().next();
        wait::found(Duration::from_secs(10), &format!("a request for {path}"), first).await
    }

    /// How many connections were made so far.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.state().connections
    }

    /// Forgets the requests so far.
    pub fn clear(&self) {
        self.state().received.clear();
    }

    /// Where paths that begin `/redirect` send the caller.
    pub fn redirect_to(&self, location: &str) {
        location.clone_into(&mut self.state().location);
    }

    /// Paths that begin so get this answer (to an authenticated caller).
    pub fn reply(&self, prefix: &str, reply: Reply) {
        self.handle(prefix, move |_| Some(reply.clone()));
    }

    /// Paths that begin so get the answer of this function; `None`: the usual one. The newest handler is asked first.
    pub fn handle(&self, prefix: &str, handler: impl Fn(&Received) -> Option<Reply> + Send + Sync + 'static) {
        self.state().handlers.insert(0, (prefix.to_owned(), Arc::new(handler)));
    }

    /// Answers a TokenReview: from its `spec`, its `status`.
    pub fn on_token_review(&self, decide: impl Fn(&Value) -> Value + Send + Sync + 'static) {
        self.handle("/apis/authentication.k8s.io/v1/tokenreviews", move |request| {
            Some(answers::review(request, &decide))
        });
    }

    /// Answers a SubjectAccessReview: from its `spec`, its `status`.
    pub fn on_access_review(&self, decide: impl Fn(&Value) -> Value + Send + Sync + 'static) {
        let path = "/apis/authorization.k8s.io/v1/subjectaccessreviews";
        self.handle(path, move |request| Some(answers::review(request, &decide)));
    }

    /// Sends one line to every open watch.
    pub fn emit(&self, event: &Value) {
        // Without a watch there is nobody to tell.
        _ = self.events().send(line(event));
    }

    /// How many watches are open.
    #[must_use]
    pub fn watches(&self) -> usize {
        self.events().receiver_count()
    }

    /// Ends every open watch, properly.
    pub fn close_watches(&self) {
        *self.events() = broadcast::channel(1024).0;
    }

    /// Closes the port and all connections. Accounts and records stay.
    pub async fn stop(&mut self) {
        if let Some(server) = self.server.take() {
            server.stop().await;
        }
    }

    /// Serves again, on the same port.
    pub async fn restart(&mut self) {
        self.stop().await;
        let shared = Arc::clone(&self.shared);
        let acceptor = self.ca.loopback().acceptor(&["h2", "http/1.1"]);
        let serve = move |stream| connection::serve(stream, Arc::clone(&shared));
        let server = Server::start(self.port, acceptor, serve).await;
        self.port = server.address.port();
        self.server = Some(server);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.shared.state()
    }

    fn events(&self) -> MutexGuard<'_, broadcast::Sender<Vec<u8>>> {
        self.shared.events.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn subscribe(&self) -> broadcast::Receiver<Vec<u8>> {
        self.events.lock().unwrap_or_else(PoisonError::into_inner).subscribe()
    }
}

fn line(event: &Value) -> Vec<u8> {
    format!("{event}\n").into_bytes()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::client::Client;

    const WHO: &str = "/apis/authentication.k8s.io/v1/selfsubjectreviews";

    fn clients(server: &ApiServer) -> [Client; 2] {
        let client = Client::new(server.port(), server.ca_pem());
        [client.clone(), client.http2()]
    }

    #[tokio::test]
    async fn says_who_is_impersonated() {
        let server = ApiServer::start().await;
        for client in clients(&server) {
            let ask = || client.post(WHO, &json!({})).bearer(ApiServer::TOKEN);
            let answer = ask()
                .header("impersonate-user", "alice")
                .header("impersonate-group", "b,c")
                .header("impersonate-group", "a")
                .header("impersonate-extra-acme.com%2Fproject", "x")
                .header("impersonate-extra-acme.com%2Fproject", "y")
                .send()
                .await;
            assert_eq!(
                answer.json()["status"]["userInfo"],
                json!({
                    "username": "alice",
                    "groups": ["b,c", "a", "system:authenticated"],
                    "extra": {"acme.com/project": ["x", "y"]},
                })
            );
            assert_eq!(ask().header("impersonate-group", "x").send().await.status, 400);
            let own = ask().send().await.json();
            assert_eq!(own["status"]["userInfo"]["username"], ACCOUNT);
            assert_eq!(own["status"]["userInfo"]["groups"][1], "system:serviceaccounts:kube-oidc-filter");
            server.revoke(ApiServer::TOKEN);
            let refused = ask().send().await;
            assert_eq!((refused.status, refused.json()["reason"].as_str()), (401, Some("Unauthorized")));
            server.accept(ApiServer::TOKEN);
        }
    }

    #[tokio::test]
    async fn records_what_came() {
        let server = ApiServer::start().await;
        for (client, version) in clients(&server).iter().zip(["HTTP/1.1", "HTTP/2"]) {
            let sent = client.request("PUT", "/api//v1/%2F?x=%00").bearer(ApiServer::TOKEN).body("abc");
            let sent = sent.header("x-a", b"\xff").header("x-a", "2").trailer("impersonate-user", "eve");
            assert_eq!(sent.send().await.json()["path"], "/api//v1/%2F?x=%00");
            let received = server.last_request();
            assert_eq!((received.version, received.method.as_str()), (version, "PUT"));
            assert_eq!(received.path, "/api//v1/%2F?x=%00");
            assert_eq!(received.headers.iter().filter(|(name, _)| name == "x-a").count(), 2);
            assert!(received.headers.contains(&("x-a".to_owned(), b"\xff".to_vec())));
            assert_eq!(received.trailers, [("impersonate-user".to_owned(), b"eve".to_vec())]);
            assert_eq!(received.body, b"abc");
        }
        server.clear();
        assert!(server.requests().is_empty());
    }

    #[tokio::test]
    async fn a_watch_streams() {
        let server = ApiServer::start().await;
        for client in clients(&server) {
            let mut watch = client.get("/api/v1/pods?watch=1").bearer(ApiServer::TOKEN).open().await.unwrap();
            assert_eq!(watch.event().await.unwrap().unwrap()["type"], "ADDED");
            server.emit(&json!({"type": "MODIFIED"}));
            assert_eq!(watch.event().await.unwrap().unwrap()["type"], "MODIFIED");
            server.close_watches();
            assert_eq!(watch.event().await.unwrap(), None);
        }
        let left = clients(&server)[0].get("/x?watch=1").bearer(ApiServer::TOKEN).open().await.unwrap();
        drop(left);
        wait::until(Duration::from_secs(5), "no watch", || async { server.watches() == 0 }).await;
    }

    #[tokio::test]
    async fn an_upgrade_echoes() {
        let server = ApiServer::start().await;
        let client = Client::new(server.port(), server.ca_pem());
        for protocol in ["websocket", "SPDY/3.1"] {
            let (response, mut wire) =
                client.get("/exec").bearer(ApiServer::TOKEN).upgrade(protocol).await.unwrap();
            assert_eq!((response.status, response.value("upgrade").as_deref()), (101, Some(protocol)));
            wire.write(b"\0hello").await.unwrap();
            assert_eq!(wire.read_exactly(6).await.unwrap(), b"\0hello");
        }
        let (refused, _) =
            client.get("/no-upgrade").bearer(ApiServer::TOKEN).upgrade("websocket").await.unwrap();
        assert_eq!(refused.status, 403);
    }

    #[tokio::test]
    async fn answers_as_it_is_told() {
        let server = ApiServer::sink().await;
        let client = Client::new(server.port(), server.ca_pem());
        assert_eq!(client.get("/x").send().await.status, 200);
        server.redirect_to("https://elsewhere/");
        let redirected = client.get("/redirect/1").send().await;
        assert_eq!(
            (redirected.status, redirected.value("location").as_deref()),
            (302, Some("https://elsewhere/"))
        );
        server.on_token_review(|spec| json!({"authenticated": spec["token"] == "good"}));
        let review = json!({"kind": "TokenReview", "spec": {"token": "good"}});
        let answer = client.post("/apis/authentication.k8s.io/v1/tokenreviews", &review).send().await;
        assert_eq!(answer.json()["status"]["authenticated"], true);
        server.reply("/api", Reply::Close);
        assert!(client.get("/api/v1").try_send().await.is_err());
    }
}
