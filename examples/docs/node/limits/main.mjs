// A worker with limits: how many tasks it runs at once, whom it lets in, how large arguments may be; and what its
// callers see of that. What computes for long runs in threads, beside the loop.
import { Runtime, threaded, WoolError, WorkerPool } from 'libwool';

const runtime = new Runtime();

// What the worker serves.
runtime.register('wool.card', async (fleece) => fleece);
runtime.register('wool.spin', threaded(new URL('./spin.mjs', import.meta.url), { export: 'spin', threads: 2 }));

// Decides by the label of the call.
async function admit({ routine, tag }) {
  if (tag === 'guest') throw new WoolError('PERMISSION_DENIED', `${routine} is not for guests`);
  if (tag === 'batch') throw new WoolError('BUSY', 'no batches during the day');
}

const worker = await runtime.serve({ concurrency: 4, maxPayload: 1 << 20, admit });
const pool = new WorkerPool({ addresses: [worker.address] });

// A burst waits for places instead of failing.
const calls = Array.from({ length: 1000 }, (_, n) => pool.call('wool.card', [n]));
const outcomes = await Promise.allSettled(calls);
const succeeded = outcomes.filter(({ status }) => status === 'fulfilled').length;
console.log(`${succeeded} of 1000 calls succeeded`);
console.log(`spun ${await pool.call('wool.spin', [1000])}`);

for (const tag of ['guest', 'batch']) {
  try {
    await pool.call('wool.card', ['fleece'], { tag, dispatchTimeout: 300 });
  } catch (error) {
    console.log(`${error.kind}: never started: ${error.retryable}`);
  }
}
try {
  await pool.call('wool.card', [Buffer.alloc(2 << 20)]);
} catch (error) {
  console.log(error.kind);
}

await pool.close();
await runtime.close();
