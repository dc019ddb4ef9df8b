//! Something that happens once, and that threads and callbacks can wait for.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

type Callback = Box<dyn FnOnce() + Send>;

#[derive(Default)]
pub(crate) struct Latch {
    state: Mutex<State>,
    opened: Condvar,
}

#[derive(Default)]
struct State {
    open: bool,
    callbacks: Vec<Callback>,
}

impl Latch {
    /// Wakes all waiters and runs the callbacks on this thread. Opening twice is fine.
    pub(crate) fn open(&self) {
        let callbacks = {
            let mut state = self.lock();
            state.open = true;
            std::mem::take(&mut state.callbacks)
        };
        self.opened.notify_all();
        for callback in callbacks {
            callback();
        }
    }

    /// Runs the callback when the latch opens; now, if it has.
    pub(crate) fn on_open(&self, callback: impl FnOnce() + Send + 'static) {
        let mut state = self.lock();
        if state.open {
            drop(state);
            callback();
        } else {
            state.callbacks.push(Box::new(callback));
        }
    }

    /// Waits, for ever without a timeout. False: the time was up first.
    pub(crate) fn wait(&self, timeout: Option<Duration>) -> bool {
        let until = timeout.and_then(|timeout| Instant::now().checked_add(timeout));
        let mut state = self.lock();
        while !state.open {
            state = match until {
                None => self
                    .opened
                    .wait(state)
                    .unwrap_or_else(PoisonError::into_inner),
                Some(until) => {
                    let left = until.saturating_duration_since(Instant::now());
                    if left.is_zero() {
                        return false;
                    }
                    let waited = self.opened.wait_timeout(state, left);
                    waited.unwrap_or_else(PoisonError::into_inner).0
                }
            };
        }
        true
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
