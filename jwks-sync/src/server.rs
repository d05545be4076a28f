//! The feed: gRPC on a Unix socket. The only file that knows a gRPC server.

use std::collections::BTreeSet;
use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use authn::feed::{
    GET_SNAPSHOT, GetSnapshotRequest, GetSnapshotResponse, REFRESH_KEYS, RESOLVE_CLAIMS,
    REVIEW_IMPERSONATION, REVIEW_TOKEN, RefreshKeysRequest, RefreshKeysResponse, RefreshOutcome,
    ResolveClaimsRequest, ResolveClaimsResponse, ReviewImpersonationRequest, ReviewImpersonationResponse,
    ReviewTokenRequest, ReviewTokenResponse,
};
use futures_util::{Stream, stream};
use tokio::net::{UnixListener, UnixStream};
use tokio::select;
use tokio::sync::watch;
use tokio::time::{sleep, timeout};
use tonic::transport::Server;
use tonic::{Request, Response, Status};
use tracing::{info, warn};

use crate::claims::DistributedClaims;
use crate::clock::{jitter, spread};
use crate::kube::{ApiServer, TokenWebhook};
use crate::metrics::Metrics;
use crate::review::{ClaimsReviews, ImpersonationReviews, TokenReviews};
use crate::store::{Published, Store};
use crate::supply::Supply;

/// How long a poll waits for something new.
const POLL: Duration = Duration::from_secs(20);
/// Largest message of a filter, in bytes: a user and another as whom they want to act, each as large as headers are.
const MAX_REQUEST: usize = 160 * 1024;
/// Requests that a connection may have open: each VM has one poll, and a few refreshes and reviews.
const MAX_STREAMS: u32 = 4_096;
/// How often a silent connection is asked whether it is still there.
const KEEPALIVE: Duration = Duration::from_secs(30);
/// How long answers may take after the end was asked for.
const DRAIN: Duration = Duration::from_secs(3);
/// Read and write for owner and group: gateway and sidecar share a group.
const MODE: u32 = 0o660;

mod generated {
    //! Written by `build.rs`.
    #![allow(clippy::pedantic, clippy::nursery, unused_qualifications, unreachable_pub, missing_docs)]
    include!(concat!(env!("OUT_DIR"), "/kubeoidcfilter.v1.Feed.rs"));
}

/// Why the socket can't be served.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SocketError {
    #[error("{path} is in use by another process")]
    InUse { path: PathBuf },
    #[error("{path}: {error}; does the directory exist, and may this user write to it?")]
    Io { path: PathBuf, error: io::Error },
    #[error("{path} exists and is no socket; it is left alone")]
    NotASocket { path: PathBuf },
}

/// A bound socket, whose file goes with it.
pub(crate) struct Socket {
    listener: UnixListener,
    file: SocketFile,
    allowed_uids: BTreeSet<u32>,
}

struct SocketFile {
    path: PathBuf,
    /// Device and inode, so that nobody else's file is removed.
    identity: Option<(u64, u64)>,
}

impl Socket {
    /// Binds `path` for peers of the `allowed_uids` (`None`: our own and 0). A file that a dead process left is
    /// replaced.
    ///
    /// # Errors
    /// [`SocketError`] says what is in the way.
    pub(crate) async fn bind(path: &Path, allowed_uids: Option<BTreeSet<u32>>) -> Result<Self, SocketError> {
        let failed = |error| SocketError::Io { path: path.to_owned(), error };
        match fs::symlink_metadata(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(failed(error)),
            Ok(metadata) if !metadata.file_type().is_socket() => {
                return Err(SocketError::NotASocket { path: path.to_owned() });
            }
            Ok(_) => match UnixStream::connect(path).await {
                Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => {
                    fs::remove_file(path).map_err(failed)?;
                }
                Err(error) => return Err(failed(error)),
                Ok(_) => return Err(SocketError::InUse { path: path.to_owned() }),
            },
        }
        let listener = UnixListener::bind(path).map_err(failed)?;
        let file = SocketFile { path: path.to_owned(), identity: identity(path) };
        fs::set_permissions(path, Permissions::from_mode(MODE)).map_err(failed)?;
        let allowed_uids = match allowed_uids {
            Some(uids) => uids,
            None => [0, own_uid().map_err(failed)?].into(),
        };
        Ok(Self { listener, file, allowed_uids })
    }

    /// Serves until `stop` turns true, and answers what is open by then. The file goes first, so that nobody new
    /// comes.
    ///
    /// # Errors
    /// The transport's own, when it can't go on.
    pub(crate) async fn serve(
        self,
        feed: Feed,
        metrics: Arc<Metrics>,
        mut stop: watch::Receiver<bool>,
    ) -> Result<(), tonic::transport::Error> {
        let Self { listener, file, allowed_uids } = self;
        info!(path = %file.path.display(), ?allowed_uids, "serving snapshots");
        let service = generated::feed_server::FeedServer::new(feed).max_decoding_message_size(MAX_REQUEST);
        let mut stopped = stop.clone();
        let serving = Server::builder()
            .max_concurrent_streams(MAX_STREAMS)
            .http2_keepalive_interval(Some(KEEPALIVE))
            .serve_with_incoming_shutdown(service, peers(listener, allowed_uids, metrics), async move {
                // An error means that nobody is left to ask for the end, so this is it.
                drop(stop.wait_for(|stop| *stop).await);
                drop(file);
            });
        let too_late = async {
            drop(stopped.wait_for(|stop| *stop).await);
            sleep(DRAIN).await;
        };
        select! {
            ended = serving => ended,
            () = too_late => Ok(()),
        }
    }
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        if self.identity.is_some() && self.identity == identity(&self.path) {
            drop(fs::remove_file(&self.path));
        }
    }
}

fn identity(path: &Path) -> Option<(u64, u64)> {
    fs::symlink_metadata(path).ok().map(|metadata| (metadata.dev(), metadata.ino()))
}

/// The kernel says who made a pair of sockets.
fn own_uid() -> io::Result<u32> {
    Ok(UnixStream::pair()?.0.peer_cred()?.uid())
}

/// The connections of peers that may connect.
fn peers(
    listener: UnixListener,
    allowed_uids: BTreeSet<u32>,
    metrics: Arc<Metrics>,
) -> impl Stream<Item = io::Result<UnixStream>> {
    stream::unfold((listener, allowed_uids, metrics), |(listener, allowed_uids, metrics)| async move {
        loop {
            let connection = match listener.accept().await {
                Ok((connection, _)) => connection,
                Err(error) => {
                    // Out of file descriptors, most likely: that passes.
                    warn!(%error, "accepting a connection failed");
                    sleep(Duration::from_millis(100)).await;
                    continue;
                }
            };
            match connection.peer_cred() {
                Ok(peer) if allowed_uids.contains(&peer.uid()) => {
                    return Some((Ok(connection), (listener, allowed_uids, metrics)));
                }
                Ok(peer) => {
                    warn!(uid = peer.uid(), "peer refused; allow its uid with --allowed-peer-uids");
                }
                Err(error) => warn!(%error, "peer refused; the kernel does not say who it is"),
            }
            metrics.refused();
            // Whoever tries again and again gets no more than this of us.
            sleep(Duration::from_millis(10)).await;
        }
    })
}

/// Who is asked about impersonation, about tokens and for claims.
pub(crate) struct Reviews {
    /// What is the claim that stands elsewhere?
    pub(crate) claims: ClaimsReviews<DistributedClaims>,
    /// May A act as B?
    pub(crate) impersonation: ImpersonationReviews<ApiServer>,
    /// Whose token is this?
    pub(crate) tokens: TokenReviews<ApiServer, TokenWebhook>,
}

/// The service that filters call.
pub(crate) struct Feed {
    store: Arc<Store>,
    supply: Arc<Supply>,
    reviews: Reviews,
    metrics: Arc<Metrics>,
    stop: watch::Receiver<bool>,
}

impl Feed {
    /// Serves what is in `store`; `supply` is asked for keys, `reviews` for the rest. Polls end when `stop` turns true.
    pub(crate) fn new(
        store: Arc<Store>,
        supply: Arc<Supply>,
        reviews: Reviews,
        metrics: Arc<Metrics>,
        stop: watch::Receiver<bool>,
    ) -> Self {
        Self { store, supply, reviews, metrics, stop }
    }
}

#[tonic::async_trait]
impl generated::feed_server::Feed for Feed {
    async fn get_snapshot(
        &self,
        request: Request<GetSnapshotRequest>,
    ) -> Result<Response<GetSnapshotResponse>, Status> {
        let since = request.into_inner().since;
        if let Some(since) = since {
            self.store.saw(since);
        }
        let polling = self.metrics.polling();
        let mut stop = self.stop.clone();
        let newer = select! {
            newer = timeout(spread(POLL, jitter()), self.store.wait_newer_than(since)) => newer.ok().flatten(),
            _ = stop.wait_for(|stop| *stop) => None,
        };
        drop(polling);
        self.metrics.answered(GET_SNAPSHOT, if newer.is_some() { "newer" } else { "nothing_newer" });
        Ok(Response::new(GetSnapshotResponse { snapshot: bytes(newer) }))
    }

    async fn refresh_keys(
        &self,
        request: Request<RefreshKeysRequest>,
    ) -> Result<Response<RefreshKeysResponse>, Status> {
        let RefreshKeysRequest { issuer, kid, since } = request.into_inner();
        let outcome = self.supply.refresh(&issuer, kid).await;
        self.metrics.answered(
            REFRESH_KEYS,
            match outcome {
                RefreshOutcome::Fetched => "fetched",
                RefreshOutcome::Failed => "failed",
                RefreshOutcome::UnknownIssuer => "unknown_issuer",
            },
        );
        let snapshot = bytes(self.store.newer_than(since));
        Ok(Response::new(RefreshKeysResponse { outcome, snapshot }))
    }

    async fn resolve_claims(
        &self,
        request: Request<ResolveClaimsRequest>,
    ) -> Result<Response<ResolveClaimsResponse>, Status> {
        let answer = self.reviews.claims.ask(request.into_inner()).await;
        self.metrics.answered(
            RESOLVE_CLAIMS,
            match answer {
                ResolveClaimsResponse::Busy => "busy",
                ResolveClaimsResponse::Failed => "failed",
                ResolveClaimsResponse::Refused => "refused",
                ResolveClaimsResponse::Resolved { .. } => "resolved",
            },
        );
        Ok(Response::new(answer))
    }

    async fn review_impersonation(
        &self,
        request: Request<ReviewImpersonationRequest>,
    ) -> Result<Response<ReviewImpersonationResponse>, Status> {
        let answer = self.reviews.impersonation.ask(request.into_inner()).await;
        self.metrics.answered(
            REVIEW_IMPERSONATION,
            match answer {
                ReviewImpersonationResponse::Allowed { .. } => "allowed",
                ReviewImpersonationResponse::Busy => "busy",
                ReviewImpersonationResponse::Denied(_) => "denied",
                ReviewImpersonationResponse::Failed => "failed",
            },
        );
        Ok(Response::new(answer))
    }

    async fn review_token(
        &self,
        request: Request<ReviewTokenRequest>,
    ) -> Result<Response<ReviewTokenResponse>, Status> {
        let answer = self.reviews.tokens.ask(request.into_inner()).await;
        self.metrics.answered(
            REVIEW_TOKEN,
            match answer {
                ReviewTokenResponse::Busy => "busy",
                ReviewTokenResponse::Failed => "failed",
                ReviewTokenResponse::PassThrough { .. } => "pass_through",
                ReviewTokenResponse::Unknown => "unknown",
                ReviewTokenResponse::Webhook { .. } => "webhook",
            },
        );
        Ok(Response::new(answer))
    }
}

fn bytes(published: Option<Published>) -> Option<Vec<u8>> {
    published.map(|published| published.encoded.to_vec())
}

#[cfg(test)]
#[path = "server_tests.rs"]
mod tests;
