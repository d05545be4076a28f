//! A certificate authority of our own, and TLS with it on both ends.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair, KeyUsagePurpose,
};
use tokio_rustls::rustls::crypto::{CryptoProvider, aws_lc_rs};
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::server::WebPkiClientVerifier;
use tokio_rustls::rustls::server::danger::ClientCertVerifier;
use tokio_rustls::rustls::{ClientConfig, RootCertStore, ServerConfig};
use tokio_rustls::{TlsAcceptor, TlsConnector};

/// A certificate authority.
#[derive(Debug)]
pub struct Ca {
    issuer: rcgen::Issuer<'static, KeyPair>,
    pem: String,
}

impl Ca {
    /// A new authority with this common name.
    #[must_use]
    pub fn new(name: &str) -> Self {
        let key = KeyPair::generate().expect("key of the CA");
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::DigitalSignature];
        let pem = params.self_signed(&key).expect("certificate of the CA").pem();
        Self { issuer: rcgen::Issuer::new(params, key), pem }
    }

    /// The certificate of the authority.
    #[must_use]
    pub fn pem(&self) -> &str {
        &self.pem
    }

    /// A certificate for these names or addresses, good for a server and for a client.
    /// The common name is the first of them.
    #[must_use]
    pub fn leaf(&self, names: &[&str]) -> Leaf {
        let names: Vec<String> = names.iter().map(ToString::to_string).collect();
        let key = KeyPair::generate().expect("key of the leaf");
        let mut params = CertificateParams::new(names.clone()).expect("names of the leaf");
        params.distinguished_name.push(DnType::CommonName, names.first().expect("a name").as_str());
        params.use_authority_key_identifier_extension = true;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages =
            vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
        let certificate = params.signed_by(&key, &self.issuer).expect("certificate of the leaf");
        Leaf { certificate_pem: certificate.pem(), key_pem: key.serialize_pem() }
    }

    /// A certificate for whatever listens on loopback.
    #[must_use]
    pub fn loopback(&self) -> Leaf {
        self.leaf(&["127.0.0.1", "localhost"])
    }

    /// Writes the certificate to `ca.pem` in the directory.
    #[must_use]
    pub fn write(&self, directory: &Path) -> PathBuf {
        let path = directory.join("ca.pem");
        std::fs::write(&path, &self.pem).expect("write ca.pem");
        path
    }
}

/// A certificate and its key.
#[derive(Clone, Debug)]
pub struct Leaf {
    /// The certificate.
    pub certificate_pem: String,
    /// Its private key, PKCS#8.
    pub key_pem: String,
}

impl Leaf {
    /// Writes `NAME.pem` and `NAME-key.pem` to the directory, and returns their paths.
    #[must_use]
    pub fn write(&self, directory: &Path, name: &str) -> (PathBuf, PathBuf) {
        let paths = (directory.join(format!("{name}.pem")), directory.join(format!("{name}-key.pem")));
        std::fs::write(&paths.0, &self.certificate_pem).expect("write the certificate");
        std::fs::write(&paths.1, &self.key_pem).expect("write the key");
        paths
    }

    /// A server end that offers these protocols by ALPN, the most wanted first.
    #[must_use]
    pub fn acceptor(&self, alpn: &[&str]) -> TlsAcceptor {
        self.acceptor_with(WebPkiClientVerifier::no_client_auth(), alpn)
    }

    /// A server end that lets in only clients with a certificate of this CA.
    #[must_use]
    pub fn acceptor_of_clients(&self, clients: &Ca) -> TlsAcceptor {
        let mut roots = RootCertStore::empty();
        let certificate = CertificateDer::from_pem_slice(clients.pem().as_bytes()).expect("PEM");
        roots.add(certificate).expect("certificate of the CA");
        let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider()).build();
        self.acceptor_with(verifier.expect("roots for clients"), &["http/1.1"])
    }

    fn acceptor_with(&self, verifier: Arc<dyn ClientCertVerifier>, alpn: &[&str]) -> TlsAcceptor {
        let certificate = CertificateDer::from_pem_slice(self.certificate_pem.as_bytes()).expect("PEM");
        let key = PrivateKeyDer::from_pem_slice(self.key_pem.as_bytes()).expect("PEM");
        let mut config = ServerConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()
            .expect("TLS versions")
            .with_client_cert_verifier(verifier)
            .with_single_cert(vec![certificate], key)
            .expect("certificate and key");
        config.alpn_protocols = protocols(alpn);
        TlsAcceptor::from(Arc::new(config))
    }
}

/// A client end that trusts this CA alone and offers these protocols by ALPN.
#[must_use]
pub fn connector(ca_pem: &str, alpn: &[&str]) -> TlsConnector {
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(ca_pem.as_bytes()) {
        roots.add(certificate.expect("PEM")).expect("certificate of the CA");
    }
    let mut config = ClientConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .expect("TLS versions")
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = protocols(alpn);
    TlsConnector::from(Arc::new(config))
}

/// Named here, since a process default would depend on which providers other crates switch on.
fn provider() -> Arc<CryptoProvider> {
    Arc::new(aws_lc_rs::default_provider())
}

fn protocols(alpn: &[&str]) -> Vec<Vec<u8>> {
    alpn.iter().map(|name| name.as_bytes().to_vec()).collect()
}
