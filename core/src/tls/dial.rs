//! The caller's side of a handshake.

use std::net::IpAddr;

use rustls::pki_types::ServerName;
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
) -> Result<TlsStream<TcpStream>> {
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
    Ok(stream)
}

fn handshake(why: String) -> Error {
    Error::new(
        ErrorKind::Handshake,
        format!("no TLS with the worker: {why}"),
    )
}
