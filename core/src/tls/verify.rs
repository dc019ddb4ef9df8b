//! Whether a worker is the one that was dialled.

use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{CertificateError, DigitallySignedStruct, Error, SignatureScheme};

use super::accept::PeerNames;

/// Whom a connection must lead to.
#[derive(Clone, Debug)]
pub(crate) enum Expected {
    /// The host that was dialled: a name or an address.
    Dialled(ServerName<'static>),
    /// The identity that the worker claims in its record.
    Identity(Arc<str>),
}

#[derive(Debug)]
pub(crate) struct Verifier {
    pub(super) authorities: Arc<WebPkiServerVerifier>,
    pub(super) expected: Expected,
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        dialled: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let verify = |name: &ServerName<'_>| {
            let verifier = &self.authorities;
            verifier.verify_server_cert(end_entity, intermediates, name, ocsp_response, now)
        };
        let Expected::Identity(identity) = &self.expected else {
            return verify(dialled);
        };
        if let Ok(name) = ServerName::try_from(&**identity) {
            return verify(&name);
        }
        // A URI. The name is looked at last, so what fails by it has passed all else.
        match verify(dialled) {
            Ok(_) => {}
            Err(Error::InvalidCertificate(
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
            )) => {}
            Err(error) => return Err(error),
        }
        if PeerNames::of(end_entity)
            .uris()
            .any(|uri| uri == &**identity)
        {
            return Ok(ServerCertVerified::assertion());
        }
        Err(Error::InvalidCertificate(CertificateError::NotValidForName))
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let authorities = &self.authorities;
        let verified = authorities.verify_tls12_signature(message, certificate, signature);
        verified.map_err(not_its_own)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let authorities = &self.authorities;
        let verified = authorities.verify_tls13_signature(message, certificate, signature);
        verified.map_err(not_its_own)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.authorities.supported_verify_schemes()
    }
}

/// Of what the peer signs itself, which has nothing to do with its authority.
fn not_its_own(error: Error) -> Error {
    match error {
        Error::InvalidCertificate(CertificateError::BadSignature) => Error::General(
            "what it signs does not fit the key of its certificate, or that is too weak: RSA has 2,048 bits at least"
                .to_owned(),
        ),
        error => error,
    }
}
