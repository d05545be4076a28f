//! Reads what the configuration is made of, files or a ConfigMap, and says when it is time to read again.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use authn::config::MAX_FILE;
use tokio::select;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::sleep;

use crate::config::{IssuerSource, Sources};
use crate::file::{self, FileError};
use crate::kube::{ApiServer, ConfigMapError, ConfigMapKey, ConfigMapValue};

/// How often files are read.
const READ_EVERY: Duration = Duration::from_secs(1);

/// What was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Content {
    /// The AuthenticationConfiguration, or the CA file of the flags.
    pub(crate) issuers: Option<Vec<u8>>,
    /// The policy file.
    pub(crate) policy: Option<Vec<u8>>,
}

/// What came of reading each source: that one can't be read is no reason to leave the other one as it was.
#[derive(Clone, Debug)]
pub(crate) struct Reading {
    pub(crate) issuers: Result<Option<Vec<u8>>, ReadError>,
    pub(crate) policy: Result<Option<Vec<u8>>, ReadError>,
}

impl Reading {
    /// All of it.
    ///
    /// # Errors
    /// [`ReadError`], of the first thing that can't be read.
    pub(crate) fn whole(self) -> Result<Content, ReadError> {
        Ok(Content { issuers: self.issuers?, policy: self.policy? })
    }
}

/// Why something can't be read. Unlike content that is bad, this may mend without a change.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ReadError {
    #[error("--authentication-config-map {key}: {error}")]
    ConfigMap { key: String, error: ConfigMapError },
    #[error("{}{error}", own_flag(flag))]
    File { flag: &'static str, error: FileError },
}

/// Which flag names a file, where it is none of kube-apiserver's.
fn own_flag(flag: &str) -> String {
    match flag {
        "--authentication-config" | "--oidc-ca-file" => String::new(),
        _ => format!("{flag}: "),
    }
}

impl ReadError {
    /// The name of the case, for logs and metrics.
    pub(crate) const fn reason(&self) -> &'static str {
        match self {
            Self::ConfigMap { error, .. } => error.reason(),
            Self::File { error, .. } => error.reason(),
        }
    }
}

/// Reads the sources, again and again.
pub(crate) struct Reader {
    sources: Sources,
    config_map: Option<FollowedConfigMap>,
}

struct FollowedConfigMap {
    api_server: ApiServer,
    key: ConfigMapKey,
    values: Arc<watch::Sender<ConfigMapValue>>,
    value: watch::Receiver<ConfigMapValue>,
    /// The task that follows it; ends with this.
    task: JoinSet<()>,
}

impl Reader {
    /// A reader whose ConfigMap, if there is one, has been read once.
    pub(crate) async fn start(sources: Sources, api_server: ApiServer) -> Self {
        let config_map = match &sources.issuers {
            IssuerSource::ConfigMap(key) => {
                let (values, value) = watch::channel(api_server.config_map(key).await);
                let (key, values) = (key.clone(), Arc::new(values));
                Some(FollowedConfigMap { api_server, key, values, value, task: JoinSet::new() })
            }
            IssuerSource::File(_) | IssuerSource::Flags(_) => None,
        };
        Self { sources, config_map }
    }

    /// Where it reads.
    pub(crate) const fn sources(&self) -> &Sources {
        &self.sources
    }

    /// Begins to follow the ConfigMap, if there is one.
    pub(crate) fn follow(&mut self) {
        if let Some(FollowedConfigMap { api_server, key, values, task, .. }) = &mut self.config_map {
            let (api_server, key, values) = (api_server.clone(), key.clone(), Arc::clone(values));
            task.spawn(async move { api_server.follow_config_map(&key, &values).await });
        }
    }

    /// Waits until it is time to read again. May be given up at any time.
    pub(crate) async fn due(&mut self) {
        let changed = async {
            match &mut self.config_map {
                // An error would mean that nobody can tell of changes; this reader can.
                Some(config_map) => drop(config_map.value.changed().await),
                None => std::future::pending().await,
            }
        };
        select! {
            () = changed => {}
            () = sleep(READ_EVERY) => {}
        }
    }

    /// Reads everything.
    pub(crate) async fn read(&mut self) -> Reading {
        let policy = match &self.sources.policy {
            Some(path) => content("--policy", path).await.map(Some),
            None => Ok(None),
        };
        Reading { issuers: self.issuers().await, policy }
    }

    async fn issuers(&mut self) -> Result<Option<Vec<u8>>, ReadError> {
        Ok(match (&self.sources.issuers, &mut self.config_map) {
            (IssuerSource::File(path), _) => Some(content("--authentication-config", path).await?),
            (IssuerSource::Flags(oidc), _) => {
                // That others are missing is said first, as in kube-apiserver.
                let is_given = |flag: &Option<String>| flag.as_ref().is_some_and(|value| !value.is_empty());
                let is_whole = is_given(&oidc.oidc_issuer_url) && is_given(&oidc.oidc_client_id);
                let file = oidc.oidc_ca_file.as_ref().filter(|file| is_whole && !file.as_os_str().is_empty());
                match file {
                    Some(path) => Some(content("--oidc-ca-file", path).await?),
                    None => None,
                }
            }
            (IssuerSource::ConfigMap(key), Some(config_map)) => {
                let value = config_map.value.borrow_and_update().clone();
                Some(value.map_err(|error| ReadError::ConfigMap { key: key.to_string(), error })?)
            }
            (IssuerSource::ConfigMap(_), None) => None,
        })
    }
}

async fn content(flag: &'static str, path: &Path) -> Result<Vec<u8>, ReadError> {
    file::read(path, MAX_FILE).await.map_err(|error| ReadError::File { flag, error })
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;
    use crate::args::OidcOptions;

    #[tokio::test]
    async fn a_file_that_can_not_be_read_is_named() {
        let missing = || PathBuf::from("/no/such/file");
        let given = || Some("https://a".to_owned());
        let ca = OidcOptions {
            oidc_ca_file: Some(missing()),
            oidc_issuer_url: given(),
            oidc_client_id: given(),
            ..OidcOptions::default()
        };
        let with = |issuers| Sources::of(issuers, None);
        for (flag, sources) in [
            ("", with(IssuerSource::File(missing()))),
            ("", with(IssuerSource::Flags(Box::new(ca)))),
            ("--policy: ", Sources::of(IssuerSource::Flags(Box::default()), Some(missing()))),
        ] {
            let error = Reader::start(sources, ApiServer::new(None)).await.read().await.whole().unwrap_err();
            assert_eq!(error.to_string(), format!("{flag}open /no/such/file: no such file or directory"));
            assert_eq!(error.reason(), "file");
        }
    }
}
