use safer_ffi::derive_ReprC;
use std::ffi::c_void;

use super::wool_slice_t;

/// How a pool spreads its calls over the workers that can take them.
#[derive_ReprC]
#[repr(i32)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum wool_balancer_t {
    /// One after the other.
    WOOL_BALANCER_ROUND_ROBIN = 0,
    /// Of two that are drawn by lot, the one with fewer calls of this pool in flight.
    WOOL_BALANCER_LEAST_LOADED = 1,
    /// As you say.
    WOOL_BALANCER_CUSTOM = 2,
}

/// A call that waits for a worker to be chosen. It goes stale with its answer.
pub type wool_choice_t = u64;

/// A worker that can take a call. More members may be added at the end.
#[derive_ReprC]
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct wool_choice_worker_t {
    /// Its UUID, dashed.
    pub uid: wool_slice_t,
    /// Where the pool reaches it.
    pub address: wool_slice_t,
    /// Its labels; NULL when it has none.
    pub tags: *const wool_slice_t,
    /// How many these are.
    pub tag_count: usize,
    /// Calls of this pool that it has and has not answered.
    pub in_flight: u64,
    /// How many of them it takes.
    pub capacity: u64,
}

/// What a balancer chooses from.
#[derive_ReprC]
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct wool_choice_info_t {
    /// sizeof(wool_choice_info_t)
    pub struct_size: usize,
    /// The routine that is called.
    pub routine: wool_slice_t,
    /// The call's label.
    pub tag: wool_slice_t,
    /// The workers that can take it, at least one, in no order that means anything.
    pub workers: *const wool_choice_worker_t,
    /// How many there are.
    pub worker_count: usize,
    /// The distance from one to the next in bytes: sizeof(wool_choice_worker_t) of the library, which may be newer than
    /// the header.
    pub worker_size: usize,
}

/// Chooses a worker for a call, and again when that did not take it. Answer with wool_choice_answer, now or later, from
/// any thread; the call waits, up to its dispatch timeout. `info` is valid during the call. On the thread that makes the
/// call, and on wool's, several at once; must not block.
pub type wool_balance_fn = Option<
    unsafe extern "C" fn(
        user_data: *mut c_void,
        choice: wool_choice_t,
        info: *const wool_choice_info_t,
    ),
>;
