//! One call for each of many inputs, and one call on every worker: waiting for what comes.

use std::sync::Arc;

use wool_core::{CallRequest, Error, ErrorKind, FanOut, Next, Outcome, Payload, Runtime};

use crate::call::{call_request, request};
use crate::callback;
use crate::error::wool_error_t;
use crate::fork;
use crate::guard::{self, Result};
use crate::memory::NO_BYTES;
use crate::pool::wool_pool_t;
use crate::queue;
use crate::types::*;

/// Calls of one routine, one for each input. It keeps its pool open. Several threads may add and take.
#[safer_ffi::derive_ReprC]
#[repr(opaque)]
pub struct wool_map_t {
    core: FanOut,
}

/// A call on each of a pool's workers. It keeps its pool open.
#[safer_ffi::derive_ReprC]
#[repr(opaque)]
pub struct wool_broadcast_t {
    core: FanOut,
    /// By the index of their calls.
    uids: Vec<Arc<str>>,
}

/// An outcome in C's memory.
struct Told {
    status: i32,
    codec: i32,
    value: wool_bytes_t,
    error: *mut wool_error_t,
}

impl From<Outcome> for Told {
    fn from(outcome: Outcome) -> Told {
        let error = match outcome {
            Outcome::Result(payload) => {
                return Told {
                    status: wool_status_t::WOOL_OK as i32,
                    codec: payload.codec() as i32,
                    value: queue::give(payload.into_bytes()),
                    error: std::ptr::null_mut(),
                };
            }
            Outcome::Error(error) => error,
            Outcome::End => Error::new(ErrorKind::Internal, "the call ended without an outcome"),
        };
        let error = wool_error_t::from(error);
        Told {
            status: error.status() as i32,
            codec: 0,
            value: NO_BYTES,
            error: error.into_raw(),
        }
    }
}

/// Waits for the next outcome, lending the routine thread in a callback that may block.
fn wait(core: &FanOut, timeout_ms: i64, function: &str) -> Result<Next> {
    if timeout_ms != 0 {
        callback::refuse_wait(function)?;
    }
    let timeout = guard::wait(timeout_ms);
    Ok(if timeout_ms == 0 {
        core.next_blocking(timeout)
    } else {
        Runtime::lend_thread(|| core.next_blocking(timeout))
    })
}

const SMALLEST_MAP_ITEM: usize =
    std::mem::offset_of!(wool_map_item_t, error) + size_of::<*mut wool_error_t>();
const SMALLEST_BROADCAST_ITEM: usize =
    std::mem::offset_of!(wool_broadcast_item_t, error) + size_of::<*mut wool_error_t>();

/// Takes the next outcome, and writes it as the host's struct. That has to be as large as in the first version, which
/// has all that the host has to free: an outcome that was taken and has no room would be lost.
///
/// # Safety
/// `out` is NULL or points at as many bytes as its first member, `struct_size`, says.
unsafe fn take<T: Options>(
    core: &FanOut,
    timeout_ms: i64,
    function: &str,
    (out, smallest): (*mut T, usize),
    item: impl FnOnce(u64, Told) -> T,
) -> Result<wool_status_t> {
    // SAFETY: as the caller says.
    let given = unsafe { guard::required(out.cast::<usize>(), "out") }?;
    if *given < smallest {
        return Err(guard::invalid(format!(
            "out.struct_size is {given}: set it to the struct's size, as its _INIT macro does"
        )));
    }
    Ok(match wait(core, timeout_ms, function)? {
        Next::End => wool_status_t::WOOL_END,
        Next::Pending => wool_status_t::WOOL_PENDING,
        Next::Outcome { index, outcome } => {
            // SAFETY: as the caller says.
            unsafe { guard::fill(out, "out", item(index, Told::from(outcome))) }?;
            wool_status_t::WOOL_OK
        }
    })
}

/// Makes a map: inputs are added by wool_map_add, their outcomes taken by wool_map_next. Never blocks. `options` may be
/// NULL. On success `*out` belongs to the caller: wool_map_free.
#[cfg_attr(
    feature = "headers",
    safer_ffi::ffi_export(rename = "abi_wool_map_new")
)]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wool_map_new(
    pool: *mut wool_pool_t,
    routine: wool_slice_t,
    options: *const wool_map_options_t,
    out: *mut *mut wool_map_t,
    error: *mut *mut wool_error_t,
) -> wool_status_t {
    unsafe {
        guard::entry("wool_map_new", error, || {
            let pool = guard::required(pool, "pool")?;
            let out = guard::out(out, "out")?;
            let options = guard::options(options, "options")?;
            let nothing = Payload::raw(Vec::new());
            let request = call_request(CallRequest::unary, routine, nothing, options.call)?;
            let in_flight = options.in_flight as usize;
            let core = FanOut::new(pool.core(), request, in_flight, options.ordered != 0);
            out.put(Box::into_raw(Box::new(wool_map_t { core })));
            Ok(wool_status_t::WOOL_OK)
        })
    }
}

/// Adds an input: it is called at once, or as soon as a call has ended. Never blocks; `arguments` (see
/// wool_value_builder_arguments) are copied. A call that cannot be made has its error as its outcome. In callbacks, too.
///
/// Errors: WOOL_ERR_BUSY when `in_flight` + `in_flight` inputs wait, or have outcomes that were not taken: take one
/// first.
#[cfg_attr(
    feature = "headers",
    safer_ffi::ffi_export(rename = "abi_wool_map_add")
)]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wool_map_add(
    map: *mut wool_map_t,
    arguments: wool_payload_t,
    error: *mut *mut wool_error_t,
) -> wool_status_t {
    unsafe {
        guard::entry("wool_map_add", error, || {
            let map = guard::required(map, "map")?;
            map.core.add(guard::payload(arguments, "arguments")?)?;
            Ok(wool_status_t::WOOL_OK)
        })
    }
}

/// Takes the next outcome, and waits for it. Several threads may wait; each gets an outcome of its own.
///
/// `timeout_ms`: < 0 waits for ever, 0 does not wait.
///
/// WOOL_OK: `*out` tells how the call of one input ended, well or not. WOOL_END: the outcomes of all inputs that were
/// added have been taken; more may be added. WOOL_PENDING: the time was up.
///
/// Errors: WOOL_ERR_INVALID_ARGUMENT in a callback that must not block.
#[cfg_attr(
    feature = "headers",
    safer_ffi::ffi_export(rename = "abi_wool_map_next")
)]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wool_map_next(
    map: *mut wool_map_t,
    timeout_ms: i64,
    out: *mut wool_map_item_t,
    error: *mut *mut wool_error_t,
) -> wool_status_t {
    unsafe {
        guard::entry("wool_map_next", error, || {
            let map = guard::required(map, "map")?;
            let at = (out, SMALLEST_MAP_ITEM);
            take(&map.core, timeout_ms, "wool_map_next", at, |index, told| {
                wool_map_item_t {
                    struct_size: size_of::<wool_map_item_t>(),
                    index,
                    status: told.status,
                    codec: told.codec,
                    value: told.value,
                    error: told.error,
                }
            })
        })
    }
}

/// Tells how far the map has come, e.g. for a progress bar. Never blocks. On any thread.
#[cfg_attr(
    feature = "headers",
    safer_ffi::ffi_export(rename = "abi_wool_map_progress")
)]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wool_map_progress(
    map: *const wool_map_t,
    out: *mut wool_map_progress_t,
    error: *mut *mut wool_error_t,
) -> wool_status_t {
    unsafe {
        guard::entry("wool_map_progress", error, || {
            let map = guard::required(map, "map")?;
            guard::required(out, "out")?;
            let now = map.core.progress();
            let progress = wool_map_progress_t {
                struct_size: size_of::<wool_map_progress_t>(),
                added: now.added,
                done: now.done,
                failed: now.failed,
            };
            guard::fill(out, "out", progress)?;
            Ok(wool_status_t::WOOL_OK)
        })
    }
}

/// Frees a map, which cancels what is under way. Never blocks. NULL is fine.
#[cfg_attr(
    feature = "headers",
    safer_ffi::ffi_export(rename = "abi_wool_map_free")
)]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wool_map_free(map: *mut wool_map_t) {
    unsafe { guard::free(map, fork::drop_unless_child) }
}

/// Calls a routine once on every worker that, at this moment, is connected, not draining and serves it. Never blocks;
/// `arguments` are copied; `options`, those of each call, may be NULL. On success `*out` belongs to the caller:
/// wool_broadcast_free.
///
/// Errors: WOOL_ERR_NO_WORKERS_AVAILABLE when no worker takes calls, WOOL_ERR_ROUTINE_NOT_FOUND when none of those that
/// do serves it, WOOL_ERR_INVALID_ARGUMENT for options with a `worker_uid`, WOOL_ERR_CLOSED.
#[cfg_attr(
    feature = "headers",
    safer_ffi::ffi_export(rename = "abi_wool_broadcast_new")
)]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wool_broadcast_new(
    pool: *mut wool_pool_t,
    routine: wool_slice_t,
    arguments: wool_payload_t,
    options: *const wool_call_options_t,
    out: *mut *mut wool_broadcast_t,
    error: *mut *mut wool_error_t,
) -> wool_status_t {
    unsafe {
        guard::entry("wool_broadcast_new", error, || {
            let pool = guard::required(pool, "pool")?;
            let out = guard::out(out, "out")?;
            let request = request(CallRequest::unary, routine, arguments, options)?;
            let (core, uids) = FanOut::broadcast(pool.core(), request)?;
            out.put(Box::into_raw(Box::new(wool_broadcast_t { core, uids })));
            Ok(wool_status_t::WOOL_OK)
        })
    }
}

/// Takes the next worker's answer, and waits for it. Each worker comes once; one that is lost meanwhile with its error.
///
/// `timeout_ms`: < 0 waits for ever, 0 does not wait.
///
/// WOOL_OK: `*out` tells what one worker answered. WOOL_END: all have come. WOOL_PENDING: the time was up.
///
/// Errors: WOOL_ERR_INVALID_ARGUMENT in a callback that must not block.
#[cfg_attr(
    feature = "headers",
    safer_ffi::ffi_export(rename = "abi_wool_broadcast_next")
)]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wool_broadcast_next(
    broadcast: *mut wool_broadcast_t,
    timeout_ms: i64,
    out: *mut wool_broadcast_item_t,
    error: *mut *mut wool_error_t,
) -> wool_status_t {
    unsafe {
        guard::entry("wool_broadcast_next", error, || {
            let broadcast = guard::required(broadcast, "broadcast")?;
            let at = (out, SMALLEST_BROADCAST_ITEM);
            let uid = |index| broadcast.uids.get(index as usize).map_or("", |uid| uid);
            take(
                &broadcast.core,
                timeout_ms,
                "wool_broadcast_next",
                at,
                |index, told| wool_broadcast_item_t {
                    struct_size: size_of::<wool_broadcast_item_t>(),
                    worker_uid: wool_slice_t::of(uid(index)),
                    status: told.status,
                    codec: told.codec,
                    value: told.value,
                    error: told.error,
                },
            )
        })
    }
}

/// Frees a broadcast, which cancels what is under way. Never blocks. NULL is fine.
#[cfg_attr(
    feature = "headers",
    safer_ffi::ffi_export(rename = "abi_wool_broadcast_free")
)]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wool_broadcast_free(broadcast: *mut wool_broadcast_t) {
    unsafe { guard::free(broadcast, fork::drop_unless_child) }
}
