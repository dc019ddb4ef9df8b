//! The caller's side of a handshake.

use std::net::IpAddr;
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll, ready};

use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::ALPN;
use super::credentials::Credentials;
use super::reasons::reason;
pub(crate) use super::verify::Expected;
use super::verify::Verifier;
use crate::error::{Error, ErrorKind, Result};

impl Expected {
    /// The host of `"host:port"`.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidArgument`] for a host that no certificate can name.
    pub(crate) fn dialled(host_port: &str) -> Result<Expected> {
        let host = host_port
            .rsplit_once(':')
            .map_or(host_port, |(host, _)| host);
        let host = host.trim_matches(['[', ']']);
        let name = match host.parse::<IpAddr>() {
            Ok(ip) => ServerName::IpAddress(ip.into()),
            Err(_) => ServerName::try_from(host.to_owned()).map_err(|_| {
                Error::new(
                    ErrorKind::InvalidArgument,
                    format!("\"{host}\" is no name that a certificate can hold"),
                )
            })?,
        };
        Ok(Expected::Dialled(name))
    }
}

/// Shakes hands over a connection to `host_port`.
///
/// # Errors
/// [`ErrorKind::Handshake`] with the reason.
pub(crate) async fn dial(
    stream: TcpStream,
    host_port: &str,
    credentials: &Credentials,
    expected: Expected,
    verdict: Verdict,
) -> Result<Dialled> {
    let name = match &expected {
        Expected::Dialled(name) => name.clone(),
        // What is asked for by SNI; workers do not look at it.
        Expected::Identity(_) => match Expected::dialled(host_port)? {
            Expected::Dialled(name) => name,
            Expected::Identity(_) => return Err(handshake("it has no name".to_owned())),
        },
    };
    let config = credentials.current().client(|authorities| Verifier {
        authorities,
        expected,
    })?;
    let connecting = TlsConnector::from(config).connect(name, stream).await;
    let stream = connecting.map_err(|error| {
        handshake(reason(&error).unwrap_or_else(|| format!("the handshake was cut off ({error})")))
    })?;
    if stream.get_ref().1.alpn_protocol() != Some(ALPN) {
        return Err(handshake("it does not offer HTTP/2 (ALPN h2)".to_owned()));
    }
    Ok(Dialled { stream, verdict })
}

/// What the worker has against this side's certificate. With TLS 1.3 that comes when the handshake is over here, and what
/// fails by it does not tell why.
#[derive(Clone, Default)]
pub(crate) struct Verdict(Arc<OnceLock<String>>);

impl Verdict {
    fn note(&self, error: &std::io::Error) {
        if let Some(why) = reason(error) {
            // The first one counts.
            let _ = self.0.set(why);
        }
    }

    /// The verdict, or where there is none, the error.
    pub(crate) fn or(&self, error: Error) -> Error {
        match self.0.get() {
            Some(why) => handshake(why.clone()),
            None => error,
        }
    }
}

/// A connection to a worker.
pub(crate) struct Dialled {
    stream: TlsStream<TcpStream>,
    verdict: Verdict,
}

impl Dialled {
    /// A worker that refuses this side closes the connection right after it has told why. What is on its way to it then
    /// fails before anybody has read the reason. So it is read first: a connection that fails becomes readable, if it is not
    /// yet.
    fn failing(
        &mut self,
        cx: &mut Context<'_>,
        written: Poll<std::io::Result<usize>>,
    ) -> Poll<std::io::Result<usize>> {
        if !matches!(written, Poll::Ready(Err(_))) {
            return written;
        }
        let mut bytes = [0; 1024];
        let mut unread = ReadBuf::new(&mut bytes);
        if let Err(error) = ready!(Pin::new(&mut self.stream).poll_read(cx, &mut unread)) {
            self.verdict.note(&error);
        }
        written
    }
}

impl AsyncRead for Dialled {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<std::io::Result<()>> {
        let read = Pin::new(&mut self.stream).poll_read(cx, buffer);
        if let Poll::Ready(Err(error)) = &read {
            self.verdict.note(error);
        }
        read
    }
}

impl AsyncWrite for Dialled {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<std::io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(cx, bytes);
        self.failing(cx, written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[std::io::IoSlice<'_>],
    ) -> Poll<std::io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(cx, slices);
        self.failing(cx, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        let flushed = Pin::new(&mut self.stream).poll_flush(cx);
        self.failing(cx, flushed.map_ok(|()| 0)).map_ok(|_| ())
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

fn handshake(why: String) -> Error {
    Error::new(
        ErrorKind::Handshake,
        format!("no TLS with the worker: {why}"),
    )
}
