import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';

import { currentTask, RemoteStream } from 'libwool';

import { aborted, collect, gate, peers } from './support/peers.mjs';

/** Routines that note what happens to them. */
function noting(log) {
  return (runtime) => {
    runtime.register('count', async function* (n) {
      log.push('begin');
      try {
        for (let i = 0; i < n; i++) {
          log.push(i);
          yield i;
        }
        log.push('end');
      } finally {
        await turn();
        log.push('cleaned');
      }
    });
  };
}

test('a stream is iterated to its end', async (t) => {
  const log = [];
  const { pool } = await peers(t, noting(log));
  assert.deepEqual(await collect(pool.stream('count', [5])), [0, 1, 2, 3, 4]);
  assert.deepEqual(await collect(pool.stream('count', [0])), []);
  assert.deepEqual(log.slice(-3), ['begin', 'end', 'cleaned']);
});

test('nothing runs before it is asked for', async (t) => {
  const log = [];
  const { pool } = await peers(t, noting(log));
  const stream = pool.stream('count', [3]);
  assert.ok(stream instanceof RemoteStream);
  assert.deepEqual(await collect(pool.stream('count', [0])), []);
  log.length = 0;
  assert.deepEqual(await stream.next(), { value: 0, done: false });
  assert.deepEqual(log, ['begin', 0]);
  assert.deepEqual(await stream.next(), { value: 1, done: false });
  await stream.return();
  assert.deepEqual(log, ['begin', 0, 1, 'cleaned']);
});

test('leaving the loop closes the generator and waits for its clean-up', async (t) => {
  const log = [];
  const { pool } = await peers(t, noting(log));
  for await (const item of pool.stream('count', [1000])) {
    if (item === 2) {
      break;
    }
  }
  assert.deepEqual(log, ['begin', 0, 1, 2, 'cleaned']);
  await assert.rejects(async () => {
    for await (const item of pool.stream('count', [10])) {
      throw new Error(`stop at ${item}`);
    }
  }, /stop at 0/);
  assert.equal(log.at(-1), 'cleaned');
});

test('a stream that was closed or has ended is over', async (t) => {
  const { pool } = await peers(t, noting([]));
  const unopened = pool.stream('count', [3]);
  assert.deepEqual(await unopened.return(), { value: undefined, done: true });
  assert.deepEqual(await unopened.next(), { value: undefined, done: true });
  const stream = pool.stream('count', [1]);
  await collect(stream);
  assert.deepEqual(await stream.next(), { value: undefined, done: true });
  await stream.return();
  await stream[Symbol.asyncDispose]();
});

test('items arrive in the order in which they were asked for', async (t) => {
  const { pool } = await peers(t, noting([]));
  const stream = pool.stream('count', [3]);
  const results = await Promise.all([1, 2, 3, 4, 5].map(() => stream.next()));
  assert.deepEqual(
    results.map(({ value }) => value),
    [0, 1, 2, undefined, undefined],
  );
  assert.deepEqual(
    results.map(({ done }) => done),
    [false, false, false, true, true],
  );
});

test('a failing stream gives its items, then its error, then the end', async (t) => {
  const { pool } = await peers(t, (runtime) => {
    runtime.register('fails', async function* () {
      yield 1;
      throw new RangeError('no more');
    });
    runtime.register('fails.unclean', async function* () {
      try {
        yield 1;
      } finally {
        throw new Error('clean-up failed');
      }
    });
    runtime.register('bad.item', async function* () {
      yield 1;
      yield () => 2;
    });
  });
  const stream = pool.stream('fails');
  assert.equal((await stream.next()).value, 1);
  await assert.rejects(stream.next(), (error) => error instanceof RangeError && error.message === 'no more');
  assert.equal((await stream.next()).done, true);

  const unclean = pool.stream('fails.unclean');
  await unclean.next();
  await assert.rejects(unclean.return(), { kind: 'TASK_FAILED', message: 'clean-up failed' });

  const bad = pool.stream('bad.item');
  await bad.next();
  await assert.rejects(bad.next(), { kind: 'CODEC' });
});

test('an abort ends the stream and runs the clean-up', async (t) => {
  const cleaned = gate();
  const { pool } = await peers(t, (runtime) => {
    runtime.register('endless', async function* () {
      try {
        for (let i = 0; ; i++) {
          yield i;
        }
      } finally {
        cleaned.open(currentTask().cancelled);
      }
    });
    runtime.register('blocked', async function* () {
      yield 'first';
      await aborted(currentTask().signal);
      currentTask().signal.throwIfAborted();
    });
  });
  const controller = new AbortController();
  const stream = pool.stream('endless', [], { signal: controller.signal });
  await stream.next();
  controller.abort();
  assert.equal(await cleaned.opened, true);
  await assert.rejects(stream.next(), { kind: 'CANCELLED' });

  const blocker = new AbortController();
  const blocked = pool.stream('blocked', [], { signal: blocker.signal });
  await blocked.next();
  const pending = blocked.next();
  blocker.abort();
  await assert.rejects(pending, { kind: 'CANCELLED' });
  await assert.rejects(pool.stream('endless', [], { signal: blocker.signal }).next(), { kind: 'CANCELLED' });
});

test('anything that can be iterated over makes a stream', async (t) => {
  const { pool } = await peers(t, (runtime) => {
    runtime.register('sync.generator', function* (n) {
      yield* Array(n).keys();
    });
    runtime.registerStream('list', () => ['a', 'b']);
    runtime.registerStream('promised', async () => new Set([1, 2]));
    runtime.registerStream('nothing', () => 5);
  });
  assert.deepEqual(await collect(pool.stream('sync.generator', [3])), [0, 1, 2]);
  assert.deepEqual(await collect(pool.stream('list')), ['a', 'b']);
  assert.deepEqual(await collect(pool.stream('promised')), [1, 2]);
  await assert.rejects(collect(pool.stream('nothing')), TypeError);
});

test('streams and calls are not mixed up', async (t) => {
  const { pool } = await peers(t, (runtime) => {
    runtime.register('unary', () => 1);
    runtime.register('stream', function* () {
      yield 1;
    });
  });
  await assert.rejects(pool.stream('unary').next(), { name: 'WoolError' });
  await assert.rejects(pool.call('stream'), { name: 'WoolError' });
});

test('many streams at once', async (t) => {
  const { pool } = await peers(t, noting([]));
  const streams = Array.from({ length: 100 }, () => collect(pool.stream('count', [20])));
  const expected = [...Array(20).keys()];
  for (const items of await Promise.all(streams)) {
    assert.deepEqual(items, expected);
  }
});

test('large items', async (t) => {
  const { pool } = await peers(t, (runtime) => {
    runtime.register('blocks', function* () {
      for (let i = 0; i < 8; i++) {
        yield Buffer.alloc(1_000_000, i);
      }
    });
  });
  let i = 0;
  for await (const block of pool.stream('blocks')) {
    assert.ok(block.equals(Buffer.alloc(1_000_000, i++)));
  }
  assert.equal(i, 8);
});
