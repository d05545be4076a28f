//! Whose certificates an issuer may have: TLS as fetches use it.

use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use rustls::client::Resumption;
use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};
use tokio::time::Instant;

use crate::fetch_error::FetchError;

/// How long the system's roots are shared before they are read anew: a hanging issuer must not hold an old set for all.
const SHARED_FOR: Duration = Duration::from_mins(1);

/// What the TLS of all issuers has in common.
#[derive(Debug)]
pub(crate) struct Tls {
    provider: Arc<CryptoProvider>,
    system: Mutex<Option<SystemRoots>>,
}

/// The system's roots, as long as somebody uses them. They are some 150, and many issuers may want them at once.
#[derive(Debug)]
struct SystemRoots {
    read: Instant,
    roots: Weak<RootCertStore>,
}

impl Default for Tls {
    fn default() -> Self {
        Self { provider: Arc::new(ring::default_provider()), system: Mutex::default() }
    }
}

impl Tls {
    /// Trusts the certificates in this PEM or, without one, the system's roots.
    ///
    /// # Errors
    /// [`FetchError`] when there is no certificate to trust.
    pub(crate) fn client(&self, certificate_authority: Option<&str>) -> Result<ClientConfig, FetchError> {
        let roots = match certificate_authority {
            Some(pem) => Arc::new(own_roots(pem)?),
            None => self.system_roots()?,
        };
        let mut config = ClientConfig::builder_with_provider(Arc::clone(&self.provider))
            .with_safe_default_protocol_versions()
            .map_err(|_| FetchError::Internal)?
            .with_root_certificates(roots)
            .with_no_client_auth();
        // A configuration serves one fetch, and the next one looks at the certificate again.
        config.resumption = Resumption::disabled();
        Ok(config)
    }

    fn system_roots(&self) -> Result<Arc<RootCertStore>, FetchError> {
        let mut system = self.system.lock().unwrap_or_else(PoisonError::into_inner);
        let shared = system.as_ref().filter(|system| system.read.elapsed() < SHARED_FOR);
        if let Some(roots) = shared.and_then(|system| system.roots.upgrade()) {
            return Ok(roots);
        }
        let certificates = rustls_native_certs::load_native_certs().certs;
        let roots = Arc::new(store(certificates).ok_or(FetchError::SystemRoots)?);
        *system = Some(SystemRoots { read: Instant::now(), roots: Arc::downgrade(&roots) });
        Ok(roots)
    }
}

/// As in kube-apiserver, an issuer's own CA stands in for the system's roots and is not added to them.
fn own_roots(pem: &str) -> Result<RootCertStore, FetchError> {
    let certificates = CertificateDer::pem_slice_iter(pem.as_bytes()).filter_map(Result::ok);
    store(certificates).ok_or(FetchError::CertificateAuthority)
}

/// The certificates that can be read, if there is one.
fn store<'a>(certificates: impl IntoIterator<Item = CertificateDer<'a>>) -> Option<RootCertStore> {
    let mut roots = RootCertStore::empty();
    let (good, _) = roots.add_parsable_certificates(certificates);
    (good > 0).then_some(roots)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ca_without_a_certificate_is_refused() {
        for pem in ["", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"] {
            assert!(matches!(own_roots(pem), Err(FetchError::CertificateAuthority)), "{pem}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn the_systems_roots_are_shared_and_read_anew() {
        let tls = Tls::default();
        let first = tls.system_roots().unwrap();
        assert!(Arc::ptr_eq(&first, &tls.system_roots().unwrap()));
        tokio::time::advance(SHARED_FOR).await;
        let second = tls.system_roots().unwrap();
        assert!(!Arc::ptr_eq(&first, &second), "although the first ones are in use");
        drop(first);
        drop(second);
        assert!(tls.system.lock().unwrap().as_ref().unwrap().roots.upgrade().is_none(), "nobody holds them");
    }
}
