//! A call on its way: what has to be sent, and where its outcome is due.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use tokio::sync::mpsc;
use tokio::task::AbortHandle;

use super::caller::CallerCommand;
use super::due::{self, Due, Listener};
use crate::call::{CallObserver, Outcome};
use crate::context::{Context as Bag, Seen};
use crate::error::{Error, ErrorKind, Fault, Result};
use crate::ids::Uuid;
use crate::nested::Nested;
use crate::payload::Payload;
use crate::routine::RoutineKind;
use crate::state::asked::{Asked, Refused, Thrown};
use crate::task_events::{CallTeller, Iteration};
use crate::wire;

/// What has to be sent for a call. It is kept until the worker has answered, so that a task that
/// certainly did not start can be offered to another worker.
pub(crate) struct Dispatch {
    pub(crate) routine: Arc<str>,
    pub(crate) kind: RoutineKind,
    pub(crate) arguments: Payload,
    pub(crate) task_id: Uuid,
    pub(crate) tag: String,
    /// The task that made the call.
    pub(crate) caller: Option<Uuid>,
    pub(crate) context: Option<Box<CallContext>>,
    /// When the call's budget of time is used up.
    pub(crate) deadline: Option<Instant>,
    /// When to stop looking for a worker.
    pub(crate) dispatch_deadline: Instant,
    /// The budget of each step of a stream.
    pub(crate) step_timeout: Option<Duration>,
    /// When to stop waiting for the pool's quorum.
    pub(crate) quorum_deadline: Instant,
    /// The uid of the only worker that may have it.
    pub(crate) worker: Option<Arc<str>>,
    /// Workers that refused this task since the pool last changed, by the pool's numbering.
    pub(crate) refused_by: Vec<u64>,
    /// What the last of them said.
    pub(crate) last_refusal: Option<Error>,
    pub(crate) flight: Arc<Flight>,
}

/// The context of a call.
pub(crate) struct CallContext {
    /// What goes along with its start.
    pub(crate) start: Option<wire::Context>,
    /// The host's; what comes back goes here.
    pub(crate) bag: Bag,
    /// Up to where the callee knows of it.
    pub(crate) seen: Seen,
}

impl CallContext {
    /// What the host has changed.
    ///
    /// # Errors
    /// [`ErrorKind::PayloadTooLarge`].
    pub(crate) fn changes(&mut self) -> Result<Option<wire::Context>> {
        self.bag.changes(&mut self.seen, false)
    }

    /// What the callee has changed. False: more than can be kept.
    pub(crate) fn merge(&mut self, changes: wire::Context) -> bool {
        self.bag.merge(changes, &mut self.seen)
    }
}

/// A call of this side, shared by its host and by the session that carries it.
pub(crate) struct Flight {
    due: Due<Box<dyn CallObserver>, Way>,
    /// The number of the call on its present session; 0 while it waits to be written.
    number: AtomicU64,
    /// Of a call that a task has made.
    nested: Option<Nested>,
    /// While somebody listens.
    teller: Option<Box<CallTeller>>,
}

/// What a host that polls finds.
pub(crate) type Arrival = due::Arrival<Box<dyn CallObserver>>;

/// Where a call is.
struct Way {
    session: Option<Carrier>,
    /// Of a stream.
    asked: Option<Box<Asked>>,
    /// What watches the call's budgets of time.
    deadline: Option<AbortHandle>,
    step_watch: Option<AbortHandle>,
}

/// The session that a call was written to.
struct Carrier {
    commands: mpsc::UnboundedSender<CallerCommand>,
    /// The largest payload that the worker accepts, bytes.
    max_payload: u64,
}

impl Way {
    fn tell(&self, command: CallerCommand) {
        if let Some(session) = &self.session {
            // A session that has ended has ended this call, or will offer it elsewhere.
            let _ = session.commands.send(command);
        }
    }
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
    /// `observer`: who is told; `None`: the host polls. `asked`: of a stream.
    pub(crate) fn new(
        observer: Option<Box<dyn CallObserver>>,
        asked: Option<Asked>,
        nested: Option<Nested>,
        teller: Option<Box<CallTeller>>,
    ) -> Arc<Flight> {
        let way = Way {
            session: None,
            asked: asked.map(Box::new),
            deadline: None,
            step_watch: None,
        };
        Arc::new(Flight {
            due: match observer {
                Some(observer) => Due::listened(observer, way),
                None => Due::polled(way),
            },
            number: AtomicU64::new(0),
            nested,
            teller,
        })
    }

    /// What to stop when the call ends: the watch over its whole budget.
    pub(crate) fn set_deadline(&self, watch: AbortHandle) {
        self.keep(watch, |way| &mut way.deadline);
    }

    /// What to stop when the call ends: the watch over the budget of its steps.
    pub(crate) fn set_step_watch(&self, watch: AbortHandle) {
        self.keep(watch, |way| &mut way.step_watch);
    }

    fn keep(&self, watch: AbortHandle, place: impl FnOnce(&mut Way) -> &mut Option<AbortHandle>) {
        let kept = watch.clone();
        if self
            .due
            .extra_unless_over(|way| *place(way) = Some(kept))
            .is_none()
        {
            watch.abort();
        }
    }

    /// When the budget of the step under way is used up.
    pub(crate) fn step_deadline(&self) -> Option<Instant> {
        self.due.extra(|way| way.asked.as_ref()?.step_deadline())
    }

    /// The call begins. False: the task that makes it was stopped.
    pub(crate) fn begin(self: &Arc<Self>) -> bool {
        self.nested.as_ref().is_none_or(|nested| {
            self.due.extra(|way| nested.wait(way.asked.is_none()));
            nested.begun(self)
        })
    }

    /// The task that made the call waits for it, or does not any more. Called under the call's lock, so that it is true
    /// of the last that was asked.
    fn wait(&self, waits: bool) {
        if let Some(nested) = &self.nested {
            nested.wait(waits);
        }
    }

    fn initiated(&self, iteration: Iteration) {
        if let Some(teller) = &self.teller {
            teller.initiated(iteration);
        }
    }

    /// It is written to the session of a worker.
    pub(crate) fn scheduled(&self, worker_uid: &str) {
        if let Some(teller) = &self.teller {
            teller.scheduled(worker_uid);
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
        max_payload: u64,
    ) -> Option<u32> {
        self.due.extra_unless_over(|way| {
            way.session = Some(Carrier {
                commands: session.clone(),
                max_payload,
            });
            self.number.store(number, Ordering::Release);
            way.asked.as_ref().map_or(0, |asked| asked.total())
        })
    }

    /// The call certainly did not start on its session.
    pub(crate) fn unwritten(&self) {
        let closing = self.due.extra(|way| {
            way.session = None;
            way.asked.as_ref().is_some_and(|asked| asked.is_closing())
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
        // Before the host sees it, which may ask on.
        self.due.extra(|way| {
            if let Some(asked) = &mut way.asked {
                asked.arrived(Instant::now);
                self.wait(asked.owes());
                if let Some(teller) = &self.teller {
                    teller.item();
                    if asked.owes() {
                        teller.initiated(Iteration::Next);
                    }
                }
            }
        });
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
        if let Some(nested) = &self.nested {
            // Before the host knows, which then goes on.
            nested.over();
        }
        let told = self.teller.as_ref().map(|_| outcome.as_result());
        let ended = self.due.finish(outcome, wake);
        if ended {
            if let (Some(teller), Some(outcome)) = (&self.teller, told) {
                teller.completed(outcome);
            }
            let watches = self
                .due
                .extra(|way| [way.deadline.take(), way.step_watch.take()]);
            watches.iter().flatten().for_each(AbortHandle::abort);
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
            let Some(asked) = &mut way.asked else {
                return;
            };
            let idle = !asked.owes();
            if asked.items(items, Instant::now) {
                self.wait(asked.owes());
                // What is asked for ahead is told of when its turn comes.
                if idle && asked.owes() {
                    self.initiated(Iteration::Next);
                }
                way.tell(CallerCommand::Credit(Arc::clone(self), items));
            }
        });
    }

    /// Sends a value to the generator's yield. Harmless when the call is over.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidArgument`] when it is not at a yield, [`ErrorKind::PayloadTooLarge`] for what the worker
    /// does not accept.
    pub(crate) fn send(self: &Arc<Self>, value: Payload) -> Result<()> {
        let sent = self.due.extra_unless_over(|way| {
            if let Some(session) = &way.session {
                value.check_size(session.max_payload)?;
            }
            generator(&mut way.asked)?
                .send(Instant::now)
                .map_err(refused)?;
            self.wait(true);
            self.initiated(Iteration::Send);
            way.tell(CallerCommand::Send(Arc::clone(self), value));
            Ok(())
        });
        sent.unwrap_or(Ok(()))
    }

    /// Throws an error at the generator's yield. Harmless when the call is over.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidArgument`] when it is neither at a yield nor before its beginning.
    pub(crate) fn throw(self: &Arc<Self>, fault: Fault) -> Result<()> {
        let mut fault = Some(Box::new(fault));
        let thrown = self.due.extra_unless_over(|way| -> Result<Thrown> {
            let thrown = generator(&mut way.asked)?
                .throw(Instant::now)
                .map_err(refused)?;
            if thrown == Thrown::AtYield
                && let Some(fault) = fault.take()
            {
                self.wait(true);
                self.initiated(Iteration::Throw);
                way.tell(CallerCommand::Throw(Arc::clone(self), fault));
            }
            Ok(thrown)
        });
        if thrown.transpose()? == Some(Thrown::NotBegun)
            && let Some(fault) = fault
        {
            self.leave(Error::from_fault(*fault));
        }
        Ok(())
    }

    /// Closes the generator. One that was never written never began.
    pub(crate) fn close(self: &Arc<Self>) {
        let written = self.due.extra(|way| {
            if let Some(asked) = &mut way.asked {
                asked.close();
                self.wait(true);
            }
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
        self.due.extra(|way| way.tell(command));
    }
}

fn generator(asked: &mut Option<Box<Asked>>) -> Result<&mut Asked> {
    asked.as_deref_mut().ok_or_else(|| {
        let message = "a unary call has no yield to send or throw to";
        Error::new(ErrorKind::InvalidArgument, message)
    })
}

fn refused(why: Refused) -> Error {
    Error::new(ErrorKind::InvalidArgument, why)
}
