//! The worker's side of a session: takes calls, runs them through their services, writes answers.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use tokio::sync::mpsc;
use tokio::task::AbortHandle;

use super::admitting::Undecided;
use super::inbox::{Inbox, Part, Release};
use super::numbers::CallMap;
use super::outbox::Outbox;
use super::transport::{LinkError, Outgoing, Transport, receive};
use crate::admission::Verdict;
use crate::context::{Context, MOST_BYTES};
use crate::error::{Error, ErrorKind, Fault};
use crate::payload::Payload;
use crate::routine::{RoutineKind, Step, TaskControl};
use crate::state::call::WorkerCall;
use crate::state::hello::{self, Peer, Refusal};
use crate::state::liveness::{Check, Liveness};
use crate::task::{StepClock, Task, TaskAnswer, TaskInfo, TaskState, WayBack};
use crate::wire::frame::Kind;
use crate::wire::rejected::Reason;
use crate::wire::{self, Batch, Frame};
use crate::worker::WorkerShared;

const COMMANDS_AT_ONCE: usize = 512;
/// How long a caller may take to say hello.
const HELLO_WITHIN: Duration = Duration::from_secs(10);
/// How long the last frames of a session may take to be handed over.
const FLUSH_WITHIN: Duration = Duration::from_secs(2);

pub(crate) enum WorkerCommand {
    /// A routine answered. The step is the next thing to ask of it.
    Answer {
        number: u64,
        answer: TaskAnswer,
        step: Option<Step>,
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
    /// The worker takes no new tasks: tell the caller, go on with those that run.
    Drain,
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
    control: Option<Box<dyn TaskControl>>,
    service: Arc<dyn crate::routine::Service>,
    streaming: bool,
    deadline: Option<AbortHandle>,
    step_watch: Option<StepWatch>,
    /// Told in the place of what the routine answers once it was stopped.
    stopped: Option<Box<Fault>>,
}

/// Looks after the steps of a task: not more often than the budget of one has passed.
struct StepWatch {
    timeout: Duration,
    timer: AbortHandle,
}

/// Runs one session. It ends when the caller goes or the worker stops; tasks that still run then are
/// told, and keep their places until they have ended.
pub(crate) async fn serve(mut transport: Transport, worker: Arc<WorkerShared>) {
    match greet(&mut transport, &worker).await {
        Ok(peer) => Serving::new(transport, worker, peer).run().await,
        Err(refusal) => {
            worker.log_refusal(&refusal);
            // The caller may be gone; then there is nobody to tell.
            let _ = transport.outgoing.send(Outgoing::Err(refusal)).await;
        }
    }
}

async fn greet(transport: &mut Transport, worker: &WorkerShared) -> Result<Peer, Refusal> {
    let first = tokio::time::timeout(HELLO_WITHIN, receive(&mut transport.incoming))
        .await
        .map_err(|_| Refusal::Handshake("no hello came".to_owned()))?;
    let frames = match first {
        Some(Ok(batch)) => batch.frames,
        Some(Err(LinkError(error))) => return Err(Refusal::Handshake(error.message().to_owned())),
        None => {
            return Err(Refusal::Handshake(
                "the caller left before its hello".to_owned(),
            ));
        }
    };
    let mut frames = frames.into_iter();
    let Some(Frame {
        call: 0,
        kind: Some(Kind::Hello(hello)),
    }) = frames.next()
    else {
        return Err(Refusal::Handshake(
            "the first frame must be a hello".to_owned(),
        ));
    };
    if frames.next().is_some() {
        return Err(Refusal::Handshake(
            "nothing may be sent before the worker's hello was read".to_owned(),
        ));
    }
    hello::accept_caller(*hello, worker.uid(), worker.secret())
}

pub(super) struct Serving {
    transport: Transport,
    pub(super) worker: Arc<WorkerShared>,
    peer: Peer,
    commands: mpsc::UnboundedReceiver<WorkerCommand>,
    pub(super) own_commands: mpsc::UnboundedSender<WorkerCommand>,
    pub(super) open: CallMap<Open>,
    last_number: u64,
    draining: bool,
    pub(super) outbox: Outbox,
    inbox: Inbox,
    grants: Vec<Frame>,
    liveness: Liveness,
}

/// Why the driver's loop ended.
enum End {
    Finished,
    /// The caller is gone; why, if it is worth a message.
    CallerGone(Option<Error>),
}

impl Serving {
    fn new(transport: Transport, worker: Arc<WorkerShared>, peer: Peer) -> Serving {
        let (own_commands, commands) = mpsc::unbounded_channel();
        let release = {
            let commands = own_commands.clone();
            Arc::new(move |release| {
                let _ = commands.send(WorkerCommand::Release(release));
            })
        };
        Serving {
            outbox: Outbox::new(peer.limits),
            inbox: Inbox::new(worker.limits(), release),
            transport,
            worker,
            peer,
            commands,
            own_commands,
            open: CallMap::default(),
            last_number: 0,
            draining: false,
            grants: Vec::new(),
            liveness: Liveness::new(Instant::now()),
        }
    }

    async fn run(mut self) {
        // Before the hello: whatever is registered or drained after it is told as a change.
        let session = self.worker.enter(self.own_commands.clone());
        let hello = self.worker.hello();
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
            while self.outbox.can_fill() {
                match outgoing.try_reserve() {
                    Ok(permit) => permit.send(Outgoing::Ok(self.write())),
                    Err(mpsc::error::TrySendError::Full(())) => break,
                    Err(mpsc::error::TrySendError::Closed(())) => return End::CallerGone(None),
                }
            }
            let full = self.outbox.can_fill();
            tokio::select! {
                count = self.commands.recv_many(&mut received, COMMANDS_AT_ONCE) => {
                    debug_assert!(count > 0, "this side holds a sender");
                    for command in received.drain(..) {
                        if let WorkerCommand::Finish = command {
                            // A session that began after the others were drained knows of no goaway yet.
                            self.command(WorkerCommand::Drain);
                            self.flush(&outgoing).await;
                            self.linger().await;
                            return End::Finished;
                        }
                        self.command(command);
                    }
                }
                batch = self.transport.receive() => match batch {
                    Some(Ok(batch)) => {
                        self.liveness.heard(Instant::now());
                        if let Err(LinkError(error)) = self.batch(batch) {
                            let refusal = Refusal::Protocol(error.message().to_owned());
                            let told = outgoing.send(Outgoing::Err(refusal));
                            // A caller that does not read is not told.
                            let _ = tokio::time::timeout(FLUSH_WITHIN, told).await;
                            return End::CallerGone(Some(error));
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
                    let next = match self.liveness.check(Instant::now()) {
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
                step,
            } => self.answer(number, answer, step),
            WorkerCommand::Expired { number } => {
                let fault = Fault::of_kind(
                    ErrorKind::DeadlineExceeded,
                    "the call's budget of time was used up",
                );
                self.stop_task(number, fault);
            }
            WorkerCommand::Admission { number, verdict } => self.decided(number, verdict),
            WorkerCommand::CheckStep { number } => self.check_step(number),
            WorkerCommand::Release(release) => self.inbox.release(&release, &mut self.grants),
            WorkerCommand::Drain => {
                self.draining = true;
                let goaway = wire::Goaway {
                    last_call: self.last_number,
                    reason: "the worker is stopping".to_owned(),
                };
                self.outbox.frame(Frame::session(Kind::Goaway(goaway)));
                self.turn_away_undecided();
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

    fn answer(&mut self, number: u64, answer: TaskAnswer, step: Option<Step>) {
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
            (answer, None) => answer,
        };
        match answer {
            TaskAnswer::Item(payload) => {
                self.outbox.payload(number, payload, true, |value| {
                    Kind::Item(wire::Item {
                        value: Some(value),
                        context: None,
                    })
                });
                if let (Some(step), Some(control)) = (step, &mut open.control) {
                    control.step(step);
                }
                return;
            }
            TaskAnswer::Result(payload) => {
                self.outbox.payload(number, payload, false, |value| {
                    Kind::Result(wire::Result {
                        value: Some(value),
                        context: None,
                    })
                });
            }
            TaskAnswer::End => {
                self.outbox
                    .frame_in_order(Frame::new(number, Kind::End(wire::End::default())));
            }
            TaskAnswer::Fault(mut fault) => {
                if fault.language.is_empty() && fault.kind == ErrorKind::TaskFailed {
                    fault.language = self.worker.language().to_owned();
                }
                self.outbox
                    .frame_in_order(Frame::new(number, Kind::Fault(Box::new(fault.into_wire()))));
            }
        }
        self.close_call(number);
    }

    /// Ends a task for a reason of its own; the terminal frame comes when the routine has stopped.
    fn stop_task(&mut self, number: u64, fault: Fault) {
        let Some(open) = self.open.get_mut(&number) else {
            return;
        };
        if open.state.end_if_not_begun() {
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

    fn check_step(&mut self, number: u64) {
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

    fn batch(&mut self, batch: Batch) -> Result<(), LinkError> {
        let done = batch.frames.into_iter().try_for_each(|frame| {
            if frame.call == 0 {
                self.session_frame(frame.kind)
            } else {
                self.call_frame(frame.call, frame.kind)
            }
        });
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
            Some(Kind::Credit(credit)) => self.step(number, |state| state.credit(credit.items)),
            Some(Kind::Close(_)) if self.close_undecided(number) => {}
            Some(Kind::Close(_)) => self.step(number, TaskState::close),
            Some(Kind::Cancel(_)) => {
                // The caller was told before and reads nothing more of this call.
                self.outbox.forget(number);
                let fault = Fault::of_kind(ErrorKind::Cancelled, "the caller cancelled the task");
                self.stop_task(number, fault);
            }
            Some(Kind::Send(send)) => return self.send(number, send.value),
            Some(Kind::Throw(throw)) => match throw.fault {
                Some(fault) => {
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

    fn step(&mut self, number: u64, ask: impl FnOnce(&TaskState) -> Option<Step>) {
        if let Some(open) = self.open.get_mut(&number)
            && let Some(step) = ask(&open.state)
            && let Some(control) = &mut open.control
        {
            control.step(step);
        }
    }

    /// A value, or its first part, for a generator's yield.
    fn send(&mut self, number: u64, value: Option<wire::Payload>) -> Result<(), LinkError> {
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

    fn sent(&mut self, number: u64, part: Part) {
        match part {
            Part::Partial => {}
            Part::Complete(value) => self.resume(number, Step::Send(value)),
            Part::TooLarge(total) => {
                let message = self.too_large("what was sent has", total);
                let fault = Fault::of_kind(ErrorKind::PayloadTooLarge, message);
                self.stop_task(number, fault);
            }
            Part::UnknownCodec(codec) => {
                let message = format!("what was sent is encoded with codec {codec}, unknown here");
                self.stop_task(number, Fault::of_kind(ErrorKind::Unsupported, message));
            }
        }
    }

    fn resume(&mut self, number: u64, step: Step) {
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

    /// The caller broke the protocol within one call: the call fails, the session lives.
    fn broken(&mut self, number: u64, why: &str) {
        self.stop_task(number, Fault::of_kind(ErrorKind::Protocol, why));
    }

    fn too_large(&self, what: &str, total: u64) -> String {
        format!(
            "{what} {total} bytes, worker {} accepts {}: send less, or raise its max_payload",
            self.worker.uid(),
            self.worker.limits().max_payload
        )
    }

    fn start(&mut self, number: u64, mut start: Box<wire::Start>) -> Result<(), LinkError> {
        if number <= self.last_number {
            return Err(LinkError::protocol(format!(
                "call number {number} was used before"
            )));
        }
        self.last_number = number;
        if self.draining {
            // Beyond the goaway that is under way: the caller will know that it did not start.
            return self.inbox.payload_of_nobody(start.arguments.as_ref());
        }
        let Some(context) = Context::from_wire(start.context.take()) else {
            self.inbox.payload_of_nobody(start.arguments.as_ref())?;
            let message = format!("the context has more than {MOST_BYTES} bytes");
            self.reject(number, Reason::Invalid, message);
            return Ok(());
        };
        let (routine, slot) = match self.admit(&start) {
            Ok(admitted) => admitted,
            Err((reason, message)) => {
                self.inbox.payload_of_nobody(start.arguments.as_ref())?;
                self.reject(number, reason, message);
                return Ok(());
            }
        };
        let streaming = routine.kind == RoutineKind::Stream;
        let part = self
            .inbox
            .first_part(number, start.arguments, streaming, &mut self.grants)?;
        let now = Instant::now();
        let budget =
            |microseconds| Some(Duration::from_micros(microseconds)).filter(|b| !b.is_zero());
        let deadline = budget(start.deadline_us).and_then(|left| now.checked_add(left));
        let step_timeout = budget(start.step_timeout_us).filter(|_| streaming);
        let step_check =
            step_timeout.and_then(|timeout| Some((timeout, now.checked_add(timeout)?)));
        let info = TaskInfo {
            id: uuid(&start.task_id).unwrap_or_default(),
            caller: uuid(&start.caller_id),
            routine: Arc::clone(&routine.name),
            parameters: Arc::clone(&routine.parameters),
            tag: start.tag,
            context,
            worker_uid: self.worker.uid_bytes(),
            deadline,
        };
        let back = WayBack {
            number,
            session: self.own_commands.clone(),
        };
        let state = TaskState::new(
            back,
            info,
            self.worker.runtime().clone(),
            self.peer.limits.max_payload,
            WorkerCall::arriving(streaming, start.credit),
            slot,
            StepClock::new(step_timeout),
        );
        let open = Open {
            state,
            undecided: self.worker.admission().map(|_| Undecided::default()),
            control: None,
            service: Arc::clone(&routine.service),
            streaming,
            deadline: deadline.map(|at| self.send_at(at, WorkerCommand::Expired { number })),
            step_watch: step_check.map(|(timeout, at)| StepWatch {
                timeout,
                timer: self.send_at(at, WorkerCommand::CheckStep { number }),
            }),
            stopped: None,
        };
        self.open.insert(number, open);
        self.arguments(number, part);
        self.ask(number);
        Ok(())
    }

    /// Whether the task may run here, with its place.
    fn admit(
        &self,
        start: &wire::Start,
    ) -> Result<(Arc<crate::routine::Routine>, crate::worker::Place), (Reason, String)> {
        if uuid(&start.task_id).is_none() {
            return Err((
                Reason::Invalid,
                "a task id is a UUID of 16 bytes".to_owned(),
            ));
        }
        let Some(routine) = self.worker.routine(&start.routine) else {
            return Err((
                Reason::RoutineNotFound,
                format!(
                    "worker {} does not serve {}",
                    self.worker.uid(),
                    start.routine
                ),
            ));
        };
        if RoutineKind::from_wire(start.kind) != Some(routine.kind) {
            let asked =
                RoutineKind::from_wire(start.kind).map_or("something else", RoutineKind::name);
            return Err((
                Reason::KindMismatch,
                format!(
                    "{} is a {} routine, it was called as {asked}",
                    routine.name,
                    routine.kind.name()
                ),
            ));
        }
        if self.open.len() >= self.worker.limits().max_open_calls {
            return Err((
                Reason::Busy,
                "this session has too many open calls".to_owned(),
            ));
        }
        let Some(slot) = self.worker.take_slot() else {
            return Err((
                Reason::Busy,
                format!("worker {} runs as many tasks as it may", self.worker.uid()),
            ));
        };
        Ok((routine, slot))
    }

    pub(super) fn reject(&mut self, number: u64, reason: Reason, message: String) {
        let rejected = wire::Rejected {
            reason: reason as i32,
            message,
        };
        self.outbox
            .frame(Frame::new(number, Kind::Rejected(rejected)));
    }

    fn chunk(&mut self, number: u64, data: Bytes) -> Result<(), LinkError> {
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

    fn arguments(&mut self, number: u64, part: Part) {
        let (reason, message) = match part {
            Part::Partial => return,
            Part::Complete(payload) => {
                self.run_task(number, payload);
                return;
            }
            Part::TooLarge(total) => (
                Reason::PayloadTooLarge,
                self.too_large("the arguments have", total),
            ),
            Part::UnknownCodec(codec) => (
                Reason::Codec,
                format!("the arguments are encoded with codec {codec}, unknown here"),
            ),
        };
        if let Some(open) = self.open.get(&number) {
            open.state.end_if_not_begun();
        }
        self.reject(number, reason, message);
        self.close_call(number);
    }

    pub(super) fn run_task(&mut self, number: u64, arguments: Payload) {
        let Some(open) = self.open.get_mut(&number) else {
            return;
        };
        if let Some(undecided) = &mut open.undecided {
            undecided.arguments = Some(arguments);
            return;
        }
        let step = open.state.start(arguments);
        let mut control = open.service.start(Task::new(Arc::clone(&open.state)));
        if let Some(step) = step {
            control.step(step);
        }
        open.control = Some(control);
    }

    fn send_at(&self, at: Instant, command: WorkerCommand) -> AbortHandle {
        let commands = self.own_commands.clone();
        tokio::spawn(async move {
            tokio::time::sleep_until(at.into()).await;
            let _ = commands.send(command);
        })
        .abort_handle()
    }
}

/// Tells a task to stop, once.
fn stop(open: &mut Open) {
    open.state.end_if_not_begun();
    if open.state.cancel()
        && let Some(control) = &mut open.control
    {
        control.cancel();
    }
}

fn uuid(bytes: &Bytes) -> Option<crate::ids::Uuid> {
    bytes.as_ref().try_into().ok()
}
