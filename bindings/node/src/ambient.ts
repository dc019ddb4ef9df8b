import { AsyncLocalStorage } from 'node:async_hooks';

import type { Bag } from './context.js';
import type { WorkerPool } from './pool.js';
import type { Task } from './task.js';

/** What the running code belongs to. */
export interface Ambient {
  readonly task: Task | undefined;
  /** Of {@link WorkerPool.run}, instead of the task's. */
  readonly pool: WorkerPool | undefined;
  /** Of `context.run`, instead of the task's. */
  readonly bag: Bag | undefined;
}

const storage = new AsyncLocalStorage<Ambient>();

/** As the code that runs now has it. It follows `await`, timers and callbacks. */
export function ambient(): Ambient | undefined {
  return storage.getStore();
}

/** Runs `body` as a part of `task`. */
export function runIn<T>(task: Task, body: () => T): T {
  return storage.run({ task, pool: undefined, bag: undefined }, body);
}

/** Runs `body` as a part of nothing: it goes on for longer than who began it. */
export function runOutside<T>(body: () => T): T {
  return storage.run(undefined as unknown as Ambient, body);
}

/** Runs `body` where it is, but for what `changes` says. */
export function runWith<T>(changes: Partial<Ambient>, body: () => T): T {
  const { task, pool, bag } = storage.getStore() ?? {};
  return storage.run({ task, pool, bag, ...changes }, body);
}
