//! The life of one call, as each side sees it.
//!
//! ```text
//! caller:  waiting -> written -> accepted -> over        worker:  arriving -> running -> over
//!             |          |          |                                |           |
//!             +----------+----------+-> left (the host was told;     +-----------+-> over
//!                                       the slot waits for the terminal frame)
//! ```

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

/// A step of a generator.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Run to the next yield.
    Next,
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

/// A task, as its worker sees it.
#[derive(Debug)]
pub(crate) struct WorkerCall {
    phase: WorkerPhase,
    streaming: bool,
    /// Items that the caller has asked for beyond the step under way.
    wanted: u64,
    /// The step that the routine has not answered.
    step: Option<Step>,
    closing: bool,
}

/// Why a routine's answer is not taken.
pub(crate) type Refused = &'static str;

impl WorkerCall {
    pub(crate) fn arriving(streaming: bool, credit: u32) -> WorkerCall {
        WorkerCall {
            phase: WorkerPhase::Arriving,
            streaming,
            wanted: credit.into(),
            step: None,
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

    /// The routine answers. `Ok` with the step to do next; `Err` says why the answer is not taken.
    pub(crate) fn answer(&mut self, answer: Answer) -> Result<Option<Step>, Refused> {
        if self.phase != WorkerPhase::Running {
            return Err("the task has ended");
        }
        match answer {
            Answer::Item if !self.streaming => Err("a unary routine answers with one result"),
            Answer::Result if self.streaming => Err("a stream answers with items and an end"),
            Answer::End if !self.streaming => Err("a unary routine answers with one result"),
            Answer::Item => match self.step {
                Some(Step::Next) => {
                    self.step = None;
                    Ok(self.next_step())
                }
                Some(Step::Close) => Err("the stream was closed: it can only end or fail"),
                None => Err("no item was asked for"),
            },
            Answer::Result | Answer::End | Answer::Fault | Answer::Rejected => {
                self.phase = WorkerPhase::Over;
                Ok(None)
            }
        }
    }

    pub(crate) fn is_over(&self) -> bool {
        self.phase == WorkerPhase::Over
    }

    fn next_step(&mut self) -> Option<Step> {
        if self.phase != WorkerPhase::Running || !self.streaming || self.step.is_some() {
            return None;
        }
        let step = if self.closing {
            Step::Close
        } else if self.wanted > 0 {
            self.wanted -= 1;
            Step::Next
        } else {
            return None;
        };
        self.step = Some(step);
        Some(step)
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

    #[test]
    fn a_stream_runs_only_as_far_as_it_is_asked() {
        let mut call = WorkerCall::arriving(true, 0);
        assert_eq!(call.start(), None);
        assert_eq!(call.answer(Answer::Item), Err("no item was asked for"));
        assert_eq!(call.credit(2), Some(Step::Next));
        assert_eq!(call.credit(1), None);
        assert_eq!(call.answer(Answer::Item), Ok(Some(Step::Next)));
        assert_eq!(call.answer(Answer::Item), Ok(Some(Step::Next)));
        assert_eq!(call.answer(Answer::Item), Ok(None));
        assert_eq!(call.close(), Some(Step::Close));
        assert!(call.answer(Answer::Item).is_err());
        assert_eq!(call.answer(Answer::End), Ok(None));
    }

    #[test]
    fn close_waits_for_the_yield_point() {
        let mut call = WorkerCall::arriving(true, 5);
        assert_eq!(call.start(), Some(Step::Next));
        assert_eq!(call.close(), None);
        assert_eq!(call.answer(Answer::Item), Ok(Some(Step::Close)));
    }

    #[derive(Debug, Clone)]
    enum Event {
        Credit(u32),
        Close,
        Leave,
        WorkerAnswers(Answer),
        ToWorker,
        ToCaller,
    }

    fn event() -> impl Strategy<Value = Event> {
        prop_oneof![
            (1u32..4).prop_map(Event::Credit),
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
                    Event::Close if streaming => to_worker.push(Message::Close),
                    Event::Leave if caller.leave() => {
                        outcomes += 1;
                        to_worker.push(Message::Cancel);
                    }
                    Event::WorkerAnswers(answer) if worker.answer(answer).is_ok() => {
                        prop_assert!(!worker_over);
                        worker_over = answer.is_terminal();
                        to_caller.push(answer);
                    }
                    Event::ToWorker if !to_worker.is_empty() => {
                        match to_worker.remove(0) {
                            Message::Credit(n) => { worker.credit(n); }
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
