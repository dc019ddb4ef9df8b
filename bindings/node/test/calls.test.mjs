import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';

import { currentTask, decode, raw, Tuple, tuple } from 'libwool';

import { aborted, gate, peers } from './support/peers.mjs';

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

test('a call gives what the routine returned', async (t) => {
  const { pool } = await peers(t, (runtime) => {
    runtime.register('add', async (a, b) => a + b);
    runtime.register('sync', (x) => ({ got: x }));
    runtime.register('nothing', () => {});
    runtime.register('thenable', () => ({ then: (resolve) => resolve('awaited') }));
  });
  assert.equal(await pool.call('add', [1, 2]), 3);
  assert.deepEqual(await pool.call('sync', [[1, { a: null }]]), { got: [1, { a: null }] });
  assert.equal(await pool.call('nothing'), null);
  assert.equal(await pool.call('thenable'), 'awaited');
  const add = pool.routine('add');
  assert.equal(await add('a', 'b'), 'ab');
});

test('values keep their types', async (t) => {
  const { pool } = await peers(t, (runtime) => {
    runtime.register('echo', (x) => x);
    runtime.register('is.tuple', (x) => x instanceof Tuple);
  });
  const value = [2n ** 70n, new Map([[1, 'one']]), new Set(['a']), Buffer.from('bytes'), tuple(1, 2), 0.5, -0];
  assert.deepEqual(await pool.call('echo', [value]), value);
  assert.equal(await pool.call('is.tuple', [tuple()]), true);
});

test('named arguments find their parameters, or come last', async (t) => {
  const { pool } = await peers(t, (runtime) => {
    runtime.register('placed', (...args) => args, { parameters: ['a', 'b', 'c'] });
    runtime.register('last', (...args) => args);
    runtime.register('holes', (a, b, c) => [a === undefined, b === undefined, c], {
      parameters: [{ name: 'a', optional: true }, { name: 'b', optional: true }, 'c'],
    });
  });
  assert.deepEqual(await pool.call('placed', [1], { named: { c: 3, b: 2 } }), [1, 2, 3]);
  assert.deepEqual(await pool.call('last', [1], { named: { c: 3 } }), [1, { c: 3 }]);
  assert.deepEqual(await pool.call('holes', [], { named: { c: 3 } }), [true, true, 3]);
  await assert.rejects(pool.call('placed', [1], { named: { a: 2 } }), {
    remoteType: 'ArgumentError',
    kind: 'TASK_FAILED',
  });
  await assert.rejects(pool.call('placed', [1], { named: { d: 2 } }), /takes no argument named "d"/);
});

test('raw bytes skip the codec', async (t) => {
  const { pool } = await peers(t, (runtime) => {
    runtime.register('reverse', (bytes) => raw(Buffer.from(bytes).reverse()));
  });
  assert.deepEqual(await pool.call('reverse', raw(Buffer.from([0xc1, 1, 2]))), Buffer.from([2, 1, 0xc1]));
});

test('payloads of all sizes', async (t) => {
  const { pool } = await peers(t, (runtime) => runtime.register('echo', (x) => x));
  for (const size of [0, 1, 4095, 65_536, 262_144, 1_048_577, 20_000_000]) {
    const bytes = Buffer.alloc(size, size % 251);
    const back = await pool.call('echo', [bytes]);
    assert.ok(bytes.equals(back), `${size} bytes`);
  }
  const text = '羊🐑 '.repeat(200_000);
  assert.equal(await pool.call('echo', [text]), text);
});

test('1,000 calls at once', async (t) => {
  const { pool } = await peers(t, (runtime) => {
    runtime.register('twice', async (x) => {
      await turn();
      return [x, x];
    });
  });
  const results = await Promise.all(Array.from({ length: 1000 }, (_, i) => pool.call('twice', [`call ${i}`])));
  results.forEach((result, i) => assert.deepEqual(result, [`call ${i}`, `call ${i}`]));
});

test('an abort cancels the routine and rejects with the reason', async (t) => {
  const started = gate();
  const cancelled = gate();
  const { pool } = await peers(t, (runtime) => {
    runtime.register('wait', async () => {
      started.open();
      await aborted(currentTask().signal);
      cancelled.open(currentTask().signal.reason);
    });
  });
  const controller = new AbortController();
  const call = pool.call('wait', [], { signal: controller.signal });
  await started.opened;
  const why = new Error('changed my mind');
  controller.abort(why);
  await assert.rejects(call, { name: 'WoolError', kind: 'CANCELLED', cause: why });
  assert.equal((await cancelled.opened).kind, 'CANCELLED');
});

test('one signal cancels many calls, and none that comes later is sent', async (t) => {
  let ran = 0;
  const { pool } = await peers(t, (runtime) => {
    runtime.register('wait', async () => {
      ran++;
      await aborted(currentTask().signal);
    });
  });
  const controller = new AbortController();
  const calls = Array.from({ length: 100 }, () => pool.call('wait', [], { signal: controller.signal }));
  controller.abort();
  const outcomes = await Promise.allSettled(calls);
  assert.ok(outcomes.every(({ reason }) => reason.kind === 'CANCELLED'));
  const before = ran;
  await assert.rejects(pool.call('wait', [], { signal: controller.signal }), { kind: 'CANCELLED' });
  assert.equal(ran, before);
});

test('a call ends when its time is up', async (t) => {
  const remaining = gate();
  const { pool } = await peers(t, (runtime) => {
    runtime.register('wait', async () => {
      remaining.open(currentTask().remaining);
      await aborted(currentTask().signal);
    });
  });
  await assert.rejects(pool.call('wait', [], { timeout: 300 }), { kind: 'DEADLINE_EXCEEDED' });
  const left = await remaining.opened;
  assert.ok(left >= 0 && left <= 300, String(left));
  await assert.rejects(pool.call('wait', [], { timeout: 0 }), { kind: 'DEADLINE_EXCEEDED' });
  await assert.rejects(pool.call('wait', [], { timeout: NaN }), { kind: 'INVALID_ARGUMENT' });
});

test('an unknown routine', async (t) => {
  const { pool } = await peers(t, () => {});
  await assert.rejects(pool.call('no.such.routine'), { name: 'WoolError', kind: 'ROUTINE_NOT_FOUND' });
});

test('arguments that cannot be encoded are not sent', async (t) => {
  let ran = 0;
  const { pool } = await peers(t, (runtime) => runtime.register('count', () => ++ran));
  await assert.rejects(pool.call('count', [{ f: () => 1 }]), { name: 'ValueError', kind: 'CODEC', path: '$[0].f' });
  assert.equal(await pool.call('count'), 1);
});

test('a result that cannot be encoded fails the task', async (t) => {
  const { pool } = await peers(t, (runtime) => runtime.register('bad', () => ({ ok: 1, no: Symbol('no') })));
  await assert.rejects(pool.call('bad'), (error) => {
    assert.equal(error.kind, 'CODEC');
    assert.match(error.message, /\$\.no/);
    return true;
  });
});

test('the current task follows await and nested calls', async (t) => {
  let pool;
  const peer = await peers(t, (runtime) => {
    runtime.register('outer', async () => {
      await turn();
      const { id, routine, workerUid, caller, remaining } = currentTask();
      const inner = await pool.call('inner');
      return {
        id,
        routine,
        workerUid,
        caller: caller ?? null,
        remaining: remaining ?? null,
        inner,
        same: currentTask().id === id,
      };
    });
    runtime.register('inner', () => currentTask().id);
  });
  pool = peer.pool;
  assert.equal(currentTask(), undefined);
  const outer = await pool.call('outer');
  assert.match(outer.id, UUID);
  assert.match(outer.inner, UUID);
  assert.notEqual(outer.inner, outer.id);
  assert.equal(outer.routine, 'outer');
  assert.equal(outer.workerUid, peer.worker.uid);
  assert.deepEqual([outer.caller, outer.remaining, outer.same], [null, null, true]);
});

test('exact floats for programs that pass values on', async (t) => {
  const { pool } = await peers(t, (runtime) =>
    runtime.register('echo', (x) => raw(Buffer.from([0xcb, 0x3f, 0xf0, 0, 0, 0, 0, 0, 0]))),
  );
  assert.equal(decode(await pool.call('echo')), 1);
  const exact = await peers(t, (runtime) => runtime.register('type', (x) => typeof x), {
    runtime: { exactFloats: true },
  });
  assert.equal(await exact.pool.call('type', [1]), 'number');
});
