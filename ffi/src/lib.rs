//! libwool: the C ABI of wool. It translates, and decides nothing: behaviour is in the core.
//!
//! `include/wool.h` is written from these sources (`cbindgen.toml`, `build.rs`); what is said at an exported item is
//! what its C users read. Every function goes in through [`guard`]; every call of the host goes out through
//! [`callback`].
//!
//! ```text
//! types/     what C sees            runtime, discovery, worker, pool, call, stream, task, routine, value:
//! guard      the way in             one file per thing, with its exported functions
//! callback   the way out            queue/    completions: channel, wake-ups, events as C sees them
//! handles    u64 <-> call, stream, task, questions       fork, panic: rules 8 and 11     sync: for tests/loom
//! ```

// The one crate whose job is raw pointers. What its functions ask of their callers is said once, in the rules at
// the head of the header, and where it differs, at the function.
#![allow(unsafe_code, clippy::missing_safety_doc)]
// Exported items are named as in C.
#![allow(non_camel_case_types)]
// With the feature `headers`, safer-ffi exports the functions, under other names.
#![cfg_attr(feature = "headers", allow(unused_attributes))]

pub mod admission;
pub mod balancer;
pub mod call;
mod callback;
pub mod context;
pub mod credentials;
pub mod custom_discovery;
pub mod discovery;
pub mod error;
mod fork;
mod guard;
mod handles;
mod hook;
pub mod memory;
mod panic;
pub mod peer_check;
pub mod pool;
pub mod queue;
pub mod routine;
pub mod runtime;
pub mod spawn;
pub mod stream;
mod sync;
pub mod task;
pub mod task_events;
pub mod types;
pub mod value;
pub mod worker;

#[cfg(all(test, feature = "headers"))]
mod lock;
pub mod map;
