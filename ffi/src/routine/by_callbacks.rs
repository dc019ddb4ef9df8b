//! Tasks that run as callbacks, on the runtime's threads for routines or on its I/O thread.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use wool_core::{Error, Payload, Runtime, Service, Step, Task, TaskControl};

use super::Over;
use crate::callback::{UserData, patient, quick};
use crate::error::wool_error_t;
use crate::handles;
use crate::memory::EMPTY;
use crate::queue::{lend, step_number};
use crate::task::TaskEntry;
use crate::types::*;

/// What the host gave.
pub(super) struct Callbacks {
    pub(super) run: wool_run_fn,
    pub(super) step: wool_step_fn,
    pub(super) cancel: wool_cancel_fn,
    pub(super) user_data: UserData,
}

/// Where they come.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Threads {
    /// They may block.
    OfRoutines,
    /// On the I/O thread, where they must not.
    OfSessions,
}

pub(super) struct ByCallbacks {
    callbacks: Arc<Callbacks>,
    threads: Threads,
}

impl ByCallbacks {
    pub(super) fn new(callbacks: Callbacks, threads: Threads) -> ByCallbacks {
        ByCallbacks {
            callbacks: Arc::new(callbacks),
            threads,
        }
    }
}

impl Service for ByCallbacks {
    fn prepare(&self, runtime: &Runtime) -> Result<(), Error> {
        match self.threads {
            Threads::OfRoutines => runtime.start_task_threads(),
            Threads::OfSessions => Ok(()),
        }
    }

    fn start(&self, task: Task) -> Box<dyn TaskControl> {
        let arguments = task.take_arguments();
        let Ok(entry) = TaskEntry::insert(task, None) else {
            return Box::new(Over);
        };
        let running = Arc::new(Running {
            callbacks: Arc::clone(&self.callbacks),
            threads: self.threads,
            entry,
            jobs: Mutex::default(),
        });
        if self.callbacks.run.is_some() {
            Running::add(&running, Job::Run(arguments));
        }
        Box::new(Control { running })
    }
}

/// What a step has that sends nothing.
const NO_VALUE: wool_payload_t = wool_payload_t {
    data: EMPTY,
    codec: 0,
};

/// A task and what is to be done for it: one thing at a time, in order.
struct Running {
    callbacks: Arc<Callbacks>,
    threads: Threads,
    entry: Arc<TaskEntry>,
    jobs: Mutex<Jobs>,
}

#[derive(Default)]
struct Jobs {
    waiting: VecDeque<Job>,
    /// Whether a thread is doing them.
    active: bool,
}

enum Job {
    Run(Payload),
    Step(Step),
}

impl Running {
    fn add(running: &Arc<Running>, job: Job) {
        {
            let mut jobs = running.jobs();
            jobs.waiting.push_back(job);
            if std::mem::replace(&mut jobs.active, true) {
                return;
            }
        }
        let working = Arc::clone(running);
        match running.threads {
            Threads::OfRoutines => {
                let runtime = running.entry.task.runtime();
                runtime.run_blocking(move || patient(|| working.work()));
            }
            // This is the I/O thread.
            Threads::OfSessions => quick(|| working.work()),
        }
    }

    fn work(&self) {
        while let Some(job) = self.next() {
            self.call(job);
        }
    }

    fn next(&self) -> Option<Job> {
        let mut jobs = self.jobs();
        let job = jobs.waiting.pop_front();
        jobs.active = job.is_some();
        job
    }

    fn call(&self, job: Job) {
        let (user_data, handle) = (self.callbacks.user_data.pointer(), self.entry.handle());
        // A cancel has answered before: what the routine would set up has no task to belong to.
        if handles::task(handle).is_err() {
            return;
        }
        match job {
            Job::Run(arguments) => {
                let Some(run) = self.callbacks.run else {
                    return;
                };
                if self.callbacks.step.is_none() {
                    self.entry.task.begin();
                }
                let info = self.entry.info();
                // SAFETY: the host gave both together; info and arguments live during the call.
                unsafe { run(user_data, handle, &info, lend(&arguments)) };
            }
            Job::Step(step) => {
                let Some(callback) = self.callbacks.step else {
                    return;
                };
                let number = step_number(&step) as i32;
                let (sent, thrown) = match step {
                    Step::Next | Step::Close => (None, None),
                    Step::Send(value) => (Some(value), None),
                    Step::Throw(fault) => {
                        (None, Some(wool_error_t::from(Error::from_fault(*fault))))
                    }
                };
                let value = sent.as_ref().map_or(NO_VALUE, lend);
                let error = thrown.as_ref().map_or(std::ptr::null(), std::ptr::from_ref);
                let state = self.entry.state();
                // SAFETY: the host gave both together; its state lives as long as the entry, value and error live
                // during the call.
                unsafe { callback(user_data, handle, state, number, value, error) };
            }
        }
    }

    fn jobs(&self) -> MutexGuard<'_, Jobs> {
        self.jobs.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

struct Control {
    running: Arc<Running>,
}

impl TaskControl for Control {
    fn step(&mut self, step: Step) {
        Running::add(&self.running, Job::Step(step));
    }

    fn cancel(&mut self) {
        let Running {
            callbacks, entry, ..
        } = &*self.running;
        if let Some(cancel) = callbacks.cancel {
            // SAFETY: the host gave both together; its state lives as long as the entry.
            quick(|| unsafe {
                cancel(callbacks.user_data.pointer(), entry.handle(), entry.state())
            });
        }
    }
}
