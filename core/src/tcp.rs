//! What every TCP connection between peers is set to, and how one ends whose last word is to be read.

use std::time::Duration;

use nix::sys::socket::{setsockopt, sockopt};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;

/// Of a connection on which nothing is said: keeps what is on the way from forgetting it, and finds peers that vanished.
const KEEPALIVE: Duration = Duration::from_secs(60);
/// A connection ends when the other side has confirmed nothing so long though there was something to confirm. What is written
/// into a hole would otherwise be tried for a quarter of an hour.
const UNHEARD: Duration = Duration::from_secs(30);
/// What a peer that is let go gets to read why.
const PART_WITHIN: Duration = Duration::from_secs(1);

pub(crate) fn prepare(stream: &TcpStream) -> std::io::Result<()> {
    let seconds = |time: Duration| u32::try_from(time.as_secs()).unwrap_or(u32::MAX);
    stream.set_nodelay(true)?;
    setsockopt(stream, sockopt::KeepAlive, &true)?;
    setsockopt(stream, sockopt::TcpKeepIdle, &seconds(KEEPALIVE))?;
    setsockopt(stream, sockopt::TcpUserTimeout, &(seconds(UNHEARD) * 1000))?;
    Ok(())
}

/// Closes a connection on which the last word was said. What the peer has sent meanwhile is read: left unread, the close would
/// reset the connection, and the peer might never read that word.
pub(crate) async fn part(mut stream: impl AsyncRead + AsyncWrite + Unpin) {
    let parting = async {
        stream.shutdown().await?;
        while stream.read(&mut [0; 4096]).await? > 0 {}
        Ok::<(), std::io::Error>(())
    };
    // It has gone, or does not want to: either way there is nobody to tell any more.
    let _ = tokio::time::timeout(PART_WITHIN, parting).await;
}
