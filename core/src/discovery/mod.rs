//! Discovery: announces workers, and finds them.
//!
//! What it finds are hints. Whether a record is admitted is the pool's business, and whether the worker
//! behind it is the one it says is found out by the hello.

mod advertised;
mod custom;
mod description;
mod dns;
mod fixed;
mod fork;
mod lan;
mod list;
mod listener;
mod local;
mod record;
mod stacked;
mod turned_away;

use std::fmt;
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;

pub use custom::{CustomDiscovery, Publication, Subscriber};
pub use dns::DnsDiscovery;
pub use fixed::StaticDiscovery;
pub use lan::LanDiscovery;
pub use list::Listing;
pub(crate) use local::Here;
pub use local::LocalDiscovery;
pub use record::WorkerRecord;
pub use stacked::StackedDiscovery;
pub use turned_away::{TurnedAway, TurnedAwayReason};

use crate::error::{Error, ErrorKind, Result};
use crate::runtime::Runtime;
use crate::wire;

/// Where workers are announced and found.
#[derive(Clone)]
#[non_exhaustive]
pub enum Discovery {
    /// The user's shared memory on this machine.
    Local(LocalDiscovery),
    /// Zeroconf on the local network.
    Lan(LanDiscovery),
    /// A list of addresses.
    Static(StaticDiscovery),
    /// A name that is looked up over and over.
    Dns(DnsDiscovery),
    /// Several at once.
    Stacked(StackedDiscovery),
    /// One of the host's own.
    Custom(Arc<dyn CustomDiscovery>),
}

/// What a discovery tells a pool.
#[derive(Clone, Debug)]
pub(crate) enum DiscoveryEvent {
    /// A worker that was not known, or a newer record of one that was.
    Found(Box<Found>),
    /// A record that no pool can use, and why; under the worker's uid where it is known.
    TurnedAway(TurnedAway),
    /// What was found or turned away under this key has gone.
    Gone { key: String },
    /// All that was there at the beginning has been told; or, after a failure, it works again.
    Scanned,
    /// The discovery does not work at present; it goes on trying.
    Failed(Error),
}

/// A worker's record, as a discovery came upon it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Found {
    pub(crate) record: wire::WorkerRecord,
    /// The host has named where this worker is, or whom it believes: the worker may be told the pool's secret.
    pub(crate) trusted: bool,
}

impl Found {
    /// What the worker is known by as long as nobody has talked to it: its uid, or where only that is known, its address.
    pub(crate) fn key(&self) -> &str {
        match self.record.addresses.first() {
            Some(address) if self.record.uid.is_empty() => address,
            _ => &self.record.uid,
        }
    }
}

/// Takes events, on a thread of the discovery. Must not block.
pub(crate) type DiscoverySink = Arc<dyn Fn(DiscoveryEvent) + Send + Sync>;

/// Somebody who is told by a discovery. Ends when dropped: no event begins afterwards.
pub(crate) trait Subscribed: Send {
    /// The worker under this key does not answer: where discovery does not know by itself that workers have gone, it has a
    /// look.
    fn suspect(&self, _key: &str) {}
}

/// A worker's place in a discovery, held before the worker serves and withdrawn when dropped.
pub(crate) trait Announced: Send {
    /// Where the worker may serve a Unix socket for peers on this machine. Its file is the worker's to make,
    /// and is tidied up after a worker that was killed.
    fn socket_path(&self) -> Option<&Path> {
        None
    }

    /// Whether all who can read the record may call, since it can hold the worker's secret.
    fn holds_secret(&self) -> bool {
        false
    }

    /// Shows the record, or a newer one. It fills in `local`, but for the secret, or leaves it out.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Discovery`].
    fn publish(&mut self, record: &wire::WorkerRecord) -> Result<()>;

    /// Withdraws it, and returns when others have been told.
    fn withdraw(self: Box<Self>) -> Withdrawn {
        drop(self);
        Box::pin(std::future::ready(()))
    }
}

/// Ends when others have been told that a worker is not to be found any more.
pub(crate) type Withdrawn = Pin<Box<dyn Future<Output = ()> + Send>>;

impl Discovery {
    /// Tells what is there and what changes.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Discovery`] when it cannot work at all here.
    pub(crate) fn subscribe(
        &self,
        runtime: &Runtime,
        sink: DiscoverySink,
    ) -> Result<Box<dyn Subscribed>> {
        Ok(match self {
            Discovery::Local(local) => Box::new(local.subscribe(sink)?),
            Discovery::Lan(lan) => lan.subscribe(runtime, sink)?,
            Discovery::Static(fixed) => fixed.subscribe(sink),
            Discovery::Dns(dns) => dns.subscribe(runtime, sink)?,
            Discovery::Stacked(stacked) => stacked.subscribe(runtime, sink)?,
            Discovery::Custom(custom) => Box::new(custom::subscribe(custom, sink)?),
        })
    }

    /// Whether workers can publish themselves by it, as far as is known before one does.
    pub(crate) fn publishes(&self) -> bool {
        match self {
            Discovery::Local(_) | Discovery::Lan(_) | Discovery::Custom(_) => true,
            Discovery::Static(_) | Discovery::Dns(_) => false,
            Discovery::Stacked(stacked) => stacked.discoveries().iter().any(Discovery::publishes),
        }
    }

    /// Takes a place for a worker; nobody sees it before [`Announced::publish`].
    ///
    /// # Errors
    /// [`crate::ErrorKind::Discovery`].
    pub(crate) fn announce(&self, runtime: &Runtime, uid: &str) -> Result<Box<dyn Announced>> {
        Ok(match self {
            Discovery::Local(local) => Box::new(local.announce(uid)?),
            Discovery::Lan(lan) => lan.announce(runtime, uid)?,
            Discovery::Static(_) => return Err(only_finds("a list of addresses")),
            Discovery::Dns(_) => return Err(only_finds("a name in DNS")),
            Discovery::Stacked(stacked) => stacked.announce(runtime, uid)?,
            Discovery::Custom(custom) => Box::new(custom::announce(custom, uid)),
        })
    }
}

impl fmt::Debug for Discovery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Discovery::Local(local) => local.fmt(f),
            Discovery::Lan(lan) => lan.fmt(f),
            Discovery::Static(fixed) => fixed.fmt(f),
            Discovery::Dns(dns) => dns.fmt(f),
            Discovery::Stacked(stacked) => stacked.fmt(f),
            Discovery::Custom(_) => f.write_str("CustomDiscovery"),
        }
    }
}

fn only_finds(what: &str) -> Error {
    Error::new(
        ErrorKind::Unsupported,
        format!(
            "{what} only finds workers: a worker publishes itself by a local, LAN or custom discovery, or not at all"
        ),
    )
}
