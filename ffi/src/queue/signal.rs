//! How a drainer learns that an empty queue has events: a descriptor to poll, a doorbell, or both.

use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};

use wool_core::{Error, ErrorKind};

use crate::callback::{Gate, UserData, quick};
use crate::queue::wakeup::{Descriptor, Wakeup};

/// The host's doorbell.
pub(crate) struct Doorbell {
    pub(crate) ring: unsafe extern "C" fn(*mut std::ffi::c_void),
    pub(crate) user_data: UserData,
}

/// The wake-up of a queue's drainers, with the host's means.
pub(crate) struct Signal {
    wakeup: Wakeup<EventFd>,
    doorbell: Gate<Doorbell>,
}

impl Signal {
    pub(crate) fn new(doorbell: Option<Doorbell>) -> Signal {
        Signal {
            wakeup: Wakeup::new(),
            doorbell: Gate::new(doorbell),
        }
    }

    /// After events were added.
    pub(crate) fn raise(&self) {
        if self.wakeup.raise() {
            self.doorbell.call(|doorbell| {
                // SAFETY: the host gave both together.
                quick(|| unsafe { (doorbell.ring)(doorbell.user_data.pointer()) });
            });
        }
    }

    /// As [`Wakeup::settle`].
    pub(crate) fn settle(&self, again: impl FnOnce() -> bool) -> bool {
        self.wakeup.settle(again)
    }

    /// From here on the descriptor is readable for ever.
    pub(crate) fn stick(&self) {
        self.wakeup.stick();
    }

    /// # Errors
    /// [`ErrorKind::Io`] when the system gives no descriptor.
    pub(crate) fn fd(&self) -> Result<RawFd, Error> {
        let fd = self.wakeup.descriptor(EventFd::new)?;
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
}

impl Descriptor for EventFd {
    fn light(&self) {
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
