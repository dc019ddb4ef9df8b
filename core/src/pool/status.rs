//! What a pool tells of itself.

use std::sync::PoisonError;
use std::sync::atomic::Ordering;

use super::member::{Link, Member};
use super::{PoolShared, lock};
use crate::discovery::{TurnedAway, TurnedAwayReason};
use crate::error::Error;
use crate::routine::RoutineKind;
use crate::spawn::{SlotState, SpawnedProcess};

/// A pool at one moment: whom it has, whom it turned away, and why.
#[derive(Clone, Debug)]
pub struct PoolStatus {
    /// The workers that belong to the pool.
    pub workers: Vec<WorkerStatus>,
    /// The records that are there and do not belong to it, at most 1,000.
    pub turned_away: Vec<TurnedAway>,
    /// How many records have been turned away since the pool was made, by reason.
    pub turned_away_counts: Vec<(TurnedAwayReason, u64)>,
    /// The processes that the pool keeps up.
    pub processes: Vec<ProcessStatus>,
    /// Calls that wait for a worker.
    pub waiting: usize,
    /// Whether as many workers have been connected at once as the first call waits for.
    pub quorum_reached: bool,
    /// Why workers that should be there are not.
    pub problems: Vec<Error>,
}

/// A worker as a pool sees it.
#[derive(Clone, Debug)]
pub struct WorkerStatus {
    /// Its UUID; empty while a worker at a fixed address has not answered.
    pub uid: String,
    /// Where it is reached.
    pub address: String,
    /// How the pool came to it.
    pub origin: WorkerOrigin,
    /// How it is.
    pub state: WorkerState,
    /// Why it is down, or of whom it is a duplicate; empty otherwise.
    pub problem: String,
    /// What it serves.
    pub routines: Vec<RoutineStatus>,
    /// This pool's calls that it has and has not ended.
    pub in_flight: usize,
    /// Calls that it takes at once from this pool; 0 while it has not answered.
    pub capacity: usize,
    /// Its labels, where its record told them.
    pub tags: Vec<String>,
    /// The language of its host; empty while it has not answered.
    pub language: String,
    /// The version of its libwool; empty while it has not answered.
    pub version: String,
    /// Its process; 0 where it is not known.
    pub pid: u32,
}

/// A worker process that a pool keeps up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProcessStatus {
    /// Its place among the pool's processes, from 0; one process follows another there.
    pub slot: usize,
    /// Its id; 0 while there is none.
    pub pid: u32,
    /// The uid of its worker; empty while none serves.
    pub uid: String,
    /// What it is doing.
    pub state: ProcessState,
    /// Processes that were started in this place after the first one.
    pub restarts: u64,
}

/// What a worker process is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ProcessState {
    /// It was started, and does not serve yet.
    Starting,
    /// Its worker serves.
    Serving,
    /// The last one has ended, the next one is started after a pause.
    Backoff,
    /// It ends.
    Stopping,
    /// It has ended, and no other follows.
    Ended,
}

impl ProcessState {
    /// The name in every language, e.g. `"serving"`.
    pub fn name(self) -> &'static str {
        match self {
            ProcessState::Starting => "starting",
            ProcessState::Serving => "serving",
            ProcessState::Backoff => "backoff",
            ProcessState::Stopping => "stopping",
            ProcessState::Ended => "ended",
        }
    }
}

impl From<SpawnedProcess> for ProcessStatus {
    fn from(process: SpawnedProcess) -> ProcessStatus {
        ProcessStatus {
            slot: process.slot,
            pid: process.pid.unwrap_or(0),
            uid: process.uid.unwrap_or_default(),
            state: match process.state {
                SlotState::Starting => ProcessState::Starting,
                SlotState::Serving => ProcessState::Serving,
                SlotState::Backoff => ProcessState::Backoff,
                SlotState::Stopping => ProcessState::Stopping,
                SlotState::Ended => ProcessState::Ended,
            },
            restarts: process.restarts,
        }
    }
}

/// A routine of a worker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoutineStatus {
    /// Its name.
    pub name: String,
    /// Whether it answers once or streams.
    pub kind: RoutineKind,
}

/// How a worker came into a pool.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum WorkerOrigin {
    /// The pool was given its address.
    Fixed,
    /// Discovery found it.
    Found,
    /// The pool started it.
    Spawned,
}

impl WorkerOrigin {
    /// The name in every language, e.g. `"spawned"`.
    pub fn name(self) -> &'static str {
        match self {
            WorkerOrigin::Fixed => "fixed",
            WorkerOrigin::Found => "found",
            WorkerOrigin::Spawned => "spawned",
        }
    }
}

/// How a worker of a pool is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum WorkerState {
    /// It has not answered yet.
    Connecting,
    /// It takes calls.
    Up,
    /// It takes no new ones.
    Draining,
    /// It does not answer; the pool goes on trying.
    Down,
    /// It turned out to be a worker that the pool has already, reached or found in another way. It takes over when that
    /// one is lost or leaves.
    Duplicate,
}

impl WorkerState {
    /// The name in every language, e.g. `"draining"`.
    pub fn name(self) -> &'static str {
        match self {
            WorkerState::Connecting => "connecting",
            WorkerState::Up => "up",
            WorkerState::Draining => "draining",
            WorkerState::Down => "down",
            WorkerState::Duplicate => "duplicate",
        }
    }
}

impl PoolShared {
    pub(super) fn status(&self) -> PoolStatus {
        let mut workers: Vec<WorkerStatus> = self
            .members()
            .iter()
            .map(|member| member.status())
            .collect();
        let (turned_away, turned_away_counts) = {
            let membership = self.membership();
            // A worker's record may be found before its process is known to serve.
            for worker in &mut workers {
                if membership.is_own(&worker.uid) {
                    worker.origin = WorkerOrigin::Spawned;
                }
            }
            let counts = membership.counts();
            let counts = counts.iter().map(|(reason, count)| (*reason, *count));
            (membership.turned_away_now(), counts.collect())
        };
        let problems = self.problems();
        PoolStatus {
            workers,
            turned_away,
            turned_away_counts,
            processes: self
                .spawner()
                .as_ref()
                .map_or_else(Vec::new, |spawner| spawner.status())
                .into_iter()
                .map(ProcessStatus::from)
                .collect(),
            waiting: self.parked().len() + lock(&self.choices).len(),
            quorum_reached: self.quorum_reached.load(Ordering::Acquire),
            problems: [&problems.discovery, &problems.spawn]
                .into_iter()
                .flatten()
                .chain(problems.publish.values().next())
                .cloned()
                .collect(),
        }
    }
}

impl Member {
    fn status(&self) -> WorkerStatus {
        let mut status = WorkerStatus {
            uid: self.uid.clone(),
            address: self.name(),
            origin: self.origin,
            state: WorkerState::Connecting,
            problem: String::new(),
            routines: Vec::new(),
            in_flight: 0,
            capacity: 0,
            tags: self.about().tags.clone(),
            language: String::new(),
            version: String::new(),
            pid: self.about().pid,
        };
        let link = self.link.read().unwrap_or_else(PoisonError::into_inner);
        match &*link {
            Link::Connecting => {}
            Link::Down { error, .. } => {
                status.state = WorkerState::Down;
                error.message().clone_into(&mut status.problem);
            }
            Link::Duplicate { uid, problem } => {
                status.state = WorkerState::Duplicate;
                status.uid.clone_from(uid);
                status.problem.clone_from(problem);
            }
            Link::Up { state, address, .. } => {
                status.address = address.to_string();
                let peer = state.peer();
                status.state = if state.draining() {
                    WorkerState::Draining
                } else {
                    WorkerState::Up
                };
                status.uid.clone_from(&peer.worker_uid);
                status.language.clone_from(&peer.language);
                status.version.clone_from(&peer.package_version);
                status.in_flight = state.in_flight();
                status.capacity = peer.limits.max_open_calls;
                status.routines = state
                    .routines()
                    .into_iter()
                    .filter_map(|routine| {
                        Some(RoutineStatus {
                            kind: RoutineKind::from_wire(routine.kind)?,
                            name: routine.name,
                        })
                    })
                    .collect();
            }
        }
        status
    }
}
