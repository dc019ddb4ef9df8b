//! Asks servers, one after the other, until one answers.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpStream, UdpSocket};

use super::message::{self, Answer, Kind, Reply};
use crate::error::{Error, ErrorKind, Result};
use crate::ids;

/// How long a server gets to answer, in one round over all servers after the other.
const ROUNDS: [Duration; 3] = [
    Duration::from_secs(1),
    Duration::from_secs(2),
    Duration::from_secs(4),
];
/// A datagram may be larger than the 512 bytes that were agreed.
const LARGEST_DATAGRAM: usize = 4096;
/// Datagrams that do not answer the question; who sends more is not listened to.
const MOST_OTHERS: usize = 64;

/// Cheap to clone: clones ask the same servers.
#[derive(Clone)]
pub(super) struct Client {
    servers: Arc<[SocketAddr]>,
    /// The place of the one that has answered last.
    first: Arc<AtomicUsize>,
}

impl Client {
    pub(super) fn new(servers: Vec<SocketAddr>) -> Client {
        Client {
            servers: servers.into(),
            first: Arc::default(),
        }
    }

    pub(super) fn servers(&self) -> &[SocketAddr] {
        &self.servers
    }

    /// What a complete name has. That it has nothing is an answer, too.
    ///
    /// # Errors
    /// [`ErrorKind::Discovery`] when no server answers, with what the last one failed with.
    pub(super) async fn ask(&self, name: &str, kind: Kind) -> Result<Answer> {
        let mut problem = "there is no server to ask".to_owned();
        let first = self.first.load(Ordering::Relaxed);
        for within in ROUNDS {
            for turn in 0..self.servers.len() {
                let place = (first + turn) % self.servers.len();
                let server = self.servers[place];
                let asked = tokio::time::timeout(within, ask_server(server, name, kind)).await;
                let why = match asked {
                    Ok(Ok(answer)) => {
                        self.first.store(place, Ordering::Relaxed);
                        return Ok(answer);
                    }
                    Ok(Err(why)) => why,
                    Err(_) => format!("it has not answered within {} s", within.as_secs()),
                };
                problem = format!("{server}: {why}");
            }
        }
        let name = name.strip_suffix('.').unwrap_or(name);
        Err(Error::new(
            ErrorKind::Discovery,
            format!("{name} cannot be looked up in DNS: {problem}"),
        ))
    }
}

async fn ask_server(server: SocketAddr, name: &str, kind: Kind) -> Result<Answer, String> {
    let told = |error: Error| error.message().to_owned();
    // Nobody who does not see the question can guess this, nor the port that it comes from.
    let id = u16::from_ne_bytes(ids::random().map_err(told)?);
    let question = message::question(id, name, kind).map_err(told)?;
    let reply = by_datagram(server, &question, |bytes| {
        message::read(bytes, id, name, kind)
    })
    .await
    .map_err(|error| error.to_string())?;
    let reply = match reply {
        Reply::Truncated => {
            let bytes = by_stream(server, &question)
                .await
                .map_err(|error| format!("its answer is too large for UDP, and by TCP: {error}"))?;
            message::read(&bytes, id, name, kind)
        }
        reply => reply,
    };
    match reply {
        Reply::Answer(answer) => Ok(answer),
        Reply::Refused(why) => Err(why),
        Reply::Truncated | Reply::Other => {
            Err("what it sends does not answer the question".to_owned())
        }
    }
}

/// Waits for a datagram that answers.
async fn by_datagram(
    server: SocketAddr,
    question: &[u8],
    read: impl Fn(&[u8]) -> Reply,
) -> std::io::Result<Reply> {
    let any: SocketAddr = if server.is_ipv4() {
        (Ipv4Addr::UNSPECIFIED, 0).into()
    } else {
        (Ipv6Addr::UNSPECIFIED, 0).into()
    };
    let socket = UdpSocket::bind(any).await?;
    // From here on nothing comes in but from the server.
    socket.connect(server).await?;
    socket.send(question).await?;
    let mut bytes = vec![0; LARGEST_DATAGRAM];
    for _ in 0..MOST_OTHERS {
        let length = socket.recv(&mut bytes).await?;
        match read(&bytes[..length]) {
            Reply::Other => {}
            reply => return Ok(reply),
        }
    }
    Ok(Reply::Other)
}

async fn by_stream(server: SocketAddr, question: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut stream = TcpStream::connect(server).await?;
    let length = u16::try_from(question.len()).unwrap_or(u16::MAX);
    let framed = [&length.to_be_bytes(), question].concat();
    stream.write_all(&framed).await?;
    let length = stream.read_u16().await?;
    let mut bytes = vec![0; usize::from(length)];
    stream.read_exact(&mut bytes).await?;
    Ok(bytes)
}
