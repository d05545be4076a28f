//! A sidecar that says what it is told to: for what the real one never would.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use authn::feed::{FeedMessage as _, GetSnapshotRequest, GetSnapshotResponse};
use authn::snapshot::Generation;
use bytes::Bytes;
use tempfile::TempDir;
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// What to answer a poll that has this generation; nothing: the poll waits until there is another rule.
pub type Rule = Arc<dyn Fn(Option<Generation>) -> Option<Vec<u8>> + Send + Sync>;

/// The server; ends when dropped.
pub struct Feed {
    rule: watch::Sender<Rule>,
    socket: PathBuf,
    task: JoinHandle<()>,
    _directory: TempDir,
}

impl Feed {
    /// Serves on a socket of its own, by this rule.
    #[must_use]
    pub fn start(rule: impl Fn(Option<Generation>) -> Option<Vec<u8>> + Send + Sync + 'static) -> Self {
        let directory = tempfile::tempdir().expect("directory of the feed");
        let socket = directory.path().join("feed.sock");
        let listener = UnixListener::bind(&socket).expect("the socket");
        let (rule, rules) = watch::channel::<Rule>(Arc::new(rule));
        let task = tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.expect("a connection");
                tokio::spawn(serve(stream, rules.clone()));
            }
        });
        Self { rule, socket, task, _directory: directory }
    }

    /// The path of the socket.
    #[must_use]
    pub fn socket(&self) -> &Path {
        &self.socket
    }

    /// Answers by another rule from now on.
    pub fn set(&self, rule: impl Fn(Option<Generation>) -> Option<Vec<u8>> + Send + Sync + 'static) {
        self.rule.send_replace(Arc::new(rule));
    }
}

impl Drop for Feed {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve(stream: UnixStream, rules: watch::Receiver<Rule>) {
    let Ok(mut connection) = h2::server::handshake(stream).await else { return };
    while let Some(Ok((request, respond))) = connection.accept().await {
        tokio::spawn(answer(request.into_body(), respond, rules.clone()));
    }
}

/// One unary call (gRPC over HTTP/2: a message is preceded by a zero byte and its length in four bytes).
async fn answer(
    mut body: h2::RecvStream,
    mut respond: h2::server::SendResponse<Bytes>,
    mut rules: watch::Receiver<Rule>,
) -> Option<()> {
    let mut message = Vec::new();
    while let Some(piece) = body.data().await {
        message.extend(piece.ok()?);
    }
    let since = GetSnapshotRequest::decode(message.get(5..)?).ok()?.since;
    let snapshot = loop {
        let rule = Arc::clone(&rules.borrow_and_update());
        match rule(since) {
            Some(snapshot) => break snapshot,
            None => rules.changed().await.ok()?,
        }
    };
    let message = GetSnapshotResponse { snapshot: Some(snapshot) }.encode();
    let length = u32::try_from(message.len()).ok()?.to_be_bytes();
    let framed = [&[0][..], &length, &message].concat();
    let head = http::Response::builder().header("content-type", "application/grpc").body(()).ok()?;
    let mut send = respond.send_response(head, false).ok()?;
    send.send_data(framed.into(), false).ok()?;
    let mut trailers = http::HeaderMap::new();
    trailers.insert("grpc-status", http::HeaderValue::from_static("0"));
    send.send_trailers(trailers).ok()
}
