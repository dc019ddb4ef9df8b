import { onAbort } from './abort.js';
import { checkNotAborted, type Request, submit, withReason } from './call.js';
import type { WoolError } from './errors.js';
import { faultFrom } from './fault.js';
import { EventKind, native } from './native.js';
import { invalid } from './options.js';
import { withValue } from './payload.js';
import type { CompletionQueue, Waiter } from './queue.js';

type Result = IteratorResult<unknown, undefined>;

const DONE: Result = Object.freeze({ value: undefined, done: true });

interface Asked {
  resolve(result: Result): void;
  reject(error: unknown): void;
}

/** A call of a method of the stream. `value` is what is sent or thrown. */
interface Step extends Asked {
  readonly kind: 'next' | 'send' | 'throw' | 'close';
  readonly value: unknown;
}

/** What has arrived for a `next`. */
type Arrived = { readonly value: unknown } | { readonly error: unknown };

/** What the queue knows of a stream. Apart from {@link RemoteStream}, so that a dropped one can be collected. */
export class StreamState implements Waiter {
  /** The tag of its events; -1 before the first `next`, and when it has ended. */
  #tag = -1;
  #ended = false;
  /** What ended the stream while nobody was waiting: the next `next` throws it. */
  #failure: Error | undefined;
  #offAbort: (() => void) | undefined;
  /** Calls whose turn has not come. */
  readonly #steps: Step[] = [];
  /** Who waits for items, in order. */
  readonly #items: Asked[] = [];
  readonly #closers: Asked[] = [];
  /** Items that came before they were wanted; only with prefetch. */
  readonly #ahead: Arrived[] = [];
  /** Items that were asked for and not taken; only with prefetch. */
  #owed = 0;
  readonly #prefetch: number;

  constructor(private readonly request: Request) {
    this.#prefetch = request.options.prefetch ?? 0;
  }

  next(value: unknown): Promise<Result> {
    return this.#enqueue(value === undefined ? 'next' : 'send', value);
  }

  throw(error: unknown): Promise<Result> {
    return this.#enqueue('throw', error);
  }

  close(): Promise<Result> {
    return this.#enqueue('close', undefined);
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
    this.#proceed();
    return true;
  }

  onGone(error: WoolError): void {
    this.#end();
    this.#fail(error);
    this.#proceed();
  }

  #enqueue(kind: Step['kind'], value: unknown): Promise<Result> {
    return new Promise((resolve, reject) => {
      this.#steps.push({ kind, value, resolve, reject });
      this.#proceed();
    });
  }

  /** Begins the calls whose turn has come: what speaks to a `yield` waits until the generator has come to it. */
  #proceed(): void {
    for (let step = this.#steps[0]; step !== undefined; step = this.#steps[0]) {
      const speaks = step.kind === 'send' || step.kind === 'throw';
      if (speaks && this.#items.length > 0) {
        return;
      }
      this.#steps.shift();
      try {
        this.#begin(step);
      } catch (error) {
        step.reject(error);
      }
    }
  }

  #begin(step: Step): void {
    const arrived = step.kind === 'next' ? this.#ahead.shift() : undefined;
    if (step.kind === 'close') {
      this.#close(step);
    } else if (arrived !== undefined) {
      this.#keepAsking();
      this.#give(step, arrived);
    } else if (this.#ended) {
      this.#settleEnded(step);
    } else if (this.#closers.length > 0) {
      step.resolve(DONE);
    } else if (step.kind === 'next') {
      this.#next(step);
    } else {
      this.#speak(step);
    }
  }

  #next(step: Step): void {
    if (this.#tag < 0) {
      this.#open();
    }
    if (this.#prefetch > 1) {
      this.#keepAsking();
    } else {
      native.nextItem(this.request.queue.handle, this.#tag, 1);
    }
    this.#wait(this.#items, step);
  }

  /** Sends or throws. @throws {WoolError} the stream stays usable */
  #speak(step: Step): void {
    const { queue } = this.request;
    if (this.#prefetch > 0) {
      throw invalid('a stream with prefetch runs ahead, so that nothing can be sent or thrown: open it without');
    }
    if (this.#tag < 0 && step.kind === 'send') {
      throw invalid('the generator has not begun, and would lose the value: call next() first');
    }
    if (this.#tag < 0) {
      this.#ended = true;
      step.reject(step.value);
      return;
    }
    if (step.kind === 'send') {
      withValue(step.value, (bytes, length, codec) => native.sendItem(queue.handle, this.#tag, bytes, length, codec));
    } else {
      native.throwItem(queue.handle, this.#tag, faultFrom(step.value, queue.errors));
    }
    this.#wait(this.#items, step);
  }

  #close(step: Step): void {
    this.#ahead.length = 0;
    if (this.#ended || this.#tag < 0) {
      this.#ended = true;
      this.#failure = undefined;
      step.resolve(DONE);
      return;
    }
    native.closeStream(this.request.queue.handle, this.#tag);
    this.#wait(this.#closers, step);
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

  /** With prefetch: asks again when half of it is used up, so that not every item costs a crossing. */
  #keepAsking(): void {
    if (this.#prefetch > 1 && this.#tag >= 0 && this.#owed <= this.#prefetch / 2) {
      native.nextItem(this.request.queue.handle, this.#tag, this.#prefetch - this.#owed);
      this.#owed = this.#prefetch;
    }
  }

  #onItem(index: number, queue: CompletionQueue): void {
    let arrived: Arrived;
    try {
      arrived = { value: queue.valueAt(index) };
    } catch (error) {
      arrived = { error };
    }
    const asked = this.#items.shift();
    if (asked !== undefined) {
      queue.release();
      this.#give(asked, arrived);
      if (this.#items.length > 0) {
        this.#keepAsking();
      }
      this.#proceed();
    } else if (this.#closers.length === 0) {
      this.#ahead.push(arrived);
    }
  }

  #give(asked: Asked, arrived: Arrived): void {
    this.#owed--;
    if ('value' in arrived) {
      asked.resolve({ value: arrived.value, done: false });
    } else {
      // As with an error thrown in a loop's body: the generator is closed, and the loop sees the error.
      asked.reject(arrived.error);
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

  /** The first that waits gets the error; if nobody does, the next `next` after what has arrived. */
  #fail(error: Error): void {
    if (this.request.options.signal?.aborted === true) {
      this.#ahead.length = 0;
    }
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

  #settleEnded({ resolve, reject }: Asked): void {
    const failure = this.#failure;
    this.#failure = undefined;
    if (failure === undefined) {
      resolve(DONE);
    } else {
      reject(failure);
    }
  }
}
