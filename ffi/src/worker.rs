//! Workers.

use std::collections::BTreeMap;
use std::ffi::c_void;
use std::path::PathBuf;
use std::sync::Arc;

use wool_core::{Admission, Grace, PeerLimits, Worker, WorkerOptions};

use crate::admission::{self, AdmissionHook};
use crate::callback;
use crate::credentials;
use crate::discovery;
use crate::error::wool_error_t;
use crate::fork;
use crate::guard::{self, Result, invalid};
use crate::memory::EMPTY;
use crate::queue::{self, Body, Event, Queue, Slots, wool_queue_t};
use crate::runtime::wool_runtime_t;
use crate::types::*;

/// Serves a runtime's routines, in this process.
#[safer_ffi::derive_ReprC]
#[repr(opaque)]
pub struct wool_worker_t {
    core: Worker,
}

/// Binds and serves: when this returns, callers can connect. `options` may be NULL. Routines may be registered
/// before and after. On success `*out` belongs to the caller: wool_worker_stop, then wool_worker_free.
///
/// Errors: WOOL_ERR_PERMISSION_DENIED for an address beyond loopback without `allow_plaintext`, WOOL_ERR_IO when the
/// address cannot be bound, WOOL_ERR_DISCOVERY when it cannot be published, WOOL_ERR_CLOSED.
#[cfg_attr(
    feature = "headers",
    safer_ffi::ffi_export(rename = "abi_wool_worker_new")
)]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wool_worker_new(
    runtime: *mut wool_runtime_t,
    options: *const wool_worker_options_t,
    out: *mut *mut wool_worker_t,
    error: *mut *mut wool_error_t,
) -> wool_status_t {
    unsafe {
        guard::entry("wool_worker_new", error, || {
            let options = guard::options(options, "options")?;
            let hook = admission::hook(&options)?;
            let runtime = guard::required(runtime, "runtime")?;
            let out = guard::out(out, "out")?;
            let core = start(&options, hook, |options| {
                Ok(Worker::start(runtime.core(), options)?)
            })?;
            out.put(Box::into_raw(Box::new(wool_worker_t { core })));
            Ok(wool_status_t::WOOL_OK)
        })
    }
}

/// For a program that is a worker: starts one and serves until the process gets SIGTERM or SIGINT. Then the worker is not
/// to be found any more, takes no new tasks, lets those that run go on for the grace, and this returns when the last has
/// ended. A second signal stops it at once. It returns WOOL_OK then, and when the worker was stopped or the runtime closed
/// otherwise. While it runs the two signals are wool's; afterwards they do what they did before.
///
/// `options` may be NULL. `grace_ms`: 0 cancels at the signal, < 0 waits for ever. `started`, which may be NULL, is called
/// on this thread when callers can connect.
///
/// Errors: as wool_worker_new. WOOL_ERR_INVALID_ARGUMENT in a callback, and when a worker of this process is run already.
#[cfg_attr(
    feature = "headers",
    safer_ffi::ffi_export(rename = "abi_wool_worker_run")
)]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wool_worker_run(
    runtime: *mut wool_runtime_t,
    options: *const wool_worker_options_t,
    grace_ms: i64,
    started: wool_worker_started_fn,
    user_data: *mut c_void,
    error: *mut *mut wool_error_t,
) -> wool_status_t {
    unsafe {
        guard::entry("wool_worker_run", error, || {
            let options = guard::options(options, "options")?;
            let hook = admission::hook(&options)?;
            let runtime = guard::required(runtime, "runtime")?;
            let tell = |worker: &Worker| {
                if let Some(started) = started {
                    let mut worker = wool_worker_t {
                        core: worker.clone(),
                    };
                    // On the host's own thread, which waits here for nothing: it may do what it may do elsewhere.
                    started(user_data, &mut worker);
                }
            };
            start(&options, hook, |options| {
                callback::refuse_close("wool_worker_run")?;
                Ok(Worker::run_with(
                    runtime.core(),
                    options,
                    grace(grace_ms),
                    tell,
                )?)
            })?;
            Ok(wool_status_t::WOOL_OK)
        })
    }
}

/// Where the worker is reached, e.g. "127.0.0.1:43211". Valid until the worker is freed.
#[cfg_attr(
    feature = "headers",
    safer_ffi::ffi_export(rename = "abi_wool_worker_address")
)]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wool_worker_address(worker: *const wool_worker_t) -> wool_slice_t {
    unsafe {
        guard::get(EMPTY, || {
            worker
                .as_ref()
                .map(|worker| wool_slice_t::of(worker.core.address()))
        })
    }
}

/// The worker's UUID, dashed. A restarted worker has another. Valid until the worker is freed.
#[cfg_attr(
    feature = "headers",
    safer_ffi::ffi_export(rename = "abi_wool_worker_uid")
)]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wool_worker_uid(worker: *const wool_worker_t) -> wool_slice_t {
    unsafe {
        guard::get(EMPTY, || {
            worker
                .as_ref()
                .map(|worker| wool_slice_t::of(worker.core.uid()))
        })
    }
}

/// Stops a worker: it takes no new tasks (callers offer them to others), lets those that run go on for the grace,
/// cancels what is left, and ends when the last one has been answered. It may be called again, and then can shorten
/// the grace, never lengthen it.
///
/// `grace_ms`: 0 cancels now, < 0 waits for ever. `timeout_ms`: < 0 waits for ever, 0 does not wait.
///
/// Errors: WOOL_ERR_TIMEOUT: stopping goes on and can be waited for again. WOOL_ERR_INVALID_ARGUMENT in a callback.
#[cfg_attr(
    feature = "headers",
    safer_ffi::ffi_export(rename = "abi_wool_worker_stop")
)]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wool_worker_stop(
    worker: *mut wool_worker_t,
    grace_ms: i64,
    timeout_ms: i64,
    error: *mut *mut wool_error_t,
) -> wool_status_t {
    unsafe {
        guard::entry("wool_worker_stop", error, || {
            let worker = guard::required(worker, "worker")?;
            callback::refuse_close("wool_worker_stop")?;
            worker
                .core
                .stop_blocking(grace(grace_ms), guard::wait(timeout_ms))?;
            Ok(wool_status_t::WOOL_OK)
        })
    }
}

/// Stops as wool_worker_stop does, without waiting: a WOOL_EVENT_CLOSED tells the end. In callbacks, too.
///
/// Errors: WOOL_ERR_BUSY, WOOL_ERR_CLOSED (the queue); then nothing has happened.
#[cfg_attr(
    feature = "headers",
    safer_ffi::ffi_export(rename = "abi_wool_worker_stop_submit")
)]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wool_worker_stop_submit(
    worker: *mut wool_worker_t,
    grace_ms: i64,
    queue: *mut wool_queue_t,
    tag: u64,
    error: *mut *mut wool_error_t,
) -> wool_status_t {
    unsafe {
        guard::entry("wool_worker_stop_submit", error, || {
            let worker = guard::required(worker, "worker")?;
            let closed = closed_event(queue::required(queue)?, tag)?;
            worker.core.stop(grace(grace_ms), closed);
            Ok(wool_status_t::WOOL_OK)
        })
    }
}

/// Does not stop it: a WOOL_EVENT_CLOSED tells when it has stopped, whoever stopped it, such as one of its `stoppers`, at
/// once if it has already. The event has its place in the queue from now on. In callbacks, too.
///
/// Errors: WOOL_ERR_BUSY, WOOL_ERR_CLOSED (the queue); then no event comes.
#[cfg_attr(
    feature = "headers",
    safer_ffi::ffi_export(rename = "abi_wool_worker_stopped_submit")
)]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wool_worker_stopped_submit(
    worker: *const wool_worker_t,
    queue: *mut wool_queue_t,
    tag: u64,
    error: *mut *mut wool_error_t,
) -> wool_status_t {
    unsafe {
        guard::entry("wool_worker_stopped_submit", error, || {
            let worker = guard::required(worker, "worker")?;
            let closed = closed_event(queue::required(queue)?, tag)?;
            worker.core.on_stopped(closed);
            Ok(wool_status_t::WOOL_OK)
        })
    }
}

/// Lets go of a worker. One that is not stopped stops in the background, without grace. Never blocks. NULL is fine.
#[cfg_attr(
    feature = "headers",
    safer_ffi::ffi_export(rename = "abi_wool_worker_free")
)]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wool_worker_free(worker: *mut wool_worker_t) {
    unsafe { guard::free(worker, fork::drop_unless_child) }
}

/// What pushes a CLOSED event, in a slot reserved now.
pub(crate) fn closed_event(queue: &Arc<Queue>, tag: u64) -> Result<impl FnOnce() + Send + 'static> {
    let _opened = queue.opened()?;
    let slot = Slots::hold(queue, 1)?;
    Ok(move || {
        slot.fill(Event {
            kind: wool_event_kind_t::WOOL_EVENT_CLOSED,
            tag,
            handle: 0,
            body: Body::Nothing,
        });
    })
}

/// Starts a worker with what the options say; a hook that did not come to decide is freed.
///
/// # Safety
/// What the options point at is valid during the call.
unsafe fn start<T>(
    options: &wool_worker_options_t,
    hook: Option<Arc<AdmissionHook>>,
    start: impl FnOnce(WorkerOptions) -> Result<T>,
) -> Result<T> {
    let started = unsafe { worker_options(options) }.and_then(|mut options| {
        options.admit = hook.clone().map(|hook| hook as Arc<dyn Admission>);
        start(options)
    });
    if started.is_err()
        && let Some(hook) = hook
    {
        // One that was found out too late may still be stopping, without asking any more.
        hook.stopped();
    }
    started
}

unsafe fn worker_options(options: &wool_worker_options_t) -> Result<WorkerOptions> {
    unsafe {
        let socket_path = guard::text(options.socket_path, "options.socket_path")?;
        let mut read = WorkerOptions {
            socket_path: (!socket_path.is_empty()).then(|| PathBuf::from(socket_path)),
            concurrency: options.concurrency,
            allow_plaintext: options.allow_plaintext != 0,
            secret: secret(options.secret)?,
            max_payload: options.max_payload,
            tags: guard::texts(options.tags, options.tag_count, "options.tags")?,
            publish: discovery::given(options.publish)?,
            pool: options.pool.as_ref().map(|pool| pool.core().clone()),
            advertise: guard::texts(
                options.advertise,
                options.advertise_count,
                "options.advertise",
            )?,
            extra: extra(options)?,
            credentials: credentials::given(options.credentials),
            identity: guard::text(options.identity, "options.identity")?.to_owned(),
            callers: credentials::peers(options.callers, options.caller_count, "options.callers")?,
            routine_callers: credentials::routine_callers(
                options.routine_callers,
                options.routine_caller_count,
                "options.routine_callers",
            )?,
            peers: credentials::peers(options.peers, options.peer_count, "options.peers")?,
            stoppers: credentials::peers(
                options.stoppers,
                options.stopper_count,
                "options.stoppers",
            )?,
            peer_limits: PeerLimits {
                connections: options.peer_connections,
                sessions: options.peer_sessions,
                calls: options.peer_calls,
                bytes: options.peer_bytes,
            },
            ..WorkerOptions::default()
        };
        let bind = guard::text(options.bind, "options.bind")?;
        if !bind.is_empty() {
            bind.clone_into(&mut read.bind);
        }
        Ok(read)
    }
}

/// # Safety
/// What the options point at is valid during the call.
unsafe fn extra(options: &wool_worker_options_t) -> Result<BTreeMap<String, String>> {
    let texts = unsafe { guard::texts(options.extra, options.extra_count, "options.extra") }?;
    let (pairs, rest) = texts.as_chunks();
    if !rest.is_empty() {
        return Err(invalid(format!(
            "options.extra has {} texts: a name without a value is left over",
            texts.len()
        )));
    }
    let pairs = pairs.iter().cloned();
    Ok(pairs.map(|[name, value]| (name, value)).collect())
}

/// # Safety
/// The slice is valid during the call.
pub(crate) unsafe fn secret(secret: wool_slice_t) -> Result<Option<Vec<u8>>> {
    let secret = unsafe { guard::bytes(secret, "options.secret") }?;
    Ok((!secret.is_empty()).then(|| secret.to_vec()))
}

pub(crate) fn grace(grace_ms: i64) -> Grace {
    match guard::wait(grace_ms) {
        None => Grace::Forever,
        Some(grace) if grace.is_zero() => Grace::Now,
        Some(grace) => Grace::For(grace),
    }
}
