import { WoolError } from '../errors.js';
import type { ThreadTask } from './task.js';
import { type Owner, Thread } from './thread.js';
import type { ThreadedRoutine } from './threaded.js';

/** The threads of routines that can share them. They start when there are more tasks than threads. */
class ThreadPool implements Owner {
  readonly stopWithin: number;
  readonly #threads = new Set<Thread>();
  readonly #idle: Thread[] = [];
  readonly #waiting = new Set<ThreadTask>();
  #closed = false;

  constructor(
    readonly routine: ThreadedRoutine,
    private readonly exactFloats: boolean,
  ) {
    this.stopWithin = routine.stopWithin;
  }

  submit(task: ThreadTask): void {
    const idle = this.#idle.pop();
    if (this.#closed) {
      task.failBy(new WoolError('CLOSED', 'the runtime is closed, and its threads with it'));
    } else if (idle !== undefined) {
      this.#give(idle, task);
    } else if (this.#threads.size < this.routine.threads) {
      this.#startFor(task);
    } else {
      this.#waiting.add(task);
      task.wait(() => this.#waiting.delete(task));
    }
  }

  onFree(thread: Thread): void {
    const [next] = this.#waiting;
    if (next === undefined) {
      this.#idle.push(thread);
    } else {
      this.#waiting.delete(next);
      this.#give(thread, next);
    }
  }

  onGone(thread: Thread): void {
    this.#threads.delete(thread);
    const at = this.#idle.indexOf(thread);
    if (at >= 0) {
      this.#idle.splice(at, 1);
    }
    const [next] = this.#waiting;
    if (next !== undefined) {
      this.#waiting.delete(next);
      this.submit(next);
    }
  }

  async close(): Promise<void> {
    this.#closed = true;
    await Promise.all([...this.#threads].map((thread) => thread.terminate()));
  }

  #startFor(task: ThreadTask): void {
    const { module, setup, workerData } = this.routine;
    let thread;
    try {
      thread = new Thread(this, { module, setup, exactFloats: this.exactFloats }, workerData);
    } catch (error) {
      task.failBy(error);
      return;
    }
    this.#threads.add(thread);
    this.#give(thread, task);
  }

  #give(thread: Thread, task: ThreadTask): void {
    if (!task.start(thread)) {
      this.onFree(thread);
    }
  }
}

/** The threads of one runtime. */
export class ThreadPools {
  readonly #pools: ThreadPool[] = [];

  /** Those that serve `routine`. */
  of(routine: ThreadedRoutine, exactFloats: boolean): ThreadPool {
    let pool = this.#pools.find((other) => other.routine.isLike(routine));
    if (pool === undefined) {
      pool = new ThreadPool(routine, exactFloats);
      this.#pools.push(pool);
    }
    return pool;
  }

  /** Ends all threads, whatever they do. */
  async close(): Promise<void> {
    await Promise.all(this.#pools.map((pool) => pool.close()));
  }
}
