//! Wires everything together, in the order of the start.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use tokio::net::TcpListener;
use tokio::select;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;
use tracing::info;

use crate::claims::DistributedClaims;
use crate::clock;
use crate::config::{CommandLineError, Config, CredentialChoice};
use crate::configuration::LoadError;
use crate::credential::CredentialKeeper;
use crate::health::Health;
use crate::kube::{ApiServer, KubeError, TokenWebhook};
use crate::metrics::Metrics;
use crate::reload::Reloader;
use crate::review::{ClaimsReviews, ImpersonationReviews, Outages, TokenReviews, TokenWebhookSource};
use crate::server::{Feed, Reviews, Socket, SocketError};
use crate::store::Store;
use crate::supply::Supply;

/// Why the process ended.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AppError {
    #[error(transparent)]
    CommandLine(#[from] CommandLineError),
    #[error("{task} ended although nobody asked it to; please report this")]
    Ended { task: &'static str },
    #[error("--health-address {address}: {error}")]
    Health { address: SocketAddr, error: io::Error },
    #[error("--kubeconfig: {0}")]
    Kubeconfig(KubeError),
    #[error(transparent)]
    Load(#[from] LoadError),
    #[error("the system gives no random numbers: {0}")]
    Random(getrandom::Error),
    #[error("signals can't be received: {0}")]
    Signals(io::Error),
    #[error("--listen: {0}")]
    Socket(#[from] SocketError),
    #[error("--authentication-token-webhook-config-file: {0}")]
    Webhook(KubeError),
}

impl AppError {
    /// The exit status of the process.
    pub(crate) const fn exit_status(&self) -> u8 {
        match self {
            Self::CommandLine(error) | Self::Load(LoadError::CommandLine(error)) => error.exit_status(),
            _ => 1,
        }
    }
}

/// Serves until SIGTERM or SIGINT.
///
/// # Errors
/// [`AppError`] when it can't start, or when a part that the rest can't do without is gone.
pub(crate) async fn run(config: Config) -> Result<(), AppError> {
    let credential = config.credential.ok_or(CommandLineError::NoCredential)?;
    let needs_credential = credential != CredentialChoice::Without;
    let mut terminate = signal(SignalKind::terminate()).map_err(AppError::Signals)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(AppError::Signals)?;
    let api_server = ApiServer::new(config.kubeconfig.clone());
    if config.kubeconfig.is_some() {
        // Asked for the first time hours later, it would be nobody's to see that it is bad.
        api_server.load().await.map_err(AppError::Kubeconfig)?;
    }
    let (configuration, reloader) = Reloader::start(config.sources, api_server.clone()).await?;
    let webhook = match &config.webhook {
        Some(options) => {
            let webhook = TokenWebhook::load(options).await.map_err(AppError::Webhook)?;
            Some(TokenWebhookSource { webhook, good_for: options.cache_ttl })
        }
        None => None,
    };
    let mut random = [0; 16];
    getrandom::fill(&mut random).map_err(AppError::Random)?;

    let address = config.health_address;
    let health = TcpListener::bind(address).await.map_err(|error| AppError::Health { address, error })?;
    let socket = Socket::bind(&config.socket, config.allowed_peer_uids).await?;

    let metrics = Arc::new(Metrics::new());
    let store = Arc::new(Store::new(clock::epoch(), config.max_key_age.as_secs(), Arc::clone(&metrics)));
    let supply = Arc::new(Supply::new(Arc::clone(&store), Arc::clone(&metrics), webhook.is_some()));
    let outages = Arc::new(Outages::default());
    let (stop, stopped) = watch::channel(false);

    let probe = Health::new(
        Arc::clone(&store),
        Arc::clone(&metrics),
        config.readiness,
        needs_credential,
        Arc::clone(&outages),
    );
    let mut probes = tokio::spawn(probe.serve(health));
    let asked = Arc::new(api_server.clone());
    let claims = DistributedClaims::new(Arc::clone(&supply));
    let reviews = Reviews {
        claims: ClaimsReviews::new(claims, random, Arc::clone(&outages), Arc::clone(&metrics)),
        impersonation: ImpersonationReviews::new(asked, Arc::clone(&outages), Arc::clone(&metrics)),
        tokens: TokenReviews::new(
            api_server.clone(),
            webhook,
            random,
            Arc::clone(&store),
            outages,
            Arc::clone(&metrics),
        ),
    };
    let feed =
        Feed::new(Arc::clone(&store), Arc::clone(&supply), reviews, Arc::clone(&metrics), stopped.clone());
    let mut serving = tokio::spawn(socket.serve(feed, Arc::clone(&metrics), stopped));
    let (attempt, mut attempted) = watch::channel(!needs_credential);
    let keeper = match credential {
        CredentialChoice::From(source) => {
            let (store, metrics) = (Arc::clone(&store), Arc::clone(&metrics));
            Some(CredentialKeeper::new(source, api_server, store, metrics, attempt))
        }
        CredentialChoice::Without => None,
    };
    let mut credential = tokio::spawn(async move {
        match keeper {
            Some(keeper) => keeper.run().await,
            None => std::future::pending().await,
        }
    });
    let mut issuers = tokio::spawn(async move {
        supply.apply(configuration).await;
        // An error means that the keeper is gone, and with it soon the process.
        drop(attempted.wait_for(|attempted| *attempted).await);
        store.open(clock::now());
        supply.warn_of_own_issuer();
        reloader.run(supply, metrics).await;
    });

    let ended = |task| Err(AppError::Ended { task });
    let result = select! {
        _ = terminate.recv() => Ok(()),
        _ = interrupt.recv() => Ok(()),
        _ = &mut serving => ended("the feed's server"),
        _ = &mut probes => ended("the server of probes and metrics"),
        _ = &mut credential => ended("the keeper of the credential"),
        _ = &mut issuers => ended("the configuration's reloader"),
    };
    info!("ending");
    stop.send_replace(true);
    if !serving.is_finished() {
        // It bounds its own end; what it says at that point changes nothing any more.
        drop(serving.await);
    }
    for task in [probes, credential, issuers] {
        task.abort();
    }
    result
}
