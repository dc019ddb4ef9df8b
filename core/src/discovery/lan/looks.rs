//! When to look around again, beyond the looks of the mDNS daemon, which become as rare as one an hour.
//!
//! A worker that went may be back without a word: a host that was cut off does not know it, and announces nothing. So
//! while one is missed, it is asked for.

use std::time::{Duration, Instant};

const OFTEN: Duration = Duration::from_secs(4);
const OFTEN_FOR: Duration = Duration::from_secs(5 * 60);
const RARELY: Duration = Duration::from_secs(60);
const RARELY_FOR: Duration = Duration::from_secs(60 * 60);

#[derive(Default)]
pub(super) struct Looks {
    lost: Option<Instant>,
    next: Option<Instant>,
}

impl Looks {
    /// A worker has gone.
    pub(super) fn lose(&mut self, now: Instant) {
        self.lost = Some(now);
        let soon = now + OFTEN;
        self.next = Some(self.next.map_or(soon, |next| next.min(soon)));
    }

    /// There is something to be seen now.
    pub(super) fn ask(&mut self, now: Instant) {
        self.next = Some(now);
    }

    pub(super) fn due(&self) -> Option<Instant> {
        self.next
    }

    /// Whether to look now; if so, the next look is set.
    pub(super) fn take(&mut self, now: Instant) -> bool {
        if self.next.is_none_or(|next| now < next) {
            return false;
        }
        let missed = self.lost.map(|lost| now.saturating_duration_since(lost));
        self.next = match missed {
            Some(missed) if missed < OFTEN_FOR => Some(now + OFTEN),
            Some(missed) if missed < RARELY_FOR => Some(now + RARELY),
            _ => None,
        };
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Looks as soon as each is due, and answers with the seconds after the beginning.
    fn looks(looks: &mut Looks, begin: Instant, most: usize) -> Vec<u64> {
        let mut seconds = Vec::new();
        while seconds.len() < most
            && let Some(due) = looks.due()
        {
            assert!(looks.take(due));
            seconds.push(due.duration_since(begin).as_secs());
        }
        seconds
    }

    #[test]
    fn nobody_is_looked_for_unless_missed() {
        let now = Instant::now();
        let mut none = Looks::default();
        assert_eq!(none.due(), None);
        assert!(!none.take(now));
        none.ask(now);
        assert_eq!(looks(&mut none, now, 9), [0]);
    }

    #[test]
    fn who_is_missed_is_looked_for_often_then_rarely_then_no_more() {
        let now = Instant::now();
        let mut missing = Looks::default();
        missing.lose(now);
        assert!(!missing.take(now));
        let seconds = looks(&mut missing, now, 1_000);
        let often = 75;
        assert_eq!(seconds[..3], [4, 8, 12]);
        assert_eq!(seconds[often - 1..often + 2], [300, 360, 420]);
        assert_eq!(seconds.len(), often + 55);
        assert_eq!(seconds.last(), Some(&3_600));
    }

    #[test]
    fn the_next_one_that_goes_begins_anew() {
        let now = Instant::now();
        let mut missing = Looks::default();
        missing.lose(now);
        assert_eq!(looks(&mut missing, now, 100).last(), Some(&1_800));
        let later = now + Duration::from_secs(1_830);
        missing.lose(later);
        assert_eq!(looks(&mut missing, later, 2), [4, 8]);
    }
}
