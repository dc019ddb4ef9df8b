//! The types of the ABI, named as in C: one search finds a name in every layer.
//!
//! A struct without `struct_size` never changes; one with it only grows at its end, and all zeros are its
//! defaults. Numbers that come from C are `i32`, never a Rust enum, and are converted with a check.

mod admission;
mod balancer;
mod credentials;
mod discovery;
mod event;
mod fan_out;
mod memory;
mod options;
mod peer_check;
mod routine;
mod status;
mod task_events;
mod value;

pub use admission::*;
pub use balancer::*;
pub use credentials::*;
pub use discovery::*;
pub use event::*;
pub use fan_out::*;
pub use memory::*;
pub use options::*;
pub use peer_check::*;
pub use routine::*;
pub use status::*;
pub use task_events::*;
pub use value::*;

/// A struct that begins with `struct_size` and whose defaults are zeros.
///
/// # Safety
/// All of that is so.
pub(crate) unsafe trait Options: Copy {}

// SAFETY: `repr(C)`, `struct_size` first; NULL, None and 0 are the defaults.
unsafe impl Options for wool_admission_info_t {}
// SAFETY: as above.
unsafe impl Options for wool_call_options_t {}
// SAFETY: as above.
unsafe impl Options for wool_choice_info_t {}
// SAFETY: as above.
unsafe impl Options for wool_credentials_options_t {}
// SAFETY: as above.
unsafe impl Options for wool_custom_discovery_t {}
// SAFETY: as above.
unsafe impl Options for wool_fault_t {}
// SAFETY: as above.
unsafe impl Options for wool_lan_options_t {}
// SAFETY: as above.
unsafe impl Options for wool_peer_info_t {}
// SAFETY: as above.
unsafe impl Options for wool_pool_options_t {}
// SAFETY: as above.
unsafe impl Options for wool_queue_options_t {}
// SAFETY: as above.
unsafe impl Options for wool_routine_options_t {}
// SAFETY: as above.
unsafe impl Options for wool_map_options_t {}
// SAFETY: as above.
unsafe impl Options for wool_map_item_t {}
// SAFETY: as above.
unsafe impl Options for wool_map_progress_t {}
// SAFETY: as above.
unsafe impl Options for wool_broadcast_item_t {}
// SAFETY: as above.
unsafe impl Options for wool_runtime_options_t {}
// SAFETY: as above.
unsafe impl Options for wool_task_events_options_t {}
// SAFETY: as above.
unsafe impl Options for wool_task_info_t {}
// SAFETY: as above.
unsafe impl Options for wool_worker_options_t {}
