//! How many payload bytes may be under way: a window per call and a budget per session.
//!
//! Every part of a payload spends its call's window. A first part of at most [`SMALL_PART`] spends
//! nothing else, so that small calls pass while large payloads wait; larger first parts and all chunks
//! spend the session's window too.

/// First parts up to this many bytes do not spend the session's window.
pub(crate) const SMALL_PART: usize = 16 * 1024;

/// Whether a part spends the session's window.
pub(crate) fn spends_session(is_chunk: bool, len: usize) -> bool {
    is_chunk || len > SMALL_PART
}

/// What this side may still send.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SendWindow {
    left: u64,
}

impl SendWindow {
    pub(crate) fn new(size: u64) -> SendWindow {
        SendWindow { left: size }
    }

    pub(crate) fn left(&self) -> u64 {
        self.left
    }

    /// The caller has checked `left`.
    pub(crate) fn spend(&mut self, bytes: u64) {
        debug_assert!(bytes <= self.left, "spent more than the window holds");
        self.left = self.left.saturating_sub(bytes);
    }

    pub(crate) fn grant(&mut self, bytes: u64) {
        self.left = self.left.saturating_add(bytes);
    }
}

/// The peer sent more than it was granted.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Overrun {
    pub(crate) sent: u64,
    pub(crate) left: u64,
}

/// One call's window, as the receiver keeps it.
#[derive(Debug)]
pub(crate) struct ReceiveWindow {
    size: u64,
    /// What the peer may still send.
    left: u64,
    /// Used up by the host and not yet granted again.
    returned: u64,
}

impl ReceiveWindow {
    pub(crate) fn new(size: u64) -> ReceiveWindow {
        ReceiveWindow {
            size,
            left: size,
            returned: 0,
        }
    }

    pub(crate) fn receive(&mut self, bytes: u64) -> Result<(), Overrun> {
        match self.left.checked_sub(bytes) {
            Some(left) => {
                self.left = left;
                Ok(())
            }
            None => Err(Overrun {
                sent: bytes,
                left: self.left,
            }),
        }
    }

    /// The host is done with bytes. Grants are saved up to half a window, so that small items do not
    /// cost a frame each.
    pub(crate) fn release(&mut self, bytes: u64) -> Option<u64> {
        self.returned += bytes;
        if self.returned < self.size / 2 {
            return None;
        }
        let grant = std::mem::take(&mut self.returned);
        self.left += grant;
        Some(grant)
    }
}

/// The part of a session's window that is kept for one payload: the first begun of those that are not
/// complete. Without it, payloads that are each half sent could wait for each other for ever.
pub(crate) fn reserve(session_window: u64) -> u64 {
    const RESERVE: u64 = 256 * 1024;
    RESERVE.min(session_window / 2)
}

/// A payload of which a part has come.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Arriving {
    pub(crate) received: u64,
    pub(crate) left: u64,
}

/// The session's budget, as the receiver keeps it.
///
/// The bytes that are held (received, not yet given up by the host) and those that may still come stay
/// within the window; beyond it, only the reserve is granted, again and again, for the first begun
/// payload, which the sender keeps it for. The bound is the window and one payload.
#[derive(Debug)]
pub(crate) struct SessionBudget {
    size: u64,
    /// What the peer may still send.
    left: u64,
    held: u64,
}

impl SessionBudget {
    pub(crate) fn new(size: u64) -> SessionBudget {
        SessionBudget {
            size,
            left: size,
            held: 0,
        }
    }

    pub(crate) fn receive(&mut self, bytes: u64) -> Result<(), Overrun> {
        match self.left.checked_sub(bytes) {
            Some(left) => {
                self.left = left;
                self.held += bytes;
                Ok(())
            }
            None => Err(Overrun {
                sent: bytes,
                left: self.left,
            }),
        }
    }

    /// Bytes that the host has given up, or that belonged to a payload that was thrown away.
    pub(crate) fn release(&mut self, bytes: u64) {
        debug_assert!(bytes <= self.held, "released more than was held");
        self.held = self.held.saturating_sub(bytes);
    }

    /// What to grant now, with the first begun payload, if one is arriving.
    pub(crate) fn grant(&mut self, first: Option<Arriving>) -> Option<u64> {
        let free = self.size.saturating_sub(self.held + self.left);
        let kept = match first {
            // What others hold leaves it no room: it waits until the host gives something up.
            Some(first) if self.held - first.received.min(self.held) > self.size => 0,
            Some(first) => first.left.min(reserve(self.size)),
            None => 0,
        };
        // Not a frame for every part, but never so late that the peer runs dry.
        let grant = if free > 0 && (free >= self.size / 4 || self.left < self.size / 2) {
            free.max(kept.saturating_sub(self.left))
        } else {
            kept.saturating_sub(self.left)
        };
        self.left += grant;
        (grant > 0).then_some(grant)
    }

    #[cfg(test)]
    pub(crate) fn held(&self) -> u64 {
        self.held
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_overrun_is_told_with_both_numbers() {
        let mut window = ReceiveWindow::new(10);
        window.receive(8).unwrap();
        assert_eq!(window.receive(3), Err(Overrun { sent: 3, left: 2 }));
        let mut budget = SessionBudget::new(10);
        budget.receive(10).unwrap();
        assert_eq!(budget.receive(1), Err(Overrun { sent: 1, left: 0 }));
    }

    #[test]
    fn small_releases_are_saved_up() {
        let mut window = ReceiveWindow::new(100);
        window.receive(60).unwrap();
        assert_eq!(window.release(30), None);
        assert_eq!(window.release(30), Some(60));
    }

    #[test]
    fn the_reserve_is_granted_beyond_the_window() {
        let mut budget = SessionBudget::new(1000);
        budget.receive(1000).unwrap();
        assert_eq!(budget.grant(None), None);
        let first = |left| {
            Some(Arriving {
                received: 100,
                left,
            })
        };
        assert_eq!(budget.grant(first(10)), Some(10));
        assert_eq!(budget.grant(first(10)), None);
        assert_eq!(budget.grant(first(5000)), Some(490));
        budget.receive(200).unwrap();
        assert_eq!(
            budget.grant(first(5000)),
            None,
            "others hold more than the window"
        );
        budget.release(1200);
        assert_eq!(budget.grant(None), Some(700));
        assert_eq!(budget.held(), 0);
    }
}
