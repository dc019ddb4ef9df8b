import assert from 'node:assert/strict';
import { test } from 'node:test';

import { peers } from './support/peers.mjs';
import { until } from './support/processes.mjs';

/** A routine that counts how far it has come. */
function counting(progress) {
  return (runtime) => {
    runtime.register('count', async function* (n) {
      try {
        for (let i = 0; i < n; i++) {
          progress.yielded++;
          yield i;
        }
        if (progress.fails) {
          throw new RangeError('no more');
        }
      } finally {
        progress.cleaned = true;
      }
    });
  };
}

const DONE = { value: undefined, done: true };

function item(value) {
  return { value, done: false };
}

test('the worker runs ahead, and no further than it may', async (t) => {
  const progress = { yielded: 0 };
  const { pool } = await peers(t, counting(progress));
  const stream = pool.stream('count', [1000], { prefetch: 8 });
  assert.equal(progress.yielded, 0);
  assert.deepEqual(await stream.next(), item(0));
  await until('the worker to be ahead', () => progress.yielded === 8);
  for (let i = 1; i < 1000; i++) {
    assert.deepEqual(await stream.next(), item(i));
    assert.ok(progress.yielded <= i + 1 + 8, `${progress.yielded} items at ${i}`);
  }
  assert.deepEqual(await stream.next(), DONE);
  assert.equal(progress.yielded, 1000);
});

test('items that came before the end or an error come first', async (t) => {
  const { pool } = await peers(t, counting({ yielded: 0, fails: true }));
  const stream = pool.stream('count', [3], { prefetch: 10 });
  assert.deepEqual(await stream.next(), item(0));
  assert.deepEqual(await stream.next(), item(1));
  assert.deepEqual(await stream.next(), item(2));
  await assert.rejects(stream.next(), RangeError);
  assert.deepEqual(await stream.next(), DONE);
});

test('calls before the earlier answer, more than are fetched ahead', async (t) => {
  const { pool } = await peers(t, counting({ yielded: 0 }));
  const stream = pool.stream('count', [20], { prefetch: 3 });
  const results = await Promise.all(Array.from({ length: 22 }, () => stream.next()));
  assert.deepEqual(results, [...Array.from({ length: 20 }, (_, i) => item(i)), DONE, DONE]);
});

test('leaving the loop closes the generator', async (t) => {
  const progress = { yielded: 0 };
  const { pool } = await peers(t, counting(progress));
  for await (const i of pool.stream('count', [1_000_000], { prefetch: 4 })) {
    if (i === 10) {
      break;
    }
  }
  assert.equal(progress.cleaned, true);
  assert.ok(progress.yielded <= 11 + 4, `${progress.yielded}`);
});

test('0 and 1 pull strictly', async (t) => {
  for (const prefetch of [0, 1]) {
    const progress = { yielded: 0 };
    const { pool } = await peers(t, counting(progress));
    const stream = pool.stream('count', [5], { prefetch });
    for (let i = 0; i < 5; i++) {
      assert.deepEqual(await stream.next(), item(i));
      assert.equal(progress.yielded, i + 1);
    }
    assert.deepEqual(await stream.next(), DONE);
  }
});

test('nothing can be sent or thrown, and the stream stays usable', async (t) => {
  const { pool } = await peers(t, counting({ yielded: 0 }));
  for (const prefetch of [1, 10]) {
    const stream = pool.stream('count', [3], { prefetch });
    await assert.rejects(stream.throw(new Error('no')), { kind: 'INVALID_ARGUMENT' });
    assert.deepEqual(await stream.next(), item(0));
    await assert.rejects(stream.next(5), { kind: 'INVALID_ARGUMENT' });
    await assert.rejects(stream.throw(new Error('no')), { kind: 'INVALID_ARGUMENT' });
    assert.deepEqual(await stream.next(), item(1));
    await stream.return();
  }
});

test('an abort drops what was fetched ahead', async (t) => {
  const progress = { yielded: 0 };
  const { pool } = await peers(t, counting(progress));
  const controller = new AbortController();
  const stream = pool.stream('count', [1000], { prefetch: 10, signal: controller.signal });
  await stream.next();
  await until('the worker to be ahead', () => progress.yielded === 10);
  controller.abort();
  await until('the clean-up', () => progress.cleaned);
  await assert.rejects(
    async () => {
      for await (const _ of stream) {
        // Nothing, or what came before the end did.
      }
    },
    { kind: 'CANCELLED' },
  );
});

test('what prefetch has to be', async (t) => {
  const { pool } = await peers(t, counting({ yielded: 0 }));
  for (const prefetch of [-1, 1.5, NaN, Infinity, '8', 2 ** 32]) {
    await assert.rejects(pool.stream('count', [3], { prefetch }).next(), { kind: 'INVALID_ARGUMENT' }, `${prefetch}`);
  }
});

test('a long stream does not pile up', { timeout: 120_000 }, async (t) => {
  const { pool } = await peers(t, (runtime) => {
    runtime.register('blocks', function* (n) {
      for (let i = 0; i < n; i++) {
        yield Buffer.alloc(100_000, i);
      }
    });
  });
  let most = 0;
  let count = 0;
  // 400 MB, of which 6.4 may be under way.
  for await (const block of pool.stream('blocks', [4000], { prefetch: 64 })) {
    assert.equal(block[0], count++ & 255);
    most = Math.max(most, process.memoryUsage.rss());
  }
  assert.equal(count, 4000);
  assert.ok(most < 400_000_000, `${most} bytes`);
});
