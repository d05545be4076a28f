//! Kubeconfigs: read with the files that they name, and told apart by what those hold.

use std::error::Error as StdError;
use std::fs;
use std::hash::{BuildHasher, RandomState};
use std::path::Path;

use http::Uri;
use hyper_util::client::proxy::matcher::Matcher;
use kube::Config;
use kube::client::AuthError;
use kube::config::{AuthInfo, Cluster, KubeConfigOptions, Kubeconfig, LoadDataError};

use super::KubeError;
use crate::cause::deepest;

/// What was read.
pub(super) struct Source {
    /// `None` for a pod's own account.
    pub(super) kubeconfig: Option<Kubeconfig>,
    /// A hash of each file, so that no secret is kept for comparison.
    pub(super) files: Vec<u64>,
}

/// Reads a kubeconfig, and the files that it names for comparison.
///
/// # Errors
/// [`KubeError::Kubeconfig`]
pub(super) fn read(path: &Path, hasher: &RandomState) -> Result<Source, KubeError> {
    let failed = |error: &(dyn StdError + 'static)| bad_kubeconfig(path, detail(error));
    let own = fs::read(path).map_err(|error| failed(&error))?;
    let kubeconfig = Kubeconfig::read_from(path).map_err(|error| failed(&error))?;
    let clusters = kubeconfig.clusters.iter().filter_map(|named| named.cluster.as_ref());
    let users = kubeconfig.auth_infos.iter().filter_map(|named| named.auth_info.as_ref());
    let named = clusters
        .map(|cluster| &cluster.certificate_authority)
        .chain(users.flat_map(|user| [&user.client_certificate, &user.client_key, &user.token_file]))
        .flatten();
    // A file that can't be read is missed when it is used.
    let files = named.map(|path| fs::read(path).ok()).map(|content| hasher.hash_one(content));
    let files = [hasher.hash_one(own)].into_iter().chain(files).collect();
    Ok(Source { kubeconfig: Some(kubeconfig), files })
}

/// What the current context says.
///
/// # Errors
/// [`KubeError::Kubeconfig`]
pub(super) async fn configuration(path: &Path, kubeconfig: Kubeconfig) -> Result<Config, KubeError> {
    let cluster = current_cluster(&kubeconfig);
    let has_proxy =
        cluster.is_some_and(|cluster| cluster.proxy_url.as_ref().is_some_and(|url| !url.is_empty()));
    let contradicts_itself = cluster.is_some_and(|cluster| {
        cluster.insecure_skip_tls_verify == Some(true)
            && (cluster.certificate_authority.is_some() || cluster.certificate_authority_data.is_some())
    });
    if contradicts_itself {
        // As client-go: a CA that is not used must not look as if it were.
        let detail = "insecure-skip-tls-verify and a certificate authority exclude each other";
        return Err(bad_kubeconfig(path, detail.to_owned()));
    }
    let mut config = Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default())
        .await
        .map_err(|error| bad_kubeconfig(path, detail(&error)))?;
    // The client asks NO_PROXY about the proxy instead of the destination.
    if !has_proxy && !goes_through_a_proxy(&config.cluster_url) {
        config.proxy_url = None;
    }
    Ok(config)
}

fn current_cluster(kubeconfig: &Kubeconfig) -> Option<&Cluster> {
    let current = kubeconfig.current_context.as_ref()?;
    let context = kubeconfig.contexts.iter().find(|named| named.name == *current)?.context.as_ref()?;
    kubeconfig.clusters.iter().find(|named| named.name == context.cluster)?.cluster.as_ref()
}

/// Splits a webhook's `server`, which is the whole URL, as kube-apiserver's client does: without a slash at its end.
///
/// # Errors
/// [`KubeError::Kubeconfig`]
pub(super) fn one_url(path: &Path, config: Config) -> Result<(Config, String), KubeError> {
    split(config).map_err(|detail| bad_kubeconfig(path, detail.to_owned()))
}

fn split(mut config: Config) -> Result<(Config, String), &'static str> {
    let url = &config.cluster_url;
    let (Some(scheme), Some(authority)) = (url.scheme_str(), url.authority()) else {
        return Err("server must be a URL with https:// or http://");
    };
    if !matches!(scheme, "http" | "https") || authority.as_str().contains('@') {
        return Err("server must be a URL with https:// or http://, and without user information");
    }
    if url.query().is_some() {
        // kube-apiserver would drop it without a word.
        return Err("server must not have a query");
    }
    let path = match url.path().trim_end_matches('/') {
        "" => "/".to_owned(),
        path => path.to_owned(),
    };
    if scheme == "http" {
        // As client-go: credentials are for TLS alone.
        config.auth_info = AuthInfo::default();
    }
    let origin = Uri::builder().scheme(scheme).authority(authority.as_str()).path_and_query("/").build();
    config.cluster_url = origin.map_err(|_| "server is no URL")?;
    Ok((config, path))
}

/// As Go's `http.ProxyFromEnvironment`, loopback included, which never goes through a proxy.
fn goes_through_a_proxy(url: &Uri) -> bool {
    let host = url.host().unwrap_or_default().trim_matches(['[', ']']);
    let is_loopback =
        host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback());
    !is_loopback && Matcher::from_env().intercept(url).is_some()
}

fn bad_kubeconfig(path: &Path, detail: String) -> KubeError {
    KubeError::Kubeconfig { path: path.display().to_string(), detail }
}

/// What an error says, without what it quotes: behind the first line stands the text around the place of a YAML error,
/// with tokens and keys in it, and an exec plugin's output holds a token.
pub(super) fn detail(error: &(dyn StdError + 'static)) -> String {
    let mut cause = Some(error);
    while let Some(error) = cause {
        match error.downcast_ref::<AuthError>() {
            Some(AuthError::AuthExecStart(error)) => {
                return format!("the exec plugin can't be started: {error}");
            }
            Some(AuthError::AuthExecRun { out, .. }) => {
                return format!("the exec plugin failed: {}", out.status);
            }
            Some(AuthError::AuthExecParse(_)) => return "what the exec plugin says can't be read".to_owned(),
            Some(AuthError::ReadTokenFile(error, path)) => return format!("{}: {error}", path.display()),
            _ => {}
        }
        // Which of the files that a kubeconfig names it is; the innermost cause does not say.
        if let Some(LoadDataError::ReadFile(error, path)) = error.downcast_ref() {
            return format!("{}: {error}", path.display());
        }
        cause = error.source();
    }
    deepest(error).lines().next().unwrap_or_default().to_owned()
}

#[cfg(test)]
#[path = "kubeconfig_tests.rs"]
mod tests;
