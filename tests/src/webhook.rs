//! A token webhook: one that answers as it is told, over real TLS, and records what it was asked.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_rustls::server::TlsStream;

use crate::api_server::{Received, Reply};
use crate::http1::{Head, Wire};
use crate::server::Server;
use crate::tls::Ca;

/// The webhook; ends when dropped.
pub struct Webhook {
    ca: Ca,
    server: Server,
    shared: Arc<Shared>,
}

type Handler = Arc<dyn Fn(&Received) -> Reply + Send + Sync>;

struct Shared {
    handler: Mutex<Handler>,
    received: Mutex<Vec<Received>>,
}

impl Webhook {
    /// Starts it; it knows nobody. With `clients`, it lets in only who has a certificate of that CA.
    pub async fn start(clients: Option<&Ca>) -> Self {
        let ca = Ca::new("webhook CA");
        let handler: Handler = Arc::new(|request| review(request, &json!({"authenticated": false})));
        let shared = Arc::new(Shared { handler: Mutex::new(handler), received: Mutex::default() });
        let acceptor = match clients {
            Some(clients) => ca.loopback().acceptor_of_clients(clients),
            None => ca.loopback().acceptor(&["http/1.1"]),
        };
        let serving = Arc::clone(&shared);
        let serve = move |stream| serve(stream, Arc::clone(&serving));
        Self { ca, server: Server::start(0, acceptor, serve).await, shared }
    }

    /// Answers reviews with this status from now on.
    pub fn says(&self, status: Value) {
        self.answers(move |request| review(request, &status));
    }

    /// Answers by this function from now on.
    pub fn answers(&self, handler: impl Fn(&Received) -> Reply + Send + Sync + 'static) {
        *lock(&self.shared.handler) = Arc::new(handler);
    }

    /// All requests so far.
    #[must_use]
    pub fn requests(&self) -> Vec<Received> {
        lock(&self.shared.received).clone()
    }

    /// A kubeconfig that leads to this path of it, as this `user`.
    #[must_use]
    pub fn kubeconfig(&self, path: &str, user: &Value) -> Value {
        let server = format!("https://127.0.0.1:{}{path}", self.server.address.port());
        kubeconfig(&server, self.ca.pem(), user)
    }

    /// Closes its port and all connections.
    pub async fn stop(self) {
        self.server.stop().await;
    }
}

/// A kubeconfig with one cluster and this user.
#[must_use]
pub fn kubeconfig(server: &str, ca_pem: &str, user: &Value) -> Value {
    json!({
        "apiVersion": "v1", "kind": "Config", "current-context": "only",
        "clusters": [{"name": "only", "cluster": {"server": server, "certificate-authority-data": STANDARD.encode(ca_pem)}}],
        "users": [{"name": "only", "user": user}],
        "contexts": [{"name": "only", "context": {"cluster": "only", "user": "only"}}],
    })
}

/// Answers a review object with this status.
#[must_use]
pub fn review(request: &Received, status: &Value) -> Reply {
    let mut object = request.json();
    object["status"] = status.clone();
    Reply::Json(200, object)
}

async fn serve(stream: TlsStream<TcpStream>, shared: Arc<Shared>) {
    _ = exchange(Wire::new(stream), &shared).await;
}

async fn exchange(mut wire: Wire, shared: &Shared) -> std::io::Result<()> {
    while let Some(head) = wire.read_head().await? {
        let Some((method, target)) = head.request_line() else { return Ok(()) };
        let (body, trailers) = wire.read_body(head.request_body()?).await?;
        let path = String::from_utf8_lossy(&target).into_owned();
        let request =
            Received { method, path, target, headers: head.lines, trailers, body, version: "HTTP/1.1" };
        lock(&shared.received).push(request.clone());
        let handler = Arc::clone(&lock(&shared.handler));
        let (status, mut lines, body) = match handler(&request) {
            Reply::Close => return Ok(()),
            Reply::Hang => std::future::pending().await,
            Reply::Json(status, json) => (status, Vec::new(), json.to_string().into_bytes()),
            Reply::Raw(status, lines, body) => (status, lines, body),
        };
        lines.push(("Content-Length".to_owned(), body.len().to_string().into_bytes()));
        let head = Head { start: format!("HTTP/1.1 {status} Told").into_bytes(), lines };
        wire.write(&[head.to_bytes(), body].concat()).await?;
    }
    Ok(())
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
