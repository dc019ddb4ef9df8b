//! A pool's own check of the identities that workers claim: asked by a callback, or through a queue.

use std::ffi::c_void;
use std::sync::Arc;

use wool_core::{PeerCheck, PeerRequest, Peers};

use crate::callback::{UserData, quick};
use crate::error::wool_error_t;
use crate::guard::{self, Result, invalid};
use crate::handles;
use crate::hook::{Hook, Pending, Shut, Unasked};
use crate::queue::{self, Queue};
use crate::types::*;

/// A question, as its handle finds it.
pub(crate) struct Claim {
    identity: String,
    uid: String,
    pending: Pending<PeerRequest>,
}

impl Claim {
    fn insert(request: PeerRequest, queue: Option<Arc<Queue>>) -> Option<Arc<Claim>> {
        // Without a handle, dropping the request fails it.
        handles::insert(|handle| {
            Arc::new(Claim {
                identity: request.identity().to_owned(),
                uid: request.uid().to_owned(),
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

    fn c_info(&self) -> wool_peer_info_t {
        wool_peer_info_t {
            struct_size: size_of::<wool_peer_info_t>(),
            identity: wool_slice_t::of(&self.identity),
            uid: wool_slice_t::of(&self.uid),
        }
    }
}

const QUEUE_CLOSED: &str = "the queue that it was asked through is closed";

/// What the host gave.
pub(crate) struct Callback {
    check: unsafe extern "C" fn(*mut c_void, wool_peer_check_t, *const wool_peer_info_t),
    user_data: UserData,
}

/// The check as the core holds it.
struct Shared(Arc<Hook<Callback>>);

/// The check of a pool's options, and its hook apart, if they have one. What they gave to be freed is freed with it.
///
/// # Safety
/// What the options point at is valid during the call.
pub(crate) unsafe fn given(
    options: &wool_pool_options_t,
) -> Result<Option<(Peers, Arc<dyn Shut>)>> {
    let user_data = UserData::new(options.peer_check_user_data, options.peer_check_destroy);
    let queue = unsafe { queue::optional(options.peer_check_queue) };
    let hook = match (options.peer_check, queue) {
        (None, None) => return Ok(None),
        (Some(check), None) => Hook::by_callback(Callback { check, user_data }),
        (None, Some(queue)) => Hook::by_queue(queue, options.peer_check_tag, user_data),
        (Some(_), Some(_)) => {
            return Err(invalid(
                "options.peer_check and options.peer_check_queue are both given: one of them can decide",
            ));
        }
    };
    if options.peer_count > 0 {
        return Err(invalid(
            "options.peers and a check of one's own are both given: one of them can decide",
        ));
    }
    let hook = Arc::new(hook);
    Ok(Some((Peers::asked(Shared(Arc::clone(&hook))), hook)))
}

impl PeerCheck for Shared {
    fn ask(&self, request: PeerRequest) {
        match &*self.0 {
            Hook::Callback(gate) => gate.call(|callback| {
                let Some(claim) = Claim::insert(request, None) else {
                    return;
                };
                let (user_data, info) = (callback.user_data.pointer(), claim.c_info());
                // SAFETY: the host gave both together; what `info` points at lives during the call.
                quick(|| unsafe { (callback.check)(user_data, claim.pending.handle(), &info) });
            }),
            Hook::Queue(by_queue) => {
                let asked = by_queue.ask(
                    wool_event_kind_t::WOOL_EVENT_PEER_CHECK,
                    request,
                    |request, queue| Some(Claim::insert(request, Some(queue))?.pending.handle()),
                );
                match asked {
                    Ok(()) => {}
                    Err((request, Unasked::QueueClosed)) => request.fail(QUEUE_CLOSED),
                    Err((request, Unasked::QueueFull(why))) => request.fail(why),
                }
            }
        }
    }
}

/// Who claims what. Set `out->struct_size` first. The slices are valid until the question is answered or, asked through a
/// queue, that is closed.
///
/// Errors: WOOL_ERR_INVALID_ARGUMENT for a stale handle.
#[cfg_attr(
    feature = "headers",
    safer_ffi::ffi_export(rename = "abi_wool_peer_check_info")
)]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wool_peer_check_info(
    check: wool_peer_check_t,
    out: *mut wool_peer_info_t,
    error: *mut *mut wool_error_t,
) -> wool_status_t {
    unsafe {
        guard::entry("wool_peer_check_info", error, || {
            guard::required(out, "out")?;
            let claim = handles::peer_check(check)?;
            guard::fill(out, "out", claim.c_info())?;
            Ok(wool_status_t::WOOL_OK)
        })
    }
}

/// Answers whether the identity is believed: 1, or 0. From any thread, in callbacks, too. It does no harm when nobody waits for
/// the answer any more.
///
/// Errors: WOOL_ERR_INVALID_ARGUMENT for a stale handle.
#[cfg_attr(
    feature = "headers",
    safer_ffi::ffi_export(rename = "abi_wool_peer_check_answer")
)]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wool_peer_check_answer(
    check: wool_peer_check_t,
    believe: i32,
    error: *mut *mut wool_error_t,
) -> wool_status_t {
    unsafe {
        guard::entry("wool_peer_check_answer", error, || {
            answer(check, |request| request.answer(believe != 0))
        })
    }
}

/// It could not be decided: the worker is not connected to this time; its problem says the message. As
/// wool_peer_check_answer otherwise.
#[cfg_attr(
    feature = "headers",
    safer_ffi::ffi_export(rename = "abi_wool_peer_check_fail")
)]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wool_peer_check_fail(
    check: wool_peer_check_t,
    message: wool_slice_t,
    error: *mut *mut wool_error_t,
) -> wool_status_t {
    unsafe {
        guard::entry("wool_peer_check_fail", error, || {
            let message = guard::text(message, "message")?;
            answer(check, |request| request.fail(message))
        })
    }
}

/// Answers a question.
fn answer(handle: u64, answer: impl FnOnce(PeerRequest)) -> Result<wool_status_t> {
    answer(handles::peer_check(handle)?.pending.answer()?);
    Ok(wool_status_t::WOOL_OK)
}
