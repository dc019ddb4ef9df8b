import { onAbort } from './abort.js';
import { WoolError } from './errors.js';

/** How a call ended. */
export type Outcome<T> =
  | { readonly value: T; readonly error?: undefined }
  | { readonly value?: undefined; readonly error: Error };

/** How far a {@link FanOut} has come. */
export interface Progress {
  /** How many calls there will be; `undefined` while that is not known. */
  readonly total: number | undefined;
  /** Calls that have ended, well or not. */
  readonly done: number;
  /** Of those, the calls that ended with an error. */
  readonly failed: number;
}

/** What a fan-out is made of. */
export interface Plan<Input, Item> {
  readonly inputs: Iterable<Input> | AsyncIterable<Input>;
  readonly total: number | undefined;
  /** The most calls under way. */
  readonly inFlight: number;
  /** Items come in the order of their inputs, not as the calls end. */
  readonly ordered: boolean;
  readonly signal: AbortSignal | undefined;
  call(input: Input, signal: AbortSignal): Promise<unknown>;
  item(input: Input, index: number, outcome: Outcome<unknown>): Item;
}

type Source<Input> = Iterator<Input> | AsyncIterator<Input>;
type Result<Item> = IteratorResult<Item, undefined>;

interface Asked<Item> {
  resolve(result: Result<Item>): void;
  reject(error: unknown): void;
}

/**
 * Many calls of one routine, as an iteration over how they end: what {@link WorkerPool.map} and
 * {@link WorkerPool.broadcast} give. One that fails does not stop the others. Nothing happens before the first `next`;
 * leaving the loop, or `return`, cancels what is under way.
 *
 * @typeParam Item how one call ended
 */
export class FanOut<Item> implements AsyncIterableIterator<Item, undefined>, AsyncDisposable {
  readonly #plan: Plan<any, Item>;
  readonly #controller = new AbortController();
  #source: Source<unknown> | undefined;
  #offAbort: (() => void) | undefined;
  /** Somebody waits for the next input. */
  #taking = false;
  #exhausted = false;
  #left = false;
  /** What ended the inputs. */
  #failure: { readonly error: unknown } | undefined;
  #taken = 0;
  #running = 0;
  /** Calls that have ended, by their place in the iteration. */
  readonly #ready = new Map<number, Item>();
  /** Places that are filled, where items come as the calls end. */
  #filled = 0;
  /** Places that have been given away. */
  #given = 0;
  readonly #asked: Asked<Item>[] = [];
  #total: number | undefined;
  #done = 0;
  #failed = 0;

  private constructor(plan: Plan<any, Item>) {
    this.#plan = plan;
    this.#total = plan.total;
  }

  /** @internal */
  static create<Input, Item>(plan: Plan<Input, Item>): FanOut<Item> {
    return new FanOut(plan);
  }

  /** How far it has come, as of now. */
  get progress(): Progress {
    return { total: this.#total, done: this.#done, failed: this.#failed };
  }

  /** How the next call ended. Rejects with what the inputs threw, once all calls before it have ended. */
  next(): Promise<Result<Item>> {
    return new Promise((resolve, reject) => {
      this.#asked.push({ resolve, reject });
      this.#begin();
      this.#proceed();
    });
  }

  /** Cancels what is under way; whoever waits for an item gets none. */
  async return(): Promise<Result<Item>> {
    this.#leave();
    const closed = this.#source?.return?.();
    if (!this.#taking) {
      await closed;
    } else {
      // The inputs close when they come to it, and nobody is to wait for that.
      Promise.resolve(closed).catch(() => {});
    }
    return { value: undefined, done: true };
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.return();
  }

  #begin(): void {
    const { inputs, signal } = this.#plan;
    if (this.#source !== undefined || this.#left) {
      return;
    }
    if (signal?.aborted === true) {
      this.#abort(signal);
      return;
    }
    try {
      this.#source = Symbol.asyncIterator in inputs ? inputs[Symbol.asyncIterator]() : inputs[Symbol.iterator]();
    } catch (error) {
      this.#exhaust({ error });
      return;
    }
    this.#offAbort = signal && onAbort(signal, () => this.#abort(signal));
  }

  #abort(signal: AbortSignal): void {
    const asked = this.#asked.shift();
    const error = new WoolError('CANCELLED', 'the signal was aborted', { cause: signal.reason });
    if (asked === undefined) {
      this.#failure = { error };
    }
    void this.return().catch(() => {});
    asked?.reject(error);
  }

  #leave(): void {
    this.#left = true;
    this.#ready.clear();
    this.#offAbort?.();
    this.#controller.abort();
    this.#settle();
  }

  #proceed(): void {
    if (this.#wantsMore() && !this.#taking) {
      void this.#take();
    }
    this.#settle();
  }

  /** As many as may be under way, and at most so many more that nobody has taken. */
  #wantsMore(): boolean {
    const { inFlight } = this.#plan;
    const open = this.#running + this.#ready.size;
    return !this.#exhausted && !this.#left && this.#running < inFlight && open < 2 * inFlight;
  }

  /** Never rejects. */
  async #take(): Promise<void> {
    this.#taking = true;
    try {
      while (this.#wantsMore()) {
        const { done, value } = (await this.#source?.next()) ?? { done: true, value: undefined };
        if (this.#left) {
          break;
        }
        if (done === true) {
          this.#exhaust(undefined);
        } else {
          void this.#call(await value);
        }
      }
    } catch (error) {
      this.#exhaust({ error });
    }
    this.#taking = false;
    this.#settle();
  }

  #exhaust(failure: { readonly error: unknown } | undefined): void {
    this.#exhausted = true;
    this.#failure ??= failure;
    if (failure === undefined) {
      this.#total = this.#taken;
    }
  }

  /** Never rejects. */
  async #call(input: unknown): Promise<void> {
    const index = this.#taken++;
    this.#running++;
    let outcome: Outcome<unknown>;
    try {
      outcome = { value: await this.#plan.call(input, this.#controller.signal) };
    } catch (error) {
      outcome = { error: error as Error };
    }
    this.#running--;
    if (!this.#left) {
      this.#done++;
      this.#failed += outcome.error === undefined ? 0 : 1;
      this.#ready.set(this.#plan.ordered ? index : this.#filled++, this.#plan.item(input, index, outcome));
      this.#proceed();
    }
  }

  #settle(): void {
    for (let item = this.#ready.get(this.#given); item !== undefined; item = this.#ready.get(this.#given)) {
      const asked = this.#asked.shift();
      if (asked === undefined) {
        return;
      }
      this.#ready.delete(this.#given++);
      asked.resolve({ value: item, done: false });
    }
    const isOver = this.#left || (this.#exhausted && this.#running === 0 && this.#ready.size === 0);
    if (isOver) {
      this.#settleEnded();
    }
  }

  #settleEnded(): void {
    this.#offAbort?.();
    if (this.#failure !== undefined && this.#asked.length > 0) {
      this.#asked.shift()?.reject(this.#failure.error);
      this.#failure = undefined;
    }
    for (const { resolve } of this.#asked.splice(0)) {
      resolve({ value: undefined, done: true });
    }
  }
}
