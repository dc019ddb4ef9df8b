//! When drainers are woken. `tests/loom` compiles this file, too, and tries its races.

use crate::sync::{AtomicBool, OnceCell, Ordering, fence};

/// What a poller looks at.
pub(crate) trait Descriptor {
    /// Makes it readable, for ever if it is not cleared.
    fn light(&self);
    fn clear(&self);
}

/// Raised by whoever adds events, settled by drainers that find none. While it is raised nobody is woken
/// again: a drainer is on its way.
pub(crate) struct Wakeup<D> {
    raised: AtomicBool,
    /// Keeps the descriptor readable.
    stuck: AtomicBool,
    /// Made when it is first asked for: who does not poll pays no system call.
    descriptor: OnceCell<D>,
}

impl<D: Descriptor> Wakeup<D> {
    pub(crate) fn new() -> Wakeup<D> {
        Wakeup {
            raised: AtomicBool::new(false),
            stuck: AtomicBool::new(false),
            descriptor: OnceCell::new(),
        }
    }

    /// After events were added. True: ring the doorbell.
    pub(crate) fn raise(&self) -> bool {
        if self.raised.swap(true, Ordering::SeqCst) {
            return false;
        }
        self.light();
        true
    }

    /// After a drainer has found no events. `again` is asked once the signal is down, so that events which
    /// came meanwhile are not overlooked; true: drain on, the signal is up.
    pub(crate) fn settle(&self, again: impl FnOnce() -> bool) -> bool {
        // The descriptor first: were it emptied after the flag fell, a wake-up in between would be lost.
        if let Some(descriptor) = self.descriptor.get() {
            descriptor.clear();
        }
        self.raised.swap(false, Ordering::SeqCst);
        let more = again();
        if more || self.stuck.load(Ordering::SeqCst) {
            self.raised.store(true, Ordering::SeqCst);
            self.light();
        }
        more
    }

    /// From here on the descriptor is readable for ever.
    pub(crate) fn stick(&self) {
        self.stuck.store(true, Ordering::SeqCst);
        self.light();
    }

    /// The descriptor, which is made if there is none.
    pub(crate) fn descriptor<E>(&self, make: impl FnOnce() -> Result<D, E>) -> Result<&D, E> {
        let descriptor = self.descriptor.get_or_try_init(make)?;
        // Pairs with `light`: either it sees the descriptor, or this sees the flag.
        fence(Ordering::SeqCst);
        if self.raised.load(Ordering::SeqCst) || self.stuck.load(Ordering::SeqCst) {
            descriptor.light();
        }
        Ok(descriptor)
    }

    fn light(&self) {
        fence(Ordering::SeqCst);
        if let Some(descriptor) = self.descriptor.get() {
            descriptor.light();
        }
    }
}
