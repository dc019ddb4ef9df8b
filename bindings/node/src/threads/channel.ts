import type { AnswerChannel } from '../answer.js';
import type { FaultDescription } from '../native.js';
import type { CompletionQueue, Encoded } from '../queue.js';
import type { TaskSource } from '../task.js';
import type { Answered, FromThread, Setup, Start } from './messages.js';

/** What all tasks of a thread share. */
export interface ThreadSide {
  readonly setup: Setup;
  /** Where the calls of its tasks are answered. */
  queue(): CompletionQueue;
  post(message: FromThread, transfer?: ArrayBuffer[]): void;
}

/** A task that runs in this thread: its answers go to the runtime's thread. */
export class ThreadChannel implements AnswerChannel, TaskSource {
  readonly exactFloats: boolean;

  constructor(
    private readonly start: Start,
    private readonly side: ThreadSide,
  ) {
    this.exactFloats = side.setup.exactFloats;
  }

  handle(): bigint {
    return this.start.handle;
  }

  isCancelled(): boolean {
    return Atomics.load(this.side.setup.cancelled, 0) === this.start.task;
  }

  queue(): CompletionQueue {
    return this.side.queue();
  }

  return(bytes: Uint8Array, length: number, codec: number): void {
    this.#answerWith('return', bytes, length, codec);
  }

  yield(bytes: Uint8Array, length: number, codec: number): void {
    this.#answerWith('yield', bytes, length, codec);
  }

  end(): void {
    this.#answer({ kind: 'end' });
  }

  fail(fault: FaultDescription): void {
    this.#answer({ kind: 'fail', fault });
  }

  failWith(): void {
    this.#answer({ kind: 'failWith' });
  }

  /** Nothing is left to say. */
  drop(): void {}

  #answerWith(kind: 'return' | 'yield', bytes: Uint8Array, length: number, codec: number): void {
    // With memory of its own, which then belongs to the other thread.
    const own = new Uint8Array(length);
    own.set(bytes.subarray(0, length));
    const value: Encoded = { bytes: own, codec };
    this.#answer({ kind, value }, [own.buffer]);
  }

  #answer(answer: Answered, transfer?: ArrayBuffer[]): void {
    this.side.post({ task: this.start.task, answer }, transfer);
  }
}
