use safer_ffi::derive_ReprC;
use std::ffi::c_void;

use super::{wool_context_value_t, wool_destroy_fn, wool_payload_t, wool_slice_t, wool_task_t};
use crate::error::wool_error_t;
use crate::queue::wool_queue_t;

/// What a task is.
#[derive_ReprC]
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct wool_task_info_t {
    /// sizeof(wool_task_info_t)
    pub struct_size: usize,
    /// Its UUID.
    pub id: [u8; 16],
    /// The task that called it; zeros if none did.
    pub caller: [u8; 16],
    /// The worker that runs it.
    pub worker_uid: [u8; 16],
    /// What is left of its budget of time, in milliseconds; -1 = there is no deadline.
    pub remaining_ms: i64,
    /// What came along with the call; NULL when nothing did. Valid until the task has been answered. What has changed
    /// since is in wool_task_context.
    pub context: *const wool_context_value_t,
    /// How many values these are.
    pub context_count: usize,
    /// The routine, by the name under which it was called. Valid until the task has been answered.
    pub routine: wool_slice_t,
    /// The caller's label. Valid as `routine`.
    pub tag: wool_slice_t,
    /// The names that its caller's certificate holds, DNS names and URIs; NULL without TLS. Valid as `routine`.
    pub peer: *const wool_slice_t,
    /// How many there are.
    pub peer_count: usize,
}

/// Begins a task. On a thread `wool-task`, where it may block, or where the routine's `on_io_thread` says, where it must
/// not. `info` and `arguments` are valid during the call.
/// Answer a unary task with wool_task_return or wool_task_fail, now or later, from any thread; a stream's task is
/// only set up here (wool_task_set_state) and answers its steps.
pub type wool_run_fn = Option<
    unsafe extern "C" fn(
        user_data: *mut c_void,
        task: wool_task_t,
        info: *const wool_task_info_t,
        arguments: wool_payload_t,
    ),
>;

/// Does a step (a wool_step_t) of a stream's task, after `run` has returned, on such a thread as that; one step of a task
/// at a time. Answer as the step says, now or later, from any thread. `state` is what
/// wool_task_set_state left, else NULL. `sent` is the value of WOOL_STEP_SEND, else empty; `thrown` the error of
/// WOOL_STEP_THROW, else NULL; both are valid during the call.
pub type wool_step_fn = Option<
    unsafe extern "C" fn(
        user_data: *mut c_void,
        task: wool_task_t,
        state: *mut c_void,
        step: i32,
        sent: wool_payload_t,
        thrown: *const wool_error_t,
    ),
>;

/// A task should stop; it is still to be answered. Also while `run` or a step is under way; on a thread that must
/// not be held up: it must not block.
pub type wool_cancel_fn =
    Option<unsafe extern "C" fn(user_data: *mut c_void, task: wool_task_t, state: *mut c_void)>;

/// Whether a routine answers once or with a stream of items.
#[derive_ReprC]
#[repr(i32)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum wool_routine_kind_t {
    /// One result.
    WOOL_ROUTINE_UNARY = 1,
    /// A generator.
    WOOL_ROUTINE_STREAM = 2,
}

/// A routine: served by callbacks, or by a queue.
#[derive_ReprC]
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct wool_routine_options_t {
    /// sizeof(wool_routine_options_t)
    pub struct_size: usize,
    /// Dotted, e.g. "calc.add": the contract between languages.
    pub name: wool_slice_t,
    /// A wool_routine_kind_t.
    pub kind: i32,
    /// What it does, for people who list routines; may be empty.
    pub doc: wool_slice_t,
    /// Names of the positional parameters, by which callers may pass them (see wool_value_reader_new_bound), and for
    /// people who list routines; may be NULL.
    pub parameters: *const wool_slice_t,
    /// How many there are.
    pub parameter_count: usize,
    /// Begins a task. Optional for a stream without arguments and state.
    pub run: wool_run_fn,
    /// Does a step; for streams.
    pub step: wool_step_fn,
    /// Hears of a cancel; may be NULL (wool_task_is_cancelled tells, too).
    pub cancel: wool_cancel_fn,
    /// Given to the callbacks.
    pub user_data: *mut c_void,
    /// Frees `user_data`; may be NULL.
    pub destroy: wool_destroy_fn,
    /// Not NULL: tasks come as events of this queue, and the callbacks must be NULL.
    pub queue: *mut wool_queue_t,
    /// The `tag` of these events.
    pub tag: u64,
    /// 1: the callbacks come on the I/O thread, `wool-io`, with no change of threads, which is most of what a small call
    /// costs. They must not block there: wool's functions that wait fail with WOOL_ERR_INVALID_ARGUMENT, and while a callback
    /// computes, all sessions of the runtime wait.
    pub on_io_thread: i32,
}

/// How a task fails.
#[derive_ReprC]
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct wool_fault_t {
    /// sizeof(wool_fault_t)
    pub struct_size: usize,
    /// What kind of failure, a negative wool_status_t. 0 = WOOL_ERR_TASK_FAILED.
    pub status: i32,
    /// Name of the error's type in your language, e.g. "ValueError"; may be empty.
    pub r#type: wool_slice_t,
    /// What it says.
    pub message: wool_slice_t,
    /// Where it was raised: lines, outermost first; may be NULL.
    pub traceback: *const wool_slice_t,
    /// How many there are.
    pub traceback_len: usize,
    /// The error's own data; may be NULL.
    pub value: *const wool_payload_t,
    /// What caused it (see wool_error_new); may be NULL. It stays yours.
    pub cause: *const wool_error_t,
}
