import { inspect, type InspectOptions } from 'node:util';

import { hide, nameOf, show, stackOf } from './errors-shown.js';

/**
 * The names of all error kinds, the same in every language. A kind's place in this list, from 1, is its number on the
 * wire and, negated, its status in the C header.
 */
export const ERROR_KINDS = [
  'INVALID_ARGUMENT',
  'NO_WORKERS_AVAILABLE',
  'ROUTINE_NOT_FOUND',
  'ALREADY_EXISTS',
  'REJECTED',
  'BUSY',
  'WORKER_LOST',
  'TASK_FAILED',
  'CANCELLED',
  'DEADLINE_EXCEEDED',
  'TIMEOUT',
  'PAYLOAD_TOO_LARGE',
  'CODEC',
  'HANDSHAKE',
  'PERMISSION_DENIED',
  'PROTOCOL',
  'DISCOVERY',
  'SPAWN_FAILED',
  'IO',
  'UNSUPPORTED',
  'CLOSED',
  'FORKED',
  'PANIC',
  'INTERNAL',
] as const;

/** What went wrong, for programs: compare `error.kind`, not messages. */
export type ErrorKind = (typeof ERROR_KINDS)[number];

/** The status number of a kind, as the native layer takes and gives it. */
export function statusOfKind(kind: ErrorKind): number {
  return -(ERROR_KINDS.indexOf(kind) + 1);
}

/** The kind behind a status number. A number this version does not know is `INTERNAL`. */
export function kindOfStatus(status: number): ErrorKind {
  return ERROR_KINDS[-status - 1] ?? 'INTERNAL';
}

/** The remote side of a failed task, as a {@link TaskError} shows it. */
export interface RemoteFault {
  /** What went wrong, as for every {@link WoolError}: `TASK_FAILED` for what a routine threw. */
  readonly kind: ErrorKind;
  /** Type name in the language that raised it, such as `ValueError`. */
  readonly remoteType: string;
  /** Lines of the remote traceback, outermost first. Empty where the language has none. */
  readonly remoteTraceback: readonly string[];
  /** The worker's language: `python`, `go`, `rust`, `c` or `node`. */
  readonly language: string;
  /** Data that the raised error carried, decoded, or `undefined`. */
  readonly value: unknown;
}

/**
 * Errors that stand for a {@link TaskError}: they have its properties, and `instanceof` finds them, but their class is
 * the one that the routine threw.
 */
const standIns = new WeakSet<object>();

function isStandIn(value: unknown): boolean {
  return typeof value === 'object' && value !== null && standIns.has(value);
}

function isOrdinaryInstance(type: unknown, value: unknown): boolean {
  return Function.prototype[Symbol.hasInstance].call(type, value);
}

/**
 * Every failure of libwool.
 *
 * ```ts
 * try {
 *   await pool.call('calc.add', [1, 2], { timeout: 500 });
 * } catch (error) {
 *   if (error instanceof WoolError && error.kind === 'BUSY') ...
 * }
 * ```
 */
export class WoolError extends Error {
  /** What went wrong. */
  readonly kind: ErrorKind;
  /** True when the task certainly never started, so that it may be sent again without running twice. */
  readonly retryable: boolean;

  static {
    this.prototype.name = 'WoolError';
  }

  constructor(kind: ErrorKind, message: string, options?: { cause?: unknown; retryable?: boolean }) {
    super(message, options !== undefined && 'cause' in options ? { cause: options.cause } : undefined);
    this.kind = kind;
    this.retryable = options?.retryable ?? false;
  }

  static override [Symbol.hasInstance](value: unknown): boolean {
    return isOrdinaryInstance(this, value) || (this === WoolError && isStandIn(value));
  }
}

/**
 * Whether `error` is one that says that the task certainly never started, so that calling again cannot run it twice:
 * {@link WoolError.retryable}, for errors of any kind.
 */
export function retryable(error: unknown): boolean {
  return error instanceof WoolError && error.retryable;
}

/** A remote fault with what it says. */
export type Fault = RemoteFault & { readonly message: string };

/**
 * A task failed on its worker. The message is the remote error's own, `cause` the remote error's cause, `stack` shows
 * the remote traceback.
 *
 * A registered error (see {@link Runtime.registerError}), and a built-in one such as `TypeError` that a Node worker
 * threw, come back as their own class, with the properties of this one: both `instanceof TypeError` and
 * `instanceof TaskError` hold.
 */
export class TaskError extends WoolError implements RemoteFault {
  readonly remoteType: string;
  readonly remoteTraceback: readonly string[];
  readonly language: string;
  readonly value: unknown;

  static {
    this.prototype.name = 'TaskError';
  }

  constructor(fault: Fault, options?: { cause?: unknown; retryable?: boolean }) {
    super(fault.kind, fault.message, options);
    this.remoteType = fault.remoteType;
    this.remoteTraceback = fault.remoteTraceback;
    this.language = fault.language;
    this.value = fault.value;
    hide(this, 'stack', stackOf(this.name, fault));
  }

  static override [Symbol.hasInstance](value: unknown): boolean {
    return isOrdinaryInstance(this, value) || (this === TaskError && isStandIn(value));
  }

  /** @internal */
  [inspect.custom](depth: number, options: InspectOptions): string {
    return show(this, depth, options, this.value === undefined ? {} : { value: this.value });
  }
}

const BUILT_IN = new Map<string, ErrorConstructor>(
  [EvalError, RangeError, ReferenceError, SyntaxError, TypeError, URIError].map((type) => [type.name, type]),
);

/** What a remote fault has besides itself. */
export interface FaultOptions {
  cause?: unknown;
  retryable: boolean;
}

/** The error that a caller gets for a remote fault: a {@link TaskError}, or the built-in class that Node threw. */
export function taskError(fault: Fault, options: FaultOptions): Error {
  const builtIn = fault.kind === 'TASK_FAILED' && fault.language === 'node' && BUILT_IN.get(fault.remoteType);
  return builtIn ? standIn(new builtIn(fault.message), fault, options) : new TaskError(fault, options);
}

/**
 * Makes `error` stand for a {@link TaskError}. What it has itself, it keeps; the rest is hidden, so that its own
 * properties are still what makes it up when it is thrown on.
 */
export function standIn(error: Error, fault: Fault, options: FaultOptions): Error {
  const { kind, remoteType, remoteTraceback, language, value } = fault;
  const properties = { kind, retryable: options.retryable, remoteType, remoteTraceback, language, value };
  const rest = 'cause' in options ? { ...properties, cause: options.cause } : properties;
  for (const [name, property] of Object.entries(rest)) {
    if (!(name in error)) {
      hide(error, name, property);
    }
  }
  hide(error, 'stack', stackOf(nameOf(error), { ...fault, message: error.message }));
  if (!(inspect.custom in error)) {
    hide(error, inspect.custom, function (this: Error, depth: number, inspectOptions: InspectOptions) {
      const own = { ...this };
      return show(this, depth, inspectOptions, Object.keys(own).length === 0 && value !== undefined ? { value } : own);
    });
  }
  standIns.add(error);
  return error;
}

/** The remote side of `error`, if it is one of another process. */
export function remoteOf(error: object): RemoteFault | undefined {
  return isStandIn(error) || isOrdinaryInstance(TaskError, error) ? (error as RemoteFault) : undefined;
}
