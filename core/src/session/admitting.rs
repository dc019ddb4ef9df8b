//! Calls of a worker's session that wait for its admission hook.

use std::sync::Arc;

use super::answers::kind_of;
use super::worker::{Open, Serving};
use crate::admission::{AdmissionInfo, AdmissionRequest, Verdict, Waiting};
use crate::error::ErrorKind;
use crate::log::Level;
use crate::payload::Payload;
use crate::wire::frame::Kind;
use crate::wire::rejected::Reason;
use crate::wire::{self, Frame};

/// A call that the hook has not decided about.
#[derive(Default)]
pub(super) struct Undecided {
    /// Those that are complete.
    pub(super) arguments: Option<Payload>,
    /// Tells the hook, when it is dropped, that nobody waits any more. `None` until the hook is asked.
    waiting: Option<Waiting>,
}

impl Serving {
    /// Asks the hook about a call that has just come, if there is a hook.
    pub(super) fn ask(&mut self, number: u64) {
        let Some(Open {
            state,
            undecided: Some(undecided),
            ..
        }) = self.open.get_mut(&number)
        else {
            return;
        };
        let Some(admission) = self.worker.admission() else {
            return;
        };
        let info = AdmissionInfo {
            routine: state.info().routine.clone(),
            tag: state.info().tag.as_str().into(),
            peer: Arc::clone(&state.info().peer),
            context: state.info().context.copy(),
            // This call has its place already.
            in_flight: u64::from(self.worker.places().tasks().saturating_sub(1)),
        };
        let (request, waiting) = AdmissionRequest::new(
            info,
            number,
            self.worker.runtime().clone(),
            self.own_commands.clone(),
        );
        undecided.waiting = Some(waiting);
        admission.ask(request);
    }

    pub(super) fn decided(&mut self, number: u64, verdict: Verdict) {
        let Some(undecided) = self
            .open
            .get_mut(&number)
            .and_then(|open| open.undecided.take())
        else {
            return;
        };
        if let Verdict::Failed(why) = &verdict {
            self.worker
                .log(Level::Warn, || format!("the admission hook failed: {why}"));
        }
        match verdict.rejection() {
            Some((reason, message)) => self.turn_away(number, reason, message),
            None => {
                if let Some(open) = self.open.get(&number) {
                    open.state.scheduled();
                }
                if let Some(arguments) = undecided.arguments {
                    self.run_task(number, arguments);
                    self.worker.runtime().launch_tasks();
                }
            }
        }
    }

    /// The worker takes nothing new, and what is not let in has not been taken.
    pub(super) fn turn_away_undecided(&mut self) {
        let undecided: Vec<u64> = self
            .open
            .iter()
            .filter(|(_, open)| open.undecided.is_some())
            .map(|(number, _)| *number)
            .collect();
        for number in undecided {
            let message = "the worker is stopping".to_owned();
            self.turn_away(number, Reason::Draining, message);
        }
    }

    /// The caller closes a stream that has not been let in: it never begins. False: it has been.
    pub(super) fn close_undecided(&mut self, number: u64) -> bool {
        let undecided = |open: &&Open| open.undecided.is_some();
        let Some(open) = self.open.get(&number).filter(undecided) else {
            return false;
        };
        open.state.end_if_not_begun(ErrorKind::Closed);
        self.outbox
            .frame_in_order(Frame::new(number, Kind::End(wire::End::default())));
        self.close_call(number);
        true
    }

    /// Rejects a call that has a place and has not begun.
    pub(super) fn turn_away(&mut self, number: u64, reason: Reason, message: String) {
        if let Some(open) = self.open.get(&number) {
            // The place is free before the caller can know.
            open.state.end_if_not_begun(kind_of(reason));
        }
        self.reject(number, reason, message);
        self.close_call(number);
    }
}
