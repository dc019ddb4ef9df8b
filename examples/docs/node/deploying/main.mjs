// Every worker is replaced while calls are made, and no call fails.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';

import { LocalDiscovery, Runtime, WorkerPool } from 'libwool';

const directory = mkdtempSync(join(tmpdir(), 'wool-deploying-'));
const flock = new LocalDiscovery('flock', { directory });
const runtime = new Runtime();
runtime.register('wool.card', (n) => n);

const workers = [await runtime.serve({ publish: flock }), await runtime.serve({ publish: flock })];
const pool = new WorkerPool({ runtime, discovery: flock, quorum: 2 });

/** Waits until the pool is connected to a worker. */
async function joined({ uid }) {
  while (!pool.status().workers.some((found) => found.uid === uid && found.state === 'up')) {
    await pause(5);
  }
}

// Calls, a few of them under way at any time.
async function load() {
  const numbers = Array.from({ length: 200 }, (_, n) => n);
  const calls = pool.map('wool.card', numbers, { inFlight: 8 });
  for await (const { error } of calls) {
    // One that never began may be called again.
    if (error !== undefined) console.error(error);
  }
  return calls.progress;
}

const calling = load();
for (const old of workers) {
  await joined(await runtime.serve({ publish: flock }));
  // It is not found any more, takes no new tasks, and lets those that run end.
  await old.stop(10_000);
}
const { done, failed } = await calling;
console.log(`${done} calls, ${failed} failed`);
// The pool hears of the last one's end a little later.
while (pool.status().workers.length > 2) {
  await pause(5);
}
console.log(`${pool.status().workers.length} workers`);
await runtime.close();
rmSync(directory, { recursive: true });
