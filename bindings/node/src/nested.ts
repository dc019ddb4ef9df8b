// Calls by the pool that the running code is in.
import { ambient } from './ambient.js';
import type { CallOptions, StreamOptions } from './call.js';
import { invalid } from './options.js';
import { WorkerPool } from './pool.js';
import type { RemoteStream } from './stream.js';
import { Task } from './task.js';
import type { Raw } from './values/types.js';

/**
 * The pool by which {@link call} and {@link stream} call: that of {@link WorkerPool.run}, or, in a routine, that of the
 * task's caller as this worker sees it. `undefined` elsewhere.
 *
 * The caller's pool is shared with other tasks: it cannot be closed. It may be kept when the task has ended; what is
 * called by it then is no task's any more.
 *
 * @throws {WoolError} `UNSUPPORTED` when the caller's pool cannot be used here and the worker has none of its own
 *   ({@link WorkerOptions.pool}); `CLOSED`, `CANCELLED` when the task has ended
 */
export function currentPool(): WorkerPool | undefined {
  const here = ambient();
  return here?.pool ?? (here?.task && Task.poolOf(here.task, (queue, pool) => WorkerPool.of(queue, pool)));
}

/**
 * Calls a unary routine by the pool that this code is in: in a routine that of its caller, which it needs not be told
 * of; elsewhere that of {@link WorkerPool.run}. As {@link WorkerPool.call} otherwise.
 *
 * ```ts
 * runtime.register('wool.fib', async (n: number): Promise<number> => {
 *   return n < 2 ? n : (await call<number>('wool.fib', [n - 1])) + (await call<number>('wool.fib', [n - 2]));
 * });
 * ```
 *
 * Every call that is made in a routine, by whichever pool, is a part of its task: it carries the task's id as its
 * `caller`, has at most the time that the task has left, takes the task's context along and brings it back, and is
 * cancelled with the task. While a task waits for it, the worker takes another task in its place. A task that ends by
 * itself leaves its calls alone; what code that goes on then calls by a pool is nobody's.
 *
 * @throws {WoolError} `INVALID_ARGUMENT` where there is no pool; as {@link currentPool}, as {@link WorkerPool.call}
 */
export async function call<T = unknown>(
  routine: string,
  args: readonly unknown[] | Raw = [],
  options: CallOptions = {},
): Promise<T> {
  return required('call').call<T>(routine, args, options);
}

/**
 * Calls a stream routine by the pool that this code is in, see {@link call}. As {@link WorkerPool.stream} otherwise.
 *
 * @throws {WoolError} `INVALID_ARGUMENT` where there is no pool; as {@link currentPool}
 */
export function stream<T = unknown, In = unknown>(
  routine: string,
  args: readonly unknown[] | Raw = [],
  options: StreamOptions = {},
): RemoteStream<T, In> {
  return required('stream').stream<T, In>(routine, args, options);
}

function required(what: string): WorkerPool {
  const pool = currentPool();
  if (pool === undefined) {
    throw invalid(`${what}() has a pool in routines and within pool.run(...) only: call by a pool, as pool.${what}()`);
  }
  return pool;
}
