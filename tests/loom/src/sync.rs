//! What the files under test are made of here.

pub(crate) use loom::sync::atomic::{AtomicBool, Ordering, fence};
pub(crate) use loom::sync::{Mutex, MutexGuard};
pub(crate) use std::sync::PoisonError;

use loom::cell::UnsafeCell;

/// As once_cell's: who finds the value has seen it made.
pub(crate) struct OnceCell<T> {
    made: AtomicBool,
    making: Mutex<()>,
    value: UnsafeCell<Option<T>>,
}

// SAFETY: the value is written once, under the lock, before `made` tells of it; afterwards it is only read.
#[allow(unsafe_code)]
unsafe impl<T: Send + Sync> Sync for OnceCell<T> {}

#[allow(unsafe_code)]
impl<T> OnceCell<T> {
    pub(crate) fn new() -> OnceCell<T> {
        OnceCell {
            made: AtomicBool::new(false),
            making: Mutex::new(()),
            value: UnsafeCell::new(None),
        }
    }

    pub(crate) fn get(&self) -> Option<&T> {
        if !self.made.load(Ordering::Acquire) {
            return None;
        }
        // SAFETY: nobody writes any more.
        self.value.with(|value| unsafe { (*value).as_ref() })
    }

    pub(crate) fn get_or_try_init<E>(&self, make: impl FnOnce() -> Result<T, E>) -> Result<&T, E> {
        let making = self.making.lock().unwrap_or_else(PoisonError::into_inner);
        if !self.made.load(Ordering::Relaxed) {
            let value = make()?;
            // SAFETY: under the lock, and nobody reads before `made` is set.
            self.value.with_mut(|place| unsafe { *place = Some(value) });
            self.made.store(true, Ordering::Release);
        }
        drop(making);
        // SAFETY: as in `get`.
        Ok(self
            .value
            .with(|value| unsafe { (*value).as_ref() })
            .unwrap_or_else(|| unreachable!()))
    }
}
