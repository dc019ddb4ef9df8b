// Generators in another process: pulled, sent to, thrown at, closed, and read ahead.
import { main, Runtime, WorkerPool } from 'libwool';

const runtime = new Runtime();

// What the worker serves.
runtime.register('wool.count', async function* (to) {
  try {
    for (let n = 1; n <= to; n++) {
      // Runs on when the caller asks for the next item.
      yield n;
    }
  } finally {
    // Runs at the yield, too, when the caller closes the stream.
  }
});

runtime.register('wool.weigh', async function* () {
  for (let total = 0; ; ) {
    try {
      // What the caller sends; `undefined` for a plain next.
      const sent = yield total;
      total += sent ?? 0;
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      total = 0;
    }
  }
});

await main(runtime, async () => {
  const pool = new WorkerPool({ spawn: 1 });

  for await (const n of pool.stream('wool.count', [1000])) {
    console.log(`pulled ${n}`);
    // Closes the generator, and waits for its clean-up.
    if (n === 3) break;
  }

  const scale = pool.stream('wool.weigh');
  console.log(`nothing on it: ${(await scale.next()).value}`);
  console.log(`put 4 on: ${(await scale.next(4)).value}`);
  console.log(`put 3 on: ${(await scale.next(3)).value}`);
  console.log(`too much: ${(await scale.throw(new RangeError('more than it can bear'))).value}`);
  await scale.return();

  let sum = 0;
  // The worker may be 100 items ahead.
  for await (const n of pool.stream('wool.count', [1000], { prefetch: 100 })) {
    sum += n;
  }
  console.log(`1 + ... + 1000 = ${sum}`);

  await pool.close();
});
