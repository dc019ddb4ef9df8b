//! SIGTERM and SIGINT in processes that wool owns. Never used in a host's process.

use std::os::fd::{AsFd, AsRawFd, BorrowedFd};
use std::sync::atomic::{AtomicI32, Ordering};

use nix::errno::Errno;
use nix::libc;
use nix::sys::eventfd::{EfdFlags, EventFd};
use nix::sys::signal::{SaFlags, SigAction, SigHandler, SigSet, Signal, sigaction};
use once_cell::sync::OnceCell;

use crate::error::{Error, ErrorKind, Result};

/// Counts the requests to end this process. They are all taken from here on.
pub(crate) struct StopSignals {
    count: EventFd,
}

/// Where the handler counts.
static COUNT: AtomicI32 = AtomicI32::new(-1);

impl StopSignals {
    /// Installs the handlers, once in a process.
    ///
    /// # Errors
    /// [`ErrorKind::Io`].
    pub(crate) fn install() -> Result<&'static StopSignals> {
        static INSTALLED: OnceCell<StopSignals> = OnceCell::new();
        INSTALLED.get_or_try_init(|| {
            let signals = StopSignals {
                count: EventFd::from_flags(EfdFlags::EFD_CLOEXEC | EfdFlags::EFD_NONBLOCK)
                    .map_err(failed)?,
            };
            COUNT.store(signals.count.as_raw_fd(), Ordering::Release);
            // On the alternate stack, which Go demands; system calls of the host are not interrupted.
            let action = SigAction::new(
                SigHandler::Handler(count_signal),
                SaFlags::SA_ONSTACK | SaFlags::SA_RESTART,
                SigSet::empty(),
            );
            for signal in [Signal::SIGTERM, Signal::SIGINT] {
                set_action(signal, &action)?;
            }
            Ok(signals)
        })
    }

    /// Readable when a signal has come.
    pub(crate) fn fd(&self) -> BorrowedFd<'_> {
        self.count.as_fd()
    }

    /// How many have come since the last time.
    pub(crate) fn take(&self) -> u64 {
        self.count.read().unwrap_or(0)
    }
}

#[allow(unsafe_code, reason = "there is no other way to handle a signal")]
fn set_action(signal: Signal, action: &SigAction) -> Result<()> {
    // SAFETY: the handler does only what a signal handler may do.
    unsafe { sigaction(signal, action) }.map_err(failed)?;
    Ok(())
}

fn failed(error: Errno) -> Error {
    Error::new(
        ErrorKind::Io,
        format!("the signals that end a worker process cannot be handled: {error}"),
    )
}

#[allow(unsafe_code, reason = "a signal handler may only make system calls")]
extern "C" fn count_signal(_signal: libc::c_int) {
    let errno = Errno::last_raw();
    let one = 1u64.to_ne_bytes();
    let count = COUNT.load(Ordering::Acquire);
    // SAFETY: write may be called here, the buffer lives, and the descriptor is never closed.
    unsafe { libc::write(count, one.as_ptr().cast(), one.len()) };
    Errno::set_raw(errno);
}
