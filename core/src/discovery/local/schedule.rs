//! When a namespace is looked at: after hints, and now and then without one.

use std::time::{Duration, Instant};

/// After a hint. The first look finds most; but a dead process's lock may fall after the notification that
/// its file was closed, and nothing tells of that.
const AFTER_HINT: [Duration; 3] = [
    Duration::from_millis(1),
    Duration::from_millis(10),
    Duration::from_millis(100),
];
/// Where hints come, sweeps only make good for one that was lost.
pub(super) const SWEEP: Duration = Duration::from_secs(5);
/// Where none come.
pub(super) const SWEEP_ALONE: Duration = Duration::from_millis(250);
/// A look is followed by a pause of as many times its length, however many hints come: a large namespace
/// in motion takes a fifth of one core.
const PAUSE_FACTOR: u32 = 4;

#[derive(Debug)]
pub(super) struct Schedule {
    /// Since when somebody waits for a look.
    asked: Option<Instant>,
    hinted: Option<Hinted>,
    sweep: Instant,
    not_before: Instant,
}

#[derive(Debug)]
struct Hinted {
    /// Since when a look waits for the first of these hints, or the last one where that look was taken.
    first: Instant,
    last: Instant,
    step: usize,
}

impl Schedule {
    /// The first look is due now.
    pub(super) fn new(now: Instant) -> Schedule {
        Schedule {
            asked: Some(now),
            hinted: None,
            sweep: now,
            not_before: now,
        }
    }

    /// Somebody waits for the next look.
    pub(super) fn ask(&mut self, now: Instant) {
        self.asked.get_or_insert(now);
    }

    /// Something may have changed.
    pub(super) fn hint(&mut self, now: Instant) {
        match &mut self.hinted {
            // Hints without a pause must not put off the first look for ever.
            Some(hinted) if hinted.step == 0 => hinted.last = now,
            _ => {
                self.hinted = Some(Hinted {
                    first: now,
                    last: now,
                    step: 0,
                });
            }
        }
    }

    /// When the next look is due; in the past: now.
    pub(super) fn due(&self) -> Instant {
        if let Some(asked) = self.asked {
            return asked;
        }
        let hinted = self
            .hinted
            .as_ref()
            .map(|hinted| (hinted.first + AFTER_HINT[hinted.step]).max(self.not_before));
        hinted.map_or(self.sweep, |hinted| hinted.min(self.sweep))
    }

    /// A look was taken from `begun` to `ended`; without a hint the next one is after `sweep`.
    pub(super) fn looked(&mut self, begun: Instant, ended: Instant, sweep: Duration) {
        self.asked = None;
        // What was due before the look began, it has done; but for the last hint, not for the first.
        while let Some(hinted) = &mut self.hinted {
            hinted.first = hinted.last;
            if hinted.last + AFTER_HINT[hinted.step] > begun {
                break;
            }
            hinted.step += 1;
            if hinted.step == AFTER_HINT.len() {
                self.hinted = None;
            }
        }
        self.not_before = ended + (ended - begun) * PAUSE_FACTOR;
        self.sweep = (ended + sweep).max(self.not_before);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(count: u64) -> Duration {
        Duration::from_millis(count)
    }

    /// Looks, each without taking time, and tells when the next is due, in milliseconds after `start`.
    fn look(schedule: &mut Schedule, at: Instant, start: Instant) -> u64 {
        schedule.looked(at, at, SWEEP);
        (schedule.due() - start).as_millis() as u64
    }

    #[test]
    fn the_first_look_is_due_at_once_and_then_it_sweeps() {
        let start = Instant::now();
        let mut schedule = Schedule::new(start);
        assert_eq!(schedule.due(), start);
        assert_eq!(look(&mut schedule, start, start), 5_000);
    }

    #[test]
    fn a_hint_is_followed_by_three_looks() {
        let start = Instant::now();
        let mut schedule = Schedule::new(start);
        look(&mut schedule, start, start);
        schedule.hint(start + ms(20));
        assert_eq!(schedule.due(), start + ms(21));
        assert_eq!(look(&mut schedule, start + ms(21), start), 30);
        assert_eq!(look(&mut schedule, start + ms(30), start), 120);
        assert_eq!(look(&mut schedule, start + ms(120), start), 5_120);
    }

    #[test]
    fn a_later_hint_begins_again() {
        let start = Instant::now();
        let mut schedule = Schedule::new(start);
        look(&mut schedule, start, start);
        schedule.hint(start);
        assert_eq!(look(&mut schedule, start + ms(1), start), 10);
        schedule.hint(start + ms(5));
        assert_eq!(schedule.due(), start + ms(6));
        assert_eq!(look(&mut schedule, start + ms(6), start), 15);
    }

    #[test]
    fn hints_without_a_pause_do_not_put_off_the_look() {
        let start = Instant::now();
        let mut schedule = Schedule::new(start);
        look(&mut schedule, start, start);
        for micros in 0..2_000 {
            schedule.hint(start + Duration::from_micros(micros));
        }
        assert_eq!(schedule.due(), start + ms(1));
    }

    #[test]
    fn a_late_look_does_not_cover_hints_that_came_just_before() {
        let start = Instant::now();
        let mut schedule = Schedule::new(start);
        look(&mut schedule, start, start);
        schedule.hint(start);
        schedule.hint(start + ms(499));
        assert_eq!(look(&mut schedule, start + ms(500), start), 509);
        assert_eq!(look(&mut schedule, start + ms(509), start), 599);
        schedule.hint(start + ms(520));
        schedule.hint(start + ms(600));
        // Not even the first look after the last one has been taken.
        assert_eq!(look(&mut schedule, start + ms(600), start), 601);
        assert_eq!(look(&mut schedule, start + ms(700), start), 5_700);
    }

    #[test]
    fn a_late_look_covers_what_was_due_before() {
        let start = Instant::now();
        let mut schedule = Schedule::new(start);
        look(&mut schedule, start, start);
        schedule.hint(start);
        assert_eq!(look(&mut schedule, start + ms(50), start), 100);
    }

    #[test]
    fn a_look_that_takes_long_is_followed_by_a_pause() {
        let start = Instant::now();
        let mut schedule = Schedule::new(start);
        schedule.looked(start, start + ms(10), SWEEP);
        schedule.hint(start + ms(10));
        assert_eq!(schedule.due(), start + ms(50));
        // A hint during the look is not done with by it.
        schedule.looked(start + ms(10), start + ms(20), SWEEP);
        assert_eq!(schedule.due(), start + ms(60));
    }

    #[test]
    fn who_asks_does_not_wait_for_a_hint() {
        let start = Instant::now();
        let mut schedule = Schedule::new(start);
        look(&mut schedule, start, start);
        schedule.ask(start + ms(3));
        schedule.ask(start + ms(4));
        assert_eq!(schedule.due(), start + ms(3));
        assert_eq!(look(&mut schedule, start + ms(4), start), 5_004);
    }
}
