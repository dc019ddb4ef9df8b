//! Calls that tasks make: while they are open, what their task waits for, and what ends with it.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Weak};

use crate::session::Flight;
use crate::task::TaskState;

/// A call of a task, seen by the call. When it is dropped, the task is not its parent any more.
pub(crate) struct Nested {
    parent: Arc<TaskState>,
    id: u64,
    /// One of the constants below.
    waited_for: AtomicU8,
}

const IDLE: u8 = 0;
/// The task waits for the call, and lends its place.
const WAITED_FOR: u8 = 1;
const OVER: u8 = 2;

/// The open calls of a task.
#[derive(Default)]
pub(crate) struct Children {
    calls: HashMap<u64, Weak<Flight>>,
    next: u64,
    /// How many of them the task waits for.
    waited_for: usize,
}

impl Children {
    pub(crate) fn reserve(&mut self) -> u64 {
        self.next += 1;
        self.next
    }

    pub(crate) fn insert(&mut self, id: u64, flight: &Arc<Flight>) {
        self.calls.insert(id, Arc::downgrade(flight));
    }

    pub(crate) fn remove(&mut self, id: u64) {
        self.calls.remove(&id);
    }

    /// Those that are open, which then are no children any more.
    pub(crate) fn take(&mut self) -> Vec<Arc<Flight>> {
        let calls = std::mem::take(&mut self.calls);
        calls.values().filter_map(Weak::upgrade).collect()
    }

    /// True: the task now begins to wait, or stops.
    pub(crate) fn wait(&mut self, waits: bool) -> bool {
        if waits {
            self.waited_for += 1;
            self.waited_for == 1
        } else {
            self.waited_for -= 1;
            self.waited_for == 0
        }
    }
}

impl Nested {
    pub(crate) fn new(parent: Arc<TaskState>) -> Nested {
        let id = parent.reserve_child();
        Nested {
            parent,
            id,
            waited_for: AtomicU8::new(IDLE),
        }
    }

    /// The call can be found. False: the task was stopped; so is the call to be.
    pub(crate) fn begun(&self, flight: &Arc<Flight>) -> bool {
        self.parent.add_child(self.id, flight)
    }

    /// The task waits for this call, or does not any more.
    pub(crate) fn wait(&self, waits: bool) {
        let (from, to) = if waits {
            (IDLE, WAITED_FOR)
        } else {
            (WAITED_FOR, IDLE)
        };
        let changed =
            self.waited_for
                .compare_exchange(from, to, Ordering::AcqRel, Ordering::Acquire);
        if changed.is_ok() {
            self.parent.wait_for_child(waits);
        }
    }

    /// The call has ended. It may be told more than once.
    pub(crate) fn over(&self) {
        match self.waited_for.swap(OVER, Ordering::AcqRel) {
            OVER => return,
            WAITED_FOR => self.parent.wait_for_child(false),
            _ => {}
        }
        self.parent.remove_child(self.id);
    }
}

impl Drop for Nested {
    fn drop(&mut self) {
        self.over();
    }
}
