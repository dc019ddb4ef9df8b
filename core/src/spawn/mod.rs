//! Stub.
use crate::discovery::Discovery;
use crate::error::{Error, Result};
use crate::runtime::Runtime;
use crate::worker::Grace;
use std::sync::Arc;

/// How a worker process is started.
#[derive(Clone, Debug)]
pub struct SpawnCommand {}
impl SpawnCommand {
    /// This.
    pub fn this_program() -> Result<SpawnCommand> {
        Ok(SpawnCommand {})
    }
}
#[derive(Clone, Debug, Default)]
pub(crate) struct WorkerSetup {
    pub(crate) tags: Vec<String>,
    pub(crate) concurrency: u32,
    pub(crate) max_payload: u64,
    pub(crate) publish: Option<Discovery>,
}
pub(crate) struct SpawnPlan {
    pub(crate) command: SpawnCommand,
    pub(crate) count: usize,
    pub(crate) worker: WorkerSetup,
    pub(crate) grace: Grace,
}
#[derive(Debug)]
pub(crate) enum SpawnEvent {
    Ready {
        slot: usize,
        uid: String,
        address: String,
        pid: u32,
    },
    Ended {
        slot: usize,
        uid: Option<String>,
        story: String,
    },
    CrashLoop(Error),
    Recovered,
    AllEnded,
}
pub(crate) struct Spawner;
/// A process.
#[derive(Clone, Debug)]
pub struct SpawnedProcess {
    /// s
    pub slot: usize,
}
impl Spawner {
    pub(crate) fn start(
        _: &Runtime,
        _: SpawnPlan,
        _: Arc<dyn Fn(SpawnEvent) + Send + Sync>,
    ) -> Result<Spawner> {
        Ok(Spawner)
    }
    pub(crate) fn stop(&self, _: Grace) {}
    pub(crate) fn status(&self) -> Vec<SpawnedProcess> {
        Vec::new()
    }
}
