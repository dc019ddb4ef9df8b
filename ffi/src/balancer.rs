//! Balancers of the host's own: asked by a callback, or through a queue.

use std::ffi::c_void;
use std::sync::Arc;

use wool_core::{Balancer, Choice, ChoiceWorker, LoadBalancer};

use crate::callback::{UserData, quick};
use crate::error::wool_error_t;
use crate::guard::{self, Result, invalid};
use crate::handles;
use crate::hook::{Hook, Pending, Shut};
use crate::queue::{self, Queue};
use crate::types::*;

/// A question, as its handle finds it.
pub(crate) struct Asked {
    told: Told,
    pending: Pending<Choice>,
}

/// What the host is told, which outlives the choice: it may be read while another thread answers.
struct Told {
    routine: String,
    tag: String,
    /// As C sees them.
    workers: Box<[wool_choice_worker_t]>,
    /// What those point at.
    _tags: Box<[wool_slice_t]>,
    _workers: Vec<ChoiceWorker>,
}

// SAFETY: what the slices lend is kept beside them, and never written.
unsafe impl Send for Told {}
// SAFETY: as above.
unsafe impl Sync for Told {}

impl Told {
    fn new(choice: &Choice) -> Told {
        let workers = choice.workers().to_vec();
        let tags = workers.iter().flat_map(|worker| &worker.tags);
        let tags: Box<[_]> = tags.map(|tag| wool_slice_t::of(tag)).collect();
        let mut left = &*tags;
        let told = workers.iter().map(|worker| {
            let (own, others) = left.split_at(worker.tags.len());
            left = others;
            wool_choice_worker_t {
                uid: wool_slice_t::of(&worker.uid),
                address: wool_slice_t::of(&worker.address),
                tags: if own.is_empty() {
                    std::ptr::null()
                } else {
                    own.as_ptr()
                },
                tag_count: own.len(),
                in_flight: worker.in_flight as u64,
                capacity: worker.capacity as u64,
            }
        });
        let told = told.collect();
        Told {
            routine: choice.routine().to_owned(),
            tag: choice.tag().to_owned(),
            workers: told,
            _tags: tags,
            _workers: workers,
        }
    }

    fn c_info(&self) -> wool_choice_info_t {
        wool_choice_info_t {
            struct_size: size_of::<wool_choice_info_t>(),
            routine: wool_slice_t::of(&self.routine),
            tag: wool_slice_t::of(&self.tag),
            workers: self.workers.as_ptr(),
            worker_count: self.workers.len(),
            worker_size: size_of::<wool_choice_worker_t>(),
        }
    }
}

impl Asked {
    fn insert(choice: Choice, queue: Option<Arc<Queue>>) -> Option<Arc<Asked>> {
        let told = Told::new(&choice);
        // Without a handle, the choice is dropped, and the next in turn gets the call.
        handles::insert(|handle| {
            Arc::new(Asked {
                told,
                pending: Pending::new(choice, queue, handle),
            })
        })
        .ok()
    }

    pub(crate) fn queue(&self) -> Option<&Arc<Queue>> {
        self.pending.queue()
    }

    /// The queue where it was asked is closed: nobody will answer, and the next in turn gets the call.
    pub(crate) fn abandon(&self) {
        drop(self.pending.settle());
    }
}

/// The balancer of a pool's options, and the host's own apart. What they gave to be freed is freed with that.
///
/// # Safety
/// What the options point at is valid during the call.
pub(crate) unsafe fn given(
    options: &wool_pool_options_t,
) -> Result<(Balancer, Option<Arc<dyn Shut>>)> {
    let user_data = UserData::new(options.balance_user_data, options.balance_destroy);
    let queue = unsafe { queue::optional(options.balance_queue) };
    let is_custom = options.balancer == wool_balancer_t::WOOL_BALANCER_CUSTOM as i32;
    if !is_custom && (options.balance.is_some() || queue.is_some()) {
        return Err(invalid(
            "options.balance or options.balance_queue is given: set options.balancer to WOOL_BALANCER_CUSTOM",
        ));
    }
    let balancer = match options.balancer {
        ROUND_ROBIN => return Ok((Balancer::RoundRobin, None)),
        LEAST_LOADED => return Ok((Balancer::LeastLoaded, None)),
        _ if is_custom => match (options.balance, queue) {
            (Some(balance), None) => Hook::by_callback(Callback { balance, user_data }),
            (None, Some(queue)) => Hook::by_queue(queue, options.balance_tag, user_data),
            _ => {
                return Err(invalid(
                    "WOOL_BALANCER_CUSTOM needs one of options.balance and options.balance_queue",
                ));
            }
        },
        number => {
            return Err(invalid(format!(
                "options.balancer is {number}, which is no wool_balancer_t"
            )));
        }
    };
    let balancer = Arc::new(balancer);
    let core = Balancer::Custom(Arc::new(Shared(Arc::clone(&balancer))));
    Ok((core, Some(balancer)))
}

const ROUND_ROBIN: i32 = wool_balancer_t::WOOL_BALANCER_ROUND_ROBIN as i32;
const LEAST_LOADED: i32 = wool_balancer_t::WOOL_BALANCER_LEAST_LOADED as i32;

/// What the host gave.
pub(crate) struct Callback {
    balance: unsafe extern "C" fn(*mut c_void, wool_choice_t, *const wool_choice_info_t),
    user_data: UserData,
}

/// The balancer as the core holds it.
struct Shared(Arc<Hook<Callback>>);

impl LoadBalancer for Shared {
    fn choose(&self, choice: Choice) {
        match &*self.0 {
            Hook::Callback(gate) => gate.call(|callback| {
                let Some(asked) = Asked::insert(choice, None) else {
                    return;
                };
                let (user_data, info) = (callback.user_data.pointer(), asked.told.c_info());
                // SAFETY: the host gave both together; what `info` points at lives during the call.
                quick(|| unsafe { (callback.balance)(user_data, asked.pending.handle(), &info) });
            }),
            Hook::Queue(by_queue) => {
                // Where it cannot be asked, the choice is dropped, and the next in turn gets the call.
                let _ = by_queue.ask(
                    wool_event_kind_t::WOOL_EVENT_CHOICE,
                    choice,
                    |choice, queue| Some(Asked::insert(choice, Some(queue))?.pending.handle()),
                );
            }
        }
    }
}

/// What there is to choose from. Set `out->struct_size` first. What it points at is valid until the choice is answered
/// or, asked through a queue, that is closed.
///
/// Errors: WOOL_ERR_INVALID_ARGUMENT for a stale handle.
#[cfg_attr(
    feature = "headers",
    safer_ffi::ffi_export(rename = "abi_wool_choice_info")
)]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wool_choice_info(
    choice: wool_choice_t,
    out: *mut wool_choice_info_t,
    error: *mut *mut wool_error_t,
) -> wool_status_t {
    unsafe {
        guard::entry("wool_choice_info", error, || {
            guard::required(out, "out")?;
            let asked = handles::choice(choice)?;
            guard::fill(out, "out", asked.told.c_info())?;
            Ok(wool_status_t::WOOL_OK)
        })
    }
}

/// Gives the call to the worker with this index. `index` < 0: to none of them; the call waits, up to its dispatch timeout,
/// and is asked about again when something has changed. From any thread, in callbacks, too. It does no harm when nobody
/// waits for the answer any more.
///
/// Errors: WOOL_ERR_INVALID_ARGUMENT for a stale handle, and for an index beyond the workers: the next in turn gets the
/// call then.
#[cfg_attr(
    feature = "headers",
    safer_ffi::ffi_export(rename = "abi_wool_choice_answer")
)]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wool_choice_answer(
    choice: wool_choice_t,
    index: i64,
    error: *mut *mut wool_error_t,
) -> wool_status_t {
    unsafe {
        guard::entry("wool_choice_answer", error, || {
            let choice = handles::choice(choice)?.pending.answer()?;
            if index < 0 {
                choice.none();
            } else {
                choice.choose(usize::try_from(index).unwrap_or(usize::MAX))?;
            }
            Ok(wool_status_t::WOOL_OK)
        })
    }
}
