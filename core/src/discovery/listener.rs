//! Who is told of changes.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use crate::discovery::{DiscoveryEvent, DiscoverySink};

/// A subscription's sink, and whether it may still be called.
pub(super) struct Listener {
    sink: DiscoverySink,
    ended: AtomicBool,
    /// Held while the sink runs.
    running: Mutex<()>,
}

thread_local! {
    /// Whether a sink runs on this thread.
    static TELLING: Cell<bool> = const { Cell::new(false) };
}

impl Listener {
    pub(super) fn new(sink: DiscoverySink) -> Listener {
        Listener {
            sink,
            ended: AtomicBool::new(false),
            running: Mutex::new(()),
        }
    }

    /// On the discovery's thread only. A sink that panics is not called again: others share the thread.
    pub(super) fn tell(&self, event: DiscoveryEvent) {
        let _running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        if self.has_ended() {
            return;
        }
        TELLING.set(true);
        let told = catch_unwind(AssertUnwindSafe(|| (self.sink)(event)));
        TELLING.set(false);
        if told.is_err() {
            self.ended.store(true, Ordering::SeqCst);
        }
    }

    /// The sink is not called from here on. Waits for a call that is under way, but not for the one that
    /// it is called from.
    pub(super) fn end(&self) {
        self.ended.store(true, Ordering::SeqCst);
        if !TELLING.get() {
            drop(self.running.lock().unwrap_or_else(PoisonError::into_inner));
        }
    }

    pub(super) fn has_ended(&self) -> bool {
        self.ended.load(Ordering::SeqCst)
    }
}
