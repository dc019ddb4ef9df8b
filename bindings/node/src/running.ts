import type { Answer, Running } from './answer.js';
import { WoolError } from './errors.js';
import { Step } from './native.js';
import { runIn } from './task.js';

/** A function that can be called from other processes. What it returns is awaited. */
export type Routine = (...args: any[]) => unknown;

/** A function whose iteration can be pulled from other processes; usually an `async function*`. */
export type StreamRoutine = (
  ...args: any[]
) => AsyncIterable<unknown> | Iterable<unknown> | PromiseLike<AsyncIterable<unknown> | Iterable<unknown>>;

/** Runs a unary task; its answer may come later. Never throws. */
export function runUnary(run: Routine, args: readonly unknown[], answer: Answer): void {
  try {
    const result = runIn(answer.task, () => run(...args));
    if (isThenable(result)) {
      Promise.resolve(result).then(
        (value) => answer.result(value),
        (error) => answer.fail(error),
      );
    } else {
      answer.result(result);
    }
  } catch (error) {
    answer.fail(error);
  }
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return (
    ((typeof value === 'object' && value !== null) || typeof value === 'function') &&
    typeof (value as { then?: unknown }).then === 'function'
  );
}

type Operation = 'next' | 'close' | 'cancel';

/** A stream's task: pulls from the routine's iterator one step at a time, in the order in which they were asked for. */
export class RunningStream implements Running {
  #iterator: AsyncIterator<unknown> | Iterator<unknown> | undefined;
  #busy = false;
  readonly #pending: Operation[] = [];

  constructor(
    private readonly run: StreamRoutine,
    private readonly args: readonly unknown[],
    private readonly answer: Answer,
  ) {}

  step(step: number): void {
    this.#enqueue(step === Step.NEXT ? 'next' : 'close');
  }

  cancel(): void {
    this.answer.cancel();
    this.#enqueue('cancel');
  }

  #enqueue(operation: Operation): void {
    this.#pending.push(operation);
    if (!this.#busy) {
      void this.#work();
    }
  }

  /** Never rejects: what the routine throws is its answer. */
  async #work(): Promise<void> {
    this.#busy = true;
    for (let operation = this.#pending.shift(); operation !== undefined; operation = this.#pending.shift()) {
      try {
        if (operation === 'next') {
          await this.#next();
        } else {
          await this.#finish(operation);
        }
      } catch (error) {
        this.answer.fail(error);
      }
    }
    this.#busy = false;
  }

  async #next(): Promise<void> {
    const { done, value } = await runIn(this.answer.task, async () => {
      this.#iterator ??= iteratorOf(await this.run(...this.args));
      return this.#iterator.next();
    });
    if (done === true) {
      this.answer.end();
    } else if (!this.answer.task.cancelled) {
      await this.#item(value);
    }
  }

  async #item(value: unknown): Promise<void> {
    try {
      this.answer.item(value);
    } catch (error) {
      // The routine cannot go on behind the caller's back: it is closed before the caller hears of the failure.
      await this.#close();
      throw error;
    }
  }

  async #finish(operation: 'close' | 'cancel'): Promise<void> {
    await this.#close();
    if (operation === 'close') {
      this.answer.end();
    } else {
      this.answer.fail(new WoolError('CANCELLED', `the stream of ${this.answer.task.routine} was cancelled`));
    }
  }

  /** Runs the routine's clean-up. */
  async #close(): Promise<void> {
    const iterator = this.#iterator;
    if (iterator?.return !== undefined) {
      await runIn(this.answer.task, () => iterator.return?.());
    }
  }
}

function iteratorOf(source: AsyncIterable<unknown> | Iterable<unknown>): AsyncIterator<unknown> | Iterator<unknown> {
  const { [Symbol.asyncIterator]: asynchronous, [Symbol.iterator]: synchronous } = source as Partial<
    AsyncIterable<unknown> & Iterable<unknown>
  >;
  if (asynchronous !== undefined) {
    return asynchronous.call(source);
  }
  if (synchronous === undefined) {
    throw new TypeError('a stream routine returns something to iterate over');
  }
  return synchronous.call(source);
}
