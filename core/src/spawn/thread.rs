//! The thread that starts all processes. The kernel's parent-death signal comes when the *thread* that
//! started a process ends: this one outlives them all.

use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use super::command::failed;
use crate::error::Result;
use crate::runtime::Runtime;

type Job = Box<dyn FnOnce() + Send>;

/// The process's thread `wool-spawn`, which lives while somebody holds this: whoever has a process does.
pub(super) struct SpawnThread {
    jobs: Sender<Job>,
}

impl SpawnThread {
    /// # Errors
    /// [`crate::ErrorKind::SpawnFailed`] when the system gives no thread.
    pub(super) fn get() -> Result<Arc<SpawnThread>> {
        static CURRENT: Mutex<Weak<SpawnThread>> = Mutex::new(Weak::new());
        let mut current = CURRENT.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(thread) = current.upgrade() {
            return Ok(thread);
        }
        let (jobs, waiting) = channel::<Job>();
        std::thread::Builder::new()
            .name("wool-spawn".to_owned())
            .spawn(move || {
                Runtime::mark_wool_thread();
                for job in waiting {
                    job();
                }
            })
            .map_err(|error| failed(format!("the thread wool-spawn cannot be started: {error}")))?;
        let thread = Arc::new(SpawnThread { jobs });
        *current = Arc::downgrade(&thread);
        Ok(thread)
    }

    /// Runs a job after those before it. It must not panic.
    pub(super) fn run(&self, job: impl FnOnce() + Send + 'static) {
        // The thread ends only after this.
        let _ = self.jobs.send(Box::new(job));
    }
}
