//! Calls, by a queue and blocking.

use std::sync::{Arc, OnceLock};

use crossbeam_channel::{RecvTimeoutError, Sender, bounded};
use wool_core::{
    CallHandle, CallObserver, CallRequest, Error, ErrorKind, Outcome, Payload, Runtime,
};

use crate::callback;
use crate::context;
use crate::error::wool_error_t;
use crate::guard::{self, Result};
use crate::handles;
use crate::pool::wool_pool_t;
use crate::queue::{self, Event, Promise, Queue, give_payload, wool_queue_t};
use crate::types::*;

/// A call in flight, as its handle finds it.
pub(crate) struct Call {
    pub(crate) queue: Arc<Queue>,
    handle: u64,
    core: OnceLock<CallHandle>,
}

impl Call {
    pub(crate) fn cancel(&self) {
        if let Some(core) = self.core.get() {
            core.cancel();
        }
    }
}

/// Tells the queue.
struct QueueCall {
    call: Arc<Call>,
    promise: Promise,
    tag: u64,
}

impl CallObserver for QueueCall {
    /// A unary call has none.
    fn item(&mut self, _item: Payload) {}

    fn finish(self: Box<Self>, outcome: Outcome) {
        // Stale before the event can be seen.
        handles::remove(self.call.handle);
        let outcome = as_closed(outcome, &self.promise);
        self.promise
            .keep(Event::outcome(outcome, self.tag, self.call.handle));
    }
}

/// What a closing queue cancels ends as closed.
pub(crate) fn as_closed(outcome: Outcome, promise: &Promise) -> Outcome {
    match outcome {
        Outcome::Error(error) if error.kind() == ErrorKind::Cancelled && promise.is_closing() => {
            Outcome::Error(Error::new(ErrorKind::Closed, "the queue was closed"))
        }
        outcome => outcome,
    }
}

/// Tells the thread that waits.
struct BlockingCall {
    outcome: Sender<Outcome>,
}

impl CallObserver for BlockingCall {
    fn item(&mut self, _item: Payload) {}

    fn finish(self: Box<Self>, outcome: Outcome) {
        // Nobody waits any more after a timeout.
        let _ = self.outcome.send(outcome);
    }
}

/// Calls a routine. Never blocks. Its outcome comes as exactly one event, WOOL_EVENT_RESULT or WOOL_EVENT_ERROR, with
/// `tag`. `arguments` (see wool_value_builder_arguments) are copied; `options` may be NULL; so may `out`, which
/// gets the handle to cancel with.
///
/// Errors, and then no event comes: WOOL_ERR_BUSY when the queue has no slot left, WOOL_ERR_CLOSED,
/// WOOL_ERR_PAYLOAD_TOO_LARGE.
#[cfg_attr(
    feature = "headers",
    safer_ffi::ffi_export(rename = "abi_wool_call_submit")
)]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wool_call_submit(
    pool: *mut wool_pool_t,
    routine: wool_slice_t,
    arguments: wool_payload_t,
    options: *const wool_call_options_t,
    queue: *mut wool_queue_t,
    tag: u64,
    out: *mut wool_call_t,
    error: *mut *mut wool_error_t,
) -> wool_status_t {
    unsafe {
        guard::entry("wool_call_submit", error, || {
            let pool = guard::required(pool, "pool")?;
            let queue = queue::required(queue)?;
            let request = request(CallRequest::unary, routine, arguments, options)?;
            let opened = queue.opened()?;
            let promise = opened.promise()?;
            let call = handles::insert(|handle| {
                Arc::new(Call {
                    queue: Arc::clone(queue),
                    handle,
                    core: OnceLock::new(),
                })
            })?;
            let observer = Box::new(QueueCall {
                call: Arc::clone(&call),
                promise,
                tag,
            });
            let core = pool.core().submit(request, observer).inspect_err(|_| {
                handles::remove(call.handle);
            })?;
            // Set once, here.
            let _ = call.core.set(core);
            if let Some(out) = out.as_mut() {
                *out = call.handle;
            }
            Ok(wool_status_t::WOOL_OK)
        })
    }
}

/// Ends a call: its event, WOOL_ERR_CANCELLED, comes at once, and the routine is told to stop. A call that is over, or
/// a stale handle, is WOOL_OK: cancelling again, or too late, does nothing. In callbacks, too.
#[cfg_attr(
    feature = "headers",
    safer_ffi::ffi_export(rename = "abi_wool_call_cancel")
)]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wool_call_cancel(call: wool_call_t) -> wool_status_t {
    unsafe {
        guard::entry("wool_call_cancel", std::ptr::null_mut(), || {
            if let Some(call) = handles::call(call) {
                call.cancel();
            }
            Ok(wool_status_t::WOOL_OK)
        })
    }
}

/// Calls a routine and waits for its result. `arguments` are copied; `options` and `codec` may be NULL. On success
/// `*result` belongs to the caller (wool_bytes_free), and `*codec` is its wool_codec_t.
///
/// `timeout_ms`: < 0 waits for ever. When it is up, the call is cancelled.
///
/// Errors: WOOL_ERR_TIMEOUT; what the call ended with; WOOL_ERR_INVALID_ARGUMENT in a callback that must not block.
#[cfg_attr(feature = "headers", safer_ffi::ffi_export(rename = "abi_wool_call"))]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wool_call(
    pool: *mut wool_pool_t,
    routine: wool_slice_t,
    arguments: wool_payload_t,
    options: *const wool_call_options_t,
    timeout_ms: i64,
    result: *mut wool_bytes_t,
    codec: *mut i32,
    error: *mut *mut wool_error_t,
) -> wool_status_t {
    unsafe {
        guard::entry("wool_call", error, || {
            let pool = guard::required(pool, "pool")?;
            let result = guard::out(result, "result")?;
            let request = request(CallRequest::unary, routine, arguments, options)?;
            callback::refuse_wait("wool_call")?;
            let (sender, outcome) = bounded(1);
            let call = pool
                .core()
                .submit(request, Box::new(BlockingCall { outcome: sender }))?;
            let outcome = Runtime::lend_thread(|| match guard::wait(timeout_ms) {
                None => outcome.recv().map_err(|_| RecvTimeoutError::Disconnected),
                Some(timeout) => outcome.recv_timeout(timeout),
            });
            match outcome {
                Ok(Outcome::Result(payload)) => {
                    result.put(give_payload(payload, codec));
                    Ok(wool_status_t::WOOL_OK)
                }
                Ok(Outcome::Error(error)) => Err(error.into()),
                Ok(Outcome::End) | Err(RecvTimeoutError::Disconnected) => {
                    Err(Error::new(ErrorKind::Internal, "the call ended without an outcome").into())
                }
                Err(RecvTimeoutError::Timeout) => {
                    call.cancel();
                    let message =
                        format!("no result within {timeout_ms} ms; the call was cancelled");
                    Err(Error::new(ErrorKind::Timeout, message).into())
                }
            }
        })
    }
}

/// What is asked for.
///
/// # Safety
/// What the host gave is valid during the call.
pub(crate) unsafe fn request(
    make: fn(Arc<str>, Payload) -> CallRequest,
    routine: wool_slice_t,
    arguments: wool_payload_t,
    options: *const wool_call_options_t,
) -> Result<CallRequest> {
    unsafe {
        let arguments = guard::payload(arguments, "arguments")?;
        call_request(make, routine, arguments, options)
    }
}

/// As [`request`], with arguments that are there already.
///
/// # Safety
/// As [`request`].
pub(crate) unsafe fn call_request(
    make: fn(Arc<str>, Payload) -> CallRequest,
    routine: wool_slice_t,
    arguments: Payload,
    options: *const wool_call_options_t,
) -> Result<CallRequest> {
    unsafe {
        let options = guard::options(options, "options")?;
        let routine = guard::text(routine, "routine")?;
        let worker = guard::text(options.worker_uid, "options.worker_uid")?;
        Ok(CallRequest {
            worker: (!worker.is_empty()).then(|| worker.into()),
            timeout: guard::unless_zero(options.timeout_ms),
            dispatch_timeout: guard::unless_zero(options.dispatch_timeout_ms),
            step_timeout: guard::unless_zero(options.step_timeout_ms),
            prefetch: options.prefetch,
            values: context::given(&options)?,
            context: options.bag.as_ref().map(|bag| bag.core().clone()),
            parent: match options.parent {
                0 => None,
                parent => Some(handles::task(parent)?.task.context()),
            },
            tag: guard::text(options.tag, "options.tag")?.to_owned(),
            ..make(routine.into(), arguments)
        })
    }
}
