// Values that ride along with a call.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { runInNewContext } from 'node:vm';

import { currentTask, Float, raw, tuple, ValueError, WoolError } from 'libwool';

import { collect, peers } from './support/peers.mjs';

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
  const context = {
    shop: { customer: { id: 2n ** 70n, tags: new Set(['a']) }, 'naïve name': null, pair: tuple(1, Buffer.from('x')) },
    other: { customer: 'somebody else' },
    empty: {},
  };
  const read = pool.routine('read', { context });
  assert.deepEqual(await read('shop', 'customer'), context.shop.customer);
  assert.deepEqual(await read('shop', 'pair'), context.shop.pair);
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
  const admit = async ({ context }) => {
    await turn();
    const customer = context('shop', 'customer');
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
  const context = { shop: { customer: 7 } };
  await pool.call('keep', [true], { context });
  await pool.call('keep', [false], { context });
  assert.equal(tasks[0].context('shop', 'customer'), 7);
  assert.throws(() => tasks[1].context('shop', 'customer'), { kind: 'CLOSED', message: /read its context while/ });
});

test('a context that cannot travel is refused where it is written', async (t) => {
  const { pool } = await readers(t);
  const calling = (context) => pool.call('read', ['shop', 'customer'], { context });
  for (const context of [null, 'shop', [], new Map(), { shop: 7 }, { shop: ['a'] }, { shop: null }, { shop: new Map() }]) {
    await assert.rejects(calling(context), { kind: 'INVALID_ARGUMENT', message: /context.* has to be a plain object/ });
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
