//! The worker's side of handshakes.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use futures_core::Stream;
use rustls::pki_types::CertificateDer;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, mpsc};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use tonic::transport::server::Connected;

use super::credentials::Credentials;
use super::reasons::reason;

/// A peer that does not get on is let go.
const HANDSHAKE_WITHIN: Duration = Duration::from_secs(10);
/// Handshakes at once: they cost memory and a signature each. Others wait in the system's queue.
const MOST_HANDSHAKES: usize = 256;
/// After an accept that failed, such as for want of descriptors.
const AGAIN_AFTER: Duration = Duration::from_millis(50);

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

/// A connection whose handshake is done.
pub(crate) struct Accepted {
    stream: TlsStream<TcpStream>,
    names: PeerNames,
}

/// Connections to a listener, each once its handshake is done. One that stalls holds up no other. `refused` is told why a
/// peer was let go; `keep_alive` sets up a connection before.
pub(crate) fn accept(
    listener: TcpListener,
    credentials: Credentials,
    prepare: impl Fn(&TcpStream) + Send + 'static,
    refused: impl Fn(String) + Send + Sync + 'static,
) -> impl Stream<Item = std::io::Result<Accepted>> {
    let (shaken, accepted) = mpsc::channel(16);
    tokio::spawn(async move {
        let room = Arc::new(Semaphore::new(MOST_HANDSHAKES));
        let refused = Arc::new(refused);
        loop {
            // Never closed.
            let Ok(permit) = Arc::clone(&room).acquire_owned().await else {
                return;
            };
            let incoming = tokio::select! {
                // The server has ended.
                () = shaken.closed() => return,
                incoming = listener.accept() => incoming,
            };
            let Ok((stream, peer)) = incoming else {
                tokio::time::sleep(AGAIN_AFTER).await;
                continue;
            };
            prepare(&stream);
            let config = match credentials.current().server() {
                Ok(config) => config,
                Err(error) => {
                    refused(error.message().to_owned());
                    continue;
                }
            };
            let (shaken, refused) = (shaken.clone(), Arc::clone(&refused));
            tokio::spawn(async move {
                let shaking = TlsAcceptor::from(config).accept(stream);
                let outcome = tokio::time::timeout(HANDSHAKE_WITHIN, shaking).await;
                drop(permit);
                match outcome {
                    Ok(Ok(stream)) => {
                        let certificates = stream.get_ref().1.peer_certificates();
                        let own = certificates.and_then(|chain| chain.first());
                        let names = own.map(PeerNames::of).unwrap_or_default();
                        // The server may have ended.
                        let _ = shaken.send(Ok(Accepted { stream, names })).await;
                    }
                    Ok(Err(error)) => {
                        let why = reason(&error).unwrap_or_else(|| error.to_string());
                        refused(format!("no TLS with {peer}: {why}"));
                    }
                    Err(_) => refused(format!(
                        "no TLS with {peer}: the handshake took more than {} s",
                        HANDSHAKE_WITHIN.as_secs()
                    )),
                }
            });
        }
    });
    tokio_stream::wrappers::ReceiverStream::new(accepted)
}

impl Connected for Accepted {
    type ConnectInfo = PeerNames;

    fn connect_info(&self) -> PeerNames {
        self.names.clone()
    }
}

impl AsyncRead for Accepted {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buffer)
    }
}

impl AsyncWrite for Accepted {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<std::io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[std::io::IoSlice<'_>],
    ) -> Poll<std::io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
