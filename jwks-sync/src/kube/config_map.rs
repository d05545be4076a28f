//! A configuration in a ConfigMap: read once, or followed by a watch.
//!
//! The watch is started anew, from a list, at least once a minute, as kube-apiserver reads its file once a minute beside
//! watching it: so nothing that a watch misses, a connection that died without a word included, lasts longer.
//!
//! Only a list that fails says that there is nothing to read. However a watch ends, what it told holds, and the list that
//! follows tells what it missed: proxies reset idle connections as a matter of course.

use std::fmt;
use std::time::Duration;

use http_body_util::BodyExt;
use k8s_openapi::api::core::v1::ConfigMap;
use kube::Resource;
use kube::api::{ListParams, Request, WatchEvent, WatchParams};
use kube::core::ObjectList;
use serde_json::from_slice;
use tokio::sync::watch;
use tokio::time::{Instant, sleep, timeout};
use tracing::debug;

use super::client::{Ready, shortened, unreachable, whole};
use super::{ApiServer, KubeError, TIMEOUT};
use crate::clock::{jitter, spread};

/// Longest life of a watch, in seconds.
const WATCH: u32 = 60;
/// Time between the end of a watch and the next one; doubled with every list in a row that fails, and with every watch
/// in a row that is brief.
const SHORTEST_PAUSE: Duration = Duration::from_millis(250);
/// What that grows to when lists fail.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);
/// How often it is doubled at most while lists work: changes are seen within some two seconds by them alone.
const MOST_BRIEF: u32 = 3;
/// A watch that ends sooner is brief. Begun anew at once, such would be a flood of lists.
const BRIEF: Duration = Duration::from_secs(5);
/// Largest answer to a list, and largest line of a watch, in bytes. A ConfigMap has at most 1 MiB of data, most of whose
/// characters take one byte of JSON.
const MAX_OBJECT: usize = 8 * 1024 * 1024;

/// A key of a ConfigMap.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ConfigMapKey {
    namespace: String,
    name: String,
    key: String,
}

impl ConfigMapKey {
    /// The key if none is said.
    pub(crate) const DEFAULT: &str = "authentication.yaml";

    /// Reads `NAMESPACE/NAME` or `NAMESPACE/NAME/KEY`. `None` when a part is missing or has characters that Kubernetes
    /// does not allow there.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split('/');
        let (namespace, name) = (parts.next()?, parts.next()?);
        let key = parts.next().unwrap_or(Self::DEFAULT);
        let is_lower = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        let is_good = parts.next().is_none()
            && [namespace, name, key].iter().all(|part| !part.is_empty() && !matches!(*part, "." | ".."))
            && namespace.chars().all(is_lower)
            && name.chars().all(|c| is_lower(c) || c == '.')
            && key.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'));
        let own = str::to_owned;
        is_good.then(|| Self { namespace: own(namespace), name: own(name), key: own(key) })
    }

    /// What of this object, or of its absence, there is to read.
    fn value(&self, object: Option<ConfigMap>) -> Result<Vec<u8>, ConfigMapError> {
        let data = object.ok_or(ConfigMapError::Absent)?.data.unwrap_or_default().remove(&self.key);
        data.map(String::into_bytes).ok_or_else(|| ConfigMapError::NoKey { key: self.key.clone() })
    }

    fn is_of(&self, object: &ConfigMap) -> bool {
        object.metadata.name.as_deref() == Some(&self.name)
    }

    /// Requests for its object and no other: the rights to `list` and `watch` by `resourceNames` are for these alone.
    fn request(&self) -> (Request, String) {
        let path = ConfigMap::url_path(&(), Some(&self.namespace));
        (Request::new(path), format!("metadata.name={}", self.name))
    }
}

impl fmt::Display for ConfigMapKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}/{}", self.namespace, self.name, self.key)
    }
}

/// Why there is nothing to read in a ConfigMap.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ConfigMapError {
    #[error("there is no such ConfigMap")]
    Absent,
    #[error("API server: {0}")]
    Kube(#[from] KubeError),
    #[error("the ConfigMap has no key {key:?}")]
    NoKey { key: String },
}

impl ConfigMapError {
    /// The name of the case, for logs and metrics.
    pub(crate) const fn reason(&self) -> &'static str {
        match self {
            Self::Absent => "config_map_absent",
            Self::Kube(error) => error.reason(),
            Self::NoKey { .. } => "config_map_key",
        }
    }
}

/// What a ConfigMap holds under a key.
pub(crate) type ConfigMapValue = Result<Vec<u8>, ConfigMapError>;

impl ApiServer {
    /// Reads the value once.
    ///
    /// # Errors
    /// [`ConfigMapError`]
    pub(crate) async fn config_map(&self, key: &ConfigMapKey) -> ConfigMapValue {
        let read = async { self.list(&self.connection.client().await?, key).await };
        let (object, _) = timeout(TIMEOUT, read).await.unwrap_or(Err(KubeError::Timeout))?;
        key.value(object)
    }

    /// Hands every value on, for ever, and why there is none.
    pub(crate) async fn follow_config_map(&self, key: &ConfigMapKey, values: &watch::Sender<ConfigMapValue>) {
        let (mut failed_lists, mut brief_watches) = (0u32, 0u32);
        loop {
            let list = async {
                let ready = self.connection.client().await?;
                let (object, version) = self.list(&ready, key).await?;
                Ok((ready, object, version))
            };
            match timeout(TIMEOUT, list).await.unwrap_or(Err(KubeError::Timeout)) {
                Ok((ready, object, version)) => {
                    failed_lists = 0;
                    tell(values, key.value(object));
                    let begun = Instant::now();
                    if let Err(error) = self.watch(&ready, &version, key, values).await {
                        debug!(config_map = %key, error = %error, "the watch of the ConfigMap ended");
                    }
                    let is_brief = begun.elapsed() < BRIEF;
                    brief_watches =
                        if is_brief { brief_watches.saturating_add(1).min(MOST_BRIEF) } else { 0 };
                }
                Err(error) => {
                    debug!(config_map = %key, error = %error, "reading the ConfigMap failed");
                    (failed_lists, brief_watches) = (failed_lists.saturating_add(1), 0);
                    tell(values, Err(error.into()));
                }
            }
            sleep(pause(failed_lists.max(brief_watches))).await;
        }
    }

    /// Follows the changes after `version`, until it is time to begin anew.
    async fn watch(
        &self,
        ready: &Ready,
        version: &str,
        key: &ConfigMapKey,
        values: &watch::Sender<ConfigMapValue>,
    ) -> Result<(), KubeError> {
        let (request, selector) = key.request();
        let params = WatchParams::default().fields(&selector).timeout(WATCH).disable_bookmarks();
        let request = request.watch(&params, version).map_err(|_| KubeError::Answer)?;
        let opened = timeout(TIMEOUT, self.connection.send(ready, request)).await;
        let mut body = opened.unwrap_or(Err(KubeError::Timeout))?;
        let mut lines = Lines::default();
        let events = async {
            while let Some(frame) = body.frame().await {
                let Ok(data) = frame.map_err(|error| unreachable(&error))?.into_data() else { continue };
                lines.push(&data)?;
                while let Some(line) = lines.next() {
                    if !take(key, &line, values)? {
                        return Ok(());
                    }
                }
            }
            Ok(())
        };
        // A server that keeps it open longer than it was asked to, or that died without a word: begin anew.
        timeout(Duration::from_secs(WATCH.into()), events).await.unwrap_or(Ok(()))
    }

    /// The object, if there is one, and the version from which on to watch.
    async fn list(
        &self,
        ready: &Ready,
        key: &ConfigMapKey,
    ) -> Result<(Option<ConfigMap>, String), KubeError> {
        let (request, selector) = key.request();
        let request = request.list(&ListParams::default().fields(&selector));
        let body = self.connection.send(ready, request.map_err(|_| KubeError::Answer)?).await?;
        let list: ObjectList<ConfigMap> =
            from_slice(&whole(body, MAX_OBJECT).await?).map_err(|_| KubeError::Answer)?;
        let version = list.metadata.resource_version.unwrap_or_default();
        Ok((list.items.into_iter().find(|object| key.is_of(object)), version))
    }
}

/// Tells what an event says. False when the watch is over.
fn take(key: &ConfigMapKey, line: &[u8], values: &watch::Sender<ConfigMapValue>) -> Result<bool, KubeError> {
    match from_slice(line).map_err(|_| KubeError::Answer)? {
        WatchEvent::Added(object) | WatchEvent::Modified(object) if key.is_of(&object) => {
            tell(values, key.value(Some(object)));
        }
        WatchEvent::Deleted(object) if key.is_of(&object) => tell(values, key.value(None)),
        WatchEvent::Added(_) | WatchEvent::Modified(_) | WatchEvent::Deleted(_) | WatchEvent::Bookmark(_) => {
        }
        // The version is too old by now: a list has a newer one.
        WatchEvent::Error(status) if status.code == 410 => return Ok(false),
        WatchEvent::Error(status) => {
            return Err(KubeError::Refused { code: status.code, message: shortened(&status.message) });
        }
    }
    Ok(true)
}

fn tell(values: &watch::Sender<ConfigMapValue>, value: ConfigMapValue) {
    values.send_if_modified(|known| {
        let is_news = *known != value;
        *known = value;
        is_news
    });
}

fn pause(doublings: u32) -> Duration {
    let pause = SHORTEST_PAUSE.saturating_mul(2u32.saturating_pow(doublings)).min(LONGEST_PAUSE);
    spread(pause, jitter())
}

/// Cuts what arrives into lines.
#[derive(Default)]
struct Lines {
    bytes: Vec<u8>,
    /// So many of them hold no end of a line.
    searched: usize,
}

impl Lines {
    fn push(&mut self, data: &[u8]) -> Result<(), KubeError> {
        if self.bytes.len().saturating_add(data.len()) > MAX_OBJECT {
            return Err(KubeError::AnswerTooLarge { limit: MAX_OBJECT });
        }
        self.bytes.extend_from_slice(data);
        Ok(())
    }

    fn next(&mut self) -> Option<Vec<u8>> {
        let end = self.bytes.iter().skip(self.searched).position(|byte| *byte == b'\n');
        let Some(end) = end else {
            self.searched = self.bytes.len();
            return None;
        };
        let end = self.searched.saturating_add(end);
        self.searched = 0;
        let rest = self.bytes.split_off(end.saturating_add(1));
        Some(std::mem::replace(&mut self.bytes, rest))
    }
}

#[cfg(test)]
#[path = "config_map_tests.rs"]
mod tests;
