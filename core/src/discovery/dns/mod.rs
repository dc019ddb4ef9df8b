//! Workers behind a name in DNS.
//!
//! `asked` reads what a discovery is given, `message` and `client` speak to servers, `system` knows what this machine is set
//! up with, `look` puts answers together, and `known` decides what is told: a plain state machine. A task on the I/O thread
//! goes from one look to the next.

mod asked;
mod client;
mod known;
mod look;
mod message;
mod system;
#[cfg(test)]
mod tests;

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::Notify;
use tokio::task::AbortHandle;

use self::asked::Asked;
use self::known::Known;
use self::look::Look;
use super::{DiscoverySink, Subscribed};
use crate::error::{Error, ErrorKind, Result};
use crate::runtime::Runtime;

/// A worker that does not answer makes for another look, so long after the last one began.
const SUSPECT_PAUSE: Duration = Duration::from_secs(1);

/// Workers behind a name in DNS, such as a headless service: it is looked up again when what was found has aged, after 1 s
/// at least and 5 min at most.
///
/// When no server answers, the workers that are known stay, and the pool's problems say so. When a server answers that there
/// are none, or no such name, they go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DnsDiscovery {
    name: String,
    asked: Asked,
    servers: Vec<String>,
}

impl DnsDiscovery {
    /// `"host:port"`: a worker at each address (A, AAAA) of the host, at this port. `"_wool._tcp.example.com"`, without a
    /// port: a worker for each SRV record of the name; several addresses of its target are ways to the same worker.
    /// Priorities and weights are not looked at: balancing is the pool's. With TLS, a worker's certificate may be for the host,
    /// or the target, where [`PoolOptions::peers`](crate::PoolOptions::peers) accept that, instead of for its address.
    ///
    /// A name is looked up as other programs do, with the search list of the system; one that ends with a dot is complete.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidArgument`] for what is no such name.
    pub fn new(name: impl Into<String>) -> Result<DnsDiscovery> {
        let name = name.into();
        Ok(DnsDiscovery {
            asked: Asked::parse(&name)?,
            name,
            servers: Vec::new(),
        })
    }

    /// Asks these servers, `"address:port"`, instead of those that the system is set up with, and for complete names only.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidArgument`] for what is no address with a port.
    pub fn by_servers<T: Into<String>>(
        mut self,
        servers: impl IntoIterator<Item = T>,
    ) -> Result<DnsDiscovery> {
        self.servers = servers.into_iter().map(Into::into).collect();
        for server in &self.servers {
            parse_server(server)?;
        }
        Ok(self)
    }

    /// What is looked up.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Who is asked; empty = the system's servers.
    pub fn servers(&self) -> &[String] {
        &self.servers
    }

    pub(super) fn subscribe(
        &self,
        runtime: &Runtime,
        sink: DiscoverySink,
    ) -> Result<Box<dyn Subscribed>> {
        let servers = self.servers.iter().map(|text| parse_server(text));
        let look = Look::new(self.asked.clone(), servers.collect::<Result<_>>()?);
        let listener = Arc::new(Listener {
            sink: Mutex::new(Some(sink)),
            suspected: Notify::new(),
        });
        let known = Known::new(self.name.clone());
        let looking = runtime.spawn_io(keep_looking(look, known, Arc::clone(&listener)));
        Ok(Box::new(Subscription { listener, looking }))
    }
}

fn parse_server(server: &str) -> Result<SocketAddr> {
    match server.parse::<SocketAddr>() {
        Ok(address) if address.port() > 0 => Ok(address),
        _ => Err(Error::new(
            ErrorKind::InvalidArgument,
            format!("\"{server}\" is not the address of a DNS server: use \"192.0.2.53:53\""),
        )),
    }
}

async fn keep_looking(mut look: Look, mut known: Known, listener: Arc<Listener>) {
    loop {
        let begun = Instant::now();
        let (events, pause) = known.hear(look.look().await);
        {
            // Held while it is told: after the end of the subscription no event begins.
            let sink = listener.sink();
            let Some(sink) = &*sink else { return };
            for event in events {
                sink(event);
            }
        }
        let suspected = async {
            listener.suspected.notified().await;
            tokio::time::sleep_until((begun + SUSPECT_PAUSE).into()).await;
        };
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            () = suspected => {}
        }
    }
}

struct Listener {
    /// Gone when nobody listens any more.
    sink: Mutex<Option<DiscoverySink>>,
    /// A worker does not answer: the name may have another by now.
    suspected: Notify,
}

impl Listener {
    fn sink(&self) -> MutexGuard<'_, Option<DiscoverySink>> {
        self.sink.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

struct Subscription {
    listener: Arc<Listener>,
    looking: AbortHandle,
}

impl Subscribed for Subscription {
    fn suspect(&self, _key: &str) {
        self.listener.suspected.notify_one();
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        drop(self.listener.sink().take());
        self.looking.abort();
    }
}
