import { runIn } from './ambient.js';
import type { Answer, Running } from './answer.js';
import { WoolError } from './errors.js';
import { Step } from './native.js';
import type { CompletionQueue, Thrown } from './queue.js';

/** A function that can be called from other processes. What it returns is awaited. */
export type Routine = (...args: any[]) => unknown;

/** A function whose iteration can be pulled from other processes; usually an `async function*`. */
export type StreamRoutine = (
  ...args: any[]
) => AsyncIterable<unknown> | Iterable<unknown> | PromiseLike<AsyncIterable<unknown> | Iterable<unknown>>;

type Source = AsyncIterator<unknown> | Iterator<unknown>;

const GENERATORS = [function* () {}, async function* () {}].map((example) => example.constructor);

/** Whether calling `run` makes a generator, as far as can be seen. */
export function isGenerator(run: unknown): boolean {
  return GENERATORS.some((type) => run instanceof type);
}

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

/** What a stream is told, with what came along. */
export type Operation =
  | { readonly step: 'next' | 'close' | 'cancel' }
  | { readonly step: 'send'; readonly value: unknown }
  | { readonly step: 'throw'; readonly thrown: Thrown }
  /** What came along could not be used, or what it yielded could not be sent: closes it, and is its outcome. */
  | { readonly step: 'abort'; readonly error: unknown };

const NEXT: Operation = { step: 'next' };
const CLOSE: Operation = { step: 'close' };
const CANCEL: Operation = { step: 'cancel' };

/** The step that event `index` of the current batch asks for. */
function operationAt(step: number, index: number, queue: CompletionQueue): Operation {
  switch (step) {
    case Step.NEXT:
      return NEXT;
    case Step.SEND:
      try {
        return { step: 'send', value: queue.valueAt(index) };
      } catch (error) {
        return { step: 'abort', error };
      }
    case Step.THROW:
      return { step: 'throw', thrown: queue.thrownAt(index) };
    default:
      return CLOSE;
  }
}

/** A stream's task: pulls from the routine's iterator one step at a time, in the order in which they were asked for. */
export class RunningStream implements Running {
  #iterator: Source | undefined;
  #busy = false;
  /** The last that was thrown into the routine: when it comes out again, it goes back as it came. */
  #thrown: Thrown | undefined;
  readonly #pending: Operation[] = [];

  constructor(
    private readonly run: StreamRoutine,
    private readonly args: readonly unknown[],
    private readonly answer: Answer,
  ) {}

  step(step: number, index: number, queue: CompletionQueue): void {
    this.enqueue(operationAt(step, index, queue));
  }

  cancel(): void {
    this.answer.cancel();
    this.enqueue(CANCEL);
  }

  enqueue(operation: Operation): void {
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
        await this.#perform(operation);
      } catch (error) {
        this.#fail(error);
      }
    }
    this.#busy = false;
  }

  #perform(operation: Operation): Promise<void> {
    switch (operation.step) {
      case 'next':
        return this.#resume((iterator) => iterator.next());
      case 'send':
        return this.#resume((iterator) => iterator.next(operation.value));
      case 'throw':
        this.#thrown = operation.thrown;
        return this.#resume((iterator) => throwInto(iterator, operation.thrown.error));
      case 'abort':
        return this.#abort(operation.error);
      default:
        return this.#finish(operation.step);
    }
  }

  async #resume(resume: (iterator: Source) => ReturnType<Source['next']>): Promise<void> {
    const { done, value } = await runIn(this.answer.task, async () => {
      this.#iterator ??= iteratorOf(await this.run(...this.args));
      return resume(this.#iterator);
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
      await this.#abort(error);
    }
  }

  /** The routine cannot go on behind the caller's back: it is closed before the caller hears of the failure. */
  async #abort(error: unknown): Promise<void> {
    await this.#close();
    throw error;
  }

  async #finish(step: 'close' | 'cancel'): Promise<void> {
    const last = await this.#close();
    if (step === 'cancel') {
      this.answer.fail(new WoolError('CANCELLED', `the stream of ${this.answer.task.routine} was cancelled`));
    } else if (last?.done === false) {
      this.answer.overrun(() => this.answer.item(last.value));
    } else {
      this.answer.end();
    }
    if (last?.done === false) {
      // Nobody waits for it any more, but what is left of its clean-up may matter to the routine.
      await this.#close();
    }
  }

  #fail(error: unknown): void {
    if (this.#thrown !== undefined && error === this.#thrown.error) {
      this.answer.failWith(this.#thrown);
    } else {
      this.answer.fail(error);
    }
  }

  /** Runs the routine's clean-up. A generator that yields there is not done. */
  async #close(): Promise<IteratorResult<unknown> | undefined> {
    const iterator = this.#iterator;
    return iterator?.return === undefined ? undefined : runIn(this.answer.task, () => iterator.return?.());
  }
}

/** An iterator that takes no errors is closed, as `yield*` does it. */
async function throwInto(iterator: Source, error: Error): Promise<IteratorResult<unknown>> {
  if (iterator.throw !== undefined) {
    return iterator.throw(error);
  }
  await iterator.return?.();
  throw error;
}

function iteratorOf(source: AsyncIterable<unknown> | Iterable<unknown>): Source {
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
