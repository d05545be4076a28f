//! One client for each place that is asked: made once, so that its connections are reused, and made anew when the files
//! that it comes from change.

use std::error::Error as StdError;
use std::hash::RandomState;
use std::path::PathBuf;
use std::time::Duration;

use http::{HeaderValue, Method, Request, StatusCode, header};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use kube::client::Body;
use kube::config::AuthInfo;
use kube::{Client, Config};
use tokio::sync::Mutex;
use tokio::task::spawn_blocking;
use tokio::time::Instant;
use tracing::{error, info};

use super::KubeError;
use super::kubeconfig::{self, Source, detail};

/// Time for TCP and TLS.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
/// How often the files are looked at, at most.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// Least age of a client that is made anew because it was answered 401: its token may have been replaced in a way that
/// no file shows.
const RENEW_AFTER: Duration = Duration::from_secs(5);
/// Largest answer, in bytes.
const MAX_ANSWER: usize = 1024 * 1024;
/// Characters of a refusal's message that are kept.
const MAX_MESSAGE: usize = 300;

/// Where a place and the account there are described.
#[derive(Clone, Debug)]
pub(super) enum Origin {
    /// The API server and the ServiceAccount of the pod that this process runs in.
    Pod,
    /// The API server of a kubeconfig.
    Kubeconfig(PathBuf),
    /// The one URL of a webhook's kubeconfig.
    Webhook(PathBuf),
}

/// A place that is asked, and the client for it.
pub(super) struct Connection {
    origin: Origin,
    hasher: RandomState,
    kept: Mutex<Option<Kept>>,
}

struct Kept {
    ready: Ready,
    files: Vec<u64>,
    looked: Instant,
    made: Instant,
    /// It was answered 401.
    is_refused: bool,
}

/// A client that can be used.
#[derive(Clone)]
pub(super) struct Ready {
    /// The client.
    pub(super) client: Client,
    /// The path of the webhook; that of an API server is the caller's.
    path: String,
}

impl Connection {
    /// Nothing is read or connected yet.
    pub(super) fn new(origin: Origin) -> Self {
        Self { origin, hasher: RandomState::new(), kept: Mutex::default() }
    }

    /// The client, made anew if need be. A change that can't be used leaves the old one in use.
    ///
    /// # Errors
    /// [`KubeError`] says what is wrong with the files.
    pub(super) async fn client(&self) -> Result<Ready, KubeError> {
        let mut kept = self.kept.lock().await;
        if let Some(kept) = &mut *kept {
            let is_renewed = kept.is_refused && kept.made.elapsed() >= RENEW_AFTER;
            if kept.looked.elapsed() < LOOK_EVERY && !is_renewed {
                return Ok(kept.ready.clone());
            }
            kept.looked = Instant::now();
            let source = match self.read().await {
                Ok(source) if source.files == kept.files && !is_renewed => return Ok(kept.ready.clone()),
                Ok(source) => source,
                Err(failure) => {
                    kept.complain(&failure, Vec::new());
                    return Ok(kept.ready.clone());
                }
            };
            let files = source.files.clone();
            match self.make(source).await {
                Ok(ready) => {
                    if !is_renewed {
                        info!(origin = ?self.origin, "changed kubeconfig in use");
                    }
                    *kept = Kept::new(ready, files);
                }
                Err(failure) => kept.complain(&failure, files),
            }
            return Ok(kept.ready.clone());
        }
        let source = self.read().await?;
        let files = source.files.clone();
        let ready = self.make(source).await?;
        *kept = Some(Kept::new(ready.clone(), files));
        Ok(ready)
    }

    /// Another client for the same API server, for somebody else.
    ///
    /// # Errors
    /// [`KubeError`] says what is wrong with the files.
    pub(super) async fn client_as(&self, account: AuthInfo) -> Result<Client, KubeError> {
        let mut config = self.config(self.read().await?).await?.0;
        config.auth_info = account;
        Ok(made(config, String::new()).await?.client)
    }

    /// Posts JSON to this path of an API server, and returns the JSON of the answer.
    ///
    /// # Errors
    /// [`KubeError`]; an answer other than 2xx is [`KubeError::Refused`], redirects included.
    pub(super) async fn post(&self, path: &str, body: Vec<u8>) -> Result<Vec<u8>, KubeError> {
        let ready = self.client().await?;
        self.post_with(&ready, path, body).await
    }

    /// Posts JSON to the URL of a webhook.
    ///
    /// # Errors
    /// As [`Self::post`].
    pub(super) async fn post_to_webhook(&self, body: Vec<u8>) -> Result<Vec<u8>, KubeError> {
        let ready = self.client().await?;
        self.post_with(&ready, &ready.path, body).await
    }

    async fn post_with(&self, ready: &Ready, path: &str, body: Vec<u8>) -> Result<Vec<u8>, KubeError> {
        let request = Request::builder()
            .method(Method::POST)
            .uri(path)
            .header(header::CONTENT_TYPE, "application/json")
            .body(body)
            .map_err(|_| KubeError::Answer)?;
        whole(self.send(ready, request).await?, MAX_ANSWER).await
    }

    /// Sends a request, and returns the answer's body, which is still to be read.
    ///
    /// # Errors
    /// [`KubeError`]; an answer other than 2xx is [`KubeError::Refused`], redirects included.
    pub(super) async fn send(&self, ready: &Ready, request: Request<Vec<u8>>) -> Result<Body, KubeError> {
        let mut request = request.map(Body::from);
        let agent = HeaderValue::from_static(concat!("kube-oidc-filter/", env!("CARGO_PKG_VERSION")));
        request.headers_mut().insert(header::USER_AGENT, agent);
        request.headers_mut().insert(header::ACCEPT, HeaderValue::from_static("application/json"));
        let answer = ready.client.send(request).await.map_err(|error| unreachable(&error))?;
        let status = answer.status();
        if status == StatusCode::UNAUTHORIZED {
            self.was_refused().await;
        }
        if status.is_success() {
            return Ok(answer.into_body());
        }
        let body = whole(answer.into_body(), MAX_ANSWER).await?;
        Err(KubeError::Refused { code: status.as_u16(), message: message(&body) })
    }

    /// The account was not accepted.
    pub(super) async fn was_refused(&self) {
        if let Some(kept) = &mut *self.kept.lock().await {
            kept.is_refused = true;
        }
    }

    async fn read(&self) -> Result<Source, KubeError> {
        let (origin, hasher) = (self.origin.clone(), self.hasher.clone());
        let read = spawn_blocking(move || match origin {
            Origin::Pod => Ok(Source { kubeconfig: None, files: Vec::new() }),
            Origin::Kubeconfig(path) | Origin::Webhook(path) => kubeconfig::read(&path, &hasher),
        });
        read.await.map_err(|_| KubeError::Answer)?
    }

    async fn make(&self, source: Source) -> Result<Ready, KubeError> {
        let (config, path) = self.config(source).await?;
        made(config, path).await
    }

    async fn config(&self, source: Source) -> Result<(Config, String), KubeError> {
        let (mut config, path) = match (&self.origin, source.kubeconfig) {
            (Origin::Kubeconfig(path), Some(kubeconfig)) => {
                (kubeconfig::configuration(path, kubeconfig).await?, String::new())
            }
            (Origin::Webhook(path), Some(kubeconfig)) => {
                let config = kubeconfig::configuration(path, kubeconfig).await?;
                kubeconfig::one_url(path, config)?
            }
            _ => (Config::incluster().map_err(|_| KubeError::NotInCluster)?, String::new()),
        };
        config.connect_timeout = Some(CONNECT_TIMEOUT);
        // Each question has a deadline of its own; this one would count from the last use of the connection.
        config.read_timeout = None;
        // Whoever asks knows how long it may take, and whether to ask again.
        config.default_retry = false;
        Ok((config, path))
    }
}

impl Kept {
    fn new(ready: Ready, files: Vec<u64>) -> Self {
        Self { ready, files, looked: Instant::now(), made: Instant::now(), is_refused: false }
    }

    /// Says what is wrong with the changed files, once for each change.
    fn complain(&mut self, failure: &KubeError, files: Vec<u64>) {
        self.made = Instant::now();
        if self.files != files {
            error!(reason = failure.reason(), error = %failure, "the changed kubeconfig is not used; the old one stays in use");
            self.files = files;
        }
    }
}

/// An exec plugin of the kubeconfig runs in here, so it may take its time.
async fn made(config: Config, path: String) -> Result<Ready, KubeError> {
    let make = spawn_blocking(move || {
        // The client wants a process-wide choice, and which crates are built beside this one must not make it. Only
        // the first call has an effect.
        drop(rustls::crypto::ring::default_provider().install_default());
        Client::try_from(config).map_err(|error| KubeError::Unreachable { detail: detail(&error) })
    });
    let client = make.await.map_err(|_| KubeError::Answer)??;
    Ok(Ready { client, path })
}

pub(super) fn unreachable(error: &(dyn StdError + 'static)) -> KubeError {
    KubeError::Unreachable { detail: detail(error) }
}

/// The body, if it has at most `limit` bytes.
///
/// # Errors
/// [`KubeError`]
pub(super) async fn whole(body: Body, limit: usize) -> Result<Vec<u8>, KubeError> {
    match Limited::new(body, limit).collect().await {
        Ok(body) => Ok(body.to_bytes().to_vec()),
        Err(error) if error.is::<LengthLimitError>() => Err(KubeError::AnswerTooLarge { limit }),
        Err(error) => Err(unreachable(error.as_ref())),
    }
}

/// The message of a `Status` object, shortened.
fn message(body: &[u8]) -> String {
    let status: serde_json::Value = serde_json::from_slice(body).unwrap_or_default();
    let message = status.get("message").and_then(serde_json::Value::as_str).unwrap_or_default();
    shortened(message)
}

/// As much of a message as is kept.
pub(super) fn shortened(message: &str) -> String {
    message.chars().take(MAX_MESSAGE).collect()
}

#[cfg(test)]
#[path = "client_tests.rs"]
mod tests;
