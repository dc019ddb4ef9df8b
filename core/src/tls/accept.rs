//! The worker's side of handshakes.

use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::CertificateDer;
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use super::ALPN;
use super::credentials::Credentials;
use super::reasons::reason;
use crate::tcp;

/// A peer that does not get on is let go.
const HANDSHAKE_WITHIN: Duration = Duration::from_secs(10);

/// The names that a peer's certificate holds; none without a certificate.
#[derive(Clone, Debug, Default)]
pub(crate) struct PeerNames(Arc<[String]>);

impl PeerNames {
    /// Of a certificate that has been verified. One that cannot be read has none.
    pub(crate) fn of(certificate: &CertificateDer<'_>) -> PeerNames {
        let Ok(certificate) = webpki::EndEntityCert::try_from(certificate) else {
            return PeerNames::default();
        };
        let dns = certificate.valid_dns_names();
        let uris = certificate.valid_uri_names();
        PeerNames(dns.chain(uris).map(str::to_owned).collect())
    }

    pub(crate) fn all(&self) -> &Arc<[String]> {
        &self.0
    }

    pub(super) fn uris(&self) -> impl Iterator<Item = &str> {
        let all = self.0.iter().map(String::as_str);
        all.filter(|name| name.contains("://"))
    }
}

/// Takes a connection through its handshake.
///
/// # Errors
/// Why not, for people.
pub(crate) async fn accept(
    stream: TcpStream,
    credentials: &Credentials,
) -> Result<(TlsStream<TcpStream>, PeerNames), String> {
    let config = credentials.current().server();
    let config = config.map_err(|error| error.message().to_owned())?;
    let shaking = TlsAcceptor::from(config).accept(stream).into_fallible();
    let shaken = tokio::time::timeout(HANDSHAKE_WITHIN, shaking).await;
    let shaken = shaken.map_err(|_| {
        let seconds = HANDSHAKE_WITHIN.as_secs();
        format!("the handshake took more than {seconds} s")
    })?;
    let stream = match shaken {
        Ok(stream) => stream,
        Err((error, stream)) => {
            // An alert was sent last. With TLS 1.3 the peer has gone on to talk by then.
            tcp::part(stream).await;
            return Err(reason(&error).unwrap_or_else(|| error.to_string()));
        }
    };
    let (_, session) = stream.get_ref();
    if session.alpn_protocol() != Some(ALPN) {
        return Err("it does not offer HTTP/2 (ALPN h2)".to_owned());
    }
    let own = session.peer_certificates().and_then(|chain| chain.first());
    let names = own.map(PeerNames::of).unwrap_or_default();
    Ok((stream, names))
}
