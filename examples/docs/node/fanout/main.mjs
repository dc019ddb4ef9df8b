// One call for each of many inputs, one on every worker, and one on a certain worker.
import { currentTask, main, Runtime, WorkerPool } from 'libwool';

const runtime = new Runtime();

// What the workers serve.
runtime.register('wool.square', (n) => n * n);
runtime.register('wool.where', () => currentTask().workerUid);

await main(runtime, async () => {
  const pool = new WorkerPool({ spawn: 2, quorum: 2 });

  // At most four at once; an input is taken when its call can be made.
  const squares = pool.map('wool.square', [1, 2, 3, 4, 5, 6, 7, 8, 9, 10], { inFlight: 4, ordered: true });
  const found = [];
  for await (const { value, error } of squares) {
    found.push(error?.message ?? value);
  }
  console.log(found.join(' '));
  const { total, done, failed } = squares.progress;
  console.log(`${done} of ${total} done, ${failed} failed`);

  // Every worker that is connected.
  const uids = [];
  for await (const { worker, value, error } of pool.broadcast('wool.where')) {
    uids.push(error === undefined && value === worker ? worker : undefined);
  }
  console.log(`${uids.length} workers answered`);

  // One of them, and no other.
  const [uid] = uids;
  console.log(`it was that one: ${(await pool.call('wool.where', [], { worker: uid })) === uid}`);
  await pool.close();
});
