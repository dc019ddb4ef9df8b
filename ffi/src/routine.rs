//! Routines: served by a queue, or by callbacks.

mod by_callbacks;
mod by_queue;

use std::sync::Arc;

use wool_core::{Routine, RoutineKind, TaskControl};

use crate::callback::UserData;
use crate::error::wool_error_t;
use crate::guard::{self, Result, invalid};
use crate::queue;
use crate::runtime::wool_runtime_t;
use crate::types::*;

use by_callbacks::{ByCallbacks, Callbacks, Threads};
use by_queue::ByQueue;

/// Makes a routine callable through the runtime's workers. Those that serve already tell their callers, who may answer
/// WOOL_ERR_ROUTINE_NOT_FOUND until they have heard it: register before you serve.
///
/// By callbacks: a unary routine has `run`, a stream `step` and usually `run`. By a queue: the callbacks are NULL; a
/// task begins with WOOL_EVENT_TASK and is answered by wool_task_return or wool_task_fail; a stream's task answers each
/// WOOL_EVENT_STEP. A task occupies its place in the worker until it is answered for good.
///
/// `destroy` runs when the runtime has closed and no callback uses `user_data` any more, or before this returns an
/// error.
///
/// Errors: WOOL_ERR_ALREADY_EXISTS, WOOL_ERR_CLOSED.
#[cfg_attr(
    feature = "headers",
    safer_ffi::ffi_export(rename = "abi_wool_routine_register")
)]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wool_routine_register(
    runtime: *mut wool_runtime_t,
    options: *const wool_routine_options_t,
    error: *mut *mut wool_error_t,
) -> wool_status_t {
    unsafe {
        guard::entry("wool_routine_register", error, || {
            guard::required(options, "options")?;
            let options = guard::options(options, "options")?;
            let user_data = UserData::new(options.user_data, options.destroy);
            let runtime = guard::required(runtime, "runtime")?;
            runtime.core().register(routine(&options, user_data)?)?;
            Ok(wool_status_t::WOOL_OK)
        })
    }
}

/// # Safety
/// What the options point at is valid during the call.
unsafe fn routine(options: &wool_routine_options_t, user_data: UserData) -> Result<Routine> {
    unsafe {
        let name = guard::text(options.name, "options.name")?;
        let kind = match options.kind {
            kind if kind == wool_routine_kind_t::WOOL_ROUTINE_UNARY as i32 => RoutineKind::Unary,
            kind if kind == wool_routine_kind_t::WOOL_ROUTINE_STREAM as i32 => RoutineKind::Stream,
            kind => {
                return Err(invalid(format!(
                    "options.kind is {kind}, which is no wool_routine_kind_t"
                )));
            }
        };
        let parameters = guard::texts(
            options.parameters,
            options.parameter_count,
            "options.parameters",
        )?;
        let doc = guard::text(options.doc, "options.doc")?;
        let has_callbacks =
            options.run.is_some() || options.step.is_some() || options.cancel.is_some();
        let routine = match queue::optional(options.queue) {
            Some(_) if has_callbacks => {
                return Err(invalid(format!(
                    "{name} has a queue and callbacks: it can be served by one of them"
                )));
            }
            Some(_) if options.on_io_thread != 0 => {
                return Err(invalid(format!(
                    "{name} has a queue and options.on_io_thread: that is for callbacks"
                )));
            }
            Some(queue) => {
                let service = ByQueue::new(Arc::clone(queue), options.tag, kind, user_data);
                Routine::with_service(name, kind, service)
            }
            None => {
                let missing = match kind {
                    RoutineKind::Unary => options.run.is_none().then_some("options.run"),
                    RoutineKind::Stream => options.step.is_none().then_some("options.step"),
                };
                if let Some(missing) = missing {
                    return Err(invalid(format!(
                        "{missing} and options.queue are NULL: {name} could not run"
                    )));
                }
                let callbacks = Callbacks {
                    run: options.run,
                    step: options.step,
                    cancel: options.cancel,
                    user_data,
                };
                let threads = match options.on_io_thread {
                    0 => Threads::OfRoutines,
                    _ => Threads::OfSessions,
                };
                Routine::with_service(name, kind, ByCallbacks::new(callbacks, threads))
            }
        };
        Ok(routine.parameters(parameters).doc(doc))
    }
}

/// Of a task that is over already.
struct Over;

impl TaskControl for Over {
    fn step(&mut self, _step: wool_core::Step) {}
    fn cancel(&mut self) {}
}
