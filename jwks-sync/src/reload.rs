//! Follows the changes of the configuration, as kube-apiserver does (`pkg/kubeapiserver/options/authentication.go`): what
//! was judged already is ignored; what is bad, or whose issuers don't answer, leaves the old one in force.
//!
//! Three things differ. Here a newer good change takes the place of one that waits for its issuers; there it comes after
//! it. Here only issuers that are new, or whose keys come from another place, must be healthy; there all. And healthy is
//! here who has keys that can be used; there, whose discovery document could be had.
//!
//! The policy, which kube-apiserver does not have, is followed for itself: it is in force as soon as it is read, whatever
//! becomes of the issuers.

mod known;

use std::pin::pin;
use std::sync::Arc;

use authn::config::{AnonymousAuth, AuthenticationConfiguration, Policy};
use tokio::select;
use tokio::time::Instant;
use tracing::{error, info};

use crate::clock;
use crate::config::Sources;
use crate::configuration::{Configuration, LoadError, warn_of_unknown_issuers};
use crate::kube::ApiServer;
use crate::metrics::Metrics;
use crate::sources::{Content, ReadError, Reader, Reading};
use crate::supply::{Supply, UnhealthyIssuers};

use known::{Bytes, Known};

/// Follows the sources of the configuration.
pub(crate) struct Reloader {
    reader: Reader,
    issuers: Known,
    policy: Known,
    /// What the first configuration said of requests without a token: no other one may say something else.
    anonymous: Option<AnonymousAuth>,
    /// What waits for its issuers to answer.
    candidate: Option<Candidate>,
}

/// A good configuration, and what it was made of.
#[derive(Debug, PartialEq, Eq)]
struct Candidate {
    bytes: Bytes,
    authentication: AuthenticationConfiguration,
}

/// What is new.
#[derive(Debug, PartialEq, Eq)]
enum News {
    /// It can't be used.
    Bad(LoadError),
    /// There is another candidate now.
    Candidate,
    /// There is another policy.
    Policy(Policy),
    /// The candidate is gone, and what is in force is back.
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
        let content = reader.read().await.whole()?;
        let configuration = Configuration::load(reader.sources(), &content)?;
        warn_of_unknown_issuers(&configuration.policy, &configuration.authentication);
        let anonymous = configuration.authentication.anonymous.clone();
        let Content { issuers, policy } = content;
        let (issuers, policy) = (Known::new(issuers), Known::new(policy));
        Ok((configuration, Self { reader, issuers, policy, anonymous, candidate: None }))
    }

    /// Puts every good change in force, for ever.
    pub(crate) async fn run(mut self, supply: Arc<Supply>, metrics: Arc<Metrics>) {
        metrics.reloads().in_force(self.reader.sources(), self.issuers.in_force.as_deref());
        self.reader.follow();
        loop {
            let waiting = self.candidate.as_ref().map(|candidate| candidate.authentication.clone());
            let mut attempt = pin!(async {
                match waiting {
                    Some(authentication) => supply.replace(authentication).await,
                    None => std::future::pending().await,
                }
            });
            // News that leave the candidate as it is must not make its issuers begin anew.
            let mut is_current = true;
            while is_current {
                select! {
                    all = self.news() => for news in all {
                        is_current &= !matches!(news, News::Candidate | News::Withdrawn);
                        self.heard(news, &supply, &metrics);
                    },
                    outcome = &mut attempt => {
                        if outcome.is_ok() {
                            supply.warn_of_own_issuer();
                        }
                        self.attempted(outcome, &metrics);
                        is_current = false;
                    }
                }
            }
        }
    }

    /// Waits until the sources hold something new. May be given up at any time.
    async fn news(&mut self) -> Vec<News> {
        loop {
            self.reader.due().await;
            let reading = self.reader.read().await;
            let news = self.judge(reading, Instant::now());
            if !news.is_empty() {
                return news;
            }
        }
    }

    fn judge(&mut self, Reading { issuers, policy }: Reading, now: Instant) -> Vec<News> {
        // The policy first: what comes in force next comes with it.
        let policy = self.judge_policy(policy, now);
        policy.into_iter().chain(self.judge_issuers(issuers, now)).collect()
    }

    fn judge_policy(&mut self, read: Result<Bytes, ReadError>, now: Instant) -> Option<News> {
        let bytes = match self.policy.look(read, now) {
            Ok(bytes) => bytes?,
            Err(failure) => return Some(News::Bad(failure.into())),
        };
        if self.policy.is_settled(&bytes) {
            return None;
        }
        Some(match Configuration::load_policy(self.reader.sources(), bytes.as_deref()) {
            Ok(policy) => {
                self.policy = Known::new(bytes);
                News::Policy(policy)
            }
            Err(failure) => {
                self.policy.refuse(bytes);
                News::Bad(failure)
            }
        })
    }

    fn judge_issuers(&mut self, read: Result<Bytes, ReadError>, now: Instant) -> Option<News> {
        let bytes = match self.issuers.look(read, now) {
            Ok(bytes) => bytes?,
            Err(failure) => return Some(News::Bad(failure.into())),
        };
        if self.candidate.as_ref().is_some_and(|candidate| candidate.bytes == bytes) {
            self.issuers.good();
            return None;
        }
        if bytes == self.issuers.in_force && self.candidate.take().is_some() {
            self.issuers.good();
            return Some(News::Withdrawn);
        }
        if self.issuers.is_settled(&bytes) {
            return None;
        }
        let initial = Some(self.anonymous.as_ref());
        Some(match Configuration::load_authentication(self.reader.sources(), bytes.as_deref(), initial) {
            Ok(authentication) => {
                self.issuers.good();
                self.candidate = Some(Candidate { bytes, authentication });
                News::Candidate
            }
            // What waits is good still, and comes in force as it does in kube-apiserver.
            Err(failure) => {
                self.issuers.refuse(bytes);
                News::Bad(failure)
            }
        })
    }

    fn heard(&self, news: News, supply: &Supply, metrics: &Metrics) {
        let candidate = self.candidate.as_ref().map(|candidate| &candidate.authentication);
        match news {
            News::Bad(failure) => {
                let reason = failure.reason();
                error!(reason, error = failure.problem(), "{}", failure.when_reloading());
                metrics.reloads().failed(reason, clock::now());
            }
            News::Candidate => {
                if let Some(candidate) = candidate {
                    warn_of_unknown_issuers(&supply.policy(), candidate);
                }
                info!("authentication config changed; it is in force once its new issuers answer");
            }
            News::Policy(policy) => {
                // What it names may be about to come.
                if let Some(authentication) = candidate.cloned().or_else(|| supply.authentication()) {
                    warn_of_unknown_issuers(&policy, &authentication);
                }
                supply.guard_by(policy);
                info!("reloaded policy");
                metrics.reloads().succeeded(clock::now());
            }
            News::Withdrawn => info!("authentication config changed back before it was in force"),
        }
    }

    fn attempted(&mut self, outcome: Result<(), UnhealthyIssuers>, metrics: &Metrics) {
        match outcome {
            Ok(()) => {
                if let Some(Candidate { bytes, authentication }) = self.candidate.take() {
                    info!(issuers = authentication.jwt.len(), "reloaded authentication config");
                    metrics.reloads().succeeded(clock::now());
                    metrics.reloads().in_force(self.reader.sources(), bytes.as_deref());
                    self.issuers.in_force = bytes;
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
