use authn::feed::SERVICE;
use authn::snapshot::{Generation, Snapshot};
use authn::time::UnixSeconds;
use hyper_util::rt::TokioIo;
use tokio::task::JoinHandle;
use tonic::client::Grpc;
use tonic::codegen::http::uri::PathAndQuery;
use tonic::transport::{Channel, Endpoint};

use super::*;
use crate::codec::FeedCodec;
use crate::review::Outages;
use crate::store::CredentialState;

struct World {
    directory: PathBuf,
    store: Arc<Store>,
    metrics: Arc<Metrics>,
    stop: watch::Sender<bool>,
    serving: JoinHandle<Result<(), tonic::transport::Error>>,
}

async fn world(name: &str, allowed_uids: Option<BTreeSet<u32>>) -> World {
    let directory = std::env::temp_dir().join(format!("jwks-sync-{name}-{}", std::process::id()));
    fs::create_dir_all(&directory).unwrap();
    let metrics = Arc::new(Metrics::new());
    let store = Arc::new(Store::new(5, 60, Arc::clone(&metrics)));
    let supply = Arc::new(Supply::new(Arc::clone(&store), Arc::clone(&metrics), false));
    let (stop, stopped) = watch::channel(false);
    let socket = Socket::bind(&directory.join("socket"), allowed_uids).await.unwrap();
    let api_server = ApiServer::new(Some(directory.join("no kubeconfig")));
    let outages = Arc::new(Outages::default());
    let impersonation =
        ImpersonationReviews::new(Arc::new(api_server.clone()), Arc::clone(&outages), Arc::clone(&metrics));
    let tokens = TokenReviews::new(
        api_server,
        None,
        [0; 16],
        Arc::clone(&store),
        Arc::clone(&outages),
        Arc::clone(&metrics),
    );
    let claims = DistributedClaims::new(Arc::clone(&supply));
    let claims = ClaimsReviews::new(claims, [0; 16], outages, Arc::clone(&metrics));
    let reviews = Reviews { claims, impersonation, tokens };
    let feed = Feed::new(Arc::clone(&store), supply, reviews, Arc::clone(&metrics), stopped.clone());
    let serving = tokio::spawn(socket.serve(feed, Arc::clone(&metrics), stopped));
    World { directory, store, metrics, stop, serving }
}

impl World {
    fn path(&self) -> PathBuf {
        self.directory.join("socket")
    }

    async fn client(&self) -> Result<Client, tonic::transport::Error> {
        let path = self.path();
        let dial = move |_| {
            let path = path.clone();
            async move { UnixStream::connect(path).await.map(TokioIo::new) }
        };
        let channel =
            Endpoint::from_static("http://feed").connect_with_connector(tower::service_fn(dial)).await?;
        Ok(Client(Grpc::new(channel)))
    }

    async fn end(self) {
        self.stop.send_replace(true);
        self.serving.await.unwrap().unwrap();
        assert!(!self.directory.join("socket").exists(), "the socket's file is gone");
        fs::remove_dir_all(&self.directory).unwrap();
    }
}

struct Client(Grpc<Channel>);

impl Client {
    async fn poll(&mut self, since: Option<Generation>) -> Result<Option<Vec<u8>>, Status> {
        self.0.ready().await.unwrap();
        let path = PathAndQuery::from_maybe_shared(format!("/{SERVICE}/{GET_SNAPSHOT}")).unwrap();
        let codec = FeedCodec::<GetSnapshotRequest, GetSnapshotResponse>::default();
        let request = Request::new(GetSnapshotRequest { since });
        self.0.unary(request, path, codec).await.map(|response| response.into_inner().snapshot)
    }

    async fn refresh(&mut self, issuer: &str, kid: &str) -> Result<RefreshKeysResponse, Status> {
        self.0.ready().await.unwrap();
        let path = PathAndQuery::from_maybe_shared(format!("/{SERVICE}/{REFRESH_KEYS}")).unwrap();
        let codec = FeedCodec::<RefreshKeysRequest, RefreshKeysResponse>::default();
        let request =
            Request::new(RefreshKeysRequest { issuer: issuer.to_owned(), kid: kid.to_owned(), since: None });
        self.0.unary(request, path, codec).await.map(Response::into_inner)
    }
}

#[tokio::test]
async fn a_poll_is_answered_at_once_later_or_at_the_end() {
    let world = world("poll", None).await;
    assert_eq!(fs::metadata(world.path()).unwrap().permissions().mode() & 0o777, MODE);
    let mut client = world.client().await.unwrap();

    world.store.open(UnixSeconds::new(0));
    let first = client.poll(None).await.unwrap().unwrap();
    let generation = Snapshot::generation_of(&first).unwrap();
    assert_eq!(generation, Generation { epoch: 5, counter: 1 });

    let change = async {
        sleep(Duration::from_millis(50)).await;
        let credential = authn::snapshot::UpstreamCredential::new("token".to_owned(), None).ok();
        world.store.set_credential(CredentialState { credential, failure: None }, UnixSeconds::new(0));
    };
    let (second, ()) = tokio::join!(client.poll(Some(generation)), change);
    let second = Snapshot::decode(&second.unwrap().unwrap()).unwrap();
    assert_eq!((second.generation.counter, second.upstream_credential.is_some()), (2, true));

    let stop = async {
        sleep(Duration::from_millis(50)).await;
        world.stop.send_replace(true);
    };
    let (last, ()) = tokio::join!(client.poll(Some(second.generation)), stop);
    assert_eq!(last.unwrap(), None, "the end is no error");
    drop(client);
    world.end().await;
}

#[tokio::test]
async fn an_issuer_that_is_not_configured_is_unknown() {
    let world = world("unknown", None).await;
    let mut client = world.client().await.unwrap();
    let answer = client.refresh("https://nobody", "1").await.unwrap();
    assert_eq!((answer.outcome, answer.snapshot), (RefreshOutcome::UnknownIssuer, None));
    let too_long = client.refresh("https://nobody", &"x".repeat(MAX_REQUEST)).await;
    assert!(too_long.is_err(), "a message over the limit");
    drop(client);
    world.end().await;
}

#[tokio::test]
async fn a_peer_with_another_uid_is_sent_away() {
    let world = world("uid", Some([own_uid().unwrap() + 1].into())).await;
    if let Ok(mut client) = world.client().await {
        // The connection may be made before it is closed.
        assert!(timeout(Duration::from_secs(2), client.poll(None)).await.unwrap().is_err());
    }
    assert!(world.metrics.text().lines().any(|line| {
        line.strip_prefix("jwks_sync_refused_connections_total ").is_some_and(|count| count != "0")
    }));
    world.end().await;
}

#[tokio::test]
async fn a_stale_socket_is_replaced_and_nothing_else() {
    let directory = std::env::temp_dir().join(format!("jwks-sync-stale-{}", std::process::id()));
    fs::create_dir_all(&directory).unwrap();
    let path = directory.join("socket");

    drop(std::os::unix::net::UnixListener::bind(&path).unwrap());
    let socket = Socket::bind(&path, None).await.unwrap();
    assert!(matches!(Socket::bind(&path, None).await, Err(SocketError::InUse { .. })));
    drop(socket);
    assert!(!path.exists());

    fs::write(&path, "precious").unwrap();
    assert!(matches!(Socket::bind(&path, None).await, Err(SocketError::NotASocket { .. })));
    assert_eq!(fs::read_to_string(&path).unwrap(), "precious");
    fs::remove_dir_all(&directory).unwrap();
}
