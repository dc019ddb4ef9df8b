use safer_ffi::derive_ReprC;
use std::ffi::c_void;

use super::{wool_context_value_t, wool_slice_t};

/// A call that waits to be let into a worker. It goes stale with its answer.
pub type wool_admission_t = u64;

/// What a worker's admission hook is asked about.
#[derive_ReprC]
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct wool_admission_info_t {
    /// sizeof(wool_admission_info_t)
    pub struct_size: usize,
    /// The routine that is called.
    pub routine: wool_slice_t,
    /// The caller's label.
    pub tag: wool_slice_t,
    /// How many other tasks are in flight on this worker, those that wait for their answer included.
    pub in_flight: u64,
    /// What rides along with the call; NULL when nothing does.
    pub context: *const wool_context_value_t,
    /// How many values these are.
    pub context_count: usize,
    /// The names that the caller's certificate holds, DNS names and URIs; NULL without TLS.
    pub peer: *const wool_slice_t,
    /// How many there are.
    pub peer_count: usize,
}

/// Asks whether a call is let in. Answer with wool_admission_accept, wool_admission_busy, wool_admission_refuse or
/// wool_admission_fail, now or later, from any thread. `info` is valid during the call. On a thread `wool-admit`: it
/// may block, up to 64 of them at once, and holds up nothing but its call.
pub type wool_admit_fn = Option<
    unsafe extern "C" fn(
        user_data: *mut c_void,
        admission: wool_admission_t,
        info: *const wool_admission_info_t,
    ),
>;
