//! What becomes of a caller's calls when their session ends, or takes no more of them.

use super::caller::{CallerSession, Owner, SessionEnd, Why};
use super::flight::Dispatch;
use crate::call::Outcome;
use crate::error::{Error, ErrorKind};
use crate::state::call::Loss;

impl CallerSession {
    pub(super) fn goaway(&mut self, last_started: u64) {
        self.state.set_draining();
        self.last_started = Some(last_started);
        let excluded: Vec<u64> = self
            .open
            .keys()
            .copied()
            .filter(|number| *number > last_started)
            .collect();
        for number in excluded {
            if let Some(mut open) = self.close_call(number)
                && open.call.lost(true) == Loss::Reoffer
            {
                self.give_back(open.dispatch, Why::Draining, None);
            }
        }
        for dispatch in std::mem::take(&mut self.waiting) {
            self.free_place();
            self.give_back(dispatch, Why::Draining, None);
        }
        (self.owner.changed)();
    }

    pub(super) fn give_back(&self, dispatch: Box<Dispatch>, why: Why, refusal: Option<Error>) {
        give_back(&self.owner, dispatch, why, refusal);
    }

    pub(super) fn end_all(&mut self, end: &SessionEnd) {
        let closed = || {
            Error::new(
                ErrorKind::Closed,
                "the pool was closed while the call was pending",
            )
        };
        for (number, mut open) in self.open.drain() {
            let excluded = self.last_started.is_some_and(|last| number > last);
            match (open.call.lost(excluded), end) {
                (Loss::Forget, _) => {}
                (_, SessionEnd::Shutdown) => {
                    open.dispatch.flight.finish(Outcome::Error(closed()));
                }
                (Loss::Reoffer, _) => {
                    give_back(&self.owner, open.dispatch, Why::LinkLost, None);
                }
                (Loss::WorkerLost, SessionEnd::Lost(error)) => {
                    open.dispatch.flight.fail(
                        ErrorKind::WorkerLost,
                        format!(
                            "the worker was lost while the task may have run: {}",
                            error.message()
                        ),
                    );
                }
                (Loss::WorkerLost, SessionEnd::Drained) => {
                    open.dispatch
                        .flight
                        .fail(ErrorKind::WorkerLost, "the worker drained");
                }
            }
        }
        for dispatch in self.waiting.drain(..) {
            match end {
                SessionEnd::Shutdown => {
                    dispatch
                        .flight
                        .finish(Outcome::Error(closed().with_retryable(true)));
                }
                _ => give_back(&self.owner, dispatch, Why::LinkLost, None),
            }
        }
    }
}

fn give_back(owner: &Owner, mut dispatch: Box<Dispatch>, why: Why, refusal: Option<Error>) {
    dispatch.flight.unwritten();
    if dispatch.flight.is_over() {
        return;
    }
    if refusal.is_some() {
        dispatch.last_refusal = refusal;
    }
    (owner.returned)(dispatch, why);
}
