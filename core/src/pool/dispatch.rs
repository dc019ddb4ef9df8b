//! Which worker gets a call, and the calls that wait for one.

use std::collections::VecDeque;
use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::mpsc;

use super::PoolShared;
use super::member::{Link, Member};
use super::wanted::Stand;
use crate::call::Outcome;
use crate::error::{Error, ErrorKind};
use crate::routine::RoutineKind;
use crate::session::{CallerCommand, Dispatch, Flight, LinkState, Why};

/// A call that waits for a worker.
pub(super) struct Parked {
    dispatch: Box<Dispatch>,
    /// Workers refused it as busy: try again then. Otherwise something has to change.
    retry: Option<Instant>,
    /// Those that serve it have as many of this pool's calls as they take.
    for_place: bool,
}

/// How long a call waits when workers that are busy with others' calls have refused it.
const BUSY_RETRY: Duration = Duration::from_millis(5);

/// So that a budget of nothing does not keep a thread busy.
const SHORTEST_LOOK: Duration = Duration::from_millis(1);

/// What an offer met on its way.
#[derive(Default)]
struct Seen {
    /// A worker whose routines are known.
    known: bool,
    /// One that has not been tried yet.
    connecting: bool,
    /// There may soon be one that takes it.
    hopeful: bool,
    /// One that serves the routine and refused this call.
    refused: bool,
    /// One that serves the routine and has as many of this pool's calls as it takes.
    full: bool,
    /// One that does not serve the routine.
    not_serving: bool,
    other_kind: bool,
    too_large: Option<Error>,
}

impl Parked {
    fn until(&self, quorum_reached: bool) -> Instant {
        give_up_at(&self.dispatch, quorum_reached)
    }
}

fn give_up_at(dispatch: &Dispatch, quorum_reached: bool) -> Instant {
    if quorum_reached {
        dispatch.dispatch_deadline
    } else {
        dispatch.dispatch_deadline.min(dispatch.quorum_deadline)
    }
}

impl PoolShared {
    /// Gives a call to a worker, or parks it, or ends it when no worker can ever take it.
    pub(super) fn offer(&self, mut dispatch: Box<Dispatch>) {
        let changes = self.changes.load(Ordering::Acquire);
        let mut seen = Seen::default();
        if !self.quorum_reached.load(Ordering::Acquire) {
            seen.hopeful = true;
            seen.connecting = !self.members().is_empty();
            self.nobody_took(dispatch, seen, changes);
            return;
        }
        let members = self.members.read().unwrap_or_else(PoisonError::into_inner);
        let count = members.len();
        let turn = self.turn.fetch_add(1, Ordering::Relaxed);
        for index in 0..count {
            match members[turn.wrapping_add(index) % count].take(dispatch, &mut seen) {
                None => return,
                Some(back) => dispatch = back,
            }
        }
        drop(members);
        self.nobody_took(dispatch, seen, changes);
    }

    fn nobody_took(&self, mut dispatch: Box<Dispatch>, mut seen: Seen, changes: u64) {
        if seen.refused || seen.full {
            dispatch.refused_by.clear();
            let parked = Parked {
                dispatch,
                retry: seen.refused.then(|| Instant::now() + BUSY_RETRY),
                for_place: seen.full && !seen.refused,
            };
            self.park(parked, changes);
            return;
        }
        seen.hopeful |= self.expecting.load(Ordering::Acquire);
        let Some(error) = self.hopeless(&dispatch, seen) else {
            let parked = Parked {
                dispatch,
                retry: None,
                for_place: false,
            };
            self.park(parked, changes);
            return;
        };
        dispatch
            .flight
            .finish(Outcome::Error(error.with_retryable(true)));
    }

    /// Why no worker will ever take the call; `None`: one may.
    fn hopeless(&self, dispatch: &Dispatch, seen: Seen) -> Option<Error> {
        if seen.too_large.is_some() {
            return seen.too_large;
        }
        if let Some(uid) = &dispatch.worker {
            if seen.not_serving || seen.other_kind {
                return Some(not_served(dispatch, seen.other_kind));
            }
            return (!seen.hopeful).then(|| self.worker_gone(dispatch, uid));
        }
        if !seen.known
            && !seen.connecting
            && let Some(error) = self.problems().spawn.clone()
        {
            return Some(error);
        }
        (!seen.hopeful && seen.known).then(|| not_served(dispatch, seen.other_kind))
    }

    /// `changes`: their count when the call was offered.
    fn park(&self, mut parked: Parked, changes: u64) {
        let mut list = self.parked();
        if self.changes.load(Ordering::Acquire) != changes {
            parked.retry = Some(Instant::now());
        }
        if self.is_closing.load(Ordering::Acquire) {
            drop(list);
            end_as_closed(&parked.dispatch);
            return;
        }
        if parked.for_place {
            // Before the keeper looks, which it does next: a place that is freed from here on is told.
            self.place_wanted.store(true, Ordering::SeqCst);
        }
        list.push(parked);
        drop(list);
        self.parked_one.notify_one();
    }

    /// A session takes calls again.
    pub(super) fn place_freed(&self) {
        if self.place_wanted.load(Ordering::SeqCst) {
            self.parked_one.notify_one();
        }
    }

    /// A session gives a call back that certainly did not start.
    pub(super) fn returned(&self, mut dispatch: Box<Dispatch>, why: Why, member: u64) {
        match why {
            Why::Busy => dispatch.refused_by.push(member),
            // The worker's list of routines was older than this answer; a newer one is on its way.
            Why::RoutineNotFound => {
                if let Some(refusal) = dispatch.last_refusal.take() {
                    dispatch.flight.finish(Outcome::Error(refusal));
                }
                return;
            }
            Why::Draining | Why::LinkLost => {}
        }
        self.offer(dispatch);
    }

    /// Offers parked calls again; `all`, or only those whose time has come. Returns when to look next.
    pub(super) fn unpark(&self, all: bool) -> Option<Instant> {
        let now = Instant::now();
        let quorum_reached = self.quorum_reached.load(Ordering::Acquire);
        let ready = {
            let mut parked = self.parked();
            let (ready, waiting): (Vec<_>, Vec<_>) =
                std::mem::take(&mut *parked).into_iter().partition(|entry| {
                    let due = entry.retry.is_some_and(|retry| retry <= now)
                        || entry.until(quorum_reached) <= now;
                    all || due || entry.dispatch.flight.is_over()
                });
            *parked = waiting;
            ready
        };
        for parked in ready {
            if parked.dispatch.flight.is_over() {
                continue;
            }
            if parked.until(quorum_reached) <= now {
                self.dispatch_timed_out(&parked, quorum_reached);
            } else {
                self.offer(parked.dispatch);
            }
        }
        self.fill_places();
        let parked = self.parked();
        parked
            .iter()
            .map(|entry| {
                let until = entry.until(quorum_reached);
                entry.retry.map_or(until, |retry| retry.min(until))
            })
            .min()
    }

    /// Offers calls that wait for a place again, in their order, while there are places.
    fn fill_places(&self) {
        let (mut wanting, others): (VecDeque<_>, Vec<_>) = {
            let mut parked = self.parked();
            let all = std::mem::take(&mut *parked).into_iter();
            let (wanting, others): (Vec<_>, Vec<_>) = all.partition(|entry| entry.for_place);
            self.place_wanted
                .store(!wanting.is_empty(), Ordering::SeqCst);
            (wanting.into(), others)
        };
        let mut still = Vec::new();
        while self.has_place(|_| true)
            && let Some(entry) = wanting.pop_front()
        {
            let dispatch = &entry.dispatch;
            if self.has_place(|state| {
                state.serves(&dispatch.routine) == Some(dispatch.kind)
                    && dispatch
                        .worker
                        .as_ref()
                        .is_none_or(|uid| state.is_worker(uid))
            }) {
                self.offer(entry.dispatch);
            } else {
                still.push(entry);
            }
        }
        let mut parked = self.parked();
        let newer = std::mem::take(&mut *parked);
        let in_order = still.into_iter().chain(wanting).chain(others).chain(newer);
        parked.extend(in_order);
    }

    /// Whether a worker such as this has a place for another call.
    fn has_place(&self, such: impl Fn(&LinkState) -> bool) -> bool {
        let members = self.members.read().unwrap_or_else(PoisonError::into_inner);
        members.iter().any(|member| member.has_place(&such))
    }

    /// Ends all parked calls: the pool closes.
    pub(super) fn end_parked(&self) {
        let parked = std::mem::take(&mut *self.parked());
        for Parked { dispatch, .. } in parked {
            end_as_closed(&dispatch);
        }
    }

    fn dispatch_timed_out(&self, parked: &Parked, quorum_reached: bool) {
        let dispatch = &parked.dispatch;
        if let Some(refusal) = &dispatch.last_refusal {
            dispatch.flight.finish(Outcome::Error(refusal.clone()));
            return;
        }
        if parked.for_place {
            let whose = match &dispatch.worker {
                Some(uid) => format!("worker {uid} had no place for another task"),
                None => {
                    let name = &dispatch.routine;
                    format!("no worker that serves {name} had a place for another task")
                }
            };
            let message = format!("{whose} within the dispatch timeout");
            let error = Error::new(ErrorKind::Busy, message);
            dispatch
                .flight
                .finish(Outcome::Error(error.with_retryable(true)));
            return;
        }
        if quorum_reached && let Some(uid) = &dispatch.worker {
            let error = self.worker_late(dispatch, uid).with_retryable(true);
            dispatch.flight.finish(Outcome::Error(error));
            return;
        }
        let what = if quorum_reached {
            format!(
                "no worker took {} within the dispatch timeout",
                dispatch.routine
            )
        } else {
            format!(
                "{} was not called: the pool's quorum of {} workers was not reached in time",
                dispatch.routine, self.options.quorum
            )
        };
        let error = Error::new(
            ErrorKind::NoWorkersAvailable,
            format!("{what}: {}", self.story()),
        );
        dispatch
            .flight
            .finish(Outcome::Error(error.with_retryable(true)));
    }

    /// Why there is no worker, in one line.
    pub(super) fn story(&self) -> String {
        let mut parts: Vec<String> = self.members().iter().map(|member| member.story()).collect();
        if parts.is_empty() {
            parts.push("no worker was found".to_owned());
        }
        for (reason, count) in self.membership().counts_now() {
            parts.push(format!("{count} turned away ({reason})"));
        }
        let problems = self.problems();
        for problem in [&problems.discovery, &problems.spawn].into_iter().flatten() {
            parts.push(problem.message().to_owned());
        }
        parts.join("; ")
    }
}

impl Member {
    /// Takes a call, or gives it back and notes why.
    fn take(&self, dispatch: Box<Dispatch>, seen: &mut Seen) -> Option<Box<Dispatch>> {
        let link = self.link.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(uid) = &dispatch.worker {
            match self.stand(&link, uid) {
                Stand::There => {}
                Stand::MayCome => {
                    seen.hopeful = true;
                    return Some(dispatch);
                }
                Stand::Other => return Some(dispatch),
            }
        }
        let (commands, state) = match &*link {
            Link::Up { commands, state } => (commands, state),
            Link::Connecting => {
                seen.connecting = true;
                seen.hopeful = true;
                return Some(dispatch);
            }
            Link::Down { last, .. } => {
                // It served the routine, and may be back soon.
                seen.hopeful |= last
                    .as_ref()
                    .is_some_and(|state| state.serves(&dispatch.routine).is_some());
                return Some(dispatch);
            }
        };
        if state.draining() {
            seen.hopeful |= state.serves(&dispatch.routine).is_some();
            return Some(dispatch);
        }
        seen.known = true;
        match state.serves(&dispatch.routine) {
            None => {
                seen.not_serving = true;
                return Some(dispatch);
            }
            Some(kind) if kind != dispatch.kind => {
                seen.other_kind = true;
                return Some(dispatch);
            }
            Some(_) => {}
        }
        if let Err(error) = dispatch.arguments.check_size(state.max_payload()) {
            seen.too_large = Some(error);
            return Some(dispatch);
        }
        if dispatch.refused_by.contains(&self.id) {
            seen.refused = true;
            return Some(dispatch);
        }
        if !state.take_place() {
            seen.full = true;
            return Some(dispatch);
        }
        match commands.send(CallerCommand::Start(dispatch)) {
            // The session ended this moment, and its places with it; another may come soon.
            Err(mpsc::error::SendError(CallerCommand::Start(back))) => {
                seen.hopeful = true;
                Some(back)
            }
            Ok(()) | Err(_) => None,
        }
    }
}

fn not_served(dispatch: &Dispatch, other_kind: bool) -> Error {
    let name = &dispatch.routine;
    if !other_kind {
        let who = match &dispatch.worker {
            Some(uid) => format!("worker {uid} does not serve {name}"),
            None => format!("no worker of this pool serves {name}"),
        };
        return Error::new(
            ErrorKind::RoutineNotFound,
            format!("{who}: is it registered under this name?"),
        );
    }
    let served = match dispatch.kind {
        RoutineKind::Unary => RoutineKind::Stream,
        RoutineKind::Stream => RoutineKind::Unary,
    };
    Error::new(
        ErrorKind::InvalidArgument,
        format!(
            "{name} was called as {}, the workers serve it as {}",
            dispatch.kind.name(),
            served.name()
        ),
    )
}

fn end_as_closed(dispatch: &Dispatch) {
    let error = Error::new(
        ErrorKind::Closed,
        "the pool was closed while the call was pending",
    );
    dispatch
        .flight
        .finish(Outcome::Error(error.with_retryable(true)));
}

/// Ends a call whose budget of time is used up.
pub(super) async fn expire(flight: Arc<Flight>, deadline: Instant) {
    tokio::time::sleep_until(deadline.into()).await;
    flight.leave(Error::new(
        ErrorKind::DeadlineExceeded,
        "the call's budget of time was used up before its outcome came",
    ));
}

/// Ends a stream one of whose steps takes longer than this. It looks again only when the step that it saw could be
/// over, so that steps need not tell it.
pub(super) async fn watch_steps(flight: Arc<Flight>, timeout: Duration) {
    loop {
        let now = Instant::now();
        let until = match flight.step_deadline() {
            Some(deadline) if deadline <= now => break,
            Some(deadline) => deadline,
            // A step that begins meanwhile has its time, too.
            None => now + timeout.max(SHORTEST_LOOK),
        };
        tokio::time::sleep_until(until.into()).await;
    }
    flight.leave(Error::new(
        ErrorKind::DeadlineExceeded,
        "the budget of time of a step was used up before its item came",
    ));
}
