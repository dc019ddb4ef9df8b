//! The workers that are there now, for those who only want to look.

use std::collections::BTreeMap;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use wool_values::{IntoValue, Map, Value};

use super::{Discovery, DiscoveryEvent, TurnedAway, TurnedAwayReason, WorkerRecord};
use crate::error::{Error, ErrorKind, Result};
use crate::runtime::{Runtime, refuse_on_wool_thread};
use crate::wire::{self, Door};

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
        let workers = self.workers.iter().map(WorkerRecord::to_value);
        let turned_away = self.turned_away.iter().map(|turned_away| {
            map([
                ("key", (&*turned_away.key).into_value()),
                ("reason", turned_away.reason.name().into_value()),
                ("message", (&*turned_away.message).into_value()),
            ])
        });
        let problem = match &self.problem {
            Some(problem) => map([
                ("kind", problem.kind().name().into_value()),
                ("message", problem.message().into_value()),
            ])?,
            None => Value::Null,
        };
        map([
            ("workers", Value::List(workers.collect::<Result<_>>()?)),
            (
                "turned_away",
                Value::List(turned_away.collect::<Result<_>>()?),
            ),
            ("problem", problem),
        ])
    }
}

fn map<const N: usize>(entries: [(&str, Value); N]) -> Result<Value> {
    let entries = entries.map(|(key, value)| (key.into_value(), value));
    Ok(Value::Map(Map::from_entries(entries.into())?))
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
                seen.workers.insert(key.clone(), usable(key, found.record));
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

/// Whether a pool of this version could call it.
fn usable(key: String, record: wire::WorkerRecord) -> Result<Box<WorkerRecord>, TurnedAway> {
    let (reason, message) = if record.protocol_major != wire::MAJOR {
        let message = format!(
            "it speaks protocol {}.{} (libwool {}), this side {}.{}",
            record.protocol_major,
            record.protocol_minor,
            record.package_version,
            wire::MAJOR,
            wire::MINOR
        );
        (TurnedAwayReason::Protocol, message)
    } else if !record.doors.contains(&(Door::Session as i32)) {
        let message = "it offers no door that a pool can use".to_owned();
        (TurnedAwayReason::NoDoor, message)
    } else {
        return Ok(Box::new(WorkerRecord::from_wire(record)));
    };
    Err(TurnedAway {
        key,
        reason,
        message,
    })
}
