import { ValueError } from './error.js';

const INT64_MIN = -(2n ** 63n);
const INT64_MAX = 2n ** 63n - 1n;
const SECOND = 1_000_000_000;
/** Nanoseconds in a day. */
export const DAY = 86_400n * BigInt(SECOND);
const MS_PER_DAY = 86_400_000;

function checkSpan(seconds: bigint, nanos: number): void {
  if (seconds < INT64_MIN || seconds > INT64_MAX) {
    throw new ValueError('out_of_range', `${seconds} seconds do not fit 64 bits`);
  }
  if (!Number.isInteger(nanos) || nanos < 0 || nanos >= SECOND) {
    throw new ValueError('invalid_value', `nanoseconds are an integer below 10^9, not ${nanos}`);
  }
}

/**
 * A point in time in nanoseconds: a `Date` that also knows what is finer than its milliseconds, and points that a
 * `Date` cannot show (as a `Date` those are invalid). Timestamps from other languages arrive as this class.
 *
 * Where setters of `Date` have moved it, the `Date` is what gets sent.
 */
export class Timestamp extends Date {
  /** Whole seconds since 1970-01-01T00:00:00Z, rounded down. */
  readonly seconds: bigint;
  /** Nanoseconds after that, 0 to 999,999,999; they count forward, before the epoch too. */
  readonly nanos: number;

  /** @throws {ValueError} for seconds beyond 64 bits, and for nanoseconds that are not 0 to 999,999,999 */
  constructor(seconds: bigint | number, nanos = 0) {
    const whole = BigInt(seconds);
    checkSpan(whole, nanos);
    super(milliseconds(whole, nanos));
    this.seconds = whole;
    this.nanos = nanos;
  }
}

function milliseconds(seconds: bigint, nanos: number): number {
  return Number(seconds) * 1000 + Math.floor(nanos / 1_000_000);
}

/** Seconds and nanoseconds of a date, or `undefined` for an invalid one. */
export function dateSpan(date: Date): { seconds: bigint; nanos: number } | undefined {
  const time = date.getTime();
  if (date instanceof Timestamp) {
    const { seconds, nanos } = date;
    const unmoved = new Date(milliseconds(seconds, nanos)).getTime();
    if (Object.is(time, unmoved)) {
      return { seconds, nanos };
    }
  }
  if (Number.isNaN(time)) {
    return undefined;
  }
  const seconds = Math.floor(time / 1000);
  return { seconds: BigInt(seconds), nanos: (time - seconds * 1000) * 1_000_000 };
}

/** A calendar day without a time or a time zone, in the proleptic Gregorian calendar. */
export class PlainDate {
  /** Days since 1970-01-01. */
  readonly days: number;

  /**
   * @param days days since 1970-01-01, or text such as `2024-02-29`
   * @throws {ValueError} for text that is no day and for days beyond 32 bits
   */
  constructor(days: number | string) {
    const number = typeof days === 'string' ? daysOf(days) : days;
    if (!Number.isInteger(number) || number < -(2 ** 31) || number >= 2 ** 31) {
      throw new ValueError('out_of_range', `${days} is not a 32-bit number of days, or a day such as 2024-02-29`);
    }
    // Adding 0 turns -0 into 0.
    this.days = number + 0;
  }

  /** ISO 8601, as far as a `Date` reaches; beyond that the number of days. */
  toString(): string {
    const date = new Date(this.days * MS_PER_DAY);
    return Number.isNaN(date.getTime()) ? `day ${this.days}` : date.toISOString().replace(/T.*/, '');
  }

  toJSON(): string {
    return this.toString();
  }
}

function daysOf(text: string): number {
  const time = /^[-+]?\d{4,6}-\d\d-\d\d$/.test(text) ? Date.parse(`${text}T00:00:00Z`) : NaN;
  const day = new Date(time);
  // Date.parse rolls 30 February over into March.
  return !Number.isNaN(time) && day.toISOString().startsWith(`${text}T`) ? time / MS_PER_DAY : NaN;
}

/** A time of day without a date or a time zone. */
export class PlainTime {
  /** Nanoseconds since midnight. */
  readonly nanos: bigint;

  /** @throws {ValueError} when `nanos` is not within a day */
  constructor(nanos: bigint | number) {
    this.nanos = BigInt(nanos);
    if (this.nanos < 0n || this.nanos >= DAY) {
      throw new ValueError('invalid_value', `${nanos} nanoseconds are not within a day`);
    }
  }

  /** Such as `12:30:00` or `00:00:00.000000001`. */
  toString(): string {
    const seconds = Number(this.nanos / BigInt(SECOND));
    const parts = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60];
    const clock = parts.map((part) => String(part).padStart(2, '0')).join(':');
    const nanos = this.nanos % BigInt(SECOND);
    return nanos === 0n ? clock : `${clock}.${String(nanos).padStart(9, '0')}`;
  }

  toJSON(): string {
    return this.toString();
  }
}

/** A span of time, forward or back. Half a second back is -1 s and 500,000,000 ns: nanoseconds count forward. */
export class Duration {
  readonly seconds: bigint;
  readonly nanos: number;

  /** @throws {ValueError} for seconds beyond 64 bits, or nanoseconds that are not 0 to 999,999,999 */
  constructor(seconds: bigint | number, nanos = 0) {
    this.seconds = BigInt(seconds);
    checkSpan(this.seconds, nanos);
    this.nanos = nanos;
  }

  /** The span of so many milliseconds, which may be negative and have a fraction. */
  static fromMilliseconds(milliseconds: number): Duration {
    const seconds = Math.floor(milliseconds / 1000);
    const nanos = Math.round((milliseconds - seconds * 1000) * 1_000_000);
    return nanos === SECOND ? new Duration(seconds + 1) : new Duration(seconds, nanos);
  }

  /** The span in milliseconds; rounded where a number cannot hold it. */
  toMilliseconds(): number {
    return Number(this.seconds) * 1000 + this.nanos / 1_000_000;
  }
}
