// Many calls of one routine.
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { args, call, currentTask, raw, retryable, Runtime, WoolError, WorkerPool } from 'libwool';

import { aborted, collect, gate, peers } from './support/peers.mjs';
import { until } from './support/processes.mjs';

/** A worker whose `square` waits where `gates` has one for its input; `running` and `most` count them. */
async function squares(t) {
  const gates = new Map();
  const seen = { started: [], running: 0, most: 0, cancelled: 0 };
  const served = await peers(t, (runtime) => {
    runtime.register('square', async (n) => {
      seen.started.push(n);
      seen.most = Math.max(seen.most, ++seen.running);
      await gates.get(n)?.opened;
      seen.running--;
      if (n < 0) {
        throw new RangeError(`${n} is negative`);
      }
      return n * n;
    });
    runtime.register('wait', async () => {
      await aborted(currentTask().signal);
      seen.cancelled++;
    });
    runtime.register('add', (a, b) => a + b);
    runtime.register('size', (bytes) => bytes.length);
    runtime.register('mapped', async () => {
      const [id] = [currentTask().id];
      const callers = [];
      for await (const { value } of served.pool.map('caller', [1, 2])) {
        callers.push(value);
      }
      return callers.every((caller) => caller === id);
    });
    runtime.register('caller', () => currentTask().caller);
  });
  return { ...served, gates, seen };
}

test('a map calls for each input, and one that fails stops no other', async (t) => {
  const { pool } = await squares(t);
  const mapped = pool.map('square', [3, -1, 2]);
  assert.deepEqual(mapped.progress, { total: 3, done: 0, failed: 0 });
  const outcomes = (await collect(mapped)).sort((a, b) => a.index - b.index);
  assert.deepEqual(
    outcomes.map(({ index, value, error }) => [index, value ?? error.message]),
    [
      [0, 9],
      [1, '-1 is negative'],
      [2, 4],
    ],
  );
  assert.ok(outcomes[1].error instanceof RangeError);
  assert.deepEqual(mapped.progress, { total: 3, done: 3, failed: 1 });
  assert.equal((await mapped.next()).done, true);
});

test('a map has so many calls under way, and takes inputs when it can call', async (t) => {
  const { pool, seen } = await squares(t);
  let taken = 0;
  let given = 0;
  const inputs = function* () {
    for (let n = 0; n < 100; n++) {
      taken++;
      yield n;
    }
  };
  const mapped = pool.map('square', inputs(), { inFlight: 4 });
  assert.equal(mapped.progress.total, undefined);
  assert.equal(taken, 0);
  for await (const { index, value } of mapped) {
    given++;
    assert.equal(value, index * index);
    assert.ok(taken - given < 8, `${taken} taken, ${given} given`);
  }
  assert.deepEqual([given, taken, mapped.progress], [100, 100, { total: 100, done: 100, failed: 0 }]);
  assert.ok(seen.most <= 4, `${seen.most} at once`);
});

test('outcomes come in order where that is wanted, else as the calls end', async (t) => {
  const { pool, gates } = await squares(t);
  for (const ordered of [true, false]) {
    const first = gate();
    gates.set(1, first);
    const mapped = pool.map('square', [1, 2, 3], { ordered });
    const items = [mapped.next(), mapped.next(), mapped.next()];
    if (!ordered) {
      const indices = (await Promise.all(items.slice(0, 2))).map(({ value }) => value.index);
      assert.deepEqual(indices.sort(), [1, 2]);
    }
    first.open();
    const last = (await Promise.all(items)).map(({ value }) => value.index);
    assert.deepEqual(last, ordered ? [0, 1, 2] : [...last.slice(0, 2), 0]);
  }
});

test('leaving a map cancels what is under way, and closes its inputs', async (t) => {
  const { runtime, pool, seen } = await squares(t);
  let closed = false;
  const inputs = async function* () {
    try {
      for (;;) {
        yield 1;
      }
    } finally {
      closed = true;
    }
  };
  const mapped = pool.map('wait', inputs(), { inFlight: 3 });
  const waiting = mapped.next();
  // Once one is known to run, all that may have been called.
  await pool.call('square', [1]);
  await mapped.return();
  assert.deepEqual(await waiting, { value: undefined, done: true });
  assert.equal(closed, true);
  await runtime.close();
  assert.equal(seen.running, 0);
});

test('a break leaves a map', async (t) => {
  const { pool } = await squares(t);
  const mapped = pool.map('square', [1, 2, 3, 4], { inFlight: 1 });
  for await (const { value } of mapped) {
    assert.equal(value, 1);
    break;
  }
  assert.equal((await mapped.next()).done, true);
  assert.equal(mapped.progress.total, 4);
});

test('a signal ends a map, with its reason', async (t) => {
  const { pool } = await squares(t);
  const controller = new AbortController();
  const mapped = pool.map('wait', [1, 2], { signal: controller.signal });
  const waiting = mapped.next();
  controller.abort('enough');
  await assert.rejects(waiting, { kind: 'CANCELLED', cause: 'enough' });
  assert.equal((await mapped.next()).done, true);
  await assert.rejects(pool.map('wait', [1], { signal: controller.signal }).next(), { kind: 'CANCELLED' });
});

test('inputs that throw end a map behind the calls before them', async (t) => {
  const { pool } = await squares(t);
  const inputs = function* () {
    yield 2;
    throw new RangeError('no more');
  };
  const mapped = pool.map('square', inputs());
  assert.deepEqual((await mapped.next()).value, { index: 0, value: 4 });
  await assert.rejects(mapped.next(), { message: 'no more' });
  assert.equal((await mapped.next()).done, true);
});

test('an input is one argument, unless it is all of them', async (t) => {
  const { pool } = await squares(t);
  const [sum] = await collect(pool.map('add', new Set([args(1, 2)])));
  assert.equal(sum.value, 3);
  const [size, list, symbol] = await collect(
    pool.map('size', [raw(Buffer.from('wool')), [1, 2], Symbol('no value')], { ordered: true }),
  );
  assert.deepEqual([size.value, list.value, symbol.error.name], [4, 2, 'ValueError']);
  for (const inputs of [undefined, 7, {}, 'text']) {
    assert.throws(() => pool.map('add', inputs), { kind: 'INVALID_ARGUMENT', message: /something to iterate over/ });
  }
  assert.throws(() => pool.map('add', [], { inFlight: 0 }), { kind: 'INVALID_ARGUMENT' });
  assert.deepEqual(await collect(pool.map('add', [])), []);
});

test('the calls of a map in a routine are those of its task', async (t) => {
  const { pool } = await squares(t);
  assert.equal(await pool.call('mapped'), true);
});

test('a broadcast has an answer of every worker, and a call on one of them goes to no other', async (t) => {
  const runtime = new Runtime();
  t.after(() => runtime.close());
  runtime.register('where', (fails) => {
    const { workerUid } = currentTask();
    if (fails === workerUid) {
      throw new RangeError('not here');
    }
    return workerUid;
  });
  const workers = [await runtime.serve(), await runtime.serve(), await runtime.serve()];
  const uids = workers.map(({ uid }) => uid).sort();
  const pool = new WorkerPool({ runtime, addresses: workers.map(({ address }) => address), quorum: 3 });
  await pool.call('where');
  const told = pool.broadcast('where', [uids[1]]);
  const outcomes = (await collect(told)).sort((a, b) => (a.worker < b.worker ? -1 : 1));
  assert.deepEqual(
    outcomes.map(({ worker, value, error }) => [worker, value ?? error.name]),
    uids.map((uid, index) => [uid, index === 1 ? 'RangeError' : uid]),
  );
  assert.deepEqual(told.progress, { total: 3, done: 3, failed: 1 });

  for (const worker of [...uids, ...uids]) {
    assert.equal(await pool.call('where', [], { worker }), worker);
  }
  await assert.rejects(pool.call('where', [], { worker: 'sheep' }), { kind: 'INVALID_ARGUMENT' });
  await workers[0].stop(0);
  await assert.rejects(pool.call('where', [], { worker: workers[0].uid, dispatchTimeout: 100 }), (error) => {
    return error.kind === 'NO_WORKERS_AVAILABLE' && retryable(error);
  });
});

test('a broadcast without a worker for it has called nobody', async (t) => {
  const { pool, worker } = await squares(t);
  await pool.call('square', [1]);
  const failing = (kind) => (error) => error.kind === kind && retryable(error);
  await assert.rejects(pool.broadcast('nowhere').next(), failing('ROUTINE_NOT_FOUND'));
  await worker.stop(0);
  await until('the end of the worker', () => !pool.status().workers.some(({ state }) => state === 'up'));
  await assert.rejects(pool.broadcast('square').next(), failing('NO_WORKERS_AVAILABLE'));
});

test('what certainly never started is retryable', async (t) => {
  const { pool } = await squares(t);
  assert.equal(retryable(new WoolError('BUSY', 'later', { retryable: true })), true);
  assert.equal(retryable(new Error('what?')), false);
  assert.equal(retryable(undefined), false);
  const failed = await pool.call('square', [-1]).catch((error) => error);
  assert.equal(retryable(failed), false);
  await assert.rejects(call('square'), (error) => !retryable(error));
  for (const worker of ['', 7]) {
    await assert.rejects(pool.call('square', [1], { worker }), { kind: 'INVALID_ARGUMENT', message: /uid of a worker/ });
  }
});
