use safer_ffi::derive_ReprC;
use std::ffi::c_void;

use super::{wool_destroy_fn, wool_slice_t};

/// Takes a message of the library. `level`: 1 error, 2 warning, 3 info, 4 debug; `target`: which part of the
/// library speaks. The texts are valid during the call. On any of wool's threads, several at once; must not
/// block, and must call nothing of wool.
pub type wool_log_fn = Option<
    unsafe extern "C" fn(
        user_data: *mut c_void,
        level: i32,
        target: wool_slice_t,
        message: wool_slice_t,
    ),
>;

/// How a runtime is set up.
#[derive_ReprC]
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct wool_runtime_options_t {
    /// sizeof(wool_runtime_options_t)
    pub struct_size: usize,
    /// Threads on which routines given as callbacks run. 0 = one per core.
    pub routine_threads: u32,
    /// The most detailed level that `log` wants; 0 = none.
    pub log_level: i32,
    /// Takes the library's messages, which go nowhere else; may be NULL.
    pub log: wool_log_fn,
    /// Given to `log`.
    pub log_user_data: *mut c_void,
    /// Frees `log_user_data`; may be NULL.
    pub log_destroy: wool_destroy_fn,
    /// The language of the host, which peers are told. Empty = "c".
    pub language: wool_slice_t,
}

/// How a worker is set up.
#[derive_ReprC]
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct wool_worker_options_t {
    /// sizeof(wool_worker_options_t)
    pub struct_size: usize,
    /// "host:port"; port 0 picks a free one. Empty = "127.0.0.1:0".
    pub bind: wool_slice_t,
    /// Also serves on a Unix socket at this path, which is readable by this user only. Empty = none.
    pub socket_path: wool_slice_t,
    /// Tasks that may run at once; those beyond are refused as WOOL_ERR_BUSY, and callers try another worker.
    /// 0 = 1,024.
    pub concurrency: u32,
    /// 1: may bind beyond loopback, where without TLS everybody who reaches the address could call.
    pub allow_plaintext: i32,
    /// Callers must present it. Empty = none.
    pub secret: wool_slice_t,
    /// Largest arguments, results and items, in bytes. 0 = 256 MiB.
    pub max_payload: u64,
    /// Labels by which pools choose.
    pub tags: *const wool_slice_t,
    /// How many there are.
    pub tag_count: usize,
}

/// How a pool is set up.
#[derive_ReprC]
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct wool_pool_options_t {
    /// sizeof(wool_pool_options_t)
    pub struct_size: usize,
    /// The workers: "host:port" or "unix:/path".
    pub addresses: *const wool_slice_t,
    /// How many there are.
    pub address_count: usize,
    /// How long a call looks for a worker that takes it, in milliseconds. 0 = 60,000.
    pub dispatch_timeout_ms: u64,
    /// Presented to the workers. Empty = none.
    pub secret: wool_slice_t,
    /// 1: may dial beyond loopback without TLS.
    pub allow_plaintext: i32,
    /// Largest arguments, results and items, in bytes. 0 = 256 MiB.
    pub max_payload: u64,
}

/// How a call or stream is made.
#[derive_ReprC]
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct wool_call_options_t {
    /// sizeof(wool_call_options_t)
    pub struct_size: usize,
    /// The budget of time of the whole call or stream, in milliseconds: past it, it ends as
    /// WOOL_ERR_DEADLINE_EXCEEDED here and is cancelled there. 0 = none.
    pub timeout_ms: u64,
    /// How long to look for a worker, in milliseconds. 0 = as the pool does.
    pub dispatch_timeout_ms: u64,
    /// A label, for logs and for the worker.
    pub tag: wool_slice_t,
}
