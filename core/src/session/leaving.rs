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

#[cfg(test)]
mod tests {
    use std::pin::Pin;
    use std::sync::Arc;
    use std::task::{Context, Poll};
    use std::time::{Duration, Instant};

    use futures_core::Stream;
    use tokio::sync::mpsc;

    use super::super::caller::CallerCommand;
    use super::super::flight::{Arrival, Flight};
    use super::super::link::LinkState;
    use super::super::transport::{LinkError, Transport, channel};
    use super::*;
    use crate::payload::{Codec, Payload};
    use crate::routine::RoutineKind;
    use crate::state::hello::{Limits, Peer};
    use crate::state::liveness::Times;
    use crate::wire::{Batch, Serving};

    const WATCHDOG: Duration = Duration::from_secs(60);

    /// A worker that says nothing.
    struct Silence;

    impl Stream for Silence {
        type Item = Result<Batch, LinkError>;

        fn poll_next(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
            Poll::Pending
        }
    }

    fn call() -> (Arc<Flight>, Box<Dispatch>) {
        let flight = Flight::new(None, None, None, None);
        let until = Instant::now() + WATCHDOG;
        let dispatch = Dispatch {
            routine: Arc::from("calc.add"),
            kind: RoutineKind::Unary,
            arguments: Payload::new(Codec::Msgpack, Vec::new()),
            task_id: [7; 16],
            tag: String::new(),
            caller: None,
            context: None,
            deadline: None,
            dispatch_deadline: until,
            step_timeout: None,
            quorum_deadline: until,
            worker: None,
            refused_by: Vec::new(),
            last_refusal: None,
            flight: Arc::clone(&flight),
        };
        (flight, Box::new(dispatch))
    }

    #[test]
    fn a_call_given_right_behind_a_shutdown_ends_with_the_others() {
        let peer = Peer {
            limits: Limits::default(),
            language: String::new(),
            package_version: String::new(),
            worker_uid: String::new(),
            serving: Serving::default(),
        };
        let nothing = || Arc::new(|| {});
        let owner = Owner {
            returned: Arc::new(|_, _| {}),
            changed: nothing(),
            freed: nothing(),
            superseded: nothing(),
        };
        let (outgoing, _written) = channel();
        let transport = Transport {
            incoming: Box::pin(Silence),
            outgoing,
        };
        let (commands, receiver) = mpsc::unbounded_channel();
        let calls = [call(), call()];
        let flights = calls.each_ref().map(|(flight, _)| Arc::clone(flight));
        let [(_, before), (_, behind)] = calls;
        for command in [
            CallerCommand::Start(before),
            CallerCommand::Shutdown,
            CallerCommand::Start(behind),
        ] {
            assert!(commands.send(command).is_ok());
        }
        let session = CallerSession::new(
            transport,
            (Limits::default(), Times::default()),
            &peer,
            Arc::new(LinkState::new(&peer)),
            (commands, receiver),
            owner,
            Vec::new().into(),
        );
        let executor = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .build()
            .unwrap();
        executor.block_on(async {
            let end = session.run(Batch::default()).await;
            assert!(matches!(end, SessionEnd::Shutdown), "{end:?}");
            for flight in flights {
                let arrival = std::future::poll_fn(|cx| flight.poll(cx));
                let arrival = tokio::time::timeout(WATCHDOG, arrival).await;
                let Ok(Arrival::Outcome(Outcome::Error(error))) = arrival else {
                    panic!("it does not end with an error");
                };
                assert_eq!(error.kind(), ErrorKind::Closed);
            }
        });
    }
}
