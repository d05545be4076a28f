//! Asks a sidecar what the filter asks it: gRPC over its Unix socket.

use std::path::Path;

use authn::feed::{
    FeedMessage, GET_SNAPSHOT, GetSnapshotRequest, GetSnapshotResponse, RESOLVE_CLAIMS, REVIEW_IMPERSONATION,
    REVIEW_TOKEN, ResolveClaimsRequest, ResolveClaimsResponse, ReviewImpersonationRequest,
    ReviewImpersonationResponse, ReviewTokenRequest, ReviewTokenResponse, SERVICE,
};
use authn::impersonation_request::ImpersonationRequest;
use authn::snapshot::{Generation, Snapshot};
use authn::user::UserInfo;
use bytes::Bytes;
use h2::client::SendRequest;
use tokio::net::UnixStream;
use tokio::task::JoinHandle;

/// Somebody who asks, or who is asked for.
#[derive(Clone, Debug, Default)]
pub struct Person {
    /// User name.
    pub username: String,
    /// Uid.
    pub uid: String,
    /// Groups.
    pub groups: Vec<String>,
    /// Extra, a key with each value.
    pub extra: Vec<(String, String)>,
}

impl Person {
    /// Somebody with this name and nothing else.
    #[must_use]
    pub fn new(username: &str) -> Self {
        Self { username: username.to_owned(), ..Self::default() }
    }

    /// In these groups.
    #[must_use]
    pub fn groups(mut self, groups: &[&str]) -> Self {
        self.groups = groups.iter().map(ToString::to_string).collect();
        self
    }

    /// With this uid.
    #[must_use]
    pub fn uid(mut self, uid: &str) -> Self {
        uid.clone_into(&mut self.uid);
        self
    }

    /// With this value of an extra besides.
    #[must_use]
    pub fn extra(mut self, key: &str, value: &str) -> Self {
        self.extra.push((key.to_owned(), value.to_owned()));
        self
    }

    fn user(&self) -> UserInfo {
        let Self { username, uid, groups, extra } = self.clone();
        let extra = extra.into_iter().map(|(key, value)| (key, vec![value])).collect();
        UserInfo::new(username, uid, groups, extra)
    }
}

/// A connection to a sidecar; closed when dropped. Clone it to ask several questions at a time.
#[derive(Clone)]
pub struct FeedClient {
    send: SendRequest<Bytes>,
    _driver: std::sync::Arc<Driver>,
}

struct Driver(JoinHandle<()>);

impl Drop for Driver {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl FeedClient {
    /// Connects to this socket.
    pub async fn connect(socket: &Path) -> Self {
        let stream = UnixStream::connect(socket).await.expect("the sidecar's socket");
        let (send, connection) = h2::client::handshake(stream).await.expect("HTTP/2");
        // An end of the connection shows in the calls.
        let driver = tokio::spawn(async move { drop(connection.await) });
        Self { send, _driver: std::sync::Arc::new(Driver(driver)) }
    }

    /// Waits for a snapshot newer than this one.
    pub async fn snapshot(&self, since: Option<Generation>) -> Snapshot {
        loop {
            let answer = self.call(GET_SNAPSHOT, &GetSnapshotRequest { since }.encode()).await;
            let answer = GetSnapshotResponse::decode(&answer.expect("an answer")).expect("a message");
            if let Some(snapshot) = answer.snapshot {
                return Snapshot::decode(&snapshot).expect("a snapshot");
            }
        }
    }

    /// May this requester act as that target?
    pub async fn may_impersonate(&self, requester: &Person, target: &Person) -> ReviewImpersonationResponse {
        let target = ImpersonationRequest::new(target.user());
        let question = ReviewImpersonationRequest { requester: requester.user(), target };
        let answer = self.call(REVIEW_IMPERSONATION, &question.encode()).await.expect("an answer");
        ReviewImpersonationResponse::decode(&answer).expect("a message")
    }

    /// What is this claim, which stands elsewhere?
    pub async fn resolve_claims(&self, request: &ResolveClaimsRequest) -> ResolveClaimsResponse {
        let answer = self.call(RESOLVE_CLAIMS, &request.encode()).await.expect("an answer");
        ResolveClaimsResponse::decode(&answer).expect("a message")
    }

    /// Whose token is this?
    pub async fn review_token(&self, request: &ReviewTokenRequest) -> ReviewTokenResponse {
        let answer = self.call(REVIEW_TOKEN, &request.encode()).await.expect("an answer");
        ReviewTokenResponse::decode(&answer).expect("a message")
    }

    /// One unary call; an error is the `grpc-status` or what became of the connection.
    async fn call(&self, method: &str, message: &[u8]) -> Result<Vec<u8>, String> {
        let failed = |error: h2::Error| error.to_string();
        let request = http::Request::post(format!("http://feed/{SERVICE}/{method}"))
            .header("content-type", "application/grpc")
            .header("te", "trailers")
            .body(())
            .expect("a request");
        let mut send = self.send.clone().ready().await.map_err(failed)?;
        let (answer, mut body) = send.send_request(request, false).map_err(failed)?;
        let length = u32::try_from(message.len()).expect("a small message").to_be_bytes();
        body.send_data([&[0][..], &length, message].concat().into(), true).map_err(failed)?;
        let answer = answer.await.map_err(failed)?;
        let status = |headers: &http::HeaderMap| headers.get("grpc-status").cloned();
        let at_once = status(answer.headers());
        let mut stream = answer.into_body();
        let mut framed = Vec::new();
        while let Some(piece) = stream.data().await {
            let piece = piece.map_err(failed)?;
            stream.flow_control().release_capacity(piece.len()).map_err(failed)?;
            framed.extend(piece);
        }
        let trailers = stream.trailers().await.map_err(failed)?;
        let status = at_once.or_else(|| trailers.as_ref().and_then(status));
        match status {
            Some(status) if status == "0" => Ok(framed[5..].to_vec()),
            status => Err(format!("grpc-status {status:?}")),
        }
    }
}
