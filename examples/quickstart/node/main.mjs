// A worker and its caller in one program. Either half works alone, in two processes and two languages.
import { Runtime, WorkerPool } from 'libwool';

const runtime = new Runtime();

// The worker: functions, and where to find them.
runtime.register('calc.add', async (a, b) => a + b);
runtime.register('calc.countdown', async function* (from) {
  // Runs on when the caller asks for the next item.
  for (let n = from; n > 0; n--) yield n;
});
const worker = await runtime.serve();

// The caller: a pool of workers, and calls by name.
const pool = new WorkerPool({ runtime, addresses: [worker.address] });
const sum = await pool.call('calc.add', [1, 2]);
console.log(`1 + 2 = ${sum}`);
for await (const n of pool.stream('calc.countdown', [3])) {
  console.log(n);
}
await runtime.close();
