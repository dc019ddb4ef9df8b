//! Many calls of one routine, so many of them at once, and their outcomes in one place: what map and broadcast are made of.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use crate::call::{CallHandle, CallObserver, CallRequest, Outcome};
use crate::error::{Error, ErrorKind, Result};
use crate::payload::Payload;
use crate::pool::WorkerPool;

/// How many calls of a fan-out are under way at once when nothing else is said.
const IN_FLIGHT: usize = 64;

/// Calls of one routine with one pool, for hosts that encode by themselves; Rust programs use [`WorkerPool::map`] and
/// [`WorkerPool::broadcast`]. It keeps the pool open. Dropping it cancels what is under way.
pub struct FanOut {
    calls: Arc<Calls>,
}

/// What a wait for the next outcome finds.
#[derive(Debug)]
pub enum Next {
    /// How a call ended; `index` counts the inputs from 0.
    Outcome {
        /// Of the call's input.
        index: u64,
        /// How it ended.
        outcome: Outcome,
    },
    /// The outcomes of all inputs that were added have been taken.
    End,
    /// The time was up.
    Pending,
}

/// How far a fan-out has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// How many inputs there are; `None` while that is not known.
    pub total: Option<u64>,
    /// Inputs that were added.
    pub added: u64,
    /// Calls that have ended, well or not.
    pub done: u64,
    /// Of those, the calls that ended with an error.
    pub failed: u64,
}

/// Tells how far a [`Map`](crate::Map) has come, on any thread, as long as it is wanted. A clone tells the same.
#[derive(Clone, Debug, Default)]
pub struct MapProgress {
    counts: Arc<Mutex<Progress>>,
}

impl MapProgress {
    /// As of now.
    pub fn get(&self) -> Progress {
        *self.lock()
    }

    pub(crate) fn set_total(&self, total: u64) {
        self.lock().total = Some(total);
    }

    fn count(&self, count: impl FnOnce(&mut Progress)) {
        count(&mut self.lock());
    }

    fn lock(&self) -> MutexGuard<'_, Progress> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

struct Calls {
    pool: WorkerPool,
    /// What all calls have in common.
    request: CallRequest,
    in_flight: usize,
    ordered: bool,
    progress: MapProgress,
    state: Mutex<State>,
    /// A call has ended, for threads that wait.
    changed: Condvar,
}

#[derive(Default)]
struct State {
    waiting: VecDeque<Input>,
    /// Calls that were begun and have not ended: those whose handle is being made, too.
    running: usize,
    /// By the index of their input.
    handles: HashMap<u64, CallHandle>,
    /// With the index of their input, in the order in which they are to be taken: `taken` is the next one's key.
    ended: BTreeMap<u64, (u64, Outcome)>,
    added: u64,
    done: u64,
    taken: u64,
    /// A thread makes calls; no other needs to, nor this one within a call that ends at once.
    starting: bool,
    left: bool,
    waker: Option<Waker>,
}

struct Input {
    index: u64,
    arguments: Payload,
    /// The only one that gets it.
    worker: Option<Arc<str>>,
}

impl FanOut {
    /// `request`: what the calls have in common; its arguments are replaced. `in_flight`: how many are under way at
    /// once, 0 = 64. `ordered`: outcomes are taken in the order of their inputs, not as they come.
    pub fn new(pool: &WorkerPool, request: CallRequest, in_flight: usize, ordered: bool) -> FanOut {
        FanOut::told(pool, request, in_flight, ordered, MapProgress::default())
    }

    pub(crate) fn told(
        pool: &WorkerPool,
        request: CallRequest,
        in_flight: usize,
        ordered: bool,
        progress: MapProgress,
    ) -> FanOut {
        FanOut {
            calls: Arc::new(Calls {
                pool: pool.clone(),
                request,
                in_flight: if in_flight == 0 { IN_FLIGHT } else { in_flight },
                ordered,
                progress,
                state: Mutex::default(),
                changed: Condvar::new(),
            }),
        }
    }

    /// Calls the routine once on every worker that is connected, not draining and serves it, with the arguments of the
    /// request. Gives the workers' uids, too, by the index of their calls.
    ///
    /// # Errors
    /// [`ErrorKind::NoWorkersAvailable`] when no worker takes calls, [`ErrorKind::RoutineNotFound`] when none of those
    /// that do serves it, [`ErrorKind::InvalidArgument`] for a request that names a worker or a routine's name that is
    /// none, [`ErrorKind::Closed`].
    pub fn broadcast(pool: &WorkerPool, request: CallRequest) -> Result<(FanOut, Vec<Arc<str>>)> {
        if request.worker.is_some() {
            return Err(Error::new(
                ErrorKind::InvalidArgument,
                "a broadcast is for all workers: make a call to have it at one of them",
            ));
        }
        let uids = pool.serving(&request.routine)?;
        let fan_out = FanOut::new(pool, request, uids.len(), false);
        let calls = &fan_out.calls;
        for uid in &uids {
            let arguments = calls.request.arguments.clone();
            calls.add(&mut calls.lock(), arguments, Some(Arc::clone(uid)));
        }
        calls.start();
        Ok((fan_out, uids))
    }

    /// Adds an input: it is called at once, or as soon as a call has ended. Never blocks.
    ///
    /// # Errors
    /// [`ErrorKind::Busy`] when as many inputs wait or have outcomes that were not taken as may be called, and as many
    /// again: take an outcome first.
    pub fn add(&self, arguments: Payload) -> Result<()> {
        let mut state = self.calls.lock();
        if !state.has_room(self.calls.in_flight) {
            let message =
                "too many inputs wait, or have outcomes that were not taken: take one first";
            return Err(Error::new(ErrorKind::Busy, message).with_retryable(true));
        }
        self.calls.add(&mut state, arguments, None);
        drop(state);
        self.calls.start();
        Ok(())
    }

    /// Adds an input for which no call can be made.
    pub(crate) fn add_failed(&self, error: Error) {
        let mut state = self.calls.lock();
        let index = self.calls.count_input(&mut state);
        state.running += 1;
        drop(state);
        let error = error.with_retryable(true);
        self.calls.ended(index, Outcome::Error(error));
    }

    /// Whether an input that is added now is called at once.
    pub(crate) fn wants_more(&self) -> bool {
        let state = self.calls.lock();
        state.waiting.is_empty()
            && state.running < self.calls.in_flight
            && state.has_room(self.calls.in_flight)
    }

    /// The next outcome, for one task; `None` when those of all inputs that were added have been taken. It also wakes
    /// the task when a call ends that is not the next one.
    pub(crate) fn poll(&self, cx: &mut Context<'_>) -> Poll<Option<(u64, Outcome)>> {
        let mut state = self.calls.lock();
        match state.next() {
            Next::Outcome { index, outcome } => Poll::Ready(Some((index, outcome))),
            Next::End => Poll::Ready(None),
            Next::Pending => {
                state.waker = Some(cx.waker().clone());
                Poll::Pending
            }
        }
    }

    /// Waits for the next outcome, for ever without a timeout. Several threads may wait; each gets one of its own.
    pub fn next_blocking(&self, timeout: Option<Duration>) -> Next {
        let until = timeout.and_then(|timeout| Instant::now().checked_add(timeout));
        let mut state = self.calls.lock();
        loop {
            let next = state.next();
            if !matches!(next, Next::Pending) {
                // Those who wait for the same end learn of it, too.
                self.calls.changed.notify_all();
                return next;
            }
            let changed = &self.calls.changed;
            state = match until {
                None => changed.wait(state).unwrap_or_else(PoisonError::into_inner),
                Some(until) => {
                    let left = until.saturating_duration_since(Instant::now());
                    if left.is_zero() {
                        return Next::Pending;
                    }
                    let waited = changed.wait_timeout(state, left);
                    waited.unwrap_or_else(PoisonError::into_inner).0
                }
            };
        }
    }

    /// How far it has come.
    pub fn progress(&self) -> Progress {
        self.calls.progress.get()
    }
}

impl Drop for FanOut {
    fn drop(&mut self) {
        self.calls.leave();
    }
}

impl State {
    fn has_room(&self, in_flight: usize) -> bool {
        self.added - self.taken < (in_flight as u64).saturating_mul(2)
    }

    fn next(&mut self) -> Next {
        if let Some((index, outcome)) = self.ended.remove(&self.taken) {
            self.taken += 1;
            return Next::Outcome { index, outcome };
        }
        if self.taken == self.added {
            return Next::End;
        }
        Next::Pending
    }
}

impl Calls {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn count_input(&self, state: &mut State) -> u64 {
        self.progress.count(|progress| progress.added += 1);
        state.added += 1;
        state.added - 1
    }

    fn add(&self, state: &mut State, arguments: Payload, worker: Option<Arc<str>>) {
        let index = self.count_input(state);
        state.waiting.push_back(Input {
            index,
            arguments,
            worker,
        });
    }

    /// Makes the calls whose turn it is. On the host's thread, and where a call has ended.
    fn start(self: &Arc<Self>) {
        while let Some(input) = self.begin() {
            let index = input.index;
            let observer = Box::new(Observer {
                index,
                calls: Arc::clone(self),
            });
            let request = CallRequest {
                arguments: input.arguments,
                worker: input.worker.or_else(|| self.request.worker.clone()),
                ..self.request.clone()
            };
            let made = self.pool.submit(request, observer);
            self.begun(index, made);
        }
    }

    fn begin(&self) -> Option<Input> {
        let mut state = self.lock();
        if state.starting || state.running >= self.in_flight {
            return None;
        }
        let input = state.waiting.pop_front()?;
        state.starting = true;
        state.running += 1;
        Some(input)
    }

    fn begun(&self, index: u64, made: Result<CallHandle>) {
        let mut state = self.lock();
        state.starting = false;
        match made {
            Ok(call) if state.left => {
                drop(state);
                call.cancel();
            }
            // Else it is told as ended, or has been.
            Ok(call) if !call.flight().is_over() => {
                state.handles.insert(index, call);
            }
            Ok(_) => {}
            Err(error) => {
                drop(state);
                self.ended(index, Outcome::Error(error));
            }
        }
    }

    fn ended(&self, index: u64, outcome: Outcome) {
        let failed = matches!(outcome, Outcome::Error(_));
        let mut state = self.lock();
        state.running -= 1;
        state.handles.remove(&index);
        if state.left {
            return;
        }
        let key = if self.ordered { index } else { state.done };
        state.done += 1;
        state.ended.insert(key, (index, outcome));
        let waker = state.waker.take();
        // Before the outcome can be seen.
        self.progress.count(|progress| {
            progress.done += 1;
            progress.failed += u64::from(failed);
        });
        drop(state);
        self.changed.notify_all();
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    fn leave(&self) {
        let handles = {
            let mut state = self.lock();
            state.left = true;
            state.waiting.clear();
            std::mem::take(&mut state.handles)
        };
        for call in handles.values() {
            call.cancel();
        }
    }
}

/// Of one call.
struct Observer {
    index: u64,
    calls: Arc<Calls>,
}

impl CallObserver for Observer {
    /// A unary call has none.
    fn item(&mut self, _item: Payload) {}

    fn finish(self: Box<Self>, outcome: Outcome) {
        self.calls.ended(self.index, outcome);
        self.calls.start();
    }
}
