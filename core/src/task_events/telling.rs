//! Who tells of a call, and of a task: in order and in pairs, whatever threads it happens on.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use super::{Iteration, TaskEvent, TaskEventKind, TaskSide};
use crate::error::ErrorKind;
use crate::ids::Uuid;
use crate::routine::Step;
use crate::runtime::Runtime;
use crate::task::TaskInfo;

struct Teller {
    runtime: Runtime,
    side: TaskSide,
    id: Uuid,
    caller: Option<Uuid>,
    routine: Arc<str>,
    told: Mutex<Told>,
}

/// What has been told so far. Locked while more is, so that nothing follows the end.
#[derive(Default)]
struct Told {
    worker: Option<Uuid>,
    /// That of the last step.
    iteration: Option<Iteration>,
    is_scheduled: bool,
    is_started: bool,
    /// Why the task was stopped, which is then how it ends.
    stopped_for: Option<ErrorKind>,
    is_completed: bool,
}

impl Teller {
    /// `None`: it is over.
    fn go_on(&self) -> Option<MutexGuard<'_, Told>> {
        let told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        (!told.is_completed).then_some(told)
    }

    fn tell(&self, told: &Told, kind: TaskEventKind) {
        self.tell_more(told, kind, None, None);
    }

    fn tell_more(
        &self,
        told: &Told,
        kind: TaskEventKind,
        iteration: Option<Iteration>,
        outcome: Option<Result<(), ErrorKind>>,
    ) {
        self.runtime.task_events().tell(&TaskEvent {
            kind,
            side: self.side,
            timestamp: SystemTime::now(),
            id: self.id,
            caller: self.caller,
            worker: told.worker,
            routine: Arc::clone(&self.routine),
            iteration,
            outcome,
        });
    }

    fn begin(&self, told: &mut Told, kind: TaskEventKind, iteration: Iteration) {
        told.iteration = Some(iteration);
        self.tell_more(told, kind, told.iteration, None);
    }

    fn item(&self) {
        if let Some(told) = self.go_on() {
            let kind = TaskEventKind::IterationCompleted;
            self.tell_more(&told, kind, told.iteration, None);
        }
    }

    fn complete(&self, told: &mut Told, outcome: Result<(), ErrorKind>) {
        told.is_completed = true;
        self.tell_more(told, TaskEventKind::Completed, None, Some(outcome));
    }
}

/// Tells of a call at its caller.
pub(crate) struct CallTeller {
    teller: Teller,
}

impl CallTeller {
    /// The call is made. `None`: nobody listens.
    pub(crate) fn created(
        runtime: &Runtime,
        id: Uuid,
        caller: Option<Uuid>,
        routine: &Arc<str>,
    ) -> Option<Box<CallTeller>> {
        if !runtime.task_events().is_heard() {
            return None;
        }
        let teller = Teller {
            runtime: runtime.own_reference(),
            side: TaskSide::Caller,
            id,
            caller,
            routine: Arc::clone(routine),
            told: Mutex::default(),
        };
        teller.tell(&Told::default(), TaskEventKind::Created);
        Some(Box::new(CallTeller { teller }))
    }

    /// It is written to the session of a worker.
    pub(crate) fn scheduled(&self, worker_uid: &str) {
        if let Some(mut told) = self.teller.go_on() {
            // A worker that says what is no UUID has none that could be told.
            let uid = worker_uid.parse().ok();
            told.worker = uid.map(|uid: wool_values::Uuid| *uid.as_bytes());
            self.teller.tell(&told, TaskEventKind::Scheduled);
        }
    }

    pub(crate) fn initiated(&self, iteration: Iteration) {
        if let Some(mut told) = self.teller.go_on() {
            let kind = TaskEventKind::IterationInitiated;
            self.teller.begin(&mut told, kind, iteration);
        }
    }

    /// An item has come.
    pub(crate) fn item(&self) {
        self.teller.item();
    }

    pub(crate) fn completed(&self, outcome: Result<(), ErrorKind>) {
        if let Some(mut told) = self.teller.go_on() {
            self.teller.complete(&mut told, outcome);
        }
    }
}

/// Tells of a task at its worker.
pub(crate) struct TaskTeller {
    teller: Teller,
}

impl TaskTeller {
    /// `None`: nobody listens.
    pub(crate) fn new(runtime: &Runtime, info: &TaskInfo) -> Option<Box<TaskTeller>> {
        if !runtime.task_events().is_heard() {
            return None;
        }
        let told = Told {
            worker: Some(info.worker_uid),
            ..Told::default()
        };
        Some(Box::new(TaskTeller {
            teller: Teller {
                runtime: runtime.own_reference(),
                side: TaskSide::Worker,
                id: info.id,
                caller: info.caller,
                routine: Arc::clone(&info.routine),
                told: Mutex::new(told),
            },
        }))
    }

    /// It is let in.
    pub(crate) fn scheduled(&self) {
        if let Some(mut told) = self.teller.go_on() {
            told.is_scheduled = true;
            self.teller.tell(&told, TaskEventKind::Scheduled);
        }
    }

    /// The routine begins.
    pub(crate) fn started(&self) {
        if let Some(mut told) = self.teller.go_on() {
            self.start(&mut told);
        }
    }

    fn start(&self, told: &mut Told) {
        if !std::mem::replace(&mut told.is_started, true) {
            self.teller.tell(told, TaskEventKind::Started);
        }
    }

    /// The routine is resumed.
    pub(crate) fn step(&self, step: &Step) {
        let iteration = match step {
            Step::Next => Iteration::Next,
            Step::Send(_) => Iteration::Send,
            Step::Throw(_) => Iteration::Throw,
            Step::Close => return,
        };
        if let Some(mut told) = self.teller.go_on() {
            self.start(&mut told);
            let kind = TaskEventKind::IterationStarted;
            self.teller.begin(&mut told, kind, iteration);
        }
    }

    /// The routine has yielded.
    pub(crate) fn item(&self) {
        self.teller.item();
    }

    /// It is to end for this reason.
    pub(crate) fn stop(&self, why: ErrorKind) {
        if let Some(mut told) = self.teller.go_on() {
            told.stopped_for.get_or_insert(why);
        }
    }

    /// Nothing is told of what was never let in.
    pub(crate) fn completed(&self, outcome: Result<(), ErrorKind>) {
        let Some(mut told) = self.teller.go_on() else {
            return;
        };
        if !told.is_scheduled {
            return;
        }
        if told.is_started {
            self.teller.tell(&told, TaskEventKind::Stopped);
        }
        let outcome = told.stopped_for.map_or(outcome, Err);
        self.teller.complete(&mut told, outcome);
    }
}

#[cfg(test)]
mod tests;
