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
    /// This.
    pub fn again(_: Vec<String>) -> Result<SpawnCommand> {
        Ok(SpawnCommand {})
    }
    /// This.
    pub fn new(_: Vec<String>) -> Result<SpawnCommand> {
        Ok(SpawnCommand {})
    }
}
/// X
pub fn serve_if_spawned(_: &Runtime) -> Result<bool> {
    Ok(false)
}
/// X
pub fn serve_if_spawned_with(
    _: &Runtime,
    _: impl FnOnce(Result<()>) + Send + 'static,
) -> Result<bool> {
    Ok(false)
}
/// s
#[derive(Clone, Debug)]
pub enum S {
    /// s
    A,
}
impl S {
    /// n
    pub fn name(&self) -> &'static str {
        ""
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
    /// s
    pub pid: u32,
    /// s
    pub uid: String,
    /// s
    pub state: S,
    /// s
    pub restarts: u64,
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
