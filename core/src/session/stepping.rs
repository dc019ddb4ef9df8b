//! The steps of a worker's generators: what their callers ask, send and throw, and how long a step may take.

use std::time::{Duration, Instant};

use tokio::task::AbortHandle;

use super::inbox::{Part, no_room};
use super::transport::LinkError;
use super::worker::{Open, Serving, WorkerCommand};
use crate::error::{ErrorKind, Fault};
use crate::routine::Step;
use crate::task::TaskState;
use crate::wire;

/// Looks after the steps of a task: not more often than the budget of one has passed.
pub(super) struct StepWatch {
    pub(super) timeout: Duration,
    pub(super) timer: AbortHandle,
}

impl Serving {
    pub(super) fn step(&mut self, number: u64, ask: impl FnOnce(&TaskState) -> Option<Step>) {
        if let Some(open) = self.open.get_mut(&number)
            && let Some(step) = ask(&open.state)
            && let Some(control) = &mut open.control
        {
            control.step(step);
        }
    }

    /// What the caller has changed in the context.
    pub(super) fn heard(&mut self, number: u64, context: Option<wire::Context>) {
        if let Some(context) = context
            && let Some(open) = self.open.get(&number)
            && !open.state.merge(context)
        {
            let fault = Fault::of_kind(
                ErrorKind::PayloadTooLarge,
                "the context has more than the worker keeps",
            );
            self.stop_task(number, fault);
        }
    }

    /// A value, or its first part, for a generator's yield.
    pub(super) fn send(
        &mut self,
        number: u64,
        value: Option<wire::Payload>,
    ) -> Result<(), LinkError> {
        let running = |open: &Open| open.control.is_some() && open.streaming;
        if !self.open.get(&number).is_some_and(running) {
            self.inbox.payload_of_nobody(value.as_ref())?;
            self.broken(number, "a value was sent to what is at no yield");
            return Ok(());
        }
        let part = self
            .inbox
            .first_part(number, value, true, &mut self.grants)?;
        self.sent(number, part);
        Ok(())
    }

    pub(super) fn sent(&mut self, number: u64, part: Part) {
        match part {
            Part::Partial => {}
            Part::Complete(value) => self.resume(number, Step::Send(value)),
            Part::TooLarge(total) => {
                let message = self.too_large("what was sent has", total);
                let fault = Fault::of_kind(ErrorKind::PayloadTooLarge, message);
                self.stop_task(number, fault);
            }
            Part::NoRoom(total) => {
                let message = no_room("what was sent has", total);
                self.stop_task(number, Fault::of_kind(ErrorKind::Busy, message));
            }
            Part::UnknownCodec(codec) => {
                let message = format!("what was sent is encoded with codec {codec}, unknown here");
                self.stop_task(number, Fault::of_kind(ErrorKind::Unsupported, message));
            }
        }
    }

    pub(super) fn resume(&mut self, number: u64, step: Step) {
        let Some(open) = self.open.get_mut(&number) else {
            return;
        };
        match open.state.resume(step) {
            Ok(Some(step)) => {
                if let Some(control) = &mut open.control {
                    control.step(step);
                }
            }
            Ok(None) => {}
            Err(why) => self.broken(number, why),
        }
    }

    pub(super) fn check_step(&mut self, number: u64) {
        let now = Instant::now();
        let Some(open) = self.open.get(&number) else {
            return;
        };
        let deadline = open.state.step_deadline();
        if deadline.is_some_and(|deadline| deadline <= now) {
            let message = "the budget of time of a step was used up before its item came";
            self.stop_task(number, Fault::of_kind(ErrorKind::DeadlineExceeded, message));
        } else if let Some(watch) = &open.step_watch {
            let at = deadline.or_else(|| now.checked_add(watch.timeout));
            let timer = at.map(|at| self.send_at(at, WorkerCommand::CheckStep { number }));
            if let Some(open) = self.open.get_mut(&number)
                && let (Some(watch), Some(timer)) = (&mut open.step_watch, timer)
            {
                watch.timer = timer;
            }
        }
    }
}
