//! Pools.

use std::sync::Arc;

use wool_core::{Balancer, Payload, Peers, PoolOptions, SpawnCommand, WorkerPool};

use crate::balancer;
use crate::callback;
use crate::credentials;
use crate::discovery;
use crate::error::wool_error_t;
use crate::fork;
use crate::guard::{self, Result, invalid};
use crate::handles;
use crate::hook::Shut;
use crate::peer_check;
use crate::queue::{self, wool_queue_t};
use crate::runtime::wool_runtime_t;
use crate::types::*;
use crate::worker::{closed_event, grace, secret};

/// The caller's view of a set of workers.
#[safer_ffi::derive_ReprC]
#[repr(opaque)]
pub struct wool_pool_t {
    core: WorkerPool,
    /// The host's own, which are not asked once the pool has closed.
    hooks: Vec<Arc<dyn Shut>>,
    /// That of a task's caller, which other tasks use, too.
    is_shared: bool,
}

impl wool_pool_t {
    pub(crate) fn core(&self) -> &WorkerPool {
        &self.core
    }

    fn refuse_if_shared(&self) -> Result<()> {
        if self.is_shared {
            return Err(invalid(
                "the pool of a task's caller is shared with other tasks: free it, wool closes it",
            ));
        }
        Ok(())
    }
}

/// Makes a pool; the options say of which workers, and may be NULL. It starts, finds and connects in the background, and
/// goes on doing so: a worker may come later, or come back. On success `*out` belongs to the caller: wool_pool_close,
/// then wool_pool_free.
///
/// Errors: WOOL_ERR_INVALID_ARGUMENT for options that contradict each other, WOOL_ERR_PERMISSION_DENIED for an address
/// beyond loopback without `allow_plaintext`, WOOL_ERR_DISCOVERY when workers cannot be found here at all,
/// WOOL_ERR_SPAWN_FAILED when this program may not be started again, WOOL_ERR_CLOSED.
#[cfg_attr(
    feature = "headers",
    safer_ffi::ffi_export(rename = "abi_wool_pool_new")
)]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wool_pool_new(
    runtime: *mut wool_runtime_t,
    options: *const wool_pool_options_t,
    out: *mut *mut wool_pool_t,
    error: *mut *mut wool_error_t,
) -> wool_status_t {
    unsafe {
        guard::entry("wool_pool_new", error, || {
            let options = guard::options(options, "options")?;
            let (balancer, balancer_hook) = balancer::given(&options)?;
            let mut hooks: Vec<_> = balancer_hook.into_iter().collect();
            let runtime = guard::required(runtime, "runtime")?;
            let out = guard::out(out, "out")?;
            let peers = peers(&options, &mut hooks);
            let core = peers
                .and_then(|peers| pool_options(&options, balancer, peers))
                .and_then(|options| Ok(WorkerPool::new(runtime.core(), options)?));
            if core.is_err() {
                hooks.iter().for_each(|hook| hook.shut());
            }
            let core = core?;
            out.put(Box::into_raw(Box::new(wool_pool_t {
                core,
                hooks,
                is_shared: false,
            })));
            Ok(wool_status_t::WOOL_OK)
        })
    }
}

/// The pool of a task's caller, as this worker sees it: the one to call by in a routine, with the task as the `parent` of
/// the call. It is made again here at its first use, and kept for a minute after its last. On success `*out` belongs to
/// the caller: wool_pool_free. Other tasks share it, so it cannot be closed. Never blocks; in callbacks, too.
///
/// Errors: WOOL_ERR_UNSUPPORTED when the caller's pool cannot be used here and the worker has none of its own (see
/// wool_worker_options_t); WOOL_ERR_DISCOVERY; WOOL_ERR_INVALID_ARGUMENT for a stale handle.
#[cfg_attr(
    feature = "headers",
    safer_ffi::ffi_export(rename = "abi_wool_task_pool")
)]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wool_task_pool(
    task: wool_task_t,
    out: *mut *mut wool_pool_t,
    error: *mut *mut wool_error_t,
) -> wool_status_t {
    unsafe {
        guard::entry("wool_task_pool", error, || {
            let out = guard::out(out, "out")?;
            let core = handles::task(task)?.task.context().pool()?;
            out.put(Box::into_raw(Box::new(wool_pool_t {
                core,
                hooks: Vec::new(),
                is_shared: true,
            })));
            Ok(wool_status_t::WOOL_OK)
        })
    }
}

/// What the pool tells of itself, as a value of the model (wool_value_reader_new): which workers it has, their state,
/// routines and load, and which were turned away, and why. docs/pool-status.md names the parts. On success `*out` belongs
/// to the caller: wool_bytes_free.
#[cfg_attr(
    feature = "headers",
    safer_ffi::ffi_export(rename = "abi_wool_pool_status")
)]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wool_pool_status(
    pool: *const wool_pool_t,
    out: *mut wool_bytes_t,
    error: *mut *mut wool_error_t,
) -> wool_status_t {
    unsafe {
        guard::entry("wool_pool_status", error, || {
            let pool = guard::required(pool, "pool")?;
            let out = guard::out(out, "out")?;
            let status = Payload::value(&pool.core.status().to_value()?)?;
            out.put(queue::give(status.into_bytes()));
            Ok(wool_status_t::WOOL_OK)
        })
    }
}

/// Closes a pool: what is pending ends as WOOL_ERR_CLOSED, what is called from now on is refused so, and the workers
/// that the pool started are stopped. It may be called again, and while anything else is under way.
///
/// `timeout_ms`: < 0 waits for ever, 0 does not wait.
///
/// Errors: WOOL_ERR_TIMEOUT: closing goes on and can be waited for again. WOOL_ERR_INVALID_ARGUMENT in a callback.
#[cfg_attr(
    feature = "headers",
    safer_ffi::ffi_export(rename = "abi_wool_pool_close")
)]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wool_pool_close(
    pool: *mut wool_pool_t,
    timeout_ms: i64,
    error: *mut *mut wool_error_t,
) -> wool_status_t {
    unsafe {
        guard::entry("wool_pool_close", error, || {
            let pool = guard::required(pool, "pool")?;
            pool.refuse_if_shared()?;
            callback::refuse_close("wool_pool_close")?;
            pool.core.close_blocking(guard::wait(timeout_ms))?;
            pool.hooks.iter().for_each(|hook| hook.shut_and_wait());
            Ok(wool_status_t::WOOL_OK)
        })
    }
}

/// Closes as wool_pool_close does, without waiting: a WOOL_EVENT_CLOSED tells the end. In callbacks, too.
///
/// Errors: WOOL_ERR_BUSY, WOOL_ERR_CLOSED (the queue); then nothing has happened.
#[cfg_attr(
    feature = "headers",
    safer_ffi::ffi_export(rename = "abi_wool_pool_close_submit")
)]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wool_pool_close_submit(
    pool: *mut wool_pool_t,
    queue: *mut wool_queue_t,
    tag: u64,
    error: *mut *mut wool_error_t,
) -> wool_status_t {
    unsafe {
        guard::entry("wool_pool_close_submit", error, || {
            let pool = guard::required(pool, "pool")?;
            pool.refuse_if_shared()?;
            let closed = closed_event(queue::required(queue)?, tag)?;
            let hooks = pool.hooks.clone();
            pool.core.close(move || {
                hooks.iter().for_each(|hook| hook.shut());
                closed();
            });
            Ok(wool_status_t::WOOL_OK)
        })
    }
}

/// Lets go of a pool. One that is not closed closes in the background. Never blocks. NULL is fine.
#[cfg_attr(
    feature = "headers",
    safer_ffi::ffi_export(rename = "abi_wool_pool_free")
)]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wool_pool_free(pool: *mut wool_pool_t) {
    unsafe { guard::free(pool, fork::drop_unless_child) }
}

/// Whom the pool believes: by patterns, or by a check of the host's own, whose hook is added.
unsafe fn peers(
    options: &wool_pool_options_t,
    hooks: &mut Vec<Arc<dyn Shut>>,
) -> Result<Option<Peers>> {
    unsafe {
        if let Some((peers, hook)) = peer_check::given(options)? {
            hooks.push(hook);
            return Ok(Some(peers));
        }
        credentials::peers(options.peers, options.peer_count, "options.peers")
    }
}

unsafe fn pool_options(
    options: &wool_pool_options_t,
    balancer: Balancer,
    peers: Option<Peers>,
) -> Result<PoolOptions> {
    unsafe {
        let defaults = PoolOptions::default();
        let or = |ms, default| guard::unless_zero(ms).unwrap_or(default);
        Ok(PoolOptions {
            spawn: match options.spawn {
                0 => None,
                count => Some(usize::try_from(count).unwrap_or(0)),
            },
            command: command(options)?,
            concurrency: options.concurrency,
            grace: grace(options.grace_ms),
            discovery: discovery::given(options.discovery)?,
            bind: guard::text(options.bind, "options.bind")?.to_owned(),
            advertise: guard::texts(
                options.advertise,
                options.advertise_count,
                "options.advertise",
            )?,
            addresses: guard::texts(
                options.addresses,
                options.address_count,
                "options.addresses",
            )?,
            tags: guard::texts(options.tags, options.tag_count, "options.tags")?,
            lease: options.lease as usize,
            balancer,
            quorum: options.quorum as usize,
            quorum_timeout: or(options.quorum_timeout_ms, defaults.quorum_timeout),
            dispatch_timeout: or(options.dispatch_timeout_ms, defaults.dispatch_timeout),
            secret: secret(options.secret)?,
            allow_plaintext: options.allow_plaintext != 0,
            credentials: credentials::given(options.credentials),
            identity: guard::text(options.identity, "options.identity")?.to_owned(),
            peers,
            max_payload: options.max_payload,
        })
    }
}

unsafe fn command(options: &wool_pool_options_t) -> Result<Option<SpawnCommand>> {
    let words = unsafe { guard::texts(options.command, options.command_count, "options.command") }?;
    if words.is_empty() {
        return Ok(None);
    }
    Ok(Some(if options.command_is_own != 0 {
        SpawnCommand::again(words)?
    } else {
        SpawnCommand::new(words)?
    }))
}
