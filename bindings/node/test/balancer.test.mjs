// How a pool spreads its calls.
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { WorkerPool } from 'libwool';

import { gate } from './support/peers.mjs';
import { until } from './support/processes.mjs';
import { poolFor, runtimeFor, up } from './support/pools.mjs';
import { discovery } from './support/records.mjs';

/** A pool of workers that tell their names, in the order of `names`; `held` waits until it is let go. */
async function flock(t, balancer, names = ['a', 'b', 'c']) {
  const { open: letGo, opened } = gate();
  const uids = new Map();
  const found = discovery();
  for (const name of names) {
    const runtime = runtimeFor(t);
    runtime.register('name', () => name);
    runtime.register('names', function* () {
      yield name;
    });
    runtime.register('held', () => opened.then(() => name));
    const { uid } = await runtime.serve({ tags: [name], publish: found });
    uids.set(uid, name);
  }
  const pool = poolFor(t, { discovery: found, balancer });
  await up(pool, names.length);
  return { pool, letGo, uids };
}

/** Warnings of libwool's, from now on. */
function warnings(t) {
  const heard = [];
  const hear = (warning) => {
    if (warning.name === 'WoolWarning') heard.push(warning.message);
  };
  process.on('warning', hear);
  t.after(() => process.off('warning', hear));
  return heard;
}

const times = (count, call) => Promise.all(Array.from({ length: count }, call));

test('by default, and by name, workers take turns', async (t) => {
  for (const balancer of [undefined, 'round-robin']) {
    const { pool } = await flock(t, balancer);
    const names = await times(30, () => pool.call('name'));
    assert.deepEqual(names.slice(0, 3).sort(), ['a', 'b', 'c']);
    assert.deepEqual(names, [...Array(10)].flatMap(() => names.slice(0, 3)));
  }
});

test('the least loaded of two gets the call', async (t) => {
  const { pool, letGo } = await flock(t, 'least-loaded', ['a', 'b']);
  const held = times(10, () => pool.call('held'));
  letGo();
  const names = await held;
  assert.deepEqual(['a', 'b'].map((name) => names.filter((each) => each === name).length), [5, 5]);
});

test('a function is told of the call and of the workers, and chooses', async (t) => {
  const choices = [];
  const { pool, letGo, uids } = await flock(t, (choice) => {
    choices.push(choice);
    return choice.workers.findIndex(({ tags }) => tags.includes(choice.tag));
  });
  for (const name of ['b', 'b', 'a', 'c', 'a']) {
    assert.equal(await pool.call('name', [], { tag: name }), name);
  }
  for (const { routine, workers } of choices) {
    assert.equal(routine, 'name');
    assert.deepEqual(new Map(workers.map(({ uid, tags }) => [uid, tags[0]])), uids);
    assert.ok(workers.every(({ address }) => /^(127\.0\.0\.1:\d+|unix:\/.+)$/.test(address)));
    assert.ok(workers.every(({ inFlight, capacity }) => inFlight === 0 && capacity === 1024));
  }
  assert.deepEqual(choices.map(({ tag }) => tag), ['b', 'b', 'a', 'c', 'a']);
  const held = pool.call('held', [], { tag: 'b' });
  await until('a call in flight', () => pool.status().workers.some(({ inFlight }) => inFlight === 1));
  await pool.call('name', [], { tag: 'a' });
  assert.equal(choices.at(-1).workers.find(({ tags }) => tags[0] === 'b').inFlight, 1);
  letGo();
  assert.equal(await held, 'b');
});

test('a function may take its time', async (t) => {
  const { pool } = await flock(t, async ({ tag, workers }) => {
    await new Promise(setImmediate);
    return workers.findIndex(({ tags }) => tags.includes(tag));
  });
  const tags = Array.from({ length: 30 }, (_, n) => 'abc'[n % 3]);
  assert.deepEqual(await Promise.all(tags.map((tag) => pool.call('name', [], { tag }))), tags);
});

test('streams are given to whom it chooses, too', async (t) => {
  const { pool } = await flock(t, ({ workers }) => workers.findIndex(({ tags }) => tags.includes('b')));
  for (let n = 0; n < 4; n++) {
    assert.equal((await pool.stream('names').next()).value, 'b');
  }
});

test('a call that goes to none waits, and is asked about again', async (t) => {
  const asked = [];
  for (const none of [undefined, -1, -5]) {
    const { pool } = await flock(t, ({ tag, workers }) => {
      asked.push(tag);
      const chosen = workers.findIndex(({ tags }) => tags.includes(tag));
      return chosen < 0 ? none : chosen;
    });
    const waiting = pool.call('name', [], { tag: 'd', dispatchTimeout: 200 });
    const refused = assert.rejects(waiting, { kind: 'NO_WORKERS_AVAILABLE', retryable: true });
    assert.equal(await pool.call('name', [], { tag: 'a' }), 'a');
    await refused;
  }
  assert.ok(asked.filter((tag) => tag === 'd').length >= 3);
});

test('one that fails is warned of once, and the call goes to the next in turn', async (t) => {
  const heard = warnings(t);
  const failures = [
    [
      () => {
        throw new TypeError('broken');
      },
      /TypeError: broken/,
    ],
    [() => Promise.reject(new Error('down')), /down/],
    [() => 3, /it chose 3 of 3/],
    [() => 0.5, /it chose 0\.5/],
    [() => NaN, /it chose NaN/],
    [() => '0', /it chose '0'/],
    [() => null, /it chose null/],
    [() => true, /it chose true/],
    [async () => Infinity, /it chose Infinity/],
    [async () => ({}), /it chose \{\}/],
    [() => Promise.reject(null), /null/],
  ];
  for (const [balancer, message] of failures) {
    const { pool } = await flock(t, balancer);
    const names = new Set(await times(9, () => pool.call('name')));
    assert.deepEqual([...names].sort(), ['a', 'b', 'c']);
    await until('a warning', () => heard.length > 0);
    assert.equal(heard.length, 1);
    assert.match(heard.pop(), message);
  }
});

test('a call whose function never answers ends as every call does', async (t) => {
  const { pool } = await flock(t, () => new Promise(() => {}));
  await assert.rejects(pool.call('name', [], { dispatchTimeout: 100 }), { kind: 'NO_WORKERS_AVAILABLE' });
  await assert.rejects(pool.call('name', [], { timeout: 100 }), { kind: 'DEADLINE_EXCEEDED' });
  await assert.rejects(pool.call('name', [], { signal: AbortSignal.timeout(10) }), { kind: 'CANCELLED' });
  const pending = assert.rejects(pool.call('name'), { kind: 'CLOSED' });
  await pool.close();
  await pending;
});

test('what comes after the end of the call does no harm', async (t) => {
  const late = [];
  const { pool } = await flock(t, ({ tag }) => (tag === 'late' ? new Promise((resolve) => late.push(resolve)) : 0));
  await assert.rejects(pool.call('name', [], { tag: 'late', timeout: 100 }), { kind: 'DEADLINE_EXCEEDED' });
  late.forEach((resolve) => resolve(0));
  assert.match(await pool.call('name'), /^[abc]$/);
});

test('what is no balancer is refused', (t) => {
  const runtime = runtimeFor(t);
  for (const balancer of ['fair', 'toString', 1, null, {}]) {
    assert.throws(() => new WorkerPool({ runtime, addresses: ['127.0.0.1:1'], balancer }), {
      kind: 'INVALID_ARGUMENT',
      message: /^balancer is 'round-robin', 'least-loaded' or a function/,
    });
  }
});
