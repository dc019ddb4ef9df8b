// A program that is its own worker: a pool with no options starts it again, once per core.
import { main, Runtime, WorkerPool } from 'libwool';

const runtime = new Runtime();

// What the workers serve.
runtime.register('calc.add', async (a, b) => a + b);
runtime.register('calc.countdown', async function* (from) {
  // Runs on when the caller asks for the next item.
  for (let n = from; n > 0; n--) yield n;
});

// Where a started process becomes a worker. Only the others go on, and call by name.
await main(runtime, async () => {
  const pool = new WorkerPool();
  console.log(`1 + 2 = ${await pool.call('calc.add', [1, 2])}`);
  for await (const n of pool.stream('calc.countdown', [3])) {
    console.log(`${n}`);
  }
  await pool.close();
});
