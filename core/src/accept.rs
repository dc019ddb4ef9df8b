//! Connections to a worker's port: accepted, counted per peer and, with credentials, taken through their handshake.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use futures_core::Stream;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::task::AbortHandle;
use tokio_rustls::server::TlsStream;
use tonic::transport::server::Connected;

use crate::peer_limits::{PeerConnection, PeerLoad, PeerLoads};
use crate::tcp;
use crate::tls::{self, Credentials, PeerNames};

/// Handshakes at once: they cost memory and a signature each. When there are more, the oldest gives way, so that whoever comes
/// and gets on with it is let in, however many do not.
const MOST_HANDSHAKES: usize = 256;
/// After an accept that failed, such as for want of descriptors.
const AGAIN_AFTER: Duration = Duration::from_millis(50);

/// Connections to a listener, each once its handshake is done. One that stalls holds up no other. `refused` is told why peers
/// were let go, not of each of a flood.
pub(crate) fn accept(
    listener: TcpListener,
    credentials: Option<Credentials>,
    peers: Arc<PeerLoads>,
    refused: impl Fn(String) + Send + Sync + 'static,
) -> impl Stream<Item = std::io::Result<Connection>> {
    let (ready, accepted) = mpsc::channel(16);
    let doorman = Doorman {
        peers,
        ready,
        refusals: Arc::new(Refusals::new(refused)),
    };
    tokio::spawn(doorman.accept(listener, credentials));
    tokio_stream::wrappers::ReceiverStream::new(accepted)
}

#[derive(Clone)]
struct Doorman {
    peers: Arc<PeerLoads>,
    ready: mpsc::Sender<std::io::Result<Connection>>,
    refusals: Arc<Refusals>,
}

impl Doorman {
    async fn accept(self, listener: TcpListener, credentials: Option<Credentials>) {
        let mut handshakes = Handshakes::default();
        loop {
            let incoming = tokio::select! {
                // The server has ended.
                () = self.ready.closed() => return,
                incoming = listener.accept() => incoming,
            };
            let Ok((stream, peer)) = incoming else {
                tokio::time::sleep(AGAIN_AFTER).await;
                continue;
            };
            // What cannot be set is not worth a connection.
            let _ = tcp::prepare(&stream);
            if handshakes.make_room() {
                self.refusals.tell(format!(
                    "more than {MOST_HANDSHAKES} handshakes at once: the oldest is given up"
                ));
            }
            let (doorman, credentials) = (self.clone(), credentials.clone());
            let shaking = tokio::spawn(async move {
                match credentials {
                    Some(credentials) => doorman.shake_hands(stream, peer, credentials).await,
                    None => doorman.hand_over(Io::Plain(stream), None, peer).await,
                }
            });
            handshakes.pending.push_back(shaking.abort_handle());
        }
    }

    async fn shake_hands(self, stream: TcpStream, peer: SocketAddr, credentials: Credentials) {
        // Before the handshake: one under way while they are renewed was by those of before.
        let generation = credentials.generation();
        match tls::accept(stream, &credentials).await {
            Ok((stream, names)) => {
                let stream = Io::Secure(Box::new(stream));
                let proved = Proved { names, generation };
                self.hand_over(stream, Some(proved), peer).await;
            }
            Err(why) => self.refusals.tell(format!("no TLS with {peer}: {why}")),
        }
    }

    async fn hand_over(&self, stream: Io, proved: Option<Proved>, peer: SocketAddr) {
        let all = proved.as_ref().map(|proved| Arc::clone(proved.names.all()));
        let load = self.peers.of(&all.unwrap_or_default(), peer.ip());
        let counted = load.connect();
        let mut connection = Connection {
            stream,
            visitor: Visitor { proved, load },
            counted: None,
        };
        match counted {
            Ok(counted) => {
                connection.counted = Some(counted);
                // The server may have ended.
                let _ = self.ready.send(Ok(connection)).await;
            }
            Err(exceeded) => {
                self.refusals
                    .tell(format!("a connection was closed: {exceeded}"));
                turn_away(connection, &exceeded).await;
            }
        }
    }
}

/// Says why in the words of HTTP/2, as a server that has enough of a client: GOAWAY after its settings.
async fn turn_away(mut connection: Connection, why: &str) {
    const SETTINGS: [u8; 9] = [0, 0, 0, 4, 0, 0, 0, 0, 0];
    const ENHANCE_YOUR_CALM: u32 = 11;
    let length = u32::try_from(8 + why.len()).unwrap_or(u32::MAX);
    let mut farewell = SETTINGS.to_vec();
    farewell.extend_from_slice(&length.to_be_bytes()[1..]);
    // The type, no flags, of the connection as a whole; no stream was looked at.
    farewell.extend_from_slice(&[7, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    farewell.extend_from_slice(&ENHANCE_YOUR_CALM.to_be_bytes());
    farewell.extend_from_slice(why.as_bytes());
    // It fits into the socket's buffer. A peer that has gone is not told.
    if connection.write_all(&farewell).await.is_ok() {
        tcp::part(connection).await;
    }
}

/// Those that are under way, the oldest first.
#[derive(Default)]
struct Handshakes {
    pending: VecDeque<AbortHandle>,
}

impl Handshakes {
    /// True: one had to be given up for it.
    fn make_room(&mut self) -> bool {
        if self.pending.len() < MOST_HANDSHAKES {
            return false;
        }
        self.pending.retain(|handshake| !handshake.is_finished());
        if self.pending.len() < MOST_HANDSHAKES {
            return false;
        }
        if let Some(oldest) = self.pending.pop_front() {
            oldest.abort();
        }
        true
    }
}

/// Tells of refusals, but not of each when they come in masses.
struct Refusals {
    tell: Box<dyn Fn(String) + Send + Sync>,
    state: Mutex<Told>,
}

struct Told {
    since: Instant,
    told: u32,
    untold: u64,
}

/// How many are told in a second.
const TOLD_AT_ONCE: u32 = 10;

impl Refusals {
    fn new(tell: impl Fn(String) + Send + Sync + 'static) -> Refusals {
        Refusals {
            tell: Box::new(tell),
            state: Mutex::new(Told {
                since: Instant::now(),
                told: 0,
                untold: 0,
            }),
        }
    }

    fn tell(&self, mut why: String) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.since.elapsed() >= Duration::from_secs(1) {
            state.since = Instant::now();
            state.told = 0;
        }
        if state.told == TOLD_AT_ONCE {
            state.untold += 1;
            return;
        }
        state.told += 1;
        let untold = std::mem::take(&mut state.untold);
        drop(state);
        if untold > 0 {
            why = format!("{why} (and {untold} more before)");
        }
        (self.tell)(why);
    }
}

/// Who is at the other end of a connection over TCP.
#[derive(Clone)]
pub(crate) struct Visitor {
    /// By its handshake; `None` without TLS.
    pub(crate) proved: Option<Proved>,
    pub(crate) load: Arc<PeerLoad>,
}

/// What a handshake has proved.
#[derive(Clone)]
pub(crate) struct Proved {
    /// Of its certificate; none where none is asked for.
    pub(crate) names: PeerNames,
    /// Of the worker's credentials at that time. What holds after a renewal, a new connection has to prove.
    pub(crate) generation: u64,
}

/// A connection that may speak HTTP/2.
pub(crate) struct Connection {
    stream: Io,
    visitor: Visitor,
    /// Until it is closed. Without it, it is turned away.
    counted: Option<PeerConnection>,
}

enum Io {
    Plain(TcpStream),
    Secure(Box<TlsStream<TcpStream>>),
}

impl Connected for Connection {
    type ConnectInfo = Visitor;

    fn connect_info(&self) -> Visitor {
        self.visitor.clone()
    }
}

impl AsyncRead for Connection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<std::io::Result<()>> {
        match &mut self.stream {
            Io::Plain(stream) => Pin::new(stream).poll_read(cx, buffer),
            Io::Secure(stream) => Pin::new(stream).poll_read(cx, buffer),
        }
    }
}

impl AsyncWrite for Connection {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<std::io::Result<usize>> {
        match &mut self.stream {
            Io::Plain(stream) => Pin::new(stream).poll_write(cx, bytes),
            Io::Secure(stream) => Pin::new(stream).poll_write(cx, bytes),
        }
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[std::io::IoSlice<'_>],
    ) -> Poll<std::io::Result<usize>> {
        match &mut self.stream {
            Io::Plain(stream) => Pin::new(stream).poll_write_vectored(cx, slices),
            Io::Secure(stream) => Pin::new(stream).poll_write_vectored(cx, slices),
        }
    }

    fn is_write_vectored(&self) -> bool {
        match &self.stream {
            Io::Plain(stream) => stream.is_write_vectored(),
            Io::Secure(stream) => stream.is_write_vectored(),
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        match &mut self.stream {
            Io::Plain(stream) => Pin::new(stream).poll_flush(cx),
            Io::Secure(stream) => Pin::new(stream).poll_flush(cx),
        }
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        match &mut self.stream {
            Io::Plain(stream) => Pin::new(stream).poll_shutdown(cx),
            Io::Secure(stream) => Pin::new(stream).poll_shutdown(cx),
        }
    }
}
