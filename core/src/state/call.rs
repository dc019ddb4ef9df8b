//! The life of one call, as each side sees it.
//!
//! ```text
//! caller:  waiting -> written -> accepted -> over        worker:  arriving -> running -> over
//!             |          |          |                                |           |
//!             +----------+----------+-> left (the host was told;     +-----------+-> over
//!                                       the slot waits for the terminal frame)
//! ```

use crate::error::Fault;
use crate::payload::Payload;

/// What a worker may answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Answer {
    Rejected,
    Item,
    Result,
    Fault,
    End,
}

impl Answer {
    fn is_terminal(self) -> bool {
        self != Answer::Item
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum CallerPhase {
    Written,
    Accepted,
    /// The host was told the outcome; what still comes is ignored up to the terminal frame.
    Left,
    Over,
}

/// A call that was written to a session, as the caller sees it. (While it waits to be written it can
/// be offered elsewhere or dropped freely, which needs no state.)
#[derive(Debug)]
pub(crate) struct CallerCall {
    phase: CallerPhase,
    streaming: bool,
    /// Items that were asked for and have not come.
    owed: u64,
}

/// What an answer means for the caller.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Hand the item to the host.
    Deliver,
    /// Hand the outcome to the host and forget the call.
    Finish,
    /// The worker did not take the task: forget the call here, offer it elsewhere.
    Reoffer,
    /// The host was told before: forget the call.
    Forget,
    /// Nothing.
    Ignore,
    /// The worker broke the protocol; the call fails and is cancelled there.
    Violation(&'static str),
}

/// What the end of a session means for a call.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Loss {
    /// It certainly did not start.
    Reoffer,
    /// It may have.
    WorkerLost,
    /// The host was told before.
    Forget,
}

impl CallerCall {
    pub(crate) fn written(streaming: bool, credit: u32) -> CallerCall {
        CallerCall {
            phase: CallerPhase::Written,
            streaming,
            owed: credit.into(),
        }
    }

    pub(crate) fn credit(&mut self, items: u32) {
        self.owed += u64::from(items);
    }

    pub(crate) fn answer(&mut self, answer: Answer) -> Verdict {
        match self.phase {
            CallerPhase::Over => return Verdict::Ignore,
            CallerPhase::Left => {
                if answer.is_terminal() {
                    self.phase = CallerPhase::Over;
                    return Verdict::Forget;
                }
                return Verdict::Ignore;
            }
            CallerPhase::Written | CallerPhase::Accepted => {}
        }
        let accepted = self.phase == CallerPhase::Accepted;
        let verdict = match answer {
            Answer::Rejected if accepted => {
                Verdict::Violation("the worker rejected a task that it had accepted")
            }
            Answer::Rejected => Verdict::Reoffer,
            Answer::Result if self.streaming => {
                Verdict::Violation("the worker answered a stream with a result")
            }
            Answer::Item | Answer::End if !self.streaming => {
                Verdict::Violation("the worker answered a unary call as a stream")
            }
            Answer::Item if self.owed == 0 => {
                Verdict::Violation("the worker sent an item that was not asked for")
            }
            Answer::Item => {
                self.owed -= 1;
                Verdict::Deliver
            }
            Answer::Result | Answer::Fault | Answer::End => Verdict::Finish,
        };
        self.phase = match verdict {
            Verdict::Deliver => CallerPhase::Accepted,
            // After a violation the call is cancelled; a terminal frame has then already come or will.
            Verdict::Violation(_) if !answer.is_terminal() => CallerPhase::Left,
            _ => CallerPhase::Over,
        };
        verdict
    }

    /// The host has left (cancel, deadline, close of the pool). True: tell the worker.
    pub(crate) fn leave(&mut self) -> bool {
        let tell = matches!(self.phase, CallerPhase::Written | CallerPhase::Accepted);
        if tell {
            self.phase = CallerPhase::Left;
        }
        tell
    }

    /// The session is gone; `started_for_sure_not` when a goaway excluded this call.
    pub(crate) fn lost(&mut self, started_for_sure_not: bool) -> Loss {
        let phase = std::mem::replace(&mut self.phase, CallerPhase::Over);
        match phase {
            CallerPhase::Left | CallerPhase::Over => Loss::Forget,
            CallerPhase::Written if started_for_sure_not => Loss::Reoffer,
            CallerPhase::Written | CallerPhase::Accepted => Loss::WorkerLost,
        }
    }

    pub(crate) fn is_over(&self) -> bool {
        self.phase == CallerPhase::Over
    }
}

/// A step of a generator, as its caller asks for it.
#[derive(Debug)]
pub enum Step {
    /// Run to the next yield.
    Next,
    /// Resume the yield with this value, and run to the next.
    Send(Payload),
    /// Raise this error at the yield. What the routine does not catch ends it.
    Throw(Box<Fault>),
    /// Clean up at the yield point and end.
    Close,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum WorkerPhase {
    /// Parts of the arguments are still to come.
    Arriving,
    Running,
    Over,
}

/// What the routine is at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Doing {
    /// Nothing was asked: it waits at a yield, or has not begun.
    Nothing,
    /// It runs to its next yield.
    Item,
    Closing,
}

/// A task, as its worker sees it.
#[derive(Debug)]
pub(crate) struct WorkerCall {
    phase: WorkerPhase,
    streaming: bool,
    /// Items that the caller has asked for beyond the step under way.
    wanted: u64,
    doing: Doing,
    /// An item was yielded: there is a yield to talk to.
    begun: bool,
    closing: bool,
}

/// Why something is not taken.
pub(crate) type Refused = &'static str;

/// What a routine's answer means.
#[derive(Debug)]
pub(crate) enum Taken {
    /// It is for the caller. The step is the next to do.
    Answer(Option<Step>),
    /// An item after the close: the task is over, and has failed.
    IgnoredClose,
}

impl WorkerCall {
    pub(crate) fn arriving(streaming: bool, credit: u32) -> WorkerCall {
        WorkerCall {
            phase: WorkerPhase::Arriving,
            streaming,
            wanted: credit.into(),
            doing: Doing::Nothing,
            begun: false,
            closing: false,
        }
    }

    /// The arguments are complete: the routine starts, with this step if any.
    pub(crate) fn start(&mut self) -> Option<Step> {
        self.phase = WorkerPhase::Running;
        self.next_step()
    }

    /// The caller asks for more items.
    pub(crate) fn credit(&mut self, items: u32) -> Option<Step> {
        if !self.streaming {
            return None;
        }
        self.wanted = self.wanted.saturating_add(items.into());
        self.next_step()
    }

    /// The caller sends a value or throws an error. An honest one does so only once it has all items that it has
    /// asked for, which bounds what can be waiting here.
    ///
    /// # Errors
    /// The caller broke the protocol.
    pub(crate) fn resume(&mut self, step: Step) -> Result<Option<Step>, Refused> {
        match self.phase {
            WorkerPhase::Over => Ok(None),
            WorkerPhase::Running if self.closing => Ok(None),
            _ if !self.streaming => Err("a unary task is sent nothing"),
            WorkerPhase::Running
                if self.begun && self.doing == Doing::Nothing && self.wanted == 0 =>
            {
                self.doing = Doing::Item;
                Ok(Some(step))
            }
            WorkerPhase::Arriving | WorkerPhase::Running => {
                Err("something was sent to a generator that was not at its yield")
            }
        }
    }

    /// The caller closes the generator. It takes effect at the yield point.
    pub(crate) fn close(&mut self) -> Option<Step> {
        if !self.streaming {
            return None;
        }
        self.closing = true;
        self.next_step()
    }

    /// The call ends before its routine has begun (cancelled while its arguments arrive). False: the
    /// routine runs and must be told.
    pub(crate) fn end_if_not_begun(&mut self) -> bool {
        let not_begun = self.phase == WorkerPhase::Arriving;
        if not_begun {
            self.phase = WorkerPhase::Over;
        }
        not_begun
    }

    /// The routine answers. `Err` says why the answer is not taken.
    pub(crate) fn answer(&mut self, answer: Answer) -> Result<Taken, Refused> {
        if self.phase != WorkerPhase::Running {
            return Err("the task has ended");
        }
        match answer {
            Answer::Item if !self.streaming => Err("a unary routine answers with one result"),
            Answer::Result if self.streaming => Err("a stream answers with items and an end"),
            Answer::End if !self.streaming => Err("a unary routine answers with one result"),
            Answer::Item => match self.doing {
                Doing::Item => {
                    self.begun = true;
                    self.doing = Doing::Nothing;
                    Ok(Taken::Answer(self.next_step()))
                }
                Doing::Closing => {
                    self.phase = WorkerPhase::Over;
                    Ok(Taken::IgnoredClose)
                }
                Doing::Nothing => Err("no item was asked for"),
            },
            Answer::Result | Answer::End | Answer::Fault | Answer::Rejected => {
                self.phase = WorkerPhase::Over;
                Ok(Taken::Answer(None))
            }
        }
    }

    /// Whether the routine runs to a yield that the caller waits for.
    pub(crate) fn owes_item(&self) -> bool {
        self.phase == WorkerPhase::Running && self.doing == Doing::Item
    }

    pub(crate) fn is_over(&self) -> bool {
        self.phase == WorkerPhase::Over
    }

    fn next_step(&mut self) -> Option<Step> {
        if self.phase != WorkerPhase::Running || !self.streaming || self.doing != Doing::Nothing {
            return None;
        }
        if self.closing {
            self.doing = Doing::Closing;
            Some(Step::Close)
        } else if self.wanted > 0 {
            self.wanted -= 1;
            self.doing = Doing::Item;
            Some(Step::Next)
        } else {
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn rejected_is_only_ever_the_first_answer() {
        let mut call = CallerCall::written(true, 1);
        assert_eq!(call.answer(Answer::Item), Verdict::Deliver);
        assert!(matches!(
            call.answer(Answer::Rejected),
            Verdict::Violation(_)
        ));
        let mut call = CallerCall::written(false, 0);
        assert_eq!(call.answer(Answer::Rejected), Verdict::Reoffer);
        assert!(call.is_over());
    }

    #[test]
    fn items_beyond_the_credit_are_a_violation() {
        let mut call = CallerCall::written(true, 1);
        assert_eq!(call.answer(Answer::Item), Verdict::Deliver);
        assert!(matches!(call.answer(Answer::Item), Verdict::Violation(_)));
        // What follows is ignored up to the terminal frame that the cancel brings.
        assert_eq!(call.answer(Answer::Item), Verdict::Ignore);
        assert_eq!(call.answer(Answer::Fault), Verdict::Forget);
    }

    #[test]
    fn a_lost_session_reoffers_only_what_certainly_did_not_start() {
        assert_eq!(CallerCall::written(false, 0).lost(true), Loss::Reoffer);
        assert_eq!(CallerCall::written(false, 0).lost(false), Loss::WorkerLost);
        let mut accepted = CallerCall::written(true, 1);
        accepted.answer(Answer::Item);
        assert_eq!(accepted.lost(true), Loss::WorkerLost);
        let mut left = CallerCall::written(false, 0);
        assert!(left.leave());
        assert!(!left.leave());
        assert_eq!(left.lost(true), Loss::Forget);
    }

    /// What an item leads to.
    fn after_item(call: &mut WorkerCall) -> Option<Step> {
        match call.answer(Answer::Item) {
            Ok(Taken::Answer(step)) => step,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_stream_runs_only_as_far_as_it_is_asked() {
        let mut call = WorkerCall::arriving(true, 0);
        assert!(call.start().is_none());
        assert_eq!(
            call.answer(Answer::Item).unwrap_err(),
            "no item was asked for"
        );
        assert!(matches!(call.credit(2), Some(Step::Next)));
        assert!(call.credit(1).is_none());
        assert!(matches!(after_item(&mut call), Some(Step::Next)));
        assert!(matches!(after_item(&mut call), Some(Step::Next)));
        assert!(after_item(&mut call).is_none());
        assert!(matches!(call.close(), Some(Step::Close)));
        assert!(matches!(call.answer(Answer::End), Ok(Taken::Answer(None))));
    }

    #[test]
    fn close_waits_for_the_yield_point() {
        let mut call = WorkerCall::arriving(true, 5);
        assert!(matches!(call.start(), Some(Step::Next)));
        assert!(call.close().is_none());
        assert!(matches!(after_item(&mut call), Some(Step::Close)));
    }

    #[test]
    fn an_item_after_the_close_ends_the_task() {
        let mut call = WorkerCall::arriving(true, 1);
        call.start();
        call.close();
        after_item(&mut call);
        assert!(matches!(call.answer(Answer::Item), Ok(Taken::IgnoredClose)));
        assert!(call.is_over());
        assert!(call.answer(Answer::End).is_err());
    }

    fn send() -> Step {
        Step::Send(Payload::raw(&b"wool"[..]))
    }

    #[test]
    fn what_is_sent_resumes_the_yield_and_nothing_else() {
        let mut call = WorkerCall::arriving(true, 1);
        assert!(call.resume(send()).is_err());
        call.start();
        // Not at its yield.
        assert!(call.resume(send()).is_err());
        after_item(&mut call);
        assert!(matches!(call.resume(send()), Ok(Some(Step::Send(_)))));
        assert!(call.resume(send()).is_err());
        after_item(&mut call);
        let thrown = Step::Throw(Box::new(Fault::new("Odd", "")));
        assert!(matches!(call.resume(thrown), Ok(Some(Step::Throw(_)))));
        call.close();
        // Crossed with the close.
        assert!(matches!(call.resume(send()), Ok(None)));
        assert!(matches!(after_item(&mut call), Some(Step::Close)));
        assert!(call.answer(Answer::Fault).is_ok());
        assert!(matches!(call.resume(send()), Ok(None)));
        assert!(WorkerCall::arriving(false, 0).resume(send()).is_err());
    }

    #[derive(Debug, Clone)]
    enum Event {
        Credit(u32),
        Send,
        Close,
        Leave,
        WorkerAnswers(Answer),
        ToWorker,
        ToCaller,
    }

    fn event() -> impl Strategy<Value = Event> {
        prop_oneof![
            (1u32..4).prop_map(Event::Credit),
            Just(Event::Send),
            Just(Event::Close),
            Just(Event::Leave),
            prop_oneof![
                Just(Answer::Item),
                Just(Answer::Result),
                Just(Answer::Fault),
                Just(Answer::End)
            ]
            .prop_map(Event::WorkerAnswers),
            Just(Event::ToWorker),
            Just(Event::ToCaller),
        ]
    }

    #[derive(Debug)]
    enum Message {
        Credit(u32),
        Send,
        Close,
        Cancel,
    }

    proptest! {
        /// Two honest sides, joined by ordered queues, in any interleaving: the host hears at most one
        /// outcome, exactly one once all is delivered, never more items than it asked for, and neither
        /// side sees a violation.
        #[test]
        fn one_outcome_in_every_order(
            streaming: bool,
            first_credit in 0u32..3,
            events in proptest::collection::vec(event(), 0..60),
        ) {
            let mut caller = CallerCall::written(streaming, first_credit);
            let mut worker = WorkerCall::arriving(streaming, first_credit);
            worker.start();
            let (mut to_worker, mut to_caller) = (Vec::new(), Vec::new());
            let (mut asked, mut items, mut outcomes) = (u64::from(first_credit), 0, 0);
            let mut worker_over = false;
            let mut closed = false;
            // In the end everything is delivered and the routine stops.
            let ending = [Event::ToWorker, Event::WorkerAnswers(Answer::Fault), Event::ToCaller];
            let ending = ending.iter().flat_map(|e| std::iter::repeat_n(e.clone(), 200));
            for event in events.into_iter().chain(ending) {
                match event {
                    Event::Credit(n) if streaming && outcomes == 0 => {
                        caller.credit(n);
                        asked += u64::from(n);
                        to_worker.push(Message::Credit(n));
                    }
                    // As a host may: at the yield, not after a close.
                    Event::Send if streaming && outcomes == 0 && items == asked && items > 0 && !closed => {
                        caller.credit(1);
                        asked += 1;
                        to_worker.push(Message::Send);
                    }
                    Event::Close if streaming => {
                        closed = true;
                        to_worker.push(Message::Close);
                    }
                    Event::Leave if caller.leave() => {
                        outcomes += 1;
                        to_worker.push(Message::Cancel);
                    }
                    Event::WorkerAnswers(answer) => match worker.answer(answer) {
                        Ok(Taken::Answer(_)) => {
                            prop_assert!(!worker_over);
                            worker_over = answer.is_terminal();
                            to_caller.push(answer);
                        }
                        Ok(Taken::IgnoredClose) => {
                            prop_assert!(!worker_over);
                            worker_over = true;
                            to_caller.push(Answer::Fault);
                        }
                        Err(_) => {}
                    },
                    Event::ToWorker if !to_worker.is_empty() => {
                        match to_worker.remove(0) {
                            Message::Credit(n) => { worker.credit(n); }
                            Message::Send => prop_assert!(worker.resume(send()).is_ok()),
                            Message::Close => { worker.close(); }
                            Message::Cancel => { worker.end_if_not_begun(); }
                        }
                    }
                    Event::ToCaller if !to_caller.is_empty() => {
                        match caller.answer(to_caller.remove(0)) {
                            Verdict::Deliver => items += 1,
                            Verdict::Finish => outcomes += 1,
                            Verdict::Forget | Verdict::Ignore => {}
                            other => prop_assert!(false, "{other:?}"),
                        }
                    }
                    _ => {}
                }
                prop_assert!(outcomes <= 1);
                prop_assert!(items <= asked);
            }
            prop_assert_eq!(outcomes, 1);
            prop_assert!(caller.is_over());
        }
    }
}
