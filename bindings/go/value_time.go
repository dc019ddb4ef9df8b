package wool

import (
	"fmt"
	"math"
	"time"
)

// Date is a calendar day: the days since 1970-01-01 in the proleptic Gregorian calendar. It has no
// time zone.
type Date int32

// NewDate returns the day of a year, month and day of the month. Values outside their usual ranges
// are normalised as [time.Date] does it.
func NewDate(year int, month time.Month, day int) (Date, error) {
	const mostYears = 6_000_000 // 2^31 days are 5.9 million years
	days := time.Date(year, month, day, 0, 0, 0, 0, time.UTC).Unix() / secondsPerDay
	if year < -mostYears || year > mostYears || days < math.MinInt32 || days > math.MaxInt32 {
		return 0, invalidValue(fmt.Sprintf("the year %d is beyond what a date can hold", year))
	}
	return Date(days), nil
}

// Time returns the day's first moment in UTC.
func (d Date) Time() time.Time { return time.Unix(int64(d)*secondsPerDay, 0).UTC() }

// String returns the day as 2006-01-02.
func (d Date) String() string { return d.Time().Format(time.DateOnly) }

// TimeOfDay is a time on some day, in some zone: the nanoseconds since midnight, from 0 to less than
// 24 hours.
type TimeOfDay time.Duration

// String returns the time as 15:04:05.999999999.
func (t TimeOfDay) String() string {
	return time.Unix(0, int64(t)).UTC().Format("15:04:05.999999999")
}

const (
	secondsPerDay      = 24 * 60 * 60
	nanosecondsPerDay  = secondsPerDay * int64(time.Second)
	maxNanoseconds     = int64(time.Second) - 1
	longestTimeSeconds = math.MaxInt64 - 62_135_596_800 // a time.Time counts from year 1
)

// timeOf is the moment of a timestamp's parts. A time.Time reaches 62 billion seconds less far into
// the future than a timestamp.
func timeOf(seconds int64, nanoseconds uint32) (time.Time, *ValueError) {
	if seconds > longestTimeSeconds {
		return time.Time{}, outOfRange(fmt.Sprintf("timestamp %d s", seconds), "time.Time")
	}
	return time.Unix(seconds, int64(nanoseconds)).UTC(), nil
}

// durationOf is the span of a duration's parts; a time.Duration holds 292 years.
func durationOf(seconds int64, nanoseconds uint32) (time.Duration, *ValueError) {
	const most = math.MaxInt64 / int64(time.Second)
	const least = math.MinInt64/int64(time.Second) - 1
	fits := seconds > least && seconds < most ||
		seconds == most && int64(nanoseconds) <= math.MaxInt64%int64(time.Second) ||
		seconds == least && int64(nanoseconds) >= int64(time.Second)+math.MinInt64%int64(time.Second)
	if !fits {
		return 0, outOfRange(fmt.Sprintf("duration of %d s", seconds), "time.Duration")
	}
	if seconds < 0 {
		// One second is lent to the nanoseconds, so that the product stays within range.
		return time.Duration((seconds+1)*int64(time.Second) + int64(nanoseconds) - int64(time.Second)), nil
	}
	return time.Duration(seconds*int64(time.Second) + int64(nanoseconds)), nil
}

// durationParts splits a span into whole seconds, rounded down, and the nanoseconds that remain.
func durationParts(span time.Duration) (seconds int64, nanoseconds uint32) {
	seconds = int64(span / time.Second)
	rest := int64(span % time.Second)
	if rest < 0 {
		seconds--
		rest += int64(time.Second)
	}
	return seconds, uint32(rest)
}
