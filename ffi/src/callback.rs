//! Calls into the host: what they may do, when they may start, and who frees what they point at.

use std::cell::Cell;
use std::ffi::c_void;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use crate::guard::{Result, invalid};
use crate::types::wool_destroy_fn;

/// The host's pointer with its destructor, which runs when this is dropped.
pub(crate) struct UserData {
    pointer: *mut c_void,
    destroy: wool_destroy_fn,
}

// SAFETY: by the ABI's rules the host's callbacks and destructors take their pointer on any thread.
unsafe impl Send for UserData {}
// SAFETY: as above; the pointer itself is never changed.
unsafe impl Sync for UserData {}

impl UserData {
    pub(crate) fn new(pointer: *mut c_void, destroy: wool_destroy_fn) -> UserData {
        UserData { pointer, destroy }
    }

    pub(crate) fn pointer(&self) -> *mut c_void {
        self.pointer
    }
}

impl Drop for UserData {
    fn drop(&mut self) {
        if let Some(destroy) = self.destroy {
            // SAFETY: the host gave both together; this is the only call.
            quick(|| unsafe { destroy(self.pointer) });
        }
    }
}

/// Where the current thread is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Outside,
    /// In a callback that must not block.
    Quick,
    /// In a callback that may block.
    Patient,
}

thread_local! {
    static PLACE: Cell<Place> = const { Cell::new(Place::Outside) };
}

/// Calls the host back where it must not block.
pub(crate) fn quick<T>(callback: impl FnOnce() -> T) -> T {
    at(Place::Quick, callback)
}

/// Calls the host back where it may block.
pub(crate) fn patient<T>(callback: impl FnOnce() -> T) -> T {
    at(Place::Patient, callback)
}

fn at<T>(place: Place, callback: impl FnOnce() -> T) -> T {
    // Callbacks are C: they return, they do not unwind.
    let before = PLACE.replace(place);
    let result = callback();
    PLACE.set(before);
    result
}

/// Waiting is for callbacks that may block.
pub(crate) fn refuse_wait(function: &str) -> Result<()> {
    if PLACE.get() == Place::Quick {
        return Err(invalid(format!(
            "{function} would wait, in a callback that must not block"
        )));
    }
    Ok(())
}

/// Closing waits for callbacks, and so is for none of them.
pub(crate) fn refuse_close(function: &str) -> Result<()> {
    if PLACE.get() != Place::Outside {
        return Err(invalid(format!(
            "{function} was called in a callback, for which it would wait; use a _submit or _free function there"
        )));
    }
    Ok(())
}

/// A callback that can be shut: afterwards no call of it starts.
pub(crate) struct Gate<C> {
    state: Mutex<GateState<C>>,
    left: Condvar,
}

struct GateState<C> {
    /// Absent once shut. The last call under way drops it, when shutting did not wait.
    callback: Option<Arc<C>>,
    inside: usize,
}

impl<C> Gate<C> {
    pub(crate) fn new(callback: Option<C>) -> Gate<C> {
        let state = GateState {
            callback: callback.map(Arc::new),
            inside: 0,
        };
        Gate {
            state: Mutex::new(state),
            left: Condvar::new(),
        }
    }

    /// Calls, unless shut. Calls may be nested and run on several threads.
    pub(crate) fn call(&self, call: impl FnOnce(&C)) {
        let callback = {
            let mut state = self.lock();
            let Some(callback) = state.callback.clone() else {
                return;
            };
            state.inside += 1;
            callback
        };
        call(&callback);
        drop(callback);
        let mut state = self.lock();
        state.inside -= 1;
        if state.inside == 0 {
            self.left.notify_all();
        }
    }

    /// No call starts after this, though one may be under way.
    pub(crate) fn shut(&self) {
        let callback = self.lock().callback.take();
        drop(callback);
    }

    /// No call is under way after this, either. Not for callbacks, which would wait for themselves.
    pub(crate) fn shut_and_wait(&self) {
        self.shut();
        let mut state = self.lock();
        while state.inside > 0 {
            state = self
                .left
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn lock(&self) -> MutexGuard<'_, GateState<C>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::sync::mpsc;

    use super::*;

    #[test]
    fn shutting_waits_for_the_call_under_way_and_lets_no_other_start() {
        let (entered, has_entered) = mpsc::channel();
        let (leave, may_leave) = mpsc::channel::<()>();
        let gate = Arc::new(Gate::new(Some(AtomicUsize::new(0))));
        std::thread::scope(|scope| {
            let calling = Arc::clone(&gate);
            scope.spawn(move || {
                calling.call(|calls| {
                    entered.send(()).unwrap();
                    may_leave.recv().unwrap();
                    calls.fetch_add(1, Ordering::Relaxed);
                });
            });
            has_entered.recv().unwrap();
            let shutting = Arc::clone(&gate);
            let shut = scope.spawn(move || shutting.shut_and_wait());
            leave.send(()).unwrap();
            shut.join().unwrap();
            gate.call(|_| panic!("called after it was shut"));
        });
    }

    #[test]
    fn a_callback_may_call_itself_and_shut_itself() {
        struct CountsDrops(Arc<AtomicUsize>);
        impl Drop for CountsDrops {
            fn drop(&mut self) {
                self.0.fetch_add(1, Ordering::Relaxed);
            }
        }
        let drops = Arc::new(AtomicUsize::new(0));
        let gate = Gate::new(Some(CountsDrops(Arc::clone(&drops))));
        gate.call(|callback| {
            gate.call(|_| gate.shut());
            assert_eq!(callback.0.load(Ordering::Relaxed), 0, "freed while in use");
        });
        gate.shut_and_wait();
        assert_eq!(drops.load(Ordering::Relaxed), 1);
    }

    #[test]
    fn the_place_is_that_of_the_innermost_callback() {
        assert!(refuse_wait("x").is_ok() && refuse_close("x").is_ok());
        patient(|| {
            assert!(refuse_wait("x").is_ok() && refuse_close("x").is_err());
            quick(|| assert!(refuse_wait("x").is_err()));
            assert!(refuse_wait("x").is_ok());
        });
        assert!(refuse_close("x").is_ok());
    }
}
