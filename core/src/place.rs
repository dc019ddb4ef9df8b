//! A worker's places: how many tasks it runs at once.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};

use tokio::sync::Notify;

use crate::peer_limits::PeerSession;
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
    session: Arc<SessionPlaces>,
    is_lent: bool,
}

/// The places of a session's tasks.
pub(crate) struct SessionPlaces {
    /// How many are lent.
    lent: AtomicUsize,
    /// Of whose peer they are; `None` where nobody counts.
    share: Option<Arc<PeerSession>>,
}

impl SessionPlaces {
    pub(crate) fn of_peer(share: Option<Arc<PeerSession>>) -> Arc<SessionPlaces> {
        Arc::new(SessionPlaces {
            lent: AtomicUsize::new(0),
            share,
        })
    }

    pub(crate) fn lent(&self) -> usize {
        self.lent.load(Ordering::Acquire)
    }
}

/// Why there is no place; for people.
pub(crate) type NoPlace = String;

impl Place {
    /// A place at a worker for a task of a session.
    ///
    /// # Errors
    /// The worker, or the session's peer, has as many tasks as it may.
    pub(crate) fn take(
        worker: &Arc<WorkerShared>,
        session: &Arc<SessionPlaces>,
    ) -> Result<Place, NoPlace> {
        let places = worker.places();
        places
            .occupied
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, |n| {
                (n < places.most).then_some(n + 1)
            })
            .map_err(|_| format!("worker {} runs as many tasks as it may", worker.uid()))?;
        if let Some(share) = &session.share
            && let Err(exceeded) = share.begin_call()
        {
            places.occupied.fetch_sub(1, Ordering::AcqRel);
            return Err(exceeded);
        }
        places.tasks.fetch_add(1, Ordering::AcqRel);
        let running = worker.runtime().running();
        running.fetch_add(1, Ordering::AcqRel);
        Ok(Place {
            worker: Arc::clone(worker),
            session: Arc::clone(session),
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
            self.session.lent.fetch_add(1, Ordering::AcqRel);
        } else {
            occupied.fetch_add(1, Ordering::AcqRel);
            self.session.lent.fetch_sub(1, Ordering::AcqRel);
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.lend(false);
        if let Some(share) = &self.session.share {
            share.end_call();
        }
        let places = self.worker.places();
        places.occupied.fetch_sub(1, Ordering::AcqRel);
        let running = self.worker.runtime().running();
        running.fetch_sub(1, Ordering::AcqRel);
        if places.tasks.fetch_sub(1, Ordering::AcqRel) == 1 {
            places.idle.notify_waiters();
        }
    }
}
