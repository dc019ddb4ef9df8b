import type { PoolHandle } from './native.js';
import type { CompletionQueue } from './queue.js';

const forgotten = new FinalizationRegistry<Asked<WeakKey>>((asked) => asked.forget());

/**
 * A function that a pool is given, and asks by events, for as long as somebody may call by the pool. The queue keeps this,
 * and so this keeps neither the pool nor the function, which may well refer to it.
 */
export class Asked<F extends WeakKey> {
  /** By which the events come. */
  readonly tag: number;
  readonly #queue: CompletionQueue;
  readonly #functions = new WeakMap<PoolHandle, F>();
  #pool: WeakRef<PoolHandle> | undefined;

  /**
   * @param onEvent takes event `index` of the current batch; the function is `undefined` when the pool has gone. It must
   *   not be made where the pool or the function is at hand: closures keep what others made beside them use
   */
  constructor(queue: CompletionQueue, onEvent: (index: number, ask: F | undefined) => void) {
    this.#queue = queue;
    this.tag = queue.tagForSink((index) => onEvent(index, this.#function()));
  }

  /** The pool has been made. */
  begin(pool: PoolHandle, ask: F): void {
    this.#pool = new WeakRef(pool);
    this.#functions.set(pool, ask);
    forgotten.register(pool, this as Asked<WeakKey>);
  }

  /** There is no pool, or no longer one. */
  forget(): void {
    this.#queue.forgetSink(this.tag);
  }

  #function(): F | undefined {
    const pool = this.#pool?.deref();
    return pool && this.#functions.get(pool);
  }
}

/** What a pool's options are told of such a function. */
export interface Asking {
  /** 0: there is none. */
  readonly tag: number;
  /** The pool has been made; or it has not. */
  begin(pool: PoolHandle): void;
  cancel(): void;
}

/** Where there is no such function. */
export const NOBODY: Asking = { tag: 0, begin() {}, cancel() {} };
