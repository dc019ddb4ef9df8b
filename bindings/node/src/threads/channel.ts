import type { AnswerChannel } from '../answer.js';
import { ReceivedContext } from '../context.js';
import type { FaultDescription } from '../native.js';
import type { Encoded } from '../queue.js';
import type { TaskSource } from '../task.js';
import type { Answered, FromThread, Setup, Start } from './messages.js';

/** A task that runs in this thread: its answers go to the runtime's thread. */
export class ThreadChannel implements AnswerChannel, TaskSource {
  constructor(
    private readonly start: Start,
    private readonly setup: Setup,
    private readonly post: (message: FromThread, transfer?: ArrayBuffer[]) => void,
  ) {}

  isCancelled(): boolean {
    return Atomics.load(this.setup.cancelled, 0) === this.start.task;
  }

  info(): ReturnType<TaskSource['info']> {
    const { id, caller, workerUid, deadline } = this.start;
    return { id, caller, workerUid, remaining: deadline === undefined ? -1 : Math.max(0, deadline - Date.now()) };
  }

  context(): ReceivedContext {
    return new ReceivedContext(this.start.context, this.setup.exactFloats);
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
    this.post({ task: this.start.task, answer }, transfer);
  }
}
