import type { Answer, NativeTask, Running } from '../answer.js';
import { statusOfKind, WoolError } from '../errors.js';
import { type ErrorHandle, type FaultDescription, native, Step } from '../native.js';
import type { Parameters } from '../parameters.js';
import type { CompletionQueue, Encoded } from '../queue.js';
import type { Answered, Told } from './messages.js';
import type { Thread } from './thread.js';
import type { ThreadedRoutine } from './threaded.js';

/** A task that a thread serves, seen from the runtime's side: passes on what it is told, and what it answers. */
export class ThreadTask implements Running {
  #thread: Thread | undefined;
  /** What it was told before it had a thread. */
  readonly #told: Told[] = [];
  /** What was thrown into it last. */
  #thrown: ErrorHandle | undefined;
  /** Takes it out of the queue for a thread. */
  #leave: (() => void) | undefined;

  constructor(
    private readonly task: NativeTask,
    private readonly answer: Answer,
    private readonly kind: number,
    private readonly routine: ThreadedRoutine,
    private readonly parameters: Parameters,
    private readonly args: Encoded,
  ) {}

  /** It waits for a thread. */
  wait(leave: () => void): void {
    this.#leave = leave;
  }

  /** False: it has been answered instead. */
  start(thread: Thread): boolean {
    try {
      thread.run(this, {
        routine: this.answer.task.routine,
        routineKind: this.kind,
        export: this.routine.export,
        parameters: this.parameters.told,
        arguments: this.args,
        handle: this.task.handle(),
      });
    } catch (error) {
      this.answer.fail(error);
      return false;
    }
    this.#thread = thread;
    this.#leave = undefined;
    this.#told.splice(0).forEach((told) => thread.tell(told));
    return true;
  }

  step(step: number, index: number, queue: CompletionQueue): void {
    const told = this.#toldAt(step, index, queue);
    if (this.#thread !== undefined) {
      this.#thread.tell(told);
    } else if (told.step === 'close') {
      this.#leave?.();
      this.answer.end();
    } else {
      this.#told.push(told);
    }
  }

  cancel(): void {
    this.answer.cancel();
    if (this.#thread !== undefined) {
      this.#thread.cancel();
    } else {
      this.#leave?.();
      this.answer.fail(new WoolError('CANCELLED', `${this.#name()} was cancelled before a thread was free for it`));
    }
  }

  /** True: it was the last answer, and the thread is free. */
  onAnswer(answered: Answered): boolean {
    switch (answered.kind) {
      case 'yield':
        this.#item(answered.value);
        return false;
      case 'return':
        this.answer.encodedResult(answered.value);
        return true;
      case 'end':
        this.answer.end();
        return true;
      case 'fail':
        this.answer.failAs(answered.fault);
        return true;
      case 'failWith':
        this.answer.failWith({ error: new Error('thrown into the task'), handle: this.#thrown });
        return true;
    }
  }

  fail(fault: FaultDescription): void {
    this.answer.failAs(fault);
  }

  /** Its thread has ended, or cannot be had. */
  failBy(reason: unknown): void {
    const cancelled = this.answer.task.cancelled;
    this.answer.fail(
      cancelled ? new WoolError('CANCELLED', `${this.#name()} was cancelled, and its thread terminated`) : reason,
    );
  }

  #item(value: Encoded): void {
    try {
      this.answer.encodedItem(value);
    } catch (error) {
      const { kind, message } = error instanceof WoolError ? error : new WoolError('INTERNAL', String(error));
      this.#thread?.tell({ step: 'abort', status: statusOfKind(kind), message });
    }
  }

  #toldAt(step: number, index: number, queue: CompletionQueue): Told {
    switch (step) {
      case Step.NEXT:
        return { step: 'next' };
      case Step.SEND:
        return { step: 'send', value: queue.encodedAt(index) };
      case Step.THROW: {
        const { description, handle } = native.takeThrown(queue.handle, index);
        this.#thrown = handle;
        return { step: 'throw', description };
      }
      default:
        return { step: 'close' };
    }
  }

  #name(): string {
    return `the task of ${this.answer.task.routine}`;
  }
}
