//! Points and spans of time.

use std::time::{SystemTime, UNIX_EPOCH};

use crate::error::{ErrorKind, ValueError};

/// Nanoseconds in a second.
const SECOND: u32 = 1_000_000_000;
/// Nanoseconds in a day.
const DAY: u64 = 86_400 * SECOND as u64;

fn nanos_below_a_second(nanos: u32) -> Result<(), ValueError> {
    if nanos < SECOND {
        Ok(())
    } else {
        Err(ValueError::new(
            ErrorKind::InvalidValue,
            "nanoseconds make up a second or more",
        ))
    }
}

/// A point in time, in nanoseconds: Unix time in UTC, without leap seconds.
///
/// ```
/// use std::time::{Duration, UNIX_EPOCH};
/// use wool_values::Timestamp;
///
/// let before = Timestamp::try_from(UNIX_EPOCH - Duration::from_millis(250))?;
/// assert_eq!((before.seconds(), before.nanos()), (-1, 750_000_000));
/// # Ok::<(), wool_values::ValueError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp {
    seconds: i64,
    nanos: u32,
}

impl Timestamp {
    /// The instant `seconds` after 1970-01-01T00:00:00Z, and `nanos` nanoseconds later still:
    /// nanoseconds count forward, before the epoch too.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidValue`] when `nanos` is 10⁹ or more.
    pub fn new(seconds: i64, nanos: u32) -> Result<Self, ValueError> {
        nanos_below_a_second(nanos)?;
        Ok(Self { seconds, nanos })
    }

    /// Whole seconds since the epoch, rounded down.
    #[must_use]
    pub fn seconds(&self) -> i64 {
        self.seconds
    }

    /// Nanoseconds after [`Timestamp::seconds`], less than 10⁹.
    #[must_use]
    pub fn nanos(&self) -> u32 {
        self.nanos
    }
}

/// Fails with [`ErrorKind::OutOfRange`] beyond `i64` seconds, which no clock shows.
impl TryFrom<SystemTime> for Timestamp {
    type Error = ValueError;

    fn try_from(time: SystemTime) -> Result<Self, ValueError> {
        let span = match time.duration_since(UNIX_EPOCH) {
            Ok(after) => Duration::try_from(after)?,
            Err(before) => Duration::try_from(before.duration())?.negated()?,
        };
        Ok(Self {
            seconds: span.seconds,
            nanos: span.nanos,
        })
    }
}

/// Fails with [`ErrorKind::OutOfRange`] for what this system's clock cannot show.
impl TryFrom<Timestamp> for SystemTime {
    type Error = ValueError;

    fn try_from(time: Timestamp) -> Result<Self, ValueError> {
        let seconds = std::time::Duration::from_secs(time.seconds.unsigned_abs());
        let whole = if time.seconds < 0 {
            UNIX_EPOCH.checked_sub(seconds)
        } else {
            UNIX_EPOCH.checked_add(seconds)
        };
        whole
            .and_then(|whole| whole.checked_add(std::time::Duration::from_nanos(time.nanos.into())))
            .ok_or_else(|| ValueError::out_of_range("timestamp", "SystemTime"))
    }
}

/// A calendar day, without a time or a time zone: days since 1970-01-01.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Date {
    days: i32,
}

impl Date {
    /// The day `days` after 1970-01-01, in the proleptic Gregorian calendar.
    #[must_use]
    pub const fn from_days(days: i32) -> Self {
        Self { days }
    }

    /// Days since 1970-01-01.
    #[must_use]
    pub const fn days(&self) -> i32 {
        self.days
    }
}

/// A time of day, without a date or a time zone, in nanoseconds since midnight.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Time {
    nanos: u64,
}

impl Time {
    /// The time `nanos` nanoseconds after midnight.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidValue`] when that is not the same day: 86 400 × 10⁹ or more.
    pub fn from_nanos(nanos: u64) -> Result<Self, ValueError> {
        if nanos < DAY {
            Ok(Self { nanos })
        } else {
            Err(ValueError::new(
                ErrorKind::InvalidValue,
                "time of day is a day or more",
            ))
        }
    }

    /// Nanoseconds since midnight, less than 86 400 × 10⁹.
    #[must_use]
    pub fn nanos(&self) -> u64 {
        self.nanos
    }
}

/// A span of time in nanoseconds, forward or back.
///
/// Nanoseconds count forward in negative spans too: half a second back is −1 s and 5 × 10⁸ ns.
///
/// ```
/// use wool_values::Duration;
///
/// let back = Duration::new(-1, 500_000_000)?;
/// assert!(std::time::Duration::try_from(back).is_err());
/// assert_eq!(
///     std::time::Duration::try_from(back.negated()?)?,
///     std::time::Duration::from_millis(500),
/// );
/// # Ok::<(), wool_values::ValueError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Duration {
    seconds: i64,
    nanos: u32,
}

impl Duration {
    /// The span of `seconds` and, forward from there, `nanos` nanoseconds.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidValue`] when `nanos` is 10⁹ or more.
    pub fn new(seconds: i64, nanos: u32) -> Result<Self, ValueError> {
        nanos_below_a_second(nanos)?;
        Ok(Self { seconds, nanos })
    }

    /// Whole seconds, rounded down.
    #[must_use]
    pub fn seconds(&self) -> i64 {
        self.seconds
    }

    /// Nanoseconds after [`Duration::seconds`], less than 10⁹.
    #[must_use]
    pub fn nanos(&self) -> u32 {
        self.nanos
    }

    /// The same span in the other direction.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::OutOfRange`] for −2⁶³ seconds sharp.
    pub fn negated(self) -> Result<Self, ValueError> {
        // −(s + n/10⁹) is (−s − 1) + (10⁹ − n)/10⁹, and −s − 1 is !s, which never overflows.
        if self.nanos > 0 {
            return Ok(Self {
                seconds: !self.seconds,
                nanos: SECOND - self.nanos,
            });
        }
        let seconds = self.seconds.checked_neg();
        seconds
            .map(|seconds| Self { seconds, nanos: 0 })
            .ok_or_else(|| ValueError::out_of_range("negated duration", "a duration"))
    }
}

/// Fails with [`ErrorKind::OutOfRange`] beyond `i64` seconds.
impl TryFrom<std::time::Duration> for Duration {
    type Error = ValueError;

    fn try_from(span: std::time::Duration) -> Result<Self, ValueError> {
        let seconds = i64::try_from(span.as_secs())
            .map_err(|_| ValueError::out_of_range("std duration", "a duration"))?;
        Ok(Self {
            seconds,
            nanos: span.subsec_nanos(),
        })
    }
}

/// Fails with [`ErrorKind::OutOfRange`] for a span back in time.
impl TryFrom<Duration> for std::time::Duration {
    type Error = ValueError;

    fn try_from(span: Duration) -> Result<Self, ValueError> {
        let seconds = u64::try_from(span.seconds)
            .map_err(|_| ValueError::out_of_range("negative duration", "std::time::Duration"))?;
        Ok(Self::new(seconds, span.nanos))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_out_of_range_are_refused() {
        assert!(Timestamp::new(0, SECOND).is_err());
        assert!(Duration::new(0, SECOND).is_err());
        assert!(Time::from_nanos(DAY).is_err());
        assert!(Time::from_nanos(DAY - 1).is_ok());
    }

    #[test]
    fn system_time_and_back() {
        let step = std::time::Duration::new(1, 250_000_000);
        for time in [
            UNIX_EPOCH,
            UNIX_EPOCH + step,
            UNIX_EPOCH - step,
            SystemTime::now(),
        ] {
            let stamp = Timestamp::try_from(time).unwrap();
            assert_eq!(SystemTime::try_from(stamp).unwrap(), time);
        }
    }

    #[test]
    fn spans_turn_around() {
        for (span, turned) in [
            ((1, 0), (-1, 0)),
            ((1, 1), (-2, 999_999_999)),
            ((0, 0), (0, 0)),
        ] {
            let (span, turned) = (
                Duration::new(span.0, span.1).unwrap(),
                Duration::new(turned.0, turned.1).unwrap(),
            );
            assert_eq!(span.negated().unwrap(), turned);
            assert_eq!(turned.negated().unwrap(), span);
        }
        assert!(Duration::new(i64::MIN, 0).unwrap().negated().is_err());
        assert_eq!(
            Duration::new(i64::MIN, 1).unwrap().negated().unwrap(),
            Duration::new(i64::MAX, 999_999_999).unwrap()
        );
        assert!(Duration::try_from(std::time::Duration::MAX).is_err());
    }
}
