use safer_ffi::derive_ReprC;
use std::ffi::c_void;

use super::{wool_bytes_t, wool_destroy_fn};
use crate::error::wool_error_t;

/// What an event tells.
#[derive_ReprC]
#[repr(i32)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum wool_event_kind_t {
    /// A call's result.
    WOOL_EVENT_RESULT = 1,
    /// A stream's item: the answer to one granted next.
    WOOL_EVENT_ITEM = 2,
    /// A stream is over. Nothing follows.
    WOOL_EVENT_END = 3,
    /// A call or stream failed. Nothing follows.
    WOOL_EVENT_ERROR = 4,
    /// A task to run: `handle` is a wool_task_t, `payload` holds its arguments.
    WOOL_EVENT_TASK = 5,
    /// What a stream's task is to do next, `step`; answer before the next step comes.
    WOOL_EVENT_STEP = 6,
    /// A task should stop: its caller has left, its time is up, or the worker stops. Answer it, soon.
    WOOL_EVENT_CANCEL = 7,
    /// What was stopped or closed with a `_submit` function is.
    WOOL_EVENT_CLOSED = 8,
    /// A worker's admission hook is asked: `handle` is a wool_admission_t.
    WOOL_EVENT_ADMISSION = 9,
    /// Something happened to a task (wool_task_events_new): `payload` holds a map with `kind` ("task-created", ...),
    /// `side` ("caller" or "worker"), `timestamp_us` (int), `id` (uuid), `routine`, `caller` and `worker` (uuid or
    /// null), `step` ("next", "send", "throw" or null), `status` ("OK", an error's name, or null).
    WOOL_EVENT_TASK_EVENT = 10,
    /// A discovery of yours is asked for workers: `handle` is a wool_subscription_t, to be told of them from now on.
    WOOL_EVENT_SUBSCRIBE = 11,
    /// That is over: `handle` is the subscription, stale now. One comes for each WOOL_EVENT_SUBSCRIBE, also when the queue
    /// is full or closed.
    WOOL_EVENT_UNSUBSCRIBE = 12,
    /// A worker wants to be found by a discovery of yours, or has a newer record: `handle` is a wool_publication_t,
    /// `payload` holds the record, a map.
    WOOL_EVENT_PUBLISH = 13,
    /// A worker that was published takes no more calls: `handle` is a wool_publication_t, `payload` holds its uid, a
    /// string.
    WOOL_EVENT_WITHDRAW = 14,
    /// A balancer of yours is to choose a worker for a call: `handle` is a wool_choice_t.
    WOOL_EVENT_CHOICE = 15,
    /// A pool's own check is to say whether the identity that a worker claims is believed: `handle` is a wool_peer_check_t.
    WOOL_EVENT_PEER_CHECK = 16,
}

/// What the task of a stream is asked to do.
#[derive_ReprC]
#[repr(i32)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum wool_step_t {
    /// Run to the next yield: answer with wool_task_yield, wool_task_end or wool_task_fail.
    WOOL_STEP_NEXT = 1,
    /// As WOOL_STEP_NEXT, and the yield gives the routine the value that the caller sends. Never the first step.
    WOOL_STEP_SEND = 2,
    /// As WOOL_STEP_NEXT, and the yield raises the error that the caller throws: a routine that does not catch it
    /// answers with wool_task_fail_with. Never the first step.
    WOOL_STEP_THROW = 3,
    /// Clean up at the yield point: answer with wool_task_end or wool_task_fail. A yield fails the task.
    WOOL_STEP_CLOSE = 4,
}

/// Something that happened.
#[derive_ReprC]
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct wool_event_t {
    /// A wool_event_kind_t. Skip kinds that you do not know, freeing `payload` and `error`.
    pub kind: i32,
    /// WOOL_OK, or the wool_status_t of `error`.
    pub status: i32,
    /// As given with the call, stream, routine, admission hook, discovery, balancer, peer check or close.
    pub tag: u64,
    /// The call, stream, task, admission, subscription, publication, choice or peer check; 0 for WOOL_EVENT_CLOSED.
    pub handle: u64,
    /// Of RESULT and ITEM the value, of TASK the arguments, of a STEP that is WOOL_STEP_SEND what was sent, of TASK_EVENT
    /// what happened, of PUBLISH the record, of WITHDRAW the uid. It lies in the drainer's slab when `owner` is NULL;
    /// otherwise it belongs to the drainer: wool_bytes_free.
    pub payload: wool_bytes_t,
    /// The payload's wool_codec_t; 0 without a payload.
    pub codec: i32,
    /// Of STEP, a wool_step_t; else 0.
    pub step: i32,
    /// Of ERROR and a failed CLOSED, why; of a STEP that is WOOL_STEP_THROW, what was thrown; else NULL. It belongs to
    /// the drainer: wool_error_free.
    pub error: *mut wool_error_t,
}

/// Tells that a queue that was empty has events. Called on one of wool's threads, or on a thread of yours
/// inside a function that ends a call (a cancel, a close), and, where the queue takes task events, inside one that
/// makes a call, asks a generator or answers a task. Must not block, and must call nothing of wool:
/// wake the thread that drains. It is not called again before a drain has found the queue empty, that is, has
/// filled fewer events than it had room for.
pub type wool_doorbell_fn = Option<unsafe extern "C" fn(user_data: *mut c_void)>;

/// Takes an event, on the queue's thread `wool-callback`; it may block, and then holds up this queue only.
/// The event is valid during the call. Its payload and error belong to wool and are freed afterwards, unless you
/// take them: set `payload.owner`, `error` to NULL then.
pub type wool_event_fn =
    Option<unsafe extern "C" fn(user_data: *mut c_void, event: *mut wool_event_t)>;

/// How a queue is set up.
#[derive_ReprC]
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct wool_queue_options_t {
    /// sizeof(wool_queue_options_t)
    pub struct_size: usize,
    /// How many events can be outstanding, queued and promised; what would go beyond is refused as
    /// WOOL_ERR_BUSY when it is submitted. 0 = 65,536.
    pub capacity: u32,
    /// Called when events come to the empty queue; may be NULL.
    pub doorbell: wool_doorbell_fn,
    /// Given to `doorbell`.
    pub doorbell_user_data: *mut c_void,
    /// Frees `doorbell_user_data`; may be NULL.
    pub doorbell_destroy: wool_destroy_fn,
    /// Not NULL: wool drains the queue itself and hands each event to this function; wool_queue_drain is refused.
    pub handler: wool_event_fn,
    /// Given to `handler`.
    pub handler_user_data: *mut c_void,
    /// Frees `handler_user_data`; may be NULL.
    pub handler_destroy: wool_destroy_fn,
}
