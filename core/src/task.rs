//! A task as its worker runs it.

use std::future::Future;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;
use tokio::sync::mpsc;
use wool_values::Arguments;

use crate::callers_pool;
use crate::context::{Context, Seen};
use crate::error::{Error, ErrorKind, Fault, Result};
use crate::ids::Uuid;
use crate::nested::Children;
use crate::payload::{Codec, Payload};
use crate::place::Place;
use crate::pool::WorkerPool;
use crate::routine::{STREAM_CLOSED, Step};
use crate::runtime::Runtime;
use crate::session::{Flight, WorkerCommand};
use crate::state::call::{Answer, Refused, Taken, WorkerCall};
use crate::task_events::TaskTeller;
use crate::threads;
use crate::wire;
use crate::worker::WorkerShared;

/// What a task is.
#[derive(Debug, Clone)]
pub struct TaskInfo {
    /// Its UUID.
    pub id: Uuid,
    /// The task that called it, if a task did.
    pub caller: Option<Uuid>,
    /// The routine it runs.
    pub routine: Arc<str>,
    /// Names of the routine's positional parameters, as far as they were declared.
    pub parameters: Arc<[String]>,
    /// The caller's label.
    pub tag: String,
    /// The task's own: at first what came along with its call. What is changed in it flows back.
    pub context: Context,
    /// The worker that runs it.
    pub worker_uid: Uuid,
    /// When its budget of time is used up, by this machine's clock.
    pub deadline: Option<Instant>,
    /// The names that the certificate of its caller holds, DNS names and URIs; none without TLS.
    pub peer: Arc<[String]>,
}

impl TaskInfo {
    /// What is left of the budget of time; `None` = there is no deadline.
    pub fn remaining(&self) -> Option<Duration> {
        self.deadline
            .map(|deadline| deadline.saturating_duration_since(Instant::now()))
    }
}

/// What a routine answers, on its way to the session.
pub(crate) enum TaskAnswer {
    Item(Payload),
    Result(Payload),
    End,
    Fault(Box<Fault>),
}

/// Shared by the session, the routine and everybody who asks about the task.
pub(crate) struct TaskState {
    back: WayBack,
    info: TaskInfo,
    worker: Arc<WorkerShared>,
    /// The largest payload the caller accepts, bytes.
    max_payload: u64,
    cancelled: AtomicBool,
    /// While somebody listens.
    teller: Option<Box<TaskTeller>>,
    /// Taken before `inner`, where both are.
    children: Mutex<Children>,
    inner: Mutex<Inner>,
}

/// Where a task's answers go, and where it came from.
pub(crate) struct WayBack {
    /// Of the call, on its session.
    pub(crate) number: u64,
    pub(crate) session: mpsc::UnboundedSender<WorkerCommand>,
    /// The description of the caller's pool.
    pub(crate) pool: Option<Bytes>,
    /// Up to where the caller knows of the context.
    pub(crate) seen: Seen,
}

struct Inner {
    call: WorkerCall,
    arguments: Option<Payload>,
    place: Option<Place>,
    steps: StepClock,
    /// Up to where the caller knows of the context.
    seen: Seen,
}

/// Watches how long the step under way takes.
pub(crate) struct StepClock {
    /// The budget of each step.
    timeout: Option<Duration>,
    since: Option<Instant>,
}

impl StepClock {
    pub(crate) fn new(timeout: Option<Duration>) -> StepClock {
        StepClock {
            timeout,
            since: None,
        }
    }
}

impl TaskState {
    pub(crate) fn new(
        back: WayBack,
        info: TaskInfo,
        max_payload: u64,
        call: WorkerCall,
        place: Place,
        steps: StepClock,
    ) -> Arc<TaskState> {
        let seen = back.seen;
        let teller = TaskTeller::new(place.worker().runtime(), &info);
        Arc::new(TaskState {
            teller,
            back,
            info,
            worker: Arc::clone(place.worker()),
            max_payload,
            cancelled: AtomicBool::new(false),
            children: Mutex::default(),
            inner: Mutex::new(Inner {
                seen,
                call,
                arguments: None,
                place: Some(place),
                steps,
            }),
        })
    }

    pub(crate) fn info(&self) -> &TaskInfo {
        &self.info
    }

    /// The step that begins now, if one does.
    fn begin_step(&self, inner: &mut Inner, step: Option<Step>) -> Option<Step> {
        if inner.steps.timeout.is_some() && step.is_some() {
            inner.steps.since = inner.call.owes_item().then(Instant::now);
        }
        if let (Some(teller), Some(step)) = (&self.teller, &step) {
            teller.step(step);
        }
        step
    }

    /// The call is let in.
    pub(crate) fn scheduled(&self) {
        if let Some(teller) = &self.teller {
            teller.scheduled();
        }
    }

    /// It is to be stopped for this reason.
    pub(crate) fn stop_for(&self, why: ErrorKind) {
        if let Some(teller) = &self.teller {
            teller.stop(why);
        }
    }

    /// The arguments are complete.
    pub(crate) fn start(&self, arguments: Payload) -> Option<Step> {
        let mut inner = self.lock();
        inner.arguments = Some(arguments);
        let step = inner.call.start();
        self.begin_step(&mut inner, step)
    }

    pub(crate) fn credit(&self, items: u32) -> Option<Step> {
        let mut inner = self.lock();
        let step = inner.call.credit(items);
        self.begin_step(&mut inner, step)
    }

    /// # Errors
    /// The caller broke the protocol.
    pub(crate) fn resume(&self, step: Step) -> Result<Option<Step>, Refused> {
        let mut inner = self.lock();
        let step = inner.call.resume(step)?;
        Ok(self.begin_step(&mut inner, step))
    }

    pub(crate) fn close(&self) -> Option<Step> {
        let mut inner = self.lock();
        let step = inner.call.close();
        self.begin_step(&mut inner, step)
    }

    /// Whether the budget of the whole call is used up.
    pub(crate) fn is_late(&self) -> bool {
        self.info
            .deadline
            .is_some_and(|deadline| deadline <= Instant::now())
    }

    /// When the budget of the step under way is used up.
    pub(crate) fn step_deadline(&self) -> Option<Instant> {
        let steps = &self.lock().steps;
        steps.since?.checked_add(steps.timeout?)
    }

    /// What the caller has changed in the context since it last told. False: it is more than can be kept.
    pub(crate) fn merge(&self, changes: wire::Context) -> bool {
        self.info.context.merge(changes, &mut self.lock().seen)
    }

    /// True the first time. The calls that the task has made end with it.
    pub(crate) fn cancel(&self) -> bool {
        let first = !self.cancelled.swap(true, Ordering::AcqRel);
        let children = self.children().take();
        for child in children {
            child.leave(cancelled_with_task());
        }
        first
    }

    pub(crate) fn reserve_child(&self) -> u64 {
        self.children().reserve()
    }

    /// False: the task was stopped, and makes no more calls.
    pub(crate) fn add_child(&self, id: u64, flight: &Arc<Flight>) -> bool {
        self.children().insert(id, flight);
        // After it: a cancel sees the child, or is seen here.
        !self.cancelled.load(Ordering::Acquire)
    }

    pub(crate) fn remove_child(&self, id: u64) {
        self.children().remove(id);
    }

    /// The task waits for one more of its calls, or one less. Meanwhile it lends its place.
    pub(crate) fn wait_for_child(&self, waits: bool) {
        let mut children = self.children();
        if children.wait(waits)
            && let Some(place) = &mut self.lock().place
        {
            place.lend(waits);
            // A session that has ended needs no telling.
            let _ = self.back.session.send(WorkerCommand::Lent);
        }
    }

    fn children(&self) -> MutexGuard<'_, Children> {
        self.children.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// True: the routine never began and never will; the place is free.
    pub(crate) fn end_if_not_begun(&self, why: ErrorKind) -> bool {
        let mut inner = self.lock();
        let ended = inner.call.end_if_not_begun();
        if ended {
            inner.place = None;
            self.tell_completed(Err(why));
        }
        ended
    }

    pub(crate) fn is_over(&self) -> bool {
        self.lock().call.is_over()
    }

    fn tell_completed(&self, outcome: Result<(), ErrorKind>) {
        if let Some(teller) = &self.teller {
            teller.completed(outcome);
        }
    }

    /// Takes an answer. What is to be done next, if that is known, comes through the task's control.
    fn answer(&self, answer: Answer, message: TaskAnswer) -> Result<()> {
        self.answer_and(answer, message, |next| next)
    }

    /// As [`TaskState::answer`], but that the routine is given its next step here and now: the way over the session
    /// would cost it two wake-ups.
    fn answer_and_go_on(&self, answer: Answer, message: TaskAnswer) -> Result<Option<Step>> {
        let mut kept = None;
        self.answer_and(answer, message, |next| {
            kept = next;
            None
        })?;
        Ok(kept)
    }

    /// `told` is what of the next step goes by way of the session.
    fn answer_and(
        &self,
        answer: Answer,
        message: TaskAnswer,
        told: impl FnOnce(Option<Step>) -> Option<Step>,
    ) -> Result<()> {
        if let TaskAnswer::Item(payload) | TaskAnswer::Result(payload) = &message {
            payload.check_size(self.max_payload)?;
        }
        let mut inner = self.lock();
        let mut seen = inner.seen;
        let changes = match self.info.context.changes(&mut seen, true) {
            Ok(changes) => changes,
            // An error is told without them.
            Err(_) if answer == Answer::Fault => None,
            Err(error) => return Err(error),
        };
        let taken = inner.call.answer(answer).map_err(|why| {
            let message = format!("{} cannot answer this way: {why}", self.info.routine);
            Error::new(ErrorKind::InvalidArgument, message)
        })?;
        inner.steps.since = None;
        inner.seen = seen;
        let (message, step, refusal) = match taken {
            Taken::Answer(step) => {
                self.tell_answer(&message);
                (message, told(self.begin_step(&mut inner, step)), None)
            }
            Taken::IgnoredClose => {
                let why = format!(
                    "{} yielded an item after its stream was closed",
                    self.info.routine
                );
                let fault = Box::new(Fault {
                    type_name: STREAM_CLOSED.to_owned(),
                    ..Fault::of_kind(ErrorKind::TaskFailed, why.clone())
                });
                self.tell_completed(Err(ErrorKind::TaskFailed));
                (TaskAnswer::Fault(fault), None, Some(why))
            }
        };
        // Sent under the lock, so that answers reach the session in the order in which they were taken.
        // A session that has ended needs none.
        let place = inner.call.is_over().then(|| inner.place.take()).flatten();
        let _ = self.back.session.send(WorkerCommand::Answer {
            number: self.back.number,
            answer: message,
            context: changes.map(Box::new),
            step,
            place,
        });
        drop(inner);
        match refusal {
            Some(why) => Err(Error::new(ErrorKind::InvalidArgument, why)),
            None => Ok(()),
        }
    }

    fn tell_answer(&self, answer: &TaskAnswer) {
        if let Some(teller) = &self.teller {
            match answer {
                TaskAnswer::Item(_) => teller.item(),
                TaskAnswer::Result(_) | TaskAnswer::End => teller.completed(Ok(())),
                TaskAnswer::Fault(fault) => teller.completed(Err(fault.kind)),
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A task to be answered. Share it by `Arc`; when the last owner drops it unanswered, the task fails.
pub struct Task {
    state: Arc<TaskState>,
}

impl Task {
    pub(crate) fn new(state: Arc<TaskState>) -> Task {
        Task { state }
    }

    /// What the task is.
    pub fn info(&self) -> &TaskInfo {
        &self.state.info
    }

    /// The runtime that serves the routine.
    pub fn runtime(&self) -> &Runtime {
        self.state.worker.runtime()
    }

    /// The routine begins to run, for those who listen to task events. Of a stream that is known by itself.
    pub fn begin(&self) {
        if let Some(teller) = &self.state.teller {
            teller.started();
        }
    }

    /// The encoded arguments. They can be taken once; then there are none left.
    pub fn take_arguments(&self) -> Payload {
        self.state
            .lock()
            .arguments
            .take()
            .unwrap_or_else(|| Payload::new(Codec::Msgpack, Vec::new()))
    }

    /// Takes the arguments, decoded; errors in what is extracted from them name the routine.
    ///
    /// # Errors
    /// [`ErrorKind::Codec`] for what are no arguments.
    pub fn decode_arguments(&self) -> Result<Arguments> {
        let info = self.info();
        let arguments = self.take_arguments().to_arguments().map_err(|error| {
            let message = format!(
                "the arguments of {} cannot be decoded: {}",
                info.routine,
                error.message()
            );
            Error::new(error.kind(), message)
        })?;
        Ok(arguments.for_routine(Arc::clone(&info.routine), Arc::clone(&info.parameters)))
    }

    /// Answers a unary task.
    ///
    /// # Errors
    /// [`ErrorKind::PayloadTooLarge`] for what the caller does not accept (the task is still to be
    /// answered), [`ErrorKind::InvalidArgument`] when the task has ended or is a stream.
    pub fn result(&self, value: Payload) -> Result<()> {
        self.state.answer(Answer::Result, TaskAnswer::Result(value))
    }

    /// Answers any step but [`Step::Close`].
    ///
    /// # Errors
    /// As [`Task::result`]; also when no item was asked for. After [`Step::Close`] it fails the task, which is over then.
    pub fn item(&self, value: Payload) -> Result<()> {
        self.state.answer(Answer::Item, TaskAnswer::Item(value))
    }

    /// As [`Task::item`]; gives the next step, if the caller has asked for it already. It then does not come through
    /// the task's control.
    pub(crate) fn item_and_go_on(&self, value: Payload) -> Result<Option<Step>> {
        self.state
            .answer_and_go_on(Answer::Item, TaskAnswer::Item(value))
    }

    /// Ends a stream.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidArgument`] when the task has ended or is unary.
    pub fn end(&self) -> Result<()> {
        self.state.answer(Answer::End, TaskAnswer::End)
    }

    /// Fails the task.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidArgument`] when the task has ended.
    pub fn fail(&self, fault: Fault) -> Result<()> {
        self.state
            .answer(Answer::Fault, TaskAnswer::Fault(Box::new(fault)))
    }

    /// Whether the task should stop: its caller has left, its time is up, or the worker stops.
    pub fn is_cancelled(&self) -> bool {
        self.state.cancelled.load(Ordering::Acquire)
    }

    /// Whether it has been answered for good.
    pub fn is_over(&self) -> bool {
        self.state.is_over()
    }

    /// The part of the task that a routine may keep and clone.
    pub fn context(&self) -> TaskContext {
        TaskContext {
            state: Arc::clone(&self.state),
        }
    }
}

impl Drop for Task {
    fn drop(&mut self) {
        if self.state.is_over() {
            return;
        }
        let fault = if self.is_cancelled() {
            Fault::of_kind(ErrorKind::Cancelled, "the task was cancelled")
        } else {
            Fault::of_kind(
                ErrorKind::TaskFailed,
                format!(
                    "{} dropped its task without answering",
                    self.state.info.routine
                ),
            )
        };
        // Refused when it was answered this moment.
        let _ = self.fail(fault);
    }
}

/// What a running routine can ask about its task.
#[derive(Clone)]
pub struct TaskContext {
    state: Arc<TaskState>,
}

impl std::fmt::Debug for TaskContext {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("TaskContext")
            .field(&self.state.info)
            .finish()
    }
}

/// Why a call ends whose task was stopped.
pub(crate) fn cancelled_with_task() -> Error {
    let message = "the task that made the call was stopped";
    Error::new(ErrorKind::Cancelled, message)
}

impl TaskContext {
    /// What the task is.
    pub fn info(&self) -> &TaskInfo {
        &self.state.info
    }

    /// The pool of the task's caller, as this worker sees it; [`crate::call`] and [`crate::stream`] call by it. It is
    /// shared with other tasks: never close it. It is made at its first use, and kept for a while after its last.
    ///
    /// # Errors
    /// [`ErrorKind::Unsupported`] when the caller's pool cannot be used here and the worker has none of its own
    /// ([`crate::WorkerOptions::pool`]); [`ErrorKind::Discovery`], [`ErrorKind::Closed`].
    pub fn pool(&self) -> Result<WorkerPool> {
        let worker = &self.state.worker;
        let runtime = worker.runtime();
        let made = match &self.state.back.pool {
            Some(described) => runtime
                .callers_pools()
                .get(runtime, described, &worker.own()),
            None => Err(callers_pool::not_told()),
        };
        match (made, worker.own_pool()) {
            (Err(error), Some(own)) if error.kind() == ErrorKind::Unsupported => Ok(own.clone()),
            (made, _) => made,
        }
    }

    /// Waits for a future in a routine that is a plain function ([`crate::Routine::blocking`]). Another such routine may
    /// run on its thread's account meanwhile, so that routines which wait for each other do not wait for ever.
    ///
    /// ```
    /// # use wool::{Routine, Runtime};
    /// # fn main() -> wool::Result<()> {
    /// # let runtime = Runtime::new(Default::default())?;
    /// runtime.register(Routine::blocking("calc.twice", |task, arguments| {
    ///     let (x,): (i64,) = arguments.extract()?;
    ///     let sum = task.wait(async { wool::call("calc.add", (x, x)).await })?;
    ///     Ok(sum)
    /// }))?;
    /// # runtime.close_blocking(None) }
    /// ```
    pub fn wait<F: Future>(&self, future: F) -> F::Output {
        threads::lend_thread(|| threads::block_on(self.scope(future)))
    }

    pub(crate) fn state(&self) -> &Arc<TaskState> {
        &self.state
    }

    /// Whether the task should stop. Async routines need not ask: their future is dropped. Code that
    /// computes for long should.
    pub fn is_cancelled(&self) -> bool {
        self.state.cancelled.load(Ordering::Acquire)
    }
}
