use safer_ffi::derive_ReprC;
use std::ffi::c_void;

use super::{wool_destroy_fn, wool_slice_t};
use crate::queue::wool_queue_t;

/// Which workers of the local network are meant.
#[derive_ReprC]
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct wool_lan_options_t {
    /// sizeof(wool_lan_options_t)
    pub struct_size: usize,
    /// Those that are published under this name, 1 to 128 bytes. Empty = those without one.
    pub name_space: wool_slice_t,
    /// Only these network interfaces, each by its name ("eth0") or an address of it; loopback counts only where it is
    /// named. NULL = all but loopback.
    pub interfaces: *const wool_slice_t,
    /// How many there are.
    pub interface_count: usize,
}

/// A pool, or wool_discovery_list, that wants to be told of workers by a discovery of yours. It is stale once it does not
/// any more; telling it then is harmless.
pub type wool_subscription_t = u64;

/// A worker that waits to be published, or withdrawn, by a discovery of yours. It goes stale with its answer; answering
/// again is harmless.
pub type wool_publication_t = u64;

/// Wants to be told of workers from now on, by wool_subscription_found and its like, from any thread, within this call,
/// too. On the thread that makes the pool; must not block.
pub type wool_subscribe_fn =
    Option<unsafe extern "C" fn(user_data: *mut c_void, subscription: wool_subscription_t)>;

/// Does not want to be told any more: `subscription` is stale. It comes once for each subscription, before its pool has
/// closed. On any thread; must not block.
pub type wool_unsubscribe_fn =
    Option<unsafe extern "C" fn(user_data: *mut c_void, subscription: wool_subscription_t)>;

/// A worker serves and wants to be found, or has a newer record: `record` is a value, a map as wool_subscription_found
/// takes it. Answer with wool_publication_answer, now or later, from any thread; the worker waits for that, up to 30 s.
/// The slices are valid during the call. On any thread; must not block.
pub type wool_publish_fn = Option<
    unsafe extern "C" fn(
        user_data: *mut c_void,
        publication: wool_publication_t,
        uid: wool_slice_t,
        record: wool_slice_t,
    ),
>;

/// A worker that was published takes no more calls. Answer as for wool_publish_fn: a draining worker waits for that. On
/// any thread; must not block.
pub type wool_withdraw_fn = Option<
    unsafe extern "C" fn(
        user_data: *mut c_void,
        publication: wool_publication_t,
        uid: wool_slice_t,
    ),
>;

/// A discovery of your own, by callbacks or through a queue.
#[derive_ReprC]
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct wool_custom_discovery_t {
    /// sizeof(wool_custom_discovery_t)
    pub struct_size: usize,
    /// Somebody looks for workers. Not NULL, unless there is a `queue`.
    pub subscribe: wool_subscribe_fn,
    /// Somebody does not look for workers any more; may be NULL.
    pub unsubscribe: wool_unsubscribe_fn,
    /// A worker wants to be found; NULL = the discovery only finds workers.
    pub publish: wool_publish_fn,
    /// A worker that was published ends; NULL = nobody needs to hear of that.
    pub withdraw: wool_withdraw_fn,
    /// Given to all of them.
    pub user_data: *mut c_void,
    /// Frees `user_data`, when the discovery has been freed and no worker and no pool has it any more, or before
    /// wool_discovery_new_custom returns an error; may be NULL.
    pub destroy: wool_destroy_fn,
    /// Not NULL, with the functions NULL: WOOL_EVENT_SUBSCRIBE, WOOL_EVENT_UNSUBSCRIBE, WOOL_EVENT_PUBLISH and
    /// WOOL_EVENT_WITHDRAW come on this queue. While it has no room, pools and workers that need
    /// it fail as WOOL_ERR_BUSY; once it is closed, as WOOL_ERR_CLOSED, and every subscription has ended. (A withdrawal
    /// for which there is no room is not asked for.)
    pub queue: *mut wool_queue_t,
    /// The `tag` of these events.
    pub tag: u64,
    /// With a queue, 1: workers are published and withdrawn through it. 0: the discovery only finds workers.
    pub publishes: i32,
}
