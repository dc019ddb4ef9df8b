//! How a call begins at its worker: whether it is taken, until its routine runs.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::admitting::Undecided;
use super::inbox::{Part, no_room};
use super::stepping::StepWatch;
use super::transport::LinkError;
use super::worker::{Open, Serving, WorkerCommand, uuid};
use crate::callers_pool::{LARGEST_DEFINED, MOST_DEFINED};
use crate::context::{Context, MOST_BYTES};
use crate::payload::Payload;
use crate::place::Place;
use crate::routine::RoutineKind;
use crate::state::call::WorkerCall;
use crate::state::hello::Limits;
use crate::task::{StepClock, Task, TaskInfo, TaskState, WayBack};
use crate::wire::frame::Kind;
use crate::wire::rejected::Reason;
use crate::wire::{self, Frame};

impl Serving {
    pub(super) fn start(
        &mut self,
        number: u64,
        mut start: Box<wire::Start>,
    ) -> Result<(), LinkError> {
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
        let Some((context, seen)) = Context::from_wire(start.context.take()) else {
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
            peer: self.peer_names(),
        };
        let back = WayBack {
            number,
            session: self.own_commands.clone(),
            pool: self.defined.get(&start.pool).cloned(),
            seen,
        };
        let state = TaskState::new(
            back,
            info,
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
        if open.undecided.is_none() {
            open.state.scheduled();
        }
        self.open.insert(number, open);
        self.arguments(number, part);
        self.ask(number);
        Ok(())
    }

    /// What the caller will refer to.
    pub(super) fn define(&mut self, define: wire::Define) -> Result<(), LinkError> {
        if define.data.len() > LARGEST_DEFINED || self.defined.len() >= MOST_DEFINED {
            return Err(LinkError::protocol(format!(
                "the caller defines more than {MOST_DEFINED} things, or one of more than {LARGEST_DEFINED} bytes"
            )));
        }
        if define.id == 0 || self.defined.contains_key(&define.id) {
            return Err(LinkError::protocol(format!(
                "the caller cannot define {}: it is nothing, or defined already",
                define.id
            )));
        }
        self.defined.insert(define.id, define.data);
        Ok(())
    }

    fn peer_names(&self) -> Arc<[String]> {
        let names = self.names.as_ref();
        names.map_or_else(Arc::default, |names| Arc::clone(names.all()))
    }

    /// Whether the task may run here, with its place.
    fn admit(
        &self,
        start: &wire::Start,
    ) -> Result<(Arc<crate::routine::Routine>, Place), (Reason, String)> {
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
        if let Some(names) = &self.names
            && !self.worker.may_call(names.all(), &routine.name)
        {
            return Err((
                Reason::PermissionDenied,
                format!(
                    "{} is not for callers of the names {:?}",
                    routine.name,
                    names.all()
                ),
            ));
        }
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
        let lent = self.places.lent();
        let open = self.open.len();
        if open.saturating_sub(lent) >= self.worker.limits().max_open_calls
            || open >= Limits::default().max_open_calls
        {
            return Err((
                Reason::Busy,
                "this session has too many open calls".to_owned(),
            ));
        }
        let slot = Place::take(&self.worker, &self.places).map_err(|why| (Reason::Busy, why))?;
        // Looked at with the place taken: the worker ends its sessions once nobody has a place, and this one may not have
        // been told yet.
        if self.worker.is_draining() {
            return Err((Reason::Draining, "the worker is stopping".to_owned()));
        }
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

    pub(super) fn arguments(&mut self, number: u64, part: Part) {
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
            Part::NoRoom(total) => (Reason::Busy, no_room("the arguments have", total)),
            Part::UnknownCodec(codec) => (
                Reason::Codec,
                format!("the arguments are encoded with codec {codec}, unknown here"),
            ),
        };
        self.turn_away(number, reason, message);
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
}
