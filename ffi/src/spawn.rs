//! Programs that are started again as workers.

use wool_core::{Level, Runtime};

use crate::error::wool_error_t;
use crate::guard;
use crate::queue::{self, wool_queue_t};
use crate::runtime::wool_runtime_t;
use crate::types::*;
use crate::worker::closed_event;

/// Where a program becomes a worker: first thing in main, once its routines are registered.
///
///     if (wool_serve_if_spawned(runtime)) return 0;
///
/// In a process that a pool started it serves the runtime's routines until the pool says stop or has gone, or
/// SIGTERM or SIGINT asks it to drain, and returns 1: leave main. In any other process it returns 0 at once, and from
/// then on pools may start this program. Standard input of a started process is closed.
///
/// Blocks; in a callback it does nothing and returns 0. A queue that serves routines has to be drained meanwhile.
#[cfg_attr(
    feature = "headers",
    safer_ffi::ffi_export(rename = "abi_wool_serve_if_spawned")
)]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wool_serve_if_spawned(runtime: *mut wool_runtime_t) -> i32 {
    unsafe {
        // After a panic, too, a started process must not go on with main.
        guard::get(1, || {
            let Some(runtime) = runtime.as_ref() else {
                return Some(0);
            };
            if Runtime::on_wool_thread() {
                return Some(0);
            }
            let spawned = wool_core::serve_if_spawned(runtime.core());
            // An error is the pool's to tell, if it can be reached; the process is none that goes on.
            Some(i32::from(spawned.unwrap_or_else(|error| {
                runtime.core().log(Level::Error, "spawn", error.message());
                true
            })))
        })
    }
}

/// Does as wool_serve_if_spawned does, without waiting: `*spawned` tells at once whether this process is a worker, and
/// if so, a WOOL_EVENT_CLOSED tells its end.
///
/// Errors: WOOL_ERR_BUSY, WOOL_ERR_CLOSED (the queue); then nothing has happened. WOOL_ERR_SPAWN_FAILED, WOOL_ERR_IO:
/// the process was to be a worker and cannot be; leave main.
#[cfg_attr(
    feature = "headers",
    safer_ffi::ffi_export(rename = "abi_wool_serve_if_spawned_submit")
)]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wool_serve_if_spawned_submit(
    runtime: *mut wool_runtime_t,
    queue: *mut wool_queue_t,
    tag: u64,
    spawned: *mut i32,
    error: *mut *mut wool_error_t,
) -> wool_status_t {
    unsafe {
        guard::entry("wool_serve_if_spawned_submit", error, || {
            let runtime = guard::required(runtime, "runtime")?;
            let out = guard::out(spawned, "spawned")?;
            let ended = closed_event(queue::required(queue)?, tag)?;
            let spawned = wool_core::serve_if_spawned_with(runtime.core(), move |_| ended())?;
            out.put(i32::from(spawned));
            Ok(wool_status_t::WOOL_OK)
        })
    }
}
