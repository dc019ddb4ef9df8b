//! Tasks as their routines answer them.

use std::ffi::c_void;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use wool_core::{Error, ErrorKind, Fault, Task};

use crate::callback::UserData;
use crate::context::{Lent, LentTexts};
use crate::error::{self, wool_error_t};
use crate::guard::{self, Result};
use crate::handles;
use crate::queue::{Queue, Slots};
use crate::types::*;

/// A task that is not answered, as its handle finds it. Whoever calls the host about it holds it, too: so the
/// host's state lives as long as any of its callbacks uses it.
pub(crate) struct TaskEntry {
    pub(crate) task: Task,
    /// Of a task that a queue serves: slots for what it may still have to tell.
    slots: Option<Slots>,
    handle: u64,
    state: Mutex<Option<UserData>>,
    context: Lent,
    peer: LentTexts,
}

impl TaskEntry {
    /// Gives the task a handle.
    ///
    /// # Errors
    /// [`ErrorKind::Busy`]; the task has then failed.
    pub(crate) fn insert(task: Task, slots: Option<Slots>) -> Result<Arc<TaskEntry>, Error> {
        let context = Lent::new(&task.info().context);
        let peer = LentTexts::new(&task.info().peer);
        handles::insert(|handle| {
            Arc::new(TaskEntry {
                task,
                slots,
                handle,
                state: Mutex::default(),
                context,
                peer,
            })
        })
    }

    /// The queue that serves it, if one does.
    pub(crate) fn queue(&self) -> Option<&Arc<Queue>> {
        self.slots.as_ref().map(Slots::queue)
    }

    pub(crate) fn handle(&self) -> u64 {
        self.handle
    }

    /// The queue that served it is closed: nobody will answer.
    pub(crate) fn abandon(&self) {
        if handles::remove(self.handle) {
            refuse(
                &self.task,
                &Error::new(
                    ErrorKind::Closed,
                    "the worker closed the queue that served it",
                ),
            );
        }
    }

    /// What wool_task_set_state left.
    pub(crate) fn state(&self) -> *mut c_void {
        self.lock()
            .as_ref()
            .map_or(std::ptr::null_mut(), UserData::pointer)
    }

    pub(crate) fn info(&self) -> wool_task_info_t {
        let info = self.task.info();
        wool_task_info_t {
            struct_size: size_of::<wool_task_info_t>(),
            id: info.id,
            caller: info.caller.unwrap_or_default(),
            worker_uid: info.worker_uid,
            remaining_ms: info.remaining().map_or(-1, |left| {
                i64::try_from(left.as_millis()).unwrap_or(i64::MAX)
            }),
            context: self.context.pointer(),
            context_count: self.context.count(),
            routine: wool_slice_t::of(&info.routine),
            tag: wool_slice_t::of(&info.tag),
            peer: self.peer.pointer(),
            peer_count: self.peer.count(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Option<UserData>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Fails a task that the host never saw, or will not answer.
pub(crate) fn refuse(task: &Task, error: &Error) {
    // It may have been answered meanwhile.
    let _ = task.fail(Fault::of_kind(error.kind(), error.message()));
}

/// Gives a terminal answer: if it is taken, the handle is stale.
fn finish(handle: u64, answer: impl FnOnce(&Task) -> Result<()>) -> Result<wool_status_t> {
    let entry = handles::task(handle)?;
    answer(&entry.task)?;
    handles::remove(handle);
    Ok(wool_status_t::WOOL_OK)
}

/// Answers a unary task. From any thread, in callbacks, too; the value is copied.
///
/// Errors: WOOL_ERR_INVALID_ARGUMENT for a stale handle and a stream's task; WOOL_ERR_PAYLOAD_TOO_LARGE for what the
/// caller does not accept: the task is then still to be answered.
#[cfg_attr(
    feature = "headers",
    safer_ffi::ffi_export(rename = "abi_wool_task_return")
)]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wool_task_return(
    task: wool_task_t,
    value: wool_payload_t,
    error: *mut *mut wool_error_t,
) -> wool_status_t {
    unsafe {
        guard::entry("wool_task_return", error, || {
            let value = guard::payload(value, "value")?;
            finish(task, |task| Ok(task.result(value)?))
        })
    }
}

/// Answers WOOL_STEP_NEXT, WOOL_STEP_SEND and WOOL_STEP_THROW with an item. As wool_task_return otherwise.
///
/// Errors: also WOOL_ERR_INVALID_ARGUMENT when no item was asked for. The same after WOOL_STEP_CLOSE, and then the task
/// has failed, and its handle is stale.
#[cfg_attr(
    feature = "headers",
    safer_ffi::ffi_export(rename = "abi_wool_task_yield")
)]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wool_task_yield(
    task: wool_task_t,
    value: wool_payload_t,
    error: *mut *mut wool_error_t,
) -> wool_status_t {
    unsafe {
        guard::entry("wool_task_yield", error, || {
            let entry = handles::task(task)?;
            let yielded = entry.task.item(guard::payload(value, "value")?);
            if entry.task.is_over() {
                handles::remove(task);
            }
            yielded?;
            Ok(wool_status_t::WOOL_OK)
        })
    }
}

/// Ends a stream: the answer to any step.
///
/// Errors: WOOL_ERR_INVALID_ARGUMENT for a stale handle and a unary task.
#[cfg_attr(
    feature = "headers",
    safer_ffi::ffi_export(rename = "abi_wool_task_end")
)]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wool_task_end(
    task: wool_task_t,
    error: *mut *mut wool_error_t,
) -> wool_status_t {
    unsafe {
        guard::entry("wool_task_end", error, || {
            finish(task, |task| Ok(task.end()?))
        })
    }
}

/// Fails a task, unary or a stream, at any time.
///
/// Errors: WOOL_ERR_INVALID_ARGUMENT for a stale handle and a fault that is none.
#[cfg_attr(
    feature = "headers",
    safer_ffi::ffi_export(rename = "abi_wool_task_fail")
)]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wool_task_fail(
    task: wool_task_t,
    fault: *const wool_fault_t,
    error: *mut *mut wool_error_t,
) -> wool_status_t {
    unsafe {
        guard::entry("wool_task_fail", error, || {
            finish(task, |task| {
                let fault = error::fault(fault, task.runtime().language())?;
                Ok(task.fail(fault)?)
            })
        })
    }
}

/// Fails a task with an error as it came, with all that belongs to it: what a routine does that does not catch what was
/// thrown at its yield, or that passes on why a call of its own failed. `failure` stays yours.
///
/// Errors: as wool_task_fail.
#[cfg_attr(
    feature = "headers",
    safer_ffi::ffi_export(rename = "abi_wool_task_fail_with")
)]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wool_task_fail_with(
    task: wool_task_t,
    failure: *const wool_error_t,
    error: *mut *mut wool_error_t,
) -> wool_status_t {
    unsafe {
        guard::entry("wool_task_fail_with", error, || {
            let failure = guard::required(failure, "failure")?;
            finish(task, |task| {
                Ok(task.fail(failure.to_fault(task.runtime().language()))?)
            })
        })
    }
}

/// 1: the task should stop - it was cancelled, its time is up, the worker stops - or its handle is stale.
#[cfg_attr(
    feature = "headers",
    safer_ffi::ffi_export(rename = "abi_wool_task_is_cancelled")
)]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wool_task_is_cancelled(task: wool_task_t) -> i32 {
    guard::get(1, || {
        Some(i32::from(handles::task(task).ok()?.task.is_cancelled()))
    })
}

/// What the task is. Set `out->struct_size` first.
///
/// Errors: WOOL_ERR_INVALID_ARGUMENT for a stale handle.
#[cfg_attr(
    feature = "headers",
    safer_ffi::ffi_export(rename = "abi_wool_task_info")
)]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wool_task_info(
    task: wool_task_t,
    out: *mut wool_task_info_t,
    error: *mut *mut wool_error_t,
) -> wool_status_t {
    unsafe {
        guard::entry("wool_task_info", error, || {
            guard::required(out, "out")?;
            let entry = handles::task(task)?;
            guard::fill(out, "out", entry.info())?;
            Ok(wool_status_t::WOOL_OK)
        })
    }
}

/// Leaves something with the task, which its steps and its cancel are given. `destroy` (may be NULL) is called when
/// the task has been answered and no callback uses it any more, and on an error, before this returns. What was left
/// before is destroyed.
///
/// Errors: WOOL_ERR_INVALID_ARGUMENT for a stale handle.
#[cfg_attr(
    feature = "headers",
    safer_ffi::ffi_export(rename = "abi_wool_task_set_state")
)]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wool_task_set_state(
    task: wool_task_t,
    state: *mut c_void,
    destroy: wool_destroy_fn,
    error: *mut *mut wool_error_t,
) -> wool_status_t {
    unsafe {
        guard::entry("wool_task_set_state", error, || {
            let state = UserData::new(state, destroy);
            let entry = handles::task(task)?;
            let before = entry.lock().replace(state);
            drop(before);
            Ok(wool_status_t::WOOL_OK)
        })
    }
}
