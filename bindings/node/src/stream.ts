import { onAbort } from './abort.js';
import { checkNotAborted, type Request, submit, withReason } from './call.js';
import type { WoolError } from './errors.js';
import { EventKind, native } from './native.js';
import type { CompletionQueue, Waiter } from './queue.js';

/** Streams that nobody can read any more free their worker's slot. */
const dropped = new FinalizationRegistry<StreamState>((state) => state.cancel());

/**
 * A generator that runs on a worker, as {@link WorkerPool.stream} gives it. Nothing runs before the first `next`, and
 * the worker runs to the next `yield` only when asked. Leaving a `for await` loop closes the generator and waits for its
 * clean-up.
 */
export class RemoteStream<T> implements AsyncIterableIterator<T, undefined, undefined>, AsyncDisposable {
  readonly #state: StreamState;

  private constructor(request: Request) {
    this.#state = new StreamState(request);
    dropped.register(this, this.#state);
  }

  /** @internal */
  static create<T>(request: Request): RemoteStream<T> {
    return new RemoteStream<T>(request);
  }

  /** The next item. May be called again before it has come: items arrive in order. */
  next(): Promise<IteratorResult<T, undefined>> {
    return this.#state.next() as Promise<IteratorResult<T, undefined>>;
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

const DONE: IteratorResult<unknown, undefined> = Object.freeze({ value: undefined, done: true });

interface Asked {
  resolve(result: IteratorResult<unknown, undefined>): void;
  reject(error: unknown): void;
}

/** What the queue knows of a stream. Apart from {@link RemoteStream}, so that a dropped one can be collected. */
class StreamState implements Waiter {
  /** The tag of its events; -1 before the first `next`, and when it has ended. */
  #tag = -1;
  #ended = false;
  /** What ended the stream while nobody was waiting: the next `next` throws it. */
  #failure: Error | undefined;
  #offAbort: (() => void) | undefined;
  readonly #items: Asked[] = [];
  readonly #closers: Asked[] = [];

  constructor(private readonly request: Request) {}

  next(): Promise<IteratorResult<unknown, undefined>> {
    return new Promise((resolve, reject) => {
      if (this.#ended) {
        this.#settleEnded(resolve, reject);
        return;
      }
      if (this.#closers.length > 0) {
        resolve(DONE);
        return;
      }
      if (this.#tag < 0) {
        this.#open();
      }
      native.nextItem(this.request.queue.handle, this.#tag, 1);
      this.#wait(this.#items, { resolve, reject });
    });
  }

  close(): Promise<IteratorResult<unknown, undefined>> {
    return new Promise((resolve, reject) => {
      if (this.#ended || this.#tag < 0) {
        this.#ended = true;
        this.#failure = undefined;
        resolve(DONE);
        return;
      }
      native.closeStream(this.request.queue.handle, this.#tag);
      this.#wait(this.#closers, { resolve, reject });
    });
  }

  /** Harmless when it has ended. */
  cancel(): void {
    if (this.#tag >= 0) {
      native.cancelCall(this.request.queue.handle, this.#tag);
    }
  }

  onEvent(kind: number, index: number, queue: CompletionQueue): boolean {
    if (kind === EventKind.ITEM) {
      this.#onItem(index, queue);
      return false;
    }
    this.#end();
    const failure = queue.failureAt(index);
    if (failure === undefined) {
      this.#settle();
    } else {
      this.#fail(withReason(failure, this.request.options.signal));
    }
    return true;
  }

  onGone(error: WoolError): void {
    this.#end();
    this.#fail(error);
  }

  #open(): void {
    const { queue, options } = this.request;
    try {
      checkNotAborted(options.signal);
      this.#tag = submit(this.request, this, native.openStream);
    } catch (error) {
      this.#ended = true;
      throw error;
    }
    if (options.signal !== undefined) {
      const tag = this.#tag;
      this.#offAbort = onAbort(options.signal, () => native.cancelCall(queue.handle, tag));
    }
  }

  #onItem(index: number, queue: CompletionQueue): void {
    const asked = this.#items.shift();
    if (asked === undefined) {
      return;
    }
    queue.release();
    try {
      asked.resolve({ value: queue.valueAt(index), done: false });
    } catch (error) {
      // As with an error thrown in a loop's body: the generator is closed, and the loop sees the error.
      asked.reject(error);
      this.close().catch(() => {});
    }
  }

  #wait(list: Asked[], asked: Asked): void {
    list.push(asked);
    this.request.queue.hold();
  }

  #end(): void {
    this.#tag = -1;
    this.#ended = true;
    this.#offAbort?.();
  }

  /** The first that waits gets the error; if nobody does, the next `next`. */
  #fail(error: Error): void {
    const first = this.#items.shift() ?? this.#closers.shift();
    if (first === undefined) {
      this.#failure = error;
      return;
    }
    this.request.queue.release();
    first.reject(error);
    this.#settle();
  }

  #settle(): void {
    for (const asked of [...this.#items.splice(0), ...this.#closers.splice(0)]) {
      this.request.queue.release();
      asked.resolve(DONE);
    }
  }

  #settleEnded(resolve: Asked['resolve'], reject: Asked['reject']): void {
    const failure = this.#failure;
    this.#failure = undefined;
    if (failure === undefined) {
      resolve(DONE);
    } else {
      reject(failure);
    }
  }
}
