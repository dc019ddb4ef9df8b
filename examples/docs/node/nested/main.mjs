// Routines that call routines: a recursion, a stream over streams, and a tree of tasks that ends with its root.
import { call, currentTask, main, Runtime, stream, WorkerPool } from 'libwool';

const runtime = new Runtime();

// What the workers serve.
runtime.register('wool.fib', async (n) => {
  if (n < 2) {
    return n;
  }
  // By the caller's pool, wherever that has a place for it.
  return (await call('wool.fib', [n - 1])) + (await call('wool.fib', [n - 2]));
});

runtime.register('wool.countdown', async function* (n) {
  yield n;
  if (n > 0) {
    yield* stream('wool.countdown', [n - 1]);
  }
});

runtime.register('wool.sleep', async (depth) => {
  if (depth > 0) {
    await call('wool.sleep', [depth - 1]);
  }
  await new Promise((_resolve, reject) => {
    const { signal } = currentTask();
    signal.addEventListener('abort', () => reject(signal.reason));
  });
});

await main(runtime, async () => {
  // One task at a time each: tasks that wait for their calls lend their places.
  const pool = new WorkerPool({ spawn: 2, concurrency: 1 });
  console.log(`fib(10) = ${await pool.call('wool.fib', [10])}`);

  const items = [];
  for await (const n of pool.stream('wool.countdown', [3])) {
    items.push(n);
  }
  console.log(`countdown: ${items.join(' ')}`);

  // Three tasks deep, and none is left of them.
  try {
    await pool.call('wool.sleep', [2], { timeout: 200 });
  } catch (error) {
    console.log(error.kind);
  }
  await pool.close();
});
