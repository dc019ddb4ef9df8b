//! How a pool is set up, and what follows from it.

use std::time::Duration;

use super::balancer::Balancer;
use crate::discovery::{Discovery, LocalDiscovery, StackedDiscovery};
use crate::error::{Error, ErrorKind, Result};
use crate::session::Limits;
use crate::spawn::SpawnCommand;
use crate::tls::{Credentials, Peers};
use crate::worker::Grace;

/// How a pool is set up.
///
/// | mode | `spawn` | `discovery` or `addresses` | |
/// |---|---|---|---|
/// | default | `None` | none | starts a worker process per core |
/// | ephemeral | `Some(n)` | none | starts n |
/// | durable | `None` | given | starts none, joins the workers that are found |
/// | hybrid | `Some(n)` | given | starts n, publishes them, and joins those that are found |
#[derive(Debug, Clone)]
pub struct PoolOptions {
    /// Worker processes to start and to keep up. `None` = one per core, or none where `discovery` or
    /// `addresses` say where workers are.
    pub spawn: Option<usize>,
    /// The program that becomes a worker. `None` = this program again, which must have come past
    /// [`crate::serve_if_spawned`].
    pub command: Option<SpawnCommand>,
    /// Tasks that each of the started workers may run at once. 0 = 1,024.
    pub concurrency: u32,
    /// What the started workers get to finish their tasks when the pool closes.
    pub grace: Grace,
    /// Where workers are found, and where those that the pool starts are published, if it publishes. In a discovery that is
    /// not local, others find them, too: they ask for the pool's `secret`, or for none.
    pub discovery: Option<Discovery>,
    /// Where the started workers listen, as [`crate::WorkerOptions::bind`]. Empty = loopback.
    pub bind: String,
    /// How others reach the started workers, as [`crate::WorkerOptions::advertise`].
    pub advertise: Vec<String>,
    /// Workers at fixed addresses: `"host:port"` or `"unix:/path"`.
    pub addresses: Vec<String>,
    /// Found workers must have all of these tags; the started ones get them.
    pub tags: Vec<String>,
    /// The most found workers that are admitted; those that the pool starts do not count. 0 = all.
    pub lease: usize,
    /// How calls are spread over the workers.
    pub balancer: Balancer,
    /// Connected workers that the first call waits for. 0 = it waits for one that takes it.
    pub quorum: usize,
    /// How long calls wait for the quorum.
    pub quorum_timeout: Duration,
    /// How long a call looks for a worker.
    pub dispatch_timeout: Duration,
    /// Presented to the workers at `addresses`, and to those that are found by a discovery that the host trusts: static,
    /// DNS, or its own. (The secret of a worker that is found locally is in its record.)
    pub secret: Option<Vec<u8>>,
    /// Dialling beyond loopback without TLS has to be asked for, and so has letting the started workers listen there.
    pub allow_plaintext: bool,
    /// What it presents to workers, and which of them it believes; `None` = no TLS. The workers that it starts get them, too.
    pub credentials: Option<Credentials>,
    /// Whose identities are believed: a worker whose record claims one of these is verified by it, wherever it is reached. All
    /// others, and without this all, are verified by the name or address that was dialled.
    pub peers: Option<Peers>,
    /// The identity of the started workers, as [`crate::WorkerOptions::identity`].
    pub identity: String,
    /// Largest results and items accepted, bytes. 0 = 256 MiB.
    pub max_payload: u64,
}

const WAIT: Duration = Duration::from_secs(60);

impl Default for PoolOptions {
    fn default() -> PoolOptions {
        PoolOptions {
            spawn: None,
            command: None,
            concurrency: 0,
            grace: Grace::Now,
            discovery: None,
            bind: String::new(),
            advertise: Vec::new(),
            addresses: Vec::new(),
            tags: Vec::new(),
            lease: 0,
            balancer: Balancer::default(),
            quorum: 0,
            quorum_timeout: WAIT,
            dispatch_timeout: WAIT,
            secret: None,
            allow_plaintext: false,
            credentials: None,
            peers: None,
            identity: String::new(),
            max_payload: 0,
        }
    }
}

/// Where a pool's workers are.
pub(super) struct Whereabouts {
    /// What the pool listens to.
    pub(super) found_in: Option<Discovery>,
    /// What it tells workers, which call on by it.
    pub(super) described: Option<Discovery>,
    /// Where the processes that it starts publish themselves.
    pub(super) own: Option<LocalDiscovery>,
    /// Where the pool publishes them besides.
    pub(super) published_by: Option<Discovery>,
}

/// Nobody means to start more by one pool.
const MOST_PROCESSES: usize = 4096;

impl PoolOptions {
    /// How many processes to start.
    pub(super) fn processes(&self) -> Result<usize> {
        let joins = self.discovery.is_some() || !self.addresses.is_empty();
        let count = match self.spawn {
            Some(0) if !joins => {
                return Err(invalid(
                    "a pool that starts no worker needs a discovery or addresses to find some"
                        .into(),
                ));
            }
            Some(count) => count,
            None if joins => 0,
            None => std::thread::available_parallelism().map_or(1, usize::from),
        };
        if count > MOST_PROCESSES {
            return Err(invalid(format!(
                "a pool of {count} worker processes is more than the {MOST_PROCESSES} it may start"
            )));
        }
        let certain = count + self.addresses.len();
        if self.discovery.is_none() && self.quorum > certain {
            return Err(invalid(format!(
                "a quorum of {} can never be reached with {certain} workers",
                self.quorum
            )));
        }
        if self.discovery.is_some() && self.lease > 0 && self.quorum > certain + self.lease {
            return Err(invalid(format!(
                "a quorum of {} can never be reached with a lease of {}",
                self.quorum, self.lease
            )));
        }
        Ok(count)
    }

    /// Where workers are found and published. What the pool starts is found in shared memory, whatever else it is
    /// published by.
    pub(super) fn whereabouts(&self, processes: usize) -> Result<Whereabouts> {
        let given = self.discovery.clone();
        if processes == 0 {
            return Ok(Whereabouts {
                found_in: given.clone(),
                described: given,
                own: None,
                published_by: None,
            });
        }
        if let Some(Discovery::Local(local)) = &given {
            return Ok(Whereabouts {
                own: Some(local.clone()),
                found_in: given.clone(),
                described: given,
                published_by: None,
            });
        }
        let own = LocalDiscovery::private()?;
        let private = Discovery::Local(own.clone());
        Ok(Whereabouts {
            own: Some(own),
            found_in: Some(match &given {
                Some(given) => {
                    Discovery::Stacked(StackedDiscovery::new([private.clone(), given.clone()])?)
                }
                None => private.clone(),
            }),
            described: Some(given.clone().unwrap_or(private)),
            published_by: given.filter(Discovery::publishes),
        })
    }

    /// Whether addresses beyond loopback may be dialled.
    pub(super) fn may_leave_this_machine(&self) -> bool {
        self.allow_plaintext || self.credentials.is_some()
    }

    pub(super) fn limits(&self) -> Limits {
        let defaults = Limits::default();
        Limits {
            max_payload: match self.max_payload {
                0 => defaults.max_payload,
                bytes => bytes,
            },
            ..defaults
        }
    }
}

fn invalid(message: String) -> Error {
    Error::new(ErrorKind::InvalidArgument, message)
}
