//! Tasks that come as events of a queue.

use std::sync::Arc;

use wool_core::{Error, RoutineKind, Service, Step, Task, TaskControl};

use super::Over;
use crate::callback::UserData;
use crate::queue::{Body, Event, Queue, Slots};
use crate::task::{TaskEntry, refuse};
use crate::types::wool_event_kind_t::{self, *};

pub(super) struct ByQueue {
    queue: Arc<Queue>,
    tag: u64,
    /// Slots that a task holds while it lives: for its cancel and, one at a time, its steps.
    slots_of_a_task: usize,
    /// Only kept, until the routine is gone.
    _user_data: UserData,
}

impl ByQueue {
    pub(super) fn new(
        queue: Arc<Queue>,
        tag: u64,
        kind: RoutineKind,
        user_data: UserData,
    ) -> ByQueue {
        let slots_of_a_task = match kind {
            RoutineKind::Unary => 1,
            RoutineKind::Stream => 2,
        };
        ByQueue {
            queue,
            tag,
            slots_of_a_task,
            _user_data: user_data,
        }
    }

    /// Begins the task, for which the queue is open and has room.
    fn begin(&self, task: Task, slots: Slots) -> Result<QueuedTask, Error> {
        if self.slots_of_a_task == 1 {
            task.begin();
        }
        let arguments = task.take_arguments();
        let entry = TaskEntry::insert(task, Some(slots))?;
        let task = QueuedTask {
            queue: Arc::clone(&self.queue),
            tag: self.tag,
            entry,
        };
        task.push(WOOL_EVENT_TASK, Body::Payload(arguments), 1);
        Ok(task)
    }
}

impl Service for ByQueue {
    fn start(&self, task: Task) -> Box<dyn TaskControl> {
        // Until the task is begun, so that a close of the queue sees it, or this sees the close.
        let opened = self.queue.opened();
        let admitted = match &opened {
            Ok(_) => Slots::hold(&self.queue, self.slots_of_a_task)
                .and_then(|slots| self.queue.reserve(1).map(|()| slots)),
            Err(error) => Err(error.clone()),
        };
        match admitted {
            Ok(slots) => match self.begin(task, slots) {
                Ok(task) => Box::new(task),
                Err(_) => {
                    self.queue.release(1);
                    Box::new(Over)
                }
            },
            Err(error) => {
                refuse(&task, &error);
                Box::new(Over)
            }
        }
    }
}

struct QueuedTask {
    queue: Arc<Queue>,
    tag: u64,
    entry: Arc<TaskEntry>,
}

impl QueuedTask {
    fn push(&self, kind: wool_event_kind_t, body: Body, slots: usize) {
        let event = Event {
            kind,
            tag: self.tag,
            handle: self.entry.handle(),
            body,
        };
        self.queue.push(event, slots);
    }
}

impl TaskControl for QueuedTask {
    fn step(&mut self, step: Step) {
        self.push(WOOL_EVENT_STEP, Body::Step(step), 0);
    }

    fn cancel(&mut self) {
        self.push(WOOL_EVENT_CANCEL, Body::Nothing, 0);
    }
}
