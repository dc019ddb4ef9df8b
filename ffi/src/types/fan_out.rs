use safer_ffi::derive_ReprC;

use super::{wool_bytes_t, wool_call_options_t, wool_slice_t};
use crate::error::wool_error_t;

/// How a map is made.
#[derive_ReprC]
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct wool_map_options_t {
    /// sizeof(wool_map_options_t)
    pub struct_size: usize,
    /// How many of its calls are under way at once. 0 = 64.
    pub in_flight: u32,
    /// 1: the outcomes are taken in the order of their inputs, not as they come.
    pub ordered: u8,
    /// The options of each of its calls; may be NULL.
    pub call: *const wool_call_options_t,
}

/// How the call of one input ended.
#[derive_ReprC]
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct wool_map_item_t {
    /// sizeof(wool_map_item_t), set by the caller.
    pub struct_size: usize,
    /// Which input it was, counted from 0.
    pub index: u64,
    /// WOOL_OK, or the wool_status_t of `error`.
    pub status: i32,
    /// The value's wool_codec_t; 0 without a value.
    pub codec: i32,
    /// The result. It belongs to the caller: wool_bytes_free.
    pub value: wool_bytes_t,
    /// Why the call failed, or NULL. It belongs to the caller: wool_error_free.
    pub error: *mut wool_error_t,
}

/// How far a map has come.
#[derive_ReprC]
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct wool_map_progress_t {
    /// sizeof(wool_map_progress_t), set by the caller.
    pub struct_size: usize,
    /// Inputs that were added.
    pub added: u64,
    /// Calls that have ended, well or not.
    pub done: u64,
    /// Of those, the calls that ended with an error.
    pub failed: u64,
}

/// What one worker answered.
#[derive_ReprC]
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct wool_broadcast_item_t {
    /// sizeof(wool_broadcast_item_t), set by the caller.
    pub struct_size: usize,
    /// Which worker it was. Valid until the broadcast is freed.
    pub worker_uid: wool_slice_t,
    /// WOOL_OK, or the wool_status_t of `error`.
    pub status: i32,
    /// The value's wool_codec_t; 0 without a value.
    pub codec: i32,
    /// The result. It belongs to the caller: wool_bytes_free.
    pub value: wool_bytes_t,
    /// Why the call failed, or NULL. It belongs to the caller: wool_error_free.
    pub error: *mut wool_error_t,
}
