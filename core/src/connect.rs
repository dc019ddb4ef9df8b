//! Opens a session to a worker: dials, exchanges hellos.

use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures_core::Stream;
use hyper_util::rt::TokioIo;
use tokio::net::{TcpStream, UnixStream};
use tokio::sync::{OnceCell, mpsc};
use tonic::transport::{self, Channel, Uri};
use tower::service_fn;

use crate::error::{Error, ErrorKind, Result};
use crate::runtime::Runtime;
use crate::server::{BATCH_SLACK, Batches, CONNECTION_WINDOW, STREAM_WINDOW};
use crate::session::{self, LinkError, Outgoing, Transport};
use crate::stagger::staggered;
use crate::state::hello::{self, Limits, Peer, Refusal};
use crate::tcp;
use crate::tls::{self, Credentials, Expected, Peers, Verdict};
use crate::wire::frame::Kind;
use crate::wire::session_client::SessionClient;
use crate::wire::{self, Batch, Frame};
use crate::worker::is_loopback;

/// How long dialling and the hellos may each take, at all addresses together.
const CONNECT_WITHIN: Duration = Duration::from_secs(10);
/// Addresses that are tried; a worker has no more, unless somebody makes fun.
const MOST_ADDRESSES: usize = 16;

/// Where a worker is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Address {
    Tcp {
        host_port: String,
        allow_plaintext: bool,
    },
    Unix(PathBuf),
}

/// A worker to connect to: ways to reach it, what it must be, and what it wants to see.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Endpoint {
    /// Tried one after the other, without waiting long for each; at least one.
    pub(crate) addresses: Vec<Address>,
    /// Empty = any worker.
    pub(crate) uid: String,
    pub(crate) secret: Option<Bytes>,
    /// `None` = in the clear.
    pub(crate) tls: Option<Tls>,
}

/// With what a worker is dialled, and who it must be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Tls {
    pub(crate) credentials: Credentials,
    /// What it claims to be; that counts instead of the host that is dialled, where `peers` believe it.
    pub(crate) identity: Option<Arc<str>>,
    pub(crate) peers: Option<Peers>,
}

/// Whom each of an endpoint's addresses must lead to. Whether its identity is believed is asked once for all of them, and not
/// at all where no TLS is spoken.
struct Expecting<'a> {
    endpoint: &'a Endpoint,
    identity: OnceCell<Result<Option<Arc<str>>>>,
}

impl Expecting<'_> {
    /// With what, and whom; `None` = without TLS.
    async fn at(&self, address: &Address) -> Result<Option<(Credentials, Expected)>> {
        let (Address::Tcp { host_port, .. }, Some(tls)) = (address, &self.endpoint.tls) else {
            return Ok(None);
        };
        let believed = self.identity.get_or_init(|| self.believed(tls)).await;
        let expected = match believed.clone()? {
            Some(identity) => Expected::Identity(identity),
            None => Expected::dialled(host_port)?,
        };
        Ok(Some((tls.credentials.clone(), expected)))
    }

    async fn believed(&self, tls: &Tls) -> Result<Option<Arc<str>>> {
        let claimed = tls.identity.as_ref().filter(|claimed| !claimed.is_empty());
        match (claimed, &tls.peers) {
            (Some(claimed), Some(peers)) if peers.believe(claimed, &self.endpoint.uid).await? => {
                Ok(Some(Arc::clone(claimed)))
            }
            _ => Ok(None),
        }
    }
}

/// A session that both sides have agreed to.
pub(crate) struct Connected {
    /// Where it was reached.
    pub(crate) address: Address,
    pub(crate) transport: Transport,
    pub(crate) peer: Peer,
    /// Frames that came with the worker's hello.
    pub(crate) early: Batch,
}

impl Address {
    /// Reads `"host:port"` or `"unix:/path"`.
    pub(crate) fn parse(text: &str, allow_plaintext: bool) -> Result<Address> {
        let invalid = |problem: &str| {
            Error::new(
                ErrorKind::InvalidArgument,
                format!(
                    "\"{text}\" is not the address of a worker: {problem}; use \"host:port\" or \
                     \"unix:/path\""
                ),
            )
        };
        if let Some(path) = text.strip_prefix("unix:") {
            if !path.starts_with('/') {
                return Err(invalid("the path of a socket must be absolute"));
            }
            return Ok(Address::Unix(PathBuf::from(path)));
        }
        let (host, port) = text
            .rsplit_once(':')
            .ok_or_else(|| invalid("there is no port"))?;
        if host.is_empty() || text.contains(['/', '@', ' ']) {
            return Err(invalid("the host is not a host"));
        }
        match port.parse::<u16>() {
            Ok(0) => return Err(invalid("port 0 is nobody's")),
            Ok(_) => {}
            Err(_) => return Err(invalid("the port is not a number up to 65535")),
        }
        if let Ok(address) = text.parse::<SocketAddr>()
            && !allow_plaintext
        {
            check_loopback(address)?;
        }
        Ok(Address::Tcp {
            host_port: text.to_owned(),
            allow_plaintext,
        })
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Address::Tcp { host_port, .. } => f.write_str(host_port),
            Address::Unix(path) => write!(f, "unix:{}", path.display()),
        }
    }
}

/// Whether an address is good on this machine only.
pub(crate) fn is_local(text: &str) -> bool {
    if text.starts_with("unix:") {
        return true;
    }
    let host = text.rsplit_once(':').map_or(text, |(host, _)| host);
    let host = host.trim_matches(['[', ']']);
    host == "localhost" || host.parse().is_ok_and(is_loopback)
}

fn check_loopback(address: SocketAddr) -> Result<()> {
    if is_loopback(address.ip()) {
        return Ok(());
    }
    Err(Error::new(
        ErrorKind::PermissionDenied,
        format!(
            "{address} is on another machine, and without TLS everybody on the way could read along: \
             set allow_plaintext to dial it all the same"
        ),
    ))
}

/// Dials and exchanges hellos: the first address where that works is taken.
///
/// # Errors
/// Those of the addresses, as one; of its kind is the one that tells most.
pub(crate) async fn open(
    endpoint: &Endpoint,
    limits: Limits,
    runtime: &Runtime,
) -> Result<Connected> {
    let expecting = Expecting {
        endpoint,
        identity: OnceCell::new(),
    };
    let expecting = &expecting;
    let dialled_by = Instant::now() + CONNECT_WITHIN;
    let addresses = endpoint.addresses.iter().take(MOST_ADDRESSES);
    let attempts = addresses
        .map(|address| async move {
            let attempt = open_at(address, expecting, limits, runtime, dialled_by);
            attempt.await.map_err(|error| (address, error))
        })
        .collect();
    staggered(attempts).await.map_err(as_one)
}

async fn open_at(
    address: &Address,
    expecting: &Expecting<'_>,
    limits: Limits,
    runtime: &Runtime,
    dialled_by: Instant,
) -> Result<Connected> {
    let begun = Instant::now();
    let secure = expecting.at(address).await?;
    // The host's own check has its own time.
    let dialled_by = dialled_by + begun.elapsed();
    let verdict = Verdict::default();
    let dialled = by(dialled_by, "connecting", dial(address, secure, &verdict)).await;
    let channel = dialled.map_err(|error| verdict.or(error))?;
    let greeting = greet(address, channel, expecting.endpoint, limits, runtime);
    let greeted = by(dialled_by + CONNECT_WITHIN, "the hello", greeting).await;
    greeted.map_err(|error| verdict.or(error))
}

async fn by<T>(end: Instant, what: &str, work: impl Future<Output = Result<T>>) -> Result<T> {
    match tokio::time::timeout_at(end.into(), work).await {
        Ok(result) => result,
        Err(_) => Err(Error::new(
            ErrorKind::WorkerLost,
            format!("{what} took more than {} s", CONNECT_WITHIN.as_secs()),
        )),
    }
}

fn as_one(failures: Vec<(&Address, Error)>) -> Error {
    // A worker that answered, and why it is not this one, tells more than nobody's silence.
    let telling = failures
        .iter()
        .find(|(_, error)| error.kind() != ErrorKind::WorkerLost)
        .or(failures.first());
    let Some((_, telling)) = telling else {
        return Error::new(ErrorKind::WorkerLost, "the worker has no address");
    };
    if failures.len() == 1 {
        return telling.clone();
    }
    let each = failures
        .iter()
        .map(|(address, error)| format!("{address}: {}", error.message()));
    Error::new(telling.kind(), each.collect::<Vec<_>>().join("; "))
}

/// `secure`: with TLS, and whom it must lead to.
async fn dial(
    address: &Address,
    secure: Option<(Credentials, Expected)>,
    verdict: &Verdict,
) -> Result<Channel> {
    // The URI names no host: nothing is looked up by it, the connector knows where to go.
    let endpoint = transport::Endpoint::from_static("http://worker")
        .initial_stream_window_size(STREAM_WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW);
    let connecting = match address {
        Address::Unix(path) => {
            let path = path.clone();
            let connector = service_fn(move |_: Uri| {
                let path = path.clone();
                async move { UnixStream::connect(path).await.map(TokioIo::new) }
            });
            endpoint.connect_with_connector(connector).await
        }
        Address::Tcp {
            host_port,
            allow_plaintext,
        } => {
            let addresses = look_up(host_port, *allow_plaintext).await?;
            let Some((credentials, expected)) = secure else {
                let connector = service_fn(move |_: Uri| {
                    let addresses = addresses.clone();
                    async move { dial_tcp(addresses).await.map(TokioIo::new) }
                });
                return endpoint
                    .connect_with_connector(connector)
                    .await
                    .map_err(cannot_connect);
            };
            let (verdict, host_port) = (verdict.clone(), Arc::<str>::from(&**host_port));
            let connector = service_fn(move |_: Uri| {
                let (addresses, expected) = (addresses.clone(), expected.clone());
                let (credentials, host_port) = (credentials.clone(), Arc::clone(&host_port));
                let verdict = verdict.clone();
                async move {
                    let stream = dial_tcp(addresses).await.map_err(io_error)?;
                    let secure =
                        tls::dial(stream, &host_port, &credentials, expected, verdict).await?;
                    Ok::<_, Error>(TokioIo::new(secure))
                }
            });
            endpoint.connect_with_connector(connector).await
        }
    };
    connecting.map_err(cannot_connect)
}

async fn dial_tcp(addresses: Vec<SocketAddr>) -> std::io::Result<TcpStream> {
    let attempts = addresses.into_iter().map(connect_tcp).collect();
    staggered(attempts).await.map_err(last_of)
}

fn io_error(error: std::io::Error) -> Error {
    Error::new(ErrorKind::WorkerLost, format!("cannot connect: {error}"))
}

fn cannot_connect(error: transport::Error) -> Error {
    let innermost = innermost(&error);
    match innermost.downcast_ref::<Error>() {
        Some(own) => own.clone(),
        None => Error::new(
            ErrorKind::WorkerLost,
            format!("cannot connect: {innermost}"),
        ),
    }
}

/// What failed, which the transport libraries wrap in words of their own.
fn innermost<'a>(
    error: &'a (dyn std::error::Error + 'static),
) -> &'a (dyn std::error::Error + 'static) {
    let mut innermost = error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    innermost
}

async fn connect_tcp(address: SocketAddr) -> std::io::Result<TcpStream> {
    let stream = TcpStream::connect(address).await?;
    tcp::prepare(&stream)?;
    Ok(stream)
}

fn last_of(mut failures: Vec<std::io::Error>) -> std::io::Error {
    let none = || std::io::Error::new(std::io::ErrorKind::NotFound, "the name has no address");
    failures.pop().unwrap_or_else(none)
}

async fn look_up(host_port: &str, allow_plaintext: bool) -> Result<Vec<SocketAddr>> {
    let addresses: Vec<SocketAddr> = tokio::net::lookup_host(host_port)
        .await
        .map_err(|error| {
            Error::new(
                ErrorKind::WorkerLost,
                format!("cannot look up {host_port}: {error}"),
            )
        })?
        .collect();
    if !allow_plaintext {
        for address in &addresses {
            check_loopback(*address)?;
        }
    }
    Ok(addresses)
}

async fn greet(
    address: &Address,
    channel: Channel,
    endpoint: &Endpoint,
    limits: Limits,
    runtime: &Runtime,
) -> Result<Connected> {
    let hello = wire::Hello {
        worker_uid: endpoint.uid.clone(),
        secret: endpoint.secret.clone().unwrap_or_default(),
        ..hello::hello(limits, runtime.language())
    };
    let (outgoing, batches) = session::channel();
    let first = Batch {
        frames: vec![Frame::session(Kind::Hello(Box::new(hello)))],
    };
    let gone = |_| Error::new(ErrorKind::WorkerLost, "the connection was closed");
    outgoing.send(Outgoing::Ok(first)).await.map_err(gone)?;
    let response = SessionClient::new(channel)
        .max_decoding_message_size(limits.max_batch + BATCH_SLACK)
        .max_encoding_message_size(usize::MAX)
        .open(Questions(batches))
        .await
        .map_err(refused)?;
    let incoming = Box::pin(Batches(response.into_inner()));
    let mut transport = Transport { incoming, outgoing };
    let mut early = match transport.receive().await {
        Some(Ok(batch)) => batch,
        Some(Err(LinkError(error))) => return Err(error),
        None => {
            return Err(Error::new(
                ErrorKind::Handshake,
                "the worker left before its hello",
            ));
        }
    };
    let no_hello = || {
        Error::new(
            ErrorKind::Handshake,
            "the worker's first frame was no hello",
        )
    };
    if early.frames.is_empty() {
        return Err(no_hello());
    }
    let Frame {
        call: 0,
        kind: Some(Kind::Hello(hello)),
    } = early.frames.remove(0)
    else {
        return Err(no_hello());
    };
    let peer = hello::accept_worker(*hello, &endpoint.uid).map_err(|refusal| {
        let kind = match &refusal {
            Refusal::PermissionDenied(_) => ErrorKind::PermissionDenied,
            _ => ErrorKind::Handshake,
        };
        Error::new(kind, refusal.message())
    })?;
    Ok(Connected {
        address: address.clone(),
        transport,
        peer,
        early,
    })
}

/// Why there is no session.
fn refused(status: tonic::Status) -> Error {
    let told = innermost(&status).to_string();
    if let Some(why) = turned_away(&told) {
        return Error::new(ErrorKind::Busy, why);
    }
    // How the first bytes of TLS, and of much else, look to HTTP/2.
    if told.contains("frame with invalid size") {
        return Error::new(
            ErrorKind::Handshake,
            "it does not speak HTTP/2 at this port: if it serves with TLS, the pool needs credentials, too",
        );
    }
    match status.code() {
        tonic::Code::ResourceExhausted => Error::new(ErrorKind::Busy, status.message()),
        _ => LinkError::from(status).0,
    }
}

/// What a worker says that has enough of a peer's connections: `...: REASON (b"WHY")`.
fn turned_away(told: &str) -> Option<String> {
    let (_, why) = told.split_once("(b\"")?;
    Some(why.strip_suffix("\")")?.replace("\\\"", "\""))
}

/// What goes out to a worker.
struct Questions(mpsc::Receiver<Outgoing>);

impl Stream for Questions {
    type Item = Batch;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Batch>> {
        // A caller refuses by ending the stream.
        self.0
            .poll_recv(cx)
            .map(|outgoing| outgoing.and_then(Result::ok))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_failure_that_tells_most_names_the_kind() {
        let [here, there] =
            ["127.0.0.1:1", "127.0.0.1:2"].map(|text| Address::parse(text, false).unwrap());
        let error = |kind, message: &str| Error::new(kind, message);
        let one = as_one(vec![(&here, error(ErrorKind::WorkerLost, "gone"))]);
        assert_eq!((one.kind(), one.message()), (ErrorKind::WorkerLost, "gone"));
        let two = as_one(vec![
            (&here, error(ErrorKind::WorkerLost, "gone")),
            (&there, error(ErrorKind::PermissionDenied, "no")),
        ]);
        assert_eq!(two.kind(), ErrorKind::PermissionDenied);
        assert_eq!(two.message(), "127.0.0.1:1: gone; 127.0.0.1:2: no");
    }
}
