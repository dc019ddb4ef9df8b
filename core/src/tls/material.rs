//! Credentials, read and checked: what the TLS library takes.

use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, CertificateRevocationListDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::ClientCertVerifier;
use rustls::sign::CertifiedKey;
use rustls::{ClientConfig, RootCertStore, ServerConfig};

use super::ALPN;
use super::credentials::{CredentialsOptions, Pem, invalid};
use super::verify::Verifier;
use crate::error::{Error, ErrorKind, Result};

/// Larger than all that is sane.
const LARGEST: u64 = 1 << 20;
const MOST_CERTIFICATES: usize = 1024;
/// Of what a peer takes as one message of a handshake, with a little left for the rest of it.
const LARGEST_CHAIN: usize = 0xFFFF - 64;
/// Bytes beside each certificate in that message.
const AROUND_CERTIFICATE: usize = 5;

/// The PEM of all parts.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Texts {
    pub(crate) ca: Option<Vec<u8>>,
    pub(crate) certificate: Option<Vec<u8>>,
    pub(crate) key: Option<Vec<u8>>,
    pub(crate) crl: Option<Vec<u8>>,
}

impl Texts {
    pub(super) fn read(options: &CredentialsOptions) -> Result<Texts> {
        Ok(Texts {
            ca: text("ca", options.ca.as_ref())?,
            certificate: text("certificate", options.certificate.as_ref())?,
            key: text("key", options.key.as_ref())?,
            crl: text("crl", options.crl.as_ref())?,
        })
    }

    pub(super) fn has_files(options: &CredentialsOptions) -> bool {
        let parts = [
            &options.ca,
            &options.certificate,
            &options.key,
            &options.crl,
        ];
        parts.iter().any(|part| matches!(part, Some(Pem::File(_))))
    }
}

fn text(part: &str, pem: Option<&Pem>) -> Result<Option<Vec<u8>>> {
    let failed = |path: &std::path::Path, problem: String| {
        Error::new(
            ErrorKind::Io,
            format!(
                "the {part} of the credentials cannot be read from {}: {problem}",
                path.display()
            ),
        )
    };
    match pem {
        None => Ok(None),
        Some(Pem::Text(text)) => Ok(Some(text.clone())),
        Some(Pem::File(path)) => {
            let size = std::fs::metadata(path)
                .map_err(|error| failed(path, error.to_string()))?
                .len();
            if size > LARGEST {
                return Err(failed(
                    path,
                    format!("it has {size} bytes, at most {LARGEST} are read"),
                ));
            }
            match std::fs::read(path) {
                Ok(text) => Ok(Some(text)),
                Err(error) => Err(failed(path, error.to_string())),
            }
        }
    }
}

/// Ready for both roles, as far as what was given goes.
pub(crate) struct Material {
    provider: Arc<CryptoProvider>,
    own: Option<Arc<CertifiedKey>>,
    verifier: Option<Arc<WebPkiServerVerifier>>,
    /// `None`: callers need no certificate.
    callers: Option<Arc<dyn ClientCertVerifier>>,
    mutual: bool,
}

impl Material {
    pub(super) fn new(texts: &Texts, mutual: bool) -> Result<Material> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let own = own(texts, &provider)?;
        let crls = crls(texts)?;
        let (mut verifier, mut callers) = (None, None);
        if let Some(roots) = roots(texts)? {
            let unusable = |error: &dyn std::fmt::Display| {
                invalid(format!(
                    "the ca or crl of the credentials cannot be used: {error}"
                ))
            };
            let mut builder = WebPkiServerVerifier::builder_with_provider(
                Arc::clone(&roots),
                Arc::clone(&provider),
            )
            .with_crls(crls.clone());
            if !crls.is_empty() {
                builder = builder.enforce_revocation_expiration();
            }
            verifier = Some(builder.build().map_err(|error| unusable(&error))?);
            let mut builder =
                WebPkiClientVerifier::builder_with_provider(roots, Arc::clone(&provider))
                    .with_crls(crls.clone());
            if !crls.is_empty() {
                builder = builder.enforce_revocation_expiration();
            }
            callers = Some(builder.build().map_err(|error| unusable(&error))?);
        }
        if own.is_none() && verifier.is_none() {
            return Err(invalid(
                "the credentials are empty: a worker needs certificate, key and ca, a caller at least the ca",
            ));
        }
        Ok(Material {
            provider,
            own,
            verifier,
            callers: callers.filter(|_| mutual),
            mutual,
        })
    }

    /// # Errors
    /// [`ErrorKind::InvalidArgument`] when parts are missing that a worker needs.
    pub(crate) fn server(&self) -> Result<Arc<ServerConfig>> {
        let Some(own) = &self.own else {
            return Err(invalid(
                "a worker's credentials hold its certificate and key; these hold none",
            ));
        };
        let builder = ServerConfig::builder_with_provider(Arc::clone(&self.provider))
            .with_safe_default_protocol_versions()
            .map_err(broken)?;
        let builder = match &self.callers {
            Some(callers) => builder.with_client_cert_verifier(Arc::clone(callers)),
            None if self.mutual => {
                return Err(invalid(
                    "a worker that asks its callers for certificates needs the ca that these lead to; give it, or do \
                     without (mutual = false)",
                ));
            }
            None => builder.with_no_client_auth(),
        };
        let resolver = rustls::sign::SingleCertAndKey::from(own.as_ref().clone());
        let mut config = builder.with_cert_resolver(Arc::new(resolver));
        config.alpn_protocols = vec![ALPN.to_vec()];
        // A session that is resumed would be one under what it was made with.
        config.session_storage = Arc::new(rustls::server::NoServerSessionStorage {});
        config.send_tls13_tickets = 0;
        Ok(Arc::new(config))
    }

    /// Whether a worker with it asks its callers for certificates.
    pub(crate) fn is_mutual(&self) -> bool {
        self.mutual
    }

    /// Whether callers can use it.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidArgument`] when parts are missing that a caller needs.
    pub(crate) fn check_caller(&self) -> Result<()> {
        self.authorities().map(drop)
    }

    fn authorities(&self) -> Result<&Arc<WebPkiServerVerifier>> {
        self.verifier.as_ref().ok_or_else(|| {
            invalid("a caller's credentials hold the ca that workers' certificates lead to; these hold none")
        })
    }

    /// For one connection. `verifier` says who the peer must be.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidArgument`] when parts are missing that a caller needs.
    pub(crate) fn client(
        &self,
        verifier: impl FnOnce(Arc<WebPkiServerVerifier>) -> Verifier,
    ) -> Result<Arc<ClientConfig>> {
        let authorities = self.authorities()?;
        let builder = ClientConfig::builder_with_provider(Arc::clone(&self.provider))
            .with_safe_default_protocol_versions()
            .map_err(broken)?
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(verifier(Arc::clone(authorities))));
        let mut config = match &self.own {
            Some(own) => builder.with_client_cert_resolver(Arc::new(
                rustls::sign::SingleCertAndKey::from(own.as_ref().clone()),
            )),
            None => builder.with_no_client_auth(),
        };
        config.alpn_protocols = vec![ALPN.to_vec()];
        config.resumption = rustls::client::Resumption::disabled();
        Ok(Arc::new(config))
    }
}

fn broken(error: rustls::Error) -> Error {
    Error::new(
        ErrorKind::Internal,
        format!("TLS cannot be set up: {error}"),
    )
}

fn certificates(part: &str, pem: &[u8]) -> Result<Vec<CertificateDer<'static>>> {
    let read: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem)
        .take(MOST_CERTIFICATES)
        .collect();
    let certificates =
        read.map_err(|error| invalid(format!("the {part} of the credentials is no PEM: {error}")))?;
    if certificates.is_empty() {
        return Err(invalid(format!(
            "the {part} of the credentials holds no certificate (-----BEGIN CERTIFICATE-----)"
        )));
    }
    Ok(certificates)
}

fn own(texts: &Texts, provider: &CryptoProvider) -> Result<Option<Arc<CertifiedKey>>> {
    let (certificate, key) = match (&texts.certificate, &texts.key) {
        (Some(certificate), Some(key)) => (certificate, key),
        (None, None) => return Ok(None),
        (Some(_), None) => {
            return Err(invalid(
                "the credentials have a certificate, and no key to it",
            ));
        }
        (None, Some(_)) => {
            return Err(invalid(
                "the credentials have a key, and no certificate to it",
            ));
        }
    };
    let chain = certificates("certificate", certificate)?;
    let size: usize = chain.iter().map(|one| one.len() + AROUND_CERTIFICATE).sum();
    if size > LARGEST_CHAIN {
        return Err(invalid(format!(
            "the certificate of the credentials has {size} bytes together with those behind it, and a handshake takes \
             64 KiB at most"
        )));
    }
    let key = PrivateKeyDer::from_pem_slice(key).map_err(|error| {
        invalid(format!(
            "the key of the credentials cannot be read: {error}; it is PKCS #8, PKCS #1 or SEC 1, in PEM and not encrypted"
        ))
    })?;
    let key = CertifiedKey::from_der(chain, key, provider).map_err(|error| {
        invalid(match error {
            rustls::Error::InconsistentKeys(_) => {
                "the key of the credentials is not that of their certificate".to_owned()
            }
            error => format!("the certificate or key of the credentials cannot be used: {error}"),
        })
    })?;
    Ok(Some(Arc::new(key)))
}

fn roots(texts: &Texts) -> Result<Option<Arc<RootCertStore>>> {
    let Some(ca) = &texts.ca else {
        return Ok(None);
    };
    let mut roots = RootCertStore::empty();
    for certificate in certificates("ca", ca)? {
        roots.add(certificate).map_err(|error| {
            invalid(format!(
                "the ca of the credentials holds what is no authority: {error}"
            ))
        })?;
    }
    Ok(Some(Arc::new(roots)))
}

fn crls(texts: &Texts) -> Result<Vec<CertificateRevocationListDer<'static>>> {
    let Some(crl) = &texts.crl else {
        return Ok(Vec::new());
    };
    let read: Result<Vec<_>, _> = CertificateRevocationListDer::pem_slice_iter(crl).collect();
    match read {
        Ok(crls) if !crls.is_empty() => Ok(crls),
        Ok(_) => Err(invalid(
            "the crl of the credentials holds no list (-----BEGIN X509 CRL-----)",
        )),
        Err(error) => Err(invalid(format!(
            "the crl of the credentials is no PEM: {error}"
        ))),
    }
}
