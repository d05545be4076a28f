//! Follows the changes of the configuration, as kube-apiserver does (`pkg/kubeapiserver/options/authentication.go`): what
//! was judged already is ignored; what is bad, or whose issuers don't answer, leaves the old one in force.
//!
//! Two things differ. Here a newer change takes the place of one that waits for its issuers; there it comes after it. And
//! here only issuers that are new, or whose keys come from another place, must answer.

use std::sync::Arc;
use std::time::Duration;

use authn::config::AnonymousAuth;
use tokio::select;
use tokio::time::Instant;
use tracing::{error, info};

use crate::clock;
use crate::config::Sources;
use crate::configuration::{Configuration, LoadError};
use crate::kube::ApiServer;
use crate::metrics::Metrics;
use crate::sources::{Content, ReadError, Reader};
use crate::supply::{Supply, UnhealthyIssuers};

/// How often a failure that lasts is told again; so often kube-apiserver reads the file when nothing happens.
const TELL_EVERY: Duration = Duration::from_mins(1);

/// Follows the sources of the configuration.
pub(crate) struct Reloader {
    reader: Reader,
    /// What is in force, or what came after it and can't be used, whatever else happens.
    judged: Content,
    /// What the first configuration said of requests without a token: no other one may say something else.
    anonymous: Option<AnonymousAuth>,
    /// What waits for its issuers to answer.
    candidate: Option<Candidate>,
    /// Why nothing can be read, and when that was told last.
    unreadable: Option<(ReadError, Instant)>,
}

/// A good configuration, and what it was made of.
#[derive(Debug, PartialEq, Eq)]
struct Candidate {
    content: Content,
    configuration: Configuration,
}

/// What is new.
#[derive(Debug, PartialEq, Eq)]
enum News {
    /// It can't be used.
    Bad(LoadError),
    /// There is another candidate now.
    Candidate,
    /// The candidate is gone, and what was judged before is back.
    Withdrawn,
}

impl Reloader {
    /// Reads the configuration for the first time.
    ///
    /// # Errors
    /// [`LoadError`] says what is wrong with it.
    pub(crate) async fn start(
        sources: Sources,
        api_server: ApiServer,
    ) -> Result<(Configuration, Self), LoadError> {
        let mut reader = Reader::start(sources, api_server).await;
        let judged = reader.read().await?;
        let configuration = Configuration::load(reader.sources(), &judged, None)?;
        configuration.warn_of_unknown_issuers();
        let anonymous = configuration.authentication.anonymous.clone();
        Ok((configuration, Self { reader, judged, anonymous, candidate: None, unreadable: None }))
    }

    /// Puts every good change in force, for ever.
    pub(crate) async fn run(mut self, supply: Arc<Supply>, metrics: Arc<Metrics>) {
        metrics.reloads().in_force(self.reader.sources(), &self.judged);
        self.reader.follow();
        loop {
            let waiting = self.candidate.as_ref().map(|candidate| candidate.configuration.clone());
            let attempt = async {
                match waiting {
                    Some(configuration) => supply.replace(configuration).await,
                    None => std::future::pending().await,
                }
            };
            select! {
                news = self.news() => self.heard(news, &metrics),
                outcome = attempt => self.attempted(outcome, &metrics),
            }
        }
    }

    /// Waits until the sources hold something new. May be given up at any time.
    async fn news(&mut self) -> News {
        loop {
            self.reader.due().await;
            let read = self.reader.read().await;
            if let Some(news) = self.judge(read, Instant::now()) {
                return news;
            }
        }
    }

    fn judge(&mut self, read: Result<Content, ReadError>, now: Instant) -> Option<News> {
        let content = match read {
            Ok(content) => content,
            Err(failure) => {
                let is_told = self.unreadable.as_ref().is_some_and(|(known, told)| {
                    *known == failure && now.saturating_duration_since(*told) < TELL_EVERY
                });
                if is_told {
                    return None;
                }
                self.unreadable = Some((failure.clone(), now));
                return Some(News::Bad(failure.into()));
            }
        };
        self.unreadable = None;
        if content == self.judged {
            return self.candidate.take().map(|_| News::Withdrawn);
        }
        if self.candidate.as_ref().is_some_and(|candidate| candidate.content == content) {
            return None;
        }
        match Configuration::load(self.reader.sources(), &content, Some(self.anonymous.as_ref())) {
            Ok(configuration) => {
                self.candidate = Some(Candidate { content, configuration });
                Some(News::Candidate)
            }
            Err(failure) => {
                self.candidate = None;
                self.judged = content;
                Some(News::Bad(failure))
            }
        }
    }

    fn heard(&self, news: News, metrics: &Metrics) {
        match news {
            News::Bad(failure) => {
                let reason = failure.reason();
                error!(reason, error = %failure, "{}", failure.when_reloading());
                metrics.reloads().failed(reason, clock::now());
            }
            News::Candidate => {
                if let Some(candidate) = &self.candidate {
                    candidate.configuration.warn_of_unknown_issuers();
                }
                info!("authentication config changed; it is in force once its new issuers answer");
            }
            News::Withdrawn => info!("authentication config changed back before it was in force"),
        }
    }

    fn attempted(&mut self, outcome: Result<(), UnhealthyIssuers>, metrics: &Metrics) {
        match outcome {
            Ok(()) => {
                if let Some(candidate) = self.candidate.take() {
                    let issuers = candidate.configuration.authentication.jwt.len();
                    info!(issuers, "reloaded authentication config");
                    metrics.reloads().succeeded(clock::now());
                    metrics.reloads().in_force(self.reader.sources(), &candidate.content);
                    self.judged = candidate.content;
                }
            }
            // It stays the candidate: its issuers may answer next time.
            Err(failure) => {
                let reason = UnhealthyIssuers::REASON;
                error!(reason, error = %failure, "failed to update authentication config");
                metrics.reloads().failed(reason, clock::now());
            }
        }
    }
}

#[cfg(test)]
#[path = "reload_tests.rs"]
mod tests;
