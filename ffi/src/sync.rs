//! What the state of a signal is made of. `tests/loom` compiles the file that uses it with other types under these
//! names, which try every interleaving.

pub(crate) use std::sync::atomic::{AtomicBool, Ordering, fence};

pub(crate) use once_cell::sync::OnceCell;
