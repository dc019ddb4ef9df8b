// Calls that tasks make.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';

import { call, currentPool, currentTask, Runtime, stream, WorkerPool } from 'libwool';

import { aborted, collect, gate, peers } from './support/peers.mjs';

/** What a task is, and whose it is. */
function self() {
  const { id, caller, routine, tag } = currentTask();
  return { id, caller: caller ?? null, routine, tag };
}

test('a routine calls by the pool of its caller, as deep as it likes, on one place', async (t) => {
  const { pool } = await peers(
    t,
    (runtime) => {
      runtime.register('fib', async (n) => {
        return n < 2 ? n : (await call('fib', [n - 1])) + (await call('fib', [n - 2]));
      });
      runtime.register('countdown', async function* (n) {
        yield n;
        if (n > 0) {
          yield* stream('countdown', [n - 1]);
        }
      });
    },
    { concurrency: 1 },
  );
  assert.equal(await pool.call('fib', [10]), 55);
  assert.deepEqual(await collect(pool.stream('countdown', [5])), [5, 4, 3, 2, 1, 0]);
});

test('the caller of a nested call is the task that makes it, whichever pool it makes it by', async (t) => {
  let other;
  const { runtime, worker, pool } = await peers(t, (runtime) => {
    runtime.register('leaf', self);
    runtime.register('leaves', function* () {
      yield self();
    });
    runtime.register('ambient', async () => {
      await turn();
      const [leaf, [first]] = await Promise.all([call('leaf', [], { tag: 'inner' }), collect(stream('leaves'))]);
      return [self(), leaf, first];
    });
    runtime.register('explicit', async () => [self(), await other.call('leaf'), await other.run(() => call('leaf'))]);
  });
  other = new WorkerPool({ runtime, addresses: [worker.address] });
  const [root, leaf, item] = await pool.call('ambient', [], { tag: 'outer' });
  assert.deepEqual(root, { id: root.id, caller: null, routine: 'ambient', tag: 'outer' });
  assert.deepEqual(leaf, { id: leaf.id, caller: root.id, routine: 'leaf', tag: 'inner' });
  assert.deepEqual(item, { id: item.id, caller: root.id, routine: 'leaves', tag: '' });
  const [parent, byOther, byScope] = await pool.call('explicit');
  assert.deepEqual([byOther.caller, byScope.caller], [parent.id, parent.id]);
  assert.equal((await pool.call('leaf')).caller, null);
});

test('concurrent tasks keep their calls apart', async (t) => {
  const { pool } = await peers(t, (runtime) => {
    runtime.register('leaf', async () => {
      await turn();
      return currentTask().caller;
    });
    runtime.register('root', async () => [currentTask().id, ...(await Promise.all([call('leaf'), call('leaf')]))]);
  });
  for (const [id, ...callers] of await Promise.all(Array.from({ length: 20 }, () => pool.call('root')))) {
    assert.deepEqual(callers, [id, id]);
  }
});

test('outside of routines a pool is ambient where it is run', async (t) => {
  const { pool } = await peers(t, (runtime) => runtime.register('one', () => 1));
  assert.equal(currentPool(), undefined);
  await assert.rejects(call('one'), { kind: 'INVALID_ARGUMENT', message: /pool\.run/ });
  assert.throws(() => stream('one'), { kind: 'INVALID_ARGUMENT', message: /pool\.run/ });
  const done = await pool.run(async () => {
    await turn();
    assert.equal(currentPool(), pool);
    return call('one');
  });
  assert.equal(done, 1);
  assert.equal(currentPool(), undefined);
});

test('the pool of the caller cannot be closed, and is good when the task has ended', async (t) => {
  let kept;
  const { pool } = await peers(t, (runtime) => {
    runtime.register('who', () => currentTask().caller);
    runtime.register('keep', async () => {
      kept = currentPool();
      assert.equal(currentPool(), kept);
      await assert.rejects(kept.close(), { kind: 'INVALID_ARGUMENT', message: /shared with other tasks/ });
      return call('who');
    });
  });
  assert.ok(await pool.call('keep'));
  assert.equal(await kept.call('who'), null);
});

test('what goes on after its task has ended has no ambient pool, and belongs to no task', async (t) => {
  const late = [];
  const { pool } = await peers(t, (runtime) => {
    runtime.register('who', () => currentTask().caller);
    runtime.register('go', (opened) => {
      const ended = late[opened];
      late.push(ended.opened.then(() => Promise.allSettled([call('who'), pool.call('who')])));
      return 'gone';
    });
  });
  const ended = gate();
  late.push(ended);
  await pool.call('go', [0]);
  ended.open();
  const [ambient, explicit] = await late[1];
  assert.equal(ambient.reason.kind, 'CLOSED');
  assert.match(ambient.reason.message, /the task of go has ended/);
  assert.equal(explicit.value, null);
});

test('a nested call has at most the time of its task', async (t) => {
  const { pool } = await peers(t, (runtime) => {
    runtime.register('left', () => currentTask().remaining);
    runtime.register('outer', async () => [currentTask().remaining, await call('left', [], { timeout: 3_600_000 })]);
  });
  const [outer, inner] = await pool.call('outer', [], { timeout: 600_000 });
  assert.ok(inner <= outer && inner > 0, `${inner} of ${outer}`);
  assert.equal(await pool.call('left'), null);
});

/** A worker whose `nest` calls itself until it waits; `ends` tells how each of its calls ended. */
async function nesting(t) {
  const ends = [];
  const waits = gate();
  const ended = gate();
  const served = await peers(t, (runtime) => {
    runtime.register('wait', async () => {
      waits.open();
      await aborted(currentTask().signal);
      ended.open();
      throw currentTask().signal.reason;
    });
    runtime.register('nest', async (depth) => {
      try {
        return await (depth > 0 ? call('nest', [depth - 1]) : call('wait'));
      } catch (error) {
        ends.push(error.kind);
        await assert.rejects(call('wait'), { kind: 'CANCELLED' });
        throw error;
      }
    });
    runtime.register('nestedStream', async function* () {
      yield 0;
      yield* stream('nestedWait');
    });
    runtime.register('nestedWait', async function* () {
      waits.open();
      await aborted(currentTask().signal);
      ended.open();
    });
  });
  return { ...served, ends, waits, ended };
}

test('a cancelled root takes its calls with it', async (t) => {
  const { runtime, pool, ends, waits, ended } = await nesting(t);
  const controller = new AbortController();
  const calling = pool.call('nest', [2], { signal: controller.signal });
  await waits.opened;
  controller.abort();
  await assert.rejects(calling, { kind: 'CANCELLED' });
  await ended.opened;
  // Ends when all tasks have.
  await runtime.close();
  assert.deepEqual(ends, ['CANCELLED', 'CANCELLED', 'CANCELLED']);
});

test('a cancelled stream takes its streams with it', async (t) => {
  const { pool, waits, ended } = await nesting(t);
  const controller = new AbortController();
  const outer = pool.stream('nestedStream', [], { signal: controller.signal });
  assert.equal((await outer.next()).value, 0);
  const next = outer.next();
  await waits.opened;
  controller.abort();
  await assert.rejects(next, { kind: 'CANCELLED' });
  await ended.opened;
});

test('a task that ends by itself leaves its calls alone', async (t) => {
  const hold = gate();
  let inner;
  const { pool } = await peers(t, (runtime) => {
    runtime.register('hold', () => hold.opened);
    runtime.register('leave', () => {
      inner = call('hold');
    });
  });
  await pool.call('leave');
  hold.open();
  assert.equal(await inner, null);
});

test('a routine passes on what its call failed with', async (t) => {
  const { pool } = await peers(t, (runtime) => {
    runtime.register('fail', () => {
      throw new RangeError('too far');
    });
    runtime.register('pass', () => call('fail'));
  });
  await assert.rejects(pool.call('pass'), (error) => error instanceof RangeError && error.message === 'too far');
});

test('a call of another runtime belongs to the task, too', async (t) => {
  const other = new Runtime();
  t.after(() => other.close());
  other.register('leaf', self);
  const elsewhere = await other.serve();
  const away = new WorkerPool({ runtime: other, addresses: [elsewhere.address] });
  const { pool } = await peers(t, (runtime) => {
    runtime.register('root', async () => [currentTask().id, (await away.call('leaf')).caller]);
  });
  const [id, caller] = await pool.call('root');
  assert.equal(caller, id);
});

test('a worker takes a pool for the calls of its tasks, and nothing else', async (t) => {
  const { runtime, pool } = await peers(t, () => {});
  const worker = await runtime.serve({ pool });
  await worker.stop(0);
  await assert.rejects(runtime.serve({ pool: 'farm' }), { kind: 'INVALID_ARGUMENT', message: /pool is a WorkerPool/ });
});
