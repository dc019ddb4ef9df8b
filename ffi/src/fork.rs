//! Knows a forked child: no thread of the library lives there, and every wait would be for ever.

use std::sync::atomic::{AtomicPtr, AtomicU32, Ordering};

use wool_core::{Error, ErrorKind};

/// A page that the kernel gives to a forked child zeroed; NULL until the library has begun to work.
static MARK: AtomicPtr<AtomicU32> = AtomicPtr::new(std::ptr::null_mut());

/// Says that from here on a forked child cannot use the library.
///
/// # Errors
/// [`ErrorKind::Io`] when the system has no such page (Linux before 4.14).
pub(crate) fn begin() -> Result<(), Error> {
    if !MARK.load(Ordering::Acquire).is_null() {
        return Ok(());
    }
    let page = wiped_page()?;
    // Another thread may have been first; its page is as good, and ours goes.
    if MARK
        .compare_exchange(
            std::ptr::null_mut(),
            page.cast(),
            Ordering::AcqRel,
            Ordering::Acquire,
        )
        .is_err()
    {
        // SAFETY: the page was mapped above and nobody else knows it.
        unsafe { libc::munmap(page, PAGE) };
    }
    Ok(())
}

/// # Errors
/// [`ErrorKind::Forked`] in a forked child.
pub(crate) fn check(function: &str) -> Result<(), Error> {
    if !is_child() {
        return Ok(());
    }
    Err(Error::new(
        ErrorKind::Forked,
        format!(
            "{function} was called in a process forked after libwool had begun to work: exec first"
        ),
    ))
}

/// Whether this process was forked from one where the library worked.
pub(crate) fn is_child() -> bool {
    // SAFETY: the page, once there, is never unmapped.
    unsafe { MARK.load(Ordering::Acquire).as_ref() }
        .is_some_and(|mark| mark.load(Ordering::Relaxed) == 0)
}

/// Frees what the host lets go of. In a forked child it is left alone: its threads are not there to be ended, and its
/// locks may be held for ever.
pub(crate) fn drop_unless_child<T>(owned: Box<T>) {
    if is_child() {
        std::mem::forget(owned);
    }
}

/// The kernel rounds it up.
const PAGE: usize = 4096;

fn wiped_page() -> Result<*mut libc::c_void, Error> {
    // SAFETY: a new private mapping, written only here.
    unsafe {
        let page = libc::mmap(
            std::ptr::null_mut(),
            PAGE,
            libc::PROT_READ | libc::PROT_WRITE,
            libc::MAP_PRIVATE | libc::MAP_ANONYMOUS,
            -1,
            0,
        );
        if page == libc::MAP_FAILED {
            return Err(refused());
        }
        if libc::madvise(page, PAGE, libc::MADV_WIPEONFORK) != 0 {
            let error = refused();
            libc::munmap(page, PAGE);
            return Err(error);
        }
        (*page.cast::<AtomicU32>()).store(1, Ordering::Relaxed);
        Ok(page)
    }
}

fn refused() -> Error {
    Error::new(
        ErrorKind::Io,
        format!(
            "the page that detects forks cannot be had: {}",
            std::io::Error::last_os_error()
        ),
    )
}
