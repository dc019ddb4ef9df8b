//! The worker's side of a session: takes calls, runs them through their services, writes answers.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use tokio::sync::mpsc;
use tokio::task::AbortHandle;

use super::admitting::Undecided;
use super::answering::{stop, used_up};
use super::arrived::Arrived;
use super::commands::{COMMANDS_AT_ONCE, take_ready};
use super::greeting::{Guest, greet};
use super::inbox::{Inbox, Release};
use super::numbers::CallMap;
use super::outbox::Outbox;
use super::stepping::StepWatch;
use super::transport::{LinkError, Outgoing, Transport};
use crate::admission::Verdict;
use crate::error::{Error, ErrorKind, Fault};
use crate::place::{Place, SessionPlaces};
use crate::routine::{Step, TaskControl};
use crate::state::hello::{Limits, Peer, Refusal};
use crate::state::liveness::{Check, Liveness, Times};
use crate::task::{TaskAnswer, TaskState};
use crate::tls::PeerNames;
use crate::wire::frame::Kind;
use crate::wire::{self, Batch, Frame};
use crate::worker::WorkerShared;

/// How long the last frames of a session may take to be handed over.
const FLUSH_WITHIN: Duration = Duration::from_secs(2);

pub(crate) enum WorkerCommand {
    /// A routine answered. The step is the next thing to ask of it.
    Answer {
        number: u64,
        answer: TaskAnswer,
        /// What has changed in the task's context since the answer before.
        context: Option<Box<wire::Context>>,
        step: Option<Step>,
        /// Of a task that is over. It goes with its answer: a worker is idle when that is on its way, and whoever has
        /// read it can count on the place.
        place: Option<Place>,
    },
    /// The task's budget of time is used up.
    Expired {
        number: u64,
    },
    /// The admission hook has answered.
    Admission {
        number: u64,
        verdict: Verdict,
    },
    /// The budget of a step may be used up.
    CheckStep {
        number: u64,
    },
    Release(Release),
    /// A task lends its place, or has it back.
    Lent,
    /// The worker takes no new tasks: tell the caller, go on with those that run.
    Drain,
    /// The session was made by credentials of before: as `Drain`, but a new session takes calls.
    Renew,
    /// The worker stops: cancel what runs.
    CancelAll,
    /// All has ended: write what is left and close.
    Finish,
}

pub(super) struct Open {
    pub(super) state: Arc<TaskState>,
    /// While the admission hook decides; the routine does not begin before.
    pub(super) undecided: Option<Undecided>,
    /// `None` until the arguments are complete and the call is let in.
    pub(super) control: Option<Box<dyn TaskControl>>,
    pub(super) service: Arc<dyn crate::routine::Service>,
    pub(super) streaming: bool,
    pub(super) deadline: Option<AbortHandle>,
    pub(super) step_watch: Option<StepWatch>,
    /// Told in the place of what the routine answers once it was stopped.
    pub(super) stopped: Option<Box<Fault>>,
}

/// Runs one session. It ends when the caller goes or the worker stops; tasks that still run then are
/// told, and keep their places until they have ended.
pub(crate) async fn serve(mut transport: Transport, worker: Arc<WorkerShared>, guest: Guest) {
    match greet(&mut transport, &worker, guest.names.as_ref()).await {
        Ok(peer) => Serving::new(transport, worker, peer, guest).run().await,
        Err(refusal) => {
            worker.log_refusal(&refusal);
            // The caller may be gone; then there is nobody to tell.
            let _ = transport.outgoing.send(Outgoing::Err(refusal)).await;
        }
    }
}

pub(super) struct Serving {
    transport: Transport,
    pub(super) worker: Arc<WorkerShared>,
    pub(super) peer: Peer,
    /// As in [`Guest`].
    pub(super) names: Option<PeerNames>,
    /// As in [`Guest`].
    generation: Option<u64>,
    /// This side's own: what its caller keeps to.
    limits: Limits,
    commands: mpsc::UnboundedReceiver<WorkerCommand>,
    pub(super) own_commands: mpsc::UnboundedSender<WorkerCommand>,
    pub(super) open: CallMap<Open>,
    pub(super) last_number: u64,
    pub(super) places: Arc<SessionPlaces>,
    /// How many of the lent ones the caller knows of.
    told_lent: usize,
    /// What the caller has defined.
    pub(super) defined: BTreeMap<u32, Bytes>,
    pub(super) draining: bool,
    pub(super) outbox: Outbox,
    pub(super) inbox: Inbox,
    arrived: Arrived,
    pub(super) grants: Vec<Frame>,
    liveness: Liveness,
}

/// Why the driver's loop ended.
enum End {
    Finished,
    /// The caller is gone; why, if it is worth a message.
    CallerGone(Option<Error>),
}

impl Serving {
    fn new(transport: Transport, worker: Arc<WorkerShared>, peer: Peer, guest: Guest) -> Serving {
        let Guest {
            names,
            generation,
            share,
        } = guest;
        let mut limits = worker.limits();
        if let Some(share) = &share {
            limits.session_window = limits.session_window.min(share.window());
            // What could never fit is refused as too large by the caller itself.
            limits.max_payload = limits.max_payload.min(share.most_bytes());
        }
        let (own_commands, commands) = mpsc::unbounded_channel();
        let release = {
            let commands = own_commands.clone();
            Arc::new(move |release| {
                let _ = commands.send(WorkerCommand::Release(release));
            })
        };
        Serving {
            outbox: Outbox::new(peer.limits),
            inbox: Inbox::new(limits, release).of_peer(share.clone()),
            transport,
            worker,
            peer,
            names,
            generation,
            limits,
            commands,
            own_commands,
            open: CallMap::default(),
            last_number: 0,
            places: SessionPlaces::of_peer(share),
            told_lent: 0,
            defined: BTreeMap::new(),
            draining: false,
            arrived: Arrived::new(|kind| matches!(kind, Kind::Start(_))),
            grants: Vec::new(),
            liveness: Liveness::new(Times::default(), Instant::now()),
        }
    }

    async fn run(mut self) {
        // Before the hello: whatever is registered or drained after it is told as a change.
        let commands = self.own_commands.clone();
        let session = self.worker.enter(commands, self.generation);
        let hello = self.worker.hello(self.limits);
        self.draining = hello
            .serving
            .as_ref()
            .is_some_and(|serving| serving.draining);
        self.outbox
            .frame(Frame::session(Kind::Hello(Box::new(hello))));
        let end = self.drive().await;
        if let End::CallerGone(Some(error)) = &end {
            self.worker.log_lost_caller(&self.peer, error);
        }
        self.commands.close();
        for (_, mut open) in self.open.drain() {
            stop(&mut open);
        }
        drop(session);
    }

    async fn drive(&mut self) -> End {
        let mut received = Vec::with_capacity(COMMANDS_AT_ONCE);
        let outgoing = self.transport.outgoing.clone();
        let mut registry = self.worker.registry_changes();
        let liveness = tokio::time::sleep_until(Instant::now().into());
        tokio::pin!(liveness);
        loop {
            self.inbox.grant_session(&mut self.grants);
            for grant in self.grants.drain(..) {
                self.outbox.frame(grant);
            }
            self.tell_lent();
            let mut wrote = false;
            while self.outbox.can_fill() {
                match outgoing.try_reserve() {
                    Ok(permit) => {
                        permit.send(Outgoing::Ok(self.write()));
                        wrote = true;
                    }
                    Err(mpsc::error::TrySendError::Full(())) => break,
                    Err(mpsc::error::TrySendError::Closed(())) => return End::CallerGone(None),
                }
            }
            if !self.arrived.is_empty() {
                if wrote {
                    // The connection writes it now.
                    tokio::task::yield_now().await;
                }
                if let Err(end) = self.go_on(&mut received, &outgoing).await {
                    return end;
                }
                continue;
            }
            let full = self.outbox.can_fill();
            tokio::select! {
                count = self.commands.recv_many(&mut received, COMMANDS_AT_ONCE) => {
                    debug_assert!(count > 0, "this side holds a sender");
                    if self.take_commands(&mut received).is_break() {
                        return self.finish(&outgoing).await;
                    }
                }
                batch = self.transport.receive() => match batch {
                    Some(Ok(batch)) => {
                        self.liveness.heard(Instant::now());
                        self.arrived.put(batch);
                        if let Err(end) = self.hear(&outgoing).await {
                            return end;
                        }
                    }
                    Some(Err(LinkError(error))) if error.kind() == ErrorKind::Protocol => {
                        return End::CallerGone(Some(error));
                    }
                    Some(Err(_)) | None => return End::CallerGone(None),
                },
                permit = outgoing.reserve(), if full => match permit {
                    Ok(permit) => permit.send(Outgoing::Ok(self.write())),
                    Err(_) => return End::CallerGone(None),
                },
                changed = registry.changed() => if changed.is_ok() {
                    let serving = self.worker.serving();
                    self.outbox.frame(Frame::session(Kind::Serving(Box::new(serving))));
                },
                () = &mut liveness, if !self.open.is_empty() => {
                    let next = match self.liveness.check(Instant::now(), true) {
                        Check::At(next) => next,
                        Check::Ping(next) => {
                            self.outbox.frame(Frame::session(Kind::Ping(wire::Ping::default())));
                            next
                        }
                        Check::Dead => return End::CallerGone(Some(Error::new(
                            ErrorKind::Protocol,
                            "the caller no longer answers pings",
                        ))),
                    };
                    liveness.as_mut().reset(next.into());
                }
            }
        }
    }

    /// What the routines have answered meanwhile, and the next part of what has arrived.
    async fn go_on(
        &mut self,
        received: &mut Vec<WorkerCommand>,
        outgoing: &mpsc::Sender<Outgoing>,
    ) -> Result<(), End> {
        take_ready(&mut self.commands, received).await;
        if self.take_commands(received).is_break() {
            return Err(self.finish(outgoing).await);
        }
        self.hear(outgoing).await
    }

    /// Breaks off when the session is to finish, with all taken.
    fn take_commands(&mut self, received: &mut Vec<WorkerCommand>) -> ControlFlow<()> {
        let mut flow = ControlFlow::Continue(());
        for command in received.drain(..) {
            if let WorkerCommand::Finish = command {
                flow = ControlFlow::Break(());
            } else {
                self.command(command);
            }
        }
        flow
    }

    /// The next part of what has arrived. A caller that breaks the rules is told.
    async fn hear(&mut self, outgoing: &mpsc::Sender<Outgoing>) -> Result<(), End> {
        let Err(LinkError(error)) = self.hear_frames() else {
            return Ok(());
        };
        let refusal = Refusal::Protocol(error.message().to_owned());
        let told = outgoing.send(Outgoing::Err(refusal));
        // A caller that does not read is not told.
        let _ = tokio::time::timeout(FLUSH_WITHIN, told).await;
        Err(End::CallerGone(Some(error)))
    }

    async fn finish(&mut self, outgoing: &mpsc::Sender<Outgoing>) -> End {
        // A session that began after the others were drained knows of no goaway yet.
        self.command(WorkerCommand::Drain);
        self.flush(outgoing).await;
        self.linger().await;
        End::Finished
    }

    /// So many more calls may be open. Only those who come near the limit are told.
    fn tell_lent(&mut self) {
        let lent = self.places.lent();
        let matters = self.open.len() * 2 >= self.worker.limits().max_open_calls;
        if lent != self.told_lent && (matters || self.told_lent > 0) {
            self.told_lent = lent;
            let tasks = u32::try_from(lent).unwrap_or(u32::MAX);
            self.outbox
                .frame(Frame::session(Kind::Lent(wire::Lent { tasks })));
        }
    }

    fn write(&mut self) -> Batch {
        let mut batch = Batch::default();
        self.outbox.fill(&mut batch, 0);
        batch
    }

    /// Lets the caller hang up first, which it does once it has read the goaway and the last answer: a socket
    /// closed under calls that it still writes would take away what it has not read yet. The server ends a
    /// caller's connection that takes too long.
    async fn linger(&mut self) {
        while let Some(Ok(_)) = self.transport.receive().await {}
    }

    /// The answers of the last tasks should reach a caller that still reads.
    async fn flush(&mut self, outgoing: &mpsc::Sender<Outgoing>) {
        let until = Instant::now() + FLUSH_WITHIN;
        while let Ok(command) = self.commands.try_recv() {
            self.command(command);
        }
        while self.outbox.can_fill() {
            let batch = self.write();
            let sent = tokio::time::timeout_at(until.into(), outgoing.send(Outgoing::Ok(batch)));
            if !matches!(sent.await, Ok(Ok(()))) {
                return;
            }
        }
    }

    fn command(&mut self, command: WorkerCommand) {
        match command {
            WorkerCommand::Answer {
                number,
                answer,
                context,
                step,
                place,
            } => {
                drop(place);
                self.answer(number, answer, context, step);
            }
            WorkerCommand::Expired { number } => {
                self.stop_task(number, used_up());
            }
            WorkerCommand::Admission { number, verdict } => self.decided(number, verdict),
            WorkerCommand::CheckStep { number } => self.check_step(number),
            // Told before the next batch is written.
            WorkerCommand::Lent => {}
            WorkerCommand::Release(release) => self.inbox.release(&release, &mut self.grants),
            WorkerCommand::Drain => self.go_away("the worker is stopping", false),
            WorkerCommand::Renew => {
                self.go_away("the worker's credentials have been renewed", true);
            }
            WorkerCommand::CancelAll => {
                let numbers: Vec<u64> = self.open.keys().copied().collect();
                for number in numbers {
                    let fault = Fault::of_kind(ErrorKind::Cancelled, "the worker was stopped");
                    self.stop_task(number, fault);
                }
            }
            WorkerCommand::Finish => {}
        }
    }

    /// Takes no new calls from here on.
    fn go_away(&mut self, reason: &str, renewed: bool) {
        self.draining = true;
        let goaway = wire::Goaway {
            last_call: self.last_number,
            reason: reason.to_owned(),
            renewed,
        };
        self.outbox.frame(Frame::session(Kind::Goaway(goaway)));
        self.turn_away_undecided();
    }

    fn hear_frames(&mut self) -> Result<(), LinkError> {
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
        // Also those that came before a frame that breaks the rules.
        self.worker.runtime().launch_tasks();
        done
    }

    fn session_frame(&mut self, kind: Option<Kind>) -> Result<(), LinkError> {
        match kind {
            Some(Kind::Window(window)) => self.outbox.grant(0, window.bytes),
            Some(Kind::Ping(ping)) => {
                let pong = wire::Pong { nonce: ping.nonce };
                self.outbox.frame(Frame::session(Kind::Pong(pong)));
            }
            Some(Kind::Define(define)) => self.define(define)?,
            Some(Kind::Hello(_)) => {
                return Err(LinkError::protocol("the caller sent a second hello"));
            }
            _ => {}
        }
        Ok(())
    }

    fn call_frame(&mut self, number: u64, kind: Option<Kind>) -> Result<(), LinkError> {
        if let Some(Kind::Start(start)) = kind {
            return self.start(number, start);
        }
        if number > self.last_number {
            return Err(LinkError::protocol(format!(
                "the caller sent a frame for call {number}, which was never started"
            )));
        }
        match kind {
            Some(Kind::Chunk(chunk)) => return self.chunk(number, chunk.data),
            Some(Kind::Window(window)) => self.outbox.grant(number, window.bytes),
            Some(Kind::Credit(credit)) => {
                self.heard(number, credit.context.map(|context| *context));
                self.step(number, |state| state.credit(credit.items));
            }
            Some(Kind::Close(_)) if self.close_undecided(number) => {}
            Some(Kind::Close(_)) => self.step(number, TaskState::close),
            Some(Kind::Cancel(_)) => {
                // The caller was told before and reads nothing more of this call.
                self.outbox.forget(number);
                let fault = Fault::of_kind(ErrorKind::Cancelled, "the caller cancelled the task");
                self.stop_task(number, fault);
            }
            Some(Kind::Send(send)) => {
                self.heard(number, send.context);
                return self.send(number, send.value);
            }
            Some(Kind::Throw(throw)) => match throw.fault {
                Some(fault) => {
                    self.heard(number, throw.context);
                    let thrown = Step::Throw(Box::new(Fault::from_wire(fault)));
                    self.resume(number, thrown);
                }
                None => self.broken(number, "the caller threw nothing"),
            },
            None => {
                let fault = Fault::of_kind(
                    ErrorKind::Unsupported,
                    "the caller sent a frame of a kind that this worker does not know",
                );
                self.stop_task(number, fault);
            }
            Some(_) => {}
        }
        Ok(())
    }

    /// The caller broke the protocol within one call: the call fails, the session lives.
    pub(super) fn broken(&mut self, number: u64, why: &str) {
        self.stop_task(number, Fault::of_kind(ErrorKind::Protocol, why));
    }

    pub(super) fn too_large(&self, what: &str, total: u64) -> String {
        format!(
            "{what} {total} bytes, worker {} accepts {}: send less, or raise its max_payload",
            self.worker.uid(),
            self.worker.limits().max_payload
        )
    }

    pub(super) fn chunk(&mut self, number: u64, data: Bytes) -> Result<(), LinkError> {
        let Some(open) = self.open.get(&number) else {
            return self.inbox.chunk_of_nobody(&data);
        };
        let running = open.control.is_some();
        let part = self
            .inbox
            .chunk(number, data, open.streaming, &mut self.grants)?;
        // The arguments come first, whole.
        if running {
            self.sent(number, part);
        } else {
            self.arguments(number, part);
        }
        Ok(())
    }

    pub(super) fn send_at(&self, at: Instant, command: WorkerCommand) -> AbortHandle {
        let commands = self.own_commands.clone();
        tokio::spawn(async move {
            tokio::time::sleep_until(at.into()).await;
            let _ = commands.send(command);
        })
        .abort_handle()
    }
}

pub(super) fn uuid(bytes: &Bytes) -> Option<crate::ids::Uuid> {
    bytes.as_ref().try_into().ok()
}
