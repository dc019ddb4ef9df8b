//! The workers that are there now, for those who only want to look.

use std::collections::BTreeMap;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use wool_values::Value;

use super::{Discovery, DiscoveryEvent, TurnedAway, WorkerRecord, usable};
use crate::error::{Error, ErrorKind, Result};
use crate::parts::{list, map};
use crate::runtime::{Runtime, refuse_on_wool_thread};

/// What a discovery finds at one moment. Nobody has talked to the workers: they may have gone, or be busy.
#[derive(Clone, Debug)]
pub struct Listing {
    /// The workers that a pool could call, whatever tags it asks for and however many it takes.
    pub workers: Vec<WorkerRecord>,
    /// The records that no pool can use, and why.
    pub turned_away: Vec<TurnedAway>,
    /// Why there may be more.
    pub problem: Option<Error>,
}

impl Listing {
    /// As a map for hosts of other languages: `workers` (a list of what [`WorkerRecord::to_value`] gives), `turned_away` (a
    /// list of maps of `key`, `reason` and `message`), `problem` (a map of `kind` and `message`, or null).
    ///
    /// # Errors
    /// None that a listing can lead to; those of building a map.
    pub fn to_value(&self) -> Result<Value> {
        let problem = self.problem.as_ref().map(Error::to_value);
        map([
            ("workers", list(&self.workers, WorkerRecord::to_value)?),
            (
                "turned_away",
                list(&self.turned_away, TurnedAway::to_value)?,
            ),
            ("problem", problem.transpose()?.unwrap_or_default()),
        ])
    }
}

impl Discovery {
    /// Looks around once, and tells which workers there are, ordered by their uids. Blocks until the first look around is
    /// over, or `wait` is up, which is told as [`Listing::problem`].
    ///
    /// # Errors
    /// [`ErrorKind::Discovery`] when it cannot work at all here, [`ErrorKind::Closed`];
    /// [`ErrorKind::InvalidArgument`] on one of wool's threads.
    pub fn list(&self, runtime: &Runtime, wait: Duration) -> Result<Listing> {
        refuse_on_wool_thread("a discovery's list")?;
        runtime.check_open()?;
        let looking = Arc::new(Looking::default());
        let telling = Arc::clone(&looking);
        let subscription = self.subscribe(runtime, Arc::new(move |event| telling.hear(event)))?;
        let until = Instant::now().checked_add(wait);
        looking.wait(until);
        drop(subscription);
        let mut seen = looking.seen();
        let mut listing = Listing {
            workers: Vec::new(),
            turned_away: Vec::new(),
            problem: seen.problem.take(),
        };
        if listing.problem.is_none() && !seen.scanned {
            listing.problem = Some(Error::new(
                ErrorKind::Timeout,
                format!("the look around was not over within {wait:?}: there may be more workers"),
            ));
        }
        for (_, one) in std::mem::take(&mut seen.workers) {
            match one {
                Ok(worker) => listing.workers.push(*worker),
                Err(turned_away) => listing.turned_away.push(turned_away),
            }
        }
        Ok(listing)
    }
}

#[derive(Default)]
struct Looking {
    seen: Mutex<Seen>,
    scanned: Condvar,
}

#[derive(Default)]
struct Seen {
    workers: BTreeMap<String, Result<Box<WorkerRecord>, TurnedAway>>,
    problem: Option<Error>,
    scanned: bool,
}

impl Looking {
    fn hear(&self, event: DiscoveryEvent) {
        let mut seen = self.seen();
        match event {
            DiscoveryEvent::Found(found) => {
                let key = found.key().to_owned();
                let one = match usable(found.record) {
                    Ok(record) => Ok(Box::new(WorkerRecord::from_wire(record))),
                    Err((reason, message)) => Err(TurnedAway {
                        key: key.clone(),
                        reason,
                        message,
                    }),
                };
                seen.workers.insert(key, one);
            }
            DiscoveryEvent::TurnedAway(turned_away) => {
                let key = turned_away.key.clone();
                seen.workers.insert(key, Err(turned_away));
            }
            DiscoveryEvent::Gone { key } => _ = seen.workers.remove(&key),
            DiscoveryEvent::Failed(error) => seen.problem = Some(error),
            DiscoveryEvent::Scanned => {
                seen.problem = None;
                seen.scanned = true;
                self.scanned.notify_all();
            }
        }
    }

    /// Until it has looked around, or for ever without a time.
    fn wait(&self, until: Option<Instant>) {
        let mut seen = self.seen();
        while !seen.scanned {
            seen = match until {
                None => self
                    .scanned
                    .wait(seen)
                    .unwrap_or_else(PoisonError::into_inner),
                Some(until) => {
                    let left = until.saturating_duration_since(Instant::now());
                    if left.is_zero() {
                        return;
                    }
                    let waited = self.scanned.wait_timeout(seen, left);
                    waited.unwrap_or_else(PoisonError::into_inner).0
                }
            };
        }
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
