//! A call on its way: what has to be sent, and the place where its outcome is due.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use tokio::sync::mpsc;
use tokio::task::AbortHandle;

use super::caller::CallerCommand;
use crate::call::{CallObserver, Outcome};
use crate::error::{Error, ErrorKind};
use crate::ids::Uuid;
use crate::payload::Payload;
use crate::routine::RoutineKind;

/// What has to be sent for a call. It is kept until the worker has answered, so that a task that
/// certainly did not start can be offered to another worker.
pub(crate) struct Dispatch {
    pub(crate) routine: Arc<str>,
    pub(crate) kind: RoutineKind,
    pub(crate) arguments: Payload,
    pub(crate) task_id: Uuid,
    pub(crate) tag: String,
    /// When the call's budget of time is used up.
    pub(crate) deadline: Option<Instant>,
    /// When to stop looking for a worker.
    pub(crate) dispatch_deadline: Instant,
    /// When to stop waiting for the pool's quorum.
    pub(crate) quorum_deadline: Instant,
    /// Workers that refused this task since the pool last changed, by the pool's numbering.
    pub(crate) refused_by: Vec<u64>,
    /// What the last of them said.
    pub(crate) last_refusal: Option<Error>,
    pub(crate) flight: Arc<Flight>,
}

/// The one place where a call ends. Whoever takes the observer out (result, cancel, deadline, close,
/// lost link) tells the outcome; all others find it gone.
pub(crate) struct Flight {
    state: Mutex<State>,
    /// The number of the call on its present session; 0 while it waits to be written.
    number: AtomicU64,
}

struct State {
    observer: Observer,
    /// The session that the call was written to.
    session: Option<mpsc::UnboundedSender<CallerCommand>>,
    /// All items asked for, from the beginning.
    credit: u32,
    deadline: Option<AbortHandle>,
}

enum Observer {
    Here(Box<dyn CallObserver>),
    /// It is being handed an item, outside the lock; an outcome that comes meanwhile is kept here.
    Busy(Option<Outcome>),
    Gone,
}

impl Flight {
    pub(crate) fn new(observer: Box<dyn CallObserver>, credit: u32) -> Arc<Flight> {
        Arc::new(Flight {
            state: Mutex::new(State {
                observer: Observer::Here(observer),
                session: None,
                credit,
                deadline: None,
            }),
            number: AtomicU64::new(0),
        })
    }

    /// The timer to stop when the call ends.
    pub(crate) fn set_deadline(&self, timer: AbortHandle) {
        let mut state = self.lock();
        if matches!(state.observer, Observer::Gone) {
            timer.abort();
        } else {
            state.deadline = Some(timer);
        }
    }

    pub(crate) fn is_over(&self) -> bool {
        match &self.lock().observer {
            Observer::Here(_) => false,
            Observer::Busy(outcome) => outcome.is_some(),
            Observer::Gone => true,
        }
    }

    /// The call is being written. `None`: it is over and must not be. Otherwise the items asked for.
    pub(crate) fn written(
        &self,
        number: u64,
        session: &mpsc::UnboundedSender<CallerCommand>,
    ) -> Option<u32> {
        let mut state = self.lock();
        if matches!(state.observer, Observer::Gone) {
            return None;
        }
        state.session = Some(session.clone());
        self.number.store(number, Ordering::Release);
        Some(state.credit)
    }

    /// The call certainly did not start on its session.
    pub(crate) fn unwritten(&self) {
        self.lock().session = None;
        self.number.store(0, Ordering::Release);
    }

    pub(crate) fn number(&self) -> u64 {
        self.number.load(Ordering::Acquire)
    }

    /// Hands an item over. False: the call is over.
    pub(crate) fn item(&self, item: Payload) -> bool {
        let mut state = self.lock();
        let Observer::Here(mut observer) =
            std::mem::replace(&mut state.observer, Observer::Busy(None))
        else {
            state.observer = Observer::Gone;
            return false;
        };
        drop(state);
        observer.item(item);
        let mut state = self.lock();
        match std::mem::replace(&mut state.observer, Observer::Gone) {
            Observer::Busy(None) => {
                state.observer = Observer::Here(observer);
                true
            }
            Observer::Busy(Some(outcome)) => {
                drop(state);
                observer.finish(outcome);
                false
            }
            Observer::Here(_) | Observer::Gone => false,
        }
    }

    /// Ends the call, if nobody has. True: this was the outcome.
    pub(crate) fn finish(&self, outcome: Outcome) -> bool {
        let mut state = self.lock();
        if let Some(timer) = state.deadline.take() {
            timer.abort();
        }
        match std::mem::replace(&mut state.observer, Observer::Gone) {
            Observer::Here(observer) => {
                drop(state);
                observer.finish(outcome);
                true
            }
            Observer::Busy(None) => {
                state.observer = Observer::Busy(Some(outcome));
                true
            }
            Observer::Busy(first) => {
                state.observer = Observer::Busy(first);
                false
            }
            Observer::Gone => false,
        }
    }

    pub(crate) fn fail(&self, kind: ErrorKind, message: impl Into<String>) -> bool {
        self.finish(Outcome::Error(Error::new(kind, message)))
    }

    /// The host no longer wants the call: it learns at once, the worker through the session.
    pub(crate) fn leave(self: &Arc<Self>, error: Error) {
        if self.finish(Outcome::Error(error)) {
            self.tell_session(CallerCommand::Leave(Arc::clone(self)));
        }
    }

    pub(crate) fn credit(self: &Arc<Self>, items: u32) {
        let mut state = self.lock();
        state.credit = state.credit.saturating_add(items);
        if let Some(session) = &state.session {
            // A session that has ended has ended this call, or will offer it elsewhere.
            let _ = session.send(CallerCommand::Credit(Arc::clone(self), items));
        }
    }

    /// Closes the generator. One that was never written never began.
    pub(crate) fn close(self: &Arc<Self>) {
        let written = self.lock().session.is_some();
        if written {
            self.tell_session(CallerCommand::Close(Arc::clone(self)));
        } else {
            self.finish(Outcome::End);
        }
    }

    fn tell_session(&self, command: CallerCommand) {
        if let Some(session) = &self.lock().session {
            let _ = session.send(command);
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
