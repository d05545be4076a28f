//! The keys of issuers that no configuration names, but the answers of endpoints do.
//!
//! kube-apiserver polls each such issuer for ever. Here their keys are fetched when somebody needs them, and kept for a
//! while; how many are kept is bounded, since answers name what they like on a host that is allowed.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use authn::keys::Key;
use tokio::time::Instant;

use super::Terms;
use crate::fetch::{FetchedKeys, HttpsIssuer, KeySource};
use crate::fetch_error::FetchError;
use crate::tls::Tls;

/// Issuers whose keys are kept.
const MAX_ISSUERS: usize = 16;
/// For how long keys are used at most; `Cache-Control` may say less.
const LONGEST: Duration = Duration::from_mins(10);
/// An issuer is not asked again before.
const AGAIN: Duration = Duration::from_secs(10);

/// Which keys are wanted.
#[derive(Clone, Copy)]
pub(super) enum Wanted<'k> {
    /// Such as an earlier fetch brought them.
    Usable,
    /// Others than these, which lack the one that is needed.
    NewerThan(&'k Arc<Vec<Key>>),
}

/// The keys by the terms under which they were fetched, and the issuer.
pub(super) struct ForeignIssuers {
    known: Mutex<HashMap<(Terms, String), Known>>,
    tls: Arc<Tls>,
}

struct Known {
    keys: Arc<IssuerKeys<HttpsIssuer>>,
    used: Instant,
}

impl ForeignIssuers {
    pub(super) fn new(tls: Arc<Tls>) -> Self {
        Self { known: Mutex::default(), tls }
    }

    /// The keys of an issuer on an allowed host.
    pub(super) async fn keys(
        &self,
        terms: &Terms,
        issuer: &str,
        wanted: Wanted<'_>,
    ) -> Result<Arc<Vec<Key>>, FetchError> {
        self.issuer(terms, issuer).keys(wanted).await
    }

    fn issuer(&self, terms: &Terms, issuer: &str) -> Arc<IssuerKeys<HttpsIssuer>> {
        // Nothing panics halfway through a change.
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (terms.clone(), issuer.to_owned());
        let now = Instant::now();
        if let Some(known) = known.get_mut(&key) {
            known.used = now;
            return Arc::clone(&known.keys);
        }
        if known.len() >= MAX_ISSUERS {
            let oldest = known.iter().min_by_key(|(_, known)| known.used).map(|(key, _)| key.clone());
            oldest.map(|oldest| known.remove(&oldest));
        }
        let source = HttpsIssuer::named_by_token(
            issuer,
            terms.certificate_authority.clone(),
            terms.hosts.clone(),
            Arc::clone(&self.tls),
        );
        let keys = Arc::new(IssuerKeys::new(source));
        known.insert(key, Known { keys: Arc::clone(&keys), used: now });
        keys
    }
}

/// The keys of one issuer: fetched once for all who wait for them.
struct IssuerKeys<S> {
    source: S,
    fetched: tokio::sync::Mutex<Option<Fetched>>,
}

struct Fetched {
    keys: Arc<Vec<Key>>,
    at: Instant,
    fresh_for: Duration,
}

impl<S: KeySource> IssuerKeys<S> {
    fn new(source: S) -> Self {
        Self { source, fetched: tokio::sync::Mutex::default() }
    }

    async fn keys(&self, wanted: Wanted<'_>) -> Result<Arc<Vec<Key>>, FetchError> {
        let mut fetched = self.fetched.lock().await;
        if let Some(Fetched { keys, at, fresh_for }) = &*fetched {
            let is_other = |old: &Arc<Vec<Key>>| !Arc::ptr_eq(old, keys);
            let serves = match wanted {
                Wanted::Usable => at.elapsed() < *fresh_for,
                // Made-up key ids cost the issuer no more than this.
                Wanted::NewerThan(old) => is_other(old) || at.elapsed() < AGAIN,
            };
            if serves {
                return Ok(Arc::clone(keys));
            }
        }
        let FetchedKeys { keys, fresh_for, .. } = self.source.fetch().await?;
        let keys = Arc::new(keys);
        let fresh_for = fresh_for.unwrap_or(LONGEST).clamp(AGAIN, LONGEST);
        *fetched = Some(Fetched { keys: Arc::clone(&keys), at: Instant::now(), fresh_for });
        Ok(keys)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use authn::algorithm::AlgorithmSet;
    use authn::claim_hosts::ClaimHosts;
    use tokio::time::{advance, sleep};

    use super::*;

    /// Gives other keys each time, after a second.
    struct Script {
        fresh_for: Option<Duration>,
        asked: AtomicUsize,
    }

    impl KeySource for Script {
        async fn fetch(&self) -> Result<FetchedKeys, FetchError> {
            let kid = self.asked.fetch_add(1, Ordering::SeqCst).to_string();
            sleep(Duration::from_secs(1)).await;
            let keys = vec![Key { kid, algorithms: AlgorithmSet::all(), spki: Vec::new() }];
            Ok(FetchedKeys { keys, dropped: Vec::new(), fresh_for: self.fresh_for })
        }
    }

    fn keys(fresh_for: Option<u64>) -> IssuerKeys<Script> {
        IssuerKeys::new(Script { fresh_for: fresh_for.map(Duration::from_secs), asked: AtomicUsize::new(0) })
    }

    async fn kid(keys: &IssuerKeys<Script>, wanted: Wanted<'_>) -> (Arc<Vec<Key>>, String) {
        let keys = keys.keys(wanted).await.unwrap();
        let kid = keys[0].kid.clone();
        (keys, kid)
    }

    #[tokio::test(start_paused = true)]
    async fn keys_are_fetched_once_for_all_and_kept_for_their_time() {
        for (fresh_for, seconds) in [(None, 600), (Some(60), 60), (Some(0), 10), (Some(86_400), 600)] {
            let keys = keys(fresh_for);
            let (one, two) = tokio::join!(kid(&keys, Wanted::Usable), kid(&keys, Wanted::Usable));
            assert_eq!((one.1, two.1), ("0".to_owned(), "0".to_owned()));
            let second = Duration::from_secs(1);
            advance(Duration::from_secs(seconds).saturating_sub(second)).await;
            assert_eq!(kid(&keys, Wanted::Usable).await.1, "0", "{fresh_for:?}");
            advance(second).await;
            assert_eq!(kid(&keys, Wanted::Usable).await.1, "1", "{fresh_for:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_key_that_is_not_there_costs_a_fetch_in_ten_seconds() {
        let keys = keys(None);
        let (first, _) = kid(&keys, Wanted::Usable).await;
        assert_eq!(kid(&keys, Wanted::NewerThan(&first)).await.1, "0");
        advance(AGAIN).await;
        let wanted = Wanted::NewerThan(&first);
        let (one, two) = tokio::join!(kid(&keys, wanted), kid(&keys, wanted));
        assert_eq!((one.1, two.1), ("1".to_owned(), "1".to_owned()), "one fetch for both");
        assert_eq!(kid(&keys, Wanted::NewerThan(&one.0)).await.1, "1");
    }

    #[tokio::test(start_paused = true)]
    async fn so_many_are_known_and_no_more() {
        let foreign = ForeignIssuers::new(Arc::default());
        let terms = |audience: &str| Terms {
            issuer: "https://issuer".to_owned(),
            algorithms: AlgorithmSet::all(),
            audiences: vec![audience.to_owned()],
            certificate_authority: None,
            hosts: ClaimHosts::default(),
        };
        let hot = foreign.issuer(&terms("a"), "hot");
        assert!(!Arc::ptr_eq(&hot, &foreign.issuer(&terms("b"), "hot")), "other terms, other keys");
        for other in 0..10 * MAX_ISSUERS {
            advance(Duration::from_secs(1)).await;
            foreign.issuer(&terms("a"), &other.to_string());
            advance(Duration::from_secs(1)).await;
            assert!(Arc::ptr_eq(&hot, &foreign.issuer(&terms("a"), "hot")), "what is used stays");
            assert!(foreign.known.lock().unwrap().len() <= MAX_ISSUERS);
        }
    }
}
