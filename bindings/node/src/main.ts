import { isMainThread } from 'node:worker_threads';

import { ended } from './closing.js';
import { WoolError } from './errors.js';
import { native } from './native.js';
import { Runtime } from './runtime.js';

/** Milliseconds that a process which was a worker has to end by itself; its pool ends it later. */
const END_WITHIN = 1000;

/**
 * Where a program becomes a worker: call it once the routines are registered, and let `run` be the rest.
 *
 * ```ts
 * const runtime = new Runtime();
 * runtime.register('calc.add', (a: number, b: number) => a + b);
 *
 * await main(runtime, async () => {
 *   const pool = new WorkerPool(); // starts this program again, once per core
 *   console.log(await pool.call('calc.add', [1, 2]));
 *   await pool.close();
 * });
 * ```
 *
 * In a process that a pool started it serves the routines until the pool says stop or has gone, or SIGTERM or SIGINT
 * asks it to drain. Then it closes the runtime, and what still keeps the process alive has a second to end. `run` is not
 * called, but what comes before and after `main` runs in workers, too.
 *
 * In every other process it calls `run`, and from then on pools may start this program again. Pools that are given no
 * runtime use this one.
 *
 * @returns what `run` returns; `undefined` in a process that was a worker
 * @throws what `run` throws
 * @throws {WoolError} as {@link serveIfSpawned}
 */
export async function main<T>(runtime: Runtime, run: () => T | PromiseLike<T>): Promise<T | undefined> {
  Runtime.offerDefault(runtime);
  let spawned = true;
  try {
    spawned = await serveIfSpawned(runtime);
  } finally {
    if (spawned) {
      await runtime.close();
    }
  }
  if (!spawned) {
    return run();
  }
  setTimeout(() => process.exit(), END_WITHIN).unref();
  return undefined;
}

/**
 * The part of {@link main} that serves, for programs that go on by themselves.
 *
 * @returns false at once where no pool started this process: its pools may start it again from here on. True when it
 *   was a worker, and has ended: close the runtime and let the process end, for which its pool waits 5 s
 * @throws {WoolError} `UNSUPPORTED` outside of the main thread; `SPAWN_FAILED` where a worker was wanted, and the
 *   command that started this process did not pass on its standard input
 */
export async function serveIfSpawned(runtime: Runtime): Promise<boolean> {
  if (!isMainThread) {
    throw new WoolError('UNSUPPORTED', 'only the main thread can become the worker that a pool starts');
  }
  const queue = Runtime.queueOf(runtime);
  return ended(queue, (tag) => native.serveIfSpawned(queue.handle, tag));
}
