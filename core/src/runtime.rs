//! The runtime: the threads that everything runs on, the routines, and what has to be closed.
//!
//! Threads: `wool-io` drives all sessions; `wool-task` threads run Rust routines and callbacks, and exist
//! only once such a routine is registered; `wool-admit` threads run admission hooks that block; `wool-wait` threads do
//! what the system or a discovery of the host's own blocks for; `wool-close` lives while the runtime closes.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::future::Future;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::thread::JoinHandle;
use std::time::Duration;

use nix::sys::signal::{SigSet, Signal};
use once_cell::sync::OnceCell;
use tokio::runtime::{Builder, Handle};
use tokio::sync::oneshot;
use tokio::task::AbortHandle;

use crate::callers_pool::CallersPools;
use crate::error::{Error, ErrorKind, Result};
use crate::latch::Latch;
use crate::log::{Level, LogSink, Logger};
use crate::registry::Registry;
use crate::routine::Routine;
use crate::task::Task;
use crate::task_events::TaskEventHub;
use crate::tasks::{Abort, Asked, MakeWork, TaskThreads};
use crate::threads::{BlockingThreads, MOST_WAITING};

/// How a runtime is set up.
#[derive(Clone)]
pub struct RuntimeOptions {
    /// How many async Rust routines may compute at the same moment, and how many blocking ones
    /// ([`Routine::blocking`], a C host's callbacks) may run: each kind has so many threads of its own, so that
    /// neither holds up the other. 0 = one per core. How many tasks a worker takes is another matter:
    /// [`crate::WorkerOptions::concurrency`].
    pub routine_threads: usize,
    /// Where messages go; `None` = nowhere.
    pub log: Option<LogSink>,
    /// The most detailed messages wanted.
    pub log_level: Level,
    /// The language of the host, told to peers.
    pub language: String,
}

impl Default for RuntimeOptions {
    fn default() -> RuntimeOptions {
        RuntimeOptions {
            routine_threads: 0,
            log: None,
            log_level: Level::Info,
            language: "rust".to_owned(),
        }
    }
}

/// Owns the threads and the registry. Clones share one runtime; the workers and pools made with it keep
/// it too. When the last of them is dropped, it closes in the background; [`Runtime::close_blocking`]
/// also waits for that.
#[derive(Clone)]
pub struct Runtime {
    /// What the host holds; absent in the runtime's own references. Dropped before `core`, which may be the last reference:
    /// it begins the close.
    _owner: Option<Arc<Owner>>,
    core: Arc<Core>,
}

struct Owner {
    core: Weak<Core>,
}

struct Core {
    registry: Registry,
    logger: Logger,
    language: String,
    routine_threads: usize,
    io: Handle,
    io_thread: Mutex<Option<IoThread>>,
    tasks: Mutex<Option<tokio::runtime::Runtime>>,
    task_threads: OnceCell<TaskThreads>,
    blocking_threads: OnceCell<BlockingThreads>,
    /// For admission hooks that block: of their own, so that they can say that all others are busy.
    admission: Mutex<Option<tokio::runtime::Runtime>>,
    admission_threads: OnceCell<Handle>,
    /// Those that tasks call by.
    callers_pools: CallersPools,
    task_events: TaskEventHub,
    members: Mutex<BTreeMap<u64, Weak<dyn Member>>>,
    next_member: AtomicU64,
    /// Tasks that occupy a place in any worker.
    running: AtomicUsize,
    closing: AtomicBool,
    closed: Latch,
}

/// Admission hooks that may block at once, each on a thread of its own.
const ADMISSION_THREADS: usize = 64;

struct IoThread {
    stop: oneshot::Sender<()>,
    thread: JoinHandle<()>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum MemberKind {
    Pool,
    Worker,
}

/// A worker or a pool: closed before its runtime.
pub(crate) trait Member: Send + Sync {
    fn kind(&self) -> MemberKind;
    /// Starts closing; never blocks.
    fn begin_close(&self);
    fn closed(&self) -> &Latch;
}

thread_local! {
    static WOOL_THREAD: Cell<bool> = const { Cell::new(false) };
}

impl Runtime {
    /// Starts a runtime.
    ///
    /// # Errors
    /// [`ErrorKind::Io`] when the system gives no thread or no descriptor.
    pub fn new(options: RuntimeOptions) -> Result<Runtime> {
        let io = Builder::new_current_thread()
            .enable_io()
            .enable_time()
            // Of those that it starts for what blocks.
            .thread_name("wool-wait")
            .on_thread_start(Runtime::mark_wool_thread)
            .build()
            .map_err(|error| no_threads(&error))?;
        let handle = io.handle().clone();
        let (stop, stopped) = oneshot::channel::<()>();
        let thread = std::thread::Builder::new()
            .name("wool-io".to_owned())
            .spawn(move || {
                Runtime::mark_wool_thread();
                // Ended by the sender's word or by its being dropped.
                let _ = io.block_on(stopped);
                io.shutdown_background();
            })
            .map_err(|error| no_threads(&error))?;
        let parallelism = || std::thread::available_parallelism().map_or(1, usize::from);
        let core = Arc::new(Core {
            registry: Registry::new(),
            logger: Logger::new(options.log, options.log_level),
            language: options.language,
            routine_threads: match options.routine_threads {
                0 => parallelism(),
                threads => threads,
            },
            io: handle,
            io_thread: Mutex::new(Some(IoThread { stop, thread })),
            tasks: Mutex::new(None),
            task_threads: OnceCell::new(),
            blocking_threads: OnceCell::new(),
            admission: Mutex::new(None),
            admission_threads: OnceCell::new(),
            callers_pools: CallersPools::default(),
            task_events: TaskEventHub::default(),
            members: Mutex::default(),
            next_member: AtomicU64::new(0),
            running: AtomicUsize::new(0),
            closing: AtomicBool::new(false),
            closed: Latch::default(),
        });
        let owner = Owner {
            core: Arc::downgrade(&core),
        };
        Ok(Runtime {
            core,
            _owner: Some(Arc::new(owner)),
        })
    }

    /// The process's own runtime, with default options: made at the first call, never closed by drop.
    ///
    /// # Errors
    /// As [`Runtime::new`]; the next call tries again.
    pub fn default_runtime() -> Result<Runtime> {
        static DEFAULT: OnceCell<Runtime> = OnceCell::new();
        DEFAULT
            .get_or_try_init(|| Runtime::new(RuntimeOptions::default()))
            .cloned()
    }

    /// Makes a routine callable through this runtime's workers. Those that serve already tell their callers,
    /// who may answer [`ErrorKind::RoutineNotFound`] until they have heard it: register before you serve.
    ///
    /// # Errors
    /// [`ErrorKind::AlreadyExists`], [`ErrorKind::InvalidArgument`] for a name that is none,
    /// [`ErrorKind::Closed`].
    pub fn register(&self, routine: Routine) -> Result<()> {
        self.check_open()?;
        Registry::check_name(&routine.name)?;
        routine.service.prepare(self)?;
        self.core.registry.register(routine)
    }

    /// Closes pools (pending calls end as [`ErrorKind::Closed`]) and workers (running tasks are
    /// cancelled), then the threads. Never blocks. `done` is called on one of wool's threads once all
    /// has ended; it must not block. Closing again waits for the same end.
    pub fn close(&self, done: impl FnOnce() + Send + 'static) {
        self.core.closed.on_open(done);
        begin_close(&self.core);
    }

    /// Closes as [`Runtime::close`] does and waits, for ever without a timeout.
    ///
    /// # Errors
    /// [`ErrorKind::Timeout`], with how many tasks still run: closing goes on, and can be waited for
    /// again. [`ErrorKind::InvalidArgument`] on one of wool's threads, which would wait for itself.
    pub fn close_blocking(&self, timeout: Option<Duration>) -> Result<()> {
        refuse_on_wool_thread("a runtime's close")?;
        begin_close(&self.core);
        if self.core.closed.wait(timeout) {
            return Ok(());
        }
        Err(self.timed_out("the runtime has not closed"))
    }

    /// Whether the current thread is one of wool's, on which waiting for wool would be a deadlock.
    pub fn on_wool_thread() -> bool {
        WOOL_THREAD.get()
    }

    /// Marks the current thread as one of wool's; for threads that call the host's code back.
    pub fn mark_wool_thread() {
        WOOL_THREAD.set(true);
        block_sigpipe();
    }

    /// Runs code that may block on one of the threads for routines.
    pub fn run_blocking(&self, job: impl FnOnce() + Send + 'static) {
        match self.core.blocking_threads.get() {
            Some(threads) => threads.run(Box::new(job)),
            // Not prepared: dropping the job fails its task.
            None => drop(job),
        }
    }

    /// Waits, where that is right. On a thread for routines another of them may run meanwhile: it may be the one that
    /// is waited for.
    pub fn lend_thread<T>(wait: impl FnOnce() -> T) -> T {
        crate::threads::lend_thread(wait)
    }

    /// Starts the threads for routines, which a runtime that only calls does not need.
    ///
    /// # Errors
    /// [`ErrorKind::Io`] when the system gives no threads.
    pub fn start_task_threads(&self) -> Result<()> {
        let threads = self.core.routine_threads;
        self.core
            .task_threads
            .get_or_try_init(|| -> Result<TaskThreads> {
                let tasks = Builder::new_multi_thread()
                    .worker_threads(threads)
                    .max_blocking_threads(threads.saturating_add(MOST_WAITING))
                    .thread_name("wool-task")
                    .on_thread_start(Runtime::mark_wool_thread)
                    .enable_time()
                    .build()
                    .map_err(|error| no_threads(&error))?;
                let handle = tasks.handle().clone();
                *lock(&self.core.tasks) = Some(tasks);
                let blocking = BlockingThreads::new(handle.clone(), threads);
                // Set once, here.
                let _ = self.core.blocking_threads.set(blocking);
                Ok(TaskThreads::new(handle, threads))
            })?;
        Ok(())
    }

    /// Runs an admission hook, which may block, on one of its threads.
    pub fn run_admission(&self, job: impl FnOnce() + Send + 'static) {
        match self.core.admission_threads.get() {
            // The join handle is not needed: the job answers its question.
            Some(threads) => drop(threads.spawn_blocking(job)),
            // Not prepared: dropping the job fails its question.
            None => drop(job),
        }
    }

    /// Starts what runs admission hooks that block. Its threads come with the questions, and go without them.
    ///
    /// # Errors
    /// [`ErrorKind::Io`] when the system gives no threads.
    pub fn start_admission_threads(&self) -> Result<()> {
        self.core
            .admission_threads
            .get_or_try_init(|| -> Result<Handle> {
                let threads = Builder::new_current_thread()
                    .max_blocking_threads(ADMISSION_THREADS)
                    .thread_name("wool-admit")
                    .on_thread_start(Runtime::mark_wool_thread)
                    .build()
                    .map_err(|error| no_threads(&error))?;
                let handle = threads.handle().clone();
                *lock(&self.core.admission) = Some(threads);
                Ok(handle)
            })?;
        Ok(())
    }

    /// Says something to the host's log.
    pub fn log(&self, level: Level, target: &str, message: &str) {
        self.core.logger.log(level, target, || message.to_owned());
    }

    /// The language of the host.
    pub fn language(&self) -> &str {
        &self.core.language
    }

    /// Queues a task for the task threads; it certainly begins after [`Runtime::launch_tasks`].
    pub(crate) fn push_task(&self, make: MakeWork, task: Task, asked: Asked) -> Abort {
        match self.core.task_threads.get() {
            Some(tasks) => tasks.push(make, task, asked),
            // Not prepared: dropping the task fails it.
            None => Abort::default(),
        }
    }

    /// Runs a future on the task threads that is no task.
    pub(crate) fn spawn_task(&self, future: impl Future<Output = ()> + Send + 'static) {
        match self.core.task_threads.get() {
            // The join handle is not needed: the future tells what comes of it.
            Some(tasks) => drop(tasks.handle().spawn(future)),
            None => drop(future),
        }
    }

    /// Wakes a task thread for what was pushed since the last time, if anything was.
    pub(crate) fn launch_tasks(&self) {
        if let Some(tasks) = self.core.task_threads.get() {
            tasks.launch();
        }
    }

    pub(crate) fn spawn_io(
        &self,
        future: impl Future<Output = ()> + Send + 'static,
    ) -> AbortHandle {
        self.core.io.spawn(future).abort_handle()
    }

    pub(crate) fn io(&self) -> &Handle {
        &self.core.io
    }

    /// Lets sockets be made on this thread.
    pub(crate) fn enter_io(&self) -> tokio::runtime::EnterGuard<'_> {
        self.core.io.enter()
    }

    pub(crate) fn task_events(&self) -> &TaskEventHub {
        &self.core.task_events
    }

    pub(crate) fn callers_pools(&self) -> &CallersPools {
        &self.core.callers_pools
    }

    pub(crate) fn registry(&self) -> &Registry {
        &self.core.registry
    }

    pub(crate) fn logger(&self) -> &Logger {
        &self.core.logger
    }

    pub(crate) fn running(&self) -> &AtomicUsize {
        &self.core.running
    }

    pub(crate) fn check_open(&self) -> Result<()> {
        if self.core.closing.load(Ordering::Acquire) {
            return Err(Error::new(ErrorKind::Closed, "the runtime is closed"));
        }
        Ok(())
    }

    /// A reference that does not keep the runtime from closing when the host has dropped its own.
    pub(crate) fn own_reference(&self) -> Runtime {
        Runtime {
            core: Arc::clone(&self.core),
            _owner: None,
        }
    }

    /// Adds something that is to be closed with the runtime.
    pub(crate) fn add_member(&self, member: Weak<dyn Member>) -> Result<u64> {
        let id = self.core.next_member.fetch_add(1, Ordering::Relaxed);
        let mut members = lock(&self.core.members);
        // Under the lock: closing takes the members after it has set its mark.
        self.check_open()?;
        members.insert(id, member);
        Ok(id)
    }

    pub(crate) fn remove_member(&self, id: u64) {
        lock(&self.core.members).remove(&id);
    }

    pub(crate) fn timed_out(&self, what: &str) -> Error {
        let running = self.core.running.load(Ordering::Acquire);
        Error::new(
            ErrorKind::Timeout,
            format!("{what} in the time given; {running} tasks still run"),
        )
    }
}

impl Drop for Owner {
    fn drop(&mut self) {
        if let Some(core) = self.core.upgrade() {
            begin_close(&core);
        }
    }
}

fn begin_close(core: &Arc<Core>) {
    if core.closing.swap(true, Ordering::AcqRel) {
        return;
    }
    let closing = Arc::clone(core);
    let spawned = std::thread::Builder::new()
        .name("wool-close".to_owned())
        .spawn(move || {
            Runtime::mark_wool_thread();
            close(&closing);
        });
    if let Err(error) = spawned {
        // Without a thread nobody can wait for the end; let go of everything.
        core.logger.log(Level::Error, "runtime", || {
            format!("cannot close in order: {error}")
        });
        for threads in [&core.tasks, &core.admission] {
            if let Some(threads) = lock(threads).take() {
                threads.shutdown_background();
            }
        }
        drop(lock(&core.io_thread).take());
        core.closed.open();
    }
}

/// The order matters: calls end before the workers that might serve them; tasks end while the I/O thread
/// still carries their answers; the I/O thread ends last.
fn close(core: &Core) {
    let members: Vec<_> = lock(&core.members)
        .values()
        .filter_map(Weak::upgrade)
        .collect();
    let (pools, workers): (Vec<_>, Vec<_>) = members
        .into_iter()
        .partition(|member| member.kind() == MemberKind::Pool);
    for members in [pools, workers] {
        for member in &members {
            member.begin_close();
        }
        for member in &members {
            member.closed().wait(None);
        }
    }
    // Waits for callbacks that still run on these threads.
    drop(lock(&core.tasks).take());
    drop(lock(&core.admission).take());
    if let Some(tasks) = core.task_threads.get() {
        tasks.clear();
    }
    if let Some(threads) = core.blocking_threads.get() {
        threads.clear();
    }
    core.callers_pools.clear();
    core.registry.clear();
    if let Some(io) = lock(&core.io_thread).take() {
        // It may have ended by itself only through a panic; join tells.
        let _ = io.stop.send(());
        if io.thread.join().is_err() {
            core.logger.log(Level::Error, "runtime", || {
                "the I/O thread panicked".to_owned()
            });
        }
    }
    core.closed.open();
}

/// A write to a peer that has gone raises SIGPIPE, which would end a host that does not ignore it. Blocked
/// on the threads that write, it is only an error of the write; the host's handlers are not touched.
fn block_sigpipe() {
    let mut signals = SigSet::empty();
    signals.add(Signal::SIGPIPE);
    // It fails only for a mask that is none.
    let _ = signals.thread_block();
}

pub(crate) fn refuse_on_wool_thread(what: &str) -> Result<()> {
    if Runtime::on_wool_thread() {
        return Err(Error::new(
            ErrorKind::InvalidArgument,
            format!("{what} was waited for on one of wool's threads, which would wait for itself"),
        ));
    }
    Ok(())
}

fn no_threads(error: &std::io::Error) -> Error {
    Error::new(
        ErrorKind::Io,
        format!("the runtime's threads cannot be started: {error}"),
    )
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_reference_may_be_dropped_in_async_code() {
        let runtime = Runtime::new(RuntimeOptions::default()).expect("it starts");
        runtime.start_task_threads().expect("they start");
        let core = Arc::downgrade(&runtime.core);
        let executor = Builder::new_current_thread().build().expect("it starts");
        executor.block_on(async move { drop(runtime) });
        // It closes in the background, and then nothing of it is left.
        while core.strong_count() > 0 {
            std::thread::yield_now();
        }
    }
}
