//! A call on its way: what has to be sent, and where its outcome is due.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, Waker};
use std::time::Instant;

use tokio::sync::mpsc;
use tokio::task::AbortHandle;

use super::caller::CallerCommand;
use super::due::{self, Due, Listener};
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

/// A call of this side, shared by its host and by the session that carries it.
pub(crate) struct Flight {
    due: Due<Box<dyn CallObserver>, Way>,
    /// The number of the call on its present session; 0 while it waits to be written.
    number: AtomicU64,
}

/// What a host that polls finds.
pub(crate) type Arrival = due::Arrival<Box<dyn CallObserver>>;

/// Where a call is.
struct Way {
    /// The session that the call was written to.
    session: Option<mpsc::UnboundedSender<CallerCommand>>,
    /// All items asked for, from the beginning.
    credit: u32,
    /// The host wants no more items.
    closing: bool,
    deadline: Option<AbortHandle>,
}

impl Listener for Box<dyn CallObserver> {
    type Item = Payload;
    type Outcome = Outcome;

    fn item(&mut self, item: Payload) {
        CallObserver::item(&mut **self, item);
    }

    fn finish(self, outcome: Outcome) {
        CallObserver::finish(self, outcome);
    }
}

impl Flight {
    /// `observer`: who is told; `None`: the host polls.
    pub(crate) fn new(observer: Option<Box<dyn CallObserver>>, credit: u32) -> Arc<Flight> {
        let way = Way {
            session: None,
            credit,
            closing: false,
            deadline: None,
        };
        Arc::new(Flight {
            due: match observer {
                Some(observer) => Due::listened(observer, way),
                None => Due::polled(way),
            },
            number: AtomicU64::new(0),
        })
    }

    /// The timer to stop when the call ends.
    pub(crate) fn set_deadline(&self, timer: AbortHandle) {
        let kept = timer.clone();
        let due = self.due.extra_unless_over(|way| way.deadline = Some(kept));
        if due.is_none() {
            timer.abort();
        }
    }

    pub(crate) fn is_over(&self) -> bool {
        self.due.is_over()
    }

    /// The call is being written. `None`: it is over and must not be. Otherwise the items asked for.
    pub(crate) fn written(
        &self,
        number: u64,
        session: &mpsc::UnboundedSender<CallerCommand>,
    ) -> Option<u32> {
        self.due.extra_unless_over(|way| {
            way.session = Some(session.clone());
            self.number.store(number, Ordering::Release);
            way.credit
        })
    }

    /// The call certainly did not start on its session.
    pub(crate) fn unwritten(&self) {
        let closing = self.due.extra(|way| {
            way.session = None;
            way.closing
        });
        self.number.store(0, Ordering::Release);
        if closing {
            // What has not begun needs no closing.
            self.finish(Outcome::End);
        }
    }

    pub(crate) fn number(&self) -> u64 {
        self.number.load(Ordering::Acquire)
    }

    /// Hands an item over. A host that polls is woken later, with all `wakers`.
    pub(crate) fn item(&self, item: Payload, wakers: &mut Vec<Waker>) {
        self.due.item(item, |waker| wakers.push(waker));
    }

    /// For a host that polls.
    pub(crate) fn poll(&self, cx: &mut Context<'_>) -> Poll<Arrival> {
        self.due.poll(cx)
    }

    /// Ends the call, if nobody has. True: this was the outcome.
    pub(crate) fn finish(&self, outcome: Outcome) -> bool {
        self.end(outcome, Waker::wake)
    }

    /// As [`Flight::finish`], but that a host that polls is woken later, with all `wakers`.
    pub(crate) fn finish_among(&self, outcome: Outcome, wakers: &mut Vec<Waker>) {
        self.end(outcome, |waker| wakers.push(waker));
    }

    fn end(&self, outcome: Outcome, wake: impl FnOnce(Waker)) -> bool {
        let ended = self.due.finish(outcome, wake);
        if ended && let Some(timer) = self.due.extra(|way| way.deadline.take()) {
            timer.abort();
        }
        ended
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
        self.due.extra(|way| {
            way.credit = way.credit.saturating_add(items);
            if let Some(session) = &way.session {
                // A session that has ended has ended this call, or will offer it elsewhere.
                let _ = session.send(CallerCommand::Credit(Arc::clone(self), items));
            }
        });
    }

    /// Closes the generator. One that was never written never began.
    pub(crate) fn close(self: &Arc<Self>) {
        let written = self.due.extra(|way| {
            way.closing = true;
            way.session.is_some()
        });
        if written {
            self.tell_session(CallerCommand::Close(Arc::clone(self)));
        } else if self.finish(Outcome::End) {
            // It may have been written this moment.
            self.tell_session(CallerCommand::Leave(Arc::clone(self)));
        }
    }

    fn tell_session(&self, command: CallerCommand) {
        self.due.extra(|way| {
            if let Some(session) = &way.session {
                let _ = session.send(command);
            }
        });
    }
}
