import { ambient } from './ambient.js';
import { Bag } from './context.js';
import { WoolError } from './errors.js';
import { native, type PoolHandle } from './native.js';
import type { WorkerPool } from './pool.js';
import type { CompletionQueue } from './queue.js';
import { uuidText } from './values/uuid.js';

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
  return ambient()?.task;
}

/** Who knows about a task. */
export interface TaskSource {
  readonly exactFloats: boolean;
  /** As libwool knows the task. It is good in every thread, and stale when the task has been answered. */
  handle(): bigint;
  /** Whether it is known to be cancelled without an event that says so. */
  isCancelled(): boolean;
  /** Where its calls are answered. @throws {WoolError} `CLOSED` */
  queue(): CompletionQueue;
}

/** What stays the same for as long as the task runs. */
interface Identity {
  readonly id: string;
  readonly caller: string | undefined;
  readonly workerUid: string;
  readonly tag: string;
  readonly peer: readonly string[];
}

/** One call of a routine, seen by the routine. */
export class Task {
  /** The routine's name. */
  readonly routine: string;
  readonly #source: TaskSource;
  #controller: AbortController | undefined;
  #reason: WoolError | undefined;
  #bag: Bag | undefined;
  #pool: WorkerPool | undefined;
  #identity: Identity | undefined;
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
    return this.#known('id').id;
  }

  /** The UUID of the task that made this call, if one did. */
  get caller(): string | undefined {
    return this.#known('caller').caller;
  }

  /** The UUID of the worker that serves the task. */
  get workerUid(): string {
    return this.#known('workerUid').workerUid;
  }

  /** The caller's label for the call ({@link CallOptions.tag}); empty if it has none. */
  get tag(): string {
    return this.#known('tag').tag;
  }

  /** The names that the certificate of the caller holds, DNS names and URIs; none without TLS. */
  get peer(): readonly string[] {
    return this.#known('peer').peer;
  }

  /** Milliseconds until the deadline, or `undefined` if the task has none or has ended. */
  get remaining(): number | undefined {
    if (this.#ended) {
      return undefined;
    }
    const { remaining } = native.taskInfo(this.#source.handle());
    return remaining < 0 ? undefined : remaining;
  }

  /**
   * A value of the task's context as it is now, or `undefined` if it is not there: what came with the call
   * ({@link CallOptions.context}), and what was changed since, by the routine with `context.set`, or by those that it
   * has called. What comes is a copy.
   *
   * ```ts
   * const customer = currentTask()?.context<number>('shop', 'customer');
   * ```
   *
   * @throws {ValueError} for what cannot be decoded
   */
  context<T = unknown>(namespace: string, name: string): T | undefined {
    return Task.bagOf(this).get(namespace, name) as T | undefined;
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
    task.#pool = undefined;
  }

  /** @internal What calls name as their parent; `undefined` when the task has ended. */
  static parentHandle(task: Task): bigint | undefined {
    return task.#ended ? undefined : task.#source.handle();
  }

  /** @internal Its context, which can be had while it runs, and is kept. @throws {WoolError} `CLOSED` */
  static bagOf(task: Task): Bag {
    if (task.#bag === undefined) {
      task.#checkRuns('read its context while it runs');
      task.#bag = new Bag(native.taskContext(task.#source.handle()), task.#source.exactFloats);
    }
    return task.#bag;
  }

  /**
   * @internal Its caller's pool, as `make` makes it.
   *
   * @throws {WoolError} `UNSUPPORTED` when it cannot be used here; `CLOSED` or `CANCELLED` when the task has ended
   */
  static poolOf(task: Task, make: (queue: CompletionQueue, pool: PoolHandle) => WorkerPool): WorkerPool {
    if (task.#ended && task.#reason !== undefined) {
      throw task.#reason;
    }
    if (task.#pool === undefined) {
      task.#checkRuns('make its calls while it runs, or keep its currentPool()');
      const queue = task.#source.queue();
      task.#pool = make(queue, native.taskPool(queue.handle, task.#source.handle()));
    }
    return task.#pool;
  }

  #known(wanted: string): Identity {
    if (this.#identity === undefined) {
      this.#checkRuns(`read its ${wanted} while it runs`);
      const { id, caller, workerUid, tag, peer } = native.taskInfo(this.#source.handle());
      this.#identity = {
        id: uuidText(id),
        caller: caller.some((byte) => byte !== 0) ? uuidText(caller) : undefined,
        workerUid: uuidText(workerUid),
        tag,
        peer,
      };
    }
    return this.#identity;
  }

  #checkRuns(advice: string): void {
    if (this.#ended) {
      throw new WoolError('CLOSED', `the task of ${this.routine} has ended: ${advice}`);
    }
  }
}
