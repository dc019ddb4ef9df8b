// Pools whose workers are processes of test/fixtures/spawn.
import { fileURLToPath } from 'node:url';

import { Runtime, WorkerPool } from 'libwool';

import { until } from './processes.mjs';

export function fixture(name) {
  return fileURLToPath(new URL(`../fixtures/spawn/${name}`, import.meta.url));
}

/** Starts test/fixtures/spawn/worker.mjs. */
export const WORKER = [process.execPath, fixture('worker.mjs')];

/** A runtime that is closed after the test. */
export function runtimeFor(t) {
  const runtime = new Runtime();
  t.after(() => runtime.close());
  return runtime;
}

/** A pool of this test's own. */
export function poolFor(t, options) {
  return new WorkerPool({ runtime: runtimeFor(t), ...options });
}

/** Waits until the pool is connected to as many workers, and gives their status. */
export function up(pool, count) {
  return until(`${count} workers`, () => {
    const workers = pool.status().workers.filter(({ state }) => state === 'up');
    return workers.length === count && workers;
  });
}

/** Waits until the pool has turned a record away for a reason. */
export function turnedAway(pool, reason) {
  return until(`a record that is turned away: ${reason}`, () =>
    pool.status().turnedAway.find((record) => record.reason === reason),
  );
}
