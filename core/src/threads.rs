//! The threads of routines that block: as many of them run at once as the host has said, not counting those that wait
//! for calls of their own.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::Thread;

use tokio::runtime::Handle;

/// What a routine does for a task.
type Job = Box<dyn FnOnce() + Send>;

/// Threads that wait for nested calls come on top of those that run. Beyond as many, routines wait for a thread.
pub(crate) const MOST_WAITING: usize = 4096;

/// Where routines that block run.
#[derive(Clone)]
pub(crate) struct BlockingThreads {
    handle: Handle,
    state: Arc<Mutex<State>>,
}

struct State {
    jobs: VecDeque<Job>,
    /// Jobs that may begin now. Negative while more run than should, as some have come back from waiting.
    free: isize,
}

thread_local! {
    /// Those that the current thread belongs to.
    static OWN: RefCell<Option<BlockingThreads>> = const { RefCell::new(None) };
}

impl BlockingThreads {
    pub(crate) fn new(handle: Handle, threads: usize) -> BlockingThreads {
        let state = State {
            jobs: VecDeque::new(),
            free: isize::try_from(threads).unwrap_or(isize::MAX),
        };
        BlockingThreads {
            handle,
            state: Arc::new(Mutex::new(state)),
        }
    }

    /// Runs a job as soon as it may begin; in order.
    pub(crate) fn run(&self, job: Job) {
        self.lock().jobs.push_back(job);
        self.begin_next();
    }

    /// Drops what has not begun.
    pub(crate) fn clear(&self) {
        let jobs = std::mem::take(&mut self.lock().jobs);
        drop(jobs);
    }

    /// Begins the next job on a thread, if there is one that may.
    fn begin_next(&self) {
        let job = {
            let mut state = self.lock();
            if state.free <= 0 {
                return;
            }
            let Some(job) = state.jobs.pop_front() else {
                return;
            };
            state.free -= 1;
            job
        };
        let threads = self.clone();
        // The join handle is not needed: the job answers its task.
        drop(self.handle.spawn_blocking(move || threads.work(job)));
    }

    /// Runs jobs one after the other while it may.
    fn work(self, job: Job) {
        OWN.set(Some(self.clone()));
        let mut next = Some(job);
        while let Some(job) = next {
            job();
            next = self.after_one();
        }
        OWN.set(None);
    }

    /// What the thread of a job that is done does next.
    fn after_one(&self) -> Option<Job> {
        let mut state = self.lock();
        let job = (state.free >= 0).then(|| state.jobs.pop_front()).flatten();
        if job.is_none() {
            state.free += 1;
        }
        job
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Waits for wool. On the thread of a routine another routine may run meanwhile, which may be the one that is waited for;
/// afterwards this one goes on at once.
pub(crate) fn lend_thread<T>(wait: impl FnOnce() -> T) -> T {
    let Some(threads) = OWN.with_borrow(Option::clone) else {
        return wait();
    };
    threads.lock().free += 1;
    threads.begin_next();
    let waited = wait();
    threads.lock().free -= 1;
    waited
}

/// Waits on the current thread.
pub(crate) fn block_on<F: Future>(future: F) -> F::Output {
    let waker = Waker::from(Arc::new(Unpark(std::thread::current())));
    let mut cx = Context::from_waker(&waker);
    let mut future = std::pin::pin!(future);
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut cx) {
            return output;
        }
        std::thread::park();
    }
}

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    #[test]
    fn a_job_that_waits_lets_another_begin_and_goes_on_at_once() {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .build()
            .unwrap();
        let threads = BlockingThreads::new(runtime.handle().clone(), 1);
        let (tell, told) = mpsc::channel();
        let (go_on, may_go_on) = mpsc::channel();
        let (finish, may_finish) = mpsc::channel::<()>();
        let first = tell.clone();
        threads.run(Box::new(move || {
            lend_thread(|| may_go_on.recv().unwrap());
            first.send("first").unwrap();
        }));
        let second = tell.clone();
        threads.run(Box::new(move || {
            go_on.send(()).unwrap();
            // The first goes on although this one still runs.
            may_finish.recv().unwrap();
            second.send("second").unwrap();
        }));
        threads.run(Box::new(move || tell.send("third").unwrap()));
        assert_eq!(told.recv().unwrap(), "first");
        finish.send(()).unwrap();
        assert_eq!(told.recv().unwrap(), "second");
        assert_eq!(told.recv().unwrap(), "third");
    }

    #[test]
    fn jobs_that_have_not_begun_are_dropped() {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .build()
            .unwrap();
        let threads = BlockingThreads::new(runtime.handle().clone(), 1);
        let (finish, may_finish) = mpsc::channel::<()>();
        threads.run(Box::new(move || may_finish.recv().unwrap()));
        let (held, dropped) = mpsc::channel::<()>();
        threads.run(Box::new(move || drop(held)));
        threads.clear();
        assert!(dropped.recv().is_err());
        finish.send(()).unwrap();
    }
}
