//! Completion queues.

mod channel;
mod event;
mod handler;
mod signal;
mod wakeup;

use std::sync::Arc;

pub(crate) use channel::{Promise, Queue, Slots};
pub(crate) use event::{Body, Event, give, give_payload, lend, step_number};
pub(crate) use handler::Ended;

use crate::callback::{self, UserData};
use crate::error::wool_error_t;
use crate::fork;
use crate::guard::{self, Result, invalid};
use crate::runtime::wool_runtime_t;
use crate::types::*;

use channel::Next;
use event::{Events, Slab};
use handler::Handler;
use signal::Doorbell;

/// Where completions, and tasks, arrive.
#[safer_ffi::derive_ReprC]
#[repr(opaque)]
pub struct wool_queue_t {
    queue: Arc<Queue>,
}

const DEFAULT_CAPACITY: usize = 65_536;

impl wool_queue_t {
    pub(crate) fn inner(&self) -> &Arc<Queue> {
        &self.queue
    }
}

/// Makes a queue. `options` may be NULL. On success `*out` belongs to the caller: wool_queue_free. Any pool's calls
/// and any runtime's routines may use it; it is closed with `runtime`, at the latest.
///
/// The destructors run when the queue is closed and, of a handler, has been drained; on an error, before this
/// returns.
#[cfg_attr(
    feature = "headers",
    safer_ffi::ffi_export(rename = "abi_wool_queue_new")
)]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wool_queue_new(
    runtime: *mut wool_runtime_t,
    options: *const wool_queue_options_t,
    out: *mut *mut wool_queue_t,
    error: *mut *mut wool_error_t,
) -> wool_status_t {
    unsafe {
        guard::entry("wool_queue_new", error, || {
            let options = guard::options(options, "options")?;
            let bell_data = UserData::new(options.doorbell_user_data, options.doorbell_destroy);
            let handler_data = UserData::new(options.handler_user_data, options.handler_destroy);
            let runtime = guard::required(runtime, "runtime")?;
            let out = guard::out(out, "out")?;
            let capacity = match options.capacity {
                0 => DEFAULT_CAPACITY,
                slots => slots as usize,
            };
            let doorbell = options.doorbell.map(|ring| Doorbell {
                ring,
                user_data: bell_data,
            });
            let handler = options.handler.map(|handle| Handler {
                handle,
                user_data: handler_data,
            });
            let queue = Queue::new(capacity, doorbell, handler.is_some());
            runtime.adopt(&queue, || {
                handler
                    .map(|handler| handler::start(Arc::clone(&queue), handler))
                    .transpose()
            })?;
            out.put(Box::into_raw(Box::new(wool_queue_t { queue })));
            Ok(wool_status_t::WOOL_OK)
        })
    }
}

/// Takes up to `capacity` events, in order, waiting for the first. `event_size` is sizeof(wool_event_t), the distance from
/// one event to the next: an element that is smaller than this version's event gets what it has room for (an `error`
/// without room is freed), one that is larger has zeros at its end. Payloads are copied into `slab`, 8-byte aligned, while
/// they fit; others have an owner. `slab` may be NULL with `slab_len` 0. Usually one thread drains; several may.
///
/// `timeout_ms`: < 0 waits for ever, 0 does not wait.
///
/// WOOL_OK: `*count` >= 1. WOOL_PENDING: none in the time given. WOOL_ERR_CLOSED: the queue is closed, and all its
/// events have been drained. `*count` is 0 but for WOOL_OK.
///
/// Errors: WOOL_ERR_INVALID_ARGUMENT for an `event_size` that is none, and for a wait in a callback that must not block.
#[cfg_attr(
    feature = "headers",
    safer_ffi::ffi_export(rename = "abi_wool_queue_drain")
)]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wool_queue_drain(
    queue: *mut wool_queue_t,
    events: *mut wool_event_t,
    event_size: usize,
    capacity: usize,
    slab: *mut u8,
    slab_len: usize,
    timeout_ms: i64,
    count: *mut usize,
    error: *mut *mut wool_error_t,
) -> wool_status_t {
    unsafe {
        guard::entry("wool_queue_drain", error, || {
            let queue = Arc::clone(&guard::required(queue, "queue")?.queue);
            guard::out(count, "count")?.put(0);
            let mut events = Events::new(events, event_size, capacity)?;
            if slab.is_null() && slab_len > 0 {
                return Err(guard::Failure::Null("slab"));
            }
            if queue.handled {
                return Err(invalid("the queue has a handler, which drains it"));
            }
            if timeout_ms != 0 {
                callback::refuse_wait("wool_queue_drain")?;
            }
            let mut slab = Slab::new(slab, slab_len);
            let mut timeout = guard::wait(timeout_ms);
            while events.have_room() {
                match queue.next(timeout) {
                    Next::Event(next) => {
                        events.put(next.into_c(&mut slab));
                        timeout = guard::wait(0);
                    }
                    Next::Closed if events.filled() == 0 => {
                        return Err(wool_core::Error::new(
                            wool_core::ErrorKind::Closed,
                            "the queue is closed and drained",
                        )
                        .into());
                    }
                    Next::Nothing | Next::Closed => break,
                }
            }
            if events.filled() == 0 {
                return Ok(wool_status_t::WOOL_PENDING);
            }
            *count = events.filled();
            Ok(wool_status_t::WOOL_OK)
        })
    }
}

/// A descriptor to poll: readable while there are events, and for ever once the queue is closed and no event can come.
/// It belongs to the queue; do not read, write or close it. It may be readable once too often: a drain then finds
/// nothing.
/// Negative: the wool_status_t of an error.
#[cfg_attr(
    feature = "headers",
    safer_ffi::ffi_export(rename = "abi_wool_queue_fd")
)]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wool_queue_fd(queue: *mut wool_queue_t) -> i32 {
    let mut fd = -1;
    let status = unsafe {
        guard::entry("wool_queue_fd", std::ptr::null_mut(), || {
            fd = guard::required(queue, "queue")?.queue.signal.fd()?;
            Ok(wool_status_t::WOOL_OK)
        })
    };
    if status == wool_status_t::WOOL_OK {
        fd
    } else {
        status as i32
    }
}

/// Closes a queue: what is submitted from now on is refused as WOOL_ERR_CLOSED, its calls and streams end as
/// WOOL_ERR_CLOSED, its tasks fail as WOOL_ERR_CLOSED, drainers wake. Events, these ones too, can still be drained.
/// Afterwards no doorbell starts. It does not wait for a handler: wool_runtime_close does. It may be called again.
///
/// Errors: WOOL_ERR_INVALID_ARGUMENT in a callback.
#[cfg_attr(
    feature = "headers",
    safer_ffi::ffi_export(rename = "abi_wool_queue_close")
)]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wool_queue_close(
    queue: *mut wool_queue_t,
    error: *mut *mut wool_error_t,
) -> wool_status_t {
    unsafe {
        guard::entry("wool_queue_close", error, || {
            let queue = guard::required(queue, "queue")?;
            callback::refuse_close("wool_queue_close")?;
            queue.queue.close();
            queue.queue.signal.silence_and_wait();
            Ok(wool_status_t::WOOL_OK)
        })
    }
}

/// Lets go of a queue, closing it if needed, and frees what was not drained. Never blocks. NULL is fine.
#[cfg_attr(
    feature = "headers",
    safer_ffi::ffi_export(rename = "abi_wool_queue_free")
)]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wool_queue_free(queue: *mut wool_queue_t) {
    unsafe {
        guard::free(queue, |queue| {
            if fork::is_child() {
                std::mem::forget(queue);
                return;
            }
            queue.queue.close();
            queue.queue.signal.silence();
        });
    }
}

/// The queue of an argument that may be NULL.
///
/// # Safety
/// `queue` is NULL or valid during the call.
pub(crate) unsafe fn optional<'a>(queue: *const wool_queue_t) -> Option<&'a Arc<Queue>> {
    unsafe { queue.as_ref() }.map(wool_queue_t::inner)
}

/// # Safety
/// As [`optional`].
pub(crate) unsafe fn required<'a>(queue: *const wool_queue_t) -> Result<&'a Arc<Queue>> {
    Ok(unsafe { guard::required(queue, "queue") }?.inner())
}
