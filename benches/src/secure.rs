//! Mutual TLS: certificates for a run, and both sides of a handshake for the rival. It brings its own connector and incoming,
//! as tonic's TLS features would be in the library, too, which is built beside it.

use std::io;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::rustls::crypto::{CryptoProvider, ring};
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use tokio_rustls::rustls::server::WebPkiClientVerifier;
use tokio_rustls::rustls::{ClientConfig, RootCertStore, ServerConfig};
use tokio_rustls::{TlsAcceptor, TlsConnector, client, server};
use tokio_stream::{Stream, StreamExt};
use tonic::transport::server::Connected;

use crate::job::Failure;

/// In the place of an argument: use the certificates of this folder.
const WORD: &str = "credentials=";
const ALPN: &[u8] = b"h2";

/// A folder with `ca.pem`, `own.pem` and `own.key`, good for workers on loopback and for callers. Dropping removes it.
pub struct Certificates(PathBuf);

impl Certificates {
    pub fn new() -> Result<Certificates, Failure> {
        let folder = std::env::temp_dir().join(format!("wool-bench-{}", std::process::id()));
        let made = Certificates(folder);
        let request = wool_certs::Request {
            names: vec!["127.0.0.1".to_owned()],
            ..wool_certs::Request::default()
        };
        let own = wool_certs::authority_in(&made.0)?.issue(&request)?;
        wool_certs::save(&made.0, "own", &own)?;
        Ok(made)
    }

    /// What a program is told to use them.
    pub fn word(&self) -> String {
        format!("{WORD}{}", self.0.display())
    }
}

impl Drop for Certificates {
    fn drop(&mut self) {
        // What is left is in the way of nobody.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// The folder that a word names.
pub fn folder(word: &str) -> Option<&Path> {
    word.strip_prefix(WORD).map(Path::new)
}

/// For libwool.
pub fn credentials(folder: &Path) -> wool::Result<wool::Credentials> {
    let file = |name| Some(wool::Pem::File(folder.join(name)));
    wool::Credentials::new(wool::CredentialsOptions {
        ca: file("ca.pem"),
        certificate: file("own.pem"),
        key: file("own.key"),
        ..wool::CredentialsOptions::default()
    })
}

struct Own {
    provider: Arc<CryptoProvider>,
    roots: Arc<RootCertStore>,
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
}

fn own(folder: &Path) -> Result<Own, Failure> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(folder.join("ca.pem"))?)?;
    Ok(Own {
        provider: Arc::new(ring::default_provider()),
        roots: Arc::new(roots),
        chain: vec![CertificateDer::from_pem_file(folder.join("own.pem"))?],
        key: PrivateKeyDer::from_pem_file(folder.join("own.key"))?,
    })
}

/// Connections of callers who have shown a certificate.
pub fn accept<S>(
    incoming: S,
    folder: &Path,
) -> Result<impl Stream<Item = io::Result<Accepted>> + use<S>, Failure>
where
    S: Stream<Item = io::Result<TcpStream>>,
{
    let own = own(folder)?;
    let callers = WebPkiClientVerifier::builder_with_provider(own.roots, Arc::clone(&own.provider))
        .build()?;
    let mut config = ServerConfig::builder_with_provider(own.provider)
        .with_safe_default_protocol_versions()?
        .with_client_cert_verifier(callers)
        .with_single_cert(own.chain, own.key)?;
    config.alpn_protocols = vec![ALPN.to_vec()];
    let acceptor = TlsAcceptor::from(Arc::new(config));
    Ok(incoming.then(move |stream| {
        let acceptor = acceptor.clone();
        async move { Ok(Accepted(acceptor.accept(stream?).await?)) }
    }))
}

/// Dials `host:port`, again and again where it is asked to.
pub struct Dialler {
    connector: TlsConnector,
    address: Arc<str>,
}

impl Dialler {
    pub fn new(address: &str, folder: &Path) -> Result<Dialler, Failure> {
        let own = own(folder)?;
        let mut config = ClientConfig::builder_with_provider(own.provider)
            .with_safe_default_protocol_versions()?
            .with_root_certificates(own.roots)
            .with_client_auth_cert(own.chain, own.key)?;
        config.alpn_protocols = vec![ALPN.to_vec()];
        Ok(Dialler {
            connector: TlsConnector::from(Arc::new(config)),
            address: Arc::from(address),
        })
    }

    pub fn dial(
        &self,
    ) -> impl Future<Output = io::Result<client::TlsStream<TcpStream>>> + Send + use<> {
        let (connector, address) = (self.connector.clone(), Arc::clone(&self.address));
        async move {
            let stream = TcpStream::connect(&*address).await?;
            stream.set_nodelay(true)?;
            let name = ServerName::from(stream.peer_addr()?.ip());
            connector.connect(name, stream).await
        }
    }
}

/// What tonic's server takes.
pub struct Accepted(server::TlsStream<TcpStream>);

impl Connected for Accepted {
    type ConnectInfo = ();

    fn connect_info(&self) {}
}

impl AsyncRead for Accepted {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(cx, buffer)
    }
}

impl AsyncWrite for Accepted {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write_vectored(cx, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.0.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }
}
