// Errors of JavaScript on their way to another process, and errors of libwool on their way to JavaScript.
import { inspect } from 'node:util';

import { type ErrorRegistry, ownProperties } from './error-registry.js';
import { kindOfStatus, remoteOf, statusOfKind, taskError, WoolError } from './errors.js';
import { nameOf } from './errors-shown.js';
import { Codec, type ErrorDescription, type FaultDescription } from './native.js';
import { decode, encode } from './values/codec.js';
import { ValueError } from './values/error.js';

/** Causes of causes that travel. */
const MOST_CAUSES = 16;

/** Of a stack, from its end: the frames, however long the message before them is. */
const MOST_STACK = 64 * 1024;

/** The error that JavaScript gets for a failure that libwool reports: of its own class where that is registered. */
export function errorFrom(description: ErrorDescription, errors?: ErrorRegistry): Error {
  const { status, message, type = '', language = '', traceback = [], retryable = false } = description;
  const kind = kindOfStatus(status);
  const cause = description.cause === undefined ? {} : { cause: errorFrom(description.cause, errors) };
  if (language === '') {
    return new WoolError(kind, message, { ...cause, retryable });
  }
  const fault = { kind, message, remoteType: type, remoteTraceback: traceback, language, value: dataOf(description) };
  return errors?.errorFor(fault, { ...cause, retryable }) ?? taskError(fault, { ...cause, retryable });
}

function dataOf({ value, codec }: ErrorDescription): unknown {
  if (value === undefined || codec !== Codec.MSGPACK) {
    return value;
  }
  return attempt(() => decode(value), undefined);
}

/**
 * What the other side is told about `thrown`, which may be anything: the worst that a routine throws harms its own task
 * only. What cannot be read or encoded is left out.
 */
export function faultFrom(thrown: unknown, errors: ErrorRegistry): FaultDescription {
  return attempt(
    () => describe(thrown, errors, 0),
    // Proxies and getters can make any look at an object throw.
    failure(typeof thrown, 'something was thrown that cannot be looked at'),
  );
}

/** What `look` gives, unless it throws. */
function attempt<T>(look: () => T, otherwise: T): T {
  try {
    return look();
  } catch {
    return otherwise;
  }
}

function describe(thrown: unknown, errors: ErrorRegistry, causes: number): FaultDescription {
  if (!(thrown instanceof Error)) {
    const type = thrown === null ? 'null' : typeof thrown;
    return failure(type, typeof thrown === 'string' ? thrown : `${inspect(thrown)} was thrown, which is no Error`);
  }
  const registered = attempt(() => errors.describe(thrown), undefined);
  const remote = attempt(() => remoteOf(thrown), undefined);
  const type = registered?.name ?? (remote?.remoteType || attempt(() => nameOf(thrown), 'Error'));
  const fault = failure(
    type,
    attempt(() => String(thrown.message), 'the message cannot be read'),
  );
  // What came from another process and is thrown on still tells where it began.
  fault.traceback = attempt(() => [...(remote?.remoteTraceback ?? tracebackOf(thrown))], []);
  if (thrown instanceof ValueError) {
    fault.status = statusOfKind(thrown.kind);
  }
  const value = attempt(
    () => encoded(registered === undefined ? dataToTell(thrown, remote?.value) : registered.data()),
    undefined,
  );
  if (value !== undefined) {
    fault.value = value;
  }
  const cause = attempt(() => thrown.cause, undefined);
  if (cause !== undefined && cause !== null && causes < MOST_CAUSES) {
    const unseen = failure('object', 'a cause that cannot be looked at');
    fault.cause = attempt(() => describe(cause, errors, causes + 1), unseen);
  }
  return fault;
}

function failure(type: string, message: string): FaultDescription {
  return { status: statusOfKind('TASK_FAILED'), type, message, traceback: [] };
}

/** The frames of the stack, outermost first, one line each, without those that only tell how routines are called. */
function tracebackOf(error: Error): string[] {
  const lines = String(error.stack ?? '')
    .slice(-MOST_STACK)
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line.startsWith('at '))
    .reverse();
  const theirs = lines.filter((line) => !(line.includes(__dirname) || line.includes(' AsyncLocalStorage.run ')));
  return theirs.length === 0 ? lines : theirs;
}

/** Of an error of another process what it brought; else own properties such as `code`. */
function dataToTell(error: Error, remote: unknown): unknown {
  return remote ?? (error instanceof WoolError ? undefined : ownProperties(error));
}

function encoded(data: unknown): Buffer | undefined {
  return data === undefined ? undefined : Buffer.from(encode(data));
}
