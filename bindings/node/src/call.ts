import { onAbort } from './abort.js';
import type { Ambient } from './ambient.js';
import { type Context, encodedContext } from './context.js';
import { WoolError } from './errors.js';
import { type CallExtras, native, type PoolHandle } from './native.js';
import { count, invalid } from './options.js';
import { withArguments } from './payload.js';
import type { CompletionQueue, Waiter } from './queue.js';
import { Task } from './task.js';
import type { Raw } from './values/types.js';

/** How one call is made. */
export interface CallOptions {
  /** Cancels the call: the promise rejects at once, and the routine is told while it runs. */
  signal?: AbortSignal | undefined;
  /**
   * Budget of the whole call in milliseconds, enforced at both ends: past it the call ends as `DEADLINE_EXCEEDED`. No
   * time left (0) does so at once, a negative one is `INVALID_ARGUMENT`. Default: none.
   */
  timeout?: number | undefined;
  /** How long the call may wait for a worker, milliseconds. Default: the pool's. */
  dispatchTimeout?: number | undefined;
  /** Arguments by name, after the positional ones. */
  named?: Readonly<Record<string, unknown>> | undefined;
  /** A text that rides along for logs and events. */
  tag?: string | undefined;
  /**
   * Values that ride along, for the worker's admission hook ({@link AdmissionRequest.context}) and the routine
   * ({@link Task.context}): `{ shop: { customer: 7 } }`. They are those of this call alone, on top of the context that
   * it is made in (see `context`). The names and encodings of all have at most 64 KiB together; more is
   * `PAYLOAD_TOO_LARGE`.
   */
  context?: Context | undefined;
  /**
   * The `uid` of the only worker that may have the call, as {@link WorkerStatus} tells it. One that is not of the pool
   * (any more) is `NO_WORKERS_AVAILABLE`: at once, or after `dispatchTimeout` while it may still come.
   */
  worker?: string | undefined;
}

/** How a stream is opened. */
export interface StreamOptions extends CallOptions {
  /**
   * Budget of each step in milliseconds, from asking for an item until it comes; past it the stream ends as
   * `DEADLINE_EXCEEDED`, and the routine is cancelled. As `timeout` otherwise.
   */
  stepTimeout?: number | undefined;
  /**
   * How many items the worker may be ahead: that many are asked for at the first `next`, and again when half of them
   * have been taken, so that no more are ever kept here. For plain iteration: nothing can be sent or thrown. Default:
   * none, and the worker runs to the next `yield` only when asked.
   */
  prefetch?: number | undefined;
}

/** What is called, and from where. */
export interface Request {
  readonly queue: CompletionQueue;
  readonly pool: PoolHandle;
  readonly routine: string;
  readonly args: readonly unknown[] | Raw;
  readonly options: StreamOptions;
  /** Where it was made. */
  readonly from: Ambient | undefined;
}

/** Sends a unary call. Rejects, never throws. */
export function call(request: Request): Promise<unknown> {
  return new Promise((resolve, reject) => {
    new Call(request, resolve, reject).submit();
  });
}

class Call implements Waiter {
  #offAbort: (() => void) | undefined;

  constructor(
    private readonly request: Request,
    private readonly resolve: (value: unknown) => void,
    private readonly reject: (error: unknown) => void,
  ) {}

  submit(): void {
    const { queue, options } = this.request;
    checkNotAborted(options.signal);
    const tag = submit(this.request, this, native.submitCall);
    queue.hold();
    if (options.signal !== undefined) {
      this.#offAbort = onAbort(options.signal, () => native.cancelCall(queue.handle, tag));
    }
  }

  onEvent(_kind: number, index: number, queue: CompletionQueue): boolean {
    this.#ended();
    const failure = queue.failureAt(index);
    if (failure !== undefined) {
      this.reject(withReason(failure, this.request.options.signal));
      return true;
    }
    try {
      this.resolve(queue.valueAt(index));
    } catch (error) {
      this.reject(error);
    }
    return true;
  }

  onGone(error: WoolError): void {
    this.#ended();
    this.reject(error);
  }

  #ended(): void {
    this.#offAbort?.();
    this.request.queue.release();
  }
}

/** Submits a call or opens a stream; gives the tag of its events. @throws {WoolError} */
export function submit(request: Request, waiter: Waiter, send: typeof native.submitCall): number {
  const { queue, pool, routine, args, options } = request;
  const timeout = budget('timeout', options.timeout);
  const dispatchTimeout = budget('dispatchTimeout', options.dispatchTimeout);
  const stepTimeout = budget('stepTimeout', options.stepTimeout);
  const prefetch = count('prefetch', options.prefetch, 0) ?? 0;
  const extras = extrasOf(request);
  const tag = queue.tagFor(waiter);
  try {
    withArguments(args, options.named, (bytes, length, codec) => {
      const label = options.tag ?? '';
      send(
        pool,
        tag,
        routine,
        bytes,
        length,
        codec,
        timeout,
        dispatchTimeout,
        label,
        stepTimeout,
        prefetch,
        extras,
      );
    });
  } catch (error) {
    queue.forget(tag);
    throw error;
  }
  return tag;
}

/** What the call has beside the usual, if it has any of it. @throws {WoolError} */
function extrasOf({ from, options }: Request): CallExtras | undefined {
  const { worker } = options;
  if (worker !== undefined && (typeof worker !== 'string' || worker === '')) {
    throw invalid(`worker is the uid of a worker, not ${worker === '' ? 'an empty string' : String(worker)}`);
  }
  if (from === undefined && options.context === undefined && worker === undefined) {
    return undefined;
  }
  return {
    context: options.context === undefined ? undefined : encodedContext(options.context),
    // Of a task that has ended, what goes on is nobody's.
    parent: from?.task && Task.parentHandle(from.task),
    bag: from?.bag?.handle,
    worker,
  };
}

/** Milliseconds from which on a budget has no end: some 285,000 years. */
const LONGEST = Number.MAX_SAFE_INTEGER;

/** Milliseconds as libwool takes them, where 0 is none. */
function budget(name: string, milliseconds: number | undefined): number {
  if (milliseconds === undefined) {
    return 0;
  }
  if (typeof milliseconds !== 'number' || !(milliseconds >= 0)) {
    throw invalid(`${name} is a number of milliseconds from 0, not ${String(milliseconds)}`);
  }
  if (milliseconds === 0) {
    throw new WoolError('DEADLINE_EXCEEDED', `no time is left: ${name} is 0 ms`);
  }
  return milliseconds > LONGEST ? 0 : Math.ceil(milliseconds);
}

/** @throws {WoolError} `CANCELLED` */
export function checkNotAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted) {
    throw new WoolError('CANCELLED', 'the signal was aborted before the call was made', { cause: signal.reason });
  }
}

/** A cancellation by signal says why: the signal's reason is its cause. */
export function withReason(error: Error, signal: AbortSignal | undefined): Error {
  if (signal?.aborted && error instanceof WoolError && error.kind === 'CANCELLED') {
    error.cause ??= signal.reason;
  }
  return error;
}
