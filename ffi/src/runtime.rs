//! Runtimes.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

use crossbeam_channel::RecvTimeoutError;
use once_cell::sync::OnceCell;
use wool_core::{Error, ErrorKind, Level, Runtime, RuntimeOptions};

use crate::callback::{self, Gate, UserData};
use crate::error::wool_error_t;
use crate::fork;
use crate::guard::{self, Result};
use crate::panic;
use crate::queue::{Ended, Queue};
use crate::types::*;

/// Owns the threads, the routines, and what is made with it.
#[safer_ffi::derive_ReprC]
#[repr(opaque)]
pub struct wool_runtime_t {
    core: Runtime,
    parts: Arc<Parts>,
}

/// What of a runtime ends after the core has: callbacks.
struct Parts {
    log: Arc<Gate<Log>>,
    queues: Mutex<Queues>,
}

#[derive(Default)]
struct Queues {
    closed: bool,
    known: Vec<QueueOfRuntime>,
}

struct QueueOfRuntime {
    queue: Weak<Queue>,
    /// Of a queue with a handler: when its thread has ended.
    ended: Option<Ended>,
}

/// The host's log callback.
pub(crate) struct Log {
    log: unsafe extern "C" fn(*mut std::ffi::c_void, i32, wool_slice_t, wool_slice_t),
    user_data: UserData,
}

impl Log {
    pub(crate) fn say(&self, level: Level, target: &str, message: &str) {
        let (target, message) = (wool_slice_t::of(target), wool_slice_t::of(message));
        // SAFETY: the host gave both together; the texts live during the call.
        callback::quick(|| unsafe {
            (self.log)(self.user_data.pointer(), level as i32, target, message);
        });
    }
}

/// The process's own runtime.
static DEFAULT: OnceCell<wool_runtime_t> = OnceCell::new();

const DEFAULT_LANGUAGE: &str = "c";

impl wool_runtime_t {
    pub(crate) fn core(&self) -> &Runtime {
        &self.core
    }

    fn start(options: RuntimeOptions, log: Option<Log>) -> Result<wool_runtime_t, Error> {
        fork::begin()?;
        let log = Arc::new(Gate::new(log));
        panic::forward_to(&log);
        let sink = Arc::clone(&log);
        let options = RuntimeOptions {
            log: Some(Arc::new(move |level, target: &str, message: &str| {
                sink.call(|log| log.say(level, target, message));
            })),
            ..options
        };
        let core = Runtime::new(options)?;
        Ok(wool_runtime_t {
            core,
            parts: Arc::new(Parts {
                log,
                queues: Mutex::default(),
            }),
        })
    }

    /// The queue, with the thread that `start` may start for it, ends with the runtime.
    ///
    /// # Errors
    /// [`ErrorKind::Closed`], and those of `start`.
    pub(crate) fn adopt(
        &self,
        queue: &Arc<Queue>,
        start: impl FnOnce() -> Result<Option<Ended>, Error>,
    ) -> Result<(), Error> {
        let mut queues = self.parts.queues();
        if queues.closed {
            return Err(Error::new(ErrorKind::Closed, "the runtime is closed"));
        }
        queues.known.retain(|known| known.queue.strong_count() > 0);
        queues.known.push(QueueOfRuntime {
            queue: Arc::downgrade(queue),
            ended: start()?,
        });
        Ok(())
    }

    fn is_default(&self) -> bool {
        DEFAULT
            .get()
            .is_some_and(|default| std::ptr::eq(default, self))
    }
}

impl Parts {
    fn queues(&self) -> MutexGuard<'_, Queues> {
        self.queues.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// After the core has closed; waits for no callback.
    fn close(&self) {
        let queues: Vec<_> = {
            let mut queues = self.queues();
            queues.closed = true;
            queues
                .known
                .iter()
                .filter_map(|known| known.queue.upgrade())
                .collect()
        };
        for queue in queues {
            queue.close();
            queue.signal.silence();
        }
        self.log.shut();
    }

    /// After [`Parts::close`]: no callback runs any more. False: the time was up.
    fn wait(&self, until: Option<Instant>) -> bool {
        let queues: Vec<_> = self
            .queues()
            .known
            .iter()
            .map(|known| (known.queue.upgrade(), known.ended.clone()))
            .collect();
        for (queue, ended) in queues {
            if let Some(queue) = queue {
                queue.signal.silence_and_wait();
            }
            if let Some(ended) = ended {
                let ended = match until {
                    None => ended.recv().map_err(|_| RecvTimeoutError::Disconnected),
                    Some(until) => ended.recv_deadline(until),
                };
                // Nothing is ever sent: the thread's end disconnects.
                if ended == Err(RecvTimeoutError::Timeout) {
                    return false;
                }
            }
        }
        self.log.shut_and_wait();
        true
    }
}

/// Starts a runtime. `options` may be NULL. On success `*out` belongs to the caller: wool_runtime_close, then
/// wool_runtime_free. `log_destroy` runs when the runtime has closed, or before this returns an error.
///
/// Errors: WOOL_ERR_IO when the system gives no threads.
#[cfg_attr(
    feature = "headers",
    safer_ffi::ffi_export(rename = "abi_wool_runtime_new")
)]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wool_runtime_new(
    options: *const wool_runtime_options_t,
    out: *mut *mut wool_runtime_t,
    error: *mut *mut wool_error_t,
) -> wool_status_t {
    unsafe {
        guard::entry("wool_runtime_new", error, || {
            let options = guard::options(options, "options")?;
            let user_data = UserData::new(options.log_user_data, options.log_destroy);
            let out = guard::out(out, "out")?;
            let language = match guard::text(options.language, "options.language")? {
                "" => DEFAULT_LANGUAGE,
                language => language,
            };
            let log_level = match options.log_level {
                ..=1 => Level::Error,
                2 => Level::Warn,
                3 => Level::Info,
                4.. => Level::Debug,
            };
            let log = match options.log {
                Some(log) if options.log_level > 0 => Some(Log { log, user_data }),
                _ => None,
            };
            let core_options = RuntimeOptions {
                routine_threads: options.routine_threads as usize,
                log: None,
                log_level,
                language: language.to_owned(),
            };
            let runtime = wool_runtime_t::start(core_options, log)?;
            out.put(Box::into_raw(Box::new(runtime)));
            Ok(wool_status_t::WOOL_OK)
        })
    }
}

/// The process's own runtime, with default options, made at the first call. It is never freed: wool_runtime_free
/// does nothing to it.
///
/// Errors: as wool_runtime_new; the next call tries again.
#[cfg_attr(
    feature = "headers",
    safer_ffi::ffi_export(rename = "abi_wool_runtime_default")
)]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wool_runtime_default(
    out: *mut *mut wool_runtime_t,
    error: *mut *mut wool_error_t,
) -> wool_status_t {
    unsafe {
        guard::entry("wool_runtime_default", error, || {
            let out = guard::out(out, "out")?;
            let options = RuntimeOptions {
                language: DEFAULT_LANGUAGE.to_owned(),
                ..RuntimeOptions::default()
            };
            let runtime = DEFAULT.get_or_try_init(|| wool_runtime_t::start(options, None))?;
            out.put(std::ptr::from_ref(runtime).cast_mut());
            Ok(wool_status_t::WOOL_OK)
        })
    }
}

/// Closes pools (what is pending ends as WOOL_ERR_CLOSED), then workers (their tasks are cancelled, and waited
/// for), then queues, and waits until no thread of the runtime runs. Afterwards no callback starts. It may be
/// called again, and while anything else is under way.
///
/// A task that a queue serves has to be answered, so go on draining, or close that queue first.
///
/// `timeout_ms`: < 0 waits for ever, 0 does not wait.
///
/// Errors: WOOL_ERR_TIMEOUT, saying how many tasks still run: closing goes on and can be waited for again.
/// WOOL_ERR_INVALID_ARGUMENT in a callback, for which it would wait.
#[cfg_attr(
    feature = "headers",
    safer_ffi::ffi_export(rename = "abi_wool_runtime_close")
)]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wool_runtime_close(
    runtime: *mut wool_runtime_t,
    timeout_ms: i64,
    error: *mut *mut wool_error_t,
) -> wool_status_t {
    unsafe {
        guard::entry("wool_runtime_close", error, || {
            let runtime = guard::required(runtime, "runtime")?;
            callback::refuse_close("wool_runtime_close")?;
            let timeout = guard::wait(timeout_ms);
            let until = timeout.map(deadline);
            runtime.core.close_blocking(timeout)?;
            runtime.parts.close();
            if !runtime.parts.wait(until) {
                let message = "the runtime has closed, but for a queue's handler, which still runs";
                return Err(Error::new(ErrorKind::Timeout, message).into());
            }
            Ok(wool_status_t::WOOL_OK)
        })
    }
}

/// Lets go of a runtime. One that is not closed closes in the background. Never blocks. NULL is fine.
#[cfg_attr(
    feature = "headers",
    safer_ffi::ffi_export(rename = "abi_wool_runtime_free")
)]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wool_runtime_free(runtime: *mut wool_runtime_t) {
    unsafe {
        guard::get((), || {
            if runtime.as_ref()?.is_default() {
                return None;
            }
            guard::free(runtime, |runtime| {
                if fork::is_child() {
                    std::mem::forget(runtime);
                    return;
                }
                let parts = Arc::clone(&runtime.parts);
                runtime.core.close(move || parts.close());
            });
            None
        });
    }
}

fn deadline(timeout: Duration) -> Instant {
    let now = Instant::now();
    // A wait of centuries is one of years.
    now.checked_add(timeout)
        .unwrap_or_else(|| now + Duration::from_secs(1 << 30))
}
