//! Which worker gets a call, and the calls that wait for one.

use std::collections::VecDeque;
use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::mpsc;

use super::balancer::Balancer;
use super::choices::Counts;
use super::lots::two_choices;
use super::member::{Link, Member};
use super::wanted::Stand;
use super::{PoolShared, lock};
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
    /// The balancer chose none: it is asked again when something changes, also when a call ends.
    declined: Option<Declined>,
}

#[derive(Clone, Copy)]
struct Declined {
    at: Instant,
    /// Counted when it was asked.
    freed: u64,
}

/// How long a call waits when workers that are busy with others' calls have refused it.
const BUSY_RETRY: Duration = Duration::from_millis(5);

/// How often a balancer is asked again that chose none, at most.
const DECLINED_RETRY: Duration = Duration::from_millis(5);

/// So that a budget of nothing does not keep a thread busy.
const SHORTEST_LOOK: Duration = Duration::from_millis(1);

/// What an offer met on its way.
#[derive(Default)]
pub(super) struct Seen {
    /// A worker whose routines are known.
    known: bool,
    /// One that has not been tried yet.
    connecting: bool,
    /// There may soon be one that takes it.
    hopeful: bool,
    /// One that serves the routine and refused this call.
    refused: bool,
    /// One that serves the routine and has as many of this pool's calls as it takes.
    pub(super) full: bool,
    /// One that does not serve the routine.
    not_serving: bool,
    other_kind: bool,
    too_large: Option<Error>,
}

impl Parked {
    fn new(dispatch: Box<Dispatch>) -> Parked {
        Parked {
            dispatch,
            retry: None,
            for_place: false,
            declined: None,
        }
    }

    /// When it is to be offered again though nothing was told; `freed`: as counted now.
    fn next(&self, freed: u64) -> Option<Instant> {
        let declined = self.declined.filter(|declined| declined.freed != freed);
        let again = declined.map(|declined| declined.at + DECLINED_RETRY);
        match (self.retry, again) {
            (Some(retry), Some(again)) => Some(retry.min(again)),
            (retry, again) => retry.or(again),
        }
    }

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
    pub(super) fn offer(self: &Arc<Self>, dispatch: Box<Dispatch>) {
        let counts = self.counts();
        let mut seen = Seen::default();
        if !self.quorum_reached.load(Ordering::Acquire) {
            seen.hopeful = true;
            seen.connecting = !self.members().is_empty();
            self.nobody_took(dispatch, seen, counts);
            return;
        }
        // A call for one worker leaves nothing to choose.
        let left = match &self.options.balancer {
            Balancer::Custom(balancer) if dispatch.worker.is_none() => {
                self.ask(balancer, dispatch);
                return;
            }
            Balancer::LeastLoaded if dispatch.worker.is_none() => {
                self.give_to_less_loaded(dispatch, &mut seen)
            }
            _ => self.give_in_turn(dispatch, &mut seen),
        };
        if let Some(dispatch) = left {
            self.nobody_took(dispatch, seen, counts);
        }
    }

    /// Gives the call to the next that takes it, or back.
    pub(super) fn give_in_turn(
        &self,
        mut dispatch: Box<Dispatch>,
        seen: &mut Seen,
    ) -> Option<Box<Dispatch>> {
        let members = self.members.read().unwrap_or_else(PoisonError::into_inner);
        let count = members.len();
        let turn = self.turn.fetch_add(1, Ordering::Relaxed);
        for index in 0..count {
            dispatch = members[turn.wrapping_add(index) % count].take(dispatch, seen)?;
        }
        Some(dispatch)
    }

    fn give_to_less_loaded(
        &self,
        mut dispatch: Box<Dispatch>,
        seen: &mut Seen,
    ) -> Option<Box<Dispatch>> {
        {
            let members = self.members.read().unwrap_or_else(PoisonError::into_inner);
            let load = |index: usize| members[index].load(&dispatch);
            for index in two_choices(members.len(), &self.lots, load)
                .into_iter()
                .flatten()
            {
                dispatch = members[index].take(dispatch, seen)?;
            }
        }
        // They were full this moment, or there are none: whoever takes it, or why nobody does.
        self.give_in_turn(dispatch, seen)
    }

    pub(super) fn nobody_took(&self, mut dispatch: Box<Dispatch>, mut seen: Seen, counts: Counts) {
        if seen.refused || seen.full {
            dispatch.refused_by.clear();
            let parked = Parked {
                retry: seen.refused.then(|| Instant::now() + BUSY_RETRY),
                for_place: seen.full && !seen.refused,
                ..Parked::new(dispatch)
            };
            self.park(parked, counts);
            return;
        }
        seen.hopeful |= self.expecting.load(Ordering::Acquire);
        let Some(error) = self.hopeless(&dispatch, seen) else {
            self.park(Parked::new(dispatch), counts);
            return;
        };
        dispatch
            .flight
            .finish(Outcome::Error(error.with_retryable(true)));
    }

    /// The balancer chose none of those that could take the call.
    pub(super) fn decline(&self, mut dispatch: Box<Dispatch>, counts: Counts) {
        dispatch.refused_by.clear();
        let declined = Declined {
            at: Instant::now(),
            freed: counts.freed,
        };
        let parked = Parked {
            declined: Some(declined),
            ..Parked::new(dispatch)
        };
        self.park(parked, counts);
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

    /// `counts`: as they were when the call was offered.
    fn park(&self, mut parked: Parked, counts: Counts) {
        let mut list = self.parked();
        if self.changes.load(Ordering::Acquire) != counts.changes {
            let paused = parked.declined.map(|declined| declined.at + DECLINED_RETRY);
            parked.retry = Some(paused.unwrap_or_else(Instant::now));
        }
        if self.is_closing.load(Ordering::Acquire) {
            drop(list);
            end_as_closed(&parked.dispatch);
            return;
        }
        if parked.for_place || parked.declined.is_some() {
            // Before the keeper looks, which it does next: a place that is freed from here on is told.
            self.place_wanted.store(true, Ordering::SeqCst);
        }
        list.push(parked);
        drop(list);
        self.parked_one.notify_one();
    }

    /// A session takes calls again.
    pub(super) fn place_freed(&self) {
        if let Balancer::Custom(_) = self.options.balancer {
            self.freed.fetch_add(1, Ordering::SeqCst);
        }
        if self.place_wanted.load(Ordering::SeqCst) {
            self.parked_one.notify_one();
        }
    }

    /// A session gives a call back that certainly did not start.
    pub(super) fn returned(self: &Arc<Self>, mut dispatch: Box<Dispatch>, why: Why, member: u64) {
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
    pub(super) fn unpark(self: &Arc<Self>, all: bool) -> Option<Instant> {
        let now = Instant::now();
        let freed = self.freed.load(Ordering::SeqCst);
        let quorum_reached = self.quorum_reached.load(Ordering::Acquire);
        let ready = {
            let mut parked = self.parked();
            let (ready, waiting): (Vec<_>, Vec<_>) =
                std::mem::take(&mut *parked).into_iter().partition(|entry| {
                    let due = entry.next(freed).is_some_and(|next| next <= now)
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
        let unanswered = self.end_unanswered(now);
        let parked = self.parked();
        let freed = self.freed.load(Ordering::SeqCst);
        let times = parked.iter().map(|entry| {
            let until = entry.until(quorum_reached);
            entry.next(freed).map_or(until, |next| next.min(until))
        });
        times.chain(unanswered).min()
    }

    /// Ends the calls whose time is up while their balancer is asked. When the next one's is.
    fn end_unanswered(&self, now: Instant) -> Option<Instant> {
        let mut choices = lock(&self.choices);
        let ended =
            choices.take(|dispatch| dispatch.flight.is_over() || dispatch.dispatch_deadline <= now);
        let next = choices.first(|dispatch| dispatch.dispatch_deadline);
        drop(choices);
        for dispatch in ended {
            let message = format!(
                "the pool's balancer did not choose a worker for {} within the dispatch timeout",
                dispatch.routine
            );
            end_undispatched(&dispatch, ErrorKind::NoWorkersAvailable, message);
        }
        next
    }

    /// Offers calls that wait for a place again, in their order, while there are places.
    fn fill_places(self: &Arc<Self>) {
        let (mut wanting, others): (VecDeque<_>, Vec<_>) = {
            let mut parked = self.parked();
            let all = std::mem::take(&mut *parked).into_iter();
            let (wanting, others): (Vec<_>, Vec<_>) = all.partition(|entry| entry.for_place);
            let declined = others.iter().any(|entry| entry.declined.is_some());
            self.place_wanted
                .store(!wanting.is_empty() || declined, Ordering::SeqCst);
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
        let asked = lock(&self.choices).take(|_| true);
        for dispatch in asked {
            end_as_closed(&dispatch);
        }
    }

    fn dispatch_timed_out(&self, parked: &Parked, quorum_reached: bool) {
        let dispatch = &parked.dispatch;
        let name = &dispatch.routine;
        if parked.for_place {
            let whose = match &dispatch.worker {
                Some(uid) => format!("worker {uid} had no place for another task"),
                None => format!("no worker that serves {name} had a place for another task"),
            };
            let message = format!("{whose} within the dispatch timeout");
            end_undispatched(dispatch, ErrorKind::Busy, message);
            return;
        }
        if quorum_reached
            && dispatch.last_refusal.is_none()
            && let Some(uid) = &dispatch.worker
        {
            let error = self.worker_late(dispatch, uid).with_retryable(true);
            dispatch.flight.finish(Outcome::Error(error));
            return;
        }
        let what = if parked.declined.is_some() {
            format!("the pool's balancer chose no worker for {name} within the dispatch timeout")
        } else if quorum_reached {
            format!("no worker took {name} within the dispatch timeout")
        } else {
            format!(
                "{name} was not called: the pool's quorum of {} workers was not reached in time",
                self.options.quorum
            )
        };
        let message = format!("{what}: {}", self.story());
        end_undispatched(dispatch, ErrorKind::NoWorkersAvailable, message);
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
    pub(super) fn take(&self, dispatch: Box<Dispatch>, seen: &mut Seen) -> Option<Box<Dispatch>> {
        let link = self.link.read().unwrap_or_else(PoisonError::into_inner);
        let Some((commands, state)) = self.fits(&link, &dispatch, seen) else {
            return Some(dispatch);
        };
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

    /// The calls that it has, if it can take this one.
    fn load(&self, dispatch: &Dispatch) -> Option<usize> {
        let link = self.link.read().unwrap_or_else(PoisonError::into_inner);
        let (_, state) = self.fits(&link, dispatch, &mut Seen::default())?;
        state.has_place().then(|| state.in_flight())
    }

    /// Its session, if a call may go there as soon as there is a place; otherwise notes why not.
    pub(super) fn fits<'a>(
        &self,
        link: &'a Link,
        dispatch: &Dispatch,
        seen: &mut Seen,
    ) -> Option<(&'a mpsc::UnboundedSender<CallerCommand>, &'a Arc<LinkState>)> {
        if let Some(uid) = &dispatch.worker {
            match self.stand(link, uid) {
                Stand::There => {}
                Stand::MayCome => {
                    seen.hopeful = true;
                    return None;
                }
                Stand::Other => return None,
            }
        }
        let (commands, state) = match link {
            Link::Up {
                commands, state, ..
            } => (commands, state),
            Link::Duplicate { .. } => return None,
            Link::Connecting => {
                seen.connecting = true;
                seen.hopeful = true;
                return None;
            }
            Link::Down { last, .. } => {
                // It served the routine, and may be back soon.
                seen.hopeful |= last
                    .as_ref()
                    .is_some_and(|state| state.serves(&dispatch.routine).is_some());
                return None;
            }
        };
        if state.draining() {
            seen.hopeful |= state.serves(&dispatch.routine).is_some();
            return None;
        }
        seen.known = true;
        match state.serves(&dispatch.routine) {
            None => {
                seen.not_serving = true;
                return None;
            }
            Some(kind) if kind != dispatch.kind => {
                seen.other_kind = true;
                return None;
            }
            Some(_) => {}
        }
        if let Err(error) = dispatch.arguments.check_size(state.max_payload()) {
            seen.too_large = Some(error);
            return None;
        }
        if dispatch.refused_by.contains(&self.id) {
            seen.refused = true;
            return None;
        }
        Some((commands, state))
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

/// Ends a call that no worker took in time: as the last one refused it, or with this error.
fn end_undispatched(dispatch: &Dispatch, kind: ErrorKind, message: String) {
    let error = match &dispatch.last_refusal {
        Some(refusal) => refusal.clone(),
        None => Error::new(kind, message).with_retryable(true),
    };
    dispatch.flight.finish(Outcome::Error(error));
}

pub(super) fn end_as_closed(dispatch: &Dispatch) {
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
