// Errors of JavaScript on their way to a caller, and errors of libwool on their way to JavaScript.
import { inspect } from 'node:util';

import { kindOfStatus, statusOfKind, taskError, WoolError } from './errors.js';
import { Codec, type ErrorDescription, type FaultDescription } from './native.js';
import { decode, encode } from './values/codec.js';
import { ValueError } from './values/error.js';

/** Causes of causes that travel. */
const MOST_CAUSES = 16;

/** The error that JavaScript gets for a failure that libwool reports. */
export function errorFrom(description: ErrorDescription): Error {
  const { status, message, type = '', language = '', traceback = [], retryable = false } = description;
  const kind = kindOfStatus(status);
  const cause = description.cause === undefined ? {} : { cause: errorFrom(description.cause) };
  if (language === '') {
    return new WoolError(kind, message, { ...cause, retryable });
  }
  const fault = { kind, message, remoteType: type, remoteTraceback: traceback, language, value: dataOf(description) };
  return taskError(fault, { ...cause, retryable });
}

function dataOf({ value, codec }: ErrorDescription): unknown {
  if (value === undefined || codec !== Codec.MSGPACK) {
    return value;
  }
  try {
    return decode(value);
  } catch {
    // The error matters more than the data it brings.
    return undefined;
  }
}

/** What a caller is told about `thrown`, which may be anything: a routine's worst harms its own task only. */
export function faultFrom(thrown: unknown): FaultDescription {
  try {
    return describe(thrown, 0);
  } catch {
    // Proxies and getters can make any look at an object throw.
    return failure(typeof thrown, 'the routine threw something that cannot be looked at');
  }
}

function describe(thrown: unknown, causes: number): FaultDescription {
  if (!(thrown instanceof Error)) {
    const type = thrown === null ? 'null' : typeof thrown;
    return failure(
      type,
      typeof thrown === 'string' ? thrown : `the routine threw ${inspect(thrown)}, which is no Error`,
    );
  }
  const fault = failure(typeName(thrown), String(thrown.message));
  fault.traceback = tracebackOf(thrown);
  if (thrown instanceof ValueError) {
    fault.status = statusOfKind(thrown.kind);
  }
  const value = encodedData(thrown);
  if (value !== undefined) {
    fault.value = value;
  }
  if (thrown.cause !== undefined && thrown.cause !== null && causes < MOST_CAUSES) {
    fault.cause = describe(thrown.cause, causes + 1);
  }
  return fault;
}

function failure(type: string, message: string): FaultDescription {
  return { status: statusOfKind('TASK_FAILED'), type, message, traceback: [] };
}

/** The name an error goes by: its `name`, unless that says no more than `Error`. */
function typeName(error: Error): string {
  const name = String(error.name);
  return name === 'Error' || name === '' ? error.constructor?.name || 'Error' : name;
}

/** The frames of the stack, outermost first, one line each. */
function tracebackOf(error: Error): string[] {
  const lines = String(error.stack ?? '').split('\n');
  return lines
    .map((line) => line.trim())
    .filter((line) => line.startsWith('at '))
    .reverse();
}

/** Own properties such as `code`, if there are any and they can be encoded. */
function encodedData(error: Error): Buffer | undefined {
  const entries = Object.entries(error).filter(([name]) => name !== 'name' && name !== 'cause');
  if (entries.length === 0 || error instanceof WoolError) {
    return undefined;
  }
  try {
    return Buffer.from(encode(Object.fromEntries(entries)));
  } catch {
    return undefined;
  }
}
