//! What a worker answers, on its way to the calls of a session.

use bytes::Bytes;

use super::caller::{CallerSession, Why};
use super::inbox::{Part, no_room};
use super::transport::LinkError;
use crate::call::Outcome;
use crate::error::{Error, ErrorKind};
use crate::payload::Payload;
use crate::routine::RoutineKind;
use crate::state::call::{Answer, Verdict};
use crate::wire;
use crate::wire::rejected::Reason;

impl CallerSession {
    /// What the callee has changed in the context: there before its answer is.
    pub(super) fn heard(&mut self, number: u64, context: Option<Box<wire::Context>>) {
        if let Some(changes) = context
            && let Some(open) = self.open.get_mut(&number)
            && !open.dispatch.flight.is_over()
            && let Some(context) = &mut open.dispatch.context
            && !context.merge(*changes)
        {
            self.violation(number, "the callee's context has more than can be kept");
        }
    }

    pub(super) fn payload(
        &mut self,
        number: u64,
        answer: Answer,
        payload: Option<wire::Payload>,
    ) -> Result<(), LinkError> {
        let Some(open) = self
            .open
            .get(&number)
            .filter(|open| !open.dispatch.flight.is_over())
        else {
            self.inbox.payload_of_nobody(payload.as_ref())?;
            // A result is terminal once it is whole, also for a caller who has left; its chunks pass
            // through `chunk_of_nobody`.
            if answer == Answer::Result {
                self.answer(number, answer, || Outcome::End);
            }
            return Ok(());
        };
        let more = open.dispatch.kind == RoutineKind::Stream;
        let part = self
            .inbox
            .first_part(number, payload, more, &mut self.grants)?;
        self.part(number, answer, part);
        Ok(())
    }

    pub(super) fn chunk(&mut self, number: u64, data: Bytes) -> Result<(), LinkError> {
        let Some(open) = self
            .open
            .get(&number)
            .filter(|open| !open.dispatch.flight.is_over())
        else {
            return self.inbox.chunk_of_nobody(&data);
        };
        let more = open.dispatch.kind == RoutineKind::Stream;
        let answer = if more { Answer::Item } else { Answer::Result };
        let part = self.inbox.chunk(number, data, more, &mut self.grants)?;
        self.part(number, answer, part);
        Ok(())
    }

    pub(super) fn part(&mut self, number: u64, answer: Answer, part: Part) {
        let error = match part {
            Part::Partial => return,
            Part::Complete(payload) if answer == Answer::Item => {
                self.item(number, payload);
                return;
            }
            Part::Complete(payload) => {
                self.answer(number, answer, || Outcome::Result(payload));
                return;
            }
            Part::TooLarge(total) => Error::new(
                ErrorKind::PayloadTooLarge,
                format!(
                    "the answer has {total} bytes, more than this pool accepts: raise its max_payload"
                ),
            ),
            Part::NoRoom(total) => Error::new(ErrorKind::Busy, no_room("the answer has", total)),
            Part::UnknownCodec(codec) => Error::new(
                ErrorKind::Unsupported,
                format!("the answer is encoded with codec {codec}, which is not known here"),
            ),
        };
        if let Some(open) = self.open.get_mut(&number) {
            open.dispatch.flight.finish(Outcome::Error(error));
            open.call.leave();
            self.cancel(number);
            // The result itself was the terminal frame.
            if answer == Answer::Result {
                self.close_call(number);
            }
        }
    }

    pub(super) fn item(&mut self, number: u64, payload: Payload) {
        let Some(open) = self.open.get_mut(&number) else {
            return;
        };
        match open.call.answer(Answer::Item) {
            Verdict::Deliver => {
                open.dispatch.flight.item(payload, &mut self.wakers);
            }
            Verdict::Violation(what) => self.violation(number, what),
            _ => {}
        }
    }

    /// A terminal frame.
    pub(super) fn answer(
        &mut self,
        number: u64,
        answer: Answer,
        outcome: impl FnOnce() -> Outcome,
    ) {
        let Some(open) = self.open.get_mut(&number) else {
            return;
        };
        match open.call.answer(answer) {
            Verdict::Finish => {
                let outcome = outcome();
                if let Some(open) = self.close_call(number) {
                    open.dispatch.flight.finish_among(outcome, &mut self.wakers);
                }
            }
            Verdict::Violation(what) => {
                self.violation(number, what);
                self.close_call(number);
            }
            Verdict::Forget => {
                self.close_call(number);
            }
            Verdict::Deliver | Verdict::Reoffer | Verdict::Ignore => {}
        }
    }

    pub(super) fn rejected(&mut self, number: u64, rejected: wire::Rejected) {
        let Some(open) = self.open.get_mut(&number) else {
            return;
        };
        match open.call.answer(Answer::Rejected) {
            Verdict::Reoffer => {}
            Verdict::Forget => {
                self.close_call(number);
                return;
            }
            Verdict::Violation(what) => {
                self.violation(number, what);
                self.close_call(number);
                return;
            }
            _ => return,
        }
        let Some(open) = self.close_call(number) else {
            return;
        };
        let error = |kind| Error::new(kind, rejected.message.clone()).with_retryable(true);
        let reason = rejected.reason();
        let kind = kind_of(reason);
        let why = match reason {
            Reason::Busy => Some(Why::Busy),
            Reason::Draining => Some(Why::Draining),
            Reason::RoutineNotFound => Some(Why::RoutineNotFound),
            _ => None,
        };
        match why {
            Some(why) => self.give_back(open.dispatch, why, Some(error(kind))),
            None => {
                open.dispatch.flight.finish(Outcome::Error(error(kind)));
            }
        }
    }

    /// The worker broke the protocol within one call: the call fails, the session lives.
    pub(super) fn violation(&mut self, number: u64, what: &str) {
        if let Some(open) = self.open.get_mut(&number) {
            open.dispatch.flight.fail(ErrorKind::Protocol, what);
            if open.call.leave() || !open.call.is_over() {
                self.cancel(number);
            }
        }
    }
}

/// What a rejection is for the caller's host, unless the call is offered elsewhere.
pub(super) fn kind_of(reason: Reason) -> ErrorKind {
    match reason {
        Reason::Busy => ErrorKind::Busy,
        Reason::RoutineNotFound => ErrorKind::RoutineNotFound,
        Reason::KindMismatch => ErrorKind::InvalidArgument,
        Reason::PayloadTooLarge => ErrorKind::PayloadTooLarge,
        Reason::Codec => ErrorKind::Unsupported,
        Reason::PermissionDenied => ErrorKind::PermissionDenied,
        Reason::Draining | Reason::Invalid | Reason::AdmissionFailed | Reason::Unspecified => {
            ErrorKind::Rejected
        }
    }
}
