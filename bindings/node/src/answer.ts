import type { ErrorRegistry } from './error-registry.js';
import { statusOfKind, WoolError } from './errors.js';
import { faultFrom } from './fault.js';
import { type FaultDescription, native, type RuntimeHandle } from './native.js';
import { withValue } from './payload.js';
import type { CompletionQueue, Encoded, Thrown } from './queue.js';
import { Task, type TaskSource } from './task.js';

/** A task from its start to its answer. */
export interface Running {
  /** Does a step: event `index` of the current batch. */
  step(step: number, index: number, queue: CompletionQueue): void;
  cancel(): void;
}

/** Where a task's answers go. Each may throw; after `drop` the task cannot be answered any more. */
export interface AnswerChannel {
  return(bytes: Uint8Array, length: number, codec: number): void;
  yield(bytes: Uint8Array, length: number, codec: number): void;
  end(): void;
  fail(fault: FaultDescription): void;
  /** Fails with what was thrown into the task, as it came. */
  failWith(thrown: Thrown): void;
  drop(): void;
}

/** A task of this process, as the addon knows it. */
export class NativeTask implements AnswerChannel, TaskSource {
  readonly exactFloats: boolean;
  private readonly runtime: RuntimeHandle;
  #handle: bigint | undefined;

  constructor(
    private readonly answered: CompletionQueue,
    private readonly number: number,
  ) {
    this.exactFloats = answered.exactFloats;
    this.runtime = answered.handle;
  }

  handle(): bigint {
    this.#handle ??= native.taskHandle(this.runtime, this.number);
    return this.#handle;
  }

  /** That it was cancelled comes as an event, to {@link Running.cancel}. */
  isCancelled(): boolean {
    return false;
  }

  queue(): CompletionQueue {
    return this.answered;
  }

  return(bytes: Uint8Array, length: number, codec: number): void {
    native.returnTask(this.runtime, this.number, bytes, length, codec);
  }

  yield(bytes: Uint8Array, length: number, codec: number): void {
    native.yieldTask(this.runtime, this.number, bytes, length, codec);
  }

  end(): void {
    native.endTask(this.runtime, this.number);
  }

  fail(fault: FaultDescription): void {
    native.failTask(this.runtime, this.number, fault);
  }

  failWith(thrown: Thrown): void {
    if (thrown.handle === undefined) {
      throw thrown.error;
    }
    native.failTaskWith(this.runtime, this.number, thrown.handle);
  }

  drop(): void {
    native.dropTask(this.runtime, this.number);
  }
}

/** The one answer of a task, and what the task is told meanwhile. */
export class Answer implements Running {
  readonly task: Task;
  #answered = false;

  constructor(
    private readonly channel: AnswerChannel & TaskSource,
    routine: string,
    private readonly errors: ErrorRegistry,
    private readonly onAnswered: () => void,
  ) {
    this.task = Task.create(channel, routine);
  }

  /** Unary tasks have no steps. */
  step(): void {}

  cancel(): void {
    Task.cancel(this.task);
  }

  result(value: unknown): void {
    this.#finish(() => withValue(value, (bytes, length, codec) => this.channel.return(bytes, length, codec)));
  }

  encodedResult({ bytes, codec }: Encoded): void {
    this.#finish(() => this.channel.return(bytes, bytes.length, codec));
  }

  end(): void {
    this.#finish(() => this.channel.end());
  }

  fail(thrown: unknown): void {
    this.failAs(faultFrom(thrown, this.errors));
  }

  failAs(fault: FaultDescription): void {
    if (this.task.cancelled) {
      fault.status = statusOfKind('CANCELLED');
    }
    this.#finish(() => this.channel.fail(fault));
  }

  /** Fails with what was thrown into the task and not caught. */
  failWith(thrown: Thrown): void {
    if (this.task.cancelled) {
      this.fail(thrown.error);
    } else {
      this.#finish(() => this.channel.failWith(thrown));
    }
  }

  /** Answers one step. @throws {Error} what cannot be encoded or sent */
  item(value: unknown): void {
    withValue(value, (bytes, length, codec) => this.channel.yield(bytes, length, codec));
  }

  /** The same. @throws {Error} */
  encodedItem({ bytes, codec }: Encoded): void {
    this.channel.yield(bytes, bytes.length, codec);
  }

  /** The routine yielded once more after its stream was closed. That is a failure, and libwool answers it as one. */
  overrun(yieldItem: () => void): void {
    this.#finish(() => {
      yieldItem();
      // Nothing refused it: the task still waits for its answer.
      this.channel.end();
    });
  }

  #finish(send: () => void): void {
    if (this.#answered) {
      return;
    }
    this.#answered = true;
    try {
      send();
    } catch (error) {
      this.#failInstead(error);
    }
    Task.end(this.task);
    this.onAnswered();
  }

  /** An answer could not be encoded or sent: the caller is told why, unless it cannot be reached at all. */
  #failInstead(error: unknown): void {
    const fault = faultFrom(error, this.errors);
    if (error instanceof WoolError) {
      fault.status = statusOfKind(error.kind);
    }
    try {
      this.channel.fail(fault);
    } catch {
      // The caller or the runtime has gone.
      this.channel.drop();
    }
  }
}
