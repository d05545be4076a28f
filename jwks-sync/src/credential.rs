//! The upstream credential: the ServiceAccount token from a file that something else rotates, or from the API
//! server itself.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use authn::config::JwtAuthenticator;
use authn::snapshot::UpstreamCredential;
use authn::time::UnixSeconds;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;
use tokio::sync::watch;
use tokio::time::sleep;
use tracing::{error, info};
use zeroize::Zeroizing;

use crate::clock::{jitter, now, spread};
use crate::file;
use crate::kube::{ApiServer, KubeError};
use crate::metrics::Metrics;
use crate::store::{CredentialState, Store};

/// Largest token that is read, in bytes.
const MAX_TOKEN: usize = 64 * 1024;
/// How often the file is read. Its kubelet swaps a symlink, so its content says more than its times.
const READ_EVERY: Duration = Duration::from_millis(200);
/// Reads in a row that may fail before the last token is withdrawn: five seconds of them.
const READS_BEFORE_WITHDRAWAL: u32 = 25;
/// Shortest wait before a token is renewed, however short its life.
const SHORTEST_RENEWAL: Duration = Duration::from_secs(10);
/// Longest wait between two attempts to get a token.
const LONGEST_RETRY: Duration = Duration::from_mins(1);

/// Where the upstream credential comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum CredentialSource {
    /// A file that the kubelet, or somebody else, keeps fresh.
    TokenFile(PathBuf),
    /// A ServiceAccount for which the API server is asked for tokens.
    ServiceAccount { namespace: String, name: String },
}

/// Why there is no credential.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CredentialError {
    #[error("{path} holds no token")]
    EmptyToken { path: String },
    #[error("{0}")]
    File(#[from] file::FileError),
    #[error("the token in {path} has a byte that a header can't carry")]
    NotHeaderSafe { path: String },
    #[error("asking the API server for a token: {0}")]
    TokenRequest(#[from] KubeError),
}

impl CredentialError {
    /// The name of the case, for logs and metrics.
    pub(crate) const fn reason(&self) -> &'static str {
        match self {
            Self::EmptyToken { .. } => "empty_token",
            Self::File(error) => error.reason(),
            Self::NotHeaderSafe { .. } => "not_header_safe",
            Self::TokenRequest(error) => error.reason(),
        }
    }
}

/// Gets the credential once.
///
/// # Errors
/// [`CredentialError`]; never holds the token.
pub(crate) async fn get(
    source: &CredentialSource,
    api_server: &ApiServer,
) -> Result<UpstreamCredential, CredentialError> {
    match source {
        CredentialSource::TokenFile(path) => read(path).await,
        CredentialSource::ServiceAccount { namespace, name } => {
            Ok(api_server.request_token(namespace, name).await?)
        }
    }
}

/// Keeps the store's credential fresh, for ever.
pub(crate) struct CredentialKeeper {
    source: CredentialSource,
    api_server: ApiServer,
    store: Arc<Store>,
    metrics: Arc<Metrics>,
    attempted: watch::Sender<bool>,
    held: CredentialState,
    /// Another token that the file held at the last read.
    seen: Option<UpstreamCredential>,
    failures: u32,
}

impl CredentialKeeper {
    /// A keeper that has not begun; `attempted` turns true when the first attempt has ended.
    pub(crate) fn new(
        source: CredentialSource,
        api_server: ApiServer,
        store: Arc<Store>,
        metrics: Arc<Metrics>,
        attempted: watch::Sender<bool>,
    ) -> Self {
        let held = CredentialState::default();
        Self { source, api_server, store, metrics, attempted, held, seen: None, failures: 0 }
    }

    /// Never ends.
    pub(crate) async fn run(mut self) {
        loop {
            let wait = match get(&self.source, &self.api_server).await {
                Ok(credential) => self.got(credential),
                Err(error) => self.failed(&error),
            };
            self.attempted.send_replace(true);
            sleep(wait).await;
        }
    }

    /// Puts the credential in force, if it is another one, and says when to ask again.
    fn got(&mut self, credential: UpstreamCredential) -> Duration {
        let wait = match (&self.source, credential.not_after()) {
            (CredentialSource::ServiceAccount { .. }, Some(end)) => renewal(end.since(now())),
            _ => READ_EVERY,
        };
        self.failures = 0;
        if self.is_half_written(&credential) {
            self.seen = Some(credential);
            return wait;
        }
        self.seen = None;
        if self.held.credential.as_ref() != Some(&credential) {
            info!(not_after = credential.not_after().map(UnixSeconds::get), "upstream credential in force");
            self.metrics.credential(None);
        }
        self.hold(CredentialState { credential: Some(credential), failure: None });
        wait
    }

    /// Whether a token from the file may be one that somebody is still writing: it is in force once two reads in a row
    /// agree on it. The very first token is taken at once, since there is none to stay with.
    fn is_half_written(&self, credential: &UpstreamCredential) -> bool {
        matches!(self.source, CredentialSource::TokenFile(_))
            && self.held.credential.as_ref().is_some_and(|held| held != credential)
            && self.seen.as_ref() != Some(credential)
    }

    /// Withdraws the credential when it is time, and says when to ask again.
    fn failed(&mut self, failure: &CredentialError) -> Duration {
        let is_news = self.held.failure != Some(failure.reason());
        let (wait, keep) = match self.source {
            CredentialSource::TokenFile(_) => {
                (READ_EVERY, self.failures.saturating_add(1) < READS_BEFORE_WITHDRAWAL)
            }
            // A token that was asked for stays good to its end.
            CredentialSource::ServiceAccount { .. } => (retry(self.failures), true),
        };
        self.failures = self.failures.saturating_add(1);
        let keep = keep && self.held.credential.as_ref().is_some_and(|held| held.is_valid_at(now()));
        if is_news || matches!(self.source, CredentialSource::ServiceAccount { .. }) {
            error!(
                reason = failure.reason(),
                error = %failure,
                old_one_in_use = keep,
                "getting the upstream credential failed"
            );
            self.metrics.credential(Some(failure.reason()));
        }
        let credential = self.held.credential.clone().filter(|_| keep);
        self.hold(CredentialState { credential, failure: Some(failure.reason()) });
        wait
    }

    fn hold(&mut self, state: CredentialState) {
        if state != self.held {
            self.store.set_credential(state.clone(), now());
        }
        self.held = state;
    }
}

/// Waits four fifths of the life, spread downwards so that many gateways don't come at once.
fn renewal(life: u64) -> Duration {
    let wait = Duration::from_secs(life).mul_f64(0.8 - 0.05 * jitter().abs());
    wait.max(SHORTEST_RENEWAL)
}

fn retry(failures: u32) -> Duration {
    let wait = Duration::from_secs(1).saturating_mul(2u32.saturating_pow(failures)).min(LONGEST_RETRY);
    spread(wait, jitter())
}

async fn read(path: &Path) -> Result<UpstreamCredential, CredentialError> {
    let content = Zeroizing::new(file::read(path, MAX_TOKEN).await?);
    let place = || path.display().to_string();
    let not_header_safe = || CredentialError::NotHeaderSafe { path: place() };
    let token = std::str::from_utf8(&content).map_err(|_| not_header_safe())?.trim_ascii_end();
    if token.is_empty() {
        return Err(CredentialError::EmptyToken { path: place() });
    }
    UpstreamCredential::new(token.to_owned(), expiry(token)).map_err(|_| not_header_safe())
}

/// The `exp` of a token that is a JWT. It is not verified: this says when to stop using our own token, not whom to
/// trust.
fn expiry(token: &str) -> Option<UnixSeconds> {
    claim(token, "exp")?.as_u64().map(UnixSeconds::new)
}

/// The `iss` of a credential that is a ServiceAccount's JWT: the cluster's own issuer. Not verified either, which is good
/// enough for a hint.
fn own_issuer(credential: &UpstreamCredential) -> Option<String> {
    let subject = claim(credential.token(), "sub")?;
    let is_service_account = subject.as_str()?.starts_with("system:serviceaccount:");
    is_service_account.then(|| claim(credential.token(), "iss")?.as_str().map(str::to_owned)).flatten()
}

/// The issuer that the credential is of, if it is one of these: `--service-account-issuer` would have kept it out.
pub(crate) fn own_issuer_among(
    credential: &UpstreamCredential,
    issuers: &[JwtAuthenticator],
) -> Option<String> {
    own_issuer(credential).filter(|own| issuers.iter().any(|jwt| jwt.url == *own))
}

fn claim(token: &str, name: &str) -> Option<Value> {
    let mut parts = token.split('.');
    let (_, payload, _) = (parts.next()?, parts.next()?, parts.next()?);
    let payload = Zeroizing::new(URL_SAFE_NO_PAD.decode(payload).ok()?);
    let mut claims: Value = serde_json::from_slice(&payload).ok()?;
    claims.get_mut(name).map(Value::take)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn jwt(payload: &str) -> String {
        format!("e30.{}.c2ln", URL_SAFE_NO_PAD.encode(payload))
    }

    #[test]
    fn the_end_of_a_token_is_its_exp() {
        for (token, end) in [
            (jwt(r#"{"exp":1700000000,"sub":"system:serviceaccount:a:b"}"#), Some(1_700_000_000)),
            (jwt("{}"), None),
            (jwt(r#"{"exp":"1700000000"}"#), None),
            (jwt(r#"{"exp":-1}"#), None),
            (jwt("[]"), None),
            ("opaque".to_owned(), None),
            ("a.b.c".to_owned(), None),
            (String::new(), None),
        ] {
            assert_eq!(expiry(&token).map(UnixSeconds::get), end, "{token}");
        }
    }

    #[test]
    fn the_issuer_of_a_service_account_is_the_clusters_own() {
        for (payload, issuer) in [
            (r#"{"iss":"https://a","sub":"system:serviceaccount:a:b"}"#, Some("https://a")),
            (r#"{"iss":"https://a","sub":"alice"}"#, None),
            (r#"{"iss":"https://a"}"#, None),
            (r#"{"sub":"system:serviceaccount:a:b"}"#, None),
            (r#"{"iss":5,"sub":"system:serviceaccount:a:b"}"#, None),
        ] {
            assert_eq!(own_issuer(&token(&jwt(payload), None)).as_deref(), issuer, "{payload}");
        }
        assert_eq!(own_issuer(&token("opaque", None)), None);
    }

    #[test]
    fn a_token_is_renewed_after_at_most_four_fifths_of_its_life() {
        for _ in 0..100 {
            let wait = renewal(3_600).as_secs();
            assert!((2_699..=2_880).contains(&wait), "{wait}");
        }
        assert_eq!(renewal(0), SHORTEST_RENEWAL);
    }

    #[tokio::test]
    async fn a_file_without_a_good_token_is_named() {
        let path = std::env::temp_dir().join(format!("jwks-sync-token-{}", std::process::id()));
        let place = path.display();
        for (content, message) in [
            (&b""[..], format!("{place} holds no token")),
            (b"\n", format!("{place} holds no token")),
            (b"a b\n", format!("the token in {place} has a byte that a header can't carry")),
            (b"\xff", format!("the token in {place} has a byte that a header can't carry")),
        ] {
            std::fs::write(&path, content).unwrap();
            assert_eq!(read(&path).await.unwrap_err().to_string(), message);
        }
        std::fs::write(&path, "token\n").unwrap();
        assert_eq!(read(&path).await.unwrap().token(), "token");
        std::fs::remove_file(&path).unwrap();
    }

    fn keeper(source: CredentialSource) -> CredentialKeeper {
        let metrics = Arc::new(Metrics::new());
        let store = Arc::new(Store::new(1, 1, Arc::clone(&metrics)));
        CredentialKeeper::new(source, ApiServer::new(None), store, metrics, watch::Sender::new(false))
    }

    fn token(text: &str, not_after: Option<u64>) -> UpstreamCredential {
        UpstreamCredential::new(text.to_owned(), not_after.map(UnixSeconds::new)).unwrap()
    }

    #[test]
    fn a_file_that_can_not_be_read_for_a_while_withdraws_the_token() {
        let mut keeper = keeper(CredentialSource::TokenFile("token".into()));
        keeper.got(token("one", None));
        for read in 1..=READS_BEFORE_WITHDRAWAL {
            keeper.failed(&CredentialError::NotHeaderSafe { path: "token".to_owned() });
            let state = keeper.store.credential();
            assert_eq!(state.failure, Some("not_header_safe"));
            assert_eq!(state.credential.is_some(), read < READS_BEFORE_WITHDRAWAL, "read {read}");
        }
        keeper.got(token("two", None));
        assert_eq!(keeper.store.credential().credential, Some(token("two", None)));
    }

    #[test]
    fn a_requested_token_is_kept_to_its_end() {
        let account = CredentialSource::ServiceAccount { namespace: "a".to_owned(), name: "b".to_owned() };
        let mut keeper = keeper(account);
        keeper.got(token("one", Some(now().get() + 100)));
        for _ in 0..20 {
            assert!(
                keeper.failed(&CredentialError::TokenRequest(KubeError::Timeout)) <= LONGEST_RETRY * 11 / 10
            );
        }
        assert!(keeper.store.credential().credential.is_some());
        keeper.got(token("two", Some(now().get())));
        keeper.failed(&CredentialError::TokenRequest(KubeError::Timeout));
        assert!(keeper.store.credential().credential.is_none());
    }
}
