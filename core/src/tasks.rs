//! How the futures of Rust routines get to the task threads.
//!
//! Waking a thread costs more than most routines run. So it is done once for all calls that came together:
//! [`TaskThreads::push`] only queues, [`TaskThreads::launch`] wakes. A *runner*, woken, takes one future
//! after another and gives it its first poll on the spot, which is the only one that most need. A future
//! that has to wait becomes a tokio task of its own.

use std::collections::VecDeque;
use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use tokio::runtime::Handle;
use tokio::sync::mpsc;

use crate::routine::Step;
use crate::task::Task;

/// What a routine does for a task.
pub(crate) type Work = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Makes the work of a routine for one of its tasks; a stream's asks for items come through the receiver.
pub(crate) type MakeWork = Arc<dyn Fn(Task, Asked) -> Work + Send + Sync>;

/// `None` for a unary task.
pub(crate) type Asked = Option<mpsc::UnboundedReceiver<Step>>;

/// Work that has not begun.
struct Job {
    make: MakeWork,
    task: Task,
    asked: Asked,
    abort: Abort,
}

impl Job {
    fn new(make: MakeWork, task: Task, asked: Asked) -> (Job, Abort) {
        let abort = Abort::default();
        let job = Job {
            make,
            task,
            asked,
            abort: abort.clone(),
        };
        (job, abort)
    }
}

/// First polls a runner does before it lets others of its thread have their turn.
const POLLS_AT_ONCE: usize = 64;

/// The threads of a tokio runtime, and what waits for them.
pub(crate) struct TaskThreads {
    handle: Handle,
    queue: Arc<Queue>,
}

struct Queue {
    state: Mutex<State>,
    /// As many as there are threads, so that a first poll that computes for long holds up no other.
    most_runners: usize,
}

struct State {
    jobs: VecDeque<Job>,
    runners: usize,
}

impl TaskThreads {
    pub(crate) fn new(handle: Handle, threads: usize) -> TaskThreads {
        let state = State {
            jobs: VecDeque::new(),
            runners: 0,
        };
        TaskThreads {
            handle,
            queue: Arc::new(Queue {
                state: Mutex::new(state),
                most_runners: threads,
            }),
        }
    }

    pub(crate) fn handle(&self) -> &Handle {
        &self.handle
    }

    /// Queues a task. It may begin at once; that it begins is certain only after [`TaskThreads::launch`].
    pub(crate) fn push(&self, make: MakeWork, task: Task, asked: Asked) -> Abort {
        let (job, abort) = Job::new(make, task, asked);
        self.queue.lock().jobs.push_back(job);
        abort
    }

    /// Sees to it that a thread looks after what was pushed.
    pub(crate) fn launch(&self) {
        let mut state = self.queue.lock();
        // Also beside those that run: they may be in a poll that takes long.
        if !state.jobs.is_empty() && state.runners < self.queue.most_runners {
            state.runners += 1;
            drop(state);
            self.handle.spawn(run(Arc::clone(&self.queue)));
        }
    }

    /// Drops what has not begun. To be called when the threads have ended.
    pub(crate) fn clear(&self) {
        let jobs = std::mem::take(&mut self.queue.lock().jobs);
        drop(jobs);
    }
}

impl Queue {
    /// The next future, and whether a further runner is to look after those behind it; `None`: the runner ends.
    fn take(&self) -> Option<(Job, bool)> {
        let mut state = self.lock();
        let Some(job) = state.jobs.pop_front() else {
            state.runners -= 1;
            return None;
        };
        let another = !state.jobs.is_empty() && state.runners < self.most_runners;
        if another {
            state.runners += 1;
        }
        Some((job, another))
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A runner.
///
/// What is spawned from here stands in a slot of this thread that no other thread takes anything from, until the
/// runner's own poll is over. As the next first poll may compute for long, the runner then steps back itself: it
/// goes to the end of the thread's queue, which others do take from.
fn run(queue: Arc<Queue>) -> impl Future<Output = ()> + Send {
    // Boxed, as it spawns its like.
    let runner: Work = Box::pin(async move {
        loop {
            for _ in 0..POLLS_AT_ONCE {
                let Some((job, another)) = queue.take() else {
                    return;
                };
                if another {
                    tokio::spawn(run(Arc::clone(&queue)));
                    step_back().await;
                }
                let mut job = Some(job);
                let waits = std::future::poll_fn(|cx| {
                    Poll::Ready(job.take().is_some_and(|job| begin(job, cx)))
                });
                if waits.await {
                    step_back().await;
                }
            }
            step_back().await;
        }
    });
    runner
}

/// Lets others of this thread have their turn, and other threads take what steps back. Not `tokio::task::yield_now`, after
/// which a runner stays on its thread until that has nothing else to do: behind a task that computes it would hold up the job
/// in its hand.
async fn step_back() {
    let mut stepped_back = false;
    std::future::poll_fn(|cx| {
        if std::mem::replace(&mut stepped_back, true) {
            return Poll::Ready(());
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

/// Begins a task on the current thread, whose executor it stays on.
pub(crate) fn begin_here(make: MakeWork, task: Task, asked: Asked) -> Abort {
    let (job, abort) = Job::new(make, task, asked);
    // What has to wait has become a task of its own.
    begin(job, &mut Context::from_waker(Waker::noop()));
    abort
}

/// True: it has to wait, as a task of its own.
fn begin(job: Job, cx: &mut Context<'_>) -> bool {
    let Job {
        make,
        task,
        asked,
        abort,
    } = job;
    if abort.is_aborted() {
        return false;
    }
    // Unwind safe: after a panic the work is dropped and never looked at again.
    let polled = std::panic::catch_unwind(AssertUnwindSafe(move || {
        let mut work = make(task, asked);
        match work.as_mut().poll(cx) {
            Poll::Ready(()) => None,
            // The waker was the runner's; the task polls again at once and leaves its own.
            Poll::Pending => Some(work),
        }
    }));
    match polled {
        Ok(Some(work)) => {
            tokio::spawn(abort.watch(work));
            true
        }
        Ok(None) | Err(_) => false,
    }
}

/// Drops a future early, on the thread that runs it.
#[derive(Clone, Default)]
pub(crate) struct Abort {
    shared: Arc<Aborting>,
}

#[derive(Default)]
struct Aborting {
    aborted: AtomicBool,
    /// Of the future, while it waits.
    waker: Mutex<Option<Waker>>,
}

impl Abort {
    /// Harmless when the future is over.
    pub(crate) fn abort(&self) {
        self.shared.aborted.store(true, Ordering::Release);
        let waker = self.waker().take();
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    /// Ends when the future does or when it is aborted, and drops it then.
    async fn watch(self, mut work: Work) {
        std::future::poll_fn(|cx| {
            if self.is_aborted() {
                return Poll::Ready(());
            }
            let poll = work.as_mut().poll(cx);
            if poll.is_pending() {
                *self.waker() = Some(cx.waker().clone());
                // An abort before that found no waker.
                if self.is_aborted() {
                    return Poll::Ready(());
                }
            }
            poll
        })
        .await;
    }

    fn is_aborted(&self) -> bool {
        self.shared.aborted.load(Ordering::Acquire)
    }

    fn waker(&self) -> MutexGuard<'_, Option<Waker>> {
        let waker = &self.shared.waker;
        waker.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
