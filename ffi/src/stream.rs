//! Streams as their callers see them, by a queue and blocking.

use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Instant;

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, unbounded};
use wool_core::{
    CallHandle, CallObserver, CallRequest, Error, ErrorKind, Outcome, Payload, Runtime,
    items_to_ask,
};

use crate::call::{as_closed, request};
use crate::callback;
use crate::error::{self, wool_error_t};
use crate::guard::{self, Result, invalid};
use crate::handles;
use crate::pool::wool_pool_t;
use crate::queue::{self, Body, Event, Promise, Queue, give_payload, wool_queue_t};
use crate::types::*;

/// A stream in flight, as its handle finds it.
pub(crate) struct Stream {
    pub(crate) face: Face,
    handle: u64,
    core: OnceLock<CallHandle>,
    /// How many items wool_stream_wait keeps asked for ahead.
    prefetch: u32,
    /// The host's, in whose name it throws.
    language: String,
    asked: Mutex<Asked>,
}

/// Where what comes is to be found.
pub(crate) enum Face {
    Queue(Arc<Queue>),
    /// What has come and was not taken by a wait.
    Mailbox(Receiver<Arrival>),
}

/// What was asked for and has not come.
#[derive(Default)]
struct Asked {
    items: usize,
    /// Nothing more is asked for, and nothing reserved.
    over: bool,
    /// Threads in wool_stream_wait.
    waiting: usize,
}

pub(crate) enum Arrival {
    Item(Payload),
    Outcome(Outcome),
}

impl Stream {
    fn insert(face: Face, pool: &wool_pool_t, request: &CallRequest) -> Result<Arc<Stream>, Error> {
        handles::insert(|handle| {
            Arc::new(Stream {
                face,
                handle,
                core: OnceLock::new(),
                prefetch: request.prefetch,
                language: pool.core().runtime().language().to_owned(),
                asked: Mutex::default(),
            })
        })
    }

    pub(crate) fn cancel(&self) {
        if let Some(core) = self.core.get() {
            core.cancel();
        }
    }

    fn close(&self) {
        if let Some(core) = self.core.get() {
            core.close();
        }
    }

    fn credit(&self, items: u32) {
        if let Some(core) = self.core.get() {
            core.credit(items);
        }
    }

    /// Reserves the slots of these items, before they are asked for.
    fn expect(&self, queue: &Queue, items: usize) -> Result<()> {
        queue.reserve(items)?;
        let mut asked = self.asked();
        if asked.over {
            drop(asked);
            queue.release(items);
            return Err(invalid("the stream is over"));
        }
        asked.items += items;
        Ok(())
    }

    /// Sends or throws to the yield, which asks for one item.
    fn resume(&self, ask: impl FnOnce(&CallHandle) -> Result<(), Error>) -> Result<()> {
        match &self.face {
            Face::Queue(queue) => self.expect(queue, 1)?,
            Face::Mailbox(_) => {
                let mut asked = self.asked();
                if asked.items > 0 && self.prefetch == 0 {
                    return Err(invalid(
                        "an item was asked for and not taken: take it first, one step at a time",
                    ));
                }
                asked.items += 1;
            }
        }
        let Some(core) = self.core.get() else {
            return Ok(());
        };
        if let Err(error) = ask(core) {
            let mut asked = self.asked();
            // Else the end has given back what was reserved.
            if !asked.over {
                asked.items -= 1;
                drop(asked);
                if let Face::Queue(queue) = &self.face {
                    queue.release(1);
                }
            }
            return Err(error.into());
        }
        Ok(())
    }

    fn asked(&self) -> MutexGuard<'_, Asked> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Tells the queue.
struct QueueStream {
    stream: Arc<Stream>,
    queue: Arc<Queue>,
    promise: Promise,
    tag: u64,
}

impl CallObserver for QueueStream {
    fn item(&mut self, item: Payload) {
        let slots = {
            let mut asked = self.stream.asked();
            let slots = asked.items.min(1);
            asked.items -= slots;
            slots
        };
        let (kind, body) = (wool_event_kind_t::WOOL_EVENT_ITEM, Body::Payload(item));
        self.queue.push(
            Event {
                kind,
                tag: self.tag,
                handle: self.stream.handle,
                body,
            },
            slots,
        );
    }

    fn finish(self: Box<Self>, outcome: Outcome) {
        // Stale before the event can be seen.
        handles::remove(self.stream.handle);
        let unanswered = {
            let mut asked = self.stream.asked();
            asked.over = true;
            std::mem::take(&mut asked.items)
        };
        self.queue.release(unanswered);
        let outcome = as_closed(outcome, &self.promise);
        self.promise
            .keep(Event::outcome(outcome, self.tag, self.stream.handle));
    }
}

/// Tells whoever waits.
struct BlockingStream {
    mailbox: Sender<Arrival>,
}

impl CallObserver for BlockingStream {
    fn item(&mut self, item: Payload) {
        // Nobody waits any more after wool_stream_cancel.
        let _ = self.mailbox.send(Arrival::Item(item));
    }

    fn finish(self: Box<Self>, outcome: Outcome) {
        let _ = self.mailbox.send(Arrival::Outcome(outcome));
    }
}

/// Opens a stream. Never blocks, and nothing runs before the first item is asked for. `arguments` are copied;
/// `options` may be NULL. On success `*out` is the handle.
///
/// With a queue: ask by wool_stream_next; each item asked for comes as one WOOL_EVENT_ITEM with `tag`, until the one
/// WOOL_EVENT_END or WOOL_EVENT_ERROR that ends the stream and makes the handle stale.
///
/// With `queue` NULL: ask and wait by wool_stream_wait. The handle is stale when that has answered WOOL_END or an
/// error, or after wool_stream_cancel; do not leave a stream without one of the two.
///
/// Errors, and then no event comes: WOOL_ERR_BUSY when the queue has no slot left, WOOL_ERR_CLOSED,
/// WOOL_ERR_PAYLOAD_TOO_LARGE.
#[cfg_attr(
    feature = "headers",
    safer_ffi::ffi_export(rename = "abi_wool_stream_open")
)]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wool_stream_open(
    pool: *mut wool_pool_t,
    routine: wool_slice_t,
    arguments: wool_payload_t,
    options: *const wool_call_options_t,
    queue: *mut wool_queue_t,
    tag: u64,
    out: *mut wool_stream_t,
    error: *mut *mut wool_error_t,
) -> wool_status_t {
    unsafe {
        guard::entry("wool_stream_open", error, || {
            let pool = guard::required(pool, "pool")?;
            let out = guard::out(out, "out")?;
            let request = request(CallRequest::stream, routine, arguments, options)?;
            let handle = match queue::optional(queue) {
                Some(queue) => open_on_queue(pool, request, queue, tag)?,
                None => open_blocking(pool, request)?,
            };
            out.put(handle);
            Ok(wool_status_t::WOOL_OK)
        })
    }
}

fn open_on_queue(
    pool: &wool_pool_t,
    request: CallRequest,
    queue: &Arc<Queue>,
    tag: u64,
) -> Result<u64> {
    let opened = queue.opened()?;
    let promise = opened.promise()?;
    let stream = Stream::insert(Face::Queue(Arc::clone(queue)), pool, &request)?;
    let observer = QueueStream {
        stream: Arc::clone(&stream),
        queue: Arc::clone(queue),
        promise,
        tag,
    };
    submit(pool, request, Box::new(observer), &stream)
}

fn open_blocking(pool: &wool_pool_t, request: CallRequest) -> Result<u64> {
    let (mailbox, receiver) = unbounded();
    let stream = Stream::insert(Face::Mailbox(receiver), pool, &request)?;
    submit(pool, request, Box::new(BlockingStream { mailbox }), &stream)
}

fn submit(
    pool: &wool_pool_t,
    request: CallRequest,
    observer: Box<dyn CallObserver>,
    stream: &Stream,
) -> Result<u64> {
    let core = pool.core().submit(request, observer).inspect_err(|_| {
        handles::remove(stream.handle);
    })?;
    // Set once, here.
    let _ = stream.core.set(core);
    Ok(stream.handle)
}

/// Asks for `count` more items of a stream that has a queue. The routine runs only as far as items are asked for.
///
/// Errors: WOOL_ERR_BUSY when the queue has not that many slots left, WOOL_ERR_INVALID_ARGUMENT for a stale handle.
#[cfg_attr(
    feature = "headers",
    safer_ffi::ffi_export(rename = "abi_wool_stream_next")
)]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wool_stream_next(
    stream: wool_stream_t,
    count: u32,
    error: *mut *mut wool_error_t,
) -> wool_status_t {
    unsafe {
        guard::entry("wool_stream_next", error, || {
            let stream = handles::stream(stream)?;
            let Face::Queue(queue) = &stream.face else {
                return Err(invalid("the stream has no queue: use wool_stream_wait"));
            };
            stream.expect(queue, count as usize)?;
            stream.credit(count);
            Ok(wool_status_t::WOOL_OK)
        })
    }
}

/// Asks for the next item of a stream that has no queue, and waits for it. Several threads may wait; each gets an
/// item of its own. `codec` may be NULL.
///
/// `timeout_ms`: < 0 waits for ever, 0 does not wait (but asks).
///
/// WOOL_OK: `*item` belongs to the caller (wool_bytes_free). WOOL_END: the stream is over. WOOL_PENDING: the time was
/// up; what was asked for stays asked, and is what the next wait gets.
///
/// Errors: what the stream ended with; WOOL_ERR_INVALID_ARGUMENT for a stale handle, and in a callback that must not
/// block.
#[cfg_attr(
    feature = "headers",
    safer_ffi::ffi_export(rename = "abi_wool_stream_wait")
)]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wool_stream_wait(
    stream: wool_stream_t,
    timeout_ms: i64,
    item: *mut wool_bytes_t,
    codec: *mut i32,
    error: *mut *mut wool_error_t,
) -> wool_status_t {
    unsafe {
        guard::entry("wool_stream_wait", error, || {
            let item = guard::out(item, "item")?;
            let stream = handles::stream(stream)?;
            let Face::Mailbox(mailbox) = &stream.face else {
                return Err(invalid(
                    "the stream has a queue: use wool_stream_next, and drain the queue",
                ));
            };
            if timeout_ms != 0 {
                callback::refuse_wait("wool_stream_wait")?;
            }
            let missing = {
                let mut asked = stream.asked();
                asked.waiting += 1;
                let missing = if asked.over {
                    0
                } else {
                    let count = |n| u32::try_from(n).unwrap_or(u32::MAX);
                    items_to_ask(stream.prefetch, count(asked.items), count(asked.waiting))
                };
                asked.items += missing as usize;
                missing
            };
            if missing > 0 {
                stream.credit(missing);
            }
            let until = guard::wait(timeout_ms).and_then(|wait| Instant::now().checked_add(wait));
            let arrival = Runtime::lend_thread(|| match until {
                None => mailbox.recv().map_err(|_| RecvTimeoutError::Disconnected),
                Some(until) => mailbox.recv_deadline(until),
            });
            let mut asked = stream.asked();
            asked.waiting -= 1;
            match arrival {
                Ok(Arrival::Item(payload)) => {
                    asked.items = asked.items.saturating_sub(1);
                    item.put(give_payload(payload, codec));
                    Ok(wool_status_t::WOOL_OK)
                }
                Ok(Arrival::Outcome(outcome)) => {
                    asked.over = true;
                    drop(asked);
                    handles::remove(stream.handle);
                    match outcome {
                        Outcome::End => Ok(wool_status_t::WOOL_END),
                        Outcome::Error(error) => Err(error.into()),
                        Outcome::Result(_) => {
                            let message = "a stream ended with a result";
                            Err(Error::new(ErrorKind::Internal, message).into())
                        }
                    }
                }
                Err(RecvTimeoutError::Timeout) => Ok(wool_status_t::WOOL_PENDING),
                // Another thread was given the outcome.
                Err(RecvTimeoutError::Disconnected) => Ok(wool_status_t::WOOL_END),
            }
        })
    }
}

/// Resumes a stream's generator with a value, which its yield gives it, and asks for the next item. That comes as after
/// wool_stream_next, or is what the next wool_stream_wait gets. Never blocks; the value is copied.
///
/// Errors, and then nothing was sent and the stream goes on: WOOL_ERR_INVALID_ARGUMENT when the generator is not at a
/// yield - no item was asked for yet, one that was has not come or was not taken, the stream was closed - and for a stream
/// with prefetch; WOOL_ERR_PAYLOAD_TOO_LARGE for what the worker does not accept; WOOL_ERR_BUSY when the queue has no slot
/// left; WOOL_ERR_INVALID_ARGUMENT for a stale handle.
#[cfg_attr(
    feature = "headers",
    safer_ffi::ffi_export(rename = "abi_wool_stream_send")
)]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wool_stream_send(
    stream: wool_stream_t,
    value: wool_payload_t,
    error: *mut *mut wool_error_t,
) -> wool_status_t {
    unsafe {
        guard::entry("wool_stream_send", error, || {
            let value = guard::payload(value, "value")?;
            handles::stream(stream)?.resume(|core| core.send(value))?;
            Ok(wool_status_t::WOOL_OK)
        })
    }
}

/// Raises an error at the yield of a stream's generator, and asks for the next item, as wool_stream_send does. What the
/// generator does not catch ends the stream. One that has not begun never does: the error ends the stream at once.
///
/// Errors: as wool_stream_send, but that no item has to be asked for before; WOOL_ERR_INVALID_ARGUMENT for a fault that is
/// none.
#[cfg_attr(
    feature = "headers",
    safer_ffi::ffi_export(rename = "abi_wool_stream_throw")
)]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wool_stream_throw(
    stream: wool_stream_t,
    fault: *const wool_fault_t,
    error: *mut *mut wool_error_t,
) -> wool_status_t {
    unsafe {
        guard::entry("wool_stream_throw", error, || {
            let stream = handles::stream(stream)?;
            let fault = error::fault(fault, &stream.language)?;
            stream.resume(|core| core.throw(fault))?;
            Ok(wool_status_t::WOOL_OK)
        })
    }
}

/// Closes a stream's generator at its yield point, whose clean-up then runs. The outcome comes afterwards, as an event
/// or from wool_stream_wait: WOOL_END, or what the clean-up failed with. It may be called again. In callbacks, too.
///
/// Errors: WOOL_ERR_INVALID_ARGUMENT for a number that is no stream's. A stale handle is WOOL_OK.
#[cfg_attr(
    feature = "headers",
    safer_ffi::ffi_export(rename = "abi_wool_stream_close")
)]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wool_stream_close(
    stream: wool_stream_t,
    error: *mut *mut wool_error_t,
) -> wool_status_t {
    unsafe {
        guard::entry("wool_stream_close", error, || {
            if let Some(stream) = handles::stream_unless_stale(stream)? {
                stream.close();
            }
            Ok(wool_status_t::WOOL_OK)
        })
    }
}

/// Ends a stream: WOOL_ERR_CANCELLED comes at once, as an event or to who waits, and the routine is told to stop.
/// Without a queue the handle is stale from now on. A stale handle is WOOL_OK. In callbacks, too.
#[cfg_attr(
    feature = "headers",
    safer_ffi::ffi_export(rename = "abi_wool_stream_cancel")
)]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wool_stream_cancel(stream: wool_stream_t) -> wool_status_t {
    unsafe {
        guard::entry("wool_stream_cancel", std::ptr::null_mut(), || {
            if let Some(stream) = handles::stream_unless_stale(stream)? {
                if matches!(stream.face, Face::Mailbox(_)) {
                    handles::remove(stream.handle);
                }
                stream.cancel();
            }
            Ok(wool_status_t::WOOL_OK)
        })
    }
}
