//! Admission hooks: asked by a callback, or by a queue.

use std::sync::Arc;

use wool_core::{Admission, AdmissionInfo, AdmissionRequest, Error, Runtime};

use crate::callback::{Gate, UserData, patient};
use crate::context::{Lent, LentTexts};
use crate::error::wool_error_t;
use crate::guard::{self, Result, invalid};
use crate::handles;
use crate::hook::{Hook, Pending, Shut, Unasked};
use crate::queue::{self, Queue};
use crate::types::*;

/// A question, as its handle finds it.
pub(crate) struct Question {
    info: AdmissionInfo,
    context: Lent,
    peer: LentTexts,
    pending: Pending<AdmissionRequest>,
}

impl Question {
    fn insert(request: AdmissionRequest, queue: Option<Arc<Queue>>) -> Option<Arc<Question>> {
        // Without a handle, dropping the request fails it.
        handles::insert(|handle| {
            Arc::new(Question {
                info: request.info().clone(),
                context: Lent::new(request.context()),
                peer: LentTexts::new(&request.info().peer),
                pending: Pending::new(request, queue, handle),
            })
        })
        .ok()
    }

    pub(crate) fn queue(&self) -> Option<&Arc<Queue>> {
        self.pending.queue()
    }

    /// The queue where it was asked is closed: nobody will answer.
    pub(crate) fn abandon(&self) {
        if let Some(request) = self.pending.settle() {
            request.fail(QUEUE_CLOSED);
        }
    }

    /// Nobody waits for the answer any more.
    fn is_moot(&self) -> bool {
        self.pending
            .look(AdmissionRequest::is_abandoned)
            .unwrap_or(true)
    }

    fn c_info(&self) -> wool_admission_info_t {
        wool_admission_info_t {
            struct_size: size_of::<wool_admission_info_t>(),
            routine: wool_slice_t::of(&self.info.routine),
            tag: wool_slice_t::of(&self.info.tag),
            in_flight: self.info.in_flight,
            context: self.context.pointer(),
            context_count: self.context.count(),
            peer: self.peer.pointer(),
            peer_count: self.peer.count(),
        }
    }
}

const QUEUE_CLOSED: &str = "the queue that it was asked through is closed";

/// The hook of a worker's options, if they have one. What they gave to be freed is freed with it.
///
/// # Safety
/// What the options point at is valid during the call.
pub(crate) unsafe fn hook(options: &wool_worker_options_t) -> Result<Option<Arc<AdmissionHook>>> {
    let user_data = UserData::new(options.admit_user_data, options.admit_destroy);
    let hook = match (options.admit, unsafe {
        queue::optional(options.admit_queue)
    }) {
        (Some(_), Some(_)) => {
            return Err(invalid(
                "options.admit and options.admit_queue are both given: one of them can decide",
            ));
        }
        (Some(admit), None) => Hook::by_callback(Callback { admit, user_data }),
        (None, Some(queue)) => Hook::by_queue(queue, options.admit_tag, user_data),
        (None, None) => return Ok(None),
    };
    Ok(Some(Arc::new(AdmissionHook(hook))))
}

pub(crate) struct AdmissionHook(Hook<Callback>);

/// What the host gave.
pub(crate) struct Callback {
    admit:
        unsafe extern "C" fn(*mut std::ffi::c_void, wool_admission_t, *const wool_admission_info_t),
    user_data: UserData,
}

impl Admission for AdmissionHook {
    fn prepare(&self, runtime: &Runtime) -> Result<(), Error> {
        match &self.0 {
            Hook::Callback(_) => runtime.start_admission_threads(),
            Hook::Queue(_) => Ok(()),
        }
    }

    fn ask(&self, request: AdmissionRequest) {
        match &self.0 {
            Hook::Callback(gate) => {
                let runtime = request.runtime().clone();
                let Some(question) = Question::insert(request, None) else {
                    return;
                };
                let asked = Asked {
                    gate: Arc::clone(gate),
                    question,
                    told: false,
                };
                runtime.run_admission(move || asked.call());
            }
            Hook::Queue(by_queue) => {
                let asked = by_queue.ask(
                    wool_event_kind_t::WOOL_EVENT_ADMISSION,
                    request,
                    |request, queue| Some(Question::insert(request, Some(queue))?.pending.handle()),
                );
                match asked {
                    Ok(()) => {}
                    Err((request, Unasked::QueueClosed)) => request.fail(QUEUE_CLOSED),
                    Err((request, Unasked::QueueFull(why))) => request.busy(why),
                }
            }
        }
    }

    fn stopped(&self) {
        self.0.shut();
    }
}

/// A question on its way to the callback. One that the host was not told of is over, and its handle with it.
struct Asked {
    gate: Arc<Gate<Callback>>,
    question: Arc<Question>,
    told: bool,
}

impl Asked {
    fn call(mut self) {
        if self.question.is_moot() {
            return;
        }
        let Asked {
            gate,
            question,
            told,
        } = &mut self;
        gate.call(|callback| {
            *told = true;
            let (user_data, info) = (callback.user_data.pointer(), question.c_info());
            // SAFETY: the host gave both together; the question, and so what `info` points at, lives during the call.
            patient(|| unsafe { (callback.admit)(user_data, question.pending.handle(), &info) });
        });
    }
}

impl Drop for Asked {
    fn drop(&mut self) {
        if !self.told {
            handles::remove(self.question.pending.handle());
        }
    }
}

/// Answers a question.
fn answer(handle: u64, answer: impl FnOnce(AdmissionRequest)) -> Result<wool_status_t> {
    answer(handles::admission(handle)?.pending.answer()?);
    Ok(wool_status_t::WOOL_OK)
}

/// What is asked. Set `out->struct_size` first. The slices are valid until the question is answered or, asked through a
/// queue, that is closed.
///
/// Errors: WOOL_ERR_INVALID_ARGUMENT for a stale handle.
#[cfg_attr(
    feature = "headers",
    safer_ffi::ffi_export(rename = "abi_wool_admission_info")
)]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wool_admission_info(
    admission: wool_admission_t,
    out: *mut wool_admission_info_t,
    error: *mut *mut wool_error_t,
) -> wool_status_t {
    unsafe {
        guard::entry("wool_admission_info", error, || {
            guard::required(out, "out")?;
            let question = handles::admission(admission)?;
            guard::fill(out, "out", question.c_info())?;
            Ok(wool_status_t::WOOL_OK)
        })
    }
}

/// Lets the call in. From any thread, in callbacks, too. It does no harm when nobody waits for the answer any more.
///
/// Errors: WOOL_ERR_INVALID_ARGUMENT for a stale handle.
#[cfg_attr(
    feature = "headers",
    safer_ffi::ffi_export(rename = "abi_wool_admission_accept")
)]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wool_admission_accept(
    admission: wool_admission_t,
    error: *mut *mut wool_error_t,
) -> wool_status_t {
    unsafe {
        guard::entry("wool_admission_accept", error, || {
            answer(admission, AdmissionRequest::accept)
        })
    }
}

/// Answers as if the worker's limit were reached: the caller tries another worker, or this one later; it reads the
/// message if its time runs out on that. As wool_admission_accept otherwise.
#[cfg_attr(
    feature = "headers",
    safer_ffi::ffi_export(rename = "abi_wool_admission_busy")
)]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wool_admission_busy(
    admission: wool_admission_t,
    message: wool_slice_t,
    error: *mut *mut wool_error_t,
) -> wool_status_t {
    unsafe {
        guard::entry("wool_admission_busy", error, || {
            let message = guard::text(message, "message")?;
            answer(admission, |request| request.busy(message))
        })
    }
}

/// Does not let the call in: it ends as WOOL_ERR_PERMISSION_DENIED, with this message. As wool_admission_accept
/// otherwise.
#[cfg_attr(
    feature = "headers",
    safer_ffi::ffi_export(rename = "abi_wool_admission_refuse")
)]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wool_admission_refuse(
    admission: wool_admission_t,
    message: wool_slice_t,
    error: *mut *mut wool_error_t,
) -> wool_status_t {
    unsafe {
        guard::entry("wool_admission_refuse", error, || {
            let message = guard::text(message, "message")?;
            answer(admission, |request| request.refuse(message))
        })
    }
}

/// The hook could not decide: the call ends as WOOL_ERR_REJECTED, "the admission hook failed: MESSAGE". As
/// wool_admission_accept otherwise.
#[cfg_attr(
    feature = "headers",
    safer_ffi::ffi_export(rename = "abi_wool_admission_fail")
)]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wool_admission_fail(
    admission: wool_admission_t,
    message: wool_slice_t,
    error: *mut *mut wool_error_t,
) -> wool_status_t {
    unsafe {
        guard::entry("wool_admission_fail", error, || {
            let message = guard::text(message, "message")?;
            answer(admission, |request| request.fail(message))
        })
    }
}
