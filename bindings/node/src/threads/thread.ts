import { join } from 'node:path';
import { Worker } from 'node:worker_threads';

import type { Encoded } from '../queue.js';
import type { FromThread, Setup, Start, Told, ToThread } from './messages.js';
import type { ThreadTask } from './task.js';

/** Longest time that a timer can wait. */
const LONGEST = 2 ** 31 - 1;

/** A task's thread ended under it. */
export class ThreadError extends Error {
  static {
    this.prototype.name = 'ThreadError';
  }
}

/** Who has a thread. */
export interface Owner {
  /** Milliseconds that a cancelled task has to end. */
  readonly stopWithin: number;
  /** It has no task any more. */
  onFree(thread: Thread): void;
  /** It has ended. */
  onGone(thread: Thread): void;
}

/** One thread of `node:worker_threads`, from the side of the runtime. Idle, it does not keep the process alive. */
export class Thread {
  readonly #worker: Worker;
  readonly #owner: Owner;
  readonly #cancelled = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT));
  #number = 0;
  #task: ThreadTask | undefined;
  #stopping: NodeJS.Timeout | undefined;
  #uncaught: unknown;
  #ending = false;

  /** @throws {Error} what Node has against another thread */
  constructor(owner: Owner, setup: Omit<Setup, 'kind' | 'cancelled'>, workerData: unknown) {
    this.#owner = owner;
    this.#worker = new Worker(join(__dirname, 'entry.js'), { workerData });
    this.#worker.on('message', (message: FromThread) => this.#onMessage(message));
    this.#worker.on('error', (error: unknown) => {
      this.#uncaught = error;
    });
    this.#worker.on('exit', (code) => this.#onExit(code));
    // Now: a listener for messages makes it count again.
    this.#worker.unref();
    this.#post({ kind: 'setup', ...setup, cancelled: this.#cancelled });
  }

  run(task: ThreadTask, start: Omit<Start, 'kind' | 'task'>): void {
    this.#task = task;
    this.#number++;
    this.#post({ kind: 'start', task: this.#number, ...start }, start.arguments);
  }

  tell(told: Told): void {
    this.#post({ kind: 'step', task: this.#number, told }, told.step === 'send' ? told.value : undefined);
  }

  /** The task has to end now; if it does not, the thread does. */
  cancel(): void {
    Atomics.store(this.#cancelled, 0, this.#number);
    this.#post({ kind: 'cancel', task: this.#number });
    if (this.#stopping === undefined && this.#owner.stopWithin <= LONGEST) {
      this.#stopping = setTimeout(() => void this.terminate(), this.#owner.stopWithin);
    }
  }

  async terminate(): Promise<void> {
    this.#ending = true;
    await this.#worker.terminate();
  }

  /** The memory of `payload` is the thread's from then on. */
  #post(message: ToThread, payload?: Encoded): void {
    this.#worker.postMessage(message, payload === undefined ? [] : [payload.bytes.buffer as ArrayBuffer]);
  }

  #onMessage(message: FromThread): void {
    const task = this.#task;
    if (task === undefined || message.task !== this.#number) {
      return;
    }
    if ('broken' in message) {
      this.#free();
      task.fail(message.broken);
      void this.terminate();
    } else if (task.onAnswer(message.answer)) {
      this.#free();
      if (!this.#ending) {
        this.#owner.onFree(this);
      }
    }
  }

  #onExit(code: number): void {
    const task = this.#task;
    this.#free();
    this.#owner.onGone(this);
    const reason = this.#uncaught === undefined ? `it exited with code ${code}` : 'an exception in it was not caught';
    const message = `the thread ended before its task did: ${reason}`;
    const cause = this.#uncaught === undefined ? {} : { cause: this.#uncaught };
    task?.failBy(new ThreadError(message, cause));
  }

  #free(): void {
    this.#task = undefined;
    clearTimeout(this.#stopping);
    this.#stopping = undefined;
  }
}
