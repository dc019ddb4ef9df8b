//! What routines answer, on its way to the caller, and how their tasks are stopped.

use super::worker::{Open, Serving};
use crate::error::{ErrorKind, Fault};
use crate::routine::Step;
use crate::task::TaskAnswer;
use crate::wire::frame::Kind;
use crate::wire::{self, Frame};

impl Serving {
    pub(super) fn answer(
        &mut self,
        number: u64,
        answer: TaskAnswer,
        context: Option<Box<wire::Context>>,
        step: Option<Step>,
    ) {
        let Some(open) = self.open.get_mut(&number) else {
            return;
        };
        let answer = match (answer, open.stopped.take()) {
            // What a stopped routine still yields has nobody to go to.
            (TaskAnswer::Item(_), Some(fault)) => {
                open.stopped = Some(fault);
                return;
            }
            (TaskAnswer::Result(_) | TaskAnswer::End | TaskAnswer::Fault(_), Some(fault)) => {
                TaskAnswer::Fault(fault)
            }
            // It may be what its own calls failed with, whose budget is the same.
            (TaskAnswer::Fault(_), None) if open.state.is_late() => {
                TaskAnswer::Fault(Box::new(used_up()))
            }
            (answer, None) => answer,
        };
        match answer {
            TaskAnswer::Item(payload) => {
                self.outbox.payload(number, payload, true, move |value| {
                    Kind::Item(wire::Item {
                        value: Some(value),
                        context,
                    })
                });
                if let (Some(step), Some(control)) = (step, &mut open.control) {
                    control.step(step);
                }
                return;
            }
            TaskAnswer::Result(payload) => {
                self.outbox.payload(number, payload, false, move |value| {
                    Kind::Result(wire::Result {
                        value: Some(value),
                        context,
                    })
                });
            }
            TaskAnswer::End => {
                self.outbox
                    .frame_in_order(Frame::new(number, Kind::End(wire::End { context })));
            }
            TaskAnswer::Fault(mut fault) => {
                if fault.language.is_empty() && fault.kind == ErrorKind::TaskFailed {
                    fault.language = self.worker.language().to_owned();
                }
                let fault = Box::new(wire::Fault {
                    context,
                    ..fault.into_wire()
                });
                self.outbox
                    .frame_in_order(Frame::new(number, Kind::Fault(fault)));
            }
        }
        self.close_call(number);
    }

    /// Ends a task for a reason of its own; the terminal frame comes when the routine has stopped.
    pub(super) fn stop_task(&mut self, number: u64, fault: Fault) {
        let Some(open) = self.open.get_mut(&number) else {
            return;
        };
        open.state.stop_for(fault.kind);
        if open.state.end_if_not_begun(fault.kind) {
            self.outbox
                .frame(Frame::new(number, Kind::Fault(Box::new(fault.into_wire()))));
            self.close_call(number);
        } else {
            open.stopped.get_or_insert_with(|| Box::new(fault));
            stop(open);
        }
    }

    pub(super) fn close_call(&mut self, number: u64) {
        self.inbox.forget(number);
        if let Some(open) = self.open.remove(&number) {
            let step_timer = open.step_watch.map(|watch| watch.timer);
            for timer in [open.deadline, step_timer].into_iter().flatten() {
                timer.abort();
            }
        }
    }
}

pub(super) fn used_up() -> Fault {
    Fault::of_kind(
        ErrorKind::DeadlineExceeded,
        "the call's budget of time was used up",
    )
}

/// Tells a task to stop, once.
pub(super) fn stop(open: &mut Open) {
    open.state.end_if_not_begun(ErrorKind::Cancelled);
    if open.state.cancel()
        && let Some(control) = &mut open.control
    {
        control.cancel();
    }
}
