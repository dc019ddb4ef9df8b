import type { Request } from './call.js';
import { StreamState } from './stream-state.js';

/** Streams that nobody can read any more free their worker's slot. */
const dropped = new FinalizationRegistry<StreamState>((state) => state.cancel());

/**
 * A generator that runs on a worker, as {@link WorkerPool.stream} gives it. Nothing runs before the first `next`, and
 * the worker runs to the next `yield` only when asked. Leaving a `for await` loop closes the generator and waits for its
 * clean-up.
 *
 * ```ts
 * const total = pool.stream<number, number>('sum.up', [0]);
 * await total.next(); // runs to the first yield
 * const { value } = await total.next(5); // the yield gives 5 to the generator
 * await total.throw(new RangeError('enough')); // the yield throws
 * ```
 *
 * Every method may be called again before the last call was answered; the calls are served in order. Sending and
 * throwing need a stream without `prefetch`.
 *
 * @typeParam T what the generator yields
 * @typeParam In what it is sent
 */
export class RemoteStream<T, In = unknown> implements AsyncGenerator<T, undefined, In | undefined>, AsyncDisposable {
  readonly #state: StreamState;

  private constructor(request: Request) {
    this.#state = new StreamState(request);
    dropped.register(this, this.#state);
  }

  /** @internal */
  static create<T, In>(request: Request): RemoteStream<T, In> {
    return new RemoteStream<T, In>(request);
  }

  /**
   * The next item. A `value` other than `undefined` becomes the result of the `yield` at which the generator waits.
   *
   * @throws {WoolError} `INVALID_ARGUMENT` for a value before the generator has come to its first `yield`, where it
   *   would be lost; the stream stays usable. `ValueError` for what cannot be encoded, likewise
   */
  next(...[value]: [] | [In | undefined]): Promise<IteratorResult<T, undefined>> {
    return this.#state.next(value) as Promise<IteratorResult<T, undefined>>;
  }

  /**
   * Throws `error` at the `yield` at which the generator waits, and gives what it yields next. A worker finds registered
   * errors as what they are (see {@link Runtime.registerError}). What the generator does not catch ends the stream, and
   * comes back as its error. Before the first `next` the generator never begins: the stream is over with this error.
   */
  throw(error: unknown): Promise<IteratorResult<T, undefined>> {
    return this.#state.throw(error) as Promise<IteratorResult<T, undefined>>;
  }

  /** Closes the generator at its `yield` and waits for its clean-up, which may fail. */
  return(): Promise<IteratorResult<T, undefined>> {
    return this.#state.close() as Promise<IteratorResult<T, undefined>>;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.return();
  }
}
