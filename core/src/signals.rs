//! SIGTERM and SIGINT in processes that are workers, spawned ones and those of [`crate::Worker::run`]. A host's process is
//! never touched otherwise.

use std::os::fd::{AsFd, AsRawFd, BorrowedFd};
use std::sync::atomic::{AtomicBool, AtomicI32, Ordering};

use nix::errno::Errno;
use nix::libc;
use nix::sys::eventfd::{EfdFlags, EventFd};
use nix::sys::signal::{SaFlags, SigAction, SigHandler, SigSet, Signal, sigaction};
use once_cell::sync::OnceCell;

use crate::error::{Error, ErrorKind, Result};

/// Counts the requests to end this process, as long as it is held. Afterwards the signals do what they did before.
pub(crate) struct StopSignals {
    count: &'static EventFd,
    before: Vec<(Signal, SigAction)>,
}

/// Where the handler counts. The descriptor is never closed: a handler may still be running when nobody counts any more.
static COUNT: AtomicI32 = AtomicI32::new(-1);

/// Somebody counts.
static COUNTED: AtomicBool = AtomicBool::new(false);

impl StopSignals {
    /// Installs the handlers. They count for one at a time.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidArgument`] when they do already, [`ErrorKind::Io`].
    pub(crate) fn install() -> Result<StopSignals> {
        let count = descriptor()?;
        if COUNTED.swap(true, Ordering::AcqRel) {
            return Err(Error::new(
                ErrorKind::InvalidArgument,
                "SIGTERM and SIGINT end a worker of this process already: start the others plainly, and stop them when \
                 that one has ended",
            ));
        }
        // From here on, dropping it gives the signals back.
        let mut signals = StopSignals {
            count,
            before: Vec::new(),
        };
        // What came when the last one had heard enough.
        signals.take();
        // On the alternate stack, which Go demands; system calls of the host are not interrupted.
        let action = SigAction::new(
            SigHandler::Handler(count_signal),
            SaFlags::SA_ONSTACK | SaFlags::SA_RESTART,
            SigSet::empty(),
        );
        for signal in [Signal::SIGTERM, Signal::SIGINT] {
            signals.before.push((signal, set_action(signal, &action)?));
        }
        Ok(signals)
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

impl Drop for StopSignals {
    fn drop(&mut self) {
        for (signal, before) in &self.before {
            // What was set can be set again.
            let _ = set_action(*signal, before);
        }
        COUNTED.store(false, Ordering::Release);
    }
}

fn descriptor() -> Result<&'static EventFd> {
    static MADE: OnceCell<EventFd> = OnceCell::new();
    MADE.get_or_try_init(|| {
        let flags = EfdFlags::EFD_CLOEXEC | EfdFlags::EFD_NONBLOCK;
        let count = EventFd::from_flags(flags).map_err(failed)?;
        COUNT.store(count.as_raw_fd(), Ordering::Release);
        Ok(count)
    })
}

/// Gives the action that there was.
#[allow(unsafe_code, reason = "there is no other way to handle a signal")]
fn set_action(signal: Signal, action: &SigAction) -> Result<SigAction> {
    // SAFETY: the handler does only what a signal handler may do, or is the host's.
    unsafe { sigaction(signal, action) }.map_err(failed)
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
