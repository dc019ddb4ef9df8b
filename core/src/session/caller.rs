//! The caller's side of a session: writes calls, hands out answers.

use std::collections::VecDeque;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::task::Waker;
use std::time::{Duration, Instant};

use bytes::Bytes;
use tokio::sync::mpsc;

use super::arrived::Arrived;
use super::commands::{COMMANDS_AT_ONCE, take_ready};
use super::flight::{Dispatch, Flight};
use super::inbox::{Inbox, Release};
use super::link::LinkState;
use super::numbers::CallMap;
use super::outbox::Outbox;
use super::transport::{LinkError, Outgoing, Transport};
use crate::call::Outcome;
use crate::error::{Error, ErrorKind, Fault};
use crate::payload::Payload;
use crate::routine::RoutineKind;
use crate::state::call::{Answer, CallerCall};
use crate::state::hello::{Limits, Peer};
use crate::state::liveness::{Check, Liveness, Times};
use crate::wire::frame::Kind;
use crate::wire::{self, Batch, Frame};

/// The number under which the pool's description is defined.
const POOL: u32 = 1;

/// What the hosts of a session ask of it.
pub(crate) enum CallerCommand {
    Start(Box<Dispatch>),
    Credit(Arc<Flight>, u32),
    /// Of a generator at its yield.
    Send(Arc<Flight>, Payload),
    Throw(Arc<Flight>, Box<Fault>),
    Close(Arc<Flight>),
    /// The host was told the outcome; the worker should stop.
    Leave(Arc<Flight>),
    Release(Release),
    /// No more calls come: the session ends when those that it has are over.
    Retire,
    /// The pool closes: everything ends as closed.
    Shutdown,
}

/// What a session tells the pool that it belongs to. Called on the I/O thread.
#[derive(Clone)]
pub(crate) struct Owner {
    /// Takes a task back that certainly did not start, to be offered elsewhere.
    pub(crate) returned: Arc<dyn Fn(Box<Dispatch>, Why) + Send + Sync>,
    /// What the worker serves has changed.
    pub(crate) changed: Arc<dyn Fn() + Send + Sync>,
    /// There are places for calls again.
    pub(crate) freed: Arc<dyn Fn() + Send + Sync>,
    /// The worker wants another session for calls that come from here on; those of this one run to their end.
    pub(crate) superseded: Arc<dyn Fn() + Send + Sync>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Why {
    Busy,
    Draining,
    RoutineNotFound,
    LinkLost,
}

/// Why a session is over.
#[derive(Debug)]
pub(crate) enum SessionEnd {
    /// The pool closed it.
    Shutdown,
    /// The worker drained, or was retired, and all calls have ended.
    Drained,
    /// The link failed.
    Lost(Error),
}

pub(super) struct Open {
    pub(super) call: CallerCall,
    pub(super) dispatch: Box<Dispatch>,
}

/// The session's driver. It lives in one task on the I/O thread.
pub(crate) struct CallerSession {
    transport: Transport,
    pub(super) state: Arc<LinkState>,
    commands: mpsc::UnboundedReceiver<CallerCommand>,
    /// Given to the calls that are written here, so that they find back.
    own_commands: mpsc::UnboundedSender<CallerCommand>,
    pub(super) owner: Owner,
    /// Places were freed since the owner was told.
    freed: bool,

    /// The largest payload the worker accepts, bytes.
    max_payload: u64,
    pub(super) waiting: VecDeque<Box<Dispatch>>,
    pub(super) open: CallMap<Open>,
    last_number: u64,
    /// Of the pool, for the worker.
    description: Bytes,
    described: bool,
    /// From a goaway: calls above this did not start.
    pub(super) last_started: Option<u64>,
    pub(super) outbox: Outbox,
    pub(super) inbox: Inbox,
    arrived: Arrived,
    /// Frames that grant windows, collected over a round.
    pub(super) grants: Vec<Frame>,
    /// Hosts that have something to look at. Woken together after a batch, they find all of it, and what they do next
    /// comes back together, too.
    pub(super) wakers: Vec<Waker>,
    liveness: Liveness,
    /// Ends once it has no calls.
    retiring: bool,
    /// False once the worker takes nothing more. What it has said before is still to be read: the end of
    /// the session is that of the other direction.
    writable: bool,
}

impl CallerSession {
    /// `own` are the limits that this side told in its hello; `times` say when the worker is given up.
    pub(crate) fn new(
        transport: Transport,
        (own, times): (Limits, Times),
        peer: &Peer,
        state: Arc<LinkState>,
        commands: (
            mpsc::UnboundedSender<CallerCommand>,
            mpsc::UnboundedReceiver<CallerCommand>,
        ),
        owner: Owner,
        description: Bytes,
    ) -> CallerSession {
        let (own_commands, commands) = commands;
        let release = {
            let commands = own_commands.clone();
            Arc::new(move |release| {
                let _ = commands.send(CallerCommand::Release(release));
            })
        };
        CallerSession {
            transport,
            state,
            commands,
            own_commands,
            owner,
            freed: false,
            max_payload: peer.limits.max_payload,
            waiting: VecDeque::new(),
            open: CallMap::default(),
            last_number: 0,
            description,
            described: false,
            last_started: None,
            outbox: Outbox::new(peer.limits),
            inbox: Inbox::new(own, release),
            arrived: Arrived::new(is_turn),
            grants: Vec::new(),
            wakers: Vec::new(),
            liveness: Liveness::new(times, Instant::now()),
            retiring: false,
            writable: true,
        }
    }

    /// Runs until the session is over. Every call that was given to it has then ended or been returned.
    /// `early` are frames that came together with the worker's hello.
    pub(crate) async fn run(mut self, early: Batch) -> SessionEnd {
        self.arrived.put(early);
        let end = self.drive().await;
        self.state.set_draining();
        self.commands.close();
        // Not `try_recv`, which may miss what a host is just putting in: this ends when nobody can any more.
        while let Some(command) = self.commands.recv().await {
            if let CallerCommand::Start(dispatch) = command {
                self.waiting.push_back(dispatch);
            }
        }
        self.end_all(&end);
        end
    }

    async fn drive(&mut self) -> SessionEnd {
        let mut received = Vec::with_capacity(COMMANDS_AT_ONCE);
        let outgoing = self.transport.outgoing.clone();
        // Two, since a call must not wait for the look that an idle session takes.
        let [waited, idle] = [(); 2].map(|()| tokio::time::sleep_until(Instant::now().into()));
        tokio::pin!(waited, idle);
        loop {
            self.inbox.grant_session(&mut self.grants);
            for grant in self.grants.drain(..) {
                self.outbox.frame(grant);
            }
            let mut wrote = false;
            while self.can_write() {
                match outgoing.try_reserve() {
                    Ok(permit) => {
                        permit.send(Outgoing::Ok(self.write()));
                        wrote = true;
                    }
                    Err(mpsc::error::TrySendError::Full(())) => break,
                    Err(mpsc::error::TrySendError::Closed(())) => self.writable = false,
                }
            }
            if std::mem::take(&mut self.freed) {
                (self.owner.freed)();
            }
            let over = self.last_started.is_some() || self.retiring && self.waiting.is_empty();
            if over && self.open.is_empty() {
                return SessionEnd::Drained;
            }
            if !self.arrived.is_empty() {
                if wrote {
                    // The connection writes it now.
                    tokio::task::yield_now().await;
                }
                if let Err(end) = self.go_on(&mut received).await {
                    return end;
                }
                continue;
            }
            let full = self.can_write();
            tokio::select! {
                count = self.commands.recv_many(&mut received, COMMANDS_AT_ONCE) => {
                    if count == 0 || self.take_commands(&mut received).is_break() {
                        return SessionEnd::Shutdown;
                    }
                }
                batch = self.transport.receive() => match batch {
                    Some(Ok(batch)) => {
                        self.liveness.heard(Instant::now());
                        self.arrived.put(batch);
                        if let Err(LinkError(error)) = self.hear() {
                            return SessionEnd::Lost(error);
                        }
                    }
                    Some(Err(LinkError(error))) => return SessionEnd::Lost(error),
                    None => return SessionEnd::Lost(lost("the worker ended the session")),
                },
                permit = outgoing.reserve(), if full => match permit {
                    Ok(permit) => permit.send(Outgoing::Ok(self.write())),
                    Err(_) => self.writable = false,
                },
                () = &mut waited, if !self.open.is_empty() => match self.look(true) {
                    Ok(next) => waited.as_mut().reset(next.into()),
                    Err(end) => return end,
                },
                () = &mut idle, if self.open.is_empty() => match self.look(false) {
                    Ok(next) => idle.as_mut().reset(next.into()),
                    Err(end) => return end,
                },
            }
        }
    }

    /// What the hosts have asked meanwhile, and the next part of what has arrived.
    async fn go_on(&mut self, received: &mut Vec<CallerCommand>) -> Result<(), SessionEnd> {
        take_ready(&mut self.commands, received).await;
        if self.take_commands(received).is_break() {
            return Err(SessionEnd::Shutdown);
        }
        self.hear()
            .map_err(|LinkError(error)| SessionEnd::Lost(error))
    }

    /// Breaks off for a shutdown, with all taken: a call that was given right behind it ends with the others.
    fn take_commands(&mut self, received: &mut Vec<CallerCommand>) -> ControlFlow<()> {
        let mut flow = ControlFlow::Continue(());
        for command in received.drain(..) {
            if let CallerCommand::Shutdown = command {
                flow = ControlFlow::Break(());
            } else {
                self.command(command);
            }
        }
        flow
    }

    /// Whether the worker is still there. When to look again.
    fn look(&mut self, waiting: bool) -> Result<Instant, SessionEnd> {
        match self.liveness.check(Instant::now(), waiting) {
            Check::At(next) => Ok(next),
            Check::Ping(next) => {
                let ping = Kind::Ping(wire::Ping::default());
                self.outbox.frame(Frame::session(ping));
                Ok(next)
            }
            Check::Dead => Err(SessionEnd::Lost(lost("the worker no longer answers pings"))),
        }
    }

    fn command(&mut self, command: CallerCommand) {
        match command {
            // Sent before the goaway was heard.
            CallerCommand::Start(dispatch) if self.last_started.is_some() => {
                self.free_place();
                self.give_back(dispatch, Why::Draining, None);
            }
            CallerCommand::Start(dispatch) => self.waiting.push_back(dispatch),
            CallerCommand::Credit(flight, items) => self.ask(&flight, items),
            CallerCommand::Send(flight, value) => self.send(&flight, value),
            CallerCommand::Throw(flight, fault) => self.throw(&flight, *fault),
            CallerCommand::Close(flight) => {
                if let Some((number, _)) = find(&mut self.open, &flight) {
                    // Not before the arguments, which may still be under way.
                    self.outbox
                        .frame_in_order(Frame::new(number, Kind::Close(wire::Close {})));
                }
            }
            CallerCommand::Leave(flight) => {
                if let Some((number, open)) = find(&mut self.open, &flight)
                    && open.call.leave()
                {
                    self.cancel(number);
                }
            }
            CallerCommand::Release(release) => self.inbox.release(&release, &mut self.grants),
            CallerCommand::Retire => self.retiring = true,
            CallerCommand::Shutdown => {}
        }
    }

    /// The worker is told; the call's slot waits for its terminal frame.
    pub(super) fn cancel(&mut self, number: u64) {
        self.outbox.forget(number);
        self.inbox.forget(number);
        self.outbox
            .frame(Frame::new(number, Kind::Cancel(wire::Cancel::default())));
    }

    fn can_write(&self) -> bool {
        self.writable && (self.outbox.can_fill() || self.can_start())
    }

    fn can_start(&self) -> bool {
        !self.waiting.is_empty() && self.last_started.is_none()
    }

    fn write(&mut self) -> Batch {
        let mut batch = Batch::default();
        let mut size = self.outbox.fill(&mut batch, 0);
        while size < self.outbox.batch_target() && self.can_start() {
            if let Some(dispatch) = self.waiting.pop_front() {
                self.start(dispatch);
                size = self.outbox.fill(&mut batch, size);
            }
        }
        batch
    }

    /// From here on the call may run.
    fn start(&mut self, dispatch: Box<Dispatch>) {
        let number = self.last_number + 1;
        let Some(credit) = dispatch
            .flight
            .written(number, &self.own_commands, self.max_payload)
        else {
            self.free_place();
            return;
        };
        let remaining = dispatch
            .deadline
            .map(|d| d.saturating_duration_since(Instant::now()));
        if remaining.is_some_and(|remaining| remaining.is_zero()) {
            self.free_place();
            dispatch.flight.fail(
                ErrorKind::DeadlineExceeded,
                "no time was left to start the task",
            );
            return;
        }
        dispatch.flight.scheduled(&self.state.peer().worker_uid);
        self.last_number = number;
        if !self.described {
            self.described = true;
            let define = wire::Define {
                id: POOL,
                data: self.description.clone(),
            };
            self.outbox.frame(Frame::session(Kind::Define(define)));
        }
        let streaming = dispatch.kind == RoutineKind::Stream;
        let mut start = Box::new(wire::Start {
            task_id: Bytes::copy_from_slice(&dispatch.task_id),
            routine: dispatch.routine.as_ref().to_owned(),
            kind: dispatch.kind.to_wire(),
            deadline_us: remaining.map_or(0, microseconds),
            step_timeout_us: dispatch.step_timeout.map_or(0, microseconds),
            tag: dispatch.tag.clone(),
            context: dispatch.context.as_ref().and_then(|c| c.start.clone()),
            credit,
            caller_id: caller_id(&dispatch),
            pool: POOL,
            ..wire::Start::default()
        });
        self.outbox.payload(
            number,
            dispatch.arguments.clone(),
            streaming,
            move |arguments| {
                start.arguments = Some(arguments);
                Kind::Start(start)
            },
        );
        let call = CallerCall::written(streaming, credit);
        self.open.insert(number, Open { call, dispatch });
    }

    /// The next part of what has arrived.
    fn hear(&mut self) -> Result<(), LinkError> {
        let mut done = Ok(());
        self.arrived.begin_part();
        while done.is_ok()
            && let Some(frame) = self.arrived.next_of_part()
        {
            done = match frame.call {
                0 => self.session_frame(frame.kind),
                number => self.call_frame(number, frame.kind),
            };
        }
        // Also for those that came before a frame that breaks the rules.
        self.wakers.drain(..).for_each(Waker::wake);
        done
    }

    fn session_frame(&mut self, kind: Option<Kind>) -> Result<(), LinkError> {
        match kind {
            Some(Kind::Window(window)) => self.outbox.grant(0, window.bytes),
            Some(Kind::Ping(ping)) => {
                let pong = wire::Pong { nonce: ping.nonce };
                self.outbox.frame(Frame::session(Kind::Pong(pong)));
            }
            Some(Kind::Serving(serving)) => {
                self.state.update(*serving);
                (self.owner.changed)();
            }
            Some(Kind::Goaway(goaway)) => {
                self.goaway(goaway.last_call);
                if goaway.renewed {
                    (self.owner.superseded)();
                }
            }
            Some(Kind::Lent(lent)) => {
                self.state.set_lent(lent.tasks as usize);
                self.freed = true;
            }
            Some(Kind::Hello(_)) => {
                return Err(LinkError::protocol("the worker sent a second hello"));
            }
            // A pong has done its work by being heard; the rest is for newer peers.
            _ => {}
        }
        Ok(())
    }

    fn call_frame(&mut self, number: u64, kind: Option<Kind>) -> Result<(), LinkError> {
        if number > self.last_number {
            return Err(LinkError::protocol(format!(
                "the worker answered call {number}, which was never made"
            )));
        }
        match kind {
            Some(Kind::Item(item)) => {
                self.heard(number, item.context);
                self.payload(number, Answer::Item, item.value)?;
            }
            Some(Kind::Result(result)) => {
                self.heard(number, result.context);
                self.payload(number, Answer::Result, result.value)?;
            }
            Some(Kind::Chunk(chunk)) => self.chunk(number, chunk.data)?,
            Some(Kind::End(end)) => {
                self.heard(number, end.context);
                self.answer(number, Answer::End, || Outcome::End);
            }
            Some(Kind::Fault(mut fault)) => {
                self.heard(number, fault.context.take());
                self.answer(number, Answer::Fault, || {
                    Outcome::Error(Error::from_fault(Fault::from_wire(*fault)))
                });
            }
            Some(Kind::Rejected(rejected)) => self.rejected(number, rejected),
            Some(Kind::Window(window)) => self.outbox.grant(number, window.bytes),
            Some(_) => {}
            None => {
                self.violation(
                    number,
                    "the worker sent a frame of a kind that is not known here",
                );
            }
        }
        Ok(())
    }

    pub(super) fn close_call(&mut self, number: u64) -> Option<Open> {
        self.outbox.forget(number);
        self.inbox.forget(number);
        let open = self.open.remove(&number)?;
        self.free_place();
        Some(open)
    }

    /// Before the call's outcome is told: who hears it may make the next call at once.
    pub(super) fn free_place(&mut self) {
        self.state.free_place();
        self.freed = true;
    }
}

/// Whoever hears of the end of a call often makes the next.
fn is_turn(kind: &Kind) -> bool {
    matches!(
        kind,
        Kind::Result(_) | Kind::End(_) | Kind::Fault(_) | Kind::Rejected(_)
    )
}

/// The open call of a flight, if it is on this session: after a re-offer its number belongs to another.
pub(super) fn find<'a>(
    open: &'a mut CallMap<Open>,
    flight: &Arc<Flight>,
) -> Option<(u64, &'a mut Open)> {
    let number = flight.number();
    open.get_mut(&number)
        .filter(|open| Arc::ptr_eq(&open.dispatch.flight, flight))
        .map(|open| (number, open))
}

/// Of the task that made the call.
fn caller_id(dispatch: &Dispatch) -> Bytes {
    dispatch
        .caller
        .as_ref()
        .map_or_else(Bytes::new, |id| Bytes::copy_from_slice(id))
}

/// A budget on the wire. At least 1: 0 means that there is none.
fn microseconds(budget: Duration) -> u64 {
    u64::try_from(budget.as_micros()).unwrap_or(u64::MAX).max(1)
}

fn lost(message: &str) -> Error {
    Error::new(ErrorKind::WorkerLost, message)
}
