import { ambient, runWith } from './ambient.js';
import type { Asking } from './asked.js';
import { balancing } from './balancer.js';
import { call, type CallOptions, type Request, type StreamOptions } from './call.js';
import { closing } from './closing.js';
import { WoolError } from './errors.js';
import type { FanOut } from './fan-out.js';
import { broadcast, type BroadcastOutcome, map, type MapOptions, type MapOutcome } from './map.js';
import { native, type PoolHandle } from './native.js';
import { openOption } from './opened.js';
import { invalid } from './options.js';
import { peerChecking } from './peer-check.js';
import { nativePoolOptions, type WorkerPoolOptions } from './pool-options.js';
import { type PoolStatus, poolStatus } from './pool-status.js';
import type { CompletionQueue } from './queue.js';
import { Runtime } from './runtime.js';
import { RemoteStream } from './stream.js';
import type { Raw } from './values/types.js';

/** The parameters and the promise of what a routine of type `F` returns. */
export type RemoteFunction<F extends (...args: any[]) => unknown> = (
  ...args: Parameters<F>
) => Promise<Awaited<ReturnType<F>>>;

type AnyGenerator = (...args: any[]) => AsyncIterable<unknown> | Iterable<unknown>;
type Yielded<I> = I extends AsyncIterable<infer T> | Iterable<infer T> ? T : never;
type Sent<I> = I extends AsyncGenerator<any, any, infer In> | Generator<any, any, infer In> ? In : unknown;

/** The parameters and the stream of what a generator of type `F` yields, and what it is sent. */
export type RemoteGenerator<F extends AnyGenerator> = (
  ...args: Parameters<F>
) => RemoteStream<Yielded<ReturnType<F>>, Sent<ReturnType<F>>>;

/**
 * The caller's view of a set of workers: those that it starts, finds, or is told of. It does so in the background, and
 * goes on: a worker may come later, or come back.
 *
 * An idle pool does not keep the process alive, and the workers that it has started end with the process.
 *
 * ```ts
 * const pool = new WorkerPool(); // a worker process per core, see `main`
 * const sum = await pool.call<number>('calc.add', [1, 2]);
 * await pool.close();
 * ```
 */
export class WorkerPool implements AsyncDisposable {
  readonly #queue: CompletionQueue;
  readonly #handle: PoolHandle;
  #closed: Promise<void> | undefined;

  /**
   * @throws {WoolError} `INVALID_ARGUMENT` for options that are wrong or contradict each other; `SPAWN_FAILED` when this
   *   program cannot be started again, since it has not come to {@link main}; `DISCOVERY` when workers cannot be found
   *   here at all; `CLOSED` if the runtime is
   */
  constructor(options: WorkerPoolOptions = {}) {
    const { queue, handle } = options instanceof Made ? options : made(options);
    this.#queue = queue;
    this.#handle = handle;
  }

  /** @internal Of a pool that was made already. */
  static of(queue: CompletionQueue, handle: PoolHandle): WorkerPool {
    return new WorkerPool(new Made(queue, handle) as WorkerPoolOptions);
  }

  /** @internal @throws {WoolError} `INVALID_ARGUMENT` for what is no pool */
  static handleOf(option: string, pool: WorkerPool | undefined): PoolHandle | undefined {
    if (pool !== undefined && !(pool instanceof WorkerPool)) {
      throw invalid(`${option} is a WorkerPool, not ${String(pool)}`);
    }
    return pool === undefined ? undefined : pool.#handle;
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
  stream<T = unknown, In = unknown>(
    routine: string,
    args: readonly unknown[] | Raw = [],
    options: StreamOptions = {},
  ): RemoteStream<T, In> {
    return RemoteStream.create<T, In>(this.#request(routine, args, options));
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
  generator<F extends AnyGenerator>(routine: string, options: StreamOptions = {}): RemoteGenerator<F> {
    return (...args) => this.stream(routine, args, options);
  }

  /**
   * Runs `body` with this pool as the one that {@link call}, {@link stream} and {@link currentPool} use, also after
   * `await` and in callbacks: outside of routines, or instead of the pool of the task's caller.
   *
   * ```ts
   * await pool.run(async () => {
   *   await call('calc.add', [1, 2]);
   * });
   * ```
   *
   * @returns what `body` returns
   */
  run<T>(body: () => T): T {
    return runWith({ pool: this }, body);
  }

  /**
   * Calls a unary routine once for each input, and gives how each call ended, as they do. An input is the one argument;
   * {@link args} are all of them, and `raw(bytes)` skips the codec.
   *
   * ```ts
   * const squares = pool.map<number>('calc.square', numbers, { inFlight: 16, ordered: true });
   * for await (const { index, value, error } of squares) {
   *   console.log(index, error ?? value, squares.progress);
   * }
   * ```
   *
   * One that fails does not stop the others. Leaving the loop cancels what is under way.
   *
   * @param inputs taken one by one, when their calls can be made
   * @throws {WoolError} `INVALID_ARGUMENT`
   */
  map<T = unknown>(
    routine: string,
    inputs: Iterable<unknown> | AsyncIterable<unknown>,
    options: MapOptions = {},
  ): FanOut<MapOutcome<T>> {
    return map<T>(this.#target(routine), inputs, options);
  }

  /**
   * Calls a unary routine once on every worker that, at the first `next`, is connected, not draining and serves it, and
   * gives what each answers, as they do. A worker that is lost meanwhile comes with its error.
   *
   * ```ts
   * for await (const { worker, error } of pool.broadcast('cache.clear')) {
   *   if (error !== undefined) console.log(worker, error.message);
   * }
   * ```
   *
   * The first `next` rejects as `NO_WORKERS_AVAILABLE` where no worker is connected and takes calls, and as
   * `ROUTINE_NOT_FOUND` where none of them serves the routine.
   */
  broadcast<T = unknown>(
    routine: string,
    args: readonly unknown[] | Raw = [],
    options: Omit<CallOptions, 'worker'> = {},
  ): FanOut<BroadcastOutcome<T>> {
    return broadcast<T>(this.#target(routine), args, options, () => this.status());
  }

  /** Which workers the pool has and how they are, which it turned away, and why. Cheap enough for a dashboard. */
  status(): PoolStatus {
    return poolStatus(this.#handle);
  }

  /**
   * Closes the pool: what is pending ends as `CLOSED`, and the workers that it has started are stopped. Idempotent.
   *
   * @throws {WoolError} `INVALID_ARGUMENT` for the pool of a task's caller ({@link currentPool}), which other tasks use,
   *   too: it is closed when nobody needs it
   */
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

  #request(routine: string, args: readonly unknown[] | Raw, options: StreamOptions): Request {
    return { queue: this.#queue, pool: this.#handle, routine, args, options, from: ambient() };
  }

  #target(routine: string): Omit<Request, 'args' | 'options'> {
    return { queue: this.#queue, pool: this.#handle, routine, from: ambient() };
  }
}

/** What a pool is made of. */
class Made {
  constructor(
    readonly queue: CompletionQueue,
    readonly handle: PoolHandle,
  ) {}
}

function made(options: WorkerPoolOptions): Made {
  const nativeOptions = nativePoolOptions(options);
  const queue = Runtime.queueOf(options.runtime ?? Runtime.default());
  const opened = openOption('discovery', options.discovery, queue);
  const asking: Asking[] = [];
  try {
    const balanced = balancing(options.balancer, queue);
    asking.push(balanced);
    const checked = peerChecking(options.peerCheck, queue);
    asking.push(checked);
    const handle = native.createPool(queue.handle, {
      ...nativeOptions,
      discovery: opened?.handle,
      balancer: balanced.balancer,
      balanceTag: balanced.tag,
      peerCheckTag: checked.tag,
    });
    asking.forEach((asked) => asked.begin(handle));
    return new Made(queue, handle);
  } catch (error) {
    opened?.close();
    asking.forEach((asked) => asked.cancel());
    throw error;
  }
}
