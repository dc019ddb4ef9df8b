//! What happens to tasks, for hosts that listen.

use std::ffi::c_void;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::UNIX_EPOCH;

use wool_core::value::{Map, Uuid, Value};
use wool_core::{DEFAULT_TASK_EVENTS, Payload, TaskEvent, TaskEventSink, TaskEvents};

use crate::callback::{UserData, patient};
use crate::error::wool_error_t;
use crate::fork;
use crate::guard::{self, invalid};
use crate::queue::{self, Body, Event, Queue};
use crate::runtime::wool_runtime_t;
use crate::types::*;

/// Listens to the task events of a runtime.
#[safer_ffi::derive_ReprC]
#[repr(opaque)]
pub struct wool_task_events_t {
    core: TaskEvents,
    /// Of one that listens by a queue.
    queued: Option<Arc<Queued>>,
}

/// Listens to what happens to the tasks that this runtime's pools call and its workers run, from now on and until
/// wool_task_events_free. `options` say how. On success `*out` belongs to the caller.
///
/// Errors: WOOL_ERR_INVALID_ARGUMENT with both or neither of `handler` and `queue`; WOOL_ERR_IO; WOOL_ERR_CLOSED.
#[cfg_attr(
    feature = "headers",
    safer_ffi::ffi_export(rename = "abi_wool_task_events_new")
)]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wool_task_events_new(
    runtime: *mut wool_runtime_t,
    options: *const wool_task_events_options_t,
    out: *mut *mut wool_task_events_t,
    error: *mut *mut wool_error_t,
) -> wool_status_t {
    unsafe {
        guard::entry("wool_task_events_new", error, || {
            let options = guard::options(options, "options")?;
            let user_data = UserData::new(options.user_data, options.destroy);
            let runtime = guard::required(runtime, "runtime")?.core();
            let out = guard::out(out, "out")?;
            let listening = match (options.handler, queue::optional(options.queue)) {
                (Some(handler), None) => {
                    let handler = Handler { handler, user_data };
                    let core = runtime.on_task_event(options.capacity as usize, move |event| {
                        handler.call(event)
                    })?;
                    wool_task_events_t { core, queued: None }
                }
                (None, Some(queue)) => {
                    let queued = Arc::new(Queued {
                        queue: Arc::clone(queue),
                        tag: options.tag,
                        most: match options.capacity {
                            0 => DEFAULT_TASK_EVENTS,
                            most => most as usize,
                        },
                        waiting: Arc::default(),
                        missed: AtomicU64::new(0),
                    });
                    let sink = Arc::clone(&queued) as Arc<dyn TaskEventSink>;
                    wool_task_events_t {
                        core: runtime.tell_task_events(sink)?,
                        queued: Some(queued),
                    }
                }
                _ => {
                    return Err(invalid(
                        "task events go to a handler or to a queue: give one of them",
                    ));
                }
            };
            out.put(Box::into_raw(Box::new(listening)));
            Ok(wool_status_t::WOOL_OK)
        })
    }
}

/// How many events were missed, as the handler was too slow or the queue was not drained. 0 for NULL.
#[cfg_attr(
    feature = "headers",
    safer_ffi::ffi_export(rename = "abi_wool_task_events_missed")
)]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wool_task_events_missed(events: *const wool_task_events_t) -> u64 {
    unsafe {
        guard::get(0, || {
            let events = events.as_ref()?;
            let queued = events.queued.as_ref();
            Some(queued.map_or_else(
                || events.core.missed(),
                |queued| queued.missed.load(Ordering::Relaxed),
            ))
        })
    }
}

/// Stops listening: no callback starts any more, and no event comes to the queue; those that are in it stay. Never blocks;
/// in the handler, too. NULL is fine.
#[cfg_attr(
    feature = "headers",
    safer_ffi::ffi_export(rename = "abi_wool_task_events_free")
)]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wool_task_events_free(events: *mut wool_task_events_t) {
    unsafe { guard::free(events, fork::drop_unless_child) }
}

/// The host's callback.
struct Handler {
    handler: unsafe extern "C" fn(*mut c_void, *const wool_task_event_t),
    user_data: UserData,
}

impl Handler {
    fn call(&self, event: &TaskEvent) {
        let event = in_c(event);
        // SAFETY: the host gave both together; the event lives during the call.
        patient(|| unsafe { (self.handler)(self.user_data.pointer(), &raw const event) });
    }
}

fn timestamp_us(event: &TaskEvent) -> i64 {
    let since = event.timestamp.duration_since(UNIX_EPOCH);
    since.map_or(0, |since| {
        i64::try_from(since.as_micros()).unwrap_or(i64::MAX)
    })
}

fn in_c(event: &TaskEvent) -> wool_task_event_t {
    wool_task_event_t {
        struct_size: size_of::<wool_task_event_t>(),
        kind: event.kind as i32,
        side: event.side as i32,
        timestamp_us: timestamp_us(event),
        id: event.id,
        caller: event.caller.unwrap_or_default(),
        worker_uid: event.worker.unwrap_or_default(),
        routine: wool_slice_t::of(&event.routine),
        step: event.iteration.map_or(0, |iteration| iteration as i32),
        status: match event.outcome {
            Some(Err(kind)) => wool_status_t::of(kind) as i32,
            Some(Ok(())) | None => wool_status_t::WOOL_OK as i32,
        },
    }
}

/// Puts events into a completion queue, as values.
struct Queued {
    queue: Arc<Queue>,
    tag: u64,
    most: usize,
    waiting: Arc<AtomicUsize>,
    missed: AtomicU64,
}

/// An event that is not drained.
pub(crate) struct Waiting(Arc<AtomicUsize>);

impl Drop for Waiting {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

impl TaskEventSink for Queued {
    fn event(&self, event: &TaskEvent) {
        if self.put(event).is_none() {
            self.missed.fetch_add(1, Ordering::Relaxed);
        }
    }
}

impl Queued {
    /// `None`: there is no room.
    fn put(&self, event: &TaskEvent) -> Option<()> {
        let before = self.waiting.fetch_add(1, Ordering::AcqRel);
        let waiting = Waiting(Arc::clone(&self.waiting));
        if before >= self.most {
            return None;
        }
        let value = Map::from_entries(members(event)).ok()?;
        let payload = Payload::value(&Value::Map(value)).ok()?;
        // Not begun on a queue that is closing: nobody drains it.
        let _opened = self.queue.opened().ok()?;
        self.queue.reserve(1).ok()?;
        let event = Event {
            kind: wool_event_kind_t::WOOL_EVENT_TASK_EVENT,
            tag: self.tag,
            handle: 0,
            body: Body::TaskEvent(payload, waiting),
        };
        self.queue.push(event, 1);
        Some(())
    }
}

fn members(event: &TaskEvent) -> Vec<(Value, Value)> {
    let text = |text: &str| Value::from(text);
    let id = |id: Option<[u8; 16]>| id.map_or(Value::Null, |id| Value::Uuid(Uuid::from_bytes(id)));
    [
        ("kind", text(event.kind.name())),
        ("side", text(event.side.name())),
        ("timestamp_us", timestamp_us(event).into()),
        ("id", id(Some(event.id))),
        ("routine", text(&event.routine)),
        ("caller", id(event.caller)),
        ("worker", id(event.worker)),
        (
            "step",
            event
                .iteration
                .map_or(Value::Null, |step| text(step.name())),
        ),
        (
            "status",
            match event.outcome {
                Some(Ok(())) => text("OK"),
                Some(Err(kind)) => text(&kind.to_string()),
                None => Value::Null,
            },
        ),
    ]
    .map(|(name, value)| (text(name), value))
    .into()
}
