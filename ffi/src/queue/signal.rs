//! How a drainer learns that an empty queue has events: a descriptor to poll, a doorbell, or both.

use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::sync::atomic::{AtomicBool, Ordering, fence};

use once_cell::sync::OnceCell;
use wool_core::{Error, ErrorKind};

use crate::callback::{Gate, UserData, quick};

/// The host's doorbell.
pub(crate) struct Doorbell {
    pub(crate) ring: unsafe extern "C" fn(*mut std::ffi::c_void),
    pub(crate) user_data: UserData,
}

/// Raised by whoever adds events, settled by drainers that find none. While it is raised nobody is woken
/// again: a drainer is on its way.
pub(crate) struct Signal {
    raised: AtomicBool,
    /// Keeps the descriptor readable.
    stuck: AtomicBool,
    /// Made when it is first asked for: who does not poll pays no system call.
    fd: OnceCell<EventFd>,
    doorbell: Gate<Doorbell>,
}

impl Signal {
    pub(crate) fn new(doorbell: Option<Doorbell>) -> Signal {
        Signal {
            raised: AtomicBool::new(false),
            stuck: AtomicBool::new(false),
            fd: OnceCell::new(),
            doorbell: Gate::new(doorbell),
        }
    }

    /// After events were added.
    pub(crate) fn raise(&self) {
        if self.raised.swap(true, Ordering::SeqCst) {
            return;
        }
        self.light();
        self.doorbell.call(|doorbell| {
            // SAFETY: the host gave both together.
            quick(|| unsafe { (doorbell.ring)(doorbell.user_data.pointer()) });
        });
    }

    /// After a drainer has found no events. `again` is asked once the signal is down, so that events which
    /// came meanwhile are not overlooked; true: drain on, the signal is up.
    pub(crate) fn settle(&self, again: impl FnOnce() -> bool) -> bool {
        // The descriptor first: were it emptied after the flag fell, a wake-up in between would be lost.
        if let Some(fd) = self.fd.get() {
            fd.clear();
        }
        self.raised.swap(false, Ordering::SeqCst);
        let more = again();
        if more || self.stuck.load(Ordering::SeqCst) {
            self.raised.store(true, Ordering::SeqCst);
            self.light();
        }
        more
    }

    /// From here on the descriptor is readable for ever.
    pub(crate) fn stick(&self) {
        self.stuck.store(true, Ordering::SeqCst);
        self.light();
    }

    /// # Errors
    /// [`ErrorKind::Io`] when the system gives no descriptor.
    pub(crate) fn fd(&self) -> Result<RawFd, Error> {
        let fd = self.fd.get_or_try_init(EventFd::new)?;
        // Pairs with `light`: either it sees the descriptor, or this sees the flag.
        fence(Ordering::SeqCst);
        if self.raised.load(Ordering::SeqCst) || self.stuck.load(Ordering::SeqCst) {
            fd.write();
        }
        Ok(fd.0.as_raw_fd())
    }

    /// No doorbell starts after this, though one may be ringing.
    pub(crate) fn silence(&self) {
        self.doorbell.shut();
    }

    /// No doorbell rings after this.
    pub(crate) fn silence_and_wait(&self) {
        self.doorbell.shut_and_wait();
    }

    fn light(&self) {
        fence(Ordering::SeqCst);
        if let Some(fd) = self.fd.get() {
            fd.write();
        }
    }
}

struct EventFd(OwnedFd);

impl EventFd {
    fn new() -> Result<EventFd, Error> {
        // SAFETY: takes no pointers; the new descriptor is owned by nobody else.
        unsafe {
            match libc::eventfd(0, libc::EFD_NONBLOCK | libc::EFD_CLOEXEC) {
                -1 => Err(Error::new(
                    ErrorKind::Io,
                    format!(
                        "the queue's descriptor cannot be had: {}",
                        std::io::Error::last_os_error()
                    ),
                )),
                fd => Ok(EventFd(OwnedFd::from_raw_fd(fd))),
            }
        }
    }

    /// Makes it readable.
    fn write(&self) {
        let one = 1_u64;
        // It can fail only for a counter that is full, and then it is readable.
        // SAFETY: eight bytes are written from where eight bytes are.
        unsafe { libc::write(self.0.as_raw_fd(), std::ptr::from_ref(&one).cast(), 8) };
    }

    fn clear(&self) {
        let mut count = 0_u64;
        // It can fail only because it is clear.
        // SAFETY: eight bytes are read to where there is room for eight.
        unsafe { libc::read(self.0.as_raw_fd(), std::ptr::from_mut(&mut count).cast(), 8) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn readable(fd: RawFd) -> bool {
        let mut poll = libc::pollfd {
            fd,
            events: libc::POLLIN,
            revents: 0,
        };
        unsafe { libc::poll(&mut poll, 1, 0) == 1 }
    }

    #[test]
    fn the_descriptor_is_readable_while_the_signal_is_up() {
        let signal = Signal::new(None);
        signal.raise();
        let fd = signal.fd().unwrap();
        assert!(readable(fd), "raised before the descriptor was there");
        assert!(!signal.settle(|| false));
        assert!(!readable(fd));
        signal.raise();
        assert!(readable(fd));
        assert!(signal.settle(|| true), "events came while it went down");
        assert!(readable(fd));
        assert!(!signal.settle(|| false));
        assert!(!readable(fd));
        signal.stick();
        assert!(readable(fd));
        assert!(!signal.settle(|| false));
        assert!(readable(fd));
    }
}
