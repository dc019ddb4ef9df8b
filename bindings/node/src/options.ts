// Checks of options, so that what is wrong is named where it is written. Absent ones pass.
import { WoolError } from './errors.js';

const MOST_COUNT = 2 ** 31 - 1;

/** @throws {WoolError} `INVALID_ARGUMENT` unless it is an integer from `least` */
export function count(name: string, value: number | undefined, least: number): number | undefined {
  if (value !== undefined && !(Number.isInteger(value) && value >= least && value <= MOST_COUNT)) {
    throw invalid(`${name} is an integer from ${least}, not ${String(value)}`);
  }
  return value;
}

/** A time to wait; `Infinity` has no end. @throws {WoolError} `INVALID_ARGUMENT` */
export function wait(name: string, value: number | undefined): number | undefined {
  if (value !== undefined && !(typeof value === 'number' && value > 0)) {
    throw invalid(`${name} is a number of milliseconds above 0, not ${String(value)}`);
  }
  return value === undefined ? undefined : Math.min(Math.ceil(value), Number.MAX_SAFE_INTEGER);
}

/** As libwool takes it, where -1 is for ever. @throws {WoolError} `INVALID_ARGUMENT` */
export function grace(value: number): number {
  if (typeof value !== 'number' || Number.isNaN(value)) {
    throw invalid(`grace is a number of milliseconds, not ${String(value)}`);
  }
  return value < 0 || value === Infinity ? -1 : Math.min(Math.ceil(value), Number.MAX_SAFE_INTEGER);
}

/** @throws {WoolError} `INVALID_ARGUMENT` unless it is a string */
export function text(name: string, value: string | undefined): string | undefined {
  if (value !== undefined && typeof value !== 'string') {
    throw invalid(`${name} is a string, not ${String(value)}`);
  }
  return value;
}

/** @throws {WoolError} `INVALID_ARGUMENT` unless it is a list of strings */
export function texts(name: string, value: readonly string[] | undefined): readonly string[] | undefined {
  if (value !== undefined && !(Array.isArray(value) && value.every((item) => typeof item === 'string'))) {
    throw invalid(`${name} is a list of strings, not ${typeof value === 'string' ? 'one string' : String(value)}`);
  }
  return value;
}

export function invalid(message: string): WoolError {
  return new WoolError('INVALID_ARGUMENT', message);
}
