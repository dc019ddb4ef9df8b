import { AsyncLocalStorage } from 'node:async_hooks';

import { WoolError } from './errors.js';
import { native, type RuntimeHandle } from './native.js';
import { uuidText } from './values/uuid.js';

const storage = new AsyncLocalStorage<Task>();

/**
 * The task that the running code belongs to, or `undefined` outside of routines. It follows `await`, timers and
 * callbacks, as `AsyncLocalStorage` does.
 *
 * ```ts
 * runtime.register('http.get', async (url: string) => {
 *   const response = await fetch(url, { signal: currentTask()?.signal });
 *   return response.text();
 * });
 * ```
 */
export function currentTask(): Task | undefined {
  return storage.getStore();
}

/** Runs `body` as a part of `task`. */
export function runIn<T>(task: Task, body: () => T): T {
  return storage.run(task, body);
}

/** One call of a routine, seen by the routine. */
export class Task {
  /** The routine's name. */
  readonly routine: string;
  readonly #runtime: RuntimeHandle;
  readonly #number: number;
  #controller: AbortController | undefined;
  #reason: WoolError | undefined;
  #info: { id: string; caller: string | undefined; workerUid: string } | undefined;
  #ended = false;

  private constructor(runtime: RuntimeHandle, number: number, routine: string) {
    this.#runtime = runtime;
    this.#number = number;
    this.routine = routine;
  }

  /** @internal */
  static create(runtime: RuntimeHandle, number: number, routine: string): Task {
    return new Task(runtime, number, routine);
  }

  /** The task's UUID. */
  get id(): string {
    return this.#identity().id;
  }

  /** The UUID of the task that made this call, if one did. */
  get caller(): string | undefined {
    return this.#identity().caller;
  }

  /** The UUID of the worker that serves the task. */
  get workerUid(): string {
    return this.#identity().workerUid;
  }

  /** Milliseconds until the deadline, or `undefined` if the task has none or has ended. */
  get remaining(): number | undefined {
    if (this.#ended) {
      return undefined;
    }
    const { remaining } = native.taskInfo(this.#runtime, this.#number);
    return remaining < 0 ? undefined : remaining;
  }

  /** Whether the caller has cancelled the task, or the worker stops. */
  get cancelled(): boolean {
    return this.#reason !== undefined;
  }

  /** Aborted when the task is cancelled: hand it to what the routine waits for. */
  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      if (this.#reason !== undefined) {
        this.#controller.abort(this.#reason);
      }
    }
    return this.#controller.signal;
  }

  /** @internal The task has been cancelled. */
  static cancel(task: Task): void {
    if (task.#reason === undefined) {
      task.#reason = new WoolError('CANCELLED', `the task of ${task.routine} was cancelled`);
      task.#controller?.abort(task.#reason);
    }
  }

  /** @internal The task has been answered, and its number may be another's. */
  static end(task: Task): void {
    task.#ended = true;
  }

  #identity(): { id: string; caller: string | undefined; workerUid: string } {
    if (this.#info === undefined) {
      if (this.#ended) {
        throw new WoolError('CLOSED', `the task of ${this.routine} has ended: read its id while it runs`);
      }
      const { id, caller, workerUid } = native.taskInfo(this.#runtime, this.#number);
      this.#info = {
        id: uuidText(id),
        caller: caller.some((byte) => byte !== 0) ? uuidText(caller) : undefined,
        workerUid: uuidText(workerUid),
      };
    }
    return this.#info;
  }
}
