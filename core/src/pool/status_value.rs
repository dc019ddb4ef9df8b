//! A pool's status as a value, which is how it leaves the library: `docs/pool-status.md` names the parts.

use wool_values::{IntoValue, Value};

use super::status::{PoolStatus, ProcessStatus, RoutineStatus, WorkerStatus};
use crate::discovery::TurnedAway;
use crate::error::{Error, Result};
use crate::parts::{list, map, text};

impl PoolStatus {
    /// The status as a map, for hosts of other languages.
    ///
    /// # Errors
    /// None that a status can lead to; those of building a map.
    pub fn to_value(&self) -> Result<Value> {
        let counts = self
            .turned_away_counts
            .iter()
            .map(|(reason, count)| (reason.name(), (*count).into_value()));
        map([
            ("workers", list(&self.workers, worker)?),
            (
                "turned_away",
                list(&self.turned_away, TurnedAway::to_value)?,
            ),
            ("turned_away_counts", map(counts)?),
            ("processes", list(&self.processes, process)?),
            ("waiting", (self.waiting as u64).into_value()),
            ("quorum_reached", self.quorum_reached.into_value()),
            ("problems", list(&self.problems, Error::to_value)?),
        ])
    }
}

fn worker(worker: &WorkerStatus) -> Result<Value> {
    map([
        ("uid", text(&worker.uid)),
        ("address", text(&worker.address)),
        ("origin", text(worker.origin.name())),
        ("state", text(worker.state.name())),
        ("problem", text(&worker.problem)),
        ("routines", list(&worker.routines, routine)?),
        ("in_flight", (worker.in_flight as u64).into_value()),
        ("capacity", (worker.capacity as u64).into_value()),
        ("tags", list(&worker.tags, |tag| Ok(text(tag)))?),
        ("language", text(&worker.language)),
        ("version", text(&worker.version)),
        ("pid", worker.pid.into_value()),
    ])
}

fn routine(routine: &RoutineStatus) -> Result<Value> {
    map([
        ("name", text(&routine.name)),
        ("kind", text(routine.kind.name())),
    ])
}

fn process(process: &ProcessStatus) -> Result<Value> {
    map([
        ("slot", (process.slot as u64).into_value()),
        ("pid", process.pid.into_value()),
        ("uid", text(&process.uid)),
        ("state", text(process.state.name())),
        ("restarts", process.restarts.into_value()),
    ])
}
