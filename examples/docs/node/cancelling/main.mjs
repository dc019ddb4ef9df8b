// Calls that are given up, and calls whose time is up: the routine is told, and the worker is free again.
import { setTimeout as pause } from 'node:timers/promises';

import { currentTask, main, Runtime, WorkerPool } from 'libwool';

const runtime = new Runtime();

// What the worker serves.
runtime.register('wool.wait', async () => {
  // What is handed the signal stops when the caller gives up; the routine ends with it.
  await pause(3_600_000, undefined, { signal: currentTask().signal });
});

runtime.register('wool.left', async () => currentTask().remaining > 50_000);

runtime.register('wool.stall', async function* () {
  yield 'an item';
  await pause(3_600_000, undefined, { signal: currentTask().signal });
});

await main(runtime, async () => {
  // Runs one task at a time: the next one begins when the routine before it has stopped.
  const pool = new WorkerPool({ spawn: 1, concurrency: 1 });

  const controller = new AbortController();
  const waiting = pool.call('wool.wait', [], { signal: controller.signal });
  setTimeout(() => controller.abort(new Error('enough of it')), 200);
  try {
    await waiting;
  } catch (error) {
    console.log(`${error.kind}: ${error.cause.message}`);
  }

  // The whole budget of a call, told to the worker and kept there, too.
  console.log(`most of the minute is left: ${await pool.call('wool.left', [], { timeout: 60_000 })}`);
  try {
    await pool.call('wool.wait', [], { timeout: 200 });
  } catch (error) {
    console.log(`the call: ${error.kind}`);
  }

  // The budget of each step of a stream.
  try {
    for await (const item of pool.stream('wool.stall', [], { stepTimeout: 1000 })) {
      console.log(`got ${item}`);
    }
  } catch (error) {
    console.log(`then ${error.kind}`);
  }

  await pool.close();
});
