//! What a caller has asked of a generator, and what it may ask next.

use std::time::{Duration, Instant};

/// Kept by the caller of a stream; a unary call asks for nothing.
#[derive(Debug)]
pub(crate) struct Asked {
    /// Items may be asked for ahead of their use, so the generator's yield is no place to talk to.
    ahead: bool,
    /// All items asked for, from the beginning.
    total: u32,
    /// Those of them that have not come.
    owed: u64,
    /// No more is asked for.
    closing: bool,
    step_timeout: Option<Duration>,
    /// When the step that is waited for began; kept only where steps have a budget.
    since: Option<Instant>,
}

/// What it means to throw an error into a generator.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Thrown {
    /// The worker raises it at the yield.
    AtYield,
    /// There is no yield yet: the generator never begins, and the error is its outcome.
    NotBegun,
}

/// Why a step is refused: the host's mistake.
pub(crate) type Refused = &'static str;

impl Asked {
    pub(crate) fn new(ahead: bool, step_timeout: Option<Duration>) -> Asked {
        Asked {
            ahead,
            total: 0,
            owed: 0,
            closing: false,
            step_timeout,
            since: None,
        }
    }

    /// All items asked for, from the beginning: the credit of a call that is written.
    pub(crate) fn total(&self) -> u32 {
        self.total
    }

    pub(crate) fn is_closing(&self) -> bool {
        self.closing
    }

    /// The host asks for more items. False: nothing is asked for any more.
    pub(crate) fn items(&mut self, items: u32, now: impl FnOnce() -> Instant) -> bool {
        if self.closing {
            return false;
        }
        self.total = self.total.saturating_add(items);
        self.owe(items, now);
        true
    }

    /// The host sends a value to the yield.
    pub(crate) fn send(&mut self, now: impl FnOnce() -> Instant) -> Result<(), Refused> {
        self.may_resume()?;
        if self.total == 0 {
            return Err("the generator has not begun: ask for its first item, then send");
        }
        self.owe(1, now);
        Ok(())
    }

    /// The host throws an error at the yield.
    pub(crate) fn throw(&mut self, now: impl FnOnce() -> Instant) -> Result<Thrown, Refused> {
        self.may_resume()?;
        if self.total == 0 {
            self.closing = true;
            return Ok(Thrown::NotBegun);
        }
        self.owe(1, now);
        Ok(Thrown::AtYield)
    }

    /// An item has come.
    pub(crate) fn arrived(&mut self, now: impl FnOnce() -> Instant) {
        self.owed = self.owed.saturating_sub(1);
        self.since = (self.owed > 0 && self.step_timeout.is_some()).then(now);
    }

    /// Whether the host waits for an item.
    pub(crate) fn owes(&self) -> bool {
        self.owed > 0
    }

    pub(crate) fn close(&mut self) {
        self.closing = true;
    }

    /// When the budget of the step under way is used up.
    pub(crate) fn step_deadline(&self) -> Option<Instant> {
        self.since?.checked_add(self.step_timeout?)
    }

    fn may_resume(&self) -> Result<(), Refused> {
        if self.ahead {
            Err(
                "the stream was opened with prefetch: send and throw need one that is pulled step by step",
            )
        } else if self.closing {
            Err("the stream was closed")
        } else if self.owed > 0 {
            Err("an item was asked for and has not come: take it first, one step at a time")
        } else {
            Ok(())
        }
    }

    fn owe(&mut self, items: u32, now: impl FnOnce() -> Instant) {
        self.owed = self.owed.saturating_add(items.into());
        if self.step_timeout.is_some() && self.since.is_none() {
            self.since = Some(now());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked() -> Asked {
        Asked::new(false, None)
    }

    #[test]
    fn a_value_is_sent_only_to_a_yield() {
        let mut asked = asked();
        assert!(asked.send(Instant::now).is_err());
        assert!(asked.items(1, Instant::now));
        assert!(asked.send(Instant::now).is_err());
        asked.arrived(Instant::now);
        assert!(asked.send(Instant::now).is_ok());
        assert!(asked.throw(Instant::now).is_err());
        asked.arrived(Instant::now);
        assert_eq!(asked.throw(Instant::now), Ok(Thrown::AtYield));
        asked.arrived(Instant::now);
        asked.close();
        assert!(asked.send(Instant::now).is_err());
        assert!(!asked.items(1, Instant::now));
        assert_eq!(asked.total(), 1);
    }

    #[test]
    fn what_is_thrown_first_is_the_outcome() {
        let mut asked = asked();
        assert_eq!(asked.throw(Instant::now), Ok(Thrown::NotBegun));
        assert!(asked.throw(Instant::now).is_err());
    }

    #[test]
    fn who_asks_ahead_cannot_send() {
        let mut asked = Asked::new(true, None);
        asked.items(1, Instant::now);
        asked.arrived(Instant::now);
        assert!(asked.send(Instant::now).is_err());
        assert!(asked.throw(Instant::now).is_err());
    }

    #[test]
    fn the_clock_runs_while_an_item_is_owed() {
        let second = Duration::from_secs(1);
        let start = Instant::now();
        let mut asked = Asked::new(true, Some(second));
        assert_eq!(asked.step_deadline(), None);
        asked.items(2, || start);
        asked.items(1, || start + second / 2);
        assert_eq!(asked.step_deadline(), Some(start + second));
        asked.arrived(|| start + second / 2);
        assert_eq!(asked.step_deadline(), Some(start + second / 2 + second));
        asked.arrived(|| start + second);
        asked.arrived(|| start + second);
        assert_eq!(asked.step_deadline(), None);
    }

    #[test]
    fn asking_for_more_than_can_be_counted_asks_for_as_much_as_can() {
        let mut asked = asked();
        asked.items(u32::MAX, Instant::now);
        asked.items(u32::MAX, Instant::now);
        assert_eq!(asked.total(), u32::MAX);
    }
}
