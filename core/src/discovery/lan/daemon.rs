//! What all subscriptions and announcements of the process on the same networks share: one mDNS daemon, on the thread
//! `wool-lan` and one of its own. It begins with its first user and ends with its last.

use std::collections::BTreeMap;
use std::mem::ManuallyDrop;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::os::fd::AsRawFd;
use std::sync::mpsc::{RecvTimeoutError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use mdns_sd::{MDNS_PORT, ServiceInfo};
use nix::sys::signal::SigSet;
use nix::sys::socket::{
    AddressFamily, SockFlag, SockType, SockaddrIn, SockaddrIn6, SockaddrLike, bind, setsockopt,
    socket, sockopt,
};
use once_cell::sync::OnceCell;
use tokio::sync::{mpsc, oneshot};

use super::engine::{Engine, Order};
use super::interfaces::Filter;
use crate::discovery::Withdrawn;
use crate::discovery::fork::Origin;
use crate::error::{Error, ErrorKind, Result};
use crate::runtime::Runtime;

/// How long whoever publishes waits for the daemon.
const REGISTERED_WITHIN: Duration = Duration::from_secs(10);

pub(super) struct Daemon {
    filter: Filter,
    /// Never dropped in a forked child, where another thread may have held its lock.
    orders: ManuallyDrop<mpsc::UnboundedSender<Order>>,
    origin: Origin,
}

impl Daemon {
    /// The one on these networks.
    ///
    /// # Errors
    /// [`ErrorKind::Discovery`] when the network cannot be listened to, [`ErrorKind::Io`] when the system gives no thread,
    /// [`ErrorKind::Forked`].
    pub(super) fn on(filter: Filter) -> Result<Arc<Daemon>> {
        static ORIGIN: OnceCell<Origin> = OnceCell::new();
        static DAEMONS: Mutex<BTreeMap<Filter, Weak<Daemon>>> = Mutex::new(BTreeMap::new());

        // Before the lock, which another thread of the parent may have held at the fork.
        let origin = *ORIGIN.get_or_try_init(Origin::here)?;
        origin.check()?;
        let mut daemons = DAEMONS.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(daemon) = daemons.get(&filter).and_then(Weak::upgrade) {
            return Ok(daemon);
        }
        daemons.retain(|_, daemon| daemon.strong_count() > 0);
        check_port()?;
        let daemon = Arc::new(Daemon {
            orders: ManuallyDrop::new(start(filter.clone())?),
            filter: filter.clone(),
            origin,
        });
        daemons.insert(filter, Arc::downgrade(&daemon));
        Ok(daemon)
    }

    pub(super) fn filter(&self) -> &Filter {
        &self.filter
    }

    /// # Errors
    /// [`ErrorKind::Forked`] in a forked child.
    pub(super) fn check_origin(&self) -> Result<()> {
        self.origin.check()
    }

    /// Wants something of the engine. In a forked child there is none.
    pub(super) fn order(&self, order: Order) {
        if self.origin.is_here() {
            // Its thread ends after the last user only.
            let _ = self.orders.send(order);
        }
    }

    /// Announces a service, or what is new of it. Returns when it was sent for the first time.
    ///
    /// # Errors
    /// [`ErrorKind::Discovery`], [`ErrorKind::Forked`].
    pub(super) fn register(&self, service: ServiceInfo) -> Result<()> {
        self.check_origin()?;
        let (done, registered) = sync_channel(1);
        self.order(Order::Register {
            service: Box::new(service),
            done,
        });
        let problem = match registered.recv_timeout(REGISTERED_WITHIN) {
            Ok(Ok(())) => return Ok(()),
            Ok(Err(error)) => error.to_string(),
            Err(RecvTimeoutError::Timeout) => {
                format!("no answer within {} s", REGISTERED_WITHIN.as_secs())
            }
            Err(RecvTimeoutError::Disconnected) => "the thread has ended".to_owned(),
        };
        Err(Error::new(
            ErrorKind::Discovery,
            format!("the worker cannot be announced on the network: {problem}"),
        ))
    }

    /// Ends when peers have been told that the service is gone.
    pub(super) fn unregister(&self, fullname: String) -> Withdrawn {
        let (done, sent) = oneshot::channel();
        self.order(Order::Unregister { fullname, done });
        Box::pin(async move {
            // However it went, there is no more to do.
            let _ = sent.await;
        })
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        self.order(Order::End);
    }
}

fn start(filter: Filter) -> Result<mpsc::UnboundedSender<Order>> {
    let (orders, theirs) = mpsc::unbounded_channel();
    let (started, starts) = sync_channel(1);
    std::thread::Builder::new()
        .name("wool-lan".to_owned())
        .spawn(move || {
            Runtime::mark_wool_thread();
            // The host's signals are handled on its own threads. The daemon's thread inherits this. It fails only for a mask
            // that is none.
            let _ = SigSet::all().thread_block();
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_time()
                .build();
            let runtime = match runtime {
                Ok(runtime) => runtime,
                Err(error) => {
                    // Whoever started this thread waits.
                    let _ = started.send(Err(no_thread(&error)));
                    return;
                }
            };
            runtime.block_on(async {
                match Engine::new(filter) {
                    Ok((engine, events)) => {
                        // As above.
                        let _ = started.send(Ok(()));
                        engine.run(theirs, events).await;
                    }
                    Err(error) => {
                        // As above.
                        let _ = started.send(Err(no_thread(&error)));
                    }
                }
            });
        })
        .map_err(|error| no_thread(&error))?;
    starts
        .recv()
        .unwrap_or_else(|_| Err(no_thread(&"it has ended at once")))?;
    Ok(orders)
}

fn no_thread(problem: &dyn std::fmt::Display) -> Error {
    Error::new(
        ErrorKind::Io,
        format!("the threads for discovery on the network cannot be started: {problem}"),
    )
}

/// Whether the port of mDNS can be shared: the daemon would be silent about it.
fn check_port() -> Result<()> {
    let any4 = SockaddrIn::from(std::net::SocketAddrV4::new(
        Ipv4Addr::UNSPECIFIED,
        MDNS_PORT,
    ));
    let any6 = SockaddrIn6::from(std::net::SocketAddrV6::new(
        Ipv6Addr::UNSPECIFIED,
        MDNS_PORT,
        0,
        0,
    ));
    let Err(errno) = try_bind(AddressFamily::Inet, &any4) else {
        return Ok(());
    };
    // A machine with one of the two only is well enough.
    if try_bind(AddressFamily::Inet6, &any6).is_ok() {
        return Ok(());
    }
    Err(Error::new(
        ErrorKind::Discovery,
        format!(
            "UDP port {MDNS_PORT} cannot be shared ({errno}), and discovery on the network needs it: another program may hold \
             it for itself"
        ),
    ))
}

fn try_bind(family: AddressFamily, address: &dyn SockaddrLike) -> nix::Result<()> {
    let probe = socket(family, SockType::Datagram, SockFlag::SOCK_CLOEXEC, None)?;
    setsockopt(&probe, sockopt::ReuseAddr, &true)?;
    setsockopt(&probe, sockopt::ReusePort, &true)?;
    bind(probe.as_raw_fd(), address)
}
