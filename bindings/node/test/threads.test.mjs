import assert from 'node:assert/strict';
import { test } from 'node:test';
import { threadId } from 'node:worker_threads';

import { context, currentTask, raw, Runtime, TaskError, threaded, tuple } from 'libwool';

import { Burnt, errors } from './fixtures/threads/work.mjs';
import { aborted, collect, peers } from './support/peers.mjs';
import { until } from './support/processes.mjs';
import { run } from './support/program.mjs';

const WORK = new URL('./fixtures/threads/work.mjs', import.meta.url);
const STREAMS = ['accumulate', 'contexts', 'stubborn'];

/** A worker and a pool; the routines are exports of work.mjs, on `threads` threads. */
async function threadedPeers(t, names, options = {}) {
  const shared = new Int32Array(new SharedArrayBuffer(16));
  const served = await peers(t, (runtime) => {
    errors(runtime);
    for (const name of names) {
      const routine = threaded(WORK, { export: name, setup: 'errors', threads: 2, workerData: shared, ...options });
      if (STREAMS.includes(name)) {
        runtime.registerStream(name, routine);
      } else {
        runtime.register(name, routine, { parameters: name === 'named' ? ['a', 'b', 'scale'] : [] });
      }
    }
    runtime.register('loop', () => 'turns');
  });
  const started = (count) => until(`${count} tasks in threads`, () => Atomics.load(shared, 1) === count);
  return { ...served, shared, started };
}

test('a threaded routine runs in a thread, and is called as any other', async (t) => {
  const { pool } = await threadedPeers(t, ['default', 'where', 'shapes', 'named', 'reverse', 'identity']);
  const where = await pool.call('where');
  assert.equal(where.isMainThread, false);
  assert.notEqual(where.threadId, threadId);
  assert.deepEqual(await pool.call('default', [{ a: [1n << 70n, null] }]), { a: [1n << 70n, null] });
  assert.deepEqual(await pool.call('shapes', [tuple(1), new Set([2])]), [true, true, tuple(1), new Set([2])]);
  assert.equal(await pool.call('named', [1], { named: { b: 2 } }), 3);
  assert.equal(await pool.call('named', [1, 2], { named: { scale: 2 } }), 6);
  assert.deepEqual(await pool.call('reverse', raw(Buffer.from([1, 2, 3]))), Buffer.from([3, 2, 1]));
  const large = Buffer.alloc(5_000_000, 9);
  assert.ok(large.equals(await pool.call('default', [large])));
  const identity = await pool.call('identity', [], { timeout: 60_000 });
  assert.equal(identity.routine, 'identity');
  assert.equal(identity.timed, true);
  assert.match(identity.id, /^[0-9a-f-]{36}$/);
});

test('what rides along is there in a thread, for its own task only', async (t) => {
  const { pool } = await threadedPeers(t, ['context', 'contexts'], { threads: 1 });
  const context = { shop: { customer: tuple(1n << 70n), bytes: Buffer.from([1]) } };
  assert.deepEqual(await pool.call('context', ['shop', 'customer'], { context }), tuple(1n << 70n));
  assert.equal(await pool.call('context', ['shop', 'customer']), null);
  const items = await collect(pool.stream('contexts', [['shop', 'bytes'], ['shop', 'x']], { context }));
  assert.deepEqual(items, [Buffer.from([1]), null]);
});

test('what does not fit is refused as everywhere', async (t) => {
  const { pool } = await threadedPeers(t, ['named', 'unencodable', 'missing', 'stubborn']);
  await assert.rejects(pool.call('named', [1]), {
    remoteType: 'ArgumentError',
    message: 'named: expects 2 to 3 arguments, got 1: "b" is missing',
  });
  await assert.rejects(pool.call('unencodable'), { kind: 'CODEC' });
  await assert.rejects(pool.call('missing'), /exports no function missing/);
});

test('a threaded generator has to be registered as a stream', async (t) => {
  const { pool } = await peers(t, (runtime) => {
    runtime.register('g', threaded(WORK, { export: 'accumulate', threads: 1 }));
  });
  await assert.rejects(pool.call('g', [1]), /g is a generator: register it with registerStream/);
});

test('a threaded routine calls by the pool of its caller', async (t) => {
  const { runtime, pool } = await threadedPeers(t, ['nested'], { threads: 1 });
  runtime.register('caller', () => {
    context.set('shop', 'answered', context.get('shop', 'asked') + 1);
    return currentTask().caller;
  });
  runtime.register('items', function* () {
    yield* [1, 2];
  });
  for (const asked of [1, 10]) {
    await context.run(async () => {
      const [loop, id, caller, ...rest] = await pool.call('nested', [asked]);
      assert.deepEqual([loop, caller, ...rest], ['turns', id, 1, 2, asked + 1]);
      assert.deepEqual([context.get('shop', 'asked'), context.get('shop', 'answered')], [asked, asked + 1]);
    });
  }
});

test('a nested call of a thread fails as the class that the thread knows', async (t) => {
  const { runtime, pool } = await threadedPeers(t, ['nested'], { threads: 1 });
  runtime.register('caller', () => {
    throw new Burnt('toast');
  });
  await assert.rejects(pool.call('nested', [1]), (error) => error instanceof Burnt && error.what === 'toast');
});

test('a thread that is terminated while its calls run takes nothing with it, and they are cancelled', async (t) => {
  const { runtime, pool, started } = await threadedPeers(t, ['nestedForEver', 'where'], { threads: 1, stopWithin: 20 });
  let ended = 0;
  const held = async () => {
    await aborted(currentTask().signal);
    ended++;
  };
  runtime.register('held', held);
  runtime.register('heldItems', async function* () {
    await held();
  });
  for (let round = 1; round <= 3; round++) {
    const controller = new AbortController();
    const calling = pool.call('nestedForEver', [], { signal: controller.signal });
    await started(round);
    controller.abort();
    await assert.rejects(calling, { kind: 'CANCELLED' });
  }
  assert.equal((await pool.call('where')).isMainThread, false);
  // Waits for all tasks.
  await runtime.close();
  assert.ok(ended <= 9);
});

test('errors of a thread keep type, message, traceback, class and cause', async (t) => {
  const { pool } = await threadedPeers(t, ['fail', 'rejectsOdd']);
  const burnt = await pool.call('fail', ['burnt']).catch((error) => error);
  assert.ok(burnt instanceof Burnt && burnt instanceof TaskError);
  assert.deepEqual([burnt.what, burnt.remoteType], ['toast', 'test.Burnt']);
  const range = await pool.call('fail', ['too far']).catch((error) => error);
  assert.ok(range instanceof RangeError && range.cause instanceof Burnt);
  assert.match(range.remoteTraceback.at(-1), /^at fail \(.*work\.mjs/);
  await assert.rejects(pool.call('rejectsOdd'), { kind: 'TASK_FAILED', remoteType: 'null' });
});

test('the loop turns while threads burn and block, and what finds no thread waits', async (t) => {
  const { pool, shared, started } = await threadedPeers(t, ['block']);
  const blocked = [1, 2, 3].map(() => pool.call('block'));
  await started(2);
  assert.equal(await pool.call('loop'), 'turns');
  assert.equal(Atomics.load(shared, 1), 2);
  Atomics.store(shared, 0, 1);
  Atomics.notify(shared, 0);
  assert.deepEqual(await Promise.all(blocked), ['unblocked', 'unblocked', 'unblocked']);
  assert.equal(Atomics.load(shared, 1), 3);
});

test('a cancelled task sees it, at its event loop or while it computes', async (t) => {
  const { pool, worker, started } = await threadedPeers(t, ['burn', 'waitForAbort', 'where'], { stopWithin: Infinity });
  let count = 0;
  for (const name of ['burn', 'waitForAbort']) {
    const controller = new AbortController();
    const pending = pool.call(name, [], { signal: controller.signal });
    await started(++count);
    controller.abort();
    await assert.rejects(pending, { kind: 'CANCELLED' });
  }
  assert.equal((await pool.call('where')).isMainThread, false);
  await worker.stop(Infinity);
});

test('a thread that does not stop is terminated and replaced', async (t) => {
  const routines = ['burnForEver', 'block', 'where'];
  const { pool, worker, started } = await threadedPeers(t, routines, { threads: 1, stopWithin: 50 });
  const before = (await pool.call('where')).threadId;
  let count = 0;
  for (const name of ['burnForEver', 'block']) {
    const controller = new AbortController();
    const pending = pool.call(name, [], { signal: controller.signal });
    await started(++count);
    const waiting = pool.call('where');
    controller.abort();
    await assert.rejects(pending, { kind: 'CANCELLED' });
    assert.notEqual((await waiting).threadId, before);
  }
  // A worker that stops cancels its tasks: their callers are still there, and are told.
  const pending = pool.call('burnForEver');
  await started(++count);
  const outcome = assert.rejects(pending, { kind: 'CANCELLED' });
  await worker.stop(0);
  await outcome;
});

test('a task that is cancelled before it has a thread never starts', async (t) => {
  const { pool, shared, started } = await threadedPeers(t, ['block'], { threads: 1 });
  const first = pool.call('block');
  await started(1);
  const controller = new AbortController();
  const second = pool.call('block', [], { signal: controller.signal });
  await pool.call('loop');
  controller.abort();
  await assert.rejects(second, { kind: 'CANCELLED' });
  // Its caller knows at once; the worker, once it has served what was called afterwards.
  await pool.call('loop');
  Atomics.store(shared, 0, 1);
  Atomics.notify(shared, 0);
  assert.equal(await first, 'unblocked');
  assert.equal(await pool.call('block'), 'unblocked');
  assert.equal(Atomics.load(shared, 1), 2);
});

test('a thread that ends or crashes fails its task, and only that', async (t) => {
  const { pool } = await threadedPeers(t, ['exit', 'crash', 'where'], { threads: 1 });
  await assert.rejects(pool.call('exit', [3]), {
    kind: 'TASK_FAILED',
    remoteType: 'ThreadError',
    message: 'the thread ended before its task did: it exited with code 3',
  });
  const crashed = await pool.call('crash').catch((error) => error);
  assert.equal(crashed.remoteType, 'ThreadError');
  assert.ok(crashed.cause instanceof TypeError);
  assert.equal(crashed.cause.message, 'nobody catches this');
  assert.equal((await pool.call('where')).isMainThread, false);
});

test('a module that cannot be loaded fails each call with the reason', async (t) => {
  const broken = new URL('./fixtures/threads/broken.mjs', import.meta.url);
  const { pool } = await peers(t, (runtime) => {
    runtime.register('broken', threaded(broken, { threads: 1 }));
    runtime.register('no.setup', threaded(WORK, { setup: 'nothing', threads: 1 }));
  });
  for (let i = 0; i < 2; i++) {
    const error = await pool.call('broken').catch((reason) => reason);
    assert.match(error.message, /the module of broken could not be loaded: file:.*broken\.mjs/);
    assert.equal(error.cause.message, 'this module cannot be loaded');
  }
  await assert.rejects(pool.call('no.setup'), (error) => /no function nothing/.test(error.cause.message));
});

test('streams in threads: next, send, throw, close', async (t) => {
  const { pool, shared } = await threadedPeers(t, ['accumulate', 'where'], { threads: 1 });
  const stream = pool.stream('accumulate', [10]);
  assert.equal((await stream.next()).value, 10);
  assert.equal((await stream.next(5)).value, 15);
  assert.equal((await stream.throw(new Burnt('x'))).value, 0);
  assert.equal((await stream.next()).value, 0);
  // The stream has the only thread.
  const waiting = pool.call('where');
  assert.equal((await stream.next(2)).value, 2);
  await stream.return();
  assert.equal(Atomics.load(shared, 2), 1);
  assert.equal((await waiting).isMainThread, false);

  const failing = pool.stream('accumulate', [1]);
  await failing.next();
  const thrown = new RangeError('thrown in');
  const error = await failing.throw(thrown).catch((reason) => reason);
  assert.ok(error instanceof RangeError && error instanceof TaskError);
  assert.match(error.remoteTraceback.at(-1), /threads\.test\.mjs/);
  assert.deepEqual(await failing.next(), { value: undefined, done: true });

  let count = 0;
  for await (const _ of pool.stream('accumulate', [1], { prefetch: 16 })) {
    if (++count === 100) {
      break;
    }
  }
  assert.equal(Atomics.load(shared, 2), 3);
  assert.equal((await pool.call('where')).isMainThread, false);
});

test('a stream in a thread that yields when it is closed, or is closed before it has begun', async (t) => {
  const { pool, shared, started } = await threadedPeers(t, ['stubborn', 'block', 'accumulate'], { threads: 1 });
  const stubborn = pool.stream('stubborn');
  await stubborn.next();
  await assert.rejects(stubborn.return(), { remoteType: 'StreamClosed' });

  const blocked = pool.call('block');
  await started(1);
  const waiting = pool.stream('accumulate', [1]);
  const outcomes = Promise.all([waiting.next(), waiting.return()]);
  Atomics.store(shared, 0, 1);
  Atomics.notify(shared, 0);
  await blocked;
  assert.equal((await outcomes)[1].done, true);
});

test('closing the runtime ends the threads, whatever they do', async (t) => {
  const { runtime, pool, started } = await threadedPeers(t, ['burnForEver', 'where'], { stopWithin: 50 });
  const pending = assert.rejects(pool.call('burnForEver'), { name: 'WoolError' });
  await started(1);
  await runtime.close();
  await pending;
});

test('idle threads do not keep the process alive', async () => {
  const { code, stdout, stderr } = await run('threads/idle.mjs');
  assert.deepEqual([code, stdout, stderr], [0, 'false\n', '']);
});

test('what a threaded routine has to be', () => {
  for (const module of ['./work.mjs', 5, undefined, 'https://example.org/x.mjs']) {
    assert.throws(() => threaded(module), { kind: 'INVALID_ARGUMENT' });
  }
  for (const options of [{ threads: 0 }, { threads: 1.5 }, { stopWithin: 0 }, { stopWithin: -1 }]) {
    assert.throws(() => threaded(WORK, options), { kind: 'INVALID_ARGUMENT' });
  }
  const runtime = new Runtime();
  assert.throws(() => runtime.register('x', { module: WORK.href }), { kind: 'INVALID_ARGUMENT' });
  return runtime.close();
});
