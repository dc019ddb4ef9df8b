//! The standard routines that block, and what lets them go.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use wool::{Result, Routine, Runtime, TaskContext};

use crate::routines::Counters;

/// How often a routine that blocks looks whether it was cancelled.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// Holds threads until they are let go.
#[derive(Default)]
pub(crate) struct Barrier {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    /// How often all were let go.
    round: u64,
    /// Tasks of `conf.block` that are held.
    tasks: u64,
    /// Nothing is held any more.
    closed: bool,
}

impl Barrier {
    /// Lets all go; how many of them were tasks.
    pub(crate) fn open(&self) -> u64 {
        let mut state = self.lock();
        state.round += 1;
        self.changed.notify_all();
        std::mem::take(&mut state.tasks)
    }

    /// Lets all go that are held or would be.
    pub(crate) fn close(&self) {
        self.lock().closed = true;
        self.open();
    }

    /// Holds this thread.
    pub(crate) fn hold(&self) {
        let mut state = self.lock();
        let round = state.round;
        while state.round == round && !state.closed {
            state = self
                .changed
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn hold_task(&self, task: &TaskContext) {
        let mut state = self.lock();
        let round = state.round;
        state.tasks += 1;
        while state.round == round && !state.closed {
            if task.is_cancelled() {
                state.tasks -= 1;
                return;
            }
            let waited = self.changed.wait_timeout(state, LOOK_EVERY);
            (state, _) = waited.unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

pub(crate) fn register(runtime: &Runtime, all: &Arc<Counters>) -> Result<()> {
    let counters = Arc::clone(all);
    runtime.register(Routine::blocking("conf.block", move |task, _arguments| {
        let _running = counters.begin();
        counters.barrier.hold_task(&task);
        Ok(())
    }))?;
    let counters = Arc::clone(all);
    runtime.register(Routine::unary("conf.unblock", move |_task, _arguments| {
        let running = counters.begin();
        let released = counters.barrier.open();
        async move {
            let _running = running;
            Ok(released)
        }
    }))
}
