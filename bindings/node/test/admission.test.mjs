import assert from 'node:assert/strict';
import { test } from 'node:test';

import { Runtime, WoolError, WorkerPool } from 'libwool';

import { gate, peers } from './support/peers.mjs';

/** A worker whose hook is `admit`, and what its routine has seen. */
async function guarded(t, admit, options = {}) {
  const calls = [];
  const served = await peers(
    t,
    (runtime) => {
      runtime.register('note', (x) => calls.push(x));
      runtime.register('wait', async (x) => {
        calls.push(x);
        await x;
      });
      runtime.register('count', function* (n) {
        yield* Array(n).keys();
      });
    },
    { admit, ...options },
  );
  return { ...served, calls };
}

test('the hook sees what is called, and lets it in', async (t) => {
  const requests = [];
  const { pool, calls } = await guarded(t, (request) => {
    requests.push(request);
  });
  await pool.call('note', [1], { tag: 'vip' });
  await pool.call('note', [2]);
  assert.equal((await pool.stream('count', [3], { tag: 'stream' }).next()).value, 0);
  assert.deepEqual(calls, [1, 2]);
  assert.deepEqual(
    requests.map(({ routine, tag }) => [routine, tag]),
    [
      ['note', 'vip'],
      ['note', ''],
      ['count', 'stream'],
    ],
  );
  assert.equal(requests[0].inFlight, 0);
});

test('the hook is told of the other tasks in flight', async (t) => {
  const inFlight = [];
  const all = gate();
  const { pool } = await guarded(t, async (request) => {
    inFlight.push(request.inFlight);
    if (inFlight.length === 3) {
      all.open();
    }
    await all.opened;
  });
  await Promise.all([1, 2, 3].map((x) => pool.call('note', [x])));
  assert.deepEqual(inFlight, [0, 1, 2]);
});

test('a refusal ends the call, before anything has run', async (t) => {
  const { pool, calls } = await guarded(t, async ({ routine, tag }) => {
    await new Promise(setImmediate);
    if (tag !== 'vip') {
      throw new WoolError('PERMISSION_DENIED', `${routine} is for vips`);
    }
  });
  await assert.rejects(pool.call('note', [1]), {
    kind: 'PERMISSION_DENIED',
    message: /note is for vips/,
    retryable: true,
  });
  await assert.rejects(pool.stream('count', [1]).next(), { kind: 'PERMISSION_DENIED' });
  await pool.call('note', [2], { tag: 'vip' });
  assert.deepEqual(calls, [2]);
});

test('who is told that a worker is busy goes to another', async (t) => {
  const asked = { first: 0, second: 0 };
  const runtime = new Runtime();
  t.after(() => runtime.close());
  const served = [];
  const workers = [];
  for (const name of ['first', 'second']) {
    const own = new Runtime();
    t.after(() => own.close());
    own.register('where', () => served.push(name));
    const admit = () => {
      asked[name]++;
      if (name === 'first') {
        throw new WoolError('BUSY', 'the first is never free');
      }
    };
    workers.push(await own.serve({ admit }));
  }
  const pool = new WorkerPool({ runtime, addresses: workers.map(({ address }) => address) });
  for (let i = 0; i < 6; i++) {
    await pool.call('where');
  }
  assert.deepEqual(served, Array(6).fill('second'));
  assert.equal(asked.second, 6);
});

test('a hook that fails rejects the call, and nothing else', async (t) => {
  const failures = [
    () => {
      throw new TypeError('broken');
    },
    async () => {
      throw null;
    },
    () => Promise.reject(new WoolError('TIMEOUT', 'too slow')),
    () => false,
    () => {
      throw new Proxy(new Error('x'), {
        get() {
          throw new Error('from the trap');
        },
      });
    },
  ];
  let failing;
  const { pool, calls } = await guarded(t, () => failing?.());
  for (failing of failures) {
    await assert.rejects(pool.call('note', [1]), { kind: 'REJECTED', message: /the admission hook failed: / });
  }
  failing = failures[0];
  await assert.rejects(pool.call('note', [1]), { message: /the admission hook failed: TypeError: broken/ });
  failing = undefined;
  await pool.call('note', [2]);
  assert.deepEqual(calls, [2]);
});

test('a call waits for its hook alone, and its place is free when the caller leaves', async (t) => {
  const answers = new Map();
  const { pool, calls } = await guarded(
    t,
    ({ tag }) => tag && new Promise((resolve) => answers.set(tag, () => resolve())),
    { concurrency: 2 },
  );
  const held = pool.call('note', ['held'], { tag: 'a' });
  await pool.call('note', ['other']);
  const controller = new AbortController();
  const left = pool.call('note', ['left'], { tag: 'b', signal: controller.signal });
  const gone = assert.rejects(left, { kind: 'CANCELLED' });
  while (answers.size < 2) {
    await new Promise(setImmediate);
  }
  controller.abort();
  await gone;
  await pool.call('note', ['after']);
  // Too late to matter.
  answers.get('b')();
  await assert.rejects(pool.call('note', ['late'], { tag: 'c', timeout: 100 }), { kind: 'DEADLINE_EXCEEDED' });
  answers.get('a')();
  await held;
  assert.deepEqual(calls, ['other', 'after', 'held']);
});

test('a worker stops while its hook still thinks', async (t) => {
  const { pool, worker, calls } = await guarded(t, () => new Promise(() => {}));
  const pending = pool.call('note', [1], { dispatchTimeout: 500 });
  const outcome = assert.rejects(pending, { name: 'WoolError' });
  await pool.call('note', [1], { timeout: 50 }).catch(() => {});
  await worker.stop(0);
  await outcome;
  assert.deepEqual(calls, []);
});

test('a hook is a function', async (t) => {
  const runtime = new Runtime();
  t.after(() => runtime.close());
  await assert.rejects(runtime.serve({ admit: 'vips' }), { kind: 'INVALID_ARGUMENT' });
});
