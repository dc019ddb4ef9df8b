//! A worker's places: how many tasks it runs at once.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};

use tokio::sync::Notify;

use crate::worker::WorkerShared;

pub(crate) struct Places {
    most: u32,
    /// Tasks that have been taken and have not ended.
    tasks: AtomicU32,
    /// The places that they occupy. Fewer: a task that waits for calls of its own lends its place.
    occupied: AtomicU32,
    /// Told when the last task has ended.
    idle: Notify,
}

impl Places {
    pub(crate) fn new(most: u32) -> Places {
        Places {
            most,
            tasks: AtomicU32::new(0),
            occupied: AtomicU32::new(0),
            idle: Notify::new(),
        }
    }

    pub(crate) fn most(&self) -> u32 {
        self.most
    }

    /// How many tasks have been taken and have not ended.
    pub(crate) fn tasks(&self) -> u32 {
        self.tasks.load(Ordering::Acquire)
    }

    /// Waits until there are no tasks.
    pub(crate) async fn idle(&self) {
        loop {
            let told = self.idle.notified();
            if self.tasks() == 0 {
                return;
            }
            told.await;
        }
    }
}

/// The place of a task; dropping it frees the place.
pub(crate) struct Place {
    worker: Arc<WorkerShared>,
    /// Of the task's session, how many are lent.
    lent: Arc<AtomicUsize>,
    is_lent: bool,
}

impl Place {
    /// A place at a worker, if there is one. `lent`: of the session that asks, how many are lent.
    pub(crate) fn take(worker: &Arc<WorkerShared>, lent: &Arc<AtomicUsize>) -> Option<Place> {
        let places = worker.places();
        places
            .occupied
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, |n| {
                (n < places.most).then_some(n + 1)
            })
            .ok()?;
        places.tasks.fetch_add(1, Ordering::AcqRel);
        let running = worker.runtime().running();
        running.fetch_add(1, Ordering::AcqRel);
        Some(Place {
            worker: Arc::clone(worker),
            lent: Arc::clone(lent),
            is_lent: false,
        })
    }

    pub(crate) fn worker(&self) -> &Arc<WorkerShared> {
        &self.worker
    }

    /// Others may have it while its task waits. The task takes it back when it goes on, even if that makes one too
    /// many.
    pub(crate) fn lend(&mut self, lend: bool) {
        if lend == self.is_lent {
            return;
        }
        self.is_lent = lend;
        let occupied = &self.worker.places().occupied;
        if lend {
            occupied.fetch_sub(1, Ordering::AcqRel);
            self.lent.fetch_add(1, Ordering::AcqRel);
        } else {
            occupied.fetch_add(1, Ordering::AcqRel);
            self.lent.fetch_sub(1, Ordering::AcqRel);
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.lend(false);
        let places = self.worker.places();
        places.occupied.fetch_sub(1, Ordering::AcqRel);
        let running = self.worker.runtime().running();
        running.fetch_sub(1, Ordering::AcqRel);
        if places.tasks.fetch_sub(1, Ordering::AcqRel) == 1 {
            places.idle.notify_waiters();
        }
    }
}
