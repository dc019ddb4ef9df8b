import { statusOfKind, WoolError } from './errors.js';
import { faultFrom } from './fault.js';
import { native, type RuntimeHandle } from './native.js';
import { withValue } from './payload.js';
import { Task } from './task.js';

/** A task from its start to its answer. */
export interface Running {
  step(step: number): void;
  cancel(): void;
}

/** The one answer of a task, and what the task is told meanwhile. */
export class Answer implements Running {
  readonly task: Task;
  #answered = false;

  constructor(
    private readonly runtime: RuntimeHandle,
    private readonly number: number,
    routine: string,
    private readonly onAnswered: () => void,
  ) {
    this.task = Task.create(runtime, number, routine);
  }

  /** Unary tasks have no steps. */
  step(): void {}

  cancel(): void {
    Task.cancel(this.task);
  }

  result(value: unknown): void {
    this.#finish(() =>
      withValue(value, (bytes, length, codec) => native.returnTask(this.runtime, this.number, bytes, length, codec)),
    );
  }

  end(): void {
    this.#finish(() => native.endTask(this.runtime, this.number));
  }

  fail(thrown: unknown): void {
    const fault = faultFrom(thrown);
    if (this.task.cancelled) {
      fault.status = statusOfKind('CANCELLED');
    }
    this.#finish(() => native.failTask(this.runtime, this.number, fault));
  }

  /** Answers one step. @throws {Error} what cannot be encoded or sent */
  item(value: unknown): void {
    withValue(value, (bytes, length, codec) => native.yieldTask(this.runtime, this.number, bytes, length, codec));
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
    const fault = faultFrom(error);
    if (error instanceof WoolError) {
      fault.status = statusOfKind(error.kind);
    }
    try {
      native.failTask(this.runtime, this.number, fault);
    } catch {
      // The caller or the runtime has gone.
      native.dropTask(this.runtime, this.number);
    }
  }
}
