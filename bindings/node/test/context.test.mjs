// Values that ride along with a call.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { runInNewContext } from 'node:vm';

import { call, context, currentTask, Float, raw, stream, tuple, ValueError, WoolError } from 'libwool';

import { collect, gate, peers } from './support/peers.mjs';

/** A worker whose routine gives what rides along under a name. */
function readers(t, options) {
  return peers(
    t,
    (runtime) => {
      runtime.register('read', async (namespace, name) => {
        await turn();
        return currentTask().context(namespace, name);
      });
      runtime.register('float', () => currentTask().context('shop', 'price') instanceof Float);
      runtime.register('items', async function* (...names) {
        for (const name of names) {
          yield currentTask().context('shop', name);
        }
      });
    },
    options,
  );
}

test('a routine reads what rides along with its own call', async (t) => {
  const { pool } = await readers(t);
  const values = {
    shop: { customer: { id: 2n ** 70n, tags: new Set(['a']) }, 'naïve name': null, pair: tuple(1, Buffer.from('x')) },
    other: { customer: 'somebody else' },
    empty: {},
  };
  const read = pool.routine('read', { context: values });
  assert.deepEqual(await read('shop', 'customer'), values.shop.customer);
  assert.deepEqual(await read('shop', 'pair'), values.shop.pair);
  assert.equal(await read('other', 'customer'), 'somebody else');
  assert.equal(await read('empty', 'customer'), null);
  const both = [read('other', 'customer'), pool.call('read', ['other', 'customer'])];
  assert.deepEqual(await Promise.all(both), ['somebody else', null]);
  assert.equal(await pool.call('read', ['other', 'customer'], { context: {} }), null);
});

test('what is not there is undefined, null is null, and each reading gives another copy', async (t) => {
  let seen;
  const { pool } = await peers(t, (runtime) => {
    runtime.register('look', () => {
      const task = currentTask();
      seen = ['gone', 'nothing', 'list', 'list'].map((name) => task.context('shop', name));
    });
  });
  await pool.call('look', [], { context: { shop: { nothing: null, list: [1] } } });
  assert.deepEqual(seen, [undefined, null, [1], [1]]);
  assert.notEqual(seen[2], seen[3]);
});

test('a stream has its context to the end', async (t) => {
  const { pool } = await readers(t);
  const stream = pool.stream('items', ['a', 'b', 'a'], { context: { shop: { a: 1, b: 'two' } } });
  assert.deepEqual(await collect(stream), [1, 'two', 1]);
});

test('floats are as exact as the runtime has them', async (t) => {
  for (const exactFloats of [true, false]) {
    const { pool } = await readers(t, { runtime: { exactFloats } });
    assert.equal(await pool.call('float', [], { context: { shop: { price: new Float(1) } } }), exactFloats);
  }
});

test('the hook reads it before anything runs', async (t) => {
  const admit = async ({ context: given }) => {
    await turn();
    const customer = given('shop', 'customer');
    if (customer?.friend !== true) {
      throw new WoolError('PERMISSION_DENIED', `${customer === undefined ? 'nobody' : customer.name} is no friend`);
    }
  };
  const { pool } = await readers(t, { admit });
  const calling = (customer) => pool.call('read', ['shop', 'customer'], { context: { shop: { customer } } });
  assert.deepEqual(await calling({ friend: true }), { friend: true });
  await assert.rejects(calling({ name: 'the wolf' }), { kind: 'PERMISSION_DENIED', message: /the wolf is no friend/ });
  await assert.rejects(pool.call('read', ['shop', 'customer']), { message: /nobody is no friend/ });
});

test('an ended task has only what was read before', async (t) => {
  const tasks = [];
  const { pool } = await peers(t, (runtime) => {
    runtime.register('keep', (read) => {
      tasks.push(currentTask());
      return read ? currentTask().context('shop', 'other') : null;
    });
  });
  const values = { shop: { customer: 7 } };
  await pool.call('keep', [true], { context: values });
  await pool.call('keep', [false], { context: values });
  assert.equal(tasks[0].context('shop', 'customer'), 7);
  assert.throws(() => tasks[1].context('shop', 'customer'), { kind: 'CLOSED', message: /read its context while/ });
});

test('a context that cannot travel is refused where it is written', async (t) => {
  const { pool } = await readers(t);
  const calling = (values) => pool.call('read', ['shop', 'customer'], { context: values });
  for (const values of [null, 'shop', [], new Map(), { shop: 7 }, { shop: ['a'] }, { shop: null }, { shop: new Map() }]) {
    await assert.rejects(calling(values), { kind: 'INVALID_ARGUMENT', message: /context.* has to be a plain object/ });
  }
  await assert.rejects(calling({ '\ud800': { a: 1 } }), { kind: 'INVALID_ARGUMENT', message: /surrogate/ });
  for (const value of [undefined, () => 1, raw(Buffer.from([1]))]) {
    await assert.rejects(calling({ shop: { 'two words': { deep: [value] } } }), (error) => {
      assert.ok(error instanceof ValueError);
      assert.equal(error.path, '$context.shop["two words"].deep[0]');
      return true;
    });
  }
  const large = { shop: { customer: 'x'.repeat(65_536) } };
  await assert.rejects(calling(large), { kind: 'PAYLOAD_TOO_LARGE', message: /shop\.customer/ });
  await assert.rejects(pool.stream('items', [], { context: large }).next(), { kind: 'PAYLOAD_TOO_LARGE' });
  assert.equal(await calling({ shop: { customer: 'x'.repeat(65_000) } }).then((text) => text.length), 65_000);
  assert.equal(await calling(runInNewContext("({ shop: { customer: 'other realm' } })")), 'other realm');
});

/** A worker whose routines change their contexts, `depth` calls below. */
function writers(t, options) {
  return peers(
    t,
    (runtime) => {
      runtime.register('set', async (depth, name, value) => {
        if (depth > 0) {
          await call('set', [depth - 1, name, value]);
        } else if (value === null) {
          context.unset('shop', name);
        } else {
          context.set('shop', name, value);
        }
        return context.get('shop', name) ?? null;
      });
      runtime.register('get', (name) => context.get('shop', name) ?? null);
      runtime.register('fail', () => {
        context.set('shop', 'failed', true);
        throw new RangeError('too far');
      });
      runtime.register('count', async function* () {
        for (;;) {
          const n = context.get('shop', 'n') ?? 0;
          context.set('shop', 'n', n + 1);
          yield n;
        }
      });
      runtime.register('countBelow', async function* () {
        yield* stream('count');
      });
      runtime.register('own', async (n) => {
        context.set('shop', 'own', n);
        await turn();
        return [await call('get', ['own']), currentTask().context('shop', 'own')];
      });
    },
    options,
  );
}

test('what is changed below is changed above', async (t) => {
  const { pool } = await writers(t);
  await context.run(async () => {
    context.set('shop', 'customer', 'Dolly');
    assert.equal(await pool.call('get', ['customer']), 'Dolly');
    assert.deepEqual(await pool.call('set', [3, 'greeted', [true, 1n << 70n]]), [true, 1n << 70n]);
    assert.deepEqual(context.get('shop', 'greeted'), [true, 1n << 70n]);
    assert.equal(await pool.call('set', [3, 'customer', null]), null);
    assert.equal(context.get('shop', 'customer'), undefined);
    await assert.rejects(pool.call('fail'), { name: 'RangeError' });
    assert.equal(context.get('shop', 'failed'), true);
  });
});

test('between the items of a stream changes go both ways', async (t) => {
  const { pool } = await writers(t);
  for (const routine of ['count', 'countBelow']) {
    await context.run(async () => {
      const counting = pool.stream(routine);
      assert.equal((await counting.next()).value, 0);
      assert.equal(context.get('shop', 'n'), 1);
      context.set('shop', 'n', 10);
      assert.equal((await counting.next()).value, 10);
      assert.equal(context.get('shop', 'n'), 11);
      await counting.return();
    });
  }
});

test('tasks at the same time have contexts of their own', async (t) => {
  const { pool } = await writers(t);
  const all = await Promise.all(Array.from({ length: 50 }, (_, n) => pool.call('own', [n])));
  all.forEach((seen, n) => assert.deepEqual(seen, [n, n]));
  const runs = [1, 2].map((n) =>
    context.run(async () => {
      await pool.call('set', [1, 'mine', n]);
      return context.get('shop', 'mine');
    }),
  );
  assert.deepEqual(await Promise.all(runs), [1, 2]);
});

test('what is given with one call is for that call, and comes back to nobody', async (t) => {
  const { pool } = await writers(t);
  await context.run(async () => {
    context.set('shop', 'customer', 'Dolly');
    assert.equal(await pool.call('get', ['customer'], { context: { shop: { customer: 'Molly' } } }), 'Molly');
    assert.equal(context.get('shop', 'customer'), 'Dolly');
  });
});

test('a routine can make its calls in a context of their own', async (t) => {
  const { pool } = await peers(t, (runtime) => {
    runtime.register('get', () => context.get('shop', 'customer') ?? null);
    runtime.register('root', () => context.run(() => call('get')));
  });
  assert.equal(await pool.call('root', [], { context: { shop: { customer: 7 } } }), null);
});

test('outside of tasks there is a context only where one is made', async () => {
  assert.equal(context.get('shop', 'customer'), undefined);
  for (const change of [() => context.set('shop', 'customer', 7), () => context.unset('shop', 'customer')]) {
    assert.throws(change, { kind: 'INVALID_ARGUMENT', message: /context\.run/ });
  }
  await context.run(async () => {
    await turn();
    context.set('shop', 'price', new Float(2));
    assert.equal(context.get('shop', 'price'), 2);
    assert.ok(context.get('shop', 'price', { exactFloats: true }) instanceof Float);
    context.unset('shop', 'nothing');
    assert.throws(() => context.set('shop', 7, 1), { kind: 'INVALID_ARGUMENT' });
    assert.throws(() => context.get('\ud800', 'a'), { kind: 'INVALID_ARGUMENT' });
    assert.throws(() => context.set('shop', 'customer', undefined), { name: 'ValueError' });
    assert.throws(() => context.set('shop', 'customer', 'x'.repeat(65_536)), { kind: 'PAYLOAD_TOO_LARGE' });
    assert.throws(() => context.set('w3c', 'traceparent', 7), { kind: 'INVALID_ARGUMENT' });
  });
});

test('the context of a task goes with the task', async (t) => {
  const ended = gate();
  let late;
  const { pool } = await peers(t, (runtime) => {
    runtime.register('go', () => {
      late = ended.opened.then(() => context.set('shop', 'customer', 7));
    });
  });
  await pool.call('go');
  ended.open();
  await assert.rejects(late, { kind: 'CLOSED', message: /read its context while it runs/ });
});
