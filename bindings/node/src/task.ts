import { AsyncLocalStorage } from 'node:async_hooks';

import type { ReceivedContext } from './context.js';
import { WoolError } from './errors.js';
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

/** Who knows about a task. */
export interface TaskSource {
  /** Whether it is known to be cancelled without an event that says so. */
  isCancelled(): boolean;
  /** UUIDs as 16 bytes each, `caller` all zeros for none; `remaining` is -1 for no deadline, else milliseconds. */
  info(): { id: Uint8Array; caller: Uint8Array; workerUid: Uint8Array; remaining: number };
  context(): ReceivedContext;
}

/** One call of a routine, seen by the routine. */
export class Task {
  /** The routine's name. */
  readonly routine: string;
  readonly #source: TaskSource;
  #controller: AbortController | undefined;
  #reason: WoolError | undefined;
  #context: ReceivedContext | undefined;
  #info: { id: string; caller: string | undefined; workerUid: string } | undefined;
  #ended = false;

  private constructor(source: TaskSource, routine: string) {
    this.#source = source;
    this.routine = routine;
  }

  /** @internal */
  static create(source: TaskSource, routine: string): Task {
    return new Task(source, routine);
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
    const { remaining } = this.#source.info();
    return remaining < 0 ? undefined : remaining;
  }

  /**
   * A value that rides along with the call ({@link CallOptions.context}), or `undefined` if it is not there. What comes
   * is a copy.
   *
   * ```ts
   * const customer = currentTask()?.context<number>('shop', 'customer');
   * ```
   *
   * @throws {ValueError} for what cannot be decoded
   */
  context<T = unknown>(namespace: string, name: string): T | undefined {
    if (this.#context === undefined) {
      this.#checkRuns('context');
      this.#context = this.#source.context();
    }
    return this.#context.get(namespace, name) as T | undefined;
  }

  /**
   * Whether the caller has cancelled the task, or the worker stops. In a thread (see `threaded`) it changes while the
   * routine computes: look at it in long loops.
   */
  get cancelled(): boolean {
    if (this.#reason === undefined && !this.#ended && this.#source.isCancelled()) {
      Task.cancel(this);
    }
    return this.#reason !== undefined;
  }

  /** Aborted when the task is cancelled: hand it to what the routine waits for. */
  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      if (this.cancelled) {
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
      this.#checkRuns('id');
      const { id, caller, workerUid } = this.#source.info();
      this.#info = {
        id: uuidText(id),
        caller: caller.some((byte) => byte !== 0) ? uuidText(caller) : undefined,
        workerUid: uuidText(workerUid),
      };
    }
    return this.#info;
  }

  #checkRuns(wanted: string): void {
    if (this.#ended) {
      throw new WoolError('CLOSED', `the task of ${this.routine} has ended: read its ${wanted} while it runs`);
    }
  }
}
