//! What every TCP connection between peers is set to.

use std::time::Duration;

use nix::sys::socket::{setsockopt, sockopt};
use tokio::net::TcpStream;

/// Of a connection on which nothing is said: keeps what is on the way from forgetting it, and finds peers that vanished.
const KEEPALIVE: Duration = Duration::from_secs(60);
/// A connection ends when the other side has confirmed nothing so long though there was something to confirm. What is written
/// into a hole would otherwise be tried for a quarter of an hour.
const UNHEARD: Duration = Duration::from_secs(30);

pub(crate) fn prepare(stream: &TcpStream) -> std::io::Result<()> {
    let seconds = |time: Duration| u32::try_from(time.as_secs()).unwrap_or(u32::MAX);
    stream.set_nodelay(true)?;
    setsockopt(stream, sockopt::KeepAlive, &true)?;
    setsockopt(stream, sockopt::TcpKeepIdle, &seconds(KEEPALIVE))?;
    setsockopt(stream, sockopt::TcpUserTimeout, &(seconds(UNHEARD) * 1000))?;
    Ok(())
}
