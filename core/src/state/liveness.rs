//! Whether the peer is still there. Pings cost wake-ups: they are sent when nothing has been heard for a while, and soon
//! only while calls wait.

use std::time::{Duration, Instant};

/// When a peer that says nothing is asked, and given up.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Times {
    /// Silence after which a ping is sent while calls wait.
    pub(crate) ping_after: Duration,
    /// Silence after which a ping is sent while none do: a link that is dead is mostly found before a call is lost there.
    pub(crate) idle_ping_after: Duration,
    /// Silence after a ping that means that the link is dead.
    pub(crate) dead_after: Duration,
}

impl Default for Times {
    fn default() -> Times {
        Times {
            ping_after: Duration::from_secs(10),
            idle_ping_after: Duration::from_secs(30),
            dead_after: Duration::from_secs(10),
        }
    }
}

#[derive(Debug)]
pub(crate) struct Liveness {
    times: Times,
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
    pub(crate) fn new(times: Times, now: Instant) -> Liveness {
        Liveness {
            times,
            last_heard: now,
            pinged: None,
        }
    }

    pub(crate) fn heard(&mut self, now: Instant) {
        self.last_heard = now;
        self.pinged = None;
    }

    /// `waiting`: calls are open. A session that was silent for long is pinged at the first check with calls.
    pub(crate) fn check(&mut self, now: Instant, waiting: bool) -> Check {
        let ping_after = if waiting {
            self.times.ping_after
        } else {
            self.times.idle_ping_after
        };
        let dead_after = self.times.dead_after;
        match self.pinged {
            Some(pinged) if now >= pinged + dead_after => Check::Dead,
            Some(pinged) => Check::At(pinged + dead_after),
            None if now >= self.last_heard + ping_after => {
                self.pinged = Some(now);
                Check::Ping(now + dead_after)
            }
            None => Check::At(self.last_heard + ping_after),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TIMES: Times = Times {
        ping_after: Duration::from_secs(10),
        idle_ping_after: Duration::from_secs(30),
        dead_after: Duration::from_secs(8),
    };

    #[test]
    fn silence_is_pinged_and_then_dead() {
        for (waiting, after) in [(true, TIMES.ping_after), (false, TIMES.idle_ping_after)] {
            let start = Instant::now();
            let mut liveness = Liveness::new(TIMES, start);
            assert_eq!(liveness.check(start, waiting), Check::At(start + after));
            let silent = start + after;
            let dead = silent + TIMES.dead_after;
            assert_eq!(liveness.check(silent, waiting), Check::Ping(dead));
            let between = silent + TIMES.dead_after / 2;
            assert_eq!(liveness.check(between, waiting), Check::At(dead));
            assert_eq!(liveness.check(dead, waiting), Check::Dead);
        }
    }

    #[test]
    fn a_call_on_a_session_that_was_idle_asks_at_once() {
        let start = Instant::now();
        let mut liveness = Liveness::new(TIMES, start);
        let later = start + TIMES.ping_after;
        assert!(matches!(liveness.check(later, false), Check::At(_)));
        assert!(matches!(liveness.check(later, true), Check::Ping(_)));
    }

    #[test]
    fn any_frame_is_a_sign_of_life() {
        let start = Instant::now();
        let mut liveness = Liveness::new(TIMES, start);
        let silent = start + TIMES.ping_after;
        assert!(matches!(liveness.check(silent, true), Check::Ping(_)));
        liveness.heard(silent + TIMES.dead_after);
        let check = liveness.check(silent + TIMES.dead_after, true);
        assert!(matches!(check, Check::At(_)));
    }
}
