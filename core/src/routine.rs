//! What a worker serves: named routines, and how they are run.

use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Poll;

use tokio::sync::mpsc;
use wool_values::{Arguments, IntoValue, Value};

use crate::ambient::Ambient;
use crate::error::{Error, ErrorKind, Fault};
use crate::payload::Payload;
use crate::runtime::Runtime;
pub use crate::state::call::Step;
use crate::task::{Task, TaskContext};
use crate::tasks::{self, Abort, Asked, MakeWork, Work};
use crate::wire;

/// Whether a routine answers once or with a stream of items.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RoutineKind {
    /// An async function.
    Unary = 1,
    /// An async generator.
    Stream = 2,
}

impl RoutineKind {
    pub(crate) fn to_wire(self) -> i32 {
        match self {
            RoutineKind::Unary => wire::RoutineKind::Unary as i32,
            RoutineKind::Stream => wire::RoutineKind::Stream as i32,
        }
    }

    pub(crate) fn from_wire(kind: i32) -> Option<RoutineKind> {
        match wire::RoutineKind::try_from(kind) {
            Ok(wire::RoutineKind::Unary) => Some(RoutineKind::Unary),
            Ok(wire::RoutineKind::Stream) => Some(RoutineKind::Stream),
            _ => None,
        }
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            RoutineKind::Unary => "unary",
            RoutineKind::Stream => "stream",
        }
    }
}

/// Runs tasks of a routine: the seam under every language's way to write one.
pub trait Service: Send + Sync + 'static {
    /// Called once, at registration, e.g. to start the threads that it needs.
    ///
    /// # Errors
    /// Fails the registration.
    fn prepare(&self, runtime: &Runtime) -> Result<(), Error> {
        let _ = runtime;
        Ok(())
    }

    /// The same on the I/O thread; `None` where that cannot be.
    fn on_io_thread(&self) -> Option<Arc<dyn Service>> {
        None
    }

    /// Takes a task over. Called on the I/O thread: hand it to where it runs, never run it here unless the host has said so.
    /// Whatever happens, the task is answered once; dropping it unanswered fails it.
    fn start(&self, task: Task) -> Box<dyn TaskControl>;
}

/// How a running task hears from its caller. Called on the I/O thread; must not block.
pub trait TaskControl: Send {
    /// Streams only. One step at a time: the next comes after the answer to the one before.
    fn step(&mut self, step: Step);
    /// The caller has left or the worker stops: end soon, and answer. At most once.
    fn cancel(&mut self);
}

/// A named routine.
#[derive(Clone)]
pub struct Routine {
    /// Dotted, e.g. `"calc.add"`. The name is the contract between languages.
    pub name: Arc<str>,
    /// Unary or stream.
    pub kind: RoutineKind,
    /// Names of the positional parameters, by which callers may pass them, and for people who list
    /// routines.
    pub parameters: Arc<[String]>,
    /// What it does, for people who list routines.
    pub doc: String,
    /// How it is run.
    pub service: Arc<dyn Service>,
}

impl Routine {
    /// A routine with its own way to run.
    pub fn with_service(
        name: impl Into<Arc<str>>,
        kind: RoutineKind,
        service: impl Service,
    ) -> Routine {
        Routine {
            name: name.into(),
            kind,
            parameters: Arc::from([]),
            doc: String::new(),
            service: Arc::new(service),
        }
    }

    /// An async function. It runs on the runtime's task threads, or [on the I/O thread](Routine::on_io_thread); a cancel
    /// drops its future. A panic fails the task, nothing else.
    ///
    /// ```
    /// # use wool::{Routine, Runtime};
    /// # fn main() -> wool::Result<()> {
    /// # let runtime = Runtime::new(Default::default())?;
    /// runtime.register(Routine::unary("calc.add", |_task, arguments| async move {
    ///     let (a, b): (i64, i64) = arguments.extract()?;
    ///     Ok(a + b)
    /// }))?;
    /// # runtime.close_blocking(None) }
    /// ```
    pub fn unary<F, R, V>(name: impl Into<Arc<str>>, function: F) -> Routine
    where
        F: Fn(TaskContext, Arguments) -> R + Send + Sync + 'static,
        R: Future<Output = Result<V, Fault>> + Send + 'static,
        V: IntoValue,
    {
        let function = Arc::new(function);
        let make: MakeWork = Arc::new(move |task, _| unary_work(Arc::clone(&function), task));
        let streams = false;
        Routine::with_service(name, RoutineKind::Unary, Async::new(make, streams))
    }

    /// An async generator: the function yields items through its third argument. It begins at the
    /// caller's first `next` and runs only as far as items are asked for; when the caller closes the
    /// stream, [`Yielder::yield_`] returns an error at the yield point, and what `?` unwinds is the
    /// clean-up.
    ///
    /// ```
    /// # use wool::{Routine, Runtime};
    /// # fn main() -> wool::Result<()> {
    /// # let runtime = Runtime::new(Default::default())?;
    /// runtime.register(Routine::stream("calc.count", |_task, arguments, mut out| async move {
    ///     let (n,): (i64,) = arguments.extract()?;
    ///     for i in 0..n {
    ///         out.yield_(i).await?;
    ///     }
    ///     Ok(())
    /// }))?;
    /// # runtime.close_blocking(None) }
    /// ```
    pub fn stream<F, R>(name: impl Into<Arc<str>>, function: F) -> Routine
    where
        F: Fn(TaskContext, Arguments, Yielder) -> R + Send + Sync + 'static,
        R: Future<Output = Result<(), Fault>> + Send + 'static,
    {
        let function = Arc::new(function);
        let make: MakeWork =
            Arc::new(move |task, asked| generator_work(Arc::clone(&function), task, asked));
        let streams = true;
        Routine::with_service(name, RoutineKind::Stream, Async::new(make, streams))
    }

    /// Adds the names of the positional parameters. Callers may then pass them by name, and errors in
    /// what [`Arguments::extract`] finds tell them.
    ///
    /// ```
    /// # use wool::{Routine, Runtime};
    /// # fn main() -> wool::Result<()> {
    /// # let runtime = Runtime::new(Default::default())?;
    /// let scaled = Routine::unary("calc.scaled", |_task, arguments| async move {
    ///     let (a, b, scale): (i64, i64, Option<i64>) = arguments.extract()?;
    ///     Ok((a + b) * scale.unwrap_or(1))
    /// });
    /// runtime.register(scaled.parameters(["a", "b", "scale"]))?;
    /// // pool.call("calc.scaled", wool::args![1, 2; scale = 10])
    /// # runtime.close_blocking(None) }
    /// ```
    pub fn parameters<I: IntoIterator<Item = S>, S: Into<String>>(mut self, names: I) -> Routine {
        self.parameters = names.into_iter().map(Into::into).collect();
        self
    }

    /// Adds a description.
    pub fn doc(mut self, doc: impl Into<String>) -> Routine {
        self.doc = doc.into();
        self
    }
}

/// A routine that is an async function or an async generator.
struct Async {
    make: MakeWork,
    streams: bool,
    on_io_thread: bool,
}

impl Async {
    fn new(make: MakeWork, streams: bool) -> Async {
        Async {
            make,
            streams,
            on_io_thread: false,
        }
    }
}

impl Service for Async {
    fn prepare(&self, runtime: &Runtime) -> Result<(), Error> {
        if self.on_io_thread {
            return Ok(());
        }
        runtime.start_task_threads()
    }

    fn on_io_thread(&self) -> Option<Arc<dyn Service>> {
        Some(Arc::new(Async {
            make: Arc::clone(&self.make),
            on_io_thread: true,
            ..*self
        }))
    }

    fn start(&self, task: Task) -> Box<dyn TaskControl> {
        let (steps, asked) = if self.streams {
            let (steps, asked) = mpsc::unbounded_channel();
            (Some(steps), Some(asked))
        } else {
            (None, None)
        };
        let make = Arc::clone(&self.make);
        let abort = if self.on_io_thread {
            tasks::begin_here(make, task, asked)
        } else {
            let runtime = task.runtime().clone();
            runtime.push_task(make, task, asked)
        };
        Box::new(Spawned { abort, steps })
    }
}

fn unary_work<F, R, V>(function: Arc<F>, task: Task) -> Work
where
    F: Fn(TaskContext, Arguments) -> R + Send + Sync + 'static,
    R: Future<Output = Result<V, Fault>> + Send + 'static,
    V: IntoValue,
{
    Box::pin(async move {
        task.begin();
        let arguments = match task.decode_arguments() {
            Ok(arguments) => arguments,
            Err(error) => return fail(&task, Fault::of_kind(error.kind(), error.message())),
        };
        // The first poll of the function's own body happens inside, so that its panics are caught.
        let context = task.context();
        let ambient = Ambient::of_task(&context);
        let body = async move { function(context, arguments).await };
        match ambient.around(caught(body)).await {
            Ok(Ok(value)) => match Payload::value(&value.into_value()) {
                Ok(payload) => {
                    if let Err(error) = task.result(payload) {
                        fail(&task, Fault::of_kind(error.kind(), error.message()));
                    }
                }
                Err(error) => fail(&task, unencodable(&task, error)),
            },
            Ok(Err(fault)) => fail(&task, fault),
            Err(panic) => fail(&task, panic),
        }
    })
}

fn generator_work<F, R>(function: Arc<F>, task: Task, asked: Asked) -> Work
where
    F: Fn(TaskContext, Arguments, Yielder) -> R + Send + Sync + 'static,
    R: Future<Output = Result<(), Fault>> + Send + 'static,
{
    Box::pin(async move {
        let arguments = match task.decode_arguments() {
            Ok(arguments) => arguments,
            Err(error) => return fail(&task, Fault::of_kind(error.kind(), error.message())),
        };
        // Always there: streams are asked. Without it, the dropped task fails.
        let Some(mut asked) = asked else {
            return;
        };
        let task = Arc::new(task);
        // Closed before it began: it never begins.
        if !matches!(asked.recv().await, Some(Step::Next)) {
            let _ = task.end();
            return;
        }
        let context = task.context();
        let closed = Arc::new(AtomicBool::new(false));
        let yielder = Yielder {
            task: Arc::clone(&task),
            asked,
            closed: Arc::clone(&closed),
        };
        let ambient = Ambient::of_task(&context);
        let body = async move { function(context, arguments, yielder).await };
        match ambient.around(caught(body)).await {
            Ok(Ok(())) => {
                let _ = task.end();
            }
            // What the clean-up of a closed stream unwinds with is its ordinary end.
            Ok(Err(fault))
                if fault.type_name == STREAM_CLOSED && closed.load(Ordering::Relaxed) =>
            {
                let _ = task.end();
            }
            Ok(Err(fault)) => fail(&task, fault),
            Err(panic) => fail(&task, panic),
        }
    })
}

/// Hands a generator's items to its caller.
pub struct Yielder {
    task: Arc<Task>,
    asked: mpsc::UnboundedReceiver<Step>,
    /// Also seen by who runs the routine.
    closed: Arc<AtomicBool>,
}

/// The caller has closed the stream: clean up and return, usually by `?`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StreamClosed;

/// The type name of the fault that unwinds a closed stream, and of the one that a stream fails with which yields on.
pub(crate) const STREAM_CLOSED: &str = "StreamClosed";

impl std::fmt::Display for StreamClosed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the caller has closed the stream")
    }
}

impl std::error::Error for StreamClosed {}

impl Yielder {
    /// Hands an item over and waits until the caller goes on: gives the value that it sends, null where it only asks
    /// for the next item.
    ///
    /// ```
    /// # use wool::{Routine, Runtime};
    /// # fn main() -> wool::Result<()> {
    /// # let runtime = Runtime::new(Default::default())?;
    /// runtime.register(Routine::stream("calc.sum", |_task, _arguments, mut out| async move {
    ///     let mut sum = 0;
    ///     loop {
    ///         let sent = out.yield_(sum).await?;
    ///         sum += sent.as_i64().unwrap_or(0);
    ///     }
    /// }))?;
    /// # runtime.close_blocking(None) }
    /// ```
    ///
    /// # Errors
    /// A fault, to be passed on with `?` or looked at: what the caller threw; that the stream was closed
    /// ([`Yielder::is_closed`]), after which another item fails the task; that a value cannot be encoded or decoded.
    pub async fn yield_(&mut self, value: impl IntoValue) -> Result<Value, Fault> {
        let payload =
            Payload::value(&value.into_value()).map_err(|error| unencodable(&self.task, error))?;
        let step = match self.task.item_and_go_on(payload) {
            Ok(Some(step)) => {
                // So that a stream that is far ahead still lets others run, and hears of a cancel.
                tokio::task::coop::consume_budget().await;
                Some(step)
            }
            Ok(None) => self.asked.recv().await,
            Err(_) if self.is_closed() => return Err(StreamClosed.into()),
            Err(error) => return Err(Fault::of_kind(error.kind(), error.message())),
        };
        match step {
            Some(Step::Next) => Ok(Value::Null),
            Some(Step::Send(value)) => value
                .to_value()
                .map_err(|error| Fault::of_kind(error.kind(), error.message())),
            Some(Step::Throw(fault)) => Err(*fault),
            Some(Step::Close) | None => {
                self.closed.store(true, Ordering::Relaxed);
                Err(StreamClosed.into())
            }
        }
    }

    /// Whether the caller has closed the stream.
    pub fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Relaxed)
    }
}

/// Work on the runtime's task threads. Dropping that drops the task, which answers it.
struct Spawned {
    abort: Abort,
    steps: Option<mpsc::UnboundedSender<Step>>,
}

impl TaskControl for Spawned {
    fn step(&mut self, step: Step) {
        if let Some(steps) = &self.steps {
            // The task may have ended meanwhile.
            let _ = steps.send(step);
        }
    }

    fn cancel(&mut self) {
        self.abort.abort();
    }
}

pub(crate) fn fail(task: &Task, fault: Fault) {
    // The task may have been answered by a cancel; nobody waits for this answer then.
    let _ = task.fail(fault);
}

/// With an error of the library's own.
pub(crate) fn fail_with(task: &Task, error: &Error) {
    fail(task, Fault::of_kind(error.kind(), error.message()));
}

pub(crate) fn unencodable(task: &Task, error: Error) -> Fault {
    Fault::of_kind(
        error.kind(),
        format!(
            "what {} answered cannot be encoded: {}",
            task.info().routine,
            error.message()
        ),
    )
}

/// Runs a future; a panic in it becomes a fault.
pub(crate) async fn caught<T>(future: impl Future<Output = T>) -> Result<T, Fault> {
    let mut future = std::pin::pin!(future);
    std::future::poll_fn(|cx| {
        // Unwind safe: after a panic the future is dropped and never looked at again.
        match std::panic::catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(cx))) {
            Ok(poll) => poll.map(Ok),
            Err(panic) => Poll::Ready(Err(panic_fault(&*panic))),
        }
    })
    .await
}

pub(crate) fn panic_fault(panic: &(dyn std::any::Any + Send)) -> Fault {
    Fault {
        type_name: "panic".to_owned(),
        language: "rust".to_owned(),
        ..Fault::of_kind(ErrorKind::Panic, panic_text(panic))
    }
}

pub(crate) fn panic_text(panic: &(dyn std::any::Any + Send)) -> String {
    panic
        .downcast_ref::<&str>()
        .map(|text| (*text).to_owned())
        .or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "a panic with a payload that is no text".to_owned())
}
