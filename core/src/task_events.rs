//! What happens to tasks, told to who listens: for logs, measurements and displays. Nothing is paid while nobody does.
//!
//! A call, and a task, is told of from its beginning to its end or not at all, by who listened when it began.

use std::fmt;
use std::panic::AssertUnwindSafe;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock, Weak};
use std::time::SystemTime;

use tokio::sync::{Semaphore, mpsc};

use crate::error::{Error, ErrorKind, Result};
use crate::ids::Uuid;
use crate::log::Level;
use crate::runtime::Runtime;

mod telling;

pub(crate) use telling::{CallTeller, TaskTeller};

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TaskEventKind {
    /// The caller made the call.
    Created = 1,
    /// The caller gave it to a worker's session - again, if it is offered elsewhere; the worker took it.
    Scheduled = 2,
    /// The routine began to run.
    Started = 3,
    /// The routine has stopped.
    Stopped = 4,
    /// The caller knows the outcome; the worker has given its last answer.
    Completed = 5,
    /// The caller asked a generator for a step.
    IterationInitiated = 6,
    /// The routine was resumed for it.
    IterationStarted = 7,
    /// The routine yielded the item; the item came.
    IterationCompleted = 8,
}

impl TaskEventKind {
    /// The name in every language, e.g. `"task-created"`.
    pub fn name(self) -> &'static str {
        match self {
            TaskEventKind::Created => "task-created",
            TaskEventKind::Scheduled => "task-scheduled",
            TaskEventKind::Started => "task-started",
            TaskEventKind::Stopped => "task-stopped",
            TaskEventKind::Completed => "task-completed",
            TaskEventKind::IterationInitiated => "task-iteration-initiated",
            TaskEventKind::IterationStarted => "task-iteration-started",
            TaskEventKind::IterationCompleted => "task-iteration-completed",
        }
    }
}

/// Where it happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TaskSide {
    /// At a pool that makes the call.
    Caller = 1,
    /// At a worker that runs the task.
    Worker = 2,
}

impl TaskSide {
    /// The name in every language: `"caller"` or `"worker"`.
    pub fn name(self) -> &'static str {
        match self {
            TaskSide::Caller => "caller",
            TaskSide::Worker => "worker",
        }
    }
}

/// The step of a generator that an iteration is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Iteration {
    /// The next item.
    Next = 1,
    /// It, with a value for the yield.
    Send = 2,
    /// It, with an error at the yield.
    Throw = 3,
}

impl Iteration {
    /// The name in every language: `"next"`, `"send"` or `"throw"`.
    pub fn name(self) -> &'static str {
        match self {
            Iteration::Next => "next",
            Iteration::Send => "send",
            Iteration::Throw => "throw",
        }
    }
}

/// Something that happened to a task.
#[derive(Clone, Debug)]
pub struct TaskEvent {
    /// What.
    pub kind: TaskEventKind,
    /// Where.
    pub side: TaskSide,
    /// When, by this machine's clock.
    pub timestamp: SystemTime,
    /// The task.
    pub id: Uuid,
    /// The task that called it, if one did.
    pub caller: Option<Uuid>,
    /// The worker; `None` while the caller has given it to none.
    pub worker: Option<Uuid>,
    /// What it runs.
    pub routine: Arc<str>,
    /// Of an iteration, its step.
    pub iteration: Option<Iteration>,
    /// Of [`TaskEventKind::Completed`], how.
    pub outcome: Option<Result<(), ErrorKind>>,
}

/// Takes events on the thread on which they happen. Must not block, and not stop listening.
pub trait TaskEventSink: Send + Sync {
    /// Something happened.
    fn event(&self, event: &TaskEvent);
}

/// Who listens to a runtime's tasks.
#[derive(Default)]
pub(crate) struct TaskEventHub {
    is_heard: AtomicBool,
    sinks: RwLock<Vec<(u64, Arc<dyn TaskEventSink>)>>,
    last: AtomicU64,
}

impl TaskEventHub {
    pub(crate) fn is_heard(&self) -> bool {
        self.is_heard.load(Ordering::Relaxed)
    }

    fn add(&self, sink: Arc<dyn TaskEventSink>) -> u64 {
        let id = self.last.fetch_add(1, Ordering::Relaxed);
        let mut sinks = self.sinks.write().unwrap_or_else(PoisonError::into_inner);
        sinks.push((id, sink));
        self.is_heard.store(true, Ordering::Relaxed);
        id
    }

    fn remove(&self, id: u64) {
        let mut sinks = self.sinks.write().unwrap_or_else(PoisonError::into_inner);
        let gone = sinks
            .iter()
            .position(|(other, _)| *other == id)
            .map(|index| sinks.swap_remove(index));
        self.is_heard.store(!sinks.is_empty(), Ordering::Relaxed);
        drop(sinks);
        // What it holds may be the host's.
        drop(gone);
    }

    fn tell(&self, event: &TaskEvent) {
        let sinks = self.sinks.read().unwrap_or_else(PoisonError::into_inner);
        for (_, sink) in &*sinks {
            sink.event(event);
        }
    }
}

/// Listens until it is dropped.
#[must_use = "it listens until it is dropped"]
pub struct TaskEvents {
    runtime: Runtime,
    id: u64,
    queue: Option<Arc<Queue>>,
}

/// What waits for a handler.
struct Queue {
    events: mpsc::Sender<TaskEvent>,
    missed: AtomicU64,
    stopped: AtomicBool,
}

impl TaskEventSink for Queue {
    fn event(&self, event: &TaskEvent) {
        if self.events.try_send(event.clone()).is_err() {
            self.missed.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// As many events wait for a handler that takes its time.
pub const DEFAULT_TASK_EVENTS: usize = 4096;

impl Runtime {
    /// Calls a handler with what happens to the tasks that this runtime's pools call and its workers run, from now on, in
    /// order, on a thread `wool-event` of its own. It may block: `capacity` events wait for it (0 = 4,096), further ones
    /// are missed, and counted.
    ///
    /// ```
    /// # fn main() -> wool::Result<()> {
    /// # let runtime = wool::Runtime::new(Default::default())?;
    /// let events = runtime.on_task_event(0, |event| {
    ///     println!("{} {} {}", event.side.name(), event.kind.name(), event.routine);
    /// })?;
    /// assert_eq!(events.missed(), 0);
    /// # runtime.close_blocking(None) }
    /// ```
    ///
    /// # Errors
    /// [`ErrorKind::Io`] when the system gives no thread; [`ErrorKind::Closed`].
    pub fn on_task_event(
        &self,
        capacity: usize,
        handler: impl Fn(&TaskEvent) + Send + 'static,
    ) -> Result<TaskEvents> {
        let capacity = match capacity {
            0 => DEFAULT_TASK_EVENTS,
            most => most.min(Semaphore::MAX_PERMITS),
        };
        let (events, mut received) = mpsc::channel(capacity);
        let queue = Arc::new(Queue {
            events,
            missed: AtomicU64::new(0),
            stopped: AtomicBool::new(false),
        });
        let told = Arc::downgrade(&queue);
        let logger = self.own_reference();
        std::thread::Builder::new()
            .name("wool-event".to_owned())
            .spawn(move || {
                Runtime::mark_wool_thread();
                while let Some(event) = received.blocking_recv() {
                    if is_stopped(&told) {
                        return;
                    }
                    // Unwind safe: what the handler keeps is its own affair, as in any thread.
                    let called = std::panic::catch_unwind(AssertUnwindSafe(|| handler(&event)));
                    if called.is_err() {
                        logger.log(Level::Error, "events", "a handler of task events panicked");
                    }
                }
            })
            .map_err(|error| {
                Error::new(
                    ErrorKind::Io,
                    format!("there is no thread for task events: {error}"),
                )
            })?;
        let mut listening = self.tell_task_events(Arc::clone(&queue) as Arc<dyn TaskEventSink>)?;
        listening.queue = Some(queue);
        Ok(listening)
    }

    /// As [`Runtime::on_task_event`], on the threads on which it happens.
    ///
    /// # Errors
    /// [`ErrorKind::Closed`].
    pub fn tell_task_events(&self, sink: Arc<dyn TaskEventSink>) -> Result<TaskEvents> {
        self.check_open()?;
        Ok(TaskEvents {
            id: self.task_events().add(sink),
            runtime: self.own_reference(),
            queue: None,
        })
    }
}

fn is_stopped(queue: &Weak<Queue>) -> bool {
    queue
        .upgrade()
        .is_none_or(|queue| queue.stopped.load(Ordering::Acquire))
}

impl TaskEvents {
    /// Events that the handler was too slow for.
    pub fn missed(&self) -> u64 {
        let missed = |queue: &Arc<Queue>| queue.missed.load(Ordering::Relaxed);
        self.queue.as_ref().map_or(0, missed)
    }
}

impl Drop for TaskEvents {
    fn drop(&mut self) {
        if let Some(queue) = &self.queue {
            queue.stopped.store(true, Ordering::Release);
        }
        self.runtime.task_events().remove(self.id);
    }
}

impl fmt::Debug for TaskEvents {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TaskEvents")
            .field("missed", &self.missed())
            .finish()
    }
}
