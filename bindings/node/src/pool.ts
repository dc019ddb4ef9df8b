import { call, type CallOptions, type Request } from './call.js';
import { closing } from './closing.js';
import { WoolError } from './errors.js';
import { native, type PoolHandle } from './native.js';
import type { CompletionQueue } from './queue.js';
import { Runtime } from './runtime.js';
import { RemoteStream } from './stream.js';
import type { Raw } from './values/types.js';

export interface WorkerPoolOptions {
  /** Where workers are: `host:port`, or `unix:/path`. */
  addresses: readonly string[];
  /** Default: {@link Runtime.default}. */
  runtime?: Runtime | undefined;
  /** How long a call may wait for a worker, milliseconds. Default 60,000. */
  dispatchTimeout?: number | undefined;
  /** Presented to the workers. */
  secret?: string | undefined;
  /** Dials addresses beyond this machine's loopback without TLS. Default false. */
  allowPlaintext?: boolean | undefined;
  /** Largest payload, bytes. Default 256 MiB. */
  maxPayload?: number | undefined;
}

/** The parameters and the promise of what a routine of type `F` returns. */
export type RemoteFunction<F extends (...args: any[]) => unknown> = (
  ...args: Parameters<F>
) => Promise<Awaited<ReturnType<F>>>;

/** The parameters and the stream of what a generator of type `F` yields. */
export type RemoteGenerator<F extends (...args: any[]) => AsyncIterable<unknown> | Iterable<unknown>> = (
  ...args: Parameters<F>
) => RemoteStream<ReturnType<F> extends AsyncIterable<infer T> | Iterable<infer T> ? T : never>;

/**
 * The caller's view of a set of workers. It connects in the background; an idle pool does not keep the process alive.
 *
 * ```ts
 * await using pool = new WorkerPool({ addresses: ['127.0.0.1:4000'] });
 * const sum = await pool.call<number>('calc.add', [1, 2]);
 * ```
 */
export class WorkerPool implements AsyncDisposable {
  readonly #queue: CompletionQueue;
  readonly #handle: PoolHandle;
  #closed: Promise<void> | undefined;

  /** @throws {WoolError} `INVALID_ARGUMENT` for an address that is none; `CLOSED` if the runtime is */
  constructor(options: WorkerPoolOptions) {
    this.#queue = Runtime.queueOf(options.runtime ?? Runtime.default());
    if (!Array.isArray(options.addresses)) {
      throw new WoolError('INVALID_ARGUMENT', 'addresses is a list such as ["127.0.0.1:4000"]');
    }
    this.#handle = native.createPool(this.#queue.handle, options);
  }

  /**
   * Calls a unary routine and gives what it returned.
   *
   * @param routine its name, such as `calc.add`
   * @param args positional arguments, or `raw(bytes)` to skip the codec
   * @throws {TaskError} what the routine threw
   * @throws {WoolError} every other failure, by `kind`; `ValueError` for arguments that cannot be encoded
   */
  call<T = unknown>(routine: string, args: readonly unknown[] | Raw = [], options: CallOptions = {}): Promise<T> {
    return call(this.#request(routine, args, options)) as Promise<T>;
  }

  /**
   * Calls a stream routine. Errors come from the first `next`.
   *
   * ```ts
   * for await (const n of pool.stream<number>('count.up', [10])) {
   *   if (n > 5) break; // closes the generator and waits for its clean-up
   * }
   * ```
   */
  stream<T = unknown>(
    routine: string,
    args: readonly unknown[] | Raw = [],
    options: CallOptions = {},
  ): RemoteStream<T> {
    return RemoteStream.create<T>(this.#request(routine, args, options));
  }

  /**
   * A function that calls a routine, with the routine's own type.
   *
   * ```ts
   * const add = pool.routine<(a: number, b: number) => Promise<number>>('calc.add');
   * await add(1, 2);
   * ```
   */
  routine<F extends (...args: any[]) => unknown>(routine: string, options: CallOptions = {}): RemoteFunction<F> {
    return (...args) => this.call<Awaited<ReturnType<F>>>(routine, args, options);
  }

  /** Like {@link routine}, for a generator. */
  generator<F extends (...args: any[]) => AsyncIterable<unknown> | Iterable<unknown>>(
    routine: string,
    options: CallOptions = {},
  ): RemoteGenerator<F> {
    return (...args) => this.stream(routine, args, options);
  }

  /** Closes the pool: what is pending ends as `CLOSED`. Idempotent. */
  close(): Promise<void> {
    this.#closed ??= closing(this.#queue, (tag) => native.closePool(this.#handle, tag)).catch((error: unknown) => {
      // With its runtime, the pool has been closed too.
      if (!(error instanceof WoolError && error.kind === 'CLOSED')) {
        throw error;
      }
    });
    return this.#closed;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #request(routine: string, args: readonly unknown[] | Raw, options: CallOptions): Request {
    return { queue: this.#queue, pool: this.#handle, routine, args, options };
  }
}
