use safer_ffi::derive_ReprC;
use std::ffi::c_void;

use super::wool_slice_t;

/// A worker whose claimed identity waits to be believed. It goes stale with its answer.
pub type wool_peer_check_t = u64;

/// What a pool's own check is asked about.
#[derive_ReprC]
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct wool_peer_info_t {
    /// sizeof(wool_peer_info_t)
    pub struct_size: usize,
    /// What the worker claims to be: a DNS name or a URI. Nothing has been proved yet.
    pub identity: wool_slice_t,
    /// Its uid.
    pub uid: wool_slice_t,
}

/// Asks whether the identity that a worker claims is believed, before each attempt to connect to it. Answer with
/// wool_peer_check_answer or wool_peer_check_fail, now or later, from any thread, within 10 s. `info` is valid during the call.
/// On wool's I/O thread: must not block.
pub type wool_peer_check_fn = Option<
    unsafe extern "C" fn(
        user_data: *mut c_void,
        check: wool_peer_check_t,
        info: *const wool_peer_info_t,
    ),
>;
