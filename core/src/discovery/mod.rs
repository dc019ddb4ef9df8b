//! Discovery: announces workers, and finds them.
//!
//! What it finds are hints. Whether a record is admitted is the pool's business, and whether the worker
//! behind it is the one it says is found out by the hello.

mod local;
mod turned_away;

use std::path::Path;
use std::sync::Arc;

pub(crate) use local::Here;
pub use local::LocalDiscovery;
pub use turned_away::{TurnedAway, TurnedAwayReason};

use crate::error::{Error, Result};
use crate::wire::WorkerRecord;

/// Where workers are announced and found.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Discovery {
    /// The user's shared memory on this machine.
    Local(LocalDiscovery),
}

/// What a discovery tells a pool.
#[derive(Clone, Debug)]
pub(crate) enum DiscoveryEvent {
    /// A worker that was not known, or a newer record of one that was.
    Found(Box<WorkerRecord>),
    /// A record that no pool can use, and why; under the worker's uid where it is known.
    TurnedAway(TurnedAway),
    /// What was found or turned away under this key has gone.
    Gone { key: String },
    /// All that was there at the beginning has been told; or, after a failure, it works again.
    Scanned,
    /// The discovery does not work at present; it goes on trying.
    Failed(Error),
}

/// Takes events, on a thread of the discovery. Must not block.
pub(crate) type DiscoverySink = Arc<dyn Fn(DiscoveryEvent) + Send + Sync>;

/// Ends when dropped: no event begins afterwards.
pub(crate) struct Subscription {
    _local: local::Subscription,
}

/// A worker's place in a discovery, held before the worker serves and withdrawn when dropped.
pub(crate) struct Announcement {
    local: local::Announcement,
}

impl Discovery {
    /// Tells what is there and what changes.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Discovery`] when it cannot work at all here.
    pub(crate) fn subscribe(&self, sink: DiscoverySink) -> Result<Subscription> {
        let Discovery::Local(local) = self;
        Ok(Subscription {
            _local: local.subscribe(sink)?,
        })
    }

    /// Takes a place for a worker; nobody sees it before [`Announcement::publish`].
    ///
    /// # Errors
    /// [`crate::ErrorKind::Discovery`].
    pub(crate) fn announce(&self, uid: &str) -> Result<Announcement> {
        let Discovery::Local(local) = self;
        Ok(Announcement {
            local: local.announce(uid)?,
        })
    }
}

impl Announcement {
    /// Where the worker may serve a Unix socket for peers on this machine. Its file is the worker's to make,
    /// and is tidied up after a worker that was killed.
    pub(crate) fn socket_path(&self) -> Option<&Path> {
        self.local.socket_path()
    }

    /// Shows the record, or a newer one. The discovery fills in `local`, but for the secret.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Discovery`].
    pub(crate) fn publish(&mut self, record: &WorkerRecord) -> Result<()> {
        self.local.publish(record)
    }
}
