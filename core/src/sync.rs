//! What state shared by threads is made of. `tests/loom` compiles the files that use it with other types under these
//! names, which try every interleaving.

pub(crate) use std::sync::{Mutex, MutexGuard, PoisonError};
