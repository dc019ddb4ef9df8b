//! Whether the peer is still there. Pings cost wake-ups, so they are sent only while calls wait and
//! nothing has been heard for a while.

use std::time::{Duration, Instant};

/// Silence after which a ping is sent.
pub(crate) const PING_AFTER: Duration = Duration::from_secs(10);
/// Silence after a ping that means that the link is dead.
pub(crate) const DEAD_AFTER: Duration = Duration::from_secs(10);

#[derive(Debug)]
pub(crate) struct Liveness {
    last_heard: Instant,
    pinged: Option<Instant>,
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Check {
    /// Look again then.
    At(Instant),
    /// Send a ping, look again then.
    Ping(Instant),
    Dead,
}

impl Liveness {
    pub(crate) fn new(now: Instant) -> Liveness {
        Liveness {
            last_heard: now,
            pinged: None,
        }
    }

    pub(crate) fn heard(&mut self, now: Instant) {
        self.last_heard = now;
        self.pinged = None;
    }

    /// Called only while calls are open. A session that was idle for long is pinged at the first check.
    pub(crate) fn check(&mut self, now: Instant) -> Check {
        match self.pinged {
            Some(pinged) if now >= pinged + DEAD_AFTER => Check::Dead,
            Some(pinged) => Check::At(pinged + DEAD_AFTER),
            None if now >= self.last_heard + PING_AFTER => {
                self.pinged = Some(now);
                Check::Ping(now + DEAD_AFTER)
            }
            None => Check::At(self.last_heard + PING_AFTER),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn silence_is_pinged_and_then_dead() {
        let start = Instant::now();
        let mut liveness = Liveness::new(start);
        assert_eq!(liveness.check(start), Check::At(start + PING_AFTER));
        let silent = start + PING_AFTER;
        assert_eq!(liveness.check(silent), Check::Ping(silent + DEAD_AFTER));
        assert_eq!(
            liveness.check(silent + DEAD_AFTER / 2),
            Check::At(silent + DEAD_AFTER)
        );
        assert_eq!(liveness.check(silent + DEAD_AFTER), Check::Dead);
    }

    #[test]
    fn any_frame_is_a_sign_of_life() {
        let start = Instant::now();
        let mut liveness = Liveness::new(start);
        let silent = start + PING_AFTER;
        assert!(matches!(liveness.check(silent), Check::Ping(_)));
        liveness.heard(silent + DEAD_AFTER);
        assert!(matches!(liveness.check(silent + DEAD_AFTER), Check::At(_)));
    }
}
