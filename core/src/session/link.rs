//! What a pool may know of a session while that runs.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{PoisonError, RwLock};

use crate::routine::RoutineKind;
use crate::state::hello::{Limits, Peer};
use crate::wire;

/// What a pool may know of a session while it runs.
pub(crate) struct LinkState {
    /// Sorted by name.
    serving: RwLock<Vec<wire::Routine>>,
    draining: AtomicBool,
    /// The session's calls that have not ended: those that wait to be written, too.
    calls: AtomicUsize,
    /// Places of these calls that their tasks lend, as the worker told.
    lent: AtomicUsize,
    peer: Peer,
}

impl LinkState {
    pub(crate) fn new(peer: &Peer) -> LinkState {
        let state = LinkState {
            serving: RwLock::default(),
            draining: AtomicBool::new(false),
            calls: AtomicUsize::new(0),
            lent: AtomicUsize::new(0),
            peer: peer.clone(),
        };
        state.update(peer.serving.clone());
        state
    }

    /// What the worker said of itself in its hello.
    pub(crate) fn peer(&self) -> &Peer {
        &self.peer
    }

    pub(crate) fn is_worker(&self, uid: &str) -> bool {
        self.peer.worker_uid == uid
    }

    /// Largest payload the worker accepts, bytes.
    pub(crate) fn max_payload(&self) -> u64 {
        self.peer.limits.max_payload
    }

    /// The calls of this side that the worker has and has not ended.
    pub(crate) fn in_flight(&self) -> usize {
        self.calls.load(Ordering::Relaxed)
    }

    /// Takes a place for a call that is then given to the session. The worker says how many there are: beyond them
    /// calls wait where another worker may take them, too.
    pub(crate) fn take_place(&self) -> bool {
        let most = self.most_calls();
        self.calls
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, |calls| {
                (calls < most).then_some(calls + 1)
            })
            .is_ok()
    }

    /// A call has left the session.
    pub(crate) fn free_place(&self) {
        self.calls.fetch_sub(1, Ordering::SeqCst);
    }

    pub(crate) fn has_place(&self) -> bool {
        self.calls.load(Ordering::SeqCst) < self.most_calls()
    }

    /// Tasks lend as many places, since they wait for calls of their own.
    pub(super) fn set_lent(&self, tasks: usize) {
        self.lent.store(tasks, Ordering::SeqCst);
    }

    fn most_calls(&self) -> usize {
        let most = self.peer.limits.max_open_calls;
        let lent = self.lent.load(Ordering::SeqCst);
        most.saturating_add(lent)
            .min(most.max(Limits::default().max_open_calls))
    }

    /// What the worker serves now.
    pub(crate) fn routines(&self) -> Vec<wire::Routine> {
        let serving = self.serving.read().unwrap_or_else(PoisonError::into_inner);
        serving.clone()
    }

    pub(crate) fn draining(&self) -> bool {
        self.draining.load(Ordering::Acquire)
    }

    pub(super) fn set_draining(&self) {
        self.draining.store(true, Ordering::Release);
    }

    /// The kind under which the worker serves a routine.
    pub(crate) fn serves(&self, routine: &str) -> Option<RoutineKind> {
        let serving = self.serving.read().unwrap_or_else(PoisonError::into_inner);
        let index = serving
            .binary_search_by(|r| r.name.as_str().cmp(routine))
            .ok()?;
        RoutineKind::from_wire(serving[index].kind)
    }

    pub(crate) fn update(&self, mut serving: wire::Serving) {
        serving.routines.sort_by(|a, b| a.name.cmp(&b.name));
        self.draining.fetch_or(serving.draining, Ordering::AcqRel);
        *self.serving.write().unwrap_or_else(PoisonError::into_inner) = serving.routines;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_that_are_lent_are_there_for_others() {
        let peer = Peer {
            limits: Limits {
                max_open_calls: 2,
                ..Limits::default()
            },
            language: String::new(),
            package_version: String::new(),
            worker_uid: String::new(),
            serving: wire::Serving::default(),
        };
        let state = LinkState::new(&peer);
        assert!(state.take_place() && state.take_place() && !state.take_place());
        state.set_lent(1);
        assert!(state.has_place() && state.take_place() && !state.take_place());
        state.set_lent(0);
        state.free_place();
        assert!(!state.has_place());
        state.free_place();
        assert!(state.take_place());
        state.set_lent(usize::MAX);
        let mut more = 0;
        while state.take_place() {
            more += 1;
        }
        assert_eq!(more, Limits::default().max_open_calls - 2);
    }
}
