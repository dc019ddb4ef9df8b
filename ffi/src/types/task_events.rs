use safer_ffi::derive_ReprC;
use std::ffi::c_void;

use super::{wool_destroy_fn, wool_slice_t};
use crate::queue::wool_queue_t;

/// What happened to a task.
#[derive_ReprC]
#[repr(i32)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum wool_task_event_kind_t {
    /// The caller made the call.
    WOOL_TASK_CREATED = 1,
    /// The caller gave it to a worker's session - again, if it is offered elsewhere; the worker took it.
    WOOL_TASK_SCHEDULED = 2,
    /// The routine began to run.
    WOOL_TASK_STARTED = 3,
    /// The routine has stopped.
    WOOL_TASK_STOPPED = 4,
    /// The caller knows the outcome; the worker has given its last answer.
    WOOL_TASK_COMPLETED = 5,
    /// The caller asked a generator for a step.
    WOOL_TASK_ITERATION_INITIATED = 6,
    /// The routine was resumed for it.
    WOOL_TASK_ITERATION_STARTED = 7,
    /// The routine yielded the item; the item came.
    WOOL_TASK_ITERATION_COMPLETED = 8,
}

/// Where something happened to a task.
#[derive_ReprC]
#[repr(i32)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum wool_side_t {
    /// At a pool that makes the call.
    WOOL_SIDE_CALLER = 1,
    /// At a worker that runs the task.
    WOOL_SIDE_WORKER = 2,
}

/// Something that happened to a task. Each task is told of from its beginning to its end or, to those who listen too late,
/// not at all. Every CREATED of a caller is followed by one COMPLETED; at a worker so is every SCHEDULED, and every
/// STARTED by one STOPPED before that.
#[derive_ReprC]
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct wool_task_event_t {
    /// The size of this struct in the library, at least that of the header that you know.
    pub struct_size: usize,
    /// A wool_task_event_kind_t.
    pub kind: i32,
    /// A wool_side_t.
    pub side: i32,
    /// When, in microseconds since 1970 (UTC), by this machine's clock.
    pub timestamp_us: i64,
    /// The task's UUID.
    pub id: [u8; 16],
    /// The task that called it; zeros if none did.
    pub caller: [u8; 16],
    /// The worker; zeros while the caller has given it to none.
    pub worker_uid: [u8; 16],
    /// What it runs. Valid during the call.
    pub routine: wool_slice_t,
    /// Of an iteration, its wool_step_t; else 0.
    pub step: i32,
    /// Of WOOL_TASK_COMPLETED, how: WOOL_OK or the wool_status_t of the error; else 0.
    pub status: i32,
}

/// Takes an event of a task, on a thread `wool-event` of its own; it may block, and then misses events. `event` is valid
/// during the call.
pub type wool_task_event_fn =
    Option<unsafe extern "C" fn(user_data: *mut c_void, event: *const wool_task_event_t)>;

/// How a program listens to task events: by a handler or by a queue.
#[derive_ReprC]
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct wool_task_events_options_t {
    /// sizeof(wool_task_events_options_t)
    pub struct_size: usize,
    /// Called with each event.
    pub handler: wool_task_event_fn,
    /// Given to `handler`.
    pub user_data: *mut c_void,
    /// Frees `user_data` when `handler` is not called any more, or before wool_task_events_new returns an error; may be
    /// NULL.
    pub destroy: wool_destroy_fn,
    /// Not NULL, with `handler` NULL: each event is a WOOL_EVENT_TASK_EVENT of this queue.
    pub queue: *mut wool_queue_t,
    /// The `tag` of these.
    pub tag: u64,
    /// As many wait for the handler, or undrained in the queue; further ones are missed. 0 = 4,096.
    pub capacity: u32,
}
