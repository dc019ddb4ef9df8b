import { availableParallelism } from 'node:os';
import { isAbsolute } from 'node:path';
import { pathToFileURL } from 'node:url';

import { count, invalid, wait } from '../options.js';

export interface ThreadedOptions {
  /** The export of the module that is the routine. Default `default`. */
  export?: string | undefined;
  /** The most threads, each of which serves one task at a time. Default: one per core. */
  threads?: number | undefined;
  /**
   * Milliseconds that a cancelled task has to end. Then its thread is terminated, wherever it is, and another takes its
   * place when it is needed. Default 1,000; `Infinity` waits for ever.
   */
  stopWithin?: number | undefined;
  /**
   * An export that is called once in each thread, before any routine, with an object that has `registerError` as the
   * runtime has it: a thread has classes of its own.
   */
  setup?: string | undefined;
  /** What the module finds as `workerData` of `node:worker_threads`, such as a `SharedArrayBuffer`. */
  workerData?: unknown;
}

/** Milliseconds that a cancelled task has to end, unless told otherwise. */
const STOP_WITHIN = 1000;

/** A routine that runs in threads, as {@link threaded} makes it. */
export class ThreadedRoutine {
  /** URL of the module. */
  readonly module: string;
  /** The export that is the routine. */
  readonly export: string;
  /** The most threads. */
  readonly threads: number;
  /** Milliseconds that a cancelled task has to end. */
  readonly stopWithin: number;
  /** @internal */
  readonly setup: string | undefined;
  /** @internal */
  readonly workerData: unknown;

  /** @internal Made by {@link threaded}. */
  constructor(module: URL | string, options: ThreadedOptions) {
    this.module = urlOf(module);
    this.export = options.export ?? 'default';
    this.threads = count('threads', options.threads, 1) ?? availableParallelism();
    this.stopWithin = wait('stopWithin', options.stopWithin) ?? STOP_WITHIN;
    this.setup = options.setup;
    this.workerData = options.workerData;
  }

  /** @internal Whether both can share their threads. */
  isLike(other: ThreadedRoutine): boolean {
    return (
      this.module === other.module &&
      this.threads === other.threads &&
      this.stopWithin === other.stopWithin &&
      this.setup === other.setup &&
      this.workerData === other.workerData
    );
  }
}

/**
 * A routine that runs in threads of `node:worker_threads` instead of on the runtime's event loop, for what computes or
 * blocks.
 *
 * ```ts
 * const work = new URL('./work.mjs', import.meta.url);
 * runtime.register('cpu.burn', threaded(work, { export: 'burn', threads: 2 }));
 * runtime.registerStream('cpu.primes', threaded(work, { export: 'primes', threads: 2 }));
 * ```
 *
 * The threads start when they are first needed, import the module, and are ended with the runtime; routines of one
 * runtime with the same module and the same options share them. A thread serves one task at a time, a stream until it
 * has ended; what finds none free waits for its turn. `currentTask()` works as ever; its `signal` is aborted once the
 * thread comes back to its event loop, `cancelled` at once. `call`, `stream` and `context`,
 * named arguments, errors and values are as everywhere.
 *
 * A thread that ends while it serves a task (`process.exit()`, an uncaught exception, no memory) fails that task as a
 * `ThreadError`.
 *
 * @param module the module's URL, or its absolute path
 * @throws {WoolError} `INVALID_ARGUMENT`
 */
export function threaded(module: URL | string, options: ThreadedOptions = {}): ThreadedRoutine {
  return new ThreadedRoutine(module, options);
}

function urlOf(module: URL | string): string {
  if (module instanceof URL) {
    return module.href;
  }
  if (typeof module === 'string' && isAbsolute(module)) {
    return pathToFileURL(module).href;
  }
  if (typeof module === 'string' && /^(file|data|node):/.test(module)) {
    return module;
  }
  const needed = "a URL, such as new URL('./work.mjs', import.meta.url)";
  throw invalid(`a threaded routine needs ${needed}, not ${String(module)}`);
}
