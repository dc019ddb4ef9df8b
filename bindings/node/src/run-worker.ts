import { isMainThread } from 'node:worker_threads';

import { WoolError } from './errors.js';
import { grace as checkGrace } from './options.js';
import { Runtime } from './runtime.js';
import { Worker, type WorkerOptions } from './worker.js';

export interface RunWorkerOptions extends WorkerOptions {
  /**
   * Milliseconds that tasks get to end once the worker is to stop: 0 cancels them at once, negative or `Infinity` never.
   * Default `Infinity`.
   */
  grace?: number | undefined;
  /** Is told when the worker serves: its address, its uid. What it throws stops the worker, and is thrown on. */
  started?: ((worker: Worker) => unknown) | undefined;
  /** Whose routines are served. Default: {@link Runtime.default}. */
  runtime?: Runtime | undefined;
}

const SIGNALS = ['SIGTERM', 'SIGINT'] as const;

/**
 * The rest of a program that is a worker: serves until SIGTERM or SIGINT asks it to stop, then is not found any more,
 * takes no new tasks, and lets those that run end. A second signal cancels them at once.
 *
 * ```ts
 * const runtime = new Runtime();
 * runtime.register('calc.add', (a: number, b: number) => a + b);
 * await runWorker({ runtime, publish: new LocalDiscovery('farm'), grace: 30_000 });
 * ```
 *
 * While it runs, the two signals do not end the process; other listeners of the program hear them, too. It also ends
 * when the worker is stopped otherwise, or the runtime closed, and closes no runtime itself.
 *
 * @returns settled when the last task has ended
 * @throws {WoolError} as {@link Runtime.serve}; `UNSUPPORTED` outside of the main thread, where signals are not heard
 */
export async function runWorker(options: RunWorkerOptions = {}): Promise<void> {
  const { grace = Infinity, started, runtime = Runtime.default(), ...workerOptions } = options;
  checkGrace(grace);
  if (!isMainThread) {
    throw new WoolError('UNSUPPORTED', 'only the main thread hears the signals by which a worker is stopped');
  }
  const signals = new Signals();
  try {
    const worker = await runtime.serve(workerOptions);
    try {
      await started?.(worker);
    } catch (error) {
      await worker.close();
      throw error;
    }
    await Promise.race([signals.first, Worker.over(worker)]);
    const stopped = worker.stop(grace);
    // It ends as `stopped` does.
    signals.second.then(() => worker.stop(0)).catch(() => {});
    await stopped;
  } finally {
    signals.close();
  }
}

/** Hears the signals of this process that ask it to end. */
class Signals {
  readonly first: Promise<void>;
  /** Never settles where one is all. */
  readonly second: Promise<void>;
  readonly #onSignal: () => void;

  constructor() {
    const heard: (() => void)[] = [];
    const next = (): Promise<void> => new Promise((resolve) => heard.push(resolve));
    this.first = next();
    this.second = next();
    this.#onSignal = () => heard.shift()?.();
    for (const signal of SIGNALS) {
      process.on(signal, this.#onSignal);
    }
  }

  close(): void {
    for (const signal of SIGNALS) {
      process.off(signal, this.#onSignal);
    }
  }
}
